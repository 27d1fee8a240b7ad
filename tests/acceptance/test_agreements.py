"""Agreements at the command line: the ladder rests for a promise, and goes on when it is kept or broken."""

import json
import sqlite3
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.acceptance.program import Ended, contactd
from tests.acceptance.reminding import CAMPAIGN


def today() -> date:
    """Tell the day of the campaign; asked anew by each test, for midnight may have come since they were collected."""
    return datetime.now(ZoneInfo("Europe/Berlin")).date()


ROWS = """\
account_no,creditor,name,language,country,email,invoice_no,invoice_date,due_date,amount,open,currency
K-1,acme,Eins,de,DE,eins@example.com,R-1,2026-01-01,2026-02-01,100.00,100.00,EUR
"""
HEAD = "invoice_no,amount,currency,value_date,reference\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "campaigns.d").mkdir()
    (tmp_path / "campaigns.d" / "standard.toml").write_text(CAMPAIGN)
    (tmp_path / "contactd.toml").write_text('[operator]\nname = "Musterstadtwerke GmbH"\n')
    (tmp_path / "accounts.csv").write_text(ROWS)
    assert contactd("migrate", cwd=tmp_path).code == 0
    assert contactd("import", "accounts", "accounts.csv", cwd=tmp_path).code == 0
    assert pay(tmp_path, "").code == 0
    return tmp_path


def pay(folder: Path, rows: str) -> Ended:
    (folder / "payments.csv").write_text(HEAD + rows)
    return contactd("import", "payments", "payments.csv", cwd=folder)


def on_hold(folder: Path) -> bool:
    """Ask what the rule says; whether it is the right hour is no matter."""
    [told] = contactd("why", "K-1", "--json", cwd=folder).json()
    return [rule["answer"] for rule in told["rules"] if rule["rule"] == "not on hold"] == ["not_before"]


def promise(folder: Path, amount: str) -> None:
    day = today() + timedelta(days=3)
    ended = contactd("agree", "promise", "K-1", "--amount", amount, "--on", str(day), "--json", cwd=folder)
    assert ended.code == 0, ended.err
    [made] = ended.json()
    assert (made["state"], made["amount"]["amount"]) == ("open", amount)


def test_a_promise_rests_the_ladder_and_the_payment_lets_it_go_on(folder: Path) -> None:
    assert not on_hold(folder)
    promise(folder, "60.00")
    assert on_hold(folder)
    assert "on hold: promise, until" in contactd("why", "K-1", cwd=folder).out
    assert pay(folder, f"R-1,60.00,EUR,{today()},one\n").code == 0
    assert not on_hold(folder)
    [kept] = contactd("agreements", "K-1", "--json", cwd=folder).json()
    assert (kept["state"], kept["received"]["amount"], kept["missing"]["amount"]) == ("kept", "60.00", "0.00")
    logged = [json.loads(line) for line in contactd("log", "K-1", "--json", cwd=folder).out.splitlines()]
    assert [(one["event"], one["outcome"]) for one in logged] == [("agreement", "open"), ("agreement", "kept")]
    assert "promise 1 is kept since" in contactd("why", "K-1", cwd=folder).out


def test_a_thousand_written_as_here_and_a_day_as_here_are_refused_in_words(folder: Path) -> None:
    asked = ("agree", "promise", "K-1", "--on", str(today()), "--amount", "1.000")
    assert "'1.000' is no amount; write it like 120.00" in contactd(*asked, cwd=folder).err
    day = contactd("agree", "promise", "K-1", "--on", "05.12.2026", cwd=folder)
    assert (day.code, "'05.12.2026' is no day; write it like 2026-12-31" in day.err) == (2, True)
    assert contactd("agreements", "K-1", "--json", cwd=folder).json() == []


def test_a_promise_nobody_keeps_is_broken_and_why_says_so(folder: Path) -> None:
    promise(folder, "60.00")
    let_days_pass(folder, 30)
    assert pay(folder, "").code == 0
    assert not on_hold(folder)
    [broken] = contactd("agreements", "K-1", "--json", cwd=folder).json()
    assert broken["state"] == "broken"
    words = " ".join(contactd("why", "K-1", cwd=folder).out.split())
    assert "promise 1 is broken since" in words
    assert "60.00 EUR of 60.00 EUR missing" in words


def let_days_pass(folder: Path, days: int) -> None:
    """Move what was agreed into the past."""
    with sqlite3.connect(folder / "contactd.db") as connection:
        back = f"-{days} days"
        connection.execute("UPDATE instalment SET due_on = date(due_on, ?), last_day = date(last_day, ?)", (back, back))
        connection.execute("UPDATE account SET hold_until = date(hold_until, ?)", (back,))
    connection.close()


def test_each_kind_is_made_and_ended_in_words(folder: Path) -> None:
    first = str(today() + timedelta(days=20))
    plan = contactd("agree", "plan", "K-1", "--first", first, "--instalments", "3", "--sent", cwd=folder)
    assert (plan.code, "33.34 EUR on " in plan.out, "the ladder rests until" in plan.out) == (0, True, True)
    assert "confirmed" in contactd("agree", "confirm", "1", cwd=folder).out
    refused = contactd("agree", "says-paid", "K-1", cwd=folder)
    assert (refused.code, "contactd agree withdraw 1 --reason" in refused.err) == (1, True)
    assert contactd("agree", "withdraw", "1", cwd=folder).code == 2
    assert "cancelled: insolvent" in contactd("agree", "withdraw", "1", "--reason", "insolvent", cwd=folder).out
    assert contactd("agree", "says-paid", "K-1", cwd=folder).code == 0
    assert contactd("agree", "hardship", "K-1", "--owner", "anna", cwd=folder).code == 0
    assert contactd("agree", "deferral", "K-1", "--until", first, cwd=folder).code == 0
    whose = ("--owner", "bert", "--deadline", first)
    disputed = contactd("agree", "dispute", "K-1", "--invoice", "R-1", "--reason", "never came", *whose, cwd=folder)
    assert "dispute  R-1  amount 100.00 EUR" in disputed.out
    listed = contactd("agreements", cwd=folder).out
    assert (f"owner bert, to be decided by {first}" in listed, "owner anna" in listed) == (True, False)
    states = {one["kind"]: one["state"] for one in contactd("agreements", "--all", "--json", cwd=folder).json()}
    assert states == {
        "plan": "cancelled", "says_paid": "superseded", "hardship": "superseded", "deferral": "open", "dispute": "open",
    }  # fmt: skip
    assert len(contactd("agreements", "--json", cwd=folder).json()) == 2
    assert "rejected: it came" in contactd("agree", "reject", "5", "--reason", "it came", cwd=folder).out


def test_wrong_words_are_told(folder: Path) -> None:
    assert contactd("agreements", "K-9", cwd=folder).code == 2
    first = ("--first", str(today()))
    assert "--instalments 6, or --instalment 50.00" in contactd("agree", "plan", "K-1", *first, cwd=folder).err
    none = contactd("agree", "plan", "K-1", *first, "--instalments", "0", cwd=folder)
    assert (none.code, "0 is not in the range x>=1" in none.err) == (2, True)
    above = contactd("agree", "promise", "K-1", "--on", str(today()), "--amount", "500", cwd=folder)
    assert (above.code, "500.00 EUR is more than the" in above.err) == (1, True)
    (folder / "contactd.toml").write_text('[operator]\nname = "Inkasso"\nkind = "collection-agency"\n')
    agency = contactd("agree", "deferral", "K-1", "--until", str(today()), cwd=folder)
    assert (agency.code, f"--cost-notice-sent {today().year}" in agency.err) == (1, True)
