"""What jurisdictions permit, as data with its sources, and how a campaign's own limits make it stricter.

For the configuration, which makes the policy of each campaign here. Not legal advice: whoever runs contactd checks it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from types import MappingProxyType

from contactd.domain.account import Channel
from contactd.domain.calendar import Windows, parse_windows
from contactd.domain.policy import Cap, Policy

_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_CALLS = frozenset({Channel.CALL})
_CALLS_AND_SMS = frozenset({Channel.CALL, Channel.SMS})


def _same(windows: Windows, *channels: Channel) -> Mapping[Channel, Windows]:
    return MappingProxyType(dict.fromkeys(channels, windows))


# The code binds marketing, expressly not collection; it is the measure the authority goes by all the same.
_DE = Policy(
    name="de",
    windows=_same(parse_windows(["Mo-Fr 08:00-20:00", "Sa 09:00-18:00"]), Channel.CALL, Channel.SMS),
    closed=_CALLS_AND_SMS,
    caps=(
        Cap(3, _DAY, _CALLS, source="Bundesnetzagentur, Belästigende Anrufversuche: more than three times a day"),
        Cap(15, _WEEK, _CALLS, source="Branchenkodex CCV/DDV (2015): at most 15 call attempts a week"),
    ),
    source=(
        "Bundesnetzagentur, Belästigende Anrufversuche (weekdays before 8 and after 20 h, Sundays, public holidays);"
        " Branchenkodex CCV/DDV (2015): Mon-Fri 8-20, Sat 9-18, none on Sundays and public holidays"
    ),
)

# The caps of Regulation F are presumptions of harassment, not prohibitions; nobody needs to rebut what he does not do.
_US_REG_F = Policy(
    name="us-reg-f",
    windows=_same(parse_windows("Mon-Sun 08:00-21:00"), Channel.CALL, Channel.SMS, Channel.EMAIL),
    caps=(
        Cap(7, _WEEK, _CALLS, per="account", source="12 CFR 1006.14(b)(2)(i)(A): seven calls in seven days per debt"),
    ),
    cool_down=7,
    cool_down_channels=_CALLS,
    cool_down_per="account",
    source=(
        "12 CFR 1006.6(b)(1)(i): 8-21 h at the consumer's location, calls and electronic messages alike;"
        " 12 CFR 1006.14(b)(2)(i)(B): no call within seven days of a conversation about the debt, its day included"
    ),
)

# No figure is law here: CONC 7.9 asks for reasonable times and frequency, and these are our reading of it.
_UK = Policy(
    name="uk",
    windows=_same(parse_windows(["Mon-Fri 08:00-21:00", "Sat-Sun 09:00-18:00"]), Channel.CALL, Channel.SMS),
    closed=_CALLS_AND_SMS,
    caps=(
        Cap(3, _DAY, _CALLS, source="policy: FCA CONC 7.9 names no figure"),
        Cap(15, _WEEK, _CALLS, source="policy: FCA CONC 7.9 names no figure"),
    ),
    lock_out=timedelta(hours=72),  # Ofcom, Statement on persistent misuse (2016): without a guaranteed agent
    source="policy: FCA CONC 7.9 (no contact at unreasonable times); hours and holidays are our reading of it",
)

PRESETS: Mapping[str, Policy] = MappingProxyType({preset.name: preset for preset in (_DE, _US_REG_F, _UK)})


@dataclass(frozen=True, slots=True)
class Limits:
    """What a campaign adds to its preset; None and empty add nothing, nothing ever takes away.

    `cool_down_days` concern calls after a conversation about any debt of the customer; `windows` and `quiet` all steps.
    """

    per_customer_per_day: int | None = None
    contacts_per_week: int | None = None
    calls_per_day: int | None = None
    calls_per_week: int | None = None
    cool_down_days: int | None = None
    windows: Mapping[Channel, Windows] = field(default_factory=dict)
    quiet: Windows | None = None
    calls_per_number_per_day: int | None = None
    lock_out: timedelta | None = None


def tighten(
    policy: Policy,
    limits: Limits,
    *,
    holidays: Mapping[str, frozenset[date]] | None = None,
    default_timezone: str = "",
    payments_max_age: timedelta | None = None,
) -> Policy:
    """Answer the policy with a campaign's limits on top; whatever was forbidden stays so.

    `holidays` are used as they are when the policy has none of its own (so they may be worked out lazily).
    `default_timezone` stands in where the policy names none.
    """
    ages = [age for age in (policy.payments_max_age, payments_max_age) if age is not None]
    return replace(
        policy,
        windows={**policy.windows, **_narrowed(policy.windows, limits.windows)},
        quiet=policy.quiet.join(limits.quiet) if policy.quiet and limits.quiet else policy.quiet or limits.quiet,
        caps=(*policy.caps, *_caps(limits)),
        cool_down=max(policy.cool_down, limits.cool_down_days or 0),
        cool_down_channels=policy.cool_down_channels | _CALLS if limits.cool_down_days else policy.cool_down_channels,
        cool_down_per="customer" if limits.cool_down_days else policy.cool_down_per,
        lock_out=max(policy.lock_out, limits.lock_out or timedelta()),
        payments_max_age=min(ages, default=None),
        holidays=_joined(policy.holidays, holidays or {}),
        default_timezone=policy.default_timezone or default_timezone,
    )


def _caps(limits: Limits) -> tuple[Cap, ...]:
    wanted = (
        (limits.per_customer_per_day, _DAY, frozenset[Channel]()),
        (limits.contacts_per_week, _WEEK, frozenset[Channel]()),
        (limits.calls_per_day, _DAY, _CALLS),
        (limits.calls_per_week, _WEEK, _CALLS),
    )
    caps = [Cap(count, span, channels, source="campaign") for count, span, channels in wanted if count is not None]
    if limits.calls_per_number_per_day is not None:
        caps.append(Cap(limits.calls_per_number_per_day, _DAY, _CALLS, per="address", source="campaign"))
    return tuple(caps)


def _narrowed(ours: Mapping[Channel, Windows], theirs: Mapping[Channel, Windows]) -> Mapping[Channel, Windows]:
    return {channel: ours[channel].intersect(one) if channel in ours else one for channel, one in theirs.items()}


def _joined(
    ours: Mapping[str, frozenset[date]], theirs: Mapping[str, frozenset[date]]
) -> Mapping[str, frozenset[date]]:
    if not ours:
        return theirs
    return {name: ours.get(name, frozenset()) | theirs.get(name, frozenset()) for name in {*ours, *theirs}}
