"""The verb `simulate`: a working day of the dialer in seconds, with nobody called."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import click

from contactd.cli.options import as_json

if TYPE_CHECKING:
    from contactd.rehearsal.scenario import Scenario

_PERCENT = 100
# What people are shown: name, figure, how it is written.
_SHARES = (
    ("utilisation (talk and wrap)", "utilisation"),
    ("abandoned of answered", "abandonment"),
    ("the same, worst hour", "worst_hour_abandonment"),
)
_NUMBERS = (
    ("talk minutes in an agent's hour", "talk_minutes_per_agent_hour", ""),
    ("dials per connect", "dials_per_connect", ""),
    ("an agent waits for the next call", "agent_wait_mean", " s"),
    ("who answers waits, mean", "customer_wait_mean", " s"),
    ("who answers waits, 99 of 100", "customer_wait_p99", " s"),
    ("who answers waits, longest", "customer_wait_max", " s"),
)
_COUNTS = ("placed", "answered", "connected", "abandoned", "cancelled", "people_taken_for_machines")


@click.group()
def simulate() -> None:
    """Try out what would happen, with nobody called and nothing stored."""


@simulate.command()
@click.argument("scenario", default="", required=False)
@click.option("--agents", type=click.IntRange(1, 2_000), help="Instead of the scenario's; else 20.")
@click.option("--hours", type=click.FloatRange(0, 1_000, min_open=True), help="Instead of the scenario's; else 8.")
@click.option("--seed", type=int, help="The same seed gives the same day; else 1.")
@click.option("--list", "names", is_flag=True, help="List the scenarios that come with contactd.")
@as_json
def dialer(scenario: str, agents: int | None, hours: float | None, seed: int | None, names: bool, json: bool) -> None:
    """Run the dialer's engine through a day on a virtual clock; SCENARIO is a file, or one that comes with contactd."""
    from contactd import logs
    from contactd.cli.output import emit_json
    from contactd.rehearsal.day import rehearse

    logs.set_up("error", "console")
    if names:
        _list(json=json)
        return
    chosen = _chosen(scenario, {"agents": agents, "hours": hours, "seed": seed})
    with _progress(quiet=json) as look:
        figures = rehearse(chosen, look)
    if json:
        emit_json({"agents": chosen.agents, "hours": chosen.hours, "seed": chosen.seed, **figures})
    else:
        _print(chosen, figures)


def _chosen(name: str, instead: Mapping[str, object]) -> "Scenario":
    from contactd.rehearsal.scenario import Scenario, find, load

    told = {key: value for key, value in instead.items() if value is not None}
    return (load(find(name)) if name else Scenario()).model_copy(update=told)


def _list(*, json: bool) -> None:
    from contactd.cli.output import emit_json
    from contactd.rehearsal.scenario import load, shipped

    texts = {name: load(path).text for name, path in shipped().items()}
    if json:
        emit_json(texts)
        return
    for name, text in texts.items():
        click.echo(f"{name:<20} {text}")


@contextlib.contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[float], None]]:
    """Show how far the day is on a terminal, nothing elsewhere."""
    import rich.console

    console = rich.console.Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda _: None
        return
    import rich.progress

    with rich.progress.Progress(console=console, transient=True) as bar:
        task = bar.add_task("simulating", total=1.0)
        yield lambda share: bar.update(task, completed=share)


def _print(scenario: "Scenario", figures: Mapping[str, float]) -> None:
    click.echo(f"{scenario.agents} agents, {scenario.hours:g} hours, seed {scenario.seed}")
    if scenario.text:
        click.echo(scenario.text)
    click.echo("")
    for text, name in _SHARES:
        click.echo(f"{text:<34} {_PERCENT * figures[name]:>9.2f} %")
    for text, name, unit in _NUMBERS:
        click.echo(f"{text:<34} {figures[name]:>9.2f}{unit}")
    for name in _COUNTS:
        click.echo(f"{name.replace('_', ' '):<34} {figures[name]:>9,.0f}")
    click.echo(f"\n{figures['speedup']:,.0f} times as fast as the clock on the wall")
