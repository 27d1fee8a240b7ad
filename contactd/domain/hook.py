"""What a webhook carries to prove who sent it, and when it is tried again: Standard Webhooks 1.0.0, HMAC-SHA256.

What that says of answers ("Delivery success and failure"): 2xx is success; 410 asks to be told nothing more; 429 and
its like ask for less, and Retry-After is taken into account.
"""

import base64
import binascii
import hmac
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_PREFIX = "whsec_"  # what stands behind it is base64
# Growing, and then the last of them until a day has passed.
_PAUSES = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400))
PATIENCE = timedelta(days=1)
# However long somebody asks us to wait: then it is tried all the same, or a slip of theirs would cost the whole day.
LONGEST_REST = timedelta(hours=4)
GONE = 410


def sign(secret: str, event_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Write the headers of a webhook: its id, when it was sent (seconds since 1970), the signature over all three."""
    seconds = str(int(at.timestamp()))
    signed = hmac.digest(_key(secret), f"{event_id}.{seconds}.".encode() + body, "sha256")
    signature = "v1," + base64.b64encode(signed).decode()
    return {"webhook-id": event_id, "webhook-timestamp": seconds, "webhook-signature": signature}


def next_try(first: datetime, tries: int, now: datetime, rest: timedelta | None = None) -> datetime | None:
    """Say when to try again after so many tries that failed; None: it is given up, a day after the first.

    `rest`: how long the other side asked us to wait; then no sooner.
    """
    following = now + max(_PAUSES[min(tries, len(_PAUSES)) - 1], rest or timedelta(0))
    return following if following - first <= PATIENCE else None


def rest_asked(retry_after: str, now: datetime) -> timedelta | None:
    """Read a Retry-After (RFC 9110, section 10.2.3): seconds or a date, at most `LONGEST_REST`; None: there is none."""
    text = retry_after.strip()
    if text.isascii() and text.isdecimal():
        return min(timedelta(seconds=min(int(text[:9]), 10**8)), LONGEST_REST)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    wait = (at if at.tzinfo else at.replace(tzinfo=UTC)) - now
    return min(wait, LONGEST_REST) if wait > timedelta(0) else None


def _key(secret: str) -> bytes:
    if secret.startswith(_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            pass
    return secret.encode()
