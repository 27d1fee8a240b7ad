"""A service that prints letters, on the wire, with a ledger of what it took; a reference is taken once."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

TOKEN = "a-token-of-no-service"


@dataclass(frozen=True)
class Taken:
    """A letter the service has."""

    reference: str
    metadata: dict[str, Any]
    pdf: bytes


@dataclass(frozen=True)
class Answer:
    """How the next POST is answered; `dropped`: taken, and the connection cut before a word of it."""

    status: int = 201
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    dropped: bool = False
    silent: bool = False


@dataclass
class LetterService:
    """Behind `url`; `answers` are for the next requests in turn, `look_ups` for those of a GET."""

    url: str = ""
    ledger: list[Taken] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    look_ups: list[int] = field(default_factory=list)
    asked: int = 0

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Take a letter in."""
        self.asked += 1
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"error": "who are you?"}, status=401)
        posted = await request.post()
        answer = self.answers.pop(0) if self.answers else Answer()
        metadata, file = posted["metadata"], posted["file"]
        assert isinstance(metadata, bytes | bytearray)
        assert isinstance(file, web.FileField)
        with file.file as opened:
            pdf = opened.read()
        reference = request.headers["Idempotency-Key"]
        if answer.status < 300 and all(one.reference != reference for one in self.ledger):
            self.ledger.append(Taken(reference, json.loads(metadata), pdf))
        if answer.dropped:
            assert request.transport is not None
            request.transport.abort()
        if answer.silent:
            await asyncio.sleep(30)
        body = answer.body or json.dumps({"id": f"job-{reference}"})
        return web.Response(status=answer.status, text=body, headers=answer.headers)

    async def tell(self, request: web.Request) -> web.StreamResponse:
        """Say whether a letter is there."""
        if self.look_ups:
            return web.Response(status=self.look_ups.pop(0))
        known = any(one.reference == request.match_info["reference"] for one in self.ledger)
        return web.Response(status=200 if known else 404)


@asynccontextmanager
async def printing_house() -> AsyncIterator[LetterService]:
    """Serve on loopback."""
    service = LetterService()
    app = web.Application(client_max_size=16 << 20)
    app.add_routes([web.post("/letters", service.take), web.get("/letters/{reference}", service.tell)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    service.url = f"http://127.0.0.1:{runner.addresses[0][1]}/letters"
    try:
        yield service
    finally:
        await runner.cleanup()
