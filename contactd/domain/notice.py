"""Notices about agreements: what is written to a customer beside the ladder, and when it is no longer wanted.

A confirmation in writing, a reminder before money falls due, notice before the rest of a plan does (§ 498 BGB), thanks
at the end, the costs before an agency agrees on anything (§ 13a(3) RDG), where to find advice in hardship. Who agreed
on something asked to hear of it, so hours count for a notice and caps do not.
"""

from datetime import date, timedelta
from enum import StrEnum

from contactd.domain.account import Channel
from contactd.domain.agreement import Agreement, Kind, State

CAMPAIGN = "agreement"  # what stands in the place of a campaign in attempt and log; no campaign has this id


class Occasion(StrEnum):
    """Why a notice is written; also the step in the log."""

    CONFIRMATION = "confirmation"
    REMINDER = "reminder"
    ACCELERATION = "acceleration"
    THANKS = "thanks"
    COSTS = "costs"
    ADVICE = "advice"


CONFIRMED = frozenset({Kind.PROMISE, Kind.PLAN, Kind.DEFERRAL, Kind.SETTLEMENT})  # in writing
_REMINDED = frozenset({Kind.PROMISE, Kind.PLAN, Kind.SETTLEMENT, Kind.DEFERRAL})
_IN_FORCE = frozenset({State.OPEN, State.SENT, State.CONFIRMED, State.ACTIVE})
_AGREED = _IN_FORCE - {State.SENT}  # nobody is reminded of what they have not answered yet


def fits(occasion: Occasion, channel: Channel) -> bool:
    """Say whether a notice may go that way.

    By post a reminder comes too late, and thanks cost more than they say. An SMS tells no sums, which costs and
    arrears are, and is too short for advice.
    """
    if channel is Channel.LETTER:
        return occasion not in {Occasion.REMINDER, Occasion.THANKS}
    return channel is not Channel.SMS or occasion not in {Occasion.COSTS, Occasion.ADVICE, Occasion.ACCELERATION}


def to_confirm(agreement: Agreement) -> bool:
    """Say whether it is confirmed in writing as it stands; a draft is nobody's business yet."""
    return agreement.kind in CONFIRMED and agreement.state in _IN_FORCE


def to_advise(agreement: Agreement) -> bool:
    """Say whether its customer is told where debt advice is free."""
    return agreement.kind is Kind.HARDSHIP and agreement.state in _IN_FORCE


def to_remind(agreement: Agreement, made_on: date, received: int, today: date, ahead: int) -> int:
    """Answer the number of the instalment to be reminded of today, 0 for none.

    `ahead` days before it falls due, as long as it is not paid; not of what was agreed on closer to the day than that.
    The end of a deferral counts as its one instalment.
    """
    if agreement.kind not in _REMINDED or agreement.state not in _AGREED or ahead <= 0:
        return 0
    if agreement.until is not None and agreement.kind is Kind.DEFERRAL:
        return int(_is_near(agreement.until, made_on, today, ahead))
    owed = 0
    for number, part in enumerate(agreement.parts, 1):
        owed += part.amount
        if _is_near(part.due_on, made_on, today, ahead) and received + agreement.tolerance < owed:
            return number
    return 0


def _is_near(due_on: date, made_on: date, today: date, ahead: int) -> bool:
    return made_on < due_on - timedelta(days=ahead) <= today <= due_on


def unwanted(occasion: Occasion, number: int, agreement: Agreement, received: int, today: date) -> str:
    """Say why a notice about an agreement is not sent any more, empty when it is; `number` is that of an instalment."""
    if occasion is Occasion.CONFIRMATION:
        return "" if to_confirm(agreement) else f"agreement_{agreement.state}"
    if occasion is Occasion.ADVICE:
        return "" if to_advise(agreement) else f"agreement_{agreement.state}"
    if occasion not in {Occasion.REMINDER, Occasion.ACCELERATION}:
        return ""
    if agreement.state not in _AGREED:
        return f"agreement_{agreement.state}"
    parts = agreement.parts[:number]
    if parts and received + agreement.tolerance >= sum(part.amount for part in parts):
        return "paid"
    last = parts[-1].due_on if parts else agreement.until or today
    return "too_late" if occasion is Occasion.REMINDER and today > last else ""
