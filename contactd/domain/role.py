"""What people may do at the window: four roles, each may do what the one before may; for the web floor and the cli."""

from enum import StrEnum


class Role(StrEnum):
    """Sorted from least to most."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    MANAGER = "manager"
    ADMIN = "admin"

    def includes(self, other: "Role") -> bool:
        """Tell whether who has this role may do what the other may."""
        return _ORDER[self] >= _ORDER[other]


_ORDER = {role: place for place, role in enumerate(Role)}
