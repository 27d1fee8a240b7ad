"""The only door through which a contact begins: the rules are asked again in the transaction that commits the intent.

Sender and dialer come here with what they claimed; nobody else writes `sending`.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from contactd.domain.account import Channel, Facts, Invoice, PastContact, PostalAddress
from contactd.domain.attempt import Event, State
from contactd.domain.calendar import local_day
from contactd.domain.clock import Clock
from contactd.domain.ladder import local_date, no_longer_due, zone_of
from contactd.domain.money import Money
from contactd.domain.notice import CAMPAIGN as NOTICES
from contactd.domain.notice import Occasion
from contactd.domain.policy import Allowed, Never, NotBefore, Proposal
from contactd.domain.queueing import Priority
from contactd.domain.rules import may_contact
from contactd.engine.agreements.notifying import template_of, why_not
from contactd.engine.debt.claims import Owed
from contactd.engine.debt.demanding import Reminding, owed_on
from contactd.engine.ladder.book import Book, Rung
from contactd.store import accounts, arms, attempts, facts, notices, pauses, sent_messages, suppressions
from contactd.store.attempts import Claimed, Transition
from contactd.store.handovers import HOLD as HANDED_OVER
from contactd.store.notices import About
from contactd.store.sent_messages import Sent
from contactd.store.suppressions import NewSuppression

# A paused campaign is asked again after this long; resuming wakes the senders anyway.
_PAUSE = timedelta(minutes=5)
# Somebody else has taken the attempt; what became of it is his to tell.
OVERTAKEN = "overtaken"


@dataclass(frozen=True, slots=True)
class Begun:
    """The intent is committed: now, and only now, the provider may be asked."""

    claimed: Claimed
    rung: Rung
    facts: Facts
    invoices: tuple[Invoice, ...]  # the open, undisputed ones, oldest first
    address: str
    at: datetime
    postal: PostalAddress | None = None  # of a letter
    about: About | None = None  # of a notice about an agreement
    owed: Owed | None = None  # of a letter that asks for interest and costs
    fee: int | None = None  # what it charges, where its step says something about that


@dataclass(frozen=True, slots=True)
class Refused:
    """The rules, a pause or somebody quicker stood against it; the attempt is planned again or cancelled."""

    claimed: Claimed
    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """How an attempt went on, what it sent, and the address nobody may use any more because of it."""

    transition: Transition
    suppress: NewSuppression | None = None
    sent: Sent | None = None


class Gate:
    """Asks the rules and commits intents, for one daemon."""

    def __init__(self, book: Book, clock: Clock, *, lease: timedelta) -> None:
        """Take the rules in force; `lease` bounds how long an intent may stand without an answer."""
        self._book = book
        self._clock = clock
        self._lease = lease

    def team(self, campaign: str) -> str:
        """Answer whose calls a campaign's are; one that is not in force is nobody's."""
        found = self._book.campaigns.get(campaign)
        return found.team if found else ""

    def begin(self, connection: sa.Connection, claims: list[Claimed]) -> Sequence[Begun | Refused]:
        """Begin what may begin; the accounts are locked first, so whatever was committed before is seen."""
        ids = {claim.account_id for claim in claims}
        accounts.lock(connection, ids | {claim.customer_id for claim in claims})
        now = self._clock.now()
        paused = pauses.paused(connection)
        known = self._facts(connection, claims, now)
        owed = facts.invoices(connection, ids)
        told = self._notices(connection, claims)
        answers: list[Begun | Refused] = []
        transitions: list[Transition] = []
        fresh: dict[int, tuple[PastContact, ...]] = {}
        for claim in claims:
            seen, begun = known.get((claim.campaign, claim.account_id)), fresh.get(claim.customer_id, ())
            if seen is not None and begun:
                seen = replace(seen, contacts=(*seen.contacts, *begun))
            rest = owed.get(claim.account_id, ())
            if claim.campaign == NOTICES:
                answer, transition = self._judge_notice(claim, told.get(claim.case_no), seen, rest, paused, now)
            else:
                answer, transition = self._judge(claim, seen, rest, paused, now)
            if isinstance(answer, Begun):
                past = PastContact(answer.rung.step.channel, now, answer.address, claim.account_id)
                fresh[claim.customer_id] = (*begun, past)
            answers.append(answer)
            transitions.append(transition)
        answers = self._equipped(connection, answers)
        results = attempts.apply(connection, list(map(_charging, answers, transitions)))
        return [
            Refused(answer.claimed, OVERTAKEN) if isinstance(result, Exception) else answer
            for answer, result in zip(answers, results, strict=True)
        ]

    def _facts(self, connection: sa.Connection, claims: list[Claimed], now: datetime) -> dict[tuple[str, int], Facts]:
        """Read what is known of the accounts, with what each campaign has tried."""
        ids: dict[str, set[int]] = defaultdict(set)
        for claim in claims:
            ids[claim.campaign].add(claim.account_id)
        since = now - self._memory(claims)
        return {
            (campaign, account_id): seen
            for campaign, accounts_of_it in ids.items()
            for account_id, seen in arms.known(
                connection,
                self._book.campaigns.get(campaign),
                facts.load(connection, accounts_of_it, campaign=campaign, since=since),
            ).items()
        }

    def _memory(self, claims: list[Claimed]) -> timedelta:
        """Answer how far back contacts matter; the longest memory does for all, no rule looks beyond its own."""
        campaigns = {claim.campaign for claim in claims} & self._book.campaigns.keys()
        return max(map(self._book.memory, campaigns), default=timedelta())

    def _judge(
        self, claim: Claimed, seen: Facts | None, owed: Sequence[Invoice], paused: set[str], now: datetime
    ) -> tuple[Begun | Refused, Transition]:
        rung = self._book.rung(claim.campaign, claim.step)
        if rung is None or rung.step.channel != claim.channel:
            return self._forbid(claim, "campaign_changed", now)
        if seen is None or seen.account.case_no != claim.case_no:
            return self._forbid(claim, "case_ended" if seen else "campaign_changed", now)
        requested = claim.priority in {Priority.MISSED, Priority.CALLBACK}  # by the person
        gone = no_longer_due(rung.campaign, rung.step, claim.try_no, _seen_by(claim, seen), now)
        if gone and (claim.priority == Priority.LADDER or gone == "attempt_open"):
            # What is under way may come to nothing, and they were promised a call.
            return self._postpone(claim, gone, now + _PAUSE, now) if requested else self._forbid(claim, gone, now)
        if paused and {f"campaign:{claim.campaign}", f"channel:{claim.channel}", "all"} & paused:
            return self._postpone(claim, "paused", now + _PAUSE, now)
        proposal = rung.proposal(planned_at=claim.planned_at, address=claim.wanted, requested=requested)
        return self._ask(claim, rung, proposal, seen, owed, now)

    def _ask(
        self, claim: Claimed, rung: Rung, proposal: Proposal, seen: Facts, owed: Sequence[Invoice], now: datetime
    ) -> tuple[Begun | Refused, Transition]:
        match may_contact(seen, proposal, rung.policy, now):
            case Never(reason):
                return self._forbid(claim, reason.value, now)
            case NotBefore(when, reason):
                return self._postpone(claim, reason.value, when, now)
            case Allowed(address):
                begun = Begun(claim, rung, seen, tuple(owed), address, now)
                lease_until = now + self._lease
                return begun, Transition(
                    claim.id, claim.claim_no, Event.BEGUN, now, address=address, lease_until=lease_until
                )

    @staticmethod
    def _notices(connection: sa.Connection, claims: list[Claimed]) -> dict[int, tuple[About, bool]]:
        """Read what the notices among the claims are about, and whether their customer owes nothing any more."""
        ids = {claim.case_no for claim in claims if claim.campaign == NOTICES}
        if not ids:
            return {}
        settled = notices.owe_nothing(connection, {claim.account_id for claim in claims})
        about = notices.about(connection, ids).values()
        return {one.id: (one, one.account_id in settled) for one in about}

    def _judge_notice(
        self,
        claim: Claimed,
        told: tuple[About, bool] | None,
        seen: Facts | None,
        owed: Sequence[Invoice],
        paused: set[str],
        now: datetime,
    ) -> tuple[Begun | Refused, Transition]:
        """Ask whether a notice is still wanted, then the rules: its hours count, and no cap."""
        about, settled = told or (None, False)
        if about is None or seen is None:
            return self._forbid(claim, "case_ended", now)
        rung = self._book.notice(about.occasion, claim.channel, template_of(about))
        if rung is None:
            return self._forbid(claim, "campaign_changed", now)
        gone = why_not(about, local_date(rung.campaign.timezone, now), settled=settled)
        if (
            about.occasion in {Occasion.REMINDER, Occasion.ACCELERATION}
            and seen.hold is not None
            and seen.hold.reason == HANDED_OVER
        ):
            gone = gone or HANDED_OVER  # somebody else goes on with it
        if gone:
            return self._forbid(claim, gone, now)
        if {f"campaign:{claim.campaign}", f"channel:{claim.channel}", "all"} & paused:
            return self._postpone(claim, "paused", now + _PAUSE, now)
        answer, transition = self._ask(claim, rung, rung.proposal(requested=True, agreed=True), seen, owed, now)
        return replace(answer, about=about) if isinstance(answer, Begun) else answer, transition

    def _equipped(self, connection: sa.Connection, answers: list[Begun | Refused]) -> list[Begun | Refused]:
        """Give letters the postal address, and reminders what is owed and charged, as it stands in this transaction."""
        begun = [one for one in answers if isinstance(one, Begun)]
        letters = {one.claimed.account_id for one in begun if one.claimed.channel is Channel.LETTER}
        known = facts.postal_addresses(connection, letters) if letters else {}
        reminding = {
            one.claimed.account_id: _reminding(one)
            for one in begun
            if one.rung.step.fee is not None
            or (one.rung.step.claim == "all" and one.rung.step.channel is Channel.LETTER)
        }
        owed = owed_on(connection, reminding, self._book.terms) if reminding and self._book.terms else {}
        equipped: list[Begun | Refused] = []
        for one in answers:
            if isinstance(one, Begun) and (letters or reminding):
                step, found = one.rung.step, owed.get(one.claimed.account_id)
                fee = None if step.fee is None else found.fee if found else 0
                asked = found if step.claim == "all" and step.channel is Channel.LETTER else None
                equipped.append(replace(one, postal=known.get(one.claimed.account_id), owed=asked, fee=fee))
            else:
                equipped.append(one)
        return equipped

    @staticmethod
    def _forbid(claim: Claimed, reason: str, now: datetime) -> tuple[Refused, Transition]:
        return Refused(claim, reason), Transition(
            claim.id, claim.claim_no, Event.FORBIDDEN, now, outcome="cancelled", reason=reason
        )

    def _postpone(self, claim: Claimed, reason: str, until: datetime, now: datetime) -> tuple[Refused, Transition]:
        if claim.priority == Priority.DIALLED:  # for now, or not at all
            return self._forbid(claim, reason, now)
        return Refused(claim, reason, until), Transition(
            claim.id, claim.claim_no, Event.POSTPONED, now, reason=reason, not_before=until
        )


def _reminding(one: Begun) -> Reminding:
    account, fee = one.facts.account, one.rung.step.fee
    today = local_day(zone_of(account, one.rung.campaign), one.at)
    return Reminding(today, fee.minor if fee and fee.currency == account.currency else 0, one.invoices)


def _charging(answer: Begun | Refused, transition: Transition) -> Transition:
    """Have the intent say what the reminder charges; it counts once the reminder was sent, and as often."""
    if not isinstance(answer, Begun) or answer.fee is None:
        return transition
    fee = Money(answer.fee, answer.facts.account.currency)
    return replace(transition, fee=answer.fee, details={"fee": str(fee)} if answer.fee else None)


def _seen_by(claim: Claimed, seen: Facts) -> Facts:
    """Leave out what only waits: tasks for whom a person wants called, and callbacks while an agent dials himself."""
    if claim.priority == Priority.LADDER:
        return seen
    tries = [one for one in seen.tries if one.channel is not Channel.TASK]
    if claim.priority == Priority.DIALLED:
        tries = [one for one in tries if one.state != State.PLANNED]
    return replace(seen, tries=tuple(tries))


def settle(connection: sa.Connection, items: list[Settled]) -> Sequence[object]:
    """Write how attempts went on, together with the suppressions that follow; a conflict is answered to its caller."""
    unwanted = [item.suppress for item in items if item.suppress is not None]
    if unwanted:
        suppressions.add(connection, unwanted)
    sent_messages.keep(connection, [item.sent for item in items if item.sent is not None])
    return attempts.apply(connection, [item.transition for item in items])


def release(connection: sa.Connection, claims: list[Claimed], now: datetime, later: datetime | None = None) -> None:
    """Put back what was certainly not sent: merely claimed, or with an intent whose commit was in doubt."""
    if not claims:
        return
    stands = attempts.states(connection, [claim.id for claim in claims])
    begun = {attempt_id for attempt_id, state in stands.items() if state in {State.SENDING, State.UNCLEAR}}
    attempts.apply(
        connection,
        [
            Transition(
                claim.id,
                claim.claim_no,
                Event.NOT_TAKEN,
                now,
                outcome="unavailable",
                reason="not_sent",
                not_before=later,
            )
            if claim.id in begun
            else Transition(claim.id, claim.claim_no, Event.RELEASED, now)
            for claim in claims
        ],
    )
