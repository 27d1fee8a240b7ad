"""The verb `demo`: a minute of the whole job on made-up accounts, with a live table on a terminal."""

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from contactd.cli.options import as_json
from contactd.cli.output import console, emit_json, say, show_document

if TYPE_CHECKING:
    from rich.console import Group

    from contactd.demo import Rehearsal
    from contactd.demo_desk import Place

_FAILED = 1


@click.command()
@click.option("--speed", type=click.FloatRange(1, 600), default=60, show_default=True, help="Times real time.")
@click.option("--seconds", type=click.FloatRange(1, 3600), default=60, show_default=True, help="Real seconds of work.")
@click.option("--accounts", type=click.IntRange(10, 1_000_000), default=2_000, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed makes the same accounts.")
@click.option("--desk", is_flag=True, help="A desk where you take calls, in real time, until Ctrl+C.")
@click.option("--dir", "directory", type=click.Path(path_type=Path, file_okay=False), help="Keep the files here.")
@as_json
def demo(
    *, speed: float, seconds: float, accounts: int, seed: int, desk: bool, directory: Path | None, json: bool
) -> None:
    """Show the whole job: the real daemon, real SMTP to a built-in catcher, simulated SMS and calls, 8 agents.

    With --desk you are the ninth, --speed and --seconds are not asked: customers speak by captions, and what you agree
    on shows on the live view.
    """
    if desk:
        _open_desk(directory, accounts, seed, json=json)
    else:
        _rehearse(directory, speed, seconds, accounts, seed, json=json)


def _open_desk(directory: Path | None, accounts: int, seed: int, *, json: bool) -> None:
    import signal

    from contactd import logs
    from contactd.cli.running import fast_loop
    from contactd.clock import SystemClock
    from contactd.demo_desk import OpenDesk

    with _folder(directory) as folder, (folder / "contactd.log").open("w") as stream:
        logs.set_up("info", "json", stream=stream)

        async def main() -> None:
            opened = OpenDesk(folder, accounts=accounts, seed=seed, started=SystemClock().now())
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, opened.stop)
            await opened.run(lambda place: _tell_place(place, json=json))

        with asyncio.Runner(loop_factory=fast_loop()) as runner:
            runner.run(main())


def _tell_place(place: "Place", *, json: bool) -> None:
    if json:
        emit_json({"url": place.url, "name": place.name, "password": place.password})
        sys.stdout.flush()
        return
    show_document(f"""\
DEMO: customers, invoices and calls are made up; nothing leaves this machine.

  your desk   {place.url}desk
  live view   {place.url}live
  name        {place.name}
  password    {place.password}

Sign in and press F9: the first customer is on the line within a minute. Ctrl+C ends it.
""")
    sys.stdout.flush()


def _rehearse(directory: Path | None, speed: float, seconds: float, accounts: int, seed: int, *, json: bool) -> None:
    from contactd import logs
    from contactd.cli.running import fast_loop
    from contactd.clock import SystemClock
    from contactd.demo import Options, Rehearsal

    with _folder(directory) as folder, _display(quiet=json) as look, (folder / "contactd.log").open("w") as stream:
        logs.set_up("info", "json", stream=stream)
        options = Options(folder, speed=speed, seconds=seconds, accounts=accounts, seed=seed)
        rehearsal = Rehearsal(options, SystemClock().now())
        with asyncio.Runner(loop_factory=fast_loop()) as runner:
            summary = runner.run(rehearsal.run(look))
    if json:
        emit_json(summary)
    else:
        _print(summary, directory)
    if not summary["reconciled"]:
        raise SystemExit(_FAILED)


@contextlib.contextmanager
def _folder(directory: Path | None) -> Iterator[Path]:
    """Use the folder the person named, or one that goes away with the demo."""
    if directory is None:
        with tempfile.TemporaryDirectory(prefix="contactd-demo-") as name:
            yield Path(name)
        return
    for name in ("contactd.db", "contactd.toml"):
        if (directory / name).exists():  # perhaps of a daemon that reaches real customers
            raise click.BadParameter(f"{directory} has a {name} already; name an empty folder", param_hint="--dir")
    directory.mkdir(parents=True, exist_ok=True)
    yield directory


