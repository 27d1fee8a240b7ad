"""The page about oneself: pass word and second factor; app.py mounts it."""

import hashlib
import hmac
import io

import segno
import structlog
from aiohttp import web
from sqlalchemy.engine import Connection

from contactd.domain import totp
from contactd.domain.phrase import Phrase
from contactd.store import audit, logins
from contactd.store.sessions import Stage
from contactd.web.pages import Pages
from contactd.web.signing_in import SigningIn, form_of, own_deed, text_of
from contactd.web.visitors import Viewer, viewer_of
from contactd.web.window import Window
from contactd.web.words import _, said

log = structlog.get_logger()


def routes(window: Window, pages: Pages, signing_in: SigningIn) -> list[web.RouteDef]:
    """List the addresses."""
    me = _Me(window, pages, signing_in)
    return [
        web.get("/me", me.show),
        web.post("/me/password", me.change_password),
        web.post("/me/second-factor", me.begin_second_factor),
        web.post("/me/second-factor/end", me.end_second_factor),
    ]


class _Me:
    def __init__(self, window: Window, pages: Pages, signing_in: SigningIn) -> None:
        self._window, self._pages, self._signing_in = window, pages, signing_in

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Show who one is, and both forms."""
        return await self._show(request)

    async def change_password(self, request: web.Request) -> web.StreamResponse:
        """Change the pass word of whoever knows the one they have; every other session ends."""
        viewer, form = viewer_of(request), await form_of(request)
        problem = await self._signing_in.prove(request, text_of(form, "password"))
        if problem:
            return await self._show(request, status=403, wrong_password=problem)
        changed = await self._signing_in.change_password(viewer, text_of(form, "new"), text_of(form, "again"))
        if isinstance(changed, Phrase):
            return await self._show(request, status=422, wrong_password=changed)
        return await self._signing_in.go_on(request, changed, Stage.IN, "/me", was_in=True)

    async def begin_second_factor(self, request: web.Request) -> web.StreamResponse:
        """Put the second factor in force for whoever knows the pass word and whose telephone shows its code."""
        viewer, form = viewer_of(request), await form_of(request)
        problem = await self._signing_in.prove(request, text_of(form, "password"))
        if problem:
            return await self._show(request, status=403, wrong_code=problem)
        secret, now = self._secret(viewer), self._window.clock.now()
        counter = totp.counter_of(secret, text_of(form, "code"), now)
        if counter is None:
            wrong = said(_("This code is not the one of this moment. Is the telephone's clock right?"))
            return await self._show(request, status=422, wrong_code=wrong)
        values = {"totp": secret, "totp_last": counter}

        def keep(connection: Connection) -> None:
            found = logins.find(connection, viewer.name)
            if found is not None and not found.totp:
                logins.change(connection, viewer.name, values)
                audit.add(connection, own_deed(self._window, viewer, "second factor begun"))

        await self._window.commit.run(keep)
        log.info("second_factor_begun", role=viewer.role)
        raise web.HTTPSeeOther("/me")

    async def end_second_factor(self, request: web.Request) -> web.StreamResponse:
        """Do without, for whoever knows the pass word."""
        viewer, form = viewer_of(request), await form_of(request)
        problem = await self._signing_in.prove(request, text_of(form, "password"))
        if problem:
            return await self._show(request, status=403, wrong_code=problem)

        def end(connection: Connection) -> None:
            found = logins.find(connection, viewer.name)
            if found is None or not found.totp:
                return
            logins.change(connection, viewer.name, {"totp": ""})
            audit.add(connection, own_deed(self._window, viewer, "second factor ended"))

        await self._window.commit.run(end)
        log.info("second_factor_ended", role=viewer.role)
        raise web.HTTPSeeOther("/me")

    async def _show(
        self,
        request: web.Request,
        *,
        status: int = 200,
        wrong_password: Phrase | None = None,
        wrong_code: Phrase | None = None,
    ) -> web.Response:
        viewer = viewer_of(request)
        found = await self._window.commit.read(lambda connection: logins.find(connection, viewer.name))
        has_factor = found is not None and bool(found.totp)
        secret = "" if has_factor else self._secret(viewer)
        return self._pages.show(
            request, "me.html", status=status, has_factor=has_factor, secret=" ".join(_in_fours(secret)),
            picture="" if has_factor else _picture(totp.address(secret, viewer.name, "contactd")),
            wrong_password=wrong_password or Phrase(), wrong_code=wrong_code or Phrase(),
        )  # fmt: skip

    def _secret(self, viewer: Viewer) -> str:
        """Work out the secret this session offers; it is kept nowhere before a code proves it."""
        drawn = hmac.digest(self._window.signing_key, f"totp {viewer.key}".encode(), hashlib.sha256)
        return totp.spelled(drawn[: totp.SECRET_BYTES])


def _in_fours(secret: str) -> list[str]:
    return [secret[place : place + 4] for place in range(0, len(secret), 4)]


def _picture(address: str) -> str:
    """Draw a QR code as SVG that takes its colours from the page's style sheet."""
    drawn = io.BytesIO()
    segno.make(address, error="m", micro=False).save(
        drawn, kind="svg", xmldecl=False, svgns=True, omitsize=True, border=2, svgclass="qr", lineclass="qr-dark"
    )
    return drawn.getvalue().decode()
