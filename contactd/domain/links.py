"""Links that only we can make: an attempt's id, signed, for the unsubscribe page."""

import base64
import hmac
from hashlib import blake2b

_BYTES = 12  # 96 bits: nobody guesses it, and the link stays short


def sign(key: bytes, attempt_id: int) -> str:
    """Write the attempt's id with its signature, fit for an address."""
    digest = blake2b(f"unsubscribe:{attempt_id}".encode(), key=key, digest_size=_BYTES).digest()
    return f"{attempt_id}.{base64.urlsafe_b64encode(digest).decode()}"


def read(key: bytes, token: str) -> int | None:
    """Answer the attempt's id; None when the signature is not ours."""
    number, _, _ = token.partition(".")
    if not (number.isascii() and number.isdigit()):
        return None
    return int(number) if hmac.compare_digest(sign(key, int(number)).encode(), token.encode()) else None
