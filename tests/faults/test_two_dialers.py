"""Two daemons on one PostgreSQL, each owning a team: one sleeps past its lease, the other takes its team over."""

import time
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from contactd.store import leases, schema
from tests.faults.calling import CALLERS, Calls, owned
from tests.faults.life import Life, until
from tests.faults.stage import Stage, now, open_stage

EACH, AGENTS = 80, 15
ORDERS = ("place", "bridge", "play", "hang_up")


def a_team_each(stage: Stage) -> tuple[Calls, Life, Life]:
    """Start two daemons that could both dial for both teams, and let each begin with one."""
    calls = Calls.on(stage, teams=["north", "south"], each=EACH, agents=AGENTS, talk=24)
    with stage.database.transaction() as connection:
        for team, name in (("north", "first"), ("south", "second")):
            leases.acquire(connection, f"dialer:{team}", holder=name, lasting=timedelta(minutes=10))
    first, second = calls.life("first"), calls.life("second")
    for life in (first, second):
        life.start()
    for life in (first, second):
        life.wait_ready()
    return calls, first, second


def seconds_left(stage: Stage, team: str) -> float:
    """Ask the database for how long a team is somebody's who does not renew it."""
    with stage.database.snapshot() as connection:
        ends = connection.scalar(sa.select(schema.lease.c.expires_at).where(schema.lease.c.name == f"dialer:{team}"))
    assert ends is not None
    return float((ends - now()).total_seconds())


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_who_sleeps_past_its_lease_is_replaced_within_seconds_and_wakes_up_to_call_nobody(
    tmp_path: Path, database_url: str
) -> None:
    with open_stage(tmp_path, database_url) as stage:
        calls, first, second = a_team_each(stage)
        assert first.plan("north")
        assert first.plan("south")
        until(lambda: (owned(first), owned(second)) == (["north"], ["south"]), 60, calls.logs)
        south = calls.campaign("south")
        until(lambda: sum(row.attempt_id in south for row in calls.ledger()) >= 20, 60, calls.logs)
        second.freeze()
        left, since = seconds_left(stage, "south"), time.monotonic()
        until(lambda: owned(first) == ["north", "south"], 60, calls.logs)
        took = time.monotonic() - since
        before = len(calls.ledger())
        until(lambda: len(calls.ledger()) >= before + 20, 60, calls.logs)
        asleep = [len(calls.ledger(order)) for order in ORDERS]
        second.thaw()
        until(lambda: owned(second) == [] and '"team_lost"' in second.log_text(), 60, calls.logs)
        calls.finish(200)
        assert (first.stop(), second.stop()) == (0, 0)
        hows = calls.check()
        woken = [
            row
            for order, known in zip(ORDERS, asleep, strict=True)
            for row in calls.ledger(order)[known:]
            if row.caller == CALLERS["second"]
        ]
        shown = {row.caller for row in calls.ledger() if row.attempt_id in south}
        adopted = first.log_text().count('"call_adopted"')
    print(  # noqa: T201 - the figures of the closing note
        f"\ntaken over after {took:.1f} s with {adopted} calls still up; {dict(hows)};"
        f" {second.log_text().count('call_let_go')} let go, {second.log_text().count('intent_refused')} intents refused"
    )
    assert left <= 6  # then whoever is awake may take it; how soon is for tests whose clock cannot be kept waiting
    assert woken == []
    assert shown == set(CALLERS.values())
    assert sum(hows.values()) == 2 * EACH
