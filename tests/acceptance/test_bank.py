"""Bank statements at the command line: what is certain is booked once, the rest waits until a person says whose."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.acceptance.program import contactd
from tests.fakes.bank import OWN, Account, Booking, Payment, camt, iban

ROWS = """\
account_no,creditor,name,invoice_no,invoice_date,due_date,amount,open,currency
KD-10001,acme,Anna Beispiel,RE-2026-0001,2026-01-01,2026-02-01,100.00,100.00,EUR
KD-10002,acme,Bernd Beispiel,RE-2026-0002,2026-01-01,2026-02-01,50.00,50.00,EUR
KD-10003,acme,Carla Beispiel,RE-2026-0003,2026-01-01,2026-02-01,70.00,70.00,EUR
"""
BY_NUMBER = Payment(6_000, ("Rechnung RE-2026-0001 danke",), bank_ref="A1", iban=iban(1), end_to_end="E2E-1")
BY_ACCOUNT = Payment(5_000, ("Kunde KD-10002",), bank_ref="A2", iban=iban(2), end_to_end="E2E-2")
NOBODYS = Payment(7_000, ("danke",), bank_ref="A3", name="Carla Beispiel", iban=iban(3))
FEE = Payment(-250, ("Kontofuehrung",), bank_ref="A4", name="Bank")
BACK = Payment(-6_000, ("Rechnung RE-2026-0001",), bank_ref="A5", iban=iban(1), end_to_end="E2E-1", reason="AC04")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "contactd.toml"
    path.write_text(f'[operator]\nname = "Musterstadtwerke GmbH"\n[creditors.acme]\niban = "{OWN}"\n')
    (tmp_path / "accounts.csv").write_text(ROWS)
    assert contactd("migrate", "--config", path).code == 0
    assert contactd("import", "accounts", tmp_path / "accounts.csv", "--config", path).code == 0
    return path


def bank_says(config: Path, *payments: Payment, name: str = "bank.xml", closing: int | None = None) -> Path:
    """Write a statement with a booking for each payment."""
    path = config.parent / name
    bookings = [Booking((one,), bank_ref=one.bank_ref) for one in payments]
    path.write_text(camt([Account(bookings, closing=closing)]))
    return path


def owes(config: Path, account: str) -> str:
    """Ask what is open."""
    [told] = contactd("statement", account, "--as-of", "2026-01-15", "--json", "--config", config).json()
    [later] = contactd("statement", account, "--as-of", "2026-04-01", "--json", "--config", config).json()
    assert told["as_of"] < later["as_of"]
    return str(later["principal"]["amount"])


def test_what_names_an_invoice_or_account_is_booked_once_and_the_rest_waits(config: Path) -> None:
    path = bank_says(config, BY_NUMBER, BY_ACCOUNT, NOBODYS, FEE)
    told = contactd("import", "statement", path, "--json", "--config", config).json()
    assert [told[name] for name in ("statements", "entries", "new", "unmatched", "outgoing")] == [1, 4, 3, 1, 1]
    assert (owes(config, "KD-10001"), owes(config, "KD-10002"), owes(config, "KD-10003")) == ("40.00", "0.00", "70.00")
    again = contactd("import", "statement", path, "--json", "--config", config).json()
    assert (again["new"], again["unchanged"]) == (0, 3)
    assert owes(config, "KD-10001") == "40.00"


def test_a_payment_that_waits_is_shown_with_a_guess_and_given_to_an_account(config: Path) -> None:
    contactd("import", "statement", bank_says(config, NOBODYS), "--config", config)
    [waiting] = contactd("payments", "unmatched", "--json", "--config", config).json()
    assert (waiting["amount"]["amount"], waiting["payer"], waiting["iban"]) == ("70.00", "Carla Beispiel", iban(3))
    assert [one["account"] for one in waiting["suggestions"]] == ["KD-10003"]
    number = str(waiting["payment"])
    assert "KD-10003 of acme" in contactd("payments", "unmatched", "--config", config).out
    wrong = contactd("payments", "assign", number, "KD-10003", "--invoice", "RE-2026-0001", "--config", config)
    assert (wrong.code, "has no invoice" in wrong.err) == (1, True)
    assert contactd("payments", "assign", number, "KD-10003", "--config", config).code == 0
    assert owes(config, "KD-10003") == "0.00"
    late = contactd("payments", "assign", number, "KD-10002", "--config", config)
    assert (late.code, "waits no more" in late.err) == (1, True)
    assert "no payment waits" in contactd("payments", "unmatched", "--config", config).out


def test_a_return_takes_back_the_payment_it_is_of(config: Path) -> None:
    contactd("import", "statement", bank_says(config, BY_NUMBER, BY_ACCOUNT), "--config", config)
    told = contactd("import", "statement", bank_says(config, BACK, name="next.xml"), "--json", "--config", config)
    assert (told.json()["new"], told.json()["unmatched"]) == (1, 0)
    assert (owes(config, "KD-10001"), owes(config, "KD-10002")) == ("100.00", "0.00")


def test_a_statement_that_does_not_add_up_is_refused_whole_with_the_difference(config: Path) -> None:
    path = bank_says(config, BY_NUMBER, closing=105_999)
    ended = contactd("import", "statement", path, "--config", config)
    assert ended.code == 1
    assert "0.01 EUR is not told; nothing of it was taken" in ended.err
    assert owes(config, "KD-10001") == "100.00"


def test_a_promise_is_found_kept_by_what_the_bank_says(config: Path) -> None:
    on = datetime.now(UTC).date() + timedelta(days=5)
    made = contactd("agree", "promise", "KD-10002", "--amount", "50.00", "--on", str(on), "--config", config)
    assert made.code == 0, made.err
    contactd("import", "statement", bank_says(config, BY_ACCOUNT), "--config", config)
    [kept] = contactd("agreements", "KD-10002", "--all", "--json", "--config", config).json()
    assert kept["state"] == "kept"
