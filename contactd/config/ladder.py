"""Makes a domain campaign of a campaign file: steps in order, implied steps, filters; load.py uses it.

What could never work is an error here; what is merely doubtful is left to `lints.py`.
"""

import math
from collections.abc import Iterator
from dataclasses import replace

from contactd.config.campaigns import CHARGING, OUTCOMES, CampaignFile, SelectTable, StepTable, parse_after
from contactd.config.findings import Findings, Source
from contactd.config.locate import Place
from contactd.config.values import format_ratio
from contactd.config.words import listed, suggest
from contactd.domain.account import Channel, Kind
from contactd.domain.calendar import parse_windows
from contactd.domain.campaign import AGENTLESS, INBOUND, Arm, Campaign, Select, Step
from contactd.domain.notice import CAMPAIGN as NOTICES
from contactd.domain.queueing import Order

MESSAGES = frozenset({Channel.EMAIL, Channel.SMS, Channel.LETTER})
_SAYING = frozenset(Channel) - {Channel.TASK}


def build(file: CampaignFile, source: Source, schedule: str) -> tuple[Campaign | None, Findings]:
    """Answer the campaign, or None and why not; `schedule` is for a campaign that names none."""
    findings = Findings()
    if file.id == NOTICES:
        text = f'"{NOTICES}" is what the log calls notices about agreements; choose another'
        findings.errors.append(source.problem(("id",), text))
    for index, step in enumerate(file.step):
        for key, message in _wrong(file, index, step):
            findings.errors.append(source.problem(("step", index, *((key,) if key else ())), message))
    findings.errors.extend(source.problem(place, message) for place, message in _wrong_arms(file))
    if findings.errors:
        return None, findings
    campaign = Campaign(
        id=file.id,
        steps=tuple(_steps(file)),
        language=file.language,
        timezone=file.timezone,
        holidays=file.holidays,
        schedule=file.schedule or schedule,
        select=_select(file.select),
        team=file.team,
        priority=file.priority,
        weight=file.weight,
        order=Order(file.order),
        arms=tuple(Arm(arm.id, arm.share, arm.hold_out) for arm in file.arm),
        arm_seed=file.arm_seed,
        hold_out_for=file.hold_out_for,
        approval=file.approval == "required",
        approve_within=file.approve_within,
    )
    return campaign, findings


def implied(step: StepTable, ids: set[str]) -> tuple[str, Channel] | None:
    """Read `otherwise = "TEMPLATE-CHANNEL"` of a step as template and channel; None when it means anything else."""
    template, dash, channel = step.otherwise.rpartition("-")
    if step.otherwise in ids or not dash or not template or channel not in _SAYING:
        return None
    return template, Channel(channel)


def _wrong(file: CampaignFile, index: int, step: StepTable) -> Iterator[tuple[str, str]]:
    """Name what is wrong with a step among its siblings: the key and what to do."""
    before = [other.id for other in file.step[:index]]
    ids = {other.id for other in file.step}
    if step.id in before:
        yield "id", f'"{step.id}" is already the id of step {before.index(step.id) + 1}; every step needs its own'
    if step.id == INBOUND:
        yield "id", f'"{INBOUND}" is what the log calls calls of customers; choose another'
    if step.day is not None and step.after is not None:
        yield "after", "stands beside day; keep one of the two"
    if step.day is None and step.after is None and step.id not in {other.otherwise for other in file.step}:
        yield "", 'has no time; write day = 14 or after = "<step> + 14 days", or name it in otherwise of another step'
    if step.after is not None:
        yield from _wrong_after(step, before, ids)
    if step.until is not None and step.day is not None and step.until < step.day:
        yield "until", f"{step.until} is before day {step.day}: the step could never begin; raise until or remove it"
    if step.otherwise:
        yield from _wrong_otherwise(step, [*before, *_implied_before(file, index)], ids)
    if step.channel in MESSAGES and not step.template:
        yield "template", f"is missing; a step by {step.channel} needs the name of a text"
    yield from _wrong_texts(step)
    if step.windows and step.channel in {"handover", "task"}:
        yield "windows", f"a {step.channel} reaches nobody, so it has no windows; remove them"


def _wrong_texts(step: StepTable) -> Iterator[tuple[str, str]]:
    if step.mode in AGENTLESS and not step.template:
        yield "template", f"is missing; a call in mode {step.mode} says the text templates/voice/TEMPLATE.LANGUAGE.txt"
    if step.identify and not step.personal:
        yield "personal", "is missing; a step that asks for the postcode tells the text voice/PERSONAL.LANGUAGE.txt"
    if step.personal and not step.identify:
        yield "personal", "would be told to anybody; write identify = true"
    if step.identify and step.mode != "ivr":
        yield "identify", f'is for mode "ivr"; a call in mode {step.mode} hears no keys, remove it'


