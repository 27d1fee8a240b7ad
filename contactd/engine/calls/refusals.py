"""What a team makes of a carrier that takes no call: leave it alone for a while, or only the numbers it refuses.

Each team has one; the carrier's own rest is shared by all. Numbers whose trunk is out come back one by one, so that
hundreds of them are not refused over and over; so many in a row, and nothing else seems to be left: the team rests.
"""

from collections.abc import Callable
from dataclasses import dataclass

from contactd.domain.errors import ChannelMisconfigured, ChannelUnavailable
from contactd.domain.phrase import Phrase
from contactd.engine.calls.live_call import CONGESTED
from contactd.engine.calls.shown import Shown

_APART, _AHEAD = 1.0, 900.0  # seconds: between two such numbers, and until the last of them
_IN_A_ROW = 20


@dataclass
class Trunks:
    """What all teams share: the numbers shown, how long it rings, how many lines are left, until when none is taken.

    `left` None: any number.
    """

    shown: Shown
    ring_seconds: float
    left: Callable[[], int | None]
    rest_until: float = 0.0


class Refusals:
    """`monotonic` counts seconds."""

    def __init__(self, trunks: Trunks, monotonic: Callable[[], float]) -> None:
        self._trunks = trunks
        self._monotonic = monotonic
        self._rest_until = 0.0
        self._in_a_row, self._words = 0, Phrase()
        self._put_off = 0.0  # until when the last of them was

    def rests(self) -> bool:
        """Answer whether the carrier is left alone."""
        return self._monotonic() < max(self._rest_until, self._trunks.rest_until)

    def words(self) -> Phrase:
        """Say why some numbers are tried later; empty: none are."""
        return self._words if self._monotonic() < self._put_off else Phrase()

    def took(self) -> None:
        """Hear that the carrier has taken a call."""
        self._in_a_row = 0

    def hear(self, error: ChannelUnavailable | ChannelMisconfigured) -> float:
        """Leave the carrier alone, or the number only; answers for how long the call is put off, in seconds."""
        now = self._monotonic()
        if isinstance(error, ChannelMisconfigured) or not error.of_recipient:
            seconds = error.retry_after if isinstance(error, ChannelUnavailable) else CONGESTED.total_seconds()
            self._trunks.rest_until = max(self._trunks.rest_until, now + seconds)
            return seconds
        first = now + error.retry_after
        self._in_a_row += 1
        if self._in_a_row >= _IN_A_ROW:
            self._in_a_row, self._rest_until = 0, first
        self._put_off = max(self._put_off + _APART, first)
        if self._put_off > now + _AHEAD:
            self._put_off = first
        self._words = error.phrase
        return self._put_off - now
