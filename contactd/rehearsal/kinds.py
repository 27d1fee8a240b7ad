"""How often each kind of thing happened in a simulated year, the rare ones too; what never happened is told with 0."""

from collections import Counter
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.account import Channel
from contactd.domain.agreement import Kind, State
from contactd.store.schema import account, agreement, attempt, payment, suppression
from contactd.store.schema_notices import notice

if TYPE_CHECKING:
    from contactd.rehearsal.year import Year

_ENDS = (
    ("promises kept", Kind.PROMISE, State.KEPT),
    ("promises broken", Kind.PROMISE, State.BROKEN),
    ("instalment plans paid to the end", Kind.PLAN, State.FULFILLED),
    ("instalment plans broken", Kind.PLAN, State.DEFAULTED),
    ("disputes in which the customer was right", Kind.DISPUTE, State.UPHELD),
    ("disputes in which the customer was wrong", Kind.DISPUTE, State.REJECTED),
)
_MADE = (
    ("said to have paid", Kind.SAYS_PAID),
    ("in hardship", Kind.HARDSHIP),
    ("deferrals", Kind.DEFERRAL),
)
_COUNTED = (
    ("letters that came back", "letters_returned"),
    ("addresses marked", "addresses_marked"),
    ("new addresses found", "addresses_found"),
    ("new addresses not found", "addresses_not_found"),
    ("conversations with somebody else", "wrong_numbers"),
    ("new numbers by list", "numbers_found"),
    ("new numbers not found", "numbers_not_found"),
    ("stopped", "stopped"),
    ("insolvent", "insolvency"),
    ("deceased", "deceased"),
    ("payments assigned by hand", "assigned"),
)


def kinds(year: "Year", connection: Connection) -> dict[str, int]:
    """Count them."""
    told = year.clerk.counts
    made = Counter({(row.kind, row.state): row.count for row in connection.execute(_AGREEMENTS)})
    found = {name: made[kind.value, state.value] for name, kind, state in _ENDS}
    for name, kind in _MADE:
        found[name] = sum(count for (of, _), count in made.items() if of == kind.value)
    found |= {name: told[counted] for name, counted in _COUNTED}
    found["paid twice"] = sum(who.paid_twice for who in year.people)
    found["represented by a lawyer"] = told["represented_by_letter"] + told["represented_by_call"]
    for name, chosen in _ROWS:
        found[name] = connection.scalar(chosen) or 0
    found["letters set as a sample"] = year.office.sheets
    return found


def _count(table: sa.Table, *which: sa.ColumnElement[bool]) -> sa.Select[int]:
    return sa.select(sa.func.count()).select_from(table).where(*which)


_AGREEMENTS = sa.select(agreement.c.kind, agreement.c.state, sa.func.count().label("count")).group_by(
    agreement.c.kind, agreement.c.state
)
_ROWS = (
    ("direct debits that came back", _count(payment, payment.c.amount < 0)),
    ("accounts with money left over", _count(account, account.c.credit > 0)),
    ("numbers marked", _count(suppression, suppression.c.kind == "number")),
    ("e-mail addresses marked", _count(suppression, suppression.c.kind == "email")),
    ("notices about agreements", _count(notice)),
    ("letters", _count(attempt, attempt.c.channel == Channel.LETTER, attempt.c.sending_at.is_not(None))),
)
