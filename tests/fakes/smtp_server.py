"""A mail server on the wire, for tests: quick, keeps a ledger, fails on demand.

Inside a test: `async with SmtpServer() as server`. As a process of its own, for tests that kill the sender:
`python -m tests.fakes.smtp_server --port 0 --ledger FILE` prints its port and runs until it is terminated.
"""

import argparse
import asyncio
import base64
import random
import signal
import ssl
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from tests.fakes.smtp_ledger import Ledger, Mail

DROP = "drop"  # hang up instead of answering
SILENCE = "silence"  # answer neither this nor anything that follows


@dataclass(slots=True)
class Fault:
    """Answer `reply` (or DROP, or SILENCE) at a stage, `times` times; `taken`: the message counts all the same.

    Stages: greeting ehlo starttls auth mail rcpt data content rset; `hang_up`: answer, then close.
    """

    stage: str
    reply: str
    times: int = 1
    taken: bool = False
    hang_up: bool = False


@dataclass(slots=True)
class Behaviour:
    """How the server is set up."""

    extensions: tuple[str, ...] = ("PIPELINING", "SIZE 10485760", "8BITMIME", "ENHANCEDSTATUSCODES", "SMTPUTF8")
    tls: ssl.SSLContext | None = None
    implicit_tls: bool = False
    user: tuple[str, str] | None = None
    faults: list[Fault] = field(default_factory=list)
    drop_share: float = 0.0  # of the messages: taken, then the connection drops without an answer
    refuse_share: float = 0.0  # of the recipients: 450
    think: float = 0.0  # seconds before a message is taken; not taken when the client hangs up meanwhile
    delay: float = 0.0  # seconds between taking a message and saying so
    chance: random.Random = field(default_factory=lambda: random.Random(1))

    def fault(self, stage: str) -> Fault | None:
        """Take the next fault of a stage."""
        for fault in self.faults:
            if fault.stage == stage and fault.times > 0:
                fault.times -= 1
                return fault
        if stage == "content" and self.chance.random() < self.drop_share:
            return Fault(stage, DROP, taken=True)
        if stage == "rcpt" and self.chance.random() < self.refuse_share:
            return Fault(stage, "450 4.7.1 try again later")
        return None


