"""E-mail as bytes, built by hand: `email.message` would cap a process near 500 messages a second.

email_smtp.py uses it; the tests hold it against Python's own parser. Lines end in CRLF, everything is 7-bit (RFC 5322,
2045, 2047), dots are stuffed by whoever transports it.
"""

import re
from binascii import b2a_base64, b2a_qp
from datetime import datetime
from functools import lru_cache
from urllib.parse import quote

from contactd.channels.base import Message

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Everything a mail program could take for the end of a line, and the other control characters.
_BREAKS = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029]+")
_TOKEN = re.compile(r"[A-Za-z0-9._=+-]{1,120}")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/^_`{|}~ -]{1,60}")  # a name that needs neither quotes nor encoding
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_URL = re.compile(r"https?://[!-;=?-~]{1,800}")  # printable ASCII without angle brackets
# Blanks, control characters and what ends or splits an address; quoted local parts are not worth their risk here.
_UNFIT = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029<>()\[\],;:\\\"]|@.*@")
_LONGEST = 254  # RFC 5321, section 4.5.3.1.3, less the angle brackets
_QUOTED = b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
_LINE = 78
_REMEMBERED_LINES = 4096
# RFC 2047, section 2: a line with an encoded word has at most 76 characters; "=?utf-8?b?" and "?=" take twelve, the
# blank of a folded line or the ": " of a header two more.
_WORD = 60


class Letterhead:
    """What all our messages have in common: sender, where answers go, whose host names them."""

    def __init__(self, sender: str, *, name: str = "", reply_to: str = "", unsubscribe: str = "") -> None:
        """Take addresses; `unsubscribe` gets the mails of List-Unsubscribe, empty: `reply_to` or the sender does."""
        self.address = address(sender)
        self.domain = self.address.rpartition("@")[2]
        name = one_line(name)
        shown = name if _ATOMS.fullmatch(name) else _encoded(name, _WORD - 4)
        lines = [f"From: {shown}\r\n <{self.address}>" if name else f"From: {self.address}"]
        if reply_to:
            lines.append(f"Reply-To: {address(reply_to)}")
        self._head = "\r\n".join(lines)
        wanted = quote(address(unsubscribe or reply_to or sender), safe="@+")
        self._unsubscribe = f"mailto:{wanted}?subject=unsubscribe%20"

    def build(self, message: Message) -> bytes:
        """Write the message out; raises ValueError when its address or reference cannot stand in a header."""
        reference = message.reference
        if not _TOKEN.fullmatch(reference):
            raise ValueError(f"{reference!r} cannot name a message")
        head = (
            f"Message-ID: <{reference}@{self.domain}>\r\n"
            f"Date: {mail_date(message.created_at)}\r\n"
            f"{self._head}\r\n"
            f"To: {address(message.to)}\r\n"
            f"{header('Subject', message.subject)}\r\n"
            f"{self._polite(message)}"
            f"X-Contactd-Reference: {reference}\r\n"
            "MIME-Version: 1.0\r\n"
        ).encode()
        text = quoted_printable(message.text)
        if not message.html:
            return b"%bContent-Type: text/plain; charset=utf-8\r\n%b%b\r\n" % (head, _QUOTED, text)
        # "=_" cannot occur in quoted-printable, so no text can end a part before its time.
        mark = b"=_%b" % reference.encode()
        return b"".join((
            head,
            b'Content-Type: multipart/alternative;\r\n boundary="', mark, b'"\r\n\r\n',
            b"--", mark, b"\r\nContent-Type: text/plain; charset=utf-8\r\n", _QUOTED, text,
            b"\r\n--", mark, b"\r\nContent-Type: text/html; charset=utf-8\r\n", _QUOTED, quoted_printable(message.html),
            b"\r\n--", mark, b"--\r\n",
        ))  # fmt: skip

    def _polite(self, message: Message) -> str:
        """Say that a machine wrote this (RFC 3834) and how to stop it (RFC 2369, RFC 8058)."""
        lines = "Auto-Submitted: auto-generated\r\n"
        if _LANGUAGE.fullmatch(message.language):
            lines += f"Content-Language: {message.language}\r\n"
        mail = f"<{self._unsubscribe}{message.reference}>"
        url = message.unsubscribe_url
        if not url:
            return f"{lines}List-Unsubscribe: {mail}\r\n"
        if not _URL.fullmatch(url):
            raise ValueError("the unsubscribe link cannot stand in a header")
        lines += f"List-Unsubscribe: <{url}>,\r\n {mail}\r\n"
        # RFC 8058, section 3.1: one click is only ever offered over https.
        return lines + "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" if url.startswith("https:") else lines


def one_line(text: str) -> str:
    """Make every run of blanks, line ends and control characters one blank: nothing can begin a header of its own."""
    return _BREAKS.sub(" ", text).strip()


def quoted_printable(text: str) -> bytes:
    """Encode with CRLF line ends, at most 76 characters a line; what is no character becomes a question mark."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return b"\r\n".join(map(_QUOTED_LINES.__getitem__, text.split("\n")))


class _QuotedLines(dict[str, bytes]):
    """Lines as they are written; most are the template's own, the same for every customer: looked up, not encoded."""

    def __missing__(self, line: str) -> bytes:
        if len(self) >= _REMEMBERED_LINES:
            self.clear()
        found = self[line] = b2a_qp(line.encode("utf-8", "replace")).replace(b"=\n", b"=\r\n")
        return found


_QUOTED_LINES = _QuotedLines()


@lru_cache(maxsize=256)
def header(name: str, value: str) -> str:
    """Write a header of free text, folded and encoded as RFC 2047 asks."""
    value = one_line(value)
    if value.isascii() and "=?" not in value and len(name) + 2 + len(value) <= _LINE:
        return f"{name}: {value}"
    return f"{name}: {_encoded(value, _WORD - max(len(name), 4))}"


def _encoded(text: str, room: int) -> str:
    """Write RFC 2047 words, each on a line of its own and of whole characters; `room` is left on the first line."""
    rest = text.encode("utf-8", "replace")
    words = []
    while rest:
        cut = room // 4 * 3
        while cut < len(rest) and rest[cut] & 0xC0 == 0x80:  # noqa: PLR2004 - 10xxxxxx continues a character in UTF-8
            cut -= 1
        words.append(f"=?utf-8?b?{b2a_base64(rest[:cut], newline=False).decode()}?=")
        rest = rest[cut:]
        room = _WORD
    return "\r\n ".join(words)


@lru_cache(maxsize=4)
def mail_date(at: datetime) -> str:
    """Write a date of RFC 5322; the names are English whatever the machine speaks."""
    zone = at.strftime("%z")[:5]
    return f"{_DAYS[at.weekday()]}, {at.day:02} {_MONTHS[at.month - 1]} {at:%Y %H:%M:%S} {zone}"


def address(text: str) -> str:
    """Check an address for use in a header or an envelope; raises ValueError. The domain becomes ASCII (IDNA)."""
    local, at, domain = text.rpartition("@")
    if not at or not local or not domain or _UNFIT.search(text) or len(text) > _LONGEST:
        raise ValueError(f"{text!r} is no e-mail address")
    if domain.isascii():
        return text
    try:
        return f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError as error:
        raise ValueError(f"{text!r} is no e-mail address") from error
