"""What agents do, order by order: sign in, end a call, hold, hand over, dial; for whoever gives them a desk.

Each order is a word with words behind it, so that a terminal needs no more than a page does.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from contactd.domain.agent import Agent, State
from contactd.domain.call import Disposition
from contactd.domain.errors import InputError
from contactd.engine.calls.dialer import Dialer
from contactd.engine.calls.live_call import Agreed, Live
from contactd.engine.calls.previews import Offer
from contactd.engine.calls.roster import Listener, Roster
from contactd.store import accounts
from contactd.store.group_commit import GroupCommit
from contactd.telephony.base import Supervision

Do = Callable[..., Awaitable[None] | None]


@dataclass(frozen=True, slots=True)
class Order:
    """One thing to do; `words` names what comes behind it, those in brackets may be left out."""

    words: str
    what: str
    do: Do

    def refuse_unless(self, name: str, given: Sequence[str]) -> None:
        """Raise InputError with the right form when there are too few words, or too many."""
        named = self.words.split()
        needed = sum(not word.startswith("[") for word in named)
        if not needed <= len(given) <= len(named):
            raise InputError("write it like: %(form)s", form=f"{name} {self.words}".rstrip())


@dataclass(frozen=True, slots=True)
class Standing:
    """How an agent stands; `live`: the call they talk in, are kept for, or owe the outcome of.

    `wrap_until`: when the time to write is over. `heard_by`: who hears them.
    """

    agent: Agent
    live: Live | None = None
    offer: Offer | None = None
    wrap_until: datetime | None = None
    heard_by: tuple[str, ...] = ()


class Deskwork:
    """`dialer` None: nobody is called here, and nobody can sign in.

    `seated` hears that a person is at a desk, and answers whether somebody made up has sat there until now.
    """

    def __init__(
        self,
        dialer: Dialer | None,
        roster: Roster,
        commit: GroupCommit,
        *,
        seated: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self.dialer = dialer
        self._roster, self._commit, self._seated = roster, commit, seated
        self.orders: Mapping[str, Order] = _orders(dialer, roster) if dialer is not None else {}

    async def carry_out(self, agent_id: str, name: str, words: Sequence[str]) -> dict[str, object]:
        """Do it, and answer how the agent stands then; raises InputError, IllegalTransition or a ChannelError."""
        if not self.orders:
            raise InputError('nobody is called here: backend in [telephony] is "none"')
        if name not in self.orders:
            raise InputError(
                "%(name)r is nothing an agent does; there is: %(known)s", name=name, known=tuple(self.orders)
            )
        order = self.orders[name]
        order.refuse_unless(name, words)
        self._roster.find(agent_id)
        done = order.do(agent_id, *words)
        if inspect.isawaitable(done):
            await done
        [shown] = await self._show([self._roster.find(agent_id)])
        return shown

    def listen(self, listener: Listener) -> None:
        """Hear of every agent who changes, from now on."""
        self._roster.listen(listener)

    def heard(self, agent_id: str) -> None:
        """Take note that an agent's desk is open; raises InputError when there is no such agent."""
        self._roster.heard(agent_id)
        if self._seated(agent_id):
            self._roster.sign_out(agent_id)

    def standing(self, agent_id: str) -> Standing:
        """Tell how an agent stands; raises InputError when there is no such agent."""
        agent = self._roster.find(agent_id)
        if self.dialer is None:
            return Standing(agent)
        kept = (live for live in self.dialer.desk.live() if live.agent == agent_id)
        return Standing(
            agent,
            self.dialer.desk.conversation_of(agent_id) or next(kept, None),
            self.dialer.previews.look_at(agent_id),
            self._roster.wrap_until(agent_id),
            tuple(self.dialer.consultation.supervisors_of(agent_id)),
        )

    async def agents(self) -> list[dict[str, object]]:
        """Tell of each agent how they stand, whom they talk to or look at, and who hears them."""
        return await self._show(self._roster.agents())

    async def _show(self, agents: Sequence[Agent]) -> list[dict[str, object]]:
        shown = [self._agent(agent) for agent in agents]
        wanted = {row["account_id"] for row in shown if row["account_id"]}
        numbers = await self._commit.read(lambda connection: accounts.numbers(connection, wanted)) if wanted else {}
        return [row | {"account": numbers.get(row["account_id"], "")} for row in shown]

    def _agent(self, agent: Agent) -> dict[str, Any]:
        live = offer = None
        heard: list[str] = []
        if self.dialer is not None:
            live = self.dialer.desk.conversation_of(agent.id)
            offer = self.dialer.previews.look_at(agent.id)
            heard = self.dialer.consultation.supervisors_of(agent.id)
        claimed = live.dial.claimed if live is not None else offer.claimed if offer is not None else None
        return {
            "agent": agent.id,
            "name": agent.name,
            "team": agent.team,
            "state": agent.state,
            "since": agent.since,
            "reason": agent.reason,
            "wish": agent.wish or "",
            "call": live.reference if live is not None else "",
            "call_state": live.call.state if live is not None else "",
            "number": live.dial.number if live is not None else "",
            "looks_at": offer.claimed.id if offer is not None else 0,
            "account_id": claimed.account_id if claimed is not None else 0,
            "heard_by": heard,
        }


