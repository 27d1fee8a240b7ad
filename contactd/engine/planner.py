"""Planning: which due accounts are taken up, for which step and when, and which are held back by which rule.

`decide` is the one answer for a planning run, `contactd plan` and `contactd why`; it is pure.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice, takewhile
from typing import TypeVar

import sqlalchemy as sa

from contactd.domain.account import Facts
from contactd.domain.calendar import local_day
from contactd.domain.campaign import Campaign, Step
from contactd.domain.ladder import Due, Waiting, local_date, next_step, selects, too_late, zone_of
from contactd.domain.policy import Allowed, Never, NotBefore, Policy
from contactd.domain.queueing import Priority, rank
from contactd.domain.rules import least_contacts, may_contact
from contactd.engine.book import Book, Rung
from contactd.store import attempts, batches, candidates, facts, proposals
from contactd.store.attempts import NewAttempt
from contactd.store.candidates import Candidate
from contactd.store.database import Database
from contactd.store.proposals import NewLine

R = TypeVar("R")

CHUNK = 2_000  # attempts a transaction: a planning run never keeps the senders waiting
_REMEMBERED = 50_000  # decisions; of more kinds of accounts each is asked about anew


@dataclass(frozen=True, slots=True)
class Take:
    """An attempt to be made, not before the instant."""

    step: Step
    try_no: int
    not_before: datetime
    address: str = ""  # the number a retry asks for


@dataclass(frozen=True, slots=True)
class Held:
    """The step is due, a rule stands against it; `until` is when it may happen, as far as is known."""

    step: Step
    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing is due."""

    why: str


Decision = Take | Held | Rest


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
    match may_contact(seen, rung.proposal(address=address), rung.policy, begin):
        case Allowed():
            return Take(step, try_no, begin, address)
        case NotBefore(when, _) if seen.oldest_due and too_late(step, seen.oldest_due, _day(campaign, seen, when)):
            return Rest("too_late")  # then; the rung that follows is found when that day has come
        case NotBefore(when, _) if when <= now + horizon:
            return Take(step, try_no, when, address)
        case NotBefore(when, reason):
            return Held(step, reason.value, when)
        case Never(reason):
            return Held(step, reason.value)


class Decided:
    """Decides for one run, at one instant; asks ladder and rules once for all accounts that are alike."""

    def __init__(
        self, campaign: Campaign, policy: Policy, before: Sequence[Campaign], now: datetime, horizon: timedelta
    ) -> None:
        """Take the campaigns `before` this one: what they select is theirs."""
        self._campaign, self._policy, self._before = campaign, policy, before
        self._now, self._horizon = now, horizon
        self._today = local_date(campaign.timezone, now)
        self.known: dict[str, Decision] = {}  # by profile; nothing is forgotten, so what it has may be relied on

    @property
    def bounds(self) -> list[int]:
        """List the amounts, in minor units, with which the filters compare what is open."""
        filters = [
            *(one.select for one in (*self._before, self._campaign)),
            *(step.select for step in self._campaign.steps),
        ]
        return sorted({bound.minor for one in filters for bound in (one.min_open, one.max_open) if bound})

    def of(self, one: Candidate) -> Decision:
        """Answer for an account; those of one profile are alike."""
        if one.facts is None:
            return self.known[one.profile]
        known = self.known.get(one.profile)
        if known is None:
            known = self._decide(one.facts)
            if one.profile and len(self.known) < _REMEMBERED:
                self.known[one.profile] = known
        return known

    def _decide(self, seen: Facts) -> Decision:
        if any(selects(other.select, seen, self._today) for other in self._before):
            return Rest("other_campaign")  # an account climbs one ladder: that of the first campaign that selects it
        return decide(self._campaign, self._policy, seen, self._now, self._horizon)


def _day(campaign: Campaign, seen: Facts, at: datetime) -> date:
    return local_day(zone_of(seen.account, campaign), at)


@dataclass
class Tally:
    """How many accounts, and the amounts by currency in minor units."""

    count: int = 0
    amounts: Counter[str] = field(default_factory=Counter)

    def add(self, one: Candidate) -> None:
        """Count one account."""
        self.count += 1
        self.amounts[one.currency] += one.overdue

    def as_json(self) -> dict[str, object]:
        """Write as the batch row keeps it."""
        return {"count": self.count, "amounts": dict(self.amounts)}


