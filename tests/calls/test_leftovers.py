"""What a conversation, a connection or an earlier life of the daemon leaves behind does not reach the next customer."""

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contactd.clock import SystemClock
from contactd.config.settings import Agent
from contactd.domain.errors import ChannelMisconfigured, ChannelRejected, ChannelUnavailable
from contactd.telephony.base import UNSERVED, Announcement, CallRequest, Kind
from contactd.telephony.registry import open_carrier
from tests.calls import town as people
from tests.calls.ari import Ari
from tests.calls.asterisk import Asterisk
from tests.calls.lines import AGENT_TONE, SHOWN, Line, answered, is_gone, named, next_life, one_joined_one_waiting
from tests.calls.network import Network
from tests.calls.pbx import DEAF_AGENT, settings_of
from tests.calls.sounds import MUSIC
from tests.calls.wire import wire

MIX = "contactd-mix-anna"


async def inside(witness: Ari) -> list[str]:
    """Name the channels in a bridge."""
    return list((await witness.ask("GET", f"bridges/{MIX}"))["channels"])


async def test_an_agent_who_was_mute_is_heard_by_the_next_customer(line: Line) -> None:
    await line.call()
    await line.join()
    await line.carrier.mute("anna", muted=True)
    await line.carrier.hang_up("1-1")
    await line.until(Kind.HUNG_UP)
    number = people.PUPPET.number(2)
    await line.carrier.place(CallRequest("2-1", 2, number, SHOWN, 10))
    person = await line.puppet(number[1:])
    async with asyncio.timeout(60):
        while [event.kind for event in line.events if event.reference == "2-1"][-1:] != [Kind.ANSWERED]:  # noqa: ASYNC110 -- the carrier calls back
            await asyncio.sleep(0.01)
    await line.carrier.bridge("2-1", "anna")
    async with line.singing(line.desk, AGENT_TONE):
        assert (await line.hear(person)).seconds_of(AGENT_TONE) > 0.5


async def test_a_recording_ends_with_its_conversation_though_the_daemon_was_started_anew(
    line: Line, witness: Ari
) -> None:
    await line.call()
    await line.join()
    name = f"{datetime.now(UTC):%Y-%m-%d}-1-1-1"
    await line.carrier.record("1-1", name, None)
    await line.until(Kind.RECORDED)
    async with next_life(line) as (carrier, heard):
        assert await carrier.live() == ["1-1"]
        assert [event.details["name"] for event in heard if event.kind is Kind.RECORDED] == [name]
        await carrier.hang_up("1-1")
        await witness.eventually(lambda: is_gone(witness, name))
        await carrier.forget(name)


async def test_a_recording_ends_when_the_agents_telephone_dies(line: Line, witness: Ari) -> None:
    await line.call()
    await line.join()
    await line.carrier.record("1-1", "2026-11-28-7-1-1", None)
    await line.until(Kind.RECORDED)
    await line.town.ask("DELETE", f"channels/{line.desk}")
    await witness.eventually(lambda: is_gone(witness, "2026-11-28-7-1-1"))
    await line.carrier.forget("2026-11-28-7-1-1")


async def with_third(line: Line, number: str) -> None:
    """Let agent and customer talk, and a third person with them."""
    await line.call()
    await line.join()
    await line.carrier.invite("1-1", number, SHOWN)
    await line.puppet(number[1:])
    await line.until(Kind.THIRD_JOINED)


async def test_a_third_person_goes_with_the_call_though_the_daemon_was_started_anew(line: Line, witness: Ari) -> None:
    await with_third(line, people.PUPPET.number(3))
    async with next_life(line) as (carrier, _):
        await carrier.live()
        await carrier.hang_up("1-1")

        async def gone() -> bool:
            return not await named(witness, "contactd-third-")

        await witness.eventually(gone)


