"""Campaigns that are well formed and yet do not do what their author means; load.py asks once all values are right.

An error is what can never happen; a warning what somebody should look at.
"""

from collections.abc import Iterator
from datetime import timedelta

from contactd.config.campaigns import CHARGING, LISTS, NOTHING, CampaignFile, SelectTable, StepTable
from contactd.config.findings import Findings, Source
from contactd.config.locate import Place
from contactd.config.values import LONGEST_DAYS
from contactd.config.words import suggest
from contactd.domain.account import Channel
from contactd.domain.calendar import ALWAYS
from contactd.domain.campaign import Campaign
from contactd.domain.policy import Cap, Policy

_SHORTEST_DEADLINE, _LONGEST_DEADLINE = 7, 14
_CALLS_ONLY = (
    "mode", "max_abandon", "retry", "ratio", "lines", "machine", "detect", "record", "identify", "personal",
    "caller_id", "preview", "numbers", "retry_limits",
)  # fmt: skip
_DAY = timedelta(days=1)
_MESSAGES_ONLY = ("template", "deadline")
_TASKS_ONLY = ("kind", "owner", "within", "text")
# A cap without channels counts them together; a handover and a task reach nobody.
_REACHING = frozenset(Channel) - {Channel.HANDOVER, Channel.TASK}

Remark = tuple[Place, str]


def lint(file: CampaignFile, source: Source, campaign: Campaign, policy: Policy) -> Findings:
    """Look at one campaign as a whole."""
    days = [campaign.nominal[step.id] for step in file.step]
    errors = [
        *_impossible_filters(file),
        *_impossible_times(file, days),
        *_impossible_rules(campaign, file, policy),
        *_impossible_limits(file),
        *_unknown_expectations(file),
    ]
    warnings = [*_order(file), *_deadlines(file, days), *_too_many_tries(file, days, policy), *_without_effect(file)]
    return Findings(
        [source.problem(place, message) for place, message in errors],
        [source.problem(place, message) for place, message in warnings],
    )


def _impossible_filters(file: CampaignFile) -> Iterator[Remark]:
    yield from _impossible_amounts(("select",), file.select)
    for index, step in enumerate(file.step):
        place: Place = ("step", index, "select")
        yield from _impossible_amounts(place, step.select)
        for key in LISTS:
            ours, theirs = set(getattr(step.select, key)), set(getattr(file.select, key))
            if ours and theirs and not ours & theirs:
                yield (*place, key), f"lets nobody through: the campaign takes up only {', '.join(sorted(theirs))}"
        least, most = file.select.min_open, step.select.max_open
        if least and most and least.currency == most.currency and most < least:
            yield (*place, "max_open"), f"lets nobody through: the campaign takes up accounts from {least}"


def _impossible_amounts(place: Place, select: SelectTable) -> Iterator[Remark]:
    least, most = select.min_open, select.max_open
    if least and most and least.currency != most.currency:
        yield (*place, "max_open"), f"is in {most.currency}, min_open in {least.currency}; write both in one currency"
    elif least and most and most < least:
        yield (*place, "max_open"), f"is less than min_open ({least}); no account is both"
    for key, amount in (("min_open", least), ("max_open", most)):
        if amount and select.currencies and amount.currency not in select.currencies:
            yield (*place, key), f"is in {amount.currency}, which currencies leaves out"


def _impossible_times(file: CampaignFile, days: list[int]) -> Iterator[Remark]:
    for index, (step, day) in enumerate(zip(file.step, days, strict=True)):
        if day > LONGEST_DAYS:
            yield ("step", index, "after"), f"comes on day {day}, more than a hundred years late"
        if step.until is not None and step.until < max(day, file.select.min_days_due):
            first = max(day, file.select.min_days_due)
            yield ("step", index, "until"), f"is {step.until}, but the step comes on day {first} at the earliest: never"


def _impossible_rules(campaign: Campaign, file: CampaignFile, policy: Policy) -> Iterator[Remark]:
    for index, table in enumerate(file.step):
        step = campaign.step(table.id)
        if step is None:
            continue
        permitted = policy.windows.get(step.channel, ALWAYS)
        loud = policy.quiet.inverse() if policy.quiet else ALWAYS
        if step.windows and not any(step.windows.intersect(permitted).intersect(loud).days):
            yield ("step", index, "windows"), f'lie outside what preset "{policy.name}" and [limits] permit: never'


