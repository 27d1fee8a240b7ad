"""What the stand-in for Twilio remembers of a message, and the ways in which it can answer and call back."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Callbacks:
    """What the server tells about a message, and how badly."""

    statuses: tuple[str, ...] = ("sent", "delivered")
    code: int = 0
    delay: float = 0.0  # seconds; late
    copies: int = 1  # two: doubled
    reordered: bool = False
    lost: bool = False
    forged: bool = False  # a forged "failed" goes out first
    early: bool = False  # before the POST is answered
    held: bool = False  # until the test calls `release`


@dataclass(frozen=True)
class Answer:
    """How a POST is answered: a status, or no answer at all; `taken` says whether the message is in the ledger."""

    status: int = 201
    code: int = 0
    taken: bool = True
    silent: bool = False  # keeps the connection open and says nothing
    dropped: bool = False  # cuts the connection
    garbled: bool = False  # 201 with a body nobody can read
    retry_after: str = ""
    delay: float = 0.0  # seconds between taking the message and saying so


GOOD = Answer()


@dataclass
class Taken:
    """A row of the ledger: a message the server will deliver."""

    sid: str
    to: str
    sender: str
    service: str
    body: str
    callback: str
    at: str
    status: str = "queued"
    code: int = 0

    @property
    def reference(self) -> str:
        """Read the attempt's reference out of the callback address."""
        return parse_qs(urlsplit(self.callback).query).get("ref", [""])[0]


@dataclass
class Called:
    """A callback as it went out, and the status it was answered with (0: nobody there)."""

    url: str
    fields: dict[str, str]
    answered: list[int] = field(default_factory=list)


def open_ledger(path: Path, rows: list[Taken]) -> int:
    """Continue a ledger file; answers its descriptor and adds what it holds to the rows."""
    if path.exists():
        rows.extend(Taken(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines())
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def read_ledger(path: Path) -> list[Taken]:
    """Read a ledger file; a line cut short by a crash is not there yet."""
    lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else []
    return [Taken(**json.loads(line)) for line in lines[:-1]]


# For the stand-in as a process: faults by name.
ANSWERS = {
    "429": Answer(429, 20429, taken=False, retry_after="1"),
    "500": Answer(500, taken=False),
    "taken500": Answer(500, taken=True),
    "silent": Answer(silent=True),
    "drop": Answer(dropped=True),
    "lostdrop": Answer(dropped=True, taken=False),
}
FATES = {
    "late": Callbacks(delay=2.0),
    "doubled": Callbacks(copies=2),
    "reordered": Callbacks(reordered=True),
    "lost": Callbacks(lost=True),
    "forged": Callbacks(forged=True),
    "early": Callbacks(early=True),
    "failed": Callbacks(("sent", "undelivered"), 30008),
}
