"""Another number of the account somebody has just been called about, dialled at once by the agent who has the case.

The rules are asked as for any call: what the agent wishes the person has not asked for. Where they forbid it, nothing
waits; the bus and the contact log say why.
"""

from collections.abc import Callable, Mapping, Sequence

from contactd.domain import agent as agents
from contactd.domain.call import Disposition
from contactd.domain.clock import Clock
from contactd.domain.errors import IllegalTransition, InputError
from contactd.engine.callbook import CallBook
from contactd.engine.lists import CallList, Key
from contactd.engine.live_call import Agreed, called_back
from contactd.engine.roster import Roster
from contactd.engine.switchboard import Switchboard
from contactd.store.attempts import Claimed

Start = Callable[[Claimed, CallList, str], None]


class Redial:
    """The desk speaks to it; `start` places the call for its agent."""

    def __init__(
        self,
        switchboard: Switchboard,
        roster: Roster,
        book: CallBook,
        clock: Clock,
        *,
        teams: Callable[[], Mapping[str, Sequence[CallList]]],
        start: Start,
    ) -> None:
        self._switchboard = switchboard
        self._roster = roster
        self._book = book
        self._clock = clock
        self._teams = teams
        self._start = start

    async def dial(self, agent_id: str, disposition: Disposition, number: str) -> None:
        """Hand in the conversation an agent owes, and call another number of the account for them.

        Raises IllegalTransition without a conversation, when they are to pause or somebody else came first (who they
        are with then is handed in), InputError when it is not known whom to call, or for what.
        """
        live = self._switchboard.conversation_of(agent_id)
        if live is None:
            raise IllegalTransition(f"agent {agent_id} has had no call whose account could be dialled again")
        if self._roster.find(agent_id).wish is not None:
            raise IllegalTransition(f"agent {agent_id} is to pause after this call")
        wanted = called_back(live, agent_id, Agreed(self._clock.now(), own=True, number=number))
        of = self._list(wanted.key or live.key)
        await self._switchboard.dispose(agent_id, disposition)
        if self._roster.find(agent_id).state is not agents.State.READY:
            raise IllegalTransition(f"agent {agent_id} has another call by now")
        self._roster.apply(agent_id, agents.Event.RESERVED)
        try:
            claimed = await self._book.dial(wanted)
        except BaseException:
            self._roster.apply(agent_id, agents.Event.RELEASED)
            raise
        self._start(claimed, of, agent_id)

    def _list(self, key: Key) -> CallList:
        of = next((one for team in self._teams().values() for one in team if one.key == key), None)
        if of is None or of.is_agentless:
            raise InputError(f"step {'.'.join(key)} has no calls by agents (any more), so none can be dialled for it")
        return of
