"""What a bank says: statements and their booked entries, whatever format they came in; no rule whose payment it is.

An entry is one payment: a batch of the bank is taken apart before, as far as the bank tells its parts.
"""

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple


class Entry(NamedTuple):
    """One payment of a statement; amounts in minor units, positive when money came in.

    `key`: the same whenever a bank tells of the same entry again (`intake.bank_statements` says what it cannot know).
    `statement`: its statement's place in the file; `line`: its line there. `lines`: what the payer wrote, as the bank
    cut it, maybe through a number; `references`: what stands in fields made for references. `takes_back`: it takes back
    an earlier payment (return, reversal, recall), with the bank's `code` and `why`. `instructed`: the amount before
    charges, 0 when not told. `undivided`: how many payments it sums up that the bank does not tell apart, else 0.
    """

    key: str
    statement: int
    line: int
    amount: int
    currency: str
    booked_on: date
    value_on: date
    lines: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    end_to_end_id: str = ""
    mandate_id: str = ""
    bank_ref: str = ""
    name: str = ""
    iban: str = ""
    takes_back: bool = False
    code: str = ""
    why: str = ""
    instructed: int = 0
    undivided: int = 0

    @property
    def purpose(self) -> str:
        """Give what the payer wrote on one line."""
        return " ".join(self.lines)


@dataclass(slots=True)
class Statement:
    """What a bank booked on one account, pages put together; balances in minor units, None when not told.

    `format`: `camt.053`, `camt.054`, `mt940`. `total`: the sum of what was booked. `pending`: how many entries were
    left out because they are not booked yet. `refused`: why nothing of it may be taken; empty for a good one.
    """

    number: str
    account: str
    currency: str
    format: str
    line: int
    opening: int | None = None
    closing: int | None = None
    total: int = 0
    entries: int = 0
    pending: int = 0
    refused: str = ""

    @property
    def checked(self) -> bool:
        """Tell whether both balances are there to prove that nothing is missing; camt.054 never has them."""
        return self.opening is not None and self.closing is not None

    @property
    def difference(self) -> int:
        """Answer how much the entries miss of the closing balance; 0 when that cannot be checked."""
        if self.opening is None or self.closing is None:
            return 0
        return self.closing - self.opening - self.total
