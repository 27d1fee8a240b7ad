"""Accounts that are alike are decided alike: planning asks ladder and rules once for all of them.

Nothing is decided here. What an account is to ladder and rules is written down as one value, and two accounts with the
same value get the same answer; the names, addresses and amounts that only tell them apart are not part of it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterable
from datetime import datetime
from operator import attrgetter

from contactd.domain.account import Facts, Phone
from contactd.domain.campaign import Select
from contactd.domain.policy import Policy
from contactd.domain.rules import looks_back

_told = attrgetter(
    "creditor", "currency", "kind", "language", "timezone", "country", "region", "segment", "postal",
)  # fmt: skip


class Likeness:
    """What makes accounts alike under a policy, where nothing but these filters compares amounts."""

    __slots__ = ("_amounts", "_policy")

    def __init__(self, policy: Policy, filters: Iterable[Select]) -> None:
        bounds = (bound for one in filters for bound in (one.min_open, one.max_open) if bound)
        self._amounts = sorted({0, *(bound.minor for bound in bounds)})
        self._policy = policy

    def of(self, facts: Facts, at: datetime) -> Hashable | None:
        """Write it down for questions about `at` or later without `planned_at`; None: it is like no other.

        So is whoever climbed already, is on hold or suppressed, or was contacted in a way that may still count.
        """
        if facts.tries or facts.suppressions or facts.hold or looks_back(facts, self._policy, at):
            return None
        account, owed = facts.account, facts.open
        return (
            *_told(account),
            bool(account.email),
            _number(account.mobile),
            _number(account.phone),
            # Where it stands among the amounts: below, at or above each.
            bisect_left(self._amounts, owed) + bisect_right(self._amounts, owed),
            facts.oldest_due,
            facts.disputed,
            facts.payments_as_of,
        )


def _number(phone: Phone | None) -> Hashable:
    return phone and (bool(phone.number), phone.type, phone.zones)
