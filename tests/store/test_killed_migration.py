"""A migration that is killed half-way leaves the database as it was."""

import signal
import subprocess
import sys

import pytest
import sqlalchemy as sa

from contactd.domain.errors import StoreError
from contactd.store.database import VERSION, open_database
from contactd.store.migrate import upgrade

# The process kills itself when the migration comes to the statement.
_SCRIPT = """
import os, signal, sys
import sqlalchemy as sa
from contactd.store.database import open_database
from contactd.store.migrate import upgrade

database = open_database(sys.argv[1])

@sa.event.listens_for(database.engine, "after_cursor_execute")
def kill(connection, cursor, statement, parameters, context, executemany):
    if sys.argv[2] in statement:
        os.kill(os.getpid(), signal.SIGKILL)

upgrade(database)
"""


@pytest.mark.parametrize("statement", ["CREATE TABLE contact_log", "CREATE TABLE allocation", "INSERT INTO setting"])
def test_a_migration_killed_half_way_leaves_nothing_and_can_be_repeated(
    empty_database_url: str, statement: str
) -> None:
    killed = subprocess.run([sys.executable, "-c", _SCRIPT, empty_database_url, statement], check=False)
    assert killed.returncode == -signal.SIGKILL
    database = open_database(empty_database_url)
    with database.snapshot() as connection:
        assert sa.inspect(connection).get_table_names() == []
    with pytest.raises(StoreError, match="run: contactd migrate"):
        database.check_version()
    assert upgrade(database) == ("", VERSION)
    database.check_version()
    database.close()
