"""Notes in the audit log what a verb of the command line does, in the transaction in which it does it.

Every verb that writes is noted; a new one has nothing to do for it but to open the store with options.open_store.
"""

from typing import TYPE_CHECKING, Any

import click

from contactd.cli.options import user

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy.engine import Connection

    from contactd.engine.desk.steering import Steering
    from contactd.store.audit import Deed
    from contactd.store.database import Database

# Verbs that are noted elsewhere, or are nobody's decision.
_NOT_HERE = {
    "pause": "engine/desk/steering.py", "resume": "engine/desk/steering.py", "settle": "engine/desk/steering.py",
    "import": "the run of the import, for it takes many transactions", "log": "sealing is what the daemon does as well",
}  # fmt: skip
# What their words name, the first that is there.
_ABOUT = {
    "account": "account", "run": "run", "agreement": "agreement", "posting": "posting", "number": "task",
    "circumstance": "circumstance",
    "name": "login", "references": "reference", "campaign": "campaign",
}  # fmt: skip
_NAMED = {"tokens": "token", "webhooks": "webhook"}  # whose name it is, else a login's


def steering(connection: "Connection") -> "Steering":
    """Let the person at the terminal steer."""
    from contactd.clock import SystemClock
    from contactd.engine.desk.steering import Steering

    return Steering(connection, who=f"cli:{user()}", by=user(), now=SystemClock().now())


def witness(**one: str) -> "Callable[[Connection], None] | None":
    """Build what writes the row of the verb that is carried out; None where that is noted elsewhere.

    `one`: of the words of the verb the one of several that this row is about.
    """
    context = click.get_current_context(silent=True)
    words = context.command_path.split()[1:] if context is not None else []
    if context is None or not words or words[0] in _NOT_HERE:
        return None
    told = {**context.params, **one}
    named = {**_ABOUT, "name": _NAMED.get(words[0], "login")}
    about = next((f"{kind}:{_text(told[name])}" for name, kind in named.items() if told.get(name)), "")

    def write(connection: "Connection") -> None:
        from contactd.clock import SystemClock
        from contactd.store import audit

        mine = audit.account_of(connection, about, told.get("creditor") or "")
        reason = told.get("reason") or told.get("outcome") or ""
        deed = audit.Deed(
            SystemClock().now(), f"cli:{user()}", " ".join(words), about, mine, new=_new(told), reason=reason
        )
        audit.add(connection, deed)

    return write


def import_deed(file: "Path", **flags: bool) -> "Deed":
    """Say who imports which file, and with which flags."""
    from contactd.clock import SystemClock
    from contactd.store.audit import Deed

    verb = " ".join(click.get_current_context().command_path.split()[1:])
    new = ", ".join([file.name, *(name for name, said in flags.items() if said)])
    return Deed(SystemClock().now(), f"cli:{user()}", verb, new=new)


def note_reading(database: "Database") -> None:
    """Note that all that is known of a debtor was taken out."""
    with database.transaction():
        pass  # the witness writes


def _new(told: dict[str, Any]) -> str:
    """Say what becomes of it, where the words of the verb do not."""
    return str(told.get("role") or told.get("owner") or ("lifted" if told.get("lift") else ""))


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
