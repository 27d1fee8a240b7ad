"""Who looks at real calls from outside contactd: an ear at the customers' end, and a counter of the PBX's bridges."""

import asyncio
import re
import time
from dataclasses import dataclass, field
from datetime import datetime
from os import getpid
from typing import Any

from contactd.telephony.ari import moment
from tests.bench.calling_lab import MIX, TONE, Town, cpu
from tests.calls.ari import Ari, Event
from tests.calls.asterisk import Asterisk
from tests.calls.hearing import read_sound
from tests.calls.network import Network, NetworkCall

_RECORDED = 10
_SECONDS = 1.0
_LOOK = 0.5
_WEIGHED = 2.0
# A line of its list: bridge, channel, since when, codec; received, lost, percent, jitter; sent and the same again.
_STATISTICS = re.compile(
    r"(?P<name>\S+-[0-9a-f]{8}) +[0-9:]+ +\w+ +(?P<received>\d+) +(?P<lost>\d+) +\d+ +[0-9.]+ +(?P<sent>\d+) "
)


@dataclass
class Ear:
    """When each customer heard the first sound, by the network's clock; some are recorded to know the sound."""

    recorded: int = 0
    sure: int = 0
    _first: dict[str, datetime] = field(default_factory=dict)  # by the channel's name

    async def listen(self, _: Asterisk, network: Network) -> None:
        """Listen until cancelled."""
        async with Ari(network.ari, network.password, "network") as town, asyncio.TaskGroup() as group:
            async for event in town.follow():
                if event["type"] == "ChannelTalkingStarted" and (stamp := moment(dict(event))):
                    self._first.setdefault(event["channel"]["name"], stamp)
                elif event["type"] == "StasisStart" and self.recorded < _RECORDED and event["args"]:
                    self.recorded += 1
                    group.create_task(self._record(town, network, event))

    def times(self, books: list[NetworkCall]) -> list[float]:
        """Answer the seconds from each answer to the first sound; who heard nothing is left out."""
        answers = {call.channel: call.answer for call in books}
        return [
            (first - answer).total_seconds() for name, first in self._first.items() if (answer := answers.get(name))
        ]

    async def _record(self, town: Ari, network: Network, event: Event) -> None:
        channel, name = event["channel"]["id"], f"heard-{self.recorded}"
        await town.record(channel, name)
        await asyncio.sleep(_SECONDS)
        file = await town.end_recording(name, network.folder)
        await town.try_to("DELETE", f"channels/ear-{name}")
        self.sure += read_sound(file).seconds_of(TONE) > _SECONDS / 2


@dataclass
class Count:
    """How many conversations there were at a time, by the PBX's own bridges, and how much speech went through it.

    `slowest` is the fewest packets a second that any telephone sent or got while all talked; G.711 has fifty.
    """

    wanted: int
    most: int = 0
    slowest: float = 0.0
    lost: int = 0
    _looks: list[tuple[int, float, dict[str, float]]] = field(default_factory=list)

    async def look(self, pbx: Asterisk, town: Town) -> None:
        """Look again and again until cancelled."""
        pids = {"this process": getpid(), "PBX": pbx.pid, "telephones": town.pid}
        async with Ari(pbx.ari, pbx.password, "witness") as client:
            while True:
                bridges: list[dict[str, Any]] = (await client.try_to("GET", "bridges"))[1]
                full = sum(len(bridge["channels"]) == 2 for bridge in bridges if bridge["id"].startswith(MIX))
                self._looks.append((full, time.monotonic(), {name: cpu(pid) for name, pid in pids.items()}))
                self.most = max(self.most, full)
                if full == self.wanted and not self.slowest:
                    await self._weigh(pbx)
                await asyncio.sleep(_LOOK)

    async def _weigh(self, pbx: Asterisk) -> None:
        """Count each telephone's packets for a while."""
        before, began = await asyncio.to_thread(_packets, pbx), time.monotonic()
        await asyncio.sleep(_WEIGHED)
        after, seconds = await asyncio.to_thread(_packets, pbx), time.monotonic() - began
        moved = [
            (after[name][way] - counts[way]) / seconds
            for name, counts in before.items()
            if name in after
            for way in ("received", "sent")
        ]
        self.slowest = min(moved) if len(moved) == 4 * self.wanted else 0.0
        self.lost = sum(counts["lost"] for counts in after.values())

    def __str__(self) -> str:
        full = [look for look in self._looks if look[0] == self.most]
        (_, began, before), (_, ended, after) = full[0], full[-1]
        if ended == began:
            return f"{self.most} for a moment"
        shares = ", ".join(
            f"{name} {100 * (after[name] - used) / (ended - began):.0f} %" for name, used in before.items()
        )
        flow = f"at least {self.slowest:.1f} packets/s each way, {self.lost} lost"
        return f"{self.most} for {ended - began:.1f} s, {shares} of a processor, {flow}"


def _packets(pbx: Asterisk) -> dict[str, dict[str, int]]:
    """Read by telephone how many packets Asterisk received, sent and missed."""
    lines = _STATISTICS.finditer(pbx.cli("pjsip show channelstats"))
    return {line["name"]: {way: int(line[way]) for way in ("received", "lost", "sent")} for line in lines}
