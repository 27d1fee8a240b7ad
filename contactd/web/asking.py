"""The JSON object of a request and its Idempotency-Key, read strictly; for operation.py."""

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from contactd.domain.errors import InputError
from contactd.web.body import Malformed, parse
from contactd.web.kinds import Asked

_LONGEST_KEY = 200


def key_of(request: web.Request) -> str:
    """Read the Idempotency-Key; empty when there is none."""
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > _LONGEST_KEY or not key.isprintable():
        raise InputError(f"Idempotency-Key is a word of at most {_LONGEST_KEY} characters, like a UUID")
    return key.strip()


async def asked_of(request: web.Request, like: str) -> Asked:
    """Read the JSON object of a request, an empty one where there is no body; raises Malformed."""
    cure = f"send a JSON object, like {like}"
    try:
        raw = await request.read()
    except (web.RequestPayloadError, HttpProcessingError, ConnectionError) as error:
        raise Malformed("the body broke off", "send it again, whole") from error
    asked = parse(raw, cure) if raw else {}
    if not isinstance(asked, dict):
        raise Malformed("the body is no JSON object", cure)
    return asked
