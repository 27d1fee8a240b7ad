"""The trunks calls go out by: which one serves a number, how many calls each takes, and whether it is alive.

For carriers that have several; one that lets nothing ring is left alone for a while, then tried with a single call.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog

from contactd.config.providers import Trunk as Settings
from contactd.domain.errors import ChannelMisconfigured, ChannelUnavailable
from contactd.telephony.base import UNSERVED

log = structlog.get_logger()

_SILENT_IN_A_ROW = 5  # calls that never rang; one may be the number's fault
_REST = 60.0  # seconds
_FULL = 1.0
_LONGEST_QUEUE = 1.0


@dataclass(slots=True)
class Trunk:
    """One trunk as it stands; `began` are the last second's calls, in seconds of the clock."""

    name: str
    settings: Settings
    calls: int = 0
    silent: int = 0  # calls in a row that never rang
    rest_until: float = 0.0
    began: deque[float] = field(default_factory=deque)

    def dial(self, number: str) -> str:
        """Write what Asterisk is to dial."""
        return self.settings.dial.format(number=number, digits=number.removeprefix("+"))

    @property
    def suspect(self) -> bool:
        """Whether it has let nothing ring for too long."""
        return self.silent >= _SILENT_IN_A_ROW


class TrunkGroup:
    """All trunks, tried in the order of the settings; `monotonic` counts seconds."""

    def __init__(self, settings: Mapping[str, Settings], monotonic: Callable[[], float]) -> None:
        self._trunks = [Trunk(name, one) for name, one in settings.items()]
        self._monotonic = monotonic

    def take(self, number: str) -> tuple[Trunk, float]:
        """Take a line for a call; answers the trunk, and how many seconds to wait for its turn.

        Raises ChannelUnavailable when all that serve the number are full or out of order.
        """
        serving = self._serving(number)
        now = self._monotonic()
        waits = [(self._wait(trunk, now), place) for place, trunk in enumerate(serving)]
        wait, place = min(waits)
        if wait > _LONGEST_QUEUE:
            raise ChannelUnavailable(self.trouble() or "every trunk is full", retry_after=min(wait, _REST))
        trunk = serving[place]
        trunk.calls += 1
        trunk.began.append(now + wait)
        return trunk, wait

    def serving(self, number: str) -> Trunk:
        """Name the trunk by which a number goes that is no customer's."""
        return min(self._serving(number), key=lambda trunk: trunk.suspect)

    def _serving(self, number: str) -> list[Trunk]:
        serving = [trunk for trunk in self._trunks if _serves(trunk.settings, number)]
        if not serving:
            cure = "add its country to the prefixes of one"
            raise ChannelMisconfigured(f"no trunk of [telephony.asterisk] serves this number; {cure}", code=UNSERVED)
        return serving

    def give_back(self, trunk: Trunk) -> None:
        """Free the line of a call that is over."""
        trunk.calls -= 1

    def alive(self, trunk: Trunk) -> None:
        """Hear that the far end gave a sign of life."""
        if trunk.suspect:
            log.info("trunk_back", trunk=trunk.name)
        trunk.silent, trunk.rest_until = 0, 0.0

    def silent(self, trunk: Trunk) -> None:
        """Hear that a call came to nothing without any sign of life."""
        trunk.silent += 1
        if trunk.suspect:
            self.rest(trunk)

    def rest(self, trunk: Trunk) -> None:
        """Leave a trunk alone that is known to be out of order; one call after that finds out."""
        trunk.silent = max(trunk.silent, _SILENT_IN_A_ROW)
        trunk.rest_until = self._monotonic() + _REST
        log.error("trunk_out", trunk=trunk.name, calls=trunk.silent, seconds=_REST)

    def trouble(self) -> str:
        """Say which trunks are out of order; empty: none."""
        out = [trunk.name for trunk in self._trunks if trunk.suspect]
        return f"no call rings by trunk {', '.join(out)}" if out else ""

    def _wait(self, trunk: Trunk, now: float) -> float:
        """Tell for how long the trunk takes no further call."""
        if trunk.suspect:  # a single call shows whether it is back
            return trunk.rest_until - now if trunk.rest_until > now else _FULL * 2 * bool(trunk.calls)
        if trunk.settings.channels and trunk.calls >= trunk.settings.channels:
            return 2 * _FULL
        while trunk.began and trunk.began[0] <= now - 1:
            trunk.began.popleft()
        if not trunk.settings.per_second or len(trunk.began) < trunk.settings.per_second:
            return 0.0
        return trunk.began[-trunk.settings.per_second] + 1 - now


def _serves(settings: Settings, number: str) -> bool:
    return not settings.prefixes or number.startswith(settings.prefixes)
