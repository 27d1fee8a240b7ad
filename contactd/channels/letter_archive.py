"""Keeps every letter exactly as it left the house, as evidence, and knows which ones left; for the backends of letters.

`archive/<day>/<reference>.pdf` is a letter that was handed over. Until that is certain it is called
`.<reference>.pdf`, and it is written before anybody gets it: what is not there in either way has certainly not left.
"""

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from contactd.domain.errors import ChannelError, ChannelMisconfigured, ChannelUnavailable

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM})
_WAIT = 300.0  # seconds until a full disk is tried again
_READ_ONLY = 0o440


@dataclass(frozen=True, slots=True)
class Kept:
    """A letter on paper, so to speak: written down and not handed over yet."""

    reference: str
    day: str
    path: Path
    final: Path
    digest: str
    size: int

    @property
    def details(self) -> dict[str, Any]:
        """Tell the contact log which document it was."""
        return {"file": f"{self.day}/{self.final.name}", "sha256": self.digest, "bytes": self.size}


class Archive:
    """A folder of days; several threads may write at once, each another letter."""

    def __init__(self, folder: Path) -> None:
        """Take the folder; `ready` makes it."""
        self.folder = folder

    def ready(self) -> None:
        """Make the folder; raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)

    def keep(self, reference: str, at: datetime, pdf: bytes) -> Kept:
        """Write a letter down, durably, before it is handed over; raises OSError."""
        day = day_of(at).isoformat()
        (self.folder / day).mkdir(exist_ok=True)
        final = self.folder / day / f"{reference}.pdf"
        path = final.with_name(f".{final.name}")
        if final.is_file():
            raise FileExistsError(errno.EEXIST, "another database writes into this folder", str(final))
        write(path, pdf)
        return Kept(reference, day, path, final, sha256(pdf).hexdigest(), len(pdf))

    def done(self, kept: Kept) -> None:
        """Remember that a letter left; raises OSError."""
        kept.path.chmod(_READ_ONLY)
        kept.path.rename(kept.final)

    def drop(self, kept: Kept) -> None:
        """Forget a letter that certainly did not leave."""
        kept.path.unlink(missing_ok=True)

    def find(self, reference: str, since: datetime) -> Kept | None:
        """Look for a letter; whether it left is told by where it lies. Raises OSError."""
        for day in days_around(since):
            final = self.folder / day / f"{reference}.pdf"
            path = final.with_name(f".{final.name}")
            for place in (final, path):
                if place.is_file():
                    pdf = place.read_bytes()
                    return Kept(reference, day, place, final, sha256(pdf).hexdigest(), len(pdf))
        return None


def day_of(at: datetime) -> date:
    """Answer under which day a letter is kept: that of this machine's time zone."""
    return at.astimezone().date()


def days_around(at: datetime) -> Iterator[str]:
    """List the day of an instant, then those beside it."""
    for days in (0, -1, 1):
        yield (day_of(at) + timedelta(days=days)).isoformat()


def write(path: Path, content: bytes) -> None:
    """Write a new file that a power cut leaves whole or not there; raises OSError."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
    try:
        with os.fdopen(file, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(file)
    except OSError:
        path.unlink(missing_ok=True)
        raise


def sync(folder: Path) -> None:
    """Make the names in a folder durable."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def not_written(error: OSError) -> ChannelError:
    """Say what a failure before the letter left means: a full disk empties, a wrong folder is for the operator."""
    place = f"{error.filename}: " if error.filename else ""
    text = f"{place}{error.strerror or error}"
    code = errno.errorcode.get(error.errno or 0, "")
    if error.errno in _FULL:
        return ChannelUnavailable(text, code=code, retry_after=_WAIT)
    return ChannelMisconfigured(f"{text} (folder in [letters])", code=code)
