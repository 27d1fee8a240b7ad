"""The life of one call: one table of states and events, and what each end is called; only the dialer carries it out.

The carrier's events may come late, doubled, out of order or not at all. Whatever comes, a call ends once, and the
command `LOG` is given exactly then.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from contactd.domain.errors import IllegalTransition


class State(StrEnum):
    """Where a call stands."""

    PLACED = "placed"  # the carrier was asked, or is being asked
    RINGING = "ringing"
    CANCELLING = "cancelling"  # we hang up, and the person may still pick up before that arrives
    MACHINE = "machine"  # a neutral text is left on an answering machine
    PLAYING = "playing"  # an agentless call speaks to a person, who may press keys
    LISTENING = "listening"  # its text is over, a key may still follow
    FAREWELL = "farewell"  # its last text plays, keys mean nothing any more
    WAITING = "waiting"  # a person answered or pressed 1, no agent yet
    BRIDGING = "bridging"  # an agent is reserved, the carrier joins the two
    CONNECTED = "connected"
    HOLD = "hold"  # the agent has put the person on hold
    OUTSIDE = "outside"  # the agent has left them to a third person whom they had brought in
    APOLOGISING = "apologising"  # nobody was free: the information message plays
    INCOMING = "incoming"  # somebody calls us: it rings at their end, and nobody has answered
    QUEUED = "queued"  # they hear that nobody is free yet; music comes next, and that is `waiting`
    CLOSED = "closed"  # they hear that nobody is there at this hour
    ENDED = "ended"


class Event(StrEnum):
    """What can happen to a call: what the carrier reports, what we find out or want, and time."""

    RINGING = "ringing"
    ANSWERED = "answered"
    ANSWERED_AGENTLESS = "answered_agentless"  # a person answered a call that begins with a text
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    MACHINE = "machine"
    MACHINE_TAKES_TEXT = "machine_takes_text"  # a machine answered, and the campaign leaves a neutral text there
    INVALID = "invalid"
    REJECTED = "rejected"
    CONGESTION = "congestion"
    FAILED = "failed"
    BRIDGED = "bridged"
    HELD = "held"
    RETRIEVED = "retrieved"  # from hold
    PRESSED = "pressed"  # a key that leads to nothing yet; what the others mean is ivr.py's
    WANTS_AGENT = "wants_agent"  # by a key
    SPEAKS_ON = "speaks_on"  # after a key the same text or the next one is due
    PARTS = "parts"  # after a key the last one is due
    PLAYED = "played"  # the text is over
    PLAYED_ASKING = "played_asking"  # the text is over, and keys may follow
    HUNG_UP = "hung_up"
    LOST = "lost"  # the carrier no longer has the call, and nobody knows how it ended
    NOT_TAKEN = "not_taken"  # the carrier refused to try at all
    AGENT_FOUND = "agent_found"
    NOBODY_FREE = "nobody_free"
    NOBODY_THERE = "nobody_there"  # somebody calls us at an hour at which nobody works
    AGENT_LOST = "agent_lost"
    AGENT_DONE = "agent_done"
    HANDED_OVER = "handed_over"  # to the agent who is reserved for it
    LEFT = "left"  # by the agent, to a third person
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"


CARRIER_EVENTS = frozenset(
    {
        Event.RINGING,
        Event.ANSWERED,
        Event.BUSY,
        Event.NO_ANSWER,
        Event.MACHINE,
        Event.INVALID,
        Event.REJECTED,
        Event.CONGESTION,
        Event.FAILED,
        Event.BRIDGED,
        Event.HELD,
        Event.RETRIEVED,
        Event.PRESSED,
        Event.PLAYED,
        Event.HUNG_UP,
        Event.LOST,
    },
)
# What `answered` and `machine` mean for a call that is not for an agent, or leaves a text: the switchboard says which.
_MEANT = frozenset({Event.ANSWERED_AGENTLESS, Event.MACHINE_TAKES_TEXT})
# What keys mean, and the end of a text that asks for them.
_KEYED = frozenset({Event.WANTS_AGENT, Event.SPEAKS_ON, Event.PARTS, Event.PLAYED_ASKING})


class HowEnded(StrEnum):
    """How a call ended; the outcome of its attempt."""

    ANSWERED = "answered"  # a person was spoken to, by an agent or by a text
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    MACHINE = "machine"
    INVALID = "invalid"
    REJECTED = "rejected"
    CONGESTION = "congestion"
    ABANDONED = "abandoned"
    MISSED = "missed"  # they called us, and there was nobody, or they rang off before anybody could answer
    CANCELLED = "cancelled"
    FAILED = "failed"
    LOST = "lost"


class Disposition(StrEnum):
    """What the conversation achieved, as the agent says."""

    PROMISE = "promise"
    PLAN = "plan"
    PAID = "paid"
    DISPUTE = "dispute"
    HARDSHIP = "hardship"
    REFUSES = "refuses"
    CALLBACK = "callback"
    WRONG_PERSON = "wrong_person"
    REPRESENTED = "represented"
    DROPPED = "dropped"


# With these the debtor was spoken to, and the cool-down after a conversation begins.
CONVERSATIONS = frozenset(Disposition) - {Disposition.WRONG_PERSON, Disposition.DROPPED}


class Command(StrEnum):
    """What the dialer has to do now."""

    NOTE_TAKEN = "note_taken"  # the attempt is accepted: the carrier certainly has it
    FIND_AGENT = "find_agent"
    ANSWER = "answer"  # whoever calls us
    BRIDGE = "bridge"
    QUEUE = "queue"  # say that nobody is free yet
    SAY_CLOSED = "say_closed"
    APOLOGISE = "apologise"
    PLAY = "play"  # what an agentless call has to say now, to a person
    LEAVE_TEXT = "leave_text"  # the neutral text, to a machine
    HANG_UP = "hang_up"
    NOTE_CONNECTED = "note_connected"
    RELEASE_AGENT = "release_agent"  # back among the free, the waiting time kept
    LOSE_AGENT = "lose_agent"  # the bridge to them does not come about: no calls until they are back
    HAND_OVER = "hand_over"  # the next agent takes the place of the one before, who owes the outcome of their part
    PART_AGENT = "part_agent"  # their telephone took them out of the call: they owe its outcome, another goes on
    WRAP_UP = "wrap_up"
    LOG = "log"


@dataclass(frozen=True, slots=True)
class Next:
    """The state that follows, what to do, and, when it is the end, how the call ended.

    `anew`: its time begins again even if the call was in that state before.
    """

    state: State
    commands: tuple[Command, ...] = ()
    how: HowEnded | None = None
    anew: bool = False


def _end(how: HowEnded, *commands: Command) -> Next:
    return Next(State.ENDED, (*commands, Command.LOG), how)


# The carrier's words for a call that came to nothing.
_UNREACHED = {
    Event.BUSY: HowEnded.BUSY,
    Event.NO_ANSWER: HowEnded.NO_ANSWER,
    Event.MACHINE: HowEnded.MACHINE,
    Event.INVALID: HowEnded.INVALID,
    Event.REJECTED: HowEnded.REJECTED,
    Event.CONGESTION: HowEnded.CONGESTION,
    Event.FAILED: HowEnded.FAILED,
}
# After the answer each of them only says that the call is over.
_OVER = (frozenset(_UNREACHED) - {Event.MACHINE}) | {Event.HUNG_UP}

_C, _H = Command, HowEnded

_ANSWER: dict[Event, Next] = {
    Event.ANSWERED: Next(State.WAITING, (_C.NOTE_TAKEN, _C.FIND_AGENT)),
    Event.ANSWERED_AGENTLESS: Next(State.PLAYING, (_C.NOTE_TAKEN, _C.PLAY)),
    Event.MACHINE: _end(_H.MACHINE, _C.HANG_UP),
    Event.MACHINE_TAKES_TEXT: Next(State.MACHINE, (_C.NOTE_TAKEN, _C.LEAVE_TEXT)),
}
_UNANSWERED = {event: _end(how) for event, how in _UNREACHED.items() if event is not Event.MACHINE} | {
    Event.LOST: _end(_H.LOST)
}
# Whoever is spoken to already cannot be a machine any more: a late verdict is the agent's to judge.
_MACHINE = _end(_H.MACHINE, _C.HANG_UP)
_SPOKEN_TO = {event: _end(_H.ANSWERED) for event in (*_OVER, Event.LOST)} | {
    Event.MACHINE: _MACHINE,
    Event.MACHINE_TAKES_TEXT: Next(State.MACHINE, (_C.LEAVE_TEXT,)),
    Event.TIMED_OUT: _end(_H.ANSWERED, _C.HANG_UP),
}
_WITH_AGENT = (State.CONNECTED, State.HOLD)
_KEYS = {
    Event.WANTS_AGENT: Next(State.WAITING, (_C.FIND_AGENT,)),
    Event.SPEAKS_ON: Next(State.PLAYING, (_C.PLAY,), anew=True),
    Event.PARTS: Next(State.FAREWELL, (_C.PLAY,)),
}


def _row(state: State, answers: Mapping[Event, Next]) -> dict[tuple[State, Event], Next]:
    return {(state, event): following for event, following in answers.items()}


TABLE: dict[tuple[State, Event], Next] = {
    # Nothing heard yet: events may skip `ringing`, or come before the placing request has answered.
    **_row(State.PLACED, _UNANSWERED | _ANSWER),
    (State.PLACED, Event.RINGING): Next(State.RINGING, (_C.NOTE_TAKEN,)),
    (State.PLACED, Event.HUNG_UP): _end(_H.FAILED),
    (State.PLACED, Event.NOT_TAKEN): _end(_H.CONGESTION),
    (State.PLACED, Event.CANCELLED): Next(State.CANCELLING, (_C.HANG_UP,)),
    (State.PLACED, Event.TIMED_OUT): _end(_H.LOST, _C.HANG_UP),
    **_row(State.RINGING, _UNANSWERED | _ANSWER),
    (State.RINGING, Event.HUNG_UP): _end(_H.NO_ANSWER),
    (State.RINGING, Event.CANCELLED): Next(State.CANCELLING, (_C.HANG_UP,)),
    (State.RINGING, Event.TIMED_OUT): _end(_H.NO_ANSWER, _C.HANG_UP),
    # Whoever picks up while we hang up is a person to be served, unless the hang-up was quicker.
    **{(State.CANCELLING, event): _end(_H.CANCELLED) for event in (*_UNREACHED, *_MEANT, Event.HUNG_UP, Event.LOST)},
    (State.CANCELLING, Event.ANSWERED): _ANSWER[Event.ANSWERED],
    (State.CANCELLING, Event.ANSWERED_AGENTLESS): _ANSWER[Event.ANSWERED_AGENTLESS],
    (State.CANCELLING, Event.NOT_TAKEN): _end(_H.CANCELLED),
    (State.CANCELLING, Event.TIMED_OUT): _end(_H.CANCELLED, _C.HANG_UP),
    # Nobody is there to be served; the machine records until the text is over.
    **{(State.MACHINE, event): _end(_H.MACHINE) for event in (*_OVER, Event.LOST)},
    (State.MACHINE, Event.PLAYED): _end(_H.MACHINE, _C.HANG_UP),
    (State.MACHINE, Event.TIMED_OUT): _end(_H.MACHINE, _C.HANG_UP),
    # A person hears the campaign's texts and may ask for an agent.
    **_row(State.PLAYING, _SPOKEN_TO | _KEYS),
    (State.PLAYING, Event.PLAYED): _end(_H.ANSWERED, _C.HANG_UP),
    (State.PLAYING, Event.PLAYED_ASKING): Next(State.LISTENING),
    **_row(State.LISTENING, _SPOKEN_TO | _KEYS),
    (State.LISTENING, Event.PRESSED): Next(State.LISTENING, anew=True),
    **_row(State.FAREWELL, _SPOKEN_TO),
    (State.FAREWELL, Event.PLAYED): _end(_H.ANSWERED, _C.HANG_UP),
    # A person is on the line.
    **{(State.WAITING, event): _end(_H.ABANDONED) for event in _OVER},
    (State.WAITING, Event.LOST): _end(_H.LOST),
    (State.WAITING, Event.MACHINE): _MACHINE,
    (State.WAITING, Event.MACHINE_TAKES_TEXT): Next(State.MACHINE, (_C.LEAVE_TEXT,)),
    (State.WAITING, Event.AGENT_FOUND): Next(State.BRIDGING, (_C.BRIDGE,)),
    (State.WAITING, Event.NOBODY_FREE): Next(State.APOLOGISING, (_C.APOLOGISE,)),
    (State.WAITING, Event.TIMED_OUT): Next(State.APOLOGISING, (_C.APOLOGISE,)),
    **{(State.BRIDGING, event): _end(_H.ABANDONED, _C.RELEASE_AGENT) for event in _OVER},
    (State.BRIDGING, Event.LOST): _end(_H.LOST, _C.RELEASE_AGENT),
    (State.BRIDGING, Event.MACHINE): _end(_H.MACHINE, _C.HANG_UP, _C.RELEASE_AGENT),
    (State.BRIDGING, Event.MACHINE_TAKES_TEXT): Next(State.MACHINE, (_C.RELEASE_AGENT, _C.LEAVE_TEXT)),
    (State.BRIDGING, Event.BRIDGED): Next(State.CONNECTED, (_C.NOTE_CONNECTED,)),
    (State.BRIDGING, Event.AGENT_LOST): Next(State.WAITING, (_C.LOSE_AGENT, _C.FIND_AGENT)),
    (State.BRIDGING, Event.TIMED_OUT): Next(State.APOLOGISING, (_C.LOSE_AGENT, _C.APOLOGISE)),
    **{(State.CONNECTED, event): _end(_H.ANSWERED, _C.WRAP_UP) for event in (*_OVER, Event.LOST)},
    (State.CONNECTED, Event.HELD): Next(State.HOLD),
    (State.CONNECTED, Event.AGENT_DONE): _end(_H.ANSWERED, _C.HANG_UP, _C.WRAP_UP),
    (State.CONNECTED, Event.TIMED_OUT): _end(_H.ANSWERED, _C.HANG_UP, _C.WRAP_UP),
    # The agent's telephone is gone in mid-call: the person is not left in silence.
    (State.CONNECTED, Event.AGENT_LOST): Next(State.WAITING, (_C.PART_AGENT, _C.FIND_AGENT)),
    **{(State.HOLD, event): _end(_H.ANSWERED, _C.WRAP_UP) for event in (*_OVER, Event.LOST)},
    (State.HOLD, Event.RETRIEVED): Next(State.CONNECTED),
    (State.HOLD, Event.AGENT_DONE): _end(_H.ANSWERED, _C.HANG_UP, _C.WRAP_UP),
    (State.HOLD, Event.TIMED_OUT): _end(_H.ANSWERED, _C.HANG_UP, _C.WRAP_UP),
    (State.HOLD, Event.AGENT_LOST): Next(State.WAITING, (_C.PART_AGENT, _C.FIND_AGENT)),
    **{(state, Event.HANDED_OVER): Next(State.BRIDGING, (_C.HAND_OVER, _C.BRIDGE)) for state in _WITH_AGENT},
    **{(state, Event.LEFT): Next(State.OUTSIDE, (_C.WRAP_UP,)) for state in _WITH_AGENT},
    **{(State.OUTSIDE, event): _end(_H.ANSWERED) for event in (*_OVER, Event.LOST)},
    (State.OUTSIDE, Event.TIMED_OUT): _end(_H.ANSWERED, _C.HANG_UP),
    # Somebody calls us.
    **{(State.INCOMING, event): _end(_H.MISSED) for event in _OVER},
    (State.INCOMING, Event.LOST): _end(_H.LOST),
    (State.INCOMING, Event.AGENT_FOUND): Next(State.BRIDGING, (_C.ANSWER, _C.BRIDGE)),
    (State.INCOMING, Event.NOBODY_FREE): Next(State.QUEUED, (_C.ANSWER, _C.QUEUE)),
    (State.INCOMING, Event.NOBODY_THERE): Next(State.CLOSED, (_C.ANSWER, _C.SAY_CLOSED)),
    (State.INCOMING, Event.TIMED_OUT): _end(_H.MISSED, _C.HANG_UP),
    **{(State.QUEUED, event): _end(_H.ABANDONED) for event in _OVER},
    (State.QUEUED, Event.LOST): _end(_H.LOST),
    (State.QUEUED, Event.PLAYED): Next(State.WAITING, (_C.FIND_AGENT,)),
    (State.QUEUED, Event.AGENT_FOUND): Next(State.BRIDGING, (_C.BRIDGE,)),
    (State.QUEUED, Event.NOBODY_FREE): Next(State.APOLOGISING, (_C.APOLOGISE,)),
    (State.QUEUED, Event.TIMED_OUT): Next(State.APOLOGISING, (_C.APOLOGISE,)),
    **{(State.CLOSED, event): _end(_H.MISSED) for event in _OVER},
    (State.CLOSED, Event.LOST): _end(_H.LOST),
    (State.CLOSED, Event.PLAYED): _end(_H.MISSED, _C.HANG_UP),
    (State.CLOSED, Event.TIMED_OUT): _end(_H.MISSED, _C.HANG_UP),
    **{(State.APOLOGISING, event): _end(_H.ABANDONED) for event in _OVER},
    (State.APOLOGISING, Event.LOST): _end(_H.LOST),
    (State.APOLOGISING, Event.PLAYED): _end(_H.ABANDONED, _C.HANG_UP),
    (State.APOLOGISING, Event.MACHINE): _MACHINE,
    (State.APOLOGISING, Event.MACHINE_TAKES_TEXT): _MACHINE,
    (State.APOLOGISING, Event.TIMED_OUT): _end(_H.ABANDONED, _C.HANG_UP),
}
# Late and doubled reports change nothing; a refusal after the carrier was heard is contradicted by what was heard.
for _state in State:
    for _event in (*CARRIER_EVENTS, *_MEANT, *_KEYED, Event.NOT_TAKEN):
        TABLE.setdefault((_state, _event), Next(_state))


@dataclass(frozen=True, slots=True)
class Call:
    """One call and the times of its stages; `taken` says that the carrier certainly had it.

    `answered_at`: a person picked up, or we did if they called us (`inbound`; `placed_at` is when). `waiting_at`: since
    when a person waits for an agent; an agent who is lost before the bridge does not begin that anew.
    """

    reference: str
    placed_at: datetime
    state: State = State.PLACED
    since: datetime | None = None
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    waiting_at: datetime | None = None
    connected_at: datetime | None = None
    ended_at: datetime | None = None
    how: HowEnded | None = None
    taken: bool = False
    inbound: bool = False


def came_in(reference: str, at: datetime) -> Call:
    """Begin a call of somebody who calls us."""
    return Call(reference, at, State.INCOMING, since=at, taken=True, inbound=True)


def step(call: Call, event: Event, at: datetime) -> tuple[Call, tuple[Command, ...]]:
    """Answer the call after the event and what to do; raises IllegalTransition when the event makes no sense now."""
    try:
        following = TABLE[call.state, event]
    except KeyError:
        raise IllegalTransition(
            "call %(call)s: a call that is %(state)s has no answer to %(event)s",
            call=call.reference, state=call.state, event=event,
        ) from None  # fmt: skip
    if following.state is call.state and not following.anew:
        return call, ()
    commands = following.commands
    if call.taken:
        commands = tuple(command for command in commands if command is not Command.NOTE_TAKEN)
    return _entered(call, following, at), commands


def in_flight(call: Call) -> bool:
    """Answer whether the call may yet need an agent whom nobody has reserved for it."""
    return call.state in _IN_FLIGHT


def is_spoken_to(call: Call) -> bool:
    """Answer whether a person was ever connected to an agent in this call."""
    return call.connected_at is not None


# A person is on the line who is given the next agent who becomes free.
WAITS = frozenset({State.WAITING, State.QUEUED})
_IN_FLIGHT = WAITS | {State.PLACED, State.RINGING, State.CANCELLING, State.INCOMING}
_PICKED_UP = frozenset({State.WAITING, State.PLAYING})
_UNSERVED = frozenset({HowEnded.ABANDONED, HowEnded.LOST})


def _entered(call: Call, following: Next, at: datetime) -> Call:
    """Note when the stage began; an answer without `ringing` leaves that time empty."""
    state, how = following.state, following.how
    if how in _UNSERVED and is_spoken_to(call):
        how = HowEnded.ANSWERED  # cut off in mid-conversation, which is not the same as never served
    waiting_at = call.waiting_at
    if state in WAITS and (waiting_at is None or call.state not in (State.BRIDGING, State.QUEUED)):
        waiting_at = at
    picked_up = state in _PICKED_UP or Command.ANSWER in following.commands
    return replace(
        call,
        state=state,
        since=at,
        how=how,
        ringing_at=at if state is State.RINGING else call.ringing_at,
        answered_at=call.answered_at or (at if picked_up else None),
        waiting_at=waiting_at,
        connected_at=call.connected_at or (at if state is State.CONNECTED else None),
        ended_at=at if state is State.ENDED else call.ended_at,
        taken=call.taken or Command.NOTE_TAKEN in following.commands,
    )
