"""Bank statements at the command line: what is certain is booked once, the rest waits until a person says whose."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.acceptance.program import contactd
from tests.fakes.bank import DAY, OWN, Account, Booking, Payment, camt, iban

ROWS = """\
account_no,creditor,name,invoice_no,invoice_date,due_date,amount,open,currency
KD-10001,acme,Anna Beispiel,RE-2026-0001,2026-01-01,2026-02-01,100.00,100.00,EUR
KD-10002,acme,Bernd Beispiel,RE-2026-0002,2026-01-01,2026-02-01,50.00,50.00,EUR
KD-10003,acme,Carla Beispiel,RE-2026-0003,2026-01-01,2026-02-01,70.00,70.00,EUR
"""
CAMPAIGN = """\
id = "standard"
language = "de"
timezone = "Europe/Berlin"
schedule = "0 0 29 2 *"
[[step]]
id = "mahnung-brief"
day = 3
channel = "letter"
template = "mahnung"
deadline = "10 days"
[[test]]
given = { open = "80.00 EUR", days_due = 3 }
on = "2026-12-01T10:00"
expect = "mahnung-brief"
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


def bank_says(
    config: Path, *payments: Payment, name: str = "bank.xml", closing: int | None = None, valued: date = DAY
) -> Path:
    """Write a statement with a booking for each payment."""
    path = config.parent / name
    bookings = [Booking((one,), bank_ref=one.bank_ref, valued=valued) for one in payments]
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


def test_an_account_rests_while_a_payment_waits_that_names_it_until_it_is_assigned(config: Path) -> None:
    (config.parent / "others.csv").write_text(
        ROWS.splitlines()[0] + "\nKD-20001,other,Dora Beispiel,RE-2026-0009,2026-01-01,2026-02-01,90.00,90.00,EUR\n"
    )
    (config.parent / "campaigns.d").mkdir()
    (config.parent / "campaigns.d" / "standard.toml").write_text(CAMPAIGN)
    assert contactd("import", "accounts", config.parent / "others.csv", "--config", config).code == 0
    first = Payment(5_000, ("RE-2026-0009",), bank_ref="B1", name="Dora Beispiel")
    second = Payment(4_000, ("RE-2026-0009",), bank_ref="B2", name="Dora Beispiel")
    contactd("import", "statement", bank_says(config, first, second, NOBODYS), "--config", config)

    def told(account: str) -> tuple[str, str]:
        [one] = contactd("why", account, "--json", "--config", config).json()
        return (one["hold"]["reason"] if one["hold"] else ""), one["hint"]

    assert told("KD-20001")[0] == "payment_to_assign"
    assert "contactd payments assign PAYMENT ACCOUNT" in told("KD-20001")[1]
    assert told("KD-10003") == ("", "")  # a name alone holds nobody back
    due = contactd("tasks", "--json", "--config", config).json()
    assert [(one["kind"], one["account"]) for one in due] == [("payment", "KD-20001")] * 2
    assert "50.00 EUR, waits to be assigned" in due[0]["note"]
    [hold] = contactd("why", "KD-20001", "--json", "--config", config).json()
    assert hold["hold"]["until"] == due[0]["due_on"]
    waiting = contactd("payments", "unmatched", "--json", "--config", config).json()
    [number] = [str(one["payment"]) for one in waiting if one["amount"]["amount"] == "50.00"]
    assert contactd("payments", "assign", number, "KD-20001", "--config", config).code == 0
    [left] = contactd("tasks", "--json", "--config", config).json()
    assert "40.00 EUR" in left["note"]
    assert told("KD-20001")[0] == "payment_to_assign"
    contactd("task", "drop", left["id"], "--reason", "of somebody else", "--config", config)
    assert told("KD-20001") == ("", "")


def test_nobody_rests_for_a_payment_where_no_days_are_given_for_it(config: Path) -> None:
    config.write_text(config.read_text() + "[tasks]\nassign_within = 0\n")
    both = Payment(1_000, ("RE-2026-0001 und RE-2026-0002",), bank_ref="B1")
    contactd("import", "statement", bank_says(config, both), "--config", config)
    assert len(contactd("payments", "unmatched", "--json", "--config", config).json()) == 1
    assert contactd("tasks", "--json", "--config", config).json() == []


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
    today = datetime.now(ZoneInfo("Europe/Berlin")).date()
    contactd("import", "statement", bank_says(config, BY_ACCOUNT, valued=today), "--config", config)
    [kept] = contactd("agreements", "KD-10002", "--all", "--json", "--config", config).json()
    assert kept["state"] == "kept"


def test_a_payment_of_before_that_is_assigned_after_a_promise_does_not_keep_it(config: Path) -> None:
    contactd("import", "statement", bank_says(config, NOBODYS), "--config", config)
    on = datetime.now(UTC).date() + timedelta(days=5)
    made = contactd("agree", "promise", "KD-10003", "--on", str(on), "--config", config)
    assert made.code == 0, made.err
    [waiting] = contactd("payments", "unmatched", "--json", "--config", config).json()
    assert contactd("payments", "assign", str(waiting["payment"]), "KD-10003", "--config", config).code == 0
    [ended] = contactd("agreements", "KD-10003", "--all", "--json", "--config", config).json()
    assert (ended["state"], ended["history"][-1]["reason"]) == ("paid_before", "paid before it was made")
