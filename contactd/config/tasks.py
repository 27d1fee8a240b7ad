"""Tasks for people that contactd opens, or that name no day; a part of contactd.toml."""

from contactd.config.section import Section
from contactd.config.values import Days


class Tasks(Section):
    """Meetings, research, returned letters; `contactd tasks` lists them, steps of a campaign name their own."""

    owner: str = ""
    """Who gets the tasks of returned letters; empty: nobody yet."""
    within: Days = 14
    """How long there is for them, and for tasks that are opened without a day."""
