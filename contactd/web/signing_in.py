"""Letting people in and out: name and pass word, the second factor, the first pass word of their own; app.py mounts it.

Every try is counted before the pass word is looked at (domain/throttle.py). Whoever gets a step further gets a new
session, so that nobody can hand somebody a session they know. What came of it stands in the audit log: who, from which
address. Names nobody has are not written down, for people type pass words where names belong, and they are counted
together for each hour, so that no outsider makes the log grow.
"""

import zlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from math import ceil

import structlog
from aiohttp import web
from aiohttp.http import HttpProcessingError
from sqlalchemy.engine import Connection

from contactd.domain import throttle, totp
from contactd.domain.phrase import Phrase
from contactd.store import audit, logins, sessions, tries
from contactd.store.audit import Deed
from contactd.store.logins import Login
from contactd.store.sessions import Stage
from contactd.store.tries import Try
from contactd.web.hub import Hub
from contactd.web.pages import Pages
from contactd.web.passwords import Busy, Passwords
from contactd.web.roles import GOES_ON
from contactd.web.visitors import THEMES, Viewer, address_of, limits_of, new_id, set_cookie, viewer_of
from contactd.web.window import Window
from contactd.web.words import LANGUAGES, _, said

log = structlog.get_logger()

_LONGEST_NAME = 64
_NOBODY = "-"  # in the audit log, of whom there is no login
_A_YEAR = 365 * 24 * 3600
_ASKED = {Stage.CODE: "code asked", Stage.PASSWORD: "new password asked"}
_WRONG = said(_("This name and password do not belong together."))
_WRONG_CODE = said(_("This code is not valid, or was used already."))
_BUSY = said(_("Very many are signing in just now. Please try again in a moment."))


