"""The verbs `import statement` and `payments`: bank statements in, and the payments nobody has been found for."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from contactd.cli.options import as_json, config_option, open_store, user
from contactd.cli.output import PARTIAL, emit_json, say
from contactd.cli.witness import import_deed
from contactd.domain.money import Money

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from contactd.config.settings import Settings
    from contactd.domain.bank import Entry
    from contactd.domain.matching import Match, Unclear
    from contactd.intake.accept import Options
    from contactd.store.audit import Deed


def _options(settings: "Settings", source: str, deed: "Deed | None" = None) -> "Options":
    from contactd.clock import SystemClock
    from contactd.engine.agreements.judgement import judge_of
    from contactd.intake.accept import Options

    return Options(SystemClock().now, source, judge=judge_of(settings, SystemClock()), deed=deed)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@config_option
@as_json
def statement(file: Path, config: Path | None, json: bool) -> None:
    """Import bank statements: CAMT.053, CAMT.054 or MT940.

    Each entry is matched by references, invoice and account numbers, mandate, or a known IBAN with exactly what is
    open; what is not certain waits for a person (contactd payments unmatched). A statement whose balances do not add
    up is refused whole. Importing the same entries again changes nothing.
    """
    from contactd.cli.intake import progress_bar
    from contactd.intake.banking import import_bank_statements

    with open_store(config) as (database, settings), progress_bar() as progress:
        options = _options(settings, str(file), import_deed(file))
        if progress:
            options = replace(options, progress=partial(progress, "writing"))
        ibans = {one.iban: name for name, one in settings.creditors.items() if one.iban}
        told = import_bank_statements(database, file, options, ibans=ibans, currencies=frozenset())
    if json:
        emit_json({**told.counts, "refused": told.refused, "undivided_sums": told.undivided})
    else:
        say("  ".join(f"{name} {count}" for name, count in told.counts.items()))
        for line in (*told.refused, *told.undivided):
            say(f"contactd: {line}", err=True)
        if told.counts["unmatched"]:
            say("contactd payments unmatched lists what nobody was found for")
    if told.refused:
        raise SystemExit(PARTIAL)


@click.group()
def payments() -> None:
    """See to the payments nobody has been found for."""


@payments.command("unmatched")
@config_option
@as_json
def unmatched_(config: Path | None, json: bool) -> None:
    """List the payments that wait, with whose they may be and why."""
    from contactd.intake.banking import unmatched

    with open_store(config) as (database, _), database.snapshot() as connection:
        rows = [_waiting(connection, *one) for one in unmatched(connection)]
    if json:
        emit_json(rows)
        return
    for row in rows:
        say(f"{row['payment']:6}  {row['value_date']}  {row['amount']!s:>14}  {row['payer']}  {row['reference']}")
        for one in row["suggestions"]:
            say(f"        {one['account']} of {one['creditor']}: {one['reason']}")
    say(f"{len(rows)} payments wait" if rows else "no payment waits")


def _waiting(connection: "Connection", payment_id: int, entry: "Entry", answer: "Match | Unclear") -> dict[str, Any]:
    from contactd.domain.matching import Match
    from contactd.store import bank

    certain = isinstance(answer, Match)
    guesses = (answer,) if isinstance(answer, Match) else answer.suggestions
    places = bank.places(connection, {one.account_id for one in guesses})
    return {
        "payment": payment_id,
        "value_date": entry.value_on,
        "amount": Money(entry.amount, entry.currency),
        "payer": entry.name,
        "iban": entry.iban,
        "reference": entry.purpose,
        "why": "" if certain else getattr(answer, "why", ""),
        "suggestions": [
            {
                "account": places[one.account_id].account_no,
                "creditor": places[one.account_id].creditor,
                "reason": one.reason,
            }
            for one in guesses
        ],
    }


@payments.command()
@click.argument("payment", type=int)
@click.argument("account")
@click.option("--creditor", help="Needed when several creditors have an account of that number.")
@click.option("--invoice", default="", help="The invoice it pays; else the oldest.")
@config_option
def assign(payment: int, account: str, creditor: str | None, invoice: str, config: Path | None) -> None:
    """Say that PAYMENT is ACCOUNT's."""
    from contactd.domain.errors import InputError
    from contactd.intake import banking
    from contactd.store import accounts

    with open_store(config) as (database, settings):
        with database.snapshot() as connection:
            found = accounts.find(connection, account, creditor)
        if not found:
            raise click.BadParameter(f"there is no account {account!r}", param_hint="ACCOUNT")
        if len(found) > 1:
            told = ", ".join(sorted({f"{row.creditor} in {row.currency}" for row in found}))
            raise InputError(f"account {account!r} exists for {told}: name one with --creditor")
        banking.assign(database, payment, found[0].id, invoice, _options(settings, user()))
    say(f"payment {payment} is {account}'s")
