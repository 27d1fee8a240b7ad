"""Local time: weekly windows, holidays, and when the next permitted instant is; safe on DST days.

Any floor may use it. What is open is worked out per UTC day and zone, from UTC towards the wall clock: an hour that the
clock skips never exists, an hour it repeats exists twice. Results are remembered; nothing here asks what time it is.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

HORIZON = timedelta(days=400)  # more than a year of holidays: what is not open by then never is
_DAY = timedelta(days=1)
_FULL = 24 * 60
_REMEMBERED_DAYS = 1000
_PROBE = 6 * 3600  # seconds; no zone ever changed its offset twice within six hours
_NAMES = (
    ("mo", "mon", "montag", "monday"),
    ("di", "tu", "tue", "dienstag", "tuesday"),
    ("mi", "we", "wed", "mittwoch", "wednesday"),
    ("do", "th", "thu", "donnerstag", "thursday"),
    ("fr", "fri", "freitag", "friday"),
    ("sa", "sat", "samstag", "saturday"),
    ("so", "su", "sun", "sonntag", "sunday"),
)
_WEEKDAY = {name: number for number, names in enumerate(_NAMES) for name in names}
_WINDOW = re.compile(r"(?:(?P<days>[^\W\d][^\d:]*?)\s+)?(?P<times>\d{1,2}:\d{2}.*)")
_TIMES = re.compile(r"(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})")
_HOW = "write it like 'Mo-Fr 09:00-18:00'"

Span = tuple[datetime, datetime]
Minutes = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Windows:
    """Permitted times of a week in local time: for each weekday (Monday first) (start, end) minutes, end excluded."""

    days: tuple[tuple[tuple[int, int], ...], ...]

    def intersect(self, other: "Windows") -> "Windows":
        """Keep what both permit."""
        return Windows(tuple(_both(mine, theirs) for mine, theirs in zip(self.days, other.days, strict=True)))

    def join(self, other: "Windows") -> "Windows":
        """Take what either permits."""
        return Windows(tuple(_merged((*mine, *theirs)) for mine, theirs in zip(self.days, other.days, strict=True)))

    def inverse(self) -> "Windows":
        """Turn permitted times into the rest of the week, as for quiet hours."""
        return Windows(tuple(_rest(spans) for spans in self.days))


ALWAYS = Windows((((0, _FULL),),) * 7)


def _merged(spans: Iterable[tuple[int, int]]) -> Minutes:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def _both(one: Minutes, other: Minutes) -> Minutes:
    pairs = ((max(a, c), min(b, d)) for a, b in one for c, d in other)
    return _merged((start, end) for start, end in pairs if start < end)


def _rest(spans: Minutes) -> Minutes:
    rest, free_from = [], 0
    for start, end in _merged(spans):
        rest.append((free_from, start))
        free_from = end
    return tuple((start, end) for start, end in (*rest, (free_from, _FULL)) if start < end)


# ---- reading -------------------------------------------------------------------------------------------------------


def parse_windows(texts: str | Iterable[str], *, overnight: bool = False) -> Windows:
    """Read `"Mo-Fr 09:00-18:00"` or a list of such; raises ValueError.

    German and English day names, `Sa-Mo` and `Mo,Mi`, several times (`09:00-12:00, 13:00-18:00`), `24:00` as an end; no
    days mean every day. With `overnight` an end before its start reaches into the next day, as quiet hours do.
    """
    days: list[list[tuple[int, int]]] = [[] for _ in range(7)]
    for text in [texts] if isinstance(texts, str) else texts:
        match = _WINDOW.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is no window: {_HOW}")
        spans = [_parse_times(part, text, overnight=overnight) for part in match["times"].split(",")]
        for day in _parse_days(match["days"] or "Mo-So", text):
            for start, end in spans:
                days[day].append((start, min(end, _FULL)))
                if end > _FULL:
                    days[(day + 1) % 7].append((0, end - _FULL))
    return Windows(tuple(_merged(spans) for spans in days))


def _parse_days(text: str, whole: str) -> Iterator[int]:
    for part in text.split(","):
        names = [name.strip().rstrip(".").lower() for name in re.split("[-–]", part)]
        unknown = next((name for name in names if name not in _WEEKDAY), None)
        if unknown is not None or len(names) > 2:  # noqa: PLR2004 - a range has two ends
            raise ValueError(f"{whole!r}: {unknown or part.strip()!r} is no day of the week; {_HOW}")
        first, last = _WEEKDAY[names[0]], _WEEKDAY[names[-1]]
        yield from ((first + offset) % 7 for offset in range((last - first) % 7 + 1))


def _parse_times(text: str, whole: str, *, overnight: bool) -> tuple[int, int]:
    match = _TIMES.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{whole!r}: {text.strip()!r} is no span of time; {_HOW}")
    hour, minute, to_hour, to_minute = map(int, match.groups())
    start, end = hour * 60 + minute, to_hour * 60 + to_minute
    if max(minute, to_minute) >= 60 or start >= _FULL or end > _FULL:  # noqa: PLR2004 - minutes of an hour
        raise ValueError(f"{whole!r}: {text.strip()!r} is no time of day")
    if start == end:
        raise ValueError(f"{whole!r} starts and ends at the same time")
    if end < start:
        if not overnight:
            raise ValueError(f"{whole!r} ends before it starts; write two windows, one for each day")
        end += _FULL
    return start, end


# ---- days ----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def find_zone(name: str) -> ZoneInfo | None:
    """Find a zone by its IANA name; None when there is no such zone."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, malformed, or the name of a folder of zones
        return None


