"""May this account be contacted this way now? The one set of rules for every channel and every asker.

Planner, gate, dialer and `contactd why` ask here; nobody else knows a window, a cap or a stop. Each rule answers for an
instant; `may_contact` puts the answers together, so that `NotBefore` names an instant at which all of them agree.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import partial
from typing import NamedTuple

from contactd.domain.account import Account, Channel, Facts, PastContact, Suppression
from contactd.domain.address import account_suppressions, addresses, is_dead, last_call, suppressions, zone_names
from contactd.domain.hours import Hours, begin_of_day, days_after, find_zones
from contactd.domain.policy import ALLOWED, Allowed, Cap, Never, NotBefore, Policy, Proposal, Reason, Verdict

REACHING = frozenset({Channel.EMAIL, Channel.SMS, Channel.CALL})  # they arrive at an hour of the day
_DAY = timedelta(days=1)
_FOREVER = datetime(9000, 1, 1, tzinfo=UTC)  # people write 9999-12-31 for an end that never comes
_REMEMBERED_HOURS = 4096
_WHEREVER = 3 * _DAY  # more than a local day may end later than a UTC one; saves looking at the local calendar


class Answer(NamedTuple):
    """What one rule says, for `contactd why`."""

    rule: str
    verdict: Verdict


def may_contact(facts: Facts, proposal: Proposal, policy: Policy, at: datetime) -> Verdict:
    """Answer whether the contact may begin at that time: the first rule that says never, else the time all agree on.

    `NotBefore` goes by the facts as they stand; that payments grow stale meanwhile is left to the next question.
    """
    return _decide(facts, proposal, policy, at.astimezone(UTC))[1]


def answers(facts: Facts, proposal: Proposal, policy: Policy, at: datetime) -> tuple[Answer, ...]:
    """Answer rule by rule, in the order in which they are asked, for the address that `may_contact` speaks of."""
    instant = at.astimezone(UTC)
    asked, _ = _decide(facts, proposal, policy, instant)
    return tuple(Answer(rule.name, rule.ask(asked)) for rule in _rules(policy, proposal.channel).all)


def silenced(facts: Facts, at: datetime) -> Reason | None:
    """Answer why the customer is not to be contacted in any way, for good; None: nothing forbids that."""
    verdict = _unless(tuple(one for one in account_suppressions(facts, Channel.LETTER, at) if one.channel is None), at)
    return verdict.reason if isinstance(verdict, Never) else None


def least_contacts(policy: Policy) -> int | None:
    """Tell how many earlier contacts there must be to matter; None: no number of them does.

    With fewer, none of them a conversation or abandoned, the rules answer as if there were none.
    """
    return min((cap.count for cap in policy.caps if cap.count > 0), default=None)


# ---- putting the answers together ----------------------------------------------------------------------------------


class _Asked:
    """A question with everything the rules look at; `address` None when the account has none for the channel."""

    __slots__ = ("address", "at", "facts", "hours", "is_open", "known", "policy", "proposal", "zones")

    def __init__(self, facts: Facts, proposal: Proposal, policy: Policy, at: datetime, address: str | None) -> None:
        self.facts, self.proposal, self.policy, self.at, self.address = facts, proposal, policy, at, address
        zones = find_zones(zone_names(facts.account) or (policy.default_timezone,))
        self.known = bool(zones)
        self.zones: tuple[tzinfo, ...] = zones or (UTC,)  # a stand-in, so that every rule has an answer
        self.hours = _hours(policy, proposal, facts.account, self.zones)
        self.is_open = self.hours.timetable.open_at(at)


class Rule(NamedTuple):
    """One rule: its name for `contactd why`, and how to ask it."""

    name: str
    ask: Callable[[_Asked], Verdict]


class _Rules(NamedTuple):
    """The rules that concern a channel; those about hours need not be asked when it is open."""

    when_open: tuple[Rule, ...]
    all: tuple[Rule, ...]


def _decide(facts: Facts, proposal: Proposal, policy: Policy, at: datetime) -> tuple[_Asked, Verdict]:
    judged: list[tuple[_Asked, Verdict]] = []
    for address in _candidates(facts, proposal, policy, at):
        asked = _Asked(facts, proposal, policy, at, address)
        verdict = _judge(asked)
        if type(verdict) is Allowed:
            return asked, verdict
        judged.append((asked, verdict))
    return min(judged, key=lambda pair: pair[1].when if isinstance(pair[1], NotBefore) else _FOREVER)


def _candidates(facts: Facts, proposal: Proposal, policy: Policy, at: datetime) -> tuple[str | None, ...]:
    """List the addresses to be asked about; only those for which the answers may differ."""
    channel = proposal.channel
    known = addresses(facts.account, channel, proposal.numbers)
    if proposal.address:
        known = tuple(address for address in known if address == proposal.address)
    if len(known) > 1:
        # A dead first number must not keep the second one from being asked about.
        alive = tuple(address for address in known if not is_dead(facts, channel, address, at))
        alike = not facts.suppressions and all(cap.per != "address" for cap in policy.caps)
        alike = alike and not (policy.lock_out and channel is Channel.CALL)
        known = known[:1] if alike else alive or known[:1]
    return known or (None,)


def _judge(asked: _Asked) -> Verdict:
    when, reason = asked.at, None
    rules = _rules(asked.policy, asked.proposal.channel)
    for rule in rules.when_open if asked.is_open else rules.all:
        verdict = rule.ask(asked)
        if verdict is ALLOWED:
            continue
        if isinstance(verdict, Never):
            return verdict
        if isinstance(verdict, NotBefore) and verdict.when > when:
            when, reason = verdict.when, verdict.reason
    if reason is None:
        return Allowed(asked.address or "")
    # What the other rules ask for is one instant each, the last of which is `when`; only the hours come and go.
    return NotBefore(when, reason) if asked.hours.timetable.open_at(when) else _when_open(asked.hours, when, reason)


def _when_open(hours: Hours, at: datetime, reason: Reason) -> Verdict:
    when = hours.timetable.next_open(at)
    return Never(reason) if when is None else NotBefore(when, reason)


def _rules(policy: Policy, channel: Channel) -> _Rules:
    found = policy.memory.rules.get(channel)
    if found is None:
        caps = tuple(
            Rule(
                _cap_name(cap),
                partial(_cap, cap, tuple(cap.channels) or _CONTACTS, _CAP_REASONS.get(cap.period, Reason.CAP)),
            )
            for cap in policy.caps
            if channel in (cap.channels or _CONTACTS)
        )
        cool_down = _COOL_DOWN if policy.cool_down and channel in policy.cool_down_channels else ()
        lock_out = _LOCK_OUT if policy.lock_out and channel is Channel.CALL else ()
        when_open = (*_FIRST, *cool_down, *lock_out, *caps)
        found = policy.memory.rules[channel] = _Rules(when_open, (*when_open, *_HOURS))
    return found


def _hours(policy: Policy, proposal: Proposal, account: Account, zones: tuple[tzinfo, ...]) -> Hours:
    """Look up the hours that concern the account."""
    channel, remembered = proposal.channel, policy.memory.hours
    names = (account.country, account.region, *proposal.holiday_regions)
    if (found := remembered.get(key := (channel, proposal.windows, zones, names))) is not None:
        return found
    if len(remembered) >= _REMEMBERED_HOURS:
        remembered.clear()
    windows = [one for one in (policy.windows.get(channel), proposal.windows) if one is not None]
    resting = names if channel in policy.closed else ()
    closed = frozenset(day for name in resting for day in policy.holidays.get(name, ()))
    remembered[key] = Hours.of(zones, windows, policy.quiet if channel in REACHING else None, closed)
    return remembered[key]


# ---- the rules -----------------------------------------------------------------------------------------------------


def _until(free: datetime, reason: Reason, at: datetime) -> Verdict:
    if at >= free:
        return ALLOWED
    return Never(reason) if free >= _FOREVER else NotBefore(free, reason)


def _something_open(asked: _Asked) -> Verdict:
    if asked.facts.open > 0 or asked.proposal.agreed:
        return ALLOWED
    return Never(Reason.DISPUTED if asked.facts.disputed else Reason.NOTHING_OPEN)


def _no_payment_since_planning(asked: _Asked) -> Verdict:
    planned, paid = asked.proposal.planned_at, asked.facts.last_payment_at
    return Never(Reason.PAID_SINCE_PLANNING) if planned and paid and paid >= planned else ALLOWED


def _payments_fresh(asked: _Asked) -> Verdict:
    oldest, known = asked.policy.payments_max_age, asked.facts.payments_as_of
    if oldest is None or (known is not None and asked.at - known <= oldest):
        return ALLOWED
    return Never(Reason.PAYMENTS_STALE)


def _not_paused(asked: _Asked) -> Verdict:
    return Never(Reason.PAUSED) if asked.proposal.paused else ALLOWED


def _account_not_stopped(asked: _Asked) -> Verdict:
    return _unless(account_suppressions(asked.facts, asked.proposal.channel, asked.at), asked.at)


def _address_usable(asked: _Asked) -> Verdict:
    if asked.address is None:
        return Never(Reason.NO_ADDRESS)
    return _unless(suppressions(asked.facts, asked.proposal.channel, asked.address, asked.at), asked.at)


def _unless(suppressed: tuple[Suppression, ...], at: datetime) -> Verdict:
    if not suppressed:
        return ALLOWED
    last = max(suppressed, key=_weight)
    return _until(last.until or _FOREVER, _SUPPRESSION_REASONS.get(last.reason, Reason.SUPPRESSED), at)


def _weight(one: Suppression) -> tuple[datetime, int]:
    """Order what stands against a contact: the last to end, and of several for good the gravest."""
    return min(one.until or _FOREVER, _FOREVER), _GRAVE.get(one.reason, 0)


def _timezone_known(asked: _Asked) -> Verdict:
    return ALLOWED if asked.known else Never(Reason.UNKNOWN_TIMEZONE)


def _not_on_hold(asked: _Asked) -> Verdict:
    hold = asked.facts.hold
    if hold is None or asked.proposal.agreed:
        return ALLOWED
    until = min(hold.until or date.max, _FOREVER.date())
    return _until(begin_of_day(asked.zones, until + _DAY), Reason.ON_HOLD, asked.at)


def _cooled_down(asked: _Asked) -> Verdict:
    if asked.proposal.requested:
        return ALLOWED
    spoken = [past.at for past in _concerning(asked.policy.cool_down_per, asked) if past.conversation]
    if not spoken:
        return ALLOWED
    return _until(days_after(asked.zones, max(spoken), asked.policy.cool_down), Reason.COOL_DOWN, asked.at)


def _not_abandoned(asked: _Asked) -> Verdict:
    last = last_call(asked.facts, asked.address or "")
    if last is None or not last.abandoned:
        return ALLOWED
    return _until(last.at + asked.policy.lock_out, Reason.LOCK_OUT, asked.at)


def _cap(cap: Cap, channels: tuple[Channel, ...], reason: Reason, asked: _Asked) -> Verdict:
    if asked.proposal.requested:
        return ALLOWED
    if cap.count <= 0:
        return Never(reason)
    if len(asked.facts.contacts) < cap.count:
        return ALLOWED
    begun = [past.at for past in _concerning(cap.per, asked) if past.channel in channels and not past.conversation]
    if len(begun) < cap.count:
        return ALLOWED
    last = sorted(begun)[-cap.count]  # when this one no longer counts, there is room
    if asked.at - last > cap.period + _WHEREVER:
        return ALLOWED
    free = last + cap.period if cap.rolling else days_after(asked.zones, last, -(-cap.period // _DAY))
    return _until(free, reason, asked.at)


def _concerning(per: str, asked: _Asked) -> Sequence[PastContact]:
    contacts = asked.facts.contacts
    if per == "account":
        mine = (0, asked.facts.account.id)  # 0: not known whose, so everybody's
        return [past for past in contacts if past.account_id in mine]
    if per == "address":
        address = (asked.address or "").lower()
        return [past for past in contacts if past.address.lower() == address]
    return contacts


def _cap_name(cap: Cap) -> str:
    what = "/".join(sorted(cap.channels)) or "contacts"
    return f"at most {cap.count} {what} in {cap.period / _DAY:g} days per {cap.per}"


def _within(permits: Callable[[Hours, datetime], bool], reason: Reason, asked: _Asked) -> Verdict:
    if asked.is_open or permits(asked.hours, asked.at):
        return ALLOWED
    # The next time at which nothing is in the way, so that the answer holds whatever else is closed until then.
    return _when_open(asked.hours, asked.at, reason)


_CONTACTS = tuple(channel for channel in Channel if channel not in {Channel.HANDOVER, Channel.TASK})
_CAP_REASONS = {_DAY: Reason.DAY_CAP, 7 * _DAY: Reason.WEEK_CAP}
_SUPPRESSION_REASONS = {
    "stop": Reason.STOPPED,
    "represented": Reason.REPRESENTED,
    "insolvency": Reason.INSOLVENCY,
    "deceased": Reason.DECEASED,
    "opted_out": Reason.OPTED_OUT,
    "undeliverable": Reason.UNDELIVERABLE,
    "wrong_number": Reason.UNDELIVERABLE,
}
_GRAVE = {"represented": 1, "insolvency": 2, "deceased": 3}  # somebody else speaks for them then
_FIRST = (
    Rule("something open", _something_open),
    Rule("account not stopped", _account_not_stopped),
    Rule("no payment since planning", _no_payment_since_planning),
    Rule("payments fresh", _payments_fresh),
    Rule("not paused", _not_paused),
    Rule("address usable", _address_usable),
    Rule("time zone known", _timezone_known),
    Rule("not on hold", _not_on_hold),
)
_COOL_DOWN = (Rule("cooled down", _cooled_down),)
_LOCK_OUT = (Rule("not abandoned lately", _not_abandoned),)
_HOURS = (
    Rule("call windows", partial(_within, Hours.in_window, Reason.OUTSIDE_WINDOW)),
    Rule("no quiet hours", partial(_within, Hours.is_loud, Reason.QUIET_HOURS)),
    Rule("no public holiday", partial(_within, Hours.is_working_day, Reason.HOLIDAY)),
)
