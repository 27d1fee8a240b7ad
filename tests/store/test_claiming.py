"""Claims of several daemons never overlap, and finding the next attempts does not depend on how many there are."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.account import Channel
from contactd.domain.attempt import Event
from contactd.store import attempts, raw, schema
from contactd.store.attempts import Transition
from contactd.store.database import Database
from tests.store.seed import NOW, add_account, claim_all, new_attempt


class Noting:
    """A driver's cursor that tells what it is asked."""

    def __init__(self, cursor: Any, note: Callable[[str, Any], None]) -> None:  # noqa: ANN401 -- either driver's
        self._cursor = cursor
        self._note = note

    def execute(self, statement: str, parameters: Any) -> None:  # noqa: ANN401 -- whatever the driver takes
        self._note(statement, parameters)
        self._cursor.execute(statement, parameters)

    def executemany(self, statement: str, parameters: list[Any]) -> None:
        self._note(statement, parameters[0])
        self._cursor.executemany(statement, parameters)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 -- whatever the driver has
        return getattr(self._cursor, name)


def plans(database: Database, carry_out: Callable[[Connection], object]) -> str:
    """Answer how the database carries out the UPDATE and SELECT statements on attempts."""
    seen: list[tuple[str, Any]] = []

    def note(statement: str, parameters: Any) -> None:  # noqa: ANN401 -- whatever the driver takes
        if "attempt" in statement and statement.startswith(("UPDATE", "SELECT")):
            seen.append((statement, parameters))

    def heard(_c: object, _cursor: object, statement: str, parameters: Any, _context: object, many: bool) -> None:  # noqa: ANN401, FBT001 -- SQLAlchemy's signature
        note(statement, parameters[0] if many else parameters)

    @contextmanager
    def noting(connection: Connection) -> Iterator[Noting]:
        with closing(connection.connection.cursor()) as cursor:
            yield Noting(cursor, note)

    sa.event.listen(database.engine, "before_cursor_execute", heard)
    lines: list[str] = []
    with database.transaction() as connection, pytest.MonkeyPatch.context() as patch:
        patch.setattr(raw, "driver_cursor", noting)
        carry_out(connection)
        sa.event.remove(database.engine, "before_cursor_execute", heard)
        word = "EXPLAIN QUERY PLAN "
        if database.dialect == "postgresql":
            # With a handful of rows a full scan is cheaper; the question is whether the index can be used.
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            word = "EXPLAIN "
        for statement, parameters in seen:
            lines += [str(row[-1]) for row in connection.exec_driver_sql(word + statement, parameters)]
    return "\n".join(lines)


@pytest.fixture
def queue(database: Database) -> Database:
    with database.transaction() as connection:
        for number in range(1, 21):
            add_account(connection, number)
        attempts.plan(connection, [new_attempt(number) for number in range(1, 21)])
    return database


def test_a_claim_finds_what_is_due_by_the_index_of_the_queue(queue: Database) -> None:
    assert "ix_attempt_queue" in plans(queue, claim_all)


def test_expired_leases_are_found_by_the_index_of_what_is_held(queue: Database) -> None:
    assert "ix_attempt_held" in plans(queue, lambda connection: attempts.expire(connection, now=NOW))
    assert "ix_attempt_held" in plans(
        queue, lambda connection: attempts.unclear(connection, channel=Channel.EMAIL, limit=9)
    )


def test_a_transition_finds_its_attempt_by_id(queue: Database) -> None:
    with queue.transaction() as connection:
        [claim, *_] = claim_all(connection)
    begun = Transition(claim.id, claim.claim_no, Event.BEGUN, NOW)
    lines = plans(queue, lambda connection: attempts.apply(connection, [begun]))
    assert "ix_attempt" not in lines
    assert "pk_attempt" in lines or "INTEGER PRIMARY KEY (rowid=?)" in lines


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_what_another_transaction_is_claiming_is_passed_over(queue: Database) -> None:
    with queue.transaction() as first, queue.transaction() as second:
        mine = claim_all(first, limit=5)
        theirs = claim_all(second, owner="two", limit=30)
        assert attempts.expire(second, now=NOW) == (0, 0)
    assert (len(mine), len(theirs)) == (5, 15)
    assert not {claim.id for claim in mine} & {claim.id for claim in theirs}


def test_four_claimers_at_once_share_the_queue(queue: Database) -> None:
    def work(owner: str) -> list[int]:
        taken: list[int] = []
        while True:
            with queue.transaction() as connection:
                claims = claim_all(connection, owner=owner, limit=3)
            if not claims:
                return taken
            taken += [claim.id for claim in claims]

    with ThreadPoolExecutor(4) as pool:
        shares = list(pool.map(work, "abcd"))
    with queue.snapshot() as connection:
        everything = list(connection.scalars(sa.select(schema.attempt.c.id)))
    assert sorted(number for share in shares for number in share) == sorted(everything)
