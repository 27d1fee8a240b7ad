"""What people have to say about claims over HTTP: the model and JSON of `contactd claim`; for interface.py."""

from typing import Any

import sqlalchemy as sa

from contactd.domain.circumstance import Kind
from contactd.engine.debt.circumstances import Circumstances, Note, Told, told
from contactd.store import circumstances
from contactd.web.answers import page, ref
from contactd.web.deeds import changing, telling
from contactd.web.kinds import Choice, Day, Shape, Text
from contactd.web.operation import ID, Call, Operation
from contactd.web.paging import PAGE, after, ask, paged
from contactd.web.whose import OF_ACCOUNT, WHOSE, choosing, meant

_FAMILY = "circumstances"
_LIKE = '{"kind": "refusal", "account": "4711", "on": "2026-11-23", "reason": "letter of 20 November: will never pay"}'


def _noting(connection: sa.Connection, call: Call) -> Circumstances:
    return Circumstances(call.window.settings(), connection, by=call.by, now=call.window.clock.now())


def _note(connection: sa.Connection, call: Call) -> Told:
    asked = call.body
    note = Note(Kind(asked["kind"]), asked["reason"], asked["on"], asked["invoice"], asked["until"])
    return _one(connection, _noting(connection, call).note(choosing(connection, asked), note))


def _end(connection: sa.Connection, call: Call) -> Told:
    return _one(connection, _noting(connection, call).end(call.path["id"], call.body["on"]))


def _withdraw(connection: sa.Connection, call: Call) -> Told:
    return _one(connection, _noting(connection, call).withdraw(call.path["id"], call.body["reason"]))


def _one(connection: sa.Connection, noted: Any) -> Told:  # noqa: ANN401 - what the engine answers
    return next(told(connection, [noted]))


def _listed(connection: sa.Connection, call: Call) -> Told:
    ids = meant(connection, call.query)
    found = circumstances.paged(connection, ids, after=after(_FAMILY, call.query), limit=ask(call.query))
    shown = list(told(connection, found))
    return paged(_FAMILY, call.query, [one["id"] for one in shown], shown)


OPERATIONS = (
    Operation(
        method="GET", path="/circumstances", name="list_circumstances", family=_FAMILY,
        what="List what people noted about claims", query=Shape({**OF_ACCOUNT, **PAGE}),
        answer=page("circumstances", "Circumstance"), work=telling(_listed), finds=False,
    ),
    Operation(
        method="POST", path="/circumstances", name="note_circumstance", family=_FAMILY,
        what="Note what only a person can judge about claims",
        body=Shape({
            **WHOSE, "kind": Choice([kind.value for kind in Kind]), "invoice": Text(), "on": Day(), "until": Day(),
            "reason": Text(),
        }),
        like=_LIKE, once=True, answer=ref("Circumstance"), work=changing(_note),
    ),
    Operation(
        method="POST", path="/circumstances/{id}/end", name="end_circumstance", family=_FAMILY,
        what="Say when negotiations or court proceedings ended", places=ID, body=Shape({"on": Day()}),
        like='{"on": "2026-11-20"}', once=True, answer=ref("Circumstance"), work=changing(_end),
    ),
    Operation(
        method="POST", path="/circumstances/{id}/withdraw", name="withdraw_circumstance", family=_FAMILY,
        what="Take back what was noted", places=ID, body=Shape({"reason": Text()}), like='{"reason": "entered twice"}',
        once=True, answer=ref("Circumstance"), work=changing(_withdraw),
    ),
)  # fmt: skip
