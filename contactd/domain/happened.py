"""What just happened, as the engine tells it to whoever watches; past tense, and never a command."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class AttemptMoved:
    """An attempt's new state is committed."""

    attempt_id: int
    account_id: int
    campaign: str
    step: str
    channel: str
    state: str
    outcome: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BatchPlanned:
    """A planning run is committed: so many attempts were taken up, so many accounts held back by each reason."""

    campaign: str
    taken: int
    held: dict[str, int]


@dataclass(frozen=True, slots=True)
class CallMoved:
    """A call went on: placed (or, if the customer called us, incoming), answered, connected, ended.

    `agent`: on whose desk it is.
    """

    reference: str
    stage: str
    how_ended: str = ""
    inbound: bool = False
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Supervised:
    """A supervisor hears an agent (listen), speaks to them (whisper) or to both (barge), or does so no more ("")."""

    agent: str
    supervisor: str
    how: str


@dataclass(frozen=True, slots=True)
class PreviewOffered:
    """An agent is shown a call that is placed when they accept it."""

    attempt_id: int
    account_id: int
    agent: str


@dataclass(frozen=True, slots=True)
class CallbackSoon:
    """A callback that an agent has promised is due soon."""

    attempt_id: int
    agent: str
    at: datetime
