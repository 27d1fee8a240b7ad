"""Agreements over HTTP, for the creditor's own systems: the model and JSON of `contactd agree`; app.py mounts it."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa
from aiohttp import web

from contactd.domain.agreement import Kind, State
from contactd.domain.errors import InputError, StoreConflict, StoreError
from contactd.engine.agreeing import SAID, Agreeing, Order, Told, choose, told
from contactd.store import accounts, agreements
from contactd.web.access import admit, error_of, unavailable
from contactd.web.boundary import Handler
from contactd.web.window import Window

SCOPE = "agreements"
_BEGINNINGS = (State.DRAFT, State.SENT, State.CONFIRMED)
_TEXTS = ("amount", "instalment", "invoice", "reason", "owner")
_NUMBERS = ("instalments", "every_months")
_DAYS = ("on", "cost_notice_sent")
_WHOSE = ("account", "creditor", "currency")
_KEYS = ("kind", "state", *_TEXTS, *_NUMBERS, *_DAYS, *_WHOSE)

Asked = Mapping[str, Any]
Work = Callable[[sa.Connection, web.Request, Asked, str], Any]  # answers plain data


def routes(window: Window) -> list[web.RouteDef]:
    """List the addresses for app.py to mount."""

    def make(connection: sa.Connection, _: web.Request, asked: Asked, by: str) -> Told:
        order = order_of(asked)
        debtor = choose(connection, *(text_of(asked, name) for name in _WHOSE))
        agreeing = Agreeing(window.settings(), connection, by=by, now=window.clock.now())
        [shown] = told(connection, [agreeing.make(debtor, order)])
        return shown

    def say(connection: sa.Connection, request: web.Request, asked: Asked, by: str) -> Told:
        refuse_unknown(asked, ("reason",))
        agreeing = Agreeing(window.settings(), connection, by=by, now=window.clock.now())
        said = agreeing.say(int(request.match_info["id"]), request.match_info["word"], text_of(asked, "reason"))
        [shown] = told(connection, [said])
        return shown

    said = f"/api/v1/agreements/{{id:\\d{{1,15}}}}/{{word:{'|'.join(SAID)}}}"
    return [
        web.get("/api/v1/agreements", _listing(window)),
        web.post("/api/v1/agreements", changing(window, SCOPE, make)),
        web.post(said, changing(window, SCOPE, say)),
    ]


def _listing(window: Window) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        caller = admit(window.settings(), SCOPE, request)
        if isinstance(caller, web.Response):
            return caller
        account_no, creditor = request.query.get("account"), request.query.get("creditor")

        def listed(connection: sa.Connection) -> list[Told]:
            if account_no is None:
                return list(told(connection, agreements.everyone(connection, alive=True)))
            ids = [row.id for row in accounts.find(connection, account_no, creditor)]
            return list(told(connection, agreements.of_accounts(connection, ids)))

        try:
            return web.json_response(await window.commit.read(listed))
        except StoreError as problem:
            return unavailable(problem)

    return handler


def changing(window: Window, scope: str, work: Work) -> Handler:
    """Let callers with that scope change something in one transaction; what they asked wrongly is answered with 400."""

    async def handler(request: web.Request) -> web.StreamResponse:
        caller = admit(window.settings(), scope, request)
        if isinstance(caller, web.Response):
            return caller
        by = f"api:{caller.name}"
        try:
            asked = await _asked(request)

            def change() -> Any:  # noqa: ANN401 - plain data
                with window.database.transaction() as connection:
                    return work(connection, request, asked, by)

            shown = await asyncio.to_thread(change)
        except InputError as problem:
            return error_of(str(problem), 400)
        except (StoreError, StoreConflict) as problem:
            return unavailable(problem)
        window.wake()
        return web.json_response(shown)

    return handler


async def _asked(request: web.Request) -> Asked:
    try:
        asked = await request.json() if request.can_read_body else {}
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        raise InputError('send one JSON object, like {"kind": "promise", "account": "4711", "on": "2026-12-01"}')
    return asked


def order_of(asked: Asked) -> Order:
    """Read an agreement as the API takes it; raises InputError with what could be written."""
    refuse_unknown(asked, _KEYS)
    numbers = {name: asked[name] for name in _NUMBERS if asked.get(name) is not None}
    for name, value in numbers.items():
        if type(value) is not int:
            raise InputError(f"{name} is a whole number, not {value!r}")
    texts = {name: text_of(asked, name) for name in _TEXTS}
    return Order(
        Kind(one_of(asked, "kind", [kind.value for kind in Kind])),
        amount=texts["amount"],
        on=day_of(asked, "on"),
        count=numbers.get("instalments"),
        instalment=texts["instalment"],
        every_months=numbers.get("every_months", 1),
        invoice_no=texts["invoice"],
        reason=texts["reason"],
        owner=texts["owner"],
        cost_notice_on=day_of(asked, "cost_notice_sent"),
        state=State(one_of(asked, "state", [state.value for state in _BEGINNINGS], State.DRAFT.value)),
    )


def refuse_unknown(asked: Asked, known: tuple[str, ...]) -> None:
    """Raise InputError for a key nobody knows."""
    for name in asked:
        if name not in known:
            raise InputError(f"{name[:40]!r} is no key here; known: {', '.join(sorted(known))}")


def text_of(asked: Asked, name: str) -> str:
    """Read a text or an amount; empty when it is not there. Raises InputError."""
    value = asked.get(name)
    if isinstance(value, dict) and set(value) == {"amount", "currency"}:  # as we write amounts ourselves
        value = f"{value['amount']} {value['currency']}"
    if value is not None and not isinstance(value, str):
        raise InputError(f"{name} is a text, not {str(value)[:40]}")
    return value or ""


def one_of(asked: Asked, name: str, words: list[str], otherwise: str = "") -> str:
    """Read one of these words; raises InputError."""
    word = text_of(asked, name) or otherwise
    if word not in words:
        raise InputError(f"{name} is one of {', '.join(words)}, not {word[:40]!r}")
    return word


def day_of(asked: Asked, name: str) -> date | None:
    """Read a day; raises InputError."""
    text = text_of(asked, name)
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InputError(f"{name} is a day like 2026-12-31, not {text[:40]!r}") from None