async def test_a_third_person_does_not_stay_with_an_agent_whose_telephone_died(line: Line, witness: Ari) -> None:
    await with_third(line, people.PUPPET.number(4))
    await line.town.ask("DELETE", f"channels/{line.desk}")
    await line.until(Kind.AGENT_DOWN)

    async def empty() -> bool:
        return not await inside(witness)

    await witness.eventually(empty)


async def test_a_supervisors_ear_outlives_neither_their_telephone_nor_the_daemon(line: Line, witness: Ari) -> None:
    async def none() -> bool:
        return not await named(witness, "contactd-super-")

    await line.call()
    await line.join()
    await line.carrier.supervise("anna", "carla", "listen")
    ear = await line.puppet("agent3")
    await line.town.ask("DELETE", f"channels/{ear}")
    await witness.eventually(none)
    await line.carrier.supervise("anna", "carla", "listen")
    async with next_life(line):
        await witness.eventually(none)


async def test_who_was_joined_while_no_events_came_is_reported_joined(
    pbx: Asterisk, network: Network, town: Ari
) -> None:
    async with wire(pbx.http) as cable:
        carrier = open_carrier(settings_of(pbx, pbx.folder, url=cable.address), SystemClock())
        assert carrier is not None
        line = Line(carrier, town, network, pbx)
        await carrier.start(line.events.append)
        await line.call()
        await line.until(Kind.AGENT_UP)
        cable.cut()
        await asyncio.sleep(0.02)
        await carrier.bridge("1-1", "anna")
        await line.until(Kind.BRIDGED)
        await carrier.close()


async def test_who_puts_down_a_telephone_that_rings_for_each_call_is_reported_and_rung_again(
    pbx: Asterisk, network: Network, town: Ari
) -> None:
    carrier = open_carrier(settings_of(pbx, pbx.folder, leg="per-call"), SystemClock())
    assert carrier is not None
    line = Line(carrier, town, network, pbx)
    await carrier.start(line.events.append)
    await carrier.seat("anna")
    await carrier.place(CallRequest("1-1", 1, people.PUPPET.number(), SHOWN, 10))
    await line.puppet("puppet")
    await line.until(Kind.ANSWERED)
    await line.join()
    await town.ask("DELETE", f"channels/{await line.puppet('agent1')}")
    await line.until(Kind.AGENT_DOWN)
    await carrier.close()


async def test_what_tells_of_an_account_is_not_kept_when_the_call_ends_while_it_is_spoken(
    pbx: Asterisk, network: Network, town: Ari, tmp_path: Path
) -> None:
    sounds, begun, go_on = (tmp_path / name for name in ("sounds", "begun", "go-on"))
    sounds.mkdir()
    program = f'touch {begun}; while [ ! -e {go_on} ]; do sleep 0.02; done; espeak-ng -w "$0" --stdin'
    speak = ("sh", "-c", program, "{file}")
    carrier = open_carrier(settings_of(pbx, pbx.folder, sounds=str(sounds), speak=speak), SystemClock())
    assert carrier is not None
    line = Line(carrier, town, network, pbx)
    await carrier.start(line.events.append)
    await line.call()
    telling = asyncio.create_task(carrier.play("1-1", Announcement("Sie schulden zehn Euro.", "de", private=True)))
    async with asyncio.timeout(60):
        while not begun.exists():  # noqa: ASYNC110 -- the program tells nobody
            await asyncio.sleep(0.02)
    await carrier.hang_up("1-1")
    await line.until(Kind.HUNG_UP)
    go_on.touch()
    with pytest.raises(ChannelRejected):
        await telling
    assert os.listdir(sounds) == []  # noqa: PTH208 -- nothing is left over
    await carrier.close()


