"""Verbs for what is agreed with customers and what they say: agree promise, plan, callback and so on; agreements."""

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from contactd.cli.options import a_day, as_json, at_work, config_option, ids_of, of_account, open_store
from contactd.cli.output import emit_json, say

if TYPE_CHECKING:
    from contactd.engine.agreements.agreeing import Order
    from contactd.engine.agreements.agreement_told import Told

_amount = click.option("--amount", default="", help="Like 120.00; else all that is open.")
_reason = click.option("--reason", default="", help="Why, for the others.")
_needed = click.option("--reason", required=True, help="Why, for the others.")
_quiet = click.option("--no-message", "tell", flag_value=False, default=True, help="Write nothing to the customer.")
_notice = click.option(
    "--cost-notice-sent", "cost_notice_on", type=a_day, help="Agencies: when its costs were told (§ 13a(3) RDG)."
)


@click.group()
def agree() -> None:
    """Agree on something with a customer: the ladder rests for it, and goes on by itself when it is kept or broken."""


@agree.command()
@of_account
@_amount
@click.option("--on", type=a_day, required=True, help="The day on which the money is to come in.")
@_reason
@_quiet
def promise(on: datetime, **options: Any) -> None:  # noqa: ANN401 - click made them of the options above
    """Note the promise of ACCOUNT to pay; an older one is superseded."""
    _make("promise", on=on.date(), **options)


@agree.command()
@of_account
@_amount
@click.option("--first", "on", type=a_day, required=True, help="The day of the first instalment.")
@click.option("--instalments", "count", type=click.IntRange(min=1), help="So many, as equal as can be.")
@click.option("--instalment", default="", help="So much each, like 50.00; the last is the rest.")
@click.option("--every", "every_months", type=int, default=1, show_default=True, help="Months between two.")
@click.option("--sent", "state", flag_value="sent", help="It is sent; the ladder rests for an answer.")
@click.option("--confirmed", "state", flag_value="confirmed", help="The customer has agreed to it.")
@_reason
@_notice
@_quiet
def plan(on: datetime, **options: Any) -> None:  # noqa: ANN401 - as above
    """Let ACCOUNT pay in instalments that sum exactly; a draft until it is sent or confirmed."""
    if (options["count"] is None) is (not options["instalment"]):
        raise click.UsageError("say how many instalments, or how much each: --instalments 6, or --instalment 50.00")
    _make("plan", on=on.date(), **options)


@agree.command()
@of_account
@click.option("--amount", required=True, help="What is to be paid, like 60.00; the rest is waived.")
@click.option("--on", type=a_day, required=True, help="The day on which it is to come in, or the first instalment.")
@click.option("--instalments", "count", type=click.IntRange(min=1), help="So many, as equal as can be.")
@click.option("--instalment", default="", help="So much each, like 50.00; the last is the rest.")
@click.option("--every", "every_months", type=int, default=1, show_default=True, help="Months between two.")
@_reason
@_notice
@_quiet
def settlement(on: datetime, **options: Any) -> None:  # noqa: ANN401 - as above
    """Take a part of what ACCOUNT owes for the whole: paid in time, the rest is waived; else all of it is owed."""
    _make("settlement", on=on.date(), **options)


@agree.command()
@of_account
@click.option("--until", "on", type=a_day, required=True, help="The last day of it.")
@_reason
@_notice
@_quiet
def deferral(on: datetime, **options: Any) -> None:  # noqa: ANN401 - as above
    """Give ACCOUNT time until a day."""
    _make("deferral", on=on.date(), **options)


@agree.command()
@of_account
@click.option("--until", "on", type=a_day, help="The day to look again; else after [agreements] hardship.")
@click.option("--owner", default="", help="Who looks again.")
@_reason
def hardship(on: datetime | None, **options: Any) -> None:  # noqa: ANN401 - as above
    """Note that the customer of ACCOUNT cannot pay."""
    _make("hardship", on=on.date() if on else None, **options)


