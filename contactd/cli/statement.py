"""The verb that says what an account owes by law, line by line, so that a person can check it by hand."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from contactd.cli.options import as_json, config_option, day_of, ids_of, open_store
from contactd.cli.output import console, emit_json, save, say
from contactd.domain.money import Money

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from contactd.domain.claim_terms import Bearing
    from contactd.domain.statement import Balance
    from contactd.engine.debt.claims import Owed
    from contactd.engine.debt.statement_sheet import StatementPress

_PROVISIONAL = "the base rate is known until {} only: lines beyond it go on with the last one and are provisional"

_UNRATED = (
    "interest of {} is not told: its default began before {}, where the base rates begin; put earlier ones into a"
    " table of your own ([claims] base_rates), or the rate that was agreed into the list's contract_rate"
)

_BASES = {
    "contract": "agreed by contract",
    "consumer": "§ 288(1) BGB: a consumer owes it",
    "no_service": "§ 288(1) BGB: not for goods or services",
    "business": "§ 288(2) BGB: among businesses",
    "business_until_2014": "§ 288(2) BGB until 28 July 2014: among businesses",
    "consumer_loan": "§ 497(1) BGB: a consumer's loan",
    "property_loan": "§ 497(4) BGB: a consumer's loan secured by property",
}


@click.command()
@click.argument("account")
@click.option("--creditor", help="Needed when several creditors have an account of that number.")
@click.option("--as-of", "as_of", help="What is owed at the end of this day, like 2026-12-31. Else today.")
@click.option("--next-stage", "stage", is_flag=True, help="Say what a court payment order would cost.")
@click.option("--pdf", type=click.Path(path_type=Path, dir_okay=False), help="Set it as a PDF into this file.")
@click.option("--language", default="de", show_default=True, help="Of the PDF: de or en.")
@config_option
@as_json
def statement(
    account: str,
    creditor: str | None,
    as_of: str | None,
    stage: bool,
    pdf: Path | None,
    language: str,
    config: Path | None,
    json: bool,
) -> None:
    """Say what ACCOUNT owes: every claim with its default, every line of interest, where each payment went."""
    from contactd.config.fees import load_fees
    from contactd.engine.debt.claims import owed_by, terms_of
    from contactd.engine.debt.next_stage import next_stage_told, next_stage_words
    from contactd.engine.debt.statement_sheet import StatementPress
    from contactd.engine.debt.statement_told import statement_told

    with open_store(config) as (database, settings), database.snapshot() as connection:
        ids = ids_of(connection, account, creditor)
        terms = terms_of(settings)
        found = owed_by(connection, ids, terms, day_of(as_of, settings.claims.timezone, "--as-of"))
        if pdf is not None:
            _set(pdf, StatementPress(settings, terms.rates, language), connection, found)
    fees = load_fees(settings.fees_path) if stage else None
    if any(one.statement.provisional for one in found):
        say(f"contactd: {_PROVISIONAL.format(terms.rates.covered_until)}", err=True)
    for claim in (claim for one in found for claim in one.unrated()):
        say(f"contactd: {_UNRATED.format(claim, terms.rates.covered_from)}", err=True)
    if json:
        emit_json([statement_told(one) | ({"next_stage": next_stage_told(one, fees)} if fees else {}) for one in found])
    elif pdf is not None:
        say(str(pdf))
    else:
        for one in found:
            _print(one)
            if fees and (told := next_stage_told(one, fees)):
                say(next_stage_words(told))


def _set(path: Path, press: "StatementPress", connection: "Connection", found: "list[Owed]") -> None:
    """Write the PDF of the one account that is meant."""
    if len(found) > 1:
        known = ", ".join(f"{one.books.creditor} in {one.books.currency}" for one in found)
        raise click.BadParameter(f"the account exists for {known}: name one with --creditor", param_hint="--pdf")
    [pdf] = press.press(connection, found[0])
    save(path, pdf)


def _print(owed: "Owed") -> None:
    from contactd.engine.debt.limits import limit_of, limit_told, limit_words

    derived, money = owed.statement, partial(Money, currency=owed.books.currency)
    say(f"{owed.books.number} of {owed.books.creditor}, {owed.books.name}: what is owed on {derived.as_of}")
    for claim, balance in owed.claims():
        default = owed.defaults.get(claim.id)
        since = f"in default since {default.on} ({default.basis})" if default else "not in default"
        say("", f"{claim.id}: {money(claim.principal)}, due {claim.due_on}, {since}")
        say(f"  {_rate_words(owed.bearings[claim.id])}")
        _print_interest(balance, money)
        if balance.open:
            say(f"  {limit_words(limit_told(limit_of(owed, claim)))}")
        say(f"  open: {money(balance.principal)} and {money(balance.interest)} interest")
    for cost in owed.ledger.costs_until(derived.as_of):
        why = f"{cost.reason.replace('_', ' ')} {cost.claim}".rstrip() + (f" ({cost.note})" if cost.note else "")
        why += f", less {money(cost.set_off)}, the lump sum (§ 288(5) BGB)" if cost.set_off else ""
        say("", f"{cost.on}  {money(cost.amount)} charged: {why}")
    for one in owed.circumstances():
        what = f"{one.kind.value} of {one.claim or 'all invoices'}: {one.reason} (claim {one.id})"
        say("", f"{one.on}  {what}")
    _print_payments(owed, money)
    say(
        "",
        f"open: {money(derived.principal)} + {money(derived.costs)} costs + {money(derived.interest)} interest"
        f" = {money(derived.open)}",
    )
    if derived.credit:
        say(f"credit: {money(derived.credit)}")
    say(f"settles everything if it arrives on {derived.as_of}: {money(derived.payoff)}")


def _rate_words(bears: "Bearing") -> str:
    from contactd.domain.claim_terms import write_rate

    words = f"bears {write_rate(bears.rate)} ({_BASES[bears.basis]})"
    return f"{words}; payments settle costs, then principal, then interest (§ 497(3) BGB)" if bears.loan else words


def _print_payments(owed: "Owed", money: "Callable[[int], Money]") -> None:
    from contactd.engine.debt.statement_told import uncovered_told, uncovered_words

    received = {payment.id: payment for payment in owed.ledger.payments}
    for payment in owed.ledger.payments_until(owed.statement.as_of):
        parts = [one for one in owed.statement.allocations if one.payment == payment.id]
        went = [f"{money(one.amount)} to {one.part} of {one.claim or 'all'}" for one in parts]
        say("", f"{payment.on}  {money(payment.amount)} received: {', '.join(went) or 'kept as credit'}")
    for one in owed.statement.write_offs:
        say("", f"{one.on}  {money(one.amount)} written off: {one.part} of {one.claim or 'all'}")
    for reversal in owed.reversals():
        payment = received[reversal.payment]
        say("", f"{reversal.on}  {money(payment.amount)} of {payment.on} taken back")
    for told in uncovered_told(owed):
        say("", uncovered_words(told))


def _print_interest(balance: "Balance", money: "Callable[[int], Money]") -> None:
    import rich.table

    if not balance.segments:
        return
    table = rich.table.Table(box=None, pad_edge=False, padding=(0, 1))
    for title in ("  from", "to", "days", "of", "% a year", "year", "interest"):
        table.add_column(title, justify="left" if title in ("  from", "to") else "right", no_wrap=True)
    for line in balance.segments:
        first, percent = f"  {line.first}", f"{line.percent}{'*' if line.provisional else ''}"
        counts = (str(line.days), str(money(line.principal)), percent, str(line.denominator), str(money(line.amount)))
        table.add_row(first, str(line.last), *counts)
    console().print(table)
