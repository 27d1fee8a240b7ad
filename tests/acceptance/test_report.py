"""Reports at the command line: what runs out of time, and what is to be handed on to creditors."""

from pathlib import Path

import pytest

from tests.acceptance.program import contactd

ROWS = """\
account_no,creditor,name,region,invoice_no,invoice_date,due_date,amount,open,currency
K-1,acme,Eins,DE-BE,R-1,2022-05-01,2022-05-15,100.00,100.00,EUR
K-2,acme,Zwei,DE-BE,R-2,2022-05-01,2022-05-15,200.00,200.00,EUR
K-3,other,Drei,DE-BE,R-3,2023-05-01,2023-05-15,300.00,300.00,EUR
K-4,other,Vier,DE-BE,R-4,2020-05-01,2020-08-01,400.00,400.00,EUR
"""
PAYMENTS = """\
creditor,account_no,invoice_no,amount,currency,value_date,reference
acme,K-2,R-2,50.00,EUR,2024-02-10,one
other,K-3,R-3,30.00,EUR,2024-02-11,two
other,K-3,R-3,-30.00,EUR,2024-02-20,two
other,K-4,R-4,10.00,EUR,2024-03-01,three
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "contactd.toml"
    path.write_text('[operator]\nname = "Musterstadtwerke GmbH"\n')
    for kind, text in (("accounts", ROWS), ("payments", PAYMENTS)):
        (tmp_path / f"{kind}.csv").write_text(text)
    assert contactd("migrate", "--config", path).code == 0
    for kind in ("accounts", "payments"):
        assert contactd("import", kind, tmp_path / f"{kind}.csv", "--config", path).code == 0
    return path


def test_what_runs_out_is_listed_in_time_and_a_part_payment_begins_the_years_anew(config: Path) -> None:
    told = contactd("report", "limitation", "--as-of", "2025-11-01", "--within", "61", "--json", "--config", config)
    assert [(row["claim"], row["last_day"], row["days_left"]) for row in told.json()] == [
        ("R-4", "2024-01-02", -669), ("R-1", "2025-12-31", 60),
    ]  # fmt: skip
    words = contactd("report", "limitation", "--as-of", "2025-11-01", "--config", config).out
    assert ("R-1" in words, "R-2" in words) == (True, False)
    soon = contactd("report", "limitation", "--as-of", "2022-06-01", "--config", config)
    assert "nothing runs out within 90 days" in soon.out


def test_what_is_handed_on_is_what_came_in_less_what_went_back(config: Path) -> None:
    period = ("--from", "2024-02-01", "--to", "2024-02-29")
    acme, other = contactd("report", "remittance", *period, "--json", "--config", config).json()
    assert (acme["creditor"], acme["payments"], acme["to_hand_on"]["amount"]) == ("acme", 1, "50.00")
    assert (other["received"]["amount"], other["returned"]["amount"]) == ("30.00", "30.00")
    assert (other["returns"], other["to_hand_on"]["amount"]) == (1, "0.00")
    assert "50.00 EUR" in contactd("report", "remittance", *period, "--config", config).out
    empty = contactd("report", "remittance", "--from", "2020-01-01", "--to", "2020-01-31", "--config", config)
    assert "no payment has a value date" in empty.out


def test_wrong_days_are_told(config: Path) -> None:
    wrong = contactd("report", "remittance", "--from", "2024-02-30", "--to", "2024-02-29", "--config", config)
    assert (wrong.code, "'2024-02-30' is no day" in wrong.err) == (2, True)
    wrong = contactd("report", "remittance", "--from", "2024-02-02", "--to", "2024-02-01", "--config", config)
    assert (wrong.code, "is before" in wrong.err) == (2, True)


def test_the_report_by_contact_method_adds_up_to_the_new_debt_of_the_month(config: Path) -> None:
    asked = ("report", "control", "--month", "2022-05", "--as-of", "2025-11-01")
    told = contactd(*asked, "--json", "--config", config).json()
    rows = {row["row"]: row for row in told["control"]}
    cohort = rows.pop("cohort")
    assert (cohort["month"], cohort["provisional"], cohort["window_days"]) == ("2022-05", False, 14)
    assert list(rows) == ["email", "sms", "letter", "call", "not_attributed", "listed", "open"]
    amounts = {name: float(row["amount"]["amount"]) for name, row in rows.items()}
    assert (cohort["amount"]["amount"], sum(amounts.values())) == ("300.00", 300.0)
    assert (amounts["not_attributed"], amounts["open"]) == (50.0, 250.0)
    assert sum(row["share_amount"] for row in rows.values()) == pytest.approx(1, abs=1e-5)
    words = contactd(*asked, "--config", config).out
    assert "2022-05: 2 customers with 300.00 EUR of new debt" in words
    assert "not_attributed" in words
    assert "cost" not in words
    assert told["recovery"][0] | {"day": 0, "share": 0.0} == told["recovery"][0]
    steps = contactd(*asked, "--csv", "--table", "steps", "--config", config).out
    assert steps == "month,currency,step,method,median_day,contacts\n"
    every = contactd("report", "control", "--as-of", "2023-05-20", "--config", config).out
    assert ("2023-05" in every, "2022-05" in every) == (True, False)  # twelve months
    assert "provisional" in every
    assert "no debt fell overdue then" in contactd("report", "control", "--month", "2019-01", "--config", config).out
    assert "write it like 2026-10" in contactd("report", "control", "--month", "May", "--config", config).err


def test_contacts_promises_and_hours_tell_the_same_in_words_json_and_csv(config: Path) -> None:
    lately = ("--to", "2026-11-30", "--config", config)
    assert contactd("agree", "promise", "K-1", "--amount", "50.00", "--on", "2050-01-05", "--config", config).code == 0
    told = contactd("report", "promises", "--json", "--config", config).json()
    [made] = told["made"]
    assert (made["promises"], made["amount"]) == (1, {"amount": "50.00", "currency": "EUR"})
    header, line = contactd("report", "promises", "--csv", "--config", config).out.splitlines()
    assert dict(zip(header.split(","), line.split(","), strict=True))["amount"] == "50.00"
    assert "50.00 EUR" in contactd("report", "promises", "--table", "due", "--config", config).out
    contacts = contactd("report", "contacts", "--json", *lately).json()
    assert contacts["channels"][0]["channel"] == "all"
    csv = contactd("report", "contacts", "--csv", "--table", "funnel", *lately).out
    assert csv.splitlines()[0] == "stage,customers,share_of_planned,share_of_previous"
    assert "abandoned:\nnothing in this time" in contactd("report", "contacts", *lately).out
    assert contactd("report", "hours", "--json", *lately).json() == {"hours": []}
    wrong = contactd("report", "hours", "--from", "2026-12-01", *lately)
    assert (wrong.code, "is before" in wrong.err) == (2, True)
    wrong = contactd("report", "contacts", "--table", "agents", *lately)
    assert (wrong.code, "has no table agents" in wrong.err) == (2, True)
