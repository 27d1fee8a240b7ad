"""What holds for every answer of the web floor: no surprise gets out, nothing tells what we run on."""

from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web
from multidict import istr

log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_SERVER = istr("Server")
# What an answer does not say otherwise itself; as `istr` they are looked for without being spelled anew each time.
_HEADERS = {
    istr("X-Content-Type-Options"): "nosniff",
    istr("Referrer-Policy"): "no-referrer",
    istr("Cache-Control"): "no-store",
    istr("Content-Security-Policy"): "default-src 'none'; frame-ancestors 'none'",
}


@web.middleware
async def boundary(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Say in JSON that there is nothing, and end what nobody foresaw with 500; the traceback is only in the log."""
    if isinstance(request.match_info.http_exception, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(request.match_info.http_exception.allowed_methods))
        text = f"{request.method} is not for this address; use {allowed}"
        return web.json_response({"error": text}, status=405, headers={"Allow": allowed})
    if request.match_info.http_exception is not None:
        return web.json_response({"error": "there is nothing at this address"}, status=404)
    try:
        return await handler(request)
    except web.HTTPException:
        raise
    except Exception:  # one request ends here, the daemon goes on
        # The pattern of the route, not the path: that may carry a customer's token.
        resource = request.match_info.route.resource
        log.exception("request_broke", method=request.method, route=resource.canonical if resource else "")
        return web.json_response({"error": "contactd failed here; its log says how"}, status=500)


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Complete the headers of every answer; a handler on aiohttp's signal on_response_prepare."""
    del request
    headers = response.headers
    headers[_SERVER] = "contactd"
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
