"""What an outcome would bring about: carried out in a savepoint, looked at, and taken back; nothing is committed."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from contactd.config.settings import Settings
from contactd.domain.account import Channel
from contactd.domain.agreement import Kind
from contactd.domain.attempt import Event, State
from contactd.domain.circumstance import Kind as Said
from contactd.domain.default_date import Basis
from contactd.domain.ledger import Payment
from contactd.domain.money import Money
from contactd.domain.notice import CAMPAIGN as NOTICES
from contactd.domain.statement import statement
from contactd.engine.agreements.agreed import answer_by
from contactd.engine.agreements.agreement_told import told as agreements_told
from contactd.engine.agreements.judgement import today_of
from contactd.engine.debt.claims import owed_by, terms_of
from contactd.engine.desk.concluding import Case, zone_of_customer
from contactd.engine.ladder.book import Book
from contactd.engine.ladder.explanation import explain
from contactd.engine.tasks.tasking import told as tasks_told
from contactd.store import agreements, attempts, circumstances, notices, tasks
from contactd.store.agreements import Stored
from contactd.store.attempts import Transition
from contactd.store.circumstances import Noted
from contactd.store.schema import account, attempt, contact_log
from contactd.store.schema_tasks import task
from contactd.store.tasks import Which

Told = dict[str, Any]

_STOPS = frozenset({"suppressed", "stop", "represented"})


@dataclass(frozen=True, slots=True)
class _Seen:
    """The rows of an account there were before."""

    agreements: frozenset[int]
    attempts: frozenset[int]
    tasks: frozenset[int]
    circumstances: frozenset[int]
    log: int


def foresee(
    connection: sa.Connection, settings: Settings, case: Case, now: datetime, conclude: Callable[[], None]
) -> Told:
    """Answer what `conclude` brings about, as if the call had ended now; raises what it raises.

    `hold`: {"reason", "until"} or None; `agreements` as `contactd agreements` writes them, with the exact schedule of a
    plan; `sends`: [{"channel", "what", "when", "reply_by"}]; `callback`: {"when", "number", "own"} or None, `when` by
    the customer's clock; `stops`: what is not contacted any more, [{"what": "number"|"customer", "reason"}]; `tasks`:
    [{"due_on", "note"}]; `refused`: a final refusal that is noted, with what is open and in default by it,
    {"on", "defaults": [{"interest_from", "invoices"}]}, or None; `next`: the ladder's next step,
    {"decision", "step", "channel", "when", "on", "why"}, `on` being the customer's day; `next_contact`: the first day
    on which anything happens; `plan_interest`: what a plan costs the customer beside its instalments, interest until
    the last of them (a prospect: other payments change it), or None.
    """
    with connection.begin_nested() as savepoint:
        before = _seen(connection, case.account_id)
        conclude()
        _end_call(connection, case.attempt_id, now)
        told = _look(connection, settings, case, before, now)
        savepoint.rollback()
    return told


def nothing() -> Told:
    """Answer what an outcome brings about where nobody knows who called."""
    return {
        "hold": None, "agreements": [], "sends": [], "callback": None, "stops": [], "tasks": [], "next": None,
        "next_contact": None, "plan_interest": None, "refused": None,
    }  # fmt: skip


def for_anybody(told: Told) -> Told:
    """Leave out what is confidential: how the account stands already, and all that comes next but a call.

    Outcomes that may be handed in before it is known who is there let nothing rest by themselves.
    """
    after = told["next"]
    is_call = after is not None and after["channel"] == Channel.CALL
    return told | {"hold": None, "next": after if is_call else None}


def _seen(connection: sa.Connection, account_id: int) -> _Seen:
    mine = sa.select(attempt.c.id).where(attempt.c.account_id == account_id)
    duties = sa.select(task.c.id).where(task.c.account_id == account_id)
    return _Seen(
        frozenset(one.id for one in agreements.of_accounts(connection, [account_id])),
        frozenset(connection.scalars(mine)),
        frozenset(connection.scalars(duties)),
        frozenset(one.said.id for one in _noted(connection, account_id)),
        connection.scalar(sa.select(sa.func.max(contact_log.c.id))) or 0,
    )


def _end_call(connection: sa.Connection, attempt_id: int, now: datetime) -> None:
    stands = attempts.states(connection, [attempt_id]).get(attempt_id)
    if stands in {State.SENDING, State.ACCEPTED, State.UNCLEAR}:
        attempts.apply(connection, [Transition(attempt_id, None, Event.CONFIRMED, now, outcome="answered")])


def _look(connection: sa.Connection, settings: Settings, case: Case, before: _Seen, now: datetime) -> Told:
    if not case.account_id:
        return nothing()
    mine = [one for one in agreements.of_accounts(connection, [case.account_id]) if one.id not in before.agreements]
    duties = tasks.listed(connection, Which([case.account_id]))
    zone = zone_of_customer(connection, settings, case, now)
    told: Told = {
        "hold": _hold(connection, case.account_id),
        "agreements": list(agreements_told(connection, mine)),
        **_planned(connection, settings, case.account_id, before, zone),
        "stops": _stops(connection, case.account_id, before),
        "tasks": [
            {"due_on": one["due_on"], "note": one["note"]}
            for one in tasks_told(connection, duties, today_of(settings, now))
            if one["id"] not in before.tasks
        ],
        "next": _next(connection, settings, case.account_id, now, zone),
        "plan_interest": _plan_interest(connection, settings, mine, today_of(settings, now)),
        "refused": _refused(connection, settings, case.account_id, before, today_of(settings, now)),
    }
    return told | {"next_contact": _next_contact(told, zone)}


def _plan_interest(
    connection: sa.Connection, settings: Settings, made: Sequence[Stored], today: date
) -> dict[str, str] | None:
    """Set the instalments against what is owed on their days; what is left then beyond today's debt is interest."""
    plan = next((one for one in made if one.agreed.kind is Kind.PLAN), None)
    if plan is None:
        return None
    terms = terms_of(settings)
    [owed] = owed_by(connection, [plan.account_id], terms, today)
    parts = plan.agreed.parts
    paid = tuple(Payment(f"part {number}", part.due_on, part.amount) for number, part in enumerate(parts, 1))
    ledger = replace(owed.ledger, payments=(*owed.ledger.payments, *paid))
    last = statement(ledger, parts[-1].due_on, terms.rates, terms.scheme)
    more = last.open - last.credit + plan.amount - owed.statement.open + owed.statement.credit
    return Money(max(more, 0), owed.books.currency).as_json()


