"""Bank statements over HTTP: the body is the file, whatever its kind; app.py mounts it.

Answered once all of it is committed. The same file again changes nothing.
"""

import asyncio
import tempfile
from pathlib import Path

import structlog
from aiohttp import web

from contactd.config.settings import Token
from contactd.domain.errors import InputError, StoreConflict, StoreError
from contactd.engine.statements import take_statements
from contactd.intake.banking import Told
from contactd.web.access import admit
from contactd.web.api import refused
from contactd.web.body import FILE, Body, Limits
from contactd.web.boundary import Handler
from contactd.web.window import Window

log = structlog.get_logger()

_SCOPE = "payments"


def routes(window: Window, limits: Limits | None = None) -> list[web.RouteDef]:
    """List the addresses for app.py to mount."""
    return [web.post("/api/v1/statements", _handler(window, asyncio.Semaphore(1), limits or Limits()))]


def _handler(window: Window, turn: asyncio.Semaphore, limits: Limits) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        caller = admit(window.settings(), _SCOPE, request)
        if isinstance(caller, web.Response):
            return caller
        try:
            with Body(FILE, limits) as body:
                await body.receive(request)
                async with turn:  # the books of all accounts are in memory meanwhile: once is enough
                    told = await asyncio.to_thread(_take, window, body, caller)
        except (StoreError, StoreConflict, InputError, OSError) as error:
            log.warning("intake_refused", kind="statements", caller=caller.name, error=type(error).__name__)
            return refused(error, limits)
        window.metrics.took("statements", {"accepted": told.counts["new"], "rejected": len(told.refused)})
        log.info("statements_taken", caller=caller.name, refused=len(told.refused), **told.counts)
        window.wake()
        return web.json_response({**told.counts, "refused": told.refused, "undivided_sums": told.undivided})

    return handler


def _take(window: Window, body: Body, caller: Token) -> Told:
    with tempfile.TemporaryDirectory(prefix="contactd-") as folder:
        path = Path(folder) / "statement"
        body.save(path)
        try:
            told = take_statements(window.database, window.settings(), window.clock, path, f"api:{caller.name}")
        except InputError as error:  # whoever sent the body knows no path of ours
            raise InputError(str(error).replace(f"{path}: ", "")) from error
    for said in (told.refused, told.undivided):
        said[:] = [line.replace(f"{path}: ", "") for line in said]
    return told
