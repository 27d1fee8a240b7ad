"""How boldly campaigns are dialled, as people set it: a share of what the configuration allows; 1 where nobody did."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.store import settings
from contactd.store.schema import setting

_PREFIX = "level:"


def read(connection: Connection) -> dict[str, float]:
    """Read the level of each campaign that has one."""
    mine = sa.select(setting.c.name, setting.c.value).where(setting.c.name.startswith(_PREFIX, autoescape=True))
    return {name.removeprefix(_PREFIX): float(value) for name, value in connection.execute(mine)}


def put(connection: Connection, campaign: str, level: float) -> None:
    """Set it."""
    settings.put(connection, f"{_PREFIX}{campaign}", str(level))
