"""Money and dates: the quick way writes what Babel writes."""

from datetime import date

import pytest
from babel.dates import format_date
from babel.numbers import format_currency
from hypothesis import given
from hypothesis import strategies as st

from contactd.channels.wording import day, locale_of, money
from contactd.domain.money import Money

LANGUAGES = [
    "de",
    "en",
    "en-GB",
    "de-AT",
    "de-CH",
    "fr",
    "it",
    "es",
    "pl",
    "tr",
    "pt-PT",
    "en-IN",
    "hi",
    "ar",
    "ja",
    "th",
]
CURRENCIES = ["EUR", "USD", "CHF", "JPY", "KWD", "INR", "XTS"]


@given(minor=st.integers(-(10**13), 10**13), currency=st.sampled_from(CURRENCIES), language=st.sampled_from(LANGUAGES))
def test_amounts_are_written_as_babel_writes_them(minor: int, currency: str, language: str) -> None:
    amount = Money(minor, currency)
    assert money(amount, language) == format_currency(amount.amount, currency, locale=locale_of(language))


@pytest.mark.parametrize(
    ("language", "expected"),
    [("de", "1.234,50 €"), ("en", "€1,234.50"), ("de-AT", "€ 1.234,50"), ("xx", "€1,234.50"), ("de-XX", "1.234,50 €")],
)
def test_amounts_look_as_customers_expect(language: str, expected: str) -> None:
    assert money(Money(123450, "EUR"), language).replace("\xa0", " ") == expected


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (Money(1234567, "RSD"), "12.345,67 RSD"),  # Babel alone writes 12.346
        (Money(1234567, "JPY"), "1.234.567 ¥"),
        (Money(1234567, "KWD"), "1.234,567 KWD"),
    ],
)
def test_amounts_are_written_to_the_last_minor_unit(amount: Money, expected: str) -> None:
    assert money(amount, "de").replace("\xa0", " ") == expected


@given(value=st.dates(), language=st.sampled_from(LANGUAGES))
def test_dates_are_written_as_babel_writes_them(value: date, language: str) -> None:
    assert day(value, language) == format_date(value, "medium", locale_of(language))


def test_a_language_nobody_knows_is_written_as_english() -> None:
    assert str(locale_of("")) == "en"
    assert str(locale_of("klingon")) == "en"
    assert str(locale_of("de-XX")) == "de"
