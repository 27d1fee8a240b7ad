"""A call that is up, and what is written down about each of its stages; for the dialer."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

import sqlalchemy as sa

from contactd.domain import attempt
from contactd.domain.account import Channel
from contactd.domain.call import CONVERSATIONS, Call, Disposition, HowEnded, State, in_flight
from contactd.domain.campaign import AGENTLESS, INBOUND, Mode
from contactd.domain.errors import InputError
from contactd.domain.forecast import Line
from contactd.domain.ivr import Dialogue
from contactd.engine.calls.callbook import Conclude, Dial
from contactd.engine.calls.lists import Key, key_of
from contactd.engine.errands import Lane
from contactd.store import calls
from contactd.store.attempts import Transition
from contactd.store.call_queue import CallBack
from contactd.store.calls import CallRow, HandedIn, Stage, Unfinished
from contactd.store.suppressions import REPRESENTED, NewSuppression

CONGESTED = timedelta(minutes=5)
_OPTED_OUT = "opted_out"


@dataclass(slots=True)
class Live:
    """A call, whose agent it is, and the lanes of what is still to be ordered and written for it."""

    dial: Dial
    team: str
    call: Call
    caller_id: str
    orders: Lane
    entries: Lane
    agent: str = ""
    carrier_ref: str = ""
    retry_after: timedelta = CONGESTED
    gone: bool = False  # it is another owner's now
    next_agent: str = ""  # reserved to take the conversation over
    recordings: list[str] = field(default_factory=list)
    parted: str = ""  # the agent before, whose telephone took them out of the conversation
    dialogue: Dialogue | None = None  # with the keys, in mode ivr
    due: datetime | None = None  # when it has been in its state too long
    key: Key = field(init=False)
    line: Line = field(init=False)  # as the pacing sees it

    def __post_init__(self) -> None:
        """Name its list, and see it for the first time."""
        self.key = key_of(self.dial.claimed)
        self.moved()

    def moved(self) -> None:
        """Look again at when it was placed and since when it rings."""
        call = self.call
        self.line = Line(call.placed_at.timestamp(), call.ringing_at.timestamp() if call.ringing_at else None)

    def refer_to(self, carrier_ref: str) -> None:
        """Note what the carrier calls it; one that came in keeps its reference, by which it is found again."""
        if carrier_ref and not self.call.inbound:
            self.carrier_ref = carrier_ref

    @property
    def reference(self) -> str:
        """Name the call on the wire."""
        return self.call.reference


def row(live: Live) -> CallRow:
    """Write the call as its table keeps it."""
    call = live.call
    return CallRow(
        attempt_id=live.dial.claimed.id,
        number=live.dial.number,
        caller_id=live.caller_id,
        carrier_ref=live.carrier_ref,
        placed_at=call.placed_at,
        ringing_at=call.ringing_at,
        answered_at=call.answered_at,
        connected_at=call.connected_at,
        ended_at=call.ended_at,
        how_ended=call.how or "",
        agent=live.agent or live.parted,
    )


def taken(live: Live, at: datetime) -> Stage:
    """Enter that the carrier certainly has the call."""
    return Stage(row(live), _transition(live, attempt.Event.TAKEN, at, "accepted"))


def lost_sight(live: Live, at: datetime) -> Stage:
    """Enter that nobody knows whether the carrier has the call."""
    return Stage(row(live), _transition(live, attempt.Event.LOST_SIGHT, at, "unclear", reason="carrier_unclear"))


def connected(live: Live) -> Stage:
    """Enter since when customer and agent talk: after a crash it still is known."""
    return Stage(row(live), settles=live.dial.claimed.account_id if live.call.inbound else 0)


def picked_up(live: Live) -> Stage:
    """Enter since when somebody who called us hears something."""
    return Stage(row(live))


def ended(live: Live, at: datetime) -> Stage:
    """Enter how the call ended; what never reached the carrier's network is planned again."""
    how = live.call.how or HowEnded.LOST
    if how is HowEnded.CONGESTION and not live.call.taken:
        retry = at + live.retry_after
        return Stage(row(live), _transition(live, attempt.Event.NOT_TAKEN, at, how, not_before=retry))
    event = attempt.Event.CONFIRMED if how is HowEnded.ANSWERED else attempt.Event.REJECTED
    suppress = _suppression(live, "undeliverable", at) if how is HowEnded.INVALID else None
    reason = ""
    if live.dialogue is not None and live.dialogue.opted_out:
        reason, suppress = _OPTED_OUT, _no_more_calls(live, at)
    return Stage(row(live), _transition(live, event, at, how, reason=reason), suppress)


