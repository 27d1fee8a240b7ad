"""Faults at random while calls are made: the connection cut, the exchange, the daemon or the network gone for a while.

A short run in `make test`; `FAULTS=full` makes a hundred of them. Afterwards the log and the network's books agree.
"""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import sqlalchemy as sa

from contactd.config.load import load
from contactd.store import schema
from contactd.store.database import Database, open_database
from tests.calls import town as people
from tests.calls.asterisk import Asterisk
from tests.calls.network import Network
from tests.calls.office import Process, left_in, owe, write
from tests.calls.wire import Wire, wire

FULL = os.environ.get("FAULTS") == "full"
FAULTS, CALLS, AGENTS = (100, 900, 10) if FULL else (8, 80, 6)
_WHO = (
    people.HUMAN, people.PROMPT, people.HANGS_UP, people.SILENT, people.EARLY_MEDIA, people.BUSY, people.REJECTS,
    people.RINGS, people.SWITCHED_OFF, people.INVALID,
)  # fmt: skip
_ENDS = frozenset({"delivered", "failed", "cancelled"})
_AT_WORK = frozenset({"ready", "reserved", "talk", "wrap"})


def mixed() -> Iterator[str]:
    """Name people of every kind in turn."""
    return (who.number(serial) for serial in range(100) for who in _WHO)


@dataclass
class Site:
    """Everything that can fail, and how it is brought back."""

    pbx: Asterisk
    network: Network
    line: Wire
    random: Random
    office: Process
    done: Counter[str] = field(default_factory=Counter)

    async def fail(self) -> None:
        """Let something fail for a while."""
        what = self.random.choice(("connection", "exchange", "daemon", "network"))
        self.done[what] += 1
        pause = self.random.uniform(0.2, 2.5)
        if what == "connection":
            self.line.cut(broken=True)
            await asyncio.sleep(pause)
            self.line.broken = False
        elif what == "exchange":
            self.pbx.kill()
            await asyncio.sleep(pause / 2)
            await asyncio.to_thread(self.pbx.start)
        elif what == "daemon":
            self.office.kill()
            await asyncio.sleep(pause / 2)
            self.office.start()
        else:
            os.kill(self.network.pid, signal.SIGSTOP)
            await asyncio.sleep(pause)
            os.kill(self.network.pid, signal.SIGCONT)


def ends(database: Database) -> dict[int, list[str]]:
    """Read how often and how each attempt ended, from the contact log."""
    found: dict[int, list[str]] = {}
    columns = schema.contact_log.c
    with database.snapshot() as connection:
        for attempt, event, outcome in connection.execute(
            sa.select(columns.attempt_id, columns.event, columns.outcome)
        ):
            if attempt is not None and event in _ENDS:
                found.setdefault(attempt, []).append(outcome)
    return found


async def test_after_random_faults_every_call_is_accounted_for_and_nobody_was_called_twice(
    pbx: Asterisk, network: Network, tmp_path: Path
) -> None:
    before = len(network.calls())
    async with wire(pbx.http) as line:
        config = write(tmp_path, pbx, url=line.address, agents=AGENTS, ring=6, step='mode = "power"\nratio = 1.5')
        database = open_database(load(config).database_url)
        owe(database, islice(mixed(), CALLS))
        site = Site(pbx, network, line, Random(1), Process(config))
        site.office.start()
        try:
            for _ in range(FAULTS):
                await asyncio.sleep(site.random.uniform(1.0, 3.0))
                await site.fail()
            await finish(site, database)
            await usable(site)
        finally:
            site.office.kill()
    network.cli("channel request hangup all")
    await asyncio.sleep(1)
    check(database, network.calls()[before:])
    database.close()


async def finish(site: Site, database: Database) -> None:
    """Wait until every call is over; what the trunk refused waits for minutes, so it is let go."""
    try:
        async with asyncio.timeout(60 + CALLS):
            while await asyncio.to_thread(left_in, database):  # noqa: ASYNC110 -- the database tells nobody
                await asyncio.sleep(0.5)
    except TimeoutError:
        told = f"{left_in(database)} open after {dict(site.done)}: {site.office.status()}\n{site.office.log()}"
        raise AssertionError(told) from None


async def usable(site: Site) -> None:
    """See that no agent is stuck."""
    async with asyncio.timeout(60):
        while True:
            states = (await asyncio.to_thread(site.office.status)).get("agents", {}).get("", {})
            if states and set(states) <= _AT_WORK and sum(states.values()) == AGENTS:
                return
            await asyncio.sleep(0.5)


def check(database: Database, calls: Sequence[Any]) -> None:
    """Judge by the network's books and the log."""
    ended = ends(database)
    placed = Counter(int(call.attempt) for call in calls if call.attempt)
    assert {attempt for attempt, count in placed.items() if count > 1} == set()
    assert {attempt: how for attempt, how in ended.items() if len(how) != 1} == {}
    assert set(placed) <= set(ended)
    assert len(ended) == CALLS
