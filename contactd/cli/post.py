"""Verbs for what is posted on accounts by hand: post cost, write-off, reverse, list."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from contactd.cli.options import a_day, as_json, at_work, config_option, ids_of, of_account, open_store
from contactd.cli.output import emit_json, say

if TYPE_CHECKING:
    from contactd.engine.debt.bookings import Bookings, Entry
    from contactd.store.postings import Booked

_PURPOSES = ("agency", "lawyer", "court", "inquiry", "reminder", "other")
_amount = click.argument("amount", required=False, default="")
_invoice = click.option("--invoice", "invoice_no", default="", help="Of this invoice alone.")
_on = click.option("--on", type=a_day, help="The value date; else today.")
_reason = click.option("--reason", required=True, help="Why, for the others.")


@click.group()
def post() -> None:
    """Post a cost or a write-off on an account. Nothing is ever edited: a mistake is taken back by `post reverse`."""


@post.command()
@of_account
@_amount
@click.option("--for", "purpose", type=click.Choice(_PURPOSES), default="other", show_default=True, help="What for.")
@click.option("--rvg", "rate", default="", help="Instead of AMOUNT: an agency's fee by this rate of the RVG, like 0.9.")
@_invoice
@_on
@_reason
def cost(account: str, amount: str, purpose: str, rate: str, **options: Any) -> None:  # noqa: ANN401 - click made them of the options above
    """Charge ACCOUNT a cost of its default, like 25.00: it stands in the statement, and payments settle it first."""
    from contactd.domain.posting import Kind, Purpose
    from contactd.engine.debt.bookings import Entry

    if not amount and not rate:
        raise click.UsageError("say how much, like 25.00, or --rvg 0.9 for an agency's fee")
    _post(account, lambda rest: Entry(Kind.COST, amount, purpose=Purpose(purpose), rate=rate, **rest), **options)


@post.command("write-off")
@of_account
@_amount
@click.option(
    "--part", type=click.Choice(["principal", "interest", "costs"]), help="What AMOUNT is of; else principal."
)
@_invoice
@_on
@_reason
def write_off(account: str, amount: str, part: str | None, **options: Any) -> None:  # noqa: ANN401 - as above
    """Give AMOUNT of what ACCOUNT owes up, or all of it: nobody is asked for it any more."""
    from contactd.domain.appropriation import Part
    from contactd.domain.posting import Kind
    from contactd.engine.debt.bookings import Entry

    chosen = Part(part) if part else None
    _post(account, lambda rest: Entry(Kind.WRITE_OFF, amount, part=chosen, **rest), **options)


def _post(
    account: str,
    entry: "Callable[[dict[str, Any]], Entry]",
    *,
    invoice_no: str,
    on: datetime | None,
    reason: str,
    creditor: str,
    currency: str,
    config: Path | None,
    json: bool,
) -> None:
    from contactd.engine.debt.debtors import choose

    made = entry({"invoice_no": invoice_no, "on": on.date() if on else None, "reason": reason})
    _work(
        lambda bookings, connection: bookings.post(choose(connection, account, creditor, currency), made),
        config,
        json=json,
    )


@post.command()
@click.argument("posting", type=int)
@_reason
@config_option
@as_json
def reverse(posting: int, reason: str, config: Path | None, json: bool) -> None:
    """Take POSTING back, by its number: what it had closed is open again."""
    _work(lambda bookings, _: [bookings.reverse(posting, reason)], config, json=json)


@post.command("list")
@click.argument("account")
@click.option("--creditor", help="Needed when several creditors have an account of that number.")
@config_option
@as_json
def list_(account: str, creditor: str | None, config: Path | None, json: bool) -> None:
    """Show all postings on ACCOUNT, oldest first."""
    from contactd.engine.debt.bookings import told
    from contactd.store import postings

    with open_store(config) as (database, _), database.snapshot() as connection:
        ids = ids_of(connection, account, creditor)
        booked = [one for mine in postings.of_accounts(connection, ids).values() for one in mine]
        shown = list(told(connection, booked))
    _show(shown, json=json)


def _work(work: "Callable[[Bookings, Any], list[Booked]]", config: Path | None, *, json: bool) -> None:
    """Carry out in one transaction and show what was posted."""
    from contactd.engine.debt.bookings import Bookings, told

    with at_work(config, Bookings) as (bookings, connection):
        shown = list(told(connection, work(bookings, connection)))
    _show(shown, json=json)


def _show(shown: list[dict[str, Any]], *, json: bool) -> None:
    if json:
        emit_json(shown)
        return
    for one in shown:
        amount = f"{one['amount']['amount']} {one['amount']['currency']}"
        what = " ".join(filter(None, (one["kind"].replace("_", "-"), one["purpose"], one["part"], one["invoice"])))
        takes = f" of posting {one['reverses']}" if one["reverses"] else ""
        gone = f" (reversed by {one['reversed_by']})" if one["reversed_by"] else ""
        say(f"{one['id']:6}  {one['account']:14} {one['on']}  {amount:>14}  {what}{takes}{gone}")
        say(f"        {one['at']}  {one['reason']} ({one['by']})")
