"""Whoever else takes part in a conversation: a third person an agent brought in, a supervisor; for asterisk.py only.

A supervisor hears by a snoop channel on the agent's leg, which stands in a bridge with their own telephone; such a
channel never reports its own end. To barge in they enter the agent's bridge.
"""

import asyncio
import contextlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import structlog

from contactd.domain.clock import Clock
from contactd.domain.errors import ChannelError, ChannelRejected, ChannelUnavailable
from contactd.telephony.ari import Ari, Event, path
from contactd.telephony.asterisk_legs import Legs, mix_of
from contactd.telephony.asterisk_lines import Line, Lines, channel_of
from contactd.telephony.base import CarrierEvent, Kind, OnEvent, Supervision
from contactd.telephony.trunks import TrunkGroup, endpoint_of

log = structlog.get_logger()

THIRD = "contactd-third-"
_EAR = "contactd-super-"
_BEEP = "contactd-beep-"
_OUTSIDE = "contactd-outside-"
_RING = 30  # seconds
_READY = 5.0  # seconds until a snoop channel must be ours
_WHISPER = {"listen": "none", "whisper": "out"}  # to whom a snoop speaks: out is to the agent only


def outside_of(reference: str) -> str:
    """Name the bridge in which two people talk whom an agent has left to each other."""
    return _OUTSIDE + reference


@dataclass(frozen=True, slots=True)
class _Ear:
    """A supervisor's snoop channel and the bridge of the same name, and whom it hears."""

    name: str
    agent_id: str


