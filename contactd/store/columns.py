"""What every table is made of: names of constraints, keys, instants, texts; for schema.py and who writes rows raw."""

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    },
)

# SQLite numbers rows by itself only for INTEGER PRIMARY KEY.
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


class Utc(sa.types.TypeDecorator[datetime]):
    """An aware instant: `timestamptz` in PostgreSQL, integer microseconds since 1970 in SQLite (small, sorts)."""

    impl = sa.BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        """Choose the column type."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(sa.DateTime(timezone=True))
        return dialect.type_descriptor(sa.BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> object:
        """Refuse naive instants, write the rest."""
        if value is None:
            return None
        if value.tzinfo is None:
            message = f"{value!r} has no time zone"
            raise ValueError(message)
        return value if dialect.name == "postgresql" else to_micros(value)

    def process_result_value(self, value: object, dialect: Dialect) -> datetime | None:
        """Read back, always in UTC."""
        del dialect
        if value is None:
            return None
        return value.astimezone(UTC) if isinstance(value, datetime) else from_micros(int(str(value)))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_micros(value: datetime) -> int:
    """Write an instant as microseconds since 1970, exactly."""
    passed = value - _EPOCH
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds


def from_micros(value: int) -> datetime:
    """Read an instant written by `to_micros`."""
    return _EPOCH + timedelta(0, 0, value)


def partial(name: str, *columns: str | sa.ColumnElement[Any], where: str) -> sa.Index:
    """Index only the rows of which that holds; a statement must repeat the condition to use it."""
    return sa.Index(name, *columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))


def text(name: str, default: str = "") -> sa.Column[str]:
    """Make a text that is never NULL."""
    return sa.Column(name, sa.Text, nullable=False, server_default=default)
