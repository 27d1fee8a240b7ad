"""Roles, waits after wrong passwords, and codes by time."""

from datetime import UTC, datetime, timedelta

import pytest

from contactd.domain import throttle, totp
from contactd.domain.role import Role

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
# The secret of RFC 6238's test vectors.
SECRET = totp.spelled(b"12345678901234567890")


def test_each_role_may_do_what_those_before_it_may() -> None:
    included = {one: {other for other in Role if one.includes(other)} for one in Role}
    assert included == {
        Role.AGENT: {Role.AGENT},
        Role.SUPERVISOR: {Role.AGENT, Role.SUPERVISOR},
        Role.MANAGER: {Role.AGENT, Role.SUPERVISOR, Role.MANAGER},
        Role.ADMIN: set(Role),
    }


def test_the_first_tries_are_free_then_each_wait_is_twice_the_one_before_up_to_a_limit() -> None:
    waits = [throttle.wait_after(tries, 5).total_seconds() for tries in range(4, 20)]
    assert waits == [0, 5, 10, 20, 40, 80, 160, 320, 640, *[900] * 7]
    assert throttle.wait_after(10**6, 5) == timedelta(minutes=15)


def test_one_address_alone_does_not_use_up_what_a_name_has_free_in_a_day() -> None:
    tries, passed = 0, timedelta(0)
    while passed < timedelta(days=1):
        tries += 1
        passed += throttle.wait_after(tries, throttle.FREE_BY_BOTH)
    assert throttle.FREE_BY_BOTH < tries < throttle.FREE_BY_NAME


def test_ever_fewer_of_many_tries_are_worth_a_line() -> None:
    assert [count for count in range(20_000) if throttle.is_told(count)] == [1, 10, 100, 1_000, 10_000]


def test_what_has_passed_of_a_wait_counts() -> None:
    assert throttle.left(6, 5, NOW, NOW + timedelta(seconds=3)) == timedelta(seconds=7)
    assert throttle.left(6, 5, NOW, NOW + timedelta(hours=1)) == timedelta(0)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (2000000000, "279037"), (20000000000, "353130")],
)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    assert totp.code(SECRET, seconds // 30) == code
    assert totp.counter_of(SECRET, code, datetime.fromtimestamp(seconds, UTC)) == seconds // 30


def test_a_clock_may_be_off_by_half_a_minute_and_no_more() -> None:
    now = int(NOW.timestamp()) // 30
    found = [totp.counter_of(SECRET, totp.code(SECRET, now + off), NOW) for off in range(-3, 4)]
    assert found == [None, None, now - 1, now, now + 1, None, None]


@pytest.mark.parametrize("typed", ["", "12345", "abcdef", "１２３４５６", "1234567", "ü"])
def test_what_is_no_code_is_refused(typed: str) -> None:
    assert totp.counter_of(SECRET, typed, NOW) is None


def test_a_code_may_be_typed_with_the_blank_that_is_shown() -> None:
    code = totp.code(SECRET, int(NOW.timestamp()) // 30)
    assert totp.counter_of(SECRET, f" {code[:3]} {code[3:]} ", NOW) is not None


def test_the_address_in_the_picture_names_issuer_and_person() -> None:
    assert totp.address("ABC", "anna.b", "contactd") == "otpauth://totp/contactd:anna.b?secret=ABC&issuer=contactd"
