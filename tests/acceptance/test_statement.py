"""The statement of claim at the command line: every line of it can be checked by hand."""

from pathlib import Path

import pytest
from pypdf import PdfReader

from tests.acceptance.program import contactd

ROWS = """\
account_no,creditor,name,kind,region,invoice_no,invoice_date,due_date,amount,open,currency
K-1,acme,[/x]Eins,consumer,DE-BE,R-1,2024-03-01,2024-03-31,1000.00,1000.00,EUR
K-2,acme,Zwei,business,DE-BE,R-2,2026-01-02,2026-01-14,500.00,500.00,EUR
"""
PAYMENTS = """\
creditor,account_no,invoice_no,amount,currency,value_date,reference
acme,K-2,R-2,100.00,EUR,2026-04-10,one
acme,K-2,,40.00,EUR,2026-05-11,two
acme,K-2,,-40.00,EUR,2026-05-20,two
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "contactd.toml"
    path.write_text('[operator]\nname = "Musterstadtwerke GmbH"\n[claims]\ndue_date_agreed = true\n')
    (tmp_path / "accounts.csv").write_text(ROWS)
    (tmp_path / "payments.csv").write_text(PAYMENTS)
    assert contactd("migrate", "--config", path).code == 0
    assert contactd("import", "accounts", tmp_path / "accounts.csv", "--config", path).code == 0
    assert contactd("import", "payments", tmp_path / "payments.csv", "--config", path).code == 0
    return path


def test_every_line_of_interest_is_there_and_they_add_up(config: Path) -> None:
    [told] = contactd("statement", "K-1", "--as-of", "2024-12-31", "--json", "--config", config).json()
    [claim] = told["claims"]
    assert (claim["claim"], claim["default_on"], claim["default_basis"]) == ("R-1", "2024-04-03", "calendar")
    lines = [(line["days"], line["percent"], line["year"], line["interest"]["amount"]) for line in claim["segments"]]
    assert lines == [(89, "8.62", 366, "20.96"), (184, "8.37", 366, "42.08")]
    assert told["interest"] == {"amount": "63.04", "currency": "EUR"}
    assert (told["open"]["amount"], told["payoff"]["amount"]) == ("1063.04", "1062.81")
    words = contactd("statement", "K-1", "--as-of", "2024-12-31", "--config", config).out
    assert "[/x]Eins" in words
    assert "2024-07-01 2024-12-31 184 1000.00 EUR 8.37 366 42.08 EUR" in " ".join(words.split())
    assert "1000.00 EUR + 0.00 EUR costs + 63.04 EUR interest = 1063.04 EUR" in words


def test_it_says_where_each_payment_went_and_which_was_taken_back(config: Path) -> None:
    [told] = contactd("statement", "K-2", "--as-of", "2026-06-30", "--json", "--config", config).json()
    [payment] = told["payments"]
    assert [(one["part"], one["amount"]["amount"]) for one in payment["went_to"]] == [
        ("costs", "40.00"), ("interest", "11.96"), ("principal", "48.04"),
    ]  # fmt: skip
    assert [(one["on"], one["why"], one["claim"]) for one in told["charged"]] == [("2026-01-15", "lump_sum", "R-2")]
    assert [one["on"] for one in told["taken_back"]] == ["2026-05-20"]
    words = contactd("statement", "K-2", "--as-of", "2026-06-30", "--config", config).out
    assert "11.96 EUR to interest of R-2" in words
    assert "2026-01-15  40.00 EUR charged: lump sum R-2" in words
    assert "2026-05-20  40.00 EUR of 2026-05-11 taken back" in words


def test_past_the_end_of_the_table_the_figures_are_called_provisional(config: Path) -> None:
    ended = contactd("statement", "K-1", "--as-of", "2030-03-31", "--json", "--config", config)
    assert ended.json()[0]["provisional"] is True
    assert "is not known from" in ended.err
    assert contactd("statement", "K-1", "--as-of", "2026-06-30", "--config", config).err == ""


def test_wrong_words_are_told(config: Path) -> None:
    assert contactd("statement", "K-404", "--config", config).code == 2
    wrong = contactd("statement", "K-1", "--as-of", "tomorrow", "--config", config)
    assert (wrong.code, "write it like 2026-12-31" in wrong.err) == (2, True)
    config.write_text('[claims]\ncontract_rate = "nine"\nholidays = "DE-XX"\n')
    wrong = contactd("statement", "K-1", "--config", config)
    assert wrong.code == 3
    assert 'write it like "11 %" or "base + 7 %"' in wrong.err


def test_the_statement_is_set_as_a_pdf_with_every_line_in_german_and_in_english(config: Path, tmp_path: Path) -> None:
    german, english = tmp_path / "de.pdf", tmp_path / "en.pdf"
    told = ("--as-of", "2027-02-28", "--config", config)
    assert contactd("statement", "K-2", *told, "--pdf", german).out.strip() == str(german)
    assert contactd("statement", "K-2", *told, "--pdf", english, "--language", "en").code == 0
    words = words_of(german)
    assert "Forderungsaufstellung" in words
    assert "Vorläufig: Der Basiszinssatz ist erst bis 31.12.2026 bekannt." in words
    for line in (
        "15.01.2026 09.04.2026 85 500,00 € 10,27 365 11,96 €",
        "10.04.2026 30.06.2026 82 451,96 € 10,27 365 10,43 €",
        "01.01.2027 28.02.2027 59 451,96 € 10,52* 365 7,69 €",
        "11,96 € → Zinsen, Rechnung R-2",
        "zurückgebucht am 20.05.2026",
        "Pauschale (§ 288 Abs. 5 BGB), Rechnung R-2 40,00 €",
        "Offen am 28.02.2027 494,05 €",
    ):
        assert line in words
    assert "Statement of claim" in words_of(english)
    again = tmp_path / "again.pdf"
    contactd("statement", "K-2", *told, "--pdf", again)
    assert again.read_bytes() == german.read_bytes()


def words_of(path: Path) -> str:
    """Read the text of a PDF, with one blank between words."""
    return " ".join(" ".join(page.extract_text() for page in PdfReader(path).pages).split())
