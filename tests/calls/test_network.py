"""The set-up itself: each number of the town behaves as its name says, and the shipped configuration does its work."""

from itertools import count

import pytest

from tests.calls import town as people
from tests.calls.ari import Ari, Event, fits
from tests.calls.network import Network

IDS = count(1)


async def call(ari: Ari, number: str, *, ring: int = 30) -> str:
    """Place a call the simple way and return its channel's id."""
    channel = f"c-{next(IDS)}"
    await ari.ask(
        "POST", "channels", endpoint=f"PJSIP/{number.removeprefix('+')}@trunk", app="contactd", appArgs="out",
        channelId=channel, timeout=ring,
    )  # fmt: skip
    return channel


def codes(event: Event) -> tuple[int, int | None]:
    """Return the cause in words of the telephone network, and in SIP's."""
    return event["cause"], event.get("tech_cause")


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (next(people.BUSY.numbers(0)), (17, 486, True)),
        (next(people.REJECTS.numbers(0)), (21, 403, True)),
        (people.INVALID.number(), (1, 404, False)),
        (people.CONGESTED.number(), (34, 503, False)),
        (next(people.SWITCHED_OFF.numbers(0)), (19, 480, True)),
        (people.RINGS.number(), (19, 480, True)),
        (people.MUTE_TRUNK.number(), (19, 480, False)),
        ("+4940669690", (1, 404, False)),
    ],
)
async def test_a_call_nobody_answers_ends_with_its_cause(
    ari: Ari, network: Network, number: str, expected: tuple[int, int, bool]
) -> None:
    channel = await call(ari, number, ring=2)
    end = await ari.wait("ChannelDestroyed", channel)
    rang = "RINGING" in [event["dialstatus"] for event in ari.events if fits(event, "Dial", channel)]
    assert (*codes(end), rang) == expected
