"""The verb `letters`: what becomes of letters once they have left; returned ones."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from contactd.cli.options import as_json, config_option, open_store, user
from contactd.cli.output import FAILED, PARTIAL, emit_json, say

if TYPE_CHECKING:
    from contactd.config.settings import Settings
    from contactd.store.database import Database

_REASONS = ("unknown", "moved", "refused")


@click.group()
def letters() -> None:
    """See to letters that have left."""


@letters.command()
@click.argument("references", metavar="REFERENCE", nargs=-1)
@click.option("--reason", type=click.Choice(_REASONS), default="unknown", show_default=True, help="What the post says.")
@click.option(
    "--file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="A list, one REFERENCE a line."
)
@click.option("--lift", is_flag=True, help="The address is right after all: letters may go there again.")
@click.option("--creditor", default="", help="Needed when several creditors have an account of that number.")
@config_option
@as_json
def returned(
    references: tuple[str, ...], reason: str, file: Path | None, lift: bool, creditor: str, config: Path | None,
    json: bool,
) -> None:  # fmt: skip
    """Note that letters came back: nobody writes to that address any more, and somebody is to find a better one.

    REFERENCE is the name of the letter's file, like 123-1.pdf, or an account number: then its last letter is meant.
    With --reason refused the address stays. To say it twice changes nothing.
    """
    from contactd.domain.errors import InputError

    asked = list(dict.fromkeys([*references, *(_listed(file) if file else ())]))
    if not asked:
        raise click.UsageError("name letters, or a list of them: --file LIST")
    done: list[dict[str, Any]] = []
    with open_store(config) as (database, settings):
        for reference in asked:
            try:
                done.append(
                    {"reference": reference, **_note(database, settings, reference, creditor, None if lift else reason)}
                )
            except InputError as error:
                done.append({"reference": reference, "error": str(error)})
    if json:
        emit_json(done)
    else:
        for line in _lines(done):
            say(line)
    wrong = [one for one in done if "error" in one]
    for one in wrong:
        say(f"contactd: {one['reference']}: {one['error']}", err=True)
    if wrong:
        raise SystemExit(PARTIAL if len(wrong) < len(done) else FAILED)


def _listed(file: Path) -> Iterator[str]:
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise click.BadParameter(f"{file} is no text in UTF-8", param_hint="--file") from None
    yield from filter(None, (line.strip() for line in text.splitlines()))


def _note(
    database: "Database", settings: "Settings", reference: str, creditor: str, reason: str | None
) -> dict[str, Any]:
    from contactd.cli.witness import witness
    from contactd.clock import SystemClock
    from contactd.engine.sending.returned_mail import find, lift, note

    with database.witnessed(witness(references=reference)).transaction() as connection:
        found = find(connection, reference, creditor)
        if reason is None:
            return lift(connection, found, by=user(), clock=SystemClock())
        return note(settings, connection, found, reason, by=user(), clock=SystemClock())


def _lines(done: Iterable[dict[str, Any]]) -> Iterator[str]:
    for one in done:
        if "error" in one:
            continue
        if "lifted" in one:
            yield (
                f"{one['reference']}: letters go again to {one['account']}"
                if one["lifted"]
                else f"{one['reference']}: nothing stood against the address"
            )
            continue
        if not one["noted"]:
            yield f"{one['reference']}: was noted before"
            continue
        task = f", task {one['task']}" if one["task"] else ""
        which = f"letter {one['attempt']} to {one['account']}"
        yield f"{one['reference']}: {which} came back, address {one['address']}{task}"
