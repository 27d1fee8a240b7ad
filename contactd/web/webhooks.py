"""Twilio's calls to us: message status and inbound messages become durable inbox rows before they are answered.

web/app.py mounts `routes`; of engine/sending, arrivals.py obeys a STOP in the same commit, reconciler.py applies the
other rows. Nothing is decided here but who may speak: whoever knows the account's auth token
(https://www.twilio.com/docs/usage/security#validating-requests).
"""

import binascii
import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable
from urllib.parse import unquote_to_bytes, urlsplit

import structlog
from aiohttp import web

from contactd.domain.clock import Clock
from contactd.domain.errors import StoreConflict, StoreError
from contactd.engine.sending import arrivals
from contactd.store import inbox
from contactd.store.group_commit import GroupCommit

log = structlog.get_logger()

STATUS_PATH = "/hooks/twilio/status"
MESSAGE_PATH = "/hooks/twilio/message"

# Twilio's own are below 4 KiB; a message of ten segments with its carrier's words stays far below this.
_LARGEST = 64 * 1024
_MOST_FIELDS = 200
_BLOCK = 64  # bytes, of SHA-1
_REFERENCE = re.compile(r"[?&]ref=([1-9][0-9]{0,17}-[1-9][0-9]{0,8})(?:&|$)")
_WORD = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FORM = "application/x-www-form-urlencoded"
_EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
_DEFAULT_PORTS = {"https": 443, "http": 80}

Fields = dict[str, str]


class Malformed(ValueError):
    """A request Twilio would not send."""