def _impossible_limits(file: CampaignFile) -> Iterator[Remark]:
    calls = [step.id for step in file.step if step.channel == "call"]
    for key in ("per_customer_per_day", "contacts_per_week", "calls_per_day", "calls_per_week"):
        if getattr(file.limits, key) == 0 and not key.startswith("calls"):
            yield ("limits", key), "is 0: nobody would ever be contacted"
        elif getattr(file.limits, key) == 0 and calls:
            yield ("limits", key), f'is 0, but step "{calls[0]}" is a call: never'


def expectations(file: CampaignFile) -> list[str]:
    """List what a test may expect."""
    return [NOTHING, *(step.id for step in file.step), *(step.otherwise for step in file.step if step.otherwise)]


def _unknown_expectations(file: CampaignFile) -> Iterator[Remark]:
    known = expectations(file)
    for index, test in enumerate(file.test):
        if test.expect not in known:
            hint = suggest(test.expect, known) or f'; write the id of a step, or "{NOTHING}"'
            yield ("test", index, "expect"), f'there is no step "{test.expect}"{hint}'


def _order(file: CampaignFile) -> Iterator[Remark]:
    highest: StepTable | None = None
    gone: StepTable | None = None
    for index, step in enumerate(file.step):
        if gone is not None:
            yield ("step", index), f'is never reached: step "{gone.id}" above it hands the case over'
        if step.day is not None:
            if highest is not None and step.day < (highest.day or 0):
                yield (
                    ("step", index, "day"),
                    f'is before step "{highest.id}" (day {highest.day}) above it; sort the steps',
                )
            else:
                highest = step
        if step.channel == "handover" and step.select == SelectTable():
            gone = step


def _deadlines(file: CampaignFile, days: list[int]) -> Iterator[Remark]:
    ends: tuple[int, str] | None = None
    for index, (step, day) in enumerate(zip(file.step, days, strict=True)):
        if step.channel == "letter" and step.deadline is None:
            yield ("step", index, "deadline"), 'is missing; a letter sets one, like "10 days"'
        if step.deadline is not None and not _SHORTEST_DEADLINE <= step.deadline <= _LONGEST_DEADLINE:
            yield ("step", index, "deadline"), f"is {step.deadline} days; usual and safe are 7 to 14 days"
        if step.channel == "call" and ends is not None and day < ends[0]:
            yield (
                ("step", index, "day" if step.after is None else "after"),
                f'calls on day {day}, before the deadline of "{ends[1]}" is over (day {ends[0]})',
            )
        if step.deadline is not None:
            ends = day + step.postage + step.deadline, step.id


def _too_many_tries(file: CampaignFile, days: list[int], policy: Policy) -> Iterator[Remark]:
    for index, (step, day) in enumerate(zip(file.step, days, strict=True)):
        later = [other for other in days[index + 1 :] if other > day]
        end = min([*later[:1], *([step.until + 1] if step.until is not None else [])], default=None)
        if end is None or step.attempts == 1:
            continue
        span = max(1, end - day)
        place: Place = ("step", index, "attempts")
        tightest = min(_caps(policy, Channel(step.channel)), key=lambda cap: _most(cap, span), default=None)
        if tightest is not None and _most(tightest, span) < step.attempts:
            most = f"at most {tightest.count} in {tightest.period.days} days, so {_most(tightest, span)}"
            yield place, f"{step.attempts} do not fit into the {span} days until day {end}: {most}"
        elif step.pause * (step.attempts - 1) > span * _DAY:
            yield place, f"{step.attempts} do not fit into the {span} days until day {end}: pause is too long"


def _caps(policy: Policy, channel: Channel) -> list[Cap]:
    return [cap for cap in policy.caps if channel in (cap.channels or _REACHING)]


def _most(cap: Cap, days: int) -> int:
    return cap.count * -(-days // max(1, cap.period.days))


def _without_effect(file: CampaignFile) -> Iterator[Remark]:
    for index, step in enumerate(file.step):
        for key in sorted(step.model_fields_set):
            if key in _CALLS_ONLY and step.channel != "call":
                yield ("step", index, key), f"has no effect on a step by {step.channel}; it is for calls"
            if key in _TASKS_ONLY and step.channel != "task":
                yield ("step", index, key), f"has no effect on a step by {step.channel}; it is for tasks"
            if key in _MESSAGES_ONLY and step.channel == "task":
                yield ("step", index, key), "has no effect on a task; it is for messages"
        if step.postage and step.channel != "letter":
            yield ("step", index, "postage"), f"has no effect on a step by {step.channel}; it is for letters"
        if step.fee is not None and step.channel not in CHARGING:
            yield ("step", index, "fee"), f"has no effect on a step by {step.channel}; it is for letters and e-mails"
        if step.claim != "invoices" and step.channel != "letter":
            yield ("step", index, "claim"), f"has no effect on a step by {step.channel}; it is for letters"
