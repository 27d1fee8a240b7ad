"""Another number of the account somebody has just been called about, dialled at once by the agent who has the case.

The rules are asked as for any call: what the agent wishes the person has not asked for. Where they forbid it, nothing
waits; the bus and the contact log say why.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from contactd.domain import agent as agents
from contactd.domain.call import Disposition
from contactd.domain.clock import Clock
from contactd.domain.errors import IllegalTransition, InputError
from contactd.engine.calls.callbook import CallBook
from contactd.engine.calls.lists import CallList, Key
from contactd.engine.calls.live_call import NOTHING_SAID, Agreed, Live, Said, called_back
from contactd.engine.calls.roster import Roster
from contactd.engine.calls.switchboard import Switchboard
from contactd.store.attempts import Claimed

# Of an agent: with the person, or writing down what was said.
_AT_IT = frozenset({agents.State.TALK, agents.State.WRAP})
_FREE = frozenset({agents.State.READY})

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
        self._dialling: set[str] = set()  # agents who have been reserved for it ever since
        self._case: dict[str, Live] = {}  # by agent: the call whose account they dial for, until they talk to somebody
        roster.listen(self._agent_moved)

    async def dial(
        self, agent_id: str, disposition: Disposition, number: str, said: Said = NOTHING_SAID, attempt_id: int = 0
    ) -> None:
        """Hand in the conversation an agent owes, and call another number of the account for them.

        When nobody answers, or a rule forbids it, they may dial a further one: nothing is handed in then. `attempt_id`
        is the call they take it for; 0: whichever it is.

        Raises IllegalTransition without a conversation, when they are no more at work or are to pause, or when somebody
        else came first or their telephone went (the conversation is handed in then), InputError when it is not known
        whom to call, or for what.
        """
        owed = self._switchboard.conversation_of(agent_id)
        live = owed or self._case.get(agent_id)
        if live is None or attempt_id not in (0, live.dial.claimed.id):
            raise IllegalTransition("agent %(agent)s has no call to dial another number for", agent=agent_id)
        agent = self._roster.find(agent_id)
        if agent.state not in (_AT_IT if owed is not None else _FREE):
            raise IllegalTransition("agent %(agent)s is %(state)s, and dials nobody", agent=agent_id, state=agent.state)
        if agent.wish is not None:
            raise IllegalTransition("agent %(agent)s is to pause after this call", agent=agent_id)
        wanted = called_back(live, agent_id, Agreed(self._clock.now(), own=True, number=number))
        of = self._list(wanted.key or live.key)
        if owed is not None:
            await self._switchboard.dispose(agent_id, disposition, said=said)
        if self._roster.find(agent_id).state is not agents.State.READY:
            raise IllegalTransition("agent %(agent)s has another call by now", agent=agent_id)
        self._roster.apply(agent_id, agents.Event.RESERVED)
        self._dialling.add(agent_id)
        self._case[agent_id] = live
        try:
            claimed = await self._book.dial(wanted)
        except BaseException:
            if self._is_kept(agent_id):
                self._roster.apply(agent_id, agents.Event.RELEASED)
            raise
        if not self._is_kept(agent_id):
            self._switchboard.errands.run(partial(self._give_up, claimed))
            raise IllegalTransition("agent %(agent)s has gone meanwhile", agent=agent_id)
        self._start(claimed, of, agent_id)

    def _is_kept(self, agent_id: str) -> bool:
        """Tell whether the agent has been reserved for this ever since, and forget it."""
        kept = agent_id in self._dialling
        self._dialling.discard(agent_id)
        return kept

    def _agent_moved(self, agent: agents.Agent) -> None:
        if agent.state is not agents.State.RESERVED:
            self._dialling.discard(agent.id)
            if agent.state not in _FREE:
                self._case.pop(agent.id, None)

    async def _give_up(self, claimed: Claimed) -> None:
        await self._switchboard.insist(partial(self._book.release, claimed))

    def _list(self, key: Key) -> CallList:
        of = next((one for team in self._teams().values() for one in team if one.key == key), None)
        if of is None or of.is_agentless:
            raise InputError(
                "step %(step)s has no calls by agents (any more), so none can be dialled for it", step=".".join(key)
            )
        return of
