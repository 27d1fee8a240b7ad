"""E-mail by a mail server (SMTP submission or relay); engine uses it through `MessageChannel`.

aiosmtplib opens the connections, which are kept and used again; what is said once a message is in smtp_dialogue.py,
what the answers mean in smtp_errors.py. A message is `unclear` from the moment its content is on its way until the
server has answered it, and at no other time.
"""

import asyncio
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import aiosmtplib

from contactd.channels.base import Absent, Found, LookUp, Message, Receipt, Unknown
from contactd.channels.mime import Letterhead, address
from contactd.channels.smtp_dialogue import Answer, Dialogue, Lost, Refused, take_over
from contactd.channels.smtp_errors import Stage, refusal
from contactd.domain.account import Channel
from contactd.domain.clock import Clock
from contactd.domain.errors import (
    ChannelError,
    ChannelMisconfigured,
    ChannelRejected,
    ChannelUnavailable,
    ChannelUnclear,
)

# Servers hang up after 60 seconds at the earliest (RFC 5321 asks for 300); whoever waits less meets an open connection.
_IDLE = 45.0
_MESSAGES_PER_CONNECTION = 5000
_UNREACHABLE = 60.0
_FAREWELL = 421
_QUEUED = re.compile(r"queued as ([\w.-]{1,64})", re.IGNORECASE)
_LONGEST_REFERENCE = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpOptions:
    """Where and how to hand over mail; a limit of messages per second is the sender's, who keeps it before the intent.

    `bounce_address` is the envelope sender, empty: the sender. With a local part that ends in "+" each message has its
    own (`bounce+123-1@…`), so that a bounce is recognised even when it quotes nothing.
    """

    host: str
    port: int = 587
    security: str = "starttls"
    username: str = ""
    password: str = ""
    sender: str
    sender_name: str = ""
    reply_to: str = ""
    bounce_address: str = ""
    connections: int = 8
    timeout: float = 30.0