def _orders(dialer: Dialer, roster: Roster) -> dict[str, Order]:
    desk, talk, previews = dialer.desk, dialer.consultation, dialer.previews
    return {
        "sign-in": Order("", "Begin to work; the telephone rings.", desk.sign_in),
        "sign-out": Order("", "Go, after the call if there is one.", roster.sign_out),
        "pause": Order("[REASON]", "Take no calls for a while.", roster.pause),
        "resume": Order("", "Go on after a pause.", desk.resume),
        "accept": Order("[NUMBER]", "Have the call placed that is looked at.", previews.accept),
        "skip": Order("WHY", "Put it off.", previews.skip),
        "extend": Order("", "Take more time to write.", roster.extend),
        "hang-up": Order("", "End the conversation, and write down what it achieved.", talk.hang_up),
        "done": Order("DISPOSITION [AT] [NUMBER]", "Say what it achieved, and when to call again.", _done(dialer)),
        "dial": Order("DISPOSITION NUMBER", "Call another number of the account.", _dial(dialer)),
        "hold": Order("", "Let the person hear music.", talk.hold),
        "retrieve": Order("", "Go on talking.", talk.retrieve),
        "mute": Order("", "Let nobody hear the agent.", lambda agent: talk.mute(agent, muted=True)),
        "unmute": Order("", "Let them hear the agent again.", lambda agent: talk.mute(agent, muted=False)),
        "transfer": Order("AGENT", "Give the person to another agent who is free.", talk.hand_over),
        "invite": Order("NUMBER", "Call a third person into the conversation.", talk.invite),
        "dismiss": Order("", "Let the third person go.", talk.dismiss),
        "leave": Order("", "Leave the person to the third one.", talk.leave),
        "listen": Order("AGENT", "Hear an agent, who sees it.", _supervise(dialer, roster, "listen")),
        "whisper": Order("AGENT", "Speak to the agent alone.", _supervise(dialer, roster, "whisper")),
        "barge": Order("AGENT", "Speak to both.", _supervise(dialer, roster, "barge")),
        "stop-listening": Order("", "Hear them no more.", talk.unsupervise),
    }


def _done(dialer: Dialer) -> Do:
    async def done(agent: str, disposition: str, at: str = "", number: str = "") -> None:
        again = Agreed(_instant(at), own=True, number=number) if at else None
        await dialer.desk.dispose(agent, _disposition(disposition), again)

    return done


def _dial(dialer: Dialer) -> Do:
    async def dial(agent: str, disposition: str, number: str) -> None:
        await dialer.redial.dial(agent, _disposition(disposition), number)

    return dial


def _supervise(dialer: Dialer, roster: Roster, how: Supervision) -> Do:
    async def supervise(supervisor: str, agent: str) -> None:
        if supervisor == agent or roster.find(agent).state is State.OFFLINE:
            raise InputError(
                "there is nobody to hear: agent %(agent)s is %(state)s", agent=agent, state=roster.find(agent).state
            )
        await dialer.consultation.supervise(agent, supervisor, how)

    return supervise


def _disposition(word: str) -> Disposition:
    try:
        return Disposition(word)
    except ValueError:
        raise InputError(
            "%(word)r is no outcome of a call; there is: %(known)s", word=word, known=tuple(Disposition)
        ) from None


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise InputError("%(text)r is no time; write it like 2026-12-01T10:00+01:00", text=text) from None
    if at.tzinfo is None:
        raise InputError("%(text)r tells no time zone; write it like 2026-12-01T10:00+01:00", text=text)
    return at.astimezone(UTC)
