"""A row as it came and what is said about it when it is refused; the words of intake."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

TORN = "the file ends in the middle of this row"


class Record(NamedTuple):
    """A row: its number (line of the file, or place in a request), its values by column, its cells as they came.

    `tidy`: every value is a text as `values.clean` leaves it.
    """

    row: int
    values: Mapping[str, object]
    cells: Sequence[str] = ()
    tidy: bool = False


class Rejected(NamedTuple):
    """Why a row was not taken; `column` is empty when the row as a whole is at fault."""

    row: int
    column: str
    reason: str

    def as_json(self) -> dict[str, object]:
        """Write as the command line and the API do."""
        return {"row": self.row, "column": self.column, "reason": self.reason}


class Credit(NamedTuple):
    """What a row says the creditor owes: a credit note, or an invoice that was over-paid; nobody is dunned for it."""

    row: int
    what: str

    def as_json(self) -> dict[str, object]:
        """Write as the command line and the API do."""
        return {"row": self.row, "what": self.what}
