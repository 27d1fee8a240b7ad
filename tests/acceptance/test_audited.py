"""Every verb of the command line: what changes something stands in the audit log, and what only looks changes nothing.

None lets words of others, however they came in, command the terminal. A new verb has to be put into one of the tables.
"""

import getpass
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
import sqlalchemy as sa

from contactd.cli.main import cli
from contactd.domain.account import Channel
from contactd.domain.attempt import Event
from contactd.store import attempts, audit, contact_log, hooks
from contactd.store.attempts import Transition
from contactd.store.columns import metadata
from contactd.store.database import Database, open_database
from contactd.store.schema import attempt
from tests.acceptance.program import contactd
from tests.fakes.bank import Account, Booking, Payment, camt

ME = f"cli:{getpass.getuser()}"
TODAY = str(datetime.now(UTC).date())
SOON = str(datetime.now(UTC).date() + timedelta(days=9))
AT = f"{SOON}T10:00+01:00"
CONFIG = """\
[operator]
name = "Musterstadtwerke GmbH"
kind = "collection-agency"
contact_person = "Karin Beispiel"
phone = "+49 30 23125 042"
[claims]
due_date_agreed = true
[creditors.acme]
iban = "DE02120300000000202051"
[smtp]
host = "mail.example"
sender = "desk@example.com"
[telephony]
backend = "simulated"
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
[[step]]
id = "anruf"
channel = "call"
day = 20
mode = "progressive"
[[arm]]
id = "a"
share = 0.5
[[arm]]
id = "b"
share = 0.5
"""
HEAD = (
    "account_no,creditor,name,kind,country,mobile,email,invoice_no,invoice_date,due_date,amount,open,currency,street,"
    "postcode,city\n"
)
ROW = (
    "K-{n},acme,Kim Beispiel,consumer,DE,+493023125{n:03},k{n}@example.com,R-{n},2026-03-01,2026-03-31,1000.00,1000.00,"
    "EUR,Weg 1,00001,Ort\n"
)
ACCOUNTS = HEAD + "".join(ROW.format(n=n) for n in range(1, 20))
PAYMENTS = "invoice_no,amount,currency,value_date,reference\n"
NOBODYS = Payment(100_000, ("no idea",), bank_ref="A1", name="Carla Beispiel")
STATEMENT = camt([Account([Booking((NOBODYS,), bank_ref="A1")])])
COURT = ("--to", "court", "--anyway", "limitation", "--reason", "nothing helped")

