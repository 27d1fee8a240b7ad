"""The verbs on a database nobody works on: plan, why, settle, log, import, and what they say to wrong words."""

import getpass
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from contactd.domain.account import Channel
from contactd.domain.attempt import Event
from contactd.store import attempts, schema
from contactd.store.attempts import Transition
from contactd.store.database import Database, open_database
from tests.acceptance.program import contactd
from tests.acceptance.reminding import CAMPAIGN

ROWS = """\
account_no,creditor,name,language,country,email,invoice_no,invoice_date,due_date,amount,open,currency
K-1,acme,[/x]Eins,de,DE,eins@example.com,R-1,2026-01-01,2026-02-01,100.00,100.00,EUR
K-2,acme,Zwei,de,DE,,R-2,2026-01-01,2026-02-01,50.00,50.00,EUR
K-3,acme,Drei,de,DE,drei@example.com,R-3,2026-01-01,2099-02-01,70.00,70.00,EUR
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "campaigns.d").mkdir()
    (tmp_path / "campaigns.d" / "standard.toml").write_text(CAMPAIGN)
    (tmp_path / "contactd.toml").write_text('[operator]\nname = "Musterstadtwerke GmbH"\n')
    (tmp_path / "accounts.csv").write_text(ROWS)
    (tmp_path / "payments.csv").write_text("invoice_no,amount,currency,value_date,reference\n")
    path = tmp_path / "contactd.toml"
    assert contactd("migrate", "--config", path).code == 0
    assert contactd("import", "accounts", tmp_path / "accounts.csv", "--config", path).code == 0
    assert contactd("import", "payments", tmp_path / "payments.csv", "--config", path).code == 0
    return path


@pytest.fixture
def database(config: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{config.parent / 'contactd.db'}")
    yield opened
    opened.close()


def plan_one(database: Database, state: str) -> int:
    """Put account K-1 into the middle of its reminder."""
    now = datetime.now(UTC)
    new = attempts.NewAttempt(1, 1, None, "standard", "reminder", Channel.EMAIL, 1, 1, now, now)
    with database.transaction() as connection:
        attempts.plan(connection, [new])
        attempt = connection.scalar(sa.select(schema.attempt.c.id))
        assert attempt is not None
        if state == "unclear":
            connection.execute(sa.update(schema.attempt).values(state="sending", sending_at=now, claim_no=1))
            attempts.apply(connection, [Transition(attempt, 1, Event.LOST_SIGHT, now, outcome="unclear", reason="cut")])
    return int(attempt)


def test_plan_shows_counts_and_amounts_and_sends_nothing(config: Path, database: Database) -> None:
    told = contactd("plan", "--json", "--config", config).json()
    assert told[0]["taken"] == {"reminder": {"count": 1, "amounts": [{"amount": "100.00", "currency": "EUR"}]}}
    words = contactd("plan", "standard", "--config", config)
    assert "standard: 1 would be taken up" in words.out
    assert contactd("plan", "--exit-code", "--config", config).code == 1
    later = contactd("plan", "--date", "2099-03-01", "--config", config)
    assert "standard: 2 would be taken up" in later.out
    assert "payments are assumed to come in until then" in later.err
    with database.snapshot() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(schema.attempt)) == 0


def test_plan_refuses_what_it_does_not_know(config: Path) -> None:
    unknown = contactd("plan", "mahnung", "--config", config)
    assert unknown.code == 2
    assert "there is no campaign 'mahnung'; there is standard" in unknown.err
    assert contactd("plan", "--date", "tomorrow", "--config", config).code == 2
    assert contactd("plan", "--now", "--config", config).code == 5


def test_why_tells_the_step_and_what_each_rule_says(config: Path) -> None:
    told = contactd("why", "K-1", "--json", "--config", config).json()[0]
    assert (told["decision"], told["step"]["id"]) == ("due", "reminder")
    assert {"rule", "answer"} <= set(told["rules"][0])
    assert {rule["answer"] for rule in told["rules"]} == {"allowed"}
    later = contactd("why", "K-3", "--json", "--config", config).json()[0]
    assert (later["decision"], later["campaign"]) in {("rest", None), ("wait", "standard"), ("rest", "standard")}
    assert "next: reminder by email" in contactd("why", "K-1", "--config", config).out
    assert contactd("why", "K-404", "--config", config).code == 2


def test_why_speaks_of_the_attempt_that_waits_and_of_a_pause(config: Path, database: Database) -> None:
    attempt = plan_one(database, "planned")
    assert contactd("pause", "standard", "--config", config).code == 0
    told = contactd("why", "K-1", "--json", "--config", config).json()[0]
    assert told["attempt"]["id"] == attempt
    assert (told["decision"], told["why"], told["paused"]) == ("held", "paused", ["campaign:standard"])
    assert {"rule": "not paused", "answer": "never", "reason": "paused"} in told["rules"]
    assert "campaign:standard is paused" in contactd("why", "K-1", "--config", config).out


def test_an_unclear_attempt_is_listed_and_settled_by_a_person(config: Path, database: Database) -> None:
    attempt = plan_one(database, "unclear")
    assert f"contactd settle {attempt}" in contactd("why", "K-1", "--config", config).out
    assert f"{attempt}" in contactd("settle", "--config", config).out
    [listed] = contactd("settle", "--json", "--config", config).json()
    assert (listed["id"], listed["account_no"], listed["reason"]) == (attempt, "K-1", "cut")
    assert contactd("settle", str(attempt), "--config", config).code == 2
    settled = contactd("settle", str(attempt), "sent", "--reason", "she answered", "--config", config)
    assert (settled.code, settled.out) == (0, f"attempt {attempt} is accepted\n")
    again = contactd("settle", str(attempt), "sent", "--config", config)
    assert again.code == 2
    assert "only an unclear one can be settled" in again.err
    assert contactd("settle", "--config", config).err == "nothing is unclear\n"


def test_the_log_is_read_by_account_and_by_time(config: Path, database: Database) -> None:
    attempt = plan_one(database, "unclear")
    line = contactd("log", "K-1", "--config", config).out
    assert f"{attempt} K-1" in line
    assert "unclear" in line
    assert contactd("log", "--since", "1h", "--config", config).out == line
    assert contactd("log", "--since", "2099-01-01", "--config", config).out == ""
    assert contactd("log", "--since", "yesterday", "--config", config).code == 2
    assert contactd("log", "K-404", "--config", config).code == 2


def test_a_misspelt_verb_or_name_is_answered_with_the_nearest(config: Path) -> None:
    assert "Did you mean 'status'?" in contactd("staus").err
    near = contactd("pause", "standart", "--config", config)
    assert near.code == 2
    assert 'did you mean "standard"?' in near.err
    assert contactd("--version").out.startswith("contactd, version ")
    assert "Show the contact log." in contactd("--help").out


def test_a_stop_needs_the_creditor_only_when_the_number_is_not_one_debtors(config: Path) -> None:
    other = config.parent / "other.csv"
    other.write_text(ROWS.replace("acme", "other"))
    assert contactd("import", "accounts", other, "--config", config).code == 0
    refused = contactd("stop", "K-1", "--config", config)
    assert refused.code == 1
    assert "name one with --creditor" in refused.err
    stopped = contactd(
        "stop", "K-1", "--creditor", "other", "--channel", "sms", "--until", "2099-01-01", "--config", config
    )
    assert stopped.out == "K-1 is not contacted by sms any more until 2099-01-01\n"
    lifted = contactd("stop", "K-1", "--creditor", "acme", "--lift", "--config", config)
    assert lifted.out == "K-1: there was no stop\n"


def test_a_list_may_come_through_a_pipe(config: Path) -> None:
    pipe = config.parent / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_text(ROWS))
    writer.start()
    taken = contactd("import", "accounts", pipe, "--json", "--config", config)
    writer.join()
    assert taken.code == 0, taken.err
    assert taken.json()["unchanged"] == 3


def test_what_people_do_at_a_terminal_stands_in_the_audit_log(config: Path) -> None:
    imported = contactd("audit", "--config", config).out.splitlines()
    assert [line.split()[3:5] for line in imported] == [["import", "accounts"], ["import", "payments"]]
    assert contactd("pause", "standard", "--reason", "bank holiday", "--config", config).code == 0
    assert contactd("resume", "standard", "--config", config).code == 0
    assert contactd("stop", "K-1", "--config", config).code == 0
    assert contactd("stop", "K-9", "--config", config).code == 2
    assert contactd("stop", "K-2", "--lift", "--config", config).code == 0, "there was none, so nothing was done"
    assert contactd("plan", "--propose", "--config", config).code == 0
    assert contactd("plan", "standard", "--propose", "--config", config).code == 1, "the first one waits"
    assert contactd("plan", "--config", config).code == 0
    assert contactd("task", "open", "K-2", "meeting", "--owner", "anna", "--config", config).code == 0
    assert contactd("task", "done", "1", "--outcome", "They pay.", "--config", config).code == 0
    assert contactd("tasks", "--config", config).code == 0
    me = f"cli:{getpass.getuser()}"
    rows = contactd("audit", "--json", "--config", config).json()[2:]
    assert [(row["who"], row["what"], row["about"], row["new"], row["reason"]) for row in rows] == [
        (me, "pause", "campaign:standard", "paused", "bank holiday"),
        (me, "resume", "campaign:standard", "running", ""),
        (me, "stop", "account:K-1", "", "stop"),
        (me, "plan", "campaign:standard", "", ""),
        (me, "task open", "account:K-2", "anna", ""),
        (me, "task done", "task:1", "", "They pay."),
    ]
    lines = contactd("audit", "--since", "1h", "--who", getpass.getuser(), "--config", config).out.splitlines()
    assert len(lines) == 8
    assert lines[2].endswith("running -> paused; bank holiday")
    nobody = contactd("audit", "--who", "nobody", "--since", "1h", "--config", config)
    assert (nobody.out, nobody.err) == ("", "nobody did anything since then\n")
