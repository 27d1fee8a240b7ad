"""What is told of those who work here; a part of contactd.toml."""

from typing import Literal

from contactd.config.section import Section


class Privacy(Section):
    """What is told of those who work here."""

    agent_metrics: Literal["team", "agent"] = "team"
    """`team`: figures of teams of six or more; `agent`: of each agent (in Germany the works council has a say)."""
