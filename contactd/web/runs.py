"""Runs that wait for approval over HTTP: the model and JSON of `contactd runs` and `proposal`; for interface.py."""

import asyncio
from collections.abc import Callable, Mapping

import sqlalchemy as sa

from contactd.domain.errors import NotThere
from contactd.engine.ladder.proposing import (
    Person,
    Proposing,
    Told,
    account_ids,
    known,
    proposing_of,
    told_line,
    told_run,
)
from contactd.store import audit, proposals
from contactd.web.answers import page, ref
from contactd.web.deeds import deed_of, telling
from contactd.web.kinds import Schema, Shape, Text, Texts
from contactd.web.operation import ID, Call, Operation, Work
from contactd.web.paging import PAGE, after, ask, paged

_FAMILY = "runs"
_RUN = "/runs/{id}"
_LIKE = '{"campaign": "mahnung-standard"}'

# Answers the number of the run that is told of then.
Change = Callable[[Proposing, Call], int]


def _propose(proposing: Proposing, call: Call) -> int:
    campaign = call.body["campaign"]
    names = [one.id for one in call.window.settings().campaigns]
    if campaign not in names:
        raise NotThere(f"there is no campaign {campaign[:40]!r}; there is {', '.join(names) or 'none at all'}")
    return proposing.propose(campaign, call.window.clock.now(), call.by).batch_id or 0


def _drop(proposing: Proposing, call: Call) -> int:
    run, asked = call.path["id"], call.body
    with call.window.database.snapshot() as connection:
        ids = account_ids(connection, run, asked["accounts"], asked["creditor"] or None)
    proposing.drop(run, ids, reason=asked["reason"], by=call.by, now=call.window.clock.now())
    return int(run)


def _approve(proposing: Proposing, call: Call) -> int:
    four_eyes = call.window.settings().planning.four_eyes
    proposing.approve(call.path["id"], Person(call.by, call.by), call.window.clock.now(), four_eyes=four_eyes)
    return int(call.path["id"])


def _reject(proposing: Proposing, call: Call) -> int:
    proposing.reject(call.path["id"], reason=call.body["reason"], by=call.by, now=call.window.clock.now())
    return int(call.path["id"])


def _listed(connection: sa.Connection, call: Call) -> Told:
    asked = call.query
    found = proposals.listed(connection, asked["campaign"], limit=ask(asked), before=after(_FAMILY, asked))
    out = proposals.dropped(connection, [row.id for row in found])
    shown = [told_run(row, out.get(row.id, {}), call.window.clock.now()) for row in found]
    return paged(_FAMILY, asked, [row.id for row in found], shown)


async def _in_full(call: Call) -> object:
    proposing = proposing_of(call.window.database, call.window.settings())
    return (await asyncio.to_thread(proposing.outlook, call.path["id"], call.window.clock.now()))[0]


def _accounts(connection: sa.Connection, call: Call) -> Told:
    run = call.path["id"]
    ladder, asked = known(connection, run).ladder, {**call.query, "run": run}
    rows = list(proposals.lines(connection, run, after=after("accounts", asked), limit=ask(asked)))
    return paged("accounts", asked, [row.account_id for row in rows], [told_line(row, ladder) for row in rows])


def _changing(change: Change) -> Work:
    async def work(call: Call) -> object:
        window = call.window
        seen = window.database.witnessed(lambda connection: audit.add(connection, deed_of(connection, call)))
        run = await asyncio.to_thread(change, proposing_of(seen, window.settings()), call)
        window.wake()

        def tell(connection: sa.Connection) -> Told:
            out = proposals.dropped(connection, [run]).get(run, {})
            return told_run(known(connection, run), out, window.clock.now())

        return await window.commit.read(tell)

    return work


def _decision(word: str, what: str, change: Change, body: Mapping[str, Text | Texts]) -> Operation:
    answer: Schema = ref("Run")
    return Operation(
        method="POST", path=f"{_RUN}/{word}", name=f"{word}_run", family=_FAMILY, what=what, places=ID,
        body=Shape(body), answer=answer, work=_changing(change),
    )  # fmt: skip


OPERATIONS = (
    Operation(
        method="GET", path="/runs", name="list_runs", family=_FAMILY, what="List planning runs, the newest first",
        query=Shape({"campaign": Text(), **PAGE}), answer=page("runs", "Run"), work=telling(_listed), finds=False,
    ),
    Operation(
        method="GET", path=_RUN, name="get_run", family=_FAMILY, places=ID, answer=ref("RunInFull"), work=_in_full,
        what="Tell of a run, and which of its accounts would fall out were it approved now",
    ),
    Operation(
        method="GET", path=_RUN + "/accounts", name="list_run_accounts", family=_FAMILY, places=ID, query=Shape(PAGE),
        what="List the accounts of a run", answer=page("accounts", "RunLine"), work=telling(_accounts),
    ),
    Operation(
        method="POST", path="/runs", name="propose_run", family=_FAMILY, what="Plan a campaign's run for approval",
        body=Shape({"campaign": Text(needed=True)}), like=_LIKE, answer=ref("Run"), work=_changing(_propose),
    ),
    _decision(
        "drop", "Take accounts out of a run", _drop,
        {"accounts": Texts('["4711-0815"]', "account numbers"), "creditor": Text(), "reason": Text()},
    ),
    _decision("approve", "Let a run go", _approve, {}),
    _decision("reject", "Do not let a run go", _reject, {"reason": Text()}),
)  # fmt: skip
