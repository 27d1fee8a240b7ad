"""Inserts thousands of rows at once, the quickest way each database has; for store only."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from psycopg import sql
from psycopg.errors import UniqueViolation
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Dialect

from contactd.store.raw import driver_cursor
from contactd.store.schema import to_micros

_Convert = Callable[[object], object]
_MANY = 100  # rows for which COPY and its savepoint pay


def insert(connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert rows that all have the same columns; those they do not name get their defaults."""
    if not rows:
        return
    columns = list(rows[0])
    if connection.dialect.name == "postgresql":
        _copy(connection, table, columns, map(itemgetter(*columns), rows))
    else:
        _insert(connection, table, columns, rows)


def _copy(connection: Connection, table: sa.Table, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    driver: Any = connection.connection.driver_connection
    words = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with driver.cursor() as cursor, cursor.copy(words) as copy:
        for row in rows:
            copy.write_row(row)


def _insert(connection: Connection, table: sa.Table, columns: list[str], rows: Sequence[Mapping[str, object]]) -> None:
    """Hand tuples to the driver: SQLAlchemy's own way per row costs more than SQLite's."""
    dialect = connection.dialect
    found = [table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in columns]
    # The same days and instants stand in row after row.
    converts: list[tuple[int, _Convert]] = [
        (place, lru_cache(maxsize=10_000)(convert)) for place, convert in enumerate(found) if convert
    ]
    values = []
    for row in map(itemgetter(*columns), rows):
        cells = list(row)
        for place, convert in converts:
            cells[place] = convert(cells[place])
        values.append(tuple(cells))
    marks = ", ".join("?" * len(columns))
    connection.exec_driver_sql(f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({marks})", values)  # noqa: S608 - names of our own tables


class Added:
    """An INSERT of thousands of rows that leaves alone what is there already.

    They go to it as one JSON text, so that the interpreter is free for other threads while the database works them off.
    PostgreSQL copies them faster still, which goes well as long as none of them is there already.
    """

    def __init__(self, table: sa.Table, names: Sequence[str]) -> None:
        """Take the columns, in the order in which rows give their values."""
        self._table, self._names = table, tuple(names)
        self._texts: dict[str, str] = {}

    def run(self, connection: Connection, rows: Sequence[Sequence[Any]]) -> int:
        """Carry it out; answers how many rows are new."""
        server = connection.dialect.name == "postgresql"
        if server and len(rows) >= _MANY and self._copied(connection, rows):
            return len(rows)
        text = self._texts.get(connection.dialect.name) or self._worded(connection.dialect)
        given = json.dumps(rows, default=lru_cache(datetime.isoformat if server else to_micros))
        with driver_cursor(connection) as cursor:
            cursor.execute(text, {"rows": given} if server else (given,))
            return int(cursor.rowcount)

    def _copied(self, connection: Connection, rows: Sequence[Sequence[Any]]) -> bool:
        try:
            with connection.begin_nested():
                _copy(connection, self._table, self._names, rows)
        except UniqueViolation:
            return False
        return True

    def _worded(self, dialect: Dialect) -> str:
        server = dialect.name == "postgresql"
        rows = sa.bindparam("rows", type_=postgresql.JSONB() if server else sa.Text())
        each = (sa.func.jsonb_array_elements if server else sa.func.json_each)(rows).table_valued("value")
        cells: list[sa.ColumnElement[Any]] = [
            sa.cast(each.c.value.op("->>")(sa.literal_column(str(place))), self._table.c[name].type)
            if server
            else sa.func.json_extract(each.c.value, sa.literal_column(f"'$[{place}]'"))
            for place, name in enumerate(self._names)
        ]
        # Without WHERE, SQLite would take ON CONFLICT for the condition of a join.
        chosen = sa.select(*cells).where(each.c.value.is_not(None))
        insert = (postgresql.insert if server else sqlite.insert)(self._table)
        statement = insert.from_select(list(self._names), chosen).on_conflict_do_nothing()
        self._texts[dialect.name] = str(statement.compile(dialect=dialect))
        return self._texts[dialect.name]


def new_ids(connection: Connection, table: sa.Table, count: int) -> list[int]:
    """Reserve ids, so that rows can name each other before they are written."""
    if connection.dialect.name == "postgresql":
        sequence = sa.func.pg_get_serial_sequence(table.name, "id")
        series = sa.func.generate_series(1, count).table_valued("n")
        return list(connection.scalars(sa.select(sa.func.nextval(sequence)).select_from(series)))
    # The only writer: nobody takes an id meanwhile.
    last = connection.scalar(sa.select(sa.func.max(table.c.id))) or 0
    return list(range(last + 1, last + 1 + count))
