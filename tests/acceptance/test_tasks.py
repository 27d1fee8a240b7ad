"""Tasks and returned letters at the command line: a meeting the ladder waits for, a letter that came back."""

import contextlib
import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.acceptance.program import command, contactd


def today() -> date:
    """Tell the day of the campaign; asked anew by each test, for midnight may have come since they were collected."""
    return datetime.now(ZoneInfo("Europe/Berlin")).date()


CAMPAIGNS = """\
id = "standard"
language = "de"
timezone = "Europe/Berlin"
schedule = "0 0 29 2 *"
[select]
segments = ["", "strategic"]
[[step]]
id = "termin"
day = 3
channel = "task"
kind = "meeting"
owner = "anna"
within = "10 days"
text = "Termin vereinbaren"
select = { segments = ["strategic"] }
[[step]]
id = "mahnung-brief"
day = 3
channel = "letter"
template = "mahnung"
deadline = "10 days"
[[test]]
given = { open = "80.00 EUR", days_due = 3, segment = "strategic" }
on = "2026-12-01T10:00"
expect = "termin"
[[test]]
given = { open = "80.00 EUR", days_due = 3 }
on = "2026-12-01T10:00"
expect = "mahnung-brief"
"""
SETTINGS = """\
[operator]
name = "Musterstadtwerke GmbH"
street = "Werksweg 3"
postcode = "00002"
city = "Musterstadt"
[web]
port = 0
[letters]
backend = "spool"
[tasks]
owner = "post"
[agents.anna]
"""
DUE = today() - timedelta(days=20)
ROWS = f"""\
account_no,creditor,name,segment,language,country,street,postcode,city,invoice_no,invoice_date,due_date,amount,open,currency
K-1,acme,Eins,strategic,de,DE,Beispielweg 1,00001,Musterstadt,R-1,2026-01-01,{DUE},100.00,100.00,EUR
K-2,acme,Zwei,,de,DE,Beispielweg 2,00001,Musterstadt,R-2,2026-01-01,{DUE},100.00,100.00,EUR
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "campaigns.d").mkdir()
    (tmp_path / "campaigns.d" / "standard.toml").write_text(CAMPAIGNS)
    (tmp_path / "contactd.toml").write_text(SETTINGS)
    (tmp_path / "accounts.csv").write_text(ROWS)
    (tmp_path / "payments.csv").write_text("invoice_no,amount,currency,value_date,reference\n")
    for verb in (("migrate",), ("import", "accounts", "accounts.csv"), ("import", "payments", "payments.csv")):
        ended = contactd(*verb, cwd=tmp_path)
        assert ended.code == 0, ended.err
    return tmp_path


def eventually(holds: Callable[[], bool], seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.2)


@contextlib.contextmanager
def at_work(folder: Path) -> Iterator[None]:
    """Let a daemon carry out what is due."""
    with (folder / "daemon.log").open("w") as log, subprocess.Popen([*command(), "run"], cwd=folder, stderr=log) as run:
        try:
            eventually(lambda: contactd("plan", "--now", cwd=folder).code == 0)
            yield
        finally:
            run.send_signal(signal.SIGTERM)
            assert run.wait(60) == 0, (folder / "daemon.log").read_text()


def letters(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("letters/outbox/*/[!.]*.pdf")]


def events(folder: Path, account: str) -> list[tuple[str, str]]:
    logged = [json.loads(line) for line in contactd("log", account, "--json", cwd=folder).out.splitlines()]
    return [(one["event"], one["outcome"]) for one in logged]


def test_the_ladder_has_a_person_meet_the_customer_and_waits_for_it(folder: Path) -> None:
    checked = contactd("check", cwd=folder)
    assert checked.code == 0, checked.out + checked.err
    assert "termin" in contactd("plan", cwd=folder).out
    with at_work(folder):
        eventually(lambda: len(contactd("tasks", "--json", cwd=folder).json()) == 1 and len(letters(folder)) == 1)
        eventually(lambda: ("accepted", "accepted") in events(folder, "K-2"))
    [meeting] = contactd("tasks", "K-1", "--json", cwd=folder).json()
    assert (meeting["owner"], meeting["note"], meeting["step"]) == ("anna", "Termin vereinbaren", "termin")
    assert date.fromisoformat(meeting["due_on"]) == today() + timedelta(days=10)
    shown = contactd("tasks", "--owner", "anna", cwd=folder).out
    assert "K-1" in shown
    assert "Termin vereinbaren (standard/termin)" in shown
    told = " ".join(contactd("why", "K-1", cwd=folder).out.split())
    assert f"task 1: meeting by {meeting['due_on']}: anna: Termin vereinbaren" in told
    assert told.endswith("=> rest somebody has to do it first")
    done = contactd("task", "done", "1", "--outcome", "zahlt am Monatsende", "--reaction", cwd=folder)
    assert (done.code, "=> zahlt am Monatsende" in done.out) == (0, True), done.err
    assert contactd("why", "K-1", cwd=folder).out.split()[-3:] == ["=>", "rest", "reaction"]
    assert events(folder, "K-1") == [
        ("sending", ""), ("task_opened", "meeting"), ("accepted", "accepted"), ("task_done", "meeting"),
        ("delivered", "reaction"),
    ]  # fmt: skip
    came_back(folder)


def came_back(folder: Path) -> None:
    """Say that the letter to K-2 did, with a list that holds a mistake."""
    [name] = letters(folder)
    (folder / "back.txt").write_text(f"{name}\n\n999-1.pdf\n")
    some = contactd("letters", "returned", "--file", "back.txt", "--reason", "moved", cwd=folder)
    assert (some.code, some.out) == (
        6,
        f"{name}: letter {name.partition('-')[0]} to K-2 came back, address marked, task 2\n",
    )
    assert "999-1.pdf: there is no letter" in some.err
    again = contactd("letters", "returned", "K-2", cwd=folder)
    assert (again.code, again.out) == (0, "K-2: was noted before\n")
    assert events(folder, "K-2")[2:] == [("failed", "returned_mail"), ("suppressed", ""), ("task_opened", "address")]
    assert contactd("tasks", "--owner", "post", "--json", cwd=folder).json()[0]["kind"] == "address"
    assert "letters go again to K-2" in contactd("letters", "returned", "K-2", "--lift", cwd=folder).out
    assert "nothing stood against" in contactd("letters", "returned", "K-2", "--lift", cwd=folder).out
    assert not contactd("letters", "returned", "K-2", "--lift", "--json", cwd=folder).json()[0]["lifted"]
    deeds = contactd("export", "gdpr", "K-2", cwd=folder).json()["kept"]["audit"]
    assert [(one["what"], one["about"], one["new"]) for one in deeds] == [
        ("letters returned", f"reference:{name}", ""),
        ("letters returned", "reference:K-2", "lifted"),
    ]


def test_a_task_is_opened_by_hand_and_goes_its_way(folder: Path) -> None:
    due = str(today() + timedelta(days=3))
    opened = contactd("task", "open", "K-1", "creditor", "--due", due, "--note", "wrong invoice", cwd=folder)
    assert (opened.code, "creditor" in opened.out, "wrong invoice" in opened.out) == (0, True, True), opened.err
    assert "bernd" in contactd("task", "assign", "1", "bernd", cwd=folder).out
    later = str(today() + timedelta(days=9))
    assert later in contactd("task", "postpone", "1", later, "--reason", "ill", cwd=folder).out
    assert contactd("tasks", "--due", due, cwd=folder).err == "nothing is to be done\n"
    assert "dropped" in contactd("task", "drop", "1", "--reason", "paid", cwd=folder).out
    assert contactd("tasks", "--json", cwd=folder).json() == []
    assert [one["state"] for one in contactd("tasks", "K-1", "--all", "--json", cwd=folder).json()] == ["dropped"]
    assert [event for event, _ in events(folder, "K-1")] == [
        "task_opened", "task_assigned", "task_postponed", "task_dropped",
    ]  # fmt: skip


def test_wrong_words_are_told(folder: Path) -> None:
    assert contactd("tasks", "K-9", cwd=folder).code == 2
    assert contactd("task", "open", "K-9", "review", cwd=folder).code == 1
    assert contactd("letters", "returned", cwd=folder).code == 2
    nothing = contactd("letters", "returned", "K-1", cwd=folder)
    assert (nothing.code, "no letter to account 'K-1' is out" in nothing.err) == (1, True)
    (folder / "back.txt").write_bytes(b"\xff\xfe1")
    assert contactd("letters", "returned", "--file", "back.txt", cwd=folder).code == 2
    late = contactd("task", "done", "4", "--outcome", "well", cwd=folder)
    assert (late.code, "there is no task 4" in late.err) == (1, True)


FORGED = "fair\nK-9  approved by boss\x1b[2K\x9b2J\u202e"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (("task", "open", "K-1", "other", "--note", FORGED), ("tasks",)),
        (("claim", "refused", "K-1", "--reason", FORGED), ("claim", "list", "K-1")),
        (("post", "cost", "K-1", "5.00", "--reason", FORGED), ("post", "list", "K-1")),
        (("plan", "standard", "--propose"), ("runs",)),
        (("plan", "standard", "--propose"), ("proposal", "show", "1")),
    ],
    ids=lambda words: "-".join(words[:2]),
)
def test_no_words_of_others_begin_a_line_or_command_the_terminal(
    folder: Path, said: tuple[str, ...], shown: tuple[str, ...]
) -> None:
    done = contactd(*said, cwd=folder)
    assert done.code == 0, done.err
    if said[0] == "plan":
        assert contactd("proposal", "drop", "1", "K-1", "--reason", FORGED, cwd=folder).code == 0
        if shown == ("runs",):
            assert contactd("proposal", "reject", "1", "--reason", FORGED, cwd=folder).code == 0
    told = contactd(*shown, cwd=folder).out
    assert "fair K-9  approved" in told
    assert [line for line in told.splitlines() if line.startswith("K-9") or not line.isprintable()] == []
