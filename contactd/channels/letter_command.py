"""Letters to a program, a call each: a print queue (`lp`), or a script that uploads to a lettershop.

Its exit code is its answer, in the words of sysexits.h (BSD). Whatever else it says may mean that the letter was taken.
"""

import subprocess
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from contactd.channels.base import Letter
from contactd.channels.letter_archive import Archive, Kept
from contactd.channels.letter_post import LetterChannel
from contactd.domain.errors import (
    ChannelError,
    ChannelMisconfigured,
    ChannelRejected,
    ChannelUnavailable,
    ChannelUnclear,
)

# sysexits.h; 126 and 127 are a shell's.
_REJECTED = frozenset({65, 66})  # EX_DATAERR, EX_NOINPUT
_DEAD = frozenset({67, 68})  # EX_NOUSER, EX_NOHOST
_BUSY = frozenset({69, 75})  # EX_UNAVAILABLE, EX_TEMPFAIL
_WRONG = frozenset({64, 77, 78, 126, 127})  # EX_USAGE, EX_NOPERM, EX_CONFIG
_LONGEST = 200


class Program:
    """Runs a command for each letter; `{file}` and `{reference}` in its arguments are filled in."""

    def __init__(self, command: Sequence[str], *, timeout: float) -> None:
        self._command = tuple(command)
        self._timeout = timeout

    def ready(self) -> None:
        """Have nothing to make ready."""

    def prepare(self, kept: Kept, letter: Letter) -> None:
        """Have nothing to write down."""

    def give(self, kept: Kept) -> str:
        """Run the program; its first line is its name for the letter, like lp's `request id is PDF-12`."""
        argv = [part.replace("{file}", str(kept.path)).replace("{reference}", kept.reference) for part in self._command]
        try:
            done = subprocess.run(  # noqa: S603 - the operator's own command, an argument each and no shell
                argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=self._timeout, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise ChannelUnclear(f"no end within {self._timeout:g} s", code="timeout") from error
        except OSError as error:
            raise ChannelMisconfigured(f"{argv[0]}: {error.strerror} (command in [letters])") from error
        if done.returncode:
            raise _translated(done.returncode, _first_line(done.stderr))
        return _first_line(done.stdout) or kept.reference

    def has(self, reference: str, since: datetime) -> None:
        """Not know: a program that was cut off may have taken the letter."""
        del reference, since

    def tidy(self) -> None:
        """Have no lists."""


def _first_line(said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[0][:_LONGEST] if lines else ""


def _translated(code: int, said: str) -> ChannelError:
    """Put an exit code in the channels' words."""
    text = f"exit {code}: {said}".rstrip(": ")
    if code in _BUSY:
        return ChannelUnavailable(text, code=str(code))
    if code in _REJECTED | _DEAD:
        return ChannelRejected(text, code=str(code), dead=code in _DEAD)
    if code in _WRONG:
        return ChannelMisconfigured(f"{text} (command in [letters])", code=str(code))
    return ChannelUnclear(text, code=str(code))


def letter_command(folder: Path, command: Sequence[str], *, timeout: float, workers: int = 2) -> LetterChannel:
    """Build the backend; what was handed over is kept in the folder."""
    return LetterChannel(Archive(folder / "archive"), Program(command, timeout=timeout), workers=workers)
