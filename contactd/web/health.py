"""For whoever watches the daemon: does its loop turn, may it be given work, and its figures."""

from aiohttp import web

from contactd.metrics import CONTENT_TYPE
from contactd.web.window import Window


def routes(window: Window) -> list[web.RouteDef]:
    """List the three addresses for app.py to mount."""

    async def healthz(request: web.Request) -> web.Response:
        """Answer at all: the loop turns."""
        del request
        return web.json_response({"status": "ok"})

    async def readyz(request: web.Request) -> web.Response:
        """Say whether every part is up; 503 when one is not, or none has begun."""
        del request
        parts = window.ready()
        ready = bool(parts) and all(parts.values())
        return web.json_response({"ready": ready, "parts": parts}, status=200 if ready else 503)

    async def metrics(request: web.Request) -> web.Response:
        """Show the figures in Prometheus' text format."""
        del request
        return web.Response(body=window.metrics.render(), headers={"Content-Type": CONTENT_TYPE})

    return [web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)]
