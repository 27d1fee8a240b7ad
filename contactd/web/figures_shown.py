"""How somebody reads the values of a report: in their language, with its numbers, money and dates; for report pages."""

from datetime import date, timedelta

from babel import Locale
from babel.dates import format_date, format_skeleton, get_day_names
from babel.numbers import format_currency, format_decimal, format_percent

from contactd.domain.money import Money
from contactd.domain.report_table import Kind, Value, plain
from contactd.web.reasons import held
from contactd.web.report_words import COLUMNS, WORDS
from contactd.web.words import catalogue

_LOCALES = {"de": Locale("de", "DE"), "en": Locale("en", "GB")}
_PERCENT = {"de": "#,##0.0\u00a0%", "en": "#,##0.0%"}
_NOTHING = "–"


class Shown:
    """Values and words as one language writes them."""

    def __init__(self, language: str) -> None:
        self._locale = _LOCALES[language]
        self._percent = _PERCENT[language]
        self._words = catalogue(language)

    def say(self, text: str, **values: object) -> str:
        """Translate a text and fill in its values."""
        said = self._words.gettext(text)
        return said % values if values else said

    def heading(self, column: str) -> str:
        """Name a column."""
        return self.say(COLUMNS[column])

    def value(self, kind: Kind, value: Value) -> str:
        """Write a value of a column."""
        if value is None:
            return _NOTHING
        if kind is Kind.WORD:
            return self.word(str(value))
        if isinstance(value, date):
            return self.month(value) if kind is Kind.MONTH else self.day(value)
        if isinstance(value, Money):
            return self.money(value)
        if not isinstance(value, int | float):
            return plain(value)
        return self._number(kind, value)

    def _number(self, kind: Kind, value: float) -> str:
        if kind is Kind.SHARE:
            return self.share(value)
        if kind is Kind.WEEKDAY:
            return self.weekday(int(value))
        return self.hour(int(value)) if kind is Kind.HOUR else str(format_decimal(value, locale=self._locale))

    def word(self, word: str) -> str:
        """Name one of our own words, a reason for instance."""
        return self.say(WORDS.get(word) or held(word))

    def share(self, value: float) -> str:
        """Write a share as so many of a hundred."""
        return str(format_percent(value, format=self._percent, locale=self._locale))

    def whole_share(self, value: float) -> str:
        """Write a share without decimals, for where there is little room."""
        return str(format_percent(value, locale=self._locale))

    def count(self, value: int) -> str:
        """Write how many."""
        return str(format_decimal(value, locale=self._locale))

    def best_hour(self, text: str, weekday: int, hour: int, **values: object) -> str:
        """Say a text with a %(day)s and an %(hour)s."""
        return self.say(text, day=self.weekday(weekday), hour=self.hour(hour), **values)

    def money(self, value: Money) -> str:
        """Write an amount with its currency."""
        return str(format_currency(value.amount, value.currency, locale=self._locale))

    def brief_money(self, value: Money) -> str:
        """Write an amount without its cents, for where there is little room."""
        pattern = self._locale.currency_formats["standard"].pattern.replace(".00", "")
        return str(format_currency(value.amount, value.currency, pattern, self._locale, currency_digits=False))

    def day(self, value: date) -> str:
        """Write a day."""
        return str(format_date(value, "medium", locale=self._locale))

    def month(self, value: date) -> str:
        """Write a month with its year."""
        return str(format_date(value, "MMM y", locale=self._locale))

    def day_and_month(self, value: date) -> str:
        """Write a day with the name of its month."""
        return str(format_skeleton("MMMd", value, locale=self._locale))

    def weekday(self, number: int) -> str:
        """Write a day of the week; Monday is 1."""
        return str(get_day_names("abbreviated", locale=self._locale)[number - 1])

    def hour(self, number: int) -> str:
        """Write an hour of the day, like 18–19."""
        return f"{number}–{number + 1}"


def weeks(first: date, last: date) -> list[list[date]]:
    """List the days of the whole weeks, Monday first, from one day to another."""
    monday, days = first - timedelta(days=first.weekday()), []
    while monday <= last:
        days.append([monday + timedelta(days=place) for place in range(7)])
        monday += timedelta(days=7)
    return days
