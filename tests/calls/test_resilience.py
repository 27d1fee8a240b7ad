"""What becomes of calls when the connection, the exchange or the trunk fails: each ends in the log as what it was."""

import asyncio
from pathlib import Path

import pytest

from contactd.clock import SystemClock
from contactd.config.load import load
from contactd.domain.agent import State
from contactd.domain.call import Disposition
from contactd.domain.errors import ChannelUnavailable
from contactd.store.database import Database, open_database
from contactd.telephony.ari import Ari as Connection
from contactd.telephony.ari import Event
from contactd.telephony.base import CallRequest, Kind
from contactd.telephony.registry import open_carrier
from tests.calls import town as people
from tests.calls.ari import Ari
from tests.calls.asterisk import USER, Asterisk
from tests.calls.lines import Line
from tests.calls.network import Network
from tests.calls.office import Office, Process, at_work, calls_of, left_in, log_of, owe, write
from tests.calls.pbx import BUSY_AGENT, carrier_of, settings_of
from tests.calls.wire import wire


def owing(config: Path, *numbers: str) -> None:
    """Let these owe something in the office's database."""
    database = open_database(load(config).database_url)
    owe(database, numbers)
    database.close()


async def ringing(town: Ari, number: str) -> str:
    """Wait until a puppet's telephone rings; answers its channel."""
    start = await town.wait("StasisStart", where=lambda event: event["args"][1:] == [number[1:]])
    return str(start["channel"]["id"])


async def pick_up(town: Ari, number: str) -> None:
    """Let a puppet whose telephone rings pick up, and say nothing."""
    channel = await ringing(town, number)
    await town.ask("POST", f"channels/{channel}/answer")
    await town.ask("POST", f"channels/{channel}/silence")


async def refuse(town: Ari, number: str) -> None:
    """Let a puppet whose telephone rings be busy."""
    channel = await ringing(town, number)
    await town.ask("DELETE", f"channels/{channel}", reason="busy")

    async def is_over() -> bool:
        return channel not in await town.ids("channels")

    await town.eventually(is_over)


async def until(office: Office, **counts: int) -> None:
    """Wait until so many calls are in each of these states."""
    async with asyncio.timeout(60):
        while not counts.items() <= dict(office.desk.states()).items():  # noqa: ASYNC110 -- as a person would look
            await asyncio.sleep(0.02)


async def test_calls_survive_a_lost_connection_and_who_answers_meanwhile_is_served(
    pbx: Asterisk, network: Network, town: Ari, tmp_path: Path
) -> None:
    talking, answers, gone = people.PROMPT.number(), people.RINGING_PUPPET.number(), people.RINGING_PUPPET.number(1)
    async with wire(pbx.http) as line:
        config = write(tmp_path, pbx, url=line.address, agents=3, ring=20)
        owing(config, talking, answers, gone)
        async with at_work(config, talk=120.0) as office:
            await until(office, connected=1, ringing=2)
            line.cut(broken=True)
            await pick_up(town, answers)
            await refuse(town, gone)
            line.broken = False
            await until(office, connected=2)
            for agent in office.daemon.roster.agents():
                if agent.state is State.TALK:
                    await office.desk.dispose(agent.id, Disposition.PROMISE)
            await office.finish()
            assert office.outcomes() == {talking: "answered", answers: "answered", gone: "lost"}
            assert [row.agent != "" for row in office.calls() if row.number in (talking, answers)] == [True, True]
    assert len({call.number for call in network.calls()} & {number[1:] for number in (talking, answers, gone)}) == 3


async def test_an_exchange_that_dies_and_comes_back_loses_its_calls_and_dialling_goes_on(
    pbx: Asterisk, network: Network, tmp_path: Path
) -> None:
    talking, ringing = people.PROMPT.number(1), people.RINGS.number(1)
    later = [people.HUMAN.number(serial) for serial in range(10, 14)]
    config = write(tmp_path, pbx, agents=2, ring=20)
    owing(config, talking, ringing, *later)
    async with at_work(config, talk=1.0) as office:
        async with asyncio.timeout(60):
            while "connected" not in office.desk.states():  # noqa: ASYNC110 -- as a person would look
                await asyncio.sleep(0.01)
        before = {live.dial.number: live.call.state.value for live in office.desk.live()}
        pbx.kill()
        await asyncio.sleep(1)
        pbx.start()
        await office.finish()
        outcomes = office.outcomes()
        for number, state in before.items():
            assert outcomes[number] == ("answered" if state == "connected" else "lost"), (number, state)
        assert {outcomes[number] for number in later if number not in before} <= {"answered"}
    assert set(outcomes) == {talking, ringing, *later}


