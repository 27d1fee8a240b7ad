"""E-mail on the wire: answers at each stage, lost connections, TLS, pass words, kept connections."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy

import pytest
import trustme

from contactd.channels.base import LookUp, Message, Unknown
from contactd.channels.email_smtp import SmtpChannel, SmtpOptions
from contactd.domain.errors import (
    ChannelError,
    ChannelMisconfigured,
    ChannelRejected,
    ChannelUnavailable,
    ChannelUnclear,
)
from tests.channels.contract import AT
from tests.clock import HandClock
from tests.fakes.smtp_server import DROP, SILENCE, Behaviour, Fault, SmtpServer

BOTH_WAYS = pytest.mark.parametrize("extensions", [("PIPELINING", "SIZE 1000000"), ()], ids=["pipelined", "in_turn"])


def message(reference: str = "17-1", to: str = "erika@example.org", text: str = "Guten Tag.\n") -> Message:
    """Make a message."""
    return Message(
        reference=reference, attempt_id=17, to=to, language="de", subject="Ihr Konto", text=text, created_at=AT
    )


@asynccontextmanager
async def opened(
    server: SmtpServer, *, tls: ssl.SSLContext | None = None, **changes: object
) -> AsyncIterator[SmtpChannel]:
    """Open a channel to a server; `changes` replace options."""
    settings = {
        "host": "127.0.0.1", "port": server.port, "security": "none", "sender": "mahnung@example.com", "timeout": 5.0,
    } | changes  # fmt: skip
    channel = SmtpChannel(SmtpOptions(**settings), clock=HandClock(), tls=tls)  # type: ignore[arg-type] # a table of options
    await channel.start()
    try:
        yield channel
    finally:
        await channel.close()


async def failure(channel: SmtpChannel, sent: Message | None = None) -> ChannelError:
    """Send and give back the error that came."""
    with pytest.raises(ChannelError) as raised:
        await channel.send(sent or message())
    return raised.value


REFUSALS = [
    ("mail", "421 4.3.2 shutting down", ChannelUnavailable, "4.3.2"),
    ("mail", "451 4.3.0 try later", ChannelUnavailable, "4.3.0"),
    ("mail", "550 5.1.8 sender domain not found", ChannelMisconfigured, "5.1.8"),
    ("mail", "552 5.3.4 too large", ChannelRejected, "5.3.4"),
    ("rcpt", "450 4.7.1 greylisted", ChannelUnavailable, "4.7.1"),
    ("rcpt", "550 5.1.1 no such user", ChannelRejected, "5.1.1"),
    ("rcpt", "554 5.7.1 relay access denied", ChannelMisconfigured, "5.7.1"),
    ("data", "451 4.3.0 no", ChannelUnavailable, "4.3.0"),
    ("data", "554 5.5.1 no valid recipients", ChannelRejected, "5.5.1"),
    ("content", "452 4.3.1 disk full", ChannelUnavailable, "4.3.1"),
    ("content", "554 5.7.1 spam", ChannelRejected, "5.7.1"),
    ("content", "354 what", ChannelUnclear, "354"),
]


@BOTH_WAYS
@pytest.mark.parametrize(("stage", "reply", "error", "code"), REFUSALS)
async def test_a_refusal_at_any_stage_has_its_error_and_leaves_nothing_behind(
    extensions: tuple[str, ...], stage: str, reply: str, error: type[ChannelError], code: str
) -> None:
    behaviour = Behaviour(extensions=extensions, faults=[Fault(stage, reply)])
    async with SmtpServer(behaviour) as server, opened(server) as channel:
        raised = await failure(channel)
        assert (type(raised), raised.code) == (error, code)
        assert server.ledger.references() == []
        await channel.send(message("18-1"))
        assert server.ledger.references() == ["18-1"]


@BOTH_WAYS
@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
@pytest.mark.parametrize("reply", [DROP, SILENCE, "what is this"])
async def test_before_the_content_a_lost_connection_is_certain(
    extensions: tuple[str, ...], stage: str, reply: str
) -> None:
    behaviour = Behaviour(extensions=extensions, faults=[Fault(stage, reply, times=2)])
    async with SmtpServer(behaviour) as server, opened(server, timeout=0.2) as channel:
        assert isinstance(await failure(channel), ChannelUnavailable)
        assert server.ledger.references() == []


@pytest.mark.parametrize("taken", [True, False])
@pytest.mark.parametrize("reply", [DROP, SILENCE, "what is this"])
async def test_after_the_content_a_lost_connection_is_unclear(reply: str, taken: bool) -> None:  # noqa: FBT001 - a column
    behaviour = Behaviour(faults=[Fault("content", reply, taken=taken)])
    async with SmtpServer(behaviour) as server, opened(server, timeout=2 if reply == SILENCE else 60) as channel:
        assert isinstance(await failure(channel), ChannelUnclear)
        assert len(server.ledger.references()) == taken
        assert server.connections == 1  # nothing was tried again


async def test_a_cancelled_send_is_never_repeated_and_its_connection_is_given_up() -> None:
    behaviour = Behaviour(faults=[Fault("content", SILENCE, taken=True)])
    async with SmtpServer(behaviour) as server, opened(server) as channel:
        sending = asyncio.ensure_future(channel.send(message()))
        await server.ledger.first.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await channel.send(message("18-1"))
        assert server.ledger.references() == ["17-1", "18-1"]
        assert server.connections == 2


async def test_an_answer_given_just_before_hanging_up_counts() -> None:
    behaviour = Behaviour(faults=[Fault("rcpt", "550 5.1.1 no such user", hang_up=True)])
    async with SmtpServer(behaviour) as server, opened(server) as channel:
        raised = await failure(channel)
        assert isinstance(raised, ChannelRejected)
        assert raised.dead


async def test_connections_are_kept_and_used_again() -> None:
    async with SmtpServer() as server, opened(server, connections=3) as channel:
        for number in range(5):
            await channel.send(message(f"{number}-1"))
        assert server.connections == 1
        await asyncio.gather(*(channel.send(message(f"{number}-1")) for number in range(100, 130)))
        assert server.connections == 3


async def test_a_kept_connection_that_is_gone_is_replaced_at_once() -> None:
    async with SmtpServer() as server, opened(server) as channel:
        await channel.send(message("1-1"))
        server.hang_up()
        await channel.send(message("2-1"))
        assert server.ledger.references() == ["1-1", "2-1"]
        assert server.connections == 2


@pytest.mark.parametrize("stage", ["mail", "rcpt"])
async def test_a_farewell_on_a_kept_connection_is_no_refusal(stage: str) -> None:
    async with SmtpServer() as server, opened(server) as channel:
        await channel.send(message("1-1"))
        server.behaviour.faults.append(Fault(stage, "421 4.4.2 idle for too long", hang_up=True))
        await channel.send(message("2-1"))
        assert server.ledger.references() == ["1-1", "2-1"]


async def test_a_connection_that_was_idle_for_long_is_not_trusted() -> None:
    async with SmtpServer() as server, opened(server) as channel:
        await channel.send(message("1-1"))
        clock = channel._clock  # noqa: SLF001 - the hands of this clock are ours
        assert isinstance(clock, HandClock)
        clock.advance(60)
        await channel.send(message("2-1"))
        assert server.connections == 2


async def test_after_a_refusal_the_connection_is_reset_and_kept() -> None:
    async with SmtpServer() as server, opened(server) as channel:
        server.behaviour.faults.append(Fault("rcpt", "550 5.1.1 no such user"))
        await failure(channel)
        await channel.send(message("2-1"))
        assert "RSET" in server.commands
        assert server.connections == 1


async def test_closing_says_goodbye_to_the_server() -> None:
    async with SmtpServer() as server:
        async with opened(server) as channel:
            await channel.send(message())
        assert server.commands[-1] == "QUIT"


@pytest.mark.parametrize(
    ("stage", "reply", "error"),
    [
        ("greeting", "421 4.3.2 too many connections", ChannelUnavailable),
        ("greeting", "554 5.7.1 no service for you", ChannelMisconfigured),
        ("greeting", DROP, ChannelUnavailable),
        ("greeting", SILENCE, ChannelUnavailable),
        ("ehlo", DROP, ChannelUnavailable),
    ],
)
async def test_a_server_that_does_not_greet(stage: str, reply: str, error: type[ChannelError]) -> None:
    behaviour = Behaviour(faults=[Fault(stage, reply)])
    async with SmtpServer(behaviour) as server, opened(server, timeout=0.2 if reply == SILENCE else 60) as channel:
        assert type(await failure(channel)) is error


async def test_a_server_without_extensions_is_greeted_the_old_way() -> None:
    behaviour = Behaviour(faults=[Fault("ehlo", "502 5.5.1 what is EHLO")])
    async with SmtpServer(behaviour) as server, opened(server) as channel:
        await channel.send(message())
        assert server.ledger.references() == ["17-1"]


async def test_nobody_listening_is_unavailable() -> None:
    async with SmtpServer() as server:
        port = server.port
    channel = SmtpChannel(
        SmtpOptions(host="127.0.0.1", port=port, security="none", sender="a@example.com"), clock=HandClock()
    )
    assert isinstance(await failure(channel), ChannelUnavailable)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Make a certificate authority of our own."""
    return trustme.CA()


