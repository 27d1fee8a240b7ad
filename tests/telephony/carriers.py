"""The bench every carrier is tried on: one with everything it reported, and people who call and are called."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import Literal

import pytest

from contactd.domain.errors import ChannelUnavailable
from contactd.telephony.base import (
    Announcement,
    CallRequest,
    Carrier,
    CarrierEvent,
    Kind,
)
from contactd.telephony.simulated import Customer, Options, SimulatedCarrier
from contactd.telephony.simulated_remote import RemoteCarrier
from tests.calls import town as people
from tests.calls.ari import Ari
from tests.calls.asterisk import Asterisk
from tests.calls.network import Network
from tests.calls.pbx import carrier_of
from tests.clock import HandClock
from tests.fakes.carrier_server import carrier_server

_STEP = 0.1  # of a short time
SORRY = Announcement("Hello. This is Musterfirma.", "en")
# How the person behind each number behaves; every backend of the suite must reach them, with times of its own.
PEOPLE = {
    people.HANGS_UP.number(4): Customer(Kind.ANSWERED, ring=8, patience=6, talk=60),
    people.BUSY.number(0): Customer(Kind.BUSY),
    people.RINGS.number(): Customer(Kind.NO_ANSWER),
    people.MACHINE.number(1): Customer(Kind.MACHINE, ring=12),
    people.INVALID.number(): Customer(Kind.INVALID),
    people.HUMAN.number(4): Customer(Kind.ANSWERED, ring=45),
    people.PRESSES_ONE.number(1): Customer(Kind.ANSWERED, ring=8, patience=6, talk=60, presses="1"),
    people.TYPES.number(1): Customer(Kind.ANSWERED, ring=8, patience=20, talk=60, presses="20#"),
}
ANSWERS, BUSY, AWAY, MACHINE, DEAD, SLOW, PRESSES, TYPES = PEOPLE
# Who calls us, and which of our numbers.
CALLER, OURS = "+493023125077", "+49221471050"
PATIENT = Customer(Kind.ANSWERED, ring=100, patience=100, talk=100)


@dataclass
class Bench:
    """A carrier with everything it reported, how its time passes, and what is closed after it.

    `run` lets some of the backend's seconds pass; `ring` is a short ring time of it, `short` passes before anybody
    answers, `long` is more than anything takes.
    """

    carrier: Carrier
    run: Callable[[float], Awaitable[None]]
    ring: float = 30.0
    short: float = 5.0
    long: float = 240.0
    events: list[CarrierEvent] = field(default_factory=list)
    behind: AsyncExitStack = field(default_factory=AsyncExitStack)
    town: "SimulatedCarrier | Ari | None" = None  # where those are who call us

    def heard(self, reference: str = "1-1") -> list[Kind]:
        """List what was reported about a call."""
        return [event.kind for event in self.events if event.reference == reference]

    def keys(self, reference: str = "1-1") -> str:
        """Give the keys that were reported of a call."""
        pressed = (event for event in self.events if (event.reference, event.kind) == (reference, Kind.PRESSED))
        return "".join(event.details["digit"] for event in pressed)

    async def call(self, number: str, reference: str = "1-1", detect: Literal["", "first"] = "") -> None:
        """Place a call."""
        await self.carrier.place(CallRequest(reference, 1, number, "+493023125000", self.ring, detect))

    async def until(self, *kinds: Kind, reference: str = "") -> None:
        """Let time pass until these were reported, in any order: of a call, or of agents."""
        passed = 0.0
        while not set(kinds) <= {event.kind for event in self.events if event.reference == reference or not reference}:
            assert passed < self.long, f"not {kinds}, but {self.events}"
            await self.run(_STEP * self.short)
            passed += _STEP * self.short

    async def comes_in(self, number: str = CALLER) -> str:
        """Let somebody call us; answers the reference of their call, once it is reported."""
        if isinstance(self.town, Ari):
            await self.town.ask(
                "POST", "channels", endpoint=f"PJSIP/{OURS[1:]}@pbx", app="network", channelId="caller", callerId=number
            )
        elif self.town is not None:
            self.town.call_in(number, OURS[1:], PATIENT)
        await self.until(Kind.INCOMING)
        return next(event.reference for event in self.events if event.kind is Kind.INCOMING)

    async def rings_off(self, reference: str) -> None:
        """Let whoever calls us hang up, and wait for that."""
        if isinstance(self.town, Ari):
            await self.town.ask("DELETE", "channels/caller")
        elif self.town is not None:
            self.town.ring_off(reference)
        await self.until(Kind.HUNG_UP)

    async def seated(self) -> None:
        """Bring up the telephone of an agent."""
        await self.carrier.seat("anna")
        await self.until(Kind.AGENT_UP)

    async def answered(self, number: str, detect: Literal["", "first"] = "") -> None:
        """Place a call and wait until somebody or a machine answers."""
        await self.call(number, detect=detect)
        await self.until(Kind.MACHINE if detect else Kind.ANSWERED)


async def simulated() -> Bench:
    """Build the simulated carrier on a clock moved by hand."""
    clock = HandClock()
    town = SimulatedCarrier(Options(), clock, customers=lambda request: PEOPLE[request.number])
    return Bench(town, clock.run, town=town)


async def simulated_remote() -> Bench:
    """Put a server in front of it; time passes when everything that was reported has arrived."""
    clock, behind = HandClock(), AsyncExitStack()
    town = SimulatedCarrier(Options(), clock, customers=lambda request: PEOPLE[request.number])
    _, address = await behind.enter_async_context(carrier_server(town))
    carrier = RemoteCarrier(address)

    async def at_rest() -> None:
        with suppress(ChannelUnavailable):  # closed
            await carrier.hang_up("nobody")

    clock.at_rest = at_rest
    return Bench(carrier, clock.run, behind=behind, town=town)


SIMULATED = {"simulated": simulated, "simulated-remote": simulated_remote}


@pytest.fixture(params=[*SIMULATED, "asterisk"])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    """Start each backend in turn."""
    if request.param in SIMULATED:
        built = await SIMULATED[request.param]()
    else:
        pbx: Asterisk = request.getfixturevalue("pbx")
        network: Network = request.getfixturevalue("network")
        built = Bench(carrier_of(pbx), asyncio.sleep, ring=2.0, short=0.5, long=12.0)
        built.town = await built.behind.enter_async_context(Ari(network.ari, network.password, "network"))
    await built.carrier.start(built.events.append)
    yield built
    await built.carrier.close()
    await built.behind.aclose()
