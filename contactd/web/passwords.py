"""Pass words: hashed and compared by argon2id in threads, few at a time; for signing_in.py and the verb `agents`."""

import asyncio
import secrets
from collections.abc import Callable
from typing import TypeVar

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from contactd.domain.errors import InputError
from contactd.domain.phrase import Phrase
from contactd.web.words import _, said

R = TypeVar("R")
LEAST, MOST = 12, 200
_AT_ONCE, _WAITING = 2, 50  # each takes 64 MB and a processor for a twentieth of a second
_VARIED = 5
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none is taken for another


class Busy(InputError):
    """Too many want to be let in at this moment."""


def one_time() -> str:
    """Draw a pass word for one sign-in: 79 bits, easily read out."""
    return "-".join("".join(secrets.choice(_LETTERS) for _letter in range(4)) for _group in range(4))


def hash_now(password: str) -> str:
    """Hash without an event loop."""
    return argon2.PasswordHasher().hash(password)


class Passwords:
    """One for each application: what it bounds is the machine's."""

    def __init__(self, hasher: argon2.PasswordHasher | None = None) -> None:
        """Take other costs for tests; without them those of RFC 9106 for little memory."""
        self._hasher = hasher or argon2.PasswordHasher()
        self._nobodys = ""  # what is compared for whoever does not exist
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0

    async def matches(self, stored: str | None, typed: str) -> bool:
        """Compare; for whoever does not exist it takes as long. Raises Busy."""
        self._nobodys = self._nobodys or await self.hashed(secrets.token_urlsafe())
        right = await self._in_turn(self._verify, stored or self._nobodys, typed)
        return right and stored is not None

    async def hashed(self, typed: str) -> str:
        """Hash; raises Busy."""
        return await self._in_turn(self._hasher.hash, typed)

    def refusal(self, name: str, typed: str, again: str) -> Phrase:
        """Say why a new pass word is none; empty when it may be one."""
        if typed != again:
            return said(_("The two new passwords differ."))
        if not LEAST <= len(typed) <= MOST:
            return said(_("A password has %(least)s to %(most)s characters."), least=LEAST, most=MOST)
        if name.lower() in typed.lower() or len(set(typed.lower())) < _VARIED:
            return said(_("This password is easily guessed; take several words that have nothing to do with you."))
        return Phrase()

    async def _in_turn(self, work: Callable[..., R], *words: str) -> R:
        if self._waiting >= _WAITING:
            raise Busy("too many are signing in at this moment")
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(work, *words)
        finally:
            self._waiting -= 1

    def _verify(self, stored: str, typed: str) -> bool:
        try:
            return self._hasher.verify(stored, typed)
        except (VerificationError, InvalidHashError):
            return False
