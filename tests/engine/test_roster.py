"""The agents at work: who is free, who is next, and who hears of it."""

from datetime import timedelta

import pytest

from contactd.domain.agent import Agent, Event, State
from contactd.domain.errors import IllegalTransition, InputError
from contactd.engine.calls.roster import SILENCE_LIMIT, WRAP_LIMIT, WRAP_MORE, WRAP_OFFER, Roster
from tests.clock import HandClock


def a_roster(*names: str, team: str = "") -> tuple[Roster, HandClock]:
    """Build a roster whose agents are offline."""
    clock = HandClock()
    return Roster([Agent(name, team=team, languages=("de",)) for name in names], clock), clock


def sign_in(roster: Roster, clock: HandClock, *names: str) -> None:
    """Sign agents in, one second after the other."""
    for name in names:
        roster.sign_in(name)
        clock.advance(1)


def test_the_free_agents_of_a_team_are_listed_longest_free_first() -> None:
    roster, clock = a_roster("anna", "berta", "clara")
    sign_in(roster, clock, "clara", "anna")
    assert [agent.id for agent in roster.free("")] == ["clara", "anna"]
    assert roster.free("north") == []


def test_a_reserved_agent_is_not_free_any_more() -> None:
    roster, clock = a_roster("anna", "berta")
    sign_in(roster, clock, "anna", "berta")
    assert [roster.reserve("") for _ in range(3)] == [roster.find("anna"), roster.find("berta"), None]


def test_an_agent_who_does_not_exist_is_an_input_error() -> None:
    roster, _ = a_roster()
    with pytest.raises(InputError, match="there is no agent 'zora'"):
        roster.sign_in("zora")


def test_what_cannot_happen_to_an_agent_changes_nothing_and_nobody_hears_of_it() -> None:
    roster, _ = a_roster("anna")
    heard: list[Agent] = []
    roster.listen(heard.append)
    with pytest.raises(IllegalTransition):
        roster.pause("anna")
    assert heard == []
    assert roster.find("anna").state is State.OFFLINE


def test_a_pause_ends_when_the_agent_resumes_and_resuming_without_one_is_nothing() -> None:
    roster, clock = a_roster("anna")
    sign_in(roster, clock, "anna")
    roster.pause("anna", "lunch")
    assert (roster.find("anna").state, roster.find("anna").reason) == (State.PAUSE, "lunch")
    roster.resume("anna")
    roster.resume("anna")
    assert roster.find("anna").state is State.READY
    roster.sign_out("anna")
    roster.resume("anna")
    assert roster.find("anna").state is State.OFFLINE


def test_a_wish_for_a_pause_is_taken_back_by_resuming() -> None:
    roster, clock = a_roster("anna")
    sign_in(roster, clock, "anna")
    roster.reserve("")
    roster.pause("anna")
    assert not roster.anybody("")
    roster.resume("anna")
    assert roster.anybody("")


def test_whoever_is_on_a_pause_or_away_cannot_be_free_soon() -> None:
    roster, clock = a_roster("anna", "berta")
    assert not roster.anybody("")
    sign_in(roster, clock, "anna")
    assert roster.anybody("")
    roster.pause("anna")
    assert not roster.anybody("")


def test_writing_up_has_a_limit_after_which_it_is_a_pause() -> None:
    roster, clock = a_roster("anna")
    sign_in(roster, clock, "anna")
    for event in (Event.RESERVED, Event.BRIDGED, Event.HUNG_UP):
        roster.apply("anna", event)
    clock.advance((WRAP_LIMIT - timedelta(seconds=1)).total_seconds())
    roster.tick()
    assert roster.find("anna").state is State.WRAP
    clock.advance(1)
    roster.tick()
    assert roster.find("anna").state is State.PAUSE


def test_agents_are_counted_by_team_and_state() -> None:
    roster, clock = a_roster("anna", "berta")
    sign_in(roster, clock, "anna")
    assert roster.counts() == {"": {State.READY: 1, State.OFFLINE: 1}}
    assert [agent.id for agent in roster.agents()] == ["anna", "berta"]


def test_everybody_hears_of_one_change_before_the_next_even_when_a_listener_makes_it() -> None:
    roster, _ = a_roster("anna")
    heard: list[State] = []

    def reserve(agent: Agent) -> None:
        if agent.state is State.READY:
            roster.apply(agent.id, Event.RESERVED)

    roster.listen(reserve)
    roster.listen(lambda agent: heard.append(agent.state))
    roster.sign_in("anna")
    assert heard == [State.READY, State.RESERVED]


def test_a_reload_adds_agents_renames_others_and_lets_the_rest_go_after_their_call() -> None:
    roster, clock = a_roster("anna", "berta", "clara")
    sign_in(roster, clock, "anna", "berta")
    roster.reserve("")
    roster.replace([Agent("berta", name="Berta B.", team="north"), Agent("dora")])
    assert [agent.id for agent in roster.agents()] == ["anna", "berta", "dora"]
    assert (roster.find("berta").name, roster.find("berta").state) == ("Berta B.", State.READY)
    roster.apply("anna", Event.RELEASED)
    assert [agent.id for agent in roster.agents()] == ["berta", "dora"]


