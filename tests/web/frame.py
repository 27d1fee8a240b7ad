"""A window whose daemon is a record of what it was asked, and the applications behind real sockets."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import aiohttp
import psycopg
from aiohttp import web
from psycopg import sql

from contactd.config.providers import Twilio
from contactd.config.secret import Secret
from contactd.config.settings import Sections, Settings, Web
from contactd.domain.account import Channel
from contactd.domain.agent import Agent
from contactd.domain.campaign import Campaign, Step
from contactd.domain.scope import SCOPES
from contactd.engine.bus import Bus
from contactd.engine.calls.dialer import Dialer
from contactd.engine.calls.roster import Roster
from contactd.engine.desk.deskwork import Deskwork
from contactd.engine.desk.oversight import Oversight
from contactd.metrics import Metrics
from contactd.store import program_tokens
from contactd.store.database import Database
from contactd.store.group_commit import GroupCommit
from contactd.store.program_tokens import ProgramToken
from contactd.web.serve import Site
from contactd.web.window import Window
from tests.clock import HandClock

KEY = b"a key of no installation at all!"
BOTH, ONLY_PAYMENTS, AGREEING = "token-for-both", "token-for-payments", "token-for-agreements"
TASKS, CHIEF = "token-for-tasks", "token-for-hand-overs"
# Name, what is sent, and the families of things it reads and writes.
CALLERS = (
    ("bookkeeping", BOTH, "accounts payments"),
    ("bank", ONLY_PAYMENTS, "payments"),
    ("crm", AGREEING, "agreements postings circumstances hand-overs"),
    ("desk", TASKS, "tasks"),
    ("chief", CHIEF, "hand-overs"),
)
CAMPAIGN = Campaign(id="standard", steps=(Step("reminder", Channel.EMAIL, day=3),))


def settings(*, callbacks: bool = False) -> Settings:
    """Give settings; with `callbacks`, Twilio could reach us."""
    public = "https://dunning.example.com" if callbacks else ""
    sections = Sections(
        web=Web(public_url=public),
        twilio=Twilio(auth_token=Secret("a-token-of-no-account")) if callbacks else Twilio(),
    )
    return Settings.of(sections, Path("contactd.toml"), (CAMPAIGN,))


def everything_of(families: str) -> frozenset[str]:
    """List the scopes to read and to write some families of things."""
    return frozenset(scope for scope in SCOPES if scope.partition(":")[0] in families.split())


@dataclass
class Frame:
    """What the window shows and what it was asked for; `broken` is raised instead of an answer."""

    database: Database
    commit: GroupCommit
    clock: HandClock
    metrics: Metrics
    settings: Settings
    woken: int = 0
    planned: list[str] = field(default_factory=list)
    ready: dict[str, bool] = field(default_factory=dict)
    broken: Exception | None = None
    bus: Bus = field(default_factory=Bus)
    dialer: Dialer | None = None

    def __post_init__(self) -> None:
        """Let one agent work here."""
        self.roster = Roster([Agent("anna")], self.clock)

    @property
    def window(self) -> Window:
        """Give the window on all this."""
        return Window(
            settings=lambda: self.settings,
            database=self.database,
            commit=self.commit,
            clock=self.clock,
            bus=self.bus,
            metrics=self.metrics,
            signing_key=KEY,
            wake=self._wake,
            arrived=self._wake,
            status=self._status,
            reload=self._reload,
            plan=self._plan,
            deskwork=Deskwork(self.dialer, self.roster, self.commit),
            oversight=Oversight(self.dialer, self.roster, self.commit, self.clock),
            ready=self._ready,
        )

    def admit(self, name: str, secret: str, scopes: Collection[str], expires_at: datetime | None = None) -> None:
        """Make a token of what is sent."""
        token = ProgramToken(name, frozenset(scopes), self.clock.now(), "tests", expires_at)
        with self.database.transaction() as connection:
            program_tokens.add(connection, token, secret)

    def _wake(self) -> None:
        self.woken += 1

    def _ready(self) -> dict[str, bool]:
        self._break()
        return self.ready

    async def _status(self) -> dict[str, object]:
        self._break()
        return {"daemon": {"name": "one", "since": self.clock.now()}, "queues": {"email": {"planned": 3}}}

    async def _reload(self) -> list[str]:
        self._break()
        return ["[web] changed: restart to put it in force"]

    async def _plan(self, campaign: str) -> dict[str, object]:
        self._break()
        self.planned.append(campaign)
        return {"campaign": campaign, "taken": 2}

    def _break(self) -> None:
        if self.broken is not None:
            raise self.broken


@dataclass
class Visitor:
    """Speaks HTTP with the public application."""

    port: int
    session: aiohttp.ClientSession

    async def get(self, path: str, **headers: str) -> "Answer":
        """Get a page."""
        async with self.session.get(self._url(path), headers=headers) as response:
            return Answer(response.status, await response.read(), response.headers)

    async def post(self, path: str, body: object = b"", **headers: str) -> "Answer":
        """Post a body; `Content_Type` becomes Content-Type."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.post(self._url(path), data=body, headers=named) as response:
            return Answer(response.status, await response.read(), response.headers)

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@dataclass(frozen=True)
class Answer:
    """A response that was read to its end."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def text(self) -> str:
        """Read the body as text."""
        return self.body.decode()


@asynccontextmanager
async def visiting(app: web.Application) -> AsyncIterator[Visitor]:
    """Serve an application on a free port of loopback and visit it."""
    async with Site(app, host="127.0.0.1", port=0) as site, aiohttp.ClientSession() as session:
        yield Visitor(site.port, session)


def take_store_away(database: Database) -> None:
    """Let the database be of no use from now on: the file is damaged, the server refuses."""
    if database.path is not None:
        database.engine.dispose()
        for path in database.path.parent.glob(f"{database.path.name}-*"):
            path.unlink()
        database.path.write_bytes(b"no database " * 500)
        return
    url = database.engine.url
    host, name = str(url.query["host"]), str(url.database)
    with psycopg.connect(f"host={host} user=contactd dbname=postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
