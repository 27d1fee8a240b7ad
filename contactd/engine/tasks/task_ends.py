"""What the end of a task says to the ladder that waits for it, and tasks that need nobody any more."""

from datetime import datetime

import sqlalchemy as sa

from contactd.domain.errors import StoreConflict
from contactd.domain.task import Event, State, end_of_attempt
from contactd.store import accounts, attempts, tasks
from contactd.store.attempts import Transition
from contactd.store.tasks import Change, Stored

_BY = "contactd"
_CASE_ENDED = "case_ended"


def tell_ladder(
    connection: sa.Connection, one: Stored, state: State, reason: str, now: datetime, *, reaction: bool = False
) -> None:
    """End the attempt that opened a task, unless a person has settled it before: the task's own line tells the rest."""
    end = end_of_attempt(state, reaction=reaction)
    if one.attempt_id is None or end is None:
        return
    event, outcome = end
    words = f"task {one.id}: {reason}"
    [answer] = attempts.apply(connection, [Transition(one.attempt_id, None, event, now, outcome=outcome, reason=words)])
    if isinstance(answer, StoreConflict):
        raise answer


def drop_moot(connection: sa.Connection, now: datetime) -> int:
    """Drop the tasks of ladders whose case has ended; answers how many."""
    accounts.lock(connection, {one.account_id for one in tasks.moot(connection)})
    found = tasks.moot(connection)
    for one in found:
        values = {"state": State.DROPPED.value, "outcome": _CASE_ENDED, "ended_at": now}
        tasks.change(connection, one, Change(now, Event.DROPPED, _BY, _CASE_ENDED, values))
        tell_ladder(connection, one, State.DROPPED, _CASE_ENDED, now)
    return len(found)
