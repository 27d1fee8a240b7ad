"""The hand-built MIME, held against Python's own parser: whatever goes in comes out, and nothing becomes a header."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactd.channels.base import Message
from contactd.channels.mime import Letterhead, address, header, mail_date, one_line, quoted_printable

PLAIN = Message(
    reference="17-1",
    attempt_id=17,
    to="erika@example.org",
    language="de",
    subject="Ihr Konto",
    text="Guten Tag\n",
    html="<p>Guten Tag</p>\n",
    unsubscribe_url="https://contact.example.com/u/17.abc",
    created_at=datetime(2026, 11, 23, 9, 0, tzinfo=UTC),
)
LETTERHEAD = Letterhead("mahnung@example.com", name="Stadtwerke", reply_to="konto@example.com")
HEADERS = [
    "Message-ID", "Date", "From", "Reply-To", "To", "Subject", "Auto-Submitted", "Content-Language",
    "List-Unsubscribe", "List-Unsubscribe-Post", "X-Contactd-Reference", "MIME-Version", "Content-Type",
]  # fmt: skip
# Everything a text may hold but lone surrogates, which no file or form delivers as characters.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


def parsed(message: Message, letterhead: Letterhead = LETTERHEAD) -> EmailMessage:
    """Build, check what the wire asks for, and read back with Python's parser."""
    raw = letterhead.build(message)
    assert raw.endswith(b"\r\n")
    assert raw.isascii()
    assert raw.count(b"\r") == raw.count(b"\n") == raw.count(b"\r\n")
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    mail = message_from_bytes(raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    assert not mail.defects
    return mail


def body(mail: EmailMessage, kind: str) -> str:
    """Read a part, with the line ends of a Python text."""
    part = mail.get_body((kind,))
    assert part is not None
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content.decode().replace("\r\n", "\n")


def unified(text: str) -> str:
    """Know only one line end."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


@given(text=TEXTS, html=TEXTS.filter(bool))
def test_any_text_comes_out_as_it_went_in(text: str, html: str) -> None:
    mail = parsed(replace(PLAIN, text=text, html=html))
    assert body(mail, "plain") == unified(text)
    assert body(mail, "html") == unified(html)


@given(text=TEXTS)
def test_a_message_without_html_is_plain_text(text: str) -> None:
    mail = parsed(replace(PLAIN, text=text, html=""))
    assert mail.get_content_type() == "text/plain"
    assert body(mail, "plain") == f"{unified(text)}\n"


@given(text=TEXTS)
def test_no_encoded_line_is_longer_than_76_characters(text: str) -> None:
    assert max(len(line) for line in quoted_printable(text).split(b"\r\n")) <= 76


@given(subject=TEXTS)
def test_any_subject_comes_out_on_one_line_and_begins_no_header(subject: str) -> None:
    mail = parsed(replace(PLAIN, subject=subject))
    assert mail["Subject"] == one_line(subject)
    assert mail.keys() == HEADERS


@given(name=TEXTS)
def test_any_name_of_a_sender_begins_no_header(name: str) -> None:
    mail = parsed(PLAIN, Letterhead("mahnung@example.com", name=name, reply_to="konto@example.com"))
    sender = mail["From"].addresses[0]
    assert sender.addr_spec == "mahnung@example.com"
    # Python 3.11 puts a blank between the encoded words of a long name, where RFC 2047, section 6.2 has none.
    assert sender.display_name.replace(" ", "") == one_line(name).replace(" ", "")
    assert mail.keys() == HEADERS


@given(name=st.sampled_from(["Subject", "X", "X-Rather-Long-Name"]), value=TEXTS)
def test_no_line_of_an_encoded_header_is_longer_than_it_may_be(name: str, value: str) -> None:
    lines = header(name, value).split("\r\n")
    assert all(len(line) <= 78 for line in lines)
    assert all(line.startswith(" ") for line in lines[1:])


def test_half_a_character_becomes_a_question_mark() -> None:
    mail = parsed(replace(PLAIN, subject="a\ud800b", text="a\ud800b", html=""))
    assert mail["Subject"] == "a?b"
    assert body(mail, "plain").strip() == "a?b"


def test_the_headers_say_who_wrote_what_and_how_to_stop_it() -> None:
    mail = parsed(PLAIN)
    assert mail["Message-ID"] == "<17-1@example.com>"
    assert mail["X-Contactd-Reference"] == "17-1"
    assert mail["From"] == "Stadtwerke <mahnung@example.com>"
    assert mail["To"] == "erika@example.org"
    assert mail["Reply-To"] == "konto@example.com"
    assert mail["Date"].datetime == PLAIN.created_at
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Content-Language"] == "de"
    assert mail["List-Unsubscribe"] == (
        "<https://contact.example.com/u/17.abc>, <mailto:konto@example.com?subject=unsubscribe%2017-1>"
    )
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_one_click_is_offered_over_https_only() -> None:
    mail = parsed(replace(PLAIN, unsubscribe_url="http://contact.example.com/u/1"))
    assert "List-Unsubscribe-Post" not in mail
    assert "http://contact.example.com/u/1" in mail["List-Unsubscribe"]


def test_without_a_page_one_unsubscribes_by_mail() -> None:
    mail = parsed(replace(PLAIN, unsubscribe_url=""), Letterhead("mahnung@example.com"))
    assert mail["List-Unsubscribe"] == "<mailto:mahnung@example.com?subject=unsubscribe%2017-1>"
    assert "List-Unsubscribe-Post" not in mail
    assert "Reply-To" not in mail


@pytest.mark.parametrize(
    "changes",
    [
        {"unsubscribe_url": "https://a.example/\r\nBcc: all@example.org"},
        {"unsubscribe_url": "https://a.example/>,<https://evil.example/"},
        {"unsubscribe_url": "javascript:alert(1)"},
        {"reference": "17-1>\r\nBcc: all@example.org"},
        {"reference": ""},
        {"to": "erika@example.org\r\nBcc: all@example.org"},
        {"to": "erika@example.org, all@example.org"},
    ],
)
def test_what_could_begin_a_header_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"cannot|no e-mail address"):
        LETTERHEAD.build(replace(PLAIN, **changes))  # type: ignore[arg-type] # only the texts are replaced


def test_a_language_nobody_knows_is_left_out() -> None:
    assert "Content-Language" not in parsed(replace(PLAIN, language="de\r\nBcc: x"))
    assert "Content-Language" not in parsed(replace(PLAIN, language=""))


@given(
    at=st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2199, 1, 1)),  # noqa: DTZ001 - the zone is added
    minutes=st.integers(-14 * 60, 14 * 60),
)
def test_dates_are_those_of_the_standard_library(at: datetime, minutes: int) -> None:
    aware = at.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    assert mail_date(aware) == format_datetime(aware)


@pytest.mark.parametrize(
    "text", ["", "a", "@", "a@", "@b", "a@b@c", "a b@c", "a@b c", "<a@b>", "a,b@c", "a\n@b", "é@" + "b" * 254]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no e-mail address"):
        address(text)


def test_a_domain_that_no_resolver_could_ask_for_is_no_address() -> None:
    with pytest.raises(ValueError, match="no e-mail address"):
        address(f"a@{'ü' * 80}.example")
    assert address("a@bücher.example") == "a@xn--bcher-kva.example"
