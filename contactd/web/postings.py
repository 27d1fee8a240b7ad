"""Postings by hand over HTTP: the model and JSON of `contactd post`; app.py mounts it."""

import sqlalchemy as sa
from aiohttp import web

from contactd.domain.appropriation import Part
from contactd.domain.errors import StoreError
from contactd.domain.posting import Kind, Purpose
from contactd.engine.agreeing import choose
from contactd.engine.bookings import Bookings, Entry, Told, told
from contactd.store import accounts, postings
from contactd.web.access import admit, error_of, unavailable
from contactd.web.asking import Asked, changing, day_in, one_of, refuse_unknown, text_in
from contactd.web.boundary import Handler
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
        web.get("/api/v1/postings", _listing(window)),
        web.post("/api/v1/postings", changing(window, SCOPE, post, _LIKE)),
        web.post("/api/v1/postings/{id:\\d{1,15}}/reverse", changing(window, SCOPE, reverse, _REVERSED)),
    ]


def _bookings(window: Window, connection: sa.Connection, by: str) -> Bookings:
    return Bookings(window.settings(), connection, by=by, now=window.clock.now())


def _listing(window: Window) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        caller = admit(window.settings(), SCOPE, request)
        if isinstance(caller, web.Response):
            return caller
        account_no, creditor = request.query.get("account"), request.query.get("creditor")
        if not account_no:
            return error_of("say whose: ?account=4711", 400)

        def listed(connection: sa.Connection) -> list[Told]:
            ids = [row.id for row in accounts.find(connection, account_no, creditor)]
            booked = postings.of_accounts(connection, ids)
            return list(told(connection, [one for mine in booked.values() for one in mine]))

        try:
            return web.json_response(await window.commit.read(listed))
        except StoreError as problem:
            return unavailable(problem)

    return handler


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