class SigningIn:
    """The handlers; `hub` closes the sockets of sessions that end."""

    def __init__(self, window: Window, pages: Pages, passwords: Passwords, hub: Hub) -> None:
        """Take what they need."""
        self._window, self._pages, self._passwords, self._hub = window, pages, passwords, hub

    def routes(self) -> list[web.RouteDef]:
        """List the addresses for app.py to mount."""
        return [
            web.get("/sign-in", self.ask),
            web.post("/sign-in", self.sign_in),
            web.get("/sign-in/code", self.ask_code),
            web.post("/sign-in/code", self.take_code),
            web.get("/first-password", self.ask_password),
            web.post("/first-password", self.take_password),
            web.post("/sign-out", self.sign_out),
            web.post("/preferences", self.prefer),
        ]

    # -- name and pass word --------------------------------------------------------------------------------------------

    async def ask(self, request: web.Request) -> web.StreamResponse:
        """Show the form, unless somebody is in already."""
        viewer = viewer_of(request)
        if viewer.name:
            raise web.HTTPSeeOther(GOES_ON.get(viewer.stage, "/"))
        return self._form(request, onward=self._onward(request.query.get("next", "")))

    async def sign_in(self, request: web.Request) -> web.StreamResponse:
        """Compare name and pass word, at most as often as the throttle allows."""
        form = await form_of(request)
        name, password = text_of(form, "name").strip()[:_LONGEST_NAME], text_of(form, "password")
        onward = self._onward(text_of(form, "next"))
        wait = await self.begin_try(request, name)
        if wait:
            return self._wait(request, wait, "sign_in.html", name=name, onward=onward)
        found = await self._window.commit.read(lambda connection: logins.find(connection, name))
        usable = found is not None and found.disabled_at is None
        try:
            right = await self._passwords.matches(found.password if found and usable else None, password)
        except Busy:
            return self._form(request, 503, name, onward, _BUSY)
        if not right or found is None:
            log.warning("sign_in_refused", remote=address_of(self._window.settings(), request))
            await self._note(request, name, "sign in refused")
            return self._form(request, 403, name, onward, _WRONG)
        stage = Stage.CODE if found.totp else Stage.PASSWORD if found.one_time else Stage.IN
        return await self.go_on(request, found, stage, onward)

    def _form(
        self, request: web.Request, status: int = 200, name: str = "", onward: str = "", problem: Phrase | None = None
    ) -> web.Response:
        return self._pages.show(
            request, "sign_in.html", status=status, name=name, onward=onward, problem=problem or Phrase()
        )

    def _onward(self, wanted: str) -> str:
        """Answer where to go after the sign-in: only where we have a page."""
        return wanted if wanted in self._pages.addresses else ""

    async def begin_try(self, request: web.Request, name: str, *, is_code: bool = False) -> timedelta:
        """Count a try, or answer how long to wait."""
        one, now = self._try(request, name, is_code=is_code), self._window.clock.now()

        def begin(connection: Connection) -> timedelta:
            wait = tries.begin(connection, one, now)
            if wait.is_new:
                self._tell(connection, one, "code throttled" if is_code else "sign in throttled")
            return wait.left

        return await self._window.commit.run(begin)

    async def _note(self, request: web.Request, name: str, what: str) -> None:
        one = self._try(request, name)
        await self._window.commit.run(lambda connection: self._tell(connection, one, what))

    def _tell(self, connection: Connection, one: Try, what: str, new: str = "") -> None:
        """Write down who did something from where; of names nobody has only how many, and that ever less often."""
        now, who = self._window.clock.now(), _NOBODY
        if found := logins.find(connection, one.name):
            who = found.name
        else:
            count = tries.count_nobodys(connection, what, now)
            if not throttle.is_told(count):
                return
            new = f"{count} in this hour with names nobody has"
        audit.add(connection, Deed(now, who, what, f"address:{one.address}", new=new))

    def _try(self, request: web.Request, name: str, *, is_code: bool = False) -> Try:
        return Try(name, address_of(self._window.settings(), request), is_code)

    def _wait(self, request: web.Request, wait: timedelta, template: str, **values: object) -> web.Response:
        seconds = ceil(wait.total_seconds())
        log.warning("sign_in_throttled", seconds=seconds, remote=address_of(self._window.settings(), request))
        answer = self._pages.show(request, template, status=429, problem=_too_many(wait), **values)
        answer.headers["Retry-After"] = str(seconds)
        return answer

    async def go_on(
        self,
        request: web.Request,
        one: Login,
        stage: Stage,
        onward: str = "",
        *,
        is_code: bool = False,
        was_in: bool = False,
    ) -> web.StreamResponse:
        """Give a session that has come so far, in place of the one there was; `was_in`: it came as far already."""
        held, key = new_id()
        now, settings, old = self._window.clock.now(), self._window.settings(), viewer_of(request).key
        tried = self._try(request, one.name, is_code=is_code)

        def begin(connection: Connection) -> None:
            sessions.end(connection, [old])
            sessions.end_old(connection, limits_of(settings), now)
            sessions.begin(connection, key, one.name, stage, now)
            tries.succeed(connection, tried, now)
            if stage is Stage.IN:
                tries.know(connection, tried, now)
            if not was_in:
                self._tell(connection, tried, "sign in", _ASKED.get(stage, one.role.value))

        await self._window.commit.run(begin)
        self._hub.end([old])
        if stage is Stage.IN:
            log.info("signed_in", role=one.role)
        answer = web.HTTPSeeOther(GOES_ON.get(stage, onward or "/"))
        set_cookie(settings, request, answer, held)
        raise answer

    # -- the second factor ---------------------------------------------------------------------------------------------

    async def ask_code(self, request: web.Request) -> web.StreamResponse:
        """Ask for the code."""
        return self._pages.show(request, "code.html", problem=Phrase())

    async def take_code(self, request: web.Request) -> web.StreamResponse:
        """Let whoever shows a fresh code go on."""
        viewer, typed = viewer_of(request), text_of(await form_of(request), "code")
        wait = await self.begin_try(request, viewer.name, is_code=True)
        if wait:
            return self._wait(request, wait, "code.html")
        found = await self.use_code(viewer.name, typed, self._window.clock.now())
        if found is None:
            await self._note(request, viewer.name, "code refused")
            return self._pages.show(request, "code.html", status=403, problem=_WRONG_CODE)
        return await self.go_on(request, found, Stage.PASSWORD if found.one_time else Stage.IN, is_code=True)

    async def use_code(self, name: str, typed: str, now: datetime) -> Login | None:
        """Answer whose code it is, once."""

        def use(connection: Connection) -> Login | None:
            found = logins.find(connection, name)
            counter = totp.counter_of(found.totp, typed, now) if found is not None and found.totp else None
            fresh = counter is not None and logins.use_code(connection, name, counter)
            return found if fresh else None

        return await self._window.commit.run(use)

    # -- the first pass word of their own ------------------------------------------------------------------------------

    async def ask_password(self, request: web.Request) -> web.StreamResponse:
        """Ask for a pass word in place of the one-time one."""
        return self._pages.show(request, "first_password.html", problem=Phrase())

    async def take_password(self, request: web.Request) -> web.StreamResponse:
        """Put it in force."""
        form = await form_of(request)
        problem = await self.change_password(viewer_of(request), text_of(form, "new"), text_of(form, "again"))
        if isinstance(problem, Phrase):
            return self._pages.show(request, "first_password.html", status=422, problem=problem)
        return await self.go_on(request, problem, Stage.IN)

    async def change_password(self, viewer: Viewer, new: str, again: str) -> Login | Phrase:
        """Put a new pass word in force and end every session of its owner; says why not."""
        problem = self._passwords.refusal(viewer.name, new, again)
        if problem:
            return problem
        found = await self._window.commit.read(lambda connection: logins.find(connection, viewer.name))
        if found is None:
            return _WRONG
        try:
            if await self._passwords.matches(found.password, new):
                return said(_("This is the password you have now; take another one."))
            hashed = await self._passwords.hashed(new)
        except Busy:
            return _BUSY

        def change(connection: Connection) -> None:
            logins.change(connection, viewer.name, {"password": hashed, "one_time": False})
            logins.end_sessions(connection, viewer.name)
            audit.add(connection, own_deed(self._window, viewer, "password changed"))

        await self._window.commit.run(change)
        self._hub.end_of(viewer.name)
        log.info("password_changed", role=viewer.role)
        return found

    async def prove(self, request: web.Request, password: str) -> Phrase:
        """Say why somebody who is in is not let do what needs the pass word; counted like tries to sign in."""
        viewer = viewer_of(request)
        wait = await self.begin_try(request, viewer.name)
        if wait:
            return _too_many(wait)
        found = await self._window.commit.read(lambda connection: logins.find(connection, viewer.name))
        try:
            right = await self._passwords.matches(found.password if found else None, password)
        except Busy:
            return _BUSY
        if not right:
            await self._note(request, viewer.name, "password refused")
            return said(_("This is not your password."))
        one, now = self._try(request, viewer.name), self._window.clock.now()
        await self._window.commit.run(lambda connection: tries.succeed(connection, one, now))
        return Phrase()

    # -- out, and how it looks -----------------------------------------------------------------------------------------

    async def sign_out(self, request: web.Request) -> web.StreamResponse:
        """End the session, in the store and in the browser."""
        viewer = viewer_of(request)
        one = self._try(request, viewer.name)

        def leave(connection: Connection) -> None:
            sessions.end(connection, [viewer.key])
            self._tell(connection, one, "sign out")

        await self._window.commit.run(leave)
        self._hub.end([viewer.key])
        answer = web.HTTPSeeOther("/sign-in")
        set_cookie(self._window.settings(), request, answer, "")
        raise answer

    async def prefer(self, request: web.Request) -> web.StreamResponse:
        """Remember language or colours: for the person, and in the browser for whoever has not signed in."""
        form, viewer = await form_of(request), viewer_of(request)
        wanted = {"language": LANGUAGES, "theme": ("", *THEMES)}
        chosen = {name: text_of(form, name) for name, known in wanted.items() if form.get(name) in known}
        if chosen and viewer.name:
            await self._window.commit.run(lambda connection: logins.change(connection, viewer.name, chosen))
        answer = web.HTTPSeeOther(self._back(text_of(form, "back")))
        for name, value in chosen.items():
            answer.set_cookie(name, value, max_age=_A_YEAR, path="/", samesite="Lax", httponly=True)
        raise answer

    def _back(self, wanted: str) -> str:
        return wanted if wanted in self._pages.addresses else "/"


def own_deed(window: Window, viewer: Viewer, what: str) -> Deed:
    """Write what somebody did to their own login."""
    return Deed(window.clock.now(), viewer.name, what, f"login:{viewer.name}")


def _too_many(wait: timedelta) -> Phrase:
    words = _("Too many tries that did not succeed. Please wait %(seconds)s seconds.")
    return said(words, seconds=ceil(wait.total_seconds()))


async def form_of(request: web.BaseRequest) -> Mapping[str, object]:
    """Read the form of a request; raises HTTPBadRequest for one in which nothing can be read."""
    try:
        return await request.post()
    except (LookupError, ValueError, RuntimeError, HttpProcessingError, zlib.error) as error:  # what aiohttp raises
        raise web.HTTPBadRequest(text="this form cannot be read; send it as UTF-8") from error


def text_of(form: Mapping[str, object], name: str) -> str:
    """Read a text of a form; a file is none, and NUL is no letter: no database takes it."""
    value = form.get(name, "")
    return value.replace("\0", "") if isinstance(value, str) else ""
