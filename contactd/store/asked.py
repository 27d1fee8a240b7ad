"""Questions the hot paths ask again and again: worded once for each database, answered by the driver's own rows.

For the store only. SQLAlchemy takes up to a millisecond to compose and look up a wide statement, each time anew.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection, Dialect

from contactd.store import raw

# Takes what says `column IN the keys of that name`.
Word = Callable[[Callable[[sa.ColumnElement[Any], str], sa.ColumnElement[bool]]], sa.SelectBase]


class Asked:
    """A SELECT with parameters; instants are to be written by `raw.stored`, lists of keys are given as lists."""

    def __init__(self, word: Word) -> None:
        """Take how the statement is worded."""
        self._word = word
        self._texts: dict[str, tuple[str, dict[str, Any], tuple[str, ...] | None]] = {}

    def rows(self, connection: Connection, **values: Any) -> list[Sequence[Any]]:  # noqa: ANN401 -- any column's
        """Read rows as the driver gives them; `raw.day` and `raw.instant` understand both drivers."""
        dialect = connection.dialect
        text, given, order = self._texts.get(dialect.name) or self._worded(dialect)
        given = given | values
        with raw.driver_cursor(connection) as cursor:
            if order is None:
                cursor.execute(text, given)
            else:
                listed = [given[name] for name in order]
                cursor.execute(text, tuple(json.dumps(value) if isinstance(value, list) else value for value in listed))
            return list(cursor.fetchall())

    def _worded(self, dialect: Dialect) -> tuple[str, dict[str, Any], tuple[str, ...] | None]:
        server = dialect.name == "postgresql"
        compiled: Any = self._word(_in_array if server else _in_json).compile(dialect=dialect)
        order = tuple(compiled.positiontup) if compiled.positional else None
        self._texts[dialect.name] = str(compiled), dict(compiled.params), order
        return self._texts[dialect.name]


def _in_array(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    kind = sa.Text() if isinstance(column.type, sa.Text) else sa.BigInteger()
    return column == sa.any_(sa.bindparam(name, type_=postgresql.ARRAY(kind)))


def _in_json(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    listed = sa.func.json_each(sa.bindparam(name, type_=sa.Text())).table_valued("value")
    return column.in_(sa.select(listed.c.value))
