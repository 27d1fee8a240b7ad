"""The simulated carrier beyond the contract: its ledger, its town, and that it leaves nothing behind."""

import asyncio
from collections import Counter

import pytest

from contactd.config.providers import Telephony
from contactd.config.settings import Settings
from contactd.telephony.base import CallRequest, Kind
from contactd.telephony.registry import open_carrier
from contactd.telephony.simulated import Customer, Options, SimulatedCarrier, draw
from tests.clock import HandClock

ANSWERS = "+493023125001"


async def test_the_simulated_carrier_keeps_a_ledger_of_what_it_was_asked() -> None:
    clock = HandClock()
    carrier = SimulatedCarrier(Options(), clock, customers=lambda _: Customer(Kind.ANSWERED, ring=8))
    await carrier.start(lambda _: None)
    await carrier.place(CallRequest("1-1", 1, ANSWERS, "", 30.0))
    await clock.run(10)
    await carrier.bridge("1-1", "anna")
    await carrier.hang_up("1-1")
    await carrier.close()
    assert [(asked.order, asked.detail) for asked in carrier.ledger] == [
        ("place", ANSWERS),
        ("bridge", "anna"),
        ("hang_up", ""),
    ]


async def test_a_customer_who_stays_goes_on_until_told_to_hang_up() -> None:
    clock, ends = HandClock(), list[Kind]()
    carrier = SimulatedCarrier(Options(), clock, customers=lambda _: Customer(Kind.ANSWERED, ring=8, talk=5))
    await carrier.start(lambda event: ends.append(event.kind))
    await carrier.place(CallRequest("1-1", 1, ANSWERS, "", 30.0))
    await clock.run(10)
    await carrier.bridge("1-1", "anna")
    await clock.run(1)
    carrier.stay("1-1")
    await clock.run(3_600)
    assert await carrier.live() == ["1-1"]
    carrier.ring_off("1-1")
    await clock.run(1)
    assert ends == [Kind.RINGING, Kind.ANSWERED, Kind.BRIDGED, Kind.HUNG_UP]
    await carrier.close()


def test_a_town_of_customers_behaves_as_its_shares_say_and_the_same_each_time() -> None:
    options = Options(seed=3, answer=0.3, busy=0.1, machine=0.2, invalid=0.05, congestion=0.05, rejected=0, failed=0)
    town = [draw(options, f"{number}-1") for number in range(4000)]
    shares = Counter(customer.fate for customer in town)
    assert shares[Kind.ANSWERED] / 4000 == pytest.approx(0.3, abs=0.03)
    assert shares[Kind.MACHINE] / 4000 == pytest.approx(0.2, abs=0.03)
    assert shares[Kind.NO_ANSWER] / 4000 == pytest.approx(0.3, abs=0.03)
    assert sum(customer.talk for customer in town) / 4000 == pytest.approx(options.talk, rel=0.1)
    assert town == [draw(options, f"{number}-1") for number in range(4000)]


def test_the_settings_name_the_carrier_and_none_means_no_calls() -> None:
    assert open_carrier(Settings(), HandClock()) is None
    carrier = open_carrier(Settings(telephony=Telephony(backend="simulated")), HandClock())
    assert carrier is not None
    assert carrier.name == "simulated"


async def test_closing_waits_until_every_scene_has_stopped() -> None:
    carrier = SimulatedCarrier(Options(), HandClock())
    await carrier.start(lambda _: None)
    before = len(asyncio.all_tasks())
    for number in range(5):
        await carrier.place(CallRequest(f"{number}-1", number, ANSWERS, "", 30.0))
    await carrier.close()
    assert len(asyncio.all_tasks()) == before
