"""The verb `dossier`: all that proves a claim, in one ZIP for a lawyer or a court."""

from pathlib import Path

import click

from contactd.cli.options import config_option, day_of, open_store
from contactd.cli.output import PARTIAL, save, say
from contactd.cli.witness import note_reading


@click.command()
@click.argument("account")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The ZIP to be written.")
@click.option("--as-of", "as_of", help="As it stood at the end of this day, like 2026-12-31. Else today.")
@click.option("--creditor", default="", help="Needed when several creditors have an account of that number.")
@click.option("--currency", default="", help="Needed when the account is kept in several currencies.")
@click.option("--language", default="de", show_default=True, help="Of the statement and the words around it: de or en.")
@config_option
def dossier(
    account: str, output: Path, as_of: str | None, creditor: str, currency: str, language: str, config: Path | None
) -> None:
    """Write the dossier of ACCOUNT: statement, letters and messages as sent, contact log, agreements, application."""
    from contactd.engine.debt.debtors import choose
    from contactd.engine.debt.dossier import dossier as gathered

    with open_store(config) as (database, settings):
        day = day_of(as_of, settings.claims.timezone, "--as-of")
        with database.snapshot() as connection:
            made = gathered(connection, choose(connection, account, creditor, currency).id, settings, day, language)
        save(output, made.zipped(day))
        note_reading(database)
    say(f"{output}: {len(made.files)} files")
    for problem in made.problems:
        say(f"contactd: {problem}", err=True)
    if made.problems:
        raise SystemExit(PARTIAL)
