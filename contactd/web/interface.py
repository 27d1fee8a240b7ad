"""The HTTP interface for other software: every operation there is, and their description; app.py mounts it."""

import json
from functools import cache

from aiohttp import web

from contactd.web import (
    accounts,
    agreements,
    api,
    campaigns,
    circumstances,
    contacts,
    hand_overs,
    postings,
    runs,
    statements,
    stops,
    tasks,
)
from contactd.web.openapi import document
from contactd.web.operation import BASE, Operation, route
from contactd.web.window import Window

_READY = (accounts, contacts, agreements, stops, campaigns, postings, circumstances, tasks, hand_overs, runs)


def operations() -> tuple[Operation, ...]:
    """List everything that can be asked for."""
    return (
        *api.operations(),
        *statements.operations(),
        *(operation for module in _READY for operation in module.OPERATIONS),
    )


def routes(window: Window) -> list[web.RouteDef]:
    """List the addresses for app.py to mount."""
    return [
        web.get(f"{BASE}/openapi.json", _describe),
        *(route(window, operation) for operation in operations()),
    ]


async def _describe(request: web.Request) -> web.Response:
    """Tell everybody what can be asked for; that is no secret, and what is asked for needs a token."""
    del request
    return web.json_response(body=_described())


@cache
def _described() -> bytes:
    return json.dumps(document(operations())).encode()
