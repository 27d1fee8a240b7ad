"""One thing the HTTP interface does: ONE row says its address, scope, input and answer, and everything obeys it.

The handler checks what comes in by it, app.py mounts it, openapi.py describes it, and tests walk along it.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from aiohttp import web

from contactd.domain.errors import InputError, StoreConflict, StoreError
from contactd.domain.scope import READ, WRITE
from contactd.web.access import Caller, admit, refusal, unavailable
from contactd.web.asking import asked_of, key_of
from contactd.web.boundary import Handler
from contactd.web.kinds import Kind, Number, Schema, Shape
from contactd.web.window import Window

BASE = "/api/v1"
NOTHING = Shape()


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was let in and read: what its address and its body say, and who asks."""

    window: Window
    by: str
    address: str
    path: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""  # the Idempotency-Key
    digest: str = ""  # of address and body


Work = Callable[[Call], Awaitable[object]]  # answers plain data
Take = Callable[[Window, web.Request, Caller], Awaitable[web.StreamResponse]]  # reads the body by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What is asked for by a method and an address below /api/v1; `{name}` in it is one of `places`."""

    method: str
    path: str
    name: str  # operationId
    what: str
    family: str  # of the scope
    answer: Schema
    work: Work | None = None
    take: Take | None = None
    places: Mapping[str, Kind] = field(default_factory=dict)
    query: Shape = NOTHING
    body: Shape | None = None
    like: str = "{}"  # an example of a body, for who sent none
    types: Mapping[str, Schema] = field(default_factory=dict)  # of bodies that `take` reads, by their content types
    once: bool = False  # with an Idempotency-Key it is done once
    finds: bool = True  # what it names may not be there

    @property
    def scope(self) -> str:
        """Name the scope a token needs."""
        return f"{self.family}:{READ if self.method == 'GET' else WRITE}"

    @property
    def pattern(self) -> str:
        """Write the address as the router does: what fits no kind is no address."""
        written = BASE + self.path
        for name, kind in self.places.items():
            written = written.replace(f"{{{name}}}", f"{{{name}:{kind.place}}}")
        return written


ID: Mapping[str, Kind] = {"id": Number(least=0)}


def route(window: Window, operation: Operation) -> web.RouteDef:
    """Make what app.py mounts."""
    mount = web.get if operation.method == "GET" else web.post
    return mount(operation.pattern, _handler(window, operation))


def _handler(window: Window, operation: Operation) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        try:
            caller = await admit(window, operation.scope, request)
            if isinstance(caller, web.Response):
                return caller
            if operation.take is not None:
                return await operation.take(window, request, caller)
            if operation.work is None:
                raise TypeError(operation.name)  # a row of the table without anything to do
            return web.json_response(await operation.work(await _read(window, operation, request, caller)))
        except InputError as problem:
            return refusal(problem)
        except (StoreError, StoreConflict) as problem:
            return unavailable(problem)

    return handler


async def _read(window: Window, operation: Operation, request: web.Request, caller: Caller) -> Call:
    places = {name: kind.read(name, kind.spelled(request.match_info[name])) for name, kind in operation.places.items()}
    query = operation.query.read_query(request.query)
    if operation.body is None:
        return Call(window, caller.by, request.path, places, query)
    asked = await asked_of(request, operation.like)
    body, key = operation.body.read(asked), key_of(request) if operation.once else ""
    digest = sha256(json.dumps([request.path_qs, asked], sort_keys=True).encode()).hexdigest()
    return Call(window, caller.by, request.path, places, query, body, key, digest)
