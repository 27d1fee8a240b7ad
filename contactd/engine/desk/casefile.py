"""What a desk shows of one account and call, as plain data; what may not be disclosed yet is not in it.

    attempt, campaign, step, number   the call: its id, whose step, the number that was dialled
    account                           number, creditor, creditor_name, name, kind, language, timezone, local_time,
                                      street, postcode, city, email
    points                            ways to reach them: [{"kind": "mobile"|"phone"|"email"|"postal", "value", "type",
                                      "dialled": bool, "closed": "" or why nobody uses it}]
    confirmation                      {"ways": channels by which a confirmation may go now, the usual one first,
                                      "reply_by": until when it asks for an answer as usual, "solutions": what may be
                                      agreed on by a promise}, None of a caller nobody knows
    calls_this_week                   {"made": n, "most": n or None}
    identification                    see identification_told
    draft                             {"step", "note", "fields", "saved_at" or None}
    outcomes                          [{"key": "1", "outcome": "promise", "refused": "" or why not}], in their order
    reasons                           why nothing is paid: [{"reason", "ours": bool}]
    confidential                      None while it must not be seen, else: open, due: what of it is overdue and so may
                                      be asked for, oldest_due, days_due, disputed, hold,
        costs_first                   True: the costs of a plan are to be told in writing before it is agreed on
        invoices                      [{"number", "invoiced_on", "due_on", "days", "amount", "open", "disputed",
                                      "goods", "terms"}], oldest due first
        statement                     {"principal", "interest", "costs", "total", "as_of"}, what is owed by law today
        next_stage                    costs of a court payment order (next_stage.py), or None
        agreements                    as `contactd agreements` tells them, oldest first
        promises                      {"kept": n, "broken": n, "open": n}
        history                       newest first: [{"at", "channel", "step", "event", "kind": of an agreement, else
                                      "", "outcome", "disposition", "reason", "agent", "note"}]
        ladder                        where it stands: explanation.py

Amounts are {"amount", "currency"}, days and times ISO 8601. Of a caller nobody knows only the call is told.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from contactd.config.fees import load_fees
from contactd.config.settings import Settings
from contactd.domain.account import Channel, Facts
from contactd.domain.address import account_suppressions, suppressions
from contactd.domain.agreement import ALIVE, Kind, State
from contactd.domain.conversation import (
    OURS,
    OUTCOMES,
    Identification,
    Known,
    Reason,
    Step,
    preset,
    shows_debt,
)
from contactd.domain.money import Money
from contactd.engine.agreements.agreed import reply_by
from contactd.engine.agreements.agreement_told import told as agreements_told
from contactd.engine.agreements.judgement import today_of
from contactd.engine.agreements.notifying import Notifying
from contactd.engine.debt.claims import owed_by, terms_of
from contactd.engine.debt.next_stage import next_stage_told
from contactd.engine.desk.concluding import SOLUTIONS, Case, costs_first, local_zone
from contactd.engine.ladder.book import Book
from contactd.engine.ladder.explanation import on_ladder
from contactd.store import agreements, contact_log, facts
from contactd.store.conversations import known_of
from contactd.store.drafts import Draft
from contactd.store.schema import account, invoice

Told = dict[str, Any]

_WEEK = timedelta(days=7)
_HISTORY = 100
_KEPT = frozenset({State.KEPT, State.FULFILLED})
_BROKEN = frozenset({State.BROKEN, State.PARTIALLY_KEPT, State.DEFAULTED})
# Of the log: the stages a contact only passes through, which tell an agent nothing.
_SILENT = frozenset({"sending", "planned", "postponed", "released"})


def identification_told(found: Identification, known: Known) -> Told:
    """Write how far it is known who is on the line, never what we know of them.

    {"person", "items": what can be asked for, "right", "tries_left", "sure": bool, "why": "" or why nothing may be
    disclosed, "preset": the outcome chosen beforehand, or None}; the words are those of domain/conversation.py.
    """
    chosen = preset(found.person)
    return {
        "person": found.person.value,
        "items": [item.value for item in known.items()],
        "right": sorted(item.value for item in found.right),
        "tries_left": found.tries_left,
        "sure": found.is_sure(known),
        "why": found.why_not_sure(known),
        "preset": chosen.value if chosen is not None else None,
    }


def case_file(
    connection: sa.Connection,
    settings: Settings,
    case: Case,
    draft: Draft | None,
    now: datetime,
    begins: Step = Step.PREPARE,
) -> Told:
    """Tell all a desk shows of a call; the keys are those of this module's first lines.

    `begins` is the step before anything was written.
    """
    found = draft.identification if draft is not None else Identification()
    step = draft.written.step if draft is not None else begins
    known = known_of(connection, case.account_id)
    sure = found.is_sure(known)
    told: Told = {
        "attempt": case.attempt_id, "campaign": case.campaign, "step": case.step, "number": case.number,
        "identification": identification_told(found, known),
        "draft": {
            "step": step.value, "note": draft.written.note if draft else "",
            "fields": dict(draft.written.fields) if draft else {},
            "saved_at": draft.written.at.isoformat(timespec="seconds") if draft else None,
        },
        "outcomes": [
            {"key": one.key, "outcome": one.disposition.value,
             "refused": found.why_not_sure(known) if one.discloses else ""}
            for one in OUTCOMES
        ],
        "reasons": [{"reason": one.value, "ours": one in OURS} for one in Reason],
        "account": None, "points": [], "calls_this_week": None, "confirmation": None, "confidential": None,
    }  # fmt: skip
    if not case.account_id:
        return told
    since, today = now - _WEEK - timedelta(days=1), today_of(settings, now)
    [seen] = facts.load(connection, [case.account_id], campaign=case.campaign, since=since, today=today).values()
    shown = _confidential(connection, settings, seen, now) if shows_debt(step, sure=sure) else None
    return told | _about(connection, settings, case, seen, now) | {"confidential": shown}


def _about(connection: sa.Connection, settings: Settings, case: Case, seen: Facts, now: datetime) -> Told:
    """Tell who it is and how they are reached: what the agent needs to ask for them."""
    row = connection.execute(sa.select(account).where(account.c.id == case.account_id)).one()
    creditor = settings.creditors.get(row.creditor)
    zone = local_zone(settings, case, seen.account)
    return {
        "account": {
            "number": row.account_no, "creditor": row.creditor,
            "creditor_name": (creditor.name if creditor else "") or settings.operator.name or row.creditor,
            "name": row.name, "kind": row.kind, "language": row.language, "timezone": zone.key,
            "local_time": now.astimezone(zone).isoformat(timespec="minutes"),
            "street": row.street, "postcode": row.postcode, "city": row.city, "email": row.email,
        },
        "points": _points(seen, case, row, now),
        "confirmation": {
            "ways": [one.value for one in Notifying(settings, connection, now).confirms_by(case.account_id)],
            "reply_by": reply_by(settings, today_of(settings, now), None).isoformat(),
            "solutions": [one.value for one in SOLUTIONS if one is not Kind.SETTLEMENT or _may_waive(settings)],
        },
        "calls_this_week": _calls(settings, case, seen, now, zone),
    }  # fmt: skip


def _may_waive(settings: Settings) -> bool:
    return settings.agreements.least_settlement < 1


def _points(seen: Facts, case: Case, row: Any, now: datetime) -> list[Told]:  # noqa: ANN401 - a row
    points: list[Told] = []
    closed = [one.reason for one in account_suppressions(seen, Channel.CALL, now)]
    for kind, phone in (("mobile", seen.account.mobile), ("phone", seen.account.phone)):
        if phone is not None and phone.number:
            reasons = [*closed, *(one.reason for one in suppressions(seen, Channel.CALL, phone.number, now))]
            dialled = phone.number == case.number
            points.append({"kind": kind, "value": phone.number, "type": phone.type, "dialled": dialled,
                           "closed": next(iter(reasons), "")})  # fmt: skip
    if row.email:
        reasons = [one.reason for one in suppressions(seen, Channel.EMAIL, row.email, now)]
        points.append({"kind": "email", "value": row.email, "type": "", "dialled": False,
                       "closed": next(iter(reasons), "")})  # fmt: skip
    if row.street or row.city:
        value = ", ".join(filter(None, (row.street, f"{row.postcode} {row.city}".strip())))
        points.append({"kind": "postal", "value": value, "type": "", "dialled": False,
                       "closed": "" if seen.account.postal else "returned"})  # fmt: skip
    return points


def _calls(settings: Settings, case: Case, seen: Facts, now: datetime, zone: ZoneInfo) -> Told:
    """Count the calls of the last seven local days, and the most that the campaign's rules allow in as many."""
    today = now.astimezone(zone).date()
    calls = [one for one in seen.contacts if one.channel is Channel.CALL and not one.conversation]
    made = sum(one.at.astimezone(zone).date() > today - _WEEK for one in calls)
    policy = settings.policies.get(case.campaign)
    caps = policy.caps if policy is not None else ()
    most = [cap.count for cap in caps if cap.period == _WEEK and Channel.CALL in cap.channels]
    return {"made": made, "most": min(most, default=None)}


