"""Bad moments: a supervisor comes in vain, a customer goes unheard, a daemon dies while somebody is listened to."""

import asyncio

import pytest

from contactd.domain.errors import ChannelRejected, ChannelUnavailable
from contactd.telephony.base import CallRequest, Kind
from tests.calls import town as people
from tests.calls.ari import Ari
from tests.calls.asterisk import Asterisk
from tests.calls.lines import SHOWN, Line, joined_by_wire, named, next_life, one_joined_one_waiting
from tests.calls.network import Network


async def test_a_supervisor_who_cannot_barge_in_is_told_and_not_stuck(line: Line, witness: Ari) -> None:
    await line.call()
    await line.until(Kind.AGENT_UP)
    await witness.ask("DELETE", "bridges/contactd-mix-anna")
    async with asyncio.timeout(60):
        with pytest.raises(ChannelRejected):
            await line.carrier.supervise("anna", "carla", "barge")
        await line.until_agent("carla", Kind.AGENT_DOWN)  # who had not signed in
        await line.carrier.supervise("anna", "carla", "listen")
        await line.carrier.unsupervise("carla")


async def test_a_supervisor_who_turns_in_vain_to_somebody_else_hears_nobody(line: Line, witness: Ari) -> None:
    async def none() -> bool:
        return not [one for one in await witness.ids("channels") if "contactd-super-" in one]

    await line.call()
    await line.join()
    await line.carrier.supervise("anna", "carla", "listen")
    with pytest.raises(ChannelUnavailable, match="bernd is not up"):
        await line.carrier.supervise("bernd", "carla", "listen")
    await witness.eventually(none)


async def test_the_next_customer_comes_though_nobody_heard_that_the_one_before_has_gone(
    pbx: Asterisk, network: Network, town: Ari, witness: Ari
) -> None:
    async def gone() -> bool:
        return not await named(witness, "contactd-call-1-1")

    async with one_joined_one_waiting(pbx, network, town) as (cable, line):
        cable.swallows = True
        await town.ask("DELETE", f"channels/{line.person}")
        await witness.eventually(gone)
        await asyncio.sleep(0.2)
        cable.swallows = False
        await line.carrier.bridge("2-1", "anna")
        await line.until(Kind.BRIDGED)


@pytest.mark.parametrize("found_out", [False, True])
async def test_who_is_listened_to_while_the_daemon_is_started_anew_is_no_person_before_that_is_known(
    line: Line, witness: Ari, *, found_out: bool
) -> None:
    async def stands(part: str) -> bool:
        status, told = await witness.try_to("GET", "channels/contactd-call-1-1")
        return status == 200 and part in f"{told['dialplan']['context']} {told['dialplan']['app_data']}"

    await line.carrier.place(CallRequest("1-1", 1, people.MACHINE.number(6), SHOWN, 10, detect="first"))
    await witness.eventually(lambda: stands("contactd-amd"))
    async with next_life(line) as (carrier, heard):
        if found_out:
            await witness.eventually(lambda: stands("amd,MACHINE"))
        assert await carrier.live() == ["1-1"]
        async with asyncio.timeout(60):
            while Kind.MACHINE not in [event.kind for event in heard]:  # noqa: ASYNC110 -- the carrier calls back
                await asyncio.sleep(0.01)
        assert Kind.ANSWERED not in [event.kind for event in heard]


async def test_a_customer_whose_agents_telephone_died_is_with_the_colleague_and_not_in_the_music(
    pbx: Asterisk, network: Network, town: Ari, witness: Ari
) -> None:
    async with joined_by_wire(pbx, network, town, seated="bernd") as (cable, line):
        line.events.clear()
        cable.late = b"POST /ari/bridges/contactd-waiting/addChannel"
        await town.ask("DELETE", f"channels/{line.desk}")
        await line.until(Kind.AGENT_DOWN)
        joining = asyncio.create_task(line.carrier.bridge("1-1", "bernd"))
        await asyncio.sleep(0.3)
        cable.late = b""
        await joining
        await line.until(Kind.BRIDGED)
        await asyncio.sleep(0.3)
        assert "contactd-call-1-1" in (await witness.ask("GET", "bridges/contactd-mix-bernd"))["channels"]
