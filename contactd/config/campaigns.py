"""A file of campaigns.d as it is written, checked value by value; `ladder.py` makes a domain campaign of it.

A docstring below a key is what the JSON Schema tells an editor; config/campaigns.d shows them at work.
"""

import re
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from contactd.config.section import LOOSE, Section
from contactd.config.values import (
    LONGEST_DAYS,
    Amount,
    Days,
    Duration,
    Minute,
    Ratio,
    format_duration,
    parse_days,
    parse_duration,
)
from contactd.config.words import (
    Country,
    CountryOrNone,
    Cron,
    Currency,
    Holidays,
    Language,
    LanguageOrNone,
    Name,
    Number,
    QuietWindow,
    TimeZone,
    TimeZoneOrNone,
    Window,
    listed,
    suggest,
)
from contactd.domain.campaign import NEXT_NUMBER, Detect, Mode, Record

NumberKind = Literal["mobile", "phone"]
ChannelName = Literal["email", "sms", "letter", "call", "handover", "task"]
KindName = Literal["consumer", "business"]
TaskKind = Literal["meeting", "creditor", "address", "returned_mail", "review", "other"]
# How an attempt may end and be tried again: as it is written here, and as the contact log says it.
OUTCOMES = {
    "busy": "busy",
    "no-answer": "no_answer",
    "machine": "machine",
    "number-invalid": "invalid",
    "rejected": "rejected",
    "congestion": "congestion",
    "abandoned": "abandoned",
    "failed": "failed",
    "dropped": "dropped",
}
NOTHING = "nothing"
# The channels whose steps may charge a fee.
CHARGING = frozenset({"letter", "email"})
# The filters of [select] that name words.
LISTS = ("kinds", "segments", "creditors", "countries", "currencies", "languages")
_FIRST_YEAR, _LAST_YEAR = 1970, 2100
_AFTER = re.compile(r"(?P<step>\S+)(?: \+ (?P<days>\d+ (?:day|week)s?))?")


def parse_after(value: str) -> tuple[str, int]:
    """Read `"mahnung-brief + 14 days"` as the step and the days; raises ValueError."""
    match = _AFTER.fullmatch(value.strip())
    if match is None:
        raise ValueError(f'"{value}" names no step and delay; write it like "mahnung-brief + 14 days"')
    return match["step"], parse_days(match["days"]) if match["days"] else 0


def _template(value: str) -> str:
    if "/" in value or "\0" in value or value.startswith("."):
        raise ValueError(f'"{value}" cannot be the name of a text; it names a file without folder, language and ending')
    return value


def _after(value: object) -> object:
    parse_after(str(value))
    return value


def _retry(value: object) -> object:
    if value == NEXT_NUMBER:
        return value
    try:
        return parse_duration(value)
    except ValueError as error:
        raise ValueError(f'{error}, or "{NEXT_NUMBER}"') from None


def _outcome(value: str) -> str:
    if value not in OUTCOMES:
        hint = suggest(value, OUTCOMES) or f"; known: {listed(OUTCOMES)}"
        raise ValueError(f'"{value}" is no outcome of an attempt{hint}')
    return value


def _instant(value: object) -> object:
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f'"{value}" is no point in time; write it like "2026-12-01T10:00"') from None
    if not _FIRST_YEAR <= at.year <= _LAST_YEAR:
        raise ValueError(f'"{value}" is out of reach; name a time from {_FIRST_YEAR} to {_LAST_YEAR}')
    return at


def _format_retry(value: timedelta | str) -> str:
    return value if isinstance(value, str) else format_duration(value)


After = Annotated[str, BeforeValidator(_after), Field(examples=["mahnung + 14 days"])]
Template = Annotated[str, AfterValidator(_template)]
Outcome = Annotated[str, AfterValidator(_outcome)]
Retry = Annotated[
    timedelta | str,
    BeforeValidator(_retry),
    PlainSerializer(_format_retry, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["30 minutes", NEXT_NUMBER]}),
]
Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    PlainSerializer(datetime.isoformat, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["2026-12-01T10:00"]}),
]


class SelectTable(Section):
    """Which accounts are taken up; what is not named lets everything through."""

    min_open: Amount | None = None
    """Least open amount."""
    max_open: Amount | None = None
    """Greatest open amount."""
    min_days_due: int = Field(default=0, ge=0, le=LONGEST_DAYS)
    """Least age of the oldest open invoice, in days after it fell due."""
    kinds: Annotated[tuple[KindName, ...], LOOSE] = ()
    """Consumers, businesses."""
    segments: Annotated[tuple[str, ...], LOOSE] = ()
    """Segments, as imported."""
    creditors: Annotated[tuple[str, ...], LOOSE] = ()
    """Creditors, as imported."""
    countries: Annotated[tuple[Country, ...], LOOSE] = ()
    """Countries of the customers."""
    currencies: Annotated[tuple[Currency, ...], LOOSE] = ()
    """Currencies of the accounts."""
    languages: Annotated[tuple[LanguageOrNone, ...], LOOSE] = ()
    """Languages of the customers; "" stands for customers without one."""
    min_customers: int | None = Field(default=None, ge=0)
    """Least number of customers of the creditor; asked when an account is taken up, not again."""
    max_customers: int | None = Field(default=None, ge=0)
    """Greatest number of customers of the creditor: few are called first."""


