"""What happened to accounts before, for many of them at once: tries, contacts, suppressions; used by facts."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.account import Channel, PastContact, StepTry, Suppression
from contactd.domain.campaign import INBOUND
from contactd.domain.notice import CAMPAIGN as NOTICES
from contactd.store import suppressions
from contactd.store.among import Stated
from contactd.store.raw import instant, maker, stored
from contactd.store.schema import attempt

LONGEST_CALL = timedelta(days=1)

_CHANNELS = {channel.value: channel for channel in Channel}
_make_try = maker(StepTry)
_make_contact = maker(PastContact)
_at = attrgetter("at")

_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Known:
    """The history of one chunk of accounts."""

    tries: dict[tuple[int, int], tuple[StepTry, ...]]  # by account and case
    contacts: dict[int, tuple[PastContact, ...]]  # by customer
    suppressed: dict[_Key, list[Suppression]]

    def suppressions(self, customer: int, email: str, phone: str, mobile: str) -> tuple[Suppression, ...]:
        """List what stands against a debtor or one of his addresses."""
        if not self.suppressed:
            return ()
        keys = sorted(_keys(customer, email, phone, mobile))
        return tuple(entry for key in keys for entry in self.suppressed.get(key, ()))


def known(connection: Connection, campaign: str | None, since: datetime, rows: Sequence[Sequence[Any]]) -> Known:
    """Read the history of accounts given as rows that begin with id, customer_id, email, phone and mobile.

    Without a campaign no try is read.
    """
    if not rows:
        return Known({}, {}, {})
    keys: set[_Key] = set()
    for _, customer, email, phone, mobile, *_ in rows:
        keys |= _keys(customer, email, phone, mobile)
    return Known(
        _tries(connection, campaign, [row[0] for row in rows]) if campaign is not None else {},
        _contacts(connection, since, {row[1] for row in rows}),
        suppressions.for_addresses(connection, keys),
    )


def _keys(customer: int, email: str, phone: str, mobile: str) -> set[_Key]:
    return {("account", str(customer)), ("email", email), ("number", phone), ("number", mobile)}


def _tries(connection: Connection, campaign: str, account_ids: list[int]) -> dict[tuple[int, int], tuple[StepTry, ...]]:
    rows = _TRIES.rows(connection, keys=account_ids, campaign=campaign)
    found: dict[tuple[int, int], list[StepTry]] = defaultdict(list)
    for number, case, step, try_no, state, outcome, address, at, channel in rows:
        found[number, case].append(_make_try(step, try_no, state, outcome, instant(at), address, _CHANNELS[channel]))
    return {key: tuple(tries) for key, tries in found.items()}


def _contacts(connection: Connection, since: datetime, customers: set[int]) -> dict[int, tuple[PastContact, ...]]:
    # A conversation counts from its own time; the call began before it.
    first, earliest = map(stored(connection), (since, since - LONGEST_CALL))
    rows = _CONTACTS.rows(connection, customers=list(customers), since=first, earliest=earliest)
    found: dict[int, list[PastContact]] = defaultdict(list)
    for customer, name, began, spoke, address, number, outcome, step in rows:
        begun, spoken = instant(began), instant(spoke)
        # Whoever calls us was not contacted, and is spoken to all the same.
        if begun is not None and begun >= since and step != INBOUND:
            abandoned = outcome == "abandoned"
            found[customer].append(_make_contact(_CHANNELS[name], begun, address, number, False, abandoned))
        if spoken is not None and spoken >= since:
            found[customer].append(_make_contact(_CHANNELS[name], spoken, address, number, True, False))
    for contacts in found.values():
        if len(contacts) > 1:
            contacts.sort(key=_at)
    return {key: tuple(contacts) for key, contacts in found.items()}


# Somebody picked up, and it came to no talk with the customer: the agent says so, and it is tried again like no answer.
_ENDED = sa.case(
    (attempt.c.disposition == sa.literal_column("'dropped'"), sa.literal_column("'dropped'")),
    (attempt.c.disposition == sa.literal_column("'wrong_person'"), sa.literal_column("'wrong_number'")),
    else_=attempt.c.outcome,
)
_TRIES = Stated(
    lambda among: sa.select(
        attempt.c.account_id, attempt.c.case_no, attempt.c.step, attempt.c.try_no, attempt.c.state, _ENDED,
        attempt.c.address, sa.func.coalesce(attempt.c.ended_at, attempt.c.sending_at, attempt.c.planned_at),
        attempt.c.channel,
    )
    .where(among(attempt.c.account_id), attempt.c.campaign == sa.bindparam("campaign"))
    .where(attempt.c.step != sa.literal_column(f"'{INBOUND}'"))
    .order_by(attempt.c.account_id, attempt.c.planned_at, attempt.c.id)
)  # fmt: skip
_CONTACTS = Stated(
    lambda among: sa.select(
        attempt.c.customer_id, attempt.c.channel, attempt.c.sending_at, attempt.c.conversation_at, attempt.c.address,
        attempt.c.account_id, attempt.c.outcome, attempt.c.step,
    )
    .where(among(attempt.c.customer_id, "customers"), attempt.c.sending_at >= sa.bindparam("earliest"))
    # What was agreed is told because it was agreed, and counts for no limit.
    .where(attempt.c.campaign != sa.literal_column(f"'{NOTICES}'"))
    .where(
        sa.or_(attempt.c.sending_at >= sa.bindparam("since"), attempt.c.conversation_at >= sa.bindparam("since")),
    )
)  # fmt: skip
