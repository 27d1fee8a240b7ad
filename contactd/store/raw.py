"""Reads rows and makes values by the hundred thousand; for the store only.

A frozen dataclass sets its fields one call at a time, nine times slower than one that is not frozen. So the value is
made as a twin that is not, with the same slots, and then declared to be what it is.
"""

import json
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import fields, make_dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from operator import itemgetter
from types import MappingProxyType
from typing import Any, TypeVar, overload

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection, Dialect

from contactd.store.columns import from_micros, to_micros

V = TypeVar("V")


def maker(kind: type[V]) -> Callable[..., V]:
    """Answer a function that makes `kind` from all its fields, in order; `kind` is a dataclass with slots."""
    names = [(field.name, Any) for field in fields(kind)]  # type: ignore[arg-type] # any dataclass
    twin: Any = make_dataclass(f"Thawed{kind.__name__}", names, slots=True)

    def make(*values: object) -> V:
        made = twin(*values)
        made.__class__ = kind
        return made  # type: ignore[no-any-return] # it is one now

    return make


def raw_rows(connection: Connection, chosen: sa.Select[Any]) -> list[Sequence[Any]]:
    """Read rows as the driver gives them; `day` and `instant` understand both drivers."""
    with connection.execute(chosen) as result:
        return list(result.cursor.fetchall())


def driver_rows(connection: Connection, chosen: sa.Select[Any]) -> Iterator[Sequence[Any]]:
    """Read rows one by one as the driver gives them, and keep none: for many rows of numbers and texts."""
    with connection.execute(chosen) as result:
        cursor: Any = result.cursor
        yield from cursor


def raw_pages(
    connection: Connection, chosen: sa.Select[Any], size: int, given: Mapping[str, Any] = MappingProxyType({})
) -> Generator[Sequence[Sequence[Any]]]:
    """Read very many rows by the page; they are ordered by their first column, a number above 0 that none share.

    `given` are the parameters of the statement, none of them called `last`.

    A server reads them all through one cursor: a statement for each page is planned and begun anew. SQLite hands a
    page over as one JSON text: row by row it would take the interpreter's lock, so other threads work while it does.
    """
    if connection.dialect.name == "postgresql":
        yield from _streamed(connection, chosen, size, given)
        return
    wanted = _paged(chosen, size)
    last, full = 0, True
    while full and (rows := json.loads(connection.scalar(wanted, {**given, "last": last}) or "[]")):
        rows.sort(key=itemgetter(0))  # SQLite promises no order in what it gathers
        yield rows
        last, full = rows[-1][0], len(rows) == size


@lru_cache(maxsize=256)  # whoever asks with the same statement again need not have it composed again
def _paged(chosen: sa.Select[Any], size: int) -> sa.Select[Any]:
    number = chosen.selected_columns[0]
    page = chosen.where(number > sa.bindparam("last", type_=sa.BigInteger())).limit(size).subquery()
    return sa.select(sa.func.json_group_array(sa.func.json_array(*page.c)))


def _streamed(
    connection: Connection, chosen: sa.Select[Any], size: int, given: Mapping[str, Any]
) -> Iterator[Sequence[Sequence[Any]]]:
    # All of it is wanted, not the first rows soon; and compiling the statement takes longer than it saves.
    connection.exec_driver_sql("SET LOCAL cursor_tuple_fraction = 1")
    connection.exec_driver_sql("SET LOCAL jit = off")
    with connection.execute(chosen, dict(given), execution_options={"stream_results": True}) as result:
        rows: Sequence[Sequence[Any]] = result.fetchmany(1)  # SQLAlchemy has read ahead
        while rows:
            yield rows
            rows = result.cursor.fetchmany(size)


def driver_cursor(connection: Connection) -> AbstractContextManager[Any]:
    """Answer the driver's own cursor: for statements that are worded already SQLAlchemy's part costs the most."""
    return closing(connection.connection.cursor())


class Written:
    """A writing statement for many rows at once, worded once for each database; the values go to it as they are.

    SQLite is quickest with one statement a row, PostgreSQL with one for all, which gets the rows as one JSON text. So
    instants are to be written by `stored`, JSON as a document.
    """

    def __init__(
        self,
        kinds: Mapping[str, sa.types.TypeEngine[Any]],
        word: Callable[[Mapping[str, sa.ColumnElement[Any]], sa.FromClause | None], sa.Insert | sa.Update],
    ) -> None:
        """Take the parameters and their types, and how the statement is worded with parameters or a set of rows."""
        self._kinds = dict(kinds)
        self._documents = [name for name, kind in kinds.items() if isinstance(kind, sa.JSON)]
        self._word = word
        self._texts: dict[str, str] = {}
        self._in_order: Callable[[Mapping[str, Any]], Any] | None = None

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
        """Carry it out; answers how many rows of the table it touched."""
        dialect = connection.dialect
        text = self._texts.get(dialect.name)
        if dialect.name == "postgresql":
            text = text or self._set_based(dialect)
            given: Any = {"rows": json.dumps(rows, default=datetime.isoformat)}
        else:
            text = text or self._by_row(dialect)
            given = [self._values(row) for row in rows]
        with driver_cursor(connection) as cursor:
            if isinstance(given, list):
                cursor.executemany(text, given)
            else:
                cursor.execute(text, given)
            return int(cursor.rowcount)

    def _set_based(self, dialect: Dialect) -> str:
        columns = (sa.column(name, kind) for name, kind in self._kinds.items())
        rows = sa.func.json_to_recordset(sa.bindparam("rows", type_=postgresql.JSON()))
        listed = rows.table_valued(*columns).render_derived(with_types=True)
        statement = self._word(dict(listed.c), listed)
        self._texts[dialect.name] = str(statement.compile(dialect=dialect))
        return self._texts[dialect.name]

    def _by_row(self, dialect: Dialect) -> str:
        parameters = {name: sa.bindparam(name, type_=kind) for name, kind in self._kinds.items()}
        compiled: Any = self._word(parameters, None).compile(dialect=dialect)
        self._in_order = itemgetter(*compiled.positiontup)
        self._texts[dialect.name] = str(compiled)
        return self._texts[dialect.name]

    def _values(self, row: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- a tuple
        for name in self._documents:
            if row[name] is not None:
                row = {**row, name: json.dumps(row[name])}
        return self._in_order(row) if self._in_order else None


def inserted(table: sa.Table, names: Sequence[str]) -> Written:
    """Prepare an INSERT of these columns."""

    def word(values: Mapping[str, sa.ColumnElement[Any]], rows: sa.FromClause | None) -> sa.Insert:
        insert = sa.insert(table)
        return insert.values(values) if rows is None else insert.from_select(list(values), sa.select(*values.values()))

    return Written({name: table.c[name].type for name in names}, word)


def stored(connection: Connection) -> Callable[[datetime], Any]:
    """Answer how the database writes an instant."""
    return _same if connection.dialect.name == "postgresql" else to_micros


def _same(value: datetime) -> datetime:
    return value


@overload
def day(value: None) -> None: ...
@overload
def day(value: date | str) -> date: ...
def day(value: date | str | None) -> date | None:
    """Read a column of type Date."""
    return _parsed(value) if isinstance(value, str) else value


def instant(value: datetime | int | None) -> datetime | None:
    """Read a column of type Utc."""
    if value is None:
        return None
    return from_micros(value) if isinstance(value, int) else value.astimezone(UTC)


@lru_cache(maxsize=4096)
def _parsed(text: str) -> date:
    return date.fromisoformat(text)
