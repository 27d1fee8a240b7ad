"""A big team: 500 agents and about 100 calls a second in one daemon, in real time; then an hour of it for the memory.

The daemon is whole: database, rules, gate, dialer, contact log. Its carrier and its agents are simulated in the same
process, which pays for them too. The hour has no database and runs on a clock that never waits.
"""

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

import phonenumbers
from pytest import MonkeyPatch  # noqa: PT013 - the class, no test here

from contactd import logs
from contactd.cli.running import fast_loop, settle
from contactd.clock import FastClock
from contactd.config.load import load
from contactd.config.settings import Settings
from contactd.daemon import Daemon
from contactd.engine.calls.dialer import Dialer
from contactd.engine.calls.team import Team
from contactd.engine.ladder.book import Book
from contactd.engine.ladder.planner import Planner
from contactd.intake.accept import accept_accounts, accept_payments
from contactd.rehearsal.day import rehearse
from contactd.rehearsal.scenario import Scenario
from contactd.store.database import Database
from contactd.telephony.base import CarrierEvent, Kind
from contactd.telephony.simulated import SimulatedCarrier
from tests.bench.figures import Figure, databases, folder, main

_AGENTS, _CALLS_A_SECOND = 500, 100
_WARM_UP, _SECONDS = 30.0, 60.0
_ATTEMPTS = 15_000
# Half past one in New York on a Monday, and half past ten in Los Angeles: everybody may be called.
NOON = datetime(2026, 11, 23, 18, 30, tzinfo=UTC)
_NAP = 0.005
_SETTINGS = """\
[daemon]
name = "bench"
drain = "1 second"
[database]
url = "{url}"
[logging]
level = "error"
[web]
port = 0
[rules]
preset = "us-reg-f"
[telephony]
backend = "simulated"
caller_id = "+12015550100"
ring = "{patience} seconds"
[telephony.simulated]
answer = {answer}
machine = 0.0
ring = "{ring} seconds"
talk = "{talk} seconds"
wrap = "{wrap} seconds"
"""
_CAMPAIGN = """\
id = "calls"
language = "en"
timezone = "America/New_York"
[select]
segments = ["calls"]
[[step]]
id = "call"
day = 3
channel = "call"
mode = "{mode}"
"""
_Bridge = Callable[[SimulatedCarrier, str, str], Coroutine[None, None, None]]
P = ParamSpec("P")
R = TypeVar("R")


def run(scale: float) -> list[Figure]:
    """Call on each database that is there, then rehearse an hour."""
    agents = max(20, int(_AGENTS * scale))
    with ExitStack() as closing:
        figures = [figure for name, database in databases(closing) for figure in _call(name, database, agents, closing)]
    return [*figures, _hour(agents, 1.0 if scale == 1.0 else 0.25)]


def _call(name: str, database: Database, agents: int, closing: ExitStack) -> list[Figure]:
    """Let people owe something, sign everybody in, and measure for a while."""
    directory, watch, clock = closing.enter_context(folder()), _Watch(), FastClock(NOON, 1.0)
    people = int(_ATTEMPTS * agents / _AGENTS)
    accept_accounts(database, debtors(people), now=clock.now)
    accept_payments(database, [], now=clock.now)
    settings = settings_of(directory, database, agents)
    planner = Planner(database, Book(settings.campaigns, settings.policies), horizon=timedelta(days=1))
    taken = planner.plan("calls", clock.now()).count
    if taken != people:
        raise AssertionError(f"{taken} taken up, {people} are due")
    with asyncio.Runner(loop_factory=fast_loop()) as runner:
        settle()
        placed, counts = runner.run(_work(Daemon(settings, path=None, clock=clock), watch))
    rate, wanted = placed / _SECONDS, _CALLS_A_SECOND * agents / _AGENTS
    what = f"dialer, {name}: {agents} agents, {rate:.0f} calls/s"
    notes = [
        f"{watch.cpu / _SECONDS:.2f} processors busy, {watch.waited:,} people answered when nobody was free",
        f"since the start {counts['answered']:,} answered, {counts['abandoned']:,} abandoned",
        f"{wanted:.0f} calls/s are asked for",
    ]
    return [
        _figure(f"{what}: a decision, p99", watch.decisions, "<= 5 ms", notes),
        _figure(f"{what}: the loop is late, p99", watch.lags, "<= 50 ms", []),
        _figure(f"{what}: answered to bridge, p99", watch.bridges, "<= 20 ms", []),
    ]


def _figure(what: str, times: list[float], target: str, notes: list[str]) -> Figure:
    """Show what all but one in a hundred stay below, beside the median."""
    ordered = sorted(times)
    worst = f"of {len(ordered):,} the worst {1e3 * ordered[-1]:.1f} ms"
    median, late = (1e3 * ordered[int(share * len(ordered))] for share in (0.5, 0.99))
    return Figure(what, late, "ms", "the median", median, target, notes=[worst, *notes])


def settings_of(directory: Path, database: Database, agents: int, **other: object) -> Settings:
    """Write the configuration of a daemon that calls by agents `agent-1` and so on, and load it.

    `other` than usual: the `mode` of dialling, the share of calls they `answer`, in seconds how long it `ring`s before
    that, our `patience` with who does not, how long they `talk` and agents `wrap` up.
    """
    told = {"mode": "predictive", "answer": 0.3, "ring": 12, "patience": 30, "talk": 16, "wrap": 6} | other
    (directory / "campaigns.d").mkdir()
    (directory / "campaigns.d" / "calls.toml").write_text(_CAMPAIGN.format(**told))
    staff = "".join(f'[agents.agent-{number}]\nlanguages = ["en"]\n' for number in range(1, agents + 1))
    path = directory / "contactd.toml"
    path.write_text(_SETTINGS.format(url=database.url.replace("+psycopg", ""), **told) + staff)
    return load(path)


