"""Settles what the providers know better: applies the inbox, ends leases that ran out, looks unclear attempts up.

daemon.py runs it; web and the bounce intake wake it by `notify`. It never sends: an attempt that was certainly not
taken goes back to the queue, where the gate asks the rules again.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.engine import Connection, Row

from contactd.channels.base import MessageChannel
from contactd.domain.account import Channel
from contactd.domain.attempt import OPEN, Event, State
from contactd.domain.clock import Clock
from contactd.domain.errors import StoreConflict, StoreError
from contactd.domain.happened import AttemptMoved
from contactd.engine.bus import Bus
from contactd.engine.errands import either
from contactd.engine.sending import unclear
from contactd.engine.sending.arrivals import Effect, Sent, attempt_of, obey, read
from contactd.store import attempts, inbox, suppressions
from contactd.store.attempts import NewAttempt, Transition
from contactd.store.group_commit import GroupCommit
from contactd.store.schema import attempt

log = structlog.get_logger()

_BATCH = 500
# Seconds between looks nobody asked for; other processes write to the inbox too.
_INBOX_EVERY = 2.0
_LEASES_EVERY = 10.0
_UNCLEAR_EVERY = 15.0
_WAITING = frozenset({State.PLANNED, State.CLAIMED})
_COLUMNS = (
    attempt.c.id, attempt.c.account_id, attempt.c.customer_id, attempt.c.batch_id, attempt.c.campaign, attempt.c.step,
    attempt.c.channel, attempt.c.case_no, attempt.c.try_no, attempt.c.state, attempt.c.address,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Batch:
    """What one transaction did."""

    rows: int
    moved: tuple[AttemptMoved, ...] = ()


class Reconciler:
    """One daemon's; several on one database do no harm, for every transition is guarded."""

    def __init__(
        self,
        commit: GroupCommit,
        channels: Mapping[Channel, MessageChannel],
        clock: Clock,
        *,
        bus: Bus | None = None,
        grace: timedelta = timedelta(minutes=2),
        once_more_after: timedelta = timedelta(hours=1),
    ) -> None:
        """Take the backends to ask; `grace` lies at least between the two empty look-ups before a new send."""
        self._commit = commit
        self._clock = clock
        self._bus = bus
        self._once_more_after = once_more_after
        self._inquiry = unclear.Inquiry(commit, channels, clock, grace=grace)
        self._unclear_every = min(_UNCLEAR_EVERY, grace.total_seconds() / 2)
        self._leases_every = min(_LEASES_EVERY, grace.total_seconds())
        self._wake = asyncio.Event()

    def notify(self) -> None:
        """Look into the inbox now."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled; a round that fails is logged and tried again."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._repeat("inbox", self.apply_inbox, _INBOX_EVERY, self._wake))
            group.create_task(self._repeat("leases", self.expire, self._leases_every, asyncio.Event()))
            group.create_task(self._repeat("unclear", self.settle_unclear, self._unclear_every, asyncio.Event()))

    async def _repeat(
        self, name: str, work: Callable[[], Coroutine[Any, Any, int]], every: float, wake: asyncio.Event
    ) -> None:
        while True:
            wake.clear()
            try:
                await work()
            except (StoreError, StoreConflict) as error:
                log.error("reconciler_waits", part=name, reason=str(error))  # no bug to trace
            except Exception:  # one round ends here, the next begins afresh
                log.exception("reconciler_broke", part=name)
            await either(self._clock.sleep(every), wake.wait())

    async def expire(self) -> int:
        """End the leases that ran out: claimed is planned again, sending is unclear."""
        now = self._clock.now()
        released, lost = await self._commit.run(lambda connection: attempts.expire(connection, now=now))
        if released or lost:
            log.warning("leases_expired", planned_again=released, unclear=lost)
        return released + lost

    async def apply_inbox(self) -> int:
        """Apply every waiting row, in batches; answers how many."""
        handled = 0
        while True:
            try:
                batch = await self._commit.run(lambda connection: self._apply(connection, _BATCH))
            except (StoreError, StoreConflict):
                raise
            except Exception:  # one row nobody foresaw must not keep the others waiting
                log.exception("inbox_batch_broke")
                batch = await self._one_by_one()
            self._publish(batch.moved)
            handled += batch.rows
            if batch.rows < _BATCH:
                return handled

    async def _one_by_one(self) -> _Batch:
        """Apply the waiting rows of a batch alone; the one that breaks is put aside, with its traceback in the log."""
        rows, moved = 0, list[AttemptMoved]()
        while rows < _BATCH:
            try:
                batch = await self._commit.run(lambda connection: self._apply(connection, 1))
            except (StoreError, StoreConflict):
                raise
            except Exception:  # one row ends here, visible in the log
                row_id = await self._commit.run(self._put_aside)
                log.exception("inbox_row_broke", row=row_id)
                batch = _Batch(1)
            if not batch.rows:
                break
            rows += batch.rows
            moved += batch.moved
        return _Batch(rows, tuple(moved))

    def _put_aside(self, connection: Connection) -> int | None:
        rows = inbox.waiting(connection, 1)
        inbox.handled(connection, [row.id for row in rows], self._clock.now())
        return rows[0].id if rows else None

    def _apply(self, connection: Connection, limit: int) -> _Batch:
        """Apply waiting rows in the order they came; runs in the writer's thread and may be run again."""
        rows = inbox.waiting(connection, limit)
        if not rows:
            return _Batch(0)
        named = _named(rows)
        known = _attempts(connection, set(named.values()))
        sent = {key: Sent(found.channel, found.address) for key, found in known.items()}
        effects = [read(row, sent) for row in rows]
        # Addresses before attempts: the order in which everybody locks.
        obey(connection, effects)
        moving = [found for found in effects if _says_something(found, known)]
        moved = self._move(connection, moving, known)
        inbox.handled(connection, [row.id for row in rows], self._clock.now())
        return _Batch(len(rows), tuple(moved))

    def _move(
        self, connection: Connection, effects: Sequence[Effect], known: Mapping[int, Row[Any]]
    ) -> list[AttemptMoved]:
        transitions = [found.transition for found in effects if found.transition is not None]
        answers = attempts.apply(connection, transitions)
        moved: list[AttemptMoved] = []
        again: list[tuple[Row[Any], datetime]] = []
        stop: list[Transition] = []
        for found, transition, answer in zip(effects, transitions, answers, strict=True):
            row = known.get(transition.attempt_id)
            if isinstance(answer, State) and row is not None:
                moved.append(_told(row, transition, answer))
                if found.again:
                    again.append((row, transition.at))
            elif found.reached and row is not None and row.state in _WAITING:
                stop.append(_hold_back(transition))
            else:
                log.info("event_too_late", attempt=transition.attempt_id, happened=transition.event, reason=str(answer))
        first = _sent_once(connection, [row for row, _ in again])
        attempts.plan(connection, [_once_more(row, at, self._once_more_after) for row, at in again if row.id in first])
        for transition, answer in zip(stop, attempts.apply(connection, stop), strict=True):
            if isinstance(answer, State):
                log.error("reached_after_all", attempt=transition.attempt_id, provider_ref=transition.provider_ref)
                moved.append(_told(known[transition.attempt_id], transition, answer))
        return moved

    async def settle_unclear(self) -> int:
        """Ask the providers about unclear attempts; answers how many are settled."""
        await self.apply_inbox()
        verdicts = await self._inquiry.ask()
        if not verdicts:
            return 0

        def settle(connection: Connection) -> list[AttemptMoved]:
            # What came in while the provider was asked knows better than an empty list.
            batch = self._apply(connection, _BATCH)
            known = _attempts(connection, {verdict.attempt_id for verdict in verdicts})
            suppressions.add(connection, [unwanted for verdict in verdicts for unwanted in verdict.suppress])
            attempts.looked_up(connection, [verdict.claim for verdict in verdicts if verdict.empty])
            transitions = [verdict.transition for verdict in verdicts if verdict.transition is not None]
            answers = attempts.apply(connection, transitions)
            return list(batch.moved) + [
                _told(known[transition.attempt_id], transition, answer)
                for transition, answer in zip(transitions, answers, strict=True)
                if isinstance(answer, State)
            ]

        moved = await self._commit.run(settle)
        self._publish(moved)
        return sum(verdict.transition is not None for verdict in verdicts)

    def _publish(self, moved: Sequence[AttemptMoved]) -> None:
        if self._bus is not None:
            for event in moved:
                self._bus.publish(event)


