"""Values of the installation: its id and its signing key, made once and kept; any floor above may read them."""

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.errors import StoreError
from contactd.store.conflict import insert_into
from contactd.store.schema import setting


def get(connection: Connection, name: str) -> str:
    """Read a value; raises StoreError when it was never made."""
    value: str | None = connection.scalar(sa.select(setting.c.value).where(setting.c.name == name))
    if value is None:
        raise StoreError(f"the database has no setting {name!r}; run: contactd migrate")
    return value


def ensure(connection: Connection, name: str, make: Callable[[], str]) -> str:
    """Read a value, making it first when there is none."""
    value: str | None = connection.scalar(sa.select(setting.c.value).where(setting.c.name == name))
    if value is None:
        value = make()
        connection.execute(sa.insert(setting).values(name=name, value=value))
    return value


def put(connection: Connection, name: str, value: str) -> None:
    """Write a value that may change."""
    statement = insert_into(connection, setting).values(name=name, value=value)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": value}))
