"""Who may use the pages: kept, found, changed; what takes rights away ends the sessions in the same transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.errors import InputError
from contactd.domain.role import Role
from contactd.store.schema_logins import login, session


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody's way in; an agent's name is the key of their [agents.<name>]."""

    name: str
    role: Role
    password: str
    made_at: datetime
    full_name: str = ""
    one_time: bool = True
    totp: str = ""
    totp_last: int = 0
    language: str = ""
    theme: str = ""
    disabled_at: datetime | None = None


def find(connection: Connection, name: str) -> Login | None:
    """Read the login of a name, however it is capitalised."""
    row = connection.execute(sa.select(login).where(_is(name))).one_or_none()
    return None if row is None else of_row(row)


def listed(connection: Connection) -> list[Login]:
    """List all by name."""
    return [of_row(row) for row in connection.execute(sa.select(login).order_by(login.c.name))]


def of_row(row: sa.Row[Any]) -> Login:
    """Read a row that has the columns of the table."""
    told = {name: value for name, value in row._mapping.items() if name in login.c}  # noqa: SLF001 - its public name
    return Login(**{**told, "role": Role(told["role"])})


def add(connection: Connection, new: Login) -> None:
    """Keep a new login; raises InputError when the name is taken."""
    if find(connection, new.name) is not None:
        raise InputError(
            f"{new.name} has a login already; a new password: contactd agents reset {new.name}; "
            f"another role: contactd agents reset {new.name} --role …"
        )
    connection.execute(
        sa.insert(login).values(
            name=new.name, full_name=new.full_name, role=new.role.value, password=new.password, one_time=new.one_time,
            made_at=new.made_at,
        )
    )  # fmt: skip


def change(connection: Connection, name: str, values: Mapping[str, Any]) -> None:
    """Write columns of a login; raises InputError when there is none of that name."""
    if connection.execute(sa.update(login).where(_is(name)).values(dict(values))).rowcount == 0:
        raise InputError(f"{name} has no login; make one: contactd agents add {name}")


def end_sessions(connection: Connection, name: str) -> None:
    """Sign a person out everywhere."""
    found = sa.select(login.c.name).where(_is(name))
    connection.execute(sa.delete(session).where(session.c.name.in_(found)))


def use_code(connection: Connection, name: str, counter: int) -> bool:
    """Take note that the code of a period was used; False when it, or a newer one, was used before."""
    unused = sa.update(login).where(_is(name), login.c.totp_last < counter)
    return connection.execute(unused.values(totp_last=counter)).rowcount == 1


def _is(name: str) -> sa.ColumnElement[bool]:
    return sa.func.lower(login.c.name) == name.lower()
