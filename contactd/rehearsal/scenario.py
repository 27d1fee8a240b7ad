"""What is rehearsed: teams, people, conversations and a carrier's troubles, as a TOML file says.

The defaults are the conditions under which the dialers of the reference were compared.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from contactd.config.messages import explain
from contactd.config.read import read_toml
from contactd.config.section import LOOSE, Section
from contactd.config.shipped import defaults_directory
from contactd.config.values import Duration, Ratio, Second
from contactd.config.words import suggest
from contactd.domain.errors import ConfigError, Problem

FOLDER = "scenarios.d"
_MOST_AGENTS, _MOST_HOURS, _MOST_BREAKS = 2_000, 1_000, 10


class Called(Section):
    """One campaign of the team."""

    id: str = "first"
    weight: Annotated[int, Field(ge=1, le=100)] = 1
    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    mode: Literal["progressive", "power", "predictive"] = "predictive"
    ratio: Annotated[float, Field(ge=1, le=20)] = 1.5
    """Calls for each free agent in mode power."""
    max_abandon: Ratio = 0.03
    answer: Ratio = 0.3
    """The share of calls that a person answers."""
    swings_to: Ratio | None = None
    """The share half a cycle later; back and forth between the two."""
    cycle: Second = timedelta(hours=3)
    """From one `answer` to the next."""
    machine: Ratio = 0.0
    """The share of the others that an answering machine answers."""
    machine_error: Ratio = 0.0
    """How often a person is taken for a machine, and a machine for a person."""


class Ringing(Section):
    """How long people let it ring before they answer, evenly spread, and how long it rings at most."""

    begins: Duration = timedelta()
    """How long it takes until the telephone rings."""
    least: Duration = timedelta(seconds=6)
    most: Duration = timedelta(seconds=25)
    gives_up: Second = timedelta(seconds=25)
    fails: Ratio = 0.1
    """The share of unanswered calls that end at once, without ringing out."""

    @model_validator(mode="after")
    def _in_order(self) -> "Ringing":
        if not self.least <= self.most <= self.gives_up:
            raise ValueError("must have least <= most <= gives_up")
        return self


class Lasting(Section):
    """How long something lasts: log-normal with a coefficient of variation, or a Pareto tail of that shape."""

    mean: Second = timedelta(minutes=3)
    spread: Annotated[float, Field(ge=0, le=5)] = 1.0
    tail: Annotated[float, Field(ge=1.1, le=10)] | None = None
    """The smaller, the heavier; 1.6 is heavy."""


class Writing(Lasting):
    """The same for the work after a conversation."""

    mean: Second = timedelta(seconds=30)
    spread: Annotated[float, Field(ge=0, le=5)] = 0.5


class Staff(Section):
    """What agents do besides calling."""

    breaks: Annotated[float, Field(ge=0, le=_MOST_BREAKS)] = 0.0
    """How often in an hour an agent asks for a pause."""
    length: Second = timedelta(minutes=5)
    """How long a pause takes, give or take half of it."""
    shifts: bool = False
    """A quarter of the team leaves for an hour, every two hours."""


class Trouble(Section):
    """A time in which the carrier fails a share of the calls at once."""

    share: Ratio
    begins: Duration
    lasts: Second


class Dialled(Section):
    """How calls are paced, for all campaigns alike; as in [telephony] of contactd.toml."""

    hang_up_after: Duration = timedelta(seconds=15)
    small_team: Annotated[int, Field(ge=0, le=1_000)] = 0
    lines_per_agent: Annotated[float, Field(ge=1, le=20)] = 5.0
    trunks: Annotated[int, Field(ge=0, le=100_000)] = 0


class Scenario(Section):
    """All of it; unknown keys are refused."""

    text: str = ""
    """What the scenario is about."""
    agents: Annotated[int, Field(ge=1, le=_MOST_AGENTS)] = 20
    hours: Annotated[float, Field(gt=0, le=_MOST_HOURS)] = 8.0
    seed: int = 1
    warm_up: Duration = timedelta()
    """How long the dialer has worked, and learned, before anything is counted."""
    campaign: Annotated[tuple[Called, ...], LOOSE, Field(min_length=1)] = (Called(),)
    dialling: Dialled = Dialled()
    ring: Ringing = Ringing()
    talk: Lasting = Lasting()
    wrap: Writing = Writing()
    staff: Staff = Staff()
    trouble: Annotated[tuple[Trouble, ...], LOOSE] = ()

    @field_validator("campaign")
    @classmethod
    def _told_apart(cls, value: tuple[Called, ...]) -> tuple[Called, ...]:
        if len({one.id for one in value}) < len(value):
            raise ValueError("every campaign needs an id of its own")
        return value


def shipped() -> dict[str, Path]:
    """List the scenarios that come with contactd."""
    return {path.stem: path for path in sorted((defaults_directory() / "config" / FOLDER).glob("*.toml"))}


def find(name: str) -> Path:
    """Answer a file of that name, or the shipped scenario; raises ConfigError."""
    known = shipped()
    if Path(name).is_file():
        return Path(name)
    if name in known:
        return known[name]
    hint = suggest(name, known) or f"; shipped are {', '.join(known)}"
    raise ConfigError([Problem(name, 0, "", f"there is no such file and no such scenario{hint}")])


def load(path: Path) -> Scenario:
    """Read a scenario or raise ConfigError with every problem in it."""
    values, source = read_toml(path)
    try:
        return Scenario.model_validate(values)
    except ValidationError as error:
        raise ConfigError(explain(error, Scenario, source)) from error
