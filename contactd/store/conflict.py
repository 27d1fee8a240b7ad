"""INSERT … ON CONFLICT, which both databases have and SQLAlchemy spells once for each; for the store only."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection


def insert_into(connection: Connection, table: sa.Table) -> sqlite.Insert:
    """Begin an INSERT that can say `on_conflict_do_nothing` and `on_conflict_do_update`."""
    if connection.dialect.name == "postgresql":
        # The two classes share the methods used here, not a base that has them.
        return postgresql.insert(table)  # type: ignore[return-value] # see above
    return sqlite.insert(table)
