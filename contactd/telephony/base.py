"""What every carrier of calls has in common: the protocol it keeps and the values that pass; only the dialer uses it.

Events may be early (an answer before `place` has returned), late, doubled, out of order or lost: the table in
domain/call.py knows what to make of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol

from contactd.domain.phrase import Phrase


class Kind(StrEnum):
    """What a carrier reports; of calls the same words as in domain/call.py, then of agents and of whoever calls us."""

    RINGING = "ringing"
    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    MACHINE = "machine"
    INVALID = "invalid"
    REJECTED = "rejected"
    CONGESTION = "congestion"
    FAILED = "failed"
    BRIDGED = "bridged"
    HELD = "held"
    RETRIEVED = "retrieved"
    PRESSED = "pressed"  # a key, during a text that asks for keys or after its end
    PLAYED = "played"
    HUNG_UP = "hung_up"
    LOST = "lost"  # the carrier no longer has the call, and nobody knows how it ended
    THIRD_JOINED = "third_joined"  # somebody the agent has brought in takes part
    THIRD_GONE = "third_gone"  # and does no more, or never came
    OUTSIDE = "outside"  # the agent had left the two to each other, before we were
    RECORDED = "recorded"  # from now on
    AGENT_UP = "agent_up"
    AGENT_DOWN = "agent_down"
    EAR_GONE = "ear_gone"  # a supervisor hears nobody any more, and nobody has asked for that
    INCOMING = "incoming"  # somebody calls us: it rings at their end until they are answered
    MISSED = "missed"  # somebody called us, and nobody answered


UNSERVED = "unserved"  # the code of a ChannelMisconfigured: no way leads to this number, but perhaps to others

OF_AGENTS = frozenset({Kind.AGENT_UP, Kind.AGENT_DOWN, Kind.EAR_GONE})
BESIDE = frozenset(
    {Kind.THIRD_JOINED, Kind.THIRD_GONE, Kind.OUTSIDE, Kind.RECORDED}
)  # these change nothing in a call's life
_IN = "in-"


def reference_of(call_id: str) -> str:
    """Name a call that comes in by what its carrier calls it: unlike any that we place."""
    return _IN + call_id


def call_id_of(reference: str) -> str:
    """Tell what the carrier calls a call that came in; empty for one that we place."""
    return reference.removeprefix(_IN) if reference.startswith(_IN) else ""


@dataclass(frozen=True, slots=True)
class CarrierEvent:
    """Something happened to the call `reference`, which is empty in what concerns an agent or a missed call.

    `details` may hold `agent` (bridged, agent_up, agent_down; ear_gone: the supervisor), `carrier_ref`, `digit`
    (pressed; one of 0-9*#), `name` (recorded), `number` (missed, incoming; as the network gives it, so empty, a word or
    a number of any form) and `called` (incoming: which of our numbers, in the same forms). The reference of an incoming
    call is the carrier's own, from `reference_of`; one may be reported again, after a connection was lost.
    """

    reference: str
    kind: Kind
    at: datetime
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CallRequest:
    """One call to place; `reference` names it on the wire and is never used twice.

    `detect`: whether a machine is told from a person not at all, beside the conversation, or first: then `answered` or
    `machine` is reported only when that is known.
    """

    reference: str
    attempt_id: int
    number: str
    caller_id: str
    ring_seconds: float
    detect: Literal["", "beside", "first"] = ""


@dataclass(frozen=True, slots=True)
class Announcement:
    """A text to be spoken to whoever is on the line, its language, and the sound file it was recorded in, if any.

    Of a `private` one, which tells of an account, nothing is to be kept.
    """

    text: str
    language: str
    recording: str = ""
    private: bool = False


Supervision = Literal["listen", "whisper", "barge"]  # hear both; speak to the agent, too; speak to both

OnEvent = Callable[[CarrierEvent], None]


class Carrier(Protocol):
    """A way of making calls.

    Every request may raise ChannelUnavailable, ChannelUnclear, ChannelRejected or ChannelMisconfigured and nothing
    else; `on_event` is called in the event loop and returns at once.
    """

    name: str

    async def start(self, on_event: OnEvent) -> None:
        """Make ready and report to `on_event` from now on; a carrier that is down at that moment is no error."""
        ...

    async def close(self) -> None:
        """Report nothing more and drop what is open."""
        ...

    async def place(self, request: CallRequest) -> None:
        """Begin a call; ChannelUnavailable: certainly not begun, ChannelUnclear: it may have been."""
        ...

    async def answer(self, reference: str) -> None:
        """Pick up for somebody who calls us; `answered` reports it. Twice is no error; ChannelRejected: it is over."""
        ...

    async def bridge(self, reference: str, agent_id: str) -> None:
        """Join an answered call and the agent; `bridged` reports that they hear each other.

        ChannelRejected: the call is over; ChannelUnavailable: the agent cannot be reached.
        """
        ...

    async def play(self, reference: str, announcement: Announcement, *, ask: bool = False) -> None:
        """Speak to whoever is on the line, instead of what they hear now; `played` reports the end of it.

        If asked, `pressed` reports each key pressed during the text and afterwards, one by one, and means nothing by
        itself: more keys, another text or a bridge may follow.
        """
        ...

    async def hold(self, reference: str) -> None:
        """Part the agent and the person, who hears music; `held` reports it. So does whoever waits for an agent."""
        ...

    async def retrieve(self, reference: str) -> None:
        """Join them again; `retrieved` reports it."""
        ...

    async def mute(self, agent_id: str, *, muted: bool) -> None:
        """Let nobody hear the agent, or everybody again."""
        ...

    async def invite(self, reference: str, number: str, caller_id: str) -> None:
        """Call a third person into the conversation; `third_joined` and `third_gone` report of them."""
        ...

    async def dismiss(self, reference: str) -> None:
        """Let the third person go; where there is none it is no error."""
        ...

    async def leave(self, reference: str) -> None:
        """Take the agent out of a conversation the other two go on with; ChannelRejected: there is no third."""
        ...

    async def supervise(self, agent_id: str, supervisor: str, how: Supervision) -> None:
        """Let an agent who is no party hear, or speak in, another's conversation, on their own telephone.

        It goes on from one conversation to the next, until `unsupervise`, or until it is asked for anew. `ear_gone`
        reports that it has ended by itself: the telephone of one of the two is gone.
        """
        ...

    async def unsupervise(self, supervisor: str) -> None:
        """Let them hear no more; who hears nobody is no error."""
        ...

    async def record(self, reference: str, name: str, announcement: Announcement | None, *, ask: bool = False) -> None:
        """Keep what is said under that name from now on, once the announcement is over; `recorded` reports it.

        If asked, only after the person has pressed 1. It rests on hold, and ends when the agent's part does.
        """
        ...

    async def recordings(self) -> list[str]:
        """Name the recordings that are kept."""
        ...

    async def forget(self, name: str) -> None:
        """Delete a recording; one that is gone is no error."""
        ...

    async def seat(self, agent_id: str) -> None:
        """Call the agent's telephone and keep it up between calls; `agent_up` and `agent_down` report how it stands.

        One that is up already is reported again.
        """
        ...

    async def unseat(self, agent_id: str) -> None:
        """Let the agent's telephone go; one that is not up is no error."""
        ...

    async def hang_up(self, reference: str) -> None:
        """End the call, whatever it is doing; one that is unknown or over is no error."""
        ...

    async def live(self) -> list[str]:
        """List the references of the calls the carrier has now."""
        ...

    async def own(self) -> list[str]:
        """List those of them that this daemon has begun, now or before it was started anew."""
        ...

    def trouble(self) -> Phrase:
        """Say what keeps the carrier from calling, for people; empty: nothing it knows of."""
        ...
