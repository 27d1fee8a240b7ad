"""The doctor's line to Asterisk: whether it answers at all, then requests and events under an application of its own.

The daemon's application is left alone: a second connection under its name would take its events away.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp

from contactd.cli.checkup import Finding, failed, ok
from contactd.config.providers import Asterisk
from contactd.config.settings import Settings
from contactd.domain.errors import ConfigError
from contactd.telephony.ari import Ari, Event
from contactd.telephony.base import Announcement
from contactd.telephony.speech import Speech

CHECK = "asterisk"
_KEYS = "[telephony.asterisk] of contactd.toml"
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 401, 403, 404

Info = dict[str, Any]


async def knock(asterisk: Asterisk) -> tuple[Finding, Info | None]:
    """Ask Asterisk who it is; without an answer the finding tells which of the usual faults it is."""
    try:
        status, body = await fetch(asterisk, "asterisk/info")
    except ConfigError as error:
        return failed(CHECK, f"the pass word cannot be read: {error}", f"mend password in {_KEYS}"), None
    except aiohttp.ClientConnectorError as error:
        cure = f"start Asterisk; url in {_KEYS} must be bindaddr and bindport of http.conf, which needs enabled = yes"
        return failed(CHECK, f"nobody listens at {asterisk.url}: {error.strerror or error}", cure), None
    except (aiohttp.ClientError, TimeoutError) as error:
        said = str(error) or "no answer in time"
        return failed(CHECK, f"{asterisk.url}: {said}", f"mend url in {_KEYS}, or see why Asterisk is stuck"), None
    info = _object(body)
    fault = _fault(asterisk, status, info)
    if fault is not None:
        return fault, None
    return ok(CHECK, f"answers at {asterisk.url} and takes user {asterisk.username}"), info


def _fault(asterisk: Asterisk, status: int, info: Info) -> Finding | None:
    """Say what is wrong with an answer, if anything."""
    if status in (_UNAUTHORIZED, _FORBIDDEN):
        cure = f"username and password in {_KEYS} must be those of a section of ari.conf with read_only = no"
        return failed(CHECK, f"refuses user {asterisk.username} ({status})", cure)
    if status == _NOT_FOUND and "message" in info:
        return failed(CHECK, "answers, but not about itself", "load = res_ari_asterisk.so in modules.conf")
    if status == _NOT_FOUND:
        cure = (
            "load = res_websocket_client.so and res_ari.so in modules.conf (without the first every address is "
            f"unknown), enabled = yes in ari.conf; url in {_KEYS} ends with /ari"
        )
        return failed(CHECK, f"a web server answers, but knows no {asterisk.url} (404)", cure)
    if "system" not in info:
        return failed(CHECK, f"what answers at {asterisk.url} is no Asterisk ({status})", f"mend url in {_KEYS}")
    return None


async def fetch(asterisk: Asterisk, where: str) -> tuple[int, bytes]:
    """Get something as it is; raises what aiohttp raises, and ConfigError for a pass word that cannot be read."""
    login = {"Authorization": aiohttp.encode_basic_auth(asterisk.username, asterisk.password.reveal())}
    patience = aiohttp.ClientTimeout(total=asterisk.timeout.total_seconds())
    async with (
        aiohttp.ClientSession(headers=login, timeout=patience) as session,
        session.get(f"{asterisk.url}/{where}") as answer,
    ):
        return answer.status, await answer.read()


def _object(body: bytes) -> Info:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


class Exchange:
    """Asterisk under the doctor's application; what happens there waits in order until it is asked for."""

    def __init__(self, asterisk: Asterisk) -> None:
        """Connect with `start`, leave with `close`."""
        self.ari = Ari(
            asterisk.url,
            username=asterisk.username,
            password=asterisk.password.reveal(),
            app=f"{asterisk.app}-doctor",
            patience=asterisk.timeout.total_seconds(),
        )
        self._events: asyncio.Queue[Event] = asyncio.Queue()

    async def start(self) -> bool:
        """Connect, and tell whether events come in."""
        await self.ari.start(self)
        return self.ari.up

    async def close(self) -> None:
        """Leave; the application goes with its last connection."""
        await self.ari.close()

    async def met(self) -> None:
        """Need nothing to begin with."""

    def hear(self, event: Event) -> None:
        """Keep an event."""
        self._events.put_nowait(event)

    async def wait(self, fits: Callable[[Event], bool], seconds: float) -> Event | None:
        """Give the next event that fits, None when none comes in time; those before it are dropped."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    event = await self._events.get()
                    if fits(event):
                        return event
        except TimeoutError:
            return None


@asynccontextmanager
async def lent_sound(settings: Settings, text: Announcement) -> AsyncIterator[Path]:
    """Have a text spoken into the folder of sounds for the block; afterwards everything there is as it was."""
    asterisk = settings.telephony.asterisk
    folder = settings.state_directory / asterisk.sounds
    there = folder.is_dir()
    file = await Speech(folder, asterisk.speak).file(replace(text, private=True))
    try:
        yield file
    finally:
        file.with_suffix(".wav").unlink(missing_ok=True)
        if not there:
            folder.rmdir()


def new_name() -> str:
    """Name something on Asterisk that is no other's."""
    return f"contactd-doctor-{secrets.token_hex(6)}"
