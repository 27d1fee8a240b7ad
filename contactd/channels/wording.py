"""Money, dates and hours as a language writes them, quickly: Babel says how once, then digits are put in place.

render.py makes filters of it. Babel's own `format_currency` takes longer than the rest of a message.
"""

from collections.abc import Callable
from copy import copy
from datetime import date
from decimal import Decimal
from functools import lru_cache
from itertools import groupby

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_decimal

from contactd.domain.calendar import parse_windows
from contactd.domain.money import Money, exponent

_SAMPLE = 1234567
_TO = "\N{EN DASH}"
_MINUS = "\N{MINUS SIGN}"  # as printers set it; the locales of German and English have the hyphen of keyboards


@lru_cache(maxsize=256)
def locale_of(language: str) -> Locale:
    """Find the locale of a language tag like `de` or `de-AT`; one that nobody knows is written as English is."""
    try:
        return Locale.parse(language, sep="-")
    except (ValueError, UnknownLocaleError):
        base = language.partition("-")[0]
        return locale_of(base) if base != language else Locale("en")


def money(amount: Money, language: str) -> str:
    """Write an amount for people to read: `1.234,50 €`."""
    return _writer(amount.currency, language)(amount)


@lru_cache(maxsize=8192)
def day(value: date, language: str, width: str = "medium") -> str:
    """Write a date; `width` is one of Babel's: short, medium, long, full."""
    return format_date(value, width, locale_of(language))


@lru_cache(maxsize=256)
def hours(text: str, language: str) -> str:
    """Write hours like `Mo-Do 08:00-17:00; Fr 08:00-14:00` in another language; what is not written so stays."""
    try:
        week = parse_windows(text.split(";")).days
    except ValueError:
        return text
    names = [name.rstrip(".") for _, name in sorted(locale_of(language).days["format"]["abbreviated"].items())]
    told = []
    for spans, alike in groupby(range(len(week)), key=week.__getitem__):
        days = [names[day] for day in alike]
        times = ", ".join(f"{_clock(start)}{_TO}{_clock(end)}" for start, end in spans)
        told += [f"{_TO.join(dict.fromkeys([days[0], days[-1]]))} {times}"] if spans else []
    return "; ".join(told)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def number(value: Decimal, language: str) -> str:
    """Write a number with all its digits."""
    return str(format_decimal(value, locale=locale_of(language), decimal_quantization=False))


@lru_cache(maxsize=512)
def _writer(currency: str, language: str) -> Callable[[Money], str]:
    """Learn from one sample how amounts look; where that is not simple, leave it to Babel."""
    locale = locale_of(language)
    places = exponent(currency)

    pattern = copy(locale.currency_formats["standard"])
    # Babel rounds some currencies to what coins there are; a claim is told to the last minor unit.
    pattern.frac_prec = (places, places)

    def by_babel(amount: Money) -> str:
        written = str(pattern.apply(amount.amount, locale, currency=currency, currency_digits=False))
        return written.replace("-", _MINUS)

    def learnt(amount: Money) -> str:
        whole, rest = divmod(abs(amount.minor), base)
        grouped = f"{whole:,}"
        if comma != ",":
            grouped = grouped.replace(",", comma)
        digits = f"{grouped}{point}{rest:0{places}}" if places else grouped
        return f"{before}{digits}{after}" if amount.minor >= 0 else f"{minus}{digits}{minus_after}"

    base = 10**places
    sample = Money(_SAMPLE * base + base // 9, currency)
    before, comma, point, after = _taken_apart(by_babel(sample), places)
    minus, _, _, minus_after = _taken_apart(by_babel(Money(-sample.minor, currency)), places)
    # Four digits: some languages group only from five on. One tenth of the sample: Indian grouping.
    probes = [sample, Money(-sample.minor, currency), Money(1234 * base, currency), Money(0, currency)]
    same = all(learnt(probe) == by_babel(probe) for probe in probes)
    return learnt if same else by_babel


def _taken_apart(written: str, places: int) -> tuple[str, str, str, str]:
    """Find what stands before the digits, between the thousands, before the cents, after the digits."""
    spots = [index for index, letter in enumerate(written) if letter in "0123456789"]
    thousands = written[spots[0] + 1 : spots[1]]
    point = written[spots[-places - 1] + 1 : spots[-places]] if places else ""
    return written[: spots[0]], thousands, point, written[spots[-1] + 1 :]
