"""What may be asked of the rules and what they answer: the words of policies, proposals and verdicts; no rule itself.

`Policy.memory` keeps what the rules worked out for it; only rules.py looks into it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from contactd.domain.account import Channel
from contactd.domain.address import NUMBERS
from contactd.domain.calendar import Windows
from contactd.domain.hours import Hours


class Reason(StrEnum):
    """Why not, or not yet; also the words of `held` counts, logs and metrics."""

    NOTHING_OPEN = "nothing_open"
    PAID_SINCE_PLANNING = "paid_since_planning"
    PAYMENTS_STALE = "payments_stale"
    STOPPED = "stopped"
    REPRESENTED = "represented"
    INSOLVENCY = "insolvency"
    DECEASED = "deceased"
    OPTED_OUT = "opted_out"
    UNDELIVERABLE = "undeliverable"
    SUPPRESSED = "suppressed"
    NO_ADDRESS = "no_address"
    DISPUTED = "disputed"
    ON_HOLD = "on_hold"
    COOL_DOWN = "cool_down"
    DAY_CAP = "day_cap"
    WEEK_CAP = "week_cap"
    CAP = "cap"
    LOCK_OUT = "lock_out"
    OUTSIDE_WINDOW = "outside_window"
    QUIET_HOURS = "quiet_hours"
    HOLIDAY = "holiday"
    UNKNOWN_TIMEZONE = "unknown_timezone"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Allowed:
    """Yes, now; `address` is the e-mail address or number to use."""

    address: str = ""


@dataclass(frozen=True, slots=True)
class NotBefore:
    """Not yet: the first instant (UTC) at which every rule lets it through, as far as is known now."""

    when: datetime
    reason: Reason


@dataclass(frozen=True, slots=True)
class Never:
    """Not as the facts stand."""

    reason: Reason


Verdict = Allowed | NotBefore | Never
ALLOWED = Allowed()


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `count` contacts in `period`; `channels` empty means all together, hand-overs apart.

    `per`: `customer`, `account` (the debt) or `address`. `rolling`: the last `period` before the instant; otherwise
    whole local calendar days (a period of 1 day = today, of 7 days = today and the six before).
    """

    count: int
    period: timedelta
    channels: frozenset[Channel] = frozenset()
    per: str = "customer"
    rolling: bool = False
    source: str = ""


@dataclass(slots=True)
class Memory:
    """What a policy worked out before: its rules by channel, its open hours by whom they concern."""

    rules: dict[Channel, Any] = field(default_factory=dict)
    hours: dict[object, Hours] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Policy:
    """What a jurisdiction and a campaign permit; a channel without windows may be used at any time.

    `quiet`: hours in which nobody is written to or called. `closed`: channels that rest on holidays. `cool_down`:
    local days for which the channels of `cool_down_channels` rest after a conversation (7 = its day and the six after),
    `cool_down_per` customer or account. `lock_out`: for so long a number is not called again on which somebody answered
    and was served by nobody. The mappings must not change: what follows from them is remembered.
    """

    name: str
    windows: Mapping[Channel, Windows] = field(default_factory=dict)
    quiet: Windows | None = None
    closed: frozenset[Channel] = frozenset()
    caps: tuple[Cap, ...] = ()
    cool_down: int = 0
    cool_down_channels: frozenset[Channel] = frozenset({Channel.CALL})
    payments_max_age: timedelta | None = None
    holidays: Mapping[str, frozenset[date]] = field(default_factory=dict)
    default_timezone: str = ""
    source: str = ""
    cool_down_per: str = "customer"
    lock_out: timedelta = timedelta()
    memory: Memory = field(default_factory=Memory, init=False, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Proposal:
    """The contact somebody wants to begin: by which channel, for which step's windows, planned when.

    `holiday_regions`: keys of `Policy.holidays` that close the day besides the account's own country and region.
    `address`: the one to be judged; it must be one of the account's. Empty: the first that may be used, of the kinds
    `numbers` in their order. `requested`: the person has asked for this call, so neither caps nor the rest after a
    conversation count (12 CFR 1006.14(b)(3)(i)); its hours do. `agreed`: a notice about what was agreed on, for which
    the ladder rests; that it does, or that nothing is open any more, is no reason against it.
    """

    channel: Channel
    windows: Windows | None = None
    holiday_regions: tuple[str, ...] = ()
    planned_at: datetime | None = None
    paused: bool = False
    address: str = ""
    numbers: tuple[str, ...] = NUMBERS
    requested: bool = False
    agreed: bool = False
