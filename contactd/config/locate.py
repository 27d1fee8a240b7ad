"""On which line of a TOML text a key stands; for the messages of config and of mapping profiles.

`tomllib` tells no lines once it has read a text, so this walks the text a second time. It expects a text that `tomllib`
accepted.
"""

import re
from bisect import bisect_right

Place = tuple[str | int, ...]

_BLANK = re.compile(r"[ \t]*")
_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BASIC = re.compile(r'"(?:[^"\\]|\\.)*"')
_LITERAL = re.compile(r"'[^']*'")
# A long string may end in up to two more quotes that belong to it.
_LONG_BASIC = re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}', re.DOTALL)
_LONG_LITERAL = re.compile(r"'''.*?'{3,5}", re.DOTALL)
_SCALAR = re.compile(r"[^,\]}\n#]*")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))")
_SHORT = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b"}


class Lines:
    """The line of every key, table and list element of one text; places are paths like `("step", 0, "retry")`."""

    def __init__(self, text: str) -> None:
        """Walk the text once."""
        self.places = _Scanner(text).walk()

    def of(self, place: Place) -> int:
        """Answer the line of the place, or of the innermost table around it that is written down."""
        for length in range(len(place), 0, -1):
            if place[:length] in self.places:
                return self.places[place[:length]]
        return 1


def _unescape(match: re.Match[str]) -> str:
    code = match[1] or match[2]
    return chr(int(code, 16)) if code else _SHORT.get(match[3], match[3])


class _Scanner:
    """Reads headers, keys and values from left to right; values only as far as finding their end takes."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.breaks = [index for index, letter in enumerate(text) if letter == "\n"]
        self.places: dict[Place, int] = {}
        self.last: dict[Place, int] = {}  # index of the newest element of each array of tables

    def walk(self) -> dict[Place, int]:
        """Read the whole text."""
        table: Place = ()
        self.skip(_SPACE)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)
            self.skip(_SPACE)
        return self.places

    def skip(self, pattern: re.Pattern[str]) -> None:
        """Go on behind what matches here."""
        match = pattern.match(self.text, self.at)
        if match is not None:
            self.at = match.end()

    def expect(self, token: str) -> None:
        """Go on behind the token, which a text that `tomllib` read has here."""
        if not self.text.startswith(token, self.at):
            message = f"no {token!r} at offset {self.at}; this is no TOML that tomllib reads"
            raise ValueError(message)
        self.at += len(token)

    def line(self) -> int:
        """Count the lines up to here; headers and keys never span two."""
        return bisect_right(self.breaks, self.at - 1) + 1

    def note(self, place: Place) -> None:
        """Keep the line of a place the first time it is met."""
        self.places.setdefault(place, self.line())

    def header(self) -> Place:
        """Read `[table]` or `[[array.of.tables]]` and answer the place its keys go to."""
        many = self.text.startswith("[[", self.at)
        self.at += 2 if many else 1
        self.skip(_BLANK)
        keys = self.keys()
        place: Place = ()
        for key in keys[:-1] if many else keys:
            place = (*place, key)
            self.note(place)
            if place in self.last:
                place = (*place, self.last[place])
        if many:
            place = (*place, keys[-1])
            self.note(place)
            self.last[place] = self.last.get(place, -1) + 1
            place = (*place, self.last[place])
        # A header written later than its sub-tables is where a reader looks for the table.
        self.places[place] = self.line()
        self.expect("]]" if many else "]")
        return place

    def pair(self, table: Place) -> None:
        """Read `key = value`."""
        place = table
        for key in self.keys():
            place = (*place, key)
            self.note(place)
        self.expect("=")
        self.skip(_BLANK)
        self.value(place)

    def keys(self) -> list[str]:
        """Read a dotted key, with the blanks around it."""
        found = [self.key()]
        self.skip(_BLANK)
        while self.text.startswith(".", self.at):
            self.at += 1
            self.skip(_BLANK)
            found.append(self.key())
            self.skip(_BLANK)
        return found

    def key(self) -> str:
        """Read one part of a key."""
        for pattern in (_BASIC, _LITERAL, _BARE_KEY):
            match = pattern.match(self.text, self.at)
            if match is not None:
                self.at = match.end()
                if pattern is _BARE_KEY:
                    return match[0]
                return _ESCAPE.sub(_unescape, match[0][1:-1]) if pattern is _BASIC else match[0][1:-1]
        message = f"no key at offset {self.at}; this is no TOML that tomllib reads"
        raise ValueError(message)

    def value(self, place: Place) -> None:
        """Go behind a value and keep the lines of what is in it."""
        if self.text.startswith("[", self.at):
            self.array(place)
        elif self.text.startswith("{", self.at):
            self.inline(place)
        else:
            for pattern in (_LONG_BASIC, _LONG_LITERAL, _BASIC, _LITERAL, _SCALAR):
                match = pattern.match(self.text, self.at)
                if match is not None:
                    self.at = match.end()
                    return

    def array(self, place: Place) -> None:
        """Read `[a, b]`, which may span lines and hold comments."""
        self.at += 1
        index = 0
        self.skip(_SPACE)
        while not self.text.startswith("]", self.at):
            self.note((*place, index))
            self.value((*place, index))
            index += 1
            self.skip(_SPACE)
            if self.text.startswith(",", self.at):
                self.at += 1
                self.skip(_SPACE)
        self.expect("]")

    def inline(self, place: Place) -> None:
        """Read `{a = 1, b.c = 2}`."""
        self.at += 1
        self.skip(_SPACE)
        while not self.text.startswith("}", self.at):
            self.pair(place)
            self.skip(_SPACE)
            if self.text.startswith(",", self.at):
                self.at += 1
                self.skip(_SPACE)
        self.expect("}")