class Guests:
    """All third persons, by the calls they are in, and all supervisors."""

    def __init__(self, ari: Ari, clock: Clock, trunks: TrunkGroup, lines: Lines, legs: Legs, *, tell: OnEvent) -> None:
        self._ari, self._clock, self._trunks = ari, clock, trunks
        self._lines, self._legs = lines, legs
        self._tell = tell
        self._ears: dict[str, _Ear] = {}  # by supervisor
        self._number = 0  # Asterisk forgets a bridge a moment after it was deleted
        self._ready: dict[str, asyncio.Future[None]] = {}

    # -- a third person ------------------------------------------------------------------------------------------

    async def invite(self, line: Line, number: str, caller_id: str) -> None:
        """Call them; they enter the conversation when they answer."""
        if line.third:
            raise ChannelRejected("somebody else is in call %(call)s already", call=line.reference)
        trunk = line.third_trunk = self._trunks.take_for_guest(number)
        line.third = THIRD + line.reference
        try:
            await self._ari.post(
                "channels",
                endpoint=trunk.dial(number),
                app=self._ari.app,
                appArgs="third",
                channelId=line.third,
                timeout=str(_RING),
                callerId=caller_id,
            )
        except ChannelError:
            line.third = ""
            self._give_back(line)
            raise

    async def dismiss(self, line: Line) -> None:
        """Let them go, whether they have answered or not."""
        if line.third:
            await self._ari.delete(path("channels", line.third))

    async def leave(self, line: Line) -> None:
        """Give the two a bridge of their own, and the agent's leg back."""
        if not line.third_joined:
            raise ChannelRejected("nobody else is in call %(call)s", call=line.reference)
        agent, bridge = line.agent, outside_of(line.reference)
        await self._ari.post("bridges", type="mixing", bridgeId=bridge, name=bridge)
        await self._ari.post(path("bridges", bridge, "addChannel"), channel=f"{line.channel},{line.third}")
        line.agent, line.held, line.outside = "", False, True
        await self._legs.release(self._legs.leg(agent), is_free=lambda: not self._lines.has(agent))

    def _third_came(self, line: Line) -> None:
        async def join() -> None:
            await self._ari.post(path("bridges", mix_of(line.agent), "addChannel"), channel=line.third)
            line.third_joined = True
            self._lines.tell(line, Kind.THIRD_JOINED)

        if line.agent:
            self._ari.soon(join())
        else:
            self._ari.soon(self._ari.delete(path("channels", line.third)))

    def _give_back(self, line: Line) -> None:
        trunk, line.third_trunk = line.third_trunk, None
        self._trunks.give_back(trunk)

    def _third_went(self, line: Line) -> None:
        line.third, line.third_joined = "", False
        self._give_back(line)
        self._lines.tell(line, Kind.THIRD_GONE)
        if line.outside:  # nobody else is there, perhaps since an earlier life
            self._ari.soon(self._ari.delete(path("channels", line.channel)))

    def line_over(self, line: Line) -> None:
        """Let the third person of a call that is over go, too."""
        self._give_back(line)
        if line.third:
            self._ari.soon(self._ari.delete(path("channels", line.third)))
        if line.outside:
            self._ari.soon(self._ari.delete(path("bridges", outside_of(line.reference))))

    # -- supervisors ---------------------------------------------------------------------------------------------

    async def supervise(self, agent_id: str, supervisor: str, how: Supervision) -> None:
        """Let a supervisor hear, or take part; where that cannot be, they hear nobody any more."""
        try:
            async with self._legs.leg(supervisor).lock:
                await self._turn_to(agent_id, supervisor, how)
        except ChannelError:
            await self.unsupervise(supervisor)
            raise

    async def _turn_to(self, agent_id: str, supervisor: str, how: Supervision) -> None:
        leg, own = self._legs.leg(agent_id), self._legs.leg(supervisor)
        if not leg.up:
            raise ChannelUnavailable("the telephone of %(agent)s is not up", agent=agent_id)
        channel = await self._legs.summon(own)
        await self._part(supervisor)
        self._number += 1
        ear = f"{_EAR}{supervisor}-{self._number}"
        self._ears[supervisor] = _Ear(ear, agent_id)
        if how == "barge":
            await self._ari.post(path("bridges", mix_of(agent_id), "addChannel"), channel=channel)
        else:
            await self._listen(leg.channel, ear, channel, how)

    async def _listen(self, heard: str, ear: str, channel: str, how: Supervision) -> None:
        await self._ari.post("bridges", type="mixing", bridgeId=ear, name=ear)
        await self._snoop(heard, ear, spy="both", whisper=_WHISPER[how])
        await self._ari.post(path("bridges", ear, "addChannel"), channel=f"{ear},{channel}")

    async def unsupervise(self, supervisor: str) -> None:
        """Let them hear no more."""
        if await self._part(supervisor):
            await self._legs.release(self._legs.leg(supervisor), is_free=lambda: supervisor not in self._ears)

    async def _part(self, supervisor: str) -> bool:
        """Take their ear away; False: they had none."""
        ear = self._ears.pop(supervisor, None)
        if ear is None:
            return False
        await self._ari.delete(path("channels", ear.name))
        await self._ari.delete(path("bridges", ear.name))
        return True

    # -- a beep --------------------------------------------------------------------------------------------------

    async def beep(self, channel: str, sound: str) -> None:
        """Whisper a sound into one ear: neither side is interrupted by it."""
        mouth = f"{_BEEP}{channel}"
        await self._snoop(channel, mouth, spy="none", whisper="out")
        await self._ari.post(path("channels", mouth, "play"), media=f"sound:{sound}")

    async def _snoop(self, channel: str, name: str, *, spy: str, whisper: str) -> None:
        """Make a snoop channel and wait until it is ours."""
        ready = self._ready[name] = asyncio.get_running_loop().create_future()
        try:
            await self._ari.post(path("channels", channel, "snoop", name), spy=spy, whisper=whisper, app=self._ari.app)
            async with asyncio.timeout(_READY):
                await ready
        except TimeoutError as error:
            raise ChannelUnavailable("Asterisk did not make %(what)s", what=name) from error
        finally:
            del self._ready[name]

    # -- how things stand --------------------------------------------------------------------------------------

    def stand_in(self, channels: Mapping[str, Event], bridges: Mapping[str, str]) -> None:
        """Take up third persons of before, miss those that are gone; `bridges` is where each channel is."""
        for line in self._lines:
            third = THIRD + line.reference
            if line.channel not in channels:
                continue
            line.outside = line.outside or bridges.get(line.channel) == outside_of(line.reference)
            if third in channels:
                if not line.third:
                    line.third_trunk = self._trunks.hold(endpoint_of(channels[third]["name"]))
                line.third, line.third_joined = third, third in bridges
                if channels[third]["state"] == "Up" and not line.third_joined:
                    self._third_came(line)
            elif line.third or line.outside:
                self._third_went(line)

    async def tidy(self, channels: Collection[str]) -> None:
        """End what an earlier life, or the end of a call that nobody heard, has left of our own guests."""
        ours = await self._ari.get(path("applications", self._ari.app))
        known = {ear.name for ear in self._ears.values()}
        for name in ours["channel_ids"]:
            of_nobody = name.startswith(THIRD) and channel_of(name.removeprefix(THIRD)) not in channels
            if of_nobody or name.startswith(_BEEP) or (name.startswith(_EAR) and name not in known):
                await self._ari.delete(path("channels", name))
            if name.startswith(_EAR) and name not in known:
                await self._ari.delete(path("bridges", name))
        for bridge in await self._ari.get("bridges"):
            reference = bridge["id"].removeprefix(_OUTSIDE)
            if reference != bridge["id"] and channel_of(reference) not in channels:
                await self._ari.delete(path("bridges", bridge["id"]))

    def leg_gone(self, agent_id: str) -> None:
        """End it for a supervisor whose own telephone is gone, or that of whom they heard."""
        for supervisor, ear in list(self._ears.items()):
            if agent_id in (supervisor, ear.agent_id):
                self._tell(CarrierEvent("", Kind.EAR_GONE, self._clock.now(), {"agent": supervisor}))
                self._ari.soon(self.unsupervise(supervisor))

    # -- events --------------------------------------------------------------------------------------------------

    def hear(self, event: Event, channel: str) -> bool:
        """Take an event of a guest's channel; False: it is none."""
        if channel.startswith(THIRD):
            line = self._lines.find(channel.removeprefix(THIRD))
            if line is not None and line.third == channel:
                if event["type"] == "StasisStart":
                    self._third_came(line)
                elif event["type"] == "ChannelDestroyed":
                    self._third_went(line)
            elif event["type"] == "StasisStart":  # the call was over before they answered
                self._ari.soon(self._ari.delete(path("channels", channel)))
            return True
        if event["type"] == "StasisStart" and channel in self._ready:
            with contextlib.suppress(asyncio.InvalidStateError):
                self._ready[channel].set_result(None)
            return True
        if channel.startswith(_BEEP):
            if event["type"] == "PlaybackFinished":
                self._ari.soon(self._ari.delete(path("channels", channel)))
            return True
        return channel.startswith(_EAR)
