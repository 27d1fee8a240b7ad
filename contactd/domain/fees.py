"""Fees by value, as courts and lawyers have them: a lowest fee, and so much for each begun step of value above it.

For `charges.py` and `next_stage.py`; the configuration reads the tables from a file. Amounts are euro cents.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple


class Step(NamedTuple):
    """Up to that value, each begun `step` of value more than the row before reaches costs `fee`."""

    up_to: int
    step: int
    fee: int


@dataclass(frozen=True, slots=True)
class FeeTable:
    """The full fees (rate 1.0) of one law since a day; raises ValueError for rows that are no table."""

    law: str
    since: date
    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        """Refuse what is no table."""
        if not self.steps:
            raise ValueError(f"{self.law} has no row")
        below = 0
        for row in self.steps:
            if row.up_to <= below or row.step <= 0 or row.fee <= 0:
                raise ValueError(
                    f"{self.law}: the row up to {row.up_to // 100} must reach further than {below // 100},"
                    " with a step and a fee above zero"
                )
            below = row.up_to

    def full(self, value: int, on: date) -> int:
        """Answer the full fee for a value on a day.

        Raises ValueError for no value, for a day before the table, and for a value above its end.
        """
        if value <= 0:
            raise ValueError(f"a claim of {value} cents has no fee")
        if on < self.since:
            raise ValueError(f"the table of {self.law} is that of {self.since}; {on} needs the one before")
        fee, below = 0, 0
        for row in self.steps:
            reached = min(value, row.up_to) - below
            fee += row.fee * -(-reached // row.step)
            if value <= row.up_to:
                return fee
            below = row.up_to
        raise ValueError(f"the table of {self.law} ends at {below // 100} EUR; add a row to the table of fees")


@dataclass(frozen=True, slots=True)
class Fees:
    """All tables there are: of lawyers, of courts, and the least fee of the court payment order (GKG, KV 1100)."""

    rvg: FeeTable
    gkg: FeeTable
    least_order: int


def table_of(law: str, since: date, rows: Sequence[Step]) -> FeeTable:
    """Make a table of rows in any order."""
    return FeeTable(law, since, tuple(sorted(rows)))
