"""The live view: dialler, agents, calls, today's funnel, what is held back, channels; and what is done about it.

What is shown is worked out in live_state.py, what can be done stands in live_deeds.py; app.py mounts it.
"""

from aiohttp import web

from contactd.domain.errors import ChannelError, IllegalTransition, InputError, StoreConflict
from contactd.domain.role import Role
from contactd.web.board import EVERY, LIVE, Board
from contactd.web.hub import Hub, Topic
from contactd.web.live_deeds import DEEDS, Asked
from contactd.web.live_state import state_of
from contactd.web.pages import Pages
from contactd.web.refusals import refusal
from contactd.web.signing_in import form_of, text_of
from contactd.web.visitors import Viewer, viewer_of
from contactd.web.window import Window

_PART = "X-Part"  # sent by live_view.js, which has a dialog to put it into


def routes(window: Window, pages: Pages, hub: Hub, board: Board) -> list[web.RouteDef]:
    """List the addresses, and let the page show what is going on."""
    live = _Live(window, pages, board)
    hub.add(Topic(LIVE, Role.SUPERVISOR, live.tell, EVERY))
    return [
        web.get("/live", live.show),
        web.get("/live/ask/{deed:[^/]+}", live.ask),
        web.post("/live/do/{deed:[^/]+}", live.carry_out),
    ]


class _Live:
    def __init__(self, window: Window, pages: Pages, board: Board) -> None:
        self._window, self._pages, self._board = window, pages, board

    async def tell(self, viewer: Viewer) -> str:
        """Push how things stand."""
        floor = await self._board.look()
        key = LIVE, viewer.language, viewer.is_agent
        known = self._board.keep(key, floor)
        if known is None:
            shown = state_of(floor, self._window.settings(), viewer.language)
            known = self._board.keep(key, floor, self._pages.text(viewer, "live_board.html", **shown))
        return str(known)

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Show how things stand."""
        self._board.forget()  # whoever opens the page sees how it is now
        done = request.query.get("done", "")
        said = DEEDS[done].done if done in DEEDS else ""
        return self._pages.show(request, "live.html", board=await self.tell(viewer_of(request)), done=said)

    async def ask(self, request: web.Request) -> web.StreamResponse:
        """Ask whether it is really meant, and why; as a page, or as the part of one that a dialog shows."""
        deed = DEEDS.get(request.match_info["deed"])
        if deed is None:
            return self._pages.error(request, 404)
        asked = Asked(self._window, viewer_of(request), request.query.get("on", "")[:200])
        return await self._ask(request, deed.name, asked)

    async def _ask(
        self, request: web.Request, name: str, asked: Asked, problem: str = "", status: int = 200
    ) -> web.StreamResponse:
        template = "live_ask.html" if _PART in request.headers else "live_ask_page.html"
        choices = await DEEDS[name].choices(asked)
        return self._pages.show(
            request,
            template,
            status=status,
            deed=DEEDS[name],
            asked=asked,
            about=await DEEDS[name].names(asked),
            choices=choices,
            problem=problem,
            back=DEEDS[name].back(asked),
        )

    async def carry_out(self, request: web.Request) -> web.StreamResponse:
        """Do it, and show how things stand then; what was wrong is told where it was asked."""
        deed = DEEDS.get(request.match_info["deed"])
        if deed is None:
            return self._pages.error(request, 404)
        form = await form_of(request)
        told = {name: text_of(form, name).strip()[:500] for name in ("on", "choice", "reason", "term")}
        asked = Asked(self._window, viewer_of(request), **told)
        try:
            await deed.carry_out(asked)
        except (InputError, IllegalTransition, ChannelError, StoreConflict) as error:
            return await self._ask(request, deed.name, asked, refusal(error, asked.viewer.language), 409)
        self._window.wake()
        self._board.forget()
        back = deed.back(asked)
        raise web.HTTPSeeOther(f"{back}{'&' if '?' in back else '?'}done={deed.name}")
