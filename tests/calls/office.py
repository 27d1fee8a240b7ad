"""A whole daemon that calls the town by the PBX, with agents who take every call: in this process or in its own.

As a process (`python -m tests.calls.office CONFIG SECONDS_OF_TALK`) it can be killed. Its clock shows a Monday at ten
whenever the tests run, at the speed of life.
"""

import asyncio
import contextlib
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from contactd.cli.control import ask
from contactd.config.load import load
from contactd.daemon import Daemon
from contactd.domain.agent import Agent, State
from contactd.domain.call import Disposition
from contactd.domain.errors import ContactdError
from contactd.engine.calls.switchboard import Switchboard
from contactd.intake.accept import accept_accounts, accept_payments
from contactd.store import contact_log, schema
from contactd.store.database import Database, open_database
from contactd.store.migrate import upgrade
from tests.calls.asterisk import Asterisk
from tests.calls.pbx import AGENTS, NAMES
from tests.calls.town import POSTCODE
from tests.clock import MONDAY_TEN

TREE = Path(__file__).resolve().parents[2]
CALLER = "+493023125000"
OPEN = ("planned", "claimed", "sending", "unclear", "accepted")
_SETTINGS = """\
[daemon]
name = "office"
[web]
port = 0
[operator]
name = "Musterfirma"
phone = "030 23125 000"
[telephony]
backend = "asterisk"
caller_id = "{caller}"
ring = "{ring} seconds"
[telephony.asterisk]
url = "{url}"
password = {{ file = "{folder}/ari-password" }}
{asterisk}
"""
_CAMPAIGN = """\
id = "town"
language = "de"
timezone = "Europe/Berlin"
[[step]]
id = "call"
day = 3
channel = "call"
{step}
"""


@dataclass
class Workers:
    """Agents who talk for `talk` seconds, say what came of it and take the next call; of whoever hangs up, at once."""

    daemon: Daemon
    talk: float
    heard: list[Agent] = field(default_factory=list)
    _doing: set["asyncio.Task[None]"] = field(default_factory=set)
    _deeds: dict[str, Callable[[], None]] = field(default_factory=lambda: defaultdict(lambda: lambda: None))

    async def sign_in(self, pause: float = 0.0) -> None:
        """Let everybody begin to work, so many seconds one after the other."""
        self.daemon.roster.listen(self._moved)
        for agent in self.daemon.roster.agents():
            self._desk.sign_in(agent.id)
            if pause:
                await asyncio.sleep(pause)

    @property
    def _desk(self) -> Switchboard:
        assert self.daemon.dialer is not None
        return self.daemon.dialer.desk

    def _moved(self, agent: Agent) -> None:
        self.heard.append(agent)
        if agent.state in (State.TALK, State.WRAP):
            seconds = self.talk if agent.state is State.TALK else 0.05
            task = asyncio.get_running_loop().create_task(self._end(agent.id, agent.since, seconds))
            self._doing.add(task)
            task.add_done_callback(self._doing.discard)

    async def _end(self, agent_id: str, since: object, seconds: float) -> None:
        await asyncio.sleep(seconds)
        if self.daemon.roster.find(agent_id).since == since:
            try:
                await self._desk.dispose(agent_id, Disposition.PROMISE)
            except ContactdError:
                return  # the other side was quicker


class OfficeClock:
    """Shows a Monday at ten when the configuration was written, and goes on through every life of the daemon."""

    def __init__(self, config: Path) -> None:
        self._ahead = MONDAY_TEN.timestamp() - float((config.parent / "opened").read_text())

    def now(self) -> datetime:
        """Tell the time of the office."""
        return datetime.fromtimestamp(time.time() + self._ahead, UTC)

    def monotonic(self) -> float:
        """Count seconds."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(max(0.0, seconds))


def write(
    folder: Path,
    pbx: Asterisk,
    *,
    url: str = "",
    agents: int = 4,
    ring: int = 3,
    step: str = 'mode = "progressive"',
    asterisk: str = "",
    phones: Sequence[str] = AGENTS,
) -> Path:
    """Write the configuration of a daemon that calls by this PBX."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ari-password").write_text(pbx.password)
    (folder / "opened").write_text(str(time.time()))
    staff = "".join(f'[agents.{name}]\nphone = "PJSIP/{phone}"\n' for name, phone in zip(NAMES[:agents], phones))  # noqa: B905 -- as many as there are
    (folder / "contactd.toml").write_text(
        _SETTINGS.format(caller=CALLER, ring=ring, url=url or pbx.ari, folder=folder, asterisk=asterisk) + staff
    )
    (folder / "campaigns.d").mkdir(exist_ok=True)
    (folder / "campaigns.d" / "town.toml").write_text(_CAMPAIGN.format(step=step))
    return folder / "contactd.toml"


