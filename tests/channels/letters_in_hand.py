"""The rigs of the backends for letters, with an outbox and a program in our hands; and what reads a PDF back."""

import errno
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pypdf

from contactd.channels.base import Letter, Message
from contactd.channels.letter_archive import day_of
from contactd.channels.letter_command import letter_command
from contactd.channels.letter_post import LetterChannel
from contactd.channels.letter_spool import letter_spool
from contactd.domain.errors import ChannelRejected

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
DAY = day_of(AT).isoformat()
MM = 72 / 25.4
PAGE = 297  # mm
# Takes a letter as a shop would, unless it is told how to end; it keeps what it took.
_SHOP = """
import pathlib, shutil, sys
reference, file, place = sys.argv[1:]
place = pathlib.Path(place)
order = place / "next"
told = order.read_text() if order.is_file() else "0"
order.unlink(missing_ok=True)
if told in ("0", "1"):
    shutil.copy(file, place / f"{reference}.taken")
print(f"job {reference}")
sys.exit(int(told))
"""


def letter(pdf: Callable[[], bytes] = lambda: b"%PDF-1.7\n", *, postcode: str = "00001", name: str = "Erika") -> Letter:
    """Make a letter that needs no setting."""
    return Letter(pdf=pdf, name=name, postcode=postcode, city="Musterstadt", country="DE", street="Weg 1")


def message(reference: str = "17-1", made: Letter | None = None) -> Message:
    """Wrap a letter up."""
    return Message(
        reference=reference,
        attempt_id=int(reference.partition("-")[0]),
        to="",
        language="de",
        subject="",
        text="",
        letter=made or letter(),
        created_at=AT,
    )


@dataclass
class Spool:
    """An outbox, and what may go wrong with the next letter."""

    folder: Path
    channel: LetterChannel
    armed: str = ""

    def taken(self) -> list[str]:
        """List what lies in the outbox, in the order in which it came."""
        lying = [path for path in (self.folder / "outbox").glob("*/*.pdf") if not path.name.startswith(".")]
        return [path.stem for path in sorted(lying, key=lambda path: path.stat().st_ctime_ns)]

    def arm(self, way: str) -> None:
        """Let the next letter go wrong."""
        self.armed = way

    def letter(self) -> Letter:
        """Make the next letter; a trouble that was before is over."""
        away = self.folder / "away"
        if away.exists():
            away.rename(self.folder / "outbox")
        return letter(self._pdf)

    def _pdf(self) -> bytes:
        way, self.armed = self.armed, ""
        match way:
            case "busy":
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            case "never_this" | "dead_address":
                raise ChannelRejected("takes 9 pages", dead=way == "dead_address")
            case "wrong_password":
                (self.folder / "outbox").rename(self.folder / "away")
            case "taken_then_silent":  # what stands where it is to be archived
                (self.folder / "archive" / DAY / "17-1.pdf" / "x").mkdir(parents=True)
        return b"%PDF-1.7\n"


@asynccontextmanager
async def spool() -> AsyncIterator[Spool]:
    """Give the backend that writes into a folder."""
    with tempfile.TemporaryDirectory() as place:
        yield Spool(Path(place), letter_spool(Path(place)))


@dataclass
class Shop:
    """A program that takes letters."""

    folder: Path
    channel: LetterChannel

    def taken(self) -> list[str]:
        """List what the program took, in the order in which it came."""
        return [path.stem for path in sorted(self.folder.glob("*.taken"), key=lambda path: path.stat().st_ctime_ns)]

    def arm(self, way: str) -> None:
        """Let the next call end so."""
        codes = {"busy": 75, "never_this": 65, "dead_address": 67, "wrong_password": 78, "taken_then_silent": 1}
        (self.folder / "next").write_text(str(codes[way]))


@asynccontextmanager
async def shop() -> AsyncIterator[Shop]:
    """Give the backend that runs a program."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        command = [sys.executable, "-c", _SHOP, "{reference}", "{file}", place]
        yield Shop(folder, letter_command(folder, command, timeout=60))


@dataclass(frozen=True)
class Word:
    """A piece of text and where its baseline begins, in millimetres from the left and the top of the page."""

    text: str
    x: float
    y: float
    size: float


def words(pdf: bytes, page: int = 0) -> list[Word]:
    """List the pieces of text of a page with their places."""
    found: list[Word] = []

    def see(text: str, cm: list[float], tm: list[float], _: object, size: float) -> None:
        if text.strip():
            x = tm[4] * cm[0] + tm[5] * cm[2] + cm[4]
            y = tm[4] * cm[1] + tm[5] * cm[3] + cm[5]
            found.append(Word(text.strip(), x / MM, PAGE - y / MM, size * abs(tm[3] * cm[3]) or size))

    pypdf.PdfReader(BytesIO(pdf)).pages[page].extract_text(visitor_text=see)
    return found


def text(pdf: bytes) -> str:
    """Read everything a PDF says, every kind and run of blanks as one."""
    return " ".join(" ".join(page) for page in pages(pdf))


def pages(pdf: bytes) -> Iterator[list[str]]:
    """Read what each page says."""
    for page in pypdf.PdfReader(BytesIO(pdf)).pages:
        yield page.extract_text().split()
