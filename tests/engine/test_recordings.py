"""Conversations are recorded where the step says so, after a word or with consent, and deleted in time."""

from dataclasses import replace

import pytest

from contactd.domain.campaign import Record
from contactd.engine.calls.recordings import Recordings
from contactd.telephony.base import Announcement, CallRequest, Kind
from contactd.telephony.simulated import Customer, Options, SimulatedCarrier
from tests.clock import HandClock
from tests.engine.dialing import MemoryCallBook, Scene, a_list, a_scene

ANSWERS = Customer(Kind.ANSWERED, setup=1, ring=5, patience=6, talk=60)


async def recorded(record: Record, presses: str = "", *agents: str) -> tuple[Scene, MemoryCallBook]:
    """Let a step that records so call one customer."""
    book = MemoryCallBook(HandClock())
    book.plan(1)
    scene = await a_scene(book, book.clock, agents=agents or ("anna",), teams={"": (a_list(record=record),)})
    scene.usual = replace(ANSWERS, presses=presses)
    return scene, book


def kept(book: MemoryCallBook) -> object:
    """Read which recordings the log names at the end of the call."""
    last = book.entries["1-1"][-1].transition
    assert last is not None
    return (last.details or {}).get("recordings")


@pytest.mark.parametrize(
    ("record", "presses", "names"),
    [
        ("off", "", None),
        ("announced", "", ["2026-11-23-1-1-1"]),
        ("consented", "1", ["2026-11-23-1-1-1"]),
        ("consented", "", None),
    ],
)
async def test_a_conversation_is_recorded_only_where_it_was_announced_or_agreed_to(
    record: Record, presses: str, names: list[str] | None
) -> None:
    scene, book = await recorded(record, presses)
    async with scene.at_work():
        await scene.clock.run(90)
    assert kept(book) == names
    assert await scene.carrier.recordings() == (names or [])
    assert (scene.orders("record") == []) == (record == "off")


async def test_after_a_hand_over_the_second_part_is_recorded_without_asking_again() -> None:
    scene, book = await recorded("consented", "1", "anna", "berta")
    async with scene.at_work():
        await scene.clock.run(10)
        scene.dialer.consultation.hand_over("anna", "berta")
        await scene.clock.run(90)
    assert kept(book) == ["2026-11-23-1-1-1", "2026-11-23-1-1-2"]


async def test_what_is_too_old_is_deleted_and_what_bears_no_day_is_not_ours() -> None:
    clock = HandClock()
    carrier = SimulatedCarrier(Options(), clock, customers=lambda _: ANSWERS)
    await carrier.start(lambda _: None)
    recordings = Recordings(carrier, clock, kept=10)
    await carrier.place(_request())
    await clock.run(7)
    for name in ("2026-11-12-1-1-1", "2026-11-13-1-1-1", "voicemail", "2026-99-99-1-1-1"):
        await carrier.record("1-1", name, Announcement("", "de"))
    await recordings.expire()
    assert await carrier.recordings() == ["2026-11-13-1-1-1", "2026-99-99-1-1-1", "voicemail"]


def _request() -> CallRequest:
    return CallRequest("1-1", 1, "+493023125001", "", 30)
