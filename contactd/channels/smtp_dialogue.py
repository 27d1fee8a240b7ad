"""The part of SMTP that runs once a message: MAIL, RCPT, DATA and the content over a connection that stands.

email_smtp.py opens the connection with aiosmtplib (TLS, authentication, EHLO) and hands its transport over to this
protocol. aiosmtplib waits for each answer; sent in one go where the server offers it (RFC 2920) a message costs two
round trips instead of four, and a quarter of the time.
"""

import asyncio
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from contactd.channels.smtp_errors import Stage

_LONGEST_ANSWER = 65536
_LINE = re.compile(rb"(\d{3})([ -]?)(.*)")
_GO_AHEAD = 354
_FAREWELL = 421
_OK = range(200, 300)


@dataclass(frozen=True, slots=True)
class Answer:
    """One reply of the server; the lines of a long one are joined by blanks."""

    code: int
    text: str


class Refused(Exception):
    """The server said no, and where; the connection can be used again."""

    def __init__(self, stage: Stage, answer: Answer) -> None:
        """Keep what was said and to what."""
        super().__init__(f"{stage}: {answer.code} {answer.text}")
        self.stage = stage
        self.answer = answer


class Lost(Exception):
    """The connection broke, fell silent or made no sense; `taken_perhaps` once the content was on its way."""

    def __init__(self, why: str, *, taken_perhaps: bool) -> None:
        """Keep whether the message may have been taken."""
        super().__init__(why)
        self.taken_perhaps = taken_perhaps


