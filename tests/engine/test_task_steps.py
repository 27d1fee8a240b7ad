"""A step of the ladder that a person carries out: one task an attempt, and the ladder waits for it."""

from datetime import timedelta
from pathlib import Path

import pytest

from contactd.channels.base import Absent, Found, LookUp
from contactd.config.settings import Sections, Settings
from contactd.domain.account import Channel
from contactd.domain.attempt import Event
from contactd.domain.campaign import Campaign, Step
from contactd.domain.errors import ChannelRejected, ChannelUnavailable, ChannelUnclear, InputError
from contactd.domain.task import State
from contactd.engine.gate import Begun
from contactd.engine.ladder.explanation import Told, explain
from contactd.engine.tasks.task_channel import TaskChannel
from contactd.engine.tasks.task_ends import drop_moot
from contactd.engine.tasks.tasking import Saying, Tasking
from contactd.store import accounts, attempts, tasks
from contactd.store.attempts import Transition
from contactd.store.schema import invoice
from contactd.store.tasks import Stored, Which
from tests.engine.world import World, compose

TALKS = Campaign(
    id="standard",
    timezone="Europe/Berlin",
    steps=(
        Step("meeting", Channel.TASK, day=3, task="meeting", owner="anna", within_days=10, text="Visit them."),
        Step("notice", Channel.EMAIL, day=14, template="mahnung"),
    ),
)
DAY = 86_400.0
SETTINGS = Settings.of(Sections(), Path("contactd.toml"))
CAMPAIGNS = (TALKS,)


def channel(world: World) -> TaskChannel:
    return TaskChannel(world.commit, world.book, world.clock)


async def take_up(world: World) -> None:
    world.planner.plan("standard", world.clock.now())
    await world.send(channel(world))


async def begin(world: World) -> Begun:
    """Commit the intent of the one that is due, and do no more."""
    [claim] = world.claim(Channel.TASK)
    begun = await world.commit.submit(world.gate.begin, claim)
    assert isinstance(begun, Begun)
    return begun


def all_tasks(world: World) -> list[Stored]:
    with world.database.snapshot() as connection:
        return tasks.listed(connection, Which(state=None))


def say(world: World, number: int, said: Saying) -> Stored:
    with world.database.transaction() as connection:
        return Tasking(SETTINGS, connection, by="anna", now=world.clock.now()).say(number, said)


def why(world: World, account: int) -> Told:
    with world.database.snapshot() as connection:
        return explain(connection, world.book, account, {"standard": world.clock.now()})


async def test_a_step_opens_a_task_with_owner_and_day_and_the_ladder_waits_for_it(world: World) -> None:
    world.debtor(1)
    await take_up(world)
    [made] = all_tasks(world)
    assert (made.kind, made.owner, made.note, made.step) == ("meeting", "anna", "Visit them.", "meeting")
    assert made.due_on == world.clock.now().date() + timedelta(days=10)
    [row] = world.rows()
    assert (row.state, row.provider_ref) == ("accepted", "task-1")
    assert [event for event, *_ in world.log()] == ["sending", "task_opened", "accepted"]
    world.clock.advance(40 * DAY)
    assert world.planner.plan("standard", world.clock.now()).count == 0
    told = why(world, 1)
    assert (told["decision"], told["why"]) == ("rest", "somebody has to do it first")
    assert [(one["id"], one["overdue"]) for one in told["tasks"]] == [(1, True)]


async def test_a_task_that_is_done_lets_the_next_step_come(world: World) -> None:
    world.debtor(1, days_due=20)
    await take_up(world)
    done = say(world, 1, Saying("done", "They pay nothing before spring."))
    assert (done.state, done.outcome) == (State.DONE, "They pay nothing before spring.")
    assert world.rows()[0].outcome == "task_done"
    assert world.log()[-2:] == [
        ("task_done", "meeting", "task 1: They pay nothing before spring."),
        ("delivered", "task_done", "task 1: They pay nothing before spring."),
    ]
    world.clock.advance(11 * DAY)
    assert world.planner.plan("standard", world.clock.now()).taken.keys() == {"notice"}
    with pytest.raises(InputError, match="task 1: a task that is done cannot be dropped"):
        say(world, 1, Saying("drop", "late"))


