"""The unsubscribe link: a page with one button, and RFC 8058's one click from the mail program; app.py mounts it.

The link is an attempt's id, signed (domain/links.py). The wish is a durable row of the inbox, and the address is
suppressed in the same commit (engine/sending/arrivals.py), before it is answered. Neither page says whose account it
is, or that there is one.
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from string import Template

import sqlalchemy as sa
import structlog
from aiohttp import web
from sqlalchemy.engine import Connection

from contactd.domain import links
from contactd.domain.account import Channel
from contactd.domain.errors import StoreConflict, StoreError
from contactd.engine.sending import arrivals
from contactd.store import inbox
from contactd.store.schema import account, attempt
from contactd.web.boundary import Handler
from contactd.web.window import Window

log = structlog.get_logger()

_TOKEN = re.compile(r"[1-9][0-9]{0,17}\.[A-Za-z0-9_-]{16}")
_LANGUAGES = ("de", "en")
_FALL_BACK = "en"

_TEXTS = {
    "de": {
        "email": "E-Mails",
        "sms": "SMS",
        "other": "Nachrichten",
        "ask_title": "Keine $what mehr?",
        "ask": "Möchten Sie an diese Adresse keine $what mehr von uns erhalten? Wichtiges teilen wir Ihnen dann auf "
        "anderem Weg mit, zum Beispiel mit der Post.",
        "button": "Keine $what mehr senden",
        "done_title": "Erledigt",
        "done": "Wir senden Ihnen keine $what mehr an diese Adresse. Sie können dieses Fenster schließen.",
        "gone_title": "Diese Adresse gibt es nicht",
        "gone": "Bitte öffnen Sie den Link aus unserer Nachricht noch einmal, vollständig.",
        "later_title": "Das hat gerade nicht geklappt",
        "later": "Bitte versuchen Sie es in einigen Minuten noch einmal.",
    },
    "en": {
        "email": "e-mails",
        "sms": "text messages",
        "other": "messages",
        "ask_title": "No more $what?",
        "ask": "Would you like to receive no more $what from us at this address? We will then tell you what is "
        "important in another way, for example by post.",
        "button": "Send no more $what",
        "done_title": "Done",
        "done": "We will send no more $what to this address. You can close this window.",
        "gone_title": "There is no such address",
        "gone": "Please open the link in our message again, in full.",
        "later_title": "That did not work just now",
        "later": "Please try again in a few minutes.",
    },
}

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{margin:0;font:1.125rem/1.5 system-ui,sans-serif;background:Canvas;color:CanvasText}"
    "main{max-width:34rem;margin:15vh auto 0;padding:0 1.5rem}"
    "h1{font-size:1.5rem;line-height:1.25}"
    "button{font:inherit;margin-top:.5rem;padding:.75rem 1.5rem;border:0;border-radius:.375rem;"
    "background:#1d4e89;color:#fff;cursor:pointer}"
    "button:focus-visible{outline:3px solid CanvasText;outline-offset:2px}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Robots-Tag": "noindex, nofollow",
}
# Without an action the form goes where the page came from, whatever prefix a proxy put before it.
_FORM = '<form method="post"><button name="List-Unsubscribe" value="One-Click">$button</button></form>'
_PAGE = Template(
    '<!DOCTYPE html><html lang="$language"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width,initial-scale=1">'
    f"<title>$title</title><style>{_STYLE}</style></head>"
    "<body><main><h1>$title</h1><p>$text</p>$form</main></body></html>"
)


@dataclass(frozen=True, slots=True)
class _Sent:
    """To whom a message went."""

    customer_id: int
    channel: str
    address: str
    language: str


def routes(window: Window) -> list[web.RouteDef]:
    """List the link's two methods for app.py to mount."""

    async def show(request: web.Request) -> web.StreamResponse:
        """Ask; opening the link alone changes nothing, for mail scanners open every link."""
        sent = await _find(window, request.match_info["token"])
        if sent is None:
            return _page(_preferred(request), "gone", status=404)
        return _page(sent.language, "ask", sent.channel, button=True)

    async def take(request: web.Request) -> web.StreamResponse:
        """Keep the wish, then confirm it; what else the body says does not matter, whoever has the link may ask."""
        await request.read()  # at most client_max_size
        token = request.match_info["token"]
        sent = await _find(window, token)
        if sent is None:
            return _page(_preferred(request), "gone", status=404)
        now = window.clock.now()
        payload = {"channel": sent.channel, "address": sent.address, "customer": sent.customer_id}
        # The minute: who was allowed again later can say no again, and a repeated click leaves one row.
        known_by = f"{token.partition('.')[0]}:{now:%Y%m%d%H%M}"
        if await window.commit.submit(arrivals.receive, inbox.Event("unsubscribe", known_by, payload, now)):
            log.info("unsubscribed", channel=sent.channel)
            window.arrived()
        return _page(sent.language, "done", sent.channel)

    return [web.get("/u/{token}", _calmly(show)), web.post("/u/{token}", _calmly(take))]


def _calmly(handler: Handler) -> Handler:
    """Answer 503 with a page when the store is away: the customer, or the mail program, asks again."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except (StoreError, StoreConflict) as error:
            log.error("unsubscribe_not_kept", reason=str(error))
            answer = _page(_preferred(request), "later", status=503)
            answer.headers["Retry-After"] = "60"
            return answer

    return guarded


async def _find(window: Window, token: str) -> _Sent | None:
    """Answer to whom the message went; None for a link that is not ours, or whose attempt is gone."""
    attempt_id = links.read(window.signing_key, token) if _TOKEN.fullmatch(token) else None
    if attempt_id is None:
        log.info("unsubscribe_link_refused")
        return None
    return await window.commit.read(lambda connection: _sent(connection, attempt_id))


def _sent(connection: Connection, attempt_id: int) -> _Sent | None:
    row = connection.execute(
        sa.select(attempt.c.customer_id, attempt.c.channel, attempt.c.address, account.c.language)
        .join_from(attempt, account, attempt.c.account_id == account.c.id)
        .where(attempt.c.id == attempt_id)
    ).one_or_none()
    return None if row is None else _Sent(*row)


def _preferred(request: web.Request) -> str:
    """Answer the first language of the browser's that we speak."""
    wanted = (part.strip()[:2].lower() for part in request.headers.get("Accept-Language", "").split(","))
    return next((language for language in wanted if language in _LANGUAGES), _FALL_BACK)


def _page(language: str, kind: str, channel: str = "", *, button: bool = False, status: int = 200) -> web.Response:
    spoken = language[:2].lower()
    spoken = spoken if spoken in _LANGUAGES else _FALL_BACK
    texts = _TEXTS[spoken]
    what = texts[channel if channel in (Channel.EMAIL, Channel.SMS) else "other"]

    def say(key: str) -> str:
        return Template(texts[key]).substitute(what=what)

    page = _PAGE.substitute(
        language=spoken,
        title=say(f"{kind}_title"),
        text=say(kind),
        form=Template(_FORM).substitute(button=say("button")) if button else "",
    )
    return web.Response(text=page, content_type="text/html", headers=_HEADERS, status=status)
