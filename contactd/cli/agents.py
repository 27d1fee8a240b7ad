"""The verbs `agents` and `agent`: who works on the telephone, and what an agent does, from a terminal.

Who may use the pages is below `agents` too, in logins.py.
"""

from pathlib import Path
from typing import Any

import click

from contactd.cli.logins import add, disable, list_, reset
from contactd.cli.options import as_json, config_option, settings_of
from contactd.cli.output import console, emit_json, say

_COLUMNS = ("agent", "team", "state", "since", "reason", "account", "number", "call_state", "heard_by")


@click.group(invoke_without_command=True)
@config_option
@as_json
@click.pass_context
def agents(ctx: click.Context, config: Path | None, json: bool) -> None:
    """Show who is at work, whom they talk to, and who hears them; give people a login for the pages, or take it."""
    if ctx.invoked_subcommand is not None:
        if config is not None or json:
            raise click.UsageError(f"write the options behind the verb: contactd agents {ctx.invoked_subcommand} …")
        return
    from contactd.cli.control import ask

    settings, _ = settings_of(config, campaigns=False)
    answer = ask(settings.control_path, "GET", "/agents")
    if json:
        emit_json(answer["agents"])
        return
    _table(answer["agents"])
    say("", "contactd agent AGENT …")
    for name, order in answer["orders"].items():
        say(f"  {name} {order}")


for _verb in (add, list_, reset, disable):
    agents.add_command(_verb)


@click.command()
@click.argument("agent")
@click.argument("order")
@click.argument("words", nargs=-1)
@config_option
@as_json
def agent(agent: str, order: str, words: tuple[str, ...], config: Path | None, json: bool) -> None:
    """Let AGENT do something: sign-in, sign-out, pause, resume, done, dial, hold, transfer, and so on.

    `contactd agents` lists every ORDER with its WORDS.
    """
    from contactd.cli.control import ask

    settings, _ = settings_of(config, campaigns=False)
    odd = next((word for word in (agent, order, *words) if "/" in word or not word), None)
    if odd is not None:
        raise click.BadParameter(f"{odd!r} is no word of an order", param_hint="WORDS")
    answer = ask(settings.control_path, "POST", "/".join(["/agents", agent, order, *words]))
    if json:
        emit_json(answer)
    else:
        _table([answer])


def _table(rows: list[dict[str, Any]]) -> None:
    import rich.table

    table = rich.table.Table(box=None, pad_edge=False)
    for name in _COLUMNS:
        table.add_column(name.replace("_", " "), no_wrap=True)
    for row in rows:
        table.add_row(*(_text(row[name]) for name in _COLUMNS))
    console(soft_wrap=True).print(table)


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")
