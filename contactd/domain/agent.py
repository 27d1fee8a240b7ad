"""The life of an agent at work: one table of states and events; the roster and the desk may use it.

A wish (pause, sign-out) uttered during a call is remembered and comes true when the call lets go of the agent.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from contactd.domain.errors import IllegalTransition


class State(StrEnum):
    """What an agent is doing, in the desk's own words."""

    OFFLINE = "offline"
    PHONE_WAIT = "phone_wait"  # signed in, their telephone is not up yet
    READY = "ready"
    RESERVED = "reserved"
    TALK = "talk"
    WRAP = "wrap"
    PAUSE = "pause"
    UNREACHABLE = "unreachable"


class Event(StrEnum):
    """What can happen to an agent."""

    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"
    PAUSED = "paused"
    RESUMED = "resumed"
    RESERVED = "reserved"
    RELEASED = "released"  # the reserved call went away before it was bridged
    BRIDGED = "bridged"
    HUNG_UP = "hung_up"
    WRAPPED_UP = "wrapped_up"
    TIMED_OUT = "timed_out"  # wrap-up took too long
    LOST = "lost"  # the desk's heartbeat is gone, or a bridge to them does not come about
    FOUND = "found"
    LEG_UP = "leg_up"  # their telephone is up, and stays so between calls
    LEG_DOWN = "leg_down"


class Wish(StrEnum):
    """What becomes of the state the agent wishes to go to instead of `ready`."""

    KEEP = "keep"
    NONE = "none"
    PAUSE = "pause"
    LEAVE = "leave"
    LOSE = "lose"  # unreachable, unless the agent wished to go anyway
    FIND = "find"  # no longer unreachable; what the agent wished stays


@dataclass(frozen=True, slots=True)
class Next:
    """The state that follows, and what becomes of the wish."""

    state: State
    wish: Wish = Wish.KEEP


_BUSY = frozenset({State.RESERVED, State.TALK, State.WRAP})
# Where a wish comes true: whoever wished to go has gone, even if their telephone or desk went first.
_FULFILS = frozenset({State.READY, State.PHONE_WAIT, State.UNREACHABLE})
WRAP_TOO_LONG = "nachbearbeitung"  # desk.md: nothing is discarded, no outcome invented, the agent goes to this pause