def _refused(connection: sa.Connection, settings: Settings, account_id: int, before: _Seen, today: date) -> Told | None:
    new = [one.said for one in _noted(connection, account_id) if one.said.id not in before.circumstances]
    refusal = next((one for one in new if one.kind is Said.REFUSAL), None)
    if refusal is None:
        return None
    [owed] = owed_by(connection, [account_id], terms_of(settings), today)
    begins: dict[date, list[str]] = defaultdict(list)
    for claim, balance in owed.claims():
        default = owed.defaults[claim.id]
        if default is not None and default.basis is Basis.REFUSAL and balance.principal:
            begins[default.interest_from].append(claim.id)
    return {
        "on": refusal.on.isoformat(),
        "defaults": [{"interest_from": day.isoformat(), "invoices": begins[day]} for day in sorted(begins)],
    }


def _noted(connection: sa.Connection, account_id: int) -> list[Noted]:
    return circumstances.of_accounts(connection, [account_id]).get(account_id, [])


def _hold(connection: sa.Connection, account_id: int) -> Told | None:
    chosen = sa.select(account.c.hold_reason, account.c.hold_until).where(account.c.id == account_id)
    reason, until = connection.execute(chosen).one()
    return {"reason": reason, "until": until.isoformat() if until else None} if reason else None


def _planned(connection: sa.Connection, settings: Settings, account_id: int, before: _Seen, zone: ZoneInfo) -> Told:
    rows = connection.execute(
        sa.select(attempt).where(attempt.c.account_id == account_id, attempt.c.state == State.PLANNED.value)
    ).all()
    new = [row for row in rows if row.id not in before.attempts]
    calls = [
        {"when": _time(row.not_before.astimezone(zone)), "number": row.wanted, "own": bool(row.kept_for)}
        for row in new
        if row.channel == Channel.CALL.value
    ]
    known = notices.of_accounts(connection, [account_id])
    answers = {number: answer_by(settings, one) for number, one in known.items()}
    return {
        "sends": [
            {
                "channel": row.channel,
                "what": row.step,
                "when": _time(row.not_before),
                "reply_by": day.isoformat() if (day := answers[row.case_no]) else None,
            }
            for row in new
            if row.campaign == NOTICES
        ],
        "callback": calls[0] if calls else None,
    }


def _stops(connection: sa.Connection, account_id: int, before: _Seen) -> list[Told]:
    chosen = sa.select(contact_log.c.event, contact_log.c.reason, contact_log.c.address).where(
        contact_log.c.account_id == account_id, contact_log.c.id > before.log, contact_log.c.event.in_(sorted(_STOPS))
    )
    return [
        {"what": "number" if row.address else "customer", "reason": row.reason}
        for row in connection.execute(chosen.order_by(contact_log.c.id))
    ]


def _next(connection: sa.Connection, settings: Settings, account_id: int, now: datetime, zone: ZoneInfo) -> Told:
    book = Book(settings.campaigns, settings.policies)
    if not book.campaigns:
        return {"decision": "rest", "step": None, "channel": None, "when": None, "on": None, "why": "no campaign"}
    told = explain(connection, book, account_id, dict.fromkeys(book.campaigns, now))
    step: Mapping[str, Any] = told.get("step") or {}
    when = told.get("when")
    return {
        "decision": told["decision"], "step": step.get("id"), "channel": step.get("channel"), "when": when,
        "on": _day_in(zone, when) if when else None, "why": told.get("why", ""),
    }  # fmt: skip


def _next_contact(told: Told, zone: ZoneInfo) -> str | None:
    """Answer the first day on which somebody is contacted or looks at it; what is only sent about the call apart."""
    days = [one["due_on"] for one in told["tasks"]]
    days += [_day_in(zone, told["callback"]["when"])] if told["callback"] else []
    days += [told["next"]["on"]] if told["next"]["on"] and told["next"]["decision"] in {"wait", "due"} else []
    held = told["hold"]["until"] if told["hold"] else None
    if not days and held:
        days.append(_day_after(date.fromisoformat(held)))
    return min(days, default=None)


def _day_in(zone: ZoneInfo, when: str) -> str:
    """Answer the day an instant falls on in a zone."""
    return datetime.fromisoformat(when).astimezone(zone).date().isoformat()


def _day_after(day: date) -> str:
    return date.fromordinal(day.toordinal() + 1).isoformat()


def _time(at: datetime) -> str:
    return at.isoformat(timespec="minutes")