class Signature:
    """Knows whether a form was signed by Twilio for an address of ours."""

    def __init__(self, auth_token: str, public_url: str) -> None:
        """Take the account's token and the address Twilio was told, not the one a proxy made of it."""
        key = auth_token.encode()
        key = hashlib.sha1(key, usedforsecurity=True).digest() if len(key) > _BLOCK else key  # noqa: S324 # Twilio's
        # HMAC as RFC 2104 spells it, its two keyed beginnings made once: a third of the time of hmac.digest.
        self._inner = hashlib.sha1(bytes(byte ^ 0x36 for byte in key.ljust(_BLOCK, b"\0")))  # noqa: S324 # Twilio's
        self._outer = hashlib.sha1(bytes(byte ^ 0x5C for byte in key.ljust(_BLOCK, b"\0")))  # noqa: S324 # Twilio's
        self._bases = _spellings(public_url.rstrip("/"))

    def holds(self, raw_path: str, pairs: list[tuple[str, str]], given: str) -> bool:
        """Check the header against the path as received and the form's pairs, in constant time."""
        # Twilio's order: names sorted, a name's distinct values sorted.
        text = raw_path + "".join([name + value for name, value in sorted(set(pairs))])
        claimed = given.encode("utf-8", "surrogateescape")
        for base in self._bases:
            if hmac.compare_digest(binascii.b2a_base64(self._digest((base + text).encode()), newline=False), claimed):
                return True
        return False

    def _digest(self, message: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()


def _spellings(base: str) -> tuple[str, ...]:
    """List the address with and without its port: Twilio signs now one, now the other."""
    parts = urlsplit(base)
    if parts.port:
        other = parts._replace(netloc=parts.netloc.rpartition(":")[0])
    else:
        other = parts._replace(netloc=f"{parts.netloc}:{_DEFAULT_PORTS.get(parts.scheme, 443)}")
    return base, other.geturl()


class TwilioWebhooks:
    """The two addresses Twilio calls; `notify` wakes whoever applies the rows."""

    def __init__(
        self,
        *,
        auth_token: str,
        public_url: str,
        commit: GroupCommit,
        clock: Clock,
        notify: Callable[[], None] = lambda: None,
    ) -> None:
        """Take the secret, our public address, and where rows go."""
        self._signature = Signature(auth_token, public_url)
        self._commit = commit
        self._clock = clock
        self._notify = notify

    async def status(self, request: web.Request) -> web.Response:
        """Take a message's new state; the query names the attempt."""
        return await self._take(request, "twilio_status", _status_event, lambda: web.Response(status=204))

    async def message(self, request: web.Request) -> web.Response:
        """Take what a customer wrote; the answer is TwiML that says nothing back."""
        return await self._take(
            request, "twilio_message", _message_event, lambda: web.Response(text=_EMPTY_TWIML, content_type="text/xml")
        )

    async def _take(
        self,
        request: web.Request,
        source: str,
        event: Callable[[str, Fields], tuple[str, Fields]],
        answer: Callable[[], web.Response],
    ) -> web.Response:
        try:
            pairs = await _form(request)
            if not self._signature.holds(request.raw_path, pairs, request.headers.get("X-Twilio-Signature", "")):
                log.warning("webhook_forged", path=request.path, remote=request.remote)
                return web.Response(status=403)
            token, payload = event(request.raw_path, dict(reversed(pairs)))
        except Malformed as error:
            log.warning("webhook_malformed", path=request.path, remote=request.remote, reason=str(error))
            return web.Response(status=400)
        row = inbox.Event(source=source, token=token, payload=payload, received_at=self._clock.now())
        try:
            fresh = await self._commit.submit(arrivals.receive, row)
        except (StoreError, StoreConflict) as error:
            log.error("webhook_not_kept", path=request.path, reason=str(error))
            return web.Response(status=503)
        if fresh:
            self._notify()
        return answer()


async def _form(request: web.Request) -> list[tuple[str, str]]:
    """Read the pairs of a form, once."""
    length = request.content_length
    if length is None or length > _LARGEST:
        raise Malformed("no length, or too long")
    if not request.headers.get("Content-Type", "").lower().startswith(_FORM):
        raise Malformed("not a form")
    return parse_form(await request.read())


def parse_form(body: bytes) -> list[tuple[str, str]]:
    """Read a form as `parse_qsl` does with blank values kept, in half the time."""
    try:
        parts = body.replace(b"+", b" ").decode().split("&", _MOST_FIELDS)
        if len(parts) > _MOST_FIELDS:
            raise Malformed("too many fields")
        pairs = []
        for part in parts:
            name, _, value = part.partition("=")
            if "%" in name:
                name = unquote_to_bytes(name).decode()
            if "%" in value:
                value = unquote_to_bytes(value).decode()
            if part:
                pairs.append((name, value))
    except UnicodeDecodeError as error:
        raise Malformed("a form nobody can read") from error
    return pairs


def _status_event(raw_path: str, fields: Fields) -> tuple[str, Fields]:
    """Keep what the reconciler needs of a status callback."""
    sid, status = _word(fields, "MessageSid"), _word(fields, "MessageStatus")
    named = _REFERENCE.search(raw_path)
    if named is None:
        raise Malformed("no reference of an attempt")
    reference = named[1]
    code = fields.get("ErrorCode", "")
    if code and not code.isdecimal():
        raise Malformed("an error code that is no number")
    payload = {"reference": reference, "sid": sid, "status": status, "code": code, "to": fields.get("To", "")}
    # Made of signed facts only: I-Twilio-Idempotency-Token is a header outside the signature, a replay could vary it.
    return f"{sid}:{status}:{code}:{reference}", payload


def _message_event(raw_path: str, fields: Fields) -> tuple[str, Fields]:
    """Keep what a customer wrote, and what Twilio made of it."""
    del raw_path
    sid = _word(fields, "MessageSid")
    sender = fields.get("From", "")
    if not sender:
        raise Malformed("a message from nobody")
    payload = {
        "sid": sid,
        "from": sender,
        "to": fields.get("To", ""),
        "body": fields.get("Body", ""),
        "opt_out": fields.get("OptOutType", ""),
    }
    return sid, payload


def _word(fields: Fields, name: str) -> str:
    value = fields.get(name, "")
    if not _WORD.fullmatch(value):
        raise Malformed(f"{name} is missing or odd")
    return value


def routes(
    *,
    auth_token: str,
    public_url: str,
    commit: GroupCommit,
    clock: Clock,
    notify: Callable[[], None] = lambda: None,
) -> list[web.RouteDef]:
    """List the routes for web/app.py to mount; none without a token or an address Twilio could reach."""
    if not auth_token or not public_url:
        return []
    hooks = TwilioWebhooks(auth_token=auth_token, public_url=public_url, commit=commit, clock=clock, notify=notify)
    handlers: dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = {
        STATUS_PATH: hooks.status,
        MESSAGE_PATH: hooks.message,
    }
    return [web.post(path, handler) for path, handler in handlers.items()]
