"""Which number the person called sees, and that it is the one that is written down."""

from dataclasses import replace

import pytest

from contactd.engine.calls.dialer import Line
from contactd.engine.calls.shown import Shown
from contactd.telephony.base import CallRequest, Kind
from contactd.telephony.simulated import Customer
from tests.clock import HandClock
from tests.engine.dialing import CALL, CALLER_ID, MemoryCallBook, a_list, a_scene, teams_of

OWN = "+493023125999"
ABROAD = {"GB": "+442079460001", "US": "+12025550101", "CA": "+16135550102"}


@pytest.mark.parametrize(
    ("number", "seen"),
    [
        ("+493023125001", CALLER_ID),
        ("+442079460999", ABROAD["GB"]),
        ("+12025550199", ABROAD["US"]),
        ("+16135550199", ABROAD["CA"]),
        ("+18005550199", ABROAD["US"]),  # of no country in particular: the main one of its dial code
        ("+99912345678", CALLER_ID),
        ("nonsense", CALLER_ID),
    ],
)
def test_the_country_of_the_number_called_decides_where_it_has_a_number_of_its_own(number: str, seen: str) -> None:
    assert Shown(CALLER_ID, ABROAD).to(number, CALL) == seen


@pytest.mark.parametrize("by_country", [{}, {"DE": "+493023125888"}])
def test_the_steps_own_number_goes_before_both(by_country: dict[str, str]) -> None:
    assert Shown(CALLER_ID, by_country).to("+493023125001", replace(CALL, caller_id=OWN)) == OWN


def test_without_any_number_none_is_shown() -> None:
    assert Shown().to("+493023125001", CALL) == ""


@pytest.mark.parametrize(("own", "seen"), [("", "+493023125888"), (OWN, OWN)])
async def test_what_is_shown_is_what_is_written_down(own: str, seen: str) -> None:
    book = MemoryCallBook(HandClock())
    line = Line(CALLER_ID, 30.0, caller_ids={"DE": "+493023125888"})
    scene = await a_scene(book, book.clock, teams=teams_of(a_list(caller_id=own)), line=line)
    requests: list[CallRequest] = []
    inner = scene.carrier.place

    async def place(request: CallRequest) -> None:
        requests.append(request)
        await inner(request)

    scene.carrier.place = place  # type: ignore[method-assign] # to see the whole request
    scene.usual = Customer(Kind.BUSY)
    async with scene.at_work():
        book.plan(1)
        await scene.clock.run(20)
    (end,) = [stage for stage in book.entries["1-1"] if stage.row.ended_at]
    assert end.transition is not None
    assert end.transition.details is not None
    assert requests[0].caller_id == end.row.caller_id == end.transition.details["caller_id"] == seen
