"""Who asks: from the cookie to the person, and whether a request comes from our own pages; for guard.py and pages."""

import hashlib
import ipaddress
import secrets
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from aiohttp import web

from contactd.config.settings import Settings
from contactd.domain.role import Role
from contactd.store import sessions
from contactd.store.logins import Login
from contactd.store.sessions import Limits, Session, Stage
from contactd.web.window import Window
from contactd.web.words import LANGUAGES, preferred

THEMES = ("light", "dark")
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_TOUCHED_EVERY = timedelta(minutes=1)
_NETWORK_BITS = 64  # what one household has of IPv6


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at a page; nobody before they have signed in. `team` is the agent's of the configuration."""

    name: str = ""
    full_name: str = ""
    role: Role | None = None
    team: str = ""
    is_agent: bool = False  # has [agents.<name>] and may take calls
    language: str = "en"
    theme: str = ""
    stage: Stage = Stage.IN
    key: str = ""  # of the session; nothing that is shown

    def may(self, least: Role) -> bool:
        """Tell whether this person has at least that role."""
        return self.role is not None and self.stage is Stage.IN and self.role.includes(least)


VIEWER = web.RequestKey("viewer", Viewer)


def viewer_of(request: web.Request) -> Viewer:
    """Answer who looks; where the guard has not been yet, somebody unknown."""
    return request.get(VIEWER) or Viewer(language=_language(request, ""), theme=_theme(request, ""))


def limits_of(settings: Settings) -> Limits:
    """Read how long sessions last."""
    return Limits(settings.web.session_idle, settings.web.session_longest)


async def find_viewer(window: Window, request: web.Request) -> Viewer:
    """Look up whose session the cookie names, and note once a minute that they are there."""
    key = _key_of(request.cookies.get(cookie_name(is_secure(window.settings(), request)), ""))
    found = await window.commit.read(lambda connection: sessions.read(connection, [key])) if key else []
    now = window.clock.now()
    if not found or not limits_of(window.settings()).allow(found[0], now):
        return Viewer(language=_language(request, ""), theme=_theme(request, ""))
    if now - found[0].seen_at >= _TOUCHED_EVERY:
        await window.commit.run(lambda connection: sessions.touch(connection, [key], now))
    return _viewer(window.settings(), request, found[0])


def _viewer(settings: Settings, request: web.Request, found: Session) -> Viewer:
    one = found.login
    return Viewer(
        one.name, name_of(settings, one), one.role, language=_language(request, one.language), stage=found.stage,
        theme=_theme(request, one.theme), key=found.key, is_agent=one.name in settings.agents,
        team=settings.agents[one.name].team if one.name in settings.agents else "",
    )  # fmt: skip


def name_of(settings: Settings, one: Login) -> str:
    """Answer how colleagues call somebody."""
    agent = settings.agents.get(one.name)
    return one.full_name or (agent.name if agent is not None else "") or one.name


def _language(request: web.Request, own: str) -> str:
    chosen = own or request.cookies.get("language", "")
    return chosen if chosen in LANGUAGES else preferred(request.headers.get("Accept-Language", ""))


def _theme(request: web.Request, own: str) -> str:
    chosen = own or request.cookies.get("theme", "")
    return chosen if chosen in THEMES else ""


# -- cookies -----------------------------------------------------------------------------------------------------------


def new_id() -> tuple[str, str]:
    """Draw what a cookie holds, and the digest of it that is kept."""
    drawn = secrets.token_urlsafe(32)
    return drawn, _key_of(drawn)


def _key_of(held: str) -> str:
    return hashlib.sha256(held.encode("utf-8", "replace")).hexdigest() if held else ""


def cookie_name(secure: bool) -> str:  # noqa: FBT001 - what the name depends on
    """Name the session's cookie; a browser takes one of this prefix only by TLS, for this very host (RFC 6265bis)."""
    return "__Host-contactd" if secure else "contactd"


def set_cookie(settings: Settings, request: web.Request, response: web.StreamResponse, held: str) -> None:
    """Give the browser its session, or take it away when `held` is empty."""
    secure = is_secure(settings, request)
    age = None if held else 0
    response.set_cookie(cookie_name(secure), held, max_age=age, path="/", secure=secure, httponly=True, samesite="Lax")


# -- where a request comes from ----------------------------------------------------------------------------------------


def is_secure(settings: Settings, request: web.Request) -> bool:
    """Tell whether the browser came by TLS: to us, or to a proxy whose word counts."""
    if request.remote in settings.web.proxies and "X-Forwarded-Proto" in request.headers:
        return request.headers["X-Forwarded-Proto"].rpartition(",")[2].strip().lower() == "https"
    return request.secure


def address_of(settings: Settings, request: web.Request) -> str:
    """Answer from where somebody asks, as far as it is worth counting: of IPv6 the network."""
    told = request.remote or ""
    if told in settings.web.proxies and (passed_on := request.headers.get("X-Forwarded-For", "")):
        told = passed_on.rpartition(",")[2].strip()
    try:
        address = ipaddress.ip_address(told)
    except ValueError:
        return told[:64]
    if address.version == 6 and not address.is_loopback:  # noqa: PLR2004 - the number of the protocol
        return str(ipaddress.ip_network((address, _NETWORK_BITS), strict=False))
    return str(address)


def is_foreign(settings: Settings, request: web.Request) -> bool:
    """Tell whether a request that changes something does not come from our own pages.

    Browsers say so themselves (Sec-Fetch-Site); where one does not, its Origin must be ours. Without either it is
    foreign: no browser of these years sends a form like that.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site != "same-origin"
    return not has_own_origin(settings, request)


def has_own_origin(settings: Settings, request: web.Request) -> bool:
    """Tell whether the Origin a browser names is the address it asks at."""
    origin = request.headers.get("Origin", "")
    scheme = "https" if is_secure(settings, request) else "http"
    public = urlsplit(settings.web.public_url)
    return origin != "" and origin in (f"{scheme}://{request.host}", f"{public.scheme}://{public.netloc}")
