"""Verbs for what a person has to say about claims before the law looks at it."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from contactd.cli.options import a_day, as_json, at_work, config_option, ids_of, of_account, open_store
from contactd.cli.output import emit_json, say

if TYPE_CHECKING:
    from contactd.engine.debt.circumstances import Circumstances
    from contactd.store.circumstances import Noted

_invoice = click.option("--invoice", "invoice_no", default="", help="Of this invoice alone.")
_on = click.option("--on", type=a_day, help="The day on which it happened; else today.")
_reason = click.option("--reason", required=True, help="In which words, and how we know.")


@click.group()
def claim() -> None:
    """Note what only a person can judge about claims; `withdraw` takes back what was wrong."""


@claim.command()
@of_account
@_invoice
@_on
@_reason
def refused(account: str, **options: Any) -> None:  # noqa: ANN401 - click made them of the options above
    """Note that ACCOUNT refused to pay, seriously and for good: that is default without a reminder (§ 286 BGB).

    Who only says that they cannot or do not want to pay now has not refused for good.
    """
    _note("refusal", account, **options)


@claim.command()
@of_account
@_invoice
@_on
@_reason
def acknowledged(account: str, **options: Any) -> None:  # noqa: ANN401 - as above
    """Note that ACCOUNT acknowledged the debt towards us: limitation begins anew on the next day (§ 212 BGB).

    Part payments do so by themselves and need no note.
    """
    _note("acknowledgement", account, **options)


@claim.command()
@of_account
@_invoice
@click.option("--from", "on", type=a_day, help="Their first day; else today.")
@click.option("--to", "until", type=a_day, help="Their last day; else they go on until `claim end`.")
@_reason
def negotiations(account: str, **options: Any) -> None:  # noqa: ANN401 - as above
    """Note that ACCOUNT negotiates with us about the claim: that time does not count for limitation (§ 203 BGB)."""
    _note("negotiations", account, **options)


@claim.command("court-order")
@of_account
@_invoice
@click.option("--served", "on", type=a_day, help="The day of service; else today.")
@click.option("--ended", "until", type=a_day, help="The day of the last step; else it goes on until `claim end`.")
@_reason
def court_order(account: str, **options: Any) -> None:  # noqa: ANN401 - as above
    """Note that a payment order was served on ACCOUNT: limitation rests, and six months longer (§ 204 BGB)."""
    _note("court_order", account, **options)


@claim.command()
@of_account
@_invoice
@_on
@_reason
def title(account: str, **options: Any) -> None:  # noqa: ANN401 - as above
    """Note that there is a final title against ACCOUNT: thirty years, later interest three (§ 197 BGB)."""
    _note("title", account, **options)


@claim.command()
@click.argument("circumstance", type=int)
@_on
@config_option
@as_json
def end(circumstance: int, on: datetime | None, config: Path | None, json: bool) -> None:
    """Note that the negotiations or proceedings under the number CIRCUMSTANCE ended."""
    _work(lambda noting, _: noting.end(circumstance, on.date() if on else None), config, json=json)


def _note(
    kind: str,
    account: str,
    *,
    invoice_no: str,
    on: datetime | None,
    until: datetime | None = None,
    reason: str,
    creditor: str,
    currency: str,
    config: Path | None,
    json: bool,
) -> None:
    from contactd.domain.circumstance import Kind
    from contactd.engine.debt.circumstances import Note
    from contactd.engine.debt.debtors import choose

    note = Note(Kind(kind), reason, on.date() if on else None, invoice_no, until.date() if until else None)
    _work(
        lambda noting, connection: noting.note(choose(connection, account, creditor, currency), note), config, json=json
    )


@claim.command()
@click.argument("circumstance", type=int)
@click.option("--reason", required=True, help="Why, for the others.")
@config_option
@as_json
def withdraw(circumstance: int, reason: str, config: Path | None, json: bool) -> None:
    """Take back what was noted under the number CIRCUMSTANCE: it counts as if it had never been."""
    _work(lambda noting, _: noting.withdraw(circumstance, reason), config, json=json)


@claim.command("list")
@click.argument("account")
@click.option("--creditor", help="Needed when several creditors have an account of that number.")
@config_option
@as_json
def list_(account: str, creditor: str | None, config: Path | None, json: bool) -> None:
    """Show all that was noted about the claims of ACCOUNT, oldest first."""
    from contactd.engine.debt.circumstances import told
    from contactd.store import circumstances

    with open_store(config) as (database, _), database.snapshot() as connection:
        ids = ids_of(connection, account, creditor)
        noted = [one for mine in circumstances.of_accounts(connection, ids).values() for one in mine]
        shown = list(told(connection, noted))
    _show(shown, json=json)


def _work(work: "Callable[[Circumstances, Any], Noted]", config: Path | None, *, json: bool) -> None:
    """Carry out in one transaction and show what is noted now."""
    from contactd.engine.debt.circumstances import Circumstances, told

    with at_work(config, Circumstances) as (noting, connection):
        shown = list(told(connection, [work(noting, connection)]))
    _show(shown, json=json)


def _show(shown: list[dict[str, Any]], *, json: bool) -> None:
    if json:
        emit_json(shown)
        return
    for one in shown:
        gone = f" (withdrawn by {one['withdrawn_by']}: {one['withdrawal']})" if one["withdrawn_at"] else ""
        ends = f" until {one['until']}" if one["until"] else ""
        what = f"{one['kind'].replace('_', ' ')} {one['invoice']}".rstrip()
        say(f"{one['id']:6}  {one['account']:14} {one['on']}{ends}  {what}{gone}")
        say(f"        {one['at']}  {one['reason']} ({one['by']})")
