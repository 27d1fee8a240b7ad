"""Signed links: ours are read, everybody else's are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactd.domain import links

KEY = b"k" * 32


@given(st.integers(min_value=0, max_value=2**63 - 1))
def test_a_link_we_signed_is_read_back(attempt: int) -> None:
    assert links.read(KEY, links.sign(KEY, attempt)) == attempt


@given(st.text())
def test_a_link_nobody_signed_says_nothing(token: str) -> None:
    assert links.read(KEY, token) is None


@pytest.mark.parametrize("change", ["8.", "7.x", "٧."])
def test_a_link_that_was_changed_says_nothing(change: str) -> None:
    token = links.sign(KEY, 7)
    assert links.read(KEY, change + token.partition(".")[2]) is None
    assert links.read(b"another" * 4, token) is None
