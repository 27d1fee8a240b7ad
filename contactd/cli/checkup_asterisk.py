"""What `contactd doctor` looks at on Asterisk: one finding each, and a test call at the end for whoever wants one."""

import asyncio
import tempfile
import wave
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from contactd.cli.checkup import Finding, failed, ok, warning
from contactd.cli.checkup_lines import check_phones, check_trunks, endpoints
from contactd.cli.checkup_modules import check_modules, check_version, detections
from contactd.cli.echo import EchoCall, Stage, Target
from contactd.cli.exchange import Exchange, Info, knock, lent_sound, new_name
from contactd.config.settings import Settings
from contactd.domain.account import Channel
from contactd.domain.errors import ChannelError, ChannelMisconfigured, ChannelRejected, ChannelUnavailable
from contactd.telephony.ari import path
from contactd.telephony.asterisk_lines import APP_VARIABLE
from contactd.telephony.base import Announcement
from contactd.telephony.speech import Speech

_CONTEXT = "contactd-amd"
_SAMPLE = {"de": "Guten Tag.", "en": "Good morning."}
_PLAYING = 15.0  # seconds until a short text has been played
_LEAST_SPOKEN = 0.2
_GONE = 0.5  # seconds until a channel that nobody takes is gone for certain
_FORBIDDEN = "403"
_KEYS = "[telephony.asterisk] of contactd.toml"

Tell = Callable[[Finding], None]


async def examine(settings: Settings, target: Target | None, *, daemon_answers: bool, tell: Tell, stage: Stage) -> None:
    """Look at everything that calls need; the call itself is placed only if Asterisk answers."""
    spoken = await check_speech(settings)
    tell(spoken)
    answers, info = await knock(settings.telephony.asterisk)
    tell(answers)
    if info is None:
        return
    tell(check_version(str(info["system"].get("version", ""))))
    exchange = Exchange(settings.telephony.asterisk)
    try:
        if not await exchange.start():
            cure = "load = res_http_websocket.so and res_ari_events.so in modules.conf; a proxy must pass websockets on"
            tell(failed("events", "Asterisk opens no websocket", cure))
            return
        checks = _Checks(settings, exchange, info, daemon_answers=daemon_answers)
        await checks.run(tell)
        if target is not None:
            tell(await EchoCall(exchange, settings, stage).place(target))
    finally:
        await exchange.close()


async def check_speech(settings: Settings) -> Finding:
    """Have a short text spoken in each language of a campaign that calls, into a folder that goes away."""
    check = "speech"
    calling = [one for one in settings.campaigns if any(step.channel is Channel.CALL for step in one.steps)]
    languages = sorted({one.language for one in calling} or {"de"})
    with tempfile.TemporaryDirectory(prefix="contactd-doctor-") as name:
        speech = Speech(Path(name), settings.telephony.asterisk.speak)
        for language in languages:
            try:
                file = await speech.file(_sample(language))
            except ChannelError as error:
                cure = f"install espeak-ng and sox, or mend speak in {_KEYS}"
                return failed(check, f"no text can be spoken in {language}: {error}", cure)
            if _seconds(file) < _LEAST_SPOKEN:
                return failed(check, f"nothing is said in {language}", f"mend speak in {_KEYS}")
    return ok(check, f"{settings.telephony.asterisk.speak[0]} and sox speak {', '.join(languages)}")


def _sample(language: str) -> Announcement:
    return Announcement(_SAMPLE.get(language.partition("-")[0], "1 2 3"), language)


def _seconds(file: Path) -> float:
    with wave.open(str(file.with_suffix(".wav"))) as sound:
        return float(sound.getnframes() / sound.getframerate())


