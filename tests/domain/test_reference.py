"""Our own numbers are found in what payers write, whole and however they are cut, and never in parts of others."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactd.domain.reference import (
    after_rf,
    continues,
    cut_up,
    find,
    is_rf,
    labelled,
    like_a_date,
    normal,
    rf_body,
    rf_reference,
    rf_references,
    speaks_for_itself,
)

DIGITS = "0123456789"
NUMBER = "RE-2026/0815"
TOKEN = "RE20260815"


def found(*lines: str, known: tuple[str, ...] = (TOKEN, "4711", "K0042")) -> list[str]:
    """Name the known numbers that stand in a text."""
    return [hit.token for hit in find(cut_up(lines), set(known), 12)]


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("re-2026/0815", TOKEN),
        (" RE 2026.0815 ", TOKEN),
        ("Müller-7", "MUELLER7"),
        ("Straße é", "STRASSEE"),
        ("ø-1", "OE1"),
        ("", ""),
    ],
)
def test_a_number_is_compared_without_case_marks_and_accents(written: str, plain: str) -> None:
    assert normal(written) == plain


@pytest.mark.parametrize(
    "line",
    [
        NUMBER, "re 2026 0815", "RE.2026.0815", "RE20260815", "Rechnung RE-2026-0815 vom 1.3.", "(RE-2026-0815)",
        "RE - 2026 - 0815", "Nr.RE-2026-0815", "Rechnungsnr.:RE-2026-0815,Danke", "RE-2026-0815/Kunde",
        "Beispiel/RE-2026-0815", "RE-2026-0815/Kd.99", "RE-2026-0815 12.03.2026", "RE\t2026\xa00815",
    ],
)  # fmt: skip
def test_a_number_is_found_however_it_is_written(line: str) -> None:
    assert found(line) == [TOKEN]


@pytest.mark.parametrize(
    "line",
    [
        "RE-2026-08151", "1RE-2026-0815", "RE-2026-0815-1", "RE-2026-0815A", "RE-2026-0815-A", "XRE-2026-0815",
        "147110", "14711", "47110", "2026-4711", "4711-2026", "4711/1", "12.4711", "4711,50", "47:11", "4711:30",
        "AB-4711", "AB4711", "4711B", "K-00421", "RE-2026", "RE;2026;0815",
    ],
)  # fmt: skip
def test_a_number_inside_a_longer_one_is_none(line: str) -> None:
    assert found(line) == []


@pytest.mark.parametrize("line", ["KdNr4711", "RE4711", "Kd.-Nr.4711", "Kunde/4711", "4711/Rechnung", "x 4711 y"])
def test_what_names_a_number_may_stand_close_to_it(line: str) -> None:
    assert found(line) == ["4711"]


def test_the_longer_of_two_numbers_comes_first() -> None:
    assert found("K 0042 4711", known=("K0042", "K00424711")) == ["K00424711", "K0042"]


@given(
    st.integers(1, len(NUMBER) - 1), st.sampled_from(["", "Zahlung ", "12 Euro fuer "]), st.sampled_from(["", " ab 1"])
)
def test_a_number_is_found_wherever_a_line_cuts_it(cut: int, before: str, after: str) -> None:
    assert TOKEN in found(f"{before}{NUMBER[:cut]}", f"{NUMBER[cut:]}{after}")


@given(st.lists(st.integers(1, len(TOKEN) - 1), max_size=4), st.sampled_from([" ", "-", "/", ".", "\n", " - "]))
def test_a_number_is_found_whatever_stands_in_it(cuts: list[int], mark: str) -> None:
    places = sorted({0, len(TOKEN), *cuts})
    text = mark.join(TOKEN[start:end] for start, end in pairwise(places))
    assert found(*text.split("\n")) == [TOKEN]


@given(st.text(DIGITS, min_size=1, max_size=6), st.text(DIGITS, max_size=6), st.sampled_from(["", "-", "/", "."]))
def test_digits_beside_a_number_make_it_another(before: str, after: str, mark: str) -> None:
    glued = (f"{before}{mark}4711{mark if after else ''}{after}", f"4711{mark}{before}")
    assert [one for one in map(found, glued) if "4711" in one] == []


@given(st.text(max_size=60))
def test_any_text_can_be_cut_up(text: str) -> None:
    pieces, gaps = cut_up([text])
    assert len(gaps) == len(pieces) + 1
    assert "".join(pieces) == normal(text)


def test_an_rf_reference_is_told_by_its_check_digits() -> None:
    assert rf_body("RF18539007547034") == "539007547034"  # the example of ISO 11649
    assert rf_body("RF18539007547035") == ""
    assert rf_body("RF18") == ""
    assert rf_body("RE20260815") == ""
    assert is_rf("RF00ABC")
    assert not is_rf("RFABABC")
    assert not is_rf("RF18" + "1" * 22)


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=21))
def test_an_rf_reference_carries_any_number(body: str) -> None:
    assert rf_body(rf_reference(body)) == body


@pytest.mark.parametrize(
    "lines",
    [
        ("RF18 5390 0754 7034",), ("Zahlung RF18539007547034 danke",), ("RF18 5390 07", "54 7034 Danke"),
        ("rf-18-5390-0754-7034; 12",), ("RF18539007547034/Beispiel RF18 5390 0754 7034",),
    ],
)  # fmt: skip
def test_an_rf_reference_is_found_in_a_text(lines: tuple[str, ...]) -> None:
    assert "RF18539007547034" in set(rf_references(cut_up(lines)))


@pytest.mark.parametrize(
    "line", ["RF", "RF 18", "XRF18539007547034", "A-RF18539007547034", "RF18 5390 0754 7035", "RF18" + "5390" * 6]
)
def test_what_is_no_rf_reference_is_not_found(line: str) -> None:
    assert list(rf_references(cut_up([line]))) == []


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("Rechnung 4711", "invoice"), ("Rechnungs-Nr. 4711", "invoice"), ("RNr. 4711", "invoice"),
        ("Kd. Nr. 4711", "account"), ("Kunde: 4711", "account"), ("Nr. 4711", "either"),
        ("Ref 4711", "either"), ("Vertrag Nr. 4711", ""),
        ("Vertrag 4711", ""), ("4711", ""),
    ],
)  # fmt: skip
def test_the_word_before_a_number_says_what_it_is(line: str, name: str) -> None:
    text = cut_up([line])
    [hit] = find(text, {"4711"}, 4)
    assert labelled(text, hit) == name


@pytest.mark.parametrize(
    ("lines", "longer"),
    [
        (("4711",), False), (("Kunde 4711 und",), False), (("4711 2026",), True), (("12 4711",), True),
        (("4711", "5 Stück"), True), (("12", "4711"), True), (("ab", "4711", "cd"), False), (("4711; 12",), False),
    ],
)  # fmt: skip
def test_digits_beside_digits_may_belong_to_them(lines: tuple[str, ...], longer: bool) -> None:  # noqa: FBT001 - a row
    text = cut_up(lines)
    [hit] = find(text, {"4711"}, 4)
    assert continues(text, hit) is longer


@pytest.mark.parametrize(
    ("lines", "longer"), [((NUMBER, "5"), True), ((f"{NUMBER} 5",), False), ((NUMBER, "x"), False)]
)
def test_a_number_with_letters_goes_on_only_where_a_line_ends(lines: tuple[str, ...], longer: bool) -> None:  # noqa: FBT001 - a row
    text = cut_up(lines)
    [hit] = find(text, {TOKEN}, 12)
    assert continues(text, hit) is longer


def test_what_stands_behind_rf_is_told_by_its_check_digits_only() -> None:
    text = cut_up(["RF18 4711 oder 4711"])
    first, second = find(text, {"4711"}, 4)
    assert after_rf(text, first)
    assert not after_rf(text, second)


@pytest.mark.parametrize(
    ("token", "says"),
    [("4711", False), ("123456789", True), ("RE2026", True), ("RE12", False), ("ABCDE", False), ("A12345", True)],
)
def test_a_peculiar_number_speaks_for_itself(token: str, says: bool) -> None:  # noqa: FBT001 - a row
    assert speaks_for_itself(token) is says


@pytest.mark.parametrize("token", ["2026", "032026", "202603", "150326", "260315", "15032026", "20260315"])
def test_a_date_is_told_from_a_number(token: str) -> None:
    assert like_a_date(token)
    assert not like_a_date(f"9{token}9")
