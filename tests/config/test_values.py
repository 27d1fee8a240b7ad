"""Quantities are read from their written form and written back so that they read the same."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactd.config import values, words
from contactd.domain.money import Money


@given(st.integers(0, 10_000_000))
def test_a_duration_reads_back_the_same(seconds: int) -> None:
    duration = timedelta(seconds=seconds % 999_999)
    assert values.parse_duration(values.format_duration(duration)) == duration


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("30 minutes", timedelta(minutes=30)),
        ("1 minute", timedelta(minutes=1)),
        ("26 hours", timedelta(hours=26)),
        ("2 weeks", timedelta(days=14)),
        ("1 hour 30 minutes", timedelta(minutes=90)),
    ],
)
def test_durations_are_written_in_words(text: str, duration: timedelta) -> None:
    assert values.parse_duration(text) == duration
    assert values.parse_duration(duration) is duration


@pytest.mark.parametrize("wrong", ["30", "30m", "1.5 hours", "-1 day", "", "30 minutes 5", True, 5, None, "1  hour"])
def test_anything_else_is_no_duration(wrong: object) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        values.parse_duration(wrong)


@given(st.integers(0, 1_000_000))
def test_a_share_reads_back_the_same(millionths: int) -> None:
    share = millionths / 1_000_000
    assert values.parse_ratio(values.format_ratio(share)) == pytest.approx(share)


@given(st.integers(1, 1_000_000), st.sampled_from(["second", "minute", "hour", "day"]))
def test_a_rate_reads_back_the_same(count: int, unit: str) -> None:
    rate = values.parse_rate(f"{count} per {unit}")
    assert values.parse_rate(values.format_rate(rate)) == pytest.approx(rate)


def test_no_rate_means_no_limit_and_a_rate_of_nothing_is_refused() -> None:
    assert values.parse_rate("") == 0
    assert values.format_rate(0.0) == ""
    for wrong in ("0 per second", "5", 5, None):
        with pytest.raises(ValueError, match="is no rate"):
            values.parse_rate(wrong)


def test_days_are_whole_and_amounts_have_a_currency() -> None:
    assert (values.parse_days("10 days"), values.parse_days("2 weeks"), values.parse_days("48 hours")) == (10, 14, 2)
    assert (values.format_days(1), values.format_days(10)) == ("1 day", "10 days")
    assert values.parse_money("10.00 EUR") == values.parse_money(Money(1000, "EUR"))
    with pytest.raises(ValueError, match="is no amount"):
        values.parse_money(False)


def test_years_are_whole_and_have_a_unit() -> None:
    assert (values.parse_years("6 years"), values.parse_years("1 year"), values.parse_years(8)) == (6, 1, 8)
    assert (values.format_years(1), values.format_years(10)) == ("1 year", "10 years")
    for wrong in ("6", 0, 100, "0 years", "100 years", True, None):
        with pytest.raises(ValueError, match="is no number of years"):
            values.parse_years(wrong)


@pytest.mark.parametrize(
    "good",
    ["Europe/Berlin", "UTC"],
)
def test_time_zones_are_those_of_iana(good: str) -> None:
    assert words.check_timezone(good) == good
    with pytest.raises(ValueError, match='write it like "Europe/Berlin"'):
        words.check_timezone("xyzzy")


def test_codes_that_exist_are_taken_and_others_refused() -> None:
    assert [words.check_country(code) for code in ("DE", "GB", "XK")] == ["DE", "GB", "XK"]
    assert [words.check_language(code) for code in ("de", "en", "de-AT")] == ["de", "en", "de-AT"]
    assert words.check_currency("CHF") == "CHF"
    with pytest.raises(ValueError, match='"EU" is no country; write its code like "DE"'):
        words.check_country("EU")
    for wrong in ("DE", "de_AT", "xx-YY", "german"):
        with pytest.raises(ValueError, match="is no language"):
            words.check_language(wrong)


def test_schedules_have_five_fields_with_named_weekdays() -> None:
    for good in ("", "0 7 * * *", "*/15 8-18 1 * mon,wed", "0 7 * * */2"):
        assert words.check_cron(good) == good
    for wrong in ("0 7 * *", "0 7 * * 0", "0 7 * * someday", "x 7 * * *"):
        with pytest.raises(ValueError, match=r"weekday|no schedule|fields"):
            words.check_cron(wrong)


def test_addresses_of_servers_databases_and_banks_are_checked() -> None:
    for check, good in (
        (words.check_url, "https://contact.example.org/dunning"),
        (words.check_database, "sqlite:////var/lib/contactd/contactd.db"),
        (words.check_database, "postgresql://contactd@/contactd?host=/run/postgresql"),
        (words.check_database, "postgresql://a@db.example.com/contactd?sslmode=verify-full&connect_timeout=5"),
        (words.check_iban, "DE02120300000000202051"),
        (words.check_bic, "BYLADEM1001"),
        (words.check_email, "forderungen@versorgung.example"),
        (words.check_number, "+493023125100"),
    ):
        assert check(good) == good
    for empty in (words.check_url, words.check_iban, words.check_bic, words.check_email, words.check_number):
        assert empty("") == ""
    for check, wrong in (
        (words.check_url, "ftp://example.org"),
        (words.check_url, "https://example.org?x=1"),
        (words.check_url, "https://a\u2100b.example.org"),
        (words.check_database, "sqlite:///"),
        (words.check_iban, "DE02 1203 0000 0000 2020 51"),
        (words.check_bic, "BYLA"),
    ):
        with pytest.raises(ValueError, match=" is no "):
            check(wrong)