@dataclass
class Summary:
    """What a run took up by step, and held back by step and reason."""

    campaign: str
    at: datetime
    batch_id: int | None = None
    taken: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    held: dict[str, dict[str, Tally]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Tally)))

    @property
    def count(self) -> int:
        """Count what was taken up."""
        return sum(tally.count for tally in self.taken.values())

    def held_by_reason(self) -> dict[str, int]:
        """Count what was held back, over all steps."""
        reasons: Counter[str] = Counter()
        for by_reason in self.held.values():
            for reason, tally in by_reason.items():
                reasons[reason] += tally.count
        return dict(reasons)

    def steps_as_json(self) -> dict[str, object]:
        """Write the taken by step."""
        return {step: tally.as_json() for step, tally in self.taken.items()}

    def held_as_json(self) -> dict[str, object]:
        """Write the held by step and reason."""
        return {
            step: {reason: tally.as_json() for reason, tally in reasons.items()} for step, reasons in self.held.items()
        }


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
        summary = self._take_up(campaign_id, now, _attempts, attempts.plan)
        with self.database.transaction() as connection:
            close(connection, summary, now)
        return summary

    def draft(self, campaign_id: str, now: datetime) -> Summary:
        """Write down the same as lines of a run that is still to be proposed; nothing of it is queued."""
        return self._take_up(campaign_id, now, _lines, proposals.add_lines)

    def _take_up(
        self,
        campaign_id: str,
        now: datetime,
        rows: Callable[[Iterable[tuple[Candidate, Take]], Campaign, int, datetime], Iterator[R]],
        store: Callable[[sa.Connection, list[R]], object],
    ) -> Summary:
        campaign = self.book.campaigns[campaign_id]
        with self.database.transaction() as connection:
            batch_id = batches.open_batch(connection, campaign_id, now)
        summary = Summary(campaign_id, now, batch_id)
        with self.deciding(campaign_id, now) as (decided, found):
            self._write(rows(_decisions(found, decided, summary), campaign, batch_id, now), store)
        return summary

    def plan_accounts(self, campaign_id: str, account_ids: Collection[int], now: datetime) -> int:
        """Take up the next step of these accounts at once: a dead address, a call to be repeated."""
        campaign = self.book.campaigns.get(campaign_id)
        if campaign is None:
            return 0
        summary = Summary(campaign_id, now)
        since = now - self.book.memory(campaign_id)
        with self.database.transaction() as connection:
            seen = facts.load(connection, sorted(account_ids), campaign=campaign_id, since=since).values()
            decisions = _decisions(map(candidates.candidate, seen), self._decided(campaign, now), summary)
            return attempts.plan(connection, list(_attempts(decisions, campaign, None, now)))

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
        return Decided(campaign, self.book.policies[campaign.id], before, now, self.horizon)

    def _write(self, rows: Iterator[R], store: Callable[[sa.Connection, list[R]], object]) -> None:
        """While one chunk is being written the next one is decided."""

        def write(chunk: list[R]) -> None:
            with self.database.transaction() as connection:
                store(connection, chunk)

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


def _decisions(everybody: Iterable[Candidate], decided: Decided, summary: Summary) -> Iterator[tuple[Candidate, Take]]:
    for one in everybody:
        decision = decided.of(one)
        if isinstance(decision, Take):
            summary.taken[decision.step.id].add(one)
            yield one, decision
        elif isinstance(decision, Held):
            summary.held[decision.step.id][decision.reason].add(one)


def _attempts(
    decisions: Iterable[tuple[Candidate, Take]], campaign: Campaign, batch_id: int | None, now: datetime
) -> Iterator[NewAttempt]:
    today = local_date(campaign.timezone, now)
    for one, take in decisions:
        step = take.step
        yield NewAttempt(
            one.account_id,
            one.customer_id,
            batch_id,
            campaign.id,
            step.id,
            step.channel,
            one.case_no,
            take.try_no,
            take.not_before,
            now,
            take.address,
            Priority.LADDER,
            rank(campaign.order, one.open, one.oldest_due, today),
        )


def _lines(
    decisions: Iterable[tuple[Candidate, Take]], campaign: Campaign, batch_id: int, now: datetime
) -> Iterator[NewLine]:
    today = local_date(campaign.timezone, now)
    for one, take in decisions:
        yield NewLine(
            batch_id,
            one.account_id,
            one.customer_id,
            take.step.id,
            take.step.channel,
            one.case_no,
            take.try_no,
            take.not_before,
            now,
            take.address,
            rank(campaign.order, one.open, one.oldest_due, today),
            one.overdue,
            one.oldest_due,
        )
