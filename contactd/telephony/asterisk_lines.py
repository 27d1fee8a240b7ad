"""The customers' channels on Asterisk: every event of theirs goes through here and comes out as the dialer's words.

For asterisk.py only, which makes the requests. Events may come before the request that caused them is answered.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from contactd.domain.clock import Clock
from contactd.domain.errors import ChannelError, ChannelRejected, ChannelUnavailable
from contactd.telephony.ari import Ari, Event, path
from contactd.telephony.asterisk_ends import Heard, end_of
from contactd.telephony.asterisk_legs import Legs, mix_of
from contactd.telephony.base import CarrierEvent, Kind, OnEvent, call_id_of, reference_of
from contactd.telephony.trunks import Trunk, TrunkGroup, endpoint_of

log = structlog.get_logger()


PREFIX = "contactd-call-"
_EAR = "contactd-ear-"  # listens beside a conversation whether it is one with a machine
# Of the dialplan (deploy/asterisk/extensions.conf): a channel goes there and comes back with what was detected.
_DETECTION = {"context": "contactd-amd", "extension": "run", "priority": "1"}
APP_VARIABLE = "CONTACTD_APP"  # of the dialplan: who gets a channel back
WAITING = "contactd-waiting"  # where customers on hold hear music
RETRY_AFTER = 1.0
_AMD = "amd"  # of the dialplan: Stasis(contactd,amd,STATUS,CAUSE), the first argument of what detection has found out
_IN = "in"  # of the dialplan: Stasis(contactd,in,NUMBER), the first argument of a call that comes in


def channel_of(reference: str) -> str:
    """Name the channel of a call: ours bear our names, one that came in has Asterisk's own."""
    return call_id_of(reference) or PREFIX + reference


@dataclass(slots=True)
class Line:
    """A customer's channel, what was heard of it, and with whom it is joined."""

    reference: str
    channel: str
    trunk: Trunk | None
    detect: str = ""
    heard: Heard = field(default_factory=Heard)
    inbound: bool = False  # the customer calls us
    detecting: bool = False  # who has answered is not known yet
    ours: "asyncio.Future[None] | None" = None  # while it is being created
    agent: str = ""
    inside: set[str] = field(default_factory=set)  # who has entered the bridge with the agent
    joined: bool = False
    held: bool = False
    leaving: "asyncio.Task[None] | None" = None  # the bridge of an agent who is gone, for the music
    third: str = ""  # the channel of a third person
    third_trunk: Trunk | None = None
    third_joined: bool = False
    outside: bool = False  # the agent has left the two to each other
    playback: str = ""
    playbacks: int = 0
    asks: bool = False
    files: list[Path] = field(default_factory=list)  # sound files that tell of the account, for this call only

    @property
    def others(self) -> str:
        """Name the channels of whom an agent talks to."""
        return f"{self.channel},{self.third}" if self.third_joined else self.channel


Joined = Callable[[str], None]  # the channel of an agent's leg
Over = Callable[[Line], None]


