"""Amounts, dates and texts as people and programs write them, read into the domain's values; for intake only.

Every function raises ValueError with a text that stands as the reason in FILE.rejected.csv.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from contactd.domain.money import exponent

# 13 digits of the smallest unit: no invoice is larger, and sums stay far from 64 bits.
_MOST_MINOR = 10**13
_MOST_MARKS = 40
_MOST_WHOLE = 11
_SPACES = re.compile(r"\s+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_AMOUNT = re.compile(
    r"(?P<lead>[-+]?) ?(?:(?P<before>€|[A-Z]{3}) ?)?(?P<sign>[-+]?)"
    r"(?P<number>[\d.,' ]*\d)(?P<trail>[-+]?)(?: ?(?P<after>€|[A-Z]{3}))?",
)
_SYMBOLS = {"€": "EUR"}
_ISO_DATE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[T ](?:[01]\d|2[0-4]):[0-5]\d(?::[0-6]\d(?:[.,]\d{1,9})?)?(?: ?(?:Z|UTC|[-+]\d\d(?::?[0-5]\d)?))?)?",
)
# Each format with the order of year, month and day in it; two digits mean 20yy.
DATE_FORMATS = {
    "yyyy-mm-dd": (_ISO_DATE, "ymd"),
    "dd.mm.yyyy": (re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})"), "dmy"),
    "dd.mm.yy": (re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d\d)"), "dmy"),
    "dd/mm/yyyy": (re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})"), "dmy"),
    "mm/dd/yyyy": (re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})"), "mdy"),
    "ddmmyyyy": (re.compile(r"(\d\d)(\d\d)(\d{4})"), "dmy"),
    "ddmmyy": (re.compile(r"(\d\d)(\d\d)(\d\d)"), "dmy"),
    "yyyymmdd": (re.compile(r"(\d{4})(\d\d)(\d\d)"), "ymd"),
}
CERTAIN_DATES = ("yyyy-mm-dd", "dd.mm.yyyy", "dd.mm.yy")
_SLASHED = re.compile(r"\d{1,2}/\d{1,2}/\d{2,4}")
_FIRST_YEAR, _LAST_YEAR = 1900, 2099
_MOST_REMEMBERED = 50_000


@dataclass(slots=True)
class Notation:
    """How amounts and dates are written; `decimal` empty: told from each amount.

    With `grouped` off there is no thousands mark: what is written by programs.
    """

    decimal: str = ""
    dates: Sequence[str] = CERTAIN_DATES
    grouped: bool = True
    _known_dates: dict[str, date] = field(default_factory=dict)

    def read_date(self, text: str) -> date:
        """Read a date; raises ValueError."""
        found = self._known_dates.get(text)
        if found is None:
            if len(self._known_dates) >= _MOST_REMEMBERED:
                self._known_dates.clear()
            found = self._known_dates[text] = _read_date(text, self.dates)
        return found

    def read_birth_date(self, text: str, today: date) -> date:
        """Read a date in the past, the last one that two digits of a year may mean; raises ValueError."""
        found = self.read_date(text)
        if found > today and str(found.year) not in text:
            found = found.replace(year=found.year - 100)
        if found > today:
            raise ValueError(f'"{text}" is in the future')
        return found

    def read_amount(self, value: object, currency: str) -> int:
        """Read an amount as minor units; raises ValueError."""
        if not isinstance(value, str):
            return _from_number(value, currency)
        # "123.45" and "123,45", nearly all there are.
        whole, mark, cents = value[:-3], value[-3:-2], value[-2:]
        if (
            whole.isdecimal()
            and cents.isdecimal()
            and mark in (self.decimal or ".,")
            and len(whole) <= _MOST_WHOLE
            and exponent(currency) == len(cents)
        ):
            return int(whole) * 100 + int(cents)
        return _limited(self._read_written(clean(value), currency), value)

    def _read_written(self, text: str, currency: str) -> int:
        match = _AMOUNT.fullmatch(text.replace("−", "-"))
        if match is None:
            raise ValueError(f'"{text}" is no amount')
        for unit in (match["before"], match["after"]):
            if unit and _SYMBOLS.get(unit, unit) != currency:
                raise ValueError(f'"{text}" is in {_SYMBOLS.get(unit, unit)}, the row in {currency}')
        if len(match["number"]) > _MOST_MARKS:
            raise ValueError(f'"{text[:_MOST_MARKS]}…" is too large')
        signs = match["lead"] + match["sign"] + match["trail"]
        if len(signs) > 1:
            raise ValueError(f'"{text}" has two signs')
        whole, places = self._split(match["number"], text)
        most = exponent(currency)
        if len(places.rstrip("0")) > most:
            raise ValueError(f'"{text}" is finer than the smallest unit of {currency}')
        minor: int = int(whole) * 10**most + int(places[:most].ljust(most, "0") or 0)
        return -minor if signs == "-" else minor

    def _split(self, number: str, text: str) -> tuple[str, str]:
        """Tell the whole units from the decimal places, and check the thousands marks."""
        decimal = self.decimal or _decimal_mark(number)
        whole, _, places = number.partition(decimal) if decimal else (number, "", "")
        marks = set(re.findall(r"\D", whole))
        if not places.isdigit() and places:
            raise ValueError(f'"{text}" is no amount')
        if not marks:
            return whole or "0", places
        grouped = rf"\d{{1,3}}(?:{re.escape(min(marks))}\d{{3}})+"
        if len(marks) > 1 or not re.fullmatch(grouped, whole) or not self.grouped:
            wanted = f'; the decimal mark is "{self.decimal}"' if self.decimal else ""
            raise ValueError(f'"{text}" is no amount{wanted}')
        return re.sub(r"\D", "", whole), places


MACHINE = Notation(decimal=".", dates=("yyyy-mm-dd",), grouped=False)


def _decimal_mark(number: str) -> str:
    """Tell which mark of the number stands before the cents, empty when none does.

    A single mark before exactly three digits parts thousands: "1.000" is a thousand.
    """
    last = max(number.rfind("."), number.rfind(","))
    if last < 0:
        return ""
    mark = number[last]
    if number.count(mark) > 1:
        return ""
    only = not set(".,") - {mark} & set(number)
    if only and re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", number):
        return ""
    return mark


def _from_number(value: object, currency: str) -> int:
    if isinstance(value, bool) or not isinstance(value, float | int | Decimal):
        raise ValueError("must be an amount")  # noqa: TRY004 - it is a fault of the data
    # A JSON number: 412.8 is exact as it was written, not as a binary fraction.
    written = value if isinstance(value, Decimal) else Decimal(str(value))
    if not written.is_finite():
        raise ValueError(f'"{value}" is no amount')
    minor = written.scaleb(exponent(currency))
    if minor != minor.to_integral_value():
        raise ValueError(f'"{value}" is finer than the smallest unit of {currency}')
    return _limited(int(minor), value)


def _limited(minor: int, written: object) -> int:
    if abs(minor) >= _MOST_MINOR:
        raise ValueError(f'"{written}" is too large')
    return minor


def _read_date(text: str, formats: Sequence[str]) -> date:
    for name in formats:
        pattern, order = DATE_FORMATS[name]
        match = pattern.fullmatch(text)
        if match is None:
            continue
        parts = dict(zip(order, map(int, match.groups()), strict=True))
        year = parts["y"] + (2000 if name.endswith(".yy") or name == "ddmmyy" else 0)
        try:
            found = date(year, parts["m"], parts["d"])
        except ValueError:
            raise ValueError(f'"{text}" is no day of the calendar') from None
        if not _FIRST_YEAR <= year <= _LAST_YEAR:
            raise ValueError(f'"{text}": the year is not between {_FIRST_YEAR} and {_LAST_YEAR}')
        return found
    if _SLASHED.fullmatch(text) and formats == CERTAIN_DATES:
        raise ValueError(f'"{text}": day or month first? say it in a profile: dates = ["dd/mm/yyyy"]')
    raise ValueError(f'"{text}" is no date like {" or ".join(formats[:2])}')


def clean(value: object, limit: int = 0) -> str:
    """Read a text on one line, blanks at its ends and runs of blanks taken out; raises ValueError."""
    if value is None:
        return ""
    if not isinstance(value, str):
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError("must be text")  # noqa: TRY004 - it is a fault of the data
        value = str(value)
    if not value.isprintable() or "  " in value:
        value = _SPACES.sub(" ", value)
        if _CONTROL.search(value):
            raise ValueError("has a control character in it")
    text = value.strip()
    if limit and len(text) > limit:
        raise ValueError(f"is longer than {limit} characters")
    return text
