"""Long lists of keys in a statement as one parameter, so that the statement is always the same; for the store only."""

import json
from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.operators import custom_op
from sqlalchemy.sql.visitors import InternalTraversal

from contactd.store import raw

_IN: Any = custom_op("IN", is_comparison=True)


class _Keys(sa.ColumnElement[Any]):
    """The keys of a JSON text; made by the thousand, and ten times as quick to make as the same as a subquery."""

    inherit_cache = True
    _traverse_internals = [("text", InternalTraversal.dp_clauseelement)]  # noqa: RUF012 -- as its base has it
    type = sa.Text()

    def __init__(self, text: sa.BindParameter[str]) -> None:
        self.text = text


@compiles(_Keys)
def _listed(keys: _Keys, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 -- whatever it is asked with
    listed: str = compiler.process(keys.text, **options)  # a parameter's place
    return f"(SELECT value FROM json_each({listed}))"  # noqa: S608 -- nobody's words are in it


def among(connection: Connection, column: sa.ColumnElement[Any], keys: Collection[int] | Collection[str]) -> Any:  # noqa: ANN401 -- a condition
    """Say `column IN keys`, for any number of numbers or texts."""
    if connection.dialect.name == "postgresql":
        return column == sa.any_(sa.bindparam(None, list(keys), type_=_array(column)))
    return _is_in(column, sa.bindparam(None, json.dumps(list(keys)), type_=sa.Text()))


def _array(column: sa.ColumnElement[Any]) -> sa.types.TypeEngine[Any]:
    return postgresql.ARRAY(column.type if isinstance(column.type, sa.Text) else sa.BigInteger())


def _is_in(column: sa.ColumnElement[Any], text: sa.BindParameter[str]) -> sa.ColumnElement[bool]:
    return sa.BinaryExpression(column, _Keys(text), _IN, type_=sa.Boolean())


class Keyed(Protocol):
    """Says `column IN keys`, the keys being the parameter of that name."""

    def __call__(self, column: sa.ColumnElement[Any], name: str = "keys") -> sa.ColumnElement[bool]:
        """Say it."""


Chosen = sa.Select[*tuple[Any, ...]] | sa.CompoundSelect[*tuple[Any, ...]]
Word = Callable[[Keyed], Chosen]


class Stated:
    """A SELECT composed once for each database: to compose it takes longer than to carry it out.

    Lists of keys are parameters (Keyed), others are named by `sa.bindparam`. Called it answers SQLAlchemy's own rows,
    `rows` answers the driver's, for the hot paths: even to look a wide statement up takes SQLAlchemy long.
    """

    def __init__(self, word: Word) -> None:
        """Take how the statement is worded."""
        self._word = word
        self._made: dict[str, Chosen] = {}
        self._texts: dict[str, tuple[str, dict[str, Any], tuple[str, ...] | None]] = {}

    def __call__(
        self, connection: Connection, keys: Collection[int] | Collection[str], **given: object
    ) -> sa.CursorResult[*tuple[Any, ...]]:
        """Carry it out."""
        server = connection.dialect.name == "postgresql"
        listed = list(keys) if server else json.dumps(list(keys))
        return connection.execute(self._composed(connection.dialect), {"keys": listed, **given})

    def rows(self, connection: Connection, **values: Any) -> list[Sequence[Any]]:  # noqa: ANN401 -- any column's
        """Read rows as the driver gives them: `raw.day` and `raw.instant` understand both drivers.

        Lists of keys are given as lists, instants as `raw.stored` writes them; the statement has no `in_` of values.
        """
        text, given, order = self._texts.get(connection.dialect.name) or self._worded(connection.dialect)
        given = given | values
        with raw.driver_cursor(connection) as cursor:
            if order is None:
                cursor.execute(text, given)
            else:
                listed = [given[name] for name in order]
                cursor.execute(text, tuple(json.dumps(value) if isinstance(value, list) else value for value in listed))
            return list(cursor.fetchall())

    def _composed(self, dialect: Dialect) -> Chosen:
        made = self._made.get(dialect.name)
        if made is None:
            made = self._made[dialect.name] = self._word(_in_array if dialect.name == "postgresql" else _in_json)
        return made

    def _worded(self, dialect: Dialect) -> tuple[str, dict[str, Any], tuple[str, ...] | None]:
        compiled: Any = self._composed(dialect).compile(dialect=dialect)
        order = tuple(compiled.positiontup) if compiled.positional else None
        self._texts[dialect.name] = str(compiled), dict(compiled.params), order
        return self._texts[dialect.name]


def _in_json(column: sa.ColumnElement[Any], name: str = "keys") -> sa.ColumnElement[bool]:
    return _is_in(column, sa.bindparam(name, type_=sa.Text()))


def _in_array(column: sa.ColumnElement[Any], name: str = "keys") -> sa.ColumnElement[bool]:
    return column == sa.any_(sa.bindparam(name, type_=_array(column)))
