"""Runs that wait for approval: proposed, looked at, approved or rejected; one model for command line, API and desk.

What is refused is an InputError that says why. Approving is one transaction: the decision, what falls out because of
what happened meanwhile, and the attempts; whoever is killed in it has done nothing.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from contactd.config.settings import Settings
from contactd.domain.errors import AwaitsApproval, Contradiction, InputError, NotThere, StoreConflict
from contactd.domain.money import Money
from contactd.domain.phrase import Phrase
from contactd.domain.policy import Reason
from contactd.domain.proposal import Standing, State, needs_other_eyes, only_waits, rungs, why_not
from contactd.engine.ladder.book import Book
from contactd.engine.ladder.planner import Decided, Decision, Held, Planner, Rest, Take, close
from contactd.engine.ladder.run_summary import Summary
from contactd.store import accounts, arms, bank, batches, candidates, facts, proposals
from contactd.store.database import Database
from contactd.store.proposals import NewProposal, Planned

BY = "contactd"  # who decided, where facts, the timetable or the calendar did
_CHUNK = 2_000

Told = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Person:
    """Who is at work: the name that is kept, and the login or token behind it that four eyes go by."""

    name: str
    login: str


class Proposing:
    """Works with one planner and its database; its methods block, call them in a thread.

    `decided`: the database a person's decisions are written to, where it is a witnessed one; the planner's is not.
    """

    def __init__(self, planner: Planner, decided: Database | None = None) -> None:
        self._planner = planner
        self._database = decided or planner.database

    def expire(self, now: datetime) -> list[int]:
        """Enter the runs nobody decided about in time; answers their numbers."""
        with self._planner.database.transaction() as connection:
            return proposals.expire(connection, now, BY)

    def refuse_while_waiting(self, campaign_id: str, now: datetime) -> None:
        """Raise AwaitsApproval while a run of the campaign waits."""
        with self._database.snapshot() as connection:
            self._refuse_while_waiting(connection, campaign_id, now)

    @staticmethod
    def _refuse_while_waiting(connection: sa.Connection, campaign_id: str, now: datetime) -> None:
        row = proposals.waiting(connection, now).get(campaign_id)
        if row is not None:
            raise AwaitsApproval(campaign_id, row.id)

    def propose(self, campaign_id: str, now: datetime, by: str) -> Summary:
        """Write down what planning would take up; raises AwaitsApproval while another run waits."""
        self.expire(now)
        self.refuse_while_waiting(campaign_id, now)
        campaign = self._planner.book.campaigns[campaign_id]
        summary = self._planner.draft(campaign_id, now)
        if summary.batch_id is None:  # never: a draft has a number
            raise StoreConflict("the run has no number")
        ladder = {step: {"level": level, "next": after} for step, (level, after) in rungs(campaign).items()}
        new = NewProposal(summary.batch_id, campaign_id, by, now + campaign.approve_within, ladder)
        with self._database.transaction() as connection:
            if not batches.still_open(connection, summary.batch_id):
                raise StoreConflict(f"a daemon began meanwhile and took run {summary.batch_id} for dead; propose again")
            if not proposals.propose(connection, new):
                self._refuse_while_waiting(connection, campaign_id, now)
                raise StoreConflict(f"another run of {campaign_id} was decided in this moment; propose again")
            close(connection, summary, now)
        return summary

    def drop(self, number: int, account_ids: Collection[int], *, reason: str, by: str, now: datetime) -> int:
        """Take accounts out of a run that waits; their step comes again with the next run. Answers how many."""
        _refuse_without(reason, Phrase("to drop accounts"))
        with self._database.transaction() as connection:
            _open(connection, number, now)
            return proposals.drop(connection, number, dict.fromkeys(account_ids, reason), by=by, now=now)

    def reject(self, number: int, *, reason: str, by: str, now: datetime) -> None:
        """End a run without sending anything of it."""
        _refuse_without(reason, Phrase("to reject a run"))
        with self._database.transaction() as connection:
            _open(connection, number, now)
            proposals.decide(connection, number, proposals.Decision(State.REJECTED, now, by, reason))

    def approve(self, number: int, person: Person, now: datetime, *, four_eyes: bool) -> tuple[int, dict[str, int]]:
        """Queue what is still to be done of a run; answers how many attempts, and what fell out by reason.

        Where nothing at all is left it is refused, and waits on.
        """
        with self._database.snapshot() as connection:
            row = known(connection, number)
        if needs_other_eyes(_standing(row), person.login, four_eyes=four_eyes):
            raise Contradiction(
                "run %(number)s was proposed by %(login)s; somebody else has to approve it",
                number=number,
                login=person.login,
            )
        fallen = self.fallen(row, now)
        with self._database.transaction() as connection:
            _open(connection, number, now)
            proposals.drop(connection, number, fallen, by=BY, now=now)
            released = proposals.release(connection, number)
            counts = proposals.dropped(connection, [number]).get(number, {})
            if not released:
                raise Contradiction(
                    "run %(number)s has nothing left that could be sent: %(counts)s; reject it",
                    number=number,
                    counts=_in_words(counts),
                )
            proposals.decide(connection, number, proposals.Decision(State.EXECUTED, now, person.name))
        return released, counts

    def fallen(self, row: sa.Row[Any], now: datetime) -> dict[int, str]:
        """Answer which accounts of a run fall out by what happened since, and why; raises InputError if decided."""
        refused = why_not(_standing(row), now)
        if refused:
            raise Contradiction("run %(number)s %(refused)s", number=row.id, refused=refused)
        if row.campaign not in self._planner.book.campaigns:
            raise Contradiction(
                "run %(number)s is of campaign %(campaign)s, which is configured no more; reject it",
                number=row.id,
                campaign=row.campaign,
            )
        with self._database.snapshot() as connection:
            left = proposals.steps_of(connection, row.id)
            fallen = dict.fromkeys(proposals.paid_since(connection, row.id), Reason.PAID_SINCE_PLANNING.value)
        for account_id in fallen:
            del left[account_id]
        with self._planner.deciding(row.campaign, now) as (decided, found):
            for one in found:
                if one.account_id in left and _stands(decided.follows(one), left[one.account_id], one.case_no):
                    del left[one.account_id]
        return fallen | dict(self._why(row.campaign, decided, left, now))

    def outlook(self, number: int, now: datetime) -> tuple[Told, dict[int, str]]:
        """Tell of a run, and which of its accounts would fall out were it approved now, and why, by their ids."""
        with self._database.snapshot() as connection:
            row, out = known(connection, number), proposals.dropped(connection, [number])
            left = proposals.steps_of(connection, number)
        if why_not(_standing(row), now):
            fallen: dict[int, str] = {}
        elif row.campaign in self._planner.book.campaigns:
            fallen = self.fallen(row, now)
        else:
            fallen = dict.fromkeys(left, "campaign_changed")
        with self._database.snapshot() as connection:
            names = bank.places(connection, fallen)
        told = [
            {"account": names[one].account_no, "creditor": names[one].creditor, "reason": fallen[one]}
            for one in sorted(fallen)
        ]
        return {**told_run(row, out.get(number, {}), now), "falls_out": told}, fallen

    def _why(
        self, campaign_id: str, decided: Decided, left: Mapping[int, Planned], now: datetime
    ) -> Iterator[tuple[int, str]]:
        campaign, since = self._planner.book.campaigns[campaign_id], now - self._planner.book.memory(campaign_id)
        ids = sorted(left)
        with self._database.snapshot() as connection:
            for first in range(0, len(ids), _CHUNK):
                some = ids[first : first + _CHUNK]
                loaded = facts.load(connection, some, campaign=campaign_id, since=since)
                for account_id, seen in arms.known(connection, campaign, loaded).items():
                    planned = left[account_id]
                    step = campaign.step(planned.step)
                    if step is None or step.channel != planned.channel:
                        yield account_id, "campaign_changed"
                    elif seen.account.case_no != planned.case_no:
                        yield account_id, "case_ended"
                    else:
                        yield account_id, _reason(decided.follows(candidates.candidate(seen)), planned.step)


def proposing_of(database: Database, settings: Settings) -> Proposing:
    """Build it for whoever is no daemon, or answers one request; a witness of the database sees the decision alone."""
    book = Book(settings.campaigns, settings.policies)
    return Proposing(Planner(database.witnessed(None), book, horizon=settings.planning.horizon), database)


def _stands(decision: Decision, planned: Planned, case_no: int) -> bool:
    """Say whether what was proposed is still the next thing to do, now or when a rule lets it through."""
    match decision:
        case Take(step, stop=""):
            return planned == (step.id, step.channel, case_no)
        case Held(step, reason, until, stop=""):
            return planned == (step.id, step.channel, case_no) and until is not None and only_waits(reason)
        case _:
            return False


def _reason(decision: Decision, step_id: str) -> str:
    match decision:
        case Rest(why):
            return why
        case Held(step, reason) | Take(step, stop=reason) if step.id == step_id:
            return decision.stop or reason or "attempt_open"  # of another campaign
        case _:
            return "passed_over"


def _open(connection: sa.Connection, number: int, now: datetime) -> None:
    """Lock a run that waits, or refuse."""
    if not proposals.hold_open(connection, number, now):
        refused = why_not(_standing(known(connection, number)), now)
        raise Contradiction(
            "run %(number)s %(refused)s", number=number, refused=refused or Phrase("is decided in this moment")
        )


def _refuse_without(reason: str, what: Phrase) -> None:
    if not reason.strip():
        raise InputError("say the reason %(what)s; it stands in the record", what=what)


def known(connection: sa.Connection, number: int) -> sa.Row[Any]:
    """Read a proposed run; raises InputError when there is none of that number."""
    row = proposals.read(connection, number)
    if row is None or row.state is None:
        what = Phrase("was planned without a proposal") if row else Phrase("is not known")
        raise NotThere("run %(number)s %(what)s", command="contactd runs lists them", number=number, what=what)
    return row


def _standing(row: sa.Row[Any]) -> Standing:
    return Standing(State(row.state), row.proposed_by, row.expires_at)


def _in_words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in counts.items()) or "it is empty"


def account_ids(connection: sa.Connection, number: int, names: Collection[str], creditor: str | None) -> list[int]:
    """Find the accounts in a run by their numbers; raises InputError for one that is not in it."""
    found: list[int] = []
    for name in names:
        ids = {row.id for row in accounts.find(connection, name, creditor)}
        mine = sorted(ids & proposals.among_lines(connection, number, ids))
        if not mine:
            raise NotThere(
                "account %(name)r is not in run %(number)s, or dropped already; nothing was dropped",
                name=name,
                number=number,
            )
        found += mine
    return found


def told_run(row: sa.Row[Any], dropped: Mapping[str, int], now: datetime) -> Told:
    """Tell of a run; one that was never proposed is executed by whoever planned it."""
    own = row.state is not None
    state = _standing(row).at(now).value if own else _cut_short(row) or State.EXECUTED.value
    return {
        "run": row.id,
        "campaign": row.campaign,
        "state": state,
        "planned_at": row.planned_at.isoformat(),
        "planned_by": row.proposed_by if own else BY,
        "expires_at": row.expires_at.isoformat() if own else None,
        "decided_at": row.decided_at.isoformat() if own and row.decided_at else None,
        "decided_by": row.decided_by if own else "",
        "reason": row.reason if own else "",
        "payments_as_of": row.payments_as_of.isoformat() if own and row.payments_as_of else None,
        "accounts": row.taken,
        "dropped": dict(dropped),
        "released": (row.released if state == State.EXECUTED else 0) if own else row.taken,
        "steps": {step: _tally(tally) for step, tally in row.steps.items()},
        "held": {step: {why: _tally(tally) for why, tally in held.items()} for step, held in row.held.items()},
    }


def _cut_short(row: sa.Row[Any]) -> str:
    if row.finished_at is None:
        return "unfinished"
    return "interrupted" if row.interrupted else ""


def _tally(tally: Mapping[str, Any]) -> Told:
    amounts = [Money(minor, currency).as_json() for currency, minor in sorted(tally["amounts"].items())]
    return {"count": tally["count"], "amounts": amounts}


def told_line(line: sa.Row[Any], ladder: Mapping[str, Any]) -> Told:
    """Tell of an account in a run, as it was when the run was proposed."""
    rung = ladder.get(line.step, {"level": 0, "next": ""})
    return {
        "account": line.account_no,
        "creditor": line.creditor,
        "name": line.name,
        "step": line.step,
        "channel": line.channel,
        "try": line.try_no,
        "level": rung["level"],
        "amount": Money(line.overdue, line.currency).as_json(),
        "due_since": line.oldest_due.isoformat() if line.oldest_due else None,
        "not_before": line.not_before.isoformat(),
        "next_step": rung["next"],
        "dropped": line.dropped,
        "dropped_by": line.dropped_by,
    }
