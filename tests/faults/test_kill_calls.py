"""The daemon is killed again and again while it calls; the carrier, a process of its own with a ledger, is the judge.

`make test` kills ten times during 300 calls, `make faults` a hundred times during 3,000, on both databases.
"""

import os
import random
import time
from collections import Counter
from pathlib import Path
from statistics import median

import pytest

from tests.faults.calling import Calls, seconds_until_usable
from tests.faults.life import until
from tests.faults.stage import open_stage

FULL = os.environ.get("FAULTS") == "full"
KILLS, EACH, AGENTS = (100, 3_000, 20) if FULL else (10, 300, 20)
STAY = 3  # customers who talk longer than any restart takes, however busy the machine
TEAM = "north"


@pytest.mark.timeout(3_600)
def test_a_daemon_killed_again_and_again_calls_nobody_twice_and_accounts_for_every_call(
    tmp_path: Path, database_url: str
) -> None:
    luck, began, waits = random.Random(20_261_125), time.monotonic(), list[float]()
    with open_stage(tmp_path, database_url) as stage:
        calls = Calls.on(stage, teams=[TEAM], each=EACH, agents=AGENTS, stay=STAY)
        life = calls.life("first")
        for kill in range(KILLS):
            life.start()
            life.wait_ready()
            since = time.monotonic()
            if not kill:
                assert life.plan(TEAM)
            waits.append(seconds_until_usable(life, calls, since))
            time.sleep(luck.uniform(0.0, 1.0))
            if kill == KILLS - 1:
                until(lambda: bool(calls.staying()) and len(calls.ledger()) > EACH / 10, 60, calls.logs)
            life.kill()
        early, stayed = len(calls.ledger()), calls.staying()
        life.start()
        life.wait_ready()
        waits.append(seconds_until_usable(life, calls, time.monotonic()))
        calls.let_go()
        calls.finish(600 if FULL else 120)
        assert life.stop() == 0
        hows, placed, ends = calls.check(), calls.ledger(), calls.ends()
        said = {what: {row["reference"] for row in life.logged(what)} for what in ("call_adopted", "call_lost")}
    hows_placed = Counter(how for row in placed for how in ends[row.attempt_id])
    print(  # noqa: T201 - the figures of the closing note
        f"\n{KILLS} kills, {early} calls placed until the last, {len(placed)} in all: {dict(hows_placed)}"
        f"\nof all: {dict(hows)}; adopted: {len(said['call_adopted'])}, lost: {len(said['call_lost'])}"
        f"\nagents usable after {max(waits):.1f} s at the latest; {time.monotonic() - began:.0f} s in all"
    )
    assert sum(hows.values()) == EACH
    assert early > EACH / 10
    # Who still talks when the daemon is back goes on; a call is lost when nobody was there to hear of its end.
    assert set() < stayed <= said["call_adopted"]
    assert not stayed & said["call_lost"]
    assert hows["lost"] <= KILLS * AGENTS * 2
    assert median(waits) < 10  # of all: one of them the machine may have kept waiting
