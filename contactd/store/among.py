"""Long lists of keys in a statement as one parameter, so that the statement is always the same; for the store only."""

import json
from collections.abc import Callable, Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.operators import custom_op
from sqlalchemy.sql.visitors import InternalTraversal

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


Keyed = Callable[[sa.ColumnElement[Any]], sa.ColumnElement[bool]]  # says `column IN keys`
Word = Callable[[Keyed], sa.Select[*tuple[Any, ...]]]


class Stated:
    """A SELECT about a list of keys, composed once for each database: to compose it takes longer than to carry it out.

    Its other parameters are named by `sa.bindparam`. Unlike `asked.Asked` it answers SQLAlchemy's own rows.
    """

    def __init__(self, word: Word) -> None:
        """Take how the statement is worded."""
        self._word = word
        self._made: dict[str, sa.Select[*tuple[Any, ...]]] = {}

    def __call__(
        self, connection: Connection, keys: Collection[int] | Collection[str], **given: object
    ) -> sa.CursorResult[*tuple[Any, ...]]:
        """Carry it out."""
        server = connection.dialect.name == "postgresql"
        made = self._made.get(connection.dialect.name)
        if made is None:
            made = self._made[connection.dialect.name] = self._word(_keyed_server if server else _keyed)
        return connection.execute(made, {"keys": list(keys) if server else json.dumps(list(keys)), **given})

    def raw(self, connection: Connection, keys: Collection[int]) -> Sequence[Sequence[Any]]:
        """Carry it out, and read the rows as the driver gives them; see `raw.day` and `raw.instant`."""
        with self(connection, keys) as result:
            return result.cursor.fetchall()


def _keyed(column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    return _is_in(column, sa.bindparam("keys", type_=sa.Text()))


def _keyed_server(column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    return column == sa.any_(sa.bindparam("keys", type_=_array(column)))
