"""The verb import: lists of accounts and payments out of CSV files."""

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from contactd.cli.bank import statement
from contactd.cli.options import as_json, config_option
from contactd.cli.output import FAILED, NOT_ALLOWED, PARTIAL, console, emit_json, fail, say
from contactd.cli.witness import import_deed

if TYPE_CHECKING:
    from contactd.config.settings import Settings
    from contactd.intake.accept import Report
    from contactd.intake.profile import Profile
    from contactd.intake.reader import Table

Kind = Literal["accounts", "payments"]
_PROFILES = "profiles.d"
_SHOWN = 5

file_argument = click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
profile_option = click.option(
    "--profile", metavar="FILE|NAME", help="How a foreign list is read: a TOML file, or its name in profiles.d."
)


@click.group("import")
def import_() -> None:
    """Import accounts or payments out of a CSV file.

    Rows that cannot be taken are written to FILE.rejected.csv with row, column and reason; all others are taken.
    Importing the same file again changes nothing.

    Exit codes: 0 everything taken, 6 some rows rejected, 4 refused without --force, 1 nothing usable.
    """


import_.add_command(statement)


@import_.command()
@file_argument
@click.option("--full", is_flag=True, help="The file shows everything that is open: what is missing is cleared.")
@click.option("--force", is_flag=True, help="Let --full clear what looks like an accident.")
@profile_option
@config_option
@as_json
def accounts(file: Path, full: bool, force: bool, profile: str | None, config: Path | None, json: bool) -> None:
    """Import open invoices and who owes them, one row an invoice.

    Columns: account_no, creditor, name, kind (consumer|business), language, timezone, country, region, email, phone,
    mobile, street, postcode, city, birth_date, segment, invoice_no, invoice_date, due_date, amount, open, currency,
    terms, goods, claim_kind (service|other|consumer_loan|property_loan) and contract_rate ("11 %", "base + 7 %") where
    [claims] says something else of the others, contract_date (what agencies write names it). Needed: account_no, name,
    invoice_no, invoice_date, due_date, and open or amount. What a file has no column for stays as it is.

    --full speaks for the creditors that have a row in the file; others are left as they are, and named. So a file
    without a row is refused, even with --force. Without --force it is also refused when more than [intake] max_vanish
    of the open accounts would be cleared, when the file ends in the middle of a row, and when a rejected row does not
    tell its account number, so that the account would be cleared by mistake.
    """
    _import("accounts", file, full=full, force=force, profile=profile, config=config, json=json)


@import_.command()
@file_argument
@profile_option
@config_option
@as_json
def payments(file: Path, profile: str | None, config: Path | None, json: bool) -> None:
    """Import payments; a file with nothing but headers says that there was none.

    Columns: invoice_no or account_no, amount, currency, value_date, reference, creditor. A negative amount is a
    payment that was returned.

    Accounts named by a rejected row are on hold (payment_rejected) until payments are imported again.
    """
    _import("payments", file, full=False, force=False, profile=profile, config=config, json=json)


def _import(
    kind: Kind, file: Path, *, full: bool, force: bool, profile: str | None, config: Path | None, json: bool
) -> None:
    from contactd.clock import SystemClock
    from contactd.config.load import find, load
    from contactd.domain.errors import NeedsForce
    from contactd.engine.agreements.judgement import judge_of, judge_some
    from contactd.intake.accept import Options
    from contactd.intake.files import import_file, rejected_path
    from contactd.store.database import open_database

    path = find(config)
    settings = load(path, campaigns=False, secrets=False)
    chosen = _profile(kind, profile, path.parent)
    database = open_database(settings.database_url)
    try:
        database.check_version()
        gc.freeze()  # or every full round of the garbage collector goes through all that was loaded, for nothing
        judge = judge_of(settings, SystemClock())
        deed, most = import_deed(file, full=full, force=force), settings.intake.max_vanish
        options = Options(SystemClock().now, full=full, force=force, max_vanish=most, judge=judge, deed=deed)
        with progress_bar() as progress:
            report, table = import_file(database, file, chosen, options, progress=progress, **_defaults(settings))
        judge_some(database, report.touched, settings, SystemClock())
    except NeedsForce as error:
        fail(str(error), NOT_ALLOWED)
    finally:
        database.close()
    _show(report, table, rejected_path(file), json=json)


