"""The demo: the real daemon on made-up accounts, a mail catcher, a simulated carrier and a clock that runs faster.

cli/demo.py starts it. Nothing here is faked to the daemon: it reads a configuration from files, opens a database,
speaks SMTP to the catcher, and the summary is counted from the contact log.
"""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy.engine import Connection

from contactd.clock import FastClock
from contactd.config.holidays import regions
from contactd.config.load import load
from contactd.config.shipped import defaults_directory
from contactd.daemon import Daemon
from contactd.intake import sample
from contactd.intake.accept import accept_accounts, accept_payments
from contactd.store import accounts, overview, suppressions
from contactd.store.database import open_database
from contactd.store.migrate import upgrade
from contactd.store.suppressions import NewSuppression

BERLIN = ZoneInfo("Europe/Berlin")
_OPENING = time(8, 50)
_SATURDAY = 5
_AGENTS = 8
_PAYMENT_EVERY = 90.0  # rehearsed seconds between arrivals of money
_SPARED = 25  # accounts of each kind that a rule protects from the start
_PAYERS = 6  # accounts that pay at each arrival
_FEW = "musterhandel"  # a creditor of few customers, who are called first: config/campaigns.d/geschaeftskunden.toml

_SETTINGS = """\
# Written by `contactd demo`: the shipped campaigns, with everything outside replaced by something made up.
[daemon]
name = "demo"
drain = "{drain}"
[sending]
lease = "{lease}"
[web]
port = 0
{reached}[operator]
name = "Musterstadtwerke GmbH"
street = "Beispielweg 1"
postcode = "12345"
city = "Musterstadt"
email = "forderungen@musterstadtwerke.example"
phone = "030 23125 100"
contact_person = "Frau Beispiel"
hours = "Mo–Fr 9–17 Uhr"
[smtp]
host = "127.0.0.1"
port = {smtp_port}
security = "none"
sender = "forderungen@musterstadtwerke.example"
[sms]
backend = "simulated"
[telephony]
backend = "simulated"
caller_id = "+493023125100"
[telephony.simulated]
seed = {seed}
wrap = "20 seconds"
"""
_IN_A_HURRY = 'talk = "2 minutes"\n'


