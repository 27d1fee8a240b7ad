"""Verbs for runs that wait for approval: runs, proposal show, drop, approve, reject; and `plan --propose`."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from contactd.cli.options import as_json, config_option, open_store, user
from contactd.cli.output import emit_json, say, show_csv

if TYPE_CHECKING:
    from datetime import datetime

    from contactd.config.settings import Settings
    from contactd.engine.ladder.proposing import Told
    from contactd.store.database import Database

_SHOWN = 50  # accounts; all of them with --json or --csv
_COLUMNS = (
    "account", "creditor", "name", "step", "channel", "try", "level", "amount", "currency", "due_since", "not_before",
    "next_step", "dropped", "dropped_by", "falls_out",
)  # fmt: skip


@click.command()
@click.argument("campaign", required=False)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 100_000), help="The newest so many.")
@config_option
@as_json
def runs(campaign: str | None, limit: int, config: Path | None, json: bool) -> None:
    """List the planning runs of CAMPAIGN or of all, newest first: which wait, who decided about the others."""
    from contactd.clock import SystemClock
    from contactd.engine.ladder.proposing import told_run
    from contactd.store import proposals

    with open_store(config) as (database, _), database.snapshot() as connection:
        found = proposals.listed(connection, campaign, limit=limit)
        out = proposals.dropped(connection, [row.id for row in found])
        now = SystemClock().now()
        told = [told_run(row, out.get(row.id, {}), now) for row in found]
    if json:
        emit_json(told)
        return
    for one in told:
        say(_run_line(one))


def _run_line(one: "Told") -> str:
    words = f"{one['run']:6}  {one['campaign']:20} {one['state']:11} {one['accounts']:8} accounts  "
    words += f"planned {one['planned_at'][:16]} by {one['planned_by']}"
    if one["decided_at"]:
        words += f", {one['state']} {one['decided_at'][:16]} by {one['decided_by']}"
    return f"{words}: {one['reason']}" if one["reason"] else words


@click.group()
def proposal() -> None:
    """Look at a run that waits for approval (contactd plan CAMPAIGN --propose), drop accounts, approve or reject it."""


@proposal.command()
@click.argument("run", type=int)
@click.option("--csv", "csv", is_flag=True, help="Write every account as CSV.")
@config_option
@as_json
def show(run: int, csv: bool, config: Path | None, json: bool) -> None:
    """Show RUN with its accounts as proposed: step, channel, what is overdue since when, level, what follows.

    While it waits, also what would fall out were it approved now, because of what happened since.
    """
    from contactd.clock import SystemClock
    from contactd.engine.ladder.proposing import known, proposing_of, told_line
    from contactd.store import proposals

    with open_store(config) as (database, settings):
        told, fallen = proposing_of(database, settings).outlook(run, SystemClock().now())
        with database.snapshot() as connection:
            ladder = known(connection, run).ladder
            lines = (
                {**told_line(line, ladder), "falls_out": fallen.get(line.account_id, "")}
                for line in proposals.lines(connection, run)
            )
            if json:
                emit_json({**told, "lines": list(lines)})
            elif csv:
                _write_csv(lines)
            else:
                _print_run(told, lines)


def _read(connection: Any, run: int, now: "datetime") -> "Told":  # noqa: ANN401 - SQLAlchemy's
    from contactd.engine.ladder.proposing import known, told_run
    from contactd.store import proposals

    return told_run(known(connection, run), proposals.dropped(connection, [run]).get(run, {}), now)


def _write_csv(lines: "Iterable[Told]") -> None:
    from contactd.domain.spreadsheet import harmless

    told = ({**line, **line["amount"]} for line in lines)
    show_csv(_COLUMNS, ({name: harmless(str(one[name])) for name in _COLUMNS if one[name] is not None} for one in told))


def _print_run(told: "Told", lines: "Iterator[Told]") -> None:

    say(_run_line(told))
    fresh = told["payments_as_of"]
    say(f"        payments as of {fresh[:16] if fresh else 'never'}; expires {told['expires_at'][:16]}")
    _print_tallies(told)
    for reason, count in told["dropped"].items():
        say(f"  {'dropped':32} {count:8}   {reason}")
    for reason, count in Counter(one["reason"] for one in told["falls_out"]).items():
        say(f"  {'would fall out now':32} {count:8}   {reason}")
    for line in islice(lines, _SHOWN):
        amount = f"{line['amount']['amount']} {line['amount']['currency']}"
        words = f"  {line['account']:14} {line['step']:24} {line['channel']:8} {amount:>16} since {line['due_since']}"
        words += f"  level {line['level']}, then {line['next_step'] or 'nothing'}"
        if line["dropped"]:
            words += f"  dropped: {line['dropped']} ({line['dropped_by']})"
        say(f"{words}  would fall out: {line['falls_out']}" if line["falls_out"] else words)
    if next(lines, None):
        say("  … and more; all of them with --csv or --json")


def _print_tallies(told: "Told") -> None:
    for step, tally in told["steps"].items():
        say(f"  {step:32} {_tally(tally)}")
    for step, reasons in told["held"].items():
        for reason, tally in sorted(reasons.items()):
            say(f"  {step:32} {_tally(tally)}   held back: {reason}")


def _tally(tally: "Told") -> str:
    return f"{tally['count']:8}   " + ", ".join(f"{one['amount']} {one['currency']}" for one in tally["amounts"])


@proposal.command()
@click.argument("run", type=int)
@click.argument("accounts", nargs=-1, required=True)
@click.option("--creditor", help="Needed when several creditors have an account of that number.")
@click.option("--reason", required=True, help="Why, for the others.")
@config_option
def drop(run: int, accounts: tuple[str, ...], creditor: str | None, reason: str, config: Path | None) -> None:
    """Take ACCOUNTS out of RUN; their step comes again with the next run (for longer: contactd stop)."""
    from contactd.clock import SystemClock
    from contactd.engine.ladder.proposing import account_ids, proposing_of

    with open_store(config) as (database, settings):
        with database.snapshot() as connection:
            ids = account_ids(connection, run, accounts, creditor)
        now = SystemClock().now()
        count = proposing_of(database, settings).drop(run, ids, reason=reason, by=user(), now=now)
    say(f"run {run}: {count} dropped")


@proposal.command()
@click.argument("run", type=int)
@click.option("--by", default="", help="Who decided, where several share a login; stands beside it.")
@config_option
@as_json
def approve(run: int, by: str, config: Path | None, json: bool) -> None:
    """Have RUN sent: the rules are asked once more, who has paid meanwhile falls out."""
    from contactd.clock import SystemClock
    from contactd.engine.ladder.proposing import Person, proposing_of

    person = Person(f"{by} ({user()})" if by else user(), user())
    with open_store(config) as (database, settings):
        proposing = proposing_of(database, settings)
        released, dropped = proposing.approve(run, person, SystemClock().now(), four_eyes=settings.planning.four_eyes)
    if json:
        emit_json({"run": run, "state": "executed", "released": released, "dropped": dropped})
        return
    say(f"run {run}: {released} will be sent")
    for reason, count in dropped.items():
        say(f"  {count:8}   not, because: {reason}")


@proposal.command()
@click.argument("run", type=int)
@click.option("--reason", required=True, help="Why, for the others.")
@config_option
def reject(run: int, reason: str, config: Path | None) -> None:
    """Have nothing of RUN sent; what is due comes again with the next run."""
    from contactd.clock import SystemClock
    from contactd.engine.ladder.proposing import proposing_of

    with open_store(config) as (database, settings):
        proposing_of(database, settings).reject(run, reason=reason, by=user(), now=SystemClock().now())
    say(f"run {run} is rejected")


def propose(database: "Database", settings: "Settings", campaigns: list[str], *, json: bool) -> None:
    """Write a run of each campaign that is to be approved, and tell of it."""
    from contactd.cli.witness import witness
    from contactd.clock import SystemClock
    from contactd.engine.ladder.proposing import proposing_of

    found = []
    for campaign in campaigns:
        now = SystemClock().now()
        proposing = proposing_of(database.witnessed(witness(campaign=campaign)), settings)
        summary = proposing.propose(campaign, now, user())
        with database.snapshot() as connection:
            found.append(_read(connection, summary.batch_id or 0, now))
    if json:
        emit_json(found)
        return
    for one in found:
        say(f"{one['campaign']}: run {one['run']} of {one['accounts']} accounts waits for approval")
        say(f"        payments as of {(one['payments_as_of'] or 'never')[:16]}; expires {one['expires_at'][:16]}")
        _print_tallies(one)
