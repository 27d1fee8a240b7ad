"""Days, times and sums as agents type them: every form in both languages, what is refused; nothing is guessed."""

import contextlib
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactd.domain import typed
from contactd.domain.errors import InputError
from contactd.domain.money import Money

SUNDAY = date(2026, 11, 29)
NOW = datetime(2026, 11, 29, 9, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
TODAY = st.dates(date(2020, 1, 1), date(2080, 1, 1))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("28.11.", "2027-11-28"), ("29.11.", "2026-11-29"), ("30.11", "2026-11-30"), ("28.11.26", "2026-11-28"),
        ("28.11.2027", "2027-11-28"), ("28/11/2027", "2027-11-28"), ("2027-11-28", "2027-11-28"),
        ("5.", "2026-12-05"), ("31.", "2026-12-31"), ("29.2.", "2028-02-29"), ("24. Dezember", "2026-12-24"),
        ("24 dec 2027", "2027-12-24"), ("Dec 24", "2026-12-24"), ("Dec 24, 2028", "2028-12-24"),
        ("3. März", "2027-03-03"),
        ("+7", "2026-12-06"), ("+ 7 tage", "2026-12-06"), ("+2w", "2026-12-13"), ("+1 month", "2026-12-29"),
        ("fr", "2026-12-04"), ("Friday", "2026-12-04"), ("so", "2026-12-06"), ("Mo", "2026-11-30"),
        ("heute", "2026-11-29"), ("tomorrow", "2026-11-30"), ("übermorgen", "2026-12-01"),
        ("ultimo", "2026-11-30"), ("  Monatsende ", "2026-11-30"), ("end of  month", "2026-11-30"),
    ],
)  # fmt: skip
def test_a_day_is_read_as_it_is_typed(text: str, expected: str) -> None:
    assert typed.day(text, SUNDAY).isoformat() == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "  ", "soon", "30.2.", "31.4.2027", "1.13.", "0.1.", "2027-13-01", "12.tag", "tag 12", "+99999", "+1y",
        "32.", "x" * 41, "1\x002.", "1.2.3.4",
    ],
)  # fmt: skip
def test_what_is_no_day_is_refused_with_what_may_be_written(text: str) -> None:
    with pytest.raises(InputError, match=r"write it like 28\.11\., 28\.11\.2026"):
        typed.day(text, SUNDAY)


@given(TODAY, st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_a_whole_date_means_itself_whenever_it_is_typed(today: date, meant: date) -> None:
    for text in (f"{meant:%d.%m.%Y}", f"{meant.day}.{meant.month}.{meant:%y}", meant.isoformat(), f"{meant:%d/%m/%Y}"):
        assert typed.day(text, today) == meant


@given(TODAY, st.integers(1, 12), st.integers(1, 28))
def test_a_day_without_a_year_is_the_next_there_is(today: date, month: int, number: int) -> None:
    found = typed.day(f"{number}.{month}.", today)
    assert (found.month, found.day) == (month, number)
    assert today <= found <= today + timedelta(days=366)


@given(TODAY, st.sampled_from(["mo", "di", "mi", "do", "fr", "sa", "so"]))
def test_a_weekday_is_within_the_next_seven_days_and_never_today(today: date, word: str) -> None:
    found = typed.day(word, today)
    assert today < found <= today + timedelta(days=7)
    assert ["mo", "di", "mi", "do", "fr", "sa", "so"][found.weekday()] == word


@given(TODAY, st.text(max_size=12))
def test_whatever_is_typed_is_a_day_or_is_refused(today: date, text: str) -> None:
    with contextlib.suppress(InputError):
        assert isinstance(typed.day(text, today), date)


def test_a_day_of_birth_needs_its_whole_year() -> None:
    assert typed.birth("1.2.1980") == typed.birth("1980-02-01") == typed.birth("1 Feb 1980") == date(1980, 2, 1)
    for text in ("1.2.80", "1.2.", "1.", "early", ""):
        with pytest.raises(InputError, match=r"like 01\.02\.1980"):
            typed.birth(text)
    with pytest.raises(InputError, match="no such day"):
        typed.birth("30.2.1980")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("14:00", "2026-11-29T14:00+01:00"), ("9:00", "2026-11-30T09:00+01:00"),
        ("um 14 Uhr", "2026-11-29T14:00+01:00"),
        ("2pm", "2026-11-29T14:00+01:00"), ("12am", "2026-11-30T00:00+01:00"), ("10h", "2026-11-30T10:00+01:00"),
        ("fr 10:30", "2026-12-04T10:30+01:00"), ("friday at 10 am", "2026-12-04T10:00+01:00"),
        ("morgen um 10 Uhr", "2026-11-30T10:00+01:00"), ("28.11.2027 14.30", "2027-11-28T14:30+01:00"),
        ("2027-07-01T10:00", "2027-07-01T10:00+02:00"), ("+2h", "2026-11-29T12:00+01:00"),
        ("+ 30 min", "2026-11-29T10:30+01:00"),
    ],
)  # fmt: skip
def test_a_time_is_read_as_it_is_typed(text: str, expected: str) -> None:
    assert typed.moment(text, NOW, BERLIN).isoformat(timespec="minutes") == expected


