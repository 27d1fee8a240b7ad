"""What other software asks for is obeyed: a rest, to be left alone; and what was given up is not kept for ever."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from contactd.config.settings import Sections, Settings
from contactd.domain.hook import LONGEST_REST
from contactd.engine.hooks import failing
from contactd.engine.records import retention
from contactd.store import hooks
from contactd.store.database import Database
from tests.engine.hooked import DAY, Office, open_office


@pytest.fixture
async def office(database: Database) -> AsyncIterator[Office]:
    async with open_office(database) as office:
        yield office


@pytest.mark.parametrize("status", [429, 503])
async def test_who_asks_for_a_rest_is_given_it_whatever_happens_meanwhile(office: Office, status: int) -> None:
    office.listener.answers, office.listener.retry_after = [status], "120"
    office.happen(1)
    await office.tell()
    office.happen(2)
    for _ in range(3):
        office.clock.advance(39)
        await office.tell()
    assert (len(office.listener.ledger), office.accounts) == (1, [])
    told = failing([office.standing()], office.clock.now())["crm"]
    assert (told["state"], told["error"]) == ("failing", f"answered {status}")
    assert told["rests_until"] == (office.clock.now() + timedelta(seconds=3)).isoformat(timespec="seconds")
    office.clock.advance(3)
    await office.tell()
    assert (office.accounts, office.standing().waiting) == (["K-1", "K-2"], 0)
    assert failing([office.standing()], office.clock.now())["crm"]["rests_until"] is None


async def test_a_rest_somebody_asks_for_with_another_refusal_is_about_that_event_alone(office: Office) -> None:
    office.listener.broken, office.listener.retry_after = {"K-1"}, "600"
    office.happen(1)
    office.happen(2)
    await office.tell()
    assert office.accounts == ["K-2"]
    office.clock.advance(599)
    await office.tell()
    assert len(office.listener.ledger) == 2, "the pause would have been five seconds"
    office.clock.advance(1)
    await office.tell()
    assert len(office.listener.ledger) == 3


async def test_who_wants_to_be_told_nothing_more_is_told_nothing_until_somebody_says_so(office: Office) -> None:
    office.listener.answers = [410]
    office.happen(1)
    with capture_logs() as lines:
        await office.tell()
    assert [line["event"] for line in lines if line["log_level"] == "error"] == ["webhook_disabled"]
    office.happen(2)
    office.clock.advance(2 * DAY)
    await office.tell(office.another())
    told = failing([office.standing()], office.clock.now())["crm"]
    assert (told["state"], told["waiting"], told["given_up"]) == ("disabled", 1, 0)
    assert told["error"] == "answered 410: it wants to be told nothing more"
    assert len(office.listener.ledger) == 1
    with office.database.transaction() as connection:
        assert hooks.retry(connection, "crm", office.clock.now()) == 1
    await office.tell()
    assert office.accounts == ["K-1", "K-2"], "what happened meanwhile is told as well"


async def test_a_rest_ends_when_somebody_says_so(office: Office) -> None:
    office.listener.answers, office.listener.retry_after = [429], "9" * 30
    office.happen(1)
    await office.tell()
    until = office.standing().rests_until
    assert until is not None
    assert until - office.clock.now() == LONGEST_REST
    with office.database.transaction() as connection:
        hooks.retry(connection, "crm", office.clock.now())
    await office.tell()
    assert office.accounts == ["K-1"]


async def test_what_was_given_up_is_dropped_once_it_was_kept_long_enough(office: Office) -> None:
    sections = Settings.of(Sections(webhooks=(office.hook,)), Path("contactd.toml"))
    [step] = [one for one in retention.STEPS if one.due is retention.due_events]
    office.listener.broken = {"K-1", "K-2"}
    office.happen(1)
    for _ in range(8):
        await office.tell()
        office.clock.advance(DAY / 6)
    since = office.standing().given_up_since
    assert since is not None
    office.happen(2)
    await office.tell()

    def clean(days: int) -> int:
        now = since + timedelta(days=days, seconds=1)
        with office.database.transaction() as connection:
            due = step.due(connection, 0, sections, now)
            return step.erase(connection, due, sections, now).rows if due else 0

    assert (clean(29), office.standing().given_up) == (0, 1)
    assert (clean(30), office.standing().given_up, office.standing().waiting) == (1, 0, 1), "what waits is not dropped"
