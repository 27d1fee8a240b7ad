"""Who may use the HTTP interface, and how everybody is told what is wrong; for operation.py."""

from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from aiohttp import web

from contactd.domain.errors import Contradiction, InputError, NotThere
from contactd.store import program_tokens
from contactd.store.program_tokens import USED_EVERY, ProgramToken
from contactd.web.body import Malformed, TooLarge
from contactd.web.window import Window

log = structlog.get_logger()

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="contactd"'}
# What a refusal means to who sent the request; the first that fits. The README has it in words.
_STATUSES: tuple[tuple[type[InputError], int], ...] = (
    (TooLarge, 413),  # send less
    (Malformed, 400),  # the body cannot be read
    (NotThere, 404),  # what it names is not there
    (Contradiction, 409),  # not as things stand
    (InputError, 422),  # read, and something in it is wrong
)


@dataclass(frozen=True, slots=True)
class Caller:
    """A program that was let in."""

    name: str

    @property
    def by(self) -> str:
        """Name it as the contact log does."""
        return f"api:{self.name}"


async def admit(window: Window, scope: str, request: web.Request) -> Caller | web.Response:
    """Answer who asks, or why they are turned away; nothing of the body was read. Raises StoreError."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    secret = given.strip() if scheme.lower() == "bearer" else ""
    token = await window.commit.read(lambda one: program_tokens.find(one, secret)) if secret else None
    now = window.clock.now()
    if token is None or not token.opens(now):
        why = "unknown" if token is None else "revoked" if token.revoked_at else "expired"
        log.warning(
            "api_caller_refused", scope=scope, why=why, token=token.name if token else "", remote=request.remote
        )
        text = "no token that is known; send: Authorization: Bearer …"
        if token is not None:
            text = f"token {token.name} is {why}; contactd tokens add makes another"
        return error_of(text, 401, headers=_CHALLENGE)
    if scope not in token.scopes:
        log.warning("api_scope_missing", scope=scope, token=token.name)
        return error_of(f"token {token.name} has no scope {scope}; contactd tokens add --scope {scope} makes one", 403)
    await _note_use(window, token)
    return Caller(token.name)


async def _note_use(window: Window, token: ProgramToken) -> None:
    now = window.clock.now()
    if token.used_at is None or now - token.used_at >= USED_EVERY:
        await window.commit.run(lambda one: program_tokens.used(one, token.name, now))


def refusal(error: InputError) -> web.Response:
    """Answer why nothing was done."""
    status = next(status for kind, status in _STATUSES if isinstance(error, kind))
    more = {"cure": error.cure, **error.place} if isinstance(error, Malformed) else {}
    return error_of(str(error), status, more)


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