def _defaults(settings: "Settings") -> dict[str, Any]:
    return {"country": settings.intake.country, "currency": settings.intake.currency}


def _profile(kind: Kind, name: str | None, beside: Path) -> "Profile":
    """Find a profile by file, by name beside the configuration, by name among those shipped."""
    from contactd.config.shipped import defaults_directory
    from contactd.intake.profile import load_profile, own

    if name is None:
        return own(kind)
    if name.endswith(".toml") or "/" in name:
        return load_profile(Path(name), kind)
    folders = (beside / _PROFILES, defaults_directory() / "config" / _PROFILES)
    for folder in folders:
        if (folder / f"{name}.toml").is_file():
            return load_profile(folder / f"{name}.toml", kind)
    known = sorted({path.stem for folder in folders for path in folder.glob("*.toml")})
    raise click.BadParameter(
        f"there is no profile {name!r}; known: {', '.join(known) or 'none'}", param_hint="--profile"
    )


@contextmanager
def progress_bar() -> Iterator[Callable[[str, float], None] | None]:
    """Draw a bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import Progress as Bars

    with Bars(console=console(err=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def note(stage: str, share: float) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=1.0)
            bars.update(tasks[stage], completed=share)

        yield note


def _show(report: "Report", table: "Table", rejects: Path | None, *, json: bool) -> None:
    for line in _remarks(report, table, rejects):
        say(f"contactd: {line}", err=True)
    if json:
        shown = report.as_json()
        emit_json({**shown, "rejected_file": str(rejects) if report.rejected and rejects else None})
    else:
        names = ("accepted", "new", "changed", "cleared", "unchanged", "unmatched", "rejected")
        say("  ".join(f"{name} {report.counts[name]:,}" for name in names if name in report.counts))
    if report.rejected:
        raise SystemExit(FAILED if report.useless else PARTIAL)


def _credits(report: "Report") -> Iterator[str]:
    for one in report.credits[:_SHOWN]:
        yield f"row {one.row}: {one.what}"
    if len(report.credits) > _SHOWN:
        yield f"… and {len(report.credits) - _SHOWN:,} more rows of credit; --json shows all of them"


def _remarks(report: "Report", table: "Table", rejects: Path | None) -> Iterator[str]:
    if table.ignored_columns:
        yield f"columns left out of account: {', '.join(table.ignored_columns)}"
    if table.ignored:
        yield f"total lines left out: {table.ignored}"
    for creditor in report.left:
        yield f"creditor {creditor or '(none)'} is not in this list: left as it is"
    yield from _credits(report)
    if report.unmatched:
        rows = ", ".join(map(str, report.unmatched[:_SHOWN]))
        more = "" if len(report.unmatched) <= _SHOWN else ", …"
        yield f"payments that fit no account, kept until it comes: row {rows}{more}"
    for one in report.rejected[:_SHOWN]:
        place = f"row {one.row}: {one.column}" if one.column else f"row {one.row}"
        yield f"{place}: {one.reason}"
    if report.rejected and report.kind == "payments":
        yield (
            f"WARNING: whoever made the rejected payments has paid: {report.counts['held']:,} accounts these rows name "
            "are on hold (payment_rejected) until payments are imported again; mend the rows and import them"
        )
    if report.rejected and rejects:
        yield f"rejected rows with their reasons: {rejects}"
    elif report.rejected:
        yield f"rejected rows are kept in no file: {table.path} is none; --json shows all of them with their reasons"
