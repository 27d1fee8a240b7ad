"""Inserts thousands of rows at once, the quickest way each database has; for store only."""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cache, lru_cache
from itertools import chain
from operator import methodcaller
from typing import Any

import sqlalchemy as sa
from psycopg import sql
from psycopg.errors import UniqueViolation
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection, Dialect

from contactd.store.columns import Utc
from contactd.store.raw import driver_cursor

_Convert = Callable[[object], object]
_MANY = 100  # rows for which COPY and its savepoint pay
_TOGETHER = 100  # rows in a statement; SQLite takes up to 32,766 values
_written = methodcaller("isoformat")


def insert(connection: Connection, table: sa.Table, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Insert rows that give these columns, in this order; the others get their defaults."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        _copy(connection, table, columns, rows)
    else:
        _insert(connection, table, columns, rows)


def _copy(connection: Connection, table: sa.Table, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    driver: Any = connection.connection.driver_connection
    words = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    instants = [place for place, name in enumerate(columns) if isinstance(table.c[name].type, Utc)]
    written = lru_cache(maxsize=10_000)(datetime.isoformat)  # the same instants stand in row after row
    with driver.cursor() as cursor, cursor.copy(words) as copy:
        for row in rows:
            cells = list(row)
            for place in instants:
                cells[place] = cells[place] and written(cells[place])
            copy.write_row(cells)


def _insert(
    connection: Connection, table: sa.Table, columns: Sequence[str], rows: Sequence[Sequence[object]], tail: str = ""
) -> int:
    """Hand SQLite many rows in a statement, which ends with `tail`; answers how many are new."""
    dialect, width, added = connection.dialect, len(columns), 0
    found = [table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in columns]
    # The same days and instants stand in row after row.
    converts: list[tuple[int, _Convert]] = [
        (place, lru_cache(maxsize=10_000)(convert)) for place, convert in enumerate(found) if convert
    ]
    with driver_cursor(connection) as cursor:
        for first in range(0, len(rows), _TOGETHER):
            some = rows[first : first + _TOGETHER]
            cells = list(chain.from_iterable(some))
            for place, convert in converts:
                cells[place::width] = map(convert, cells[place::width])
            cursor.execute(_values(table.name, tuple(columns), len(some)) + tail, cells)
            added += cursor.rowcount
    return added


class Added:
    """An INSERT of thousands of rows that leaves alone what is there already.

    SQLite gets many rows in a statement, PostgreSQL all of them as one JSON text, so that the interpreter is free for
    other threads while the database works them off. PostgreSQL copies them faster still, which goes well as long as
    none of them is there already.
    """

    def __init__(self, table: sa.Table, names: Sequence[str]) -> None:
        """Take the columns, in the order in which rows give their values."""
        self._table, self._names = table, tuple(names)

    def run(self, connection: Connection, rows: Sequence[Sequence[Any]]) -> int:
        """Carry it out; answers how many rows are new."""
        if connection.dialect.name == "sqlite":
            return _insert(connection, self._table, self._names, rows, " ON CONFLICT DO NOTHING")
        if len(rows) >= _MANY and self._copied(connection, rows):
            return len(rows)
        given = {"rows": json.dumps(rows, default=_written)}  # instants and days
        with driver_cursor(connection) as cursor:
            cursor.execute(self._worded(connection.dialect), given)
            return int(cursor.rowcount)

    def _copied(self, connection: Connection, rows: Sequence[Sequence[Any]]) -> bool:
        try:
            with connection.begin_nested():
                _copy(connection, self._table, self._names, rows)
        except UniqueViolation:
            return False
        return True

    @cache  # noqa: B019 - one for each table, for ever
    def _worded(self, dialect: Dialect) -> str:
        rows = sa.func.jsonb_array_elements(sa.bindparam("rows", type_=postgresql.JSONB())).table_valued("value")
        cells = [
            sa.cast(rows.c.value.op("->>")(sa.literal_column(str(place))), self._table.c[name].type)
            for place, name in enumerate(self._names)
        ]
        insert = postgresql.insert(self._table).from_select(list(self._names), sa.select(*cells))
        return str(insert.on_conflict_do_nothing().compile(dialect=dialect))


@lru_cache(maxsize=64)
def _values(table: str, names: tuple[str, ...], count: int) -> str:
    row = f"({', '.join('?' * len(names))})"
    rows = ", ".join([row] * count)
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES {rows}"  # noqa: S608 - names of our own tables


def new_ids(connection: Connection, table: sa.Table, count: int) -> list[int]:
    """Reserve ids, so that rows can name each other before they are written."""
    if connection.dialect.name == "postgresql":
        sequence = sa.func.pg_get_serial_sequence(table.name, "id")
        series = sa.func.generate_series(1, count).table_valued("n")
        return list(connection.scalars(sa.select(sa.func.nextval(sequence)).select_from(series)))
    # The only writer: nobody takes an id meanwhile.
    last = connection.scalar(sa.select(sa.func.max(table.c.id))) or 0
    return list(range(last + 1, last + 1 + count))
