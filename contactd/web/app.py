"""The application on [web] port: health, figures, intake, callbacks, unsubscribe links, the pages; for daemon.py."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress

from aiohttp import web

from contactd.domain.role import Role
from contactd.web import (
    desk,
    health,
    hearing,
    interface,
    live,
    live_office,
    me,
    reports,
    unsubscribe,
    wall,
    webhooks,
    welcome,
)
from contactd.web.board import Board
from contactd.web.boundary import ERROR_PAGE, add_headers, boundary
from contactd.web.guard import error_page_of, guard_of
from contactd.web.hub import Hub
from contactd.web.pages import Pages
from contactd.web.passwords import Passwords
from contactd.web.roles import need_of
from contactd.web.signing_in import SigningIn
from contactd.web.statics import Statics
from contactd.web.window import Window


def public_app(window: Window, passwords: Passwords | None = None, hub: Hub | None = None) -> web.Application:
    """Build the application; what a reload changes is looked up anew, callbacks' addresses need a restart."""
    statics = Statics()
    pages, hub = Pages(window, statics), hub or Hub(window)
    # Larger bodies are read piece by piece by whoever takes them.
    app = web.Application(middlewares=[boundary, guard_of(window, pages)], client_max_size=64 * 1024)
    app[ERROR_PAGE] = error_page_of(window, pages)
    app.on_response_prepare.append(add_headers)
    app.cleanup_ctx.append(_kept_up(hub.watch))
    app.on_shutdown.append(lambda _: hub.leave())
    app.add_routes(_for_programs(window))
    app.add_routes(statics.routes())
    signing_in = SigningIn(window, pages, passwords or Passwords(), hub)
    board = Board(window, hub)
    app.cleanup_ctx.append(_kept_up(board.run))
    app.add_routes(signing_in.routes())
    app.add_routes(me.routes(window, pages, signing_in))
    app.add_routes(reports.routes(window, pages))
    for page in (desk, welcome):
        app.add_routes(page.routes(window, pages, hub))
    app.add_routes(live_office.routes(window, pages))
    ends = hearing.note_ends(window)
    app.on_cleanup.append(lambda _: ends.abandon())
    for shown in (wall, live):
        app.add_routes(shown.routes(window, pages, hub, board))
    pages.addresses = _pages_of(app)
    return app


def _for_programs(window: Window) -> list[web.RouteDef]:
    """List what other software, providers and customers ask for."""
    settings = window.settings()
    each = (health, interface, unsubscribe)
    hooks = webhooks.routes(
        auth_token=settings.twilio.auth_token.reveal(),
        public_url=settings.web.public_url,
        commit=window.commit,
        clock=window.clock,
        notify=window.arrived,
    )
    return [*(route for module in each for route in module.routes(window)), *hooks]


def _pages_of(app: web.Application) -> frozenset[str]:
    """List the addresses a person may be sent to: those of whole pages that ask for a role."""
    return frozenset(
        address
        for route in app.router.routes()
        if route.method == "GET" and route.resource is not None
        if (address := route.resource.canonical)
        and "{" not in address
        and isinstance(need_of(address), Role)
        and address != "/ws"
    )


def _kept_up(work: Callable[[], Coroutine[None, None, None]]) -> Callable[[web.Application], AsyncIterator[None]]:
    async def kept_up(app: web.Application) -> AsyncIterator[None]:
        """Do it while the application runs."""
        del app
        working = asyncio.ensure_future(work())
        yield
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working

    return kept_up