async def test_a_number_no_trunk_serves_is_refused_alone(pbx: Asterisk, network: Network) -> None:
    trunk = {"trunk": {"prefixes": ["+43"]}}
    carrier = open_carrier(settings_of(pbx, pbx.folder, trunks=trunk), SystemClock())
    assert carrier is not None
    await carrier.start(lambda _: None)
    with pytest.raises(ChannelMisconfigured) as refused:
        await carrier.place(CallRequest("1-1", 1, people.PUPPET.number(), SHOWN, 10))
    assert refused.value.code == UNSERVED
    await carrier.close()
    del network


async def test_whose_next_agent_does_not_pick_up_hears_music_meanwhile_and_is_with_nobody(
    pbx: Asterisk, network: Network, town: Ari, witness: Ari
) -> None:
    settings = settings_of(pbx, pbx.folder, leg="per-call")
    agents = settings.agents | {"bernd": Agent(phone=f"PJSIP/{DEAF_AGENT}")}
    carrier = open_carrier(settings.model_copy(update={"agents": agents}), SystemClock())
    assert carrier is not None
    line = Line(carrier, town, network, pbx)
    await carrier.start(line.events.append)
    await carrier.seat("anna")
    await carrier.place(CallRequest("1-1", 1, people.PUPPET.number(), SHOWN, 10))
    person = await line.puppet("puppet")
    await line.until(Kind.ANSWERED)
    await line.join()
    line.events.clear()
    handing_over = asyncio.create_task(carrier.bridge("1-1", "bernd"))
    await line.until(Kind.HELD)
    assert "contactd-call-1-1" not in await inside(witness)
    assert (await line.hear(person)).seconds_of(MUSIC) > 0.5
    async with asyncio.timeout(60):
        with pytest.raises(ChannelUnavailable):
            await handing_over
    await carrier.close()


async def test_whoever_is_on_hold_again_hears_music_again(line: Line) -> None:
    await line.call()
    await line.join()
    for _ in range(2):
        line.events.clear()
        await line.carrier.hold("1-1")
        await line.until(Kind.HELD)
        assert (await line.hear(line.person)).seconds_of(MUSIC) > 0.5
        await line.carrier.retrieve("1-1")
        await line.until(Kind.RETRIEVED)


async def test_the_next_customer_does_not_meet_one_whose_end_is_late(
    pbx: Asterisk, network: Network, town: Ari, witness: Ari
) -> None:
    async with one_joined_one_waiting(pbx, network, town) as (cable, line):
        cable.late = b"DELETE /ari/channels/contactd-call-1-1"
        async with asyncio.TaskGroup() as both:
            both.create_task(line.carrier.hang_up("1-1"))
            await asyncio.sleep(0.2)
            both.create_task(line.carrier.bridge("2-1", "anna"))
            await asyncio.sleep(0.5)
            assert not {"contactd-call-1-1", "contactd-call-2-1"} <= set(await inside(witness))
            cable.late = b""
        await line.until(Kind.BRIDGED)
        there = await inside(witness)
        assert ("contactd-call-1-1" in there, "contactd-call-2-1" in there) == (False, True)


async def test_who_is_still_with_an_agent_when_the_next_customer_comes_hears_music(line: Line, witness: Ari) -> None:
    await line.call()
    await line.join()
    await answered(line, "2-1", people.PUPPET.number(6))
    await line.carrier.bridge("2-1", "anna")
    await line.until(Kind.BRIDGED)
    assert "contactd-call-1-1" not in await inside(witness)
    assert (await line.hear(line.person)).seconds_of(MUSIC) > 0.5


