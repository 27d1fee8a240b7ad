"""What the live view shows of a floor: rows and words for live_board.html, worked out without asking anybody."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contactd.config.settings import Settings
from contactd.domain.account import Channel
from contactd.domain.agent import State
from contactd.domain.call import State as CallState
from contactd.domain.phrase import Phrase
from contactd.engine.desk.oversight import Listed, Seat
from contactd.store.today import Tally
from contactd.web import reasons, wall
from contactd.web.board import Floor
from contactd.web.desk_state import WORDS, clock_of, why_paused
from contactd.web.figures import share
from contactd.web.words import _

_MODES = {
    "preview": _("Preview"),
    "progressive": _("Progressive"),
    "power": _("Power"),
    "predictive": _("Predictive"),
    "ivr": _("Dialogue by keys"),
    "message": _("Message"),
}
CALLS: Mapping[str, str] = {
    CallState.PLACED: _("Placed"),
    CallState.RINGING: _("Ringing"),
    CallState.WAITING: _("Waiting for an agent"),
    CallState.BRIDGING: _("Being connected"),
    CallState.CONNECTED: _("In conversation"),
    CallState.HOLD: _("On hold"),
    CallState.APOLOGISING: _("Nobody was free"),
    CallState.INCOMING: _("Calls us"),
    CallState.QUEUED: _("Calls us and waits"),
}
_OTHER = _("Other")
CHANNELS = {
    Channel.CALL: _("Calls"),
    Channel.EMAIL: _("E-mail"),
    Channel.SMS: _("SMS"),
    Channel.LETTER: _("Letters"),
    Channel.TASK: _("Tasks"),
    Channel.HANDOVER: _("Hand-overs"),
}
# First those one may have to do something about.
_ORDER = (
    State.UNREACHABLE, State.PHONE_WAIT, State.READY, State.RESERVED, State.TALK, State.WRAP, State.PAUSE,
    State.OFFLINE,
)  # fmt: skip
_STAGES = (
    ("placed", _("Called")),
    ("answered", _("Picked up")),
    ("connected", _("Talked to an agent")),
    ("right", _("Right person")),
    ("promised", _("Promised")),
)
_NEAR = 0.75


@dataclass(frozen=True, slots=True)
class Row:
    """A campaign: `level` empty where there is none to set, `rests` why it is paused, None where it is not."""

    campaign: str
    team: str
    modes: Sequence[str]
    level: str
    up: int
    placed: int
    lost: str
    limit: str
    look: str
    rests: Any
    run: Any


@dataclass(frozen=True, slots=True)
class Person:
    """An agent with the word for what they do."""

    seat: Seat
    word: str
    reason: str
    clock: str


@dataclass(frozen=True, slots=True)
class Way:
    """A channel: how much waits, since when the oldest, how much nobody knows the end of; `rests`: why nothing goes."""

    name: str
    word: str
    waiting: int
    under_way: int
    unclear: int
    oldest: str
    rests: Any
    trouble: Phrase


def state_of(floor: Floor, settings: Settings, language: str) -> dict[str, object]:
    """Work out everything the template shows."""
    known = floor.known
    held: Counter[str] = Counter()
    for by_reason in known.held.values():
        held.update(by_reason)
    return {
        "why": wall.why(floor, settings.claims.timezone, language),
        "rows": [_row(floor, one.id, one.team, language) for one in settings.campaigns],
        "people": list(_people(floor)),
        "there": floor.signed_in,
        "states": [(WORDS[state], count) for state in _ORDER if (count := floor.in_state(state))],
        "calls": _calls(floor),
        "funnel": _funnel(known.total, language),
        "held": [(reasons.held(reason), count) for reason, count in held.most_common(9)],
        "ways": list(_ways(floor)),
        "everything": known.resting.get("all"),
        "callbacks": known.callbacks,
        "waiting": known.callbacks_listed,
        "unclear": known.unclear,
        "runs": known.runs,
        "tasks": known.tasks,
        "now": floor.at,
    }


def _row(floor: Floor, campaign: str, team: str, language: str) -> Row:
    mine = [one for one in floor.lists if one.campaign == campaign]
    tally = floor.known.tallies.get(campaign, Tally())
    limit = min((one.max_abandon for one in mine), default=0.0)
    rate = tally.abandon_rate
    look = "bad" if limit and rate > limit else "warn" if limit and rate > _NEAR * limit else ""
    return Row(
        campaign, team, list(dict.fromkeys(_MODES[one.mode] for one in mine)), _level(mine, language),
        sum(one.campaign == campaign for one in floor.calls), tally.placed, share(rate, language),
        share(limit, language) if limit else "", look, floor.known.resting.get(f"campaign:{campaign}"),
        floor.known.runs.get(campaign),
    )  # fmt: skip


def _level(mine: Sequence[Listed], language: str) -> str:
    return next((share(one.level, language) for one in mine if one.level is not None), "")


def _people(floor: Floor) -> Iterator[Person]:
    for seat in sorted(floor.seats, key=lambda one: (_ORDER.index(one.state), one.since or floor.at, one.name)):
        if seat.state is not State.OFFLINE:
            reason = why_paused(seat.reason) if seat.state is State.PAUSE else ""
            yield Person(seat, WORDS[seat.state], reason, _since(floor, seat.since))


def _calls(floor: Floor) -> list[tuple[str, int, str]]:
    """Count calls by what they do, with how long the oldest has done so."""
    found: dict[str, list[datetime]] = {}
    for one in floor.calls:
        found.setdefault(CALLS.get(one.state, _OTHER), []).append(one.since)
    words = [*dict.fromkeys(CALLS.values()), _OTHER]
    return [(word, len(found[word]), _since(floor, min(found[word]))) for word in words if word in found]


def _funnel(total: Tally, language: str) -> list[tuple[str, int, str, float]]:
    """Give the stages of today's calls: the word, how many, the share of the stage before, the width in per cent."""
    shown, before = list[tuple[str, int, str, float]](), 0
    for name, word in _STAGES:
        count = int(getattr(total, name))
        part = share(count / before, language) if before else ""
        shown.append((word, count, part, round(100 * count / total.placed, 1) if total.placed else 0.0))
        before = count
    return shown


def _ways(floor: Floor) -> Iterator[Way]:
    known = floor.known
    for channel, word in CHANNELS.items():
        queue = known.queues.get(channel.value, {})
        rests, trouble = known.resting.get(f"channel:{channel}"), floor.trouble if channel is Channel.CALL else Phrase()
        if not queue and rests is None and not trouble and channel is not Channel.CALL:
            continue
        oldest = known.oldest.get(channel.value)
        # A call is sent once the carrier has it, and goes on for long after.
        begun = queue.get("claimed", 0) + queue.get("sending", 0)
        under_way = len(floor.calls) if channel is Channel.CALL else begun
        yield Way(
            channel.value, word, queue.get("planned", 0), under_way, queue.get("unclear", 0),
            _since(floor, oldest) if oldest else "", rests, trouble,
        )  # fmt: skip


def _since(floor: Floor, at: datetime | None) -> str:
    return clock_of((floor.at - at).total_seconds()) if at is not None else ""
