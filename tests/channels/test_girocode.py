"""The GiroCode: what is written down, and that a reader of codes gets it back to the letter."""

from io import BytesIO

import pytest
import typst
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from contactd.channels.girocode import girocode, transfer_text
from contactd.domain.money import Money

IBAN = "DE02120300000000202051"
VECTOR = "BCD\n002\n1\nSCT\n\nMusterstadtwerke GmbH\nDE02120300000000202051\nEUR2898.39\n\n\nMA-2026-00007"


def text(
    *, name: str = "Musterstadtwerke GmbH", iban: str = IBAN, bic: str = "", minor: int = 289839,
    currency: str = "EUR", reference: str = "MA-2026-00007",
) -> str:  # fmt: skip
    return transfer_text(name=name, iban=iban, bic=bic, amount=Money(minor, currency), reference=reference)


def read(svg: str) -> str:
    """Print a code and read it as a banking app would."""
    page = (
        b'#set page(width: 60mm, height: 60mm, margin: 10mm)\n#image(bytes(sys.inputs.svg), format: "svg", width: 40mm)'
    )
    png = typst.compile(page, format="png", ppi=144, sys_inputs={"svg": svg})
    [found] = zxingcpp.read_barcodes(Image.open(BytesIO(png)).convert("L"))
    return str(found.text)


def test_the_vector_of_the_standard_is_read_back_to_the_letter() -> None:
    assert text() == VECTOR
    assert read(girocode(VECTOR)) == VECTOR


def test_umlauts_and_long_texts_are_read_back() -> None:
    long = text(name="Öffentliche Wärme- & Gaswerke <Süd> GmbH & Co. KG", bic="BYLADEM1001", reference="ß" * 90)
    assert long.endswith("ß" * 90)
    assert read(girocode(long)) == long


@pytest.mark.parametrize("number", range(25))
def test_codes_of_many_amounts_and_references_are_read_back(number: int) -> None:
    told = text(minor=1 + number * 7_654_321, reference=f"MA-2026-{number * 4177:05}", name="Werke " + "O" * number)
    assert read(girocode(told)) == told


def test_a_creditor_reference_has_a_line_of_its_own() -> None:
    assert text(reference="RF18539007547034").splitlines()[8:] == ["", "RF18539007547034"]


@given(st.integers(1, 99_999_999_999))
def test_every_amount_is_written_to_the_cent(minor: int) -> None:
    amount = text(minor=minor).splitlines()[7]
    assert amount.startswith("EUR")
    whole, _, cents = amount.removeprefix("EUR").partition(".")
    assert (len(cents), int(whole) * 100 + int(cents)) == (2, minor)


@pytest.mark.parametrize(
    "changed",
    [{"iban": ""}, {"name": ""}, {"currency": "CHF"}, {"minor": 0}, {"minor": 100_000_000_000}],
    ids=["no account", "no name", "no euros", "nothing", "too much"],
)
def test_what_the_code_cannot_carry_has_none(changed: dict[str, object]) -> None:
    assert text(**changed) == ""  # type: ignore[arg-type] # any of its arguments
    assert girocode("") == ""


def test_names_and_texts_are_cut_to_what_the_standard_allows() -> None:
    lines = text(name="N" * 90, reference="r" * 200).splitlines()
    assert (len(lines[5]), len(lines[10])) == (70, 140)


def test_a_text_of_more_bytes_than_allowed_has_no_code() -> None:
    assert text(name="\N{EURO SIGN}" * 70, reference="ß" * 140) == ""
    assert girocode("x" * 400) == ""