class _Checks:
    """The looks at an Asterisk that answers."""

    def __init__(self, settings: Settings, exchange: Exchange, info: Info, *, daemon_answers: bool) -> None:
        self._settings, self._exchange, self._ari = settings, exchange, exchange.ari
        self._info = info
        self._daemon_answers = daemon_answers

    async def run(self, tell: Tell) -> None:
        """Do each; what one of them cannot ask is a finding, and the others go on."""
        looks: dict[str, Callable[[], Awaitable[Iterable[Finding]]]] = {
            "modules": self._modules,
            "application": self._application,
            "dialplan": self._dialplan,
            "sounds": self._sounds,
            "lines": self._lines,
        }
        for name, look in looks.items():
            try:
                for finding in await look():
                    tell(finding)
            except ChannelError as error:
                cure = "see Asterisk's log (messages.log); modules that are not loaded are named above"
                if error.code == _FORBIDDEN:
                    cure = f"read_only = no in [{self._settings.telephony.asterisk.username}] of ari.conf"
                tell(failed(name, f"Asterisk does not say: {error}", cure))

    async def _modules(self) -> list[Finding]:
        modules = await self._ari.get("asterisk/modules")
        running = {module["name"].removesuffix(".so") for module in modules if module["status"] == "Running"}
        return check_modules(running, self._settings)

    async def _application(self) -> list[Finding]:
        check, app = "application", self._settings.telephony.asterisk.app
        taken = app in {one["name"] for one in await self._ari.get("applications")}
        if taken and not self._daemon_answers and await self._is_heard(app):
            text = f'"{app}" is in use, and the daemon of this configuration does not run'
            cure = f"stop the other daemon, or give this one an app of its own in {_KEYS}"
            return [failed(check, text, cure)]
        if self._daemon_answers and not taken:
            cure = "look at contactd status and its log; after a change of [telephony] restart it"
            return [warning(check, f'the daemon runs, but is not connected as "{app}"', cure)]
        return [ok(check, f'"{app}" is ' + ("the daemon's" if self._daemon_answers and taken else "free"))]

    async def _is_heard(self, app: str) -> bool:
        """Tell whether somebody is connected as this application: bridges keep its name alive when nobody is.

        A channel that dials nobody lives on in the hands of whoever is there, who takes no notice of it; without
        anybody it is gone at once.
        """
        async with self._channel(app) as channel:
            await asyncio.sleep(_GONE)
            try:
                await self._ari.get(path("channels", channel))
            except ChannelRejected:
                return False
            return True

    @asynccontextmanager
    async def _channel(self, app: str) -> AsyncIterator[str]:
        """Have a channel for the block, which is never dialled."""
        channel = new_name()
        endpoint = f"Local/nobody@{channel}"
        await self._ari.post("channels/create", endpoint=endpoint, app=app, appArgs="doctor", channelId=channel)
        try:
            yield channel
        finally:
            await self._ari.delete(path("channels", channel))

    async def _dialplan(self) -> list[Finding]:
        """Ask a channel that dials nobody: a function of the dialplan is answered only there."""
        check, how, app = "dialplan", detections(self._settings), self._settings.telephony.asterisk.app
        named = (await self._ari.get("asterisk/variable", variable=APP_VARIABLE))["value"]
        if named and named != app:
            cure = (
                f"{APP_VARIABLE} = {app} in [globals] of extensions.conf, unless it is another daemon that takes them"
            )
            return [warning(check, f'calls that come in go to "{named}", and app is "{app}"', cure)]
        if not how:
            return [ok(check, "no campaign detects machines")]
        async with self._channel(self._ari.app) as channel:
            question = f"DIALPLAN_EXISTS({_CONTEXT},run,1)"
            try:
                found = (await self._ari.get(path("channels", channel, "variable"), variable=question))["value"]
            except ChannelError:
                return [warning(check, f"cannot see [{_CONTEXT}]", "load = func_dialplan.so in modules.conf")]
        if found != "1":
            cure = f"take [{_CONTEXT}] from deploy/asterisk/extensions.conf, then: asterisk -rx 'dialplan reload'"
            text = f'extensions.conf has no [{_CONTEXT}] with run, which detect = "{min(how)}" needs'
            return [failed(check, text, cure)]
        return [ok(check, f"[{_CONTEXT}] is there")]

    async def _sounds(self) -> list[Finding]:
        """Put a text where the daemon puts them, and let Asterisk play it to an empty room."""
        check, asterisk = "sounds", self._settings.telephony.asterisk
        folder = self._settings.state_directory / asterisk.sounds
        try:
            async with lent_sound(self._settings, _sample("de")) as file:
                played = await self._play(file)
        except ChannelMisconfigured as error:
            if error.code:  # Asterisk's
                raise
            cure = f"let the user contactd runs as write there, or name another folder as sounds in {_KEYS}"
            return [failed(check, str(error), cure)]
        if played is None:
            return [warning(check, f"whether Asterisk reads {folder} cannot be seen", "load = chan_bridge_media.so")]
        if not played:
            cure = (
                "let the user Asterisk runs as enter the folder and read what contactd makes there (mode, group, "
                f"setfacl -d), or name another as sounds in {_KEYS}; load = format_wav.so"
            )
            return [failed(check, f"Asterisk cannot play files in {folder}", cure)]
        return [ok(check, f"contactd writes to {folder}, Asterisk plays from it")]

    async def _play(self, file: Path) -> bool | None:
        """Tell whether Asterisk plays a file, None when it cannot be tried."""
        room, playback = new_name(), new_name()
        await self._ari.post("bridges", type="mixing", bridgeId=room, name=room)
        try:
            await self._ari.post(path("applications", self._ari.app, "subscription"), eventSource=f"bridge:{room}")
            await self._ari.post(path("bridges", room, "play", playback), media=f"sound:{file}")
            event = await self._exchange.wait(
                lambda event: event["type"] == "PlaybackFinished" and event["playback"]["id"] == playback, _PLAYING
            )
        except ChannelUnavailable:  # no channel to play by
            return None
        finally:
            await self._ari.delete(path("bridges", room))
        return event is not None and event["playback"]["state"] == "done"

    async def _lines(self) -> list[Finding]:
        known = await endpoints(self._ari)
        started = str(self._info.get("status", {}).get("startup_time", ""))
        return [
            *await check_trunks(self._ari, self._settings, known, started),
            *check_phones(self._settings, known),
        ]
