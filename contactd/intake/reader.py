"""Reads a CSV file as a stream of records, whatever program wrote it; for intake.accept's callers.

Encoding, delimiter and header are told from the file unless a profile says them. Nothing is ever guessed about a single
row: one that does not fit is given out as rejected, and the next is read.
"""

import codecs
import csv
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import TextIOWrapper
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from contactd.domain.errors import InputError
from contactd.intake.columns import REASONS, SIDE, normal, recognise
from contactd.intake.profile import DELIMITERS, Profile
from contactd.intake.records import TORN, Record, Rejected

_BLOCK = 1 << 20
_LONGEST_ROW = 50  # lines: a quotation mark that is never closed must not swallow the file
_UNCLOSED = "a quotation mark is never closed"
_SWALLOWED = "a quotation mark swallows the next row; write it twice"
_ZIP, _GZIP, _PDF = b"PK\x03\x04", b"\x1f\x8b", b"%PDF"
_FOREIGN = {
    _ZIP: "is a workbook or a ZIP file; save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "is an old Excel workbook; save the sheet as CSV",
    _GZIP: "is compressed; unpack it first",
    _PDF: "is a PDF; export the list as CSV",
}
_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_TOTAL = re.compile(r"(?:gesamt\w*|\w*summen?|saldo|(?:grand |sub)?total|sum)\b.*", re.IGNORECASE)
# A row with one of these is an item, whatever its first cell says; where a total line is only guessed, so is one with
# an account's number.
_ITEM = frozenset({"invoice_no", "invoice_date", "due_date", "value_date"})

# The S/H column's place, and the words for each sign.
_Side = tuple[int, frozenset[str], frozenset[str]]


