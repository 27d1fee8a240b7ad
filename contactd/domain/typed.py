"""Days, times and sums as people type them at the desk: `28.11.`, `+7`, `fr`, `ultimo`, `412,80`; German or English.

Nothing is guessed: what could mean two things is refused. Each refusal is an InputError that shows what may be written.
"""

import re
from datetime import date, datetime, time, timedelta, tzinfo

from contactd.domain.deadlines import DAY, add_months
from contactd.domain.errors import InputError
from contactd.domain.money import Money, exponent
from contactd.domain.phrase import Phrase

_DAY_LIKE = Phrase("write it like 28.11., 28.11.2026, +7 (days), fr (the next Friday) or ultimo (the end of the month)")
_TIME_LIKE = Phrase("write it like 28.11. 10:30, fr 10:30, 14:00 or +2h")
_SUM_LIKE = Phrase("write it like 412,80 or 1.412,80")
_LONGEST = 40  # letters; whoever types more has typed something else
_FURTHEST = 36_500  # days
_LARGEST = 10**15  # minor units
_CENTURY = 100
_DAYS_A_WEEK = 7

_WEEKDAYS = (
    ("mo", "mon", "montag", "monday"),
    ("di", "tue", "tu", "dienstag", "tuesday"),
    ("mi", "wed", "we", "mittwoch", "wednesday"),
    ("do", "thu", "th", "donnerstag", "thursday"),
    ("fr", "fri", "freitag", "friday"),
    ("sa", "sat", "samstag", "sonnabend", "saturday"),
    ("so", "sun", "su", "sonntag", "sunday"),
)
_MONTHS = (
    ("jan", "januar", "january", "jänner"),
    ("feb", "februar", "february"),
    ("mär", "märz", "maerz", "mar", "march", "mrz"),
    ("apr", "april"),
    ("mai", "may"),
    ("jun", "juni", "june"),
    ("jul", "juli", "july"),
    ("aug", "august"),
    ("sep", "sept", "september"),
    ("okt", "oct", "oktober", "october"),
    ("nov", "november"),
    ("dez", "dec", "dezember", "december"),
)
_WEEKDAY = {name: number for number, names in enumerate(_WEEKDAYS) for name in names}
_MONTH = {name: number for number, names in enumerate(_MONTHS, 1) for name in names}
_NEAR = {"heute": 0, "today": 0, "morgen": 1, "tomorrow": 1, "übermorgen": 2, "uebermorgen": 2}
_ULTIMO = frozenset({"ultimo", "monatsende", "eom", "month end", "end of month"})

_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_ISO_T = re.compile(r"^(\d{4}-\d{1,2}-\d{1,2})t")
_DOTTED = re.compile(r"(\d{1,2})[./](?:(\d{1,2})(?:[./](\d{2}|\d{4})?)?)?")
_NAMED = re.compile(r"(\d{1,2})\.? ?([a-zäöü]+)\.?(?: (\d{2}|\d{4}))?")
_NAMED_FIRST = re.compile(r"([a-zäöü]+)\.? (\d{1,2})(?:,? (\d{2}|\d{4}))?")
_AHEAD = re.compile(r"\+ ?(\d{1,5}) ?(d|t|tage?|days?|w|wochen?|weeks?|m|monate?|months?)?")
_CLOCK = re.compile(r"(?:um |at )?(\d{1,2})(?:[:.](\d{2}))? ?(uhr|h|am|pm)?")
_SOON = re.compile(r"\+ ?(\d{1,3}) ?(min|m|h|std)")
_SPACES = re.compile(r"\s+")
_FIGURES = re.compile(
    r"(?P<whole>\d{1,3}(?P<mark>[.,' ])\d{3}(?:(?P=mark)\d{3})*|\d+)(?:(?P<point>[.,])(?P<rest>\d{1,3}|-{1,2}))?"
)


