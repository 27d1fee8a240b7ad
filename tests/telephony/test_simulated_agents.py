"""Agents who are not there: they work at the desk like people."""

import pytest

from contactd.domain.agent import WRAP_TOO_LONG, Agent, State
from contactd.domain.call import Disposition
from contactd.domain.errors import IllegalTransition
from contactd.telephony.simulated_agents import SimulatedAgents
from tests.clock import HandClock


class LedgerDesk:
    """A desk that writes down what agents do, and may refuse."""

    def __init__(self) -> None:
        self.done: list[tuple[str, str]] = []
        self.refuses = False

    def sign_in(self, agent_id: str) -> None:
        """Take note, or refuse."""
        if self.refuses:
            raise IllegalTransition("the outcome of the last call is owed")
        self.done.append((agent_id, "sign_in"))

    def resume(self, agent_id: str) -> None:
        """Take note."""
        self.done.append((agent_id, "resume"))

    async def dispose(self, agent_id: str, disposition: Disposition) -> None:
        """Take note, or refuse."""
        if self.refuses:
            raise IllegalTransition("no call to hand in")
        self.done.append((agent_id, disposition.value))


async def test_simulated_agents_sign_in_and_hand_in_an_outcome_after_each_conversation() -> None:
    clock, desk = HandClock(), LedgerDesk()
    agents = SimulatedAgents(clock, seed=1, wrap=30)
    agents.start(desk, ["berta", "anna"])
    assert desk.done == [("anna", "sign_in"), ("berta", "sign_in")]
    for state in (State.TALK, State.WRAP):
        agents.agent_moved(Agent("anna", state=state))
    agents.agent_moved(Agent("a person", state=State.WRAP))
    await clock.run(600)
    ((anna, disposition),) = desk.done[2:]
    assert anna == "anna"
    assert Disposition(disposition)


async def test_a_person_who_comes_to_a_desk_has_it_for_themselves() -> None:
    clock, desk = HandClock(), LedgerDesk()
    agents = SimulatedAgents(clock)
    assert not agents.give_up_seat("anna"), "nobody sits anywhere yet"
    agents.start(desk, ["anna", "berta"])
    assert agents.give_up_seat("anna")
    assert not agents.give_up_seat("anna"), "it was given up before"
    for name in ("anna", "berta"):
        agents.agent_moved(Agent(name, state=State.WRAP))
    await clock.run(600)
    assert [who for who, what in desk.done if what != "sign_in"] == ["berta"]


async def test_whoever_wrote_too_long_ends_the_pause_afterwards_and_no_other_pause() -> None:
    clock, desk = HandClock(), LedgerDesk()
    agents = SimulatedAgents(clock)
    agents.start(desk, ["anna", "berta"])
    for name, reason in (("anna", WRAP_TOO_LONG), ("berta", "lunch")):
        agents.agent_moved(Agent(name, state=State.WRAP))
        agents.agent_moved(Agent(name, state=State.PAUSE, reason=reason))
    await clock.run(600)
    assert [who for who, what in desk.done if what == "resume"] == ["anna"]


@pytest.mark.parametrize("refuses", [False, True])
async def test_an_agent_who_was_out_of_reach_signs_in_again(*, refuses: bool) -> None:
    clock, desk = HandClock(), LedgerDesk()
    agents = SimulatedAgents(clock)
    agents.start(desk, ["anna"])
    desk.refuses = refuses
    agents.agent_moved(Agent("anna", state=State.UNREACHABLE))
    await clock.run(10)
    assert desk.done == [("anna", "sign_in")] * (1 if refuses else 2)


async def test_the_same_seed_gives_the_same_outcomes() -> None:
    runs = []
    for _ in range(2):
        clock, desk = HandClock(), LedgerDesk()
        agents = SimulatedAgents(clock, seed=7)
        agents.start(desk, ["anna"])
        for _ in range(30):
            agents.agent_moved(Agent("anna", state=State.WRAP))
            await clock.run(600)
        runs.append(desk.done)
    assert runs[0] == runs[1]
    assert len({what for _, what in runs[0]} - {"sign_in", "resume"}) > 4


async def test_an_agent_whom_the_desk_refuses_goes_on() -> None:
    clock, desk = HandClock(), LedgerDesk()
    agents = SimulatedAgents(clock)
    agents.start(desk, ["anna"])
    desk.refuses = True
    agents.agent_moved(Agent("anna", state=State.WRAP))
    await clock.run(600)
    assert desk.done == [("anna", "sign_in")]


async def test_agents_who_leave_hand_in_nothing_more() -> None:
    clock, desk = HandClock(), LedgerDesk()
    agents = SimulatedAgents(clock)
    agents.start(desk, ["anna"])
    agents.agent_moved(Agent("anna", state=State.WRAP))
    await agents.close()
    await clock.run(600)
    assert desk.done == [("anna", "sign_in")]
