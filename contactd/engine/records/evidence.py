"""Seals the contact log, off the hot path, and proves that nobody has changed it since; domain/sealing.py says how."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import structlog
from sqlalchemy.engine import Connection

from contactd.domain.clock import Clock
from contactd.domain.errors import StoreConflict
from contactd.domain.sealing import GENESIS, Block, Fault, Wrong, first_fault
from contactd.store import seals
from contactd.store.columns import from_micros
from contactd.store.database import Database
from contactd.store.group_commit import GroupCommit
from contactd.store.seals import Horizon

log = structlog.get_logger()

_PAUSE = 0.1  # seconds between two looks at who is still writing
_LOOKS = 100
MOST_SPANS = 1_000


@dataclass(slots=True)
class Verdict:
    """What a walk along the chain found; `erased` are spans of entries, at most MOST_SPANS, `anchors` their blocks."""

    blocks: int = 0
    entries: int = 0
    sealed_to: int = 0
    sealed_at: datetime | None = None
    head: str = GENESIS.hash.hex()
    unsealed: int = 0
    erased_entries: int = 0
    erased: list[list[int]] = field(default_factory=list)
    fault: Fault | None = None
    anchors: dict[str, int | None] = field(default_factory=dict)

    @property
    def sound(self) -> bool:
        """Answer whether nothing is wrong, and every anchor is there."""
        return self.fault is None and None not in self.anchors.values()


def verify(connection: Connection, anchors: Iterable[str] = (), told: Callable[[float], None] | None = None) -> Verdict:
    """Walk the whole chain up to the first fault, a block in memory at a time; the connection must be a snapshot.

    An anchor is the hash of a block, or its beginning.
    """
    verdict = Verdict(anchors=dict.fromkeys(anchors))
    before, last = GENESIS, seals.head(connection)
    for block, sealed, entries in seals.stretches(connection):
        verdict.fault = first_fault(before, block, sealed, entries)
        if verdict.fault is not None:
            return verdict
        _count(verdict, block, [one.entry_id for one in sealed if one.salt is None])
        before = block
        if told:
            told(block.last_id / last.last_id)
    verdict.unsealed, cut_off = seals.beyond(connection, before.last_id)
    if cut_off:  # the last block is gone, and its seals are not
        verdict.fault = Fault(Wrong.LOST, before.number + 1)
    return verdict


def _count(verdict: Verdict, block: Block, erased: list[int]) -> None:
    verdict.blocks, verdict.sealed_to, verdict.head = block.number, block.last_id, block.hash.hex()
    verdict.entries += block.entries
    verdict.sealed_at = from_micros(block.sealed_at)
    verdict.erased_entries += len(erased)
    for number in erased:
        if verdict.erased and verdict.erased[-1][1] == number - 1:
            verdict.erased[-1][1] = number
        elif len(verdict.erased) < MOST_SPANS:
            verdict.erased.append([number, number])
    for anchor, found in verdict.anchors.items():
        if found is None and verdict.head.startswith(anchor):
            verdict.anchors[anchor] = block.number


def seal_now(database: Database, now: Callable[[], datetime]) -> Block:
    """Seal all that is committed by now, for a verb; answers the newest block. Raises StoreConflict."""
    with database.snapshot() as connection:
        seen = seals.horizon(connection)
    for _ in range(_LOOKS):
        with database.snapshot() as connection:
            if not seals.still_writing(connection, seen):
                break
        time.sleep(_PAUSE)
    else:
        raise StoreConflict("somebody has been writing into the contact log for long; try again")
    while True:
        with database.snapshot() as connection:
            made = seals.prepare(connection, seen.last_id, now())
            if made is None:
                return seals.head(connection)
        with database.transaction() as connection:
            seals.write(connection, made)


class Sealing:
    """Seals what has come in; any number of daemons may try, one after the other is let."""

    def __init__(self, commit: GroupCommit, clock: Clock) -> None:
        self._commit = commit
        self._clock = clock
        self._seen: Horizon | None = None

    async def seal(self) -> int:
        """Seal all there was the last time, unless somebody of then is still writing; answers how many it was."""
        seen, count = self._seen, 0
        if seen is not None and await self._commit.read(partial(seals.still_writing, seen=seen)):
            return 0
        while seen is not None:
            made = await self._commit.read(partial(seals.prepare, last_id=seen.last_id, now=self._clock.now()))
            if made is None or not await self._commit.run(partial(seals.write, made=made)):
                break
            count += made.block.entries
            # The journal keeps what nobody can change in the database: an anchor.
            log.info("log_sealed", block=made.block.number, to=made.block.last_id, anchor=made.block.hash.hex())
        self._seen = await self._commit.read(seals.horizon)
        return count