class Dialogue(asyncio.Protocol):
    """One connection; one message at a time. After `Lost` or a cancelled `deliver` it is of no use any more."""

    def __init__(self, transport: asyncio.Transport, extensions: Mapping[str, str], *, timeout: float) -> None:
        """Take over the transport of a connection on which EHLO was answered; `timeout` is for one answer."""
        self._transport = transport
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._pipelining = "pipelining" in extensions
        self._size = "size" in extensions
        limit = extensions.get("size", "")
        self.most_bytes = int(limit) if limit.isdecimal() else 0
        self.international = "smtputf8" in extensions
        self._rest = b""
        self._lines: list[bytes] = []
        self._answers: deque[Answer] = deque()
        self._wanted = 0
        self._waiter: asyncio.Future[None] | None = None
        self._broken = ""
        self._reset = False
        self.delivered = 0
        transport.set_protocol(self)

    @property
    def usable(self) -> bool:
        """Tell whether another message can be tried."""
        return not self._broken and not self._transport.is_closing()

    async def deliver(self, sender: str, recipient: str, content: bytes) -> Answer:
        """Carry one message over; raises Refused or Lost. When cancelled, the message may have been taken."""
        try:
            await self._open(self._envelope(sender, recipient, len(content)))
            self._write(_stuffed(content))
            answer = await self._answer(taken_perhaps=True)
            _agree(Stage.CONTENT, answer)
        except (Lost, asyncio.CancelledError):
            self.drop()
            raise
        except Refused as refused:
            self._reset = True
            if refused.answer.code == _FAREWELL:
                self.drop()
            raise
        self.delivered += 1
        return answer

    def drop(self) -> None:
        """Close the connection without a word."""
        self._broken = self._broken or "closed by us"
        self._transport.abort()

    async def quit(self) -> None:
        """Say goodbye, wait shortly for the answer, close."""
        if self.usable:
            self._timeout = min(self._timeout, 1.0)
            try:
                self._write(b"QUIT\r\n")
                await self._answer(taken_perhaps=False)
            except Lost:
                pass
        self.drop()

    def _envelope(self, sender: str, recipient: str, size: int) -> list[tuple[Stage, bytes]]:
        wide = " SMTPUTF8" if self.international and not recipient.isascii() else ""
        large = f" SIZE={size}" if self._size else ""
        return [
            (Stage.MAIL, f"MAIL FROM:<{sender}>{large}{wide}\r\n".encode()),
            (Stage.RCPT, f"RCPT TO:<{recipient}>\r\n".encode()),
            (Stage.DATA, b"DATA\r\n"),
        ]

    async def _open(self, commands: list[tuple[Stage, bytes]]) -> None:
        """Send the envelope up to the go-ahead for the content; raises the first refusal."""
        if self._answers:  # a farewell, most likely: nobody asked
            raise Lost(f"unasked: {self._answers[0].text}", taken_perhaps=False)
        if self._reset:
            self._reset = False
            await self._ask(b"RSET\r\n")
        if not self._pipelining:
            for stage, command in commands:
                _agree(stage, await self._ask(command))
            return
        self._write(b"".join(command for _, command in commands))
        await self._arrive(len(commands))
        answers = list(self._answers)
        self._answers.clear()
        try:
            for (stage, _), answer in zip(commands, answers, strict=False):
                _agree(stage, answer)
        except Refused:
            # RFC 2920, section 3.1: a server may wait for content although it refused the recipient. Nothing but
            # hanging up makes sure that no empty message goes anywhere.
            if len(answers) < len(commands) or answers[-1].code == _GO_AHEAD:
                self.drop()
            raise
        if len(answers) != len(commands):
            raise Lost(self._broken or "more answers than questions", taken_perhaps=False)

    async def _ask(self, command: bytes) -> Answer:
        self._write(command)
        return await self._answer(taken_perhaps=False)

    async def _answer(self, *, taken_perhaps: bool) -> Answer:
        await self._arrive(1)
        if not self._answers:
            raise Lost(self._broken, taken_perhaps=taken_perhaps)
        return self._answers.popleft()

    async def _arrive(self, count: int) -> None:
        """Wait until so many answers are there or none will come any more."""
        # What arrived before the end counts: a server may answer and hang up in one breath.
        if len(self._answers) >= count or self._broken:
            return
        self._wanted = count
        self._waiter = self._loop.create_future()
        alarm = self._loop.call_later(self._timeout, self._break, f"no answer within {self._timeout:g} seconds")
        try:
            await self._waiter
        finally:
            alarm.cancel()
            self._waiter = None

    def _write(self, data: bytes) -> None:
        if not self.usable:
            raise Lost(self._broken or "connection closed", taken_perhaps=False)
        self._transport.write(data)

    def _break(self, why: str) -> None:
        self._broken = self._broken or why
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Take in what the server said; unasked words before a command are kept for it, as a farewell (421) is."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            match = _LINE.fullmatch(line.rstrip(b"\r"))
            if match is None or len(self._rest) + sum(map(len, self._lines)) > _LONGEST_ANSWER:
                self._break("the server's answer makes no sense")
                return
            self._lines.append(match[3])
            if match[2] != b"-":
                text = b" ".join(self._lines).decode("utf-8", "replace")
                self._lines.clear()
                self._answers.append(Answer(int(match[1]), text))
        if len(self._answers) >= self._wanted:
            self._wake()

    def eof_received(self) -> bool:
        """Know that nothing more comes."""
        self._break("the server closed the connection")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Know that nothing more goes or comes."""
        self._break(f"connection lost: {exc}" if exc else "the server closed the connection")


def take_over(transport: asyncio.BaseTransport, extensions: Mapping[str, str], *, timeout: float) -> Dialogue:
    """Make a dialogue of an open connection of aiosmtplib."""
    return Dialogue(cast("asyncio.Transport", transport), extensions, timeout=timeout)


def _agree(stage: Stage, answer: Answer) -> None:
    """Raise Refused unless the answer leads on."""
    agreed = answer.code == _GO_AHEAD if stage is Stage.DATA else answer.code in _OK
    if not agreed:
        raise Refused(stage, answer)


def _stuffed(content: bytes) -> bytes:
    """Double leading dots and add the final one (RFC 5321, section 4.5.2); the content ends in CRLF."""
    return content.replace(b"\r\n.", b"\r\n..") + b".\r\n"
