"""Amounts, days and instants as the viewer's language writes them; pages.py gives them to every template."""

from collections.abc import Callable
from datetime import date, datetime, tzinfo
from decimal import Decimal

import phonenumbers
from babel.dates import format_datetime
from phonenumbers import NumberParseException, PhoneNumberFormat

from contactd.channels.wording import day, locale_of, money
from contactd.domain.calendar import find_zone
from contactd.domain.money import Money

_MOMENT = {"de": "EEE dd.MM. HH:mm", "en": "EEE d MMM HH:mm"}
_DAY = {"de": "de", "en": "en-GB"}  # as instants and short days are written
_SHORT = {"de": "dd.MM.yy", "en": "d MMM yy"}


def time_of_day(at: datetime, timezone: str) -> str:
    """Write when something was, to the second, in a time zone."""
    return at.astimezone(find_zone(timezone)).strftime("%H:%M:%S")


def day_of(on: date, language: str) -> str:
    """Write a day."""
    return day(on, _DAY[language])


def number(text: str) -> str:
    """Write a telephone number in the groups in which it is read out; whatever else is written stays as it is."""
    if not text.startswith("+"):
        return text
    try:
        return phonenumbers.format_number(phonenumbers.parse(text), PhoneNumberFormat.INTERNATIONAL)
    except NumberParseException:
        return text


def writers(language: str, timezone: Callable[[], str]) -> dict[str, Callable[..., str]]:
    """Give what templates call: `money(Money)`, `sum_of(minor, currency)`, `day(date)`, `moment(instant)`.

    `number(text)` takes a telephone number. `told_sum`, `told_day`, `told_short`, `told_moment` and `told_clock` take
    plain data: {"amount", "currency"} and ISO 8601. Instants are told in the house's own time zone, whose name
    `timezone` answers; `told_there` leaves them in the zone they are written in.
    """

    def zone() -> tzinfo | None:
        return find_zone(timezone())

    def moment(at: datetime, where: tzinfo | None = None) -> str:
        return str(format_datetime(at, _MOMENT[language], tzinfo=where or zone(), locale=locale_of(language)))

    def there(iso: str) -> str:
        at = datetime.fromisoformat(iso)
        return moment(at, at.tzinfo)

    def short(on: date) -> str:
        return str(format_datetime(datetime(on.year, on.month, on.day), _SHORT[language], locale=locale_of(language)))  # noqa: DTZ001 - a day has no zone

    return {
        "told_sum": lambda told: money(Money.of(Decimal(told["amount"]), told["currency"]), language),
        "told_day": lambda iso: day_of(date.fromisoformat(iso), language),
        "told_short": lambda iso: short(date.fromisoformat(iso[:10])),
        "told_there": there,
        "told_moment": lambda iso: moment(datetime.fromisoformat(iso)),
        "money": lambda amount: money(amount, language),
        "sum_of": lambda minor, currency: money(Money(minor, currency), language),
        "day": lambda on: day_of(on, language),
        "short": short,
        "number": number,
        "moment": moment,
        "told_clock": lambda iso: time_of_day(datetime.fromisoformat(iso), timezone()),
    }
