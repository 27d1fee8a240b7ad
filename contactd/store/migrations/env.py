"""Alembic starts here; the connection and its transaction are the caller's (store/migrate.py)."""

from alembic import context

from contactd.store.database import VERSION_TABLE
from contactd.store.schema import account

config = context.config
context.configure(
    connection=config.attributes["connection"],
    target_metadata=account.metadata,
    version_table=VERSION_TABLE,
    # Ours begins every transaction itself, so that SQLite's tables are made in it as well.
    transactional_ddl=True,
)
config.attributes["before"] = context.get_context().get_current_revision() or ""
with context.begin_transaction():
    context.run_migrations()
