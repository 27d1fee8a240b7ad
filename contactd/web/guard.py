"""The one gate before every page: who asks, from where, and whether their role opens the address; app.py puts it in."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from urllib.parse import quote

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from contactd.domain.errors import StoreError
from contactd.domain.role import Role
from contactd.store.sessions import Stage
from contactd.web.boundary import Handler
from contactd.web.pages import FOREIGN, Pages
from contactd.web.roles import GOES_ON, Level, Need, need_of
from contactd.web.visitors import SAFE, VIEWER, Viewer, find_viewer, is_foreign
from contactd.web.window import Window

log = structlog.get_logger()


def guard_of(window: Window, pages: Pages) -> Middleware:
    """Build the gate."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        need = need_of(resource.canonical if resource is not None else "")
        if need is Level.OWN:
            return await handler(request)
        try:
            return await _pass(window, pages, need, request) or await handler(request)
        except StoreError as error:
            log.error("page_without_store", reason=str(error))
            return pages.error(request, 503)

    return guard


def error_page_of(window: Window, pages: Pages) -> Callable[[web.Request, int], Awaitable[web.StreamResponse]]:
    """Build what tells people that something is wrong, in the frame they know if they are in."""

    async def tell(request: web.Request, status: int) -> web.StreamResponse:
        if VIEWER not in request:
            with suppress(StoreError):
                request[VIEWER] = await find_viewer(window, request)
        return pages.error(request, status)

    return tell


async def _pass(window: Window, pages: Pages, need: Need | None, request: web.Request) -> web.StreamResponse | None:
    """Turn a request away, or let it through (None) with its viewer."""
    if request.method not in SAFE and is_foreign(window.settings(), request):
        log.warning("foreign_request_refused", method=request.method, remote=request.remote)
        return pages.error(request, 403, FOREIGN)
    if need is None:  # nobody said who may: nobody
        return pages.error(request, 403)
    viewer = request[VIEWER] = await find_viewer(window, request)
    if _opens(need, viewer):
        return None
    if not viewer.name:
        return _to_sign_in(pages, request)
    if viewer.stage is not Stage.IN or isinstance(need, Stage):
        raise web.HTTPSeeOther(GOES_ON.get(viewer.stage, "/"))
    log.info("page_refused", role=viewer.role)
    return pages.error(request, 403)


def _opens(need: Need, viewer: Viewer) -> bool:
    """Tell whether an address is open to somebody."""
    if isinstance(need, Role):
        return viewer.may(need)
    if isinstance(need, Stage):
        return bool(viewer.name) and viewer.stage is need
    return need is Level.PUBLIC or bool(viewer.name)


def _to_sign_in(pages: Pages, request: web.Request) -> web.StreamResponse:
    """Send a browser to the sign-in and back again; whatever else asks is told."""
    where = "/sign-in" if request.path == "/" else f"/sign-in?next={quote(request.path, safe='/')}"
    if request.method in SAFE and "HX-Request" not in request.headers and "Upgrade" not in request.headers:
        raise web.HTTPSeeOther(where)
    answer = pages.error(request, 401)
    answer.headers["HX-Redirect"] = "/sign-in"
    return answer
