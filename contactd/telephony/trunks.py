"""The trunks calls go out by: which one serves a number, how many calls each takes, and whether it is alive.

For carriers that have several; one that lets nothing ring is left alone for a while, then tried with a single call.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import structlog

from contactd.config.providers import Trunk as Settings
from contactd.domain.errors import ChannelMisconfigured, ChannelUnavailable
from contactd.domain.phrase import Phrase
from contactd.telephony.base import UNSERVED

log = structlog.get_logger()

_SILENT_IN_A_ROW = 5  # calls that never rang; one may be the number's fault
_REST = 60.0  # seconds
_FULL = 1.0
_LONGEST_QUEUE = 1.0
_LATER = (15.0, _REST)  # until a number is tried again while others are called: its trunk is full, or out of order


@dataclass(slots=True)
class Trunk:
    """One trunk as it stands; `began` are the last second's calls, in seconds of the clock."""

    name: str
    settings: Settings
    calls: int = 0
    silent: int = 0  # calls in a row that never rang
    rest_until: float = 0.0
    probed_until: float = 0.0  # until then the call that tries it may ring
    began: deque[float] = field(default_factory=deque)

    def dial(self, number: str) -> str:
        """Write what Asterisk is to dial."""
        return self.settings.dial.format(number=number, digits=number.removeprefix("+"))

    @property
    def is_full(self) -> bool:
        """Whether it has as many calls as it may have."""
        return bool(self.settings.channels) and self.calls >= self.settings.channels

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

        Raises ChannelUnavailable when all that serve the number are full or out of order, `of_recipient` if others,
        which serve other numbers, would take a call now.
        """
        serving = self._serving(number)
        now = self._monotonic()
        waits = [(self._wait(trunk, now), place) for place, trunk in enumerate(serving)]
        wait, place = min(waits)
        trunk = serving[place]
        if wait > _LONGEST_QUEUE:
            soonest = min(self._wait(one, now) for one in self._trunks)
            well = soonest <= _LONGEST_QUEUE
            told = _out(serving) or Phrase("trunk %(trunks)s is full", {"trunks": _names(serving)})
            if not well:
                wait = soonest  # so long everybody waits
            elif trunk.suspect or trunk.is_full:
                wait = max(wait, _LATER[trunk.suspect])
            raise ChannelUnavailable("%(why)s", why=told, retry_after=min(wait, _REST), of_recipient=well)
        if trunk.suspect:
            trunk.probed_until = now + _REST
        trunk.calls += 1
        trunk.began.append(now + wait)
        return trunk, wait

    def take_for_guest(self, number: str) -> Trunk:
        """Take a line at once for a number that is no customer's: somebody has asked for it, so it is tried anyway."""
        trunk = min(self._serving(number), key=lambda trunk: (trunk.suspect, trunk.is_full))
        trunk.calls += 1
        trunk.began.append(self._monotonic())
        return trunk

    def hold(self, endpoint: str) -> Trunk | None:
        """Count a call that `take` was not asked for; `endpoint` is from `dialled` or `endpoint_of`.

        None: it goes by no trunk, or that cannot be known: the name of a Local or DAHDI channel does not tell. Of
        trunks that dial by the same endpoint the first is taken.
        """
        trunk = next((trunk for trunk in self._trunks if dialled(trunk.settings.dial) == endpoint), None)
        if trunk is not None:
            trunk.calls += 1
        return trunk

    def _serving(self, number: str) -> list[Trunk]:
        serving = [trunk for trunk in self._trunks if _serves(trunk.settings, number)]
        if not serving:
            raise ChannelMisconfigured(
                "no trunk of [telephony.asterisk] serves this number; add its country to the prefixes of one",
                code=UNSERVED,
            )
        return serving

    def give_back(self, trunk: Trunk | None) -> None:
        """Free the line of a call that is over, if it had one."""
        if trunk is not None:
            trunk.calls -= 1

    def alive(self, trunk: Trunk) -> None:
        """Hear that the far end gave a sign of life."""
        if trunk.suspect:
            log.info("trunk_back", trunk=trunk.name)
        trunk.silent, trunk.rest_until, trunk.probed_until = 0, 0.0, 0.0

    def silent(self, trunk: Trunk) -> None:
        """Hear that a call came to nothing without any sign of life."""
        trunk.silent += 1
        if trunk.suspect:
            self.rest(trunk)

    def rest(self, trunk: Trunk) -> None:
        """Leave a trunk alone that is known to be out of order; one call after that finds out."""
        trunk.silent = max(trunk.silent, _SILENT_IN_A_ROW)
        trunk.rest_until, trunk.probed_until = self._monotonic() + _REST, 0.0
        log.error("trunk_out", trunk=trunk.name, calls=trunk.silent, seconds=_REST)

    def trouble(self) -> Phrase:
        """Say that every trunk is out of order; empty: one at least is not."""
        return _out(self._trunks) if all(trunk.suspect for trunk in self._trunks) else Phrase()

    def _wait(self, trunk: Trunk, now: float) -> float:
        """Tell for how long the trunk takes no further call."""
        if trunk.suspect and trunk.rest_until > now:
            return trunk.rest_until - now
        if trunk.is_full or (trunk.suspect and trunk.probed_until > now):  # a single call shows whether it is back
            return 2 * _FULL
        while trunk.began and trunk.began[0] <= now - 1:
            trunk.began.popleft()
        if not trunk.settings.per_second or len(trunk.began) < trunk.settings.per_second:
            return 0.0
        return trunk.began[-trunk.settings.per_second] + 1 - now


def _serves(settings: Settings, number: str) -> bool:
    return not settings.prefixes or number.startswith(settings.prefixes)


def _out(trunks: Iterable[Trunk]) -> Phrase:
    out = [trunk for trunk in trunks if trunk.suspect]
    return Phrase("no call rings by trunk %(trunks)s", {"trunks": _names(out)}) if out else Phrase()


def _names(trunks: Iterable[Trunk]) -> str:
    return ", ".join(trunk.name for trunk in trunks)


def dialled(dial: str) -> str:
    """Name the endpoint a dial string leads to: PJSIP/trunk of PJSIP/{digits}@trunk or PJSIP/trunk/sip:{digits}@x."""
    technology, _, rest = dial.partition("/")
    before, at, after = rest.partition("@")
    name = after if at and "/" not in before else before.partition("/")[0]
    return f"{technology}/{name}"


def endpoint_of(channel: str) -> str:
    """Name the endpoint of a channel from its name on Asterisk, which is like PJSIP/trunk-00000001."""
    return channel.rpartition("-")[0]
