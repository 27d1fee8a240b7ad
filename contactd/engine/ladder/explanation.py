"""Why: where an account stands on its ladder, what comes next and when, and what each rule says to that.

For `contactd why`, and whoever else has to answer the question; the keys are stable, times and amounts as in all JSON.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from contactd.domain.account import Channel, Drawn, Facts
from contactd.domain.arms import draw, held_until
from contactd.domain.campaign import Campaign
from contactd.domain.ladder import Due, Waiting, local_date, next_step, selects, unselected
from contactd.domain.money import Money
from contactd.domain.notice import CAMPAIGN as NOTICES
from contactd.domain.policy import Allowed, Never, NotBefore, Proposal, Verdict
from contactd.domain.posting import Kind
from contactd.domain.rules import answers, may_contact, silenced
from contactd.engine.agreements.agreement_told import told as told_of
from contactd.engine.debt.bookings import told as postings_told
from contactd.engine.debt.handing_over import told as handover_told
from contactd.engine.ladder.book import Book, Rung
from contactd.engine.tasks.tasking import told as told_tasks
from contactd.store import (
    accounts,
    agreements,
    arms,
    facts,
    handovers,
    overview,
    pauses,
    postings,
    proposals,
    tasks,
)  # fmt: skip
from contactd.store.postings import Booked
from contactd.store.tasks import Which

Told = dict[str, Any]
_AGREEMENTS = 5
_HINTS = {
    agreements.TO_ASSIGN: "a payment that waits may be theirs: contactd payments assign PAYMENT ACCOUNT",
    "insolvency": "file the claim with the insolvency administrator (§ 174 InsO): contactd dossier holds what it takes",
    "deceased": "ask the probate court for the heirs; they owe it now (§ 1967 BGB)",
}

# What is said of a step that waits for a person.
TO_DO = "somebody has to do it first"


def explain(connection: sa.Connection, book: Book, account_id: int, at: Mapping[str, datetime]) -> Told:
    """Explain one account row; `at` is the instant to ask about, for each campaign.

    `agreements` are the last ones, oldest first: what the ladder rests for, or went on for. `tasks` are the open ones,
    `proposed` the runs that wait for approval with it; `written_off` is what was given up, `handover` the last one.
    """
    last = agreements.of_accounts(connection, [account_id])[-_AGREEMENTS:]
    found = tasks.listed(connection, Which([account_id]))
    today = min((local_date(one.timezone, at[one.id]) for one in book.campaigns.values()), default=date.max)
    return {
        **_escalated(connection, account_id, on_ladder(connection, book, account_id, at)),
        "agreements": list(told_of(connection, last)),
        "tasks": list(told_tasks(connection, found, today)),
        "proposed": [
            {"run": row.batch_id, "step": row.step, "until": _time(row.expires_at)}
            for row in proposals.waiting_with(connection, account_id, max(at.values()))
        ],
    }


def _escalated(connection: sa.Connection, account_id: int, told: Told) -> Told:
    """Add what was given up and where the account was handed to; that may be why it rests."""
    given_up = [one for one in postings.of_accounts(connection, [account_id]).get(account_id, []) if _stands(one)]
    written_off = list(postings_told(connection, given_up))
    if written_off and told["decision"] == "rest" and not _is_open(told):
        told["why"] = "written_off"
    away = handovers.of_accounts(connection, [account_id])[-1:]
    told["handover"] = next(handover_told(connection, away), None)
    if told["handover"] and told["handover"]["state"] == handovers.APPROVED and told.get("why") == "on_hold":
        told["why"] = f"handed over to {told['handover']['to']} on {told['handover']['decided_at'][:10]}"
    hold = told.get("hold") or {}
    told["hint"] = _HINTS.get(str(told.get("why"))) or _HINTS.get(str(hold.get("reason")), "")
    return {**told, "written_off": written_off}


def _is_open(told: Told) -> bool:
    return bool(Decimal(told["open"]["amount"])) if "open" in told else False


def _stands(one: Booked) -> bool:
    """Tell a write-off that nobody has taken back."""
    return one.posted.kind is Kind.WRITE_OFF and one.reversed_by is None


def on_ladder(connection: sa.Connection, book: Book, account_id: int, at: Mapping[str, datetime]) -> Told:
    """Tell where one account row stands on its ladder, and nothing of what is agreed or done beside."""
    paused = pauses.paused(connection)
    waiting = overview.open_attempts(connection, account_id)
    counted = accounts.customers_by_creditor(connection) if book.counts_customers else None
    seen = None
    for campaign in book.campaigns.values():
        now = at[campaign.id]
        seen = _seen(connection, book, campaign, account_id, now, counted)
        mine = next((row for row in waiting if row.campaign == campaign.id), None)
        if mine is not None:
            return _attempt(book, campaign, seen, mine, now, paused) | {"campaigns": _choice(book, seen, at)}
        if not waiting and selects(campaign.select, seen, local_date(campaign.timezone, now)):
            return _next(book, campaign, seen, now, paused) | {"campaigns": _choice(book, seen, at)}
    told = {**_identity(seen), "campaigns": _choice(book, seen, at)} if seen is not None else {}
    first = any(row.campaign == NOTICES for row in waiting)
    why = "a notice about an agreement goes first" if first else _unselected(seen)
    return told | {"campaign": None} | _rests(seen, max(at.values()), why)


def _rests(seen: Facts | None, now: datetime, why: str, decision: str = "rest") -> Told:
    """Say why nothing happens: that nobody may contact the customer goes before all but that nothing is asked for."""
    if seen is not None and (seen.open > 0 or seen.disputed) and (gravest := silenced(seen, now)):
        return {"decision": "held", "why": gravest.value}
    return {"decision": decision, "why": why}


def _unselected(seen: Facts | None) -> str:
    """Say why nobody climbs: nothing to ask for, else the filters of the campaigns, which are told beside it."""
    if seen is not None and seen.open <= 0:
        return "disputed" if seen.disputed else "nothing_open"
    return "no campaign selects this account"


def _seen(
    connection: sa.Connection,
    book: Book,
    campaign: Campaign,
    account_id: int,
    now: datetime,
    counted: Mapping[str, int] | None,
) -> Facts:
    loaded = facts.load(connection, [account_id], campaign=campaign.id, since=now - book.memory(campaign.id))
    seen = arms.known(connection, campaign, loaded)[account_id]
    return seen if counted is None else replace(seen, customers=counted.get(seen.account.creditor, 0))


def _choice(book: Book, seen: Facts, at: Mapping[str, datetime]) -> list[Told]:
    """Say of each campaign whether it takes the account, or which filter holds it back, and what that looked at."""
    told: list[Told] = []
    first = ""
    for campaign in book.campaigns.values():
        why = unselected(campaign.select, seen, local_date(campaign.timezone, at[campaign.id]))
        one: Told = {"campaign": campaign.id, "takes": not (why or first)}
        if why:
            one |= {"why": why, "has": _looked_at(why, seen)}
        elif first:
            one |= {"why": "other_campaign", "has": first}
        else:
            first = campaign.id
        told.append(one)
    return told


def _looked_at(why: str, seen: Facts) -> str:
    account = seen.account
    return {
        "amount": str(Money(seen.open, account.currency)),
        "min_days_due": seen.oldest_due.isoformat() if seen.oldest_due else "",
        "kinds": account.kind.value,
        "segments": account.segment,
        "creditors": account.creditor,
        "countries": account.country,
        "currencies": account.currency,
        "languages": account.language,
    }.get(why, str(seen.customers))


def _arm(campaign: Campaign, seen: Facts, drawn: Drawn | None) -> Told:
    """Say which arm fell to the customer, or would if they were taken up now, and until when that holds them out."""
    if not campaign.arms:
        return {}
    until = held_until(campaign, drawn)
    return {
        "arm": {
            "id": drawn.arm if drawn else None,
            "drawn": _time(seen.drawn.at) if seen.drawn else None,
            "held_out_until": _time(until) if until else None,
        }
    }


def _identity(seen: Facts) -> Told:
    account = seen.account
    return {
        "account": account.number,
        "creditor": account.creditor,
        "case": account.case_no,
        "open": Money(seen.open, account.currency).as_json(),
        "oldest_due": seen.oldest_due.isoformat() if seen.oldest_due else None,
        "hold": _hold(seen),
        "history": [
            {"step": one.step, "try": one.try_no, "state": one.state, "outcome": one.outcome, "at": _time(one.at)}
            for one in seen.tries
        ],
    }


def _hold(seen: Facts) -> Told | None:
    """Say what the ladder rests for; the rules decide whether that is over."""
    if seen.hold is None:
        return None
    return {"reason": seen.hold.reason, "until": seen.hold.until.isoformat() if seen.hold.until else None}


def _attempt(
    book: Book,
    campaign: Campaign,
    seen: Facts,
    row: Any,  # noqa: ANN401 - a row
    now: datetime,
    paused: set[str],
) -> Told:
    """Explain an account that has an attempt under way."""
    told = {**_identity(seen), "campaign": campaign.id, "at": _time(now)}
    told |= _arm(campaign, seen, seen.drawn)
    told["attempt"] = {"id": row.id, "state": row.state, "not_before": _time(row.not_before)}
    rung = book.rung(row.campaign, row.step)
    if rung is None:
        return {**told, "decision": "held", "why": "campaign_changed"}
    when = max(now, row.not_before)
    told["step"] = {"id": row.step, "channel": row.channel, "due": _time(row.not_before)}
    if row.state == "accepted":
        why = TO_DO if row.channel == Channel.TASK else "the call is under way"
        return {**told, "decision": "rest", "why": why}
    if row.state == "unclear":
        return {**told, "decision": "unclear", "why": f"settle it: contactd settle {row.id} sent|not-sent|failed"}
    resting = _resting(campaign, row.channel, paused)
    proposal = rung.proposal(planned_at=row.planned_at, address=row.wanted, paused=bool(resting))
    return told | _asked(rung, proposal, seen, now, when, "planned") | {"paused": resting}


def _next(book: Book, campaign: Campaign, seen: Facts, now: datetime, paused: set[str]) -> Told:
    """Explain an account for which nothing is under way."""
    told: Told = {**_identity(seen), "campaign": campaign.id, "at": _time(now)}
    position = next_step(campaign, seen, now)
    drawn = seen.drawn
    if campaign.arms and drawn is None and isinstance(position, Due):
        drawn = Drawn(draw(campaign, seen.account.customer_id).id, now)
        position = next_step(campaign, replace(seen, drawn=drawn), now)
    told |= _arm(campaign, seen, drawn)
    if isinstance(position, Waiting) and position.step is None and position.when is not None:
        rests = _rests(seen, now, position.why, "wait")
        return told | rests | ({"when": _time(position.when)} if rests["decision"] == "wait" else {})
    if isinstance(position, Due):
        step, when, decision = position.step, now, "due"
    elif isinstance(position, Waiting) and position.step is not None and position.when is not None:
        step, when, decision = position.step, position.when, "wait"
    else:
        return told | _rests(seen, now, position.why)
    rung = Rung(campaign, step, book.policies[campaign.id])
    told["step"] = {"id": rung.step.id, "channel": rung.step.channel.value, "due": _time(when)}
    resting = _resting(campaign, rung.step.channel.value, paused)
    proposal = rung.proposal(address=position.address, paused=bool(resting))
    return told | _asked(rung, proposal, seen, now, when, decision) | {"paused": resting}


def _asked(rung: Rung, proposal: Proposal, seen: Facts, now: datetime, when: datetime, decision: str) -> Told:
    if seen.payments_as_of and when > now:
        # Payments will have come in by then as they do now; whether they did is asked again before anything is sent.
        seen = replace(seen, payments_as_of=seen.payments_as_of + (when - now))
    told: Told = {
        "rules": [
            {"rule": answer.rule, **_verdict(answer.verdict)} for answer in answers(seen, proposal, rung.policy, when)
        ]
    }
    match may_contact(seen, proposal, rung.policy, when):
        case Allowed():
            return {**told, "decision": decision, "when": _time(when)}
        case NotBefore(later, reason):
            return {**told, "decision": "wait", "when": _time(later), "why": reason.value}
        case Never(reason):
            return {**told, "decision": "held", "why": reason.value}


def _resting(campaign: Campaign, channel: str, paused: set[str]) -> list[str]:
    return sorted({f"campaign:{campaign.id}", f"channel:{channel}", "all"} & paused)


def _verdict(verdict: Verdict) -> Told:
    match verdict:
        case NotBefore(when, reason):
            return {"answer": "not_before", "when": _time(when), "reason": reason.value}
        case Never(reason):
            return {"answer": "never", "reason": reason.value}
        case Allowed():
            return {"answer": "allowed"}


def _time(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
