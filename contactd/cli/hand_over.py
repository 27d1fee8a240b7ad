"""Verbs that give accounts away: hand-over propose, approve, withdraw, list."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from contactd.cli.options import as_json, config_option, of_account, open_store, user
from contactd.cli.output import emit_json, say

if TYPE_CHECKING:
    from contactd.engine.debt.debtors import Debtor
    from contactd.engine.debt.handing_over import HandingOver
    from contactd.store.handovers import Handover


@click.group("hand-over")
def hand_over() -> None:
    """Hand an account over to a court, a lawyer or an agency: one person proposes, another approves."""


@hand_over.command()
@of_account
@click.option("--to", type=click.Choice(["court", "lawyer", "agency"]), required=True, help="Who goes on with it.")
@click.option("--reason", required=True, help="Why, for whoever approves.")
@click.option("--anyway", default="", help="Why although something is agreed or disputed, or nothing was announced.")
def propose(to: str, reason: str, anyway: str, **whose: Any) -> None:  # noqa: ANN401 - click made them of the options above
    """Propose to hand ACCOUNT over."""
    _carry_out(lambda desk, debtor: desk.propose(debtor, to, reason, anyway), **whose)


@hand_over.command()
@of_account
@click.option("--reason", default="", help="Why, for the others.")
def approve(reason: str, **whose: Any) -> None:  # noqa: ANN401 - as above
    """Approve what somebody else has proposed for ACCOUNT: its ladder rests from now on."""
    _carry_out(lambda desk, debtor: desk.approve(debtor, reason), **whose)


@hand_over.command()
@of_account
@click.option("--reason", required=True, help="Why, for the others.")
def withdraw(reason: str, **whose: Any) -> None:  # noqa: ANN401 - as above
    """Take the hand-over of ACCOUNT back: its ladder goes on."""
    _carry_out(lambda desk, debtor: desk.withdraw(debtor, reason), **whose)


@hand_over.command("list")
@config_option
@as_json
def list_(config: Path | None, json: bool) -> None:
    """Show all hand-overs that are proposed or approved."""
    from contactd.engine.debt.handing_over import told
    from contactd.store import handovers

    with open_store(config) as (database, _), database.snapshot() as connection:
        shown = list(told(connection, handovers.living(connection)))
    _show(shown, json=json)


def _carry_out(
    work: "Callable[[HandingOver, Debtor], Handover]",
    *,
    account: str,
    creditor: str,
    currency: str,
    config: Path | None,
    json: bool,
) -> None:
    from contactd.clock import SystemClock
    from contactd.engine.debt.debtors import choose
    from contactd.engine.debt.handing_over import HandingOver, told

    with open_store(config) as (database, _), database.transaction() as connection:
        desk = HandingOver(connection, by=user(), now=SystemClock().now())
        shown = list(told(connection, [work(desk, choose(connection, account, creditor, currency))]))
    _show(shown, json=json)


def _show(shown: list[dict[str, Any]], *, json: bool) -> None:

    if json:
        emit_json(shown)
        return
    for one in shown:
        say(f"{one['account']:14} to {one['to']}: {one['state']}")
        because = f"; although {'; '.join(one['against'])}: {one['anyway']}" if one["anyway"] else ""
        say(f"        {one['proposed_at']}  proposed: {one['reason']}{because} ({one['proposed_by']})")
        if one["decided_at"]:
            words = ": ".join(filter(None, (one["state"], one["decision"])))
            say(f"        {one['decided_at']}  {words} ({one['decided_by']})")
