"""Accounts and payments over HTTP, for the creditor's own systems; app.py mounts it.

A request is answered after its rows are committed; a rejected row does not keep the others out, as with a file. When
every row was rejected the answer is 422, with the reasons.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import structlog
from aiohttp import web

from contactd.domain.errors import InputError, NeedsForce, StoreConflict, StoreError
from contactd.engine.agreements.judgement import judge_of, judge_some
from contactd.intake.accept import Report, accept_accounts, accept_payments
from contactd.intake.columns import ACCOUNTS, PAYMENTS, Columns
from contactd.store.audit import Deed
from contactd.web.access import Caller, error_of, refusal, unavailable
from contactd.web.answers import many, ref
from contactd.web.body import JSON, NDJSON, TYPES, Body, Limits
from contactd.web.kinds import Flag, Schema, Shape
from contactd.web.operation import Operation, Take
from contactd.web.window import Window

log = structlog.get_logger()

_AT_ONCE = 2  # lists taken apart at a time; the others wait, their bodies on disk
_FLAGS = Shape({name: Flag() for name in ("full", "force", "complete")})

Rows = Iterator[dict[str, object]]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the address says about a list."""

    full: bool = False
    force: bool = False
    complete: bool = False


Accept = Callable[[Window, Rows, _Asked, str], Report]


def _accounts(window: Window, rows: Rows, asked: _Asked, source: str) -> Report:
    if asked.complete:
        raise InputError("complete is for payments; a list of all that is open is sent with full=true")
    intake = window.settings().intake
    report = accept_accounts(
        window.database, rows, now=window.clock.now, source=source, full=asked.full, force=asked.force,
        country=intake.country, currency=intake.currency, max_vanish=intake.max_vanish,
        deed=_deed(window, asked, source, "accounts"),
    )  # fmt: skip
    judge_some(window.database, report.touched, window.settings(), window.clock)
    return report


def _payments(window: Window, rows: Rows, asked: _Asked, source: str) -> Report:
    if asked.full or asked.force:
        raise InputError("full and force are for accounts; payments only ever come in addition")
    report = accept_payments(
        window.database, rows, now=window.clock.now, source=source, currency=window.settings().intake.currency,
        complete=asked.complete, judge=judge_of(window.settings(), window.clock),
        deed=_deed(window, asked, source, "payments"),
    )  # fmt: skip
    judge_some(window.database, report.touched, window.settings(), window.clock)
    return report


def _deed(window: Window, asked: _Asked, source: str, what: str) -> Deed:
    """Write whose list it is, and what its address says of it."""
    return Deed(window.clock.now(), source, what, new=", ".join(name for name, said in asdict(asked).items() if said))


_KINDS: dict[str, Accept] = {"accounts": _accounts, "payments": _payments}


def operations(limits: Limits | None = None) -> tuple[Operation, ...]:
    """List what is done here; the lists share their turns."""
    turn, bounds = asyncio.Semaphore(_AT_ONCE), limits or Limits()
    return (
        _operation(
            ACCOUNTS, ("full", "force"), "Send what is open, as a list of invoices with their accounts", turn, bounds
        ),
        _operation(PAYMENTS, ("complete",), "Send payments", turn, bounds),
    )


def _operation(
    columns: Columns, flags: tuple[str, ...], what: str, turn: asyncio.Semaphore, limits: Limits
) -> Operation:
    row: Schema = {"type": "object", "properties": {name: {} for name in columns.names}}
    bodies: dict[str, Schema] = {JSON: {"anyOf": [many(row), row]}, NDJSON: {"type": "string"}}
    return Operation(
        method="POST", path=f"/{columns.kind}", name=f"send_{columns.kind}", what=what, family=columns.kind,
        query=Shape({name: Flag() for name in flags}), types=bodies, answer=ref("Taken"), finds=False,
        take=_taking(columns.kind, turn, limits),
    )  # fmt: skip


def _taking(kind: str, turn: asyncio.Semaphore, limits: Limits) -> Take:
    async def taking(window: Window, request: web.Request, caller: Caller) -> web.StreamResponse:
        if request.content_type not in TYPES:
            return error_of(f"send {JSON} or {NDJSON}, not {request.content_type}", 415)
        try:
            report = await _take(window, kind, request, caller, turn, limits)
        except (StoreError, StoreConflict, InputError, OSError) as error:
            log.warning("intake_refused", kind=kind, caller=caller.name, error=type(error).__name__)
            return refused(error, limits)
        counts = {"accepted": report.counts["accepted"], "rejected": report.counts["rejected"]}
        window.metrics.took(kind, counts)
        log.info("intake_taken", kind=kind, caller=caller.name, **counts)
        if report.rejected and kind == "payments":
            log.warning(
                "payments_rejected", caller=caller.name, rejected=counts["rejected"], held=report.counts["held"]
            )
        window.wake()
        return web.json_response(report.as_json(), status=422 if report.useless else 200)

    return taking


async def _take(
    window: Window, kind: str, request: web.Request, caller: Caller, turn: asyncio.Semaphore, limits: Limits
) -> Report:
    asked = _Asked(**_FLAGS.read_query(request.query))
    with Body(request.content_type, limits) as body:
        await body.receive(request)
        async with turn:
            # Whoever hangs up meanwhile does not undo it: the thread goes on, and sending again changes nothing.
            return await asyncio.to_thread(lambda: _KINDS[kind](window, body.rows(), asked, caller.by))


def refused(error: Exception, limits: Limits) -> web.Response:
    """Answer why nothing was taken."""
    if isinstance(error, NeedsForce):
        error = NeedsForce(f"{error} (here: ?full=true&force=true)")
    if isinstance(error, InputError):
        return refusal(error)
    if isinstance(error, TimeoutError):
        return error_of(f"nothing came for {limits.pause:g} seconds; send the body again, whole", 408)
    # The database is away or full, or there is no room to keep the body: its words are for our log only.
    return unavailable(error)