async def test_a_reaction_ends_the_ladder(world: World) -> None:
    world.debtor(1, days_due=20)
    await take_up(world)
    say(world, 1, Saying("done", "The mayor signs.", reaction=True))
    world.clock.advance(60 * DAY)
    assert world.planner.plan("standard", world.clock.now()).count == 0
    assert why(world, 1)["why"] == "reaction"


async def test_a_dropped_task_lets_the_ladder_go_on(world: World) -> None:
    world.debtor(1, days_due=20)
    await take_up(world)
    say(world, 1, Saying("drop", "nobody has time"))
    [row] = world.rows()
    assert (row.state, row.outcome) == ("failed", "task_dropped")
    world.clock.advance(11 * DAY)
    assert world.planner.plan("standard", world.clock.now()).taken.keys() == {"notice"}


async def test_no_crash_opens_a_second_task(world: World) -> None:
    world.debtor(1)
    world.planner.plan("standard", world.clock.now())
    begun = await begin(world)
    message = compose(begun, lambda: True)
    backend = channel(world)
    asked = LookUp(reference=message.reference, to="", since=begun.at)
    assert await backend.look_up(asked) == Absent()
    assert [await backend.send(message), await backend.send(message)][1].provider_ref == "task-1"
    assert await backend.look_up(asked) == Found("task-1")
    assert (len(all_tasks(world)), [event for event, *_ in world.log()]) == (1, ["sending", "task_opened"])


async def test_a_task_closed_before_its_answer_was_written_ends_the_attempt_all_the_same(world: World) -> None:
    world.debtor(1)
    world.planner.plan("standard", world.clock.now())
    begun = await begin(world)
    message = compose(begun, lambda: True)
    await channel(world).send(message)
    say(world, 1, Saying("done", "quick"))
    assert (world.rows()[0].state, world.rows()[0].outcome) == ("delivered", "task_done")
    with pytest.raises(ChannelRejected, match="task 1 is done already"):
        await channel(world).send(message)


async def test_an_attempt_settled_by_a_person_stays_as_it_is_when_its_task_ends(world: World) -> None:
    world.debtor(1)
    await take_up(world)
    with world.database.transaction() as connection:
        attempts.apply(connection, [Transition(1, None, Event.REJECTED, world.clock.now(), outcome="failed")])
    assert say(world, 1, Saying("done", "too late")).state is State.DONE
    assert world.rows()[0].outcome == "failed"


async def test_what_cannot_open_a_task_says_so(world: World) -> None:
    world.debtor(1)
    world.planner.plan("standard", world.clock.now())
    begun = await begin(world)
    with pytest.raises(ChannelUnavailable, match="lease"):
        await channel(world).send(compose(begun, lambda: False))
    world.book.replace((), {})
    with pytest.raises(ChannelUnavailable, match="not in force"):
        await channel(world).send(compose(begun, lambda: True))
    await world.commit.close()
    with pytest.raises(ChannelUnclear):
        await channel(world).send(compose(begun, lambda: True))
    with pytest.raises(ChannelUnavailable):
        await channel(world).look_up(LookUp(reference="1-1", to="", since=begun.at))
    assert all_tasks(world) == []


async def test_a_task_of_a_case_that_is_paid_is_dropped_and_holds_up_no_later_case(world: World) -> None:
    world.debtor(1)
    await take_up(world)
    now = world.clock.now()
    with world.database.transaction() as connection:
        connection.execute(invoice.update().values(open=0))
        accounts.refresh(connection, [1], now)
        world.owe(connection, 1, "R-2", now.date() - timedelta(days=4), 500)
        accounts.refresh(connection, [1], now)
    assert why(world, 1)["decision"] == "due"
    assert world.planner.preview("standard", now).count == 1
    with world.database.transaction() as connection:
        assert (drop_moot(connection, now), drop_moot(connection, now)) == (1, 0)
    assert [(one.state, one.outcome) for one in all_tasks(world)] == [(State.DROPPED, "case_ended")]
    await take_up(world)
    assert [one.state for one in all_tasks(world)] == [State.DROPPED, State.OPEN]
