"""The contract of every carrier: one suite, each backend a row; and the simulated town it is tried on."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

import pytest

from contactd.config.providers import Telephony
from contactd.config.settings import Settings
from contactd.domain.call import CARRIER_EVENTS, Event
from contactd.domain.errors import ChannelRejected, ChannelUnavailable
from contactd.telephony.base import OF_AGENTS, Announcement, CallRequest, Carrier, CarrierEvent, Kind, call_id_of
from contactd.telephony.registry import CARRIERS, open_carrier
from contactd.telephony.simulated import Customer, Options, SimulatedCarrier, draw
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


def test_every_carrier_that_can_be_configured_keeps_the_contract() -> None:
    assert set(CARRIERS) == {*SIMULATED, "asterisk"}


def test_what_carriers_report_and_what_a_call_understands_are_the_same_words() -> None:
    assert {Event(kind) for kind in set(Kind) - OF_AGENTS - {Kind.MISSED, Kind.INCOMING}} == CARRIER_EVENTS


async def test_an_answered_call_rings_first_and_is_ended_by_whoever_waits_too_long(bench: Bench) -> None:
    await bench.call(ANSWERS)
    await bench.until(Kind.HUNG_UP)
    assert bench.heard() == [Kind.RINGING, Kind.ANSWERED, Kind.HUNG_UP]


@pytest.mark.parametrize(("number", "kind"), [(BUSY, Kind.BUSY), (DEAD, Kind.INVALID)])
async def test_a_call_that_comes_to_nothing_says_why_and_is_over(bench: Bench, number: str, kind: Kind) -> None:
    await bench.call(number)
    await bench.until(kind)
    assert [heard for heard in bench.heard() if heard is not Kind.RINGING] == [kind]
    assert await bench.carrier.live() == []


@pytest.mark.parametrize("number", [AWAY, SLOW])
async def test_nobody_is_rung_longer_than_asked(bench: Bench, number: str) -> None:
    await bench.call(number)
    await bench.until(Kind.NO_ANSWER)
    assert bench.heard() == [Kind.RINGING, Kind.NO_ANSWER]
    assert bench.events[1].at - bench.events[0].at <= timedelta(seconds=bench.ring + 0.5)


async def test_a_machine_is_told_apart_from_a_person(bench: Bench) -> None:
    await bench.answered(MACHINE, detect="first")
    assert bench.heard() == [Kind.RINGING, Kind.MACHINE]


async def test_a_bridged_customer_talks_to_the_agent_named_and_hangs_up(bench: Bench) -> None:
    await bench.seated()
    await bench.answered(ANSWERS)
    await bench.carrier.bridge("1-1", "anna")
    await bench.until(Kind.BRIDGED)
    assert bench.heard() == [Kind.RINGING, Kind.ANSWERED, Kind.BRIDGED]
    assert bench.events[-1].details["agent"] == "anna"
    await bench.until(Kind.HUNG_UP)
    assert bench.heard()[-1] is Kind.HUNG_UP


async def test_whoever_hears_the_apology_hangs_up_afterwards(bench: Bench) -> None:
    await bench.answered(ANSWERS)
    await bench.carrier.play("1-1", SORRY)
    await bench.until(Kind.HUNG_UP)
    assert [kind for kind in bench.heard() if kind is not Kind.PLAYED] == [Kind.RINGING, Kind.ANSWERED, Kind.HUNG_UP]


async def test_whoever_is_asked_to_press_1_may_do_so_and_then_waits_a_while(bench: Bench) -> None:
    await bench.seated()
    await bench.answered(PRESSES)
    await bench.carrier.play("1-1", SORRY, ask=True)
    await bench.until(Kind.PRESSED)
    assert bench.heard()[:2] == [Kind.RINGING, Kind.ANSWERED]
    assert bench.keys() == "1"
    await bench.carrier.bridge("1-1", "anna")
    await bench.until(Kind.BRIDGED)


async def test_keys_are_reported_one_by_one_and_in_order_also_during_another_text(bench: Bench) -> None:
    await bench.answered(TYPES)
    await bench.carrier.play("1-1", SORRY, ask=True)
    await bench.run(bench.short / 5)
    await bench.carrier.play("1-1", SORRY, ask=True)
    passed = 0.0
    while len(bench.keys()) < len("20#") and passed < bench.long:
        await bench.run(bench.short)
        passed += bench.short
    assert bench.keys() == "20#"
    assert Kind.HUNG_UP not in bench.heard()


@pytest.mark.parametrize("asked", [True, False])
async def test_a_key_is_reported_only_when_it_was_asked_for_and_pressed(bench: Bench, *, asked: bool) -> None:
    await bench.answered(ANSWERS if asked else PRESSES)
    await bench.carrier.play("1-1", SORRY, ask=asked)
    await bench.run(bench.long / 4)
    assert Kind.PRESSED not in bench.heard()
    assert bench.heard()[2] in (Kind.PLAYED, Kind.HUNG_UP)


async def test_the_end_of_a_text_left_on_a_machine_is_reported(bench: Bench) -> None:
    await bench.answered(MACHINE, detect="first")
    await bench.carrier.play("1-1", SORRY)
    await bench.until(Kind.PLAYED)
    assert bench.heard()[:3] == [Kind.RINGING, Kind.MACHINE, Kind.PLAYED]
    await bench.carrier.hang_up("1-1")
    await bench.until(Kind.HUNG_UP)
    assert await bench.carrier.live() == []


async def test_a_person_on_hold_is_taken_back_and_the_conversation_goes_on(bench: Bench) -> None:
    await bench.seated()
    await bench.answered(ANSWERS)
    await bench.carrier.bridge("1-1", "anna")
    await bench.until(Kind.BRIDGED)
    await bench.carrier.hold("1-1")
    await bench.until(Kind.HELD)
    await bench.carrier.retrieve("1-1")
    await bench.until(Kind.RETRIEVED)
    assert bench.heard()[2:] == [Kind.BRIDGED, Kind.HELD, Kind.RETRIEVED]
    assert await bench.carrier.live() == ["1-1"]


async def test_only_an_answered_call_can_be_put_on_hold_or_taken_back(bench: Bench) -> None:
    await bench.call(AWAY)
    await bench.run(bench.short)
    with pytest.raises(ChannelRejected):
        await bench.carrier.hold("1-1")
    with pytest.raises(ChannelRejected):
        await bench.carrier.retrieve("9-9")


async def test_an_agents_telephone_is_reported_up_when_seated_even_twice_and_down_when_let_go(bench: Bench) -> None:
    await bench.seated()
    await bench.carrier.seat("anna")
    await bench.run(bench.short)
    await bench.carrier.unseat("anna")
    await bench.carrier.unseat("berta")
    await bench.until(Kind.AGENT_DOWN)
    told = [event for event in bench.events if event.kind in OF_AGENTS]
    assert [event.kind for event in told if event.details["agent"] == "anna"] == [
        Kind.AGENT_UP,
        Kind.AGENT_UP,
        Kind.AGENT_DOWN,
    ]
    assert {event.reference for event in told} == {""}


async def test_a_closed_carrier_takes_no_agents(bench: Bench) -> None:
    await bench.carrier.close()
    before = len(bench.events)
    with suppress(ChannelUnavailable):  # one that has to be reached says so
        await bench.carrier.seat("anna")
    await bench.run(bench.short)
    assert len(bench.events) == before


@pytest.mark.parametrize("stage", ["placed", Kind.RINGING, Kind.ANSWERED])
async def test_a_call_can_be_ended_at_any_time(bench: Bench, stage: str) -> None:
    await bench.call(ANSWERS)
    if stage != "placed":
        await bench.until(Kind(stage))
    await bench.carrier.hang_up("1-1")
    await bench.until(Kind.HUNG_UP)
    assert bench.heard()[-1] is Kind.HUNG_UP
    assert await bench.carrier.live() == []
    await bench.run(bench.long / 4)
    assert bench.heard().count(Kind.HUNG_UP) == 1


async def test_ending_a_call_that_is_unknown_or_over_is_no_error(bench: Bench) -> None:
    await bench.carrier.hang_up("9-9")
    await bench.call(BUSY)
    await bench.until(Kind.BUSY)
    await bench.carrier.hang_up("1-1")
    await bench.run(bench.short)
    assert bench.heard()[-1] is Kind.BUSY


async def test_live_lists_the_calls_that_are_up_and_no_others(bench: Bench) -> None:
    await bench.call(ANSWERS, "1-1")
    await bench.call(BUSY, "2-1")
    await bench.call(AWAY, "3-1")
    assert {"1-1", "3-1"} <= set(await bench.carrier.live()) <= {"1-1", "2-1", "3-1"}
    await bench.until(Kind.BUSY)
    assert set(await bench.carrier.live()) == {"1-1", "3-1"}


async def test_a_call_nobody_answered_can_be_neither_bridged_nor_spoken_to(bench: Bench) -> None:
    await bench.call(AWAY)
    await bench.run(bench.short)
    with pytest.raises(ChannelRejected):
        await bench.carrier.bridge("1-1", "anna")
    with pytest.raises(ChannelRejected):
        await bench.carrier.play("9-9", SORRY)


async def test_the_same_call_is_never_placed_twice(bench: Bench) -> None:
    await bench.call(ANSWERS)
    with pytest.raises(ChannelRejected, match="already up"):
        await bench.call(ANSWERS)


async def test_a_closed_carrier_reports_nothing_more(bench: Bench) -> None:
    await bench.call(ANSWERS)
    await bench.until(Kind.RINGING)
    await bench.carrier.close()
    before = list(bench.events)
    await bench.run(bench.long / 4)
    assert bench.events == before


async def test_whoever_calls_us_is_reported_with_both_numbers_and_rings_until_they_are_answered(bench: Bench) -> None:
    reference = await bench.comes_in()
    [event] = bench.events
    assert dict(event.details) == {"number": CALLER, "called": OURS[1:]}
    assert call_id_of(reference) != ""
    assert await bench.carrier.live() == [reference]
    with pytest.raises(ChannelRejected):
        await bench.carrier.bridge(reference, "anna")
    with pytest.raises(ChannelRejected):
        await bench.carrier.play(reference, SORRY)
    await bench.rings_off(reference)
    assert Kind.ANSWERED not in bench.heard(reference)
    assert await bench.carrier.live() == []
    with pytest.raises(ChannelRejected):
        await bench.carrier.answer(reference)


async def test_whoever_calls_us_is_answered_and_joined_with_an_agent(bench: Bench) -> None:
    await bench.seated()
    reference = await bench.comes_in()
    await bench.carrier.answer(reference)
    await bench.carrier.bridge(reference, "anna")
    await bench.carrier.answer(reference)
    await bench.until(Kind.BRIDGED)
    assert [kind for kind in bench.heard(reference) if kind is not Kind.RINGING] == [
        Kind.INCOMING,
        Kind.ANSWERED,
        Kind.BRIDGED,
    ]
    await bench.rings_off(reference)
    assert await bench.carrier.live() == []


async def test_whoever_calls_us_hears_a_text_then_music_then_another_text_or_an_agent(bench: Bench) -> None:
    await bench.seated()
    reference = await bench.comes_in()
    await bench.carrier.answer(reference)
    await bench.carrier.play(reference, SORRY)
    await bench.until(Kind.PLAYED)
    await bench.carrier.hold(reference)
    await bench.until(Kind.HELD)
    await bench.carrier.play(reference, SORRY)
    before = len(bench.events)
    while Kind.PLAYED not in [event.kind for event in bench.events[before:]]:
        await bench.run(bench.short)
        assert Kind.HUNG_UP not in bench.heard(reference)
    await bench.carrier.bridge(reference, "anna")
    await bench.until(Kind.BRIDGED)
    assert await bench.carrier.live() == [reference]


async def test_an_agent_is_joined_at_once_with_whoever_still_hears_a_text(bench: Bench) -> None:
    await bench.seated()
    reference = await bench.comes_in()
    await bench.carrier.answer(reference)
    await bench.carrier.play(reference, SORRY)
    await bench.run(bench.short / 5)
    await bench.carrier.bridge(reference, "anna")
    await bench.until(Kind.BRIDGED)
    assert Kind.PLAYED not in bench.heard(reference)


async def test_a_call_that_comes_in_can_be_ended_unanswered_and_one_of_ours_cannot_be_answered(bench: Bench) -> None:
    reference = await bench.comes_in("anonymous <anonymous>")
    assert bench.events[0].details["number"].startswith("anonymous")
    await bench.carrier.hang_up(reference)
    await bench.until(Kind.HUNG_UP)
    assert await bench.carrier.live() == []
    await bench.call(ANSWERS)
    with pytest.raises(ChannelRejected):
        await bench.carrier.answer("1-1")


async def test_the_simulated_carrier_keeps_a_ledger_of_what_it_was_asked() -> None:
    clock = HandClock()
    carrier = SimulatedCarrier(Options(), clock, customers=lambda request: PEOPLE[request.number])
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
