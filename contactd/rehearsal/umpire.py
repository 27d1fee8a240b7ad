"""Judges every contact of a simulated year against the rules, by a reading of its own; for the audit.

It is told what contactd was told, and when. It asks neither domain/rules.py nor the gate: the hours, the holidays, the
caps and the rest are worked out here once more, slowly and by counting.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from contactd.config.holidays import regions
from contactd.config.settings import Settings
from contactd.domain.account import Channel
from contactd.domain.agreement import Agreement, Kind
from contactd.domain.calendar import Windows
from contactd.domain.notice import CAMPAIGN as NOTICES
from contactd.domain.policy import Cap

_DAY = timedelta(days=1)
_HOUR = 60
# What tells of an agreement is asked for: it goes out while the ladder rests, and no limit holds it.
_OF_NOTICES = {"within the hours of call and step", "not after a stop", "no step twice"}
_DONE = frozenset({"accepted", "delivered"})
Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact that was begun, as the attempts have it; `spoken_at` when a person was spoken to."""

    attempt: int
    owner: str
    campaign: str
    step: str
    channel: Channel
    at: datetime
    case_no: int
    try_no: int
    state: str
    address: str = ""
    spoken_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that a contact broke."""

    rule: str
    contact: Contact
    why: str

    def __str__(self) -> str:
        """Say it to a person."""
        one = self.contact
        return f"{self.rule}: account {one.owner}, {one.step} by {one.channel} at {one.at.isoformat()}: {self.why}"


@dataclass(slots=True)
class _Known:
    """What contactd was told of one customer: instants with what was open from then on, money, promises, stops."""

    at: list[datetime] = field(default_factory=list)
    owed: list[int] = field(default_factory=list)
    money: list[tuple[datetime, date, int]] = field(default_factory=list)
    agreed: list[tuple[datetime, Agreement]] = field(default_factory=list)
    stopped: datetime | None = None


class Umpire:
    """Told of facts while the year goes on, asked about contacts in the end."""

    def __init__(self, settings: Settings, people: Mapping[str, Row], holidays: frozenset[date]) -> None:
        """Take who lives where, and the holidays of the office."""
        self._settings, self._people, self._holidays = settings, people, holidays
        self._known: dict[str, _Known] = defaultdict(_Known)
        self._fresh: list[datetime] = []

    # ---- told --------------------------------------------------------------------------------------------------------

    def owes(self, owner: str, at: datetime, amount: int) -> None:
        """Hear what somebody owes from now on, without what is disputed."""
        known = self._known[owner]
        if not known.owed or known.owed[-1] != amount:
            known.at.append(at)
            known.owed.append(amount)

    def money(self, owner: str, at: datetime, value_on: date, amount: int) -> None:
        """Hear that money came in, or went back."""
        self._known[owner].money.append((at, value_on, amount))

    def agreed(self, owner: str, at: datetime, agreement: Agreement) -> None:
        """Hear of an agreement."""
        self._known[owner].agreed.append((at, agreement))

    def stopped(self, owner: str, at: datetime) -> None:
        """Hear that somebody wants no contact."""
        self._known[owner].stopped = at

    def payments_known(self, at: datetime) -> None:
        """Hear that all payments up to now were told."""
        self._fresh.append(at)

    # ---- asked -------------------------------------------------------------------------------------------------------

    def judge(self, contacts: Sequence[Contact]) -> tuple[dict[str, int], list[Broken]]:
        """Count how often each rule was asked, and list what was broken."""
        rules = {
            "within the hours of call and step": self._hours,
            "not on a holiday": self._holiday,
            "no more than a day or week allows": self._caps,
            "rest after a conversation": self._cool_down,
            "only while something is open": self._paid,
            "not while an agreement is kept": self._agreement,
            "not after a stop": self._stop,
            "payments were known": self._stale,
            "no step twice": self._twice,
            "no step of another campaign": self._selected,
        }
        counts, broken = dict.fromkeys(rules, 0), []
        mine: dict[tuple[str, bool], list[Contact]] = defaultdict(list)
        for one in contacts:
            mine[one.owner, one.campaign == NOTICES].append(one)
        for (_, are_notices), every in mine.items():
            for rule, ask in rules.items():
                if are_notices and rule not in _OF_NOTICES:
                    continue
                counts[rule] += len(every)
                broken += [Broken(rule, one, why) for one in every if (why := ask(one, every))]
        return counts, broken

    def _zone(self, one: Contact) -> ZoneInfo:
        return ZoneInfo(self._people[one.owner]["timezone"])

    def _hours(self, one: Contact, every: Sequence[Contact]) -> str:
        del every
        steps = [step for known in self._settings.campaigns if known.id == one.campaign for step in known.steps]
        policy = self._settings.policies[one.campaign]
        local = one.at.astimezone(self._zone(one))
        own = next((step.windows for step in steps if step.id == one.step), None)
        for windows in (policy.windows.get(one.channel), own):
            if windows is not None and not _inside(windows, local):
                return f"it is {local:%a %H:%M} there"
        reaches = one.channel in {Channel.EMAIL, Channel.SMS, Channel.CALL}
        if reaches and policy.quiet is not None and _inside(policy.quiet, local):
            return f"it is {local:%a %H:%M} there, which is quiet"
        return ""

    def _holiday(self, one: Contact, every: Sequence[Contact]) -> str:
        del every
        policy = self._settings.policies[one.campaign]
        if one.channel not in policy.closed:
            return ""
        campaign = next(known for known in self._settings.campaigns if known.id == one.campaign)
        day, row = one.at.astimezone(self._zone(one)).date(), self._people[one.owner]
        for place in (row["country"], row["region"], *campaign.holidays):
            if place and day in regions([place], [day.year])[place]:
                return f"{day} is a holiday in {place}"
        return ""

    def _caps(self, one: Contact, every: Sequence[Contact]) -> str:
        for cap in self._settings.policies[one.campaign].caps:
            if one.channel is Channel.TASK or (cap.channels and one.channel not in cap.channels):
                continue  # a task is a word to our own people
            number = sum(self._counts(cap, one, other) for other in every)
            if number > cap.count:
                return f"{number} contacts in {cap.period.days} days, {cap.count} are allowed"
        return ""

    def _counts(self, cap: Cap, one: Contact, other: Contact) -> bool:
        """Tell whether another contact, or this one, counts for a cap at the time of this one."""
        if other.channel is Channel.TASK or (cap.channels and other.channel not in cap.channels):
            return False
        if cap.per == "address" and other.address.lower() != one.address.lower():
            return False
        if (other.at, other.attempt) > (one.at, one.attempt):
            return False
        if cap.rolling:
            return one.at - other.at < cap.period
        zone = self._zone(one)
        days = (one.at.astimezone(zone).date() - other.at.astimezone(zone).date()).days
        return days < -(-cap.period // _DAY)

    def _cool_down(self, one: Contact, every: Sequence[Contact]) -> str:
        policy = self._settings.policies[one.campaign]
        if not policy.cool_down or one.channel not in policy.cool_down_channels:
            return ""
        zone = self._zone(one)
        for other in every:
            if other.spoken_at is not None and other.spoken_at < one.at:
                days = (one.at.astimezone(zone).date() - other.spoken_at.astimezone(zone).date()).days
                if days < policy.cool_down:
                    return f"spoken to {days} days before"
        return ""

    def _paid(self, one: Contact, every: Sequence[Contact]) -> str:
        del every
        known = self._known[one.owner]
        place = bisect_right(known.at, one.at) - 1
        owed = known.owed[place] if place >= 0 else 0
        return "" if owed > 0 else "nothing was open, or all of it disputed"

    def _stop(self, one: Contact, every: Sequence[Contact]) -> str:
        del every
        stopped = self._known[one.owner].stopped
        return f"stopped at {stopped.isoformat()}" if stopped is not None and stopped <= one.at else ""

    def _stale(self, one: Contact, every: Sequence[Contact]) -> str:
        del every
        oldest = self._settings.policies[one.campaign].payments_max_age
        place = bisect_right(self._fresh, one.at) - 1
        if oldest is None:
            return ""
        last = self._fresh[place] if place >= 0 else None
        return "" if last is not None and one.at - last <= oldest else f"payments were known up to {last}"

    def _twice(self, one: Contact, every: Sequence[Contact]) -> str:
        for other in every:
            alike = (other.campaign, other.step, other.case_no) == (one.campaign, one.step, one.case_no)
            if other.attempt >= one.attempt or not alike:
                continue
            if other.try_no == one.try_no:
                return f"attempt {other.attempt} was the same try"
            if one.channel is not Channel.CALL and other.state in _DONE:
                return f"attempt {other.attempt} had reached them"
        return ""

    def _selected(self, one: Contact, every: Sequence[Contact]) -> str:
        del every
        row = self._people[one.owner]
        campaign = next(known for known in self._settings.campaigns if known.id == one.campaign)
        select = campaign.select
        for wanted, has in (
            ({str(kind) for kind in select.kinds}, row["kind"]),
            (set(select.languages), row["language"]),
            (set(select.creditors), row["creditor"]),
            (set(select.countries), row["country"]),
            (set(select.segments), row["segment"]),
        ):
            if wanted and has not in wanted:
                return f"{campaign.id} is not for {has}"
        return ""

    # ---- agreements --------------------------------------------------------------------------------------------------

    def _agreement(self, one: Contact, every: Sequence[Contact]) -> str:
        del every
        known = self._known[one.owner]
        for place, (made_at, agreement) in enumerate(known.agreed):
            later = [at for at, _ in known.agreed[place + 1 :] if at <= one.at]
            if made_at <= one.at and not later and self._rests(agreement, made_at, one, known):
                return f"a {agreement.kind} of {made_at.date()} is being kept"
        return ""

    def _rests(self, agreed: Agreement, made_at: datetime, one: Contact, known: _Known) -> bool:
        """Work out whether an agreement was being kept: nothing is late, and not all of it is there."""
        today = one.at.astimezone(ZoneInfo(self._settings.claims.timezone)).date()
        if agreed.kind is Kind.DISPUTE:
            return False
        if not agreed.parts:
            return agreed.until is None or today <= agreed.until
        # Money that was there by then keeps nothing, but leaves less to pay: how much less, the creditor's books say.
        heard = [(on, amount) for at, on, amount in known.money if made_at < at <= one.at]
        made_on = made_at.astimezone(ZoneInfo(self._settings.claims.timezone)).date()
        new = [(on, amount) for on, amount in heard if on >= made_on or agreed.kind is Kind.SAYS_PAID]
        return self._is_kept_up(agreed, heard, today) and self._is_kept_up(agreed, new, today)

    def _is_kept_up(self, agreed: Agreement, heard: Sequence[tuple[date, int]], today: date) -> bool:
        """Work out whether nothing is late with this money, and not all of it is there."""
        if sum(amount for _, amount in heard) >= agreed.amount:
            return False
        owed = 0
        for part in agreed.parts:
            owed += part.amount
            last = part.last_day if agreed.kind is Kind.SAYS_PAID else self._last_day(part.due_on)
            came = sum(amount for on, amount in heard if on <= last)
            if today > last and came < owed:
                return False
        return True

    def _last_day(self, due: date) -> date:
        """Count the banking days of grace."""
        left, day = self._settings.agreements.grace, due
        while self._rest_day(day):
            day += _DAY
        while left:
            day += _DAY
            left -= not self._rest_day(day)
        return day

    def _rest_day(self, day: date) -> bool:
        return day.isoweekday() > 5 or day in self._holidays  # noqa: PLR2004 - Friday


def _inside(windows: Windows, local: datetime) -> bool:
    minute = local.hour * _HOUR + local.minute
    return any(start <= minute < end for start, end in windows.days[local.isoweekday() - 1])
