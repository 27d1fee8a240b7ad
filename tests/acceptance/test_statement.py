"""The statement of claim at the command line: every line of it can be checked by hand."""

from pathlib import Path

import pytest
from pypdf import PdfReader

from tests.acceptance.program import contactd
from tests.acceptance.reminding import CAMPAIGN

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


def test_what_a_return_took_back_beyond_all_that_came_in_is_said_and_not_claimed(config: Path) -> None:
    back = config.parent / "back.csv"
    back.write_text(PAYMENTS.splitlines()[0] + "\nacme,K-1,R-1,-70.00,EUR,2026-06-01,back\n")
    assert contactd("import", "payments", back, "--config", config).code == 0
    [told] = contactd("statement", "K-1", "--as-of", "2026-06-30", "--json", "--config", config).json()
    assert (told["principal"]["amount"], told["uncovered"][0]["amount"]["amount"]) == ("1000.00", "70.00")
    words = "2026-06-01  return 4: 70.00 EUR of it not covered by receipts, to be clarified"
    assert words in contactd("statement", "K-1", "--as-of", "2026-06-30", "--config", config).out
    (config.parent / "campaigns.d").mkdir()
    (config.parent / "campaigns.d" / "a.toml").write_text(CAMPAIGN)
    why = contactd("why", "K-1", "--config", config).out
    assert (words in why, "1000.00 EUR open" in why) == (True, True)
    assert "payment 4 of 2026-06-01, -70.00 EUR, took back more than had come in: to be clarified" in why


def test_past_the_end_of_the_table_the_figures_are_called_provisional(config: Path) -> None:
    ended = contactd("statement", "K-1", "--as-of", "2030-03-31", "--json", "--config", config)
    assert ended.json()[0]["provisional"] is True
    assert "the base rate is known until" in ended.err
    assert contactd("statement", "K-1", "--as-of", "2026-06-30", "--config", config).err == ""


def test_interest_from_before_the_table_is_left_out_and_that_is_said(config: Path) -> None:
    rows = [ROWS.splitlines()[0], "K-9,acme,Neun,consumer,DE-BE,R-9,1999-01-01,1999-02-01,90.00,90.00,EUR"]
    (config.parent / "old.csv").write_text("\n".join(rows))
    assert contactd("import", "accounts", config.parent / "old.csv", "--config", config).code == 0
    told = contactd("statement", "K-9", "--config", config)
    assert "interest of R-9 is not told: its default began before 2002-01-01, where the base rates begin" in told.err
    assert "open: 90.00 EUR + 0.00 EUR costs + 0.00 EUR interest = 90.00 EUR" in told.out
    assert "R-9" in contactd("report", "limitation", "--config", config).out


def test_a_pdf_that_cannot_be_is_refused_in_words(config: Path) -> None:
    wrong = config.parent / "no folder" / "claims.pdf"
    refused = contactd("statement", "K-1", "--pdf", wrong, "--config", config)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == f"contactd: {wrong} cannot be written (No such file or directory); name another file\n"
    there = config.parent / "claims.pdf"
    refused = contactd("statement", "K-1", "--pdf", there, "--language", "fr", "--config", config)
    assert "there is no statement in the language 'fr'; there are: de, en" in refused.err
    assert (refused.code, there.exists()) == (1, False)
    assert contactd("statement", "K-1", "--pdf", there, "--language", "en-GB", "--config", config).code == 0


