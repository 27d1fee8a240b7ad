"""How long an SMS is: alphabets and segments (3GPP TS 23.038, 23.040)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactd.channels.segments import foreign_letters, segments


@pytest.mark.parametrize(
    ("text", "alphabet", "units", "count"),
    [
        ("", "gsm-7", 0, 1),
        ("Ä" * 160, "gsm-7", 160, 1),
        ("ä" * 161, "gsm-7", 161, 2),
        ("a" * 306, "gsm-7", 306, 2),
        ("a" * 307, "gsm-7", 307, 3),
        ("€" * 80, "gsm-7", 160, 1),
        ("a" * 152 + "€" + "a" * 152, "gsm-7", 306, 3),  # the sign is not cut in two: one place stays empty
        ("ş" * 70, "ucs-2", 70, 1),
        ("ş" * 71, "ucs-2", 71, 2),
        ("😀" * 35, "ucs-2", 70, 1),
        ("😀" * 67, "ucs-2", 134, 3),  # 33 in each, and one more
    ],
)
def test_a_text_has_its_alphabet_and_segments(text: str, alphabet: str, units: int, count: int) -> None:
    measured = segments(text)
    assert (measured.alphabet, measured.units, measured.count) == (alphabet, units, count)


@given(st.text(max_size=500), st.text(max_size=50))
def test_a_longer_text_never_takes_less(text: str, more: str) -> None:
    assert segments(text + more).count >= segments(text).count


def test_letters_that_make_a_message_long_are_named() -> None:
    assert foreign_letters("Grüße – „Ihr“ Konto") == "–“„"
    assert foreign_letters("Grüße aus München {1}") == ""