# A day in which every verb that changes something is used once, in order; with what it is about.
DAY: list[tuple[str, tuple[str, ...], str]] = [
    ("import accounts", ("accounts.csv", "--full"), "import:1"),
    ("import payments", ("payments.csv",), "import:2"),
    ("import statement", ("bank.xml",), "import:3"),
    ("payments assign", ("1", "K-1"), "account:K-1"),
    ("plan", ("standard", "--propose"), "campaign:standard"),
    ("proposal drop", ("1", "K-2", "--reason", "visit"), "run:1"),
    ("proposal approve", ("1",), "run:1"),
    ("settle", ("1", "sent", "--reason", "seen"), "attempt:1"),
    ("plan", ("standard", "--propose"), "campaign:standard"),
    ("proposal reject", ("2", "--reason", "no"), "run:2"),
    ("letters returned", ("K-3",), "reference:K-3"),
    ("agree costs", ("K-4", "--amount", "10.00"), "account:K-4"),
    ("agree promise", ("K-4", "--on", SOON), "account:K-4"),
    ("agree confirm", ("1",), "agreement:1"),
    ("agree withdraw", ("1", "--reason", "no"), "agreement:1"),
    ("agree deferral", ("K-5", "--until", SOON, "--cost-notice-sent", TODAY), "account:K-5"),
    ("agree plan", ("K-6", "--first", SOON, "--instalments", "4", "--cost-notice-sent", TODAY), "account:K-6"),
    ("agree sent", ("3",), "agreement:3"),
    ("agree dispute", ("K-7", "--invoice", "R-7", "--reason", "wrong"), "account:K-7"),
    ("agree uphold", ("4", "--reason", "right"), "agreement:4"),
    ("agree dispute", ("K-8", "--invoice", "R-8", "--reason", "wrong"), "account:K-8"),
    ("agree reject", ("5", "--reason", "wrong"), "agreement:5"),
    ("agree hardship", ("K-9",), "account:K-9"),
    ("agree says-paid", ("K-10",), "account:K-10"),
    ("agree settlement", ("K-11", "--amount", "500.00", "--on", SOON), "account:K-11"),
    ("agree callback", ("K-12", "--at", AT), "account:K-12"),
    ("agree wrong-number", ("K-13", "+493023125013"), "account:K-13"),
    ("agree represented", ("K-14", "--by", "RA Beispiel"), "account:K-14"),
    ("task open", ("K-15", "meeting"), "account:K-15"),
    ("task assign", ("1", "anna"), "task:1"),
    ("task postpone", ("1", SOON), "task:1"),
    ("task done", ("1", "--outcome", "met"), "task:1"),
    ("task open", ("K-15", "other"), "account:K-15"),
    ("task drop", ("2", "--reason", "no"), "task:2"),
    ("post cost", ("K-16", "12.50", "--for", "inquiry", "--reason", "asked"), "account:K-16"),
    ("post reverse", ("1", "--reason", "twice"), "posting:1"),
    ("post write-off", ("K-16", "--reason", "gone"), "account:K-16"),
    ("claim refused", ("K-16", "--reason", "letter"), "account:K-16"),
    ("claim acknowledged", ("K-16", "--reason", "letter"), "account:K-16"),
    ("claim withdraw", ("1", "--reason", "twice"), "circumstance:1"),
    ("claim negotiations", ("K-16", "--reason", "letter"), "account:K-16"),
    ("claim end", ("3",), "circumstance:3"),
    ("claim court-order", ("K-16", "--reason", "served"), "account:K-16"),
    ("claim title", ("K-16", "--reason", "final"), "account:K-16"),
    ("hand-over propose", ("K-17", *COURT), "account:K-17"),
    ("hand-over approve", ("K-17",), "account:K-17"),
    ("hand-over withdraw", ("K-17", "--reason", "paid"), "account:K-17"),
    ("stop", ("K-18",), "account:K-18"),
    ("export gdpr", ("K-18",), "account:K-18"),
    ("erase", ("K-1", "--restrict", "--reason", "asked"), "account:K-1"),
    ("dossier", ("K-19", "--output", "K-19.zip"), "account:K-19"),
    ("pause", ("standard", "--reason", "fair"), "campaign:standard"),
    ("resume", ("standard",), "campaign:standard"),
    ("agents add", ("kim", "--role", "admin", "--full-name", "Kim"), "login:kim"),
    ("agents reset", ("kim",), "login:kim"),
    ("agents disable", ("kim",), "login:kim"),
    ("tokens add", ("erp", "--scope", "log:read"), "token:erp"),
    ("tokens revoke", ("erp",), "token:erp"),
    ("webhooks retry", ("crm",), "webhook:crm"),
    ("webhooks forget", ("crm",), "webhook:crm"),
]  # fmt: skip
# What only looks, or seals what is there.
LOOKS: list[tuple[str, tuple[str, ...]]] = [
    ("plan", ("standard",)), ("runs", ()), ("proposal show", ("1",)), ("why", ("K-1",)), ("statement", ("K-1",)),
    ("report control", ()), ("report contacts", ()), ("report promises", ()), ("report hours", ()),
    ("report arms", ("standard",)), ("report limitation", ()),
    ("report remittance", ("--from", "2026-01-01", "--to", "2026-02-01")), ("payments unmatched", ()),
    ("agents list", ()), ("tokens list", ()), ("webhooks list", ()), ("log show", ()), ("log verify", ()),
    ("audit", ()), ("agreements", ()), ("tasks", ()), ("post list", ("K-1",)), ("claim list", ("K-1",)),
    ("hand-over list", ()), ("settle", ()),
]  # fmt: skip
ELSEWHERE = {
    "run": "the daemon", "demo": "a database of its own", "simulate dialer": "no database",
    "simulate year": "a database of its own", "check": "files", "preview": "files", "schema": "files",
    "config show": "files", "doctor": "looks, and calls one's own telephone", "migrate": "tables, before any log",
    "log seal": "what the daemon does every minute; it decides nothing",
    "status": "asks the daemon", "agents": "asks the daemon", "agent": "the daemon notes it: tests/web/test_control.py",
    "reload": "the daemon notes it: tests/web/test_control.py",
}  # fmt: skip

