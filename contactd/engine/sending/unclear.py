"""Asks the providers about attempts that may or may not have been sent, and says what may be concluded.

Only reconciler.py uses it. One rule above all: nothing is sent again before the provider, asked twice and apart by a
grace, has answered both times that it knows no such message.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.engine import Connection

from contactd.channels.base import Absent, Found, LookUp, MessageChannel, Unknown
from contactd.domain.account import Channel
from contactd.domain.attempt import Event, State
from contactd.domain.clock import Clock
from contactd.domain.errors import ChannelError
from contactd.store import attempts
from contactd.store.attempts import Transition, UnclearAttempt
from contactd.store.group_commit import GroupCommit
from contactd.store.schema import attempt
from contactd.store.suppressions import NewSuppression

log = structlog.get_logger()

_MOST = 1000
_AT_ONCE = 8
_FIRST_PAUSE = timedelta(seconds=30)  # after an answer that settles nothing; doubled each time
_LONGEST_PAUSE = timedelta(hours=1)
# A provider's clock may be behind ours; siblings are searched for a little further back than the attempt.
_SLACK = timedelta(minutes=10)
_KINDS = {Channel.EMAIL: "email", Channel.SMS: "number"}
_SUPPRESSING = frozenset({"undeliverable", "opted_out"})

Claim = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look-up settles; without a transition only that it was `empty`."""

    claim: Claim
    transition: Transition | None = None
    suppress: tuple[NewSuppression, ...] = ()
    empty: bool = False

    @property
    def attempt_id(self) -> int:
        """Name the attempt."""
        return self.claim[0]


@dataclass(slots=True)
class _Asked:
    """What is known of an attempt's look-ups; lost with the process, which only makes it ask once more."""

    next_at: datetime
    absent_since: datetime | None = None
    pause: timedelta = _FIRST_PAUSE


@dataclass(frozen=True, slots=True)
class _Siblings:
    """Other attempts to the same address: the references they own, and whether one may own what we are looking for."""

    references: frozenset[str] = frozenset()
    crowded: bool = False


class Inquiry:
    """Remembers when which attempt was asked about."""

    def __init__(
        self, commit: GroupCommit, channels: Mapping[Channel, MessageChannel], clock: Clock, *, grace: timedelta
    ) -> None:
        """Take the backends to ask."""
        self._commit = commit
        self._channels = channels
        self._clock = clock
        self._grace = grace
        self._asked: dict[Claim, _Asked] = {}
        self._free = asyncio.Semaphore(_AT_ONCE)

    async def ask(self) -> list[Verdict]:
        """Look up what is due to be asked about."""
        known: set[Claim] = set()
        verdicts: list[Verdict] = []
        for channel, backend in self._channels.items():
            rows = await self._commit.read(partial(attempts.unclear, channel=channel, limit=_MOST))
            known.update((row.id, row.claim_no) for row in rows)
            now = self._clock.now()
            due = [row for row in rows if self._due(row, now)]
            if due:
                siblings = await self._commit.read(partial(_siblings, due))
                asking = (self._look_up(backend, row, siblings[row.id]) for row in due)
                answers = await asyncio.gather(*asking)
                verdicts += [verdict for verdict in answers if verdict is not None]
        self._asked = {claim: asked for claim, asked in self._asked.items() if claim in known}
        return verdicts

    def _due(self, row: UnclearAttempt, now: datetime) -> bool:
        asked = self._asked.get((row.id, row.claim_no))
        return asked is None or asked.next_at <= now

    async def _look_up(self, backend: MessageChannel, row: UnclearAttempt, siblings: _Siblings) -> Verdict | None:
        question = LookUp(
            reference=row.reference,
            to=row.address,
            since=row.sending_at,
            fingerprint=row.fingerprint,
            others=siblings.references,
        )
        async with self._free:
            try:
                answer = await backend.look_up(question)
            except ChannelError as error:
                log.info("look_up_failed", attempt=row.id, channel=row.channel, reason=str(error))
                answer = Unknown()
            except Exception:  # one look-up ends here: the attempt stays unclear
                log.exception("look_up_broke", attempt=row.id, channel=row.channel)
                answer = Unknown()
        if isinstance(answer, Found) and siblings.crowded:
            # The message may be the sibling's: to take it for ours would lose one of the two.
            answer = Unknown()
        return self._conclude(row, answer, self._clock.now())

    def _conclude(self, row: UnclearAttempt, answer: Found | Absent | Unknown, now: datetime) -> Verdict | None:
        claim = (row.id, row.claim_no)
        asked = self._asked.setdefault(claim, _Asked(now))
        match answer:
            case Found():
                return _found(row, answer, now)
            case Absent() if asked.absent_since is not None and now - asked.absent_since >= self._grace:
                not_taken = Transition(
                    row.id, row.claim_no, Event.NOT_TAKEN, now, outcome="not_taken", reason="provider_has_it_not"
                )
                return Verdict(claim, not_taken)
            case Absent():
                asked.absent_since = asked.absent_since or now
                asked.next_at = asked.absent_since + self._grace
                return Verdict(claim, empty=True)
            case Unknown():
                asked.absent_since = None
                asked.next_at, asked.pause = now + asked.pause, min(asked.pause * 2, _LONGEST_PAUSE)
                return None


def _found(row: UnclearAttempt, answer: Found, now: datetime) -> Verdict:
    """Turn the provider's word into what happened."""
    events = {"accepted": Event.TAKEN, "delivered": Event.CONFIRMED}
    event = events.get(answer.outcome, Event.REJECTED)
    suppress: tuple[NewSuppression, ...] = ()
    if answer.outcome in _SUPPRESSING and row.channel in _KINDS:
        source = f"attempt {row.id}"
        suppress = (NewSuppression(_KINDS[row.channel], row.address, row.channel, answer.outcome, source, at=now),)
    transition = Transition(
        row.id,
        row.claim_no,
        event,
        now,
        outcome=answer.outcome,
        reason="looked_up",
        provider_ref=answer.provider_ref,
        details=answer.details,
    )
    return Verdict((row.id, row.claim_no), transition, suppress)


def _siblings(rows: Sequence[UnclearAttempt], connection: Connection) -> dict[int, _Siblings]:
    """Find, for each attempt, the others to its address at about its time; a letter is found by its own name alone."""
    earliest = min(row.sending_at for row in rows) - _SLACK
    chosen = sa.select(
        attempt.c.id, attempt.c.address, attempt.c.state, attempt.c.provider_ref, attempt.c.fingerprint
    ).where(
        attempt.c.address.in_(sorted({row.address for row in rows})),
        attempt.c.channel == rows[0].channel,
        attempt.c.sending_at >= earliest,
    )
    by_address = defaultdict(list)
    for other in connection.execute(chosen):
        by_address[other.address].append(other)
    return {
        row.id: _among(row, [other for other in by_address[row.address] if other.id != row.id])
        if row.address
        else _Siblings()
        for row in rows
    }


def _among(row: UnclearAttempt, others: Sequence[Any]) -> _Siblings:
    """Judge an attempt's siblings; one that says something else cannot own the message that says what ours does."""
    alike = {"", row.fingerprint} if row.fingerprint else {other.fingerprint for other in others}
    return _Siblings(
        frozenset(other.provider_ref for other in others if other.provider_ref),
        any(other.state in {State.SENDING, State.UNCLEAR} and other.fingerprint in alike for other in others),
    )
