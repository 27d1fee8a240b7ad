"""Letters as they are set: every invoice, the window of the envelope, both languages, and the same bytes each time."""

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import pypdf
import pytest
import zxingcpp
from PIL import Image
from pypdf.generic import ContentStream

from contactd.channels.base import Notice
from contactd.channels.letterpress import LetterPress, Paper
from contactd.channels.proof import samples
from contactd.domain.errors import ChannelMisconfigured, ChannelRejected
from contactd.domain.money import Money
from tests.channels.letters_in_hand import MM, PAGE, pages, text, words

SHIPPED = Path(__file__).parents[2] / "templates"
PRESS = LetterPress([SHIPPED], Paper())
NEXT = {"de": "Sonst rufen wir Sie an.", "en": "Then we shall call you."}


def notices(language: str = "de") -> list[Notice]:
    """Give an ordinary notice, one with long names and 60 invoices, one without a bank account."""
    return [replace(notice, next_step=NEXT[language]) for _, notice in samples(language)]


@pytest.fixture
def notice() -> Notice:
    return notices()[0]


def own(tmp_path: Path, **files: str) -> LetterPress:
    """Lay files of the operator's before the shipped ones; `x_de_typ` stands for x.de.typ."""
    folder = tmp_path / "letter"
    folder.mkdir()
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_text(content, encoding="utf-8")
    return LetterPress([tmp_path, SHIPPED], Paper())


@pytest.mark.parametrize("template", ["erinnerung", "mahnung"])
def test_the_shipped_letters_owe_their_readers_nothing(template: str) -> None:
    assert PRESS.languages(template) == {"de", "en"}
    assert PRESS.check(template, ["de", "en", "de-AT", "en-GB"]) == []


@pytest.mark.parametrize(
    ("language", "date", "amount", "page", "deadline"),
    [("de", "09.11.2026", "987,65 €", "Seite 1 von 1", "3. Dezember 2026"),
     ("en", "Nov 9, 2026", "€987.65", "Page 1 of 1", "December 3, 2026"),
     ("en-GB", "9 Nov 2026", "€987.65", "Page 1 of 1", "3 December 2026")],
)  # fmt: skip
def test_a_letter_is_written_as_its_language_writes(
    language: str, date: str, amount: str, page: str, deadline: str
) -> None:
    said = text(PRESS.press("mahnung", language, notices(language[:2])[0]))
    for part in (date, amount, page, deadline, "RE-2026/20931", "Karin Müller", "+49 30 23125 042", NEXT[language[:2]]):
        assert part in said
    assert "DE02 1203 0000 0000 2020 51" in said


def test_sixty_invoices_are_all_there_on_pages_with_numbers_and_the_head_of_the_table(notice: Notice) -> None:
    many = notices()[1]
    said = [" ".join(page) for page in pages(PRESS.press("mahnung", "de", many))]
    assert len(said) == 2
    numbers = Counter(re.findall(r"RE-2026/\d+", " ".join(said)))
    assert numbers == {invoice.number: 1 for invoice in many.invoices}
    for number, page in enumerate(said, 1):
        assert f"Seite {number} von {len(said)}" in page
        assert ("Tage überfällig" in page) == ("RE-2026/" in page)
        assert number == 1 or "Kundenkonto 4711-0815" in page
    assert "Offen insgesamt 70.109,10 €" in said[-1]


@pytest.mark.parametrize(("form", "top", "info", "subject"), [("B", 45, 50, 103.4), ("A", 27, 32, 85)])
def test_the_address_stands_in_the_window_of_the_envelope(
    form: str, top: float, info: float, subject: float, notice: Notice
) -> None:
    """DIN 5008: address field 85 × 45 mm at 20 mm, text at 25 mm, the address 17.7 mm below its edge."""
    press = LetterPress([SHIPPED], Paper(form=form))  # type: ignore[arg-type] # one of both
    found = words(press.press("mahnung", "de", notice))
    name, town = (next(word for word in found if word.text == part) for part in ("Erika Beispiel", "00001 Musterstadt"))
    back = next(word for word in found if "Musterallee" in word.text)
    height = 10.5 / 72 * 25.4
    assert (name.x, town.x, back.x) == pytest.approx((25, 25, 25), abs=0.1)
    assert name.size == pytest.approx(10.5)
    assert top + 17.7 <= name.y - 0.9 * height
    assert name.y < top + 17.7 + 4
    assert town.y < top + 45
    assert top + 10 < back.y < top + 17.7
    block = min((word for word in found if 124 < word.x < 126 and word.y < subject), key=lambda word: word.y)
    assert block.x == pytest.approx(125, abs=0.1)
    assert info < block.y < info + 4
    title = next(word for word in found if word.text.startswith("Mahnung"))
    assert (title.x, title.y - 0.73 * 11 / 72 * 25.4) == pytest.approx((25, subject), abs=0.3)
    assert all(word.x < 190 for word in found)


