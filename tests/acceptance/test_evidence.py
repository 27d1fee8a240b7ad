"""The proof of the contact log, what a person may ask for, and what is refused, at the command line."""

import sqlite3
from pathlib import Path

import pytest

from tests.acceptance.program import contactd

ROWS = """\
account_no,creditor,name,email,invoice_no,invoice_date,due_date,amount,open,currency
K-1,acme,Kim Eins,kim@example.com,R-1,2010-03-01,2010-03-31,10.00,0.00,EUR
K-2,acme,Ole Zwei,ole@example.com,R-2,2026-01-02,2026-01-14,50.00,50.00,EUR
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "contactd.toml"
    path.write_text("")
    (tmp_path / "accounts.csv").write_text(ROWS)
    assert contactd("migrate", "--config", path).code == 0
    assert contactd("import", "accounts", tmp_path / "accounts.csv", "--config", path).code == 0
    return path


def test_the_log_is_proved_and_a_change_is_named(config: Path) -> None:
    assert contactd("stop", "K-2", "--reason", "said so", "--config", config).code == 0
    anchor = contactd("log", "seal", "--json", "--config", config).json()["anchor"]
    told = contactd("log", "verify", "--anchor", anchor[:20].upper(), "--json", "--config", config)
    assert (told.code, told.json()["sealed_to"], told.json()["anchors"]) == (0, 1, {anchor[:20]: 1})
    assert "sealed up to entry 1" in contactd("log", "verify", "--config", config).out
    with sqlite3.connect(config.parent / "contactd.db") as database:
        database.execute("UPDATE contact_log SET reason = 'never said'")
    told = contactd("log", "verify", "--config", config)
    assert told.code == 1
    assert told.out.startswith("BROKEN: entry 1, account K-2, of 20")
    assert "changed" in told.out
    refused = contactd("log", "verify", "--anchor", "abc", "--config", config)
    assert (refused.code, "16 to 64 letters" in refused.err) == (2, True)
    missing = contactd("log", "verify", "--anchor", "0" * 64, "--json", "--config", config)
    assert (missing.code, missing.json()["anchors"]) == (1, {"0" * 64: None})
    assert "stop" in contactd("log", "K-2", "--config", config).out


def test_a_debtor_is_read_out_and_erased_and_one_who_owes_is_not(config: Path) -> None:
    kept = contactd("export", "gdpr", "K-1", "--config", config).json()["kept"]
    assert ([row["name"] for row in kept["account"]], len(kept["invoice"])) == (["Kim Eins"], 1)
    place = config.parent / "kim.json"
    assert contactd("export", "gdpr", "K-1", "--output", place, "--config", config).code == 0
    assert place.stat().st_mode & 0o777 == 0o600
    again = contactd("export", "gdpr", "K-1", "--output", place, "--config", config)
    assert (again.code, "is there already" in again.err) == (1, True)
    assert contactd("stop", "K-2", "--config", config).code == 0
    refused = contactd("erase", "K-2", "--reason", "asked", "--config", config)
    assert (refused.code, "K-2 owes 50.00 EUR" in refused.err, "--restrict" in refused.err) == (4, True, False)
    deeds = contactd("audit", "--json", "--config", config).json()
    told = [("import accounts", "import:1"), *[("export gdpr", "account:K-1")] * 2, ("stop", "account:K-2")]
    assert [(one["what"], one["about"]) for one in deeds] == told, "sealing is nobody's deed, and the rest was refused"
    assert contactd("erase", "K-1", "--reason", "asked", "--config", config).code == 0
    deeds = contactd("audit", "--json", "--config", config).json()
    assert [(one["what"], one["about"]) for one in deeds[4:]] == [("erase", "account:K-1")]
    left = contactd("export", "gdpr", "K-1", "--config", config)
    assert "Kim" not in left.out
    assert left.json()["kept"]["contact_log"][0]["event"] == "erased"
    assert contactd("log", "verify", "--config", config).code == 0
    assert contactd("erase", "K-9", "--reason", "asked", "--config", config).code == 2
