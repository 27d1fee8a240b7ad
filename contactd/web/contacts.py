"""Attempts and the contact log over HTTP; for interface.py."""

from typing import Any

import sqlalchemy as sa

from contactd.domain.attempt import State
from contactd.domain.errors import NotThere
from contactd.store import reading
from contactd.web.accounts import Told, page_of, written
from contactd.web.answers import page, ref
from contactd.web.deeds import telling
from contactd.web.kinds import Choice, Instant, Shape, Text
from contactd.web.operation import ID, Call, Operation
from contactd.web.paging import PAGE, paged
from contactd.web.whose import OF_ACCOUNT

_WORDS = ("id", "campaign", "step", "channel", "outcome", "reason", "disposition", "address")


def _attempts(connection: sa.Connection, call: Call) -> Told:
    asked = call.query
    rows = reading.attempts(
        connection, page_of(connection, "attempts", call), campaign=asked["campaign"], state=asked["state"]
    )
    return paged("attempts", asked, [row.id for row in rows], [_attempt(row) for row in rows])


def _one(connection: sa.Connection, call: Call) -> Told:
    row = reading.attempt_of(connection, call.path["id"])
    if row is None:
        raise NotThere(f"there is no attempt {call.path['id']}")
    return _attempt(row)


def _log(connection: sa.Connection, call: Call) -> Told:
    asked = call.query
    rows = reading.log(
        connection, page_of(connection, "entries", call), campaign=asked["campaign"], event=asked["event"]
    )
    return paged("entries", asked, [row.id for row in rows], [_entry(row) for row in rows])


def _attempt(row: sa.Row[Any]) -> Told:
    return {
        **_common(row), "state": row.state, "case": row.case_no, "try_number": row.try_no,
        "planned_at": written(row.planned_at), "not_before": written(row.not_before),
        "sending_at": written(row.sending_at), "ended_at": written(row.ended_at),
    }  # fmt: skip


def _entry(row: sa.Row[Any]) -> Told:
    return {**_common(row), "at": written(row.at), "attempt": row.attempt_id, "event": row.event}


def _common(row: sa.Row[Any]) -> Told:
    whose = {"account": row.account_no or "", "creditor": row.creditor or ""}
    return {**{name: getattr(row, name) for name in _WORDS}, **whose}


_FILTERS = {**OF_ACCOUNT, "campaign": Text(), "since": Instant(), **PAGE}

OPERATIONS = (
    Operation(
        method="GET", path="/attempts", name="list_attempts", family="attempts",
        what="List contacts, planned, under way and ended; since: those planned",
        query=Shape({**_FILTERS, "state": Choice([one.value for one in State], "")}),
        answer=page("attempts", "Attempt"), work=telling(_attempts), finds=False,
    ),
    Operation(
        method="GET", path="/attempts/{id}", name="get_attempt", family="attempts", places=ID,
        what="Tell how one contact stands", answer=ref("Attempt"), work=telling(_one),
    ),
    Operation(
        method="GET", path="/log", name="list_log", family="log",
        what="Read the contact log, oldest first; since: what was written",
        query=Shape({**_FILTERS, "event": Text()}), answer=page("entries", "LogEntry"), work=telling(_log),
        finds=False,
    ),
)  # fmt: skip
