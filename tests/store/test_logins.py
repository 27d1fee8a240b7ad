"""Logins, sessions and failed tries keep what they are given, and let go of it."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain import throttle
from contactd.domain.errors import InputError
from contactd.domain.role import Role
from contactd.store import logins, sessions, tries
from contactd.store.database import Database
from contactd.store.logins import Login
from contactd.store.schema_logins import known_address
from contactd.store.sessions import Limits, Session, Stage
from contactd.store.tries import Try
from tests.store.seed import NOW

MINUTE = timedelta(minutes=1)
LIMITS = Limits(idle=30 * MINUTE, longest=timedelta(hours=12))
ANNA = Login("anna", Role.AGENT, "a hash", NOW, "Anna Beispiel")


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.transaction() as connection:
        yield connection


@pytest.fixture
def anna(connection: Connection) -> Login:
    logins.add(connection, ANNA)
    return ANNA


def read(connection: Connection, key: str) -> Session | None:
    """Read one session."""
    return next(iter(sessions.read(connection, [key])), None)


def test_a_login_is_found_however_its_name_is_capitalised(connection: Connection, anna: Login) -> None:
    assert logins.find(connection, "ANNA") == logins.find(connection, "anna") == anna
    assert logins.find(connection, "bernd") is None


def test_a_name_is_given_once_however_it_is_capitalised(connection: Connection, anna: Login) -> None:
    with pytest.raises(InputError, match="has a login already; a new password: contactd agents reset Anna"):
        logins.add(connection, Login("Anna", Role.ADMIN, "", NOW))
    assert [one.role for one in logins.listed(connection)] == [Role.AGENT]


def test_what_nobody_has_cannot_be_changed(connection: Connection, anna: Login) -> None:
    logins.change(connection, "Anna", {"language": "de", "disabled_at": NOW})
    found = logins.find(connection, "anna")
    assert found is not None
    assert (found.language, found.disabled_at) == ("de", NOW)
    with pytest.raises(InputError, match="bernd has no login; make one: contactd agents add bernd"):
        logins.change(connection, "bernd", {"language": "de"})


def test_a_code_counts_once_and_no_older_one_counts_after_it(connection: Connection, anna: Login) -> None:
    assert [logins.use_code(connection, "anna", counter) for counter in (7, 7, 6, 8)] == [True, False, False, True]


def test_a_session_is_read_with_its_login_and_ends_alone_or_with_the_others(
    connection: Connection, anna: Login
) -> None:
    for key in ("one", "two", "three"):
        sessions.begin(connection, key, "anna", Stage.IN, NOW)
    assert read(connection, "one") == Session("one", Stage.IN, NOW, NOW, anna)
    sessions.end(connection, ["one"])
    assert (read(connection, "one"), read(connection, "two") is None) == (None, False)
    logins.end_sessions(connection, "ANNA")
    assert sessions.read(connection, ["two", "three"]) == []


@pytest.mark.parametrize(
    ("stage", "seen", "passed", "holds"),
    [
        (Stage.IN, 0, 29, True),
        (Stage.IN, 0, 30, False),
        (Stage.IN, 25, 50, True),
        (Stage.IN, 715, 719, True),
        (Stage.IN, 715, 720, False),
        (Stage.CODE, 5, 9, True),
        (Stage.PASSWORD, 9, 10, False),
    ],
)
def test_a_session_ends_by_itself(
    connection: Connection, anna: Login, stage: Stage, seen: int, passed: int, *, holds: bool
) -> None:
    sessions.begin(connection, "one", "anna", stage, NOW)
    sessions.touch(connection, ["one"], NOW + seen * MINUTE)
    found = read(connection, "one")
    assert found is not None
    assert LIMITS.allow(found, NOW + passed * MINUTE) is holds


def test_nobody_who_is_disabled_has_a_session(connection: Connection, anna: Login) -> None:
    sessions.begin(connection, "one", "anna", Stage.IN, NOW)
    logins.change(connection, "anna", {"disabled_at": NOW})
    found = read(connection, "one")
    assert found is not None
    assert not LIMITS.allow(found, NOW)


def test_sessions_that_have_run_out_are_forgotten(connection: Connection, anna: Login) -> None:
    sessions.begin(connection, "old", "anna", Stage.IN, NOW - timedelta(hours=13))
    sessions.touch(connection, ["old"], NOW)
    sessions.begin(connection, "idle", "anna", Stage.IN, NOW - 31 * MINUTE)
    sessions.begin(connection, "good", "anna", Stage.IN, NOW - 29 * MINUTE)
    sessions.end_old(connection, LIMITS, NOW)
    assert [one.key for one in sessions.read(connection, ["old", "idle", "good"])] == ["good"]


OFFICE, OUTSIDE, ELSEWHERE = "192.0.2.1", "198.51.100.7", "203.0.113.9"
ANNAS = Try("anna", OFFICE)
DAY = timedelta(days=1)


def waits(connection: Connection, one: Try, count: int, now: datetime = NOW) -> list[float]:
    """Try so often at one instant, and list the seconds there are to wait each time."""
    return [tries.begin(connection, one, now).left.total_seconds() for _ in range(count)]


def guess_everywhere(connection: Connection, now: datetime) -> None:
    """Use up what a name has free in a day, from many addresses."""
    for number in range(throttle.FREE_BY_NAME // throttle.FREE_BY_BOTH):
        assert waits(connection, Try("anna", f"2001:db8:{number:x}::/64"), throttle.FREE_BY_BOTH, now) == [0] * 5


def test_tries_of_a_name_from_an_address_are_free_at_first_and_then_cost_time(connection: Connection) -> None:
    assert waits(connection, ANNAS, 7) == [0, 0, 0, 0, 0, 5, 5]
    assert waits(connection, ANNAS, 2, NOW + timedelta(seconds=5)) == [0, 10]


def test_who_guesses_elsewhere_delays_nobody_here(connection: Connection) -> None:
    assert waits(connection, Try("anna", OUTSIDE), 6) == [0, 0, 0, 0, 0, 5]
    assert waits(connection, ANNAS, 1) == [0]


def test_many_names_from_one_address_cost_time(connection: Connection) -> None:
    told = [waits(connection, Try(f"name{number}", OUTSIDE), 1)[0] for number in range(32)]
    assert told == [0] * 30 + [5, 5]
    assert waits(connection, Try("name1", OFFICE), 1) == [0]


def test_a_name_that_is_guessed_from_everywhere_waits_but_where_its_owner_came_in_lately(
    connection: Connection,
) -> None:
    tries.know(connection, ANNAS, NOW - timedelta(days=29))
    guess_everywhere(connection, NOW)
    assert waits(connection, Try("Anna", ELSEWHERE), 1) == [5]
    assert waits(connection, Try("bernd", ELSEWHERE), 1) == [0]
    assert waits(connection, ANNAS, 6) == [0, 0, 0, 0, 0, 5], "what is free at that address, and no more"


def test_an_address_nobody_came_in_from_for_long_is_one_as_any_other(connection: Connection) -> None:
    tries.know(connection, ANNAS, NOW - 30 * DAY)
    guess_everywhere(connection, NOW)
    assert waits(connection, ANNAS, 1) == [5]
    tries.know(connection, Try("bernd", OFFICE), NOW)
    kept = connection.execute(sa.select(known_address.c.key)).scalars().all()
    assert kept == [Try("bernd", OFFICE).by_both]


def test_a_new_day_has_its_own_tries_of_a_name(connection: Connection) -> None:
    guess_everywhere(connection, NOW)
    assert waits(connection, ANNAS, 1, NOW + DAY) == [0]


def test_success_forgets_the_name_there_and_takes_one_off_what_others_share(connection: Connection) -> None:
    guess_everywhere(connection, NOW)
    tries.succeed(connection, Try("anna", "2001:db8:1::/64"), NOW)
    assert waits(connection, Try("anna", "2001:db8:1::/64"), 2) == [0, 5], "one of the name, not all"
    for number in range(30):
        tries.begin(connection, Try(f"name{number}", OFFICE), NOW)
    tries.succeed(connection, Try("name1", OFFICE), NOW)
    assert waits(connection, Try("name1", OFFICE), 2) == [0, 5]


def test_codes_are_counted_wherever_they_are_tried_and_apart_from_passwords(connection: Connection) -> None:
    code = [Try("anna", address, is_code=True) for address in (OFFICE, OUTSIDE)]
    assert [waits(connection, one, 3) for one in code] == [[0, 0, 0], [0, 0, 5]]
    assert waits(connection, ANNAS, 1) == [0]
    tries.succeed(connection, code[1], NOW)
    assert waits(connection, code[0], 6) == [0, 0, 0, 0, 0, 5]


def test_somebody_at_the_terminal_lets_a_name_in_again_and_no_other(connection: Connection) -> None:
    tries.know(connection, ANNAS, NOW)
    guess_everywhere(connection, NOW)
    for one in (ANNAS, Try("anna", OFFICE, is_code=True), Try("bernd", OFFICE)):
        waits(connection, one, 6)
    tries.forget(connection, "Anna")
    assert [waits(connection, one, 1) for one in (ANNAS, Try("anna", OFFICE, is_code=True))] == [[0], [0]]
    assert waits(connection, Try("anna", ELSEWHERE), 1) == [0]
    assert waits(connection, Try("bernd", OFFICE), 1) == [5]
    assert connection.execute(sa.select(known_address)).all() == []


def test_after_half_a_day_tries_are_forgotten(connection: Connection) -> None:
    waits(connection, ANNAS, 6)
    assert waits(connection, ANNAS, 2, NOW + timedelta(hours=13)) == [0, 0]


def test_names_nobody_has_are_counted_by_the_hour(connection: Connection) -> None:
    minutes = [0, 10, 20, 70, 80]
    counted = [tries.count_nobodys(connection, "sign in refused", NOW + one * MINUTE) for one in minutes]
    assert counted == [1, 2, 3, 1, 2]
    assert tries.count_nobodys(connection, "sign in throttled", NOW) == 1


def test_what_was_typed_cannot_be_read_from_what_is_kept() -> None:
    keys = [ANNAS.by_both, ANNAS.by_name(NOW), ANNAS.by_code, ANNAS.by_address]
    assert not any("anna" in key or OFFICE in key for key in keys)
    assert Try("Anna", OFFICE).by_both == ANNAS.by_both
    assert Try("\ud800", OFFICE).by_both != ANNAS.by_both
