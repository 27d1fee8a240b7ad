"""Where people land: `/` leads to the page of their work, `/ws` is the one socket of each tab; app.py mounts both."""

from aiohttp import web

from contactd.web.hub import Hub
from contactd.web.pages import FOREIGN, Pages
from contactd.web.visitors import has_own_origin, viewer_of
from contactd.web.window import Window


def routes(window: Window, pages: Pages, hub: Hub) -> list[web.RouteDef]:
    """List the two addresses."""

    async def welcome(request: web.Request) -> web.StreamResponse:
        """Go on to the first page of the navigation, or say that there is none yet."""
        viewer = viewer_of(request)
        first = pages.navigation(viewer)
        if first:
            raise web.HTTPSeeOther(first[0].address)
        return pages.show(request, "welcome.html")

    async def socket(request: web.Request) -> web.StreamResponse:
        """Open the socket of a tab; only for our own pages, since browsers send cookies with a socket from anywhere."""
        if not has_own_origin(window.settings(), request):
            return pages.error(request, 403, FOREIGN)
        return await hub.serve(request, viewer_of(request))

    return [web.get("/", welcome), web.get("/ws", socket)]
