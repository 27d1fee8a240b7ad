"""Takes apart what stands in :86: of MT940: the fields behind `?` of German banks, and SEPA's tags in their text.

Other banks write tags between slashes and no fields: `/EREF/4711/SVWZ/Rechnung 12`.
A tag (EREF+, SVWZ+ …) may be cut by the end of a field, as may what follows it. For intake.mt940.
"""

import re
from bisect import bisect_right
from itertools import accumulate, pairwise
from typing import NamedTuple

from contactd.intake.booked import iban, reference

_STRUCTURED = re.compile(r"(\d{3})([^\w\s])(?=\d\d)")
_PURPOSES = {f"{number}" for number in (*range(20, 30), *range(60, 64))}
_FIELDS = {"00", "10", *map(str, range(30, 35)), "38", *_PURPOSES}
_TAGS = re.compile(r"(EREF|KREF|MREF|CRED|DEBT|COAM|OAMT|SVWZ|ABWA|ABWE|IBAN|BIC|PURP|RREF)\+")
_SLASHED = re.compile(
    r"/(EREF|KREF|MREF|PREF|CRED|CSID|DEBT|COAM|OAMT|SVWZ|REMI|ABWA|ABWE|NAME|IBAN|ACCW|BIC|PURP|RREF|RTRN|TRTP|TRCD"
    r"|ORDP|BENM|CNTP|ULTD|ULTC|ULTB|MARF|INFO|ADDR|ISDT|CREF|CHGS|EXCH|NRTX|BUSP|UDTR|UCRD|FDMI)/"
)
_UNSTRUCTURED = "USTD//"  # before the text of REMI
_FULL = 27  # characters of a field: what is shorter ended by itself
# Business transaction codes (Geschäftsvorfallcodes) of what comes back: direct debits (108, 109), transfers (159).
_UNDONE = {"108", "109", "159"}


class Details(NamedTuple):
    """What :86: says; `original`: the amount before charges, as it is written."""

    lines: tuple[str, ...]
    end_to_end_id: str = ""
    mandate_id: str = ""
    name: str = ""
    iban: str = ""
    undone: bool = False
    code: str = ""
    original: str = ""


def read_details(text: str) -> Details:
    """Read a field :86:, the ends of lines still in it."""
    begin = _STRUCTURED.match(text)
    if begin is None:
        return _slashed(text) if _SLASHED.match(text.lstrip()) else Details(_tidy(text.split("\n")))
    fields = _fields(text.replace("\n", "")[begin.end(2) - 1 :], begin[2])
    chunks = [chunk for number, chunk in fields if number in _PURPOSES]
    said = _tagged(chunks)
    names = [chunk for number, chunk in fields if number in {"32", "33"}]
    accounts = [chunk for number, chunk in fields if number == "31"]
    codes = [chunk.strip() for number, chunk in fields if number == "34"]
    return Details(
        lines=said.get("SVWZ") or said.get("", ()),
        end_to_end_id=_whole(said, "EREF") or _whole(said, "KREF"),
        mandate_id=_whole(said, "MREF"),
        name=" ".join(_joined(names).split()),
        iban=iban("".join(accounts)) or iban("".join(said.get("IBAN", ()))),
        undone=begin[1] in _UNDONE,
        code="".join(codes),
        original="".join(said.get("OAMT", ())),
    )


def _slashed(text: str) -> Details:
    """Read what stands between slashes; a line may end anywhere, in a tag as well."""
    said = _tagged(text.lstrip().split("\n"), _SLASHED)
    lines = said.get("SVWZ") or said.get("REMI", ())
    if lines and lines[0].startswith(_UNSTRUCTURED):
        lines = _tidy([lines[0].removeprefix(_UNSTRUCTURED), *lines[1:]])
    return Details(
        lines=lines,
        end_to_end_id=_whole(said, "EREF") or _whole(said, "KREF"),
        mandate_id=_whole(said, "MREF") or _whole(said, "MARF"),
        name=" ".join("".join(said.get("NAME", ())).split()),
        iban=iban("".join(said.get("IBAN", ()))),
        undone="RTRN" in said,
        code="".join(said.get("RTRN", ())),
        original="".join(said.get("OAMT", ())),
    )


def _fields(text: str, mark: str) -> list[tuple[str, str]]:
    """Part the text at the mark and two digits; other digits behind a mark belong to the text."""
    places = [one for one in re.finditer(rf"{re.escape(mark)}(\d\d)", text) if one[1] in _FIELDS]
    ends = [*(one.start() for one in places[1:]), len(text)]
    return [(one[1], text[one.end() : end]) for one, end in zip(places, ends, strict=True)]


def _joined(chunks: list[str]) -> str:
    """Join what a bank cut; what is shorter than a field was no cut in a word."""
    return "".join(chunk if len(chunk) >= _FULL else f"{chunk} " for chunk in chunks)


def _whole(said: dict[str, tuple[str, ...]], tag: str) -> str:
    return reference("".join(said.get(tag, ())))


def _tagged(chunks: list[str], pattern: re.Pattern[str] = _TAGS) -> dict[str, tuple[str, ...]]:
    """Answer what stands behind each tag, field by field; what stands before the first, under no name."""
    text = "".join(chunks)
    begins = [0, *accumulate(map(len, chunks))]
    tags = [
        one
        for one in pattern.finditer(text)
        if pattern is _SLASHED or one.start() in begins or not text[one.start() - 1].isalnum()
    ]
    places = [(("", 0), tags[0].start() if tags else len(text))]
    ends = [*(one.start() for one in tags[1:]), len(text)]
    places += [((one[1], one.end()), end) for one, end in zip(tags, ends, strict=bool(tags))]
    said: dict[str, tuple[str, ...]] = {}
    for (tag, start), end in places:
        inner = begins[bisect_right(begins, start) : bisect_right(begins, end - 1)]
        said.setdefault(tag, _tidy([text[one:other] for one, other in pairwise([start, *inner, end])]))
    return said


def _tidy(lines: list[str]) -> tuple[str, ...]:
    return tuple(line for line in map(str.strip, lines) if line)
