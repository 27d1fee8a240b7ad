"""What supervisors change: what rests, how fast is dialled, how an attempt ended; each stands in the audit log.

One model for command line and pages: a Steering is one person in one transaction.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa

from contactd.domain.attempt import Event, State
from contactd.domain.errors import Contradiction, InputError, NotThere
from contactd.domain.phrase import Phrase
from contactd.store import attempts, audit, call_queue, levels, pauses
from contactd.store.audit import Deed

LEAST = 0.1  # of the level; what is to be less is a pause
# How a person may say an attempt ended of which nobody knows: the event, and the outcome in the log.
ENDS = {
    "sent": (Event.TAKEN, "accepted"),
    "not-sent": (Event.NOT_TAKEN, "not_sent"),
    "failed": (Event.REJECTED, "failed"),
}


class Steering:
    """`who` is how the audit log names the person, `by` how others read them."""

    def __init__(self, connection: sa.Connection, *, who: str, by: str, now: datetime) -> None:
        self._connection, self._who, self._by, self._now = connection, who, by, now

    def pause(self, name: str, reason: str) -> bool:
        """Begin no more contacts of that name; False: it rests already, with its first reason."""
        done = pauses.pause(self._connection, name, reason=reason, by=self._by, now=self._now)
        if done:
            self._tell("pause", name, "running", "paused", reason)
        return done

    def resume(self, name: str, reason: str = "") -> bool:
        """Go on; False: it did not rest."""
        done = pauses.resume(self._connection, name)
        if done:
            self._tell("resume", name, "paused", "running", reason)
        return done

    def set_level(self, campaign: str, level: float, reason: str) -> None:
        """Dial a campaign with that share of what its configuration allows: never more; raises InputError."""
        if not LEAST <= level <= 1.0:
            raise InputError(
                "the level is between %(least)s%% and 100%%, not %(level)s%%; to stop, pause the campaign",
                least=f"{LEAST * 100:g}",
                level=f"{level * 100:g}",
            )
        before = levels.read(self._connection).get(campaign, 1.0)
        levels.put(self._connection, campaign, level)
        self._tell("level", f"campaign:{campaign}", f"{before:.0%}", f"{level:.0%}", reason)

    def keep_callback(self, attempt_id: int, agent: str, term: timedelta, reason: str) -> None:
        """Give a callback that waits to an agent, so long once it is due, or to whoever of the team is free ("")."""
        before = call_queue.keep(self._connection, attempt_id, agent, term, self._now)
        if before is None:
            raise NotThere("callback %(attempt)s does not wait any more", attempt=attempt_id)
        self._tell("callback", f"attempt:{attempt_id}", before or "team", agent or "team", reason)

    def close(self, attempt_id: int, how: str, reason: str) -> State:
        """Say how an unclear attempt ended, or give one up that is only planned (`cancel`); answers its new state.

        Raises InputError where it is neither, or changes at this moment.
        """
        row = attempts.get(self._connection, attempt_id)
        if row is None:
            raise NotThere("there is no attempt %(attempt)s", attempt=attempt_id)
        words = f"{self._by}: {reason}" if reason else self._by
        if how == "cancel":
            event, outcome, wanted = Event.FORBIDDEN, "cancelled", State.PLANNED
        elif how in ENDS:
            (event, outcome), wanted = ENDS[how], State.UNCLEAR
        else:
            raise InputError("%(how)r is no end of an attempt; there is: %(known)s", how=how, known=(*ENDS, "cancel"))
        if row.state != wanted:
            which = (
                Phrase("a planned one can be cancelled") if how == "cancel" else Phrase("an unclear one can be settled")
            )
            raise Contradiction(
                "attempt %(attempt)s is %(state)s; only %(which)s",
                attempt=attempt_id,
                state=State(row.state),
                which=which,
            )
        change = attempts.Transition(attempt_id, None, event, self._now, outcome=outcome, reason=words)
        [answer] = attempts.apply(self._connection, [change])
        if isinstance(answer, Exception):
            raise answer
        self._tell("settle", f"attempt:{attempt_id}", row.state, answer, reason)
        return answer

    def _tell(self, what: str, about: str, old: str, new: str, reason: str) -> None:
        mine = audit.account_of(self._connection, about)
        audit.add(self._connection, Deed(self._now, self._who, what, about, mine, old, new, reason))
