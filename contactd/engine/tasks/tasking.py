"""Opens tasks for people and carries out what they say of them: one model for the command line and the API.

What cannot be is refused with an InputError that says what could. All of it is one transaction: the task, its line in
the contact log, and what its end says to the ladder that waits for it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from contactd.config.settings import Settings
from contactd.domain import task as rules
from contactd.domain.errors import Contradiction, IllegalTransition, InputError, NotThere
from contactd.domain.money import Money
from contactd.domain.task import Event, Kind, State
from contactd.engine.agreements.judgement import today_of
from contactd.engine.tasks.task_ends import tell_ladder
from contactd.store import accounts, agreements, tasks
from contactd.store.schema import account
from contactd.store.tasks import Change, Stored

_EVENTS = {"done": Event.DONE, "drop": Event.DROPPED, "assign": Event.ASSIGNED, "postpone": Event.POSTPONED}
SAID = tuple(_EVENTS)

Told = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done; None: as usual."""

    kind: Kind
    owner: str = ""
    due_on: date | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Saying:
    """What is said of a task: `reason` is also what came out; `reaction`: the ladder goes no further in this case."""

    word: str
    reason: str = ""
    owner: str = ""
    due_on: date | None = None
    reaction: bool = False


class Tasking:
    """One set of settings; `by` is who is at work, `now` the instant of the transaction."""

    def __init__(self, settings: Settings, connection: sa.Connection, *, by: str, now: datetime) -> None:
        self._usual = settings.tasks
        self._connection, self._by, self._now = connection, by, now
        self.today = today_of(settings, now)

    def open(self, account_id: int, order: Order) -> Stored:
        """Open a task about an account row."""
        accounts.lock(self._connection, [account_id])
        due_on = order.due_on or self.today + timedelta(days=self._usual.within)
        self._refuse_past(due_on)
        new = Stored(
            0, account_id, order.kind, State.OPEN, order.owner, due_on, order.note, self._now, self._by
        )  # fmt: skip
        return self._read(tasks.add(self._connection, new))

    def say(self, number: int, said: Saying) -> Stored:
        """Carry out what a person says of a task: a word of SAID."""
        known = self._read(number)
        accounts.lock(self._connection, [known.account_id])
        known = self._read(number)
        event = _EVENTS[said.word]
        try:
            state = rules.step(known.state, event)
        except IllegalTransition as error:
            raise Contradiction("task %(number)s: %(error)s", number=number, error=error.phrase) from None
        values, reason = self._values(known, event, said)
        if state is not State.OPEN:
            values = {"state": state.value, "outcome": said.reason, "ended_at": self._now}
        tasks.change(self._connection, known, Change(self._now, event, self._by, reason, values))
        tell_ladder(self._connection, known, state, said.reason, self._now, reaction=said.reaction)
        if known.payment_id is not None:
            agreements.hold(self._connection, [known.account_id], self._now)
        return self._read(number)

    def _values(self, known: Stored, event: Event, said: Saying) -> tuple[dict[str, Any], str]:
        if event is Event.ASSIGNED:
            if not said.owner:
                raise InputError("say who is to do it: the owner")
            return {"owner": said.owner}, _joined(f"to {said.owner}", said.reason)
        if event is Event.POSTPONED:
            if said.due_on is None:
                raise InputError("say until when: a day like %(today)s", today=self.today)
            self._refuse_past(said.due_on)
            return {"due_on": said.due_on}, _joined(f"until {said.due_on}", said.reason)
        if not said.reason:
            if event is Event.DONE:
                raise InputError("say what came out")
            raise InputError("say why nobody is to do it")
        if said.reaction and known.attempt_id is None:
            raise InputError(
                "task %(number)s is no step of a ladder; what the customer agreed to is an agreement",
                command="contactd agree",
                number=known.id,
            )
        return {}, _joined(rules.REACTION if said.reaction else "", said.reason)

    def _refuse_past(self, day: date) -> None:
        if day < self.today:
            raise InputError("%(day)s is past; the day may be %(today)s or later", day=day, today=self.today)

    def _read(self, number: int) -> Stored:
        found = tasks.read(self._connection, number)
        if found is None:
            raise NotThere("there is no task %(number)s", command="contactd tasks lists them", number=number)
        return found


def _joined(*words: str) -> str:
    return ": ".join(filter(None, words))


def told(connection: sa.Connection, stored: Iterable[Stored], today: date) -> Iterator[Told]:
    """Write tasks as the command line and the API do."""
    chosen = list(stored)
    if not chosen:
        return
    columns = (
        account.c.id,
        account.c.creditor,
        account.c.account_no,
        account.c.currency,
        account.c.name,
        account.c.open,
    )
    ids = {one.account_id for one in chosen}
    rows = {row.id: row for row in connection.execute(sa.select(*columns).where(account.c.id.in_(ids)))}
    for one in chosen:
        whose = rows[one.account_id]
        yield {
            "id": one.id, "kind": one.kind.value, "state": one.state.value, "owner": one.owner,
            "due_on": one.due_on.isoformat(), "overdue": rules.is_overdue(one.state, one.due_on, today),
            "note": one.note, "account": whose.account_no, "creditor": whose.creditor, "name": whose.name,
            "open": Money(whose.open, whose.currency).as_json(), "campaign": one.campaign, "step": one.step,
            "outcome": one.outcome, "opened_at": one.opened_at.isoformat(timespec="seconds"),
            "opened_by": one.opened_by,
            "ended_at": one.ended_at.isoformat(timespec="seconds") if one.ended_at else None,
        }  # fmt: skip
