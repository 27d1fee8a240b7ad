"""Twilio's error codes and message states, and what each means for an attempt; for SMS backend and reconciler.

Sources: Twilio's error dictionary (https://www.twilio.com/docs/api/errors), the status values of its Message resource.
"""

from enum import StrEnum

from contactd.domain.errors import (
    ChannelError,
    ChannelMisconfigured,
    ChannelRejected,
    ChannelUnavailable,
    RecipientOptedOut,
)


class Advice(StrEnum):
    """What a code tells us to do."""

    LATER = "later"  # phone off, queue full, unknown fault
    BAD_NUMBER = "bad_number"
    LANDLINE = "landline"  # cannot take an SMS: call instead
    OPTED_OUT = "opted_out"
    BLOCKED = "blocked"
    OPERATOR = "operator"  # ours to mend: the operator is told, nothing is tried again
    NONE = "unknown"  # ends the attempt, says nothing about the number


_CODES: dict[Advice, tuple[int, ...]] = {
    Advice.LATER: (
        20429,  # too many requests: this one was not processed
        21611,  # this From has its queue full
        30001,  # queue overflow
        30003,  # handset switched off or out of reach
        30008,  # unknown error
    ),
    Advice.BAD_NUMBER: (
        21211,  # invalid To
        21217,  # number does not appear to be valid
        30005,  # unknown destination handset
    ),
    Advice.LANDLINE: (
        21614,  # To is not a mobile number
        21635,  # To cannot be a landline
        30006,  # landline or unreachable carrier
    ),
    Advice.OPTED_OUT: (21610,),  # the recipient replied STOP
    Advice.BLOCKED: (
        21216,  # account not allowed to reach this number
        30004,  # message blocked
    ),
    Advice.OPERATOR: (
        30007,  # filtered by the carrier
        21408,  # region not enabled
        21215,  # geographic permission missing
        20003,  # credentials
        20404,  # no such account
        21212,  # From: invalid
        21603,  # From: missing
        21606,  # From: not ours, or no SMS
        21659,  # From: no Twilio number
        21660,  # From: of another account
        21661,  # From: cannot send SMS
        21701,  # no such messaging service
        21703,  # messaging service without a number
    ),
}
_ADVICE = {code: advice for advice, codes in _CODES.items() for code in codes}

# Codes of LATER that are about this recipient; the others are about our account's or Twilio's load.
_OF_RECIPIENT = frozenset({30003, 30008})

# The number can take no SMS any more.
DEAD = frozenset({Advice.BAD_NUMBER, Advice.LANDLINE})

# How a failed attempt ends, in the words of the contact log and of `[step.retry]`; the same the sender writes.
_OUTCOMES = {
    Advice.LATER: "unreachable",
    Advice.BAD_NUMBER: "undeliverable",
    Advice.LANDLINE: "undeliverable",
    Advice.OPTED_OUT: "opted_out",
}

# Message states that say nothing an accepted attempt does not know yet.
UNDER_WAY = frozenset({"accepted", "scheduled", "queued", "sending", "sent", "partially_delivered"})
ARRIVED = frozenset({"delivered", "read"})
FAILED = frozenset({"failed", "undelivered", "canceled"})

# Statuses of HTTP that say our settings are wrong, whatever the code: moved, unauthorised, forbidden, not found.
_SETTINGS = frozenset({301, 302, 303, 307, 308, 401, 403, 404, 405})
_TOO_MANY = 429


def advice(code: int) -> Advice:
    """Look a code up."""
    return _ADVICE.get(code, Advice.NONE)


def outcome(code: int) -> str:
    """Say how an attempt that Twilio gave up with this code ended."""
    return _OUTCOMES.get(advice(code), "rejected")


def refusal(status: int, code: int, text: str, *, retry_after: float = 60.0) -> ChannelError:
    """Turn a 3xx or 4xx answer to a POST into the error that says what to do; 5xx is never asked here."""
    named = str(code)
    message = f"Twilio answered {status}, code {code}: {text}"
    todo = advice(code)
    if todo is Advice.LATER or status == _TOO_MANY:
        return ChannelUnavailable(message, code=named, retry_after=retry_after, of_recipient=code in _OF_RECIPIENT)
    if todo is Advice.OPTED_OUT:
        return RecipientOptedOut(message, code=named)
    if todo is Advice.OPERATOR or (todo is Advice.NONE and status in _SETTINGS):
        return ChannelMisconfigured(message, code=named)
    return ChannelRejected(message, code=named, dead=todo in DEAD)
