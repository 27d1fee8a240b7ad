"""The town: each number behaves as its name says, and the network's book agrees with what was called."""

import pytest

from tests.calls import town as people
from tests.calls.ari import Ari, fits
from tests.calls.asterisk import Asterisk
from tests.calls.network import Network
from tests.calls.pbx import BUSY_AGENT, DEAD_TRUNK, DEAF_AGENT
from tests.calls.scenes import codes, place, reach, reach_puppet

UNALLOCATED = "+4940669690"


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (next(people.BUSY.numbers(0)), (17, 486, True)),
        (next(people.BUSY.numbers(1)), (17, 486, True)),
        (next(people.REJECTS.numbers(0)), (21, 403, True)),
        (people.INVALID.number(), (1, 404, False)),
        (people.CONGESTED.number(), (34, 503, False)),
        (next(people.SWITCHED_OFF.numbers(0)), (19, 480, True)),
        (people.RINGS.number(), (19, 480, True)),
        (people.MUTE_TRUNK.number(), (19, 480, False)),
        (UNALLOCATED, (1, 404, False)),
    ],
)
async def test_a_call_nobody_answers_ends_with_its_cause(
    ari: Ari, network: Network, number: str, expected: tuple[int, int, bool]
) -> None:
    call = await place(ari, number, ring=2)
    end = await ari.wait("ChannelDestroyed", call)
    rang = "RINGING" in [event["dialstatus"] for event in ari.events if fits(event, "Dial", call)]
    assert (*codes(end), rang) == expected


@pytest.mark.parametrize(
    ("endpoint", "expected"), [(BUSY_AGENT, (17, 486)), (DEAF_AGENT, (19, 480)), (f"1@{DEAD_TRUNK}", (19, 480))]
)
async def test_a_desk_or_trunk_that_does_not_answer_ends_with_its_cause(
    ari: Ari, network: Network, endpoint: str, expected: tuple[int, int]
) -> None:
    await ari.ask(
        "POST", "channels", endpoint=f"PJSIP/{endpoint}", app="contactd", channelId="never-answered", timeout=1
    )
    assert codes(await ari.wait("ChannelDestroyed", "never-answered")) == expected


async def test_an_answer_after_an_announcement_rings_for_nobody(ari: Ari, network: Network) -> None:
    call = await reach(ari, next(people.EARLY_MEDIA.numbers(1)))
    dialled = [event["dialstatus"] for event in ari.events if fits(event, "Dial", call)]
    assert dialled == ["", "PROGRESS", "ANSWER"]


@pytest.mark.parametrize(("behaviour", "digit"), [(people.PRESSES_ONE, "1"), (people.PRESSES_TWO, "2")])
async def test_a_pressed_key_arrives_as_a_digit(
    ari: Ari, network: Network, behaviour: people.Behaviour, digit: str
) -> None:
    call = await reach(ari, next(behaviour.numbers(0)))
    assert (await ari.wait("ChannelDtmfReceived", call))["digit"] == digit


async def test_who_hangs_up_after_the_answer_is_told_from_us(ari: Ari, network: Network) -> None:
    call = await reach(ari, next(people.HANGS_UP.numbers(0)))
    request = await ari.wait("ChannelHangupRequest", call)
    assert (request["cause"], request.get("soft", False)) == (16, False)
    assert codes(await ari.wait("ChannelDestroyed", call)) == (16, None)


async def test_the_book_holds_each_call_with_the_attempt_it_was_for(ari: Ari, network: Network) -> None:
    called = {people.PROMPT.number(70): "4711", people.BUSY.number(70): "4712", people.INVALID.number(70): "4713"}
    for number, attempt in called.items():
        call = await place(ari, number, attempt=attempt)
        if number == people.PROMPT.number(70):
            await ari.wait("StasisStart", call)
            await ari.ask("DELETE", f"channels/{call}")
        await ari.wait("ChannelDestroyed", call)

    async def all_booked() -> bool:
        return {call.attempt for call in network.calls()} >= set(called.values())

    await ari.eventually(all_booked)
    book = {call.attempt: call for call in network.calls()}
    seen = {
        (book[attempt].number, book[attempt].cause, book[attempt].answer is not None) for attempt in called.values()
    }
    answered, busy, invalid = (number.removeprefix("+") for number in called)
    assert seen == {(answered, 16, True), (busy, 17, False), (invalid, 1, False)}
    assert book["4711"].caller == "+49221471099"
    assert all(call.start <= (call.answer or call.start) <= call.end for call in book.values())


async def test_a_puppet_rings_until_the_test_answers_for_it(ari: Ari, town: Ari, network: Network) -> None:
    number = people.RINGING_PUPPET.number(1)
    call = await place(ari, number)
    start = await town.wait("StasisStart", where=lambda event: event["args"] == ["puppet", number[1:]])
    await ari.wait("Dial", call, where=lambda event: event["dialstatus"] == "RINGING")
    assert "StasisStart" not in ari.about(call)
    await town.ask("POST", f"channels/{start['channel']['id']}/answer")
    await ari.wait("StasisStart", call)


async def test_somebody_who_calls_us_is_handed_to_contactd(ari: Ari, town: Ari, network: Network) -> None:
    await town.ask(
        "POST", "channels", endpoint="PJSIP/49221471050@pbx", app="network", channelId="caller",
        callerId=people.PUPPET.number(9),
    )  # fmt: skip
    start = await ari.wait("StasisStart", where=lambda event: event["args"][:1] == ["in"])
    assert start["args"] == ["in", "49221471050"]
    assert start["channel"]["caller"]["number"] == people.PUPPET.number(9)


async def test_somebody_who_calls_while_contactd_is_away_hears_busy(pbx: Asterisk, town: Ari, network: Network) -> None:
    await town.ask("POST", "channels", endpoint="PJSIP/49221471050@pbx", app="network", channelId="in-vain")
    assert codes(await town.wait("ChannelDestroyed", "in-vain")) == (17, 486)


async def test_a_killed_pbx_comes_back_empty_and_the_far_end_is_not_told(
    pbx: Asterisk, town: Ari, network: Network
) -> None:
    async with Ari(pbx.ari, pbx.password, "contactd") as ari:
        line = await reach_puppet(ari, town, network, people.PUPPET.number(40))
        pbx.kill()
        await ari.closed()
    assert line.channel in await town.ids("channels")
    pbx.start()
    async with Ari(pbx.ari, pbx.password, "contactd") as ari:
        assert await ari.ids("channels") == []
        await reach(ari, people.PROMPT.number(40))
    assert "ChannelDestroyed" not in town.about(line.channel)
