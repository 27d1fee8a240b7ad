"""Amounts, dates and references as they are spoken, in any language Babel knows; for texts that are read aloud."""

from datetime import date

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import get_currency_name

from contactd.domain.money import Money, exponent


def amount(money: Money, language: str) -> str:
    """Say an amount: `43 Euro 50`, `43 euros 50`, `1 euro`."""
    whole, rest = divmod(money.minor, 10 ** exponent(money.currency))
    name = get_currency_name(money.currency, count=whole, locale=_locale(language))
    return f"{whole} {name} {rest}" if rest else f"{whole} {name}"


def currency(code: str, language: str) -> str:
    """Say a currency: `Euro`."""
    return str(get_currency_name(code, locale=_locale(language)))


def day(value: date, language: str) -> str:
    """Say a date with the name of its month."""
    return format_date(value, "long", _locale(language))


def letter_by_letter(text: str) -> str:
    """Say a reference letter by letter and digit by digit, so that nobody hears a number in it."""
    return " ".join(letter for letter in text if letter.isalnum())


def _locale(language: str) -> Locale:
    try:
        return Locale.parse(language, sep="-")
    except (ValueError, UnknownLocaleError):
        return Locale("en")
