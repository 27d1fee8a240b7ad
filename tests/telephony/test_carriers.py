"""The contract of every carrier: one suite, each backend a row."""

from contextlib import suppress
from datetime import timedelta
from typing import get_args

import pytest

from contactd.domain.call import CARRIER_EVENTS, Event
from contactd.domain.errors import ChannelRejected, ChannelUnavailable
from contactd.telephony.base import (
    BESIDE,
    OF_AGENTS,
    Kind,
    Supervision,
)
from contactd.telephony.registry import CARRIERS
from tests.calls import town as people
from tests.telephony.carriers import ANSWERS, AWAY, BUSY, DEAD, MACHINE, PRESSES, SIMULATED, SLOW, SORRY, TYPES, Bench


def test_every_carrier_that_can_be_configured_keeps_the_contract() -> None:
    assert set(CARRIERS) == {*SIMULATED, "asterisk"}


def test_what_carriers_report_and_what_a_call_understands_are_the_same_words() -> None:
    assert {Event(kind) for kind in set(Kind) - OF_AGENTS - BESIDE - {Kind.MISSED, Kind.INCOMING}} == CARRIER_EVENTS


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


async def test_a_third_person_joins_and_the_agent_leaves_them_to_each_other(bench: Bench) -> None:
    await bench.seated()
    await bench.answered(TYPES)
    with pytest.raises(ChannelRejected):
        await bench.carrier.leave("1-1")
    await bench.carrier.bridge("1-1", "anna")
    await bench.until(Kind.BRIDGED)
    await bench.carrier.invite("1-1", people.PROMPT.number(90), "+493023125000")
    await bench.until(Kind.THIRD_JOINED)
    await bench.carrier.leave("1-1")
    await bench.run(bench.short)
    assert await bench.carrier.live() == ["1-1"]
    await bench.carrier.dismiss("1-1")
    await bench.until(Kind.THIRD_GONE)
    await bench.carrier.hang_up("1-1")
    await bench.until(Kind.HUNG_UP)


async def test_a_conversation_is_handed_over_to_another_agent(bench: Bench) -> None:
    await bench.seated()
    await bench.carrier.seat("bernd")
    await bench.answered(TYPES)
    await bench.carrier.bridge("1-1", "anna")
    await bench.until(Kind.BRIDGED)
    await bench.run(bench.short)
    await bench.carrier.bridge("1-1", "bernd")
    await bench.run(bench.short)
    joined = [event.details["agent"] for event in bench.events if event.kind is Kind.BRIDGED]
    assert joined == ["anna", "bernd"]
    assert Kind.HUNG_UP not in bench.heard()


async def test_an_agent_is_muted_and_a_supervisor_hears_without_anything_being_reported(bench: Bench) -> None:
    await bench.seated()
    await bench.answered(TYPES)
    await bench.carrier.bridge("1-1", "anna")
    await bench.until(Kind.BRIDGED)
    before = len(bench.heard())
    await bench.carrier.mute("anna", muted=True)
    for how in get_args(Supervision):
        await bench.carrier.supervise("anna", "carla", how)
    await bench.carrier.unsupervise("carla")
    await bench.carrier.unsupervise("carla")
    await bench.carrier.mute("anna", muted=False)
    assert len(bench.heard()) == before


@pytest.mark.parametrize("whose", ["carla", "anna"])
async def test_a_supervisor_who_hears_nobody_any_more_is_reported_whoevers_telephone_is_gone(
    bench: Bench, whose: str
) -> None:
    await bench.seated()
    await bench.carrier.supervise("anna", "carla", "listen")
    await bench.carrier.unseat(whose)
    await bench.until(Kind.EAR_GONE)
    assert [event.details for event in bench.events if event.kind is Kind.EAR_GONE] == [{"agent": "carla"}]


async def test_a_conversation_is_recorded_from_when_it_is_reported_and_the_file_can_be_forgotten(bench: Bench) -> None:
    await bench.seated()
    await bench.answered(TYPES)
    with suppress(ChannelRejected):  # nobody talks yet; the simulated carrier does not mind
        await bench.carrier.record("9-9", "nothing", None)
    await bench.carrier.bridge("1-1", "anna")
    await bench.until(Kind.BRIDGED)
    await bench.carrier.record("1-1", "2026-11-28-1-1-1", SORRY)
    await bench.until(Kind.RECORDED)
    assert bench.events[-1].details["name"] == "2026-11-28-1-1-1"
    await bench.run(bench.short)
    await bench.carrier.hang_up("1-1")
    await bench.until(Kind.HUNG_UP)
    await bench.run(bench.short)
    assert "2026-11-28-1-1-1" in await bench.carrier.recordings()
    await bench.carrier.forget("2026-11-28-1-1-1")
    await bench.carrier.forget("2026-11-28-1-1-1")
    assert "2026-11-28-1-1-1" not in await bench.carrier.recordings()


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
