"""Asterisk's configuration files as sections that can be changed; the call tests lay their overlays over deploy/ so."""

import re
from dataclasses import dataclass, field

_HEADER = re.compile(r"^\[(?P<name>[^]]+)](?P<rest>.*)$")


@dataclass
class Section:
    """One `[name](rest)` with its lines, comments left out."""

    name: str
    rest: str = ""
    lines: list[str] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """Return the value of `type`, or nothing."""
        return self.get("type")

    def get(self, key: str) -> str:
        """Return the value of a key, or nothing."""
        found = [line.split("=", 1)[1].lstrip(">").strip() for line in self.lines if _key(line) == key]
        return found[-1] if found else ""

    def set(self, key: str, value: object) -> None:
        """Change a key that is there; one that is not is an error of the overlay."""
        places = [place for place, line in enumerate(self.lines) if _key(line) == key]
        if not places:
            raise KeyError(f"[{self.name}] has no {key}")
        self.lines[places[-1]] = f"{key} = {value}"

    def drop(self, key: str) -> None:
        """Take a key out that is there."""
        kept = [line for line in self.lines if _key(line) != key]
        if len(kept) == len(self.lines):
            raise KeyError(f"[{self.name}] has no {key}")
        self.lines = kept


def _key(line: str) -> str:
    return line.split("=", 1)[0].strip() if "=" in line else ""


class Conf:
    """One file."""

    def __init__(self, text: str) -> None:
        self.sections: list[Section] = []
        for line in text.splitlines():
            bare = line.split(";", 1)[0].rstrip()
            if header := _HEADER.match(bare):
                self.sections.append(Section(header["name"], header["rest"]))
            elif bare:
                self.sections[-1].lines.append(bare)

    def section(self, name: str, kind: str = "") -> Section:
        """Return a section that is there, by name and where needed by its `type`."""
        for section in self.sections:
            if section.name == name and kind in {"", section.kind}:
                return section
        raise KeyError(f"no section [{name}] {kind}")

    def drop(self, name: str) -> None:
        """Take out every section of a name that is there."""
        kept = [section for section in self.sections if section.name != name]
        if len(kept) == len(self.sections):
            raise KeyError(f"no section [{name}]")
        self.sections = kept

    def __str__(self) -> str:
        return "\n".join(
            line for section in self.sections for line in (f"[{section.name}]{section.rest}", *section.lines, "")
        )
