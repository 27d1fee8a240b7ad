"""Postings by hand over HTTP: the model and JSON of `contactd post`; app.py mounts it."""

import sqlalchemy as sa
from aiohttp import web

from contactd.domain.appropriation import Part
from contactd.domain.errors import InputError
from contactd.domain.posting import Kind, Purpose
from contactd.engine.agreeing import choose
from contactd.engine.bookings import Bookings, Entry, Told, told
from contactd.store import accounts, postings
from contactd.web.asking import Asked, changing, day_in, one_of, refuse_unknown, telling, text_in
from contactd.web.window import Window

SCOPE = "postings"
_WHOSE = ("account", "creditor", "currency")
_KEYS = ("kind", "amount", "reason", "on", "invoice", "purpose", "part", "rate", *_WHOSE)
_LIKE = '{"kind": "cost", "account": "4711", "amount": "12.50", "reason": "inquiry"}'
_REVERSED = '{"reason": "entered twice"}'
_KINDS = [Kind.COST.value, Kind.WRITE_OFF.value]


def routes(window: Window) -> list[web.RouteDef]:
    """List the addresses for app.py to mount."""

    def post(connection: sa.Connection, _: web.Request, asked: Asked, by: str) -> list[Told]:
        debtor = choose(connection, *(text_in(asked, name) for name in _WHOSE))
        made = _bookings(window, connection, by).post(debtor, entry_of(asked))
        return list(told(connection, made))

    def reverse(connection: sa.Connection, request: web.Request, asked: Asked, by: str) -> list[Told]:
        refuse_unknown(asked, ("reason",))
        number = int(request.match_info["id"])
        return list(told(connection, [_bookings(window, connection, by).reverse(number, text_in(asked, "reason"))]))

    return [
        web.get("/api/v1/postings", telling(window, SCOPE, _listed)),
        web.post("/api/v1/postings", changing(window, SCOPE, post, _LIKE)),
        web.post("/api/v1/postings/{id:\\d{1,15}}/reverse", changing(window, SCOPE, reverse, _REVERSED)),
    ]


def _bookings(window: Window, connection: sa.Connection, by: str) -> Bookings:
    return Bookings(window.settings(), connection, by=by, now=window.clock.now())


def _listed(connection: sa.Connection, request: web.Request) -> list[Told]:
    account_no = request.query.get("account")
    if not account_no:
        raise InputError("say whose: ?account=4711")
    ids = [row.id for row in accounts.find(connection, account_no, request.query.get("creditor"))]
    booked = postings.of_accounts(connection, ids)
    return list(told(connection, [one for mine in booked.values() for one in mine]))


def entry_of(asked: Asked) -> Entry:
    """Read a posting as the API takes it; raises InputError with what could be written."""
    refuse_unknown(asked, _KEYS)
    part = one_of(asked, "part", ["", *(part.value for part in Part)])
    return Entry(
        Kind(one_of(asked, "kind", _KINDS)),
        text_in(asked, "amount"),
        text_in(asked, "reason"),
        day_in(asked, "on"),
        text_in(asked, "invoice"),
        Purpose(one_of(asked, "purpose", [purpose.value for purpose in Purpose], Purpose.OTHER.value)),
        Part(part) if part else None,
        text_in(asked, "rate"),
    )
