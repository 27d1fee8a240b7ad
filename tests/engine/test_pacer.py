"""What the pacing of a team learns from its calls and agents, live and from the past."""

from dataclasses import replace
from datetime import UTC, timedelta

import pytest

from contactd.domain.agent import Agent, Event, step
from contactd.domain.call import HowEnded
from contactd.engine.calls.pacer import Dialling, Pacer
from contactd.store.calls import CallRow
from tests.clock import MONDAY_TEN, HandClock
from tests.engine.dialing import CAMPAIGN


def a_pacer() -> tuple[Pacer, HandClock]:
    """Build a pacer that has learned nothing."""
    clock = HandClock()
    return Pacer(Dialling(), lambda _: UTC, clock.now), clock


def row(how: HowEnded, *, ringing: bool = True) -> CallRow:
    """Write a call of the past."""
    placed = MONDAY_TEN - timedelta(hours=1)
    return CallRow(
        1,
        "",
        "",
        placed,
        ringing_at=placed + timedelta(seconds=2) if ringing else None,
        answered_at=placed + timedelta(seconds=9) if how in (HowEnded.ANSWERED, HowEnded.ABANDONED) else None,
        connected_at=placed + timedelta(seconds=10) if how is HowEnded.ANSWERED else None,
        ended_at=placed + timedelta(seconds=20),
        how_ended=how,
    )


@pytest.mark.parametrize("wish", [None, Event.PAUSED, Event.SIGNED_OUT])
def test_a_wish_in_a_conversation_shortens_nothing_of_what_is_learned(wish: Event | None) -> None:
    pacer, clock = a_pacer()
    agent = Agent("anna")
    for event, seconds in (
        (Event.SIGNED_IN, 5), (Event.RESERVED, 1), (Event.BRIDGED, 99), (wish, 100), (Event.HUNG_UP, 10), (wish, 20),
        (Event.WRAPPED_UP, 1),
    ):  # fmt: skip
        if event is not None:
            agent = step(agent, event, clock.now())
            pacer.agent_moved(agent, CAMPAIGN)
        clock.advance(seconds)
    learned = pacer._forecasts[CAMPAIGN]  # noqa: SLF001 -- what the decisions are made from
    control, _ = a_pacer()
    control._forecasts[CAMPAIGN].learn_talk(200)  # noqa: SLF001 - what nobody shows
    control._forecasts[CAMPAIGN].learn_wrap(30)  # noqa: SLF001 - what nobody shows
    assert learned.talk.to_dict() == control._forecasts[CAMPAIGN].talk.to_dict()  # noqa: SLF001 - what nobody shows
    assert learned.wrap.to_dict() == control._forecasts[CAMPAIGN].wrap.to_dict()  # noqa: SLF001 - what nobody shows


def test_who_is_busy_has_been_so_since_they_began_whatever_they_wish_and_only_who_stays_counts() -> None:
    pacer, clock = a_pacer()
    anna, berta, carla = (step(Agent(name), Event.SIGNED_IN, clock.now()) for name in ("anna", "berta", "carla"))
    pacer.meet([anna, berta, carla])
    assert pacer.staff() == (3, [], [])
    begun = clock.now().timestamp()
    anna = step(anna, Event.RESERVED, clock.now())
    pacer.agent_moved(anna, "")
    clock.advance(5)
    anna = step(anna, Event.BRIDGED, clock.now())
    pacer.agent_moved(anna, CAMPAIGN)
    pacer.agent_moved(step(berta, Event.PAUSED, clock.now()), "")
    assert pacer.staff() == (1, [begun], [])
    pacer.agent_moved(step(anna, Event.PAUSED, clock.now()), CAMPAIGN)
    assert pacer.staff() == (1, [], [])
    pacer.agent_moved(step(anna, Event.HUNG_UP, clock.now()), CAMPAIGN)
    assert pacer.staff() == (1, [], [begun + 5])


def test_who_is_given_to_another_team_is_counted_on_no_longer() -> None:
    pacer, clock = a_pacer()
    ready = step(Agent("anna"), Event.SIGNED_IN, clock.now())
    talks = step(step(replace(ready, id="berta"), Event.RESERVED, clock.now()), Event.BRIDGED, clock.now())
    pacer.meet([ready, talks])
    since = clock.now().timestamp()
    clock.advance(9)
    pacer.meet([talks])
    assert pacer.staff() == (0, [since], [])
    pacer.meet([])
    assert pacer.staff() == (0, [], [])


def test_the_past_counts_what_was_tried_and_not_what_never_reached_the_network() -> None:
    pacer, _ = a_pacer()
    tried = [HowEnded.ANSWERED, HowEnded.NO_ANSWER, HowEnded.BUSY, HowEnded.MACHINE]
    pacer.recall(CAMPAIGN, 0.02, [row(how) for how in tried])
    pacer.recall(CAMPAIGN, 0.02, [row(HowEnded.CONGESTION, ringing=False), row(HowEnded.CANCELLED), row(HowEnded.LOST)])
    reach = pacer.reach[CAMPAIGN]
    assert (sum(reach.placed.values()), sum(reach.answered.values())) == (4, 1)


def test_the_share_of_abandoned_calls_outlives_a_restart() -> None:
    pacer, _ = a_pacer()
    assert pacer.abandoned_share(CAMPAIGN) == 0.0
    pacer.recall(CAMPAIGN, 0.02, [row(HowEnded.ANSWERED), row(HowEnded.ANSWERED), row(HowEnded.ABANDONED)])
    assert pacer.abandoned_share(CAMPAIGN) > 0.0
    assert pacer.abandoned_share("another") == 0.0
