"""Bank statements over HTTP: the body is the file, whatever its kind; app.py mounts it.

Answered once all of it is committed. The same file again changes nothing.
"""

import asyncio
import tempfile
from pathlib import Path

import structlog
from aiohttp import web

from contactd.domain.errors import InputError, StoreConflict, StoreError
from contactd.engine.debt.statements import take_statements
from contactd.intake.banking import Told
from contactd.store.audit import Deed
from contactd.web.access import Caller
from contactd.web.answers import ref
from contactd.web.api import refused
from contactd.web.body import FILE, Body, Limits
from contactd.web.operation import Operation, Take
from contactd.web.window import Window

log = structlog.get_logger()


def operations(limits: Limits | None = None) -> tuple[Operation, ...]:
    """List what is done here."""
    return (
        Operation(
            method="POST", path="/statements", name="send_statement", family="payments", answer=ref("StatementTaken"),
            what="Send a bank statement: CAMT or MT940", types={"*/*": {}}, finds=False,
            take=_taking(asyncio.Semaphore(1), limits or Limits()),
        ),
    )  # fmt: skip


def _taking(turn: asyncio.Semaphore, limits: Limits) -> Take:
    async def taking(window: Window, request: web.Request, caller: Caller) -> web.StreamResponse:
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

    return taking


def _take(window: Window, body: Body, caller: Caller) -> Told:
    with tempfile.TemporaryDirectory(prefix="contactd-") as folder:
        path = Path(folder) / "statement"
        body.save(path)
        try:
            deed = Deed(window.clock.now(), caller.by, "statements")
            told = take_statements(window.database, window.settings(), window.clock, path, caller.by, deed)
        except InputError as error:  # whoever sent the body knows no path of ours
            raise InputError(str(error).replace(f"{path}: ", "")) from error
    for said in (told.refused, told.undivided):
        said[:] = [line.replace(f"{path}: ", "") for line in said]
    return told
