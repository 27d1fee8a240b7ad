"""What the end of a channel of Asterisk means; for asterisk.py only.

Causes are those of ITU-T Q.850. Measured on Asterisk 22: the dial status tells busy apart and little else, the cause
of a ring time-out is made up by Asterisk itself, and a cause we give with our own hang-up comes back as if it
were the far end's. So what counts is who hung up, and whether it ever rang.
"""

from dataclasses import dataclass

from contactd.telephony.base import Kind

_INVALID = frozenset({1, 3, 28})
_UNREACHABLE = frozenset({18, 19, 20, 27})
_CONGESTION = frozenset({34, 38, 41, 42, 44})
_BUSY, _REJECTED = 17, 21
_NO_USER_RESPONDING, _REQUEST_TIMEOUT = 18, 408


@dataclass(slots=True)
class Heard:
    """What was heard of a channel before its end: whether it rang or sounded, was answered, and who hung up.

    `asked`: somebody asked for the end; `soft`: and it was our side; `deleted`: by our own request.
    """

    rang: bool = False
    answered: bool = False
    asked: bool = False
    soft: bool = False
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """How a call ended, and whether the trunk gave any sign of life."""

    kind: Kind
    trunk_answers: bool = True


def end_of(heard: Heard, cause: int, tech_cause: int) -> End:
    """Tell how a call ended by the causes of ChannelDestroyed; 0 where there is none."""
    if heard.answered or heard.deleted:
        return End(Kind.HUNG_UP)
    if heard.soft or not heard.asked:  # the ring time is over
        return End(Kind.NO_ANSWER) if heard.rang else End(Kind.CONGESTION, trunk_answers=False)
    if cause == _NO_USER_RESPONDING and tech_cause == _REQUEST_TIMEOUT and not heard.rang:
        return End(Kind.CONGESTION, trunk_answers=False)
    return End(_kind(cause))


def _kind(cause: int) -> Kind:
    if cause in _INVALID:
        return Kind.INVALID
    if cause == _BUSY:
        return Kind.BUSY
    if cause == _REJECTED:
        return Kind.REJECTED
    if cause in _UNREACHABLE:
        return Kind.NO_ANSWER
    return Kind.CONGESTION if cause in _CONGESTION else Kind.FAILED
