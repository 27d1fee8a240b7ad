"""Money, dates and hours: the quick way writes what Babel writes."""

from datetime import date

import pytest
from babel.dates import format_date
from babel.numbers import format_currency
from hypothesis import given
from hypothesis import strategies as st

from contactd.channels.wording import day, hours, locale_of, money
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
    by_babel = format_currency(amount.amount, currency, locale=locale_of(language))
    assert money(amount, language) == by_babel.replace("-", "\N{MINUS SIGN}")


@pytest.mark.parametrize(
    ("language", "expected"), [("de", "\N{MINUS SIGN}1.234,50 €"), ("en-GB", "\N{MINUS SIGN}€1,234.50")]
)
def test_what_is_below_zero_has_a_minus_and_no_hyphen(language: str, expected: str) -> None:
    assert money(Money(-123450, "EUR"), language).replace("\xa0", " ") == expected
    assert str(Money(-123450, "EUR")) == "-1234.50 EUR"  # for programs
    assert Money(-123450, "EUR").as_json()["amount"] == "-1234.50"


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


@pytest.mark.parametrize(
    ("text", "german", "english"),
    [
        ("Mo-Fr 08:00-18:00", "Mo-Fr 08:00-18:00", "Mon-Fri 08:00-18:00"),
        (
            "Mon-Thu 8:00-12:00, 13:00-17:00; Fri 08:00-14:00",
            "Mo-Do 08:00-12:00, 13:00-17:00; Fr 08:00-14:00",
            "Mon-Thu 08:00-12:00, 13:00-17:00; Fri 08:00-14:00",
        ),
        ("Mo,Mi 09:00-12:00", "Mo 09:00-12:00; Mi 09:00-12:00", "Mon 09:00-12:00; Wed 09:00-12:00"),
        ("08:00-24:00", "Mo-So 08:00-24:00", "Mon-Sun 08:00-24:00"),
        ("rund um die Uhr", "rund um die Uhr", "rund um die Uhr"),
        ("", "", ""),
    ],
)
def test_hours_are_read_in_the_language_of_the_customer(text: str, german: str, english: str) -> None:
    assert [hours(text, language).replace("\N{EN DASH}", "-") for language in ("de", "en", "en-GB")] == [
        german, english, english,
    ]  # fmt: skip
    assert ("-" in hours(text, "de")) == (text == german == english and "-" in text)