def day(text: str, today: date) -> date:
    """Read a day that lies today or ahead; a day without a year or month is the next there is of that name.

    A weekday is the next one after today. Of two numbers the first is the day, as in all of Europe. A day in the past
    can be written with its year: whether it may be past is for whoever asks to say. Raises InputError.
    """
    words = _tidy(text, _DAY_LIKE)
    if words in _NEAR:
        return today + timedelta(days=_NEAR[words])
    if words in _WEEKDAY:
        return today + timedelta(days=(_WEEKDAY[words] - today.weekday() - 1) % _DAYS_A_WEEK + 1)
    if words in _ULTIMO:
        return add_months(today.replace(day=1), 1) - DAY
    if ahead := _AHEAD.fullmatch(words):
        return _ahead(int(ahead[1]), ahead[2] or "d", today, text)
    return _written(words, text, today)


def birth(text: str) -> date:
    """Read the day somebody was born, with its whole year: `01.02.1980`; raises InputError."""
    words = _tidy(text, Phrase("write it like 01.02.1980"))
    numbers = _numbers(words)
    if numbers is None or numbers[0] is None or numbers[0] < _CENTURY:
        raise InputError("%(text)r is no day of birth; write it with its whole year, like 01.02.1980", text=text)
    return _real(numbers[0], numbers[1], numbers[2], text)


def moment(text: str, now: datetime, zone: tzinfo) -> datetime:
    """Read a day with a time, or a time alone: the next such one; answers an instant of that zone.

    Raises InputError, also for a time that the clock skips when summer begins.
    """
    words = _tidy(text, _TIME_LIKE)
    local = now.astimezone(zone)
    if soon := _SOON.fullmatch(words):
        ahead = timedelta(hours=int(soon[1])) if soon[2] in {"h", "std"} else timedelta(minutes=int(soon[1]))
        return (now + ahead).astimezone(zone)
    head, _, tail = _ISO_T.sub(r"\1 ", words).rpartition(" ")
    if tail in {"uhr", "h", "am", "pm"}:
        head, _, number = head.rpartition(" ")
        tail = f"{number} {tail}"
    if head in {"um", "at"}:
        head = ""
    at = _clock(tail, text)
    if head:
        return _in(zone, day(head.removesuffix(" um").removesuffix(" at"), local.date()), at, text)
    first = _in(zone, local.date(), at, text)
    return first if first > local else _in(zone, local.date() + DAY, at, text)


def amount(text: str, currency: str) -> Money:
    """Read a sum above nothing, with comma or point, thousands apart or not, with or without the currency's sign.

    `1.412` is one thousand and more where the currency has two decimal places; where it has three, it is refused.
    """
    words = _tidy(text, _SUM_LIKE)
    for sign in (currency.casefold(), *_SIGNS.get(currency, ())):
        words = words.removeprefix(sign).removesuffix(sign).strip()
    found = _FIGURES.fullmatch(words)
    if found is None:
        raise InputError("%(text)r is no sum in %(currency)s; %(like)s", text=text, currency=currency, like=_SUM_LIKE)
    whole, mark, point, rest = found["whole"], found["mark"], found["point"], found["rest"] or ""
    places = exponent(currency)
    if mark is not None and mark in ".," and not point and whole.count(mark) == 1 and places == len(whole[-3:]):
        raise InputError(
            "%(text)r may mean two sums in %(currency)s; write all its decimal places and no thousands",
            text=text,
            currency=currency,
        )
    if point and point == mark:
        raise InputError(
            "%(text)r has %(mark)s twice with two meanings; %(like)s", text=text, mark=mark, like=_SUM_LIKE
        )
    rest = rest.strip("-")
    if len(rest) > places:
        raise InputError(
            "%(text)r is finer than the smallest unit of %(currency)s; %(like)s",
            text=text,
            currency=currency,
            like=_SUM_LIKE,
        )
    minor = int(re.sub(r"\D", "", whole)) * 10**places + int(rest.ljust(places, "0") or "0")
    if not 0 < minor < _LARGEST:
        how = Phrase("too much") if minor else Phrase("nothing")
        raise InputError("%(text)r is %(how)s; %(like)s", text=text, how=how, like=_SUM_LIKE)
    return Money(minor, currency)


