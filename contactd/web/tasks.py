"""Tasks and returned letters over HTTP: the model and JSON of the command line; app.py mounts it."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa
from aiohttp import web

from contactd.domain.errors import InputError
from contactd.domain.task import Kind, State
from contactd.engine.agreeing import choose
from contactd.engine.judgement import today_of
from contactd.engine.returned_mail import REASONS, find, note
from contactd.engine.tasking import SAID, Order, Saying, Tasking, Told, told
from contactd.store import accounts, tasks
from contactd.store.tasks import Which
from contactd.web.asking import Asked, changing, day_in, one_of, refuse_unknown, telling, text_in
from contactd.web.boundary import Handler
from contactd.web.window import Window

SCOPE = "tasks"
_WHOSE = ("account", "creditor", "currency")
_LIKE = '{"account": "4711", "kind": "meeting", "owner": "anna"}'
_PAGE = 100
_MOST = 1000
_NUMBER = re.compile("[0-9]{1,15}")


def routes(window: Window) -> list[web.RouteDef]:
    """List the addresses for app.py to mount."""

    def make(connection: sa.Connection, _: web.Request, asked: Asked, by: str) -> Told:
        refuse_unknown(asked, (*_WHOSE, "kind", "owner", "due", "note"))
        kind = Kind(one_of(asked, "kind", [kind.value for kind in Kind]))
        order = Order(kind, text_in(asked, "owner"), day_in(asked, "due"), text_in(asked, "note"))
        debtor = choose(connection, *(text_in(asked, name) for name in _WHOSE))
        tasking = Tasking(window.settings(), connection, by=by, now=window.clock.now())
        return _shown(connection, tasking, tasking.open(debtor.id, order))

    def say(connection: sa.Connection, request: web.Request, asked: Asked, by: str) -> Told:
        refuse_unknown(asked, ("outcome", "reason", "owner", "due", "reaction"))
        reason = text_in(asked, "outcome") or text_in(asked, "reason")
        reaction = asked.get("reaction", False)
        if not isinstance(reaction, bool):
            raise InputError("reaction is true or false")
        word = request.match_info["word"]
        said = Saying(word, reason, text_in(asked, "owner"), day_in(asked, "due"), reaction)
        tasking = Tasking(window.settings(), connection, by=by, now=window.clock.now())
        return _shown(connection, tasking, tasking.say(int(request.match_info["id"]), said))

    def came_back(connection: sa.Connection, _: web.Request, asked: Asked, by: str) -> Told:
        refuse_unknown(asked, ("reference", "reason", "creditor"))
        why = one_of(asked, "reason", list(REASONS), REASONS[0])
        found = find(connection, text_in(asked, "reference"), text_in(asked, "creditor"))
        return note(window.settings(), connection, found, why, by=by, clock=window.clock)

    return [
        web.get("/api/v1/tasks", _listing(window)),
        web.post("/api/v1/tasks", changing(window, SCOPE, make, _LIKE)),
        web.post(f"/api/v1/tasks/{{id:\\d{{1,15}}}}/{{word:{'|'.join(SAID)}}}", changing(window, SCOPE, say, _LIKE)),
        web.post("/api/v1/letters/returned", changing(window, SCOPE, came_back, '{"reference": "123-1.pdf"}')),
    ]


def _shown(connection: sa.Connection, tasking: Tasking, made: tasks.Stored) -> Told:
    [shown] = told(connection, [made], tasking.today)
    return shown


def _listing(window: Window) -> Handler:
    def listed(connection: sa.Connection, request: web.Request) -> Told:
        which = _which(connection, request.query)
        today = today_of(window.settings(), window.clock.now())
        shown = list(told(connection, tasks.listed(connection, which), today))
        more = len(shown) == _limit(request.query)
        return {"tasks": shown, "next": shown[-1]["id"] if more else None}

    return telling(window, SCOPE, listed)


def _which(connection: sa.Connection, query: Mapping[str, str]) -> Which:
    refuse_unknown(query, ("account", "creditor", "owner", "due", "all", "after", "limit"))
    ids = None
    if "account" in query:
        ids = [row.id for row in accounts.find(connection, query["account"], query.get("creditor"))]
    state = None if one_of(query, "all", ["true", "false"], "false") == "true" else State.OPEN
    due: date | None = day_in(query, "due")
    return Which(ids, query.get("owner"), due, state, _number(query, "after", 0), _limit(query))


def _limit(query: Mapping[str, str]) -> int:
    return min(max(_number(query, "limit", _PAGE), 1), _MOST)


def _number(query: Mapping[str, Any], name: str, otherwise: int) -> int:
    text = query.get(name, str(otherwise))
    if not _NUMBER.fullmatch(text):
        raise InputError(f"{name} is a number, not {text[:40]!r}")
    return int(text)