@lru_cache(maxsize=8192)
def start_of_day(zone: tzinfo, day: date) -> datetime:
    """Answer the first instant (UTC) of a local day; of a day that was skipped, the first one after it."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def local_day(zone: tzinfo, at: datetime) -> date:
    """Answer the local date of an instant."""
    return at.astimezone(zone).date()


def add_days(zone: tzinfo, at: datetime, days: int) -> datetime:
    """Go that many local days on, to the same time on the wall; a time the clock skips becomes the next one."""
    local = at.astimezone(zone)
    there = (local.replace(tzinfo=None, fold=0) + timedelta(days=days)).replace(tzinfo=zone)
    instant = there.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == there.replace(tzinfo=None):
        return instant
    # In a gap the clock's old offset leads past the change, its new one before it: the change lies between them.
    return _change(zone, there.replace(fold=1).astimezone(UTC), instant)


# ---- what is open --------------------------------------------------------------------------------------------------


def allowed_at(windows: Windows, local: datetime) -> bool:
    """Say whether the wall clock reads a permitted time."""
    minute = local.hour * 60 + local.minute
    return any(start <= minute < end for start, end in windows.days[local.weekday()])


def next_allowed(
    windows: Windows | None, closed: AbstractSet[date], zones: Sequence[tzinfo], at: datetime
) -> datetime | None:
    """Find the first instant (UTC) from `at` on that every zone permits; None when none comes within HORIZON."""
    return Timetable(zones, windows, closed).next_open(at)


class Timetable:
    """When something is open in all of its zones at once; remembers the days it was asked about."""

    __slots__ = ("_answered", "_closed", "_days", "_windows", "_zones")

    def __init__(self, zones: Sequence[tzinfo], windows: Windows | None, closed: AbstractSet[date]) -> None:
        """Take the zones, the week (None: all of it) and the local dates that are closed as a whole."""
        self._zones = tuple(zones)
        self._windows = windows or ALWAYS
        self._closed = closed
        self._days: dict[int, tuple[Span, ...]] = {}
        self._answered: tuple[datetime, datetime | None] | None = None  # a planning run asks about one instant only

    def open_at(self, at: datetime) -> bool:
        """Say whether it is open; `at` in UTC."""
        for start, end in self._spans(at.toordinal()):  # noqa: SIM110 - the hot path; a generator takes twice as long
            if start <= at < end:
                return True
        return False

    def next_open(self, at: datetime) -> datetime | None:
        """Find the first open instant from `at` on; None when none comes within HORIZON."""
        answered = self._answered
        if answered is None or answered[0] != at:
            answered = self._answered = at, self._find_open(at.astimezone(UTC))
        return answered[1]

    def _find_open(self, at: datetime) -> datetime | None:
        first = at.toordinal()
        for ordinal in range(first, min(first + HORIZON.days, date.max.toordinal())):
            for start, end in self._spans(ordinal):
                if at < end:
                    return max(start, at)
        return None

    def _spans(self, ordinal: int) -> tuple[Span, ...]:
        spans = self._days.get(ordinal)
        if spans is None:
            if len(self._days) >= _REMEMBERED_DAYS:
                self._days.clear()
            spans = self._days[ordinal] = self._work_out(ordinal)
        return spans

    def _work_out(self, ordinal: int) -> tuple[Span, ...]:
        midnight = datetime.combine(date.fromordinal(ordinal), time(), UTC)
        spans: Iterable[Span] = ((midnight, midnight + _DAY),)
        for zone in self._zones:
            mine = tuple(self._open_spans(zone, midnight))
            pairs = [(max(a, c), min(b, d)) for a, b in spans for c, d in mine]
            spans = sorted((start, end) for start, end in pairs if start < end)
        return tuple(spans)

    def _open_spans(self, zone: tzinfo, midnight: datetime) -> Iterator[Span]:
        for begin, end, offset in _pieces(zone, midnight):
            first, last = (begin + offset).date(), (end + offset - timedelta.resolution).date()
            for ordinal in range(first.toordinal(), last.toordinal() + 1):
                day = date.fromordinal(ordinal)
                if day not in self._closed:
                    start = datetime.combine(day, time(), UTC) - offset
                    for opens, closes in self._windows.days[day.weekday()]:
                        a, b = start + timedelta(minutes=opens), start + timedelta(minutes=closes)
                        yield max(a, begin), min(b, end)


@lru_cache(maxsize=16384)
def _pieces(zone: tzinfo, midnight: datetime) -> tuple[tuple[datetime, datetime, timedelta], ...]:
    """Cut the UTC day into pieces within which the zone's offset stays the same."""
    marks = [midnight]
    for seconds in range(0, 24 * 3600, _PROBE):
        left, right = midnight + timedelta(seconds=seconds), midnight + timedelta(seconds=seconds + _PROBE)
        if _offset(zone, left) != _offset(zone, right):
            marks.append(_change(zone, left, right))
    ends = [*marks[1:], midnight + _DAY]
    return tuple((a, b, _offset(zone, a)) for a, b in zip(marks, ends, strict=True) if a < b)


def _change(zone: tzinfo, left: datetime, right: datetime) -> datetime:
    """Find the instant between the two at which the offset changes; it falls on a full second."""
    before = _offset(zone, left)
    low, high = 0, int((right - left).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, left + timedelta(seconds=middle)) == before:
            low = middle
        else:
            high = middle
    return left + timedelta(seconds=high)


def _offset(zone: tzinfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()
