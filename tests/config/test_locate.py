"""The locator finds every key of any TOML text on the line it was written on."""

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contactd.config.locate import Lines, Place

KEYS = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=6),
)
SCALARS = st.one_of(
    st.integers(-9, 99),
    st.booleans(),
    st.text(st.sampled_from("ab #=[]{},'\\\n."), max_size=8),
    st.sampled_from([1.5, -0.25]),
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3))
TABLES = st.dictionaries(KEYS, VALUES, max_size=4)
DOCUMENTS = st.tuples(TABLES, st.dictionaries(KEYS, TABLES | st.lists(TABLES, min_size=1, max_size=3), max_size=4))


class Writer:
    """Writes TOML with comments and blank lines in between, and keeps on which line each key went."""

    def __init__(self, noise: st.DataObject) -> None:
        self.lines: list[str] = []
        self.places: dict[Place, int] = {}
        self.noise = noise

    def pad(self) -> None:
        for _ in range(self.noise.draw(st.integers(0, 2))):
            self.lines.append(self.noise.draw(st.sampled_from(["", "# no = [key", "  # ''' \"\"\""])))

    def pairs(self, place: Place, table: dict[str, Any]) -> None:
        for key, value in table.items():
            self.pad()
            self.places[(*place, key)] = len(self.lines) + 1
            text = f"{quoted(key)} = {self.value((*place, key), value, len(self.lines) + 1)} # = {{"
            self.lines += text.split("\n")

    def header(self, place: Place, text: str) -> None:
        self.pad()
        self.lines.append(text)
        self.places[place] = len(self.lines)

    def value(self, place: Place, value: Any, line: int) -> str:  # noqa: ANN401 - any value TOML can hold
        if isinstance(value, list):
            parts = []
            for index, item in enumerate(value):
                line += 1
                self.places[(*place, index)] = line
                parts.append(self.value((*place, index), item, line))
                line += parts[-1].count("\n")
            return "[" + "".join(f"\n  {part}," for part in parts) + "]" if parts else "[]"
        if isinstance(value, dict):
            return self.inline(place, value, line)
        return scalar(value)

    def inline(self, place: Place, value: dict[str, Any], line: int) -> str:
        parts = []
        for key, item in value.items():
            self.places[(*place, key)] = line
            text = self.value((*place, key), item, line)
            line += text.count("\n")
            parts.append(f"{quoted(key)} = {text}")
        return "{ " + ", ".join(parts) + " }"


def quoted(key: str) -> str:
    """Write a key, bare when it may be."""
    return (
        key
        if key.isascii() and key.replace("-", "").replace("_", "").isalnum()
        else json.dumps(key, ensure_ascii=False)
    )


def scalar(value: object) -> str:
    """Write a text in one of the four ways, or a number."""
    if not isinstance(value, str):
        return json.dumps(value)
    if "\n" in value and "'" not in value:
        return f"'''\n{value}'''"
    if "\n" in value and "\\" not in value:
        return f'"""\n{value}"""'
    return f"'{value}'" if "'" not in value and "\n" not in value else json.dumps(value, ensure_ascii=False)


@settings(deadline=None)
@given(DOCUMENTS, st.data())
def test_every_key_is_found_on_its_line(
    document: tuple[dict[str, Any], dict[str, dict[str, Any] | list[dict[str, Any]]]], noise: st.DataObject
) -> None:
    top, tables = document
    tables = {key: value for key, value in tables.items() if key not in top}
    writer = Writer(noise)
    writer.pairs((), top)
    for name, table in tables.items():
        if isinstance(table, list):
            for index, one in enumerate(table):
                writer.header((name, index), f"[[ {quoted(name)} ]]")
                writer.pairs((name, index), one)
        else:
            writer.header((name,), f"[{quoted(name)}]")
            writer.pairs((name,), table)
    text = "\n".join(writer.lines) + "\n"
    assert tomllib.loads(text) == {**top, **tables}
    found = Lines(text)
    assert {place: found.of(place) for place in writer.places} == writer.places


@settings(deadline=None)
@given(st.text(st.sampled_from("ab=[]{}.\"'#\n ,1"), max_size=40))
def test_whatever_tomllib_reads_the_locator_reads_too(text: str) -> None:
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    found = Lines(text).places
    assert {place[0] for place in found} == set(values)
    assert all(1 <= line <= text.count("\n") + 1 for line in found.values())


TEXT = '''\
title = "x"
a.b.c = 1
a.b.d = 2

[[step]]
id = "one"
[step.retry]
busy = "x"
[[step]]
id = "two"
list = [ 1, # [
  { k = 2 },
  """]
""", 3 ]
[x.y]
z = 1
[x]
"dotted.key" = 1
[[step.sub]]
n = 1
'''


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("title",), 1),
        (("a",), 2),
        (("a", "b", "d"), 3),
        (("step",), 5),
        (("step", 0), 5),
        (("step", 0, "retry"), 7),
        (("step", 0, "retry", "busy"), 8),
        (("step", 1), 9),
        (("step", 1, "list", 1, "k"), 12),
        (("step", 1, "list", 2), 13),
        (("step", 1, "list", 3), 14),
        (("x", "y", "z"), 16),
        (("x",), 17),
        (("x", "dotted.key"), 18),
        (("step", 1, "sub", 0, "n"), 20),
        (("step", 1, "missing"), 9),
        (("nowhere", 3), 1),
    ],
)
def test_tables_dotted_keys_and_what_is_missing_have_a_line(place: Place, line: int) -> None:
    tomllib.loads(TEXT)
    assert Lines(TEXT).of(place) == line


@pytest.mark.parametrize("text", ["= 1", "[a\nb = 1", "a 1"])
def test_a_text_that_is_no_toml_is_refused_instead_of_walked_for_ever(text: str) -> None:
    with pytest.raises(ValueError, match="no TOML"):
        Lines(text)
