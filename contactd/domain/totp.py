"""One-time codes by time (RFC 6238, as every authenticator speaks it); for whoever lets people in.

SHA-1 is what authenticators know, and as a keyed digest it is sound (RFC 6238, section 1.2; RFC 6151).
"""

import base64
import hmac
from datetime import datetime

SECRET_BYTES = 20  # as long as the digest (RFC 4226, section 4)
_PERIOD = 30  # seconds a code is shown
_DIGITS = 6
_AROUND = (0, -1, 1)  # periods a telephone's clock may be off


def spelled(secret: bytes) -> str:
    """Write a secret the way people type it into an authenticator."""
    return base64.b32encode(secret).decode()


def address(secret: str, name: str, issuer: str) -> str:
    """Write the address authenticators read from a QR code; both names are of letters, digits, dots and dashes."""
    return f"otpauth://totp/{issuer}:{name}?secret={secret}&issuer={issuer}"


def code(secret: str, counter: int) -> str:
    """Work out the code of a period."""
    digest = hmac.digest(base64.b32decode(secret), counter.to_bytes(8, "big"), "sha1")
    place = digest[-1] & 0x0F
    number = int.from_bytes(digest[place : place + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**_DIGITS).zfill(_DIGITS)


def counter_of(secret: str, typed: str, at: datetime) -> int | None:
    """Answer the period whose code was typed, None for a wrong one; whoever asks sees to it that none counts twice."""
    now = int(at.timestamp()) // _PERIOD
    given = "".join(typed.split()).encode()
    found = [now + step for step in _AROUND if hmac.compare_digest(code(secret, now + step).encode(), given)]
    return found[0] if found else None
