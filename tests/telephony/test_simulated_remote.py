"""The carrier that is a process of its own, while it is away, late or back; its contract is in test_carriers.py."""

import asyncio

import pytest

from contactd.config.providers import Telephony
from contactd.config.settings import Settings
from contactd.domain.errors import ChannelRejected, ChannelUnavailable, ChannelUnclear
from contactd.telephony.base import CallRequest, CarrierEvent, Kind
from contactd.telephony.registry import open_carrier
from contactd.telephony.simulated import Customer, Options, SimulatedCarrier
from contactd.telephony.simulated_remote import RemoteCarrier
from tests.clock import HandClock
from tests.fakes.carrier_server import CarrierServer, carrier_server

RINGS = Customer(Kind.ANSWERED, setup=1, ring=5, patience=500)


def town(clock: HandClock) -> SimulatedCarrier:
    """Let everybody answer after six seconds and wait."""
    return SimulatedCarrier(Options(), clock, customers=lambda _: RINGS)


def a_call(reference: str = "1-1") -> CallRequest:
    """Ask for a call to a number reserved for fiction."""
    return CallRequest(reference, 1, "+493023125001", "", 30.0)


async def connected(carrier: RemoteCarrier) -> list[str]:
    """Wait until the carrier answers; gives the calls it has."""
    while True:
        try:
            return await carrier.live()
        except (ChannelUnavailable, ChannelUnclear):
            await asyncio.sleep(0.01)


def test_the_settings_say_where_the_carrier_is() -> None:
    carrier = open_carrier(Settings(telephony=Telephony(backend="simulated-remote")), HandClock())
    assert carrier is not None
    assert carrier.name == "simulated-remote"


async def test_a_carrier_that_is_away_takes_nothing_for_certain() -> None:
    server = CarrierServer(town(HandClock()))
    port = await server.start()
    await server.close()
    carrier = RemoteCarrier(f"127.0.0.1:{port}")
    await carrier.start(lambda _: None)
    with pytest.raises(ChannelUnavailable):
        await carrier.place(a_call())
    await carrier.close()


async def test_a_carrier_that_was_never_started_can_be_closed() -> None:
    carrier = RemoteCarrier("127.0.0.1:1")
    await carrier.close()
    with pytest.raises(ChannelUnavailable):
        await carrier.live()


async def test_an_order_without_an_answer_may_have_been_carried_out() -> None:
    async with carrier_server(town(HandClock())) as (server, address):
        carrier = RemoteCarrier(address, patience=0.05)
        await carrier.start(lambda _: None)
        server.silent.add("place")
        with pytest.raises(ChannelUnclear, match="no answer"):
            await carrier.place(a_call())
        assert await connected(carrier) == ["1-1"]
        await carrier.close()


async def test_a_connection_that_is_lost_leaves_what_was_asked_in_doubt_and_is_made_again() -> None:
    async with carrier_server(town(HandClock())) as (server, address):
        carrier = RemoteCarrier(address)
        await carrier.start(lambda _: None)
        server.silent.add("place")
        placing = asyncio.ensure_future(carrier.place(a_call()))
        await asyncio.sleep(0)
        assert await carrier.live() == ["1-1"]
        server.cut()
        with pytest.raises(ChannelUnclear, match="lost"):
            await placing
        assert await connected(carrier) == ["1-1"]
        await carrier.close()


async def test_what_the_carrier_refuses_is_refused_in_its_words() -> None:
    async with carrier_server(town(HandClock())) as (server, address):
        carrier = RemoteCarrier(address)
        await carrier.start(lambda _: None)
        with pytest.raises(ChannelRejected, match="not answered"):
            await carrier.hold("9-9")
        with pytest.raises(ChannelRejected, match="not answered"):
            await carrier.retrieve("9-9")
        server.unavailable.add("place")
        with pytest.raises(ChannelUnavailable, match="no trunk"):
            await carrier.place(a_call())
        await carrier.close()


async def test_an_answer_that_comes_too_late_is_nobodys() -> None:
    async with carrier_server(town(HandClock())) as (_, address):
        carrier = RemoteCarrier(address)
        await carrier.start(lambda _: None)
        asking = asyncio.ensure_future(carrier.live())
        await asyncio.sleep(0)
        asking.cancel()
        assert await carrier.live() == []
        await carrier.close()


async def test_calls_go_on_without_us_and_whoever_asks_hears_again_where_they_stand() -> None:
    clock = HandClock()
    heard: list[CarrierEvent] = []
    async with carrier_server(town(clock)) as (server, address):
        first, second = RemoteCarrier(address), RemoteCarrier(address)
        await first.start(lambda _: None)
        await first.place(a_call())
        await first.close()
        await clock.run(10)
        await second.start(heard.append)
        assert heard == []
        assert await second.live() == ["1-1"]
        assert [(event.reference, event.kind) for event in heard] == [("1-1", Kind.RINGING), ("1-1", Kind.ANSWERED)]
        await second.seat("anna")
        await second.unseat("anna")
        assert [event.kind for event in heard[2:]] == [Kind.AGENT_UP, Kind.AGENT_DOWN]
        await second.close()
        assert [row.order for row in server.ledger] == ["place", "seat", "unseat"]
