"""Runs that wait for approval over HTTP: the model and JSON of `contactd runs` and `contactd proposal`; for app.py."""

import asyncio
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from aiohttp import web

from contactd.domain.errors import InputError
from contactd.engine.proposing import Person, Proposing, Told, account_ids, known, proposing_of, told_line, told_run
from contactd.store import proposals
from contactd.web.asking import Asked, answering, asked_of, refuse_unknown, telling, text_in
from contactd.web.boundary import Handler
from contactd.web.window import Window

SCOPE = "runs"
_MOST = 5_000
_LIKE = '{"campaign": "mahnung-standard"}'
_RUN = "/api/v1/runs/{id:\\d{1,15}}"

# Takes the run's number, what was asked and who asks; answers the number of the run that is told of then.
Work = Callable[[Proposing, int, Asked, str], int]
Tell = Callable[[sa.Connection, web.Request, Window], Any]


def routes(window: Window) -> list[web.RouteDef]:
    """List the addresses for app.py to mount."""

    def propose(proposing: Proposing, _: int, asked: Asked, by: str) -> int:
        campaign = text_in(asked, "campaign")
        names = [one.id for one in window.settings().campaigns]
        if campaign not in names:
            raise InputError(f"there is no campaign {campaign[:40]!r}; there is {', '.join(names) or 'none at all'}")
        return proposing.propose(campaign, window.clock.now(), by).batch_id or 0

    def drop(proposing: Proposing, run: int, asked: Asked, by: str) -> int:
        names = asked.get("accounts")
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            raise InputError('accounts is a list of account numbers, like ["4711-0815"]')
        with window.database.snapshot() as connection:
            ids = account_ids(connection, run, names, text_in(asked, "creditor") or None)
        proposing.drop(run, ids, reason=text_in(asked, "reason"), by=by, now=window.clock.now())
        return run

    def approve(proposing: Proposing, run: int, asked: Asked, by: str) -> int:
        del asked
        four_eyes = window.settings().planning.four_eyes
        proposing.approve(run, Person(by, by), window.clock.now(), four_eyes=four_eyes)
        return run

    def reject(proposing: Proposing, run: int, asked: Asked, by: str) -> int:
        proposing.reject(run, reason=text_in(asked, "reason"), by=by, now=window.clock.now())
        return run

    return [
        web.get("/api/v1/runs", _telling(window, _listed)),
        web.get(_RUN, _telling(window, _shown)),
        web.get(_RUN + "/accounts", _telling(window, _accounts)),
        web.post("/api/v1/runs", _changing(window, propose, ("campaign",))),
        web.post(_RUN + "/drop", _changing(window, drop, ("accounts", "creditor", "reason"))),
        web.post(_RUN + "/approve", _changing(window, approve, ())),
        web.post(_RUN + "/reject", _changing(window, reject, ("reason",))),
    ]


def _listed(connection: sa.Connection, request: web.Request, window: Window) -> list[Told]:
    found = proposals.listed(connection, request.query.get("campaign"), limit=_number(request, "limit", 20))
    out = proposals.dropped(connection, [row.id for row in found])
    return [told_run(row, out.get(row.id, {}), window.clock.now()) for row in found]


def _shown(connection: sa.Connection, request: web.Request, window: Window) -> Told:
    return _tell(connection, int(request.match_info["id"]), window)


def _tell(connection: sa.Connection, run: int, window: Window) -> Told:
    out = proposals.dropped(connection, [run]).get(run, {})
    return told_run(known(connection, run), out, window.clock.now())


def _accounts(connection: sa.Connection, request: web.Request, window: Window) -> Told:
    """Answer a page; `next` is what to ask for as `after`, null at the end."""
    del window
    run, limit = int(request.match_info["id"]), _number(request, "limit", 1_000)
    ladder = known(connection, run).ladder
    rows = list(proposals.lines(connection, run, after=_number(request, "after", 0), limit=limit))
    following = rows[-1].account_id if len(rows) == limit else None
    return {"accounts": [told_line(row, ladder) for row in rows], "next": following}


def _number(request: web.Request, name: str, otherwise: int) -> int:
    text = request.query.get(name, str(otherwise))
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):  # noqa: PLR2004 -- a key of either database
        raise InputError(f"{name} is a whole number, not {text[:40]!r}")
    return int(text) if name == "after" else min(max(int(text), 1), _MOST)


def _telling(window: Window, tell: Tell) -> Handler:
    return telling(window, SCOPE, lambda connection, request: tell(connection, request, window))


def _changing(window: Window, work: Work, keys: tuple[str, ...]) -> Handler:
    async def carry_out(request: web.Request, by: str) -> object:
        asked = await asked_of(request, _LIKE)
        refuse_unknown(asked, keys)
        proposing = proposing_of(window.database, window.settings())
        run = await asyncio.to_thread(work, proposing, int(request.match_info.get("id", "0")), asked, by)
        window.wake()
        return await window.commit.read(lambda connection: _tell(connection, run, window))

    return answering(window, SCOPE, carry_out)
