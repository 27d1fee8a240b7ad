"""How long a call may stay in a state: time is an event, too, and the table in call.py knows what to make of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from contactd.domain.call import WAITS, Call, Command, Event, State, step

_TALKS = frozenset({State.CONNECTED, State.HOLD, State.OUTSIDE})


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a call may stay in a state before `TIMED_OUT`.

    `waiting` counts from the answer (from the key, when 1 was pressed) and has its two seconds from 16 CFR
    310.4(b)(1)(iv). `ringing` and `placed` are what the carrier is given plus some patience, for the case that its
    report is lost; `playing`, `farewell` and `machine` are longer than any text. `listening`: how long a key may still
    follow the text, or the key before. `queued`: how long whoever calls us waits for an agent, text and music together.
    """

    placed: timedelta = timedelta(seconds=60)
    ringing: timedelta = timedelta(seconds=45)
    cancelling: timedelta = timedelta(seconds=10)
    waiting: timedelta = timedelta(seconds=2)
    bridging: timedelta = timedelta(seconds=10)
    connected: timedelta = timedelta(hours=2)
    apologising: timedelta = timedelta(seconds=30)
    playing: timedelta = timedelta(seconds=90)
    listening: timedelta = timedelta(seconds=7)
    farewell: timedelta = timedelta(seconds=30)
    machine: timedelta = timedelta(seconds=90)
    incoming: timedelta = timedelta(seconds=60)
    queued: timedelta = timedelta(seconds=60)
    closed: timedelta = timedelta(seconds=90)

    def of(self, state: State, *, inbound: bool = False) -> timedelta | None:
        """Give the limit of a state; an ended call has none."""
        if state is State.ENDED:
            return None
        like = dict.fromkeys(_TALKS, State.CONNECTED) | ({State.WAITING: State.QUEUED} if inbound else {})
        limit: timedelta = getattr(self, like.get(state, state).value)
        return limit


def deadline(call: Call, limits: Limits) -> datetime | None:
    """Tell when the call has been in its state too long; a waiting person's time counts from the answer."""
    limit = limits.of(call.state, inbound=call.inbound)
    if limit is None:
        return None
    began = call.waiting_at if call.state in WAITS else call.since
    return (began or call.placed_at) + limit


def tick(call: Call, now: datetime, limits: Limits) -> tuple[Call, tuple[Command, ...]]:
    """Feed `TIMED_OUT` when the deadline has passed, else leave the call as it is."""
    due = deadline(call, limits)
    return step(call, Event.TIMED_OUT, now) if due is not None and now >= due else (call, ())
