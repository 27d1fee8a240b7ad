"""The hours at which a channel may be used: windows, quiet hours and holidays, together and each by itself.

For the rules only; `calendar.py` does the arithmetic.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache, reduce

from contactd.domain.calendar import ALWAYS, Timetable, Windows, allowed_at, find_zone, local_day, start_of_day


@lru_cache(maxsize=1024)
def find_zones(names: tuple[str, ...]) -> tuple[tzinfo, ...]:
    """Find zones by their names; none at all when there is no name or one of them is unknown."""
    found = [find_zone(name) for name in names]
    return tuple(zone for zone in found if zone is not None) if all(found) else ()


def begin_of_day(zones: tuple[tzinfo, ...], day: date) -> datetime:
    """Answer the first instant (UTC) at which the day has begun in all of the zones."""
    return max(start_of_day(zone, day) for zone in zones)


def days_after(zones: tuple[tzinfo, ...], at: datetime, count: int) -> datetime:
    """Answer the first instant (UTC) at which so many local days have begun since, the day of `at` being the first."""
    return max(start_of_day(zone, local_day(zone, at) + timedelta(days=count)) for zone in zones)


@dataclass(frozen=True, slots=True)
class Hours:
    """When a channel is open to an account: `windows` permit, `loud` is what quiet hours leave, `closed` are dates."""

    zones: tuple[tzinfo, ...]
    windows: Windows
    loud: Windows
    closed: frozenset[date]
    timetable: Timetable

    @classmethod
    def of(
        cls, zones: tuple[tzinfo, ...], windows: list[Windows], quiet: Windows | None, closed: frozenset[date]
    ) -> "Hours":
        """Put together what must all permit, in all of the zones."""
        permitted = reduce(Windows.intersect, windows) if windows else ALWAYS
        loud = quiet.inverse() if quiet else ALWAYS
        return cls(zones, permitted, loud, closed, Timetable(zones, permitted.intersect(loud), closed))

    def in_window(self, at: datetime) -> bool:
        """Say whether the windows permit it, whatever else is in the way."""
        return self.windows is ALWAYS or all(allowed_at(self.windows, at.astimezone(zone)) for zone in self.zones)

    def is_loud(self, at: datetime) -> bool:
        """Say whether these are no quiet hours."""
        return self.loud is ALWAYS or all(allowed_at(self.loud, at.astimezone(zone)) for zone in self.zones)

    def is_working_day(self, at: datetime) -> bool:
        """Say whether it is no holiday."""
        return not self.closed or all(local_day(zone, at) not in self.closed for zone in self.zones)
