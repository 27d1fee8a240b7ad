"""The pages: templates of pages/ in the viewer's language, with the headers that keep a page to itself."""

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import jinja2
from aiohttp import web

from contactd.config.settings import Settings
from contactd.domain.role import Role
from contactd.web.statics import Statics
from contactd.web.visitors import Viewer, is_secure, viewer_of
from contactd.web.window import Window
from contactd.web.words import LANGUAGES, _, catalogue, speaker
from contactd.web.written import writers

_FOLDER = Path(__file__).parent / "pages"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    # With no-referrer browsers would send forms with the Origin "null".
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Robots-Tag": "noindex, nofollow",
}
_BY_TLS_ONLY = {"Strict-Transport-Security": "max-age=31536000"}


class Entry(NamedTuple):
    """A row of the navigation; it shows once its address is served."""

    address: str
    label: str
    least: Role
    agents_only: bool = False


NAVIGATION = (
    Entry("/desk", _("Desk"), Role.AGENT, agents_only=True),
    Entry("/live", _("Live"), Role.SUPERVISOR),
    Entry("/wall", _("Wallboard"), Role.SUPERVISOR),
    Entry("/reports", _("Reports"), Role.SUPERVISOR),
)
ROLES = {
    Role.AGENT: _("Agent"),
    Role.SUPERVISOR: _("Supervisor"),
    Role.MANAGER: _("Manager"),
    Role.ADMIN: _("Administrator"),
}
ERRORS = {
    400: (_("Not readable"), _("What was sent cannot be read. Open the page and try again.")),
    401: (_("Please sign in"), _("Your session has ended.")),
    403: (_("Not for you"), _("Your role does not open this page.")),
    404: (_("Nothing here"), _("There is no page at this address.")),
    405: (_("Not this way"), _("This address cannot be opened like that.")),
    413: (_("Too large"), _("More was sent at once than contactd takes. Go back, shorten it, and send it again.")),
    500: (_("That went wrong"), _("contactd failed here; its log says how.")),
    503: (_("Just a moment"), _("The database does not answer at this moment. Please try again shortly.")),
}
FOREIGN = (
    _("Not from here"),
    _("This came from another page than ours, so nothing was done. Open the page and try again."),
)


class Pages:
    """Makes pages; `addresses` are those that the application serves."""

    def __init__(self, window: Window, statics: Statics) -> None:
        """Read the templates."""
        self._window = window
        self.addresses: Collection[str] = ()
        self._languages = {language: _environment(language, statics) for language in LANGUAGES}
        for language, made in self._languages.items():
            made.globals |= writers(language, lambda: self.settings().claims.timezone)

    def settings(self) -> Settings:
        """Answer the settings in force."""
        return self._window.settings()

    def show(self, request: web.Request, template: str, *, status: int = 200, **values: object) -> web.Response:
        """Make a page of a template; `viewer`, `language` and the navigation are there without a word."""
        answer = web.Response(text=self.text(viewer_of(request), template, path=request.path, **values), status=status,
                              content_type="text/html", headers=_HEADERS)  # fmt: skip
        if is_secure(self.settings(), request):
            answer.headers.update(_BY_TLS_ONLY)
        return answer

    def text(self, viewer: Viewer, template: str, **values: object) -> str:
        """Make the text of a template, a whole page or a part to be pushed."""
        given = {"viewer": viewer, "navigation": self.navigation(viewer), "path": "", **values}
        given["made_up"] = bool(self.settings().personas)
        return self._languages[viewer.language].get_template(template).render(given)

    def navigation(self, viewer: Viewer) -> list[Entry]:
        """List the pages of somebody's work."""
        return [
            entry
            for entry in NAVIGATION
            if entry.address in self.addresses
            if viewer.may(entry.least) and (viewer.is_agent or not entry.agents_only)
        ]

    def error(self, request: web.Request, status: int, words: tuple[str, str] | None = None) -> web.Response:
        """Say what is wrong."""
        title, text = words or ERRORS.get(status, ERRORS[500])
        return self.show(request, "error.html", status=status, title=title, text=text)


def _environment(language: str, statics: Statics) -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, extensions=["jinja2.ext.i18n"], auto_reload=False,  # or the file is asked for each time
    )  # fmt: skip
    words = catalogue(language)
    made.install_gettext_callables(words.gettext, words.ngettext, newstyle=True)  # type: ignore[attr-defined] # the extension's
    made.filters["spoken"] = speaker(language)
    made.globals |= {"static": statics.address, "roles": ROLES}
    return made
