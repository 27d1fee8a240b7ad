"""Accounts and payments over HTTP, for the creditor's own systems; app.py mounts it.

A request is answered after its rows are committed; a rejected row does not keep the others out, as with a file. When
every row was rejected the answer is 422, with the reasons.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import structlog
from aiohttp import web

from contactd.config.settings import Settings, Token
from contactd.domain.errors import InputError, NeedsForce, StoreConflict, StoreError
from contactd.engine.judgement import judge_all, judge_of
from contactd.intake.accept import Report, accept_accounts, accept_payments
from contactd.web.access import admit, error_of, unavailable
from contactd.web.body import JSON, NDJSON, TYPES, Body, Limits, Malformed, TooLarge
from contactd.web.boundary import Handler
from contactd.web.window import Window

log = structlog.get_logger()

_AT_ONCE = 2  # lists taken apart at a time; the others wait, their bodies on disk
_FLAGS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}

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
    )  # fmt: skip
    if report.counts["changed"] or report.counts["cleared"]:
        judge_all(window.database, window.settings(), window.clock)
    return report


def _payments(window: Window, rows: Rows, asked: _Asked, source: str) -> Report:
    if asked.full or asked.force:
        raise InputError("full and force are for accounts; payments only ever come in addition")
    return accept_payments(
        window.database, rows, now=window.clock.now, source=source, currency=window.settings().intake.currency,
        complete=asked.complete, judge=judge_of(window.settings(), window.clock),
    )  # fmt: skip


_KINDS: dict[str, Accept] = {"accounts": _accounts, "payments": _payments}


def routes(window: Window, limits: Limits | None = None) -> list[web.RouteDef]:
    """List the addresses for app.py to mount."""
    turn = asyncio.Semaphore(_AT_ONCE)
    bounds = limits or Limits()
    return [web.post(f"/api/v1/{kind}", _handler(window, kind, turn, bounds)) for kind in _KINDS]


def _handler(window: Window, kind: str, turn: asyncio.Semaphore, limits: Limits) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        caller = _admit(window.settings(), kind, request)
        if isinstance(caller, web.Response):
            return caller
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

    return handler


def _admit(settings: Settings, kind: str, request: web.Request) -> Token | web.Response:
    """Answer who asks, or why they are turned away; nothing of the body was read."""
    caller = admit(settings, kind, request)
    if isinstance(caller, Token) and request.content_type not in TYPES:
        return error_of(f"send {JSON} or {NDJSON}, not {request.content_type}", 415)
    return caller


async def _take(
    window: Window, kind: str, request: web.Request, caller: Token, turn: asyncio.Semaphore, limits: Limits
) -> Report:
    asked = _Asked(*(_flag(request, name) for name in ("full", "force", "complete")))
    with Body(request.content_type, limits) as body:
        await body.receive(request)
        async with turn:
            # Whoever hangs up meanwhile does not undo it: the thread goes on, and sending again changes nothing.
            return await asyncio.to_thread(lambda: _KINDS[kind](window, body.rows(), asked, f"api:{caller.name}"))


def _flag(request: web.Request, name: str) -> bool:
    word = request.query.get(name, "false").lower()
    if word not in _FLAGS:
        raise InputError(f"{name} is true or false, not {word[:20]!r}")
    return _FLAGS[word]


def refused(error: Exception, limits: Limits) -> web.Response:
    """Answer why nothing was taken."""
    if isinstance(error, TooLarge):
        return error_of(str(error), 413)
    if isinstance(error, NeedsForce):
        return error_of(f"{error} (here: ?full=true&force=true)", 409)
    if isinstance(error, Malformed):
        return error_of(str(error), 400, {"cure": error.cure, **error.place})
    if isinstance(error, InputError):
        return error_of(str(error), 400)
    if isinstance(error, TimeoutError):
        return error_of(f"nothing came for {limits.pause:g} seconds; send the body again, whole", 408)
    # The database is away or full, or there is no room to keep the body: its words are for our log only.
    return unavailable(error)