def debtors(people: int) -> Iterator[dict[str, str]]:
    """Make up accounts that are due; with the exchange 555 and a line 0100 to 0199 numbers are reserved for fiction."""
    areas = [area for area in range(201, 990) if phonenumbers.is_valid_number(_number(area, 0))]
    for place in range(people):
        area, line = divmod(place, 100)
        yield {
            "account_no": f"K-{place}", "creditor": "acme", "name": f"Debtor {place}", "language": "en",
            "timezone": "America/New_York", "country": "US", "segment": "calls",
            "mobile": phonenumbers.format_number(_number(areas[area], line), phonenumbers.PhoneNumberFormat.E164),
            "invoice_no": f"R-{place}", "invoice_date": str(NOON.date() - timedelta(days=30)),
            "due_date": str(NOON.date() - timedelta(days=10)), "amount": "100.00", "open": "100.00", "currency": "EUR",
        }  # fmt: skip


def _number(area: int, line: int) -> phonenumbers.PhoneNumber:
    return phonenumbers.parse(f"+1{area}5550{100 + line}")


async def _work(daemon: Daemon, watch: "_Watch") -> tuple[int, Counter[str]]:
    """Run the daemon; answers how many calls it placed while it was watched, and how many came how far in all."""
    logs.set_up("error", "json", stream=sys.stderr)
    with watch.wrapped():
        running = asyncio.create_task(daemon.run())
        await daemon.ready.wait()
        await asyncio.sleep(_WARM_UP)
        watch.begin()
        if daemon.dialer is None:
            raise AssertionError("the daemon does not dial")
        counts = daemon.dialer.desk.counts
        before = counts["placed"]
        late = asyncio.create_task(watch.lag())
        await asyncio.sleep(_SECONDS)
        late.cancel()
        placed, reached = counts["placed"] - before, counts.copy()
        watch.end()
        daemon.stop()
        await running
    return placed, reached


class _Watch:
    """Seconds of each decision, of each answer until the order to bridge it, and how late the loop was."""

    def __init__(self) -> None:
        self.decisions: list[float] = []
        self.bridges: list[float] = []
        self.lags: list[float] = []
        self.waited = 0
        self.cpu = 0.0
        self._answered: dict[str, float] = {}

    @contextmanager
    def wrapped(self) -> Iterator[None]:
        """Stand between the carrier and the dialer while the block runs."""
        with MonkeyPatch.context() as patch:
            patch.setattr(Team, "_decide", self._deciding(Team._decide))  # noqa: SLF001 - what is timed
            patch.setattr(Dialer, "on_event", self._hearing(Dialer.on_event))
            patch.setattr(SimulatedCarrier, "bridge", self._bridging(SimulatedCarrier.bridge))
            yield

    def begin(self) -> None:
        """Count from here."""
        self.decisions, self.bridges, self.lags, self.waited = [], [], [], 0
        self.cpu = time.process_time()

    def end(self) -> None:
        """Count up to here."""
        self.cpu = time.process_time() - self.cpu

    async def lag(self) -> None:
        """Sleep a little again and again, and see how much later it is."""
        while True:
            before = time.perf_counter()
            await asyncio.sleep(_NAP)
            self.lags.append(time.perf_counter() - before - _NAP)

    def _deciding(self, function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def timed(*args: P.args, **kwargs: P.kwargs) -> R:
            before = time.perf_counter()
            answer = function(*args, **kwargs)
            self.decisions.append(time.perf_counter() - before)
            return answer

        return timed

    def _hearing(self, function: Callable[[Dialer, CarrierEvent], None]) -> Callable[[Dialer, CarrierEvent], None]:
        @wraps(function)
        def heard(dialer: Dialer, event: CarrierEvent) -> None:
            before = time.perf_counter()
            function(dialer, event)
            if event.kind is Kind.ANSWERED:
                live = dialer.desk.up("").all.get(event.reference)
                if live is not None and live.agent:
                    self._answered[event.reference] = before
                else:
                    self.waited += 1

        return heard

    def _bridging(self, function: _Bridge) -> _Bridge:
        @wraps(function)
        async def bridged(carrier: SimulatedCarrier, reference: str, agent_id: str) -> None:
            heard = self._answered.pop(reference, None)
            if heard is not None:
                self.bridges.append(time.perf_counter() - heard)
            await function(carrier, reference, agent_id)

        return bridged


def _hour(agents: int, hours: float) -> Figure:
    """Rehearse it, and hold the memory at its end against that after a third: what grows in between is a leak."""
    scenario = Scenario(agents=agents, hours=hours)
    seen: list[tuple[float, float]] = []
    figures = rehearse(scenario, lambda share: seen.append((share, _resident())))
    early, end = next(mb for share, mb in seen if share >= 1 / 3), seen[-1][1]
    return Figure(
        f"dialer, memory: {agents} agents, {hours:g} h, {figures['placed']:,} calls", end, "MB", "after a third of it",
        early, "ratio 1.0", notes=[f"{figures['speedup']:.0f} times real time"],
    )  # fmt: skip


def _resident() -> float:
    """Answer the memory in use now, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    main(run)
