"""Agreements over HTTP, for the creditor's own systems: the model and JSON of `contactd agree`; for interface.py."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from contactd.domain.agreement import ALIVE, Kind, State
from contactd.domain.errors import NotThere
from contactd.engine.agreements.agreeing import SAID, Agreeing, Order
from contactd.engine.agreements.agreement_told import Told, told
from contactd.engine.agreements.arranging import ACTS, Arranging
from contactd.store import agreements
from contactd.store.agreements import Stored
from contactd.web.answers import page, ref
from contactd.web.deeds import changing, telling
from contactd.web.kinds import Amount, Choice, Day, Flag, Instant, Number, Shape, Text
from contactd.web.kinds import Kind as Value
from contactd.web.operation import ID, Call, Operation
from contactd.web.paging import PAGE, after, ask, paged
from contactd.web.whose import OF_ACCOUNT, WHOSE, choosing, meant

_FAMILY = "agreements"
_BEGINNINGS = (State.DRAFT.value, State.SENT.value, State.CONFIRMED.value)
_LIKE = '{"kind": "promise", "account": "4711", "on": "2026-12-01"}'
_ORDER: Mapping[str, Value] = {
    "kind": Choice([kind.value for kind in Kind]),
    **WHOSE,
    "amount": Amount(),
    "on": Day(),
    "instalments": Number(),
    "instalment": Amount(),
    "every_months": Number(1),
    "invoice": Text(),
    "reason": Text(),
    "owner": Text(),
    "cost_notice_sent": Day(),
    "state": Choice(_BEGINNINGS, State.DRAFT.value),
    "message": Flag(nothing=True),
}
_ALIVE = "alive"
_STATES = [_ALIVE, *(state.value for state in State)]


def _agreeing(connection: sa.Connection, call: Call) -> Agreeing:
    return Agreeing(call.window.settings(), connection, by=call.by, now=call.window.clock.now())


def _make(connection: sa.Connection, call: Call) -> Told:
    return _shown(connection, _agreeing(connection, call).make(choosing(connection, call.body), _order_of(call.body)))


def _say(connection: sa.Connection, call: Call) -> Told:
    number, word = call.path["id"], call.path["word"]
    said = _agreeing(connection, call).say(number, word, call.body["reason"], tell=call.body["message"])
    return _shown(connection, said)


def _acting(act: str) -> Operation:
    def carry_out(connection: sa.Connection, call: Call) -> Told:
        debtor = choosing(connection, call.body)
        wanted = {name: "yes" if call.body[name] is True else call.body[name] or "" for name in ACTS[act]}
        arranging = Arranging(call.window.settings(), connection, by=call.by, now=call.window.clock.now())
        return {"done": arranging.carry_out(act, debtor, wanted)}

    kinds: dict[str, Value] = {"lift": Flag(), "amount": Amount()}
    body = Shape({**WHOSE, **{name: kinds.get(name, Text()) for name in ACTS[act]}})
    return Operation(
        method="POST", path=f"/agreements/{act}", name=f"note_{act.replace('-', '_')}", family=_FAMILY,
        what=f"Do what `contactd agree {act}` does", body=body, like=_LIKE, once=True, answer=ref("Done"),
        work=changing(carry_out),
    )  # fmt: skip


def _listed(connection: sa.Connection, call: Call) -> Told:
    asked = call.query
    states = sorted(one.value for one in ALIVE) if asked["state"] == _ALIVE else [asked["state"]]
    found = agreements.paged(
        connection, states=states if asked["state"] else None, account_ids=meant(connection, asked),
        since=asked["since"], after=after(_FAMILY, asked), limit=ask(asked),
    )  # fmt: skip
    return paged(_FAMILY, asked, [one.id for one in found], list(told(connection, found)))


def _one(connection: sa.Connection, call: Call) -> Told:
    found = agreements.read(connection, call.path["id"])
    if found is None:
        raise NotThere(f"there is no agreement {call.path['id']}")
    return _shown(connection, found)


def _shown(connection: sa.Connection, stored: Stored) -> Told:
    [shown] = told(connection, [stored])
    return shown


def _order_of(asked: Mapping[str, Any]) -> Order:
    return Order(
        Kind(asked["kind"]),
        amount=asked["amount"],
        on=asked["on"],
        count=asked["instalments"],
        instalment=asked["instalment"],
        every_months=asked["every_months"],
        invoice_no=asked["invoice"],
        reason=asked["reason"],
        owner=asked["owner"],
        cost_notice_on=asked["cost_notice_sent"],
        tell=asked["message"],
        state=State(asked["state"]),
    )


OPERATIONS = (
    Operation(
        method="GET", path="/agreements", name="list_agreements", family=_FAMILY, what="List agreements, oldest first",
        query=Shape(
            {**OF_ACCOUNT, "state": Choice(_STATES, ""), "since": Instant(), **PAGE}
        ),
        answer=page("agreements", "Agreement"), work=telling(_listed), finds=False,
    ),
    Operation(
        method="GET", path="/agreements/{id}", name="get_agreement", family=_FAMILY, places=ID,
        what="Tell of one agreement", answer=ref("Agreement"), work=telling(_one),
    ),
    Operation(
        method="POST", path="/agreements", name="make_agreement", family=_FAMILY, what="Agree on something",
        body=Shape(_ORDER), like=_LIKE, once=True, answer=ref("Agreement"), work=changing(_make),
    ),
    Operation(
        method="POST", path="/agreements/{id}/{word}", name="say_of_agreement", family=_FAMILY,
        what="Say what became of an agreement", places={**ID, "word": Choice(SAID)},
        body=Shape({"reason": Text(), "message": Flag(nothing=True)}), once=True, answer=ref("Agreement"),
        work=changing(_say),
    ),
    *(_acting(act) for act in ACTS),
)  # fmt: skip