def _confidential(connection: sa.Connection, settings: Settings, seen: Facts, now: datetime) -> Told:
    row = connection.execute(sa.select(account).where(account.c.id == seen.account.id)).one()
    today = today_of(settings, now)
    mine = agreements.of_accounts(connection, [row.id])
    [owed] = owed_by(connection, [row.id], terms_of(settings), today)

    def money(minor: int) -> dict[str, str]:
        return Money(minor, row.currency).as_json()

    counts = Counter(
        "kept" if one.agreed.state in _KEPT else "broken" if one.agreed.state in _BROKEN else "open"
        for one in mine
        if one.agreed.parts and (one.agreed.state in _KEPT | _BROKEN or one.agreed.state in ALIVE)
    )
    found = owed.statement
    return {
        "open": money(row.open), "due": money(seen.overdue), "oldest_due": _day(row.oldest_due),
        "days_due": (today - row.oldest_due).days if row.oldest_due else 0, "disputed": row.disputed,
        "hold": {"reason": row.hold_reason, "until": _day(row.hold_until)} if row.hold_reason else None,
        "invoices": _invoices(connection, row.id, today, money),
        "statement": {"principal": money(found.principal), "interest": money(found.interest),
                      "costs": money(found.costs), "total": money(found.open), "as_of": found.as_of.isoformat()},
        "costs_first": costs_first(connection, settings, row.kind, row.id),
        "next_stage": next_stage_told(owed, load_fees(settings.fees_path)),
        "agreements": list(agreements_told(connection, mine)),
        "promises": {word: counts[word] for word in ("kept", "broken", "open")},
        "history": _history(connection, row.id, now),
        "ladder": _ladder(connection, settings, row.id, now),
    }  # fmt: skip


