"""Costs, write-offs, hand-overs and final stops at the command line, and what `why` says of them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from contactd.domain.account import Channel
from contactd.store import attempts, schema
from contactd.store.attempts import NewAttempt
from contactd.store.database import open_database
from tests.acceptance.program import contactd

CONFIG = """\
[operator]
name = "Musterstadtwerke GmbH"
contact_person = "Karin Beispiel"
phone = "+49 30 23125 042"
[claims]
due_date_agreed = true
"""
CAMPAIGN = """\
id = "standard"
language = "de"
timezone = "Europe/Berlin"
[[step]]
id = "mahnung"
channel = "letter"
template = "mahnung"
day = 10
"""
ROWS = """\
account_no,creditor,name,kind,region,country,invoice_no,invoice_date,due_date,amount,open,currency,street,postcode,city
K-1,acme,Eins Beispiel,consumer,DE-BE,DE,R-1,2026-03-01,2026-03-31,1000.00,1000.00,EUR,Beispielweg 1,00001,Musterstadt
K-2,acme,Zwei Beispiel,consumer,DE-BE,DE,R-2,2026-03-01,2026-03-31,400.00,400.00,EUR,Beispielweg 2,00001,Musterstadt
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "contactd.toml"
    path.write_text(CONFIG)
    (tmp_path / "campaigns.d").mkdir()
    (tmp_path / "campaigns.d" / "standard.toml").write_text(CAMPAIGN)
    (tmp_path / "accounts.csv").write_text(ROWS)
    assert contactd("migrate", "--config", path).code == 0
    imported = contactd("import", "accounts", tmp_path / "accounts.csv", "--config", path)
    assert (imported.code, imported.err) == (0, "")
    return path


def test_costs_and_write_offs_are_in_the_statement_and_end_dunning(config: Path) -> None:
    [cost] = contactd(
        "post", "cost", "K-1", "--rvg", "0.9", "--reason", "agency ordered", "--json", "--config", config
    ).json()
    assert (cost["amount"]["amount"], cost["purpose"]) == ("100.44", "agency")
    stated = contactd("statement", "K-1", "--next-stage", "--config", config).out
    assert "100.44 EUR charged: agency (agency ordered)" in stated
    assert "a court payment order would cost 38.00 EUR more (GKG KV 1100), with a lawyer 149.60 EUR" in stated
    assert contactd("post", "write-off", "K-1", "--reason", "uncollectable", "--config", config).code == 0
    told = contactd("why", "K-1", "--config", config).out
    assert "1000.00 EUR principal written off" in told
    assert "R-1 statute-barred" not in told  # nothing of it is open
    assert "=> rest  written_off" in told
    [back] = contactd("post", "reverse", "1", "--reason", "typed twice", "--json", "--config", config).json()
    assert (back["kind"], back["reverses"]) == ("reversal", 1)
    listed = contactd("post", "list", "K-1", "--config", config).out
    assert "cost agency (reversed by" in listed


def test_an_account_is_handed_over_by_two_people_and_its_ladder_rests(config: Path) -> None:
    propose = ("hand-over", "propose", "K-1", "--to", "court", "--reason", "nothing helped", "--config", config)
    refused = contactd(*propose)
    assert (refused.code, "no letter or e-mail of this case has announced it" in refused.err) == (1, True)
    _warned(config.parent)
    assert contactd(*propose).code == 0
    mine = contactd("hand-over", "approve", "K-1", "--config", config)
    assert (mine.code, "somebody else has to approve it" in mine.err) == (1, True)
    database = open_database(f"sqlite:///{config.parent / 'contactd.db'}")
    with database.transaction() as connection:
        connection.execute(sa.text("UPDATE handover SET proposed_by = 'anna'"))
    database.close()
    assert "to court: approved" in contactd("hand-over", "approve", "K-1", "--config", config).out
    told = contactd("why", "K-1", "--config", config).out
    assert "on hold: handed_over" in told
    assert "hand-over to court approved on" in told
    [listed] = contactd("hand-over", "list", "--json", "--config", config).json()
    assert (listed["account"], listed["proposed_by"]) == ("K-1", "anna")
    assert "withdrawn" in contactd("hand-over", "withdraw", "K-1", "--reason", "paid", "--config", config).out


def test_insolvency_stops_every_channel_ends_what_was_agreed_and_says_what_to_do(config: Path) -> None:
    day = (datetime.now(UTC).date() + timedelta(days=7)).isoformat()
    assert contactd("agree", "promise", "K-2", "--on", day, "--config", config).code == 0
    narrow = contactd("stop", "K-2", "--reason", "insolvency", "--channel", "sms", "--config", config)
    assert "name neither a channel nor an end" in narrow.err
    stopped = contactd("stop", "K-2", "--reason", "insolvency", "--config", config)
    assert stopped.out == "K-2 is not contacted in any way any more\n"
    [agreed] = contactd("agreements", "K-2", "--json", "--config", config).json()
    assert (agreed["state"], agreed["history"][-1]["reason"]) == ("withdrawn", "insolvency")
    [told] = contactd("why", "K-2", "--json", "--config", config).json()
    assert "insolvency" in {rule.get("reason") for rule in told["rules"]}
    lifted = contactd("stop", "K-2", "--lift", "--config", config)
    assert lifted.out == "K-2: contact is allowed again\n"


def test_why_says_after_which_day_each_claim_is_statute_barred(config: Path) -> None:
    words = contactd("why", "K-1", "--config", config).out
    assert "R-1 statute-barred after 2029-12-31: three years from 2026-12-31" in " ".join(words.split())
    contactd("claim", "negotiations", "K-1", "--from", "2026-05-01", "--reason", "lawyer wrote", "--config", config)
    [told] = contactd("why", "K-1", "--json", "--config", config).json()
    assert told["limitation"] == [
        {
            "claim": "R-1", "last_day": None, "runs_from": "2026-12-31", "because": "year", "years": 3,
            "interest_last_day": None, "suspended": [{"ground": "negotiations", "from": "2026-05-01", "to": None}],
        }
    ]  # fmt: skip


def _warned(folder: Path) -> None:
    """Enter a letter that reached them."""
    at = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
    database = open_database(f"sqlite:///{folder / 'contactd.db'}")
    with database.transaction() as connection:
        attempts.plan(connection, [NewAttempt(1, 1, None, "standard", "mahnung", Channel.LETTER, 1, 1, at, at)])
        connection.execute(sa.update(schema.attempt).values(state="accepted", sending_at=at, ended_at=at))
    database.close()
