"""The verbs `log seal` and `log verify`: the proof that nobody has changed the contact log."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from contactd.cli.options import as_json, config_option, open_store
from contactd.cli.output import FAILED, emit_json, say

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from contactd.domain.sealing import Fault
    from contactd.engine.records.evidence import Verdict

_ANCHOR = re.compile(r"[0-9a-f]{16,64}")
_SHOWN = 10  # spans of erased entries


@click.command()
@config_option
@as_json
def seal(config: Path | None, json: bool) -> None:
    """Seal at once what the daemon would seal within a minute or two, and print the anchor."""
    from contactd.clock import SystemClock
    from contactd.engine.records.evidence import seal_now

    with open_store(config) as (database, _):
        block = seal_now(database, SystemClock().now)
    if json:
        emit_json({"sealed_to": block.last_id, "blocks": block.number, "anchor": block.hash.hex()})
    else:
        say(f"sealed up to entry {block.last_id} in {block.number} blocks", f"anchor {block.hash.hex()}")


@click.command()
@click.option("--anchor", "anchors", multiple=True, help="A hash written down before, or its first 16 letters or more.")
@config_option
@as_json
def verify(anchors: tuple[str, ...], config: Path | None, json: bool) -> None:
    """Prove that no sealed entry was changed, added or taken away; names the first that was (exit code 1).

    Whoever may write to the database could make all of it anew: only an anchor that was written down elsewhere shows
    that. Print it from time to time; the daemon's journal has one for each block (`log_sealed`).
    """
    from contactd.cli.intake import progress_bar
    from contactd.engine.records.evidence import verify as walk

    wanted = [_anchor(one) for one in anchors]
    with open_store(config) as (database, _), database.snapshot() as connection, progress_bar() as bar:
        verdict = walk(connection, wanted, (lambda share: bar("verifying", share)) if bar else None)
        broken = _broken(connection, verdict.fault) if verdict.fault else None
    if json:
        emit_json(_as_json(verdict, broken))
    else:
        _tell(verdict, broken)
    if not verdict.sound:
        raise SystemExit(FAILED)


def _anchor(text: str) -> str:
    plain = re.sub(r"[\s:-]", "", text).lower()
    if not _ANCHOR.fullmatch(plain):
        raise click.BadParameter(f"{text!r} is no anchor; write 16 to 64 letters of 0-9 and a-f", param_hint="--anchor")
    return plain


def _broken(connection: "Connection", fault: "Fault") -> dict[str, Any]:
    """Describe a fault as far as the entry still tells."""
    from contactd.domain.sealing import OPEN, PERSONAL
    from contactd.store import accounts
    from contactd.store.columns import from_micros

    told: dict[str, Any] = {"wrong": fault.wrong.value, "block": fault.block, "entry": fault.entry_id}
    if fault.entry is None:
        return told | {"account": None, "at": None}
    values = dict(zip((*OPEN, *PERSONAL), (*fault.entry.shown, *fault.entry.personal), strict=True))
    owner, at = values["account_id"], values["at"]
    number = accounts.numbers(connection, [owner]).get(owner) if isinstance(owner, int) else None
    return told | {"account": number, "at": from_micros(at) if isinstance(at, int) else str(at)}


def _as_json(verdict: "Verdict", broken: dict[str, Any] | None) -> dict[str, Any]:
    names = ("sound", "blocks", "entries", "sealed_to", "sealed_at", "unsealed", "erased_entries", "erased", "anchors")
    return {name: getattr(verdict, name) for name in names} | {"anchor": verdict.head, "broken": broken}


def _tell(verdict: "Verdict", broken: dict[str, Any] | None) -> None:
    if broken:
        entry = f"entry {broken['entry']}" if broken["entry"] is not None else f"block {broken['block']}"
        owner = f", account {broken['account']}" if broken["account"] else ""
        at = f", of {broken['at']}" if broken["at"] else ""
        say(f"BROKEN: {entry}{owner}{at}: {broken['wrong']} (block {broken['block']})")
        say(f"{verdict.entries:,} entries before it, up to entry {verdict.sealed_to}, are as they were sealed")
        return
    say(f"{verdict.entries:,} entries in {verdict.blocks:,} blocks are as they were sealed")
    if verdict.sealed_at:
        say(f"sealed up to entry {verdict.sealed_to}, {verdict.sealed_at.astimezone():%Y-%m-%d %H:%M:%S}")
    say(f"not sealed yet: {verdict.unsealed:,}")
    if verdict.erased_entries:
        spans = [str(a) if a == b else f"{a}-{b}" for a, b in verdict.erased[:_SHOWN]]
        more = ", …" if len(verdict.erased) > _SHOWN else ""
        say(f"erased: {verdict.erased_entries:,} ({', '.join(spans)}{more})")
    say(f"anchor {verdict.head}")
    for anchor, number in verdict.anchors.items():
        found = f"is block {number}" if number else "IS NOT IN THE CHAIN: somebody has made the chain anew or cut it"
        say(f"{anchor} {found}")
