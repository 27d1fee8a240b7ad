"""Proposed runs: what is planned on approval only; where a run stands, who may decide, what is taken for unchanged."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from contactd.domain.campaign import Campaign
from contactd.domain.phrase import Phrase
from contactd.domain.policy import Reason

# These only say when; what was approved then waits its turn like everything that is planned.
_PASSING = frozenset(
    {
        Reason.COOL_DOWN,
        Reason.DAY_CAP,
        Reason.WEEK_CAP,
        Reason.CAP,
        Reason.LOCK_OUT,
        Reason.OUTSIDE_WINDOW,
        Reason.QUIET_HOURS,
        Reason.HOLIDAY,
    }
)


class State(StrEnum):
    """Where a run stands; only a proposed one may change."""

    PROPOSED = "proposed"
    EXECUTED = "executed"  # approved, and its attempts queued with the same stroke
    REJECTED = "rejected"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Standing:
    """A proposed run as far as deciding goes."""

    state: State
    proposed_by: str
    expires_at: datetime

    def at(self, now: datetime) -> State:
        """Answer where it stands then: nobody has to be awake for it to expire."""
        return State.EXPIRED if self.state is State.PROPOSED and now >= self.expires_at else self.state


def why_not(standing: Standing, now: datetime) -> Phrase:
    """Say why nothing of a run may be changed or decided any more; empty when it may."""
    match standing.at(now):
        case State.PROPOSED:
            return Phrase()
        case State.EXPIRED:
            return Phrase("has expired: the facts it went by are too old; what is due comes with the next run")
        case state:
            return Phrase("is %(state)s already, and stays as it is", {"state": state})


def needs_other_eyes(standing: Standing, who: str, *, four_eyes: bool) -> bool:
    """Say whether somebody else has to approve."""
    return four_eyes and who == standing.proposed_by


def only_waits(reason: str) -> bool:
    """Say whether a rule that stands against a step only puts it off."""
    return reason in _PASSING


def belongs(campaign: Campaign, last: str, step: str) -> bool:
    """Say whether a step is still the contact made last: a next try, or the way taken instead of a dead address."""
    wanted = last
    for one in campaign.steps:
        if one.id == wanted and (wanted == last or one.stands_in):
            if one.id == step:
                return True
            wanted = one.otherwise
    return False


def rungs(campaign: Campaign) -> dict[str, tuple[int, str]]:
    """Answer of each step its level, counted from 1, and the step that follows; what stands in shares a level."""
    climbed = [step.id for step in campaign.steps if not step.stands_in]
    levels: dict[str, tuple[int, str]] = {}
    level = 0
    for step in campaign.steps:
        level += not step.stands_in
        levels[step.id] = level, climbed[level] if level < len(climbed) else ""
    return levels
