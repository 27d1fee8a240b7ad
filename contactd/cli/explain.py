"""Verbs that say what would happen and why, and send nothing: plan, why."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from contactd.cli.options import as_json, config_option, ids_of, open_store
from contactd.cli.output import console, emit_json, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from contactd.config.settings import Settings
    from contactd.domain.campaign import Campaign
    from contactd.engine.ladder.book import Book
    from contactd.engine.ladder.run_summary import Summary, Tally
    from contactd.store.candidates import LeftOut
    from contactd.store.database import Database

_FAILED = 1


def _book(settings: "Settings", *, assumed_fresh: bool) -> "Book":
    """Put the rules in force; of another day nobody knows how old the payments will be, they are assumed to be in."""
    from contactd.engine.ladder.book import Book

    policies = dict(settings.policies)
    if assumed_fresh:
        say("payments are assumed to come in until then", err=True)
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
@click.option("--propose", is_flag=True, help="Write it down to be approved: contactd proposal.")
@config_option
@as_json
def plan(
    campaign: str | None, at: str | None, exit_code: bool, carry_out: bool, propose: bool, config: Path | None,
    json: bool,
) -> None:  # fmt: skip
    """Show what planning would take up and hold back, by step and reason; sends nothing without --now."""
    from contactd.engine.ladder.planner import Planner

    with open_store(config) as (database, settings):
        chosen = [one for one in settings.campaigns if campaign in (None, one.id)]
        if not chosen:
            raise click.BadParameter(_no_campaign(campaign or "", settings))
        if propose:
            _propose(database, settings, chosen, refused=carry_out or at is not None, json=json)
            return
        if carry_out:
            _refuse_unapproved(chosen)
            _carry_out([one.id for one in chosen], settings, json=json)
            return
        planner = Planner(database, _book(settings, assumed_fresh=at is not None), horizon=settings.planning.horizon)
        summaries = [planner.preview(one.id, _instant(at, one.timezone)) for one in chosen]
        nobody = _left_out(database, settings, at) if campaign is None else []
    if json:
        emit_json([*map(_summary_json, summaries), *(_left_out_json(nobody) if nobody else ())])
    else:
        for summary in summaries:
            _print_summary(summary)
        for one in nobody:
            say(f"no campaign takes up {_left_out_words(one)}")
    if exit_code and any(summary.count for summary in summaries):
        raise SystemExit(_FAILED)


def _propose(
    database: "Database", settings: "Settings", chosen: "list[Campaign]", *, refused: bool, json: bool
) -> None:
    from contactd.cli.proposals import propose

    if refused:
        raise click.UsageError("--propose goes by the facts as they are now: leave --now and --date out")
    propose(database, settings, [one.id for one in chosen], json=json)


def _refuse_unapproved(chosen: "list[Campaign]") -> None:
    """Leave campaigns on approval to --propose: the daemon would not know who asked."""
    waiting = [one.id for one in chosen if one.approval]
    if waiting:
        raise click.UsageError(
            f"somebody has to approve runs of {', '.join(waiting)}: contactd plan {waiting[0]} --propose"
        )


def _left_out(database: "Database", settings: "Settings", at: str | None) -> "list[LeftOut]":
    from contactd.domain.ladder import local_date
    from contactd.store import candidates

    timezone = settings.campaigns[0].timezone
    with database.snapshot() as connection:
        return candidates.left_out(connection, settings.campaigns, local_date(timezone, _instant(at, timezone)))


def _left_out_json(nobody: "list[LeftOut]") -> list[dict[str, object]]:
    from contactd.domain.money import Money

    rows = [
        {"kind": one.kind, "segment": one.segment, "count": one.accounts, "open": Money(one.owed, one.currency)}
        for one in nobody
    ]
    return [{"campaign": None, "taken": {}, "held": {}, "left_out": rows}]


def _left_out_words(one: "LeftOut") -> str:

    from contactd.domain.money import Money

    segment = f'segment "{one.segment}"' if one.segment else "no segment"
    many = "" if one.accounts == 1 else "s"
    return f"{one.accounts} {one.kind} account{many} of {segment}: {Money(one.owed, one.currency)}"


def _carry_out(campaigns: list[str], settings: "Settings", *, json: bool) -> None:
    from contactd.cli.control import ask

    done = [ask(settings.control_path, "POST", f"/plan/{campaign}") for campaign in campaigns]
    if json:
        emit_json(done)
        return
    for one in done:
        say(f"{one['campaign']}: {one['taken']} taken up")


def _no_campaign(name: str, settings: "Settings") -> str:
    known = ", ".join(campaign.id for campaign in settings.campaigns) or "none at all"
    return f"there is no campaign {name!r}; there is {known}"


def _summary_json(summary: "Summary") -> dict[str, object]:
    return {
        "campaign": summary.campaign,
        "at": summary.at.isoformat(),
        "taken": {step: _tally_json(tally) for step, tally in summary.taken.items()},
        "drawn": {arm: _tally_json(tally) for arm, tally in summary.drawn.items()},
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
    say(f"{summary.campaign}: {summary.count} would be taken up")
    for step, tally in summary.taken.items():
        say(f"  {step:32} {_tally_words(tally)}")
    for arm, tally in summary.drawn.items():
        say(f"  {f'arm {arm}':32} {_tally_words(tally)}   drawn by lot")
    for step, reasons in summary.held.items():
        for reason, tally in sorted(reasons.items()):
            say(f"  {step:32} {_tally_words(tally)}   held back: {reason}")


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
    from contactd.domain.errors import InputError
    from contactd.engine.ladder.explanation import explain

    with open_store(config) as (database, settings), database.snapshot() as connection:
        if not settings.campaigns:
            raise InputError("there is no campaign: put one into campaigns.d beside contactd.toml")
        ids = ids_of(connection, account, creditor)
        book = _book(settings, assumed_fresh=at is not None)
        instants = {one.id: _instant(at, one.timezone) for one in settings.campaigns}
        found = [explain(connection, book, account_id, instants) for account_id in ids]
        _add_law(connection, settings, ids, found)
    if json:
        emit_json(found)
        return
    for one in found:
        _print_explanation(one)


def _policy_words(told: dict[str, Any]) -> "Iterator[str]":
    """Say why the other campaigns do not take the account, and which way it goes in the one that does."""
    for other in told.get("campaigns", []):
        if not other["takes"]:
            yield f"not {other['campaign']}: {other['why']} ({other['has'] or 'none'})"
    if "arm" in told:
        yield _arm_words(told["arm"], told["campaign"])


def _arm_words(arm: dict[str, Any], campaign: str) -> str:
    if arm["id"] is None:
        return "an arm is drawn when it is first taken up"
    when = f"drawn {arm['drawn']}" if arm["drawn"] else "as the lot will fall"
    until = f": held out of campaign {campaign} until {arm['held_out_until']}" if arm["held_out_until"] else ""
    return f"arm {arm['id']}, {when}{until}"


def _add_law(connection: "Connection", settings: "Settings", ids: list[int], found: list[dict[str, Any]]) -> None:
    """Say beside each account when its claims are statute-barred, and what the next stage would cost it today."""
    from contactd.clock import SystemClock
    from contactd.config.fees import load_fees
    from contactd.engine.agreements.judgement import today_of
    from contactd.engine.debt.claims import owed_by, terms_of
    from contactd.engine.debt.limits import limits_told
    from contactd.engine.debt.next_stage import next_stage_told
    from contactd.engine.debt.statement_told import uncovered_told

    owed = owed_by(connection, ids, terms_of(settings), today_of(settings, SystemClock().now()))
    fees = load_fees(settings.fees_path)
    for one, told in zip(owed, found, strict=True):
        told["limitation"] = limits_told(one)
        told["next_stage"] = next_stage_told(one, fees)
        told["uncovered"] = uncovered_told(one)


def _print_explanation(told: dict[str, Any]) -> None:
    import rich.table

    opened = told["open"]
    amount = f"{opened['amount']} {opened['currency']}" if isinstance(opened, dict) else ""
    say(
        f"{told['account']} of {told['creditor']}: {amount} open, oldest due {told['oldest_due'] or '-'},"
        f" campaign {told['campaign'] or '-'}"
    )
    for one in told["history"] if isinstance(told["history"], list) else []:
        say(f"  {one['at']}  {one['step']} (try {one['try']})  {one['state']} {one['outcome']}")
    for line in _policy_words(told):
        say(f"  {line}")
    step = told.get("step")
    if isinstance(step, dict):
        say(f"  next: {step['id']} by {step['channel']}, due {step['due']}")
    table = rich.table.Table("rule", "answer", "when", "reason", box=None, pad_edge=False)
    rules = told.get("rules")
    for rule in rules if isinstance(rules, list) else []:
        table.add_row(rule["rule"], rule["answer"], rule.get("when", ""), rule.get("reason", ""))
    if table.rows:
        console().print(table)
    for line in _beside(told):
        say(f"  {line}")
    say(f"  => {told['decision']} {told.get('when', '')} {told.get('why', '')}".rstrip())
    if told["hint"]:
        say(f"  {told['hint']}")


def _beside(told: dict[str, Any]) -> "Iterator[str]":
    """Say what else there is to know: what holds the account, what is agreed, who has to do something."""
    hold = told.get("hold")
    if isinstance(hold, dict):
        yield f"on hold: {hold['reason']}, until {hold['until'] or 'somebody ends it'}"
    for one in told["agreements"]:
        last = one["history"][-1]
        stands = f"{one['kind']} {one['id']} is {one['state']} since {last['at']}"
        yield ": ".join(filter(None, (stands, last["reason"])))
    for one in told["tasks"]:
        late = ", OVERDUE" if one["overdue"] else ""
        words = ": ".join(filter(None, (f"{one['kind']} by {one['due_on']}{late}", one["owner"], one["note"])))
        yield f"task {one['id']}: {words}"
    for one in told["proposed"]:
        yield f"run {one['run']} waits for approval with {one['step']}, until {one['until']}"
    yield from _escalation(told)
    paused = told.get("paused")
    for name in paused if isinstance(paused, list) else []:
        yield f"{name} is paused"


def _escalation(told: dict[str, Any]) -> "Iterator[str]":
    """Say what was given up, where the account was handed to, and what the next stage would cost."""
    from contactd.engine.debt.limits import limit_words
    from contactd.engine.debt.next_stage import next_stage_words
    from contactd.engine.debt.statement_told import uncovered_words

    for one in told["limitation"]:
        yield f"{one['claim']} {limit_words(one)}"
    for one in told["written_off"]:
        amount = f"{one['amount']['amount']} {one['amount']['currency']}"
        yield f"{amount} {one['part']} written off on {one['on']}: {one['reason']} ({one['by']})"
    away = told["handover"]
    if away:
        who, at = away["decided_by"] or away["proposed_by"], away["decided_at"] or away["proposed_at"]
        yield f"hand-over to {away['to']} {away['state']} on {at[:10]}: {away['reason']} ({who})"
    yield from map(uncovered_words, told["uncovered"])
    if told["next_stage"]:
        yield next_stage_words(told["next_stage"])