def opted_out(live: Live, at: datetime) -> Stage:
    """Enter that nobody is to be called at this number any more; the end says it again, in its own transaction."""
    return Stage(row(live), suppress=_no_more_calls(live, at))


def lost(item: Unfinished, at: datetime) -> Stage:
    """Enter the end of a call that an earlier run left and the carrier no longer has."""
    kept = item.row
    transition = Transition(
        kept.attempt_id,
        item.claimed.claim_no,
        attempt.Event.REJECTED,
        at,
        outcome=HowEnded.LOST,
        reason="daemon_restarted",
        agent=kept.agent,
        conversation_at=kept.connected_at,
        details=_details(
            item.inbound, kept.caller_id, kept.placed_at, kept.ringing_at, kept.answered_at, kept.connected_at, at
        ),
    )
    gone = CallRow(
        attempt_id=kept.attempt_id,
        number=kept.number,
        caller_id=kept.caller_id,
        carrier_ref=kept.carrier_ref,
        placed_at=kept.placed_at,
        ringing_at=kept.ringing_at,
        answered_at=kept.answered_at,
        connected_at=kept.connected_at,
        ended_at=at,
        how_ended=HowEnded.LOST,
        agent=kept.agent,
    )
    return Stage(gone, transition)


def end_left(connection: sa.Connection, *, owner: str, now: datetime) -> None:
    """End the calls of an earlier run for which there is no carrier any more."""
    left = calls.strays(connection, owner=owner)
    calls.record(connection, [lost(item, now) for item in left])


@dataclass(frozen=True, slots=True)
class Said:
    """What an agent says beside the outcome: a word why nothing was paid, what else was found out, and what follows.

    `conclude` runs each time the outcome is tried to be written; an InputError it raises keeps everything as it was.
    """

    reason: str = ""
    details: Mapping[str, object] | None = None
    conclude: Conclude | None = None


NOTHING_SAID = Said()


def handed_in(live: Live, agent: str, disposition: Disposition, at: datetime, said: Said = NOTHING_SAID) -> HandedIn:
    """Enter what the agent says, and what follows; the cool-down counts only when the debtor was spoken to."""
    return HandedIn(
        attempt_id=live.dial.claimed.id,
        claim_no=live.dial.claimed.claim_no,
        agent=agent,
        disposition=disposition,
        at=at,
        conversation_at=live.call.connected_at if disposition in CONVERSATIONS else None,
        suppress=stopped_by(live.dial.claimed, live.dial.number, agent, disposition, at),
        beside=live.agent not in ("", agent),
        reason=said.reason,
        details=said.details,
    )


class Whose(Protocol):
    """An attempt and whose it is: a claimed one, or one read from the store."""

    @property
    def account_id(self) -> int:
        """Give the account's id, 0 of somebody unknown."""
        ...

    @property
    def customer_id(self) -> int:
        """Give the customer's id."""
        ...


def stopped_by(whose: Whose, number: str, agent: str, disposition: Disposition, at: datetime) -> NewSuppression | None:
    """Tell what must not be done any more after what the agent says; of a caller nobody knows, nothing."""
    if not whose.account_id:
        return None
    if disposition is Disposition.WRONG_PERSON:
        return NewSuppression("number", number, None, "wrong_number", f"agent {agent}", at)
    if disposition is Disposition.REPRESENTED:
        return NewSuppression("account", str(whose.customer_id), None, REPRESENTED, f"agent {agent}", at)
    return None


@dataclass(frozen=True, slots=True)
class Agreed:
    """A callback as it was agreed: when, whether with this agent, until when it waits for them, on which number."""

    at: datetime
    own: bool = False
    kept: timedelta = timedelta(hours=2)
    number: str = ""