@agree.command("says-paid")
@of_account
@_amount
@click.option("--on", type=a_day, help="The day by which it must have come in; else after [agreements] says_paid.")
@_reason
def says_paid(on: datetime | None, **options: Any) -> None:  # noqa: ANN401 - as above
    """Note that the customer of ACCOUNT says it is paid."""
    _make("says_paid", on=on.date() if on else None, **options)


@agree.command()
@of_account
@click.option("--invoice", "invoice_no", required=True, help="The invoice's number.")
@click.option("--amount", default="", help="What is disputed of it, like 20.00; else all of it.")
@click.option("--reason", required=True, help="What is wrong with it.")
@click.option("--owner", default="", help="Who is to decide.")
@click.option("--deadline", "on", type=a_day, help="By when.")
def dispute(on: datetime | None, **options: Any) -> None:  # noqa: ANN401 - as above
    """Note that an invoice of ACCOUNT is disputed: it is not asked for until somebody decides."""
    _make("dispute", on=on.date() if on else None, **options)


@agree.command()
@of_account
@click.option("--at", required=True, help="When, like 2026-12-01T10:00.")
@click.option("--number", default="", help="Which of the account's numbers; else the first.")
@click.option("--agent", default="", help="Whose call it is; else the team's.")
def callback(**options: Any) -> None:  # noqa: ANN401 - as above
    """Call ACCOUNT back at the time the customer asks for."""
    _arrange("callback", **options)


@agree.command("wrong-number")
@of_account
@click.argument("number")
@_reason
def wrong_number(**options: Any) -> None:  # noqa: ANN401 - as above
    """Note that NUMBER of ACCOUNT leads to somebody else: it is not used any more."""
    _arrange("wrong-number", **options)


@agree.command()
@of_account
@click.option("--by", default="", help="By whom, with an address or telephone number.")
@click.option("--lift", is_flag=True, help="Nobody does any more: the customer may be contacted.")
def represented(**options: Any) -> None:  # noqa: ANN401 - as above
    """Note that ACCOUNT is represented by a lawyer or debt advice: the customer is not contacted any more."""
    _arrange("represented", **options)


@agree.command()
@of_account
@click.option("--amount", required=True, help="Like 31.50; 0.00 if it costs nothing.")
def costs(**options: Any) -> None:  # noqa: ANN401 - as above
    """Agencies and lawyers: tell ACCOUNT in text form what a plan or deferral costs, before it is agreed on."""
    _arrange("costs", **options)


def _arrange(
    act: str, *, account: str, creditor: str, currency: str, config: Path | None, json: bool, **told: Any,  # noqa: ANN401 - as above
) -> None:  # fmt: skip
    from contactd.engine.agreements.arranging import Arranging
    from contactd.engine.debt.debtors import choose

    words = {name: "yes" if value is True else value or "" for name, value in told.items()}
    with at_work(config, Arranging) as (arranging, connection):
        done = arranging.carry_out(act, choose(connection, account, creditor, currency), words)
    if json:
        emit_json({"done": done})
    else:
        say(done)


def _make(
    kind: str, *, account: str, creditor: str, currency: str, config: Path | None, json: bool, on: date | None,
    cost_notice_on: datetime | None = None, state: str | None = None, **rest: Any,  # noqa: ANN401 - as above
) -> None:  # fmt: skip
    from contactd.domain.agreement import Kind, State
    from contactd.engine.agreements.agreeing import Order

    notice = cost_notice_on.date() if cost_notice_on else None
    order = Order(Kind(kind), on=on, cost_notice_on=notice, state=State(state or "draft"), **rest)
    _carry_out(order, (account, creditor, currency), config, json=json)


def _carry_out(order: "Order", whose: tuple[str, str, str], config: Path | None, *, json: bool) -> None:
    from contactd.engine.agreements.agreeing import Agreeing
    from contactd.engine.agreements.agreement_told import told
    from contactd.engine.debt.debtors import choose

    with at_work(config, Agreeing) as (agreeing, connection):
        made = agreeing.make(choose(connection, *whose), order)
        [shown] = told(connection, [made])
    _show([shown], json=json)


