"""What every backend promises, asked of each in the same words."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from contactd.channels.base import Absent, Found, LookUp, Unknown, fingerprint
from contactd.domain.errors import ChannelError, ChannelRejected, ChannelUnavailable
from tests.channels.contract import AT, RIGS, WAYS, Rig


@pytest.fixture(params=RIGS)
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    """Give each backend, started."""
    async with RIGS[request.param][1]() as made:
        await made.channel.start()
        yield made
        await made.channel.close()


def _question(rig: Rig, reference: str) -> LookUp:
    message = rig.message(reference)
    return LookUp(
        reference=reference, to=message.to, fingerprint=fingerprint(message.text), since=AT - timedelta(minutes=5)
    )


async def test_a_message_is_taken_once_under_its_reference(rig: Rig) -> None:
    receipt = await rig.channel.send(rig.message("17-1"))
    assert receipt.outcome == "accepted"
    assert receipt.provider_ref
    assert rig.taken() == ["17-1"]


async def test_many_messages_at_once_are_all_taken_once(rig: Rig) -> None:
    references = [f"{number}-1" for number in range(1, 41)]
    await asyncio.gather(*(rig.channel.send(rig.message(reference)) for reference in references))
    assert sorted(rig.taken()) == sorted(references)


@pytest.mark.parametrize("way", WAYS)
async def test_every_way_a_provider_answers_has_its_error(rig: Rig, way: str) -> None:
    rig.answer(way)
    error, taken = WAYS[way]
    with pytest.raises(ChannelError) as raised:
        await rig.channel.send(rig.message())
    assert type(raised.value) is error
    assert bool(rig.taken()) is taken


@pytest.mark.parametrize(("way", "dead"), [("dead_address", True), ("never_this", False)])
async def test_only_a_dead_address_is_called_dead(rig: Rig, way: str, dead: bool) -> None:  # noqa: FBT001 - a column
    rig.answer(way)
    with pytest.raises(ChannelRejected) as raised:
        await rig.channel.send(rig.message())
    assert raised.value.dead is dead


async def test_busy_says_when_to_come_back(rig: Rig) -> None:
    rig.answer("busy")
    with pytest.raises(ChannelUnavailable) as raised:
        await rig.channel.send(rig.message())
    assert raised.value.retry_after > 0


@pytest.mark.parametrize("way", WAYS)
async def test_after_any_error_the_next_message_goes_out(rig: Rig, way: str) -> None:
    rig.answer(way)
    with pytest.raises(ChannelError):
        await rig.channel.send(rig.message("17-1"))
    await rig.channel.send(rig.message("18-1"))
    assert rig.taken()[-1] == "18-1"


async def test_a_look_up_never_denies_what_was_taken(rig: Rig) -> None:
    rig.answer("taken_then_silent")
    with pytest.raises(ChannelError):
        await rig.channel.send(rig.message("17-1"))
    assert isinstance(await rig.channel.look_up(_question(rig, "17-1")), Found | Unknown)


async def test_a_look_up_never_finds_what_was_not_sent(rig: Rig) -> None:
    assert isinstance(await rig.channel.look_up(_question(rig, "99-1")), Absent | Unknown)


async def test_a_channel_can_be_closed_twice(rig: Rig) -> None:
    await rig.channel.send(rig.message())
    await rig.channel.close()
    await rig.channel.close()


async def test_a_message_that_is_not_ours_any_more_does_not_leave(rig: Rig) -> None:
    late = replace(rig.message(), still_ours=lambda: False)
    for _ in range(2):  # on a new connection and on a kept one
        with pytest.raises(ChannelUnavailable, match="lease ended"):
            await rig.channel.send(late)
    assert rig.taken() == []
    await rig.channel.send(rig.message("18-1"))
    assert rig.taken() == ["18-1"]


async def test_what_leaves_is_told_before_it_does_so_that_it_can_be_kept(rig: Rig) -> None:
    heard: list[str] = []
    await rig.channel.send(replace(rig.message(), on_wire=heard.append))
    if rig.letter() is None:  # letters are kept as files
        [content] = heard
        assert "Guten Tag. Vorgang 17-1." in content
    else:
        assert heard == []
