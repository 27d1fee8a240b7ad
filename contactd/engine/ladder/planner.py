"""Planning: which due accounts are taken up, for which step and when, and which are held back by which rule.

`decide` is the one answer for a planning run, `contactd plan` and `contactd why`; it is pure.
"""

from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import islice, takewhile
from operator import attrgetter
from typing import TypeVar

import sqlalchemy as sa

from contactd.domain.account import Drawn, Facts
from contactd.domain.arms import draw, held_until
from contactd.domain.calendar import local_day
from contactd.domain.campaign import Arm, Campaign, Step
from contactd.domain.ladder import Due, Waiting, local_date, next_step, selects, too_late, zone_of
from contactd.domain.policy import Allowed, Never, NotBefore, Policy
from contactd.domain.proposal import belongs, only_waits
from contactd.domain.queueing import Priority, rank
from contactd.domain.rules import answers, least_contacts, may_contact
from contactd.engine.ladder.book import Book, Rung
from contactd.engine.ladder.run_summary import Summary
from contactd.store import accounts, arms, attempts, batches, candidates, facts, proposals
from contactd.store.arms import NewDraw
from contactd.store.attempts import NewAttempt
from contactd.store.candidates import Candidate
from contactd.store.database import Database
from contactd.store.proposals import NewLine

CHUNK = 2_000  # attempts a transaction: a planning run never keeps the senders waiting
_REMEMBERED = 50_000  # decisions; of more kinds of accounts each is asked about anew

N = TypeVar("N")
R = TypeVar("R", NewAttempt, NewLine)  # what a run writes: attempts at once, or the lines of a proposal
Row = tuple[NewDraw | None, R | None]  # what one account gets: both in one transaction


@dataclass(frozen=True, slots=True)
class Take:
    """An attempt to be made, not before the instant."""

    step: Step
    try_no: int
    not_before: datetime
    address: str = ""  # the number a retry asks for
    stop: str = ""  # the hold or stop that is in force now and over by then