class SmtpChannel:
    """One mail server; at most `connections` messages are under way at once, the others wait."""

    name = Channel.EMAIL
    finds_by_text = False

    def __init__(self, options: SmtpOptions, *, clock: Clock, tls: ssl.SSLContext | None = None) -> None:
        """Take the options; `tls` replaces the system's idea of trusted certificates. Raises ValueError."""
        self._options = options
        self._letterhead = Letterhead(options.sender, name=options.sender_name, reply_to=options.reply_to)
        self._bounce_local, _, self._bounce_domain = address(options.bounce_address or options.sender).rpartition("@")
        self._clock = clock
        self._tls = tls
        self._free = asyncio.Semaphore(options.connections)
        self._idle: list[tuple[Dialogue, float]] = []

    async def start(self) -> None:
        """Load the trusted certificates; the server is met with the first message."""
        if self._tls is None and self._options.security != "none":
            self._tls = await asyncio.to_thread(ssl.create_default_context)

    async def close(self) -> None:
        """Say goodbye on every idle connection."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(dialogue.quit() for dialogue, _ in idle))

    async def send(self, message: Message) -> Receipt:
        """Hand one message over."""
        try:
            recipient = address(message.to)
        except ValueError as error:
            raise ChannelRejected(str(error), code="5.1.3", dead=True) from error
        try:
            content = self._letterhead.build(message)
        except ValueError as error:
            raise ChannelRejected(str(error), code="header") from error
        message.on_wire(content.decode())
        async with self._free:
            answer = await self._deliver(message, recipient, content)
        queued = _QUEUED.search(answer.text)
        return Receipt(queued[1] if queued else answer.text[:_LONGEST_REFERENCE])

    async def greet(self) -> None:
        """Connect as for a message, log in, and leave again; for whoever wants to know whether that works."""
        await (await self._connect()).quit()

    async def look_up(self, question: LookUp) -> Found | Absent | Unknown:
        """Know nothing: SMTP has no question for that."""
        del question
        return Unknown()

    def _envelope_sender(self, reference: str) -> str:
        local = self._bounce_local
        return f"{local}{reference if local.endswith('+') else ''}@{self._bounce_domain}"

    async def _deliver(self, message: Message, recipient: str, content: bytes) -> Answer:
        """Try a kept connection, and a new one when that turns out to be gone; raises the domain's errors."""
        sender = self._envelope_sender(message.reference)
        dialogue, fresh = self._kept(), False
        while True:
            if dialogue is None:
                dialogue, fresh = await self._connect(), True
            if not message.still_ours():
                self._keep(dialogue)
                raise ChannelUnavailable("its lease ended before it was sent", code="lease", retry_after=0)
            try:
                return await self._try(dialogue, sender, recipient, content)
            except Lost as lost:
                if lost.taken_perhaps:
                    raise ChannelUnclear(f"after the content: {lost}", code="lost") from lost
                if fresh:
                    raise ChannelUnavailable(f"before the content: {lost}", code="lost") from lost
            except Refused as refused:
                if fresh or refused.answer.code != _FAREWELL or refused.stage is Stage.CONTENT:
                    raise refusal(refused.stage, refused.answer.code, refused.answer.text) from refused
            dialogue = None

    async def _try(self, dialogue: Dialogue, sender: str, recipient: str, content: bytes) -> Answer:
        try:
            if dialogue.most_bytes and len(content) > dialogue.most_bytes:
                raise ChannelRejected(f"the server takes at most {dialogue.most_bytes} bytes", code="5.3.4")
            if not recipient.isascii() and not dialogue.international:
                raise ChannelRejected("the server takes only addresses in ASCII", code="5.6.7")
            return await dialogue.deliver(sender, recipient, content)
        finally:
            self._keep(dialogue)

    def _keep(self, dialogue: Dialogue) -> None:
        """Put a connection aside for the next message, if it can carry one."""
        if dialogue.usable and dialogue.delivered < _MESSAGES_PER_CONNECTION:
            self._idle.append((dialogue, self._clock.monotonic()))
        else:
            dialogue.drop()

    def _kept(self) -> Dialogue | None:
        """Take the connection that was used last; those that are too old are closed."""
        while self._idle:
            dialogue, since = self._idle.pop()
            if dialogue.usable and self._clock.monotonic() - since < _IDLE:
                return dialogue
            dialogue.drop()
        return None

    async def _connect(self) -> Dialogue:
        """Open a connection up to the answer to EHLO; raises ChannelUnavailable or ChannelMisconfigured."""
        options = self._options
        client = aiosmtplib.SMTP(
            hostname=options.host,
            port=options.port,
            username=options.username or None,
            password=options.password or None,
            # A name that can be looked up, without asking the resolver for one.
            local_hostname=self._letterhead.domain,
            timeout=options.timeout,
            use_tls=options.security == "tls",
            start_tls=options.security == "starttls",
            tls_context=self._tls,
        )
        try:
            await client.connect()
            if client.is_ehlo_or_helo_needed:
                await _greet(client)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            client.close()
            raise _unconnected(error) from error
        if client.transport is None:
            raise ChannelUnavailable("the server closed the connection at once", code="lost")
        return take_over(client.transport, _extensions(client), timeout=options.timeout)


async def _greet(client: aiosmtplib.SMTP) -> None:
    try:
        await client.ehlo()
    except aiosmtplib.SMTPHeloError:
        await client.helo()  # a server of the last century: no extensions


def _extensions(client: aiosmtplib.SMTP) -> Mapping[str, str]:
    return client.esmtp_extensions if client.supports_esmtp else {}


def _unconnected(error: Exception) -> ChannelError:
    """Put a failure to connect in the domain's words; nothing was sent yet."""
    match error:
        case aiosmtplib.SMTPAuthenticationError():
            return refusal(Stage.AUTH, error.code, error.message)
        case aiosmtplib.SMTPConnectResponseError() | aiosmtplib.SMTPHeloError():
            return refusal(Stage.GREETING, error.code, error.message)
        case aiosmtplib.SMTPResponseException():
            return refusal(Stage.TLS, error.code, error.message)
        case ssl.SSLError() | aiosmtplib.SMTPConnectError(__cause__=ssl.SSLError()):
            return ChannelMisconfigured(f"no trustworthy connection: {error}", code="tls")
        case aiosmtplib.SMTPConnectError() | aiosmtplib.SMTPServerDisconnected() | OSError():
            return ChannelUnavailable(f"cannot connect: {error}", code="connect", retry_after=_UNREACHABLE)
        case _:
            # No STARTTLS, no AUTH, no mechanism both know, a host name that is none.
            return ChannelMisconfigured(str(error), code="settings")
