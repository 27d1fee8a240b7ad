"""A running daemon sends nothing of a run before somebody approves it at the command line; two may not both do so."""

import csv
import io
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.program import Ended, command, contactd
from tests.acceptance.test_daemon import eventually
from tests.faults.life import Life
from tests.faults.stage import Stage, open_stage

ACCOUNTS = 12


@pytest.fixture
def stage(tmp_path: Path, database_url: str) -> Iterator[Stage]:
    with open_stage(tmp_path, database_url, emails=ACCOUNTS, texts=2) as opened:
        yield opened


@pytest.fixture
def life(stage: Stage) -> Life:
    made = stage.life("office")
    file = made.folder / "campaigns.d" / "email.toml"
    file.write_text('approval = "required"\napprove_within = "1 hour"\n' + file.read_text())
    return made


def ask(life: Life, *arguments: str) -> Ended:
    return contactd(*arguments, "--config", life.config)


def test_a_running_daemon_sends_only_what_was_approved(stage: Stage, life: Life) -> None:
    life.start()
    life.wait_ready()
    assert life.plan("email")  # as the timetable does: a proposal
    [waiting] = ask(life, "runs", "--json").json()
    run = str(waiting["run"])
    assert (waiting["state"], waiting["planned_by"], waiting["accounts"]) == ("proposed", "contactd", ACCOUNTS)
    status = ask(life, "status", "--json").json()["campaigns"]["email"]
    assert (status["awaits_approval"]["run"], status["awaits_approval"]["accounts"]) == (waiting["run"], ACCOUNTS)
    assert "awaits_approval" in ask(life, "status").out
    assert not life.plan("email")
    refused = ask(life, "plan", "email", "--now")
    assert (refused.code, "contactd plan email --propose" in refused.err) == (2, True)
    assert life.plan("sms")  # of another campaign, which asks nobody
    eventually(lambda: stage.states() == {("sms", "delivered"): 2})
    assert not stage.mails()
    assert ask(life, "proposal", "drop", run, "email-3", "--reason", "visit").out == f"run {run}: 1 dropped\n"
    approved = ask(life, "proposal", "approve", run, "--by", "anna", "--json").json()
    assert (approved["released"], approved["dropped"]) == (ACCOUNTS - 1, {"visit": 1})
    eventually(lambda: sum(stage.mails().values()) == ACCOUNTS - 1)
    eventually(lambda: stage.states()["email", "accepted"] == ACCOUNTS - 1)
    [done] = ask(life, "runs", "email", "--json").json()
    assert (done["state"], done["decided_by"].startswith("anna (")) == ("executed", True)
    assert ask(life, "proposal", "reject", run, "--reason", "too late").code == 1
    logged = [json.loads(line) for line in ask(life, "log", "email-3", "--json").out.splitlines()]
    assert [(one["event"], one["reason"]) for one in logged] == [("dropped", "visit")]
    assert life.stop() == 0, life.log_tail()
    assert "executed" in ask(life, "runs").out


def test_a_proposal_is_shown_in_words_as_json_and_as_csv(life: Life) -> None:
    proposed = ask(life, "plan", "email", "--propose")
    assert (proposed.code, f"of {ACCOUNTS} accounts waits for approval" in proposed.out) == (0, True)
    [run] = [str(one["run"]) for one in ask(life, "runs", "--json").json()]
    assert ask(life, "proposal", "drop", run, "email-1", "--reason", "visit").code == 0
    assert ask(life, "stop", "email-4", "--reason", "asked for it").code == 0
    words = ask(life, "proposal", "show", run).out
    assert ("level 1, then nothing" in words, "dropped: visit" in words) == (True, True)
    assert ("would fall out now" in words, "would fall out: stopped" in words) == (True, True)
    shown = ask(life, "proposal", "show", run, "--json").json()
    assert [line["account"] for line in shown["lines"]] == [f"email-{number}" for number in range(ACCOUNTS)]
    rows = list(csv.DictReader(io.StringIO(ask(life, "proposal", "show", run, "--csv").out)))
    assert [one["account"] for one in shown["falls_out"]] == ["email-4"]
    assert [row["account"] for row in rows if row["falls_out"] == "stopped"] == ["email-4"]
    assert (len(rows), rows[1]["account"], rows[1]["dropped"]) == (ACCOUNTS, "email-1", "visit")
    assert f"run {run} waits for approval with reminder, until" in ask(life, "why", "email-2").out
    assert ask(life, "why", "email-1", "--json").json()[0]["proposed"] == []
    again = ask(life, "plan", "email", "--propose")
    assert (again.code, f"contactd proposal show {run}" in again.err) == (1, True)
    assert ask(life, "plan", "email", "--propose", "--now").code == 2
    assert ask(life, "proposal", "reject", run, "--reason", "not today").out == f"run {run} is rejected\n"
    [fresh] = ask(life, "plan", "email", "--propose", "--json").json()
    assert (fresh["state"], fresh["accounts"]) == ("proposed", ACCOUNTS - 1)


def test_of_two_programs_that_approve_at_once_one_wins_and_the_other_is_told(stage: Stage, life: Life) -> None:
    [proposed] = ask(life, "plan", "email", "--propose", "--json").json()
    line = [*command(), "proposal", "approve", str(proposed["run"]), "--config", str(life.config)]
    both = [subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    told = [one.communicate(timeout=120) for one in both]
    assert sorted(one.returncode for one in both) == [0, 1]
    assert sum("is executed already" in err for _, err in told) == 1
    assert stage.states() == {("email", "planned"): ACCOUNTS}


def test_a_program_that_is_killed_while_it_approves_has_done_it_wholly_or_not(stage: Stage, life: Life) -> None:
    [proposed] = ask(life, "plan", "email", "--propose", "--json").json()
    line = [*command(), "proposal", "approve", str(proposed["run"]), "--config", str(life.config)]
    for wait in (0.6, 0.9, 1.2, 1.5):
        with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as program:
            time.sleep(wait)
            program.kill()
        [row] = ask(life, "runs", "--json").json()
        left = stage.states()
        assert (row["state"], left) in (("proposed", {}), ("executed", {("email", "planned"): ACCOUNTS}))
    ask(life, "proposal", "approve", str(proposed["run"]))
    assert stage.states() == {("email", "planned"): ACCOUNTS}


def test_four_eyes_at_one_terminal_are_two(life: Life) -> None:
    settings = life.config.read_text().replace("[planning]", "[planning]\nfour_eyes = true")
    life.config.write_text(settings)
    [proposed] = ask(life, "plan", "email", "--propose", "--json").json()
    refused = ask(life, "proposal", "approve", str(proposed["run"]), "--by", "somebody else")
    assert (refused.code, "somebody else has to approve it" in refused.err) == (1, True)
