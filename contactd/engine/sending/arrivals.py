"""What an inbox row means: which attempt it moves, which address it suppresses or frees; for web and reconciler.py.

What a person wishes (a message of theirs, an unsubscribe) is in force with the commit that keeps it, so that no contact
begins after it. The rest waits in the inbox.

Payloads by source: `twilio_status` and `twilio_message` as web/webhooks.py writes them; `smtp_bounce`: reference, hard,
status, diagnostic; `unsubscribe`: channel, address, and customer when there is no address.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

import structlog
from sqlalchemy.engine import Connection

from contactd.channels.twilio_codes import ARRIVED, DEAD, FAILED, UNDER_WAY, Advice, advice, outcome
from contactd.domain.account import Channel
from contactd.domain.attempt import Event
from contactd.store import contact_log, inbox, suppressions
from contactd.store.attempts import Transition
from contactd.store.suppressions import NewSuppression

log = structlog.get_logger()

# What a message says besides marks and courtesies, in upper case. The English words are those Twilio itself obeys; YES
# and JA are left out on purpose: they answer our question more often than they undo a STOP.
STOP_WORDS = frozenset({
    "STOP", "STOPP", "STOPALL", "STOP ALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT", "OPT OUT",
    "ABMELDEN", "ABBESTELLEN", "AUSTRAGEN", "KEINE SMS",
})  # fmt: skip
START_WORDS = frozenset({"START", "UNSTOP", "ANMELDEN"})
_COURTESIES = frozenset({"BITTE", "PLEASE", "PLS", "DANKE", "DANKESCHON", "THANKS", "THANK", "YOU", "THX"})
_MOST_SHORT = 6  # words, courtesies included: whoever writes more says more than STOP

_AT_ONCE = frozenset({"twilio_message", "unsubscribe"})
_MOST_WORDS = 300  # of a foreign diagnostic kept in the log


class Arrived(Protocol):
    """A row of the inbox, kept or about to be."""

    @property
    def source(self) -> str:
        """Say who spoke."""
        ...

    @property
    def token(self) -> str:
        """Name this delivery of the source."""
        ...

    @property
    def payload(self) -> Mapping[str, Any]:
        """Say what came."""
        ...

    @property
    def received_at(self) -> datetime:
        """Say when it came."""
        ...


@dataclass(frozen=True, slots=True)
class Sent:
    """By what channel an attempt went out, and where to."""

    channel: str
    address: str


Known = Mapping[int, Sent]


@dataclass(frozen=True, slots=True)
class Lifted:
    """A suppression the customer took back."""

    kind: str
    value: str
    channel: Channel
    reason: str
    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Received:
    """A message from a person that orders nothing: somebody is to read it."""

    number: str
    text: str
    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Effect:
    """What follows from a row; `again`: the same step once more, `reached`: proof that the provider had the message."""

    transition: Transition | None = None
    suppress: tuple[NewSuppression, ...] = ()
    lift: tuple[Lifted, ...] = ()
    received: Received | None = None
    again: bool = False
    reached: bool = False
    told: str = field(default="", compare=False)  # a word for the log when the row changes no attempt


def receive(connection: Connection, events: Sequence[inbox.Event]) -> list[bool]:
    """Keep what came in, and obey at once what a person wishes; answers False for what was delivered before."""
    fresh = inbox.receive(
        connection,
        [replace(one, handled_at=one.received_at) if one.source in _AT_ONCE else one for one in events],
    )
    obey(connection, [read(one, {}) for one, new in zip(events, fresh, strict=True) if new and one.source in _AT_ONCE])
    return fresh


def obey(connection: Connection, effects: Iterable[Effect]) -> None:
    """Suppress and free addresses in the order in which it was said: the last word holds; log what is to be read."""
    unwanted: list[NewSuppression] = []
    said: list[Received] = []
    for found in effects:
        said += [found.received] if found.received else []
        unwanted += found.suppress
        if found.lift:
            suppressions.add(connection, unwanted)
            unwanted = []
        for lifted in found.lift:
            suppressions.remove(
                connection,
                lifted.kind,
                lifted.value,
                source=lifted.source,
                now=lifted.at,
                channel=lifted.channel,
                reason=lifted.reason,
            )
    suppressions.add(connection, unwanted)
    _log(connection, said)


def _log(connection: Connection, said: Sequence[Received]) -> None:
    """Enter messages into the contact log of every account they may concern, or of none."""
    senders = suppressions.owners(connection, {("number", one.number) for one in said})
    contact_log.add(
        connection,
        [
            {
                "account_id": account_id,
                "at": one.at,
                "channel": Channel.SMS,
                "event": "received",
                "address": one.number,
                "details": {"source": one.source, "text": one.text},
            }
            for one in said
            for account_id in (*senders["number", one.number],) or (None,)
        ],
    )


def attempt_of(row: Arrived) -> int | None:
    """Name the attempt a row speaks of."""
    reference = row.payload.get("reference")
    return _split(reference)[0] if reference else None


def read(row: Arrived, known: Known) -> Effect:
    """Say what follows from a row; `known` are the attempts named. Nothing follows from one nobody can read."""
    try:
        found = _READERS[row.source](row.payload, row.received_at, known)
    except (AttributeError, KeyError, ValueError, TypeError) as error:
        log.error("inbox_row_unreadable", token=row.token, source=row.source, reason=repr(error))  # a foreign row
        return Effect()
    if found.told:
        log.info("inbox_row_noted", token=row.token, source=row.source, what=found.told)
    return found


def _twilio_status(payload: Mapping[str, Any], at: datetime, known: Known) -> Effect:
    attempt_id, claim_no = _split(payload["reference"])
    status, sid = payload["status"], payload["sid"]
    sent = known.get(attempt_id)
    to = payload.get("to", "")
    # Another installation may share the provider's account: its attempts have numbers like ours.
    if sent is None or sent.channel != Channel.SMS:
        return Effect(told="no SMS of ours")
    if sent.address and to and to != sent.address:
        return Effect(told="the attempt went to another number")

    def moved(event: Event, how: str, reason: str = "") -> Transition:
        return Transition(attempt_id, claim_no, event, at, outcome=how, reason=reason, provider_ref=sid)

    if status in UNDER_WAY:
        return Effect(moved(Event.TAKEN, "accepted"), reached=True)
    if status in ARRIVED:
        return Effect(moved(Event.CONFIRMED, "delivered"), reached=True)
    if status not in FAILED:
        return Effect(told=f"status {status}")
    code = int(payload["code"] or 0)
    todo = advice(code)
    reason = "undeliverable" if todo in DEAD else "opted_out" if todo is Advice.OPTED_OUT else ""
    # An attempt that waits to be sent again has no address: then nothing proves that the number is its own.
    ours = bool(reason) and to == sent.address != ""
    suppress = (_number(to, reason, f"attempt {attempt_id}", at),) if ours else ()
    words = f"{code} {todo}" if code else status
    return Effect(moved(Event.REJECTED, outcome(code), words), suppress, again=todo is Advice.LATER)


def _smtp_bounce(payload: Mapping[str, Any], at: datetime, known: Known) -> Effect:
    attempt_id, claim_no = _split(payload["reference"])
    reason = f"{payload.get('status', '')} {payload.get('diagnostic', '')}".strip()[:_MOST_WORDS]
    sent = known.get(attempt_id)
    if sent is None or sent.channel != Channel.EMAIL:
        # Anybody can write to the return path: what names no e-mail of ours moves nothing.
        return Effect(told="no e-mail of ours bounced")
    suppress: tuple[NewSuppression, ...] = ()
    if payload["hard"] and sent.address:
        source = f"attempt {attempt_id}"
        suppress = (NewSuppression("email", sent.address.lower(), Channel.EMAIL, "undeliverable", source, at=at),)
    return Effect(
        Transition(attempt_id, claim_no, Event.REJECTED, at, outcome="bounced", reason=reason), suppress=suppress
    )


def _unsubscribe(payload: Mapping[str, Any], at: datetime, known: Known) -> Effect:
    del known
    channel, address = Channel(payload["channel"]), payload.get("address", "")
    if not address:
        customer = str(payload["customer"])
        return Effect(suppress=(NewSuppression("account", customer, channel, "opted_out", "unsubscribe", at=at),))
    kind = "email" if channel is Channel.EMAIL else "number"
    value = address.lower() if kind == "email" else address
    return Effect(suppress=(NewSuppression(kind, value, channel, "opted_out", "unsubscribe", at=at),))


def _twilio_message(payload: Mapping[str, Any], at: datetime, known: Known) -> Effect:
    del known
    number, said = payload["from"], payload.get("opt_out", "")
    words = _order(payload.get("body", ""))
    # Twilio's own reading of the message, when the account has it, goes before ours.
    if said == "STOP" or (not said and words in STOP_WORDS):
        return Effect(suppress=(_number(number, "opted_out", f"sms {payload['sid']}", at),))
    if said == "START" or (not said and words in START_WORDS):
        return Effect(lift=(Lifted("number", number, Channel.SMS, "opted_out", f"sms {payload['sid']}", at),))
    received = Received(number, payload.get("body", ""), f"sms {payload['sid']}", at)
    return Effect(told="message received", received=received)


def _order(text: str) -> str:
    """Answer what a short message says besides marks and courtesies; empty for a longer one."""
    plain = unicodedata.normalize("NFKD", text).upper()
    words = re.findall(r"[^\W_]+", "".join(mark for mark in plain if not unicodedata.combining(mark)))
    return " ".join(word for word in words if word not in _COURTESIES) if len(words) <= _MOST_SHORT else ""


def _number(number: str, reason: str, source: str, at: datetime) -> NewSuppression:
    """Suppress a number for SMS: what stops messages says nothing about calls."""
    return NewSuppression("number", number, Channel.SMS, reason, source, at=at)


def _split(reference: str) -> tuple[int, int]:
    """Read `<attempt>-<claim>`."""
    attempt_id, _, claim_no = reference.partition("-")
    return int(attempt_id), int(claim_no)


_READERS: dict[str, Callable[[Mapping[str, Any], datetime, Known], Effect]] = {
    "twilio_status": _twilio_status,
    "twilio_message": _twilio_message,
    "smtp_bounce": _smtp_bounce,
    "unsubscribe": _unsubscribe,
}