def silence(roster: Roster, clock: HandClock, seconds: float) -> None:
    """Let time pass without a sign of life from any desk, ticking."""
    for _ in range(round(seconds * 2)):
        clock.advance(0.5)
        roster.tick()


def test_a_desk_that_was_heard_and_is_silent_puts_its_agent_out_of_reach() -> None:
    roster, clock = a_roster("anna", "berta")
    sign_in(roster, clock, "anna", "berta")
    roster.heard("anna")
    silence(roster, clock, SILENCE_LIMIT.total_seconds() - 0.5)
    assert roster.find("anna").state is State.READY
    silence(roster, clock, 0.5)
    assert roster.find("anna").state is State.UNREACHABLE
    assert roster.find("berta").state is State.READY  # never heard, never watched


def test_a_desk_that_is_heard_again_is_found_and_waits_for_its_agent() -> None:
    roster, clock = a_roster("anna")
    sign_in(roster, clock, "anna")
    roster.heard("anna")
    silence(roster, clock, 40)
    roster.heard("anna")
    assert roster.find("anna").state is State.PAUSE
    roster.resume("anna")
    silence(roster, clock, 10)
    roster.heard("anna")
    silence(roster, clock, 10)
    assert roster.find("anna").state is State.READY


def test_a_silent_desk_during_a_conversation_is_forgiven_when_it_is_heard_before_the_end() -> None:
    roster, clock = a_roster("anna")
    sign_in(roster, clock, "anna")
    roster.heard("anna")
    for event in (Event.RESERVED, Event.BRIDGED):
        roster.apply("anna", event)
    silence(roster, clock, 20)
    assert (roster.find("anna").state, roster.find("anna").wish) == (State.TALK, State.UNREACHABLE)
    roster.heard("anna")
    assert (roster.find("anna").state, roster.find("anna").wish) == (State.TALK, None)


def test_whoever_signs_in_again_is_alive_and_watched_as_before() -> None:
    roster, clock = a_roster("anna")
    sign_in(roster, clock, "anna")
    roster.heard("anna")
    silence(roster, clock, 20)
    roster.sign_in("anna")
    silence(roster, clock, 14)
    assert roster.find("anna").state is State.READY
    silence(roster, clock, 1)
    assert roster.find("anna").state is State.UNREACHABLE


def test_a_silence_in_which_nobody_could_be_heard_is_nobodys() -> None:
    roster, clock = a_roster("anna")
    sign_in(roster, clock, "anna")
    roster.heard("anna")
    clock.advance(3600)
    roster.overslept(3600)
    silence(roster, clock, 14)
    assert roster.find("anna").state is State.READY


def test_a_desk_of_nobody_is_an_input_error_and_of_whoever_left_is_forgotten() -> None:
    roster, clock = a_roster("anna", "berta")
    with pytest.raises(InputError):
        roster.heard("zora")
    roster.heard("anna")
    silence(roster, clock, 20)
    assert roster.find("anna").state is State.OFFLINE
    roster.replace([Agent("berta")])
    silence(roster, clock, 20)
    assert not roster.is_reserved("anna")


def test_more_time_to_write_is_given_near_its_end_and_as_often_as_asked_for() -> None:
    roster, clock = a_roster("anna")
    sign_in(roster, clock, "anna")
    heard: list[Agent] = []
    roster.listen(heard.append)
    for event in (Event.RESERVED, Event.BRIDGED, Event.HUNG_UP):
        roster.apply("anna", event)
    since = clock.now()
    assert roster.wrap_until("anna") == since + WRAP_LIMIT
    with pytest.raises(IllegalTransition, match="not at the end of the time to write"):
        roster.extend("anna")
    for more in (1, 2):
        clock.advance((WRAP_LIMIT - WRAP_OFFER).total_seconds() if more == 1 else WRAP_MORE.total_seconds())
        roster.extend("anna")
        assert roster.wrap_until("anna") == since + WRAP_LIMIT + more * WRAP_MORE
        assert heard[-1].state is State.WRAP
    roster.tick()
    assert roster.find("anna").state is State.WRAP
    clock.advance((WRAP_OFFER + WRAP_MORE).total_seconds())
    roster.tick()
    assert roster.find("anna").state is State.PAUSE
    assert roster.wrap_until("anna") is None
    with pytest.raises(IllegalTransition):
        roster.extend("anna")


def test_more_time_is_for_one_call_only() -> None:
    roster, clock = a_roster("anna")
    sign_in(roster, clock, "anna")
    for event in (Event.RESERVED, Event.BRIDGED, Event.HUNG_UP):
        roster.apply("anna", event)
    clock.advance((WRAP_LIMIT - WRAP_OFFER).total_seconds())
    roster.extend("anna")
    for event in (Event.WRAPPED_UP, Event.RESERVED, Event.BRIDGED, Event.HUNG_UP):
        roster.apply("anna", event)
    assert roster.wrap_until("anna") == clock.now() + WRAP_LIMIT
