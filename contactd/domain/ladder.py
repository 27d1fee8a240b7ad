"""The ladder: which step of a campaign comes next for an account, and when.

Planner, `contactd why` and the campaign's tests ask here. The position follows from the facts alone: from what was
tried in the current case, the age of the oldest open invoice and the addresses. Nothing counts up, nothing is stored.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from operator import attrgetter

from contactd.domain.account import LASTING, Account, Channel, Facts, StepTry
from contactd.domain.address import addresses, usable, zone_names
from contactd.domain.arms import held_until, is_for
from contactd.domain.attempt import OPEN
from contactd.domain.calendar import find_zone, local_day, start_of_day
from contactd.domain.campaign import NEXT_NUMBER, Campaign, Select, Step
from contactd.domain.task import REACTION

# Outcomes that say that the address leads to nobody, or to somebody who wants nothing.
DEAD = frozenset({"undeliverable", "invalid", "wrong_number", "opted_out"})
# Not dead, but nobody was reached there for days: another way is taken, the address may be used again.
_UNREACHED = DEAD | {"unreachable"}
_STATES_OPEN = frozenset(state.value for state in OPEN)
_STATES_DONE = frozenset({"accepted", "delivered"})
_CALL_DONE = frozenset({"answered", ""})
_DAY = timedelta(days=1)
_TRY_NO = attrgetter("try_no")


@dataclass(frozen=True, slots=True)
class Due:
    """The step is to be begun; `address` names the number when a retry asks for another one."""

    step: Step
    try_no: int
    address: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The step comes next, at that instant (UTC); `when` None waits for something else than time: an open attempt.

    `step` None: the open attempt is one of a step that the campaign no longer has, or the customer is held out.
    """

    step: Step | None
    when: datetime | None
    why: str
    try_no: int = 1
    address: str = ""


@dataclass(frozen=True, slots=True)
class Finished:
    """There is nothing left to do."""

    why: str


@dataclass(frozen=True, slots=True)
class NotSelected:
    """The campaign is not for this account; `why` names the filter."""

    why: str


Position = Due | Waiting | Finished | NotSelected


def is_open(campaign: Campaign, one: StepTry) -> bool:
    """Say whether a try is still under way; a call that was taken, or a task that was opened, is not over by that."""
    if one.state != "accepted":
        return one.state in _STATES_OPEN
    step = campaign.step(one.step)
    return (one.channel or (step and step.channel)) in LASTING


def local_date(timezone: str, at: datetime) -> date:
    """Answer the date in a zone given by name, in UTC when there is no such zone."""
    return local_day(find_zone(timezone) or UTC, at)


def zone_of(account: Account, campaign: Campaign) -> tzinfo:
    """Choose the zone in which the ladder counts days: the account's, its first number's, the campaign's."""
    for name in (*zone_names(account), campaign.timezone):
        zone = find_zone(name)
        if zone is not None:
            return zone
    return UTC


def selects(select: Select, facts: Facts, today: date) -> bool:
    """Say whether the filters let the account through."""
    return unselected(select, facts, today) == ""


def unselected(select: Select, facts: Facts, today: date) -> str:
    """Name the first filter that holds the account back; empty when none does.

    An amount can only be compared in its own currency: with a least or greatest amount, other currencies stay out.
    """
    account = facts.account
    least, most = select.min_open, select.max_open
    if least is not None and (least.currency != account.currency or facts.open < least.minor):
        return "amount"
    if most is not None and (most.currency != account.currency or facts.open > most.minor):
        return "amount"
    if facts.oldest_due is not None and (today - facts.oldest_due).days < select.min_days_due:
        return "min_days_due"
    return _unlisted(select, account) or _uncounted(select, facts.customers)


def _uncounted(select: Select, customers: int | None) -> str:
    """Name the filter by how many customers the creditor has, where that was asked."""
    if customers is None:
        return ""
    if select.min_customers is not None and customers < select.min_customers:
        return "min_customers"
    return "max_customers" if select.max_customers is not None and customers > select.max_customers else ""


def _unlisted(select: Select, account: Account) -> str:
    # Spelt out: planning asks this a million times, and mostly nothing is filtered.
    if select.kinds and account.kind not in select.kinds:
        return "kinds"
    if select.segments and account.segment not in select.segments:
        return "segments"
    if select.creditors and account.creditor not in select.creditors:
        return "creditors"
    if select.countries and account.country not in select.countries:
        return "countries"
    if select.currencies and account.currency not in select.currencies:
        return "currencies"
    return "languages" if select.languages and account.language not in select.languages else ""


