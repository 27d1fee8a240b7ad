"""Calls that speak for themselves: the keys, the question for the postcode, and what the log says of it afterwards."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from contactd.domain.account import Channel
from contactd.domain.agent import State
from contactd.domain.ivr import Personal
from contactd.domain.money import Money
from contactd.engine.calls.dialer import Line
from contactd.store.suppressions import NewSuppression
from contactd.telephony.base import CarrierEvent, Kind
from contactd.telephony.simulated import Customer
from tests.clock import MONDAY_TEN, HandClock
from tests.engine.dialing import MemoryCallBook, Scene, a_list, a_scene, number, teams_of

LISTENS = Customer(Kind.ANSWERED, setup=1, ring=5, patience=20, listens=4, talk=60)
MEYER = Personal("10117", Money(4350, "EUR"), 2, date(2026, 10, 1), "K-4711")
ASKS, TELLS = "frage (de)", "konto 43.50 EUR (de)"


@pytest.fixture
def book() -> MemoryCallBook:
    """Give a call book in memory, on a clock moved by hand."""
    return MemoryCallBook(HandClock())


async def heard(
    book: MemoryCallBook,
    keys: str,
    *,
    personal: Personal | None = MEYER,
    identify: bool = True,
    customer: Customer = LISTENS,
) -> Scene:
    """Call somebody who presses these keys, to the end."""
    scene = await a_call(book, keys, personal=personal, identify=identify, customer=customer)
    async with scene.at_work():
        await scene.clock.run(200)
    return scene


async def a_call(
    book: MemoryCallBook,
    keys: str,
    *,
    personal: Personal | None = MEYER,
    identify: bool = True,
    customer: Customer = LISTENS,
) -> Scene:
    """Plan a call to somebody who presses these keys."""
    told = "konto" if identify else ""
    lists = a_list(mode="ivr", template="frage", machine="box", identify=identify, personal=told)
    scene = await a_scene(book, book.clock, teams=teams_of(lists), line=Line("", 30.0))
    scene.usual = replace(customer, presses=keys)
    book.personal = {1: personal} if personal else {}
    book.plan(1)
    return scene


def texts(scene: Scene) -> list[str]:
    """List what was said, in order."""
    return [text for _, text in scene.orders("play")]


def end(book: MemoryCallBook) -> tuple[str, dict[str, Any], NewSuppression | None]:
    """Give the reason, the details about keys and the suppression of the entry that ends the call."""
    last = book.entries["1-1"][-1]
    assert last.transition is not None
    details = dict(last.transition.details or {})
    told = {name: value for name, value in details.items() if not name.endswith(("_at", "_id"))}
    return last.transition.reason, told, last.suppress


async def test_2_says_the_text_again_and_1_gives_an_agent(book: MemoryCallBook) -> None:
    scene = await a_call(book, "21", identify=False)
    async with scene.at_work():
        await scene.clock.run(16)
        assert texts(scene) == [ASKS, ASKS]
        assert scene.orders("bridge") == [("1-1", "anna")]
        assert scene.roster.find("anna").state is State.TALK
        await scene.clock.run(100)
    assert book.ends("1-1") == ["answered"]
    assert end(book) == ("", {"heard_again": 1, "chose": "agent"}, None)


async def test_9_is_written_down_at_once_and_with_the_end_confirmed_and_over(book: MemoryCallBook) -> None:
    scene = await a_call(book, "9", identify=False)
    async with scene.at_work():
        await scene.clock.run(10.5)
        assert [stage.suppress.reason for stage in book.entries["1-1"] if stage.suppress] == ["opted_out"]
        assert texts(scene) == [ASKS, "ivr-stopped (de)"]
        await scene.clock.run(60)
    assert book.ends("1-1") == ["answered"]
    reason, told, suppress = end(book)
    assert (reason, told) == ("opted_out", {"heard_again": 0, "chose": "no_more_calls"})
    assert suppress is not None
    assert (suppress.kind, suppress.value, suppress.channel) == ("number", number(1), Channel.CALL)
    assert scene.orders("bridge") == []


async def test_the_confirmation_is_the_last_text_and_then_we_hang_up(book: MemoryCallBook) -> None:
    scene = await a_call(book, "9", identify=False)
    async with scene.at_work():
        await scene.clock.run(10.5)
        (live,) = scene.dialer.desk.live()
        for digit in "12":
            scene.dialer.on_event(CarrierEvent("1-1", Kind.PRESSED, book.clock.now(), {"digit": digit}))
        scene.dialer.on_event(CarrierEvent("1-1", Kind.PLAYED, book.clock.now()))
        await scene.clock.run(1)
        assert live.call.state == "ended"
    assert scene.orders("hang_up") == [("1-1", "")]
    assert texts(scene) == [ASKS, "ivr-stopped (de)"]


async def test_after_the_text_there_is_some_patience_for_a_key_and_then_we_hang_up(book: MemoryCallBook) -> None:
    scene = await heard(book, "", identify=False, customer=replace(LISTENS, patience=100))
    (hung_up,) = [asked.at for asked in scene.carrier.ledger if asked.order == "hang_up"]
    over = MONDAY_TEN + timedelta(seconds=1 + 1 + 5 + 4)  # signed in, set up, rung, listened
    assert timedelta(seconds=6.5) <= hung_up - over <= timedelta(seconds=8)
    assert book.ends("1-1") == ["answered"]


async def test_only_who_types_the_postcode_hears_what_is_open(book: MemoryCallBook) -> None:
    scene = await heard(book, "10117")
    assert texts(scene) == [ASKS, TELLS]
    assert end(book) == ("", {"heard_again": 0, "chose": "", "identified": True, "tries": 1}, None)


async def test_after_the_postcode_the_keys_are_those_of_the_menu(book: MemoryCallBook) -> None:
    scene = await a_call(book, "1011721")
    async with scene.at_work():
        await scene.clock.run(25)
        assert texts(scene) == [ASKS, TELLS, TELLS]
        assert scene.orders("bridge") == [("1-1", "anna")]


async def test_who_has_identified_may_opt_out_too(book: MemoryCallBook) -> None:
    scene = await heard(book, "101179")
    assert texts(scene) == [ASKS, TELLS, "ivr-stopped (de)"]
    reason, told, suppress = end(book)
    assert (reason, told["identified"], suppress is not None) == ("opted_out", True, True)


async def test_a_wrong_postcode_is_asked_for_again_and_the_third_one_ends_the_call(book: MemoryCallBook) -> None:
    scene = await heard(book, "999998888877777" + "10117")
    assert texts(scene) == [ASKS, "ivr-wrong (de)", "ivr-wrong (de)", "ivr-goodbye (de)"]
    assert book.ends("1-1") == ["answered"]
    assert end(book) == ("", {"heard_again": 0, "chose": "", "identified": False, "tries": 3}, None)


async def test_a_second_try_may_be_right(book: MemoryCallBook) -> None:
    scene = await heard(book, "9999910*10117")
    assert texts(scene) == [ASKS, "ivr-wrong (de)", TELLS]
    assert end(book)[1]["tries"] == 2


@pytest.mark.parametrize("personal", [None, replace(MEYER, postcode="SW1A 1AA"), replace(MEYER, postcode="")])
async def test_without_a_postcode_nothing_personal_is_ever_said(
    book: MemoryCallBook, personal: Personal | None
) -> None:
    scene = await heard(book, "22", personal=personal)
    assert texts(scene) == ["ivr (de)"] * 3
    assert end(book)[1]["identified"] is False


async def test_no_digit_stands_in_any_entry(book: MemoryCallBook) -> None:
    await heard(book, "98765" + "43210" + "10117")
    assert not [word for stage in book.entries["1-1"] for word in ("98765", "43210", "10117") if word in repr(stage)]


async def test_an_answering_machine_hears_the_neutral_text_only(book: MemoryCallBook) -> None:
    scene = await heard(book, "", customer=replace(LISTENS, fate=Kind.MACHINE))
    assert texts(scene) == ["box (de)"]
    assert book.ends("1-1") == ["machine"]


async def test_who_wants_an_agent_while_nobody_is_free_hears_the_apology(book: MemoryCallBook) -> None:
    scene = await a_call(book, "1", identify=False)
    async with scene.at_work():
        await scene.clock.run(8)
        scene.roster.pause("anna")
        await scene.clock.run(60)
    assert texts(scene) == [ASKS, "sorry (de)"]
    assert book.ends("1-1") == ["abandoned"]


async def test_a_key_is_not_heard_before_anything_was_said(book: MemoryCallBook) -> None:
    scene = await a_call(book, "")
    async with scene.at_work():
        await scene.clock.run(4)
        scene.dialer.on_event(CarrierEvent("1-1", Kind.PRESSED, book.clock.now(), {"digit": "9"}))
        await scene.clock.run(60)
    assert end(book)[2] is None
