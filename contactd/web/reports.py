"""The reports at `/reports`: a page each, its tables as CSV and JSON, its pictures as SVG; app.py mounts them.

Page and files are made of the same tables as `contactd report` writes, at the same moment's state of the database.
"""

from urllib.parse import urlencode

from aiohttp import web

from contactd.domain.report_table import Column, Kind, Value, plain
from contactd.engine.reports import report_files
from contactd.web.boundary import Handler
from contactd.web.drawing import as_file
from contactd.web.figures_shown import Shown
from contactd.web.pages import Pages
from contactd.web.report_pages import PAGES, Asked, Page, today_of
from contactd.web.report_words import TABLES
from contactd.web.statics import sheet
from contactd.web.visitors import viewer_of
from contactd.web.window import Window

_LEFT = frozenset({Kind.TEXT, Kind.WORD, Kind.MONTH, Kind.DAY, Kind.WEEKDAY})
_TYPES = {"csv": "text/csv", "json": "application/json", "svg": "image/svg+xml"}


def routes(window: Window, pages: Pages) -> list[web.RouteDef]:
    """List the addresses."""

    async def first(request: web.Request) -> web.StreamResponse:
        """Go on to the first report that is for whoever asks."""
        viewer = viewer_of(request)
        raise web.HTTPSeeOther(next(f"/reports/{page.name}" for page in PAGES if viewer.may(page.least)))

    reports = _Reports(window, pages)
    shown = [web.get(f"/reports/{page.name}", reports.page_of(page)) for page in PAGES]
    saved = [web.get(f"/reports/{page.name}/{{file:[^/]+}}", reports.file_of(page)) for page in PAGES]
    return [web.get("/reports", first), *shown, *saved]


class _Reports:
    def __init__(self, window: Window, pages: Pages) -> None:
        self._window, self._pages = window, pages

    def page_of(self, page: Page) -> Handler:
        """Build what shows a report."""

        async def show(request: web.Request) -> web.StreamResponse:
            viewer = viewer_of(request)
            shown = Shown(viewer.language)
            asked = await self._ask(page, request, shown)
            tabs = [one for one in PAGES if viewer.may(one.least)]
            query = urlencode({choice.name: choice.chosen for choice in asked.choices})
            return self._pages.show(
                request, "report.html", page=page, tabs=tabs, choices=asked.choices, keys=page.keys(asked, shown),
                sections=list(page.show(asked, shown)), titles=TABLES, shown=shown, plain=_plain, left=_LEFT,
                query=f"?{query}",
            )  # fmt: skip

        return show

    def file_of(self, page: Page) -> Handler:
        """Build what gives the files of a report: all tables as JSON, one as CSV, a picture as SVG."""

        async def give(request: web.Request) -> web.StreamResponse:
            shown = Shown(viewer_of(request).language)
            asked = await self._ask(page, request, shown)
            name, _, kind = request.match_info["file"].rpartition(".")
            text = _file(page, asked, shown, name, kind)
            if text is None:
                return self._pages.error(request, 404)
            saved = f'attachment; filename="contactd-{page.name}-{name}.{kind}"'
            return web.Response(text=text, content_type=_TYPES[kind], headers={"Content-Disposition": saved})

        return give

    async def _ask(self, page: Page, request: web.Request, shown: Shown) -> Asked:
        settings = self._window.settings()
        today = today_of(settings, self._window.clock.now())
        return await self._window.commit.read(
            lambda connection: page.ask(connection, settings, request.query, today, shown)
        )


def _file(page: Page, asked: Asked, shown: Shown, name: str, kind: str) -> str | None:
    """Write a file of a report; None: there is none of that name."""
    if (name, kind) == ("all", "json"):
        return report_files.as_json(asked.tables.values())
    if kind == "csv" and name in asked.tables:
        return report_files.as_csv(asked.tables[name])
    if kind != "svg":
        return None
    pictures = {section.name: section.picture for section in page.show(asked, shown)}
    picture = pictures.get(name)
    return as_file(picture, sheet("base.css"), sheet("charts.css")) if picture is not None else None


def _plain(column: Column, value: Value) -> str:
    """Write a value as the files do, for programs that read the page."""
    return f"{value:%Y-%m}" if column.kind is Kind.MONTH and value is not None else plain(value)
