"""The rigs of the channels' contract: every backend a row, each with a provider that can be told how to answer."""

import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from contactd.channels.base import Letter, Message, MessageChannel
from contactd.channels.email_smtp import SmtpChannel, SmtpOptions
from contactd.channels.letter_http import Service, letter_http
from contactd.channels.memory import MemoryChannel
from contactd.channels.sms_twilio import TwilioSms
from contactd.domain.account import Channel
from contactd.domain.errors import (
    ChannelError,
    ChannelMisconfigured,
    ChannelRejected,
    ChannelUnavailable,
    ChannelUnclear,
)
from tests.channels import letters_in_hand
from tests.clock import HandClock
from tests.fakes import printing_house
from tests.fakes.smtp_server import DROP, Fault, SmtpServer
from tests.fakes.twilio_ledger import Answer, Callbacks
from tests.fakes.twilio_server import ACCOUNT, TOKEN, TwilioServer

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
EMAIL = "erika@example.org"
MOBILE = "+4915228817386"


@dataclass(frozen=True)
class Rig:
    """A channel that was not started yet, and its provider in our hands."""

    channel: MessageChannel
    to: str
    taken: Callable[[], list[str]]
    answer: Callable[[str], None]  # arms the next answer: one of WAYS
    letter: Callable[[], Letter | None] = lambda: None

    def message(self, reference: str = "17-1") -> Message:
        """Make a message this channel can carry."""
        return Message(
            reference=reference,
            attempt_id=int(reference.partition("-")[0]),
            to=self.to,
            language="de",
            subject="Ihr Kundenkonto",
            text=f"Guten Tag. Vorgang {reference}.\n",
            letter=self.letter(),
            created_at=AT,
        )


# How a provider may answer, and what the channel makes of it: the error, and whether the message was taken.
WAYS: dict[str, tuple[type[ChannelError], bool]] = {
    "busy": (ChannelUnavailable, False),
    "never_this": (ChannelRejected, False),
    "dead_address": (ChannelRejected, False),
    "wrong_password": (ChannelMisconfigured, False),
    "taken_then_silent": (ChannelUnclear, True),
}


@asynccontextmanager
async def memory() -> AsyncIterator[Rig]:
    """Give the backend that sends to nobody."""
    channel = MemoryChannel()
    ready: dict[str, ChannelError] = {
        "busy": ChannelUnavailable("busy", retry_after=30),
        "never_this": ChannelRejected("spam"),
        "dead_address": ChannelRejected("no such user", dead=True),
        "wrong_password": ChannelMisconfigured("wrong password"),
        "taken_then_silent": ChannelUnclear("silence"),
    }
    yield Rig(
        channel,
        EMAIL,
        lambda: [message.reference for message in channel.ledger],
        lambda way: channel.faults.append(ready[way]),
    )


@asynccontextmanager
async def smtp() -> AsyncIterator[Rig]:
    """Give e-mail with a mail server on the wire."""
    faults = {
        "busy": Fault("rcpt", "450 4.2.1 mailbox busy"),
        "never_this": Fault("content", "554 5.7.1 looks like spam"),
        "dead_address": Fault("rcpt", "550 5.1.1 no such user"),
        "wrong_password": Fault("mail", "530 5.7.0 authentication required"),
        "taken_then_silent": Fault("content", DROP, taken=True),
    }
    async with SmtpServer() as server:
        options = SmtpOptions(host="127.0.0.1", port=server.port, security="none", sender="mahnung@example.com")
        channel = SmtpChannel(options, clock=HandClock())
        yield Rig(channel, EMAIL, server.ledger.references, lambda way: server.behaviour.faults.append(faults[way]))


@asynccontextmanager
async def twilio() -> AsyncIterator[Rig]:
    """Give SMS with a stand-in for Twilio on the wire."""
    answers = {
        "busy": Answer(status=429, code=20429, taken=False),
        "never_this": Answer(status=400, code=21617, taken=False),
        "dead_address": Answer(status=400, code=21211, taken=False),
        "wrong_password": Answer(status=401, code=20003, taken=False),
        "taken_then_silent": Answer(dropped=True),
    }
    async with TwilioServer(now=lambda: AT) as server:
        server.callbacks = lambda _: Callbacks(lost=True)
        channel = TwilioSms(
            account_sid=ACCOUNT,
            auth_token=TOKEN,
            sender="+4915228895456",
            public_url="https://dunning.example.com",
            base_url=server.url,
        )
        yield Rig(
            channel,
            MOBILE,
            lambda: [taken.reference for taken in server.ledger],
            lambda way: server.answers.append(answers[way]),
        )


@asynccontextmanager
async def spool() -> AsyncIterator[Rig]:
    """Give letters into a folder."""
    async with letters_in_hand.spool() as made:
        yield Rig(made.channel, "", made.taken, made.arm, made.letter)


@asynccontextmanager
async def command() -> AsyncIterator[Rig]:
    """Give letters to a program."""
    async with letters_in_hand.shop() as made:
        yield Rig(made.channel, "", made.taken, made.arm, letters_in_hand.letter)


@asynccontextmanager
async def upload() -> AsyncIterator[Rig]:
    """Give letters to a service on the wire."""
    answers = {
        "busy": printing_house.Answer(429, headers={"Retry-After": "30"}),
        "never_this": printing_house.Answer(422, '{"error": "takes 9 pages"}'),
        "dead_address": printing_house.Answer(410),
        "wrong_password": printing_house.Answer(403),
        "taken_then_silent": printing_house.Answer(dropped=True),
    }
    async with printing_house.printing_house() as service:
        with tempfile.TemporaryDirectory() as place:
            where = Service(service.url, printing_house.TOKEN, f"{service.url}/{{reference}}")
            yield Rig(
                letter_http(Path(place), where),
                "",
                lambda: [one.reference for one in service.ledger],
                lambda way: service.answers.append(answers[way]),
                letters_in_hand.letter,
            )


RIGS: dict[str, tuple[Channel, Callable[[], AbstractAsyncContextManager[Rig]]]] = {
    "memory": (Channel.EMAIL, memory),
    "smtp": (Channel.EMAIL, smtp),
    "twilio": (Channel.SMS, twilio),
    "spool": (Channel.LETTER, spool),
    "command": (Channel.LETTER, command),
    "http": (Channel.LETTER, upload),
}
