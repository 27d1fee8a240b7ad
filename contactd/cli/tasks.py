"""Verbs for what people have to do: task open, done, drop, assign, postpone; tasks."""

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from contactd.cli.options import a_day, as_json, at_work, config_option, ids_of, open_store
from contactd.cli.output import emit_json, say

if TYPE_CHECKING:
    from contactd.engine.tasks.tasking import Told

_KINDS = ("meeting", "creditor", "address", "returned_mail", "review", "other")
_number = click.argument("number", metavar="TASK", type=int)
_reason = click.option("--reason", default="", help="Why, for the others.")


@click.group()
def task() -> None:
    """Give people something to do about an account, and write down what came out."""


@task.command("open")
@click.argument("account")
@click.argument("kind", type=click.Choice(_KINDS))
@click.option("--owner", default="", help="Who is to do it.")
@click.option("--due", type=a_day, help="The last day for it; else after [tasks] within.")
@click.option("--note", default="", help="What is to be done.")
@click.option("--creditor", default="", help="Needed when several creditors have an account of that number.")
@click.option("--currency", default="", help="Needed when the account is kept in several currencies.")
@config_option
@as_json
def open_(
    account: str, kind: str, owner: str, due: datetime | None, note: str, creditor: str, currency: str,
    config: Path | None, json: bool,
) -> None:  # fmt: skip
    """Open a task of that KIND about ACCOUNT; creditor: something is wrong on the creditor's side."""
    from contactd.domain.task import Kind
    from contactd.engine.debt.debtors import choose
    from contactd.engine.tasks.tasking import Order, Tasking, told

    order = Order(Kind(kind), owner, due.date() if due else None, note)
    with at_work(config, Tasking) as (tasking, connection):
        made = tasking.open(choose(connection, account, creditor, currency).id, order)
        shown = list(told(connection, [made], tasking.today))
    _show(shown, json=json)


@task.command()
@_number
@click.option("--outcome", required=True, help="What came out.")
@click.option("--reaction", is_flag=True, help="The customer reacted: the ladder that waits for it goes no further.")
@config_option
@as_json
def done(number: int, outcome: str, reaction: bool, config: Path | None, json: bool) -> None:
    """Note that TASK, by its number, is done: the ladder that waits for it goes on."""
    _say(config, number, json=json, word="done", reason=outcome, reaction=reaction)


@task.command()
@_number
@click.option("--reason", required=True, help="Why nobody is to do it.")
@config_option
@as_json
def drop(number: int, reason: str, config: Path | None, json: bool) -> None:
    """Note that nobody is going to do TASK: the ladder that waits for it goes on."""
    _say(config, number, json=json, word="drop", reason=reason)


@task.command()
@_number
@click.argument("owner")
@_reason
@config_option
@as_json
def assign(number: int, owner: str, reason: str, config: Path | None, json: bool) -> None:
    """Give TASK to OWNER."""
    _say(config, number, json=json, word="assign", owner=owner, reason=reason)


@task.command()
@_number
@click.argument("day", type=a_day)
@_reason
@config_option
@as_json
def postpone(number: int, day: datetime, reason: str, config: Path | None, json: bool) -> None:
    """Let TASK be done by another DAY."""
    _say(config, number, json=json, word="postpone", due_on=day.date(), reason=reason)


def _say(config: Path | None, number: int, *, json: bool, **said: Any) -> None:  # noqa: ANN401 - fields of Saying
    from contactd.engine.tasks.tasking import Saying, Tasking, told

    with at_work(config, Tasking) as (tasking, connection):
        shown = list(told(connection, [tasking.say(number, Saying(**said))], tasking.today))
    _show(shown, json=json)


@click.command("tasks")
@click.argument("account", required=False)
@click.option("--owner", help='Only this person\'s; "" for those nobody has.')
@click.option("--due", type=a_day, help="Only those to be done by that day.")
@click.option("--all", "ended", is_flag=True, help="Those that ended too.")
@click.option("--creditor", help="Needed when several creditors have an account of that number.")
@config_option
@as_json
def tasks_(
    account: str | None, owner: str | None, due: datetime | None, ended: bool, creditor: str | None,
    config: Path | None, json: bool,
) -> None:  # fmt: skip
    """Show what people have to do, of ACCOUNT or of all: the most urgent first."""
    from contactd.clock import SystemClock
    from contactd.domain.task import State
    from contactd.engine.agreements.judgement import today_of
    from contactd.engine.tasks.tasking import told
    from contactd.store import tasks
    from contactd.store.tasks import Which

    with open_store(config) as (database, settings), database.snapshot() as connection:
        ids = ids_of(connection, account, creditor) if account is not None else None
        which = Which(ids, owner, due.date() if due else None, None if ended else State.OPEN)
        found = sorted(tasks.listed(connection, which), key=lambda one: (one.due_on, one.id))
        shown = list(told(connection, found, today_of(settings, SystemClock().now())))
    _show(shown, json=json)


def _show(shown: "list[Told]", *, json: bool) -> None:

    if json:
        emit_json(shown)
        return
    for one in shown:
        say(_line(one))
    if not shown:
        say("nothing is to be done", err=True)


def _line(one: "Told") -> str:
    due = date.fromisoformat(one["due_on"])
    state = "OVERDUE" if one["overdue"] else one["state"]
    owed = f"{one['open']['amount']} {one['open']['currency']}"
    step = f"({one['campaign']}/{one['step']})" if one["campaign"] else ""
    words = " ".join(filter(None, (one["note"], step, f"=> {one['outcome']}" if one["outcome"] else "")))
    line = f"{one['id']:6}  {due}  {state:8} {one['kind']:14} {one['owner'] or '-':12} {one['account']:14} {owed:>14}"
    return f"{line}  {words}".rstrip()
