"""Brings a database to this program's version, whole or not at all; for `contactd migrate`, the demo and the tests."""

import secrets
import uuid
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy.engine import Connection

from contactd.domain.errors import StoreError
from contactd.store import settings
from contactd.store.database import VERSION, Database, check_tables, use_wal

_LOCK = 6_027_113  # any number, the same in every contactd: two migrations of one database queue


def upgrade(database: Database) -> tuple[str, str]:
    """Migrate in one transaction; answers the versions before (empty for a new database) and after.

    Raises StoreError for a database of a version this program has not, or one that lacks tables.
    """
    database.known_version()
    if database.path:
        use_wal(database)
    with database.transaction() as connection:
        if database.dialect == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        before = _migrate(connection, database.place)
    return before, VERSION


def _migrate(connection: Connection, place: str) -> str:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["before"] = ""
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(
            f"the migrations of this installation are incomplete ({error}); install contactd again"
        ) from error
    check_tables(connection, place)
    settings.ensure(connection, "installation", lambda: str(uuid.uuid4()))
    settings.ensure(connection, "signing_key", lambda: secrets.token_hex(32))
    return str(config.attributes["before"])
