"""Postings by hand over HTTP: the model and JSON of `contactd post`; for interface.py."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from contactd.domain.appropriation import Part
from contactd.domain.posting import Kind, Purpose
from contactd.engine.debt.bookings import Bookings, Entry, Told, told
from contactd.store import postings
from contactd.web.answers import many, page, ref
from contactd.web.deeds import changing, telling
from contactd.web.kinds import Amount, Choice, Day, Shape, Text
from contactd.web.operation import ID, Call, Operation
from contactd.web.paging import PAGE, after, ask, paged
from contactd.web.whose import OF_ACCOUNT, WHOSE, choosing, meant

_FAMILY = "postings"
_LIKE = '{"kind": "cost", "account": "4711", "amount": "12.50", "reason": "inquiry"}'


def _bookings(connection: sa.Connection, call: Call) -> Bookings:
    return Bookings(call.window.settings(), connection, by=call.by, now=call.window.clock.now())


def _post(connection: sa.Connection, call: Call) -> list[Told]:
    made = _bookings(connection, call).post(choosing(connection, call.body), _entry_of(call.body))
    return list(told(connection, made))


def _reverse(connection: sa.Connection, call: Call) -> list[Told]:
    return list(told(connection, [_bookings(connection, call).reverse(call.path["id"], call.body["reason"])]))


def _listed(connection: sa.Connection, call: Call) -> Told:
    ids = meant(connection, call.query)
    found = postings.paged(connection, ids, after=after(_FAMILY, call.query), limit=ask(call.query))
    shown = list(told(connection, found))
    return paged(_FAMILY, call.query, [one["id"] for one in shown], shown)


def _entry_of(asked: Mapping[str, Any]) -> Entry:
    return Entry(
        Kind(asked["kind"]), asked["amount"], asked["reason"], asked["on"], asked["invoice"], Purpose(asked["purpose"]),
        Part(asked["part"]) if asked["part"] else None, asked["rate"],
    )  # fmt: skip


OPERATIONS = (
    Operation(
        method="GET", path="/postings", name="list_postings", family=_FAMILY, what="List costs and write-offs",
        query=Shape({**OF_ACCOUNT, **PAGE}), answer=page("postings", "Posting"), work=telling(_listed), finds=False,
    ),
    Operation(
        method="POST", path="/postings", name="post", family=_FAMILY, what="Post a cost or a write-off",
        body=Shape({
            **WHOSE, "kind": Choice([Kind.COST.value, Kind.WRITE_OFF.value]), "amount": Amount(), "reason": Text(),
            "on": Day(), "invoice": Text(), "part": Choice([part.value for part in Part], ""), "rate": Text(),
            "purpose": Choice([purpose.value for purpose in Purpose], Purpose.OTHER.value),
        }),
        like=_LIKE, once=True, answer=many(ref("Posting")), work=changing(_post),
    ),
    Operation(
        method="POST", path="/postings/{id}/reverse", name="reverse_posting", family=_FAMILY,
        what="Take a posting back", places=ID, body=Shape({"reason": Text()}), like='{"reason": "entered twice"}',
        once=True, answer=many(ref("Posting")), work=changing(_reverse),
    ),
)  # fmt: skip
