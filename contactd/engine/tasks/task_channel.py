"""Steps of a ladder that a person carries out: a channel that opens a task and sends nothing.

The attempt is `accepted` once its task is there, and over when somebody has done it. An attempt has one task at most,
so an attempt of which nobody knows whether it opened one is looked up like any message.
"""

from datetime import timedelta

import sqlalchemy as sa

from contactd.channels.base import Absent, Found, LookUp, Message, Receipt, Unknown
from contactd.domain.account import Channel
from contactd.domain.clock import Clock
from contactd.domain.errors import ChannelRejected, ChannelUnavailable, ChannelUnclear, StoreConflict, StoreError
from contactd.domain.ladder import local_date
from contactd.domain.task import Kind, State
from contactd.engine.agreements.judgement import BY
from contactd.engine.ladder.book import Book
from contactd.store import accounts, attempts, tasks
from contactd.store.group_commit import GroupCommit
from contactd.store.tasks import Stored


class TaskChannel:
    """Keeps the promises of `MessageChannel`; what is to be done says the step in force."""

    name = Channel.TASK
    finds_by_text = False

    def __init__(self, commit: GroupCommit, book: Book, clock: Clock) -> None:
        self._commit = commit
        self._book = book
        self._clock = clock

    async def start(self) -> None:
        """Have nothing to make ready."""

    async def close(self) -> None:
        """Have nothing to drop."""

    async def send(self, message: Message) -> Receipt:
        """Open the task of an attempt, once."""
        if not message.still_ours():
            raise ChannelUnavailable("its lease ended before the task was opened", code="lease", retry_after=0)
        try:
            made = await self._commit.run(lambda connection: self._open(connection, message.attempt_id))
        except StoreConflict as error:
            raise ChannelUnavailable(f"not opened: {error}", code="store") from error
        except StoreError as error:
            raise ChannelUnclear(f"perhaps opened: {error}", code="store") from error
        if made is None:
            raise ChannelUnavailable("its step is not in force any more", code="step")
        if made.state is not State.OPEN:
            raise ChannelRejected(f"task {made.id} is {made.state} already")
        return Receipt(_name(made))

    async def look_up(self, question: LookUp) -> Found | Absent | Unknown:
        """Look whether the attempt has its task."""
        attempt_id = int(question.reference.partition("-")[0])
        try:
            made = await self._commit.read(lambda connection: tasks.of_attempt(connection, attempt_id))
        except StoreError as error:
            raise ChannelUnavailable(str(error), code="store") from error
        return Found(_name(made)) if made else Absent()

    def _open(self, connection: sa.Connection, attempt_id: int) -> Stored | None:
        row = attempts.get(connection, attempt_id)
        rung = row and self._book.rung(row.campaign, row.step)
        if row is None or rung is None:
            return None
        accounts.lock(connection, [row.account_id])
        now, step = self._clock.now(), rung.step
        due_on = local_date(rung.campaign.timezone, now) + timedelta(days=step.within_days)
        new = Stored(
            0, row.account_id, Kind(step.task), State.OPEN, step.owner, due_on, step.text, now, BY, attempt_id
        )  # fmt: skip
        return tasks.read(connection, tasks.add(connection, new))


def _name(made: Stored) -> str:
    return f"task-{made.id}"
