"""The control socket: what `contactd status`, `reload` and the like ask of the running daemon; for daemon.py.

Who may open the socket file may do everything here: it is the daemon's own user's (mode 0600).
"""

import json
import pwd
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import partial

from aiohttp import web
from aiohttp.typedefs import Middleware

from contactd.domain.errors import ConfigError, ContactdError, StoreError
from contactd.store import audit
from contactd.store.audit import Deed
from contactd.web.boundary import Handler, add_headers, boundary
from contactd.web.window import Window

# Orders whose first word may be kept: who is heard, why they pause, what a call achieved; never a number.
_TELLING = frozenset({"pause", "done", "dial", "transfer", "listen", "whisper", "barge"})

_json = partial(web.json_response, dumps=partial(json.dumps, default=str, ensure_ascii=False))


def control_app(window: Window) -> web.Application:
    """Build the application behind the control socket."""
    app = web.Application(middlewares=[boundary, _say_what_is_wrong, _audited(window)])
    app.on_response_prepare.append(add_headers)
    app.add_routes(
        [
            web.get("/status", _telling(window.status)),
            web.post("/reload", _reload(window)),
            web.post("/plan/{campaign}", _plan(window)),
            web.post("/wake", _wake(window)),
            web.get("/agents", _agents(window)),
            web.post("/agents/{agent}/{order}", _order(window)),
            web.post("/agents/{agent}/{order}/{words:.+}", _order(window)),
        ]
    )
    return app


def _telling(ask: Callable[[], Awaitable[dict[str, object]]]) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        del request
        return _json(await ask())

    return handler


def _reload(window: Window) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        del request
        return _json({"notes": await window.reload()})

    return handler


def _plan(window: Window) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        name = request.match_info["campaign"]
        known = [campaign.id for campaign in window.settings().campaigns]
        if name not in known:
            return _json(
                {"error": f"there is no campaign {name!r}; there are: {', '.join(known) or 'none'}"}, status=404
            )
        return _json(await window.plan(name))

    return handler


def _wake(window: Window) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        del request
        window.wake()
        return _json({"woken": True})

    return handler


def _agents(window: Window) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        del request
        orders = {name: f"{order.words}  {order.what}".strip() for name, order in window.deskwork.orders.items()}
        return _json({"agents": await window.deskwork.agents(), "orders": orders})

    return handler


def _order(window: Window) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        told = request.match_info
        words = [word for word in told.get("words", "").split("/") if word]
        return _json(await window.deskwork.carry_out(told["agent"], told["order"], words))

    return handler


def _audited(window: Window) -> Middleware:
    """Build what notes each thing that was done, and by whom."""

    @web.middleware
    async def noted(request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = await handler(request)
        told = request.match_info
        what = f"agent {told['order']}" if "order" in told else request.path.split("/")[1]
        if request.method == "POST" and what != "wake":  # which the verbs say that have told what they did
            about = next((f"{kind}:{told[kind]}" for kind in ("agent", "campaign") if kind in told), "")
            new = told.get("words", "").partition("/")[0] if told.get("order") in _TELLING else ""
            deed = Deed(window.clock.now(), f"cli:{_user(request)}", what, about, new=new)
            await window.commit.run(lambda connection: audit.add(connection, deed))
        return answer

    return noted


def _user(request: web.Request) -> str:
    """Name the user of this machine who asks, as its kernel knows them (unix(7), SO_PEERCRED)."""
    joined = request.get_extra_info("socket")
    try:
        _, uid, _ = struct.unpack("3i", joined.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    except (AttributeError, OSError):
        return "unknown"
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


@web.middleware
async def _say_what_is_wrong(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer foreseen errors so that cli/control.py can raise them again on the other side."""
    try:
        return await handler(request)
    except ConfigError as error:
        return _json({"problems": [asdict(problem) for problem in error.problems]}, status=409)
    except StoreError as error:
        return _json({"error": str(error)}, status=503)
    except ContactdError as error:
        return _json({"error": str(error)}, status=400)
