"""The attempt's life: one table of what may follow what."""

from enum import StrEnum

from contactd.domain.errors import IllegalTransition


class State(StrEnum):
    """Where an attempt stands; `planned` to `unclear` are open, the rest are ends."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    SENDING = "sending"
    UNCLEAR = "unclear"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Event(StrEnum):
    """What can happen to an attempt."""

    CLAIMED = "claimed"
    RELEASED = "released"
    POSTPONED = "postponed"
    SKIPPED = "skipped"  # an agent looked at it and would rather not call now
    FORBIDDEN = "forbidden"
    BEGUN = "begun"
    NOT_TAKEN = "not_taken"
    TAKEN = "taken"
    LOST_SIGHT = "lost_sight"
    REJECTED = "rejected"
    CONFIRMED = "confirmed"


OPEN = frozenset({State.PLANNED, State.CLAIMED, State.SENDING, State.UNCLEAR})

TABLE: dict[tuple[State, Event], State] = {
    (State.PLANNED, Event.CLAIMED): State.CLAIMED,
    (State.PLANNED, Event.FORBIDDEN): State.CANCELLED,
    (State.CLAIMED, Event.RELEASED): State.PLANNED,
    (State.CLAIMED, Event.POSTPONED): State.PLANNED,
    (State.CLAIMED, Event.SKIPPED): State.PLANNED,
    (State.CLAIMED, Event.FORBIDDEN): State.CANCELLED,
    (State.CLAIMED, Event.BEGUN): State.SENDING,
    (State.SENDING, Event.NOT_TAKEN): State.PLANNED,
    (State.SENDING, Event.TAKEN): State.ACCEPTED,
    (State.SENDING, Event.LOST_SIGHT): State.UNCLEAR,
    (State.SENDING, Event.REJECTED): State.FAILED,
    (State.SENDING, Event.CONFIRMED): State.DELIVERED,
    # A look-up, a callback or a person settles what was unclear.
    (State.UNCLEAR, Event.NOT_TAKEN): State.PLANNED,
    (State.UNCLEAR, Event.TAKEN): State.ACCEPTED,
    (State.UNCLEAR, Event.REJECTED): State.FAILED,
    (State.UNCLEAR, Event.CONFIRMED): State.DELIVERED,
    (State.ACCEPTED, Event.REJECTED): State.FAILED,
    (State.ACCEPTED, Event.CONFIRMED): State.DELIVERED,
    # Bounces may follow a delivery receipt; a receipt never follows a failure.
    (State.DELIVERED, Event.REJECTED): State.FAILED,
}


def step(state: State, event: Event) -> State:
    """Answer the state that follows; raises IllegalTransition when there is none."""
    try:
        return TABLE[state, event]
    except KeyError:
        raise IllegalTransition("an attempt that is %(state)s cannot be %(event)s", state=state, event=event) from None


def sources(event: Event) -> tuple[State, ...]:
    """List the states in which the event is lawful, for the guard of an UPDATE."""
    return tuple(state for state, happened in TABLE if happened is event)