_SIGNS = {"EUR": ("€", "euro"), "GBP": ("£",), "USD": ("$",), "CHF": ("fr.", "sfr.")}


def _tidy(text: str, like: Phrase) -> str:
    words = _SPACES.sub(" ", text).strip().casefold()
    if not words:
        raise InputError("nothing is written there; %(like)s", like=like)
    if len(words) > _LONGEST or not words.isprintable():
        raise InputError("that is too long; %(like)s", like=like)
    return words


def _ahead(count: int, unit: str, today: date, text: str) -> date:
    days = {"w": _DAYS_A_WEEK, "m": 31}.get(unit[0], 1) * count
    if days > _FURTHEST:
        raise InputError("%(text)r is too far away; %(like)s", text=text, like=_DAY_LIKE)
    if unit[0] == "m":
        return add_months(today, count)
    return today + timedelta(days=days)


def _numbers(words: str) -> tuple[int | None, int, int] | None:
    """Take a written day apart: year, month (0: not written) and day; None where it is none."""
    if found := _ISO.fullmatch(words):
        return int(found[1]), int(found[2]), int(found[3])
    if found := _DOTTED.fullmatch(words):
        return _year(found[3]), int(found[2] or 0), int(found[1])
    if (found := _NAMED.fullmatch(words)) and found[2] in _MONTH:
        return _year(found[3]), _MONTH[found[2]], int(found[1])
    if (found := _NAMED_FIRST.fullmatch(words)) and found[1] in _MONTH:
        return _year(found[3]), _MONTH[found[1]], int(found[2])
    return None


def _year(text: str | None) -> int | None:
    return int(text) if text else None


def _written(words: str, text: str, today: date) -> date:
    numbers = _numbers(words)
    if numbers is None:
        raise InputError("%(text)r is no day; %(like)s", text=text, like=_DAY_LIKE)
    year, month, number = numbers
    if year is not None:
        return _real(year + (today.year // _CENTURY * _CENTURY if year < _CENTURY else 0), month, number, text)
    if month:
        # A 29 February may be up to eight years away.
        years = range(today.year, today.year + 9)
        found = (_valid(one, month, number) for one in years)
    else:
        first = today.replace(day=1)
        found = (_valid(one.year, one.month, number) for one in (add_months(first, ahead) for ahead in range(3)))
    answer = next((one for one in found if one is not None and one >= today), None)
    return answer if answer is not None else _real(today.year, month or today.month, number, text)


def _valid(year: int, month: int, number: int) -> date | None:
    try:
        return date(year, month, number)
    except ValueError:
        return None


def _real(year: int, month: int, number: int, text: str) -> date:
    found = _valid(year, month, number)
    if found is None:
        raise InputError("%(text)r: there is no such day; %(like)s", text=text, like=_DAY_LIKE)
    return found


def _clock(words: str, text: str) -> time:
    found = _CLOCK.fullmatch(words)
    if found is None or not (found[2] or found[3]):
        raise InputError("%(text)r tells no time of day; %(like)s", text=text, like=_TIME_LIKE)
    hour, minute = int(found[1]), int(found[2] or 0)
    half = found[3] if found[3] in {"am", "pm"} else ""
    if half:
        if not 1 <= hour <= 12:  # noqa: PLR2004 - a dial has twelve hours
            raise InputError("%(text)r: there is no such time; %(like)s", text=text, like=_TIME_LIKE)
        hour = hour % 12 + (12 if half == "pm" else 0)
    try:
        return time(hour, minute)
    except ValueError:
        raise InputError("%(text)r: there is no such time; %(like)s", text=text, like=_TIME_LIKE) from None


def _in(zone: tzinfo, on: date, at: time, text: str) -> datetime:
    local = datetime.combine(on, at, zone)
    # What the clock skips is another time after going to UTC and back.
    utc = local.timestamp()
    if datetime.fromtimestamp(utc, zone).time() != at:
        raise InputError("%(text)r: the clock skips that time on %(on)s; %(like)s", text=text, on=on, like=_TIME_LIKE)
    return local
