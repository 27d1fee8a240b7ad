"""The return path of our mail: a small LMTP or SMTP server that takes bounces from the mail server beside us.

daemon.py opens it when `[smtp.bounces] address` is set. A report is answered with 250 only after `receive` has stored
it; everything else is taken and dropped, so that nobody is ever sent a bounce of a bounce.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from weakref import WeakSet

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from contactd.channels.dsn import Bounce, Ignored, read
from contactd.config.listening import why_not
from contactd.config.providers import Bounces
from contactd.domain.errors import AddressTaken

log = structlog.get_logger()

# Servers cut the returned message; a report larger than this is none.
_LARGEST = 2 * 1024 * 1024
_TIMEOUT = 60.0

Receive = Callable[[Bounce], Awaitable[object]]


class BounceIntake:
    """Listens where `[smtp.bounces]` says and hands over what came back; `port` is the one it got."""

    def __init__(self, settings: Bounces, receive: Receive) -> None:
        """Take the settings and the coroutine that stores a bounce; it may raise, then the mail server tries again."""
        self._settings = settings
        self._handler = _Handler(settings.address, receive)
        self._server: asyncio.Server | None = None
        self._open: WeakSet[SMTP] = WeakSet()
        self.port = settings.port

    async def start(self) -> None:
        """Open the port; raises AddressTaken when it cannot be had."""
        loop = asyncio.get_running_loop()
        kind = LMTP if self._settings.protocol == "lmtp" else SMTP

        def answer() -> SMTP:
            conversation = kind(
                self._handler,
                data_size_limit=_LARGEST,
                enable_SMTPUTF8=True,
                hostname="contactd",
                ident="contactd takes bounces",
                timeout=_TIMEOUT,
                loop=loop,
            )
            self._open.add(conversation)
            return conversation

        host, port = self._settings.bind, self._settings.port
        try:
            self._server = await loop.create_server(answer, host, port)
        except (OSError, UnicodeError) as error:
            raise AddressTaken(why_not(error, "smtp.bounces", host, port)) from error
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Close the port; what is not answered yet is delivered again by the mail server."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for conversation in self._open:
            if conversation.transport is not None:
                conversation.transport.close()


class _Handler:
    """What aiosmtpd asks us; its hooks have these names."""

    def __init__(self, address: str, receive: Receive) -> None:
        local, _, domain = address.lower().rpartition("@")
        self._ours = re.compile(rf"{re.escape(local.rstrip('+'))}(\+[\w.+-]*)?@{re.escape(domain)}", re.IGNORECASE)
        self._receive = receive

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],
    ) -> str:
        """Take the return path with or without a reference; one a message, as LMTP answers each recipient."""
        del server, session, rcpt_options
        if not self._ours.fullmatch(address):
            return "550 5.1.1 this server takes nothing but bounces"
        if envelope.rcpt_tos:
            return "452 4.5.3 one recipient at a time"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - the same
        """Understand the mail and store what it says before it is answered."""
        del server, session
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        found = await asyncio.to_thread(read, raw, envelope.rcpt_tos[0])
        if isinstance(found, Ignored):
            log.info("mail_to_return_path_ignored", why=found.value, bytes=len(raw))
            return "250 2.0.0 taken"
        try:
            await self._receive(found)
        except Exception:  # not stored: whoever brought it must bring it again
            log.exception("bounce_not_stored", reference=found.reference)
            return "451 4.3.0 cannot store it now"
        log.info("bounce_received", reference=found.reference, status=found.status, hard=found.hard)
        return "250 2.0.0 stored"
