"""Quantities as they are written in TOML: durations, shares, rates, money; for the models of config.

Each type reads the written form, tells how to mend it when it cannot, and writes it back for `contactd config show`.
"""

import math
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

from contactd.domain.money import Money

_UNITS = {
    "week": timedelta(weeks=1),
    "day": timedelta(days=1),
    "hour": timedelta(hours=1),
    "minute": timedelta(minutes=1),
    "second": timedelta(seconds=1),
}
_PART = r"(\d{1,6}) (week|day|hour|minute|second)s?"
_DURATION = re.compile(rf"{_PART}(?: {_PART})*")
_YEARS = re.compile(r"([1-9]\d?) years?")
_RATIO = re.compile(r"(\d{1,3}(?:\.\d{1,4})?) ?%")
_RATE = re.compile(r"(\d{1,9}) per (second|minute|hour|day)")
_WHOLE = 100
# What is longer is a slip of the keyboard, and dates end in the year 9999.
LONGEST_DAYS = 36_500
_LONGEST_SECONDS = 3653 * 86_400
_MOST_MINOR = 10**15
_MOST_SHOWN = 80


def parse_duration(value: object) -> timedelta:
    """Read `"30 minutes"` or `"1 hour 30 minutes"`; raises ValueError."""
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str) or not _DURATION.fullmatch(value.strip()):
        raise ValueError(f'{_shown(value)} is no duration; write it like "30 minutes", "26 hours" or "10 days"')
    seconds = sum(int(count) * (_UNITS[unit] // _UNITS["second"]) for count, unit in re.findall(_PART, value))
    if seconds > _LONGEST_SECONDS:
        raise ValueError(f"{_shown(value)} is longer than 10 years; write a shorter time")
    return timedelta(seconds=seconds)


def at_least(shortest: str) -> Callable[[timedelta], timedelta]:
    """Make a check for a duration that must not be shorter; what it gives raises ValueError."""

    def check(value: timedelta) -> timedelta:
        if value < parse_duration(shortest):
            raise ValueError(f'must be at least "{shortest}", not "{format_duration(value)}"')
        return value

    return check


def format_duration(value: timedelta) -> str:
    """Write a duration with the largest unit that divides it."""
    for unit, size in _UNITS.items():
        if unit != "week" and value and not value % size:
            return _count(value // size, unit)
    return _count(value // _UNITS["second"], "second")


def parse_days(value: object) -> int:
    """Read a duration of whole days, like `"10 days"` or `"2 weeks"`; raises ValueError."""
    if type(value) is int:
        raise ValueError(f'{value} has no unit; write "{value} days"')
    duration = parse_duration(value)
    if duration % _UNITS["day"]:
        raise ValueError(f'{_shown(value)} is not a number of whole days; write it like "10 days"')
    return duration.days


def format_days(value: int) -> str:
    """Write a number of days."""
    return _count(value, "day")


def parse_years(value: object) -> int:
    """Read `"6 years"`, from 1 to 99; raises ValueError."""
    if type(value) is int and 0 < value < _WHOLE:
        return value
    match = _YEARS.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f'{_shown(value)} is no number of years; write it like "6 years", from 1 to 99')
    return int(match[1])


def format_years(value: int) -> str:
    """Write a number of years."""
    return _count(value, "year")


def parse_ratio(value: object) -> float:
    """Read `"2 %"` as 0.02; raises ValueError."""
    if isinstance(value, float) and 0 <= value <= 1:
        return value
    match = _RATIO.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or float(match[1]) > _WHOLE:
        raise ValueError(f'{_shown(value)} is no share; write it like "2 %", from 0 to 100')
    return float(match[1]) / _WHOLE


def format_ratio(value: float) -> str:
    """Write 0.02 as `2 %`."""
    return f"{round(value * _WHOLE, 4):g} %"


def parse_rate(value: object) -> float:
    """Read `"50 per second"` as so many per second, `""` as 0 (no limit); raises ValueError."""
    if value == "" or (isinstance(value, float) and 0 <= value < math.inf):
        return float(value or 0)
    match = _RATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or int(match[1]) == 0:
        raise ValueError(
            f'{_shown(value)} is no rate; write it like "50 per second" or "600 per minute", "" for no limit'
        )
    return int(match[1]) / _UNITS[match[2]].total_seconds()


def format_rate(value: float) -> str:
    """Write so many per second as text that reads back the same."""
    if not value:
        return ""
    counts = {unit: value * _UNITS[unit].total_seconds() for unit in ("second", "minute", "hour", "day")}
    # Floats leave a little over: 10 per minute is 0.1666… per second.
    unit = next((unit for unit, count in counts.items() if math.isclose(count, round(count)) and count >= 1), "day")
    return f"{round(counts[unit])} per {unit}"


def parse_money(value: object) -> Money:
    """Read `"10.00 EUR"`; raises ValueError."""
    if isinstance(value, Money):
        return value
    if isinstance(value, str):
        money = Money.parse(value)
        if abs(money.minor) > _MOST_MINOR:
            raise ValueError(f"{_shown(value)} is more than anybody owes")
        return money
    raise ValueError(f'{_shown(value)} is no amount; write it in quotes with its currency, like "10.00 EUR"')


def _count(count: int, unit: str) -> str:
    return f"{count} {unit}{'' if count == 1 else 's'}"


def _shown(value: object) -> str:
    if isinstance(value, str):
        return f'"{value if len(value) <= _MOST_SHOWN else f"{value[:_MOST_SHOWN]}…"}"'
    return str(value).lower() if isinstance(value, bool) else str(value)


def _schema(pattern: str, example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": [example]})


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    _schema(f"^{_PART}( {_PART})*$", "30 minutes"),
]
# A daemon that rests for no time at all would do nothing else.
Second = Annotated[Duration, AfterValidator(at_least("1 second"))]
Minute = Annotated[Duration, AfterValidator(at_least("1 minute"))]
Days = Annotated[
    int,
    BeforeValidator(parse_days),
    PlainSerializer(format_days, return_type=str),
    _schema(r"^\d{1,6} (week|day)s?$", "10 days"),
]
Years = Annotated[
    int,
    BeforeValidator(parse_years),
    PlainSerializer(format_years, return_type=str),
    _schema(f"^{_YEARS.pattern}$", "6 years"),
]
Ratio = Annotated[
    float,
    BeforeValidator(parse_ratio),
    PlainSerializer(format_ratio, return_type=str),
    _schema(f"^{_RATIO.pattern}$", "2 %"),
]
Rate = Annotated[
    float,
    BeforeValidator(parse_rate),
    PlainSerializer(format_rate, return_type=str),
    _schema(f"^({_RATE.pattern})?$", "50 per second"),
]
Amount = Annotated[
    Money,
    BeforeValidator(parse_money),
    PlainSerializer(str, return_type=str),
    _schema(r"^\d+(\.\d+)? ?[A-Z]{3}$", "10.00 EUR"),
]
