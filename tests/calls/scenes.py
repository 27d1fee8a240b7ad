"""Scenes of the call tests, played by bare requests: calls placed, agents seated, telephones that speak and listen."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from itertools import count
from typing import Any

from tests.calls.ari import Ari, Event
from tests.calls.hearing import Sound, read_sound
from tests.calls.network import Network

_SERIALS = count(1)


@dataclass(frozen=True, slots=True)
class Line:
    """A telephone in the network, and its call as the PBX knows it."""

    town: Ari
    network: Network
    channel: str  # in the network
    call: str = ""  # in the PBX, where the test knows it

    async def silence(self) -> None:
        """Send silence, as a telephone does into which nobody speaks."""
        await self.town.ask("POST", f"channels/{self.channel}/silence")

    async def say(self, sound: str) -> None:
        """Speak one of the sounds, to its end."""
        name = f"say-{next(_SERIALS)}"
        media = f"sound:{self.network.folder}/sounds/{sound}"
        await self.town.ask("POST", f"channels/{self.channel}/play/{name}", media=media)
        await self.town.wait("PlaybackFinished", name)
        await self.silence()

    async def hang_up(self) -> None:
        """Put the receiver down."""
        await self.town.ask("DELETE", f"channels/{self.channel}")


async def place(
    ari: Ari, number: str, *, ring: int = 30, attempt: str = "", caller: str = "+49221471099", call: str = ""
) -> str:
    """Begin a call and return its id; it enters the application when it is answered."""
    call = call or f"c-{next(_SERIALS)}"
    header = {"PJSIP_HEADER(add,X-Contactd-Attempt)": attempt} if attempt else {}
    await ari.ask(
        "POST", "channels", endpoint=f"PJSIP/{number.removeprefix('+')}@trunk", app="contactd", appArgs="out",
        channelId=call, timeout=ring, callerId=caller, body={"variables": header},
    )  # fmt: skip
    return call


async def reach(ari: Ari, number: str, **options: Any) -> str:  # noqa: ANN401 -- as `place` takes them
    """Place a call and return its id once it is answered."""
    call = await place(ari, number, **options)
    await ari.wait("StasisStart", call)
    return call


async def line_of(town: Ari, network: Network, who: str, call: str = "") -> Line:
    """Wait until a puppet (by its number) or a desk (by its name) has picked up, and return its newest line."""
    name = who.removeprefix("+")

    def picked_up(event: Event) -> bool:
        return event["args"][1:] == [name] and "ChannelDestroyed" not in town.about(event["channel"]["id"])

    start = await town.wait("StasisStart", where=picked_up)
    line = Line(town, network, start["channel"]["id"], call)
    await line.silence()
    return line


async def keep_lines_open(town: Ari) -> None:
    """Let every puppet and desk that picks up send silence: one that sends nothing is hung up on after rtp_timeout."""
    async for event in town.follow():
        if event["type"] == "StasisStart" and event["args"] and event["channel"]["state"] == "Up":
            await town.try_to("POST", f"channels/{event['channel']['id']}/silence")


async def reach_puppet(ari: Ari, town: Ari, network: Network, number: str, *, attempt: str = "") -> Line:
    """Call a puppet and return its line; it is silent until it is told to speak."""
    return await line_of(town, network, number, await reach(ari, number, attempt=attempt))


async def seat(ari: Ari, town: Ari, network: Network, agent: str) -> Line:
    """Call an agent's telephone, give it a bridge of its own, `mix-NAME`, and return its line."""
    call = f"a-{agent}-{next(_SERIALS)}"
    await ari.ask("POST", "bridges", type="mixing", bridgeId=f"mix-{agent}")
    await ari.ask(
        "POST", "channels", endpoint=f"PJSIP/{agent}", app="contactd", appArgs="agent", channelId=call, timeout=10
    )
    await ari.wait("StasisStart", call)
    await ari.ask("POST", f"bridges/mix-{agent}/addChannel", channel=call)
    return await line_of(town, network, agent, call)


async def join(ari: Ari, agent: str, call: str) -> None:
    """Bring a call to the agent's bridge; they hear each other then."""
    await ari.ask("POST", f"bridges/mix-{agent}/addChannel", channel=call)
    await ari.wait("ChannelEnteredBridge", call, where=lambda event: event["bridge"]["id"] == f"mix-{agent}")


async def hear(lines: list[Line], *doings: Coroutine[Any, Any, object]) -> list[Sound]:
    """Return what each line heard while the doings went on, all at once."""
    town, network = lines[0].town, lines[0].network
    names = [f"heard-{next(_SERIALS)}" for _ in lines]
    ears = [await town.record(line.channel, name) for line, name in zip(lines, names, strict=True)]
    await asyncio.gather(*doings)
    sounds = [read_sound(await town.end_recording(name, network.folder)) for name in names]
    for ear in ears:
        await town.try_to("DELETE", f"channels/{ear}")
    return sounds


async def play(ari: Ari, channel: str, media: str) -> None:
    """Play a sound to a channel of the PBX, to its end."""
    name = f"play-{next(_SERIALS)}"
    await ari.ask("POST", f"channels/{channel}/play/{name}", media=f"sound:{media}")
    await ari.wait("PlaybackFinished", name)


def codes(event: Event) -> tuple[int, int | None]:
    """Return the cause of an end in words of the telephone network, and in SIP's."""
    return event["cause"], event.get("tech_cause")
