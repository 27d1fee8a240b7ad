"""Why: where an account stands on its ladder, what comes next and when, and what each rule says to that.

For `contactd why`, and whoever else has to answer the question; the keys are stable, times and amounts as in all JSON.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from contactd.domain.account import Facts
from contactd.domain.campaign import Campaign
from contactd.domain.ladder import Due, Waiting, local_date, next_step, selects, unselected
from contactd.domain.money import Money
from contactd.domain.policy import Allowed, Never, NotBefore, Proposal, Verdict
from contactd.domain.rules import answers, may_contact
from contactd.engine.agreeing import told as told_of
from contactd.engine.book import Book, Rung
from contactd.store import agreements, facts, overview, pauses

Told = dict[str, Any]
_AGREEMENTS = 5


def explain(connection: sa.Connection, book: Book, account_id: int, at: Mapping[str, datetime]) -> Told:
    """Explain one account row; `at` is the instant to ask about, for each campaign.

    `agreements` are the last ones, oldest first: what the ladder rests for, or went on for.
    """
    last = agreements.of_accounts(connection, [account_id])[-_AGREEMENTS:]
    return {**_explain(connection, book, account_id, at), "agreements": list(told_of(connection, last))}


def _explain(connection: sa.Connection, book: Book, account_id: int, at: Mapping[str, datetime]) -> Told:
    paused = pauses.paused(connection)
    waiting = overview.open_attempts(connection, account_id)
    seen = None
    for campaign in book.campaigns.values():
        now = at[campaign.id]
        since = now - book.memory(campaign.id)
        seen = facts.load(connection, [account_id], campaign=campaign.id, since=since)[account_id]
        mine = next((row for row in waiting if row.campaign == campaign.id), None)
        if mine is not None:
            return _attempt(book, campaign, seen, mine, now, paused)
        if not waiting and selects(campaign.select, seen, local_date(campaign.timezone, now)):
            return _next(book, campaign, seen, now, paused)
    told = _identity(seen) if seen is not None else {}
    return {**told, "campaign": None, "decision": "rest", **_unselected(book, seen, at)}


def _unselected(book: Book, seen: Facts | None, at: Mapping[str, datetime]) -> Told:
    """Say why nobody climbs: nothing to ask for, else the filter of each campaign that holds the account back."""
    if seen is not None and seen.open <= 0:
        return {"why": "disputed" if seen.disputed else "nothing_open"}
    filters = {
        one.id: unselected(one.select, seen, local_date(one.timezone, at[one.id]))
        for one in book.campaigns.values()
        if seen is not None
    }
    return {"why": "no campaign selects this account", "filters": filters}


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
    told["attempt"] = {"id": row.id, "state": row.state, "not_before": _time(row.not_before)}
    rung = book.rung(row.campaign, row.step)
    if rung is None:
        return {**told, "decision": "held", "why": "campaign_changed"}
    when = max(now, row.not_before)
    told["step"] = {"id": row.step, "channel": row.channel, "due": _time(row.not_before)}
    if row.state == "accepted":
        return {**told, "decision": "rest", "why": "the call is under way"}
    if row.state == "unclear":
        return {**told, "decision": "unclear", "why": f"settle it: contactd settle {row.id} sent|not-sent|failed"}
    resting = _resting(campaign, row.channel, paused)
    proposal = rung.proposal(planned_at=row.planned_at, address=row.wanted, paused=bool(resting))
    return told | _asked(rung, proposal, seen, now, when, "planned") | {"paused": resting}


def _next(book: Book, campaign: Campaign, seen: Facts, now: datetime, paused: set[str]) -> Told:
    """Explain an account for which nothing is under way."""
    told: Told = {**_identity(seen), "campaign": campaign.id, "at": _time(now)}
    position = next_step(campaign, seen, now)
    if isinstance(position, Due):
        step, when, decision = position.step, now, "due"
    elif isinstance(position, Waiting) and position.step is not None and position.when is not None:
        step, when, decision = position.step, position.when, "wait"
    else:
        return {**told, "decision": "rest", "why": position.why}
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
