"""Tasks for people: what may follow what, and what the end of one says to the attempt of the ladder that opened it."""

from datetime import date
from enum import StrEnum

from contactd.domain import attempt
from contactd.domain.errors import IllegalTransition

# The outcome of an attempt whose task ended with the customer reacting: the ladder of this case goes no further.
REACTION = "reaction"


class Kind(StrEnum):
    """What is to be done."""

    MEETING = "meeting"
    CREDITOR = "creditor"  # the fault is the creditor's: wrong invoice, no order number, goods missing
    ADDRESS = "address"  # to be found out
    RETURNED_MAIL = "returned_mail"  # a letter came back, though the address is right
    PAYMENT = "payment"  # one that waits may be this account's
    LIMITATION = "limitation"  # a claim will soon be statute-barred
    REVIEW = "review"
    OTHER = "other"


OF_ITSELF = frozenset({Kind.PAYMENT, Kind.LIMITATION})  # contactd opens them, nobody else


class State(StrEnum):
    """Where a task stands."""

    OPEN = "open"
    DONE = "done"
    DROPPED = "dropped"


class Event(StrEnum):
    """What a person does with a task."""

    DONE = "done"
    DROPPED = "dropped"  # nobody is going to do it
    ASSIGNED = "assigned"
    POSTPONED = "postponed"


TABLE: dict[tuple[State, Event], State] = {
    (State.OPEN, Event.DONE): State.DONE,
    (State.OPEN, Event.DROPPED): State.DROPPED,
    (State.OPEN, Event.ASSIGNED): State.OPEN,
    (State.OPEN, Event.POSTPONED): State.OPEN,
}


def step(state: State, event: Event) -> State:
    """Answer the state that follows; raises IllegalTransition when there is none."""
    try:
        return TABLE[state, event]
    except KeyError:
        raise IllegalTransition("a task that is %(state)s cannot be %(event)s", state=state, event=event) from None


def end_of_attempt(state: State, *, reaction: bool = False) -> tuple[attempt.Event, str] | None:
    """Answer what the state says to the ladder's attempt, with its outcome; None while the ladder waits for it."""
    if state is State.DONE:
        return attempt.Event.CONFIRMED, REACTION if reaction else "task_done"
    return (attempt.Event.REJECTED, "task_dropped") if state is State.DROPPED else None


def is_overdue(state: State, due_on: date, today: date) -> bool:
    """Say whether its day is over and nobody has done it."""
    return state is State.OPEN and due_on < today
