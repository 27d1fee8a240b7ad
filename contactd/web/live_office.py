"""Runs that wait for approval and what people have to do, as supervisors work through them; pages of the live view."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from aiohttp import web

from contactd.domain.errors import InputError, NotThere
from contactd.domain.proposal import State
from contactd.engine.agreements.judgement import today_of
from contactd.engine.ladder.proposing import Person, Proposing, proposing_of, told_line
from contactd.engine.tasks.tasking import Saying, Tasking, told
from contactd.store import proposals, tasks
from contactd.store.accounts import numbers
from contactd.store.audit import Deed as Told
from contactd.store.audit import account_of, add
from contactd.store.tasks import Which
from contactd.web import reasons
from contactd.web.desk_words import TASKS
from contactd.web.live_deeds import DEEDS, Asked, Choices, Deed, account_named, number_of
from contactd.web.pages import Pages
from contactd.web.window import Window
from contactd.web.words import _
from contactd.web.written import day_of

_SHOWN = 100  # accounts of a run on a page
_LONGER = (1, 3, 7, 14, 30)  # days
_STATES = {
    State.PROPOSED.value: _("waits for approval"),
    State.EXECUTED.value: _("approved"),
    State.REJECTED.value: _("rejected"),
    State.EXPIRED.value: _("expired"),
    "unfinished": _("being planned"),
    "interrupted": _("broken off"),
}


def routes(window: Window, pages: Pages) -> list[web.RouteDef]:
    """List the addresses."""
    office = _Office(window, pages)
    return [web.get("/live/runs/{run:[^/]+}", office.run), web.get("/live/tasks", office.tasks)]


class _Office:
    def __init__(self, window: Window, pages: Pages) -> None:
        self._window, self._pages = window, pages

    async def run(self, request: web.Request) -> web.StreamResponse:
        """Show a run: what would go out by which step, what fell out, and its accounts, page by page."""
        now, begins = self._window.clock.now(), request.query.get("account", "").strip()[:100]
        proposing = proposing_of(self._window.database, self._window.settings())
        try:
            number = number_of(request.match_info["run"])
            after = number_of(request.query.get("after", "0"))
            shown, fallen = await asyncio.to_thread(proposing.outlook, number, now)
        except InputError:  # no number, or none of a run
            return self._pages.error(request, 404)
        lines = await self._window.commit.read(lambda connection: _lines(connection, number, fallen, after, begins))
        more = lines[_SHOWN - 1]["id"] if len(lines) > _SHOWN else 0
        return self._pages.show(
            request, "live_run.html", run=shown, states=_STATES, lines=lines[:_SHOWN], begins=begins, after=after,
            more=more, done=_done(request),
        )  # fmt: skip

    async def tasks(self, request: web.Request) -> web.StreamResponse:
        """Show what people have to do, the most urgent first."""
        today = today_of(self._window.settings(), self._window.clock.now())
        found = await self._window.commit.read(
            lambda connection: list(told(connection, tasks.listed(connection, Which(limit=1000)), today))
        )
        rows = sorted(found, key=lambda one: (one["due_on"], one["id"]))
        return self._pages.show(request, "live_tasks.html", tasks=rows, kinds=TASKS, done=_done(request))


def _done(request: web.Request) -> str:
    done = request.query.get("done", "")
    return DEEDS[done].done if done in DEEDS else ""


def _lines(
    connection: sa.Connection, run: int, fallen: Mapping[int, str], after: int, begins: str
) -> list[dict[str, Any]]:
    """Read a page of a run's accounts, and one more where there is another page."""
    found = proposals.read(connection, run)
    ladder = found.ladder if found is not None and found.ladder else {}
    return [
        told_line(row, ladder) | {"id": row.account_id, "falls_out": reasons.held(fallen.get(row.account_id, ""))}
        for row in proposals.lines(connection, run, after=after, limit=_SHOWN + 1, begins=begins)
    ]


# -- what is done ------------------------------------------------------------------------------------------------------


async def _propose(
    asked: Asked, what: str, run: int, work: Callable[[Proposing, str], object], account_id: int | None = None
) -> None:
    """Do something with a run, or an account of it, in a thread, and note it in the transaction that does it."""
    window, now = asked.window, asked.window.clock.now()
    deed = Told(now, asked.viewer.name, what, f"run:{run}", account_id, reason=asked.reason)
    seen = window.database.witnessed(lambda connection: add(connection, deed))
    await asyncio.to_thread(work, proposing_of(seen, window.settings()), asked.viewer.full_name or asked.viewer.name)


async def _approve(asked: Asked) -> None:
    run, now, eyes = number_of(asked.on), asked.window.clock.now(), asked.window.settings().planning.four_eyes
    login = asked.viewer.name
    await _propose(
        asked, "approve run", run, lambda model, by: model.approve(run, Person(by, login), now, four_eyes=eyes)
    )


