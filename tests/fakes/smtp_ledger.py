"""What the SMTP stand-in took, in memory and, for processes, in a file that is safe before the sender hears 250."""

import asyncio
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO


@dataclass(frozen=True, slots=True)
class Mail:
    """One message as it came over the wire, dots unstuffed."""

    sender: str
    recipient: str
    content: bytes

    def header(self, name: str) -> str:
        """Read a header that is not folded; empty when there is none."""
        head = self.content.partition(b"\r\n\r\n")[0]
        for line in head.split(b"\r\n"):
            key, _, value = line.partition(b":")
            if key.lower() == name.lower().encode():
                return value.strip().decode()
        return ""

    @property
    def reference(self) -> str:
        """Give the local part of the Message-ID."""
        return self.header("Message-ID").strip("<>").partition("@")[0]


class Ledger:
    """Everything that was taken, in order; a file gets one line a message: reference, recipient."""

    def __init__(self, path: Path | None = None) -> None:
        """Take the file, which may hold the lines of an earlier life."""
        self.mails: list[Mail] = []
        self.first = asyncio.Event()
        self._file: BinaryIO | None = path.open("ab", buffering=0) if path else None

    def take(self, mail: Mail) -> None:
        """Write a message down; it is on the disk when this returns."""
        self.first.set()
        if self._file is None:
            self.mails.append(mail)
            return
        self._file.write(f"{mail.reference} {mail.recipient}\n".encode())
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def references(self) -> list[str]:
        """List the references taken, in order."""
        return [mail.reference for mail in self.mails]


def read_ledger(path: Path) -> Counter[str]:
    """Count how often each reference was taken, from the file of a process that may still be running."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return Counter(line.partition(" ")[0] for line in lines)
