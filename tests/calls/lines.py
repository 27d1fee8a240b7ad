"""One conversation whose telephones the test holds in its hands: what is said at one end, and heard at the others."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

from contactd.clock import SystemClock
from contactd.telephony.base import CallRequest, Carrier, CarrierEvent, Kind
from contactd.telephony.registry import open_carrier
from tests.calls import town as people
from tests.calls.ari import Ari
from tests.calls.asterisk import Asterisk
from tests.calls.hearing import Sound, read_sound
from tests.calls.network import Network
from tests.calls.pbx import carrier_of, settings_of
from tests.calls.wire import Wire, wire

SHOWN = "+493023125000"
CUSTOMER_TONE, AGENT_TONE = 600, 900
SONGS, EARS = count(1), count(1)
PATIENCE = 60  # seconds for what has to come: the machine may be busy


@dataclass
class Line:
    """A carrier with an agent and a customer, both puppets of the test."""

    carrier: Carrier
    town: Ari
    network: Network
    pbx: Asterisk
    desk: str = ""
    person: str = ""
    events: list[CarrierEvent] = field(default_factory=list)

    async def until(self, kind: Kind) -> None:
        """Wait until the carrier has reported this."""
        async with asyncio.timeout(PATIENCE):
            while kind not in [event.kind for event in self.events]:  # noqa: ASYNC110 -- the carrier calls back
                await asyncio.sleep(0.01)

    async def until_agent(self, agent: str, kind: Kind) -> None:
        """Wait until the carrier has reported this of an agent."""
        async with asyncio.timeout(PATIENCE):
            while (agent, kind) not in [(event.details.get("agent"), event.kind) for event in self.events]:  # noqa: ASYNC110 -- ditto
                await asyncio.sleep(0.01)

    async def puppet(self, name: str) -> str:
        """Wait until a telephone of the town is in the test's hands; gives its channel."""
        started = await self.town.wait("StasisStart", where=lambda event: name in event["args"])
        return str(started["channel"]["id"])

    async def call(self) -> None:
        """Seat the agent, call the customer, and join them."""
        await self.carrier.seat("anna")
        self.desk = await self.puppet("agent1")
        await self.until_agent("anna", Kind.AGENT_UP)
        await self.carrier.place(CallRequest("1-1", 1, people.PUPPET.number(), SHOWN, 10))
        self.person = await self.puppet("puppet")
        await self.until(Kind.ANSWERED)

    async def join(self) -> None:
        """Join the two."""
        await self.carrier.bridge("1-1", "anna")
        await self.until(Kind.BRIDGED)

    async def hear(self, channel: str, seconds: float = 1.0) -> Sound:
        """Listen at a telephone for a while; where the machine was too busy to send that much, once more."""
        while True:
            [sound] = await self.while_(asyncio.sleep(seconds), channel)
            if sound.seconds > 0.9 * seconds:
                return sound

    async def while_(self, doing: Awaitable[object], *channels: str) -> list[Sound]:
        """Listen at telephones while something is done, to its end."""
        names = [f"line-{next(EARS)}" for _ in channels]
        ears = [await self.town.record(channel, name) for channel, name in zip(channels, names, strict=True)]
        await doing
        sounds = [read_sound(await self.town.end_recording(name, self.network.folder)) for name in names]
        for ear in ears:
            await self.town.ask("DELETE", f"channels/{ear}")
        return sounds

    @asynccontextmanager
    async def singing(self, channel: str, hertz: int) -> AsyncIterator[None]:
        """Let somebody sound a tone; whoever does cannot be listened to meanwhile."""
        playback = f"song-{next(SONGS)}"
        await self.town.ask("POST", f"channels/{channel}/play/{playback}", media=f"tone:{hertz}")
        yield
        await self.town.ask("DELETE", f"playbacks/{playback}")
        await self.town.ask("POST", f"channels/{channel}/silence")  # telephones never stop sending


async def named(witness: Ari, part: str) -> list[str]:
    """Name the channels and bridges with such a name."""
    return [one for what in ("channels", "bridges") for one in await witness.ids(what) if part in one]


async def is_gone(witness: Ari, recording: str) -> bool:
    """Tell whether a recording has ended."""
    return (await witness.try_to("GET", f"recordings/live/{recording}"))[0] == 404


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


async def answered(line: Line, reference: str, number: str) -> str:
    """Call one more puppet; gives its channel once it has answered."""
    line.events.clear()
    await line.carrier.place(CallRequest(reference, int(reference[0]), number, SHOWN, 10))
    person = await line.puppet(number[1:])
    await line.until(Kind.ANSWERED)
    line.events.clear()
    return person


@asynccontextmanager
async def joined_by_wire(
    pbx: Asterisk, network: Network, town: Ari, *, seated: str = ""
) -> AsyncIterator[tuple[Wire, Line]]:
    """Join a customer and anna by a carrier whose wire can be troubled; a colleague may be seated, too."""
    async with wire(pbx.http) as cable:
        carrier = open_carrier(settings_of(pbx, pbx.folder, url=cable.address), SystemClock())
        assert carrier is not None
        line = Line(carrier, town, network, pbx)
        await carrier.start(line.events.append)
        if seated:
            await carrier.seat(seated)
            await line.until_agent(seated, Kind.AGENT_UP)
        await line.call()
        await line.join()
        yield cable, line
        await carrier.close()


@asynccontextmanager
async def one_joined_one_waiting(pbx: Asterisk, network: Network, town: Ari) -> AsyncIterator[tuple[Wire, Line]]:
    """Join a customer in the same way, while a second one has answered."""
    async with joined_by_wire(pbx, network, town) as (cable, line):
        await answered(line, "2-1", people.PUPPET.number(5))
        yield cable, line
