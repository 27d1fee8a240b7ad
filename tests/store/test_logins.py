"""Logins, sessions and failed tries keep what they are given, and let go of it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy.engine import Connection

from contactd.domain.errors import InputError
from contactd.domain.role import Role
from contactd.store import logins, sessions, tries
from contactd.store.database import Database
from contactd.store.logins import Login
from contactd.store.sessions import Limits, Session, Stage
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


NAME, ADDRESS = tries.key_of("name", "anna"), tries.key_of("address", "192.0.2.1")
FREE = {NAME: 2, ADDRESS: 4}


def test_tries_are_free_at_first_and_then_cost_time_by_name_and_by_address(connection: Connection) -> None:
    assert [tries.begin(connection, FREE, NOW).left.total_seconds() for _ in range(4)] == [0, 0, 5, 5]
    later = NOW + timedelta(seconds=5)
    assert [tries.begin(connection, FREE, later).left.total_seconds() for _ in range(2)] == [0, 10]
    other = {tries.key_of("name", "bernd"): 2, ADDRESS: 4}
    assert [tries.begin(connection, other, later).left.total_seconds() for _ in range(2)] == [0, 5]


def test_success_forgets_the_name_and_takes_one_off_the_address(connection: Connection) -> None:
    for _ in range(2):
        tries.begin(connection, FREE, NOW)
    tries.succeed(connection, NAME, ADDRESS)
    assert [tries.begin(connection, {NAME: 2}, NOW).left.total_seconds() for _ in range(3)] == [0, 0, 5]
    assert [tries.begin(connection, {ADDRESS: 4}, NOW).left.total_seconds() for _ in range(4)] == [0, 0, 0, 5]


def test_somebody_at_the_terminal_lets_a_name_in_again(connection: Connection) -> None:
    for _ in range(3):
        tries.begin(connection, FREE, NOW)
    tries.forget(connection, "Anna")
    assert not tries.begin(connection, {NAME: 2}, NOW).left


def test_after_half_a_day_tries_are_forgotten(connection: Connection) -> None:
    for _ in range(3):
        tries.begin(connection, {NAME: 2}, NOW)
    assert not tries.begin(connection, {NAME: 2}, NOW + timedelta(hours=13)).left
    assert not tries.begin(connection, {NAME: 2}, NOW + timedelta(hours=13)).left


def test_what_was_typed_cannot_be_read_from_what_is_kept() -> None:
    assert "anna" not in NAME
    assert tries.key_of("name", "Anna") == NAME
    assert tries.key_of("name", "\ud800") != NAME