@pytest.mark.parametrize("form", ["A", "B"])
def test_fold_and_hole_marks_are_where_the_standard_wants_them(form: str, notice: Notice) -> None:
    wanted = {"A": [87, 148.5, 192], "B": [105, 148.5, 210]}[form]
    press = LetterPress([SHIPPED], Paper(form=form))  # type: ignore[arg-type] # one of both
    assert marks(press.press("mahnung", "de", notice)) == pytest.approx(wanted, abs=0.05)


def marks(pdf: bytes) -> list[float]:
    """Find lines left of 12 mm on the first page: their distance from the top in millimetres."""
    reader = pypdf.PdfReader(BytesIO(pdf))
    moved, kept, found = [(0.0, 0.0, 1.0)], [], []
    for operands, operator in ContentStream(reader.pages[0].get_contents(), reader).operations:
        values = [float(value) for value in operands if isinstance(value, int | float)]
        x, y, up = moved[-1]
        match operator:
            case b"q":
                kept.append(list(moved))
            case b"Q":
                moved = kept.pop()
            case b"cm":  # typst moves and turns upside down, nothing else
                moved = [(x + values[4], y + up * values[5], up * values[3])]
            case b"m" if x + values[0] < 12 * MM:
                found.append(PAGE - (y + up * values[1]) / MM)
            case _:
                pass
    return sorted(found)


@pytest.mark.parametrize("lines", [3, 9])
def test_long_names_stay_in_the_window(lines: int, notice: Notice) -> None:
    name = "Prof. Dr. Änne-Sophie Freifrau von und zu Größenwörth-Łukasiewicz <geb. O'Brien> " * (lines // 3)
    found = words(PRESS.press("mahnung", "de", replace(notice, name=name, street="Am " + "Langen " * 9 + "Weg 1")))
    field = [word for word in found if word.x < 105 and 62 < word.y < 95]
    assert field[-1].text == "00001 Musterstadt"
    assert max(word.y for word in field) < 90
    assert text(PRESS.press("mahnung", "de", replace(notice, name=name))).count("O'Brien") >= 2


@pytest.mark.parametrize(
    "name",
    ["#strong[x] $y$ *z* _w_", "#panic()", '"]) #data', "\\ `raw` <label> @ref // no", "= Titel"],
)
def test_nothing_a_customer_is_called_is_read_as_markup(name: str, notice: Notice) -> None:
    invoice = replace(notice.invoices[0], number=name, goods=name)
    said = text(PRESS.press("mahnung", "de", replace(notice, name=name, creditor_name=name, invoices=[invoice])))
    assert said.count(" ".join(name.split())) >= 4


def test_line_ends_and_what_turns_writing_round_do_not_leave_their_place(notice: Notice) -> None:
    crafted = replace(notice, name="Erika\nSeite\u202e2\x00 von 9")
    assert "Erika Seite2 von 9" in text(PRESS.press("mahnung", "de", crafted))


def test_the_same_notice_gives_the_same_bytes_in_every_thread_and_another_does_not(notice: Notice) -> None:
    with ThreadPoolExecutor(3) as threads:
        made = list(threads.map(lambda _: PRESS.press("mahnung", "de", notice), range(9)))
    assert set(made) == {LetterPress([SHIPPED], Paper()).press("mahnung", "de", notice)}
    assert PRESS.press("mahnung", "de", replace(notice, name="Erik Beispiel")) not in made


def test_a_letter_is_a_pdf_for_the_archive_with_its_fonts_and_no_moment_of_its_making(notice: Notice) -> None:
    reader = pypdf.PdfReader(BytesIO(PRESS.press("mahnung", "de", notice)))
    root: Any = reader.root_object
    about = root["/Metadata"].get_object().get_data().decode()
    for part in ("<pdfaid:part>3<", "<pdfaid:conformance>B<", "2026-11-23T00:00:00", "<pdf:Keywords>4711-0815<"):
        assert part in about
    assert reader.metadata is not None
    assert reader.metadata.title == "Stadtwerke Musterstadt · 4711-0815 · 23.11.2026"
    assert (root["/Lang"], len(root["/OutputIntents"])) == ("de", 1)
    resources: Any = reader.pages[0]["/Resources"]
    named = {font.get_object()["/BaseFont"].partition("+")[2] for font in resources["/Font"].values()}
    assert {name.partition("-")[0] for name in named} == {"Inter"}


def test_the_code_on_the_letter_is_the_transfer_it_asks_for(notice: Notice) -> None:
    [page] = PRESS.pictures("mahnung", "de", notice)
    [found] = zxingcpp.read_barcodes(Image.open(BytesIO(page)).convert("L"))
    assert found.text == (
        "BCD\n002\n1\nSCT\nBYLADEM1001\nStadtwerke Musterstadt\nDE02120300000000202051\nEUR2981.34\n\n\n4711-0815/7"
    )
    wide = abs(found.position.top_right.x - found.position.top_left.x) / 144 * 25.4
    assert wide >= 25


def test_without_a_bank_account_or_euros_there_is_no_code() -> None:
    for notice in (notices()[2], replace(notices()[0], total=Money(100, "CHF"))):
        [page] = PRESS.pictures("mahnung", "de", notice)
        assert not zxingcpp.read_barcodes(Image.open(BytesIO(page)).convert("L"))


def test_an_agency_names_its_client_the_ground_of_the_claim_and_its_authority(notice: Notice) -> None:
    """§ 13a (1) RDG."""
    agency = replace(
        notice, operator_kind="collection-agency", creditor_street="Werksweg 3", creditor_postcode="00002",
        creditor_city="Musterstadt", authority="Aufsicht Musterland, Amtsweg 1, 00003 Musterstadt",
    )  # fmt: skip
    said = text(PRESS.press("mahnung", "de", agency))
    assert "Auftraggeber (Gläubiger) Stadtwerke Musterstadt, Werksweg 3, 00002 Musterstadt" in said
    assert "Grund der Forderung Wärme & Strom; die oben aufgeführten Rechnungen" in said
    first, *others = agency.invoices
    signed = [replace(first, contracted_on=date(2026, 2, 1)), *others]
    said_of_contract = text(PRESS.press("mahnung", "de", replace(agency, invoices=signed)))
    assert "Wärme & Strom, Vertrag vom 01.02.2026; Wärme & Strom; die oben aufgeführten" in said_of_contract
    assert "Aufsichtsbehörde Aufsicht Musterland, Amtsweg 1" in said
    assert "Auftraggeber" not in text(PRESS.press("mahnung", "de", notice))


@pytest.mark.parametrize(
    ("country", "address"),
    [
        ("", "Beispielweg 12 00001 Musterstadt Datum"),
        ("DE", "Beispielweg 12 00001 Musterstadt Datum"),
        ("AT", "Beispielweg 12 00001 Musterstadt ÖSTERREICH Datum"),
        ("GB", "Beispielweg 12 Musterstadt 00001 VEREINIGTES KÖNIGREICH Datum"),
        ("US", "Beispielweg 12 Musterstadt 00001 VEREINIGTE STAATEN Datum"),
    ],
)
def test_an_address_is_written_as_its_post_wants_it(country: str, address: str, notice: Notice) -> None:
    assert address in text(PRESS.press("mahnung", "de", replace(notice, country=country)))


def test_the_operators_files_win_and_may_bring_a_language(tmp_path: Path, notice: Notice) -> None:
    words_of = (SHIPPED / "letter" / "words.en.toml").read_text(encoding="utf-8").replace("Page {n}", "Pagina {n}")
    frame = (
        '#import "letter.typ": *\n#show: letter.with(subject: [Sollecito])\nBuongiorno #image("logo.svg") #closing()\n'
    )
    press = own(
        tmp_path,
        mahnung_it_typ=frame,
        words_it_toml=words_of,
        logo_svg='<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
    )
    assert press.languages("mahnung") == {"de", "en", "it"}
    said = text(press.press("mahnung", "it", notice))
    assert "Sollecito" in said
    assert "Pagina 1 of 1" in said
    assert "Mahnung" in text(press.press("mahnung", "fr", notice, fallback="de"))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("#data.nmae", "letter/x.de.typ:2:"),
        ("#let", "letter/x.de.typ:2:"),
        ('#read("/etc/hostname")', "file not found"),
        ('#read("../../../../etc/hostname")', "would escape"),
        ('#import "@preview/cetz:0.3.0": *', "packages are off"),
    ],
)
def test_a_template_that_cannot_be_used_says_where_and_why(
    content: str, says: str, tmp_path: Path, notice: Notice
) -> None:
    press = own(tmp_path, x_de_typ=f'#import "letter.typ": *\n{content}\n')
    with pytest.raises(ChannelMisconfigured) as raised:
        press.press("x", "de", notice)
    assert says in str(raised.value)


