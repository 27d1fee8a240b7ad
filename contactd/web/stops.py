"""Stops over HTTP: who is not contacted, by which way and why; what `contactd stop` does; for interface.py."""

from typing import Any

import sqlalchemy as sa

from contactd.domain.account import Channel
from contactd.engine import stopping
from contactd.engine.agreements.arranging import FINAL
from contactd.engine.stopping import STOP, Stop
from contactd.store import suppressions
from contactd.web.accounts import Told, written
from contactd.web.answers import page, ref
from contactd.web.deeds import changing, telling
from contactd.web.kinds import Choice, Instant, Shape, Text
from contactd.web.operation import Call, Operation
from contactd.web.paging import PAGE, after, ask, paged
from contactd.web.whose import OF_ACCOUNT, meant

_FAMILY = "stops"
_CHANNELS = [one.value for one in (Channel.EMAIL, Channel.SMS, Channel.LETTER, Channel.CALL)]
_KEYS = ("id", "kind", "value", "channel", "reason", "source")


def _stop(connection: sa.Connection, call: Call) -> Told:
    asked, now = call.body, call.window.clock.now()
    customer = stopping.debtor_of(connection, asked["account"], asked["creditor"])
    wanted = Stop(_channel(call), asked["until"], asked["reason"])
    stopping.stop(call.window.settings(), connection, customer, wanted, by=call.by, now=now)
    return {"done": f"{asked['account']} is not contacted any more"}


def _lift(connection: sa.Connection, call: Call) -> Told:
    asked, now = call.body, call.window.clock.now()
    customer = stopping.debtor_of(connection, asked["account"], asked["creditor"])
    lifted = stopping.lift(connection, customer, _channel(call), by=call.by, now=now)
    return {"done": f"{asked['account']} may be contacted again" if lifted else "there was no stop"}


def _channel(call: Call) -> Channel | None:
    return Channel(call.body["channel"]) if call.body["channel"] else None


def _listed(connection: sa.Connection, call: Call) -> Told:
    asked, ids = call.query, meant(connection, call.query)
    about = None if ids is None else suppressions.keys_of(connection, ids)
    rows = suppressions.paged(connection, about, after=after(_FAMILY, asked), limit=ask(asked))
    return paged(_FAMILY, asked, [row.id for row in rows], [_shown(row) for row in rows])


def _shown(row: sa.Row[Any]) -> Told:
    told = {name: getattr(row, name) for name in _KEYS}
    return {**told, "until": written(row.until), "created_at": written(row.created_at)}


_WHERE = {"account": Text(needed=True), "creditor": Text(), "channel": Choice(_CHANNELS, "")}
_LIKE = '{"account": "4711", "channel": "call"}'

OPERATIONS = (
    Operation(
        method="GET", path="/stops", name="list_stops", family=_FAMILY, query=Shape({**OF_ACCOUNT, **PAGE}),
        what="List addresses and debtors that are not contacted", answer=page(_FAMILY, "Stop"), work=telling(_listed),
        finds=False,
    ),
    Operation(
        method="POST", path="/stops", name="stop", family=_FAMILY, what="Stop contacting a debtor, at once",
        body=Shape({**_WHERE, "until": Instant(), "reason": Choice([STOP, *FINAL], STOP)}), like=_LIKE, once=True,
        answer=ref("Done"), work=changing(_stop),
    ),
    Operation(
        method="POST", path="/stops/lift", name="lift_stop", family=_FAMILY, what="Take a stop back",
        body=Shape(_WHERE), like=_LIKE, once=True, answer=ref("Done"), work=changing(_lift),
    ),
)  # fmt: skip