def called_back(live: Live, agent: str, agreed: Agreed) -> CallBack:
    """Queue the call that was agreed; one that is an agent's own falls to the team when it has waited long enough.

    Raises InputError when it is not known whom to call, or for what.
    """
    if live.call.inbound and live.dial.again is None:
        raise InputError("no callback can be agreed here: nobody knows who called, or no campaign calls anybody")
    return CallBack(
        attempt_id=live.dial.claimed.id,
        at=agreed.at,
        number=agreed.number or live.dial.number,
        kept_for=agent if agreed.own else "",
        kept_until=agreed.at + agreed.kept if agreed.own else None,
        key=live.dial.again,
    )


def adopted(item: Unfinished, mode: Mode) -> Call:
    """Take up a call of an earlier run where its row says it stands; whoever hears a message goes on hearing it."""
    kept = item.row
    stages = {
        State.CONNECTED: kept.connected_at,
        State.PLAYING if mode == "message" else State.WAITING: kept.answered_at,
        State.RINGING: kept.ringing_at,
        State.INCOMING if item.inbound else State.PLACED: kept.placed_at,
    }
    state, since = next((state, at) for state, at in stages.items() if at is not None)
    return Call(
        reference=item.reference,
        placed_at=kept.placed_at,
        state=state,
        since=since,
        ringing_at=kept.ringing_at,
        answered_at=kept.answered_at,
        waiting_at=kept.answered_at if item.inbound else None,
        connected_at=kept.connected_at,
        taken=state is not State.PLACED,
        inbound=item.inbound,
    )


def _transition(
    live: Live,
    event: attempt.Event,
    at: datetime,
    outcome: str,
    *,
    reason: str = "",
    not_before: datetime | None = None,
) -> Transition:
    call = live.call
    times = (call.placed_at, call.ringing_at, call.answered_at, call.connected_at, call.ended_at)
    details: dict[str, object] = _details(call.inbound, live.caller_id, *times) | _keys(live)
    if live.recordings:
        details["recordings"] = list(live.recordings)
    # Until the agent says otherwise a connected call counts as a conversation: the cool-down fails closed.
    spoken = call.connected_at if event is attempt.Event.CONFIRMED else None
    return Transition(
        live.dial.claimed.id,
        live.dial.claimed.claim_no,
        event,
        at,
        outcome=outcome,
        reason=reason,
        provider_ref=live.carrier_ref,
        agent=live.agent or live.parted,
        not_before=not_before,
        conversation_at=spoken,
        details=details,
    )


def _keys(live: Live) -> dict[str, object]:
    """Tell what was done with the keys, never which digits were typed."""
    dialogue = live.dialogue
    if dialogue is None:
        return {}
    told: dict[str, object] = {"heard_again": dialogue.repeats, "chose": dialogue.chose}
    return told | ({"identified": dialogue.identified, "tries": dialogue.tries} if live.dial.step.identify else {})


def wants_agent(live: Live) -> bool:
    """Tell whether the call may need an agent nobody has kept for it; agentless ones only when 1 was pressed."""
    if live.agent or (live.dial.step.mode in AGENTLESS and live.call.state is not State.WAITING):
        return False
    return in_flight(live.call)


def _details(inbound: bool, caller_id: str, *times: datetime | None) -> dict[str, object]:  # noqa: FBT001 -- private
    names = ("placed_at", "ringing_at", "answered_at", "connected_at", "ended_at")
    known: dict[str, object] = {name: at.isoformat() for name, at in zip(names, times, strict=True) if at is not None}
    return ({"direction": INBOUND, "called": caller_id} if inbound else {"caller_id": caller_id}) | known


def _no_more_calls(live: Live, at: datetime) -> NewSuppression:
    return replace(_suppression(live, _OPTED_OUT, at), channel=Channel.CALL)


def _suppression(live: Live, reason: str, at: datetime) -> NewSuppression:
    """Let nobody use the number any more, by call or SMS."""
    return NewSuppression(
        kind="number",
        value=live.dial.number,
        channel=None,
        reason=reason,
        source=f"attempt {live.dial.claimed.id}",
        at=at,
    )
