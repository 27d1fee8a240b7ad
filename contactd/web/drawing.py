"""A picture as SVG: shapes and texts that take their colours from the style sheet; for charts.py.

No shape has a style of its own (the policy of the pages allows none): `style` names classes of charts.css. A picture
that is saved carries that sheet with it, in its light colours.
"""

import re
from collections.abc import Iterable
from typing import Literal

from markupsafe import Markup

Point = tuple[float, float]

_SHEET = re.compile(r"(--[\w-]+):\s*light-dark\(([^,]+),")
_VARIABLE = re.compile(r"var\((--[\w-]+)\)")


class Drawing:
    """A picture of `width` by `height` units with a title and a description for whoever cannot see it."""

    def __init__(self, name: str, width: float, height: float, title: str, description: str) -> None:
        self._head = Markup(
            '<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {} {}" role="img" '
            'aria-labelledby="{name}-title {name}-text"><title id="{name}-title">{}</title>'
            '<desc id="{name}-text">{}</desc>'
        ).format(_short(width), _short(height), title, description, name=name)
        self._parts: list[Markup] = []

    def rect(self, x: float, y: float, width: float, height: float, style: str, *, round_by: float = 0) -> None:
        """Draw a rectangle from its upper left corner."""
        shape = Markup('<rect x="{}" y="{}" width="{}" height="{}" rx="{}" class="{}"/>')
        self._parts.append(shape.format(*map(_short, (x, y, width, height, round_by)), style))

    def line(self, start: Point, end: Point, style: str) -> None:
        """Draw a straight line."""
        shape = Markup('<line x1="{}" y1="{}" x2="{}" y2="{}" class="{}"/>')
        self._parts.append(shape.format(*map(_short, (*start, *end)), style))

    def curve(self, points: Iterable[Point], style: str) -> None:
        """Draw a line from point to point."""
        path = " ".join(f"{_short(x)},{_short(y)}" for x, y in points)
        self._parts.append(Markup('<polyline points="{}" class="{}"/>').format(path, style))

    def text(
        self, x: float, y: float, text: str, style: str = "", anchor: Literal["start", "middle", "end"] = "start"
    ) -> None:
        """Write a line of text that begins, has its middle or ends at `x`; `y` is the line it stands on."""
        shape = Markup('<text x="{}" y="{}" text-anchor="{}" class="{}">{}</text>')
        self._parts.append(shape.format(_short(x), _short(y), anchor, style, text))

    def markup(self) -> Markup:
        """Give the picture."""
        return self._head + Markup("").join(self._parts) + Markup("</svg>")


def as_file(picture: Markup, base: str, sheet: str) -> str:
    """Give a picture a style sheet to be saved with: that of charts with the light colours of the pages' own."""
    light = dict(_SHEET.findall(base)) | dict(_SHEET.findall(sheet))
    own = "".join(line for line in sheet.splitlines() if line.startswith(".chart"))
    resolved = _VARIABLE.sub(lambda found: light[found[1]], own)
    head, _, rest = str(picture).partition("<title")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{head}<style>{resolved}</style><title{rest}\n'


def _short(value: float) -> str:
    return f"{round(value, 1):g}"
