"""Who is joined hears each other: tones of a telephone on the one side, listened to on the other."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from contactd.telephony.base import Announcement, CallRequest, Carrier, CarrierEvent, Kind
from tests.calls import town as people
from tests.calls.ari import Ari
from tests.calls.asterisk import Asterisk
from tests.calls.hearing import Sound, read_sound
from tests.calls.network import Network
from tests.calls.pbx import carrier_of

CUSTOMER_TONE, AGENT_TONE = 600, 900


@dataclass
class Line:
    """A carrier with an agent and a customer, both puppets of the test."""

    carrier: Carrier
    town: Ari
    network: Network
    desk: str = ""
    person: str = ""
    events: list[CarrierEvent] = field(default_factory=list)

    async def until(self, kind: Kind) -> None:
        """Wait until the carrier has reported this."""
        async with asyncio.timeout(10):
            while kind not in [event.kind for event in self.events]:  # noqa: ASYNC110 -- the carrier calls back
                await asyncio.sleep(0.01)

    async def puppet(self, name: str) -> str:
        """Wait until a telephone of the town is in the test's hands; gives its channel."""
        started = await self.town.wait("StasisStart", where=lambda event: name in event["args"])
        return str(started["channel"]["id"])

    async def call(self) -> None:
        """Seat the agent, call the customer, and join them."""
        await self.carrier.seat("anna")
        self.desk = await self.puppet("agent1")
        await self.carrier.place(CallRequest("1-1", 1, people.PUPPET.number(), "+493023125000", 10))
        self.person = await self.puppet("puppet")
        await self.until(Kind.ANSWERED)

    async def join(self) -> None:
        """Join the two."""
        await self.carrier.bridge("1-1", "anna")
        await self.until(Kind.BRIDGED)

    async def hear(self, channel: str, name: str, seconds: float = 1.0) -> Sound:
        """Listen at a telephone for a while."""
        ear = await self.town.record(channel, name)
        await asyncio.sleep(seconds)
        file = await self.town.end_recording(name, self.network.folder)
        await self.town.ask("DELETE", f"channels/{ear}")
        return read_sound(file)

    async def sing(self, channel: str, hertz: int) -> None:
        """Let somebody sound a tone until the end of the call."""
        await self.town.ask("POST", f"channels/{channel}/play", media=f"tone:{hertz}")


@pytest.fixture
async def line(pbx: Asterisk, network: Network, town: Ari) -> AsyncIterator[Line]:
    """Build the carrier, and hang everything up afterwards."""
    built = Line(carrier_of(pbx), town, network)
    await built.carrier.start(built.events.append)
    yield built
    await built.carrier.close()


async def test_customer_and_agent_hear_each_other_and_before_that_nothing(line: Line) -> None:
    await line.call()
    await line.sing(line.person, CUSTOMER_TONE)
    await line.sing(line.desk, AGENT_TONE)
    assert (await line.hear(line.person, "before", 0.5)).seconds_of(AGENT_TONE) == 0
    await line.join()
    assert (await line.hear(line.desk, "agent")).seconds_of(CUSTOMER_TONE) > 0.8
    assert (await line.hear(line.person, "customer")).seconds_of(AGENT_TONE) > 0.8


async def test_a_beep_in_the_agents_ear_says_that_somebody_is_there_and_the_customer_does_not_hear_it(
    line: Line,
) -> None:
    await line.call()
    ears = [asyncio.create_task(line.hear(channel, name)) for channel, name in ((line.desk, "d"), (line.person, "p"))]
    await asyncio.sleep(0.3)
    await line.join()
    desk, person = [await ear for ear in ears]
    assert 0.1 <= desk.seconds_of(1400) <= 0.3
    assert person.loud_seconds() == 0


async def test_on_hold_the_customer_hears_music_and_the_agent_nothing(line: Line) -> None:
    await line.call()
    await line.join()
    await line.sing(line.person, CUSTOMER_TONE)
    await line.carrier.hold("1-1")
    await line.until(Kind.HELD)
    assert (await line.hear(line.person, "music")).loud_seconds() > 0.5
    assert (await line.hear(line.desk, "silence", 0.5)).seconds_of(CUSTOMER_TONE) == 0
    await line.carrier.retrieve("1-1")
    await line.until(Kind.RETRIEVED)
    assert (await line.hear(line.desk, "again")).seconds_of(CUSTOMER_TONE) > 0.8


async def test_an_apology_is_spoken_to_the_customer(line: Line) -> None:
    await line.call()
    listening = asyncio.create_task(line.hear(line.person, "apology", 2.5))
    await asyncio.sleep(0.2)
    await line.carrier.play("1-1", Announcement("Guten Tag. Hier ist Musterfirma.", "de"))
    assert (await listening).loud_seconds() > 1
    await line.until(Kind.PLAYED)
