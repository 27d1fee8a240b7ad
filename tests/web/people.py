"""People in front of the pages: a browser's habits without a browser, on the application behind a real socket."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import argon2
from aiohttp import web

from contactd.domain.role import Role
from contactd.store import logins
from contactd.store.logins import Login
from contactd.web.app import public_app
from contactd.web.hub import Hub
from contactd.web.passwords import Passwords
from contactd.web.serve import Site
from tests.web.frame import Answer, Frame

PASSWORD = "vier Karotten auf einem Dach"
CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
OWN = {"Sec-Fetch-Site": "same-origin"}


@dataclass
class Person:
    """Keeps cookies and follows nothing; says it comes from our own pages, as browsers do."""

    port: int
    session: aiohttp.ClientSession
    seen: list[str] = field(default_factory=list)  # every address they were sent to

    @property
    def host(self) -> str:
        """Answer what stands in the Host header."""
        return f"127.0.0.1:{self.port}"

    async def ask(
        self, method: str, path: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask for a page, or send a form."""
        told = {"Accept": "text/html", **(OWN if headers is None else headers)}
        url = f"http://{self.host}{path}"
        async with self.session.request(method, url, data=form, headers=told, allow_redirects=False) as response:
            self.seen.append(response.headers.get("Location", ""))
            return Answer(response.status, await response.read(), response.headers.copy())

    async def get(self, path: str, **headers: str) -> Answer:
        """Get a page."""
        return await self.ask("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    async def post(self, path: str, **form: str) -> Answer:
        """Send a form of ours."""
        return await self.ask("POST", path, form)

    async def sign_in(self, name: str, password: str = PASSWORD) -> Answer:
        """Fill in the form."""
        return await self.post("/sign-in", name=name, password=password)

    def cookie(self) -> str:
        """Answer what the browser holds as its session."""
        held = {cookie.key: cookie.value for cookie in self.session.cookie_jar}
        return held.get("contactd", "")


@dataclass
class Entrance:
    """The application with its hub, and a door for as many people as come."""

    frame: Frame
    hub: Hub
    app: web.Application
    port: int
    _sessions: list[aiohttp.ClientSession]

    @property
    def host(self) -> str:
        """Answer what stands in the Host header."""
        return f"127.0.0.1:{self.port}"

    async def wire(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a bare connection, for what no client would send."""
        return await asyncio.open_connection("127.0.0.1", self.port)

    def somebody(self) -> Person:
        """Let in a browser without a cookie."""
        self._sessions.append(aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)))
        return Person(self.port, self._sessions[-1])

    async def person(self, name: str, role: Role = Role.AGENT, *, full_name: str = "") -> Person:
        """Let somebody in who has a login, and has signed in."""
        self.add(name, role, full_name=full_name)
        person = self.somebody()
        answer = await person.sign_in(name)
        assert answer.status == 303, answer.text
        return person

    def add(
        self, name: str, role: Role = Role.AGENT, *, one_time: bool = False, full_name: str = "", totp: str = ""
    ) -> None:
        """Make a login with the password that all have here."""
        new = Login(name, role, CHEAP.hash(PASSWORD), self.frame.clock.now(), full_name, one_time=one_time)
        with self.frame.database.transaction() as connection:
            logins.add(connection, new)
            logins.change(connection, name, {"totp": totp})


@asynccontextmanager
async def entrance(frame: Frame, **times: float) -> AsyncIterator[Entrance]:
    """Serve the application; `times` are the hub's."""
    hub = Hub(frame.window, **times)
    app: web.Application = public_app(frame.window, Passwords(CHEAP), hub)
    sessions: list[aiohttp.ClientSession] = []
    async with Site(app, host="127.0.0.1", port=0) as site:
        try:
            yield Entrance(frame, hub, app, site.port, sessions)
        finally:
            for session in sessions:
                await session.close()
