"""Takes the text of an e-mail apart into paragraphs, for an HTML frame that says the same words; render.py uses it."""

import re

_BLANK = re.compile(r"\n\s*\n")
_ITEM, _SIGNATURE = "* ", "--"
# A line of this length was broken to fit, a shorter one ends where its author meant it to.
_FULL = 60

Block = tuple[str, list[str]]


def blocks_of(body: str) -> list[Block]:
    """Split a text at its blank lines; each part with its kind (text, list, foot) and its lines.

    Items begin with "* ", the foot below a line "--". Lines that were broken to fit are one again.
    """
    found: list[Block] = []
    kind = "text"
    for part in _BLANK.split(body.strip()):
        lines = [line.strip() for line in part.splitlines()]
        if lines[0] == _SIGNATURE:
            kind, lines = "foot", lines[1:]
        items = kind == "text" and all(line.startswith(_ITEM) for line in lines)
        if items:
            found.append(("list", [line.removeprefix(_ITEM) for line in lines]))
        elif lines:
            found.append((kind, _joined(lines)))
    return found


def _joined(lines: list[str]) -> list[str]:
    whole: list[str] = []
    full = False
    for line in lines:
        if full:
            whole[-1] += f" {line}"
        else:
            whole.append(line)
        full = len(line) > _FULL
    return whole