class Table:
    """An open CSV file; use it in a `with`, then go through `records` once."""

    def __init__(self, path: Path, profile: Profile) -> None:
        """Open the file and read its header; raises InputError when the file as a whole is of no use."""
        self.path = path
        self.profile = profile
        self.ignored = 0
        self.ignored_columns: list[str] = []
        self._closing = ExitStack()
        try:
            self._binary = self._open()
            self.size = path.stat().st_size
            self.encoding = _encoding(self._binary, path, profile.encoding)
            text = self._closing.enter_context(TextIOWrapper(self._binary, encoding=self.encoding, newline=""))
            self._lines = _Lines(text, profile.header_line)
            head = self._lines.head(path)
            self.delimiter = DELIMITERS.get(profile.delimiter) or _delimiter(head)
            self.header = next(csv.reader([head], delimiter=self.delimiter), [])
            self._places, self._side = self._map()
            self._width = max(self._places, default=0) + 1
            self._names = tuple(self._places.values())
            # One column would give a text instead of a tuple; but then, one of those needed would be missing.
            self._choose: Callable[[list[str]], tuple[str, ...]] = itemgetter(*self._places)
        except BaseException:
            self._closing.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    def _open(self) -> BinaryIO:
        try:
            file = self._closing.enter_context(self.path.open("rb"))
            if file.seekable():
                return file
            # A pipe can be read once, we read twice.
            kept = self._closing.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 # the stack closes it
            shutil.copyfileobj(file, kept)
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read: {error.strerror}") from error
        kept.seek(0)
        return kept

    def _fault(self, text: str) -> InputError:
        return InputError(f"{self.path}: line {self._lines.number}: {text}")

    def _map(self) -> tuple[dict[int, str], _Side | None]:
        """Tell which cell holds which column, and where the S/H column is."""
        headers = [cell.strip() for cell in self.header]
        profile = self.profile
        places: dict[int, str] = {}
        for name, header in profile.columns.items():
            if header not in headers:
                raise self._fault(f'there is no column "{header}" ({name}); found: {_listed(headers)}')
            places[headers.index(header)] = name
        found, hints = recognise(profile.expects, headers)
        taken = {*profile.columns, *profile.fixed}
        for place, name in found.items():
            if name in places.values() and name not in profile.columns:
                raise self._fault(f'the column "{name}" stands twice')
            if place not in places and name not in taken:
                places[place] = name
        side = self._find_side(headers, places)
        missing = profile.expects.missing({*places.values(), *profile.fixed})
        for place, hint in hints.items():
            if any(f'"{name}"' in hint for group in missing for name in group.split(" or ")):
                raise self._fault(f'unknown column "{normal(headers[place])}"{hint}')
        if missing:
            raise self._fault(
                f"no column {', '.join(missing)}; found: {_listed(headers)}; "
                "name the columns of a foreign list in a profile (--profile)",
            )
        known = {*places, *([side[0]] if side else [])}
        self.ignored_columns = [
            header + (f" ({hints[place].lstrip('; ')})" if place in hints else "")
            for place, header in enumerate(headers)
            if header not in {"", *REASONS} and place not in known
        ]
        return places, side

    def _find_side(
        self, headers: list[str], places: dict[int, str]
    ) -> tuple[int, frozenset[str], frozenset[str]] | None:
        own = next((place for place, name in places.items() if name == SIDE), None)
        if own is not None:
            del places[own]
        said = self.profile.side
        if said is None and own is not None:
            debit, credit = frozenset({"s", "soll", "d"}), frozenset({"h", "haben", "c"})
            return (own, debit, credit) if self.profile.expects.debit_is_positive else (own, credit, debit)
        if said is None:
            return None
        if said.column not in headers:
            raise self._fault(f'there is no column "{said.column}" (side); found: {_listed(headers)}')
        positive, negative = (frozenset(word.lower() for word in words) for words in (said.positive, said.negative))
        return headers.index(said.column), positive, negative

    def position(self) -> int:
        """Count the bytes read so far, for a progress bar."""
        return self._binary.tell()

    def records(self) -> Iterator[Record | tuple[Record, Rejected]]:
        """Give out every row that is no total and not blank; those that do not fit beside the reason."""
        total = re.compile(self.profile.total_lines) if self.profile.total_lines else None
        item = _ITEM if total else _ITEM | {"account_no"}
        telling = [place for place, name in self._places.items() if name in item]
        for row, cells, fault in self._lines.rows(self.delimiter, len(self.header)):
            if fault:
                yield Record(row, {}, cells), Rejected(row, "", fault)
                continue
            # Nearly always the first cell is filled; the rest is for the others.
            first = 0 if cells[0].strip() else next((at for at, cell in enumerate(cells) if cell.strip()), -1)
            if first < 0:
                continue
            filled = cells[first].strip()
            looks_like_one = total.match(filled) if total else _TOTAL.fullmatch(filled)
            if looks_like_one and not any(cells[place].strip() for place in telling if first < place < len(cells)):
                self.ignored += 1
                continue
            yield self._record(row, cells)

    def _record(self, row: int, cells: list[str]) -> Record | tuple[Record, Rejected]:
        width = len(cells)
        values, tidy = self._values(cells)
        if width > len(self.header) and any(cell.strip() for cell in cells[len(self.header) :]):
            # A delimiter too many stands somewhere: which cell is which column is not known.
            return Record(row, {}, cells), Rejected(row, "", f"has {width} cells, the header has {len(self.header)}")
        if width < len(self.header) and self._lines.torn:
            return Record(row, values, cells), Rejected(row, "", TORN)
        if self._side:
            place, positive, negative = self._side
            word = cells[place].strip() if place < width else ""
            if word.lower() not in positive | negative:
                allowed = " nor ".join(sorted({*positive, *negative}))
                fault = f'"{word}" is neither {allowed}'
                return Record(row, values, cells), Rejected(row, self.header[place].strip(), fault)
            values[SIDE] = "-" if word.lower() in negative else "+"
        return Record(row, values, cells, tidy)

    def _values(self, cells: list[str]) -> tuple[dict[str, object], bool]:
        """Sort the cells by column; tells also whether they need no cleaning any more, as nearly all."""
        if len(cells) < self._width:
            cells = cells + [""] * (self._width - len(cells))
        joined = "".join(cells)
        tidy = joined.isprintable() and "  " not in joined
        chosen = self._choose(cells)
        values: dict[str, object] = dict(zip(self._names, map(str.strip, chosen) if tidy else chosen, strict=True))
        if self.profile.fixed:
            values.update(self.profile.fixed)
        for name, meanings in self.profile.values.items():
            text = str(values.get(name, "")).strip()
            values[name] = meanings.get(text, text)
        return values, tidy and not self.profile.fixed and not self.profile.values


