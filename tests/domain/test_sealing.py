"""The seal names the first entry of a block that is not as it was, whatever was done to it."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactd.domain.sealing import (
    GENESIS,
    NOTHING,
    OPEN,
    PERSONAL,
    Block,
    Entry,
    Fault,
    Seal,
    Wrong,
    chained,
    first_fault,
    sealed,
)

Found = tuple[Block, list[Seal], list[Entry]]


def entry(number: int, **values: object) -> Entry:
    """Write an entry about account 7."""
    written: dict[str, object] = {
        "at": 1_000_000 * number, "campaign": "standard", "step": "reminder", "channel": "email", "event": "sending",
        "outcome": "", "attempt_id": number, "account_id": 7, "reason": "", "address": "kim@example.com",
        "provider_ref": f"<{number}@example.com>", "agent": "", "disposition": "",
        "details": {"b": 1, "a": [2.5, None]},
    }  # fmt: skip
    written |= values
    return Entry(number, tuple(written[name] for name in OPEN), tuple(written[name] for name in PERSONAL))


def block_of(*numbers: int, before: Block = GENESIS) -> Found:
    """Seal entries as one block."""
    entries = [entry(number) for number in numbers]
    seals = [sealed(one, bytes([one.id]) * 16) for one in entries]
    return chained(before, seals, 5), seals, entries


def erased(seal: Seal) -> Seal:
    """Throw the salt away."""
    return seal._replace(salt=None)


def test_what_nobody_touched_is_sound() -> None:
    first, seals, entries = block_of(1, 2, 5)
    assert first_fault(GENESIS, first, seals, entries) is None
    second, more, others = block_of(6, before=first)
    assert first_fault(first, second, more, others) is None


def test_the_same_entry_is_written_the_same_way_whatever_the_order_of_its_details() -> None:
    one, other = entry(1, details={"a": 1, "b": 2}), entry(1, details={"b": 2, "a": 1})
    assert sealed(one, b"s" * 16) == sealed(other, b"s" * 16)


def test_without_the_salt_two_equal_entries_have_nothing_in_common() -> None:
    assert sealed(entry(1), b"a" * 16).commitment != sealed(entry(1), b"b" * 16).commitment


@pytest.mark.parametrize("name", [*OPEN, *PERSONAL])
def test_a_change_of_any_field_is_found_at_exactly_that_entry(name: str) -> None:
    block, seals, entries = block_of(1, 2, 3)
    entries[1] = entry(2, **{name: object()})
    assert first_fault(GENESIS, block, seals, entries) == Fault(Wrong.CHANGED, 1, 2, entries[1])


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda block, seals, entries: (block, seals, entries[:1] + entries[2:]), Fault(Wrong.MISSING, 1, 2)),
        (lambda block, seals, entries: (block, seals[:1] + seals[2:], entries), Fault(Wrong.ADDED, 1, 2, entry(2))),
        (lambda block, seals, entries: (block, seals[:-1], entries[:-1]), Fault(Wrong.ALTERED, 1)),
        (lambda block, seals, entries: (block._replace(hash=b"x" * 32), seals, entries), Fault(Wrong.ALTERED, 1)),
        (lambda block, seals, entries: (block._replace(sealed_at=6), seals, entries), Fault(Wrong.ALTERED, 1)),
        (lambda block, seals, entries: (block._replace(number=2), seals, entries), Fault(Wrong.LOST, 1)),
        (lambda block, seals, entries: (block, [seals[0], sealed(entry(2, step="x"), b"s" * 16), *seals[2:]],
                                        [entries[0], entry(2, step="x"), *entries[2:]]), Fault(Wrong.ALTERED, 1)),
    ],
)  # fmt: skip
def test_what_was_taken_away_added_or_made_to_fit_is_named(spoil: Callable[..., Found], fault: Fault) -> None:
    assert first_fault(GENESIS, *spoil(*block_of(1, 2, 3))) == fault


def test_a_block_fits_only_behind_the_one_it_was_made_for() -> None:
    first, *_ = block_of(1)
    second, seals, entries = block_of(2, before=first)
    assert first_fault(first._replace(hash=b"y" * 32), second, seals, entries) == Fault(Wrong.ALTERED, 2)


def test_an_erased_entry_is_sound_as_long_as_it_is_empty() -> None:
    block, seals, entries = block_of(1, 2, 3)
    seals[1], entries[1] = erased(seals[1]), entries[1]._replace(personal=NOTHING)
    assert first_fault(GENESIS, block, seals, entries) is None
    entries[1] = entry(2)
    assert first_fault(GENESIS, block, seals, entries) == Fault(Wrong.REFILLED, 1, 2, entry(2))


def test_what_is_open_of_an_erased_entry_is_still_sealed() -> None:
    block, seals, entries = block_of(1, 2, 3)
    seals[1], entries[1] = erased(seals[1]), entry(2, step="other")._replace(personal=NOTHING)
    assert first_fault(GENESIS, block, seals, entries) == Fault(Wrong.CHANGED, 1, 2, entries[1])


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.lists(st.sampled_from(PERSONAL), min_size=1, unique=True), VALUES, st.sets(st.integers(1, 9), min_size=1))
def test_no_value_slips_from_one_field_into_another(names: list[str], value: object, numbers: set[int]) -> None:
    block, seals, entries = block_of(*sorted(numbers))
    where = len(entries) // 2
    entries[where] = entry(entries[where].id, **{name: ["never", value] for name in names})
    fault = first_fault(GENESIS, block, seals, entries)
    assert fault == Fault(Wrong.CHANGED, 1, entries[where].id, entries[where])