def next_step(campaign: Campaign, facts: Facts, at: datetime, zone: tzinfo | None = None) -> Position:
    """Answer which step is due at that time, or comes next and when; days are local dates of the account.

    Rungs are taken in order. A rung is passed over only when its filter, its `until` or a missing address says so, and
    none is returned to once a later one was begun.
    """
    zone = zone or zone_of(facts.account, campaign)
    today = local_day(zone, at)
    if facts.oldest_due is None or facts.open <= 0:
        return Finished("disputed" if facts.disputed else "nothing_open")
    why = unselected(campaign.select, facts, today)
    if why:
        return NotSelected(why)
    for one in facts.tries:
        if is_open(campaign, one):
            return Waiting(campaign.step(one.step), None, "attempt_open", one.try_no, one.address)
    if any(one.outcome == REACTION for one in facts.tries):
        return Finished(REACTION)
    until = held_until(campaign, facts.drawn)
    if until is not None and at < until:
        return Waiting(None, until, "held_out")
    return _Climb(campaign, facts, facts.oldest_due, at, zone, today).position()


def no_longer_due(campaign: Campaign, step: Step, try_no: int, facts: Facts, at: datetime) -> str:
    """Say why a try that was planned is not to be begun any more, empty when it is; it does not count itself.

    Where nothing is open, it is the rules that say so.
    """
    if facts.open <= 0:
        return ""
    today = local_day(zone_of(facts.account, campaign), at)
    if facts.oldest_due is None or facts.oldest_due >= today:
        return "not_due"
    if not (selects(campaign.select, facts, today) and selects(step.select, facts, today)):
        return "not_selected"
    return "too_late" if too_late(step, facts.oldest_due, today) else _overtaken(campaign, step, try_no, facts)


def _overtaken(campaign: Campaign, step: Step, try_no: int, facts: Facts) -> str:
    """Say what other try has come before the one that was planned."""
    tried = [one for one in facts.tries if one.state != "cancelled" and (one.step, one.try_no) != (step.id, try_no)]
    if any(is_open(campaign, one) for one in tried):
        return "attempt_open"
    if any(campaign.places.get(one.step, -1) > campaign.places[step.id] for one in tried):
        return "passed_over"
    return "already_done" if any(one.step == step.id and _is_done(step, one) for one in tried) else ""


def too_late(step: Step, oldest_due: date, day: date) -> bool:
    """Say whether the step's `until` is over on that day."""
    return step.until is not None and day > oldest_due + step.until * _DAY


