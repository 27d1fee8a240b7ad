"""Hands accounts over to a court, a lawyer or an agency: proposed by one person, approved by another.

From approval on the ladder rests for good, until it is withdrawn. What stands against a hand-over is refused with an
InputError that says so; some of it a reason can override.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from contactd.domain.account import Channel
from contactd.domain.agreement import ALIVE, Kind, rests
from contactd.domain.errors import Contradiction, InputError
from contactd.domain.notice import CAMPAIGN
from contactd.engine.debt.debtors import Debtor, choose
from contactd.store import accounts, agreements, handovers
from contactd.store.handovers import APPROVED, HOLD, PROPOSED, WITHDRAWN, Handover
from contactd.store.schema import account, attempt

RECIPIENTS = ("court", "lawyer", "agency")
_WARNING = (Channel.LETTER.value, Channel.EMAIL.value)
_ARRIVED = ("accepted", "delivered")

Told = dict[str, Any]


class HandingOver:
    """`by` is who is at work, `now` the instant of the transaction."""

    def __init__(self, connection: sa.Connection, *, by: str, now: datetime) -> None:
        self._connection, self._by, self._now = connection, by, now

    def propose(self, debtor: Debtor, recipient: str, reason: str, anyway: str = "") -> Handover:
        """Propose a hand-over; `anyway` is the reason to do so although something stands against it."""
        if recipient not in RECIPIENTS:
            raise InputError(f"an account is handed over to one of {', '.join(RECIPIENTS)}, not to {recipient[:40]!r}")
        if not reason.strip():
            raise InputError("say why: --reason …")
        known = self._living(debtor)
        if known is not None:
            raise Contradiction(f"account {debtor.number}: a hand-over to {known.recipient} is {known.state} already")
        against = list(self._against(self._owing(debtor)))
        if against and not anyway.strip():
            raise Contradiction(
                f"account {debtor.number}: {'; '.join(against)}; settle that first, or say why not: --anyway …"
            )
        new = Handover(
            0, debtor.id, recipient, PROPOSED, reason, anyway if against else "", self._now, self._by,
            against="\n".join(against),
        )  # fmt: skip
        return replace(new, id=handovers.add(self._connection, new))

    def approve(self, debtor: Debtor, reason: str = "") -> Handover:
        """Approve what somebody else has proposed: the ladder rests from now on.

        What stood against it then was decided on, what has come since was not.
        """
        known = self._living(debtor)
        if known is None or known.state != PROPOSED:
            raise Contradiction(f"account {debtor.number}: no hand-over is proposed")
        if known.proposed_by == self._by:
            raise Contradiction(f"{self._by} has proposed it; somebody else has to approve it")
        came = [why for why in self._against(self._owing(debtor)) if why not in known.against.splitlines()]
        if came:
            raise Contradiction(f"account {debtor.number}: {'; '.join(came)}; withdraw it, and propose it again")
        self._refuse_on_hold(debtor)
        handovers.decide(self._connection, known, APPROVED, by=self._by, reason=reason, now=self._now)
        accounts.hold(self._connection, debtor.id, HOLD, None, self._now)
        return self._read(known)

    def withdraw(self, debtor: Debtor, reason: str) -> Handover:
        """Take a hand-over back, proposed or approved: the ladder goes on."""
        if not reason.strip():
            raise InputError("say why: --reason …")
        known = self._living(debtor)
        if known is None:
            raise Contradiction(f"account {debtor.number}: no hand-over is proposed or approved")
        handovers.decide(self._connection, known, WITHDRAWN, by=self._by, reason=reason, now=self._now)
        if known.state == APPROVED:
            accounts.release(self._connection, debtor.id, self._now)
            agreements.hold(self._connection, [debtor.id], self._now)
        return self._read(known)

    def _living(self, debtor: Debtor) -> Handover | None:
        """Lock the account and find the hand-over that is under way."""
        accounts.lock(self._connection, [debtor.id])
        every = handovers.of_accounts(self._connection, [debtor.id])
        return next((one for one in every if one.state != WITHDRAWN), None)

    def _owing(self, debtor: Debtor) -> Debtor:
        """Read the locked account afresh: somebody may have paid since it was chosen."""
        fresh = choose(self._connection, debtor.number, debtor.creditor, debtor.currency)
        if fresh.open <= 0 and not fresh.disputed:
            raise Contradiction(
                f"account {debtor.number}: no invoice is open, so there is nothing to hand over; what is left of "
                f"interest and costs, contactd statement {debtor.number} tells"
            )
        return fresh

    def _refuse_on_hold(self, debtor: Debtor) -> None:
        """Refuse while it rests for another reason than an agreement, which nobody would remember afterwards."""
        chosen = sa.select(account.c.hold_reason, account.c.hold_until).where(account.c.id == debtor.id)
        hold = self._connection.execute(chosen).one()
        over = hold.hold_until is not None and hold.hold_until < self._now.date()
        if hold.hold_reason and not over and hold.hold_reason not in frozenset(Kind):
            raise Contradiction(f"account {debtor.number} is on hold: {hold.hold_reason}; have that settled first")

    def _read(self, one: Handover) -> Handover:
        return next(known for known in handovers.of_accounts(self._connection, [one.account_id]) if known.id == one.id)

    def _against(self, debtor: Debtor) -> Iterator[str]:
        """Say what stands against it: something agreed, something disputed, nothing announced."""
        disputed = debtor.disputed
        for one in agreements.of_accounts(self._connection, [debtor.id]):
            kind, state = one.agreed.kind, one.agreed.state
            if rests(kind, state) or (kind is Kind.DISPUTE and state in ALIVE):
                yield f"{kind.value} {one.id} is {state.value}"
                disputed = disputed and kind is not Kind.DISPUTE
        if disputed:
            yield "an invoice is disputed"
        warned = (
            sa.select(attempt.c.id)
            .join_from(attempt, account, account.c.id == attempt.c.account_id)
            .where(attempt.c.account_id == debtor.id, attempt.c.case_no == account.c.case_no)
            .where(attempt.c.channel.in_(_WARNING), attempt.c.state.in_(_ARRIVED))
            .where(attempt.c.campaign != CAMPAIGN)  # a notice warns of nothing, and its case is the notice's id
        )
        if self._connection.execute(warned.limit(1)).first() is None:
            yield "no letter or e-mail of this case has announced it"


def told(connection: sa.Connection, every: Iterable[Handover]) -> Iterator[Told]:
    """Write hand-overs as the command line does."""
    chosen = list(every)
    rows = accounts.named(connection, {one.account_id for one in chosen})
    for one in chosen:
        creditor, number, _ = rows[one.account_id]
        yield {
            "id": one.id, "account": number, "creditor": creditor, "to": one.recipient, "state": one.state,
            "reason": one.reason, "against": one.against.splitlines(), "anyway": one.anyway,
            "proposed_at": one.proposed_at.isoformat(timespec="seconds"), "proposed_by": one.proposed_by,
            "decided_at": one.decided_at.isoformat(timespec="seconds") if one.decided_at else None,
            "decided_by": one.decided_by, "decision": one.decision,
        }  # fmt: skip