def test_it_says_which_rate_each_claim_bears_and_why(config: Path, tmp_path: Path) -> None:
    header, *_ = ROWS.splitlines()
    rows = (
        "K-3,acme,Drei,consumer,DE-BE,L-1,2024-12-31,2025-01-14,1200.00,1200.00,EUR,consumer_loan,",
        "K-3,acme,Drei,consumer,DE-BE,L-2,2025-08-01,2025-08-14,100.00,100.00,EUR,,11 %",
        "K-3,acme,Drei,consumer,DE-BE,L-3,2025-08-01,2025-08-14,100.00,100.00,EUR,consumer_loan,11 %",
    )
    (tmp_path / "loans.csv").write_text("\n".join([f"{header},claim_kind,contract_rate", *rows, ""]))
    refused = contactd("import", "accounts", tmp_path / "loans.csv", "--config", config)
    assert refused.code == 6
    assert "row 4: contract_rate: a consumer loan in default bears no more than base + 5 %" in refused.err
    (tmp_path / "payments.csv").write_text(PAYMENTS.splitlines()[0] + "\nacme,K-3,L-1,300.00,EUR,2025-04-10,loan\n")
    assert contactd("import", "payments", tmp_path / "payments.csv", "--config", config).code == 0
    told = ("--as-of", "2025-09-30", "--config", config)
    words = contactd("statement", "K-3", *told).out
    assert (
        "bears base + 5 % (§ 497(1) BGB: a consumer's loan); payments settle costs, then principal, then interest"
        " (§ 497(3) BGB)"
    ) in words
    assert "bears 11 % (agreed by contract)" in words
    assert "300.00 EUR received: 300.00 EUR to principal of L-1" in words
    [one] = contactd("statement", "K-3", *told, "--json").json()
    assert [(claim["rate"], claim["rate_basis"], claim["payments_settle"]) for claim in one["claims"]] == [
        ({"points": "5", "over_base": True}, "consumer_loan", ["costs", "principal", "interest"]),
        ({"points": "11", "over_base": False}, "contract", ["costs", "interest", "principal"]),
    ]
    contactd("statement", "K-3", *told, "--pdf", tmp_path / "loan.pdf")
    set_ = words_of(tmp_path / "loan.pdf")
    assert "(§ 497 Abs. 1 BGB, Verbraucherdarlehen). Zahlungen tilgen hier Kosten, dann die Hauptforderung" in set_
    assert "Zinssatz: 11 % jährlich, vertraglich vereinbart." in set_


def test_a_refusal_that_a_person_noted_is_default_and_stands_in_the_statement(config: Path) -> None:
    pdf = config.parent / "claims.pdf"
    config.write_text("")
    before = contactd("statement", "K-1", "--as-of", "2024-12-31", "--config", config).out
    assert "due 2024-03-31, not in default" in before
    said = ("claim", "refused", "K-1", "--on", "2024-05-06", "--reason", "letter of 3 May", "--config", config)
    assert "refusal" in contactd(*said).out
    again = contactd(*said)
    assert (again.code, "noted already: refusal 1 of 2024-05-06" in again.err) == (1, True)
    words = contactd("statement", "K-1", "--as-of", "2024-12-31", "--config", config).out
    assert "in default since 2024-05-06 (refusal)" in words
    assert "2024-05-07 2024-06-30 55 1000.00 EUR 8.62 366" in " ".join(words.split())
    assert "2024-05-06  refusal of all invoices: letter of 3 May (claim 1)" in words
    assert "statute-barred after 2027-12-31: three years from 2024-12-31 (the end of the year in which it" in words
    assert "refusal" in contactd("log", "show", "K-1", "--config", config).out
    assert contactd("statement", "K-1", "--as-of", "2024-12-31", "--pdf", pdf, "--config", config).code == 0
    set_ = words_of(pdf)
    assert "Verjährt mit Ablauf des 31.12.2027: drei Jahre ab Jahresschluss 31.12.2024 (§§ 195, 199 BGB)." in set_
    assert "06.05.2024 Ernsthafte und endgültige Verweigerung der Zahlung" in set_
    assert contactd("claim", "withdraw", "1", "--reason", "misread", "--config", config).code == 0
    assert contactd("statement", "K-1", "--as-of", "2024-12-31", "--config", config).out == before
    assert "(withdrawn by " in contactd("claim", "list", "K-1", "--config", config).out
    audited = contactd("audit", "--config", config).out
    assert "claim refused" in audited
    assert "claim withdraw" in audited


def test_an_agencys_cost_is_shown_with_what_the_lump_sum_took_off(config: Path) -> None:
    cost = ("post", "cost", "K-2", "100.44", "--for", "agency", "--on", "2026-06-01", "--reason", "ordered")
    assert contactd(*cost, "--config", config).code == 0
    words = contactd("statement", "K-2", "--as-of", "2026-06-30", "--config", config).out
    assert "60.44 EUR charged: agency (ordered), less 40.00 EUR, the lump sum (§ 288(5) BGB)" in " ".join(words.split())


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
