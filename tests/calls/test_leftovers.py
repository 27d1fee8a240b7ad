"""What a conversation, a connection or an earlier life of the daemon leaves behind does not reach the next customer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from contactd.clock import SystemClock
from contactd.telephony.base import CallRequest, Carrier, CarrierEvent, Kind
from contactd.telephony.registry import open_carrier
from tests.calls import town as people
from tests.calls.ari import Ari
from tests.calls.asterisk import Asterisk
from tests.calls.lines import AGENT_TONE, Line
from tests.calls.network import Network
from tests.calls.pbx import carrier_of, settings_of
from tests.calls.wire import wire

SHOWN = "+493023125000"
MIX = "contactd-mix-anna"


@pytest.fixture
async def witness(pbx: Asterisk) -> AsyncIterator[Ari]:
    """Look at the PBX beside the carrier, as an application of its own."""
    async with Ari(pbx.ari, pbx.password, "witness") as client:
        yield client


async def inside(witness: Ari, bridge: str = MIX) -> list[str]:
    """Name the channels in a bridge."""
    return list((await witness.ask("GET", f"bridges/{bridge}"))["channels"])


async def named(witness: Ari, part: str) -> list[str]:
    """Name the channels and bridges with such a name."""
    return [one for what in ("channels", "bridges") for one in await witness.ids(what) if part in one]


@asynccontextmanager
async def next_life(line: Line) -> AsyncIterator[tuple[Carrier, list[CarrierEvent]]]:
    """Let another carrier go on where this one is suddenly no more."""
    await line.carrier.close()
    carrier, heard = carrier_of(line.pbx), list[CarrierEvent]()
    await carrier.start(heard.append)
    try:
        yield carrier, heard
    finally:
        await carrier.close()


async def test_an_agent_who_was_mute_is_heard_by_the_next_customer(line: Line) -> None:
    await line.call()
    await line.join()
    await line.carrier.mute("anna", muted=True)
    await line.carrier.hang_up("1-1")
    await line.until(Kind.HUNG_UP)
    number = people.PUPPET.number(2)
    await line.carrier.place(CallRequest("2-1", 2, number, SHOWN, 10))
    person = await line.puppet(number[1:])
    async with asyncio.timeout(5):
        while [event.kind for event in line.events if event.reference == "2-1"][-1:] != [Kind.ANSWERED]:  # noqa: ASYNC110 -- the carrier calls back
            await asyncio.sleep(0.01)
    await line.carrier.bridge("2-1", "anna")
    async with line.singing(line.desk, AGENT_TONE):
        assert (await line.hear(person, "next")).seconds_of(AGENT_TONE) > 0.5


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
        await witness.eventually(lambda: _is_gone(witness, name))
        await carrier.forget(name)


async def _is_gone(witness: Ari, name: str) -> bool:
    return (await witness.try_to("GET", f"recordings/live/{name}"))[0] == 404
