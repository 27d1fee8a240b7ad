"""The calls of a team, told apart by where they stand."""

from dataclasses import replace
from datetime import timedelta

from contactd.domain.account import Channel
from contactd.domain.call import Call, State
from contactd.domain.campaign import Mode, Step
from contactd.domain.forecast import Lines
from contactd.engine.calls.callbook import Dial
from contactd.engine.calls.calls_up import CallsUp
from contactd.engine.calls.live_call import Live
from contactd.engine.errands import Errands, Lane
from contactd.store.attempts import Claimed
from tests.clock import MONDAY_TEN

NONE = Lines([], [])


def placed(number: int, *, campaign: str = "a", mode: Mode = "predictive", agent: str = "") -> Live:
    """Place a call of a campaign's only list."""
    claimed = Claimed(number, 1, number, number, campaign, "call", Channel.CALL, 1, 1, MONDAY_TEN)
    errands, step = Errands(), Step("call", Channel.CALL, day=0, mode=mode)
    call = Call(claimed.reference, MONDAY_TEN + timedelta(seconds=number))
    return Live(Dial(claimed, "+493023125100", step=step), "", call, "", Lane(errands), Lane(errands), agent)


def move(up: CallsUp, live: Live, state: State) -> None:
    """Let a call be in another state."""
    live.call = replace(live.call, state=state)
    up.moved(live)


def test_a_call_is_dialled_until_it_is_answered_and_waits_until_it_has_an_agent() -> None:
    up, live = CallsUp(), placed(1)
    up.add(live)
    placed_at = live.call.placed_at.timestamp()
    assert up.lines(live.key) == Lines([placed_at], [])
    live.call = replace(live.call, ringing_at=live.call.placed_at + timedelta(seconds=2))
    live.moved()
    move(up, live, State.RINGING)
    assert up.lines(live.key) == Lines([], [placed_at + 2])
    move(up, live, State.WAITING)
    assert (up.lines(live.key), list(up.waiting.values())) == (NONE, [live])
    move(up, live, State.BRIDGING)
    assert (up.waiting, len(up), up.of(live.key)) == ({}, 1, 1)
    up.remove(live)
    up.remove(live)
    assert (len(up), up.of(live.key)) == (0, 0)


def test_calls_are_found_by_how_long_they_have_rung() -> None:
    up, silent = CallsUp(), placed(0)
    rung, promised, late = placed(1), placed(2, agent="anna"), placed(3)
    up.add(silent)
    for live in (rung, promised, late):
        live.call = replace(live.call, state=State.RINGING, ringing_at=live.call.placed_at)
        live.moved()
        up.add(live)
    assert up.ringing_since(rung.key, rung.call.placed_at.timestamp() - 1) == []
    assert up.ringing_since(rung.key, rung.call.placed_at.timestamp()) == [rung]
    assert up.ringing_since(rung.key, late.call.placed_at.timestamp()) == [rung, late]


def test_what_is_given_up_is_counted_on_no_longer_and_is_up_until_it_ends() -> None:
    up, live = CallsUp(), placed(1)
    up.add(live)
    up.give_up(live)
    assert (up.lines(live.key), len(up)) == (NONE, 1)
    move(up, live, State.CANCELLING)
    assert (up.lines(live.key), len(up)) == (NONE, 1)


def test_an_agent_who_is_kept_for_a_call_is_not_promised_twice() -> None:
    up, live = CallsUp(), placed(1, agent="anna")
    up.add(live)
    assert up.lines(live.key) == NONE
    live.agent = ""
    up.moved(live)
    assert up.lines(live.key) == Lines([live.line.placed], [])


def test_who_only_hears_a_text_needs_no_agent_until_they_press_one() -> None:
    up, live = CallsUp(), placed(1, mode="ivr")
    up.add(live)
    assert up.lines(live.key) == NONE
    move(up, live, State.PLAYING)
    assert not up.waiting
    move(up, live, State.WAITING)
    assert list(up.waiting.values()) == [live]


def test_the_calls_of_other_lists_come_by_campaign() -> None:
    up, lives = CallsUp(), [placed(1), placed(2, campaign="b"), placed(3, campaign="b"), placed(4, campaign="c")]
    for live in lives:
        up.add(live)
    move(up, lives[3], State.WAITING)
    assert up.others(("a", "call")) == {"b": Lines([lives[1].line.placed, lives[2].line.placed], [])}
