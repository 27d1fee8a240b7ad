"""The statement of claim at the command line: every line of it can be checked by hand."""

from pathlib import Path

import pytest

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
