"""What came of a campaign's arms: who paid within some days of being drawn, and whether that differs from the control.

For `contactd report arms`. A customer counts once their days are over; until then they are provisional.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

import sqlalchemy as sa

from contactd.domain.arms import control
from contactd.domain.campaign import Campaign
from contactd.domain.comparison import Comparison, Share, compare, detectable, holm
from contactd.domain.ladder import local_date
from contactd.store import arms
from contactd.store.arms import NewDraw, Receipt


@dataclass
class Result:
    """Of one arm: the customers whose days are over, and their money by currency in minor units."""

    arm: str
    hold_out: bool = False
    provisional: int = 0
    customers: int = 0
    fully: int = 0
    partly: int = 0
    owed: Counter[str] = field(default_factory=Counter)
    recovered: Counter[str] = field(default_factory=Counter)

    @property
    def share(self) -> Share | None:
        """Give the share of customers who paid, wholly or in part; None: of nobody the days are over."""
        return Share(self.fully + self.partly, self.customers) if self.customers else None


@dataclass(frozen=True, slots=True)
class Compared:
    """An arm against the control; `p` is raised for all comparisons together, `detectable` what so many would show."""

    result: Result
    comparison: Comparison | None = None
    p: float | None = None
    detectable: float | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The control, and each other arm compared with it."""

    control: Result
    others: list[Compared]


def report(connection: sa.Connection, campaign: Campaign, window: int, today: date) -> Report:
    """Compare the arms of a campaign that has some, by what came in within `window` days."""
    results = _results(connection, campaign, window, today)
    against = results.pop(control(campaign).id)
    shares = [(result, result.share) for result in results.values()]
    pairs = [
        (result, compare(share, against.share), detectable(share.of, against.share))
        for result, share in shares
        if share is not None and against.share is not None
    ]
    raised = holm([comparison.p for _, comparison, _ in pairs])
    told = {
        result.arm: Compared(result, comparison, p, least)
        for (result, comparison, least), p in zip(pairs, raised, strict=True)
    }
    return Report(against, [told.get(result.arm, Compared(result)) for result, _ in shares])


def _results(connection: sa.Connection, campaign: Campaign, window: int, today: date) -> dict[str, Result]:
    results = {arm.id: Result(arm.id, arm.hold_out) for arm in campaign.arms}
    money: dict[int, list[Receipt]] = defaultdict(list)
    for receipt in arms.receipts(connection, campaign.id, campaign.arm_seed):
        money[receipt.account_id].append(receipt)
    for drawn in arms.everyone(connection, campaign.id, campaign.arm_seed):
        result = results.setdefault(drawn.arm, Result(drawn.arm))  # an arm the comparison no longer has
        begin = local_date(campaign.timezone, drawn.drawn_at)
        end = begin + timedelta(days=window)
        if end >= today:
            result.provisional += 1
        else:
            _count(result, drawn, _paid(money[drawn.account_id], drawn, begin, end))
    return results


def _count(result: Result, drawn: NewDraw, paid: int) -> None:
    result.customers += 1
    result.fully += paid >= drawn.owed
    result.partly += 0 < paid < drawn.owed
    result.owed[drawn.currency] += drawn.owed
    result.recovered[drawn.currency] += min(paid, drawn.owed)


def _paid(money: Iterable[Receipt], drawn: NewDraw, begin: date, end: date) -> int:
    """Add up what came in and stayed; what was known when the lot fell is off the debt already."""
    counts = (
        one.amount
        for one in money
        if begin <= one.on <= end and (one.known_at is None or one.known_at > drawn.drawn_at)
    )
    return max(sum(counts), 0)
