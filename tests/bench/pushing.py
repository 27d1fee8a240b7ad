"""What desks are told: 200 of them at work with 50 calls a second, and supervisors look on.

The daemon is whole, on SQLite: dialer, rules, contact log, pages. Its carrier is simulated in the same process, which
pays for it; the agents' tabs are in a second one and work like pages: they sign in, tell what is painted and hand in
what they wrote. A push is measured from the change to the arrival of a message that tells it at that agent's tab, a
card from the bridge; both processes read the machine's one monotonic clock. The lag is how much later than asked a
sleep of 10 ms ends.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from contactd import logs
from contactd.cli.running import fast_loop, settle
from contactd.clock import FastClock
from contactd.daemon import Daemon
from contactd.domain.agent import Agent, State
from contactd.domain.role import Role
from contactd.intake.accept import accept_accounts, accept_payments
from contactd.store import logins
from contactd.store.database import Database
from contactd.store.logins import Login
from tests.bench.big_team import NOON, debtors, settings_of
from tests.bench.figures import Figure, folder, main, sqlite
from tests.web.people import CHEAP, PASSWORD

_DESKS, _LOOKING, _A_SECOND = 200, 4, 50
_WARM_UP, _SECONDS, _AFTER = 20.0, 30.0, 3.0
_WRAP = 1
# One call for each free agent, a third of them answered and all of them short, so that 200 are busy with 50 a second.
_CALLS = {"mode": "progressive", "answer": 0.35, "ring": 1, "patience": 2, "talk": 3, "wrap": _WRAP}
Change = tuple[str, float, str, str]  # an agent, when, their state then, the case they talk about
Heard = dict[str, list[tuple[float, str, str]]]  # by agent: when, the state they are in or "card", which case


@dataclass
class _Watch:
    """What has changed, and how late the loop was."""

    daemon: Daemon
    changes: list[Change] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)

    def moved(self, agent: Agent) -> None:
        """Note a change of an agent."""
        live = self.daemon.dialer.desk.conversation_of(agent.id) if self.daemon.dialer is not None else None
        case = str(live.dial.claimed.id) if live is not None and agent.state is State.TALK else ""
        self.changes.append((agent.id, time.monotonic(), agent.state.value, case))

    async def lag(self) -> None:
        """Sleep a little again and again."""
        while True:
            asked = time.monotonic()
            await asyncio.sleep(0.01)
            self.lags.append((time.monotonic() - asked - 0.01) * 1000)


def run(scale: float) -> list[Figure]:
    """Measure pushes, cards and lag."""
    seconds = max(_SECONDS * scale, 5.0)
    with folder() as directory, sqlite(directory) as database, asyncio.Runner(loop_factory=fast_loop()) as runner:
        settle()
        watch, heard, placed = runner.run(_measure(directory, database, seconds))
    (pushes, missed), cards = _pushes(watch.changes, heard), list(_cards(watch.changes, heard))
    notes = [
        f"{_DESKS} desks, {_LOOKING} live views and wallboards, {placed / seconds:.0f} calls/s, {_A_SECOND} asked for",
        f"{len(pushes)} changes of agents, {missed} not heard by their desk",
    ]
    return [
        _figure("a push reaches a desk, p95", pushes, 95, "p95 <= 300 ms", notes),
        _figure("bridge to card at the desk, p95", cards, 95, "p95 <= 300 ms", [f"{len(cards)} cards"]),
        _figure("lag of the event loop meanwhile, p99", watch.lags, 99, "p99 <= 50 ms", []),
    ]


def _figure(what: str, values: Sequence[float], hundredth: int, target: str, notes: list[str]) -> Figure:
    late = statistics.quantiles(values, n=100)[hundredth - 1]
    return Figure(what, late, "ms", "median", statistics.median(values), target, notes=notes)


async def _measure(directory: Path, database: Database, seconds: float) -> tuple[_Watch, Heard, int]:
    logs.set_up("error", "json", stream=sys.stderr)
    clock, people = FastClock(NOON, 1.0), int(_A_SECOND * (_WARM_UP + seconds) * 2)
    accept_accounts(database, debtors(people), now=clock.now)
    accept_payments(database, [], now=clock.now)
    with database.transaction() as connection:
        for role, name, count in ((Role.AGENT, "agent", _DESKS), (Role.SUPERVISOR, "chief", _LOOKING)):
            for number in range(1, count + 1):
                login = Login(f"{name}-{number}", role, CHEAP.hash(PASSWORD), clock.now(), one_time=False)
                logins.add(connection, login)
    daemon = Daemon(settings_of(directory, database, _DESKS, **_CALLS), path=None, clock=clock)
    running, watch = asyncio.ensure_future(daemon.run()), _Watch(daemon)
    await daemon.ready.wait()
    async with _tabs(daemon.site.port) as tabs:
        await daemon.planning.plan("calls")
        await asyncio.sleep(_WARM_UP)
        before = _placed(daemon)
        daemon.roster.listen(watch.moved)
        late = asyncio.ensure_future(watch.lag())
        await asyncio.sleep(seconds)
        placed, changes = _placed(daemon) - before, list(watch.changes)
        late.cancel()
        await asyncio.sleep(_AFTER)
        heard: Heard = json.loads((await tabs.communicate(b""))[0])
    daemon.stop()
    with suppress(asyncio.CancelledError):
        await running
    watch.changes = changes  # none of those when it ended
    return watch, heard, placed


def _placed(daemon: Daemon) -> int:
    return daemon.dialer.desk.counts["placed"] if daemon.dialer is not None else 0


@asynccontextmanager
async def _tabs(port: int) -> AsyncIterator[Process]:
    """Open all tabs, and wait until everybody is connected."""
    command = [sys.executable, "-m", "tests.bench.pushing_tabs", str(port), str(_DESKS), str(_LOOKING), str(_WRAP)]
    tabs = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    if tabs.stdout is None:
        raise RuntimeError("the tabs cannot be heard")
    await tabs.stdout.readline()
    try:
        yield tabs
    finally:
        if tabs.returncode is None:
            tabs.kill()
        await tabs.wait()


def _pushes(changes: list[Change], heard: Heard) -> tuple[list[float], int]:
    """Give, in ms, how long after each change the desk of that agent heard of it, or of one that followed by then.

    What nobody heard lasted to the end; answers also how many those are.
    """
    end = max(moment for told in heard.values() for moment, _, _ in told)
    found, missed, later = [], 0, dict[str, list[tuple[float, str]]]()
    for name, at, state, _ in reversed(changes):
        following = later.setdefault(name, [])
        following.append((at, state))
        for moment, told, _ in heard.get(name, ()):
            if moment >= at and any(told == one and since <= moment for since, one in following):
                found.append((moment - at) * 1000)
                break
        else:
            found.append((end - at) * 1000)
            missed += 1
    return found, missed


def _cards(changes: list[Change], heard: Heard) -> Iterator[float]:
    """Give, in ms, how long after each bridge the desk knew of it and had the card; that may have come before."""
    for name, at, _, case in changes:
        if not case:
            continue
        talks = next((moment for moment, told, of in heard.get(name, ()) if told == "talk" and of == case), None)
        card = next((moment for moment, told, of in heard.get(name, ()) if told == "card" and of == case), None)
        if talks is not None and card is not None:
            yield (max(talks, card) - at) * 1000


if __name__ == "__main__":
    main(run)