@contextlib.contextmanager
def _display(*, quiet: bool) -> Iterator[Callable[["Rehearsal"], None]]:
    """Show a live table on a terminal, a line every few seconds elsewhere, nothing when quiet."""
    if quiet:
        yield lambda _: None
        return
    import rich.live

    screen = console(err=True)
    if not screen.is_terminal:
        yield _Lines()
        return
    with rich.live.Live(console=screen, refresh_per_second=4) as live:
        yield lambda rehearsal: live.update(_table(rehearsal))


class _Lines:
    """A line now and then, for logs and pipes."""

    def __init__(self) -> None:
        self._looks = 0

    def __call__(self, rehearsal: "Rehearsal") -> None:
        """Print every twentieth look."""
        if self._looks % 20 == 0:
            say(f"{rehearsal.clock.now():%H:%M:%S} UTC {rehearsal.stage}: {_words(rehearsal)}", err=True)
        self._looks += 1


def _words(rehearsal: "Rehearsal") -> str:
    attempts = {channel: sum(outcomes.values()) for channel, outcomes in rehearsal.state.get("attempts", {}).items()}
    counts = {**attempts, **rehearsal.calls, "payments": rehearsal.payments}
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _table(rehearsal: "Rehearsal") -> "Group":
    import rich.table
    from rich.console import Group

    from contactd.demo import BERLIN

    when = rehearsal.clock.now().astimezone(BERLIN)
    title = f"DEMO  {when:%a %H:%M:%S}  {rehearsal.stage}  (made-up accounts, nothing leaves this machine)"
    table = rich.table.Table("channel", "outcome", "attempts", title=title, min_width=60)
    for channel, outcomes in sorted(rehearsal.state.get("attempts", {}).items()):
        for place, (outcome, count) in enumerate(sorted(outcomes.items())):
            table.add_row("" if place else channel, outcome, f"{count:,}")
    calls = "   ".join(f"{name} [bold]{count}[/]" for name, count in rehearsal.calls.items())
    agents = "   ".join(
        f"{state} [bold]{count}[/]" for team in _staff(rehearsal).values() for state, count in sorted(team.items())
    )
    caught = len(rehearsal.catcher.messages)
    return Group(table, f"calls     {calls}", f"agents    {agents}", f"caught    [bold]{caught}[/] e-mails   "
                 f"payments [bold]{rehearsal.payments}[/]")  # fmt: skip


def _staff(rehearsal: "Rehearsal") -> dict[str, dict[str, int]]:
    if not hasattr(rehearsal, "daemon") or not rehearsal.daemon.ready.is_set():
        return {}
    return {team: {str(state): count for state, count in states.items()} for team, states in
            rehearsal.daemon.roster.counts().items()}  # fmt: skip


def _print(summary: dict[str, object], directory: Path | None) -> None:
    say("")
    for key in ("accounts", "batches", "attempts", "calls", "payments", "held", "log_rows"):
        value = summary[key]
        if not isinstance(value, dict):
            say(f"{key:10} {value}")
            continue
        for name, inner in value.items():
            words = ", ".join(f"{word} {count}" for word, count in inner.items()) if isinstance(inner, dict) else inner
            say(f"{key:10} {name:28} {words}")
    checks = summary["checks"]
    for name, holds in checks.items() if isinstance(checks, dict) else ():
        say(f"{'ok ' if holds else 'NOT'} {name}")
    say("reconciled with the contact log" if summary["reconciled"] else "NOT reconciled with the contact log")
    if directory is not None:
        say(f"look around: contactd log --config {directory}/contactd.toml | less")
    say("take calls yourself: contactd demo --desk (make demo DEMO_ARGS=--desk)")
