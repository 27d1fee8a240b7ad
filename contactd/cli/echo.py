"""One real call that plays back what is said, for `contactd doctor --echo`: it rings, and speech passes.

Done over ARI alone, so that it needs nothing of the dialplan. Of the recording nothing is kept.
"""

import io
import math
import wave
from array import array
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
import click

from contactd.cli.checkup import Finding, failed, ok, warning
from contactd.cli.checkup_lines import endpoint_of
from contactd.cli.exchange import Exchange, fetch, lent_sound, new_name
from contactd.cli.output import NOT_ALLOWED, fail
from contactd.clock import SystemClock
from contactd.config.providers import Trunk
from contactd.config.settings import Settings
from contactd.domain.errors import ChannelError
from contactd.intake.contacts import read_phone
from contactd.store import suppressions
from contactd.store.database import open_database
from contactd.telephony.announcements import TEST_CALL, texts_of
from contactd.telephony.ari import Event, path
from contactd.telephony.asterisk_ends import Heard, end_of
from contactd.telephony.base import Kind
from contactd.telephony.trunks import TrunkGroup

_CHECK = "test-call"
_RECORDED = 5  # seconds
_PLAYING = 60.0  # seconds until a text, or the recording, has been played
_BESIDE = 10.0  # seconds that Asterisk may take beside the ringing
_SLICE = 400  # samples: 50 ms
_GONE = "404"
_QUIET = 200.0  # root mean square below which a slice is silence
_LEAST_HEARD = 0.2
_SAID = {
    Kind.BUSY: "it is busy",
    Kind.NO_ANSWER: "nobody answered",
    Kind.INVALID: "there is no such number",
    Kind.REJECTED: "the call was rejected",
    Kind.CONGESTION: "it never rang: the trunk does not let it through",
    Kind.FAILED: "it failed",
}
_TRUNK_CURES = {
    Kind.INVALID: "mend the number, or how dial of the trunk in contactd.toml writes it",
    Kind.REJECTED: "caller_id in [telephony] must be a number the provider lets you show; see the trunk's account",
    Kind.CONGESTION: "see the trunk: asterisk -rx 'pjsip show endpoints', its credit, its limit of calls",
}

Stage = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to call: a name for people, what Asterisk dials, the language to speak."""

    name: str
    dial: str
    language: str


def target_of(phone: str, settings: Settings) -> Target:
    """Find an agent of that name, or a number that is nobody's we know; ends the program for a customer's."""
    if settings.telephony.backend != "asterisk":
        raise click.UsageError('--echo needs backend = "asterisk" in [telephony]')
    for agent_id, agent in settings.agents.items():
        if phone in (agent_id, agent.name):
            language = agent.languages[0] if agent.languages else "de"
            return Target(f"the telephone of {agent_id}", agent.phone, language)
    try:
        number = read_phone(phone, settings.intake.country)[0]
    except ValueError as error:
        raise click.BadParameter(f"{error}, and no agent has that name", param_hint="--echo") from None
    if _is_known(number, settings):
        fail(f"{number} stands in the database: customers are called by the rules only; call a telephone of your own",
             NOT_ALLOWED)  # fmt: skip
    trunks = TrunkGroup(settings.telephony.asterisk.trunks or {"trunk": Trunk()}, SystemClock().monotonic)
    trunk, _ = trunks.take(number)
    return Target(number, trunk.dial(number), "de")


def _is_known(number: str, settings: Settings) -> bool:
    """Tell whether a number is a customer's, or of somebody who wants no calls; raises StoreError."""
    database = open_database(settings.database_url)
    try:
        database.check_version()
        with database.snapshot() as connection:
            key = ("number", number)
            return bool(suppressions.owners(connection, [key])[key] or suppressions.for_addresses(connection, [key]))
    finally:
        database.close()


