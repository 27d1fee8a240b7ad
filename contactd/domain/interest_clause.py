"""Interest as a court's form wants it: clauses like "5 points over the base rate of 922.72 since 2025-04-10".

For the dossier. What was paid of the interest is taken off: the clauses begin anew on the day of the last payment to
it, and what of the time before is still open becomes one sum.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from contactd.domain.appropriation import Part
from contactd.domain.base_rates import BaseRates
from contactd.domain.deadlines import DAY
from contactd.domain.interest import segments, total
from contactd.domain.ledger import Claim
from contactd.domain.statement import Balance, Statement


@dataclass(frozen=True, slots=True)
class Clause:
    """Interest on a principal from a day on, up to and with `last`; None: until it is paid."""

    principal: int
    first: date
    last: date | None = None


@dataclass(frozen=True, slots=True)
class InterestDemand:
    """What of a claim's interest is to be asked for: a sum for the days up to and with `until`, and clauses after it.

    `clauses_amount` is what the clauses come to on the day of the statement, so that all adds up to the open interest.
    """

    fixed: int
    until: date | None
    clauses: tuple[Clause, ...]
    clauses_amount: int


def interest_demand(claim: Claim, balance: Balance, derived: Statement, rates: BaseRates) -> InterestDemand:
    """Split the open interest of a claim into a sum and clauses."""
    begin = _settled_on(claim, derived)
    spans: list[tuple[date, date, int]] = []
    for line in balance.segments:
        first = max(line.first, begin) if begin else line.first
        if first > line.last:
            continue
        if spans and spans[-1][2] == line.principal and spans[-1][1] + DAY == first:
            spans[-1] = (spans[-1][0], line.last, line.principal)
        else:
            spans.append((first, line.last, line.principal))
    amount = sum(
        total(segments([(first, principal)], last, claim.rate, rates, claim.day_count))
        for first, last, principal in spans
    )
    # What is cut in two may round to a cent more than the whole: nobody asks for less than nothing.
    fixed = max(balance.interest - amount, 0)
    return InterestDemand(
        fixed,
        begin - DAY if begin and fixed else None,
        tuple(Clause(principal, first, _end(last, derived)) for first, last, principal in spans),
        balance.interest - fixed,
    )


def _settled_on(claim: Claim, derived: Statement) -> date | None:
    """Answer the last day on which interest was paid or given up: what came before is settled or a sum."""
    events: Iterable[tuple[str, Part, date]] = (
        *((one.claim, one.part, one.on) for one in derived.allocations),
        *((one.claim, one.part, one.on) for one in derived.write_offs),
    )
    return max((on for of, part, on in events if of == claim.id and part is Part.INTEREST), default=None)


def _end(last: date, derived: Statement) -> date | None:
    return None if last == derived.as_of else last