@dataclass(frozen=True, slots=True)
class Held:
    """The step is due, a rule stands against it; `until` is when it may happen, as far as is known."""

    step: Step
    reason: str
    until: datetime | None = None
    stop: str = ""  # the hold or stop that is in force now, were another rule to stand longer


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing is due."""

    why: str


@dataclass(frozen=True, slots=True)
class Assigned:
    """The account is taken up for the first time: an arm of the comparison falls to it, and what that says follows."""

    arm: Arm
    then: "Decision"


Decision = Take | Held | Rest
Answer = Decision | Assigned
Taken = tuple[Candidate, Arm | None, Take | None]


def decide(campaign: Campaign, policy: Policy, seen: Facts, now: datetime, horizon: timedelta) -> Decision:
    """Answer what planning does with an account; what may happen within `horizon` is taken up for that time."""
    match next_step(campaign, seen, now):
        case Due(step, try_no, address):
            begin = now
        case Waiting(step, when, _, try_no, address) if step and try_no > 1 and when and when <= now + horizon:
            begin = when  # a retry whose delay is known
        case other:
            return Rest(other.why)
    rung = Rung(campaign, step, policy)
    stop = _stop(seen, rung, address, now)
    match may_contact(seen, rung.proposal(address=address), rung.policy, begin):
        case Allowed():
            return Take(step, try_no, begin, address, stop)
        case NotBefore(when, _) if seen.oldest_due and too_late(step, seen.oldest_due, _day(campaign, seen, when)):
            return Rest("too_late")  # then; the rung that follows is found when that day has come
        case NotBefore(when, _) if when <= now + horizon:
            return Take(step, try_no, when, address, stop)
        case NotBefore(when, reason):
            return Held(step, reason.value, when, stop)
        case Never(reason):
            return Held(step, reason.value)


def _stop(seen: Facts, rung: Rung, address: str, now: datetime) -> str:
    """Name what does not only put the step off; `may_contact` names but the rule that stands longest."""
    if seen.hold is None and not seen.suppressions:
        return ""
    verdicts = (one.verdict for one in answers(seen, rung.proposal(address=address), rung.policy, now))
    reasons = (one.reason.value for one in verdicts if not isinstance(one, Allowed))
    return next((reason for reason in reasons if not only_waits(reason)), "")


class Decided:
    """Decides for one run, at one instant; asks ladder and rules once for all accounts that are alike."""

    def __init__(
        self,
        campaign: Campaign,
        policy: Policy,
        before: Sequence[Campaign],
        now: datetime,
        horizon: timedelta,
        customers: Mapping[str, int] | None = None,
    ) -> None:
        """Take the campaigns `before` this one: what they select is theirs; `customers` of each creditor, if asked."""
        self._campaign, self._policy, self._before, self._customers = campaign, policy, before, customers
        self._now, self._horizon = now, horizon
        self._today = local_date(campaign.timezone, now)
        self.known: dict[str, Answer] = {}  # by profile; nothing is forgotten, so what it has may be relied on

    @property
    def bounds(self) -> list[int]:
        """List the amounts, in minor units, with which the filters compare what is open."""
        filters = [
            *(one.select for one in (*self._before, self._campaign)),
            *(step.select for step in self._campaign.steps),
        ]
        return sorted({bound.minor for one in filters for bound in (one.min_open, one.max_open) if bound})

    def of(self, one: Candidate) -> Answer:
        """Answer for an account; those of one profile are alike."""
        if one.facts is None:
            return self.known[one.profile]
        known = self.known.get(one.profile)
        if known is None:
            known = self._decide(one.facts)
            if one.profile and len(self.known) < _REMEMBERED:
                self.known[one.profile] = known
        return known

    def follows(self, one: Candidate) -> Decision:
        """Answer what is to be done, whether an arm falls to the account by it or not."""
        answer = self.of(one)
        return answer.then if isinstance(answer, Assigned) else answer

    def _decide(self, seen: Facts) -> Answer:
        if self._customers is not None:
            seen = replace(seen, customers=self._customers.get(seen.account.creditor, 0))
        if any(selects(other.select, seen, self._today) for other in self._before):
            return Rest("other_campaign")  # an account climbs one ladder: that of the first campaign that selects it
        decision = decide(self._campaign, self._policy, seen, self._now, self._horizon)
        if not self._campaign.arms or seen.drawn is not None or not isinstance(decision, Take):
            return decision
        # Taken up whichever arm it is: before that nothing is drawn, or the arms would begin at different times.
        arm = draw(self._campaign, seen.account.customer_id)
        seen = replace(seen, drawn=Drawn(arm.id, self._now))
        return Assigned(arm, decide(self._campaign, self._policy, seen, self._now, self._horizon))


def _day(campaign: Campaign, seen: Facts, at: datetime) -> date:
    return local_day(zone_of(seen.account, campaign), at)


class Run:
    """One run: of a campaign, with the number of its batch if it has one, at an instant."""

    def __init__(self, campaign: Campaign, batch_id: int | None, now: datetime) -> None:
        self.campaign, self.batch_id, self.now = campaign, batch_id, now
        self.today = local_date(campaign.timezone, now)


Make = Callable[[Run, Candidate, Take], R]


class Planner:
    """Plans on one database with the campaigns in force; its methods block, call them in a thread."""

    def __init__(self, database: Database, book: Book, *, horizon: timedelta) -> None:
        self.database = database
        self.book = book
        self.horizon = horizon

    def preview(self, campaign_id: str, now: datetime) -> Summary:
        """Answer what a run at `now` would do; writes nothing."""
        summary = Summary(campaign_id, now)
        with self.deciding(campaign_id, now) as (decided, found):
            for _ in _decisions(found, decided, summary):
                pass
        return summary

    @contextmanager
    def deciding(self, campaign_id: str, now: datetime) -> Iterator[tuple[Decided, Generator[Candidate]]]:
        """Hand out the accounts that may be due, and what answers for each, as one state of the data."""
        campaign = self.book.campaigns[campaign_id]
        decided = self._decided(campaign, now)
        # A run that fails still ends its reading before it gives the connection back.
        with self.database.snapshot() as reading, closing(self._due(reading, campaign, now, decided)) as found:
            yield decided, found

    def plan(self, campaign_id: str, now: datetime) -> Summary:
        """Take up every due account of a campaign; committed in chunks, repeating it takes up nothing twice."""
        summary = self._take_up(campaign_id, now, _attempt, attempts.plan, draft=False)
        with self.database.transaction() as connection:
            close(connection, summary, now)
        return summary

    def draft(self, campaign_id: str, now: datetime) -> Summary:
        """Write down the same as lines of a run that is still to be proposed; nothing of it is queued."""
        return self._take_up(campaign_id, now, _line, proposals.add_lines, draft=True)

    def _take_up(
        self,
        campaign_id: str,
        now: datetime,
        make: Make[R],
        add: Callable[[sa.Connection, list[R]], object],
        *,
        draft: bool,
    ) -> Summary:
        campaign = self.book.campaigns[campaign_id]
        with self.database.transaction() as connection:
            batch_id = batches.open_batch(connection, campaign_id, now, draft=draft)
        run = Run(campaign, batch_id, now)
        summary = Summary(campaign_id, now, batch_id)
        with self.deciding(campaign_id, now) as (decided, found):
            self._write(_rows(_decisions(found, decided, summary), run, make), add)
        return summary

    def plan_accounts(self, campaign_id: str, account_ids: Collection[int], now: datetime) -> int:
        """Take up the next step of these accounts at once: a dead address, a call to be repeated.

        Where somebody has to approve, only what belongs to the contact made last; an account of a run that waits rests.
        """
        campaign = self.book.campaigns.get(campaign_id)
        if campaign is None:
            return 0
        summary = Summary(campaign_id, now)
        since = now - self.book.memory(campaign_id)
        decided = self._decided(campaign, now)
        with self.database.transaction() as connection:
            waits = proposals.waiting(connection, now).get(campaign_id)
            ids = set(account_ids) - (proposals.among_lines(connection, waits.id, account_ids) if waits else set())
            seen = facts.load(connection, sorted(ids), campaign=campaign_id, since=since)
            seen = arms.known(connection, campaign, seen)
            decisions = _decisions(map(candidates.candidate, seen.values()), decided, summary)
            if campaign.approval or waits:
                decisions = (one for one in decisions if _belongs(campaign, seen[one[0].account_id], one[2]))
            return _store(connection, list(_rows(decisions, Run(campaign, None, now), _attempt)), attempts.plan)

    def _due(self, reading: sa.Connection, campaign: Campaign, now: datetime, decided: Decided) -> Generator[Candidate]:
        since, least = now - self.book.memory(campaign.id), least_contacts(self.book.policies[campaign.id])
        return candidates.due(
            reading,
            campaign,
            today=local_date(campaign.timezone, now),
            since=since,
            least=least,
            bounds=decided.bounds,
            decided=decided.known,
        )

    def _decided(self, campaign: Campaign, now: datetime) -> Decided:
        before = list(takewhile(lambda other: other.id != campaign.id, self.book.campaigns.values()))
        customers = None
        if self.book.counts_customers:
            with self.database.snapshot() as connection:
                customers = accounts.customers_by_creditor(connection)
        return Decided(campaign, self.book.policies[campaign.id], before, now, self.horizon, customers)

    def _write(self, rows: Iterator[Row[R]], add: Callable[[sa.Connection, list[R]], object]) -> None:
        """While one chunk is being written the next one is decided."""

        def write(chunk: list[Row[R]]) -> None:
            with self.database.transaction() as connection:
                _store(connection, chunk, add)

        writing: Future[None] | None = None
        with ThreadPoolExecutor(1, "planning") as writer:
            while chunk := list(islice(rows, CHUNK)):
                if writing:
                    writing.result()
                writing = writer.submit(write, chunk)
            if writing:
                writing.result()


def close(connection: sa.Connection, summary: Summary, now: datetime) -> None:
    """End a run with its counts."""
    if summary.batch_id is not None:
        steps, held = summary.steps_as_json(), summary.held_as_json()
        batches.close_batch(connection, summary.batch_id, now=now, taken=summary.count, steps=steps, held=held)


def _store(connection: sa.Connection, rows: list[Row[R]], add: Callable[[sa.Connection, list[R]], N]) -> N:
    """Keep what was drawn and add what follows from it; answers what `add` does."""
    drawn = [new for new, _ in rows if new is not None]
    hold = arms.add(connection, drawn)
    # Where another daemon with other shares was quicker its lot holds; the account is decided upon in the next run.
    other = {new.account_id for new in drawn if hold[new.customer_id] != new.arm}
    return add(connection, [made for _, made in rows if made is not None and made.account_id not in other])


def _decisions(everybody: Iterable[Candidate], decided: Decided, summary: Summary) -> Iterator[Taken]:
    for one in everybody:
        arm, decision = None, decided.of(one)
        if isinstance(decision, Assigned):
            arm, decision = decision.arm, decision.then
            summary.drawn[arm.id].add(one)
        take = decision if isinstance(decision, Take) else None
        if take is not None:
            summary.taken[take.step.id].add(one)
        elif isinstance(decision, Held):
            summary.held[decision.step.id][decision.reason].add(one)
        if take is not None or arm is not None:
            yield one, arm, take


def _belongs(campaign: Campaign, seen: Facts, take: Take | None) -> bool:
    last = max(seen.tries, key=attrgetter("at"), default=None)
    return last is not None and take is not None and belongs(campaign, last.step, take.step.id)


def _drawn(one: Candidate, arm: Arm, campaign: Campaign, now: datetime) -> NewDraw:
    until = held_until(campaign, Drawn(arm.id, now))
    reason = f"held out until {until:%Y-%m-%d}" if until else ""
    return NewDraw(
        campaign.id, campaign.arm_seed, one.customer_id, one.account_id, arm.id, now, one.open, one.currency, reason
    )


def _rows(decisions: Iterable[Taken], run: Run, make: Make[R]) -> Iterator[Row[R]]:
    for one, arm, take in decisions:
        drawn = _drawn(one, arm, run.campaign, run.now) if arm else None
        yield drawn, make(run, one, take) if take is not None else None


def _attempt(run: Run, one: Candidate, take: Take) -> NewAttempt:
    return NewAttempt(
        one.account_id,
        one.customer_id,
        run.batch_id,
        run.campaign.id,
        take.step.id,
        take.step.channel,
        one.case_no,
        take.try_no,
        take.not_before,
        run.now,
        take.address,
        Priority.LADDER,
        rank(run.campaign.order, one.open, one.oldest_due, run.today),
    )


def _line(run: Run, one: Candidate, take: Take) -> NewLine:
    return NewLine(
        run.batch_id or 0,
        one.account_id,
        one.customer_id,
        take.step.id,
        take.step.channel,
        one.case_no,
        take.try_no,
        take.not_before,
        run.now,
        take.address,
        rank(run.campaign.order, one.open, one.oldest_due, run.today),
        one.overdue,
        one.oldest_due,
    )
