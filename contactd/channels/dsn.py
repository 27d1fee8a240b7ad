"""Reads mail that came back: delivery status notifications (RFC 3464) and what older servers send instead.

bounces.py uses it. Whatever the bytes are, `read` answers or says why it took nothing; it raises nothing it foresees.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message as Mail
from enum import StrEnum
from hashlib import sha256

from contactd.channels.smtp_errors import Stage, is_dead, refusal
from contactd.domain.errors import ChannelRejected

_REFERENCE = r"(\d{1,19}-\d{1,9})"
_NAMED = (
    re.compile(rb"(?im)^[> \t]*X-Contactd-Reference:[ \t]*" + _REFERENCE.encode() + rb"\b"),
    re.compile(rb"(?im)^[> \t]*Message-ID:[ \t]*<" + _REFERENCE.encode() + rb"@"),
)
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_VERP = re.compile(rf"\+{_REFERENCE}@", re.IGNORECASE)
_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_REPLY = re.compile(r"\b([45]\d\d)[ -]")
_VAGUE = re.compile(r"[45]\.[0-7]\.0$")
_MOST_WORDS = 300
_DEEPEST = 50


class Ignored(StrEnum):
    """Why a mail was taken and thrown away."""

    AUTO_REPLY = "auto_reply"  # out of office and the like: the message arrived
    DELAYED = "delayed"  # the server goes on trying
    GOOD_NEWS = "delivered"
    NO_BOUNCE = "no_bounce"  # somebody wrote to the return path
    TOO_DEEP = "too_deep"  # parts within parts without end
    NOT_OURS = "not_ours"  # it names no message of ours


@dataclass(frozen=True, slots=True)
class Bounce:
    """A message of ours came back; `hard`: the address will never work. `token` is the same for the same report."""

    reference: str
    hard: bool
    status: str
    diagnostic: str
    token: str

    def payload(self) -> dict[str, object]:
        """Give what the inbox keeps."""
        return {"reference": self.reference, "hard": self.hard, "status": self.status, "diagnostic": self.diagnostic}


def read(raw: bytes, recipient: str) -> Bounce | Ignored:
    """Understand a mail to the return path; `recipient` is the envelope's and may carry the reference."""
    if raw.lower().count(b"boundary=") > _DEEPEST:
        return Ignored.TOO_DEEP  # Python's parser takes quadratic time
    try:
        mail = message_from_bytes(raw)
    except RecursionError:
        return Ignored.TOO_DEEP
    reports = list(_reports(mail))
    if not reports:
        return _old_style(mail, raw, recipient)
    failed = next((report for report in reports if _word(report, "Action") == "failed"), None)
    if failed is None:
        return Ignored.DELAYED if any(_word(report, "Action") == "delayed" for report in reports) else Ignored.GOOD_NEWS
    diagnostic = _text(failed, "Diagnostic-Code").partition(";")[2].strip() or _text(failed, "Diagnostic-Code")
    return _bounce(raw, recipient, _word(failed, "Status").partition(" ")[0], diagnostic)


def _old_style(mail: Mail, raw: bytes, recipient: str) -> Bounce | Ignored:
    """Tell a bounce without a report (Exim and others name the recipients in a header) from other mail."""
    automatic = _word(mail, "Auto-Submitted")
    if "X-Failed-Recipients" not in mail and _word(mail, "Content-Type").partition(";")[0] != "multipart/report":
        return Ignored.AUTO_REPLY if automatic.startswith("auto-") or "X-Autoreply" in mail else Ignored.NO_BOUNCE
    text = raw.decode("utf-8", "replace")
    status = _STATUS.search(text)
    line = next((line.strip() for line in text.splitlines() if _REPLY.search(line)), "")
    return _bounce(raw, recipient, status[1] if status else "", line)


def _bounce(raw: bytes, recipient: str, status: str, diagnostic: str) -> Bounce | Ignored:
    reference = _reference(raw, recipient)
    if not reference:
        return Ignored.NOT_OURS
    if not _STATUS.fullmatch(status) or _VAGUE.match(status):
        # The report is vaguer than the server it quotes.
        better = _STATUS.search(diagnostic)
        status = better[1] if better else status
    diagnostic = diagnostic[:_MOST_WORDS]
    token = sha256(f"{reference} {status} {diagnostic}".encode()).hexdigest()[:32]
    return Bounce(reference, _is_hard(status, diagnostic), status, diagnostic, token)


def _reference(raw: bytes, recipient: str) -> str:
    """Find which message it was: in the return path, else in the headers that came back."""
    if named := _VERP.search(recipient):
        return named[1]
    # The report's own head has a Message-ID too, and that is not ours.
    body = _END_OF_HEAD.split(raw, maxsplit=1)[-1]
    found = next((match for pattern in _NAMED if (match := pattern.search(body))), None)
    return found[1].decode() if found else ""


def _is_hard(status: str, diagnostic: str) -> bool:
    """Tell a dead address from a message that was not wanted; the table is that of the dialogue itself."""
    if not status.startswith("5"):
        return False
    if not _VAGUE.match(status):
        return is_dead(status)
    reply = _REPLY.search(f"{diagnostic} ")
    judged = refusal(Stage.RCPT, int(reply[1]), diagnostic[reply.end() :]) if reply else None
    return isinstance(judged, ChannelRejected) and judged.dead


def _reports(mail: Mail) -> Iterator[Mail]:
    """Give the fields about each recipient of a report, however deep it is nested."""
    for part in mail.walk():
        if part.get_content_type() in {"message/delivery-status", "message/global-delivery-status"}:
            blocks = part.get_payload()
            if isinstance(blocks, list):
                yield from (block for block in blocks if isinstance(block, Mail) and "Action" in block)


def _text(mail: Mail, name: str) -> str:
    return " ".join(str(mail.get(name, "")).split())


def _word(mail: Mail, name: str) -> str:
    return _text(mail, name).lower()
