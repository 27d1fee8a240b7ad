"""How things stand on Asterisk, after a connection or when somebody asks: what is up, and where; for asterisk.py only.

Asterisk repeats no event, so everything is compared with its lists of channels and bridges.
"""

import contextlib
from collections.abc import Callable, Mapping

import structlog

from contactd.domain.errors import ChannelRejected
from contactd.telephony.ari import Ari, Event, path
from contactd.telephony.asterisk_guests import Guests
from contactd.telephony.asterisk_legs import HOLDING, Leg, Legs, mix_of
from contactd.telephony.asterisk_lines import PREFIX, WAITING, Line, Lines
from contactd.telephony.asterisk_recording import Recorder
from contactd.telephony.base import Kind

log = structlog.get_logger()


class Standing:
    """Compares what we know with what there is; `agent_gone` hears of a leg that is up no more."""

    def __init__(
        self,
        ari: Ari,
        lines: Lines,
        legs: Legs,
        guests: Guests,
        recorder: Recorder,
        *,
        agent_gone: Callable[[Leg], None],
    ) -> None:
        self._ari = ari
        self._lines, self._legs, self._guests, self._recorder = lines, legs, guests, recorder
        self._agent_gone = agent_gone
        self._startup = ""

    # -- asked for -----------------------------------------------------------------------------------------------

    async def live(self) -> list[str]:
        """List the calls that are up, those of an earlier daemon too, and report again where each stands."""
        channels = await self._channels()
        for name, channel in channels.items():
            if name.startswith(PREFIX) and name not in self._lines:
                self._lines.take_up(name, channel)
        await self._subscribe(channels)
        bridges = await self._bridges()
        for line in self._lines:
            if line.channel in channels:
                self._report_again(line, channels[line.channel], bridges)
        self._guests.stand_in(channels, bridges)
        for line in self._lines:
            if line.outside:
                self._lines.tell(line, Kind.OUTSIDE)
        return [line.reference for line in self._lines]

    async def own(self) -> list[str]:
        """List the calls of our own application."""
        application = await self._ari.get(path("applications", self._ari.app))
        return [channel.removeprefix(PREFIX) for channel in application["channel_ids"] if channel.startswith(PREFIX)]

    async def _subscribe(self, channels: Mapping[str, Event]) -> None:
        """Hear of calls, too, that another daemon's application has begun."""
        ours = set((await self._ari.get(path("applications", self._ari.app)))["channel_ids"])
        for line in self._lines:
            if line.channel in channels and line.channel not in ours:
                where = path("applications", self._ari.app, "subscription")
                with contextlib.suppress(ChannelRejected):  # over in this moment
                    await self._ari.post(where, eventSource=f"channel:{line.channel}")

    def _report_again(self, line: Line, channel: Event, bridges: Mapping[str, str]) -> None:
        state = channel["state"]
        line.heard.rang = line.heard.rang or state in ("Ring", "Ringing")
        line.heard.answered = line.heard.answered or state == "Up"
        if line.heard.rang:
            self._lines.tell(line, Kind.RINGING, carrier_ref=line.channel)
        if line.heard.answered:
            self._lines.report_answer(line, channel)
        for leg in self._legs.up():
            if mix_of(leg.agent_id) == bridges.get(line.channel) == bridges.get(leg.channel):
                line.agent, line.joined, line.inside = leg.agent_id, True, {line.channel, leg.channel}
                self._lines.tell(line, Kind.BRIDGED, agent=leg.agent_id)
        self._recorder.take_up(line)

    # -- after a connection --------------------------------------------------------------------------------------

    async def met(self) -> None:
        """Find out what became of the calls while no events came: Asterisk repeats none."""
        info = await self._ari.get("asterisk/info", only="status")
        before, self._startup = self._startup, info["status"]["startup_time"]
        if before not in ("", self._startup):
            log.error("asterisk_restarted", calls=len(list(self._lines)))
        await self._make_bridges()
        being_made = {line.channel for line in self._lines if line.ours is not None}  # perhaps after the list is
        channels, bridges = await self._channels(), await self._bridges()
        await self._recorder.look_back(channels)
        for leg in self._legs.up():
            if leg.channel not in channels:
                self._agent_gone(leg)
        await self._legs.met(channels)
        self._lines.find_incoming(channels)
        for line in self._lines:
            channel = channels.get(line.channel)
            if channel is None and line.channel not in being_made:
                self._lines.end(line, Kind.HUNG_UP if line.heard.deleted else Kind.LOST)
            elif channel is not None and line.heard.deleted:
                await self._ari.delete(path("channels", line.channel))
            elif channel is not None:
                self._lines.stands(line, channel["state"])
                self._lines.stands_in(line, bridges)
        self._lines.find_verdicts(channels)
        self._guests.stand_in(channels, bridges)
        await self._guests.tidy(channels)

    async def _make_bridges(self) -> None:
        there = {bridge["id"] for bridge in await self._ari.get("bridges")}
        wanted = dict.fromkeys((HOLDING, WAITING), "holding") | dict.fromkeys(map(mix_of, self._legs.known()), "mixing")
        for bridge, kind in wanted.items():
            if bridge not in there:
                await self._ari.post("bridges", type=kind, bridgeId=bridge, name=bridge)

    async def _channels(self) -> dict[str, Event]:
        return {channel["id"]: channel for channel in await self._ari.get("channels")}

    async def _bridges(self) -> dict[str, str]:
        """Tell in which bridge each channel is."""
        return {channel: bridge["id"] for bridge in await self._ari.get("bridges") for channel in bridge["channels"]}