async def test_what_a_machine_was_told_by_while_the_events_were_lost_is_found_out(
    pbx: Asterisk, network: Network, town: Ari, witness: Ari
) -> None:
    channel = "contactd-call-1-1"

    async def stands(part: str) -> bool:
        status, told = await witness.try_to("GET", f"channels/{channel}")
        return status == 200 and part in f"{told['dialplan']['context']} {told['dialplan']['app_data']}"

    async with wire(pbx.http) as cable:
        carrier = open_carrier(settings_of(pbx, pbx.folder, url=cable.address), SystemClock())
        assert carrier is not None
        line = Line(carrier, town, network, pbx)
        await carrier.start(line.events.append)
        await carrier.place(CallRequest("1-1", 1, people.MACHINE.number(5), SHOWN, 10, detect="first"))
        await witness.eventually(lambda: stands("contactd-amd"))
        cable.swallows = True
        await witness.eventually(lambda: stands("amd,MACHINE"))
        await asyncio.sleep(0.2)
        cable.swallows = False
        cable.cut()
        await line.until(Kind.MACHINE)
        await carrier.close()


async def test_calls_of_before_third_persons_and_agents_outside_take_lines_of_their_trunk(
    pbx: Asterisk, network: Network, town: Ari
) -> None:
    settings = settings_of(pbx, pbx.folder, trunks={"trunk": {"channels": 3}})
    outside = people.PUPPET.number(8)
    agents = settings.agents | {"anna": Agent(phone=f"PJSIP/{outside[1:]}@trunk")}
    settings = settings.model_copy(update={"agents": agents})
    carrier = open_carrier(settings, SystemClock())
    assert carrier is not None
    line = Line(carrier, town, network, pbx)
    await carrier.start(line.events.append)
    await carrier.seat("anna")
    await line.puppet(outside[1:])
    await line.until(Kind.AGENT_UP)
    await answered(line, "1-1", people.PUPPET.number())
    await line.join()
    await carrier.invite("1-1", people.PUPPET.number(9), SHOWN)
    await line.until(Kind.THIRD_JOINED)
    with pytest.raises(ChannelUnavailable, match="full"):
        await carrier.place(CallRequest("2-1", 2, people.PUPPET.number(7), SHOWN, 10))
    await carrier.close()
    second = open_carrier(settings, SystemClock())
    assert second is not None
    line.carrier = second
    line.events.clear()
    await second.start(line.events.append)
    await second.live()
    with pytest.raises(ChannelUnavailable, match="full"):
        await second.place(CallRequest("2-1", 2, people.PUPPET.number(7), SHOWN, 10))
    await second.dismiss("1-1")
    await line.until(Kind.THIRD_GONE)
    await answered(line, "2-1", people.PUPPET.number(7))
    with pytest.raises(ChannelUnavailable, match="full"):
        await second.place(CallRequest("3-1", 3, people.PUPPET.number(9), SHOWN, 10))
    await second.unseat("anna")
    await line.until(Kind.AGENT_DOWN)
    await answered(line, "3-1", people.PUPPET.number(6))
    await second.close()


async def test_a_telephone_of_before_that_is_found_only_once_there_is_a_connection_is_reported(line: Line) -> None:
    await line.carrier.seat("anna")
    await line.until_agent("anna", Kind.AGENT_UP)
    await line.carrier.close()
    line.events.clear()
    async with wire(line.pbx.http) as cable:
        cable.broken = True
        carrier = open_carrier(settings_of(line.pbx, line.pbx.folder, url=cable.address), SystemClock())
        assert carrier is not None
        await carrier.start(line.events.append)
        await carrier.seat("anna")
        await asyncio.sleep(0.2)
        cable.broken = False
        await line.until_agent("anna", Kind.AGENT_UP)
        await carrier.close()


async def test_whom_an_agent_has_left_to_a_third_person_is_reported_so_to_the_next_life(
    line: Line, witness: Ari
) -> None:
    async def among_themselves() -> bool:
        return len((await witness.ask("GET", "bridges/contactd-outside-1-1"))["channels"]) == 2

    await with_third(line, people.PUPPET.number(5))
    await line.carrier.leave("1-1")
    await witness.eventually(among_themselves)
    async with next_life(line) as (carrier, heard):
        assert await carrier.live() == ["1-1"]
        assert [event.kind for event in heard if event.reference][-1] is Kind.OUTSIDE
        await carrier.hang_up("1-1")