class EchoCall:
    """One call; `stage` hears, in seconds since it was begun, what happens to it."""

    def __init__(self, exchange: Exchange, settings: Settings, stage: Stage) -> None:
        self._exchange, self._ari, self._settings = exchange, exchange.ari, settings
        self._asterisk = settings.telephony.asterisk
        self._clock = SystemClock()
        self._began = 0.0
        self._stage_heard = stage
        self._channel = new_name()
        self._heard = Heard()
        self._left = False
        self._ended: Event | None = None

    async def place(self, target: Target) -> Finding:
        """Call, speak, record, play back, hang up."""
        try:
            async with lent_sound(self._settings, texts_of(self._settings)[0](TEST_CALL, target.language)) as file:
                self._began = self._clock.monotonic()
                await self._dial(target)
                if not await self._answers():
                    return self._unanswered(target)
                return await self._talk(f"sound:{file}")
        except ChannelError as error:
            if self._heard.answered and error.code == _GONE:
                return await self._gone()
            if self._heard.answered:
                cure = (
                    "load = res_stasis_recording.so; Asterisk must have a folder recording in its spool (astspooldir)"
                )
                return failed(_CHECK, f"answered, but cannot go on: {error}", cure)
            cure = f'see what is said above of "{endpoint_of(target.dial) or target.dial}"'
            return failed(_CHECK, f"{target.dial} cannot be called: {error}", cure)
        finally:
            await self._ari.delete(path("channels", self._channel))

    async def _dial(self, target: Target) -> None:
        shown = self._settings.telephony.caller_id
        self._stage(f"calling {target.dial}")
        await self._ari.post(
            "channels",
            endpoint=target.dial,
            app=self._ari.app,
            appArgs="echo",
            channelId=self._channel,
            timeout=f"{self._ring:.0f}",
            **({"callerId": shown} if shown else {}),
        )

    @property
    def _ring(self) -> float:
        return self._settings.telephony.ring.total_seconds()

    async def _answers(self) -> bool:
        event = await self._wait("StasisStart", seconds=self._ring + _BESIDE)
        if event is not None:
            self._heard.answered = True
            self._stage("answered")
        return event is not None

    def _unanswered(self, target: Target) -> Finding:
        if self._ended is None:
            return failed(_CHECK, "Asterisk tells nothing of the call", "see its log (messages.log)")
        cause, sip = self._ended.get("cause", 0), self._ended.get("tech_cause", 0)
        kind = end_of(self._heard, cause, sip).kind
        self._stage(f"over: {_SAID.get(kind, kind.value)}")
        codes = f"Q.850 cause {cause}" + (f", SIP {sip}" if sip else "")
        cure = _TRUNK_CURES.get(kind, f"try again when {target.name} is free, or call another telephone")
        return failed(_CHECK, f"{_SAID.get(kind, kind.value)} ({codes})", cure)

    async def _talk(self, text: str) -> Finding:
        recording = new_name()
        if not await self._play(text):
            return await self._gone() if self._left else _unplayable()
        self._stage(f"spoken to; listening for {_RECORDED} s")
        await self._ari.post(
            path("channels", self._channel, "record"), name=recording, format="wav", maxDurationSeconds=str(_RECORDED)
        )
        try:
            recorded = await self._wait("RecordingFinished", "RecordingFailed", seconds=_RECORDED + _BESIDE)
            if recorded is None or self._left:
                return await self._gone()
            seconds = await self._loud_seconds(recording)
            self._stage(f"{seconds:.1f} s of sound heard")
            if not await self._play(f"recording:{recording}"):
                return await self._gone()
            self._stage("played back")
        finally:
            for kept in ("live", "stored"):  # whichever it is by now
                await self._ari.delete(path("recordings", kept, recording))
        await self._hang_up()
        if seconds < _LEAST_HEARD:
            cure = (
                "if somebody spoke: let the ports of rtp.conf through the firewall (UDP); behind NAT set "
                "external_media_address in pjsip.conf"
            )
            return warning(_CHECK, "answered, but nothing was heard from there", cure)
        return ok(_CHECK, f"answered, {seconds:.1f} s of sound heard and played back")

    async def _gone(self) -> Finding:
        await self._wait(seconds=_BESIDE)  # how it ended may not have been heard yet
        return warning(_CHECK, "answered, but over before the end", "stay on the line until it is hung up")

    async def _hang_up(self) -> None:
        await self._ari.delete(path("channels", self._channel))
        await self._wait(seconds=_BESIDE)
        self._stage("hung up")

    async def _play(self, media: str) -> bool:
        playback = new_name()
        await self._ari.post(path("channels", self._channel, "play", playback), media=media)
        event = await self._wait("PlaybackFinished", seconds=_PLAYING)
        return event is not None and event["playback"]["state"] == "done"

    async def _loud_seconds(self, recording: str) -> float:
        where = path("recordings", "stored", recording, "file")
        try:
            status, body = await fetch(self._asterisk, where)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ChannelError(f"the recording cannot be fetched: {error}") from error
        if status != 200:  # noqa: PLR2004 - HTTP's word for yes
            raise ChannelError(f"the recording cannot be fetched ({status})")
        with wave.open(io.BytesIO(body)) as sound:
            samples = array("h", sound.readframes(sound.getnframes()))
            rate = sound.getframerate()
        slices = (samples[start : start + _SLICE] for start in range(0, len(samples) - _SLICE + 1, _SLICE))
        return float(sum(_level(part) > _QUIET for part in slices) * _SLICE / rate)

    async def _wait(self, *kinds: str, seconds: float) -> Event | None:
        """Wait for one of these events of the call; None when it ends before, or in time nothing comes."""
        if self._ended is not None:
            return None
        event = await self._exchange.wait(lambda event: self._hear(event) in (*kinds, "ChannelDestroyed"), seconds)
        if event is not None and event["type"] == "ChannelDestroyed":
            self._ended = event
            return None
        return event

    def _hear(self, event: Event) -> str:
        """Note what an event tells, and give its type, or nothing when it is not of this call."""
        about = (event.get("channel") or event.get("peer") or {}).get("id")
        of = event.get("playback") or event.get("recording") or {}
        if self._channel not in (about, of.get("target_uri", "").removeprefix("channel:")):
            return ""
        kind = str(event["type"])
        rings = kind == "ChannelStateChange" and event["channel"]["state"] == "Ringing"
        if (rings or event.get("dialstatus") in ("RINGING", "PROGRESS")) and not self._heard.rang:
            self._heard.rang = True
            self._stage("ringing")
        if kind == "ChannelHangupRequest":
            self._heard.asked = True
            self._heard.soft = self._heard.soft or bool(event.get("soft"))
            if self._heard.answered and not event.get("soft"):
                self._left = True
                self._stage("hung up there")
        return kind

    def _stage(self, what: str) -> None:
        self._stage_heard(self._clock.monotonic() - self._began, what)


def _level(part: "array[int]") -> float:
    return math.sqrt(sum(sample * sample for sample in part) / len(part))


def _unplayable() -> Finding:
    return failed(_CHECK, "answered, but the text could not be played", "see what is said above of sounds")
