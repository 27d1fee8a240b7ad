"""Real calls by an Asterisk of one's own, over its REST interface (ARI); the dialer uses it through `Carrier`.

A customer's channel is created first and dialled second: answered while the events are lost, it waits for us instead of
being dropped. Channels are named by us, so that a restarted daemon finds its calls again.
"""

import asyncio
import contextlib
from collections.abc import Mapping

import structlog

from contactd.domain.clock import Clock
from contactd.domain.errors import ChannelError, ChannelRejected, ChannelUnavailable, ChannelUnclear
from contactd.domain.phrase import Phrase
from contactd.telephony.ari import Ari, Event, path, why_of
from contactd.telephony.asterisk_guests import Guests
from contactd.telephony.asterisk_legs import Leg, Legs, mix_of
from contactd.telephony.asterisk_lines import PREFIX, RETRY_AFTER, WAITING, Line, Lines, channel_of
from contactd.telephony.asterisk_recording import Recorder
from contactd.telephony.asterisk_standing import Standing
from contactd.telephony.base import Announcement, CallRequest, CarrierEvent, Kind, OnEvent, Supervision
from contactd.telephony.speech import Speech
from contactd.telephony.trunks import TrunkGroup

log = structlog.get_logger()

_START = 5.0  # seconds until a created channel must be ours


