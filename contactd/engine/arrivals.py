"""What an inbox row means: which attempt it moves, which address it suppresses or frees. Only reconciler.py uses it.

Payloads by source: `twilio_status` and `twilio_message` as web/webhooks.py writes them; `smtp_bounce`: reference, hard,
status, diagnostic; `unsubscribe`: channel, address, and customer when there is no address.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from contactd.channels.twilio_codes import ARRIVED, DEAD, FAILED, UNDER_WAY, Advice, advice, outcome
from contactd.domain.account import Channel
from contactd.domain.attempt import Event
from contactd.store.attempts import Transition
from contactd.store.suppressions import NewSuppression

# Whole messages, in upper case and without marks at the end. The English words are those Twilio itself obeys; YES and
# JA are left out on purpose: they answer our question more often than they undo a STOP.
STOP_WORDS = frozenset({
    "STOP", "STOPP", "STOPALL", "STOP ALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT", "OPT OUT",
    "ABMELDEN", "ABBESTELLEN", "AUSTRAGEN", "KEINE SMS",
})  # fmt: skip
START_WORDS = frozenset({"START", "UNSTOP", "ANMELDEN"})

_MOST_WORDS = 300  # of a foreign diagnostic kept in the log


class Arrived(Protocol):
    """A row of the inbox."""

    source: str
    payload: Any
    received_at: datetime


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


@dataclass(frozen=True, slots=True)
class Effect:
    """What follows from a row; `again`: the same step once more, `reached`: proof that the provider had the message."""

    transition: Transition | None = None
    suppress: tuple[NewSuppression, ...] = ()
    lift: tuple[Lifted, ...] = ()
    again: bool = False
    reached: bool = False
    told: str = field(default="", compare=False)  # a word for the log when the row changes no attempt


def attempt_of(row: Arrived) -> int | None:
    """Name the attempt a row speaks of."""
    reference = row.payload.get("reference")
    return _split(reference)[0] if reference else None


def effect(row: Arrived, known: Known) -> Effect:
    """Read a row; `known` are the attempts named. Raises KeyError, ValueError, TypeError for what is no such row."""
    return _READERS[row.source](row.payload, row.received_at, known)


def _twilio_status(payload: Mapping[str, Any], at: datetime, known: Known) -> Effect:
    attempt_id, claim_no = _split(payload["reference"])
    status, sid = payload["status"], payload["sid"]
    sent = known.get(attempt_id)
    if sent is not None and sent.channel != Channel.SMS:
        return Effect(told="the attempt is no SMS")

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
    number = payload.get("to", "")
    reason = "undeliverable" if todo in DEAD else "opted_out" if todo is Advice.OPTED_OUT else ""
    suppress = (_number(number, reason, f"attempt {attempt_id}", at),) if reason and number else ()
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
    words = " ".join(payload.get("body", "").upper().split()).strip(" .!,;:\"'")
    # Twilio's own reading of the message, when the account has it, goes before ours.
    if said == "STOP" or (not said and words in STOP_WORDS):
        return Effect(suppress=(_number(number, "opted_out", f"sms {payload['sid']}", at),))
    if said == "START" or (not said and words in START_WORDS):
        return Effect(lift=(Lifted("number", number, Channel.SMS, "opted_out", f"sms {payload['sid']}"),))
    return Effect(told="message received")


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