def _invoices(
    connection: sa.Connection, account_id: int, today: date, money: Callable[[int], dict[str, str]]
) -> list[Told]:
    chosen = sa.select(invoice).where(invoice.c.account_id == account_id, invoice.c.open != 0)
    return [
        {
            "number": row.invoice_no, "invoiced_on": row.invoice_date.isoformat(), "due_on": row.due_date.isoformat(),
            "days": (today - row.due_date).days, "amount": money(row.amount), "open": money(row.open),
            "disputed": row.disputed, "goods": row.goods, "terms": row.terms,
        }
        for row in connection.execute(chosen.order_by(invoice.c.due_date, invoice.c.id))
    ]  # fmt: skip


def _history(connection: sa.Connection, account_id: int, now: datetime) -> list[Told]:
    rows = [row for row in contact_log.of_account(connection, account_id, now) if not _is_silent(row)]
    return [
        {
            "at": row.at.isoformat(timespec="minutes"), "channel": row.channel, "step": row.step, "event": row.event,
            "kind": _detail(row, "kind"), "outcome": row.outcome, "disposition": row.disposition, "reason": row.reason,
            "agent": row.agent, "note": _detail(row, "note"),
        }
        for row in reversed(rows[-_HISTORY:])
    ]  # fmt: skip


def _detail(row: Any, name: str) -> str:  # noqa: ANN401 - a row
    return str(row.details.get(name, "")) if isinstance(row.details, Mapping) else ""


def _is_silent(row: Any) -> bool:  # noqa: ANN401 - a row
    # That a carrier has a call says nothing; how it ended comes after it.
    return row.event in _SILENT or (row.event == "accepted" and row.channel == Channel.CALL)


def _ladder(connection: sa.Connection, settings: Settings, account_id: int, now: datetime) -> Told:
    book = Book(settings.campaigns, settings.policies)
    return on_ladder(connection, book, account_id, dict.fromkeys(book.campaigns, now)) if book.campaigns else {}


def _day(day: date | None) -> str | None:
    return day.isoformat() if day is not None else None
