"""Sessions of the pages: only a digest of what the cookie holds is kept, and nothing in it comes from outside."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.store.among import among
from contactd.store.logins import Login, of_row
from contactd.store.schema_logins import login, session


class Stage(StrEnum):
    """How far somebody has come in; whoever is not through sees one page only."""

    CODE = "code"  # the second factor is asked for
    PASSWORD = "password"  # noqa: S105 - a stage: the one-time pass word must be changed
    IN = ""


@dataclass(frozen=True, slots=True)
class Session:
    """One session with the login it belongs to."""

    key: str
    stage: Stage
    began_at: datetime
    seen_at: datetime
    login: Login


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a session lasts: without a sign of life, at the utmost, and while somebody is not through yet."""

    idle: timedelta
    longest: timedelta
    halfway: timedelta = timedelta(minutes=10)

    def allow(self, found: Session, now: datetime) -> bool:
        """Tell whether the session still holds."""
        longest = self.halfway if found.stage is not Stage.IN else self.longest
        idle, old = now - found.seen_at >= self.idle, now - found.began_at >= longest
        return found.login.disabled_at is None and not idle and not old


def begin(connection: Connection, key: str, name: str, stage: Stage, now: datetime) -> None:
    """Keep a new session."""
    values = {"key": key, "name": name, "stage": stage.value, "began_at": now, "seen_at": now}
    connection.execute(sa.insert(session).values(values))


def read(connection: Connection, keys: Collection[str]) -> list[Session]:
    """Read those of these sessions that there are."""
    chosen = sa.select(login, session.c.key, session.c.stage, session.c.began_at, session.c.seen_at)
    rows = connection.execute(chosen.join(session, session.c.name == login.c.name).where(_among(connection, keys)))
    return [Session(row.key, Stage(row.stage), row.began_at, row.seen_at, of_row(row)) for row in rows]


def touch(connection: Connection, keys: Collection[str], now: datetime) -> None:
    """Take note that somebody is there."""
    connection.execute(sa.update(session).where(_among(connection, keys)).values(seen_at=now))


def end(connection: Connection, keys: Collection[str]) -> None:
    """End sessions."""
    connection.execute(sa.delete(session).where(_among(connection, keys)))


def end_old(connection: Connection, limits: Limits, now: datetime) -> None:
    """Forget the sessions that have run out."""
    idle, old = session.c.seen_at <= now - limits.idle, session.c.began_at <= now - limits.longest
    connection.execute(sa.delete(session).where(sa.or_(idle, old)))


def _among(connection: Connection, keys: Collection[str]) -> sa.ColumnElement[bool]:
    chosen: sa.ColumnElement[bool] = among(connection, session.c.key, sorted(keys))
    return chosen