class SmtpServer:
    """Listens on loopback; `behaviour` may be changed while it runs."""

    def __init__(self, behaviour: Behaviour | None = None, *, ledger: Ledger | None = None, port: int = 0) -> None:
        """Take how it is to behave and where it writes down what it took."""
        self.behaviour = behaviour or Behaviour()
        self.ledger = ledger or Ledger()
        self.port = port
        self.connections = 0
        self.commands: list[str] = []
        self.open: set[_Session] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        """Open the port."""
        tls = self.behaviour.tls if self.behaviour.implicit_tls else None
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Session(self), "127.0.0.1", self.port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the port and every connection."""
        self.hang_up()
        if self._server is not None:
            self._server.close()
        self.ledger.close()

    def hang_up(self) -> None:
        """Drop every connection, as a restart would."""
        for session in list(self.open):
            session.drop()


class _Session(asyncio.Protocol):
    """One client."""

    def __init__(self, server: SmtpServer) -> None:
        self._server = server
        self._behaviour = server.behaviour
        self._ledger = server.ledger
        self._buffer = b""
        self._encrypted = False
        self._envelope: tuple[str, str] = ("", "")
        self._in_data = False
        self._mute = False
        self._upgrading = False
        self._pondering = False
        self._next: Callable[[str], None] | None = None
        self._known = self._behaviour.user is None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet, unless this is the same client behind TLS."""
        self._transport = cast("asyncio.Transport", transport)
        if self._encrypted:
            return
        self._encrypted = transport.get_extra_info("sslcontext") is not None
        self._server.connections += 1
        self._server.open.add(self)
        self._answer("greeting", "220 mail.example.com ESMTP")

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        del exc
        self._server.open.discard(self)

    def drop(self) -> None:
        """Hang up at once."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take commands and contents apart."""
        self._buffer += data
        self._work()

    def _work(self) -> None:
        while self._buffer and not self._upgrading and not self._pondering:
            if self._in_data:
                end = 0 if self._buffer.startswith(b".\r\n") else self._buffer.find(b"\r\n.\r\n") + 2
                if end == 1:
                    return
                content, self._buffer = self._buffer[:end], self._buffer[end + 3 :]
                self._in_data = False
                self._content(content.replace(b"\r\n.", b"\r\n"))
                continue
            line, found, rest = self._buffer.partition(b"\r\n")
            if not found:
                return
            self._buffer = rest
            self._command(line.decode())

    def _command(self, line: str) -> None:
        self._server.commands.append(line)
        if self._next is not None:
            step, self._next = self._next, None
            step(line)
            return
        verb = line.partition(" ")[0].upper()
        answer = getattr(self, f"_on_{verb.lower()}", None)
        if answer is None:
            self._write("502 5.5.1 no such command")
        elif verb in {"MAIL", "RCPT", "DATA"} and not self._known:
            self._write("530 5.7.0 authentication required")
        else:
            answer(line)

    def _on_ehlo(self, line: str) -> None:
        del line
        extensions = list(self._behaviour.extensions)
        if self._behaviour.tls and not self._encrypted:
            extensions.append("STARTTLS")
        if self._behaviour.user:
            extensions.append("AUTH PLAIN LOGIN")
        lines = ["mail.example.com", *extensions]
        text = "\r\n".join(f"250-{word}" for word in lines[:-1])
        self._answer("ehlo", f"{text}\r\n250 {lines[-1]}" if text else f"250 {lines[-1]}")

    def _on_helo(self, line: str) -> None:
        del line
        self._write("250 mail.example.com")

    def _on_starttls(self, line: str) -> None:
        del line
        if self._answer("starttls", "220 2.0.0 go ahead") and self._behaviour.tls is not None:
            self._encrypted = self._upgrading = True
            self._transport.pause_reading()  # what follows is for TLS
            self._upgrade = asyncio.ensure_future(self._start_tls(self._behaviour.tls))

    async def _start_tls(self, context: ssl.SSLContext) -> None:
        loop = asyncio.get_running_loop()
        try:
            upgraded = await loop.start_tls(self._transport, self, context, server_side=True)
        except (OSError, ssl.SSLError):
            return  # the client did not like our certificate
        if upgraded is not None:
            self._transport = upgraded
            self._upgrading = False
            self._work()

    def _on_auth(self, line: str) -> None:
        parts = line.split()
        if parts[1].upper() == "PLAIN":
            _, user, password = base64.b64decode(parts[2]).decode().split("\0")
            self._judge(user, password)
            return
        if len(parts) > 2:
            self._user(parts[2])
            return
        self._write("334 VXNlcm5hbWU6")
        self._next = self._user

    def _user(self, line: str) -> None:
        user = base64.b64decode(line).decode()
        self._write("334 UGFzc3dvcmQ6")
        self._next = lambda password: self._judge(user, base64.b64decode(password).decode())

    def _judge(self, user: str, password: str) -> None:
        self._known = (user, password) == self._behaviour.user
        self._answer("auth", "235 2.7.0 welcome" if self._known else "535 5.7.8 wrong user or password")

    def _on_mail(self, line: str) -> None:
        self._envelope = ("", "")
        if self._answer("mail", "250 2.1.0 OK"):
            self._envelope = (_address(line), "")

    def _on_rcpt(self, line: str) -> None:
        if self._answer("rcpt", "250 2.1.5 OK"):
            self._envelope = (self._envelope[0], _address(line))

    def _on_data(self, line: str) -> None:
        del line
        if not self._envelope[1]:
            self._write("503 5.5.1 need RCPT")
        elif self._answer("data", "354 go ahead"):
            self._in_data = True

    def _content(self, content: bytes) -> None:
        mail = Mail(*self._envelope, content)
        self._envelope = ("", "")
        self._after(self._behaviour.think, lambda: self._take(mail))

    def _take(self, mail: Mail) -> None:
        if self._transport.is_closing():
            return  # nobody waits for our word: not ours
        fault = self._behaviour.fault("content")
        if fault is None or fault.taken:
            self._ledger.take(mail)
        self._after(self._behaviour.delay, lambda: self._tell(mail, fault))

    def _tell(self, mail: Mail, fault: Fault | None) -> None:
        if fault is None:
            self._write(f"250 2.0.0 Ok: queued as {mail.reference or 'NONE'}")
        else:
            self._carry_out(fault)

    def _after(self, seconds: float, work: Callable[[], None]) -> None:
        """Do it at once, or later; what the client says meanwhile waits."""
        if not seconds:
            work()
            return

        def go_on() -> None:
            self._pondering = False
            work()
            self._work()

        self._pondering = True
        asyncio.get_running_loop().call_later(seconds, go_on)

    def _on_rset(self, line: str) -> None:
        del line
        self._envelope = ("", "")
        self._answer("rset", "250 2.0.0 OK")

    def _on_quit(self, line: str) -> None:
        del line
        self._write("221 2.0.0 bye")
        self._transport.close()

    def _answer(self, stage: str, usual: str) -> bool:
        """Answer as usual, or as a fault wants it; tells whether it was usual."""
        fault = self._behaviour.fault(stage)
        if fault is None:
            self._write(usual)
            return usual[0] in "23"
        self._carry_out(fault)
        return fault.reply.startswith(("2", "3"))

    def _carry_out(self, fault: Fault) -> None:
        if fault.reply == DROP:
            self.drop()
        elif fault.reply == SILENCE:
            self._mute = True
        else:
            self._write(fault.reply)
            if fault.hang_up:
                self._transport.close()

    def _write(self, line: str) -> None:
        if not self._mute:
            self._transport.write(f"{line}\r\n".encode())


def _address(line: str) -> str:
    return line.partition("<")[2].partition(">")[0]


async def serve(arguments: argparse.Namespace) -> None:
    """Run until SIGTERM or SIGINT."""
    behaviour = Behaviour(
        drop_share=arguments.drop, refuse_share=arguments.refuse, think=arguments.think, delay=arguments.delay
    )
    behaviour.chance.seed(arguments.seed)
    async with SmtpServer(behaviour, ledger=Ledger(arguments.ledger), port=arguments.port) as server:
        sys.stdout.write(f"{server.port}\n")
        sys.stdout.flush()
        done = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, done.set)
        await done.wait()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description="A mail server for tests.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--drop", type=float, default=0.0, help="share of messages taken without an answer")
    parser.add_argument("--refuse", type=float, default=0.0, help="share of recipients refused for now")
    parser.add_argument("--think", type=float, default=0.0, help="seconds before a message is taken")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds between taking a message and saying so")
    parser.add_argument("--seed", type=int, default=1)
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
