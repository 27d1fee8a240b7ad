"""Texts as sound files that Asterisk can play: recordings of the operator, or spoken by a program; kept by content.

For carriers that play files. A text is spoken once, however often it is played; the program and SoX run as processes
of their own.
"""

import asyncio
import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from contactd.domain.errors import ChannelMisconfigured
from contactd.telephony.base import Announcement

_PATIENCE = 30.0  # seconds
# What format_wav of Asterisk reads: 8 kHz, mono, 16 bits.
_TELEPHONE = ("-r", "8000", "-c", "1", "-b", "16", "-e", "signed-integer")
_SECRETIVE = 0o750


class Speech:
    """Sound files in `folder`; `speak` is the program and its words, which may hold {language}, {file} and {text}."""

    def __init__(self, folder: Path, speak: Sequence[str]) -> None:
        self._folder = folder
        self._speak = tuple(speak)
        self._making: dict[Path, asyncio.Task[None]] = {}

    async def file(self, announcement: Announcement) -> Path:
        """Give the sound file of a text, without its ending; raises ChannelMisconfigured."""
        target = self._folder / f"{self._key(announcement)}.wav"
        if not target.exists():
            making = self._making.get(target)
            if making is None:
                making = self._making[target] = asyncio.ensure_future(self._make(announcement, target))
                making.add_done_callback(lambda _: self._making.pop(target, None))
            await asyncio.shield(making)
        return target.with_suffix("")

    def _key(self, announcement: Announcement) -> str:
        told = hashlib.sha256(repr((announcement.text, announcement.language, self._speak)).encode())
        if announcement.recording:
            try:
                told.update(Path(announcement.recording).read_bytes())
            except OSError as error:
                raise ChannelMisconfigured(f"recording {announcement.recording}: {error.strerror}") from error
        return told.hexdigest()[:32]

    async def _make(self, announcement: Announcement, target: Path) -> None:
        """Make the file under another name first: nobody plays half of it."""
        try:
            self._folder.mkdir(mode=_SECRETIVE, parents=True, exist_ok=True)
            work = Path(tempfile.mkdtemp(dir=self._folder))
        except OSError as error:
            raise ChannelMisconfigured(f"folder of spoken texts {self._folder}: {error.strerror}") from error
        try:
            spoken, made = work / "spoken.wav", work / "made.wav"
            if announcement.recording:
                spoken = Path(announcement.recording)
            else:
                values = {"language": announcement.language, "file": str(spoken), "text": announcement.text}
                await _run([word.format(**values) for word in self._speak])
            await _run(["sox", str(spoken), *_TELEPHONE, str(made)])
            made.replace(target)
        finally:
            shutil.rmtree(work, ignore_errors=True)


async def _run(words: list[str]) -> None:
    try:
        process = await asyncio.create_subprocess_exec(
            *words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
    except OSError as error:
        raise ChannelMisconfigured(f"{words[0]} cannot be run: {error.strerror}; install it to speak texts") from error
    try:
        async with asyncio.timeout(_PATIENCE):
            _, said = await process.communicate()
    except TimeoutError:
        raise ChannelMisconfigured(f"{words[0]} did not end in {_PATIENCE:g} seconds") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    if process.returncode:
        raise ChannelMisconfigured(f"{words[0]} failed: {said.decode(errors='replace').strip()[-300:]}")
