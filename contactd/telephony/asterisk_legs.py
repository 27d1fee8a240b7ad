"""Agents' telephones on Asterisk: called once and kept up between calls, or rung for each call; for asterisk.py only.

Between calls a leg stands in a holding bridge. One that is lost is called again for as long as its agent is wanted.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog

from contactd.domain.clock import Clock
from contactd.domain.errors import ChannelError, ChannelMisconfigured, ChannelRejected, ChannelUnavailable
from contactd.telephony.ari import Ari, Event, path, why_of
from contactd.telephony.base import Kind
from contactd.telephony.trunks import Trunk, TrunkGroup, dialled, endpoint_of

log = structlog.get_logger()

PREFIX = "contactd-agent-"
HOLDING = "contactd-agents"
_RING = 30  # seconds
_RING_FOR_CALL = 8  # the same while a customer waits: less than a bridge may take
_AGAIN = (1.0, 30.0)  # seconds until a leg is called again: at first, and at most


def mix_of(agent_id: str) -> str:
    """Name the bridge an agent talks in."""
    return f"contactd-mix-{agent_id}"


@dataclass(slots=True)
class Leg:
    """One agent's telephone; `channel` is empty while there is none, `lock` keeps orders about it in order."""

    agent_id: str
    channel: str = ""
    up: bool = False
    wanted: bool = False
    muted: bool = False  # or may be
    trunk: Trunk | None = None  # for a telephone outside the house
    calls: int = 0
    came: "asyncio.Future[None] | None" = None
    calling: "asyncio.Task[None] | None" = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Legs:
    """All agents' telephones; `tell` hears of each that comes up or goes down."""

    def __init__(
        self,
        ari: Ari,
        clock: Clock,
        trunks: TrunkGroup,
        phones: Mapping[str, str],
        *,
        nailed_up: bool,
        tell: Callable[[Kind, str], None],
    ) -> None:
        self._ari, self._clock, self._trunks = ari, clock, trunks
        self._phones = phones
        self._nailed_up = nailed_up
        self._tell = tell
        self._legs: dict[str, Leg] = {}
        self._by_channel: dict[str, Leg] = {}

    async def close(self) -> None:
        """Call nobody any more; what is up stays up, for whoever comes after us."""
        calling = [leg.calling for leg in self._legs.values() if leg.calling is not None]
        for task in calling:
            task.cancel()
        await asyncio.gather(*calling, return_exceptions=True)

    def of(self, channel: str) -> Leg | None:
        """Find the leg a channel is."""
        return self._by_channel.get(channel)

    def leg(self, agent_id: str) -> Leg:
        """Give an agent's leg, up or not."""
        if agent_id not in self._legs:
            self._legs[agent_id] = Leg(agent_id)
        return self._legs[agent_id]

    def known(self) -> list[str]:
        """List the agents who have a telephone."""
        return [agent_id for agent_id, phone in self._phones.items() if phone]

    def up(self) -> list[Leg]:
        """List the legs that are up."""
        return [leg for leg in self._legs.values() if leg.up]

    async def seat(self, agent_id: str) -> None:
        """Want an agent's telephone; raises ChannelMisconfigured when there is none."""
        if not self._phones.get(agent_id):
            raise ChannelMisconfigured("agent %(agent)s has no phone in [agents.%(agent)s]", agent=agent_id)
        leg = self.leg(agent_id)
        leg.wanted = True
        if leg.up or not self._nailed_up:
            self._tell(Kind.AGENT_UP, agent_id)
        else:
            self._keep_calling(leg)

    async def unseat(self, agent_id: str) -> None:
        """Let an agent's telephone go."""
        leg = self.leg(agent_id)
        wanted, leg.wanted = leg.wanted, False
        if leg.channel:
            await self._ari.delete(path("channels", leg.channel))
        elif wanted and not self._nailed_up:
            self._tell(Kind.AGENT_DOWN, agent_id)

    def has_to_ring(self, leg: Leg) -> bool:
        """Answer whether a telephone rings before its agent can be joined with anybody."""
        return not leg.up and not self._nailed_up

    async def ready(self, leg: Leg) -> str:
        """Give the channel of a leg that is up, rung for if it has to be; raises ChannelUnavailable."""
        if self.has_to_ring(leg):
            await self._ring(leg, _RING_FOR_CALL)
        if not leg.up:
            raise ChannelUnavailable("the telephone of %(agent)s is not up", agent=leg.agent_id)
        return leg.channel

    async def summon(self, leg: Leg) -> str:
        """Give the channel of a leg, rung for if it is not up; raises ChannelUnavailable."""
        if not leg.up:
            await self._ring(leg)
        return leg.channel

    async def release(self, leg: Leg, *, is_free: Callable[[], bool]) -> None:
        """Put a leg back after a call, unless it is in another by now."""
        async with leg.lock:
            if not leg.up or not is_free():
                return
            with contextlib.suppress(ChannelError):
                if self._nailed_up and leg.wanted:
                    await self._ari.post(path("bridges", HOLDING, "addChannel"), channel=leg.channel)
                else:
                    await self._ari.delete(path("channels", leg.channel))

    # -- events --------------------------------------------------------------------------------------------------

    def came(self, leg: Leg) -> None:
        """Hear that the telephone was picked up."""
        leg.up = True
        if leg.came is not None and not leg.came.done():
            leg.came.set_result(None)

    def went(self, leg: Leg, *, talked: bool = False) -> None:
        """Hear that it was put down, perhaps in mid-conversation, or never picked up."""
        self._by_channel.pop(leg.channel, None)
        was_up, leg.up, leg.channel, leg.muted = leg.up, False, "", False
        self._give_back(leg)
        if leg.came is not None and not leg.came.done():
            leg.came.set_exception(
                ChannelUnavailable("the telephone of %(agent)s was not picked up", agent=leg.agent_id)
            )
        if was_up and (self._nailed_up or talked or not leg.wanted):
            self._tell(Kind.AGENT_DOWN, leg.agent_id)
        if leg.wanted and self._nailed_up:
            self._keep_calling(leg)
        elif leg.wanted and talked:  # it rings for the next call as before
            self._tell(Kind.AGENT_UP, leg.agent_id)

    async def met(self, channels: Mapping[str, Event]) -> None:
        """Compare with what there is after a connection: take up legs of before, miss those that are gone."""
        for leg in list(self._by_channel.values()):
            if leg.channel not in channels:
                self.went(leg)
            elif channels[leg.channel]["state"] == "Up" and not leg.up:
                self.came(leg)
        for channel in channels.keys() - self._by_channel.keys():
            if channel.startswith(PREFIX):
                agent_id = channel.removeprefix(PREFIX).rpartition("-")[0]
                await self._take_up(self.leg(agent_id), channel, channels[channel])

    async def _take_up(self, leg: Leg, channel: str, found: Event) -> None:
        is_up = found["state"] == "Up"
        if leg.channel or not is_up or not self._nailed_up or not self._phones.get(leg.agent_id):
            await self._ari.delete(path("channels", channel))
            return
        leg.channel, leg.up, leg.muted = channel, True, True
        leg.trunk = self._trunks.hold(endpoint_of(found["name"]))
        self._by_channel[channel] = leg
        if leg.wanted:  # since before there was a connection
            self._tell(Kind.AGENT_UP, leg.agent_id)

    def _give_back(self, leg: Leg) -> None:
        trunk, leg.trunk = leg.trunk, None
        self._trunks.give_back(trunk)

    # -- calling -------------------------------------------------------------------------------------------------

    def _keep_calling(self, leg: Leg) -> None:
        if leg.calling is None or leg.calling.done():
            leg.calling = asyncio.get_running_loop().create_task(self._call_until_up(leg))

    async def _call_until_up(self, leg: Leg) -> None:
        pause = _AGAIN[0]
        while leg.wanted and not leg.up:
            try:
                await self._ring(leg)
            except ChannelError as error:
                log.info("agent_phone_not_up", agent=leg.agent_id, error=str(error))
                await self._clock.sleep(pause)
                pause = min(2 * pause, _AGAIN[1])
                continue
            with contextlib.suppress(ChannelError):  # it is as silent anywhere else
                await self._ari.post(path("bridges", HOLDING, "addChannel"), channel=leg.channel)
            if leg.channel:
                self._tell(Kind.AGENT_UP, leg.agent_id)

    async def _ring(self, leg: Leg, seconds: int = _RING) -> None:
        """Call a telephone and wait until it is picked up; raises ChannelUnavailable."""
        leg.calls += 1
        channel = f"{PREFIX}{leg.agent_id}-{int(self._clock.now().timestamp())}.{leg.calls}"
        leg.channel, leg.came = channel, asyncio.get_running_loop().create_future()
        self._by_channel[channel] = leg
        phone = self._phones[leg.agent_id]
        leg.trunk = self._trunks.hold(dialled(phone))
        try:
            await self._ari.post(
                "channels",
                endpoint=phone,
                app=self._ari.app,
                appArgs="agent",
                channelId=channel,
                timeout=str(seconds),
                callerId="contactd",
            )
            async with asyncio.timeout(seconds + 1):
                await leg.came
        except (ChannelError, TimeoutError) as error:
            self._by_channel.pop(channel, None)
            if leg.channel == channel:  # not one of before that was found up meanwhile
                leg.channel = ""
                self._give_back(leg)
            if isinstance(error, ChannelRejected | TimeoutError):
                raise ChannelUnavailable(
                    "the telephone of %(agent)s cannot be called: %(why)s", agent=leg.agent_id, why=why_of(error)
                ) from error
            raise
        finally:
            leg.came.cancel()
            leg.came = None
