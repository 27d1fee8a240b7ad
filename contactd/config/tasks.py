"""Tasks for people that contactd opens, or that name no day; a part of contactd.toml."""

from pydantic import Field

from contactd.config.section import Section
from contactd.config.values import Days


class Tasks(Section):
    """Meetings, research, returned letters; `contactd tasks` lists them, steps of a campaign name their own."""

    owner: str = ""
    """Who gets the tasks of returned letters and payments to be assigned; empty: nobody yet."""
    within: Days = 14
    """How long there is for them, and for tasks that are opened without a day."""
    assign_within: int = Field(default=5, ge=0, le=30)
    """Banking days for assigning a payment that waits; accounts it is very likely of rest so long. 0: they do not."""