class LimitsTable(Section):
    """Most contacts, all steps together; only stricter than the preset of the jurisdiction, never milder."""

    per_customer_per_day: int | None = Field(default=None, ge=0, le=1_000)
    """Contacts a customer gets on one local day, by whatever channel."""
    contacts_per_week: int | None = Field(default=None, ge=0, le=1_000)
    """Contacts a customer gets in seven days, by whatever channel."""
    calls_per_day: int | None = Field(default=None, ge=0, le=1_000)
    """Calls a customer gets on one local day."""
    calls_per_week: int | None = Field(default=None, ge=0, le=1_000)
    """Calls a customer gets in seven days."""
    calls_per_number_per_day: int | None = Field(default=None, ge=0, le=1_000)
    """Calls one telephone number gets on one local day."""
    lock_out: Duration | None = None
    """No call to a number for so long after somebody answered there and was served by nobody."""
    cool_down: Days | None = None
    """Rest from calls after a conversation, the day of the conversation included."""
    windows: dict[ChannelName, Annotated[tuple[Window, ...], LOOSE]] = Field(default_factory=dict)
    """Permitted times of a channel in every step, like { sms = ["Mo-Fr 10:00-18:00"] }."""
    quiet: Annotated[tuple[QuietWindow, ...], LOOSE] = ()
    """Hours in which nobody is written to or called, like ["21:00-08:00"]."""


class StepTable(Section):
    """One rung of the ladder."""

    id: Name
    """Name of the step in tests, logs and reports; unique in the campaign."""
    channel: ChannelName
    """How the customer is reached."""
    day: int | None = Field(default=None, ge=0, le=LONGEST_DAYS)
    """Due this many days after the oldest open invoice fell due."""
    after: After | None = None
    """Due this long after an earlier step was done, like "mahnung + 14 days"."""
    until: int | None = Field(default=None, ge=0, le=LONGEST_DAYS)
    """No longer begun later than this many days after the oldest open invoice fell due."""
    template: Template = ""
    """Name of the text; templates/<channel>/<template>.<language>.*"""
    otherwise: Template = ""
    """Step to go on with at once without address, or TEMPLATE-CHANNEL for the same text another way."""
    attempts: int = Field(default=1, ge=1, le=50)
    """Most tries."""
    pause: Duration = Field(default_factory=lambda: parse_duration("1 day"))
    """Least time between two tries."""
    retry: dict[Outcome, Retry] = Field(default_factory=dict)
    """When to try again after which outcome: a duration, or "next-number"."""
    windows: Annotated[tuple[Window, ...], LOOSE] = ()
    """Permitted times in the customer's local time, inside those of the preset."""
    select: SelectTable = SelectTable()
    """Which of the campaign's accounts this step is for; others go on with the next step."""
    deadline: Days | None = None
    """Time to pay that the message sets."""
    postage: Days = 0
    """Time a letter travels; added to the deadline."""
    claim: Literal["invoices", "all"] = "invoices"
    """What a letter asks for: what is open of the invoices, or with it the interest and costs of who is in default."""
    fee: Amount | None = None
    """What this letter or e-mail charges, once it was sent, who is in default already; letter_fees is then left out."""
    mode: Mode = "progressive"
    """How calls are placed: looked at before, one or `ratio` a free agent, ahead of free agents, or without agents."""
    ratio: float = Field(default=1.5, ge=1, le=5)
    """Calls under way for each free agent, in mode power."""
    lines: int = Field(default=10, ge=1, le=1000)
    """Most calls at a time of the modes without agents: ivr (press 1 for one), message."""
    machine: str = ""
    """Text left on answering machines, templates/voice/<machine>.<language>.txt; empty: hang up."""
    identify: bool = False
    """In mode ivr: `template` asks for the postcode, and only who knows it hears `personal`."""
    personal: Template = ""
    """Text after that, templates/voice/<personal>.<language>.txt; it may tell what is open."""
    caller_id: Number = ""
    """Number the customer sees; empty: that of [telephony]."""
    detect: Detect = "none"
    """Tell machines from people: "beside" the conversation, or "first", so that people answer into a short silence."""
    record: Record = "off"
    """Keep what is said to an agent: after an announcement, or only when the person has pressed 1."""
    preview: Duration = Field(default_factory=lambda: parse_duration("60 seconds"))
    """How long an agent may look at a call before they accept or skip it."""
    numbers: Annotated[tuple[NumberKind, ...], LOOSE, Field(min_length=1)] = ("mobile", "phone")
    """Which of a customer's numbers are called, in this order."""
    retry_limits: dict[Outcome, Annotated[int, Field(ge=1, le=50)]] = Field(default_factory=dict)
    """Most tries that may end in an outcome; then the ladder goes on."""
    max_abandon: Ratio = 0.02
    """Greatest share of answered calls that find no agent, in predictive mode."""
    approve: Literal["", "agent", "supervisor", "manager"] = ""
    """Who has to agree before this step is done."""
    kind: TaskKind = "meeting"
    """Of a task: what it is; the ladder waits until somebody has done it."""
    owner: str = ""
    """Of a task: who is to do it."""
    within: Days = 14
    """Of a task: how long that person has."""
    text: str = ""
    """Of a task: what is to be done."""
    arms: Annotated[tuple[str, ...], LOOSE] = ()
    """Arms of the comparison this step is for; empty: all."""


