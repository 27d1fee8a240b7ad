"""E-mail through the whole path of one process: claim, rules, intent, template, MIME, SMTP to smtp-sink, durable log.

It is the daemon itself that works, on SQLite. The reference is smtp-source with the same number of messages of the same
size over as many connections to the same smtp-sink: a C program that knows its one message beforehand.
"""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import wraps
from typing import ParamSpec, TypeVar

import sqlalchemy as sa

from contactd import logs
from contactd.channels.mime import Letterhead
from contactd.channels.render import Renderer
from contactd.cli.running import fast_loop, settle
from contactd.clock import SystemClock
from contactd.config.settings import Settings
from contactd.daemon import Daemon
from contactd.domain.happened import AttemptMoved
from contactd.engine.gate import Gate
from contactd.engine.ladder.book import Book
from contactd.engine.ladder.planner import Planner
from contactd.engine.sending import sender
from contactd.engine.sending.compose import Composer
from contactd.intake.accept import accept_accounts, accept_payments
from contactd.store import attempts
from contactd.store.database import Database
from contactd.store.group_commit import GroupCommit
from contactd.store.schema import attempt, contact_log
from tests.bench.figures import Figure, Watch, configured, folder, main, sqlite

_MESSAGES = 20_000
_CONNECTIONS = 32
_TEXT = """
[daemon]
name = "bench"
[logging]
level = "warning"
[web]
port = 0
public_url = "https://contactd.example"
[operator]
name = "Musterwerke GmbH"
email = "service@musterwerke.example"
phone = "030 23125 100"
contact_person = "Frau Beispiel"
[smtp]
host = "127.0.0.1"
port = {port}
security = "none"
connections = {connections}
"""
P = ParamSpec("P")
R = TypeVar("R")


def run(scale: float) -> list[Figure]:
    """Send, then let smtp-source do the same."""
    messages = int(_MESSAGES * scale)
    with folder() as directory, sqlite(directory) as database, _sink() as port:
        settings = configured(directory, _TEXT.format(port=port, connections=_CONNECTIONS))
        clock = SystemClock()
        accept_accounts(database, list(_rows(messages, clock.now())), now=clock.now)
        accept_payments(database, [], now=clock.now)
        Planner(database, Book(settings.campaigns, settings.policies), horizon=timedelta(days=1)).plan(
            "mail", clock.now()
        )
        stages = _Stages()
        with asyncio.Runner(loop_factory=fast_loop()) as runner:
            settle()
            seconds = runner.run(_send(settings, messages, stages))
        _check(database, messages)
        reference = Watch(lambda: _source(port, messages, stages.size)).seconds
    return [
        Figure(
            f"e-mail, whole path, SQLite: {messages:,} messages", messages / seconds, "msg/s",
            f"smtp-source, {stages.size / 1000:.1f} kB, {_CONNECTIONS} connections", messages / reference,
            ">= 2,000 msg/s or ratio >= 0.08", notes=stages.notes(messages, seconds),
        )
    ]  # fmt: skip


def _rows(accounts: int, now: datetime) -> Iterator[dict[str, str]]:
    """Make up accounts, every second with two overdue invoices."""
    due, invoiced = (str((now - timedelta(days=days)).date()) for days in (20, 40))
    for number in range(accounts):
        for place in range(1 + number % 2):
            yield {
                "account_no": str(number), "creditor": "musterwerke", "name": f"Jörg Grünspecht {number}",
                "kind": "consumer", "language": "de", "timezone": "Europe/Berlin", "country": "DE",
                "email": f"debtor{number}@example.com", "invoice_no": f"R{number}-{place}", "invoice_date": invoiced,
                "due_date": due, "amount": f"{100 + number % 900}.50", "open": f"{100 + number % 900}.50",
                "currency": "EUR",
            }  # fmt: skip


async def _send(settings: Settings, messages: int, stages: "_Stages") -> float:
    """Run the daemon until everything is accepted; answers the seconds from its start of work to the last log row."""
    logs.set_up("warning", "json", stream=sys.stderr)
    daemon = Daemon(settings, path=None, clock=SystemClock())
    finished = asyncio.Event()
    left = messages

    def hear(event: object) -> None:
        nonlocal left
        left -= isinstance(event, AttemptMoved)
        if not left:
            finished.set()

    daemon.bus.listen(hear)
    with stages.watched():
        running = asyncio.create_task(daemon.run())
        await daemon.ready.wait()
        began = time.perf_counter()
        stages.begin()
        await finished.wait()
        seconds = time.perf_counter() - began
        stages.end()
    daemon.stop()
    await running
    return seconds