def _saying(word: str, text: str, *, needs_reason: bool = False) -> None:
    """Make the verb for something that is said of an agreement."""

    @agree.command(word, help=text)
    @click.argument("agreement", type=int)
    @(_needed if needs_reason else _reason)
    @_quiet
    @config_option
    @as_json
    def verb(agreement: int, reason: str, tell: bool, config: Path | None, json: bool) -> None:
        from contactd.engine.agreements.agreeing import Agreeing
        from contactd.engine.agreements.agreement_told import told

        with at_work(config, Agreeing) as (agreeing, connection):
            [shown] = told(connection, [agreeing.say(agreement, word, reason, tell=tell)])
        _show([shown], json=json)


_saying("withdraw", "Take AGREEMENT back, by its number: the ladder goes on.", needs_reason=True)
_saying("sent", "Send the plan AGREEMENT, or with --no-message note that it was: the ladder rests for an answer.")
_saying("confirm", "Note that the customer has confirmed AGREEMENT.")
_saying("uphold", "Decide the dispute AGREEMENT for the customer: the invoice is not asked for.", needs_reason=True)
_saying("reject", "Decide the dispute AGREEMENT against the customer: the invoice is asked for.", needs_reason=True)


@click.command("agreements")
@click.argument("account", required=False)
@click.option("--creditor", help="Needed when several creditors have an account of that number.")
@click.option("--all", "ended", is_flag=True, help="Those that ended too; of one ACCOUNT they are always shown.")
@config_option
@as_json
def agreements_(account: str | None, creditor: str | None, ended: bool, config: Path | None, json: bool) -> None:
    """Show what is agreed with ACCOUNT or with all: where it stands, what came in, what is missing."""
    from contactd.engine.agreements.agreement_told import told
    from contactd.store import agreements

    with open_store(config) as (database, _), database.snapshot() as connection:
        if account is None:
            found = agreements.everyone(connection, alive=not ended)
        else:
            ids = ids_of(connection, account, creditor)
            found = agreements.of_accounts(connection, ids)
        shown = list(told(connection, found))
    _show(shown, json=json)


def _show(shown: "list[Told]", *, json: bool) -> None:

    if json:
        emit_json(shown)
        return
    for one in shown:
        for line in _lines(one):
            say(line)


def _lines(one: "Told") -> list[str]:
    sums = [f"{name} {_amount_of(one[name])}" for name in ("amount", "received", "missing") if one[name]]
    words = [one["kind"], one["invoice"], *sums]
    lines = [f"{one['id']:6}  {one['account']:14} {one['state']:14} {'  '.join(filter(None, words))}"]
    lines += [
        f"        {_amount_of(part['amount'])} on {part['due_on']}, at the latest {part['last_day']}"
        for part in one["instalments"]
    ]
    decided = f"to be decided by {one['until']}" if one["kind"] == "dispute" and one["until"] else ""
    if one["went_back"]:
        lines.append(f"        {_amount_of(one['went_back']['amount'])} went back on {one['went_back']['on']}")
    for credit in one["credited"]:
        how = f"by posting {credit['posting']}" if credit["posting"] else "by a list"
        day = f" on {credit['on']}" if credit["on"] else ""
        lines.append(f"        {_amount_of(credit['amount'])} taken off the invoice since, {how}{day}")
    if one["owner"] or decided:
        lines.append(f"        {', '.join(filter(None, (one['owner'] and 'owner ' + one['owner'], decided)))}")
    if one["rests_until"]:
        lines.append(f"        the ladder rests until {one['rests_until']}")
    for change in one["history"]:
        said = ": ".join(filter(None, (change["state"], change["reason"])))
        lines.append(f"        {change['at']}  {said} ({change['by']})")
    return lines


def _amount_of(money: dict[str, str]) -> str:
    return f"{money['amount']} {money['currency']}"
