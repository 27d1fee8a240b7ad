"""Who may use the HTTP interface, and how everybody is told what is wrong; for api.py and agreements.py."""

import hmac
from collections.abc import Mapping
from hashlib import sha256

import structlog
from aiohttp import web

from contactd.config.settings import Settings, Token
from contactd.domain.errors import ConfigError

log = structlog.get_logger()

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="contactd"'}


def admit(settings: Settings, kind: str, request: web.Request) -> Token | web.Response:
    """Answer who asks, or why they are turned away; `kind` is the scope they need."""
    caller = _who(settings, request)
    if caller is None:
        log.warning("api_caller_unknown", kind=kind, remote=request.remote)
        return error_of("no token that is known; send: Authorization: Bearer …", 401, headers=_CHALLENGE)
    if kind not in caller.scopes:
        log.warning("api_scope_missing", kind=kind, caller=caller.name)
        return error_of(f'this token may not send {kind}; add "{kind}" to its scopes in [[web.tokens]]', 403)
    return caller


def _who(settings: Settings, request: web.Request) -> Token | None:
    """Answer whose token was sent; looks at every one, so that the time taken tells nothing."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    sent = sha256(given.strip().encode("utf-8", "surrogateescape")).digest()
    found = None
    for token in settings.web.tokens:
        try:
            own = token.token.reveal()
        except ConfigError:  # its source is gone; `contactd check` says so
            own = ""
        if hmac.compare_digest(sha256(own.encode()).digest(), sent) and own:
            found = token
    return found if scheme.lower() == "bearer" else None


def unavailable(error: Exception) -> web.Response:
    """Answer that nothing was kept; the database's own words are for our log only."""
    log.error("intake_not_kept", reason=str(error))
    text = "contactd cannot keep this now; send the same again later, nothing doubles"
    return error_of(text, 503, headers={"Retry-After": "30"})


def error_of(
    text: str, status: int, more: Mapping[str, object] | None = None, *, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Answer with what is wrong."""
    return web.json_response({"error": text, **(more or {})}, status=status, headers=headers)
