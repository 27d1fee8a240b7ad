"""A report as a table of exact values: page, command line, JSON and CSV write the same, so none tells another number.

The names of tables and columns are stable: programs read them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from contactd.domain.money import Money

Value = str | int | float | bool | date | Money | None
_DIGITS = 6


class Kind(StrEnum):
    """What a column holds; None stands for "cannot be said" in all of them."""

    TEXT = "text"  # a name somebody gave
    WORD = "word"  # one of our own words, which pages translate
    COUNT = "count"
    NUMBER = "number"
    SHARE = "share"  # 0 to 1
    MONEY = "money"
    DAY = "day"
    MONTH = "month"  # its first day
    WEEKDAY = "weekday"  # Monday is 1
    HOUR = "hour"  # 0 to 23
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name and what it holds."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of values, each as wide as `columns`."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]

    def records(self) -> list[dict[str, Value]]:
        """Give the rows by the names of their columns; months like 2026-10."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, self._told(row), strict=True)) for row in self.rows]

    def lines(self) -> Iterator[list[str]]:
        """Give header and rows as plain text, exact and the same in every language, for CSV."""
        yield [column.name for column in self.columns]
        for row in self.rows:
            yield [plain(value) for value in self._told(row)]

    def cut(self, names: str) -> "Table":
        """Keep some columns, in the order named; what is not there is left out."""
        places = {column.name: place for place, column in enumerate(self.columns)}
        kept = [places[name] for name in names.split() if name in places]
        rows = tuple(tuple(row[place] for place in kept) for row in self.rows)
        return Table(self.name, tuple(self.columns[place] for place in kept), rows)

    def where(self, **values: Value) -> "Table":
        """Keep the rows that hold these values, told as `records` does."""
        rows = (row for row, told in zip(self.rows, self.records(), strict=True) if told.items() >= values.items())
        return Table(self.name, self.columns, tuple(rows))

    def _told(self, row: tuple[Value, ...]) -> Iterator[Value]:
        for column, value in zip(self.columns, row, strict=True):
            yield f"{value:%Y-%m}" if column.kind is Kind.MONTH and isinstance(value, date) else value


def table(name: str, columns: str, rows: Iterator[Sequence[Value]]) -> Table:
    """Make a table; `columns` are written like "channel:word planned:count"."""
    named = (column.split(":") for column in columns.split())
    return Table(name, tuple(Column(one, Kind(kind)) for one, kind in named), tuple(tuple(row) for row in rows))


def plain(value: Value) -> str:
    """Write a value exactly: ISO 8601, a decimal point, amounts without their currency."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Money):
        return value.as_json()["amount"]
    return value.isoformat() if isinstance(value, date) else str(value)


def share(part: int, whole: int) -> float | None:
    """Answer a share; of nothing there is none."""
    return round(part / whole, _DIGITS) if whole else None
