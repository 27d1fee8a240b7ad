"""Other software that listens for webhooks, on the wire, with a ledger of what it was told."""

import asyncio
import base64
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

SECRET = "a secret of both"


@dataclass(frozen=True)
class Heard:
    """An event as it came, and whether its signature is right."""

    id: str
    body: dict[str, Any]
    genuine: bool
    taken: bool


@dataclass
class Listener:
    """Behind `url`; `answers` are the statuses for the next requests in turn, `broken` accounts are never taken.

    `retry_after` goes with whatever it refuses. `hung` keeps every answer back until it is set free; `asked` is set
    with each request.
    """

    url: str = ""
    ledger: list[Heard] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    retry_after: str = ""
    hung: bool = False
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    elsewhere: int = 0  # requests that followed a redirect

    @property
    def taken(self) -> list[str]:
        """List the ids it took, in order."""
        return [one.id for one in self.ledger if one.taken]

    async def take(self, request: web.Request) -> web.Response:
        """Take an event in, or do not."""
        raw = await request.read()
        body = json.loads(raw)
        signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + raw
        wanted = "v1," + base64.b64encode(hmac.digest(SECRET.encode(), signed, "sha256")).decode()
        genuine = hmac.compare_digest(wanted, request.headers["webhook-signature"])
        status = self.answers.pop(0) if self.answers else 204
        if body["account"] and body["account"]["account"] in self.broken:
            status = 500
        self.ledger.append(Heard(request.headers["webhook-id"], body, genuine, taken=status < 300 and not self.hung))
        self.asked.set()
        if self.hung:
            await asyncio.sleep(3_600)
        headers = {"Location": "/elsewhere"} if 300 <= status < 400 else {}
        if status >= 400 and self.retry_after:
            headers["Retry-After"] = self.retry_after
        return web.Response(status=status, headers=headers)

    async def go_elsewhere(self, request: web.Request) -> web.Response:
        """Count who followed a redirect."""
        del request
        self.elsewhere += 1
        return web.Response(status=204)


@asynccontextmanager
async def hook_server() -> AsyncIterator[Listener]:
    """Serve on loopback."""
    listener = Listener()
    app = web.Application()
    app.add_routes([web.post("/hook", listener.take), web.route("*", "/elsewhere", listener.go_elsewhere)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    listener.url = f"http://127.0.0.1:{site.port}/hook"
    try:
        yield listener
    finally:
        await runner.cleanup()