def _check(database: Database, messages: int) -> None:
    with database.snapshot() as connection:
        accepted = connection.scalar(sa.select(sa.func.count()).where(attempt.c.state == "accepted"))
        logged = connection.scalar(sa.select(sa.func.count()).where(contact_log.c.attempt_id.is_not(None)))
    if (accepted, logged) != (messages, 2 * messages):
        raise AssertionError(f"{accepted} accepted, {logged} log rows of {messages} messages")


class _Stages:
    """Processor time by stage: of the loop's thread and of the store's writer, each by its own clock."""

    def __init__(self) -> None:
        self.size = 0
        self._spent: dict[str, float] = {}
        self._threads: dict[str, float] = {}
        self._commits = 0

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Wrap what the daemon calls for each message while the block runs."""
        kept = [
            (owner, name, getattr(owner, name))
            for owner, name in (
                (attempts, "claim"), (Gate, "begin"), (sender, "settle"), (GroupCommit, "_commit"),
                (Composer, "__call__"), (Renderer, "render"), (Letterhead, "build"),
            )
        ]  # fmt: skip
        for owner, name, function in kept:
            setattr(owner, name, self._timed(name, function))
        try:
            yield
        finally:
            for owner, name, function in kept:
                setattr(owner, name, function)

    def _timed(self, name: str, function: Callable[P, R]) -> Callable[P, R]:
        self._spent[name] = 0.0

        @wraps(function)
        def timed(*args: P.args, **kwargs: P.kwargs) -> R:
            before = time.thread_time()
            try:
                answer = function(*args, **kwargs)
            finally:
                self._spent[name] += time.thread_time() - before
            if name == "build" and isinstance(answer, bytes):
                self.size = len(answer)
            self._commits += name == "_commit"
            return answer

        return timed

    def begin(self) -> None:
        """Count from here."""
        self._spent = dict.fromkeys(self._spent, 0.0)
        self._commits = 0
        self._threads = _thread_times()
        self._process = time.process_time()

    def end(self) -> None:
        """Count up to here."""
        self._process = time.process_time() - self._process
        self._threads = {name: spent - self._threads.get(name, 0.0) for name, spent in _thread_times().items()}

    def notes(self, messages: int, seconds: float) -> list[str]:
        """Say where the time goes, in microseconds of processor time a message."""
        spent = self._spent
        loop = self._threads["MainThread"] - spent["__call__"] - spent["build"]
        writing = spent["_commit"] - spent["claim"] - spent["begin"] - spent["settle"]
        shown = {
            "claim": spent["claim"],
            "rules and intent": spent["begin"],
            "result and log": spent["settle"],
            "begin, commit": writing,
            "writer's rest": self._threads.get("store-writer", 0.0) - spent["_commit"],
            "template": spent["render"],
            "rest of composing": spent["__call__"] - spent["render"],
            "MIME": spent["build"],
            "SMTP, asyncio": loop,
        }
        each = ", ".join(f"{name} {value / messages * 1e6:.0f}" for name, value in shown.items())
        total = self._process / messages * 1e6
        return [
            f"µs of processor time a message: {each}; all {total:.0f}",
            f"{messages / max(1, self._commits):.1f} messages a commit, {self._process / seconds:.2f} processors busy",
        ]


def _thread_times() -> dict[str, float]:
    return {
        thread.name: time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
        for thread in threading.enumerate()
        if thread.ident is not None
    }


@contextmanager
def _sink() -> Iterator[int]:
    """Start postfix's smtp-sink, which takes everything and keeps nothing."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    user = ["-u", "nobody"] if os.getuid() == 0 else []
    process = subprocess.Popen([_program("smtp-sink"), *user, f"127.0.0.1:{port}", "1000"], cwd="/")
    try:
        _wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("smtp-sink does not listen")


def _source(port: int, messages: int, size: int) -> None:
    command = [
        _program("smtp-source"), "-d", "-s", str(_CONNECTIONS), "-m", str(messages), "-l", str(size),
        "-f", "service@musterwerke.example", "-t", "debtor@example.com", f"127.0.0.1:{port}",
    ]  # fmt: skip
    subprocess.run(command, check=True, cwd="/")


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        raise SystemExit(f"{name} is not installed (Debian: apt install postfix)")
    return found


if __name__ == "__main__":
    main(run)
