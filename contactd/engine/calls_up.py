"""The calls of one team that are up, told apart as the pacing needs them: thousands of calls, many times a second.

The switchboard keeps one for each team and tells it whenever a call moves.
"""

from collections import defaultdict
from collections.abc import Sequence

from contactd.domain.call import State
from contactd.domain.campaign import AGENTLESS
from contactd.domain.forecast import Line
from contactd.engine.lists import Key
from contactd.engine.live_call import Live

_DIALLED = frozenset({State.PLACED, State.RINGING})


class CallsUp:
    """`all` and `waiting` (for an agent) are by reference, as is each list's entry in `dialled`.

    `dialled` are those nobody has answered yet that will want an agent; some may have one already.
    """

    def __init__(self) -> None:
        self.all: dict[str, Live] = {}
        self.waiting: dict[str, Live] = {}
        self.dialled: dict[Key, dict[str, Live]] = defaultdict(dict)

    def __len__(self) -> int:
        return len(self.all)

    def add(self, live: Live) -> None:
        """Count a call from now on."""
        self.all[live.reference] = live
        self.moved(live)

    def moved(self, live: Live) -> None:
        """Sort a call anew that is in another state than before."""
        reference, state = live.reference, live.call.state
        if state in _DIALLED and live.dial.step.mode not in AGENTLESS:
            self.dialled[live.key][reference] = live
        else:
            self.dialled[live.key].pop(reference, None)
        if state is State.WAITING:
            self.waiting[reference] = live
        else:
            self.waiting.pop(reference, None)

    def give_up(self, live: Live) -> None:
        """Count no longer on a call that is about to be hung up."""
        self.dialled[live.key].pop(live.reference, None)

    def remove(self, live: Live) -> None:
        """Forget a call."""
        self.all.pop(live.reference, None)
        self.waiting.pop(live.reference, None)
        self.dialled[live.key].pop(live.reference, None)

    def unpromised(self, key: Key) -> list[Live]:
        """List the calls of a list that nobody has answered and no agent is kept for, oldest first."""
        return [live for live in self.dialled[key].values() if not live.agent]

    def lines(self, key: Key) -> list[Line]:
        """List the same as the pacing sees them."""
        return [live.line for live in self.dialled[key].values() if not live.agent]

    def ringing_since(self, key: Key, instant: float) -> list[Live]:
        """List those of them that have rung since that instant or longer, in seconds since 1970."""
        return [live for live in self.unpromised(key) if (since := live.line.ringing) is not None and since <= instant]

    def others(self, key: Key) -> dict[str, Sequence[Line]]:
        """Give the same of all other lists, by campaign."""
        found: dict[str, list[Line]] = {}
        for other in self.dialled:
            if other != key and (lines := self.lines(other)):
                found.setdefault(other[0], []).extend(lines)
        return dict(found)

    def of(self, key: Key) -> int:
        """Count the calls of a list."""
        return sum(live.key == key for live in self.all.values())
