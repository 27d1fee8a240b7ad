"""Letters: sets, keeps and hands over, in threads of its own; what takes them is behind `Hand`.

That is an outbox, a program or a service.

A letter is `accepted` when it was handed over; nobody says when the post has delivered it.
"""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Protocol, TypeVar

from contactd.channels.base import Absent, Found, Letter, LookUp, Message, Receipt, Unknown
from contactd.channels.letter_archive import Archive, Kept, not_written
from contactd.domain.account import Channel
from contactd.domain.errors import ChannelError, ChannelRejected, ChannelUnavailable, ChannelUnclear

_TIDY_AFTER = 1.0  # seconds: lists are written once for many letters
T = TypeVar("T")


class Hand(Protocol):
    """Takes letters away; called in threads, for several letters at once."""

    def ready(self) -> None:
        """Make ready; raises OSError."""
        ...

    def prepare(self, kept: Kept, letter: Letter) -> None:
        """Write down what is needed beforehand; raises OSError."""
        ...

    def give(self, kept: Kept) -> str:
        """Hand a letter over and answer its name there; raises OSError before it left, else the channels' errors."""
        ...

    def has(self, reference: str, since: datetime) -> bool | None:
        """Say whether the letter was handed over, None when nobody can know; raises OSError, ChannelUnavailable."""
        ...

    def tidy(self) -> None:
        """Bring lists up to date; raises OSError."""
        ...


class LetterChannel:
    """One way of sending letters; see `Archive` for what is known of each after a crash."""

    name = Channel.LETTER
    finds_by_text = False

    def __init__(self, archive: Archive, hand: Hand, *, workers: int = 2) -> None:
        """Take who keeps and who takes the letters; `workers` threads set them."""
        self._archive = archive
        self._hand = hand
        self._workers = workers
        self._pool: ThreadPoolExecutor | None = None
        self._tidying: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Make the folders; one that cannot be made is told with the first letter."""
        await self._in_thread(self._ready)

    async def close(self) -> None:
        """Write the lists a last time and end the threads."""
        if self._tidying is not None:
            self._tidying.cancel()
            self._tidying = None
            await self._in_thread(self._tidy)
        if self._pool is not None:
            self._pool.shutdown(wait=False)
            self._pool = None

    async def send(self, message: Message) -> Receipt:
        """Set, keep and hand over."""
        receipt = await self._in_thread(lambda: self._send(message))
        if self._tidying is None:
            self._tidying = asyncio.create_task(self._tidy_soon())
        return receipt

    async def look_up(self, question: LookUp) -> Found | Absent | Unknown:
        """Look where the letter lies; what may have been taken away meanwhile is for a person to say."""
        return await self._in_thread(lambda: self._look_up(question))

    def _ready(self) -> None:
        try:
            self._archive.ready()
            self._hand.ready()
            self._hand.tidy()
        except OSError:
            return

    def _send(self, message: Message) -> Receipt:
        letter = message.letter
        if letter is None:
            raise ChannelRejected("no letter was made of it")
        try:
            kept = self._keep(message, letter)
        except OSError as error:
            raise not_written(error) from error
        try:
            if not message.still_ours():
                raise ChannelUnavailable("its lease ended before it was sent", code="lease", retry_after=0)
            reference = self._hand.give(kept)
        except ChannelUnclear:
            raise
        except ChannelError:
            self._archive.drop(kept)
            raise
        except OSError as error:
            self._archive.drop(kept)
            raise not_written(error) from error
        try:
            self._archive.done(kept)
        except OSError as error:
            raise ChannelUnclear(f"handed over, and not archived: {error}") from error
        return Receipt(reference, details=kept.details | letter.place)

    def _keep(self, message: Message, letter: Letter) -> Kept:
        """Write down what leaves. A folder that has gone is not made again: what was in it would seem never sent."""
        kept = self._archive.keep(message.reference, message.created_at, letter.pdf())
        try:
            self._hand.prepare(kept, letter)
        except OSError:
            self._archive.drop(kept)
            raise
        return kept

    def _look_up(self, question: LookUp) -> Found | Absent | Unknown:
        try:
            if not self._archive.folder.is_dir():
                return Unknown()
            kept = self._archive.find(question.reference, question.since)
            if kept is None:
                return Absent()
            if kept.path != kept.final:
                there = self._hand.has(question.reference, question.since)
                if not there:
                    return Unknown() if there is None else Absent()
                with contextlib.suppress(OSError):  # it left, whatever it is called in the archive
                    self._archive.done(kept)
        except OSError as error:
            raise ChannelUnavailable(f"cannot look into the folder of [letters]: {error}") from error
        return Found(kept.reference, details=kept.details)

    async def _tidy_soon(self) -> None:
        await asyncio.sleep(_TIDY_AFTER)
        self._tidying = None  # what comes from now on needs another round
        await self._in_thread(self._tidy)

    def _tidy(self) -> None:
        try:
            self._hand.tidy()
        except OSError:
            return  # the next letter tells what is wrong with the folder

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="letters")
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)