class AsteriskCarrier:
    """One Asterisk; `phones` says by agent what it dials to reach them."""

    name = "asterisk"

    def __init__(
        self,
        ari: Ari,
        clock: Clock,
        *,
        trunks: TrunkGroup,
        speech: Speech,
        phones: Mapping[str, str],
        nailed_up: bool = True,
        beep: bool = True,
    ) -> None:
        self._ari, self._clock = ari, clock
        self._trunks = trunks
        self._speech = speech
        self._beeps = beep
        self._legs = Legs(ari, clock, trunks, phones, nailed_up=nailed_up, tell=self._tell_of_agent)
        self._lines = Lines(ari, clock, trunks, self._legs, joined=self._joined, over=self._over, tell=self._tell)
        self._guests = Guests(ari, clock, trunks, self._lines, self._legs, tell=self._tell)
        self._recorder = Recorder(ari, self._lines, clock)
        self._standing = Standing(
            ari, self._lines, self._legs, self._guests, self._recorder, agent_gone=self._agent_gone
        )
        self._on_event: OnEvent | None = None

    async def start(self, on_event: OnEvent) -> None:
        """Connect now if that is possible, and whenever the connection is lost."""
        self._on_event = on_event
        self._speech.tidy()
        await self._ari.start(self)

    async def close(self) -> None:
        """Report nothing more; calls go on."""
        self._on_event = None
        await self._legs.close()
        await self._ari.close()

    # -- customers -----------------------------------------------------------------------------------------------

    async def place(self, request: CallRequest) -> None:
        """Create the channel, wait until it is ours, dial; until then nobody is called."""
        channel = PREFIX + request.reference
        if channel in self._lines:
            raise ChannelRejected("call %(call)s is already up", call=request.reference)
        self._require_events()
        trunk, wait = self._trunks.take(request.number)
        line = self._lines.add(Line(request.reference, channel, trunk, detect=request.detect))
        line.ours = ours = asyncio.get_running_loop().create_future()
        try:
            if wait:
                await self._clock.sleep(wait)
            await self._create(line, ours, trunk.dial(request.number), request)
            await self._ari.post(path("channels", channel, "dial"), timeout=f"{request.ring_seconds:.0f}")
        except ChannelUnclear:
            raise  # dialled, perhaps: its events tell
        except ChannelError as error:
            self._lines.drop(line)
            self._ari.soon(self._ari.delete(path("channels", channel)))
            if isinstance(error, ChannelRejected):
                raise ChannelUnavailable("not dialled: %(why)s", why=error.phrase, retry_after=RETRY_AFTER) from error
            raise

    def _require_events(self) -> None:
        """Begin nothing while nobody would hear of it."""
        if not self._ari.up:
            raise ChannelUnavailable("Asterisk is not connected", retry_after=RETRY_AFTER)

    async def _create(self, line: Line, ours: "asyncio.Future[None]", endpoint: str, request: CallRequest) -> None:
        """Make a channel that has not dialled yet, and is `ours`; raises anything but ChannelUnclear."""
        shown = ("CALLERID(num)", "CONNECTEDLINE(num)") if request.caller_id else ()
        variables = {"PJSIP_HEADER(add,X-Contactd-Attempt)": str(request.attempt_id)}
        try:
            self._require_events()
            await self._ari.post(
                "channels/create",
                variables | dict.fromkeys(shown, request.caller_id),
                endpoint=endpoint,
                app=self._ari.app,
                appArgs="out",
                channelId=line.channel,
            )
            async with asyncio.timeout(_START):
                await ours
        except (ChannelUnclear, TimeoutError) as error:
            raise ChannelUnavailable(
                "Asterisk did not make the channel: %(why)s", why=why_of(error), retry_after=RETRY_AFTER
            ) from error
        except (ChannelUnavailable, ChannelRejected) as error:
            # A trunk out of reach answers 500, and now and then a false "exists already".
            if error.code and line.trunk is not None and await self._is_gone(line):
                self._trunks.rest(line.trunk)
                raise ChannelUnavailable(
                    "the trunk is out of reach: %(why)s", why=error.phrase, retry_after=RETRY_AFTER
                ) from error
            raise
        finally:
            ours.cancel()
            line.ours = None
        if line.heard.deleted:
            raise ChannelUnavailable("hung up before it was dialled", retry_after=0)

    async def answer(self, reference: str) -> None:
        """Pick up, and say so before Asterisk does: what is ordered next must find the call answered."""
        line = self._lines.find(reference)
        if line is None or not line.inbound:
            raise ChannelRejected("no call %(call)s is coming in", call=reference)
        await self._ari.post(path("channels", line.channel, "answer"))
        self._lines.stands(line, "Up")

    async def bridge(self, reference: str, agent_id: str) -> None:
        """Join the customer and the agent's leg with one request."""
        line = await self._lines.answered(reference)
        leg = self._legs.leg(agent_id)
        async with leg.lock:
            if self._legs.has_to_ring(leg):
                await self._silence(line)
                await self._recorder.stop(line)
                await self._lines.park(line)
            channel = await self._legs.ready(leg)
            if leg.muted and line.agent != agent_id:  # towards an earlier customer
                await self.mute(agent_id, muted=False)
            await self._silence(line)
            await self._recorder.stop(line)
            before, line.agent, line.joined, line.held = line.agent, agent_id, False, False
            line.inside.clear()
            try:
                await self._lines.clear(agent_id, line)
                where = path("bridges", mix_of(agent_id), "addChannel")
                await self._ari.post(where, channel=f"{line.others},{channel}")
            except ChannelRejected as error:
                line.agent = ""
                self._ari.soon(self._legs.release(leg, is_free=lambda: not self._lines.has(agent_id)))
                if line.channel in self._lines and not await self._is_gone(line):
                    raise ChannelUnavailable(
                        "the telephone of %(agent)s is gone: %(why)s", agent=agent_id, why=error.phrase
                    ) from error
                raise
        if before not in ("", agent_id):  # handed over
            await self._legs.release(self._legs.leg(before), is_free=lambda: not self._lines.has(before))

    async def _is_gone(self, line: Line) -> bool:
        try:
            await self._ari.get(path("channels", line.channel))
        except ChannelRejected:
            return True
        return False

    async def play(self, reference: str, announcement: Announcement, *, ask: bool = False) -> None:
        """Play a sound file instead of the one that plays."""
        line = await self._lines.answered(reference)
        file = await self._speech.file(announcement)
        if announcement.private:
            line.files.append(file)
            if line.channel not in self._lines:  # over while it was spoken
                self._lines.drop(line)
        await self._silence(line)
        if line.held and not line.agent:  # the music is over, too
            line.held = False
            with contextlib.suppress(ChannelRejected):
                await self._ari.post(path("bridges", WAITING, "removeChannel"), channel=line.channel)
        line.playbacks += 1
        line.playback, line.asks = f"{line.channel}-{line.playbacks}", ask
        await self._ari.post(path("channels", line.channel, "play", line.playback), media=f"sound:{file}")

    async def _silence(self, line: Line) -> None:
        """Stop the text that plays, and report its end no more: a channel is bridged only when its text is over."""
        playback, line.playback = line.playback, ""
        if playback:
            await self._ari.delete(path("playbacks", playback))

    async def hold(self, reference: str) -> None:
        """Take the customer out of the bridge, to the music."""
        line = await self._lines.answered(reference)
        line.held = True
        await self._recorder.rest(line, resting=True)
        await self._ari.post(path("bridges", WAITING, "addChannel"), channel=line.channel)

    async def retrieve(self, reference: str) -> None:
        """Take the customer back into it."""
        line = await self._lines.answered(reference)
        await self._ari.post(path("bridges", mix_of(line.agent), "addChannel"), channel=line.channel)
        await self._recorder.rest(line, resting=False)

    async def hang_up(self, reference: str) -> None:
        """End a call; without a reason, which would come back as if it were the far end's."""
        line = self._lines.find(reference)
        if line is not None:
            line.heard.deleted = True
        await self._ari.delete(path("channels", channel_of(reference)))

    # -- agents --------------------------------------------------------------------------------------------------

    async def seat(self, agent_id: str) -> None:
        """Call the agent's telephone and keep it up."""
        if self._on_event is None:
            raise ChannelUnavailable("closed")
        await self._legs.seat(agent_id)

    async def unseat(self, agent_id: str) -> None:
        """Let it go."""
        await self._legs.unseat(agent_id)

    def _joined(self, channel: str) -> None:
        if self._beeps:
            self._ari.soon(self._beep(channel))

    async def _beep(self, channel: str) -> None:
        """Say in the agent's ear that somebody is there."""
        await self._guests.beep(channel, str(await self._speech.beep()))

    def _over(self, line: Line) -> None:
        self._guests.line_over(line)
        self._ari.soon(self._recorder.stop(line))

    # -- whoever else takes part ---------------------------------------------------------------------------------

    async def mute(self, agent_id: str, *, muted: bool) -> None:
        """Stop what comes in from the agent's telephone, or let it through again."""
        leg = self._legs.leg(agent_id)
        where = path("channels", await self._legs.ready(leg), "mute")
        leg.muted = muted
        await (self._ari.post(where, direction="in") if muted else self._ari.delete(where, direction="in"))

    async def invite(self, reference: str, number: str, caller_id: str) -> None:
        """Call a third person by a trunk that serves their number."""
        await self._guests.invite(await self._lines.answered(reference), number, caller_id)

    async def dismiss(self, reference: str) -> None:
        """Let them go."""
        line = self._lines.find(reference)
        if line is not None:
            await self._guests.dismiss(line)

    async def leave(self, reference: str) -> None:
        """Take the agent's leg out of the conversation."""
        line = await self._lines.answered(reference)
        await self._recorder.stop(line)
        await self._guests.leave(line)

    async def record(self, reference: str, name: str, announcement: Announcement | None, *, ask: bool = False) -> None:
        """Announce it in the bridge, so that both hear it, and record the bridge."""
        line = await self._lines.answered(reference)
        sound = str(await self._speech.file(announcement)) if announcement is not None else ""
        await self._recorder.record(line, name, sound, ask=ask)

    async def recordings(self) -> list[str]:
        """List what Asterisk keeps."""
        return await self._recorder.names()

    async def forget(self, name: str) -> None:
        """Delete a file of Asterisk's."""
        await self._recorder.forget(name)

    async def supervise(self, agent_id: str, supervisor: str, how: Supervision) -> None:
        """Let a supervisor hear, or take part."""
        await self._guests.supervise(agent_id, supervisor, how)

    async def unsupervise(self, supervisor: str) -> None:
        """Let them hear no more."""
        await self._guests.unsupervise(supervisor)

    def trouble(self) -> Phrase:
        """Say that Asterisk is away, or which trunks let nothing ring."""
        return self._ari.trouble or self._trunks.trouble()

    # -- how things stand ----------------------------------------------------------------------------------------

    async def live(self) -> list[str]:
        """List the calls that are up, those of an earlier daemon too, and report again where each stands."""
        return await self._standing.live()

    async def own(self) -> list[str]:
        """List the calls of our own application."""
        return await self._standing.own()

    async def met(self) -> None:
        """Find out what became of the calls while no events came: Asterisk repeats none."""
        await self._standing.met()

    def hear(self, event: Event) -> None:
        """Take an event of Asterisk."""
        self._recorder.hear(event)
        about = event.get("channel") or event.get("peer") or {}
        channel = about.get("id") or event.get("playback", {}).get("target_uri", "").removeprefix("channel:")
        leg = self._legs.of(channel)
        if leg is None:
            if not self._guests.hear(event, channel):
                self._lines.hear(event, channel)
        elif event["type"] == "StasisStart":
            self._legs.came(leg)
        elif event["type"] == "ChannelEnteredBridge":
            self._lines.agent_entered(leg.agent_id, channel, event["bridge"]["id"])
        elif event["type"] == "ChannelDestroyed":
            self._agent_gone(leg)

    def _agent_gone(self, leg: Leg) -> None:
        left = self._lines.agent_gone(leg.agent_id)
        for line in left:
            self._ari.soon(self._recorder.stop(line))
        self._guests.leg_gone(leg.agent_id)
        self._legs.went(leg, talked=bool(left))

    def _tell_of_agent(self, kind: Kind, agent_id: str) -> None:
        self._tell(CarrierEvent("", kind, self._clock.now(), {"agent": agent_id}))

    def _tell(self, event: CarrierEvent) -> None:
        if self._on_event is not None:
            self._on_event(event)