class Lines:
    """All customers' channels, by their names on Asterisk; `tell` hears what they report.

    `joined` is called when an agent and a customer hear each other, `over` at the end of a call.
    """

    def __init__(
        self, ari: Ari, clock: Clock, trunks: TrunkGroup, legs: Legs, *, joined: Joined, over: Over, tell: OnEvent
    ) -> None:
        self._ari, self._clock = ari, clock
        self._trunks, self._legs = trunks, legs
        self._joined, self._over = joined, over
        self._tell_of = tell
        self._lines: dict[str, Line] = {}
        self._hears: Mapping[str, Callable[[Event, Line], None]] = {
            "StasisStart": self._ours,
            "ChannelStateChange": self._state_changed,
            "Dial": self._dialled,
            "ChannelHangupRequest": self._hangup_asked,
            "ChannelDestroyed": self._destroyed,
            "StasisEnd": self._out_of_hand,
            "ChannelEnteredBridge": self._entered,
            "ChannelLeftBridge": self._left,
            "ChannelDtmfReceived": self._pressed,
            "PlaybackFinished": self._played,
        }

    def __iter__(self) -> Iterator[Line]:
        return iter(list(self._lines.values()))

    def __contains__(self, channel: str) -> bool:
        return channel in self._lines

    def add(self, line: Line) -> Line:
        """Keep a channel until its end."""
        self._lines[line.channel] = line
        return line

    def find(self, reference: str) -> Line | None:
        """Find the channel of a call."""
        return self._lines.get(channel_of(reference))

    async def answered(self, reference: str) -> Line:
        """Find a channel that is answered, once it is where it was sent before; raises ChannelRejected."""
        line = self.find(reference)
        if line is None or not line.heard.answered:
            raise ChannelRejected("call %(call)s is not answered", call=reference)
        if line.leaving is not None:  # two requests at once may be carried out in either order
            await asyncio.wait({line.leaving})
        return line

    def hear(self, event: Event, channel: str) -> None:
        """Take an event of a channel; what concerns none of ours is dropped."""
        hears, line = self._hears.get(event["type"]), self._lines.get(channel)
        if hears is not None and line is not None:
            hears(event, line)
        elif channel.startswith(_EAR) and event["type"] == "StasisStart":
            self._listened(event["args"], channel)
        elif event["type"] == "StasisStart" and event["args"][:1] == [_IN]:
            self._came_in(event["channel"], event["args"][1])

    def find_incoming(self, channels: Mapping[str, Event]) -> None:
        """Hear of calls that came in while nobody listened, or before we were."""
        for name, channel in channels.items():
            args = self._handed_to_us(channel)
            if name not in self._lines and args[:1] == [_IN]:
                self._came_in(channel, args[1])

    def find_verdicts(self, channels: Mapping[str, Event]) -> None:
        """Hear who has answered the calls whose detection ended while nobody listened."""
        for name, channel in channels.items():
            args, line = self._handed_to_us(channel), self._lines.get(name)
            if args[:1] != [_AMD]:
                continue
            if name.startswith(_EAR):
                self._listened(args, name)
            elif line is not None and line.detecting:
                self._detected(line, args)

    def take_up(self, name: str, channel: Event) -> None:
        """Keep a call of an earlier life; who has answered it may not be known yet."""
        line = self.add(Line(name.removeprefix(PREFIX), name, self._trunks.hold(endpoint_of(channel["name"]))))
        told = channel.get("dialplan", {})
        line.detecting = told.get("context") == _DETECTION["context"] and told.get("app_name") != "Stasis"

    def report_answer(self, line: Line, channel: Event) -> None:
        """Report again who has answered, unless that is being found out; what was found to be a machine is one."""
        if not line.detecting:
            _, *args = channel.get("dialplan", {}).get("app_data", "").split(",")
            self._detected(line, args if args[:1] == [_AMD] else [])

    def _handed_to_us(self, channel: Event) -> list[str]:
        """Read with what arguments the dialplan has handed a channel to us; none: it has not."""
        app, *args = channel.get("dialplan", {}).get("app_data", "").split(",")
        return args if app == self._ari.app else []

    def _came_in(self, channel: Event, called: str) -> None:
        trunk = self._trunks.hold(endpoint_of(channel["name"]))
        line = self.add(Line(reference_of(channel["id"]), channel["id"], trunk, inbound=True))
        number = channel.get("caller", {}).get("number", "")
        self.tell(line, Kind.INCOMING, number=number, called=called)

    # -- what is heard -------------------------------------------------------------------------------------------

    def _ours(self, event: Event, line: Line) -> None:
        if line.ours is not None and not line.ours.done():
            line.ours.set_result(None)
        elif line.detecting:
            self._detected(line, event["args"])

    def _state_changed(self, event: Event, line: Line) -> None:
        self.stands(line, event["channel"]["state"])

    def stands(self, line: Line, state: str) -> None:
        """Hear that a channel rings or is answered, perhaps again."""
        if state == "Ringing" and not line.heard.rang and not line.heard.answered:
            line.heard.rang = True
            self._alive(line)
            self.tell(line, Kind.RINGING, carrier_ref=line.channel)
        elif state == "Up" and not line.heard.answered:
            line.heard.answered = True
            self._alive(line)
            if line.detect == "first":
                line.detecting = True
                self._ari.soon(self._detect(line.channel, line))
                return
            self.tell(line, Kind.ANSWERED, carrier_ref=line.channel)
            if line.detect == "beside":
                where = path("channels", line.channel, "snoop", _EAR + line.reference)
                self._ari.soon(self._ari.post(where, spy="in", app=self._ari.app))

    async def _detect(self, channel: str, line: Line) -> None:
        """Send a channel to be listened to; what cannot be detected is a person."""
        try:
            where = path("channels", channel, "variable")
            await self._ari.post(where, variable=APP_VARIABLE, value=self._ari.app)
            await self._ari.post(path("channels", channel, "continue"), **_DETECTION)
        except ChannelError as error:
            log.warning("machine_not_detected", reference=line.reference, error=str(error))
            if line.channel == channel:
                self._detected(line, [])

    def _detected(self, line: Line, args: Sequence[str]) -> None:
        """Report who has answered; whoever cannot be told apart is a person."""
        line.detecting = False
        self.tell(line, Kind.MACHINE if "MACHINE" in args else Kind.ANSWERED, carrier_ref=line.channel)

    def _listened(self, args: Sequence[str], channel: str) -> None:
        """Send the ear beside a conversation to be listened to, and hear what it has found out."""
        line = self.find(channel.removeprefix(_EAR))
        if line is not None and not args:
            self._ari.soon(self._detect(channel, line))
            return
        self._ari.soon(self._ari.delete(path("channels", channel)))
        if line is not None and "MACHINE" in args:
            self.tell(line, Kind.MACHINE)

    def stands_in(self, line: Line, bridges: Mapping[str, str]) -> None:
        """Hear in which bridges the channels are, perhaps again."""
        if line.agent:
            both, mix = (line.channel, self._legs.leg(line.agent).channel), mix_of(line.agent)
            line.inside = {channel for channel in both if bridges.get(channel) == mix}
            self._join(line)
            if line.held and bridges.get(line.channel) == WAITING:
                self.tell(line, Kind.HELD)

    def _dialled(self, event: Event, line: Line) -> None:
        if event.get("dialstatus") in ("RINGING", "PROGRESS"):
            self.stands(line, "Ringing")

    def _hangup_asked(self, event: Event, line: Line) -> None:
        line.heard.asked = True
        line.heard.soft = line.heard.soft or bool(event.get("soft"))

    def _destroyed(self, event: Event, line: Line) -> None:
        end = end_of(line.heard, event.get("cause", 0), event.get("tech_cause", 0))
        if line.trunk is not None and not end.trunk_answers and not line.inbound:
            self._trunks.silent(line.trunk)
        elif not line.heard.deleted:
            self._alive(line)
        causes = {"cause": event.get("cause"), "sip": event.get("tech_cause")}
        log.debug("call_over", reference=line.reference, kind=end.kind.value, **causes)
        self.end(line, end.kind)

    def _out_of_hand(self, _: Event, line: Line) -> None:
        """Hear that a channel goes back to the dialplan: one that came from there is over, and nothing more is told."""
        if line.inbound:
            self.end(line, Kind.HUNG_UP)

    def _entered(self, event: Event, line: Line) -> None:
        bridge = event["bridge"]["id"]
        if line.agent and bridge == mix_of(line.agent):
            line.inside.add(line.channel)
            self._join(line)
        elif bridge == WAITING:  # its music ends for good whenever the last one leaves
            self._ari.soon(self._ari.post(path("bridges", WAITING, "moh")))
            if line.held:
                self.tell(line, Kind.HELD)

    def _left(self, event: Event, line: Line) -> None:
        if line.agent and event["bridge"]["id"] == mix_of(line.agent):
            line.inside.discard(line.channel)

    def _join(self, line: Line) -> None:
        """Report that the two hear each other, once, or do so again."""
        leg = self._legs.leg(line.agent)
        if line.held and line.channel in line.inside:
            line.held = False
            self.tell(line, Kind.RETRIEVED)
        elif not line.joined and {line.channel, leg.channel} <= line.inside:
            line.joined = True
            self.tell(line, Kind.BRIDGED, agent=line.agent)
            self._joined(leg.channel)

    def _pressed(self, event: Event, line: Line) -> None:
        if line.asks:
            self.tell(line, Kind.PRESSED, digit=event["digit"])

    def _played(self, event: Event, line: Line) -> None:
        playback = event["playback"]
        if line.playback != playback["id"]:
            return  # another plays by now
        line.playback = ""
        if playback["state"] == "failed":
            log.error("sound_not_played", reference=line.reference, file=playback.get("media_uri"))
        self.tell(line, Kind.PLAYED)

    # -- agents' legs, as far as customers are concerned ---------------------------------------------------------

    def agent_entered(self, agent_id: str, channel: str, bridge: str) -> None:
        """Hear that an agent's leg is in a bridge."""
        for line in self:
            if line.agent == agent_id and bridge == mix_of(agent_id):
                line.inside.add(channel)
                self._join(line)

    def agent_gone(self, agent_id: str) -> list[Line]:
        """Take whom they talked to out of the bridge of an agent whose leg is gone, before it is called again."""
        left = [line for line in self if line.agent == agent_id and (line.joined or line.channel in line.inside)]
        for line in left:
            line.joined, line.agent, line.held = False, "", True
            music = self._ari.post(path("bridges", WAITING, "addChannel"), channel=line.others)
            line.leaving = self._ari.soon(music)
        return left

    async def clear(self, agent_id: str, but: Line) -> None:
        """See that nobody else's customer is in an agent's bridge: their end, or their way on, may be late.

        Who is being hung up is gone before the next one comes; who is to be joined with somebody else hears music.
        """
        for line in self:
            if line is but or line.agent != agent_id:
                continue
            if line.heard.deleted:
                for channel in line.others.split(","):
                    await self._ari.delete(path("channels", channel))
            else:
                line.agent, line.joined, line.held = "", False, True
                with contextlib.suppress(ChannelRejected):  # gone, and nobody has heard of it yet
                    await self._ari.post(path("bridges", WAITING, "addChannel"), channel=line.others)

    async def park(self, line: Line) -> None:
        """Let the customer hear music while a telephone rings; whoever they talked to is rid of them."""
        before, line.agent, line.joined, line.held = line.agent, "", False, True
        await self._ari.post(path("bridges", WAITING, "addChannel"), channel=line.others)
        if before:
            await self._legs.release(self._legs.leg(before), is_free=lambda: not self.has(before))

    # -- what follows --------------------------------------------------------------------------------------------

    def drop(self, line: Line) -> None:
        """Forget a channel that came to nothing."""
        if self._lines.pop(line.channel, None) is not None:
            self._trunks.give_back(line.trunk)
        for file in line.files:
            file.with_suffix(".wav").unlink(missing_ok=True)

    def end(self, line: Line, kind: Kind) -> None:
        """Report the end, and let the agent's leg wait for the next."""
        self.drop(line)
        if line.ours is not None and not line.ours.done():
            line.ours.set_exception(ChannelUnavailable("the channel was gone at once", retry_after=RETRY_AFTER))
            return  # never dialled: whoever places it hears that
        if line.detecting:
            self._detected(line, [])  # somebody who heard nobody
        self.tell(line, kind)
        self._over(line)
        if line.agent:
            self._ari.soon(self._legs.release(self._legs.leg(line.agent), is_free=lambda: not self.has(line.agent)))

    def has(self, agent_id: str) -> bool:
        """Answer whether an agent is in a conversation."""
        return any(line.agent == agent_id for line in self)

    def _alive(self, line: Line) -> None:
        if line.trunk is not None and not line.inbound:  # that calls come in does not say that ours go out
            self._trunks.alive(line.trunk)

    def tell(self, line: Line, kind: Kind, **details: str) -> None:
        """Report something of a call."""
        self._tell_of(CarrierEvent(line.reference, kind, self._clock.now(), details))
