"""Tokens of other software: kept as digests, found by what is sent, revoked; for web and cli."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.errors import InputError, NotThere
from contactd.store.schema_programs import token

_PREFIX = "contactd_"  # by which scanners of source code and logs know one
_BYTES = 32
USED_EVERY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class ProgramToken:
    """Who may use the HTTP interface, for what and until when."""

    name: str
    scopes: frozenset[str]
    made_at: datetime
    made_by: str = ""
    expires_at: datetime | None = None
    used_at: datetime | None = None
    revoked_at: datetime | None = None

    def opens(self, now: datetime) -> bool:
        """Tell whether it is good for anything at an instant."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def new_secret() -> str:
    """Make what a program sends: 256 random bits, so that a digest without salt is enough to keep of it."""
    return _PREFIX + secrets.token_urlsafe(_BYTES)


def add(connection: Connection, new: ProgramToken, secret: str) -> None:
    """Keep a new one; raises InputError when the name was ever given: the contact log speaks of it."""
    if connection.scalar(sa.select(token.c.name).where(token.c.name == new.name)) is not None:
        raise InputError(f"there is or was a token {new.name}; its name stays with what was done by it: take another")
    connection.execute(
        sa.insert(token).values(
            name=new.name, digest=_digest(secret), scopes=" ".join(sorted(new.scopes)), made_at=new.made_at,
            made_by=new.made_by, expires_at=new.expires_at,
        )
    )  # fmt: skip


def find(connection: Connection, secret: str) -> ProgramToken | None:
    """Find whose this is; looked up by its digest, so that the time it takes says nothing about the others."""
    row = connection.execute(sa.select(token).where(token.c.digest == _digest(secret))).one_or_none()
    return None if row is None else _read(row)


def listed(connection: Connection) -> list[ProgramToken]:
    """List all by name, those that are revoked too."""
    return [_read(row) for row in connection.execute(sa.select(token).order_by(token.c.name))]


def revoke(connection: Connection, name: str, now: datetime) -> None:
    """Let nobody in with it any more; raises NotThere."""
    found = sa.update(token).where(token.c.name == name)
    first = sa.func.coalesce(token.c.revoked_at, sa.literal(now, token.c.revoked_at.type))
    if connection.execute(found.values(revoked_at=first)).rowcount == 0:
        raise NotThere(f"there is no token {name}; contactd tokens list shows them")


def used(connection: Connection, name: str, now: datetime) -> None:
    """Note when it was used last."""
    connection.execute(sa.update(token).where(token.c.name == name).values(used_at=now))


def _digest(secret: str) -> str:
    return sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def _read(row: sa.Row[tuple[object, ...]]) -> ProgramToken:
    told = {name: value for name, value in row._asdict().items() if name != "digest"}
    return ProgramToken(**{**told, "scopes": frozenset(told["scopes"].split())})
