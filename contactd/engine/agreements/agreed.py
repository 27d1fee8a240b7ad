"""What a notice about an agreement tells a customer: the sums and their days, by when to answer; for compose.py."""

from dataclasses import replace
from datetime import date, datetime, timedelta

from contactd.channels.base import Agreed, AgreedPart, Notice
from contactd.config.settings import Settings
from contactd.domain.account import Channel, Facts
from contactd.domain.agreement import Kind, State
from contactd.domain.ladder import local_date
from contactd.domain.money import Money
from contactd.domain.notice import Occasion
from contactd.engine.agreements.notifying import make_up_by, workday
from contactd.store.agreements import Stored
from contactd.store.notices import About

_UNANSWERED = frozenset({Occasion.ADVICE, Occasion.ACCELERATION})  # one asks for nothing, the other for money
_ANSWERED = frozenset({State.CONFIRMED, State.ACTIVE})


def with_agreement(
    notice: Notice, about: About, seen: Facts, settings: Settings, channel: Channel, at: datetime
) -> Notice:
    """Tell in a notice, sent `at`, what it is about: what is to be paid next and by when, and the whole agreement."""
    currency = seen.account.currency
    one = about.agreement
    nothing, owed = Money(0, currency), Money(max(seen.open, 0), currency)
    if one is None:
        agreed = Agreed(
            kind="", made_on=notice.today, amount=owed, open=owed, waived=nothing, costs=Money(about.amount, currency)
        )
        return replace(notice, total=owed, agreement=agreed)
    rules = settings.agreements
    made_on = local_date(settings.claims.timezone, one.made_at)
    due, due_on = _next(about, one, owed.minor)
    if about.occasion is Occasion.ACCELERATION:
        due_on = make_up_by(settings, channel, about.days, at)
        owed = Money(max(one.amount - one.received, 0), currency)  # what falls due then
    agreed = Agreed(
        kind=one.agreed.kind.value,
        made_on=made_on,
        amount=Money(one.amount, currency),
        open=owed,
        parts=[
            AgreedPart(number, part.due_on, Money(part.amount, currency))
            for number, part in enumerate(one.agreed.parts, 1)
        ],
        until=one.agreed.until if one.agreed.kind in {Kind.DEFERRAL, Kind.HARDSHIP} else None,
        reply_by=None if about.occasion in _UNANSWERED else about.reply_by or reply_by(settings, made_on, due_on),
        confirmed=one.agreed.state in _ANSWERED,
        waived=Money(about.waives, currency),
        missed=one.agreed.missed_instalments,
        notice_days=rules.notice_deadline if rules.notice_for(seen.account.kind) else 0,
        number=about.number,
        costs=nothing,
        interest=one.interest,
    )
    return replace(notice, total=Money(due, currency), deadline=due_on or notice.deadline, agreement=agreed)


def reply_by(settings: Settings, made_on: date, due_on: date | None) -> date:
    """Answer by when the customer is asked to confirm what was agreed on that day: before the first money is due."""
    return workday(settings, min(made_on + timedelta(days=settings.agreements.answer_within), due_on or date.max))


def answer_by(settings: Settings, about: About) -> date | None:
    """Answer by when a confirmation asks for an answer; None for whatever else is told."""
    if about.occasion is not Occasion.CONFIRMATION or about.agreement is None:
        return None
    made_on = local_date(settings.claims.timezone, about.agreement.made_at)
    return about.reply_by or reply_by(settings, made_on, _next(about, about.agreement, 0)[1])


def _next(about: About, one: Stored, owed: int) -> tuple[int, date | None]:
    """Answer what is to be paid next, in minor units, and when."""
    parts = one.agreed.parts
    if not parts:
        return owed, one.agreed.until
    if about.occasion not in {Occasion.REMINDER, Occasion.ACCELERATION}:
        return parts[0].amount, parts[0].due_on
    wanted = sum(part.amount for part in parts[: about.number])
    return max(wanted - one.received, 0), parts[about.number - 1].due_on
