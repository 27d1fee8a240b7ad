"""The dossier as a lawyer opens it: every file with its hash, letters and messages as sent, sums that add up."""

import csv
import json
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import sqlalchemy as sa
from pypdf import PdfReader

from contactd.domain.account import Channel
from contactd.store import attempts, contact_log, schema, sent_messages
from contactd.store.attempts import NewAttempt
from contactd.store.database import open_database
from tests.acceptance.program import contactd

CONFIG = """\
[operator]
name = "Musterstadtwerke GmbH"
street = "Musterallee 1"
postcode = "00001"
city = "Musterstadt"
[creditors.acme]
name = "Acme Energie AG"
legal_form = "AG"
represented_by = "Vorstand Erika Beispiel"
[claims]
due_date_agreed = true
catalogue = 11
"""
ROWS = """\
account_no,creditor,name,kind,region,invoice_no,invoice_date,due_date,amount,open,currency,street,postcode,city
K-4,acme,Vier Beispiel,consumer,DE-BE,R-4,2024-12-31,2025-01-14,1200.00,1200.00,EUR,Beispielweg 4,00001,Musterstadt
"""
PAYMENTS = """\
creditor,account_no,invoice_no,amount,currency,value_date,reference
acme,K-4,R-4,300.00,EUR,2025-04-10,one
"""
AS_OF = ("--as-of", "2025-09-30")
LETTER = b"%PDF-1.7 a letter as it left the house"
MAIL = "Subject: =?utf-8?b?TWFobnVuZw==?=\r\n\r\nBitte zahlen Sie.\r\n"
SENT = datetime(2025, 2, 1, 8, 0, tzinfo=UTC)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "contactd.toml"
    path.write_text(CONFIG)
    (tmp_path / "accounts.csv").write_text(ROWS)
    (tmp_path / "payments.csv").write_text(PAYMENTS)
    assert contactd("migrate", "--config", path).code == 0
    assert contactd("import", "accounts", tmp_path / "accounts.csv", "--config", path).code == 0
    assert contactd("import", "payments", tmp_path / "payments.csv", "--config", path).code == 0
    _contacted(tmp_path)
    return path


def _contacted(folder: Path) -> None:
    """Enter a letter and an e-mail that reached the customer, and keep both."""
    kept = folder / "letters" / "archive" / "2025-02-01" / "1-1.pdf"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(LETTER)
    mail = sent_messages.sent(2, 1, SENT, MAIL)
    details = {"file": "2025-02-01/1-1.pdf", "sha256": sha256(LETTER).hexdigest(), "bytes": len(LETTER)}
    database = open_database(f"sqlite:///{folder / 'contactd.db'}")
    with database.transaction() as connection:
        new = NewAttempt(1, 1, None, "standard", "mahnung", Channel.LETTER, 1, 1, SENT, SENT)
        attempts.plan(connection, [new, new._replace(step="erinnerung", channel=Channel.EMAIL)])
        connection.execute(sa.update(schema.attempt).values(state="accepted", sending_at=SENT, ended_at=SENT))
        sent_messages.keep(connection, [mail])
        row = {"account_id": 1, "at": SENT, "event": "accepted", "outcome": "accepted"}
        contact_log.add(
            connection,
            [
                {**row, "attempt_id": 1, "channel": "letter", "details": details},
                {**row, "attempt_id": 2, "channel": "email", "details": mail.details},
            ],
        )
    database.close()


def opened(path: Path) -> dict[str, bytes]:
    with ZipFile(path) as packed:
        assert packed.testzip() is None
        return {name: packed.read(name) for name in packed.namelist()}


def money(told: dict[str, str]) -> Decimal:
    assert told["currency"] == "EUR"
    return Decimal(told["amount"])


def test_every_file_is_there_with_its_hash_and_letters_and_mails_are_what_was_sent(
    config: Path, tmp_path: Path
) -> None:
    made = contactd("dossier", "K-4", *AS_OF, "--output", tmp_path / "a.zip", "--config", config)
    assert (made.code, made.err) == (0, "")
    files = opened(tmp_path / "a.zip")
    manifest = json.loads(files["manifest.json"])
    assert set(manifest["files"]) == set(files) - {"manifest.json"}
    for name, told in manifest["files"].items():
        assert told == {"sha256": sha256(files[name]).hexdigest(), "bytes": len(files[name])}
    assert manifest["problems"] == []
    assert files["letters/1-1.pdf"] == LETTER
    assert files["messages/2-1.eml"].decode() == MAIL
    assert "Vier Beispiel" in files["README.txt"].decode()
    logged = list(csv.DictReader(StringIO(files["contact_log.csv"].decode("utf-8-sig"))))
    assert [(row["channel"], row["event"]) for row in logged] == [("letter", "accepted"), ("email", "accepted")]
    [told] = csv.DictReader(StringIO(files["invoices.csv"].decode("utf-8-sig")))
    assert (told["invoice_no"], told["amount"], told["open_principal"]) == ("R-4", "1200.00", "920.32")


