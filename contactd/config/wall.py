"""What is aimed at on the wallboard; a part of contactd.toml."""

from pydantic import Field

from contactd.config.section import Section
from contactd.config.values import Ratio, Second, parse_duration


class Wall(Section):
    """Targets of a day, of all teams together; 0 is none. The limit of abandoned calls is the campaigns' own."""

    talking: Ratio = 0.0
    """Least share of those who are signed in that talk."""
    wait: Second = parse_duration("2 minutes")
    """Longest that a free agent should wait for a call."""
    right_parties: int = Field(default=0, ge=0)
    """Conversations with the person who owes."""
    promises: int = Field(default=0, ge=0)
    """Promises, plans and settlements."""
