"""Verbs that say what would happen and why, and send nothing: plan, why."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from contactd.cli.options import as_json, config_option, open_store

if TYPE_CHECKING:
    from contactd.config.settings import Settings
    from contactd.engine.book import Book
    from contactd.engine.planner import Summary, Tally

_FAILED = 1


def _book(settings: "Settings", *, assumed_fresh: bool) -> "Book":
    """Put the rules in force; of another day nobody knows how old the payments will be, they are assumed to be in."""
    from contactd.engine.book import Book

    policies = dict(settings.policies)
    if assumed_fresh:
        click.echo("payments are assumed to come in until then", err=True)
        policies = {name: replace(policy, payments_max_age=None) for name, policy in policies.items()}
    return Book(settings.campaigns, policies)


def _instant(text: str | None, timezone: str) -> datetime:
    from contactd.clock import SystemClock

    if text is None:
        return SystemClock().now()
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no time; write 2026-12-01 or 2026-12-01T10:00") from None
    return (instant if instant.tzinfo else instant.replace(tzinfo=ZoneInfo(timezone))).astimezone(UTC)


@click.command()
@click.argument("campaign", required=False)
@click.option("--date", "at", help="As if it were this day or time (in the campaign's time zone).")
@click.option("--exit-code", is_flag=True, help="Exit with 1 when anything would be taken up.")
@click.option("--now", "carry_out", is_flag=True, help="Have the running daemon plan, and send, now.")
@config_option
@as_json
def plan(
    campaign: str | None, at: str | None, exit_code: bool, carry_out: bool, config: Path | None, json: bool
) -> None:
    """Show what planning would take up and hold back, by step and reason; sends and writes nothing without --now."""
    from contactd.cli.output import emit_json
    from contactd.engine.planner import Planner

    with open_store(config) as (database, settings):
        chosen = [one for one in settings.campaigns if campaign in (None, one.id)]
        if not chosen:
            raise click.BadParameter(_no_campaign(campaign or "", settings))
        if carry_out:
            _carry_out([one.id for one in chosen], settings, json=json)
            return
        planner = Planner(database, _book(settings, assumed_fresh=at is not None), horizon=settings.planning.horizon)
        summaries = [planner.preview(one.id, _instant(at, one.timezone)) for one in chosen]
    if json:
        emit_json([_summary_json(summary) for summary in summaries])
    else:
        for summary in summaries:
            _print_summary(summary)
    if exit_code and any(summary.count for summary in summaries):
        raise SystemExit(_FAILED)


def _carry_out(campaigns: list[str], settings: "Settings", *, json: bool) -> None:
    from contactd.cli.control import ask
    from contactd.cli.output import emit_json

    done = [ask(settings.control_path, "POST", f"/plan/{campaign}") for campaign in campaigns]
    if json:
        emit_json(done)
        return
    for one in done:
        click.echo(f"{one['campaign']}: {one['taken']} taken up")


def _no_campaign(name: str, settings: "Settings") -> str:
    known = ", ".join(campaign.id for campaign in settings.campaigns) or "none at all"
    return f"there is no campaign {name!r}; there is {known}"


def _summary_json(summary: "Summary") -> dict[str, object]:
    return {
        "campaign": summary.campaign,
        "at": summary.at.isoformat(),
        "taken": {step: _tally_json(tally) for step, tally in summary.taken.items()},
        "held": {
            step: {reason: _tally_json(tally) for reason, tally in reasons.items()}
            for step, reasons in summary.held.items()
        },
    }


def _tally_json(tally: "Tally") -> dict[str, object]:
    from contactd.domain.money import Money

    return {
        "count": tally.count,
        "amounts": [Money(minor, currency).as_json() for currency, minor in sorted(tally.amounts.items())],
    }


def _print_summary(summary: "Summary") -> None:
    click.echo(f"{summary.campaign}: {summary.count} would be taken up")
    for step, tally in summary.taken.items():
        click.echo(f"  {step:32} {_tally_words(tally)}")
    for step, reasons in summary.held.items():
        for reason, tally in sorted(reasons.items()):
            click.echo(f"  {step:32} {_tally_words(tally)}   held back: {reason}")


def _tally_words(tally: "Tally") -> str:
    from contactd.domain.money import Money

    amounts = ", ".join(str(Money(minor, currency)) for currency, minor in sorted(tally.amounts.items()))
    return f"{tally.count:8}   {amounts}"


@click.command()
@click.argument("account")
@click.option("--creditor", help="Needed when several creditors have an account of that number.")
@click.option("--at", help="As if it were this time (in the campaign's time zone).")
@config_option
@as_json
def why(account: str, creditor: str | None, at: str | None, config: Path | None, json: bool) -> None:
    """Say where ACCOUNT stands on its ladder, what comes next and when, and what each rule says to that."""
    from contactd.cli.output import emit_json
    from contactd.domain.errors import InputError
    from contactd.engine.explanation import explain
    from contactd.store import accounts

    with open_store(config) as (database, settings), database.snapshot() as connection:
        if not settings.campaigns:
            raise InputError("there is no campaign: put one into campaigns.d beside contactd.toml")
        ids = [row.id for row in accounts.find(connection, account, creditor)]
        if not ids:
            raise click.BadParameter(f"there is no account {account!r}", param_hint="ACCOUNT")
        book = _book(settings, assumed_fresh=at is not None)
        instants = {one.id: _instant(at, one.timezone) for one in settings.campaigns}
        found = [explain(connection, book, account_id, instants) for account_id in ids]
    if json:
        emit_json(found)
        return
    for one in found:
        _print_explanation(one)


def _print_explanation(told: dict[str, Any]) -> None:
    import rich.console
    import rich.table

    console = rich.console.Console(highlight=False, markup=False)
    opened = told["open"]
    amount = f"{opened['amount']} {opened['currency']}" if isinstance(opened, dict) else ""
    console.print(
        f"{told['account']} of {told['creditor']}: {amount} open, oldest due {told['oldest_due'] or '-'},"
        f" campaign {told['campaign'] or '-'}"
    )
    for one in told["history"] if isinstance(told["history"], list) else []:
        console.print(f"  {one['at']}  {one['step']} (try {one['try']})  {one['state']} {one['outcome']}")
    step = told.get("step")
    if isinstance(step, dict):
        console.print(f"  next: {step['id']} by {step['channel']}, due {step['due']}")
    table = rich.table.Table("rule", "answer", "when", "reason", box=None, pad_edge=False)
    rules = told.get("rules")
    for rule in rules if isinstance(rules, list) else []:
        table.add_row(rule["rule"], rule["answer"], rule.get("when", ""), rule.get("reason", ""))
    if table.rows:
        console.print(table)
    for campaign, name in told.get("filters", {}).items():
        console.print(f"  {campaign} does not take it up: {name}")
    hold = told.get("hold")
    if isinstance(hold, dict):
        console.print(f"  on hold: {hold['reason']}, until {hold['until'] or 'somebody ends it'}")
    for one in told["agreements"]:
        last = one["history"][-1]
        stands = f"{one['kind']} {one['id']} is {one['state']} since {last['at']}"
        words = ": ".join(filter(None, (stands, last["reason"])))
        console.print(f"  {words}")
    paused = told.get("paused")
    for name in paused if isinstance(paused, list) else []:
        console.print(f"  {name} is paused")
    console.print(f"  => {told['decision']} {told.get('when', '')} {told.get('why', '')}".rstrip())
