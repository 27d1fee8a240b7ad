"""Which address asks for which role: ONE table, and the only place that says so; guard.py obeys it.

An address that is missing here is refused, and a test names it.
"""

from enum import Enum

from contactd.domain.role import Role
from contactd.store.sessions import Stage


class Level(Enum):
    """What is asked for where a role is not."""

    OWN = "a token, a signature or nothing: the handler sees to it"
    PUBLIC = "nothing: these pages are for whoever is not in yet"
    ANY = "any session, wherever it has come to"


Need = Level | Role | Stage

# The first row that fits counts: a whole address, or the beginning of one when it ends with a slash.
TABLE: dict[str, Need] = {
    "/healthz": Level.OWN,
    "/readyz": Level.OWN,
    "/metrics": Level.OWN,
    "/api/v1/": Level.OWN,
    "/hooks/": Level.OWN,
    "/u/": Level.OWN,
    "/static/": Level.PUBLIC,
    "/sign-in": Level.PUBLIC,
    "/preferences": Level.PUBLIC,
    "/sign-in/code": Stage.CODE,
    "/first-password": Stage.PASSWORD,
    "/sign-out": Level.ANY,
    "/": Role.AGENT,
    "/me": Role.AGENT,
    "/me/": Role.AGENT,
    "/ws": Role.AGENT,
    "/desk": Role.AGENT,
    "/desk/": Role.AGENT,
    "/wall": Role.SUPERVISOR,
    "/live": Role.SUPERVISOR,
    "/live/": Role.SUPERVISOR,
    "/reports": Role.SUPERVISOR,
    "/reports/contacts": Role.SUPERVISOR,
    "/reports/contacts/": Role.SUPERVISOR,
    "/reports/hours": Role.SUPERVISOR,
    "/reports/hours/": Role.SUPERVISOR,
    "/reports/control": Role.MANAGER,
    "/reports/control/": Role.MANAGER,
    "/reports/promises": Role.MANAGER,
    "/reports/promises/": Role.MANAGER,
}
# Where somebody goes on who is not through yet.
GOES_ON = {Stage.CODE: "/sign-in/code", Stage.PASSWORD: "/first-password"}


def need_of(address: str) -> Need | None:
    """Look an address up, as the router spells it; None: nobody said who may."""
    if address in TABLE:
        return TABLE[address]
    return next(
        (need for row, need in TABLE.items() if row.endswith("/") and len(row) > 1 and address.startswith(row)), None
    )
