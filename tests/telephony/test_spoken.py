"""Amounts, dates and references as they are spoken."""

from datetime import date

import pytest

from contactd.domain.money import Money
from contactd.telephony import spoken


@pytest.mark.parametrize(
    ("money", "language", "said"),
    [
        (Money(4350, "EUR"), "de", "43 Euro 50"),
        (Money(4350, "EUR"), "en", "43 euros 50"),
        (Money(100, "EUR"), "en", "1 euro"),
        (Money(123400, "CHF"), "de-CH", "1234 Schweizer Franken"),
        (Money(5, "GBP"), "en-GB", "0 British pounds 5"),
        (Money(500, "JPY"), "de", "500 Japanische Yen"),
        (Money(1500, "EUR"), "xx", "15 euros"),
    ],
)
def test_an_amount_is_said_without_signs_and_points(money: Money, language: str, said: str) -> None:
    assert spoken.amount(money, language) == said


def test_currencies_dates_and_references_are_words_and_letters() -> None:
    assert spoken.currency("EUR", "de") == "Euro"
    assert spoken.day(date(2026, 10, 1), "de") == "1. Oktober 2026"
    assert spoken.letter_by_letter("K-47/11") == "K 4 7 1 1"
