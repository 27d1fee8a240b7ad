"""Mail that comes back, over LMTP and SMTP: stored before it is answered, and nothing breaks the intake."""

import asyncio
import smtplib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactd.channels.bounces import BounceIntake
from contactd.channels.dsn import Bounce, Ignored, read
from contactd.config.providers import Bounces
from contactd.domain.errors import AddressTaken

RETURN_PATH = "bounce@example.com"


REPORT = """From: MAILER-DAEMON@mail.example.com
To: bounce@example.com
Subject: Undelivered Mail Returned to Sender
Message-ID: <99-9@mail.example.com>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="XX"

--XX
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--XX
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.com
Arrival-Date: Mon, 23 Nov 2026 09:00:00 +0000

Final-Recipient: rfc822; erika@example.org
Action: {action}
Status: {status}
Diagnostic-Code: {diagnostic}

--XX
Content-Type: {kind}

{returned}

--XX--
"""


def report(
    *,
    action: str = "failed",
    status: str = "5.1.1",
    diagnostic: str = "smtp; 550 5.1.1 <erika@example.org>: user unknown",
    returned: str = "Message-ID: <17-1@example.com>\r\nX-Contactd-Reference: 17-1\r\nSubject: Ihr Konto",
    kind: str = "text/rfc822-headers",
) -> bytes:
    """Write a delivery status notification as mail servers do (RFC 3464)."""
    text = REPORT.format(action=action, status=status, diagnostic=diagnostic, returned=returned, kind=kind)
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode()


EXIM = f"""X-Failed-Recipients: erika@example.org
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@mail.example.com>
To: {RETURN_PATH}
Subject: Mail delivery failed: returning message to sender

This message was created automatically by mail delivery software.

  erika@example.org
    host mx.example.org [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<erika@example.org>:
    550 5.1.1 User unknown

------ This is a copy of the message, including all the headers. ------

Message-ID: <17-1@example.com>
X-Contactd-Reference: 17-1
""".encode()

OUT_OF_OFFICE = b"Auto-Submitted: auto-replied\r\nSubject: Urlaub\r\n\r\nIch bin bis Montag nicht da.\r\n"


def test_a_report_names_the_message_and_why_it_failed() -> None:
    bounce = read(report(), RETURN_PATH)
    assert isinstance(bounce, Bounce)
    assert (bounce.reference, bounce.status, bounce.hard) == ("17-1", "5.1.1", True)
    assert "user unknown" in bounce.diagnostic
    assert bounce.payload() == {
        "reference": "17-1", "hard": True, "status": "5.1.1", "diagnostic": bounce.diagnostic,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "diagnostic", "hard"),
    [
        ("5.1.1", "", True),
        ("5.1.10", "", True),
        ("5.2.2", "mailbox full", False),
        ("5.7.1", "smtp; 550 5.7.1 blocked by policy", False),
        ("4.4.7", "expired", False),
        ("5.0.0", "smtp; 550 5.1.1 user unknown", True),
        ("5.0.0", "smtp; 550 No such user", True),
        ("5.0.0", "smtp; 550 blocked: spam", False),
        ("5.0.0", "something else", False),
        ("5.0.0", "smtp; 554 relay access denied", False),
        ("broken", "", False),
    ],
)
def test_only_a_dead_address_is_hard(status: str, diagnostic: str, hard: bool) -> None:  # noqa: FBT001 - a column
    bounce = read(report(status=status, diagnostic=diagnostic), RETURN_PATH)
    assert isinstance(bounce, Bounce)
    assert bounce.hard is hard


def test_the_return_path_alone_names_the_message() -> None:
    bounce = read(report(returned="Subject: nothing of ours"), "bounce+23-2@example.com")
    assert isinstance(bounce, Bounce)
    assert bounce.reference == "23-2"


def test_the_message_id_alone_names_the_message() -> None:
    returned = "Received: from x\r\nMessage-Id: <31-4@example.com>\r\nSubject: Ihr Konto"
    bounce = read(report(returned=returned, kind="message/rfc822"), RETURN_PATH)
    assert isinstance(bounce, Bounce)
    assert bounce.reference == "31-4"


def test_the_same_report_twice_has_the_same_token() -> None:
    first, again, other = (read(report(status=status), RETURN_PATH) for status in ("5.1.1", "5.1.1", "5.2.1"))
    assert isinstance(first, Bounce)
    assert isinstance(again, Bounce)
    assert isinstance(other, Bounce)
    assert first.token == again.token != other.token


def test_a_bounce_without_a_report_is_understood() -> None:
    bounce = read(EXIM, RETURN_PATH)
    assert isinstance(bounce, Bounce)
    assert (bounce.reference, bounce.status, bounce.hard) == ("17-1", "5.1.1", True)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (report(action="delayed", status="4.4.1"), Ignored.DELAYED),
        (report(action="delivered", status="2.0.0"), Ignored.GOOD_NEWS),
        (report(returned="Subject: somebody else's", diagnostic=""), Ignored.NOT_OURS),
        (OUT_OF_OFFICE, Ignored.AUTO_REPLY),
        (b"X-Autoreply: yes\r\n\r\nHello\r\n", Ignored.AUTO_REPLY),
        (b"Subject: Hallo\r\n\r\nWas soll das?\r\n", Ignored.NO_BOUNCE),
        (b"", Ignored.NO_BOUNCE),
        (b"Content-Type: message/rfc822\r\n\r\n" * 5000, Ignored.TOO_DEEP),
        (b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n" * 5000, Ignored.TOO_DEEP),
    ],
)
def test_what_is_no_failure_is_ignored_with_a_reason(raw: bytes, why: Ignored) -> None:
    assert read(raw, RETURN_PATH) is why


