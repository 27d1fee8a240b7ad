"""The demo with a desk: real time, made-up customers, eight simulated agents, a person who takes calls.

cli/demo.py starts it. The clock begins in the morning of a working day, so that calls may be made at any hour; the
person's calls come from a campaign and a team of their own, so that the first does not wait for eight others.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from contactd.clock import FastClock
from contactd.config.load import load
from contactd.config.settings import Settings
from contactd.daemon import Daemon
from contactd.demo import Catcher, opening_after, rows_of, write_settings
from contactd.domain.agent import Agent, State
from contactd.domain.role import Role
from contactd.intake.accept import accept_accounts, accept_payments
from contactd.store import logins
from contactd.store.database import Database, open_database
from contactd.store.logins import Login
from contactd.store.migrate import upgrade
from contactd.telephony.simulated import SimulatedCarrier
from contactd.web.passwords import hash_now, one_time

YOU = "demo"
_CAMPAIGN = "am-platz"
_CREDITOR = "platzwerke"  # whose customers the person at the desk calls
_YOURS = 120  # of them
_AFTER_OPENING = timedelta(minutes=70)  # ten o'clock: in London, too, one may call
_TEXT = f"""\
# Whom you call in `contactd demo --desk`.
id = "{_CAMPAIGN}"
language = "de"
timezone = "Europe/Berlin"
team = "{YOU}"
[select]
creditors = ["{_CREDITOR}"]
kinds = ["consumer"]
[[step]]
id = "anruf"
day = 3
channel = "call"
attempts = 6
mode = "progressive"
"""
# Whoever is not busy answers soon: one person waits, and not for a carrier.
_MORE = f"""\
answer = "80 %"
busy = "20 %"
machine = "0 %"
ring = "4 seconds"
talk = "3 minutes"
personas = true
[agents.{YOU}]
name = "Demo"
team = "{YOU}"
languages = ["de", "en"]
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a desk is open, and for whom."""

    url: str
    name: str
    password: str


class OpenDesk:
    """One demo of the desk in a folder; `tell` hears once where it is."""

    def __init__(self, folder: Path, *, accounts: int, seed: int, started: datetime) -> None:
        self._folder, self._accounts, self._seed = folder, accounts, seed
        self._opening = opening_after(started) + _AFTER_OPENING
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Let it end."""
        self._stopping.set()

    async def run(self, tell: Callable[[Place], None]) -> None:
        """Open the desk and work until `stop`; raises ConfigError when the folder's files are not for a demo."""
        catcher = Catcher()
        server, port = await catcher.open()
        try:
            settings = load(self._write(port))
            clock = FastClock(self._opening, 1.0)
            password = one_time()
            await asyncio.to_thread(self._furnish, settings, password)
            self.daemon = Daemon(settings, path=None, clock=clock)
            await self._work(lambda: tell(Place(f"http://127.0.0.1:{self.daemon.site.port}/", YOU, password)))
        finally:
            server.close()
            await server.wait_closed()

    def _write(self, smtp_port: int) -> Path:
        path = write_settings(
            self._folder, _MORE, smtp_port=smtp_port, seed=self._seed, drain="3 seconds", lease="2 minutes", reached=""
        )
        (self._folder / "campaigns.d" / f"{_CAMPAIGN}.toml").write_text(_TEXT, encoding="utf-8")
        return path

    def _furnish(self, settings: Settings, password: str) -> None:
        """Put customers into the database, and the login of the person."""
        database = open_database(settings.database_url)
        try:
            upgrade(database)
            self._fill(database, password)
        finally:
            database.close()

    def _fill(self, database: Database, password: str) -> None:
        def now() -> datetime:
            return self._opening

        accept_accounts(database, _rows(self._seed, self._accounts, self._opening.date()), now=now, source="demo")
        accept_payments(database, [], now=now, source="demo")
        with database.transaction() as connection:
            login = Login(YOU, Role.MANAGER, hash_now(password), self._opening, one_time=False)
            logins.add(connection, login)

    async def _work(self, opened: Callable[[], None]) -> None:
        daemon = self.daemon
        running = asyncio.create_task(daemon.run())
        ready = asyncio.create_task(daemon.ready.wait())
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            if daemon.staff.give_up_seat(YOU):
                daemon.roster.sign_out(YOU)
            daemon.roster.listen(self._agent_moved)
            opened()
            for campaign in daemon.book.campaigns:
                await daemon.planning.plan(campaign)
            await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
            daemon.stop()
        await running

    def _agent_moved(self, agent: Agent) -> None:
        """Keep whoever talks to the person on the line until the person hangs up: captions take time to read."""
        daemon = self.daemon
        if agent.id != YOU or agent.state is not State.TALK or daemon.dialer is None:
            return
        live = daemon.dialer.desk.conversation_of(YOU)
        if live is not None and isinstance(daemon.carrier, SimulatedCarrier):
            daemon.carrier.stay(live.reference)


def _rows(seed: int, accounts: int, today: date) -> Iterator[dict[str, str]]:
    """Make up the list: the first consumers who can be called are those of the person at the desk."""
    yours: set[str] = set()
    for row in rows_of(seed, accounts, today):
        callable_ = row["segment"] == "private" and bool(row["phone"] or row["mobile"])
        if callable_ and (len(yours) < _YOURS or row["account_no"] in yours):
            yours.add(row["account_no"])
            yield row | {"creditor": _CREDITOR}
        else:
            yield row
