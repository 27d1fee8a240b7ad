"""Random ladders climbed by random accounts: no rung is skipped, none is returned to, and the climb ends."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from contactd.domain.account import Channel, Facts, StepTry, Suppression
from contactd.domain.address import usable
from contactd.domain.campaign import NEXT_NUMBER, Campaign, Step
from contactd.domain.ladder import DEAD, Due, Finished, Waiting, next_step
from tests.domain.people import ACCOUNT, FACTS

DUE = date(2026, 9, 20)  # so that the climb crosses the end of summer time
CHANNELS = (Channel.EMAIL, Channel.SMS, Channel.LETTER, Channel.CALL, Channel.HANDOVER)
OUTCOMES = (
    "accepted",
    "accepted",
    "connected",
    "busy",
    "no_answer",
    "rejected",
    "undeliverable",
    "invalid",
    "cancelled",
)
STATES = {"accepted": "accepted", "connected": "delivered", "cancelled": "cancelled"}
MOST_ROUNDS = 300


@st.composite
def campaigns(draw: st.DrawFn) -> Campaign:
    """Draw a ladder whose days grow, with afters, stand-ins and limits of time."""
    steps: list[Step] = []
    day = 0
    for number in range(draw(st.integers(1, 5))):
        day += draw(st.integers(0, 12))
        shape = draw(st.sampled_from(["day", "day", "after", "stand-in"]))
        step = Step(
            f"s{number}",
            draw(st.sampled_from(CHANNELS)),
            attempts=draw(st.integers(1, 3)),
            pause=timedelta(hours=draw(st.sampled_from([1, 24, 50]))),
            retry=draw(st.sampled_from([{}, {"busy": timedelta(minutes=30), "no_answer": NEXT_NUMBER}])),
            until=draw(st.sampled_from([None, None, None, day + 5])),
            otherwise=f"s{number + draw(st.integers(1, 2))}" if draw(st.booleans()) else "",
        )
        if shape == "after" and steps:
            step = replace(step, after=draw(st.sampled_from(steps)).id, after_days=draw(st.integers(0, 9)))
        elif shape != "stand-in":
            step = replace(step, day=day)
        steps.append(step)
    return Campaign("c", tuple(steps))


@dataclass
class Climb:
    """What became of one account: every try with its instant, every address that died."""

    facts: Facts
    now: datetime
    begun: list[tuple[Step, datetime]]
    ended: bool = False


def climb(campaign: Campaign, draw: st.DataObject) -> Climb:
    """Let time pass and do what the ladder says, with random outcomes, until it ends."""
    account = replace(
        ACCOUNT,
        email=draw.draw(st.sampled_from(["", "kunde@example.com"])),
        phone=draw.draw(st.sampled_from([None, ACCOUNT.phone])),
        mobile=draw.draw(st.sampled_from([None, ACCOUNT.mobile])),
        postal=draw.draw(st.booleans()),
    )
    start = datetime(2026, 9, 20, 12, tzinfo=UTC) + timedelta(days=draw.draw(st.sampled_from([0, 0, 10, 70])))
    made = Climb(replace(FACTS, account=account, oldest_due=DUE), start, [])
    for _ in range(MOST_ROUNDS):
        match next_step(campaign, made.facts, made.now):
            case Due(step, try_no, address):
                attempt(made, step, try_no, address, draw)
            case Waiting(when=datetime() as when):
                assert when > made.now
                made.now = when
            case Finished():
                made.ended = True
                return made
    return made


def attempt(made: Climb, step: Step, try_no: int, address: str, draw: st.DataObject) -> None:
    """Make the try that is due, an hour later than it might have been."""
    made.now += timedelta(hours=1)
    able = usable(made.facts, step.channel, made.now)
    assert address in ("", *able)
    used, outcome = address or able[0], draw.draw(st.sampled_from(OUTCOMES))
    if step.channel is Channel.CALL and outcome == "accepted":
        outcome = "connected"  # an accepted call is one that is still up
    if outcome != "cancelled":
        made.begun.append((step, made.now))
    one = StepTry(step.id, try_no, STATES.get(outcome, "failed"), outcome, made.now, used)
    assert (one.step, one.try_no) not in {(other.step, other.try_no) for other in made.facts.tries}
    stops = made.facts.suppressions
    if outcome in DEAD and used and draw.draw(st.booleans()):
        stops = (*stops, Suppression("email" if "@" in used else "number", used, None, "undeliverable"))
    made.facts = replace(made.facts, tries=(*made.facts.tries, one), suppressions=stops)


@settings(max_examples=150, deadline=None)
@given(campaign=campaigns(), draw=st.data())
def test_the_climb_ends_never_goes_back_and_skips_nothing_it_should_take(
    campaign: Campaign, draw: st.DataObject
) -> None:
    made = climb(campaign, draw)
    places = [campaign.places[step.id] for step, _ in made.begun]
    assert made.ended
    assert places == sorted(places)
    for step in campaign.steps:
        assert sum(other is step for other, _ in made.begun) <= step.attempts
    for place, step in enumerate(campaign.steps):
        if place not in places and any(later > place for later in places):
            assert excused(campaign, step, made), step.id


def excused(campaign: Campaign, step: Step, made: Climb) -> bool:
    """Say whether a rung below the highest one was rightly left out: no way to reach, too late, or led past."""
    led_past = any(
        campaign.places[other.id] < campaign.places[step.id] < campaign.places.get(other.otherwise, 0)
        for other in campaign.steps
    )
    return step.stands_in or step.until is not None or led_past or not usable(made.facts, step.channel, made.now)


@settings(max_examples=150, deadline=None)
@given(campaign=campaigns(), draw=st.data())
def test_no_rung_comes_early_and_no_retry_before_its_delay(campaign: Campaign, draw: st.DataObject) -> None:
    made = climb(campaign, draw)
    for (before, earlier), (step, at) in zip(made.begun, made.begun[1:], strict=False):
        if step is before:
            last = next(one for one in made.facts.tries if one.at == earlier)
            delay = step.retry.get(last.outcome)
            if delay != NEXT_NUMBER and last.outcome not in DEAD:
                assert at - earlier >= (delay if isinstance(delay, timedelta) else step.pause)
        elif not step.stands_in and not any(other.otherwise == step.id for other in campaign.steps):
            gap = campaign.nominal[step.id] - campaign.nominal[before.id]
            assert (local(at) - local(earlier)).days >= gap
    for step, at in made.begun:
        if step.day is not None and not any(other.otherwise == step.id for other in campaign.steps):
            assert (local(at) - DUE).days >= step.day
        if step.until is not None:
            assert (local(at - timedelta(hours=1)) - DUE).days <= step.until


def local(at: datetime) -> date:
    """Read the date in Berlin, where clocks went back on 25 October 2026."""
    return (at + timedelta(hours=2 if at < datetime(2026, 10, 25, 1, tzinfo=UTC) else 1)).date()
