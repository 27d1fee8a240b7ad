"""Texts as sound files that Asterisk can play: recordings of the operator, or spoken by a program; kept by content.

For carriers that play files. A text is spoken once, however often it is played, but for those that tell of an account:
they are made anew each time, for the carrier to remove. The program and SoX run as processes of their own, and hear the
text on their standard input, where no list of processes shows it.
"""

import asyncio
import contextlib
import hashlib
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from contactd.domain.errors import ChannelMisconfigured
from contactd.telephony.base import Announcement

_PATIENCE = 30.0  # seconds
# What format_wav of Asterisk reads: 8 kHz, mono, 16 bits.
_TELEPHONE = ("-r", "8000", "-c", "1", "-b", "16", "-e", "signed-integer")
# Asterisk reads them as a member of the folder's group, which whoever sets it up has given it.
_FOLDER_MODE, _FILE_MODE = 0o750, 0o640
_PRIVATE = "private-"
_WORK = "making-"
_SPOKEN, _MADE = "spoken.wav", "made.wav"
# Two short tones. A file, because a tone of Asterisk's own holds up what the other side says until it is stopped.
_BEEP = ("synth", "0.08", "sine", "1400", "vol", "0.3", "pad", "0", "0.06", "repeat", "1")

Words = Sequence[str]


class Speech:
    """Sound files in `folder`; `speak` is the program and its words, which may hold {language} and {file}."""

    def __init__(self, folder: Path, speak: Words) -> None:
        self._folder = folder
        self._speak = tuple(speak)
        self._making: dict[Path, asyncio.Task[None]] = {}

    async def beep(self) -> Path:
        """Give the file that says that somebody is on the line, without its ending; raises ChannelMisconfigured."""
        return await self._once("beep", [("sox", "-n", *_TELEPHONE, _MADE, *_BEEP)])

    async def file(self, announcement: Announcement) -> Path:
        """Give the sound file of a text, without its ending; raises ChannelMisconfigured."""
        values = {"language": announcement.language, "file": _SPOKEN}
        speak = [tuple(word.format(**values) for word in self._speak)] if not announcement.recording else []
        make = ("sox", announcement.recording or _SPOKEN, *_TELEPHONE, _MADE)
        return await self._once(self._name(announcement), [*speak, make], announcement.text)

    def tidy(self) -> None:
        """Remove what an earlier life left of texts that tell of an account."""
        for file in self._folder.glob(f"{_PRIVATE}*"):
            file.unlink(missing_ok=True)
        for work in self._folder.glob(f"{_WORK}*"):
            shutil.rmtree(work, ignore_errors=True)

    def _name(self, announcement: Announcement) -> str:
        if announcement.private:
            return _PRIVATE + secrets.token_hex(16)
        told = hashlib.sha256(repr((announcement.text, announcement.language, self._speak)).encode())
        if announcement.recording:
            try:
                told.update(Path(announcement.recording).read_bytes())
            except OSError as error:
                raise ChannelMisconfigured(
                    "recording %(file)s: %(said)s", file=announcement.recording, said=error.strerror
                ) from error
        return told.hexdigest()[:32]

    async def _once(self, name: str, commands: Sequence[Words], text: str = "") -> Path:
        """Make a file by these commands, unless it is there or being made."""
        target = self._folder / f"{name}.wav"
        if not target.exists():
            making = self._making.get(target)
            if making is None:
                making = self._making[target] = asyncio.ensure_future(self._make(target, commands, text))
                making.add_done_callback(lambda _: self._making.pop(target, None))
            await asyncio.shield(making)
        return target.with_suffix("")

    async def _make(self, target: Path, commands: Sequence[Words], text: str) -> None:
        """Make the file elsewhere first: nobody plays half of it."""
        try:
            self._folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            work = Path(tempfile.mkdtemp(prefix=_WORK, dir=self._folder))
        except OSError as error:
            raise ChannelMisconfigured(
                "folder of spoken texts %(folder)s: %(said)s", folder=self._folder, said=error.strerror
            ) from error
        try:
            for words in commands:
                await _run(words, work, text)
            (work / _MADE).chmod(_FILE_MODE)
            (work / _MADE).replace(target)
        finally:
            shutil.rmtree(work, ignore_errors=True)


async def _run(words: Words, folder: Path, text: str) -> None:
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    try:
        # A file and no pipe: uvloop breaks when a program has ended before it is told what it does not read.
        with tempfile.TemporaryFile() as told:
            told.write(text.encode())
            told.seek(0)
            process = await asyncio.create_subprocess_exec(*words, cwd=folder, stdin=told, stdout=nothing, stderr=pipe)
    except OSError as error:
        raise ChannelMisconfigured(
            "%(program)s cannot be run: %(said)s; install it to speak texts", program=words[0], said=error.strerror
        ) from error
    try:
        async with asyncio.timeout(_PATIENCE):
            _, said = await process.communicate()
    except TimeoutError:
        raise ChannelMisconfigured(
            "%(program)s did not end in %(seconds)s seconds", program=words[0], seconds=f"{_PATIENCE:g}"
        ) from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    if process.returncode:
        why = said.decode(errors="replace").strip()[-300:]
        raise ChannelMisconfigured("%(program)s failed: %(why)s", program=words[0], why=why)