def _server_side(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


def _client_side(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_an_encrypted_connection_with_a_pass_word(authority: trustme.CA, security: str) -> None:
    behaviour = Behaviour(tls=_server_side(authority), implicit_tls=security == "tls", user=("contactd", "geheim"))
    async with (
        SmtpServer(behaviour) as server,
        opened(
            server, tls=_client_side(authority), security=security, username="contactd", password="geheim"
        ) as channel,
    ):
        await channel.send(message("1-1"))
        await channel.send(message("2-1"))
        assert server.ledger.references() == ["1-1", "2-1"]
        assert server.connections == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_certificate_nobody_vouches_for_is_refused(authority: trustme.CA, security: str) -> None:
    behaviour = Behaviour(tls=_server_side(authority), implicit_tls=security == "tls")
    async with SmtpServer(behaviour) as server, opened(server, security=security) as channel:
        assert isinstance(await failure(channel), ChannelMisconfigured)
        assert server.ledger.references() == []


async def test_nothing_is_sent_in_the_clear_when_starttls_is_asked_for() -> None:
    async with SmtpServer() as server, opened(server, security="starttls") as channel:
        assert isinstance(await failure(channel), ChannelMisconfigured)
        assert not any(command.startswith("MAIL") for command in server.commands)


@pytest.mark.parametrize(
    ("reply", "error"),
    [("454 4.7.0 no TLS now", ChannelUnavailable), ("501 5.5.4 syntax", ChannelMisconfigured)],
)
async def test_a_server_that_refuses_starttls(authority: trustme.CA, reply: str, error: type[ChannelError]) -> None:
    behaviour = Behaviour(tls=_server_side(authority), faults=[Fault("starttls", reply)])
    async with SmtpServer(behaviour) as server, opened(server, security="starttls") as channel:
        assert type(await failure(channel)) is error


@pytest.mark.parametrize(
    ("faults", "error"),
    [([], ChannelMisconfigured), ([Fault("auth", "454 4.7.0 try later", times=2)], ChannelUnavailable)],
)
async def test_a_pass_word_that_is_not_taken(faults: list[Fault], error: type[ChannelError]) -> None:
    behaviour = Behaviour(user=("contactd", "geheim"), faults=faults)
    async with SmtpServer(behaviour) as server, opened(server, username="contactd", password="falsch") as channel:
        assert type(await failure(channel)) is error


async def test_a_server_that_knows_no_pass_words_is_misconfigured() -> None:
    async with SmtpServer() as server, opened(server, username="contactd", password="geheim") as channel:
        assert isinstance(await failure(channel), ChannelMisconfigured)


@pytest.mark.parametrize(
    "to", ["", "erika", "erika@", "@example.org", "a b@example.org", "a@b@c", "a\r\nRCPT TO:<b@example.org>@c", "<a@b>"]
)
async def test_what_is_no_address_never_reaches_the_server(to: str) -> None:
    async with SmtpServer() as server, opened(server) as channel:
        raised = await failure(channel, message(to=to))
        assert isinstance(raised, ChannelRejected)
        assert raised.dead
        assert server.commands == []


async def test_a_reference_that_cannot_name_a_message_is_refused() -> None:
    async with SmtpServer() as server, opened(server) as channel:
        raised = await failure(channel, message("17-1\r\nBcc: all@example.org"))
        assert isinstance(raised, ChannelRejected)
        assert not raised.dead
        assert server.commands == []


async def test_an_umlaut_before_the_at_needs_a_server_that_can() -> None:
    async with SmtpServer() as server, opened(server) as channel:
        await channel.send(message(to="jürgen@example.org"))
        assert server.ledger.mails[0].recipient == "jürgen@example.org"
        assert any(command.endswith("SMTPUTF8") for command in server.commands)
    async with SmtpServer(Behaviour(extensions=("PIPELINING",))) as server, opened(server) as channel:
        raised = await failure(channel, message(to="jürgen@example.org"))
        assert isinstance(raised, ChannelRejected)
        assert not raised.dead
        await channel.send(message("18-1"))
        assert server.connections == 1


async def test_an_umlaut_behind_the_at_becomes_ascii() -> None:
    async with SmtpServer() as server, opened(server) as channel:
        await channel.send(message(to="erika@müller.example"))
        assert server.ledger.mails[0].recipient == "erika@xn--mller-kva.example"


async def test_a_message_over_the_servers_limit_is_not_sent() -> None:
    async with SmtpServer(Behaviour(extensions=("SIZE 2000",))) as server, opened(server) as channel:
        assert isinstance(await failure(channel, message(text="Rechnung\n" * 400)), ChannelRejected)
        assert not any(command.startswith("MAIL") for command in server.commands)


async def test_lines_that_begin_with_a_dot_arrive_as_they_were() -> None:
    text = "..zwei\n.\n.eins\nEnde.\n."
    async with SmtpServer() as server, opened(server) as channel:
        await channel.send(message(text=text))
        parsed = message_from_bytes(server.ledger.mails[0].content, policy=policy.default)
        body = parsed.get_payload(decode=True)
        assert isinstance(body, bytes)
        assert body.decode().replace("\r\n", "\n").rstrip("\n") == text


@pytest.mark.parametrize(
    ("bounce_address", "expected"),
    [
        ("", "mahnung@example.com"),
        ("bounce@example.net", "bounce@example.net"),
        ("bounce+@example.net", "bounce+17-1@example.net"),
    ],
)
async def test_bounces_come_back_to_the_return_path(bounce_address: str, expected: str) -> None:
    async with SmtpServer() as server, opened(server, bounce_address=bounce_address) as channel:
        await channel.send(message())
        assert server.ledger.mails[0].sender == expected


async def test_the_receipt_names_the_servers_queue_entry() -> None:
    async with SmtpServer() as server, opened(server) as channel:
        assert (await channel.send(message())).provider_ref == "17-1"
        server.behaviour.faults.append(Fault("content", "250 gesundheit", taken=True))
        assert (await channel.send(message("18-1"))).provider_ref == "gesundheit"


async def test_a_look_up_knows_nothing() -> None:
    async with SmtpServer() as server, opened(server) as channel:
        assert await channel.look_up(LookUp(reference="17-1", to="erika@example.org", since=AT)) == Unknown()
