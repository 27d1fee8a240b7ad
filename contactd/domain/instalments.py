"""Instalments (Raten): amounts that sum exactly, and the days on which they fall due.

For agreements, and for what a letter prints of them. Amounts are minor units of one currency.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import date

from contactd.domain.appropriation import Designation, Scheme
from contactd.domain.base_rates import BaseRates
from contactd.domain.deadlines import add_months, working_day
from contactd.domain.ledger import Ledger, Payment
from contactd.domain.statement import statement

MOST = 360  # thirty years of months, as long as a title lives
_PROSPECT = "instalment "  # no number of a real payment


@dataclass(frozen=True, slots=True)
class Instalment:
    """So much on that day; `number` counts from 1."""

    number: int
    due_on: date
    amount: int


def equal_amounts(total: int, count: int, minimum: int = 1) -> tuple[int, ...]:
    """Split a total into so many instalments that differ by one unit at most, the larger ones first.

    Raises ValueError when there is nothing to split, or when one would be below the minimum.
    """
    _check(total, minimum)
    if not 1 <= count <= MOST:
        raise ValueError(f"{count} is no number of instalments; it lies between 1 and {MOST}")
    least, larger = divmod(total, count)
    if least < minimum:
        most = total // minimum
        cure = f"at most {most} are possible" if most else "it must be paid at once"
        raise ValueError(f"{count} instalments of {total} are below the minimum of {minimum}; {cure}")
    return (least + 1,) * larger + (least,) * (count - larger)


def fixed_amounts(total: int, amount: int, minimum: int = 1) -> tuple[int, ...]:
    """Split a total into instalments of that amount; the last one is the rest, which may be below the minimum.

    Raises ValueError when there is nothing to split, for an amount below the minimum, and for more than MOST.
    """
    _check(total, minimum)
    if amount < max(minimum, 1):
        raise ValueError(f"an instalment of {amount} is below the minimum of {max(minimum, 1)}")
    full, rest = divmod(total, amount)
    if full + bool(rest) > MOST:
        raise ValueError(f"instalments of {amount} would take more than {MOST}; offer higher ones")
    return (amount,) * full + ((rest,) if rest else ())


def _check(total: int, minimum: int) -> None:
    if total <= 0:
        raise ValueError(f"there is nothing to pay in instalments: {total}")
    if minimum < 0:
        raise ValueError(f"the minimum of an instalment is below zero: {minimum}")


def due_dates(
    first: date,
    count: int,
    *,
    months: int = 1,
    day_of_month: int = 0,
    holidays: AbstractSet[date] | None = None,
) -> tuple[date, ...]:
    """List the days, every so many months, always counted from the original day: the 31st stays the 31st or the last.

    `day_of_month` is the day agreed on when `first` was cut back already. With `holidays` a day that is no working day
    moves to the next one (§193 BGB); without, none moves.
    """
    days = (add_months(first, months * number, day_of_month=day_of_month) for number in range(count))
    return tuple(days if holidays is None else (working_day(day, holidays) for day in days))


def plan(amounts: Sequence[int], days: Sequence[date]) -> tuple[Instalment, ...]:
    """Put amounts and days together; raises ValueError when there are not equally many."""
    pairs = zip(amounts, days, strict=True)
    return tuple(Instalment(number, day, amount) for number, (amount, day) in enumerate(pairs, 1))


def with_interest(
    ledger: Ledger,
    amount: int,
    days: Sequence[date],
    rates: BaseRates,
    *,
    scheme: Scheme = Scheme.STATUTORY,
    claims: tuple[str, ...] = (),
) -> tuple[Instalment, ...]:
    """Foresee a plan while interest runs on: each instalment is set against what is open on its day, the last is less.

    `claims` are those the plan is for. What it says is a prospect only (voraussichtlich): late or other payments change
    it. Raises ValueError when the days are not enough, because there are too few or the amount hardly covers interest.
    """
    if not days or amount <= 0:
        raise ValueError(f"instalments of {amount} on {len(days)} days pay nothing")
    prospects = {f"{_PROSPECT}{number}": day for number, day in enumerate(days, 1)}
    payments = tuple(Payment(name, day, amount, Designation(claims)) for name, day in prospects.items())
    foreseen = statement(replace(ledger, payments=(*ledger.payments, *payments)), max(days), rates, scheme)
    if any(balance.open and (not claims or balance.claim in claims) for balance in foreseen.balances):
        raise ValueError(f"{len(days)} instalments of {amount} do not settle it; offer more of them, or higher ones")
    paid = dict.fromkeys(prospects, 0)
    for one in foreseen.allocations:
        if one.payment in paid and (not claims or one.claim in claims):
            paid[one.payment] += one.amount
    needed = [(prospects[name], given) for name, given in paid.items() if given]
    return plan([given for _, given in needed], [day for day, _ in needed])