@given(st.binary(max_size=2000), st.integers(0, 900), st.integers(0, 900))
def test_broken_mail_breaks_nothing(junk: bytes, start: int, end: int) -> None:
    whole = report()
    for raw in (junk, whole[:start] + junk + whole[end:]):
        assert isinstance(read(raw, RETURN_PATH), Bounce | Ignored)


@asynccontextmanager
async def intake(
    stored: list[Bounce], *, protocol: str = "smtp", receive: Callable[[Bounce], None] | None = None
) -> AsyncIterator[BounceIntake]:
    """Open an intake that keeps what it is told in a list."""

    async def keep(bounce: Bounce) -> None:
        if receive is not None:
            receive(bounce)
        stored.append(bounce)

    settings = Bounces.model_validate({"address": RETURN_PATH, "port": 0, "protocol": protocol})
    opened = BounceIntake(settings, keep)
    await opened.start()
    try:
        yield opened
    finally:
        await opened.close()


async def deliver(port: int, raw: bytes, to: str = RETURN_PATH, *, client: type[smtplib.SMTP] = smtplib.SMTP) -> None:
    """Hand a mail over as a mail server would; raises what it would be told."""

    def run() -> None:
        with client("127.0.0.1", port) as connection:
            connection.sendmail("", [to], raw)

    await asyncio.to_thread(run)


@pytest.mark.parametrize(("protocol", "client"), [("smtp", smtplib.SMTP), ("lmtp", smtplib.LMTP)])
async def test_a_bounce_is_stored_over_either_protocol(protocol: str, client: type[smtplib.SMTP]) -> None:
    stored: list[Bounce] = []
    async with intake(stored, protocol=protocol) as opened:
        await deliver(opened.port, report(), "bounce+23-2@example.com", client=client)
    assert [bounce.reference for bounce in stored] == ["23-2"]


async def test_what_cannot_be_stored_is_brought_again() -> None:
    def full(bounce: Bounce) -> None:
        raise OSError(28, f"no space for {bounce.reference}")

    stored: list[Bounce] = []
    async with intake(stored, receive=full) as opened:
        with pytest.raises(smtplib.SMTPDataError) as raised:
            await deliver(opened.port, report())
    assert raised.value.smtp_code == 451
    assert stored == []


async def test_mail_that_is_no_bounce_is_taken_and_dropped() -> None:
    stored: list[Bounce] = []
    async with intake(stored) as opened:
        await deliver(opened.port, OUT_OF_OFFICE)
        await deliver(opened.port, b"\xff\xfe\x00 not mail at all")
    assert stored == []


async def test_mail_to_anybody_else_is_refused() -> None:
    stored: list[Bounce] = []
    async with intake(stored) as opened:
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            await deliver(opened.port, report(), "root@example.com")
    assert stored == []


async def test_two_recipients_are_two_mails() -> None:
    def run(port: int) -> dict[str, tuple[int, bytes]]:
        with smtplib.SMTP("127.0.0.1", port) as connection:
            return connection.sendmail("", [RETURN_PATH, "bounce+23-2@example.com"], report())

    stored: list[Bounce] = []
    async with intake(stored) as opened:
        refused = await asyncio.to_thread(run, opened.port)
    assert refused["bounce+23-2@example.com"][0] == 452
    assert len(stored) == 1


async def test_a_port_that_is_taken_is_told() -> None:
    async with intake([]) as opened:
        settings = Bounces.model_validate({"address": RETURN_PATH, "port": opened.port, "protocol": "smtp"})
        said = rf"^\[smtp\.bounces\] port: 127\.0\.0\.1:{opened.port} is taken by another program; end it"
        with pytest.raises(AddressTaken, match=said):
            await BounceIntake(settings, _nothing).start()


@pytest.mark.parametrize("host", ["999.1.1.1", "192.0.2.1", "a..b", "x" * 70])
async def test_an_address_that_is_not_ours_is_told(host: str) -> None:
    settings = Bounces.model_validate({"address": RETURN_PATH, "bind": host, "port": 0})
    with pytest.raises(AddressTaken, match=rf'^\[smtp\.bounces\] bind: "{host}" is no address of this machine'):
        await BounceIntake(settings, _nothing).start()


async def test_closing_hangs_up_on_whoever_is_still_there() -> None:
    async with intake([]) as opened:
        reader, writer = await asyncio.open_connection("127.0.0.1", opened.port)
        await reader.readline()
        await opened.close()
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


async def test_an_intake_that_was_never_opened_can_be_closed() -> None:
    await BounceIntake(Bounces.model_validate({"address": RETURN_PATH}), _nothing).close()


async def _nothing(bounce: Bounce) -> None:
    del bounce