def _named(rows: Sequence[Any]) -> dict[int, int]:
    """Answer which attempt each row speaks of, by the row's id; rows nobody can read speak of none."""
    named = {}
    for row in rows:
        try:
            attempt_id = attempt_of(row)
        except (AttributeError, ValueError, TypeError):
            continue
        if attempt_id is not None:
            named[row.id] = attempt_id
    return named


def _attempts(connection: Connection, attempt_ids: set[int]) -> dict[int, Row[Any]]:
    if not attempt_ids:
        return {}
    rows: sa.Result[Any] = connection.execute(sa.select(*_COLUMNS).where(attempt.c.id.in_(sorted(attempt_ids))))
    return {row.id: row for row in rows}


def _sent_once(connection: Connection, rows: Sequence[Row[Any]]) -> set[int]:
    """Choose those whose step was sent only this once in its case; what was cancelled or never taken is no sending."""
    if not rows:
        return set()
    step = attempt.c.account_id, attempt.c.campaign, attempt.c.case_no, attempt.c.step
    chosen = (
        sa.select(*step)
        .where(attempt.c.account_id.in_(sorted({row.account_id for row in rows})), attempt.c.sending_at.is_not(None))
        .group_by(*step)
        .having(sa.func.count() == 1)
    )
    once = {tuple(found) for found in connection.execute(chosen)}
    return {row.id for row in rows if (row.account_id, row.campaign, row.case_no, row.step) in once}


def _says_something(found: Effect, known: Mapping[int, Row[Any]]) -> bool:
    """Leave out the most frequent news that is none: under way, of an attempt known to be that far or further."""
    if found.transition is None:
        return False
    row = known.get(found.transition.attempt_id)
    return found.transition.event is not Event.TAKEN or row is None or row.state in OPEN


def _told(row: Row[Any], transition: Transition, state: State) -> AttemptMoved:
    return AttemptMoved(
        row.id, row.account_id, row.campaign, row.step, row.channel, state, transition.outcome, transition.reason
    )


def _once_more(row: Row[Any], at: datetime, after: timedelta) -> NewAttempt:
    """Queue the step's next try; the ladder may have more of its own, and the unique key keeps them apart."""
    return NewAttempt(
        account_id=row.account_id,
        customer_id=row.customer_id,
        batch_id=row.batch_id,
        campaign=row.campaign,
        step=row.step,
        channel=Channel(row.channel),
        case_no=row.case_no,
        try_no=row.try_no + 1,
        not_before=at + after,
        planned_at=at,
    )


def _hold_back(transition: Transition) -> Transition:
    """Cancel an attempt that waits to be sent again although the provider had the message of an earlier claim."""
    return Transition(
        transition.attempt_id,
        None,
        Event.FORBIDDEN,
        transition.at,
        outcome=transition.outcome,
        reason="reached_after_all",
        provider_ref=transition.provider_ref,
    )