@dataclass
class Catcher:
    """Keeps the mail it is given; speaks SMTP on loopback."""

    messages: list[str] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's hook
        """Take one message."""
        del server, session
        head = (envelope.original_content or b"").partition(b"\r\n\r\n")[0]
        found = [line for line in head.split(b"\r\n") if line.lower().startswith(b"message-id:")]
        self.messages.append(found[0].decode() if found else "")
        return "250 caught"

    async def open(self) -> tuple[asyncio.Server, int]:
        """Listen on a free port of the loopback interface."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(self, hostname="catcher.example"), "127.0.0.1", 0)
        return server, server.sockets[0].getsockname()[1]


@dataclass(frozen=True, slots=True)
class Options:
    """What the verb was told."""

    directory: Path
    speed: float = 60.0
    seconds: float = 60.0
    accounts: int = 2_000
    seed: int = 1


Look = Callable[["Rehearsal"], None]


class Rehearsal:
    """One run of the demo; `look` is called several times a second while it works."""

    def __init__(self, options: Options, started: datetime) -> None:
        self._options = options
        self._random = Random(options.seed)  # noqa: S311 - made-up customers, no secret
        self.opening = opening_after(started)
        self.catcher = Catcher()
        self.payments = 0
        self.batches: list[dict[str, object]] = []
        self.state: dict[str, dict[str, dict[str, int]]] = {}
        self.calls: dict[str, int] = {}
        self.stage = "importing accounts"

    async def run(self, look: Look) -> dict[str, object]:
        """Import, plan, contact, call, get paid; answer the summary."""
        server, port = await self.catcher.open()
        try:
            told = {"smtp_port": port, "seed": self._options.seed, "drain": "1 hour", "lease": "30 minutes"}
            reached = 'public_url = "http://127.0.0.1"\n'
            settings = load(write_settings(self._options.directory, _IN_A_HURRY, reached=reached, **told))
            self.database = open_database(settings.database_url)
            upgrade(self.database)
            self.clock = FastClock(self.opening, self._options.speed)
            self.rows = rows_of(self._options.seed, self._options.accounts, self.opening.date())
            await asyncio.to_thread(self._import)
            self.daemon = Daemon(settings, path=None, clock=self.clock)
            await self._work(look)
            return await asyncio.to_thread(self.summary)
        finally:
            server.close()
            await server.wait_closed()
            if hasattr(self, "database"):
                self.database.close()

    def _import(self) -> None:
        accept_accounts(self.database, self.rows, now=self.clock.now, source="demo")
        accept_payments(self.database, [], now=self.clock.now, source="demo")
        with self.database.transaction() as connection:
            self._add_reasons(connection)

    def _add_reasons(self, connection: Connection) -> None:
        """Give some accounts a reason not to be contacted: a stop, a promise."""
        now = self.clock.now()
        numbers = self._random.sample(sorted({row["account_no"] for row in self.rows}), 2 * _SPARED)
        for place, number in enumerate(numbers):
            for account in accounts.find(connection, number):
                if place % 2:
                    stop = NewSuppression("account", str(account.customer_id), None, "stop", "demo", now)
                    suppressions.add(connection, [stop])
                else:
                    accounts.hold(connection, account.id, "promise", now.date() + timedelta(days=7), now)

    async def _work(self, look: Look) -> None:
        running = asyncio.create_task(self.daemon.run())
        ready = asyncio.create_task(self.daemon.ready.wait())
        await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        self.stage = "planning"
        for campaign in self.daemon.book.campaigns:
            self.batches.append(await self.daemon.planning.plan(campaign))
        self.stage = "working"
        end = asyncio.get_running_loop().time() + self._options.seconds
        paying = asyncio.create_task(self._pay())
        while asyncio.get_running_loop().time() < end and not running.done():
            await self._observe(look)
            await asyncio.sleep(0.25)
        paying.cancel()
        self.stage = "draining"
        self.daemon.stop()
        await running
        self.stage = "done"
        await self._observe(look)

    async def _observe(self, look: Look) -> None:
        self.state, self.calls = await asyncio.to_thread(self._counts)
        look(self)

    def _counts(self) -> tuple[dict[str, dict[str, dict[str, int]]], dict[str, int]]:
        with self.database.snapshot() as connection:
            return {"attempts": overview.attempts_by_outcome(connection)}, overview.calls(connection)

    async def _pay(self) -> None:
        """Let a few customers pay everything now and then, whatever is under way to them."""
        while True:
            await self.clock.sleep(_PAYMENT_EVERY)
            payers = self._random.sample(self.rows, _PAYERS)
            payments = [self._payment(row) for row in payers]
            answer = await asyncio.to_thread(
                accept_payments, self.database, payments, now=self.clock.now, source="demo"
            )
            self.payments += answer.counts["accepted"]

    def _payment(self, row: dict[str, str]) -> dict[str, str]:
        # Valued tomorrow: the list of the start knew of none of them.
        value_date = self.clock.now().astimezone(BERLIN).date() + timedelta(days=1)
        return {
            "creditor": row["creditor"],
            "account_no": row["account_no"],
            "invoice_no": row["invoice_no"],
            "amount": row["open"],
            "currency": row["currency"],
            "value_date": value_date.isoformat(),
            "reference": f"{row['invoice_no']} {self.payments}",
        }

    def summary(self) -> dict[str, object]:
        """Count everything from the database, and hold it against the contact log and the ledgers outside."""
        with self.database.snapshot() as connection:
            attempts = overview.attempts_by_outcome(connection)
            logged = overview.log_by_outcome(connection)
            calls = overview.calls(connection)
            connected = overview.log_connected(connection)
            rows = overview.log_rows(connection)
            known = overview.accounts(connection)
            batches = overview.batches(connection)
        settled = {
            channel: {outcome: count for outcome, count in outcomes.items() if outcome not in {"planned", "claimed"}}
            for channel, outcomes in attempts.items()
        }
        held: dict[str, int] = {}
        for batch in self.batches:
            reasons = batch["held"]
            for reason, count in reasons.items() if isinstance(reasons, dict) else ():
                held[reason] = held.get(reason, 0) + count
        emailed = settled.get("email", {}).get("accepted", 0)
        agree = {
            "attempts equal the contact log": _without_empty(settled) == _without_empty(logged),
            "accepted e-mails equal the mail catcher's": emailed == len(set(self.catcher.messages)),
            "no e-mail was caught twice": len(self.catcher.messages) == len(set(self.catcher.messages)),
            "answered calls equal the log": calls["spoken"] == logged.get("call", {}).get("answered", 0),
            "connected calls equal the log": calls["connected"] == connected,
            "nothing is left in the air": not {"sending", "unclear"} & {o for c in attempts.values() for o in c},
        }
        return {
            "accounts": known,
            "batches": batches,
            "attempts": attempts,
            "calls": calls,
            "payments": self.payments,
            "held": held,
            "log_rows": rows,
            "reconciled": all(agree.values()),
            "checks": agree,
        }


def write_settings(folder: Path, more: str, **told: object) -> Path:
    """Write the shipped campaigns and a contactd.toml with agents nobody is; `more` goes on with the customers.

    `told` fills in smtp_port, seed, drain, lease and what else stands in [web] (`reached`).
    """
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(defaults_directory() / "config" / "campaigns.d", folder / "campaigns.d", dirs_exist_ok=True)
    agents = "".join(f'[agents.a{n}]\nname = "Agent {n}"\nlanguages = ["de", "en"]\n' for n in range(1, _AGENTS + 1))
    path = folder / "contactd.toml"
    path.write_text(_SETTINGS.format(**told) + more + agents, encoding="utf-8")
    return path


def rows_of(seed: int, accounts: int, today: date) -> list[dict[str, str]]:
    """Make up the list of the start: most are customers of one creditor, businesses of another that has few."""
    rows = sample.sample_rows(seed, accounts, today)
    return [row | {"creditor": _FEW} if row["segment"] == "commercial" else row for row in rows]


def _without_empty(counts: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    return {channel: outcomes for channel, outcomes in counts.items() if outcomes}


def opening_after(now: datetime) -> datetime:
    """Answer ten to nine in Berlin on the next working day: early enough to see the windows open."""
    day: date = now.astimezone(BERLIN).date()
    holidays = regions(["DE", "DE-BY"], [day.year, day.year + 1])
    closed = frozenset().union(*holidays.values())
    while day.weekday() >= _SATURDAY or day in closed:
        day += timedelta(days=1)
    return datetime.combine(day, _OPENING, BERLIN).astimezone(UTC)
