"""The rules once more, written differently: no memory, no next instant, only "is it forbidden at this very moment?".

The invariants hold the real rules against it; so it shares no function with them.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from contactd.domain.account import Channel, Facts, PastContact
from contactd.domain.calendar import Windows
from contactd.domain.policy import Cap, Policy, Proposal

NOBODY = (Channel.HANDOVER, Channel.TASK)  # is reached by these
ARRIVING = (Channel.EMAIL, Channel.SMS, Channel.CALL)


def permitted(facts: Facts, proposal: Proposal, policy: Policy, at: datetime) -> set[str]:
    """Collect the addresses that may be used at that moment."""
    return {
        address
        for address in own_addresses(facts, proposal)
        if proposal.address in ("", address) and not any(objections(facts, proposal, policy, at, address))
    }


def own_addresses(facts: Facts, proposal: Proposal) -> list[str]:
    """List what the account has for the channel, dead or alive."""
    account, channel = facts.account, proposal.channel
    if channel in NOBODY or (channel is Channel.LETTER and account.postal):
        return [""]
    if channel is Channel.EMAIL and account.email:
        return [account.email]
    phones = [getattr(account, kind) for kind in proposal.numbers]
    phones = [phone for phone in phones if phone and phone.number]
    if channel is Channel.CALL:
        return [phone.number for phone in phones]
    if channel is Channel.SMS:
        return [phone.number for phone in phones if phone.type != "fixed"]
    return []


def objections(facts: Facts, proposal: Proposal, policy: Policy, at: datetime, address: str) -> Iterator[bool]:
    """Say for each reason whether it stands against the contact."""
    yield facts.open <= 0 or proposal.paused
    yield bool(proposal.planned_at and facts.last_payment_at and not facts.last_payment_at < proposal.planned_at)
    if policy.payments_max_age is not None:
        yield facts.payments_as_of is None or facts.payments_as_of + policy.payments_max_age < at
    for stop in facts.suppressions:
        meant = stop.kind == "account" or (address != "" and stop.value.casefold() == address.casefold())
        meant = meant and (stop.kind != "email" or proposal.channel is Channel.EMAIL)
        meant = meant and (stop.kind != "number" or proposal.channel in (Channel.SMS, Channel.CALL))
        yield meant and stop.channel in (None, proposal.channel) and (stop.until is None or at < stop.until)
    if proposal.channel is Channel.CALL:
        yield left_alone(facts, policy, at, address)
    names = zones(facts, policy)
    yield not names
    for name in names:
        yield from local_objections(facts, proposal, policy, at.astimezone(ZoneInfo(name)), address)


def left_alone(facts: Facts, policy: Policy, at: datetime, address: str) -> bool:
    """Say whether whoever answered the last call to the number met nobody, and has to be left alone yet."""
    if not policy.lock_out:
        return False
    begun = [past for past in facts.contacts if past.channel is Channel.CALL and not past.conversation]
    begun = sorted((past for past in begun if past.address == address), key=lambda past: past.at)
    return bool(begun) and begun[-1].abandoned and at - begun[-1].at < policy.lock_out


def zones(facts: Facts, policy: Policy) -> set[str]:
    """Collect where the person may be."""
    account = facts.account
    phones = [phone for phone in (account.mobile, account.phone) if phone]
    known = {account.timezone} if account.timezone else {zone for phone in phones for zone in phone.zones}
    return (known or {policy.default_timezone}) - {""}


def local_objections(facts: Facts, proposal: Proposal, policy: Policy, local: datetime, address: str) -> Iterator[bool]:
    """Say for each reason that goes by the clock on the wall whether it stands against the contact."""
    today, channel = local.date(), proposal.channel
    if facts.hold:
        yield facts.hold.until is None or today <= facts.hold.until
    if policy.cool_down and not proposal.requested and channel in policy.cool_down_channels:
        for past in facts.contacts:
            days = (today - past.at.astimezone(local.tzinfo).date()).days
            mine = policy.cool_down_per == "customer" or past.account_id == facts.account.id
            yield past.conversation and mine and days < policy.cool_down
    for cap in () if proposal.requested else policy.caps:
        if channel in cap.channels or (not cap.channels and channel not in NOBODY):
            yield sum(counts(cap, past, facts, local, address) for past in facts.contacts) >= cap.count
    for windows in (policy.windows.get(channel), proposal.windows):
        yield windows is not None and not within(windows, local)
    yield policy.quiet is not None and channel in ARRIVING and within(policy.quiet, local)
    if channel in policy.closed:
        for name in (facts.account.country, facts.account.region, *proposal.holiday_regions):
            yield today in policy.holidays.get(name, frozenset[date]())


def counts(cap: Cap, past: PastContact, facts: Facts, local: datetime, address: str) -> bool:
    """Say whether a contact uses up some of the cap."""
    if past.conversation or past.channel in NOBODY or (cap.channels and past.channel not in cap.channels):
        return False
    if cap.per == "account" and past.account_id != facts.account.id:
        return False
    if cap.per == "address" and past.address != address:
        return False
    if cap.rolling:
        return local - past.at < cap.period
    return (local.date() - past.at.astimezone(local.tzinfo).date()) / timedelta(days=1) < cap.period / timedelta(days=1)


def within(windows: Windows, local: datetime) -> bool:
    """Say whether the wall clock stands within one of the day's windows."""
    seconds = (local.hour * 60 + local.minute) * 60 + local.second
    return any(start * 60 <= seconds < end * 60 for start, end in windows.days[local.isoweekday() - 1])
