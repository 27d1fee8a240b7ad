"""The verb `simulate`: a year of a campaign or a working day of the dialer in seconds, with nobody contacted."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from contactd.cli.options import as_json, config_option, settings_of
from contactd.cli.output import console, emit_json, say, show_document

if TYPE_CHECKING:
    from contactd.config.settings import Settings
    from contactd.rehearsal.audit import Audit
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


_FAILED = 1
_SHOWN = 20  # contradictions a check


class _Simulations(click.Group):
    """Takes a name that is no command for a campaign: `contactd simulate CAMPAIGN`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Hand campaigns to `year`."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            return "year", self.commands["year"], args
        return super().resolve_command(ctx, args)


@click.group(cls=_Simulations)
def simulate() -> None:
    """Try out what would happen, with nobody contacted and nothing stored.

    `contactd simulate CAMPAIGN` is short for `contactd simulate year CAMPAIGN`; a scenario belongs to `dialer`.
    """


@simulate.command()
@click.argument("campaigns", nargs=-1, metavar="[CAMPAIGN]...")
@click.option("--days", default=365, show_default=True, type=click.IntRange(1, 1_000), help="How long.")
@click.option("--accounts", default=500, show_default=True, type=click.IntRange(1, 20_000), help="How many customers.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same year.")
@config_option
@as_json
def year(campaigns: tuple[str, ...], days: int, accounts: int, seed: int, config: Path | None, json: bool) -> None:
    """Live through a year with campaigns of this configuration, all of them when none is named, and check its end.

    Customers pay, promise, break promises, dispute, move; a bank with books of its own writes statements. The engine,
    the rules and the readers are those of the daemon, on a temporary database and a clock that passes over idle time;
    e-mail, SMS and letters count as set up. Of letters one in twenty is set as a PDF, the others are only addressed.
    In the end contacts, books, statements and reports are checked by reckonings of their own. The default, 500
    customers for 365 days, takes less than a minute. Exit code 1 when a check fails.
    """
    import tempfile

    from contactd import logs
    from contactd.rehearsal.year import Options, simulate

    logs.set_up("error", "console")
    settings = _with(campaigns, config)
    with tempfile.TemporaryDirectory(prefix="contactd-year-") as folder, _progress(quiet=json) as look:
        found = simulate(settings, Path(folder), Options(days, accounts, seed), look)
    if json:
        emit_json({"days": days, "accounts": accounts, "seed": seed, **_told(found)})
    else:
        say(f"{days} days, {accounts} accounts, seed {seed}: {', '.join(one.id for one in settings.campaigns)}")
        _print_year(found)
    if not found.good:
        raise SystemExit(_FAILED)


def _with(campaigns: tuple[str, ...], config: Path | None) -> "Settings":
    from contactd.domain.errors import InputError
    from contactd.rehearsal.conditions import only

    settings, path = settings_of(config)
    known = [one.id for one in settings.campaigns]
    if not known:
        raise InputError(f"{path}: there is no campaign: put one into campaigns.d beside it")
    for one in campaigns:
        if one not in known:
            raise click.BadParameter(
                f"there is no campaign {one!r}; there is {', '.join(known)} (scenarios: contactd simulate dialer)"
            )
    return only(settings, campaigns)


def _told(found: "Audit") -> dict[str, object]:
    checks = [{"check": one.name, "count": one.count, "wrong": list(one.wrong)} for one in found.checks]
    return {
        "figures": found.figures,
        "kinds": found.kinds,
        "states": found.states,
        "checks": checks,
        "good": found.good,
    }


def _print_year(found: "Audit") -> None:
    told = (
        ("What happened", found.figures),
        ("How often, the rare things too", found.kinds),
        ("Where the accounts stand", found.states),
    )
    for title, figures in told:
        say("", title)
        for name, count in figures.items():
            say(f"  {count:>12,}  {name}")
    say("", "Checks")
    for check in found.checks:
        say(f"  {check.count:>12,}  {check.name}: {f'{len(check.wrong)} WRONG' if check.wrong else 'ok'}")
        for line in check.wrong[:_SHOWN]:
            say(f"                  {line}")
        if len(check.wrong) > _SHOWN:
            say(f"                  … and {len(check.wrong) - _SHOWN} more")


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
    from contactd.rehearsal.scenario import load, shipped

    texts = {name: load(path).text for name, path in shipped().items()}
    if json:
        emit_json(texts)
        return
    for name, text in texts.items():
        say(f"{name:<20} {text}")


@contextlib.contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[float], None]]:
    """Show how far the day is on a terminal, nothing elsewhere."""
    screen = console(err=True)
    if quiet or not screen.is_terminal:
        yield lambda _: None
        return
    import rich.progress

    with rich.progress.Progress(console=screen, transient=True) as bar:
        task = bar.add_task("simulating", total=1.0)
        yield lambda share: bar.update(task, completed=share)


def _print(scenario: "Scenario", figures: Mapping[str, float]) -> None:
    say(f"{scenario.agents} agents, {scenario.hours:g} hours, seed {scenario.seed}")
    if scenario.text:
        show_document(scenario.text.rstrip() + "\n")
    say("")
    for text, name in _SHARES:
        say(f"{text:<34} {_PERCENT * figures[name]:>9.2f} %")
    for text, name, unit in _NUMBERS:
        say(f"{text:<34} {figures[name]:>9.2f}{unit}")
    for name in _COUNTS:
        say(f"{name.replace('_', ' '):<34} {figures[name]:>9,.0f}")
    say("", f"{figures['speedup']:,.0f} times as fast as the clock on the wall")