TABLE: dict[tuple[State, Event], Next] = {
    (State.OFFLINE, Event.SIGNED_IN): Next(State.READY, Wish.NONE),
    (State.OFFLINE, Event.SIGNED_OUT): Next(State.OFFLINE),
    (State.OFFLINE, Event.LOST): Next(State.OFFLINE),
    (State.OFFLINE, Event.FOUND): Next(State.OFFLINE),
    (State.OFFLINE, Event.WRAPPED_UP): Next(State.OFFLINE),  # what was owed from before they left
    # A restarted daemon finds their call still up.
    (State.OFFLINE, Event.BRIDGED): Next(State.TALK, Wish.NONE),
    (State.PHONE_WAIT, Event.SIGNED_IN): Next(State.PHONE_WAIT),
    (State.PHONE_WAIT, Event.SIGNED_OUT): Next(State.OFFLINE),
    (State.PHONE_WAIT, Event.PAUSED): Next(State.PAUSE),
    (State.PHONE_WAIT, Event.RESUMED): Next(State.PHONE_WAIT),
    (State.PHONE_WAIT, Event.BRIDGED): Next(State.TALK),
    (State.PHONE_WAIT, Event.WRAPPED_UP): Next(State.PHONE_WAIT),
    (State.PHONE_WAIT, Event.LOST): Next(State.UNREACHABLE),
    (State.PHONE_WAIT, Event.FOUND): Next(State.PHONE_WAIT),
    (State.PHONE_WAIT, Event.LEG_UP): Next(State.READY),
    (State.READY, Event.LEG_DOWN): Next(State.PHONE_WAIT),
    (State.RESERVED, Event.LEG_DOWN): Next(State.PHONE_WAIT),
    (State.TALK, Event.LEG_DOWN): Next(State.WRAP),
    (State.READY, Event.SIGNED_IN): Next(State.READY),
    (State.READY, Event.SIGNED_OUT): Next(State.OFFLINE),
    (State.READY, Event.PAUSED): Next(State.PAUSE),
    (State.READY, Event.RESUMED): Next(State.READY),
    (State.READY, Event.RESERVED): Next(State.RESERVED),
    (State.READY, Event.LOST): Next(State.UNREACHABLE),
    (State.READY, Event.FOUND): Next(State.READY),
    (State.RESERVED, Event.SIGNED_IN): Next(State.RESERVED, Wish.NONE),
    (State.RESERVED, Event.SIGNED_OUT): Next(State.RESERVED, Wish.LEAVE),
    (State.RESERVED, Event.PAUSED): Next(State.RESERVED, Wish.PAUSE),
    (State.RESERVED, Event.RESUMED): Next(State.RESERVED, Wish.NONE),
    (State.RESERVED, Event.RELEASED): Next(State.READY),
    (State.RESERVED, Event.BRIDGED): Next(State.TALK),
    (State.RESERVED, Event.LOST): Next(State.UNREACHABLE),
    (State.RESERVED, Event.FOUND): Next(State.RESERVED),
    (State.TALK, Event.SIGNED_IN): Next(State.TALK, Wish.NONE),
    (State.TALK, Event.SIGNED_OUT): Next(State.TALK, Wish.LEAVE),
    (State.TALK, Event.PAUSED): Next(State.TALK, Wish.PAUSE),
    (State.TALK, Event.RESUMED): Next(State.TALK, Wish.NONE),
    (State.TALK, Event.HUNG_UP): Next(State.WRAP),
    # The desk may be gone while the conversation goes on: it is finished, and no other call follows.
    (State.TALK, Event.LOST): Next(State.TALK, Wish.LOSE),
    (State.TALK, Event.FOUND): Next(State.TALK, Wish.FIND),
    (State.WRAP, Event.SIGNED_IN): Next(State.WRAP, Wish.NONE),
    (State.WRAP, Event.SIGNED_OUT): Next(State.WRAP, Wish.LEAVE),
    (State.WRAP, Event.PAUSED): Next(State.WRAP, Wish.PAUSE),
    (State.WRAP, Event.RESUMED): Next(State.WRAP, Wish.NONE),
    (State.WRAP, Event.WRAPPED_UP): Next(State.READY),
    (State.WRAP, Event.TIMED_OUT): Next(State.PAUSE),
    (State.WRAP, Event.LOST): Next(State.WRAP, Wish.LOSE),
    (State.WRAP, Event.FOUND): Next(State.WRAP, Wish.FIND),
    (State.PAUSE, Event.SIGNED_IN): Next(State.PAUSE),
    (State.PAUSE, Event.SIGNED_OUT): Next(State.OFFLINE),
    (State.PAUSE, Event.PAUSED): Next(State.PAUSE),
    (State.PAUSE, Event.RESUMED): Next(State.READY),
    # The outcome is handed in late: the pause goes on until the agent ends it.
    (State.PAUSE, Event.WRAPPED_UP): Next(State.PAUSE),
    (State.PAUSE, Event.LOST): Next(State.UNREACHABLE),
    (State.PAUSE, Event.FOUND): Next(State.PAUSE),
    (State.UNREACHABLE, Event.SIGNED_IN): Next(State.READY, Wish.NONE),
    (State.UNREACHABLE, Event.SIGNED_OUT): Next(State.OFFLINE, Wish.NONE),
    # Whoever was out of reach says themselves that they are there again; found alone makes nobody ready.
    (State.UNREACHABLE, Event.FOUND): Next(State.PAUSE, Wish.NONE),
    (State.UNREACHABLE, Event.LOST): Next(State.UNREACHABLE),
    (State.UNREACHABLE, Event.WRAPPED_UP): Next(State.UNREACHABLE),
}
# A telephone that comes or goes otherwise is only remembered: nobody becomes `ready` without one.
for _state in State:
    for _event in (Event.LEG_UP, Event.LEG_DOWN):
        TABLE.setdefault((_state, _event), Next(_state))


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent; `since` is when the state began, `idle_since` when they became free for a call.

    `wish` is the state to go to instead of `ready`; `reason` says why the pause. `leg`: their telephone is up, as far
    as the carrier has said.
    """

    id: str
    name: str = ""
    team: str = ""
    languages: tuple[str, ...] = ()
    state: State = State.OFFLINE
    since: datetime | None = None
    idle_since: datetime | None = None
    wish: State | None = None
    reason: str = ""
    leg: bool = True


def step(agent: Agent, event: Event, at: datetime, reason: str = "") -> Agent:
    """Answer the agent after the event; raises IllegalTransition when there is no answer to it."""
    try:
        following = TABLE[agent.state, event]
    except KeyError:
        raise IllegalTransition(
            "an agent who is %(state)s cannot be %(event)s", state=agent.state, event=event
        ) from None
    wish = _wish(agent.wish, following.wish)
    leg = {Event.LEG_UP: True, Event.LEG_DOWN: False}.get(event, agent.leg)
    state = following.state
    if state in _FULFILS and wish is not None:
        state = wish
    if state is State.READY and not leg:
        state = State.PHONE_WAIT
    if event is Event.TIMED_OUT:
        reason = WRAP_TOO_LONG
        state = wish or state
    if state not in _BUSY:
        wish = None  # it has come true, or another state has come between
    return replace(
        agent,
        state=state,
        since=agent.since if state is agent.state else at,
        idle_since=_idle_since(agent, state, event, at),
        wish=wish,
        reason=_reason(agent, state, wish, reason),
        leg=leg,
    )


def longest_free(agent: Agent) -> tuple[datetime, str]:
    """Give the key by which free agents are ordered: who has waited longest comes first."""
    if agent.idle_since is None:
        message = f"agent {agent.id} is {agent.state}, not free"
        raise ValueError(message)
    return agent.idle_since, agent.id


def _wish(wish: State | None, change: Wish) -> State | None:
    """Apply the change to what was wished before."""
    after: dict[Wish, State | None] = {
        Wish.KEEP: wish,
        Wish.NONE: None,
        Wish.PAUSE: State.PAUSE,
        Wish.LEAVE: State.OFFLINE,
        Wish.LOSE: wish or State.UNREACHABLE,
        Wish.FIND: None if wish is State.UNREACHABLE else wish,
    }
    return after[change]


def _idle_since(agent: Agent, state: State, event: Event, at: datetime) -> datetime | None:
    """Keep the time across a call that never came about, forget it when the agent was busy otherwise."""
    if state is State.RESERVED:
        return agent.idle_since
    if state is not State.READY:
        return None
    return agent.idle_since if agent.state is State.READY or event is Event.RELEASED else at


def _reason(agent: Agent, state: State, wish: State | None, reason: str) -> str:
    if reason and State.PAUSE in (state, wish):
        return reason
    return agent.reason if State.PAUSE in (state, wish) else ""
