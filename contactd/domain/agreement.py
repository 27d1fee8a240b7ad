"""What was agreed with a customer: promise, plan, settlement, deferral, hardship, "I have paid", dispute of an invoice.

Where an agreement stands is derived from facts: what came in since, by which value date, and what of it was taken back.
`standing` answers that for a day, as an event; TABLE says what the event makes of the state. Amounts are minor units of
one currency. Whoever keeps agreements stores the state only so that people and the ladder find it quickly. What was
paid before it was agreed on is judged on, as it stood until then: that money may go back. What another agreement or a
write-off has superseded is not.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import accumulate

from contactd.domain.deadlines import DAY, working_day
from contactd.domain.errors import IllegalTransition
from contactd.domain.instalments import Instalment


class Kind(StrEnum):
    """What was agreed."""

    PROMISE = "promise"
    PLAN = "plan"
    SETTLEMENT = "settlement"  # so much by its days, and the rest is waived
    DEFERRAL = "deferral"
    HARDSHIP = "hardship"
    SAYS_PAID = "says_paid"
    DISPUTE = "dispute"


class State(StrEnum):
    """Where an agreement stands; the first line is alive, the rest are ends, some of which facts may undo."""

    OPEN = "open"
    DRAFT = "draft"
    SENT = "sent"
    CONFIRMED = "confirmed"
    ACTIVE = "active"
    OVERDUE = "overdue"  # a dispute nobody has decided in time
    KEPT = "kept"
    PARTIALLY_KEPT = "partially_kept"
    BROKEN = "broken"
    FULFILLED = "fulfilled"
    DEFAULTED = "defaulted"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    CANCELLED = "cancelled"
    PAID_BEFORE = "paid_before"
    SUPERSEDED = "superseded"
    UPHELD = "upheld"
    REJECTED = "rejected"


class Event(StrEnum):
    """What a day or a person says to an agreement; the first seven are what `standing` answers."""

    PENDING = "pending"  # nothing came in, nothing is late
    BEGUN = "begun"  # something came in, nothing is late
    SETTLED = "settled"
    PAID_BEFORE = "paid_before"  # by money that was there before it was agreed on
    SHORT = "short"  # time is up, a part came in
    MISSED = "missed"
    OVER = "over"  # time is up where no money was agreed on
    SENT = "sent"
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"  # by another agreement or a write-off
    UPHELD = "upheld"  # a dispute: the customer is right
    REJECTED = "rejected"  # a dispute: we are


ALIVE = frozenset({State.OPEN, State.DRAFT, State.SENT, State.CONFIRMED, State.ACTIVE, State.OVERDUE})
ABOUT_MONEY = frozenset({Kind.PROMISE, Kind.PLAN, Kind.SETTLEMENT, Kind.SAYS_PAID})  # judged by what comes in
_RESTING = frozenset({State.OPEN, State.SENT, State.CONFIRMED, State.ACTIVE})

_Table = dict[tuple[State, Event], State]


def _by_payments(missed: State) -> _Table:
    """Let the facts alone decide, whichever of four states was known before; a person ends only what is open."""
    judged = {
        Event.PENDING: State.OPEN,
        Event.BEGUN: State.OPEN,
        Event.SETTLED: State.KEPT,
        Event.PAID_BEFORE: State.PAID_BEFORE,
        Event.SHORT: State.PARTIALLY_KEPT,
        Event.MISSED: missed,
        Event.SUPERSEDED: State.SUPERSEDED,
    }
    states = (State.OPEN, State.KEPT, State.PARTIALLY_KEPT, missed)
    table = {(state, event): follows for state in states for event, follows in judged.items()}
    return table | {(State.OPEN, Event.WITHDRAWN): State.WITHDRAWN}


_ANSWERED: _Table = {(State.OPEN, Event.CONFIRMED): State.OPEN}  # it stays what it is, and the answer is kept
# Kept in part is not kept: the whole is owed again. Facts may undo both ends.
_SETTLEMENT: _Table = (
    {
        (state, event): follows
        for state in (State.OPEN, State.FULFILLED, State.BROKEN)
        for event, follows in (
            (Event.PENDING, State.OPEN),
            (Event.BEGUN, State.OPEN),
            (Event.SETTLED, State.FULFILLED),
            (Event.PAID_BEFORE, State.PAID_BEFORE),
            (Event.SHORT, State.BROKEN),
            (Event.MISSED, State.BROKEN),
            (Event.SUPERSEDED, State.SUPERSEDED),
        )
    }
    | {(State.OPEN, Event.WITHDRAWN): State.WITHDRAWN}
    | _ANSWERED
)
_PAUSE: _Table = {
    (State.OPEN, Event.PENDING): State.OPEN,
    (State.OPEN, Event.SETTLED): State.KEPT,
    (State.OPEN, Event.PAID_BEFORE): State.PAID_BEFORE,
    (State.OPEN, Event.OVER): State.EXPIRED,
    (State.OPEN, Event.WITHDRAWN): State.WITHDRAWN,
    (State.OPEN, Event.SUPERSEDED): State.SUPERSEDED,
}
_PLAN: _Table = {
    (State.DRAFT, Event.SENT): State.SENT,
    (State.DRAFT, Event.CONFIRMED): State.CONFIRMED,
    (State.DRAFT, Event.WITHDRAWN): State.CANCELLED,
    (State.DRAFT, Event.PAID_BEFORE): State.PAID_BEFORE,
    (State.DRAFT, Event.SUPERSEDED): State.SUPERSEDED,
    (State.SENT, Event.PENDING): State.SENT,
    (State.SENT, Event.BEGUN): State.ACTIVE,  # who pays the first instalment agrees by that
    (State.SENT, Event.SETTLED): State.FULFILLED,
    (State.SENT, Event.PAID_BEFORE): State.PAID_BEFORE,
    (State.SENT, Event.MISSED): State.CANCELLED,
    (State.SENT, Event.OVER): State.CANCELLED,  # no answer
    (State.SENT, Event.CONFIRMED): State.CONFIRMED,
    (State.SENT, Event.WITHDRAWN): State.CANCELLED,
    (State.SENT, Event.SUPERSEDED): State.SUPERSEDED,
    (State.CONFIRMED, Event.PENDING): State.CONFIRMED,
    (State.CONFIRMED, Event.WITHDRAWN): State.CANCELLED,
    (State.ACTIVE, Event.PENDING): State.ACTIVE,  # the first payment was taken back before anything was late
    (State.ACTIVE, Event.WITHDRAWN): State.CANCELLED,
    (State.FULFILLED, Event.PENDING): State.ACTIVE,
    (State.DEFAULTED, Event.PENDING): State.ACTIVE,
    **{
        (state, event): follows
        for state in (State.CONFIRMED, State.ACTIVE, State.FULFILLED, State.DEFAULTED)
        for event, follows in (
            (Event.BEGUN, State.ACTIVE),
            (Event.SETTLED, State.FULFILLED),
            (Event.PAID_BEFORE, State.PAID_BEFORE),
            (Event.MISSED, State.DEFAULTED),
            (Event.SUPERSEDED, State.SUPERSEDED),
        )
    },
}
_DISPUTE: _Table = {
    (State.OPEN, Event.PENDING): State.OPEN,
    **{
        (state, event): follows
        for state in (State.OPEN, State.OVERDUE)
        for event, follows in (
            (Event.OVER, State.OVERDUE),
            (Event.UPHELD, State.UPHELD),
            (Event.REJECTED, State.REJECTED),
            (Event.WITHDRAWN, State.WITHDRAWN),
        )
    },
}

TABLE: dict[Kind, _Table] = {
    Kind.PROMISE: _by_payments(State.BROKEN) | _ANSWERED,
    Kind.SAYS_PAID: _by_payments(State.EXPIRED),
    Kind.PLAN: _PLAN,
    Kind.SETTLEMENT: _SETTLEMENT,
    Kind.DEFERRAL: _PAUSE | _ANSWERED,
    Kind.HARDSHIP: _PAUSE,
    Kind.DISPUTE: _DISPUTE,
}


def step(kind: Kind, state: State, event: Event) -> State:
    """Answer the state that follows; raises IllegalTransition when there is none."""
    try:
        return TABLE[kind][state, event]
    except KeyError:
        raise IllegalTransition(
            "a %(kind)s that is %(state)s cannot be %(event)s", kind=kind, state=state, event=event
        ) from None


def judged(kind: Kind) -> frozenset[State]:
    """List the states of a kind to which a day has something to say; of PAID_BEFORE it is said to the one before."""
    found = frozenset(state for state, event in TABLE[kind] if event in {Event.PENDING, Event.OVER})
    return found | {State.PAID_BEFORE} if kind in ABOUT_MONEY else found


@dataclass(frozen=True, slots=True)
class Part:
    """So much by the end of `last_day`, the grace included."""

    due_on: date
    last_day: date
    amount: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """What was agreed, and what is remembered of it.

    `parts` are in the order of their days: one of a promise, those of a plan, none where no money was agreed on;
    `until` is then the last day. Of a plan that was sent it is the last day for an answer. `settled_on` is the day on
    which the account was seen to owe nothing any more, by whatever way. `notice_days`: the rest of a plan falls due
    only after a notice, which gives so long to make up for the arrears (§ 498 BGB); 0: without one. `warned` are the
    notices that went out: the instalment each was about, and the last day for its arrears.
    """

    kind: Kind
    state: State
    parts: tuple[Part, ...] = ()
    until: date | None = None
    tolerance: int = 0
    missed_instalments: int = 1  # so many in arrears make the whole rest due
    settled_on: date | None = None
    notice_days: int = 0
    warned: tuple[tuple[int, date], ...] = ()

    @property
    def amount(self) -> int:
        """Give the whole sum."""
        return sum(part.amount for part in self.parts)


@dataclass(frozen=True, slots=True)
class Receipt:
    """Money that was not known of yet when the agreement was made; `gone_on` is the day on which it was taken back.

    `earlier`: it was there by then. It leaves less to pay, but begins nothing and keeps nothing by itself.
    """

    on: date
    amount: int
    gone_on: date | None = None
    earlier: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """What a day says: the event, what came in, what is missing of the whole, and until when the ladder rests.

    `warn_of`: a notice is to go out before the rest falls due, about the arrears up to this instalment; 0: none.
    """

    event: Event
    received: int
    missing: int
    rests_until: date | None = None
    warn_of: int = 0


def last_day(due_on: date, grace: int, holidays: AbstractSet[date]) -> date:
    """Answer the last day on which money is in time: the due day or the next working one, and so many banking days."""
    day = working_day(due_on, holidays)
    for _ in range(grace):
        day = working_day(day + DAY, holidays)
    return day


def parts_of(instalments: Iterable[Instalment], grace: int, holidays: AbstractSet[date]) -> tuple[Part, ...]:
    """Give instalments their grace."""
    return tuple(Part(one.due_on, last_day(one.due_on, grace, holidays), one.amount) for one in instalments)


def standing(agreement: Agreement, receipts: Iterable[Receipt], today: date) -> Standing:
    """Derive where an agreement stands at the beginning of a day; the order of receipts is no matter."""
    known = [one for one in receipts if one.on <= today]
    money = [one for one in known if one.gone_on is None or one.gone_on > today]
    new = [one for one in money if not one.earlier]
    received = sum(one.amount for one in money)
    missing = max(agreement.amount - received, 0)
    late, warn_of = _late_from(agreement, money, today)
    if _settled_otherwise(agreement, known, late, today) or (agreement.parts and late == date.max):
        paid_before = _was_there(agreement, money, today)
        return Standing(Event.PAID_BEFORE if paid_before else Event.SETTLED, received, missing)
    if today > late:
        short = agreement.kind is not Kind.PLAN and _by(late, new)
        return Standing(Event.SHORT if short else Event.MISSED, received, missing)
    if not agreement.parts or (agreement.state is State.SENT and not new):
        end = min(agreement.until or date.max, late)
        over = today > end
        return Standing(Event.OVER if over else Event.PENDING, received, missing, None if over else end)
    return Standing(Event.BEGUN if new else Event.PENDING, received, missing, late, warn_of)


def rests(kind: Kind, state: State) -> bool:
    """Say whether the ladder rests for it; a dispute takes its invoice out of what is asked for instead."""
    return kind is not Kind.DISPUTE and state in _RESTING


def _settled_otherwise(agreement: Agreement, known: Iterable[Receipt], late: date, today: date) -> bool:
    """Tell whether nothing at all was owed any more in time, and nothing was taken back since.

    In time is what came by the last day of the agreement, or while all was well because of a notice.
    """
    seen = agreement.settled_on
    if seen is None or agreement.kind is Kind.DISPUTE:
        return False
    last = max(agreement.parts[-1].last_day, late) if agreement.parts else agreement.until
    in_time = last is None or seen <= last
    return in_time and not any(one.gone_on is not None and seen <= one.gone_on <= today for one in known)


def _was_there(agreement: Agreement, money: list[Receipt], today: date) -> bool:
    """Tell whether it was paid by money that was there before, and not by what came since."""
    new = [one for one in money if not one.earlier]
    earlier = sum(one.amount for one in money if one.earlier)
    if not agreement.parts or not new:
        return bool(money) and not new
    return earlier + agreement.tolerance >= agreement.amount and _late_from(agreement, new, today)[0] != date.max


def _by(day: date, receipts: Iterable[Receipt]) -> int:
    return sum(one.amount for one in receipts if one.on <= day)


def _late_from(agreement: Agreement, money: list[Receipt], today: date) -> tuple[date, int]:
    """Answer the last day on which all is well if nothing more comes in, `date.max` when all came in time.

    Instalments that are late may be made up for while they are fewer than agreed; at the end of the plan none may be.
    Where the rest falls due only after a notice, all is well until the days it gives are over, at the end of the plan
    too: beside the day stands the instalment whose notice is still to go out.
    """
    sums = list(accumulate(part.amount for part in agreement.parts))
    warned, end, made_up = dict(agreement.warned), len(sums), date.min

    def arrears(number: int, day: date) -> int:
        came = _by(max(day, made_up), money) + agreement.tolerance
        return sum(came < owed for owed in sums[:number])

    for number, part in enumerate(agreement.parts, 1):
        most = agreement.missed_instalments if number < end else 1
        if arrears(number, part.last_day) < most:
            continue
        if number == end or not agreement.notice_days or part.last_day >= today:
            return max(part.last_day, made_up), 0
        until = warned.get(number)
        if until is None and arrears(number, today) >= most:
            return today + timedelta(days=agreement.notice_days), number
        if until is not None and arrears(number, until):
            return until, 0
        made_up = until or made_up
    return date.max, 0