# What a terminal obeys: a colour, the clearing of the screen, a line of its own, text from right to left.
MARK = "OBEYED"
EVIL = f"\x1b[31m\n{MARK}\x9b2J\u202e"
COMMANDS = "\x1b\x9b\u202e"
CHOSEN = frozenset({"visit", "seen", "no", "wrong", "right", "RA Beispiel", "met", "asked", "twice", "gone", "letter",
                    "served", "final", "nothing helped", "paid", "fair"})  # fmt: skip
WORDS = {
    "account": "name street city", "attempt": "reason agent",
    "contact_log": "reason agent", "pause": "reason by",
    "proposal": "proposed_by decided_by reason", "proposal_line": "dropped dropped_by", "suppression": "source",
    "token": "made_by", "login": "full_name", "audit": "who old new reason", "invoice": "goods terms",
    "handover": "reason anyway proposed_by decided_by decision", "payment": "reference payer",
    "returned_mail": "reason",
    "task": "owner note outcome opened_by", "agreement": "reason owner made_by", "agreement_event": "by reason",
    "circumstance": "by reason withdrawn_by withdrawal", "posting": "by reason", "hook_event": "error",
}  # fmt: skip
# What is known to tell such words; others may.
SPEAKING = frozenset(
    {"why", "statement", "log show", "audit", "tasks", "agreements", "claim list", "post list", "agents list",
     "runs", "proposal show"}
)  # fmt: skip


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Name every verb there is, groups that do something by themselves too."""
    if not isinstance(command, click.Group):
        yield " ".join(path)
        return
    if command.invoke_without_command:
        yield " ".join(path)
    context = click.Context(command)
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        assert below is not None
        yield from leaves(below, (*path, name))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "campaigns.d").mkdir()
    files = {
        "contactd.toml": CONFIG, "campaigns.d/standard.toml": CAMPAIGN, "accounts.csv": ACCOUNTS,
        "payments.csv": PAYMENTS, "bank.xml": STATEMENT,
    }  # fmt: skip
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert contactd("migrate", cwd=tmp_path).code == 0
    return tmp_path


@pytest.fixture
def database(folder: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{folder / 'contactd.db'}")
    yield opened
    opened.close()


def prepare(database: Database, verb: str) -> None:
    """Let there be what a verb needs and no verb makes: a contact nobody knows the end of, letters, a webhook."""
    now = datetime.now(UTC)
    with database.transaction() as connection:
        if verb == "settle":
            claimed = attempts.claim(connection, Channel.LETTER, owner="a", now=now, lease=timedelta(hours=1), limit=1)
            assert claimed
            for event in (Event.BEGUN, Event.LOST_SIGHT):
                attempts.apply(connection, [Transition(1, None, event, now, outcome="unclear")])
        if verb == "letters returned":
            sent = {"state": "accepted", "claim_no": 1, "sending_at": now, "ended_at": now}
            connection.execute(sa.update(attempt).where(attempt.c.account_id == 3).values(sent))
        if verb == "webhooks retry":
            hooks.begin(connection, "crm", 0)
            contact_log.add(connection, [{"at": now, "event": "delivered", "outcome": "delivered"}])
            hooks.collect(connection, "crm", ["outcome"], 10**6, now)


def test_every_verb_is_known_to_change_something_or_not_to() -> None:
    known = {verb for verb, *_ in DAY} | {verb for verb, _ in LOOKS} | set(ELSEWHERE)
    assert set(leaves(cli)) == known, "put it into one of the tables"


def test_whatever_changes_something_stands_in_the_audit_log(folder: Path, database: Database) -> None:
    wrong, last = [], 0
    for verb, words, about in DAY:
        prepare(database, verb)
        env = {"LOGNAME": "chief"} if verb == "hand-over approve" else {}
        ended = contactd(*verb.split(), *words, cwd=folder, env=env)
        with database.snapshot() as connection:
            rows = audit.read(connection, after=last)
        last = rows[-1].id if rows else last
        told = [(row.who, row.what, row.about) for row in rows]
        if ended.code != 0 or told != [("cli:chief" if env else ME, verb, about)]:
            wrong.append((verb, ended.code, ended.out[-200:], ended.err, told))
    assert not wrong, "\n".join(map(str, wrong))


def test_what_only_looks_changes_nothing(folder: Path, database: Database) -> None:
    for verb, words, _ in DAY[:6]:
        assert contactd(*verb.split(), *words, cwd=folder).code == 0
    before = everything(database)
    for verb, words in LOOKS:
        ended = contactd(*verb.split(), *words, cwd=folder)
        assert (ended.code, verb) == (0, verb), ended.err
        assert everything(database) == before, verb
    assert contactd("log", "seal", cwd=folder).code == 0
    assert everything(database)["audit"] == before["audit"]


def test_who_imports_what_and_how_is_told(folder: Path) -> None:
    assert contactd("import", "accounts", "accounts.csv", cwd=folder).code == 0
    (folder / "few.csv").write_text(HEAD + ROW.format(n=1))
    assert contactd("import", "accounts", "few.csv", "--full", cwd=folder).code == 4
    assert contactd("import", "accounts", "few.csv", "--full", "--force", cwd=folder).code == 0
    (folder / "bad.csv").write_text(PAYMENTS + "R-1,many,EUR,2026-03-01,x\n")
    assert contactd("import", "payments", "bad.csv", cwd=folder).code == 1, "accounts it names are held all the same"
    rows = contactd("audit", "--json", cwd=folder).json()
    assert [(row["what"], row["about"], row["new"]) for row in rows] == [
        ("import accounts", "import:1", "accounts.csv"),
        ("import accounts", "import:2", "few.csv, full, force"),
        ("import payments", "", "bad.csv"),
    ]


def test_words_of_others_neither_command_the_terminal_nor_begin_a_line(folder: Path, database: Database) -> None:
    found = []
    for verb, words, _ in DAY:
        prepare(database, verb)
        env = {"LOGNAME": "chief"} if verb == "hand-over approve" else {}
        found.append((verb, contactd(*verb.split(), *map(spoiled, words), cwd=folder, env=env)))
        spoil(database, WORDS)
    spoil(database, {"invoice": "invoice_no"})
    for verb, words in (*LOOKS, *((verb, ("K-16",)) for verb in ("why", "statement", "post list", "claim list"))):
        found += [(verb, contactd(*verb.split(), *words, *more, cwd=folder)) for more in ((), ("--json",))]
    assert [(verb, ended.err) for verb, ended in found if ended.code] == []
    refused = contactd("agree", "dispute", "K-9", "--invoice", "R-9", "--reason", "wrong", cwd=folder)
    assert (refused.code, MARK in refused.err) == (1, True)
    found.append(("agree dispute", refused))
    heard = [(verb, ended.out + ended.err) for verb, ended in found]
    obeyed = re.compile(rf"^(contactd: )?{MARK}|[{re.escape(COMMANDS)}]", re.MULTILINE)
    assert [(verb, text) for verb, text in heard if obeyed.search(text)] == []
    assert {verb for verb, text in heard if MARK in text} >= SPEAKING


def spoiled(word: str) -> str:
    """Put what would command a terminal behind words that people choose."""
    return word + EVIL if word in CHOSEN else word


def spoil(database: Database, words: Mapping[str, str]) -> None:
    """Put the same behind all words that people or files brought in."""
    with database.transaction() as connection:
        for table, names in words.items():
            of = metadata.tables[table]
            for name in names.split():
                new = sa.update(of).where(of.c[name] != "", ~of.c[name].contains(MARK))
                connection.execute(new.values({name: of.c[name] + EVIL}))


def everything(database: Database) -> dict[str, list[Any]]:
    """Read the whole database."""
    with database.snapshot() as connection:
        return {table.name: list(connection.execute(sa.select(table))) for table in metadata.sorted_tables}
