"""What holds for every answer of the web floor: no surprise gets out, nothing tells what we run on."""

from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web
from multidict import istr

log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_TOLD = frozenset({400, 404, 413})
_SERVER = istr("Server")
# What an answer does not say otherwise itself; as `istr` they are looked for without being spelled anew each time.
_HEADERS = {
    istr("X-Content-Type-Options"): "nosniff",
    istr("Referrer-Policy"): "no-referrer",
    istr("Cache-Control"): "no-store",
    istr("Content-Security-Policy"): "default-src 'none'; frame-ancestors 'none'",
}


# How an application that has pages tells people what is wrong.
ERROR_PAGE: web.AppKey[Callable[[web.Request, int], Awaitable[web.StreamResponse]]] = web.AppKey("error_page")


@web.middleware
async def boundary(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Say that there is nothing, and end what nobody foresaw with 500; the traceback is only in the log."""
    if isinstance(request.match_info.http_exception, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(request.match_info.http_exception.allowed_methods))
        answer = await _problem(request, 405, f"{request.method} is not for this address; use {allowed}")
        answer.headers["Allow"] = allowed
        return answer
    if request.match_info.http_exception is not None:
        return await _problem(request, 404, "there is nothing at this address")
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status in _TOLD:  # aiohttp's own, like 413, and ours
            return await _problem(request, error.status, error.text or error.reason)
        raise
    except Exception as error:  # one request ends here, the daemon goes on
        if isinstance(error, ConnectionError) and request.transport is None:
            log.info("request_left", method=request.method, route=_route(request))
            return await _problem(request, 400, "the body broke off; send it again, whole")  # whoever asked has gone
        log.exception("request_broke", method=request.method, route=_route(request))
        return await _problem(request, 500, "contactd failed here; its log says how")


def _route(request: web.Request) -> str:
    """Give the pattern of the route, not the path: that may carry a customer's token."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else ""


async def _problem(request: web.Request, status: int, text: str) -> web.StreamResponse:
    """Answer with a page to whoever reads pages, else in JSON."""
    page = request.app.get(ERROR_PAGE)
    if page is not None and "text/html" in request.headers.get("Accept", ""):
        return await page(request, status)
    return web.json_response({"error": text}, status=status)


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Complete the headers of every answer; a handler on aiohttp's signal on_response_prepare."""
    del request
    headers = response.headers
    headers[_SERVER] = "contactd"
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
