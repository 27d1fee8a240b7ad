"""The seal on the contact log: what is hashed, how blocks are chained, and the first thing that is wrong with one.

An entry's digest covers what is open and a commitment to what is personal: the hash of a random salt and the personal
part. To erase an entry its personal part and its salt are thrown away; the commitment stays, so the digest and every
block can be checked as before, and without the salt nobody finds out what stood there, not even by trying all
telephone numbers there are.

Personal is what says whom the entry is about or repeats words of a person: the account and attempt it points to (with
them, the mere time of a contact is a fact about somebody), address, the provider's name for the message, reason,
details, agent and disposition. Open is what is left: that at this instant, in this step of this campaign, by this
channel, something went this way. It stays for ever, and with it the order and number of all contacts.

Who can write to the database can rewrite all of it, seals and blocks included. Against that helps only a hash of a
block that was written down elsewhere, the anchor: it cannot be in a chain that was made anew. The same is true for an
erasure nobody ordered: that something was there still shows, and each rightful one has an entry of its own.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

OPEN = ("at", "campaign", "step", "channel", "event", "outcome")
PERSONAL = ("attempt_id", "account_id", "reason", "address", "provider_ref", "agent", "disposition", "details")
NOTHING: tuple[object, ...] = (None, None, "", "", "", "", "", None)  # the personal part of an erased entry
SALT = 16  # bytes
_FORM = b"contactd log 1"  # another canonical form gets another name
_write = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=repr).encode


class Entry(NamedTuple):
    """An entry of the log: the values of OPEN, the instant in microseconds since 1970, and those of PERSONAL."""

    id: int
    shown: Sequence[object]
    personal: Sequence[object]


class Seal(NamedTuple):
    """The seal of an entry; without a salt it is erased."""

    entry_id: int
    salt: bytes | None
    commitment: bytes
    digest: bytes


class Block(NamedTuple):
    """Entries up to `last_id` that were sealed together, the instant in microseconds since 1970."""

    number: int
    last_id: int
    entries: int
    sealed_at: int
    hash: bytes


GENESIS = Block(0, 0, 0, 0, sha256(_FORM).digest())


class Wrong(StrEnum):
    """What may be wrong."""

    CHANGED = "changed"
    REFILLED = "filled in again after it was erased"
    MISSING = "missing"
    ADDED = "added inside a sealed block"
    ALTERED = "block altered"
    LOST = "block missing"


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing that is wrong: in which block, with which entry, and the entry as it is now, if it is there."""

    wrong: Wrong
    block: int
    entry_id: int | None = None
    entry: Entry | None = None


def sealed(entry: Entry, salt: bytes) -> Seal:
    """Make the seal of an entry."""
    committed = sha256(salt + _write(entry.personal).encode()).digest()
    return Seal(entry.id, salt, committed, _digest(entry, committed))


def chained(before: Block, seals: Sequence[Seal], sealed_at: int) -> Block:
    """Put seals, in the order of their entries, into the block that follows another."""
    bare = Block(before.number + 1, seals[-1].entry_id, len(seals), sealed_at, b"")
    return bare._replace(hash=_hash(before, bare, (seal.digest for seal in seals)))


def first_fault(before: Block, block: Block, seals: Sequence[Seal], entries: Sequence[Entry]) -> Fault | None:
    """Check a block with the seals and entries found between its predecessor's last entry and its own."""
    if block.number != before.number + 1:
        return Fault(Wrong.LOST, before.number + 1)
    there = {entry.id: entry for entry in entries}
    known = {seal.entry_id: seal for seal in seals}
    for number in sorted(there.keys() | known.keys()):
        wrong = _wrong(there.get(number), known.get(number))
        if wrong is not None:
            return Fault(wrong, block.number, number, there.get(number))
    if _hash(before, block, (seal.digest for seal in seals)) != block.hash or len(seals) != block.entries:
        return Fault(Wrong.ALTERED, block.number)
    return None


def _wrong(entry: Entry | None, seal: Seal | None) -> Wrong | None:
    if entry is None:
        return Wrong.MISSING
    if seal is None:
        return Wrong.ADDED
    if seal.salt is None:
        if tuple(entry.personal) != NOTHING:
            return Wrong.REFILLED
    elif sha256(seal.salt + _write(entry.personal).encode()).digest() != seal.commitment:
        return Wrong.CHANGED
    return None if _digest(entry, seal.commitment) == seal.digest else Wrong.CHANGED


def _digest(entry: Entry, committed: bytes) -> bytes:
    return sha256(committed + _write([entry.id, *entry.shown]).encode()).digest()


def _hash(before: Block, block: Block, digests: Iterable[bytes]) -> bytes:
    about = _write([block.number, block.last_id, block.entries, block.sealed_at]).encode()
    return sha256(before.hash + about + b"".join(digests)).digest()
