"""What a JSON object asks for, read key by key, and the answer to a request that changes something; for the API."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from aiohttp import web

from contactd.domain.errors import InputError, StoreConflict, StoreError
from contactd.web.access import admit, error_of, unavailable
from contactd.web.boundary import Handler
from contactd.web.window import Window

Asked = Mapping[str, Any]
Work = Callable[[sa.Connection, web.Request, Asked, str], object]  # answers plain data
Tell = Callable[[sa.Connection, web.Request], object]


def answering(window: Window, scope: str, work: Callable[[web.Request, str], Awaitable[object]]) -> Handler:
    """Let whoever has the scope in, have it done for them, and answer what it made, or what was asked wrongly."""

    async def handler(request: web.Request) -> web.StreamResponse:
        caller = admit(window.settings(), scope, request)
        if isinstance(caller, web.Response):
            return caller
        try:
            return web.json_response(await work(request, f"api:{caller.name}"))
        except InputError as problem:
            return error_of(str(problem), 400)
        except (StoreError, StoreConflict) as problem:
            return unavailable(problem)

    return handler


def telling(window: Window, scope: str, tell: Tell) -> Handler:
    """Answer what a look into the store tells."""

    async def work(request: web.Request, _: str) -> object:
        return await window.commit.read(lambda connection: tell(connection, request))

    return answering(window, scope, work)


def changing(window: Window, scope: str, work: Work, like: str) -> Handler:
    """Carry out work in one transaction, and wake who waits for what it made; `like` is an example."""

    async def carry_out(request: web.Request, by: str) -> object:
        asked = await asked_of(request, like)

        def change() -> object:
            with window.database.transaction() as connection:
                return work(connection, request, asked, by)

        shown = await asyncio.to_thread(change)
        window.wake()
        return shown

    return answering(window, scope, carry_out)


async def asked_of(request: web.Request, like: str) -> Asked:
    """Read the JSON object of a request; raises InputError."""
    try:
        asked = await request.json() if request.can_read_body else {}
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        raise InputError(f"send one JSON object, like {like}")
    return asked


def refuse_unknown(asked: Asked, known: Sequence[str]) -> None:
    """Name the first key that means nothing here."""
    for name in asked:
        if name not in known:
            raise InputError(f"{name[:40]!r} is no key here; known: {', '.join(sorted(known)) or 'none'}")


def text_in(asked: Asked, name: str) -> str:
    """Read a text; empty when there is none."""
    value = asked.get(name)
    if isinstance(value, dict) and set(value) == {"amount", "currency"}:  # as we write amounts ourselves
        value = f"{value['amount']} {value['currency']}"
    if value is not None and not isinstance(value, str):
        raise InputError(f"{name} is a text, not {str(value)[:40]}")
    return value or ""


def whether_in(asked: Asked, name: str, *, otherwise: bool) -> bool:
    """Read a yes or no."""
    value = asked.get(name, otherwise)
    if not isinstance(value, bool):
        raise InputError(f"{name} is true or false, not {str(value)[:40]}")
    return value


def one_of(asked: Asked, name: str, words: Sequence[str], otherwise: str = "") -> str:
    """Read one of these words."""
    word = text_in(asked, name) or otherwise
    if word not in words:
        raise InputError(f"{name} is one of {', '.join(words)}, not {word[:40]!r}")
    return word


def day_in(asked: Asked, name: str) -> date | None:
    """Read a day."""
    text = text_in(asked, name)
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InputError(f"{name} is a day like 2026-12-31, not {text[:40]!r}") from None
