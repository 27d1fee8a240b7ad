"""Hand-overs over HTTP: the model and JSON of `contactd hand-over`; app.py mounts it."""

import sqlalchemy as sa
from aiohttp import web

from contactd.engine.agreeing import Debtor, choose
from contactd.engine.handing_over import HandingOver, Told, told
from contactd.store import handovers
from contactd.store.handovers import Handover
from contactd.web.asking import Asked, changing, refuse_unknown, telling, text_in
from contactd.web.window import Window

SCOPE = "hand-overs"
_ADDRESS = "/api/v1/hand-overs"
_WHOSE = ("account", "creditor", "currency")
_LIKE = '{"account": "4711", "to": "court", "reason": "nothing helped"}'
_DECIDED = '{"account": "4711", "reason": "agreed"}'


def routes(window: Window) -> list[web.RouteDef]:
    """List the addresses for app.py to mount."""

    def desk(connection: sa.Connection, by: str) -> HandingOver:
        return HandingOver(connection, by=by, now=window.clock.now())

    def propose(connection: sa.Connection, _: web.Request, asked: Asked, by: str) -> Told:
        refuse_unknown(asked, ("to", "reason", "anyway", *_WHOSE))
        words = (text_in(asked, name) for name in ("to", "reason", "anyway"))
        return _shown(connection, desk(connection, by).propose(_chosen(connection, asked), *words))

    def approve(connection: sa.Connection, _: web.Request, asked: Asked, by: str) -> Told:
        refuse_unknown(asked, ("reason", *_WHOSE))
        return _shown(connection, desk(connection, by).approve(_chosen(connection, asked), text_in(asked, "reason")))

    def withdraw(connection: sa.Connection, _: web.Request, asked: Asked, by: str) -> Told:
        refuse_unknown(asked, ("reason", *_WHOSE))
        return _shown(connection, desk(connection, by).withdraw(_chosen(connection, asked), text_in(asked, "reason")))

    def listed(connection: sa.Connection, _: web.Request) -> list[Told]:
        return list(told(connection, handovers.living(connection)))

    return [
        web.get(_ADDRESS, telling(window, SCOPE, listed)),
        web.post(_ADDRESS, changing(window, SCOPE, propose, _LIKE)),
        web.post(f"{_ADDRESS}/approve", changing(window, SCOPE, approve, _DECIDED)),
        web.post(f"{_ADDRESS}/withdraw", changing(window, SCOPE, withdraw, _DECIDED)),
    ]


def _chosen(connection: sa.Connection, asked: Asked) -> Debtor:
    return choose(connection, *(text_in(asked, name) for name in _WHOSE))


def _shown(connection: sa.Connection, made: Handover) -> Told:
    [shown] = told(connection, [made])
    return shown