@pytest.mark.parametrize("text", ["", "10", "28.11.", "25:00", "13pm", "0am", "fr", "soon 10:00", "28.3.2027 02:30"])
def test_what_is_no_time_is_refused_with_what_may_be_written(text: str) -> None:
    with pytest.raises(InputError, match="write it like"):
        typed.moment(text, NOW, BERLIN)


@given(st.integers(0, 5_000_000), st.integers(4, 23), st.integers(0, 59))
def test_a_time_alone_is_the_next_such_time(minutes: int, hour: int, minute: int) -> None:
    now = NOW + timedelta(minutes=minutes)
    found = typed.moment(f"{hour}:{minute:02}", now, BERLIN)
    assert (found.hour, found.minute) == (hour, minute)
    assert now < found <= now + timedelta(hours=25)


def test_hours_ahead_pass_over_the_change_of_the_clock() -> None:
    before = datetime(2027, 3, 28, 0, 30, tzinfo=UTC)
    assert typed.moment("+2h", before, BERLIN).isoformat() == "2027-03-28T04:30:00+02:00"


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("412,80", 41_280), ("412.80", 41_280), ("1.412,80", 141_280), ("1,412.80", 141_280), ("1 412,80", 141_280),
        ("1'412.80", 141_280), ("1.412", 141_200), ("412", 41_200), ("412,8", 41_280), ("412,-", 41_200),
        ("412,--", 41_200), ("€ 412,80", 41_280), ("412,80 EUR", 41_280), ("412,80€", 41_280),
        ("1.412.412,80", 141_241_280),
    ],
)  # fmt: skip
def test_a_sum_is_read_as_it_is_typed(text: str, minor: int) -> None:
    assert typed.amount(text, "EUR") == Money(minor, "EUR")


@pytest.mark.parametrize(
    "text", ["", "much", "-5", "0", "0,00", "1.412.80", "1.412.412.80", "1412,801", "4 12", "USD 5", "9" * 30, "1,2,3"]
)
def test_what_is_no_sum_is_refused_with_what_may_be_written(text: str) -> None:
    with pytest.raises(InputError, match=r"write it like 412,80 or 1\.412,80"):
        typed.amount(text, "EUR")


def test_where_thousands_look_like_decimals_nothing_is_guessed() -> None:
    with pytest.raises(InputError, match="may mean two sums in KWD"):
        typed.amount("1.412", "KWD")
    assert typed.amount("1.412,500", "KWD") == Money(1_412_500, "KWD")
    assert typed.amount("1.412", "JPY") == Money(1_412, "JPY")


@given(st.integers(1, 10**12))
def test_every_sum_is_read_back_in_german_and_english(minor: int) -> None:
    whole, cents = divmod(minor, 100)
    grouped = f"{whole:,}"
    for text in (f"{grouped}.{cents:02}", f"{grouped.replace(',', '.')},{cents:02}", f"{whole},{cents:02} €"):
        assert typed.amount(text, "EUR").minor == minor
