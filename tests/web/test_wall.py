"""The wallboard: what it shows, in words as well as colours, and how often it is pushed."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from contactd.domain.agent import State
from contactd.domain.call import State as CallState
from contactd.domain.happened import CallMoved
from contactd.domain.phrase import Phrase
from contactd.domain.role import Role
from contactd.engine.desk.oversight import Listed, Seat, Up
from contactd.store.today import Promises, Tally
from contactd.web import live_state, reasons, wall
from contactd.web.board import FIGURES, Floor, Known
from contactd.web.figures import HEIGHT, WIDTH, Line, share
from contactd.web.wall import Tile
from contactd.web.words import catalogue
from tests.clock import HandClock
from tests.web.frame import Frame, take_store_away
from tests.web.people import Entrance
from tests.web.test_hub import opened, state

pytestmark = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)


def seat(name: str, doing: State, minutes: float = 0.0) -> Seat:
    """Put an agent somewhere."""
    since = HandClock().now() - timedelta(minutes=minutes)
    return Seat(name, name.capitalize(), "", doing, since, "", "", "", "", ())


def floor(seats: Sequence[Seat] = (), *, limit: float = 0.03, **known: Any) -> Floor:  # noqa: ANN401 - fields of Known
    """Make a floor with a list that is dialled predictively."""
    listed = Listed("standard", "anruf", "", "predictive", limit, 1.0, 0, "")
    trends: Mapping[str, Sequence[float]] = dict.fromkeys(FIGURES, ())
    return Floor(HandClock().now(), seats, (), (listed,), Phrase(), Known(**known), trends)


def tiles(frame: Frame, shown: Floor, language: str = "en") -> dict[str, Tile]:
    """Work out the tiles."""
    return {tile.name: tile for tile in wall.tiles(shown, frame.settings.wall, language)}


def words(tile: Tile, language: str = "en") -> list[str]:
    """Read the notes of a tile."""
    return [catalogue(language).gettext(note.text) % note.values for note in tile.notes]


async def test_the_six_figures_say_what_they_count_and_what_is_aimed_at(frame: Frame) -> None:
    seats = [seat("a", State.TALK), seat("b", State.READY, 5), seat("c", State.OFFLINE), seat("d", State.READY, 1)]
    told = floor(
        seats, tallies={"standard": Tally(100, 50, 40, 1, 20, 5)}, promises=Promises(4, (("EUR", 123450),)),
        callbacks={"waiting": 7, "overdue": 2, "kept": {}},
    )  # fmt: skip
    shown = tiles(frame, told)
    assert [(one.value, one.more) for one in shown.values()] == [
        ("1", "/ 3"), ("2", ""), ("2%", ""), ("20", ""), ("4", ""), ("2", ""),
    ]  # fmt: skip
    assert words(shown["free"]) == ["longest wait 05:00", "target 02:00"]
    assert words(shown["abandoned"], "de") == ["1 von 50 heute", "Grenze 3%"]
    assert words(shown["promises"]) == ["€1,234.50"]
    assert words(shown["callbacks"], "de") == ["insgesamt vereinbart: 7"]
    assert (shown["free"].mark, shown["abandoned"].mark, shown["callbacks"].mark) == (
        "waits long", "", "call back now",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("lost", "look", "mark"), [(1, "good", ""), (3, "warn", "near the limit"), (4, "bad", "above the limit")]
)
async def test_abandoned_calls_are_told_against_the_limit_of_the_campaigns(
    frame: Frame, lost: int, look: str, mark: str
) -> None:
    shown = tiles(frame, floor(tallies={"standard": Tally(200, 100, 90, lost)}))["abandoned"]
    assert (shown.look, shown.mark) == (look, mark)


async def test_a_calm_floor_raises_no_mark(frame: Frame) -> None:
    frame.settings = frame.settings.model_copy(
        update={"wall": frame.settings.wall.model_copy(update={"talking": 0.5, "right_parties": 10, "promises": 1})}
    )
    calm = tiles(frame, floor([seat("a", State.TALK)], tallies={"one": Tally(9, 9, 9, 0, 12)}, promises=Promises(1)))
    assert {tile.mark for tile in calm.values()} == {""}
    assert (calm["talking"].look, calm["right"].look, calm["promises"].look) == ("good", "good", "good")
    slack = tiles(frame, floor([seat("a", State.READY), seat("b", State.WRAP)]))
    assert (slack["talking"].look, slack["talking"].mark, slack["right"].look) == ("warn", "few", "")
    nobody = tiles(frame, floor(limit=0.0))
    assert words(nobody["free"]) == ["target 02:00"]  # nobody waits who is not there
    assert (nobody["talking"].look, nobody["abandoned"].look, words(nobody["abandoned"])) == ("", "", ["0 of 0 today"])


async def test_it_is_pushed_at_most_once_a_second_however_much_moves(frame: Frame, door: Entrance) -> None:
    person = await door.person("sven", Role.SUPERVISOR)
    loop, told = asyncio.get_running_loop(), list[float]()
    async with opened(person, "wall") as socket:
        await state(socket)
        began = loop.time()
        while loop.time() - began < 2.5 or len(told) < 2:
            frame.bus.publish(CallMoved("1-1", "placed"))
            frame.roster.sign_in("anna")
            frame.roster.sign_out("anna")
            try:
                message = await socket.receive_json(timeout=0.02)
            except TimeoutError:
                continue
            if "topic" in message:
                told.append(loop.time())
    assert len(told) <= told[-1] - began + 1, told


async def test_it_tells_what_memory_knows_while_the_database_is_away(frame: Frame, door: Entrance) -> None:
    person = await door.person("sven", Role.SUPERVISOR)
    assert "<span>/ 0</span>" in (await person.get("/wall")).text
    async with opened(person, "wall") as socket:
        await state(socket)
        take_store_away(frame.database)
        frame.roster.sign_in("anna")
        for _ in range(8):
            if "/ 1" in (await state(socket))["state"]:
                return
    pytest.fail("the agent who signed in is not shown")


NAMED = {"campaign": "standard", "step": "anruf", "due": 3}


@pytest.mark.parametrize(
    ("told", "words_for_it"),
    [
        ({"reason": "dialling", "in_flight": 2}, "Calls are being placed; under way: 2."),
        ({"reason": "no_agent", "agents": {}}, "Nobody of the team is ready to take calls."),
        ({"reason": "not_decided", **NAMED}, "standard: somebody is free, and calls are due: 3."),
        ({"reason": "budget_spent", **NAMED}, "standard: too many calls were abandoned; one call for each free agent"),
        ({"reason": "new_reason"}, "new reason"),
        ({"reason": "paused", "what": ["all", "channel:call"]}, "Everything is paused."),
        ({"reason": "paused", "what": ["channel:call"]}, "All calls are paused."),
        ({"reason": "paused", **NAMED}, "standard is paused."),
        (
            {"reason": "no_callable_account", "later": 0, "next": None, **NAMED},
            "standard: nobody is left to be called.",
        ),
        (
            {"reason": "no_callable_account", "later": 4, "next": "2026-11-23T09:00:00+00:00", **NAMED},
            "standard: nobody may be called now; waiting: 4, the next from Mon 23 Nov 10:00.",
        ),
    ],
)
async def test_why_nothing_is_dialled_is_said_in_words(
    frame: Frame, told: dict[str, object], words_for_it: str
) -> None:
    said = reasons.why(told, "Europe/Berlin", "en")
    assert (said.text % said.values).startswith(words_for_it)


async def test_calls_are_under_way_for_the_live_view_until_they_end(frame: Frame) -> None:
    up_since = HandClock().now()
    talking = Up("c1", 1, 1, "standard", "anruf", "", CallState.CONNECTED, up_since, "anna", inbound=False)
    told = replace(floor(queues={"call": {"planned": 3}, "email": {"claimed": 1, "sending": 2}}), calls=(talking,))
    ways = live_state.state_of(told, frame.settings, "en")["ways"]
    assert isinstance(ways, list)
    assert [(one.name, one.waiting, one.under_way) for one in ways] == [("call", 3, 1), ("email", 0, 3)]


async def test_why_accounts_are_held_back_is_said_in_words(frame: Frame) -> None:
    assert [reasons.held("cool_down"), reasons.held("of_tomorrow")] == ["spoken to recently", "of tomorrow"]


async def test_shares_and_lines_are_written_as_people_read_them(frame: Frame) -> None:
    assert [share(value, "de") for value in (0.0, 0.018, 0.03, 0.5, 1.0)] == ["0 %", "1,8 %", "3 %", "50 %", "100 %"]
    assert share(0.018, "en") == "1.8%"
    line = Line([0.0, 2.0], 3, target=1.0)
    assert line.stroke == f"M{WIDTH / 2:.1f},56.0 {WIDTH:.1f},4.0"
    assert (line.area.endswith(f"L{WIDTH},{HEIGHT}Z"), line.target) == (True, 30.0)
    empty = Line([3.0], 180)
    assert (empty.stroke, empty.area, empty.target) == ("", "", None)
