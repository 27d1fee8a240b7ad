"""Long lists of keys in a statement as one parameter, so that the statement is always the same; for the store only."""

import json
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection


def among(connection: Connection, column: sa.ColumnElement[Any], keys: Collection[int] | Collection[str]) -> Any:  # noqa: ANN401 -- a condition
    """Say `column IN keys`, for any number of numbers or texts."""
    if connection.dialect.name == "postgresql":
        kind = postgresql.ARRAY(column.type if isinstance(column.type, sa.Text) else sa.BigInteger())
        return column == sa.any_(sa.bindparam(None, list(keys), type_=kind))
    listed = sa.func.json_each(sa.bindparam(None, json.dumps(list(keys)), type_=sa.Text())).table_valued("value")
    return column.in_(sa.select(listed.c.value))
