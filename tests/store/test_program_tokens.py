"""Tokens of other software: only a digest is kept, and a name is given once."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from contactd.domain.errors import InputError, NotThere
from contactd.store import program_tokens
from contactd.store.database import Database
from contactd.store.program_tokens import ProgramToken, new_secret
from contactd.store.schema_programs import token
from tests.store.seed import NOW

ERP = ProgramToken("erp", frozenset({"accounts:read", "accounts:write"}), NOW, "root", NOW + timedelta(days=1))


def test_a_token_is_found_by_what_is_sent_and_that_is_kept_nowhere(database: Database) -> None:
    secret = new_secret()
    with database.transaction() as connection:
        program_tokens.add(connection, ERP, secret)
        assert program_tokens.find(connection, secret) == ERP
        assert program_tokens.find(connection, secret[:-1]) is None
        assert program_tokens.find(connection, "\udcff") is None
        kept = connection.execute(sa.select(token)).one()
    assert not any(secret in str(value) for value in kept)
    assert secret != new_secret()


def test_it_opens_nothing_once_it_has_expired_or_was_revoked(database: Database) -> None:
    day = timedelta(days=1)
    assert (ERP.opens(NOW), ERP.opens(NOW + day)) == (True, False)
    with database.transaction() as connection:
        program_tokens.add(connection, ERP, "sent")
        program_tokens.revoke(connection, "erp", NOW)
        program_tokens.revoke(connection, "erp", NOW + day)
        program_tokens.used(connection, "erp", NOW)
        [found] = program_tokens.listed(connection)
    assert (found.opens(NOW), found.revoked_at, found.used_at) == (False, NOW, NOW)


def test_a_name_is_not_given_twice_and_only_what_is_there_is_revoked(database: Database) -> None:
    with database.transaction() as connection:
        program_tokens.add(connection, ERP, "sent")
        with pytest.raises(InputError, match="there is or was a token erp"):
            program_tokens.add(connection, ERP, "another")
        with pytest.raises(NotThere, match="there is no token crm"):
            program_tokens.revoke(connection, "crm", NOW)