def test_a_template_that_is_missing_is_named(notice: Notice) -> None:
    with pytest.raises(ChannelMisconfigured, match=r"there is no letter/letzte\.de\.typ"):
        PRESS.press("letzte", "de", notice)


def test_what_a_letter_lacks_is_said(tmp_path: Path) -> None:
    press = own(tmp_path, x_de_typ='#import "letter.typ": *\n#show: letter.with(subject: [x])\nBitte zahlen.\n')
    assert [problem.removeprefix("letter/x.de: the letter does not ") for problem in press.check("x", ["de"])][:3] == [
        "list every invoice with number, date, amount and open amount (three invoices)",
        "tell the total (three invoices)",
        "announce the next step (three invoices)",
    ]


def test_a_letter_too_long_for_an_envelope_is_refused(notice: Notice) -> None:
    with pytest.raises(ChannelRejected, match=r"takes 2 pages, more than 1 \(pages in \[letters\]\)"):
        LetterPress([SHIPPED], Paper(most_pages=1)).press("mahnung", "de", notices()[1])
    assert PRESS.press("mahnung", "de", notice)


def test_a_name_no_font_can_show_is_refused_and_stops_nobody_else(notice: Notice) -> None:
    with pytest.raises(ChannelRejected, match=r"fonts of \[letters\]"):
        PRESS.press("mahnung", "de", replace(notice, name="王小明"))
    assert "Łukasz Ευαγγελία Дмитрий Şahin" in text(
        PRESS.press("mahnung", "de", replace(notice, name="Łukasz Ευαγγελία Дмитрий Şahin"))
    )