def test_the_sums_are_those_of_the_statement_and_paid_interest_is_in_no_clause(config: Path, tmp_path: Path) -> None:
    contactd("dossier", "K-4", *AS_OF, "--output", tmp_path / "a.zip", "--config", config)
    files = opened(tmp_path / "a.zip")
    application: dict[str, Any] = json.loads(files["application.json"])
    stated = json.loads(files["statement.json"])
    [claim] = application["claims"]
    assert (claim["catalogue"], claim["invoice"], claim["in_default_since"]) == (11, "R-4", "2025-01-15")
    assert [one["words"] for one in claim["interest_clauses"]] == [
        "5 Prozentpunkte über dem jeweiligen Basiszinssatz aus 920,32\xa0€ ab dem 10.04.2025"
    ]
    assert [(line["days"], line["interest"]["amount"]) for line in stated["claims"][0]["segments"]] == [
        (85, "20.32"), (82, "15.03"), (92, "14.54"),
    ]  # fmt: skip
    parts = [claim["amount"], claim["interest_computed"], claim["interest_until_as_of"]]
    parts += [cost["amount"] for cost in application["costs"]]
    whole = sum(map(money, parts))
    assert whole == money(application["totals"]["open"]) == money(stated["open"]) == Decimal("949.89")
    words = " ".join(PdfReader(BytesIO(files["statement.pdf"])).pages[0].extract_text().split())
    assert "949,89 €" in words
    assert application["applicant"]["represented_by"] == "Vorstand Erika Beispiel"
    rows = list(csv.reader(StringIO(files["application.csv"].decode("utf-8-sig"))))
    assert ["totals", "", "open", "949.89 EUR"] in rows


def test_a_word_of_a_list_is_no_formula_in_the_tables_for_a_lawyer(config: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(ROWS.replace("Vier Beispiel", "=1+1").replace("R-4", "=2+2"))
    assert contactd("import", "accounts", tmp_path / "a.csv", "--config", config).code == 0
    contactd("dossier", "K-4", *AS_OF, "--output", tmp_path / "a.zip", "--config", config)
    files = opened(tmp_path / "a.zip")
    assert b"\n'=2+2," in files["invoices.csv"]
    assert b",'=1+1\r\n" in files["application.csv"]
    assert b'"=1+1"' in files["application.json"]


def test_the_same_day_gives_the_same_bytes(config: Path, tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        contactd("dossier", "K-4", *AS_OF, "--output", tmp_path / name, "--config", config)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_a_letter_that_was_changed_and_a_mail_that_was_not_kept_are_left_out_and_said(
    config: Path, tmp_path: Path
) -> None:
    (tmp_path / "letters" / "archive" / "2025-02-01" / "1-1.pdf").write_bytes(b"%PDF-1.7 another letter")
    database = open_database(f"sqlite:///{tmp_path / 'contactd.db'}")
    with database.transaction() as connection:
        connection.execute(sa.text("DELETE FROM sent_message"))
    database.close()
    made = contactd("dossier", "K-4", *AS_OF, "--output", tmp_path / "a.zip", "--language", "en", "--config", config)
    assert made.code == 6
    assert "1-1.pdf is not what was sent" in made.err
    files = opened(tmp_path / "a.zip")
    assert not [name for name in files if name.startswith(("letters/", "messages/"))]
    problems = json.loads(files["manifest.json"])["problems"]
    assert [one.partition(":")[0] for one in problems] == [
        "letter of 2025-02-01, attempt 1", "email of 2025-02-01, attempt 2",
    ]  # fmt: skip
    assert all(one in files["README.txt"].decode() for one in problems)


def test_wrong_words_are_told(config: Path, tmp_path: Path) -> None:
    assert "no account 'K-9'" in contactd("dossier", "K-9", "--output", tmp_path / "a.zip", "--config", config).err
    french = contactd("dossier", "K-4", "--output", tmp_path / "a.zip", "--language", "fr", "--config", config)
    assert (french.code, "there are de and en" in french.err) == (3, True)
    lost = contactd("dossier", "K-4", "--output", tmp_path / "no folder" / "a.zip", "--config", config)
    assert (lost.code, "a.zip cannot be written (No such file or directory)" in lost.err) == (1, True)
    assert "Traceback" not in lost.err