def owe(database: Database, numbers: Iterable[str]) -> None:
    """Let a customer behind each number owe something that is due; nobody paid today."""
    upgrade(database)
    today = MONDAY_TEN.date()
    rows = [
        {
            "account_no": number.removeprefix("+"),
            "creditor": "acme",
            "name": f"Kunde {number[-5:]}",
            "language": "de",
            "country": "DE",
            "postcode": POSTCODE,
            "phone": number,
            "invoice_no": f"R{number[-9:]}",
            "invoice_date": str(today - timedelta(days=30)),
            "due_date": str(today - timedelta(days=10)),
            "amount": "100.00",
            "open": "100.00",
            "currency": "EUR",
        }
        for number in numbers
    ]
    report = accept_accounts(database, rows, now=lambda: MONDAY_TEN, source="town")
    assert report.counts["accepted"] == len(rows), report.as_json()
    accept_payments(database, [], now=lambda: MONDAY_TEN, source="town")


def log_of(database: Database) -> dict[str, list[tuple[str, str]]]:
    """Read the contact log: by number, the event and the outcome of each row about a call."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    with database.snapshot() as connection:
        for row in contact_log.read(connection, limit=100_000):
            if row.channel == "call":
                found[f"+{row.account_no}"].append((row.event, row.outcome))
    return dict(found)


def calls_of(database: Database) -> list[Any]:
    """Read the calls as their table keeps them."""
    with database.snapshot() as connection:
        return list(connection.execute(sa.select(schema.call)))


def left_in(database: Database) -> int:
    """Count the attempts that are still open."""
    with database.snapshot() as connection:
        counted = sa.select(sa.func.count()).where(schema.attempt.c.state.in_(OPEN))
        return int(connection.execute(counted).scalar_one())


@dataclass
class Office:
    """A daemon at work in this process."""

    daemon: Daemon
    workers: Workers
    database: Database

    @property
    def desk(self) -> Switchboard:
        """Give the calls that are up."""
        assert self.daemon.dialer is not None
        return self.daemon.dialer.desk

    def log(self) -> dict[str, list[tuple[str, str]]]:
        """Read the contact log of this office."""
        return log_of(self.database)

    def outcomes(self) -> dict[str, str]:
        """Read how each call ended: the outcome of the last row of the contact log about it."""
        return {number: rows[-1][1] for number, rows in self.log().items()}

    def calls(self) -> list[Any]:
        """Read the calls of this office."""
        return calls_of(self.database)

    async def finish(self, seconds: float = 120, open_: Sequence[str] = OPEN) -> None:
        """Wait until no attempt is open any more; those to be tried again later do not count."""
        attempt = schema.attempt.c
        left = sa.select(sa.func.count()).where(attempt.state.in_(open_), attempt.not_before <= self.daemon.clock.now())

        def count() -> int:
            with self.database.snapshot() as connection:
                return int(connection.execute(left).scalar_one())

        async with asyncio.timeout(seconds):
            while await asyncio.to_thread(count):  # noqa: ASYNC110 -- the database tells nobody
                await asyncio.sleep(0.1)


@asynccontextmanager
async def at_work(config: Path, *, talk: float = 1.0, sign_in: bool = True) -> AsyncIterator[Office]:
    """Run a daemon with its agents for the length of the block, and plan the campaign."""
    settings = load(config)
    daemon = Daemon(settings, path=None, clock=OfficeClock(config))
    running = asyncio.create_task(daemon.run())
    ready = asyncio.create_task(daemon.ready.wait())
    await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        running.result()
    workers = Workers(daemon, talk)
    if sign_in:
        await workers.sign_in()
    await daemon.planning.plan("town")
    database = open_database(settings.database_url)
    try:
        yield Office(daemon, workers, database)
    finally:
        database.close()
        daemon.stop()
        await running


async def _serve(config: Path, talk: float) -> None:
    async with at_work(config, talk=talk):
        await asyncio.Event().wait()


@dataclass
class Process:
    """The office as a process of its own, which can be killed."""

    config: Path
    talk: float = 1.0
    _process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Start the daemon with its agents."""
        with (self.config.parent / "daemon.log").open("ab") as log:
            command = [sys.executable, "-m", "tests.calls.office", str(self.config), str(self.talk)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=TREE)

    def kill(self) -> None:
        """End the daemon without a warning."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(60)
            self._process = None

    def status(self) -> dict[str, Any]:
        """Ask the daemon how it is; one that does not answer says nothing."""
        with contextlib.suppress(ContactdError):
            told: dict[str, Any] = ask(self.config.parent / "contactd.sock", "GET", "/status", patience=2.0)
            return told
        return {}

    def log(self) -> str:
        """Give the end of what it wrote."""
        return (self.config.parent / "daemon.log").read_text(errors="replace")[-6000:]


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]), float(sys.argv[2])))
