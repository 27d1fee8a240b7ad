"""The demo: the whole job in seconds, counted from the contact log to the row, and nothing personal in the log."""

import json
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from contactd.demo import rows_of
from tests.acceptance.program import Ended, contactd


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended]:
    folder = tmp_path_factory.mktemp("demo") / "files"
    return folder, contactd("demo", "--json", "--seconds", "12", "--speed", "120", "--dir", folder)


def test_the_demo_reconciles_with_the_contact_log_to_the_row(rehearsal: tuple[Path, Ended]) -> None:
    folder, ended = rehearsal
    assert ended.code == 0, ended.err
    told = ended.json()
    assert told["reconciled"] is True
    assert all(told["checks"].values())
    assert told["accounts"] == 2_000
    assert told["batches"] == 4
    assert told["attempts"]["email"]["accepted"] > 0  # how many depends on the machine
    assert told["calls"]["placed"] >= told["calls"]["answered"] >= told["calls"]["connected"] > 0
    assert told["attempts"]["task"]["accepted"] > 0
    assert told["payments"] > 0
    assert told["held"]["stopped"] > 0
    assert told["held"]["on_hold"] > 0
    logged = contactd("log", "--json", "--config", folder / "contactd.toml").out.splitlines()
    assert len(logged) == told["log_rows"]
    newest = {row["attempt_id"]: row for row in map(json.loads, logged) if row["event"] != "disposition"}
    outcomes = Counter((row["channel"], row["outcome"]) for row in newest.values() if row["attempt_id"])
    for channel, counted in told["attempts"].items():
        for outcome, count in counted.items():
            if outcome not in {"planned", "claimed"}:
                assert outcomes[channel, outcome] == count


def test_the_demo_contacts_each_kind_of_customer_as_the_shipped_policies_say(rehearsal: tuple[Path, Ended]) -> None:
    folder, _ = rehearsal
    rows = {row["account_no"]: row for row in rows_of(1, 2_000, date(2026, 12, 1))}
    lines = contactd("log", "--json", "--config", folder / "contactd.toml").out.splitlines()
    told = [json.loads(line) for line in lines]
    ways: dict[str, Counter[str]] = {}
    for one in told:
        if one["event"] in {"accepted", "delivered", "failed"}:
            segment = rows[one["account_no"]]["segment"]
            ways.setdefault(one["campaign"], Counter())[f"{segment} by {one['channel']}"] += 1
    assert set(ways["behoerden-grosskunden"]) == {"strategic by task", "government by task"}
    assert ways["geschaeftskunden"]["commercial by call"] > 0
    assert ways["mahnung-standard"]["private by email"] > 0
    assert [row for row in told if row["step"] == "ansage"]
    tasks = contactd("tasks", "--json", "--config", folder / "contactd.toml").json()
    assert {(task["kind"], task["owner"]) for task in tasks} == {("meeting", "anna")}
    assert all(task["due_on"] for task in tasks)


def test_the_daemons_log_names_no_customer(rehearsal: tuple[Path, Ended]) -> None:
    folder, _ = rehearsal
    log = (folder / "contactd.log").read_text()
    assert '"event": "started"' in log
    opening = json.loads(log.splitlines()[-1])["time"][:10]
    rows = rows_of(1, 2_000, date.fromisoformat(opening))
    private = {row[key] for row in rows for key in ("name", "email", "phone", "mobile", "street") if row[key]}
    assert [word for word in private if word in log] == []


def test_a_folder_with_a_database_is_not_overwritten(rehearsal: tuple[Path, Ended]) -> None:
    folder, _ = rehearsal
    again = contactd("demo", "--dir", folder, "--seconds", "1")
    assert again.code == 2
    assert "name an empty folder" in again.err


@pytest.mark.parametrize("how", [(), ("--desk",)])
def test_a_folder_with_a_configuration_is_left_as_it_is(tmp_path: Path, how: tuple[str, ...]) -> None:
    real = '[smtp]\nhost = "mail.example"\nsender = "a@mail.example"\n'
    (tmp_path / "contactd.toml").write_text(real, encoding="utf-8")
    ended = contactd("demo", *how, "--dir", tmp_path)
    assert (ended.code, "name an empty folder" in ended.err) == (2, True)
    assert (tmp_path / "contactd.toml").read_text(encoding="utf-8") == real
    assert not (tmp_path / "contactd.db").exists()


def test_a_person_sees_a_table_of_what_happens_and_the_result(tmp_path: Path) -> None:
    ended = contactd("demo", "--seconds", "3", "--accounts", "100", "--dir", tmp_path / "files")
    assert ended.code == 0, ended.err
    assert "reconciled with the contact log" in ended.out
    assert "working: " in ended.err
    assert "contactd demo --desk" in ended.out
