"""Whom campaigns share and whom they leave out, by their filters alone; for crosschecks.py.

Left out is looked for by kind, segment and amount. Other filters are taken as met: whether a country or a creditor has
accounts, only the database knows (`contactd plan` says it).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import get_args

from contactd.config.campaigns import LISTS, KindName, SelectTable
from contactd.domain.money import Money

_RANGES = (("min_open", "max_open"), ("min_customers", "max_customers"))


@dataclass(frozen=True, slots=True)
class Gaps:
    """In words, whom no campaign takes up: what hardly anybody means, and what many do (no businesses, say)."""

    surprising: list[str] = field(default_factory=list)
    usual: list[str] = field(default_factory=list)


def apart(one: SelectTable, other: SelectTable) -> bool:
    """Say whether no account can be in both."""
    lists = ((set(getattr(one, key)), set(getattr(other, key))) for key in LISTS)
    if any(ours and theirs and not ours & theirs for ours, theirs in lists):
        return True
    sides = ((one, other), (other, one))
    return any(_below(getattr(mine, most), getattr(theirs, least)) for least, most in _RANGES for mine, theirs in sides)


def within(one: SelectTable, other: SelectTable) -> bool:
    """Say whether the other would take up all accounts of the first, and none of them earlier."""
    if one.min_days_due > other.min_days_due:
        return False
    for key in LISTS:
        ours, theirs = set(getattr(one, key)), set(getattr(other, key))
        if theirs and not (ours and ours <= theirs):
            return False
    return all(
        _reaches(getattr(one, least), getattr(other, least), up=True)
        and _reaches(getattr(one, most), getattr(other, most), up=False)
        for least, most in _RANGES
    )


def find_gaps(selects: Sequence[SelectTable]) -> Gaps:
    """Find the kinds, segments and amounts nobody is contacted for; too little to write for is no gap."""
    gaps = Gaps()
    named = sorted({segment for select in selects for segment in select.segments})
    for kind in get_args(KindName):
        of_kind = [select for select in selects if not select.kinds or kind in select.kinds]
        if not of_kind:
            gaps.usual.append(f"no campaign takes up {kind} customers")
            continue
        for segment in (*named, None):
            cell = [one for one in of_kind if not one.segments or segment in one.segments]
            whom = f"{kind} customers of " + (f'segment "{segment}"' if segment is not None else "other segments")
            if not cell:
                gaps.surprising.append(f"no campaign takes up {whom}")
            else:
                whom = whom if named else f"{kind} customers"
                gaps.surprising.extend(f"no campaign takes up {whom} who owe {hole}" for hole in _holes(cell))
    return gaps


def _holes(cell: Sequence[SelectTable]) -> Iterator[str]:
    """Name the amounts above the least one at which somebody is taken up, and where nobody is; one currency each."""
    free = [one for one in cell if one.min_open is None and one.max_open is None]
    bounds = {bound.currency for one in cell for bound in (one.min_open, one.max_open) if bound}
    if free:
        return
    for currency in sorted(bounds):
        spans = sorted(
            (one.min_open.minor if one.min_open else 0, one.max_open.minor if one.max_open else None)
            for one in cell
            if currency in {bound.currency for bound in (one.min_open, one.max_open) if bound}
        )
        reached: int | None = spans[0][0] - 1
        for least, most in spans:
            if reached is not None and least > reached + 1:
                yield f"from {Money(reached + 1, currency)} to {Money(least - 1, currency)}"
            reached = None if reached is None or most is None else max(reached, most)
        if reached is not None:
            yield f"more than {Money(reached, currency)}"


def _below(most: Money | int | None, least: Money | int | None) -> bool:
    """Say whether a range ends before another begins; amounts in two currencies never meet."""
    if isinstance(most, Money) and isinstance(least, Money):
        return most.currency != least.currency or most < least
    return isinstance(most, int) and isinstance(least, int) and most < least


def _reaches(ours: Money | int | None, theirs: Money | int | None, *, up: bool) -> bool:
    """Say whether our bound is at least as strict as theirs."""
    if theirs is None:
        return True
    if isinstance(ours, Money) and isinstance(theirs, Money):
        return ours.currency == theirs.currency and (ours.minor >= theirs.minor if up else ours.minor <= theirs.minor)
    if isinstance(ours, int) and isinstance(theirs, int):
        return ours >= theirs if up else ours <= theirs
    return False
