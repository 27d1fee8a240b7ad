"""The calls of one team that are up, told apart as the pacing needs them: thousands of calls, many times a second.

The switchboard keeps one for each team and tells it whenever a call moves.
"""

from collections import defaultdict

from contactd.domain.call import WAITS, State
from contactd.domain.campaign import AGENTLESS
from contactd.domain.forecast import Lines
from contactd.engine.calls.lists import Key
from contactd.engine.calls.live_call import Live

_DIALLED = frozenset({State.PLACED, State.RINGING})


class Dialled:
    """The calls of a list that nobody has answered and no agent is kept for, though they will want one.

    By reference: when those were placed that do not ring yet, and since when the others ring, in seconds since 1970.
    """

    __slots__ = ("placed", "ringing")

    def __init__(self) -> None:
        self.placed: dict[str, float] = {}
        self.ringing: dict[str, float] = {}


class CallsUp:
    """`all` and `waiting` (for an agent) are by reference."""

    def __init__(self) -> None:
        self.all: dict[str, Live] = {}
        self.waiting: dict[str, Live] = {}
        self._dialled: dict[Key, Dialled] = defaultdict(Dialled)

    def __len__(self) -> int:
        return len(self.all)

    def add(self, live: Live) -> None:
        """Count a call from now on."""
        self.all[live.reference] = live
        self.moved(live)

    def moved(self, live: Live) -> None:
        """Sort a call anew that is in another state than before, or has another agent."""
        reference, state = live.reference, live.call.state
        self.give_up(live)
        if state in _DIALLED and not live.agent and live.dial.step.mode not in AGENTLESS:
            dialled, line = self._dialled[live.key], live.line
            if line.ringing is None:
                dialled.placed[reference] = line.placed
            else:
                dialled.ringing[reference] = line.ringing
        if state in WAITS:
            self.waiting[reference] = live
        else:
            self.waiting.pop(reference, None)

    def give_up(self, live: Live) -> None:
        """Count no longer on a call that is about to be hung up."""
        dialled = self._dialled[live.key]
        dialled.placed.pop(live.reference, None)
        dialled.ringing.pop(live.reference, None)

    def remove(self, live: Live) -> None:
        """Forget a call."""
        self.all.pop(live.reference, None)
        self.waiting.pop(live.reference, None)
        self.give_up(live)

    def lines(self, key: Key) -> Lines:
        """Show the calls of a list that nobody has answered and no agent is kept for, as the pacing sees them."""
        dialled = self._dialled[key]
        return Lines(list(dialled.placed.values()), list(dialled.ringing.values()))

    def ringing_since(self, key: Key, instant: float) -> list[Live]:
        """List those of them that have rung since that instant or longer, in seconds since 1970."""
        return [self.all[reference] for reference, since in self._dialled[key].ringing.items() if since <= instant]

    def others(self, key: Key) -> dict[str, Lines]:
        """Show the same of all other lists, by campaign."""
        found: dict[str, Lines] = {}
        for other in self._dialled:
            if other != key and (lines := self.lines(other)):
                known = found.get(other[0], Lines())
                found[other[0]] = Lines([*known.placed, *lines.placed], [*known.ringing, *lines.ringing])
        return found

    def of(self, key: Key) -> int:
        """Count the calls of a list."""
        return sum(live.key == key for live in self.all.values())
