"""Twilio's status callbacks: signature checked, a durable row each, then the answer; load from a second process.

The daemon is real and on SQLite. It is measured taking callbacks only, and taking them while it also applies them to
attempts. The reference is a handler of aiohttp's that answers 204 without doing anything.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from functools import partial

import pytest
import sqlalchemy as sa
from aiohttp import web

from contactd import logs
from contactd.cli.running import fast_loop, settle
from contactd.clock import SystemClock
from contactd.config.settings import Settings
from contactd.daemon import Daemon
from contactd.engine.sending.reconciler import Reconciler
from contactd.store.database import Database
from contactd.store.schema import inbox
from contactd.web.serve import Site
from tests.bench.figures import Figure, configured, folder, main, sqlite
from tests.bench.load import PUBLIC_URL, TOKEN
from tests.bench.planning_data import fill

_CALLBACKS = 30_000
_CONNECTIONS = 64
_TEXT = f"""
[daemon]
name = "bench"
[logging]
level = "warning"
[web]
port = 0
public_url = "{PUBLIC_URL}"
[smtp]
host = "127.0.0.1"
sender = "service@contactd.example"
[twilio]
account_sid = "AC00000000000000000000000000000000"
auth_token = {{ file = "token" }}
from = "+4917604069000"
"""


def run(scale: float) -> list[Figure]:
    """Serve each in turn."""
    callbacks = int(_CALLBACKS * scale)
    with asyncio.Runner(loop_factory=fast_loop()) as runner:
        settle()
        bare, _ = runner.run(_loaded(_bare, callbacks))
        figures = []
        for what, applying in (("webhooks, signature and durable row", False), ("webhooks, applied as well", True)):
            with folder() as directory, sqlite(directory) as database:
                (directory / "token").write_text(TOKEN)
                settings = configured(directory, _TEXT)
                _queue(database, callbacks)
                rate, cpu = runner.run(_loaded(partial(_daemon, settings, applying=applying), callbacks))
                _check(database, callbacks)
            figures.append(
                Figure(
                    f"{what}: {callbacks:,}", rate, "req/s", f"aiohttp, 204 at once, {_CONNECTIONS} connections",
                    bare, "" if applying else ">= 3,000 req/s", notes=[f"{cpu:.0f} µs of processor time each"],
                )
            )  # fmt: skip
        return figures


def _queue(database: Database, count: int) -> None:
    """Make the attempts the callbacks are about, as if Twilio had accepted their messages."""
    now = datetime.now(UTC)
    fill(database, accounts=count, now=now, today=now.date())
    with database.transaction() as connection:
        connection.exec_driver_sql(
            "INSERT INTO attempt (id, account_id, customer_id, campaign, step, channel, case_no, try_no, claim_no,"
            " state, outcome, not_before, planned_at, sending_at, provider_ref, address)"
            " SELECT id, id, customer_id, 'mail', 'reminder', 'sms', 1, 1, 1, 'accepted', 'accepted',"
            " 1, 1, 1, 'SM' || id, mobile FROM account"  # long ago, in SQLite's microseconds
        )


def _check(database: Database, callbacks: int) -> None:
    with database.snapshot() as connection:
        kept = connection.scalar(sa.select(sa.func.count()).select_from(inbox))
    if kept != callbacks:
        raise AssertionError(f"{kept} of {callbacks} callbacks were kept")


async def _loaded(serving: Callable[[], AbstractAsyncContextManager[int]], callbacks: int) -> tuple[float, float]:
    """Answer the requests a second the load got answered, and the processor time each took here in microseconds."""
    async with serving() as port:
        command = [sys.executable, "-m", "tests.bench.load", str(port), str(callbacks), str(_CONNECTIONS)]
        load = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        before = time.process_time()
        said, _ = await load.communicate()
        spent = time.process_time() - before
    if load.returncode:
        raise SystemExit("the load failed")
    return callbacks / json.loads(said)["seconds"], spent / callbacks * 1e6


@asynccontextmanager
async def _bare() -> AsyncIterator[int]:
    async def nothing(request: web.Request) -> web.Response:
        del request
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/{anything:.*}", nothing)
    async with Site(app, host="127.0.0.1") as site:
        yield site.port


@asynccontextmanager
async def _daemon(settings: Settings, *, applying: bool) -> AsyncIterator[int]:
    logs.set_up("warning", "json", stream=sys.stderr)
    with pytest.MonkeyPatch.context() as patch:
        if not applying:
            patch.setattr(Reconciler, "apply_inbox", _later)
        daemon = Daemon(settings, path=None, clock=SystemClock())
        running = asyncio.create_task(daemon.run())
        await daemon.ready.wait()
        yield daemon.site.port
        daemon.stop()
        await running


async def _later(reconciler: Reconciler) -> int:
    del reconciler
    return 0


if __name__ == "__main__":
    main(run)