async def test_a_dead_trunk_stops_dialling_with_the_reason_and_blames_no_customer(
    pbx: Asterisk, network: Network, tmp_path: Path
) -> None:
    numbers = [people.HUMAN.number(serial) for serial in range(20, 40)]
    trunk = '[telephony.asterisk.trunks.dead]\ndial = "PJSIP/{digits}@deadtrunk"'
    config = write(tmp_path, pbx, agents=2, ring=1, asterisk=trunk)
    owing(config, *numbers)
    before = len(network.calls())
    async with at_work(config) as office:
        carrier = office.daemon.carrier
        assert carrier is not None
        async with asyncio.timeout(60):
            while not carrier.trouble():  # noqa: ASYNC110 -- as a person would look
                await asyncio.sleep(0.05)
        await asyncio.sleep(1)
        told = await office.daemon.oversight.why()
        assert told[""][0] == {"reason": "carrier_rests", "why": "no call rings by trunk dead"}
        assert set(office.outcomes().values()) <= {"congestion", "unavailable"}
        assert len(office.outcomes()) < 10
    assert not [call for call in network.calls()[before:] if f"+{call.number}" in numbers]


async def test_a_dead_trunk_keeps_nobody_from_being_called_by_another(
    pbx: Asterisk, network: Network, tmp_path: Path
) -> None:
    dead = [people.HUMAN.number(serial) for serial in range(60, 80)]
    well = [people.BUSY.number(serial) for serial in range(60, 90, 5)]
    trunks = "".join(
        f'[telephony.asterisk.trunks.{name}]\ndial = "PJSIP/{{digits}}@{endpoint}"\nprefixes = ["+{prefix}"]\n'
        for name, endpoint, prefix in (("dead", "deadtrunk", people.BERLIN), ("well", "trunk", people.COLOGNE))
    )
    config = write(tmp_path, pbx, agents=2, ring=1, asterisk=trunks)
    owing(config, *dead, *well)
    before = len(network.calls())
    async with at_work(config) as office:
        async with asyncio.timeout(60):
            while {office.outcomes().get(number) for number in well} != {"busy"}:  # noqa: ASYNC110 -- the database tells nobody
                await asyncio.sleep(0.1)
        told = await office.daemon.oversight.why()
        outcomes = office.outcomes()
        assert told[""][-1] == {"reason": "trunk_rests", "why": "no call rings by trunk dead"}
        assert {outcomes[number] for number in dead if number in outcomes} == {"congestion"}
    assert not [call for call in network.calls()[before:] if f"+{call.number}" in dead]


async def test_who_waits_for_their_turn_while_the_connection_is_lost_is_called(
    pbx: Asterisk, network: Network, town: Ari
) -> None:
    async with wire(pbx.http) as cable:
        trunks = {"trunk": {"per_second": 1}}
        carrier = open_carrier(settings_of(pbx, pbx.folder, url=cable.address, trunks=trunks), SystemClock())
        assert carrier is not None
        line = Line(carrier, town, network, pbx)
        await carrier.start(line.events.append)
        async with asyncio.TaskGroup() as both:
            for number, who in ((1, people.RINGS.number(55)), (2, people.PROMPT.number(61))):
                both.create_task(carrier.place(CallRequest(f"{number}-1", number, who, "", 10)))
            await asyncio.sleep(0.2)
            cable.cut()
        await line.until(Kind.ANSWERED)
        assert Kind.LOST not in [event.kind for event in line.events]
        await carrier.close()


async def test_a_slow_interface_gives_the_same_outcomes(pbx: Asterisk, network: Network, tmp_path: Path) -> None:
    expected = {
        people.HUMAN.number(41): "answered",
        people.BUSY.number(41): "busy",
        people.INVALID.number(41): "invalid",
        people.RINGS.number(41): "no_answer",
    }
    async with wire(pbx.http) as line:
        line.delay = 0.2
        config = write(tmp_path, pbx, url=line.address, agents=4, ring=10)
        owing(config, *expected)
        async with at_work(config) as office:
            await office.finish()
            assert office.outcomes() == expected


async def test_calls_are_found_again_by_a_daemon_that_was_killed(
    pbx: Asterisk, network: Network, town: Ari, tmp_path: Path
) -> None:
    talking, answers, rings = people.PROMPT.number(50), people.RINGING_PUPPET.number(2), people.RINGS.number(50)
    before = len(network.calls())
    config = write(tmp_path, pbx, agents=3, ring=20)
    owing(config, talking, answers, rings)
    database = open_database(load(config).database_url)
    office = Process(config, talk=6.0)
    office.start()
    try:
        async with asyncio.timeout(60):
            while connected(database) != {talking: True, answers: False, rings: False}:  # noqa: ASYNC110 -- nor here
                await asyncio.sleep(0.02)
        office.kill()
        await pick_up(town, answers)
        office.start()
        async with asyncio.timeout(60):
            while await asyncio.to_thread(left_in, database):  # noqa: ASYNC110 -- the database tells nobody
                await asyncio.sleep(0.1)
    finally:
        office.kill()
    ended = {"delivered", "failed"}
    log = log_of(database).items()
    ends = {number: [outcome for event, outcome in rows if event in ended] for number, rows in log}
    database.close()
    assert ends == {talking: ["answered"], answers: ["answered"], rings: ["no_answer"]}, office.log()
    assert len(network.calls()) - before == 3  # and no agent's telephone was put down
    assert office.log().count("call_adopted") == 3


