"""Inserts thousands of rows at once, the quickest way each database has; for store only."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.engine import Connection

_Convert = Callable[[object], object]


def insert(connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert rows that all have the same columns; those they do not name get their defaults."""
    if not rows:
        return
    columns = list(rows[0])
    if connection.dialect.name == "postgresql":
        _copy(connection, table, columns, rows)
    else:
        _insert(connection, table, columns, rows)


def _copy(connection: Connection, table: sa.Table, columns: list[str], rows: Sequence[Mapping[str, object]]) -> None:
    cells_of = itemgetter(*columns)
    driver: Any = connection.connection.driver_connection
    words = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with driver.cursor() as cursor, cursor.copy(words) as copy:
        for row in map(cells_of, rows):
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


def new_ids(connection: Connection, table: sa.Table, count: int) -> list[int]:
    """Reserve ids, so that rows can name each other before they are written."""
    if connection.dialect.name == "postgresql":
        sequence = sa.func.pg_get_serial_sequence(table.name, "id")
        series = sa.func.generate_series(1, count).table_valued("n")
        return list(connection.scalars(sa.select(sa.func.nextval(sequence)).select_from(series)))
    # The only writer: nobody takes an id meanwhile.
    last = connection.scalar(sa.select(sa.func.max(table.c.id))) or 0
    return list(range(last + 1, last + 1 + count))
