"""Passwords: hashed by argon2id, few at a time, and as slow for whoever does not exist."""

import asyncio
import re

import pytest

from contactd.web.passwords import Busy, Passwords, hash_now, one_time
from tests.web.people import CHEAP


def test_what_is_kept_is_argon2id_with_the_costs_of_the_standard() -> None:
    assert hash_now("vier Karotten").startswith("$argon2id$v=19$m=65536,t=3,p=4$")  # RFC 9106, second choice


def test_a_one_time_password_is_another_each_time_and_easily_read_out() -> None:
    drawn = {one_time() for _ in range(100)}
    assert len(drawn) == 100
    assert all(re.fullmatch(r"([a-hj-km-np-z2-9]{4}-){3}[a-hj-km-np-z2-9]{4}", one) for one in drawn)


async def test_only_the_right_password_of_somebody_matches() -> None:
    passwords = Passwords(CHEAP)
    kept = await passwords.hashed("vier Karotten")
    tried = [(kept, "vier Karotten"), (kept, "fünf"), (None, "vier Karotten"), ("no hash at all", "vier Karotten")]
    assert [await passwords.matches(*one) for one in tried] == [True, False, False, False]


async def test_too_many_at_once_are_asked_to_come_again_and_the_others_are_served() -> None:
    passwords = Passwords(CHEAP)
    kept = await passwords.hashed("vier Karotten")
    await passwords.matches(None, "")
    answers = await asyncio.gather(
        *(passwords.matches(kept, "vier Karotten") for _ in range(60)), return_exceptions=True
    )
    assert answers.count(True) == 50
    assert [type(one) for one in answers if one is not True] == [Busy] * 10
    assert await passwords.matches(kept, "vier Karotten")


def test_a_stay_at_the_limits_of_length_is_allowed() -> None:
    passwords = Passwords(CHEAP)
    for good in ("abcdefghijkl", "abcdefghij" * 20):
        assert not passwords.refusal("anna", good, good)


@pytest.mark.parametrize("bad", ["abcdefghijk", "abcdefghij" * 20 + "k", "abcdabcdabcd", "xxANNAxxbcde"])
def test_beyond_them_or_easily_guessed_it_is_refused(bad: str) -> None:
    assert Passwords(CHEAP).refusal("anna", bad, bad)
