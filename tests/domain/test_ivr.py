"""What keys mean to somebody whom an agentless call speaks to, and what they never lead to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactd.domain.ivr import Dialogue, Meaning, Stage, begin, keyed, press

CODE = "10117"


def after(keys: str, *, identify: bool = True, postcode: str = CODE) -> tuple[Dialogue, list[Meaning]]:
    """Press keys one after the other."""
    dialogue, meanings = begin(identify=identify, postcode=postcode), list[Meaning]()
    for key in keys:
        dialogue, meaning = press(dialogue, key, postcode)
        meanings.append(meaning)
    return dialogue, meanings


@pytest.mark.parametrize(
    ("key", "stage", "meaning"),
    [
        ("1", Stage.MENU, Meaning.AGENT),
        ("2", Stage.MENU, Meaning.SPEAK),
        ("9", Stage.STOPPED, Meaning.PART),
        *((key, Stage.MENU, Meaning.WAIT) for key in ("0", "3", "8", "*", "#")),
    ],
)
def test_a_menu_knows_three_keys(key: str, stage: Stage, meaning: Meaning) -> None:
    dialogue, meanings = after(key, identify=False)
    assert (dialogue.stage, meanings) == (stage, [meaning])
    assert not dialogue.identified


def test_a_text_is_not_said_for_ever() -> None:
    dialogue, meanings = after("222222", identify=False)
    assert meanings == [Meaning.SPEAK] * 5 + [Meaning.WAIT]
    assert dialogue.repeats == 5


def test_a_key_that_is_stuck_keeps_nobody_on_the_line() -> None:
    _, meanings = after("5" * 81, identify=False)
    assert meanings[-2:] == [Meaning.WAIT, Meaning.NOTHING]


@pytest.mark.parametrize("keys", [CODE, "99*10117", "1011#7", "9999910117", "11111 22222 10117".replace(" ", "")])
def test_who_types_the_postcode_hears_the_personal_text_and_has_the_same_keys(keys: str) -> None:
    dialogue, meanings = after(keys)
    assert (dialogue.stage, meanings[-1], dialogue.identified) == (Stage.PERSONAL, Meaning.SPEAK, True)
    assert dialogue.typed == ""
    for key, meaning in (("1", Meaning.AGENT), ("2", Meaning.SPEAK), ("9", Meaning.PART)):
        again, means = press(dialogue, key, CODE)
        assert means is meaning
        assert again.identified


@pytest.mark.parametrize("key", "129")
def test_before_that_the_keys_of_the_menu_are_digits_of_a_postcode(key: str) -> None:
    assert after(key)[1] == [Meaning.WAIT]


def test_after_three_wrong_answers_the_call_takes_its_leave_and_hears_no_more_keys() -> None:
    dialogue, meanings = after("111112222233333" + CODE + "9")
    assert [one for one in meanings if one is not Meaning.WAIT] == [
        Meaning.SPEAK, Meaning.SPEAK, Meaning.PART, *[Meaning.NOTHING] * 6,
    ]  # fmt: skip
    assert (dialogue.stage, dialogue.tries, dialogue.identified) == (Stage.GOODBYE, 3, False)
    assert not dialogue.opted_out


@pytest.mark.parametrize("postcode", ["", "EC1A 1BB", "12", "  "])
def test_without_a_postcode_that_can_be_typed_nobody_is_asked(postcode: str) -> None:
    dialogue, meanings = after("2", postcode=postcode)
    assert (dialogue.stage, dialogue.asked, meanings) == (Stage.MENU, False, [Meaning.SPEAK])


@pytest.mark.parametrize(
    ("postcode", "keys"), [("D-10117", "10117"), ("00-950", "00950"), ("114 55", "11455"), ("1010", "1010")]
)
def test_blanks_hyphens_and_the_country_of_a_postcode_are_not_typed(postcode: str, keys: str) -> None:
    assert keyed(postcode) == keys
    assert after(keys, postcode=postcode)[0].identified


@given(st.text("0123456789*#", max_size=100), st.sampled_from([CODE, "", "SW1A", "1010", "D-20095"]))
def test_whatever_is_pressed_only_the_postcode_leads_to_what_is_personal(keys: str, postcode: str) -> None:
    dialogue, _ = after(keys, postcode=postcode)
    right = keyed(postcode)
    if dialogue.identified or dialogue.stage is Stage.PERSONAL:
        assert right
        assert right in keys.replace("#", "")
        assert dialogue.tries <= 3


def test_a_postcode_that_is_gone_identifies_nobody() -> None:
    assert not press(begin(identify=True, postcode=CODE), "1", "")[0].identified
