"""The contract of every carrier, as far as somebody calls us: reported, answered, kept waiting, joined, ended."""

import pytest

from contactd.domain.errors import ChannelRejected
from contactd.telephony.base import (
    Kind,
    call_id_of,
)
from tests.telephony.carriers import ANSWERS, CALLER, OURS, SORRY, Bench


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