class ArmTable(Section):
    """One way of a comparison; each customer goes one of them, drawn by lot when first taken up."""

    id: Name
    """Name of the arm in steps, logs and reports; unique in the campaign."""
    share: Ratio
    """Share of the customers, like "45 %"; all shares together are 100 %."""
    hold_out: bool = False
    """Contact nobody of this arm before `hold_out_for` is over: what would come in by itself."""


class GivenTable(Section):
    """The account of a test; without history it went up the ladder on schedule."""

    open: Amount
    """Open amount."""
    days_due: int = Field(ge=0, le=LONGEST_DAYS)
    """Age of the oldest open invoice, in days after it fell due."""
    email: bool = False
    """Has an e-mail address."""
    phone: bool = False
    """Has a telephone number."""
    mobile: bool = False
    """Has a mobile number."""
    postal: bool = True
    """Has a postal address."""
    disputed: bool = False
    """An open invoice is in dispute."""
    kind: KindName = "consumer"
    """Consumer or business."""
    language: LanguageOrNone = ""
    """Language; the campaign's if not named."""
    country: CountryOrNone = ""
    """Country."""
    region: str = ""
    """Region, like "DE-BY"."""
    timezone: TimeZoneOrNone = ""
    """Time zone; the campaign's if not named."""
    segment: str = ""
    """Segment."""
    creditor: str = ""
    """Creditor."""
    customers: int | None = Field(default=None, ge=0)
    """How many customers the creditor has; without it filters do not ask."""
    arm: str = ""
    """Arm of the comparison, drawn on the first day of the ladder."""


class TestTable(Section):
    """A question to the ladder and its answer; run by `contactd check`."""

    given: GivenTable
    """The account."""
    on: Instant
    """Local time of the campaign."""
    expect: str
    """Step that is next then, or "nothing"."""


class CampaignFile(Section):
    """A file of campaigns.d: a ladder of steps and whom it is for."""

    id: Name
    """Name of the campaign; unique."""
    language: Language = "de"
    """Language for customers without one, and the fall-back of templates."""
    timezone: TimeZone = "Europe/Berlin"
    """Time zone of schedule, tests and customers whose own is not known."""
    holidays: Annotated[tuple[Holidays, ...], LOOSE] = ()
    """Countries and regions whose public holidays nobody is called on, besides the customer's own."""
    schedule: Cron = ""
    """Five-field cron expression; empty: that of [planning]."""
    approval: Literal["", "required"] = ""
    """`required`: a scheduled run only proposes; nothing is sent before somebody approves it."""
    approve_within: Minute = Field(default_factory=lambda: parse_duration("3 days"))
    """A proposed run that nobody approved within this time expires; what is due comes with the next run."""
    rules: Literal["", "de", "us-reg-f", "uk"] = ""
    """Preset of the jurisdiction; empty: that of [rules]."""
    team: str = ""
    """Agents who get the calls; empty: agents without a team."""
    priority: int = Field(default=0, ge=-100, le=100)
    """Of the campaigns of a team that with the highest priority is called first."""
    weight: int = Field(default=1, ge=1, le=100)
    """Share of the calls among campaigns of the same priority."""
    order: Literal["amount", "age"] = "amount"
    """Whom to call first: who owes most, or whose debt is oldest."""
    select: SelectTable = SelectTable()
    """Which accounts are taken up."""
    limits: LimitsTable = LimitsTable()
    """Most contacts."""
    arm: Annotated[tuple[ArmTable, ...], LOOSE] = ()
    """Ways to be compared with each other."""
    arm_seed: str = ""
    """Any word; another one begins another comparison, in which everybody is drawn anew."""
    hold_out_for: Days = 30
    """How long arms with hold_out are let alone."""
    step: Annotated[tuple[StepTable, ...], LOOSE, Field(min_length=1)]
    """The rungs, lowest first."""
    test: Annotated[tuple[TestTable, ...], LOOSE] = ()
    """Questions to the ladder."""
