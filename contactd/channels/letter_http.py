"""Letters to a service that prints: one POST each, the PDF beside what is known of it, under the attempt's reference.

The service is asked to take one reference (`Idempotency-Key`) only once. Repeats nothing: what was under way when the
connection broke may have been taken, and only the service can say so.
"""

import http.client
import json
import secrets
import ssl
from datetime import datetime
from email.message import Message as Headers
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from contactd.channels.base import Letter
from contactd.channels.letter_archive import Archive, Kept
from contactd.channels.letter_post import LetterChannel
from contactd.domain.errors import (
    ChannelError,
    ChannelMisconfigured,
    ChannelRejected,
    ChannelUnavailable,
    ChannelUnclear,
)

_WORKERS = 4  # as many wait for the service at a time
_LONGEST = 200
_MOST_BYTES = 64 << 10  # of an answer
_RETRY_AFTER, _LONGEST_RETRY_AFTER = 60.0, 3600.0
_OK, _REDIRECTS, _REFUSALS, _FAULTS = 200, 300, 400, 500
_BUSY = frozenset({425, 429, 503})
_WRONG = frozenset({401, 402, 403, 404, 405, 407, 415})  # our token, our contract, our address
_UNCLEAR = frozenset({408, 409})  # 409: it knows the reference already
_GONE = 410  # nobody lives there


class Service(NamedTuple):
    """Where letters are sent; `look_up` is asked for one that is unclear, with {reference} in it; empty: nobody is."""

    url: str
    token: str
    look_up: str = ""
    timeout: float = 30.0


class _Answer(NamedTuple):
    """What the service said."""

    status: int
    text: str
    headers: Headers

    @property
    def said(self) -> dict[str, object]:
        """Read a JSON object; nothing where there is none."""
        try:
            found = json.loads(self.text)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


class Upload:
    """Posts letters; `{reference}` in the address of the look-up is filled in."""

    def __init__(self, service: Service) -> None:
        """Take the service; nothing is opened yet."""
        self._service = service
        self._told: dict[str, Letter] = {}  # between `prepare` and `give`

    def ready(self) -> None:
        """Have nothing to make ready."""

    def prepare(self, kept: Kept, letter: Letter) -> None:
        """Remember to whom it goes."""
        self._told[kept.reference] = letter

    def give(self, kept: Kept) -> str:
        """Post the letter; answers the service's name for it."""
        letter = self._told.pop(kept.reference)
        body, kind = _parts(kept, letter)
        headers = {"Content-Type": kind, "Idempotency-Key": kept.reference}
        answer = self._ask("POST", self._service.url, headers, body)
        if answer.status >= _REDIRECTS or answer.status < _OK:
            raise _translated(answer)
        name = answer.said.get("id") or answer.said.get("reference")
        return str(name)[:_LONGEST] if isinstance(name, str | int) else kept.reference

    def has(self, reference: str, since: datetime) -> bool | None:
        """Ask the service, where it can be asked."""
        del since
        if not self._service.look_up:
            return None
        answer = self._ask("GET", self._service.look_up.replace("{reference}", quote(reference, safe="")), {}, b"")
        if _OK <= answer.status < _REDIRECTS:
            return True
        if answer.status == http.client.NOT_FOUND:
            return False
        raise ChannelUnavailable(f"the service answered {answer.status} to a look-up", code=str(answer.status))

    def tidy(self) -> None:
        """Have no lists."""

    def _ask(self, method: str, url: str, headers: dict[str, str], body: bytes) -> _Answer:
        """Ask once; raises ChannelUnavailable when certainly nothing went out, ChannelUnclear when something did."""
        parts = urlsplit(url)
        link: http.client.HTTPConnection
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        link = kind(parts.hostname or "", parts.port, timeout=self._service.timeout)
        try:
            try:
                link.connect()
            except ssl.SSLError as error:
                raise ChannelMisconfigured(f"{url}: {error} (url in [letters])", code="tls") from error
            except OSError as error:
                raise ChannelUnavailable(f"the service cannot be reached: {error}", code="connect") from error
            try:
                target = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
                link.request(method, target, body or None, headers | self._who())
                response = link.getresponse()
                text = response.read(_MOST_BYTES).decode(errors="replace")
            except TimeoutError as error:
                raise ChannelUnclear(f"no answer within {self._service.timeout:g} s", code="timeout") from error
            except (OSError, http.client.HTTPException) as error:
                raise ChannelUnclear(f"the connection broke: {error!r}", code="dropped") from error
            return _Answer(response.status, text, response.headers)
        finally:
            link.close()

    def _who(self) -> dict[str, str]:
        token = {"Authorization": f"Bearer {self._service.token}"} if self._service.token else {}
        return {"Accept": "application/json", "User-Agent": "contactd", **token}


def _parts(kept: Kept, letter: Letter) -> tuple[bytes, str]:
    """Write multipart/form-data: `metadata` and `file`."""
    told = {
        "reference": kept.reference, "name": letter.name, "postcode": letter.postcode, "city": letter.city,
        "country": letter.country, "bytes": kept.size, "sha256": kept.digest,
    }  # fmt: skip
    edge = f"contactd-{secrets.token_hex(16)}"
    metadata = json.dumps(told, ensure_ascii=False).encode()
    body = b"\r\n".join(
        [
            f"--{edge}".encode(),
            b'Content-Disposition: form-data; name="metadata"',
            b"Content-Type: application/json\r\n",
            metadata,
            f"--{edge}".encode(),
            f'Content-Disposition: form-data; name="file"; filename="{kept.reference}.pdf"'.encode(),
            b"Content-Type: application/pdf\r\n",
            kept.path.read_bytes(),
            f"--{edge}--\r\n".encode(),
        ]
    )
    return body, f"multipart/form-data; boundary={edge}"


def _translated(answer: _Answer) -> ChannelError:
    """Put an answer in the channels' words."""
    code = str(answer.status)
    why = answer.said.get("error") or answer.said.get("message") or answer.text
    text = f"the service answered {code}: {' '.join(str(why).split())[:_LONGEST]}".rstrip(": ")
    if answer.status in _BUSY:
        return ChannelUnavailable(text, code=code, retry_after=_retry_after(answer.headers))
    if answer.status in _WRONG or answer.status < _REFUSALS:
        return ChannelMisconfigured(f"{text} (url and token in [letters])", code=code)
    if answer.status in _UNCLEAR or answer.status >= _FAULTS:
        return ChannelUnclear(text, code=code)
    return ChannelRejected(text, code=code, dead=answer.status == _GONE)


def _retry_after(headers: Headers) -> float:
    """Read how many seconds to wait; a date or nonsense counts as a minute."""
    try:
        seconds = float(headers.get("Retry-After", ""))
    except ValueError:
        return _RETRY_AFTER
    return min(max(seconds, 0.0), _LONGEST_RETRY_AFTER)


def letter_http(folder: Path, service: Service) -> LetterChannel:
    """Build the backend; what was sent is kept in the folder."""
    return LetterChannel(Archive(folder / "archive"), Upload(service), workers=_WORKERS)
