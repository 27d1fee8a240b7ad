"""What the answers of a mail server mean for an attempt: the table of reply codes, used by email_smtp.py only.

Sources: RFC 5321 section 4.2 (reply codes), RFC 3463 and the IANA registry (enhanced codes), RFC 4954 (authentication).
A permanent refusal counts against the address only when the server says it is the address.
"""

import re
from enum import StrEnum

from contactd.domain.errors import (
    ChannelError,
    ChannelMisconfigured,
    ChannelRejected,
    ChannelUnavailable,
    ChannelUnclear,
)


class Stage(StrEnum):
    """What the server answered to."""

    GREETING = "greeting"
    TLS = "tls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    CONTENT = "content"


_ENHANCED = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")

# Seconds until the next try, by what holds the server up.
_RETRY = {
    421: 60.0,  # shutting down, or too many connections
    450: 300.0,  # mailbox busy; most greylisting
    451: 300.0,  # trouble of the server's own; the rest of greylisting
    452: 600.0,  # out of space, or too many recipients
    454: 300.0,  # no TLS, or no authentication for now
    455: 3600.0,  # cannot take a parameter now
}
_RETRY_ENHANCED = {
    "4.2.2": 14400.0,  # mailbox full: nothing changes within minutes
    "4.7.0": 600.0,  # rate limit of several large providers
    "4.7.28": 3600.0,  # the same, by volume
}
_RETRY_OTHER = 300.0

# What is refused for the moment to whoever comes: reply codes, enhanced codes, and subjects of enhanced codes
# (RFC 3463, section 3: 3 the mail system, 5 the delivery protocol).
_BUSY = {421, 452, 454, 455}
_BUSY_ENHANCED = {"4.7.0", "4.7.28"}
_BUSY_SUBJECTS = ("4.3.", "4.5.")

# Enhanced codes that say: this address, never.
_DEAD = {
    "5.1.1",  # no such mailbox
    "5.1.2",  # no such domain
    "5.1.3",  # not an address
    "5.1.6",  # moved, no forwarding
    "5.1.10",  # the domain takes no mail (null MX, RFC 7505)
    "5.2.1",  # mailbox disabled
}
# Enhanced codes that are about us and hold for every message.
_OURS = {
    "5.1.7",  # our sender address is no address
    "5.1.8",  # our sender's domain does not exist
    "5.7.8",  # wrong credentials
    "5.7.9",  # mechanism too weak
    "5.7.11",  # encryption needed for this mechanism
    "5.7.14",  # trust relationship required
}
# Reply codes that say the server does not want to work with us as we are set up, whatever was asked.
_UNWILLING = {
    500,  # no such command
    502,  # the same, known but refused
    503,  # out of order: mostly "authenticate first"
    504,  # no such parameter
    521,  # takes no mail at all
    530,  # authentication, or TLS, required
    534,  # mechanism too weak
    535,  # wrong credentials
    538,  # encryption needed for this mechanism
    555,  # parameters of MAIL or RCPT not known
    556,  # relaying refused
}
# Reply codes to RCPT that are about the address, if no enhanced code says otherwise.
_DEAD_PLAIN = {
    501,  # not an address
    550,  # no such mailbox
    551,  # not here any more
    553,  # name not allowed
}
_RELAY = re.compile(r"relay|authenticat|log ?in first", re.IGNORECASE)
_POLICY = re.compile(
    r"spam|block|blacklist|denylist|reputation|policy|denied|reject|forbidden|not allowed", re.IGNORECASE
)
_PERMANENT = 500
_TEMPORARY = 400
_LONGEST = 200


def is_dead(enhanced: str) -> bool:
    """Tell whether an enhanced code says that the address will never work."""
    return enhanced in _DEAD


def refusal(stage: Stage, code: int, text: str) -> ChannelError:
    """Put a refusing answer in our words; `code` is the reply code, the enhanced one is looked for in the text."""
    found = _ENHANCED.search(text[:40])
    enhanced = found[1] if found else ""
    said = f"{stage}: {code} {' '.join(text.split())[:_LONGEST]}"
    shown = enhanced or str(code)
    if _TEMPORARY <= code < _PERMANENT:
        retry = _RETRY_ENHANCED.get(enhanced) or _RETRY.get(code, _RETRY_OTHER)
        one = _about_this_message(stage, code, enhanced)
        return ChannelUnavailable(said, code=shown, retry_after=retry, of_recipient=one)
    if code < _TEMPORARY:
        return _out_of_place(stage, said, shown)
    if _about_us(stage, code, enhanced, text):
        return ChannelMisconfigured(said, code=shown)
    dead = enhanced in _DEAD or (
        stage is Stage.RCPT and not enhanced and code in _DEAD_PLAIN and not _POLICY.search(text)
    )
    return ChannelRejected(said, code=shown, dead=dead)


def _about_this_message(stage: Stage, code: int, enhanced: str) -> bool:
    """Tell a temporary refusal of this recipient or message (greylisting, full mailbox) from a server's own trouble."""
    if stage not in {Stage.RCPT, Stage.DATA, Stage.CONTENT}:
        return False
    if enhanced.startswith("4.2."):
        return True  # the mailbox, whatever the reply code: 452 4.2.2
    return code not in _BUSY and enhanced not in _BUSY_ENHANCED and not enhanced.startswith(_BUSY_SUBJECTS)


def _about_us(stage: Stage, code: int, enhanced: str, text: str) -> bool:
    """Tell a refusal that every message would meet."""
    if stage in {Stage.GREETING, Stage.TLS, Stage.AUTH} or code in _UNWILLING or enhanced in _OURS:
        return True
    if stage is Stage.RCPT:
        return enhanced not in _DEAD and bool(_RELAY.search(text))
    # The envelope names only our sender at this point; the size is the message's own.
    return stage is Stage.MAIL and code != 552 and enhanced not in {"5.3.4", "5.2.3"}  # noqa: PLR2004 - 552: too large


def _out_of_place(stage: Stage, said: str, shown: str) -> ChannelError:
    """Judge an answer that is neither yes nor no: after the content it may have been taken, before it cannot."""
    if stage is Stage.CONTENT:
        return ChannelUnclear(said, code=shown)
    return ChannelUnavailable(said, code=shown, retry_after=_RETRY_OTHER)
