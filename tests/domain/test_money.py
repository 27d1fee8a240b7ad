"""Money is exact, in minor units, and of one currency."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactd.domain.money import Money, exponent, half_up, pro_rata

CURRENCIES = st.sampled_from(["EUR", "USD", "CHF", "JPY", "KWD"])


@pytest.mark.parametrize(
    ("text", "minor", "written"),
    [
        ("412.80 EUR", 41280, "412.80 EUR"),
        ("10 EUR", 1000, "10.00 EUR"),
        (" 0.5EUR ", 50, "0.50 EUR"),
        ("-3.10 CHF", -310, "-3.10 CHF"),
        ("1500 JPY", 1500, "1500 JPY"),
        ("1.234 KWD", 1234, "1.234 KWD"),
    ],
)
def test_an_amount_is_read_and_written_exactly(text: str, minor: int, written: str) -> None:
    money = Money.parse(text)
    assert money.minor == minor
    assert str(money) == written
    assert Money.parse(written) == money


@pytest.mark.parametrize("text", ["", "10", "EUR", "10,00 EUR", "10.00 eur", "1e3 EUR", "10.00 EURO"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no amount; write it like '10\.00 EUR'"):
        Money.parse(text)


@pytest.mark.parametrize("text", ["0.001 EUR", "1.5 JPY", "0.0001 KWD", "1.000 EUR", "1.500 EUR", "10.0 JPY"])
def test_an_amount_finer_than_the_smallest_coin_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is finer than the smallest unit of the currency"):
        Money.parse(text)
    with pytest.raises(ValueError, match="is finer than the smallest unit of the currency"):
        Money.of(Decimal("0.00001"), text[-3:])


@given(one=st.integers(-(10**12), 10**12), other=st.integers(-(10**12), 10**12), currency=CURRENCIES)
def test_amounts_of_one_currency_add_subtract_and_compare(one: int, other: int, currency: str) -> None:
    a, b = Money(one, currency), Money(other, currency)
    assert (a + b).minor == one + other
    assert (a - b).minor == one - other
    assert (a < b) is (one < other)
    assert Money.of(a.amount, currency) == a
    assert a.amount == Decimal(one) / 10 ** exponent(currency)
    assert Money.parse(str(a)) == a


def test_amounts_of_two_currencies_do_not_mix() -> None:
    euros, francs = Money(100, "EUR"), Money(100, "CHF")
    for mix in (euros.__add__, euros.__sub__, euros.__lt__):
        with pytest.raises(ValueError, match="cannot mix EUR and CHF"):
            mix(francs)


def test_money_is_written_for_machines_as_text_and_currency() -> None:
    assert Money(41280, "EUR").as_json() == {"amount": "412.80", "currency": "EUR"}
    assert Money(7, "JPY").as_json() == {"amount": "7", "currency": "JPY"}


def test_half_a_unit_is_rounded_up_and_less_is_rounded_down() -> None:
    assert [half_up(Fraction(number, 10)) for number in (0, 4, 5, 14, 15, 24, 25)] == [0, 0, 1, 1, 2, 2, 3]


def test_an_amount_is_shared_out_in_proportion_and_the_odd_cents_go_to_the_largest_rests() -> None:
    assert pro_rata(100, [1, 1, 1]) == (34, 33, 33)
    assert pro_rata(100, [2, 1, 3]) == (33, 17, 50)
    assert pro_rata(10, [0, 5, 5]) == (0, 5, 5)
    assert pro_rata(0, [0, 0]) == (0, 0)
    assert pro_rata(0, []) == ()
    with pytest.raises(ValueError, match="7 cannot be shared out among nobody"):
        pro_rata(7, [0])


@given(data=st.data(), weights=st.lists(st.integers(0, 10**9), min_size=1).filter(any))
def test_shares_sum_exactly_and_none_is_more_than_it_should_be(data: st.DataObject, weights: list[int]) -> None:
    amount = data.draw(st.integers(0, sum(weights)))
    shares = pro_rata(amount, weights)
    assert sum(shares) == amount
    assert all(0 <= share <= weight for share, weight in zip(shares, weights, strict=True))
    assert all(
        abs(share - Fraction(amount * weight, sum(weights))) < 1 for share, weight in zip(shares, weights, strict=True)
    )
