"""Agreements over HTTP, for the creditor's own systems: the model and JSON of `contactd agree`; app.py mounts it."""

import sqlalchemy as sa
from aiohttp import web

from contactd.domain.agreement import Kind, State
from contactd.domain.errors import InputError
from contactd.engine.agreeing import SAID, Agreeing, Order, Told, choose, told
from contactd.engine.arranging import ACTS, Arranging
from contactd.store import accounts, agreements
from contactd.store.agreements import Stored
from contactd.web.asking import Asked, changing, day_in, one_of, refuse_unknown, telling, text_in, whether_in
from contactd.web.window import Window

SCOPE = "agreements"
_BEGINNINGS = (State.DRAFT, State.SENT, State.CONFIRMED)
_TEXTS = ("amount", "instalment", "invoice", "reason", "owner")
_NUMBERS = ("instalments", "every_months")
_DAYS = ("on", "cost_notice_sent")
_WHOSE = ("account", "creditor", "currency")
_LIKE = '{"kind": "promise", "account": "4711", "on": "2026-12-01"}'
_KEYS = ("kind", "state", "message", *_TEXTS, *_NUMBERS, *_DAYS, *_WHOSE)


def routes(window: Window) -> list[web.RouteDef]:
    """List the addresses for app.py to mount."""

    def make(connection: sa.Connection, _: web.Request, asked: Asked, by: str) -> Told:
        order = order_of(asked)
        debtor = choose(connection, *(text_in(asked, name) for name in _WHOSE))
        agreeing = Agreeing(window.settings(), connection, by=by, now=window.clock.now())
        return _shown(connection, agreeing.make(debtor, order))

    def say(connection: sa.Connection, request: web.Request, asked: Asked, by: str) -> Told:
        refuse_unknown(asked, ("reason", "message"))
        agreeing = Agreeing(window.settings(), connection, by=by, now=window.clock.now())
        number, word = int(request.match_info["id"]), request.match_info["word"]
        tell = whether_in(asked, "message", otherwise=True)
        return _shown(connection, agreeing.say(number, word, text_in(asked, "reason"), tell=tell))

    def act(connection: sa.Connection, request: web.Request, asked: Asked, by: str) -> Told:
        word = request.match_info["act"]
        refuse_unknown(asked, (*ACTS[word], *_WHOSE))
        debtor = choose(connection, *(text_in(asked, name) for name in _WHOSE))
        wanted = {name: "yes" if asked.get(name) is True else text_in(asked, name) for name in ACTS[word]}
        arranging = Arranging(window.settings(), connection, by=by, now=window.clock.now())
        return {"done": arranging.carry_out(word, debtor, wanted)}

    said = f"/api/v1/agreements/{{id:\\d{{1,15}}}}/{{word:{'|'.join(SAID)}}}"
    return [
        web.get("/api/v1/agreements", telling(window, SCOPE, _listed)),
        web.post("/api/v1/agreements", changing(window, SCOPE, make, _LIKE)),
        web.post(said, changing(window, SCOPE, say, _LIKE)),
        web.post(f"/api/v1/agreements/{{act:{'|'.join(ACTS)}}}", changing(window, SCOPE, act, _LIKE)),
    ]


def _listed(connection: sa.Connection, request: web.Request) -> list[Told]:
    account_no = request.query.get("account")
    if account_no is None:
        return list(told(connection, agreements.everyone(connection, alive=True)))
    ids = [row.id for row in accounts.find(connection, account_no, request.query.get("creditor"))]
    return list(told(connection, agreements.of_accounts(connection, ids)))


def _shown(connection: sa.Connection, stored: Stored) -> Told:
    [shown] = told(connection, [stored])
    return shown


def order_of(asked: Asked) -> Order:
    """Read an agreement as the API takes it; raises InputError with what could be written."""
    refuse_unknown(asked, _KEYS)
    numbers = {name: asked[name] for name in _NUMBERS if asked.get(name) is not None}
    for name, value in numbers.items():
        if type(value) is not int:
            raise InputError(f"{name} is a whole number, not {value!r}")
    texts = {name: text_in(asked, name) for name in _TEXTS}
    return Order(
        Kind(one_of(asked, "kind", [kind.value for kind in Kind])),
        amount=texts["amount"],
        on=day_in(asked, "on"),
        count=numbers.get("instalments"),
        instalment=texts["instalment"],
        every_months=numbers.get("every_months", 1),
        invoice_no=texts["invoice"],
        reason=texts["reason"],
        owner=texts["owner"],
        cost_notice_on=day_in(asked, "cost_notice_sent"),
        tell=whether_in(asked, "message", otherwise=True),
        state=State(one_of(asked, "state", [state.value for state in _BEGINNINGS], State.DRAFT.value)),
    )
