"""Hand-overs over HTTP: the model and JSON of `contactd hand-over`; for interface.py."""

import sqlalchemy as sa

from contactd.engine.debt.handing_over import HandingOver, Told, told
from contactd.store import handovers
from contactd.store.handovers import Handover
from contactd.web.answers import page, ref
from contactd.web.deeds import changing, telling
from contactd.web.kinds import Shape, Text
from contactd.web.operation import Call, Operation
from contactd.web.paging import PAGE, after, ask, paged
from contactd.web.whose import WHOSE, choosing

_FAMILY = "hand-overs"
_KEY = "hand_overs"
_LIKE = '{"account": "4711", "to": "court", "reason": "nothing helped"}'
_DECIDED = '{"account": "4711", "reason": "agreed"}'


def _desk(connection: sa.Connection, call: Call) -> HandingOver:
    return HandingOver(connection, by=call.by, now=call.window.clock.now())


def _propose(connection: sa.Connection, call: Call) -> Told:
    words = (call.body[name] for name in ("to", "reason", "anyway"))
    return _shown(connection, _desk(connection, call).propose(choosing(connection, call.body), *words))


def _approve(connection: sa.Connection, call: Call) -> Told:
    debtor = choosing(connection, call.body)
    return _shown(connection, _desk(connection, call).approve(debtor, call.body["reason"]))


def _withdraw(connection: sa.Connection, call: Call) -> Told:
    debtor = choosing(connection, call.body)
    return _shown(connection, _desk(connection, call).withdraw(debtor, call.body["reason"]))


def _listed(connection: sa.Connection, call: Call) -> Told:
    found = handovers.living(connection, after=after(_KEY, call.query), limit=ask(call.query))
    return paged(_KEY, call.query, [one.id for one in found], list(told(connection, found)))


def _shown(connection: sa.Connection, made: Handover) -> Told:
    [shown] = told(connection, [made])
    return shown


OPERATIONS = (
    Operation(
        method="GET", path="/hand-overs", name="list_hand_overs", family=_FAMILY, query=Shape(PAGE),
        what="List what is proposed or approved", answer=page(_KEY, "HandOver"), work=telling(_listed), finds=False,
    ),
    Operation(
        method="POST", path="/hand-overs", name="propose_hand_over", family=_FAMILY,
        what="Propose to hand an account over to a court, a lawyer or an agency",
        body=Shape({**WHOSE, "to": Text(), "reason": Text(), "anyway": Text()}), like=_LIKE, once=True,
        answer=ref("HandOver"), work=changing(_propose),
    ),
    Operation(
        method="POST", path="/hand-overs/approve", name="approve_hand_over", family=_FAMILY,
        what="Approve what another proposed", body=Shape({**WHOSE, "reason": Text()}), like=_DECIDED, once=True,
        answer=ref("HandOver"), work=changing(_approve),
    ),
    Operation(
        method="POST", path="/hand-overs/withdraw", name="withdraw_hand_over", family=_FAMILY,
        what="Withdraw what was proposed or approved", body=Shape({**WHOSE, "reason": Text()}), like=_DECIDED,
        once=True, answer=ref("HandOver"), work=changing(_withdraw),
    ),
)  # fmt: skip
