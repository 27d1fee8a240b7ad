"""Customers who call us by a real Asterisk: put through, kept waiting, sent away; and a daemon killed meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from contactd.config.load import load
from contactd.domain.call import Disposition
from contactd.domain.queueing import Priority
from contactd.store import schema
from contactd.store.database import Database, open_database
from tests.calls import town as people
from tests.calls.ari import Ari
from tests.calls.asterisk import Asterisk
from tests.calls.office import CALLER, Office, Process, at_work, calls_of, log_of, owe, write

_SERIALS = count(1)
# Nobody is called before noon: those who owe something are planned, and call us first.
NOON = 'mode = "progressive"\nwindows = ["Mo 12:00-13:00"]'
KNOWN, OTHER = people.HUMAN.number(70), people.HUMAN.number(71)
ENTERED, TALKED, SAID = ("accepted", "accepted"), ("delivered", "answered"), ("disposition", "answered")


def an_office(folder: Path, pbx: Asterisk, *, telephony: str = "", agents: int = 1) -> tuple[Path, Database]:
    """Write the configuration of an office to which two customers owe something."""
    config = write(folder, pbx, agents=agents, step=NOON)
    config.write_text(config.read_text().replace("[telephony]\n", f"[telephony]\n{telephony}\n"))
    database = open_database(load(config).database_url)
    owe(database, (KNOWN, OTHER))
    return config, database


async def ring(town: Ari, number: str) -> str:
    """Let somebody call the number we show; answers their channel."""
    channel = f"caller-{next(_SERIALS)}"
    endpoint = f"PJSIP/{CALLER.removeprefix('+')}@pbx"
    await town.ask("POST", "channels", endpoint=endpoint, app="network", channelId=channel, callerId=number)
    return channel


async def until(question: Callable[[], object], seconds: float = 60) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(seconds):
        while not question():  # noqa: ASYNC110 -- as a person would look
            await asyncio.sleep(0.05)


def states(office: Office) -> dict[str, int]:
    """Count the calls by where they stand."""
    return dict(office.desk.states())


def planned(database: Database, number: str) -> Any:  # noqa: ANN401 -- a row
    """Read what is planned for a customer, or was."""
    columns, accounts = schema.attempt.c, schema.account.c
    chosen = sa.select(schema.attempt).join(schema.account, accounts.id == columns.account_id)
    with database.snapshot() as connection:
        return connection.execute(
            chosen.where(columns.step == "call", accounts.phone == number).order_by(columns.id.desc())
        ).first()


async def test_a_customer_who_calls_is_put_through_logged_as_inbound_and_not_called_that_day(
    pbx: Asterisk, town: Ari, tmp_path: Path
) -> None:
    config, database = an_office(tmp_path, pbx)
    async with at_work(config, talk=1.0) as office:
        await until(lambda: planned(database, KNOWN) is not None)
        channel = await ring(town, KNOWN.replace("+49", "0"))
        await town.wait("StasisStart", channel)  # we have picked up
        await until(lambda: states(office) == {"connected": 1})
        [live] = office.desk.live()
        assert (live.dial.number, live.dial.claimed.campaign, live.agent) == (KNOWN, "town", "anna")
        await town.wait("ChannelDestroyed", channel)
        await until(lambda: SAID in office.log()[KNOWN])
    assert [row for row in log_of(database)[KNOWN] if row != ("cancelled", "cancelled")] == [ENTERED, TALKED, SAID]
    [call] = [row for row in calls_of(database) if row.number == KNOWN]
    assert (call.caller_id, call.agent, call.how_ended) == (CALLER, "anna", "answered")
    times = [call.placed_at, call.answered_at, call.connected_at, call.ended_at]
    assert times == sorted(times)
    gone, kept = planned(database, KNOWN), planned(database, OTHER)
    assert (gone.state, gone.reason, kept.state) == ("cancelled", "customer_called", "planned")
    database.close()


async def test_who_hides_their_number_is_put_through_and_logged_without_an_account(
    pbx: Asterisk, town: Ari, tmp_path: Path
) -> None:
    config, database = an_office(tmp_path, pbx)
    async with at_work(config, talk=0.5) as office:
        await ring(town, "anonymous <anonymous>")
        await until(lambda: SAID in office.log().get("+None", []))
    assert log_of(database)["+None"] == [ENTERED, TALKED, SAID]
    database.close()


async def test_who_calls_outside_the_hours_hears_so_and_goes_first_when_we_call(
    pbx: Asterisk, town: Ari, tmp_path: Path
) -> None:
    config, database = an_office(tmp_path, pbx, telephony='hours = ["So 10:00-11:00"]')
    async with at_work(config) as office:
        await until(lambda: planned(database, KNOWN) is not None)
        channel = await ring(town, KNOWN)
        await town.wait("StasisStart", channel)
        await town.wait("ChannelDestroyed", channel)
        await until(lambda: planned(database, KNOWN).priority == Priority.MISSED)
        assert office.log()[KNOWN][:2] == [ENTERED, ("failed", "missed")]
    assert [row.agent for row in calls_of(database)] == [""]
    database.close()


async def test_who_calls_when_all_talk_waits_and_is_put_through(pbx: Asterisk, town: Ari, tmp_path: Path) -> None:
    config, database = an_office(tmp_path, pbx)
    async with at_work(config, talk=120.0) as office:
        await ring(town, OTHER)
        await until(lambda: states(office) == {"connected": 1})
        await ring(town, KNOWN)
        await until(lambda: states(office) == {"connected": 1, "queued": 1})
        await until(lambda: states(office) == {"connected": 1, "waiting": 1})
        office.workers.talk = 0.5
        await office.desk.dispose("anna", Disposition.PROMISE)
        await until(lambda: SAID in office.log()[KNOWN])
    assert [row.agent for row in calls_of(database)] == ["anna", "anna"]
    database.close()


async def test_who_waits_too_long_hears_so_and_who_rings_off_before_goes_first_when_we_call(
    pbx: Asterisk, town: Ari, tmp_path: Path
) -> None:
    config, database = an_office(tmp_path, pbx, telephony='inbound_wait = "10 seconds"')
    async with at_work(config, talk=60.0) as office:
        await until(lambda: planned(database, KNOWN) is not None)
        await ring(town, "anonymous <anonymous>")
        await until(lambda: states(office) == {"connected": 1})
        impatient, patient = await ring(town, KNOWN), await ring(town, OTHER)
        await until(lambda: states(office) == {"connected": 1, "queued": 2})
        await town.ask("DELETE", f"channels/{impatient}")
        await until(lambda: ("failed", "abandoned") in office.log()[KNOWN])
        await town.wait("ChannelDestroyed", patient)
        await until(lambda: ("failed", "abandoned") in office.log()[OTHER])
        await until(lambda: planned(database, OTHER).priority == Priority.MISSED)
        assert planned(database, KNOWN).priority == Priority.MISSED
        assert states(office) == {"connected": 1}
        office.workers.talk = 0.0
        for channel in await town.ids("channels"):
            await town.try_to("DELETE", f"channels/{channel}")
        await office.finish(open_=("accepted",))
    database.close()


@pytest.fixture
async def process() -> AsyncIterator[list[Process]]:
    """Keep processes that are ended whatever comes."""
    started: list[Process] = []
    yield started
    for one in started:
        one.kill()


async def test_callers_who_talk_or_wait_survive_a_kill_of_the_daemon(
    pbx: Asterisk, town: Ari, tmp_path: Path, process: list[Process]
) -> None:
    config, database = an_office(tmp_path, pbx)
    process.append(Process(config, talk=60.0))
    process[0].start()
    await until(lambda: process[0].status().get("agents", {}).get("", {}).get("ready"))
    talks = await ring(town, KNOWN)
    await until(lambda: [row for row in calls_of(database) if row.connected_at is not None])
    waits = await ring(town, OTHER)
    await town.wait("StasisStart", waits)
    await until(lambda: [row for row in calls_of(database) if row.answered_at and row.connected_at is None])
    process[0].kill()
    async with at_work(config, talk=2.0) as office:
        await until(lambda: SAID in office.log().get(KNOWN, []) and SAID in office.log().get(OTHER, []))
        assert "ChannelDestroyed" in town.about(talks)
    for number in (KNOWN, OTHER):
        assert [row for row in log_of(database)[number] if row[0] != "cancelled"] == [ENTERED, TALKED, SAID]
    assert {row.agent for row in calls_of(database)} == {"anna"}
    database.close()
