"""The ladder: the steps of a campaign, and which one comes next and when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from contactd.domain.account import Channel, Kind
from contactd.domain.calendar import Windows
from contactd.domain.money import Money
from contactd.domain.queueing import Order

NEXT_NUMBER = "next-number"
# What stands in the place of a step where a customer has called us; no step of a ladder has this name.
INBOUND = "inbound"
# How calls are placed: looked at before, one a free agent, so many a free agent, ahead of free agents, for whoever
# presses 1, for nobody.
Mode = Literal["preview", "progressive", "power", "predictive", "ivr", "message"]
AGENTLESS: frozenset[Mode] = frozenset({"ivr", "message"})

# When a machine is told from a person: never, beside the conversation, or before the answer counts as one.
Detect = Literal["none", "beside", "first"]
Record = Literal["off", "announced", "consented"]


@dataclass(frozen=True, slots=True)
class Select:
    """Which accounts a campaign or a step takes up; an empty filter lets everything through."""

    min_open: Money | None = None
    max_open: Money | None = None
    min_days_due: int = 0
    kinds: frozenset[Kind] = frozenset()
    segments: frozenset[str] = frozenset()
    creditors: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    currencies: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    min_customers: int | None = None  # of the creditor
    max_customers: int | None = None

    @property
    def counts_customers(self) -> bool:
        """Say whether it matters how many customers the creditor has."""
        return self.min_customers is not None or self.max_customers is not None


@dataclass(frozen=True, slots=True)
class Arm:
    """One way of a comparison and its share of the customers; one held out is not contacted for a while."""

    id: str
    share: float
    hold_out: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One rung: due `day` days after the oldest open invoice fell due, or `after_days` after step `after` was done.

    `until`: no longer begun later than that many days after the oldest due date. `otherwise`: the step to go on with
    at once when there is no address or a dead one. `pause`: least time between two tries. `retry`: delay per outcome,
    or `next-number`; `limits`: most tries that may end in an outcome.

    Of letters: `claim` says what they ask for, the invoices or with them interest and costs. `fee`: what the letter or
    e-mail charges who is in default already; None: nothing is said about that.
    Of calls: `ratio` calls a free agent in mode `power`, at most `lines` at a time in the agentless modes, `machine`
    the text left on an answering machine, `caller_id` the number shown if not the usual one, `preview` the time an
    agent has to decide, `numbers` in the order of use; in mode `ivr`, `identify` asks for the postcode before the text
    `personal` is told.

    `arms`: those of the campaign's comparison the step is for, empty for all.
    Of tasks: `task` is their kind (domain/task.py), `text` what is to be done.
    """

    id: str
    channel: Channel
    day: int | None = None
    after: str = ""
    after_days: int = 0
    until: int | None = None
    otherwise: str = ""
    attempts: int = 1
    pause: timedelta = timedelta(days=1)
    retry: Mapping[str, timedelta | str] = field(default_factory=dict)
    select: Select = field(default_factory=Select)
    windows: Windows | None = None
    template: str = ""
    deadline_days: int | None = None
    postage_days: int = 0
    claim: Literal["invoices", "all"] = "invoices"
    fee: Money | None = None
    mode: Mode = "progressive"
    ratio: float = 1.5
    lines: int = 10
    machine: str = ""
    detect: Detect = "none"
    record: Record = "off"
    identify: bool = False
    personal: str = ""
    caller_id: str = ""
    preview: timedelta = timedelta(seconds=60)
    max_abandon: float = 0.02
    limits: Mapping[str, int] = field(default_factory=dict)
    numbers: tuple[str, ...] = ("mobile", "phone")
    approve: str = ""
    arms: tuple[str, ...] = ()
    task: str = ""
    owner: str = ""
    within_days: int = 14
    text: str = ""
    implied: bool = False  # made from another step's `otherwise = "<template>-<channel>"`: reached only through it

    @property
    def stands_in(self) -> bool:
        """Say whether it has no time of its own and is reached only through another step's `otherwise`."""
        return self.implied or (self.day is None and not self.after)


@dataclass(frozen=True, slots=True)
class Campaign:
    """A ladder with its filters; `schedule` is a five-field cron expression in `timezone`.

    Of its team's calls those of the highest `priority` go first, equals by `weight`; `order` is that of its accounts.
    `arms` are compared with each other; another `arm_seed` is another comparison, `hold_out_for` is in days.
    `approval`: its scheduled runs wait until somebody approves them, for `approve_within` at most.
    """

    id: str
    steps: tuple[Step, ...]
    language: str = "de"
    timezone: str = "Europe/Berlin"
    holidays: tuple[str, ...] = ()
    schedule: str = ""
    select: Select = field(default_factory=Select)
    team: str = ""
    priority: int = 0
    weight: int = 1
    order: Order = Order.AMOUNT
    arms: tuple[Arm, ...] = ()
    arm_seed: str = ""
    hold_out_for: int = 30
    approval: bool = False
    approve_within: timedelta = timedelta(days=3)
    places: Mapping[str, int] = field(init=False, repr=False, compare=False)  # by step: where it stands, from 0
    filtered: frozenset[str] = field(init=False, repr=False, compare=False)  # the steps with filters of their own
    nominal: Mapping[str, int] = field(init=False, repr=False, compare=False)  # by step: the day it has on schedule

    def __post_init__(self) -> None:
        """Work out once what every account's position needs."""
        object.__setattr__(self, "places", {step.id: place for place, step in enumerate(self.steps)})
        object.__setattr__(self, "filtered", frozenset(step.id for step in self.steps if step.select != Select()))
        object.__setattr__(self, "nominal", _nominal_days(self.steps))

    def step(self, step_id: str) -> Step | None:
        """Find a step by its id."""
        return next((step for step in self.steps if step.id == step_id), None)

    def arm(self, arm_id: str) -> Arm | None:
        """Find an arm by its id; None when the comparison no longer has it."""
        return next((arm for arm in self.arms if arm.id == arm_id), None)


def _nominal_days(steps: tuple[Step, ...]) -> dict[str, int]:
    """Give each step the day after the due date on which it comes when all goes on schedule."""
    days: dict[str, int] = {}
    before = 0
    for step in steps:
        if step.day is not None:
            before = step.day
        elif step.after:
            before = days.get(step.after, before) + step.after_days
        else:
            before = next(
                (days[other.id] for other in steps if other.otherwise == step.id and other.id in days), before
            )
        days[step.id] = before
    return days
