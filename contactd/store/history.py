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
from contactd.store import suppressions
from contactd.store.asked import Asked
from contactd.store.raw import instant, maker, stored
from contactd.store.schema import attempt

# So many suppressions are read as a whole; of a longer list only those of the accounts at hand.
_SHORT_LIST = 50_000
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
        keys = {("account", str(customer)), ("email", email.lower()), ("number", phone), ("number", mobile)}
        return tuple(entry for key in sorted(keys) for entry in self.suppressed.get(key, ()))


class History:
    """Reads the history of accounts given as rows that begin with id, customer_id, email, phone and mobile.

    Without a campaign no try is read. The list of suppressions is read as a whole, once, if the accounts are `many`.
    """

    def __init__(self, connection: Connection, campaign: str | None, since: datetime, *, many: bool = False) -> None:
        self._connection = connection
        self._campaign = campaign
        self._since = since
        self._listed: dict[_Key, list[Suppression]] | None = None
        if many and suppressions.count(connection) <= _SHORT_LIST:
            self._listed = suppressions.everything(connection)

    def of(self, rows: Sequence[Sequence[Any]], eventful: Sequence[Sequence[Any]] | None = None) -> Known:
        """Read what stands against the accounts, and tries and contacts of all of them or of the eventful ones."""
        some = rows if eventful is None else eventful
        return Known(
            self._tries([row[0] for row in some]),
            self._contacts({row[1] for row in some}),
            self._suppressed(rows),
        )

    def _tries(self, account_ids: list[int]) -> dict[tuple[int, int], tuple[StepTry, ...]]:
        if self._campaign is None or not account_ids:
            return {}
        rows = _TRIES.rows(self._connection, ids=account_ids, campaign=self._campaign)
        found: dict[tuple[int, int], list[StepTry]] = defaultdict(list)
        for number, case, step, try_no, state, outcome, address, at, channel in rows:
            found[number, case].append(
                _make_try(step, try_no, state, outcome, instant(at), address, _CHANNELS[channel])
            )
        return {key: tuple(tries) for key, tries in found.items()}

    def _contacts(self, customers: set[int]) -> dict[int, tuple[PastContact, ...]]:
        if not customers:
            return {}
        # A conversation counts from its own time; the call began before it.
        since, earliest = map(stored(self._connection), (self._since, self._since - LONGEST_CALL))
        rows = _CONTACTS.rows(self._connection, customers=list(customers), since=since, earliest=earliest)
        found: dict[int, list[PastContact]] = defaultdict(list)
        for customer, name, began, spoke, address, number, outcome in rows:
            begun, spoken = instant(began), instant(spoke)
            if begun is not None and begun >= self._since:
                abandoned = outcome == "abandoned"
                found[customer].append(_make_contact(_CHANNELS[name], begun, address, number, False, abandoned))
            if spoken is not None and spoken >= self._since:
                found[customer].append(_make_contact(_CHANNELS[name], spoken, address, number, True, False))
        for contacts in found.values():
            if len(contacts) > 1:
                contacts.sort(key=_at)
        return {key: tuple(contacts) for key, contacts in found.items()}

    def _suppressed(self, rows: Sequence[Sequence[Any]]) -> dict[_Key, list[Suppression]]:
        if self._listed is not None:
            return self._listed
        keys: set[_Key] = set()
        for _, customer, email, phone, mobile, *_ in rows:
            keys |= {("account", str(customer)), ("email", email.lower()), ("number", phone), ("number", mobile)}
        return suppressions.for_addresses(self._connection, keys)


_TRIES = Asked(
    lambda among: sa.select(
        attempt.c.account_id, attempt.c.case_no, attempt.c.step, attempt.c.try_no, attempt.c.state, attempt.c.outcome,
        attempt.c.address, sa.func.coalesce(attempt.c.ended_at, attempt.c.sending_at, attempt.c.planned_at),
        attempt.c.channel,
    )
    .where(among(attempt.c.account_id, "ids"), attempt.c.campaign == sa.bindparam("campaign"))
    .order_by(attempt.c.account_id, attempt.c.planned_at, attempt.c.id)
)  # fmt: skip
_CONTACTS = Asked(
    lambda among: sa.select(
        attempt.c.customer_id, attempt.c.channel, attempt.c.sending_at, attempt.c.conversation_at, attempt.c.address,
        attempt.c.account_id, attempt.c.outcome,
    )
    .where(among(attempt.c.customer_id, "customers"), attempt.c.sending_at >= sa.bindparam("earliest"))
    .where(
        sa.or_(attempt.c.sending_at >= sa.bindparam("since"), attempt.c.conversation_at >= sa.bindparam("since")),
    )
)  # fmt: skip