def connected(database: Database) -> dict[str, bool]:
    """Tell which calls are up, and whether an agent talks."""
    return {row.number: row.connected_at is not None for row in calls_of(database)}


async def test_events_that_another_daemon_takes_are_told_and_nothing_is_placed_meanwhile(
    pbx: Asterisk, network: Network
) -> None:
    carrier = carrier_of(pbx)
    await carrier.start(lambda _: None)
    assert not carrier.trouble()
    async with Ari(pbx.ari, pbx.password, "contactd"):
        async with asyncio.timeout(60):
            while not carrier.trouble():  # noqa: ASYNC110 -- as a person would look
                await asyncio.sleep(0.01)
        assert "another daemon uses application contactd" in str(carrier.trouble())
        with pytest.raises(ChannelUnavailable):
            await carrier.place(CallRequest("1-1", 1, people.PROMPT.number(60), "", 10))
    await carrier.close()
    del network


async def test_a_customer_whose_agents_telephone_dies_goes_on_with_a_colleague(
    pbx: Asterisk, network: Network, tmp_path: Path
) -> None:
    number = people.PROMPT.number(80)
    config = write(tmp_path, pbx, agents=2)
    owing(config, number)
    async with at_work(config, talk=120.0) as office:
        await until(office, connected=1)
        office.workers.talk = 1.0  # of the colleague
        async with asyncio.timeout(60):  # the colleague may sit down last
            while not all(agent.leg for agent in office.daemon.roster.agents()):  # noqa: ASYNC110 -- as a person would look
                await asyncio.sleep(0.02)
        (live,) = office.desk.live()
        first, phone = live.agent, {"anna": "agent1", "bernd": "agent2"}[live.agent]
        channels = [line.split("!") for line in network.cli("core show channels concise").splitlines()]
        (desk,) = [channel[0] for channel in channels if phone in channel]
        network.cli(f"channel request hangup {desk}")
        async with asyncio.timeout(60):
            while live.agent == first:  # noqa: ASYNC110 -- as a person would look
                await asyncio.sleep(0.02)
        await office.finish()
        assert office.outcomes() == {number: "answered"}
        assert [agent.leg for agent in office.daemon.roster.agents()] == [True, True]  # called again


async def test_telephones_that_ring_for_each_call_are_joined_and_put_down_again(
    pbx: Asterisk, network: Network, tmp_path: Path
) -> None:
    numbers = [people.PROMPT.number(serial) for serial in (81, 82)]
    before = len(network.calls())
    config = write(tmp_path, pbx, agents=1, asterisk='leg = "per-call"')
    owing(config, *numbers)
    async with at_work(config, talk=1.0) as office:
        await office.finish()
        assert office.outcomes() == dict.fromkeys(numbers, "answered")

        def rung() -> int:
            return len([call for call in network.calls()[before:] if call.number == "agent1"])

        async with asyncio.timeout(60):
            while rung() < 2:  # noqa: ASYNC110 -- the book tells nobody
                await asyncio.sleep(0.1)
        assert rung() == 2


async def test_a_telephone_that_is_not_picked_up_costs_the_customer_no_silence(
    pbx: Asterisk, network: Network, tmp_path: Path
) -> None:
    number = people.PROMPT.number(83)
    config = write(tmp_path, pbx, agents=1, asterisk='leg = "per-call"', phones=[BUSY_AGENT])
    owing(config, number)
    async with at_work(config) as office:
        await office.finish()
        assert office.outcomes() == {number: "abandoned"}
        assert list(office.daemon.roster.counts()[""]) == ["unreachable"]
    del network


class Deaf:
    """An application that hears nothing."""

    async def met(self) -> None:
        """Have no calls to ask after."""

    def hear(self, event: Event) -> None:
        """Let it pass."""


async def test_no_events_are_asked_for_in_vain_nor_after_a_lost_connection(pbx: Asterisk) -> None:
    async with wire(pbx.http) as line:
        connection = Connection(line.address, username=USER, password=pbx.password, app="contactd")
        await connection.start(Deaf())
        for _ in range(2):
            told = await connection.get("applications/contactd")
            assert {"type": "ChannelVarset"} in told["events_disallowed"]
            line.cut()
            async with asyncio.timeout(60):
                for up in (False, True):
                    while connection.up is not up:  # noqa: ASYNC110 -- it tells nobody
                        await asyncio.sleep(0.01)
        await connection.close()


class Stumbles(Deaf):
    """An application that is surprised by the first connection."""

    def __init__(self) -> None:
        """Count the connections."""
        self.times = 0

    async def met(self) -> None:
        """Break in a way nobody foresaw, once."""
        self.times += 1
        if self.times == 1:
            raise KeyError("status")


async def test_what_nobody_foresaw_in_a_connection_is_followed_by_another(pbx: Asterisk) -> None:
    connection, application = Connection(pbx.ari, username=USER, password=pbx.password, app="contactd"), Stumbles()
    await connection.start(application)
    async with asyncio.timeout(60):
        while not connection.up:  # noqa: ASYNC110 -- it tells nobody
            await asyncio.sleep(0.01)
    assert application.times == 2
    await connection.close()