class _Lines:
    """The lines of a file, counted, and put back when a row turned out not to end where it should."""

    def __init__(self, text: TextIOWrapper, header_line: int) -> None:
        self._text = text
        self._skip = header_line - 1
        self._back: list[str] = []
        self._taken: list[str] = []
        self.number = 0
        self.torn = False

    def head(self, path: Path) -> str:
        """Read the header's line."""
        for _ in range(self._skip):
            next(self._text, None)
            self.number += 1
        for line in self._text:
            self.number += 1
            if line.strip() and not line.lower().startswith("sep="):
                return line.strip("\r\n")
        if self.number == 0:
            raise InputError(f"{path}: is empty")
        raise InputError(f"{path}: has no header")

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        if len(self._taken) >= _LONGEST_ROW:
            raise csv.Error(_UNCLOSED)
        line = self._back.pop() if self._back else next(self._text)
        self.number += 1
        self._taken.append(line)
        return line

    def rows(self, delimiter: str, width: int) -> Iterator[tuple[int, list[str], str]]:
        """Give out line number, cells and, when it cannot be taken apart, the fault of every row; `width` in cells."""
        reader = csv.reader(self, delimiter=delimiter, strict=True)
        while True:
            self._taken.clear()
            first = self.number + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                # Only the first line is lost; those after it may be good rows.
                bad, *rest = self._taken
                self._back.extend(reversed(rest))
                self.number = first
                reader = csv.reader(self, delimiter=delimiter, strict=True)
                # An open quotation mark often ends at the next row's, with any error there.
                yield first, [bad.rstrip("\r\n")], _UNCLOSED if rest else _fault(error)
                continue
            if len(self._taken) > 1 and _swallowed(cells, delimiter, width):
                # A stray mark opened the cell, another stray one closed it rows later.
                bad, *rest = self._taken
                self._back.extend(reversed(rest))
                self.number = first
                reader = csv.reader(self, delimiter=delimiter, strict=True)
                yield first, [bad.rstrip("\r\n")], _SWALLOWED
                continue
            self.torn = not self._taken[-1].endswith(("\n", "\r")) if self._taken else False
            if cells:
                yield first, cells, ""


def _swallowed(cells: list[str], delimiter: str, width: int) -> bool:
    """Tell whether a cell of several lines holds what looks like a whole row."""
    return any(
        line.count(delimiter) >= width - 1
        for cell in cells
        if "\n" in cell or "\r" in cell
        for line in cell.splitlines()[1:]
    )


def _fault(error: csv.Error) -> str:
    text = str(error)
    if "expected after" in text:
        return "a quotation mark stands inside a cell; write it twice"
    if "unexpected end" in text:
        return _UNCLOSED
    if "field larger" in text:
        return "a cell is longer than 131,072 characters"
    return text


def _encoding(binary: BinaryIO, path: Path, said: str) -> str:
    """Tell the encoding from the whole file; raises InputError when it is none that contactd reads."""
    start = binary.read(8)
    for mark, what in _FOREIGN.items():
        if start.startswith(mark):
            raise InputError(f"{path}: {what}")
    name = next((name for bom, name in _BOMS.items() if start.startswith(bom)), "")
    if said != "auto" and not (name and said.startswith("utf")):
        name = said
    binary.seek(0)
    name = name or ("utf-8" if _decodes(binary, "utf-8") is None else "cp1252")
    fault = _decodes(binary, name)
    if fault is not None:
        line, has_nul = fault
        neither = "neither UTF-8 nor Windows-1252" if said == "auto" and name == "cp1252" else f"not in {name}"
        text = "has a NUL character in it (UTF-16 without its mark, or no text)" if has_nul else f"is {neither}"
        raise InputError(f"{path}: line {line}: {text}; save the file as UTF-8")
    binary.seek(0)
    return name


def _decodes(binary: BinaryIO, encoding: str) -> tuple[int, bool] | None:
    """Answer None when the whole file can be read in the encoding, else the line that cannot, and whether for a NUL."""
    binary.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    while True:
        block = binary.read(_BLOCK)
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            return line + block[: error.start].count(b"\n"), False
        if "\x00" in text:
            return line + text[: text.index("\x00")].count("\n"), True
        if not block:
            return None
        line += text.count("\n")


def _delimiter(head: str) -> str:
    """Choose what parts the header into most cells."""
    bare = re.sub(r'"[^"]*"', "", head)
    return max(DELIMITERS.values(), key=bare.count)


def _listed(headers: list[str]) -> str:
    return ", ".join(header for header in headers if header) or "nothing"
