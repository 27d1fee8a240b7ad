"""Which address a channel may use: the account's own ones in order of preference, without those that are suppressed.

For the rules and the ladder; a suppressed address is the same thing for both.
"""

from datetime import datetime

from contactd.domain.account import Account, Channel, Facts, PastContact, Suppression

NO_NEED = ""  # of a letter, a hand-over or a task: nothing the channel dials or sends to
NUMBERS = ("mobile", "phone")
_SMS_TYPES = frozenset({"mobile", "unknown"})


def addresses(account: Account, channel: Channel, numbers: tuple[str, ...] = NUMBERS) -> tuple[str, ...]:
    """List the account's addresses for the channel, the preferred one first; `NO_NEED` for paper.

    `numbers` are the kinds that may be called, in their order.
    """
    if channel is Channel.EMAIL:
        return (account.email,) if account.email else ()
    if channel is Channel.LETTER:
        return (NO_NEED,) if account.postal else ()
    if channel in {Channel.HANDOVER, Channel.TASK}:
        return (NO_NEED,)
    by_kind = {"mobile": account.mobile, "phone": account.phone}
    known = [phone for kind in numbers if (phone := by_kind[kind]) is not None and phone.number]
    if channel is Channel.SMS:
        known = [phone for phone in known if phone.type in _SMS_TYPES]
    return tuple(dict.fromkeys(phone.number for phone in known))


def suppressions(facts: Facts, channel: Channel, address: str, at: datetime) -> tuple[Suppression, ...]:
    """List what stands against the address at that time; those of the account as a whole are not among them."""
    if not facts.suppressions:
        return ()
    kind, wanted = ("email", address.lower()) if channel is Channel.EMAIL else ("number", address)
    return tuple(
        one
        for one in facts.suppressions
        if one.kind == kind and _concerns(one, channel, at) and _plain(one) == wanted and wanted
    )


def account_suppressions(facts: Facts, channel: Channel, at: datetime) -> tuple[Suppression, ...]:
    """List what stands against the account as a whole at that time; Facts carry those of this customer only."""
    return tuple(one for one in facts.suppressions if one.kind == "account" and _concerns(one, channel, at))


def is_dead(facts: Facts, channel: Channel, address: str, at: datetime) -> bool:
    """Say whether the address is suppressed for good."""
    return any(one.until is None for one in suppressions(facts, channel, address, at))


def usable(facts: Facts, channel: Channel, at: datetime, numbers: tuple[str, ...] = NUMBERS) -> tuple[str, ...]:
    """List the addresses that are not suppressed for good; none either when the person refused the channel itself."""
    if not facts.suppressions:
        return addresses(facts.account, channel, numbers)
    if any(one.until is None and one.channel is not None for one in account_suppressions(facts, channel, at)):
        return ()
    return tuple(one for one in addresses(facts.account, channel, numbers) if not is_dead(facts, channel, one, at))


def last_call(facts: Facts, number: str) -> PastContact | None:
    """Find the newest call to a number, as far as contacts are known."""
    calls = [one for one in facts.contacts if one.channel is Channel.CALL and one.address == number]
    return max((one for one in calls if not one.conversation), key=lambda one: one.at, default=None)


def zone_names(account: Account) -> tuple[str, ...]:
    """List the zones the person may be in: the account's own, otherwise those of all its numbers.

    All of them, not just the number's that is dialled: where they conflict, a permitted time is one that is permitted
    everywhere (12 CFR 1006.6(b)(1), official interpretation).
    """
    if account.timezone:
        return (account.timezone,)
    zones = (*(account.mobile.zones if account.mobile else ()), *(account.phone.zones if account.phone else ()))
    return tuple(dict.fromkeys(zones)) if len(zones) > 1 else zones


def _concerns(one: Suppression, channel: Channel, at: datetime) -> bool:
    return (one.channel is None or one.channel is channel) and (one.until is None or one.until > at)


def _plain(one: Suppression) -> str:
    return one.value.lower() if one.kind == "email" else one.value
