"""What `contactd doctor` looks at before letters leave: the folder, its room, the program or the service."""

import http.client
import shutil
import ssl
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from contactd.cli.checkup import Finding, failed, ok, warning
from contactd.config.settings import Settings

_CHECK = "letters"
_LITTLE_ROOM = 1 << 30  # bytes: about 25,000 letters
_PATIENCE = 5.0  # seconds


def check_letters(settings: Settings) -> Finding:
    """Look whether a letter could be kept and handed over; nothing is sent."""
    letters = settings.letters
    if letters.backend == "none":
        return ok(_CHECK, "no step can send them (backend in [letters])")
    wrong = _folder(settings.letters_directory)
    if wrong is None and letters.backend == "command":
        wrong = _program(letters.command[0])
    if wrong is None and letters.backend == "http":
        wrong = _service(letters.url)
    return wrong or ok(_CHECK, _WAYS[letters.backend].format(settings.letters_directory, letters.command, letters.url))


_WAYS = {
    "spool": "for the printer in {0}",
    "command": "by {1[0]}, kept in {0}",
    "http": "to {2}, kept in {0}",
}


def _folder(folder: Path) -> Finding | None:
    """Write a file where letters are kept, or where the folder will be made."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            free = shutil.disk_usage(there).free
    except OSError as error:
        cure = "give it to the user contactd runs as, or name another as folder in [letters]"
        return failed(_CHECK, f"{there} cannot be written to: {error.strerror}", cure)
    if free < _LITTLE_ROOM:
        cure = "make room: every letter is kept as evidence, about 40 kB each"
        return warning(_CHECK, f"{there} has {free >> 20} MB left", cure)
    return None


def _program(program: str) -> Finding | None:
    if shutil.which(program) is None:
        return failed(_CHECK, f"there is no program {program}", "install it, or mend command in [letters]")
    return None


def _service(url: str) -> Finding | None:
    """Ask the service for nothing: any answer says that it is there."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    link = kind(parts.hostname or "", parts.port, timeout=_PATIENCE)
    try:
        link.request("OPTIONS", parts.path or "/", headers={"User-Agent": "contactd"})
        link.getresponse().read(1)
    except (OSError, http.client.HTTPException) as error:
        why = f"{error}" if isinstance(error, ssl.SSLError) else f"does not answer: {error}"
        return failed(_CHECK, f"{url}: {why}", "mend url in [letters], or see whether the service is up")
    finally:
        link.close()
    return None