class _Climb:
    """One walk up the ladder, rung by rung; a rung answers with the position, or with the place to go on at."""

    __slots__ = ("_at", "_at_once", "_campaign", "_done", "_facts", "_last", "_oldest_due", "_today", "_tries", "_zone")

    def __init__(
        self, campaign: Campaign, facts: Facts, oldest_due: date, at: datetime, zone: tzinfo, today: date
    ) -> None:
        self._campaign, self._facts, self._oldest_due = campaign, facts, oldest_due
        self._at, self._zone, self._today = at, zone, today
        self._done: dict[str, date] = {}  # by step: when it was done or passed over
        self._last: tuple[int, date] | None = None  # of the rung executed last: its day on schedule, its date
        self._tries: dict[str, list[StepTry]] = {}  # by step, without the cancelled ones
        self._at_once: datetime | None = None  # set by `otherwise` for the next rung: when it became due

    def position(self) -> Position:
        """Climb until a rung is due, or to be waited for, or the ladder ends."""
        steps, places = self._campaign.steps, self._campaign.places
        for one in self._facts.tries:
            if one.state != "cancelled" and one.step in places:
                self._tries.setdefault(one.step, []).append(one)
        reached, place = max((places[step] for step in self._tries), default=-1), 0
        while place < len(steps):
            at_once, self._at_once = self._at_once, None
            answer: Position | int
            if place < reached:
                answer = self._climbed(steps[place])
            elif place == reached:
                answer = self._begun(steps[place])
            else:
                answer = self._coming(steps[place], at_once)
            if not isinstance(answer, int):
                return answer
            place = max(answer, place + 1)
        return Finished("ladder_ended")

    def _climbed(self, step: Step) -> int:
        tries = self._tries.get(step.id)
        if tries:
            self._execute(step, max(tries, key=_TRY_NO))
        elif not step.stands_in:
            self._done[step.id] = self._due_on(step)
        return 0

    def _begun(self, step: Step) -> Position | int:
        tries = sorted(self._tries[step.id], key=_TRY_NO)
        last = tries[-1]
        self._execute(step, last)
        if any(_is_done(step, one) for one in tries) or self._filtered(step):
            return 0
        left = _numbers_left(self._facts, step, tries, self._at)
        if not left or (last.outcome in _UNREACHED and len(tries) >= step.attempts):
            return self._otherwise(step, last.at)
        if len(tries) >= step.attempts or _spent(step, last, tries):
            return 0
        when, address = _retry(self._facts, step, tries, left)
        if self._too_late(step, local_day(self._zone, when)):
            return 0
        return self._answer(step, when, "retry", address)

    def _coming(self, step: Step, at_once: datetime | None) -> Position | int:
        if step.stands_in and at_once is None:
            return 0
        day = local_day(self._zone, at_once) if at_once else self._due_on(step)
        self._done[step.id] = day
        if self._filtered(step) or self._too_late(step, day):
            return 0
        when = at_once or start_of_day(self._zone, day)
        if not usable(self._facts, step.channel, self._at, step.numbers):
            return self._otherwise(step, when)
        return self._answer(step, when, "not_due")

    def _answer(self, step: Step, when: datetime, why: str, address: str = "") -> Position:
        numbers = [one.try_no for one in self._facts.tries if one.step == step.id]
        try_no = max(numbers, default=0) + 1
        if self._at >= when:
            return Due(step, try_no, address)
        return Waiting(step, when, why, try_no, address)

    def _otherwise(self, step: Step, when: datetime) -> int:
        place = self._campaign.places.get(step.otherwise, 0)
        if place > self._campaign.places[step.id]:
            self._at_once = when
            return place
        return 0

    def _execute(self, step: Step, last: StepTry) -> None:
        day = local_day(self._zone, last.at)
        self._last = self._campaign.nominal[step.id], day
        self._done[step.id] = day

    def _due_on(self, step: Step) -> date:
        """Answer the day it is due: its own, but no closer to the rung executed before than the schedule has it."""
        if step.day is None:
            own = self._done.get(step.after, self._oldest_due) + step.after_days * _DAY
        else:
            own = self._oldest_due + step.day * _DAY
        if self._last is None:
            return own
        nominal, day = self._last
        return max(own, day + max(self._campaign.nominal[step.id] - nominal, 0) * _DAY)

    def _too_late(self, step: Step, day: date) -> bool:
        return too_late(step, self._oldest_due, max(day, self._today))

    def _filtered(self, step: Step) -> bool:
        if not is_for(step, self._facts.drawn):
            return True
        return step.id in self._campaign.filtered and not selects(step.select, self._facts, self._today)


def _is_done(step: Step, one: StepTry) -> bool:
    """Say whether nothing more is to be tried; a call only when somebody was spoken to."""
    return one.state in _STATES_DONE and (step.channel is not Channel.CALL or one.outcome in _CALL_DONE)


def _used(facts: Facts, step: Step, tries: list[StepTry]) -> set[str]:
    """List the addresses of the tries; where it is not known which, it was the one that comes first."""
    first = next(iter(addresses(facts.account, step.channel, step.numbers)), "")
    return {one.address or first for one in tries}


def _numbers_left(facts: Facts, step: Step, tries: list[StepTry], at: datetime) -> list[str]:
    """List the addresses that are neither suppressed nor proved dead by a try."""
    dead = _used(facts, step, [one for one in tries if one.outcome in DEAD])
    return [address for address in usable(facts, step.channel, at, step.numbers) if address not in dead]


def _spent(step: Step, last: StepTry, tries: list[StepTry]) -> bool:
    """Say whether no more tries may end as the last one did."""
    most = step.limits.get(last.outcome)
    return most is not None and sum(one.outcome == last.outcome for one in tries) >= most


def _retry(facts: Facts, step: Step, tries: list[StepTry], left: list[str]) -> tuple[datetime, str]:
    """Answer when to try again, and the number if it has to be another one."""
    last = tries[-1]
    wish = step.retry.get(last.outcome)
    if wish == NEXT_NUMBER or (wish is None and last.outcome in DEAD):
        tried = _used(facts, step, tries)
        fresh = [address for address in left if address not in tried]
        if fresh:
            return last.at, fresh[0]
    return last.at + (wish if isinstance(wish, timedelta) else step.pause), ""
