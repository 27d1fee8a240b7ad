"""Notices about agreements with the running program: agreed at the command line, sent by the daemon, once."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.acceptance.program import contactd
from tests.acceptance.test_daemon import eventually
from tests.faults.life import Life
from tests.faults.stage import Stage, now, open_stage

CUSTOMERS = 2


@pytest.fixture
def stage(tmp_path: Path, database_url: str) -> Iterator[Stage]:
    with open_stage(tmp_path, database_url, emails=CUSTOMERS, texts=1) as stage:
        yield stage


def agree(life: Life, *words: str) -> str:
    ended = contactd("agree", *words, "--config", life.config)
    assert ended.code == 0, ended.err
    return ended.out


def told(life: Life, account: str) -> list[tuple[str, str, str]]:
    """Read what the log tells of an account's notices."""
    rows = [json.loads(line) for line in contactd("log", account, "--json", "--config", life.config).out.splitlines()]
    return [(row["step"], row["event"], row["reason"]) for row in rows if row["campaign"] == "agreement"]


def test_agreements_are_confirmed_once_also_after_a_kill_and_not_when_withdrawn_before(stage: Stage) -> None:
    life = stage.life("office")
    day = str(now().date() + timedelta(days=20))
    agree(life, "promise", "email-0", "--on", day)
    agree(life, "withdraw", "1", "--reason", "asked us to")
    assert told(life, "email-0") == [("confirmation", "cancelled", "agreement_withdrawn")]
    agree(life, "plan", "email-1", "--first", day, "--instalments", "2", "--confirmed")
    agree(life, "promise", "sms-0", "--on", day)
    life.start()
    life.wait_ready()
    eventually(lambda: sum(stage.mails().values()) == 1 and sum(stage.messages().values()) == 1)
    stage.finish(60)
    life.kill()
    life.start()
    life.wait_ready()
    stage.finish(60)
    assert (list(stage.mails().values()), list(stage.messages().values())) == ([1], [1])
    assert [event for _, event, _ in told(life, "email-1")] == ["sending", "accepted"]
    assert life.stop() == 0