async def _reject(asked: Asked) -> None:
    run, now = number_of(asked.on), asked.window.clock.now()
    await _propose(asked, "reject run", run, lambda model, by: model.reject(run, reason=asked.reason, by=by, now=now))


async def _drop(asked: Asked) -> None:
    first, second, *_seen = asked.on.split(":") if ":" in asked.on else (asked.on, "")
    run, account_id, now = number_of(first), number_of(second), asked.window.clock.now()

    known = await asked.window.commit.read(lambda connection: proposals.among_lines(connection, run, {account_id}))
    if not known:
        raise NotThere("this account is not in run %(run)s, or taken out already", run=run)
    await _propose(
        asked, "drop account", run,
        lambda model, by: model.drop(run, [account_id], reason=asked.reason, by=by, now=now), account_id,
    )  # fmt: skip


def _says(word: str) -> Callable[[Asked], Any]:
    async def say(asked: Asked) -> None:
        number, window = number_of(asked.on), asked.window
        by, now = asked.viewer.full_name or asked.viewer.name, window.clock.now()
        due = None
        if word == "postpone":
            if asked.choice not in map(str, _LONGER):
                raise InputError("%(choice)r is no number of days to choose", choice=asked.choice[:20])
            due = today_of(window.settings(), now) + timedelta(days=int(asked.choice))
        said = Saying(word, asked.reason, asked.choice if word == "assign" else "", due)

        def work(connection: sa.Connection) -> None:
            Tasking(window.settings(), connection, by=by, now=now).say(number, said)
            new = said.owner or (due.isoformat() if due else "")
            mine = account_of(connection, f"task:{number}")
            add(connection, Told(now, asked.viewer.name, f"task {word}", f"task:{number}", mine, "", new, asked.reason))

        await window.commit.run(work)

    return say


async def _people(asked: Asked) -> Choices:
    seats = sorted(asked.window.oversight.seats(), key=lambda seat: seat.name)
    return {asked.viewer.name: asked.viewer.full_name} | {seat.id: seat.name for seat in seats}


async def _days(asked: Asked) -> Choices:
    today = today_of(asked.window.settings(), asked.window.clock.now())
    return {str(days): day_of(today + timedelta(days=days), asked.viewer.language) for days in _LONGER}


async def _of_run(asked: Asked) -> str:
    """Name the account that is to leave a run."""
    account_id = f"{asked.on}:".split(":")[1]
    if not account_id.isdecimal():
        return ""
    found = await asked.window.commit.read(lambda connection: numbers(connection, {int(account_id)}))
    return found.get(int(account_id), "")


async def _of_task(asked: Asked) -> str:
    return await account_named(asked, f"task:{asked.on}")


def _run_page(asked: Asked) -> str:
    """Go back to the page one came from: `on` of an account also says where it began, and what was looked for."""
    number, _id, after, begins, *_more = [*asked.on.split(":", 3), "", "", ""]
    if not (number.isascii() and number.isdecimal()):
        return "/live"
    seen = {name: text for name, text in (("account", begins), ("after", after)) if text not in {"", "0"}}
    return f"/live/runs/{number}" + (f"?{urlencode(seen)}" if seen else "")


def _tasks_page(asked: Asked) -> str:
    del asked
    return "/live/tasks"


_MORE = (
    Deed("approve", _("Approve the run"),
         _("The rules are asked once more; who has paid meanwhile falls out. The rest is sent."), _("Approve"),
         _("Approved: it is sent."), _approve, grave=True, back=_run_page),
    Deed("reject", _("Reject the run"), _("Nothing of it is sent; what is due comes again with the next run."),
         _("Reject"), _("Rejected."), _reject, grave=True, why=True, back=_run_page),
    Deed("drop", _("Take an account out of the run"), _("Its step comes again with the next run."), _("Take out"),
         _("Taken out."), _drop, why=True, names=_of_run, back=_run_page),
    Deed("task-done", _("The task is done"), _("What came out stands in the contact log; a ladder that waits goes on."),
         _("Done"), _("Done."), _says("done"), why=True, names=_of_task, back=_tasks_page),
    Deed("task-drop", _("Nobody is going to do it"), _("A ladder that waits for it goes on."), _("Drop"), _("Dropped."),
         _says("drop"), why=True, names=_of_task, back=_tasks_page),
    Deed("task-assign", _("Give the task to somebody"), _("It stands among their tasks from now on."), _("Give"),
         _("Given."), _says("assign"), _people, label=_("Who does it"), names=_of_task, back=_tasks_page),
    Deed("task-postpone", _("Do it later"), _("A ladder that waits for it waits on."), _("Postpone"), _("Postponed."),
         _says("postpone"), _days, label=_("Until"), names=_of_task, back=_tasks_page),
)  # fmt: skip
DEEDS.update({deed.name: deed for deed in _MORE})
