"""What is proposed and approved is what planning would have queued, without the accounts that were dropped."""

import asyncio
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contactd.domain.account import Channel
from contactd.engine.ladder.proposing import Person, Proposing
from contactd.store import attempts, schema, suppressions
from contactd.store.database import Database
from contactd.store.schema_proposals import proposal, proposal_line
from contactd.store.suppressions import NewSuppression
from tests.engine.world import World, open_world

_OWN = {"id", "batch_id"}
_TABLES = (
    schema.attempt, proposal_line, proposal, schema.batch, schema.contact_log, schema.suppression, schema.invoice,
    schema.account,
)  # fmt: skip
DEBTORS = st.fixed_dictionaries(
    {
        "days_due": st.integers(0, 40),
        "owed": st.sampled_from([0, 1, 9_999, 50_000]),
        "email": st.sampled_from(["", "somebody@example.com"]),
        "mobile": st.sampled_from(["", "+4915228817386"]),
        "tried": st.sampled_from(["", "planned", "delivered", "failed", "cancelled"]),
        "stopped": st.booleans(),
        "dropped": st.booleans(),
    }
)


def furnish(world: World, debtors: list[dict[str, Any]]) -> None:
    now = world.clock.now()
    for number, one in enumerate(debtors, 1):
        zone = {"mobile_zones": "Europe/Berlin", "mobile_type": "mobile"} if one["mobile"] else {}
        world.debtor(
            number, days_due=one["days_due"], owed=one["owed"], email=one["email"], mobile=one["mobile"], **zone
        )
        with world.database.transaction() as connection:
            if one["tried"]:
                tried = attempts.NewAttempt(
                    number, number, None, "standard", "reminder", Channel.EMAIL, 1, 1, now, now
                )  # fmt: skip
                attempts.plan(connection, [tried])
                of = sa.update(schema.attempt).where(schema.attempt.c.account_id == number)
                connection.execute(of.values(state=one["tried"], outcome=one["tried"]))
            if one["stopped"]:
                suppressions.add(connection, [NewSuppression("account", str(number), None, "stop", "test", now)])


def queued(world: World) -> list[dict[str, Any]]:
    """Read what a run has queued, without what says which run it was."""
    rows = [dict(row._mapping) for row in world.rows() if row.batch_id]  # noqa: SLF001 -- SQLAlchemy's way
    shown = [{name: value for name, value in row.items() if name not in _OWN} for row in rows]
    return sorted(shown, key=lambda row: int(row["account_id"]))


def compare(world: World, debtors: list[dict[str, Any]], now: datetime) -> None:
    proposing = Proposing(world.planner)
    furnish(world, debtors)
    world.planner.plan("standard", now)
    planned = queued(world)
    with world.database.transaction() as connection:
        connection.execute(sa.delete(schema.attempt).where(schema.attempt.c.batch_id.is_not(None)))
    run = proposing.propose("standard", now, "ben").batch_id or 0
    assert queued(world) == []
    dropped = {number for number, one in enumerate(debtors, 1) if one["dropped"]}
    gone = proposing.drop(run, dropped, reason="test", by="ben", now=now)
    left = [row for row in planned if row["account_id"] not in dropped]
    assert gone == len(planned) - len(left)
    if left:
        released, reasons = proposing.approve(run, Person("anna", "anna"), now, four_eyes=True)
        assert (released, reasons) == (len(left), {"test": gone} if gone else {})
    assert queued(world) == left


def test_a_run_that_is_approved_queues_what_planning_would_have_queued(database: Database) -> None:
    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(DEBTORS, max_size=8))
    def whatever(debtors: list[dict[str, Any]]) -> None:
        asyncio.run(once(debtors))

    async def once(debtors: list[dict[str, Any]]) -> None:
        with database.transaction() as connection:
            for table in _TABLES:
                connection.execute(sa.delete(table))
        async with open_world(database) as world:
            compare(world, debtors, world.clock.now())

    whatever()


@pytest.mark.parametrize("tried", ["planned", "delivered", "failed"])
async def test_a_try_that_began_meanwhile_is_not_made_twice(database: Database, tried: str) -> None:
    async with open_world(database) as world:
        world.debtor(1)
        world.debtor(2)
        proposing, now = Proposing(world.planner), world.clock.now()
        run = proposing.propose("standard", now, "ben").batch_id or 0
        with world.database.transaction() as connection:
            other = attempts.NewAttempt(1, 1, None, "standard", "reminder", Channel.EMAIL, 1, 1, now, now)
            assert attempts.plan(connection, [other]) == 1
            connection.execute(sa.update(schema.attempt).values(state=tried, outcome=tried))
        proposing.approve(run, Person("anna", "anna"), now, four_eyes=True)
        assert [row.account_id for row in world.rows()].count(2) == 1
        assert [row.step for row in world.rows() if row.account_id == 1] == ["reminder"]
