"""Tasks and returned letters over HTTP: the model and JSON of the command line; for interface.py."""

import sqlalchemy as sa

from contactd.domain.task import OF_ITSELF, Kind, State
from contactd.engine.agreements.judgement import today_of
from contactd.engine.sending.returned_mail import REASONS, find, note
from contactd.engine.tasks.tasking import SAID, Order, Saying, Tasking, Told, told
from contactd.store import tasks
from contactd.store.tasks import Which
from contactd.web.answers import page, ref
from contactd.web.deeds import changing, telling
from contactd.web.kinds import Choice, Day, Flag, Shape, Text
from contactd.web.operation import ID, Call, Operation
from contactd.web.paging import PAGE, after, ask, paged
from contactd.web.whose import OF_ACCOUNT, WHOSE, choosing, meant

_FAMILY = "tasks"
_LIKE = '{"account": "4711", "kind": "meeting", "owner": "anna"}'


def _tasking(connection: sa.Connection, call: Call) -> Tasking:
    return Tasking(call.window.settings(), connection, by=call.by, now=call.window.clock.now())


def _make(connection: sa.Connection, call: Call) -> Told:
    asked = call.body
    order = Order(Kind(asked["kind"]), asked["owner"], asked["due"], asked["note"])
    tasking = _tasking(connection, call)
    return _shown(connection, tasking, tasking.open(choosing(connection, asked).id, order))


def _say(connection: sa.Connection, call: Call) -> Told:
    asked, tasking = call.body, _tasking(connection, call)
    reason = asked["outcome"] or asked["reason"]
    said = Saying(call.path["word"], reason, asked["owner"], asked["due"], asked["reaction"])
    return _shown(connection, tasking, tasking.say(call.path["id"], said))


def _came_back(connection: sa.Connection, call: Call) -> Told:
    found = find(connection, call.body["reference"], call.body["creditor"])
    return note(
        call.window.settings(), connection, found, call.body["reason"], by=call.by, clock=call.window.clock
    )  # fmt: skip


def _shown(connection: sa.Connection, tasking: Tasking, made: tasks.Stored) -> Told:
    [shown] = told(connection, [made], tasking.today)
    return shown


def _listed(connection: sa.Connection, call: Call) -> Told:
    asked = call.query
    state = State(asked["state"]) if asked["state"] else None
    which = Which(
        meant(connection, asked), asked["owner"], asked["due"], state, after(_FAMILY, asked), ask(asked)
    )  # fmt: skip
    today = today_of(call.window.settings(), call.window.clock.now())
    shown = list(told(connection, tasks.listed(connection, which), today))
    return paged(_FAMILY, asked, [one["id"] for one in shown], shown)


OPERATIONS = (
    Operation(
        method="GET", path="/tasks", name="list_tasks", family=_FAMILY, what="List what people have to do",
        query=Shape({
            **OF_ACCOUNT, "owner": Text(nothing=None), "due": Day(), "state": Choice([one.value for one in State], ""),
            **PAGE,
        }),
        answer=page("tasks", "Task"), work=telling(_listed), finds=False,
    ),
    Operation(
        method="POST", path="/tasks", name="open_task", family=_FAMILY, what="Give somebody something to do",
        body=Shape({
            **WHOSE, "kind": Choice([kind.value for kind in Kind if kind not in OF_ITSELF]), "owner": Text(),
            "due": Day(), "note": Text()
        }),
        like=_LIKE, once=True, answer=ref("Task"), work=changing(_make),
    ),
    Operation(
        method="POST", path="/tasks/{id}/{word}", name="say_of_task", family=_FAMILY, what="Say what became of a task",
        places={**ID, "word": Choice(SAID)},
        body=Shape({"outcome": Text(), "reason": Text(), "owner": Text(), "due": Day(), "reaction": Flag()}),
        once=True, answer=ref("Task"), work=changing(_say),
    ),
    Operation(
        method="POST", path="/letters/returned", name="return_letter", family=_FAMILY,
        what="Note that a letter came back",
        body=Shape({"reference": Text(needed=True), "reason": Choice(list(REASONS), REASONS[0]), "creditor": Text()}),
        like='{"reference": "123-1.pdf"}', once=True, answer=ref("Returned"), work=changing(_came_back),
    ),
)  # fmt: skip
