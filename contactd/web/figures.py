"""How pages write shares and lines of figures; a line is SVG drawn here, coloured by the style sheet."""

from collections.abc import Sequence

WIDTH, HEIGHT = 300, 60
_ROOM = 4  # above and below the line, for its stroke


def share(value: float, language: str) -> str:
    """Write a share in per cent, with a digit more where it is small: `1,8 %`."""
    hundredths = round(value * 100, 1)
    text = f"{hundredths:g}" if hundredths < 10 else f"{hundredths:.0f}"  # noqa: PLR2004 - two digits
    return f"{text.replace('.', ',')} %" if language == "de" else f"{text}%"


class Line:
    """A figure over time: the newest value is at the right edge, `most` values fill the width.

    Paths in a box of WIDTH by HEIGHT: `stroke` for the line, `area` to fill below it; `target` is a height, or None.
    """

    def __init__(self, values: Sequence[float], most: int, target: float = 0.0) -> None:
        top = max([*values, target, 1e-9])
        pace = WIDTH / max(most - 1, 1)
        first = WIDTH - pace * (len(values) - 1)
        points = [(first + number * pace, _height(value / top)) for number, value in enumerate(values)]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.stroke = f"M{line}" if len(points) > 1 else ""
        self.area = f"M{points[0][0]:.1f},{HEIGHT} L{line} L{WIDTH},{HEIGHT}Z" if len(points) > 1 else ""
        self.target = round(_height(target / top), 1) if target else None


def _height(share_of_top: float) -> float:
    return HEIGHT - _ROOM - share_of_top * (HEIGHT - 2 * _ROOM)