def _wrong_after(step: StepTable, before: list[str], ids: set[str]) -> Iterator[tuple[str, str]]:
    name, _ = parse_after(step.after or "")
    if name == step.id:
        yield "after", f'"{name}" is this step itself; name an earlier one'
    elif name not in ids:
        hint = suggest(name, before) or f"; earlier steps: {listed(before) or 'none'}"
        yield "after", f'there is no step "{name}"{hint}'
    elif name not in before:
        yield "after", f'step "{name}" comes later; move it above this one, or name an earlier step'


def _wrong_otherwise(step: StepTable, before: list[str], ids: set[str]) -> Iterator[tuple[str, str]]:
    if step.otherwise == step.id:
        yield "otherwise", f'"{step.id}" is this step itself; name a later one'
    elif step.otherwise in before:
        yield "otherwise", f'step "{step.otherwise}" comes earlier; the ladder never goes down, name a later step'
    elif step.otherwise not in ids and implied(step, ids) is None:
        hint = suggest(step.otherwise, ids - {*before, step.id})
        like = f"{step.template or 'erinnerung'}-sms"
        hint = hint or f'; name a later step, or TEMPLATE-CHANNEL like "{like}"'
        yield "otherwise", f'there is no step "{step.otherwise}"{hint}'


def _implied_before(file: CampaignFile, index: int) -> list[str]:
    ids = {step.id for step in file.step}
    return [step.otherwise for step in file.step[:index] if implied(step, ids)]


def _wrong_arms(file: CampaignFile) -> Iterator[tuple[Place, str]]:
    """Name what is wrong with the comparison, and with whoever names its arms."""
    ids = [arm.id for arm in file.arm]
    for index, arm in enumerate(file.arm):
        if arm.id in ids[:index]:
            yield ("arm", index, "id"), f'"{arm.id}" is already the id of arm {ids.index(arm.id) + 1}'
    whole = sum(arm.share for arm in file.arm)
    if file.arm and not math.isclose(whole, 1):
        yield ("arm",), f"the shares make {format_ratio(whole)}; together they must be 100 %"
    if len(file.arm) == 1:
        yield ("arm",), "is the only one; a comparison needs two"
    named: list[tuple[Place, str]] = [
        (("step", index, "arms", place), arm)
        for index, step in enumerate(file.step)
        for place, arm in enumerate(step.arms)
    ]
    named += [(("test", index, "given", "arm"), test.given.arm) for index, test in enumerate(file.test)]
    for where, name in named:
        if name and name not in ids:
            yield where, f'there is no arm "{name}"{suggest(name, ids) or f"; arms: {listed(ids)}" if ids else ""}'


def _steps(file: CampaignFile) -> Iterator[Step]:
    ids = {step.id for step in file.step}
    for table in file.step:
        step = _step(table)
        yield step
        other = implied(table, ids)
        if other is not None:
            template, channel = other
            yield replace(
                step, id=table.otherwise, template=template, channel=channel, otherwise="", windows=None, fee=None,
                implied=True,
            )  # fmt: skip


def _step(table: StepTable) -> Step:
    after, after_days = parse_after(table.after) if table.after else ("", 0)
    return Step(
        id=table.id,
        channel=Channel(table.channel),
        day=table.day,
        after=after,
        after_days=after_days,
        until=table.until,
        otherwise=table.otherwise,
        attempts=table.attempts,
        pause=table.pause,
        retry={OUTCOMES[outcome]: delay for outcome, delay in table.retry.items()},
        select=_select(table.select),
        windows=parse_windows(list(table.windows)) if table.windows else None,
        template=table.template,
        deadline_days=table.deadline,
        postage_days=table.postage,
        claim=table.claim,
        fee=table.fee if table.channel in CHARGING else None,
        mode=table.mode,
        ratio=table.ratio,
        lines=table.lines,
        machine=table.machine,
        detect=table.detect,
        record=table.record,
        identify=table.identify,
        personal=table.personal,
        caller_id=table.caller_id,
        preview=table.preview,
        max_abandon=table.max_abandon,
        limits={OUTCOMES[outcome]: most for outcome, most in table.retry_limits.items()},
        numbers=table.numbers,
        approve=table.approve,
        arms=table.arms,
        task=table.kind if table.channel == "task" else "",
        owner=table.owner,
        within_days=table.within,
        text=table.text,
    )


def _select(table: SelectTable) -> Select:
    return Select(
        min_open=table.min_open,
        max_open=table.max_open,
        min_days_due=table.min_days_due,
        kinds=frozenset(Kind(kind) for kind in table.kinds),
        segments=frozenset(table.segments),
        creditors=frozenset(table.creditors),
        countries=frozenset(table.countries),
        currencies=frozenset(table.currencies),
        languages=frozenset(table.languages),
        min_customers=table.min_customers,
        max_customers=table.max_customers,
    )
