"""What `contactd why` names first: that somebody else speaks for the customer, before whatever else keeps them."""

from dataclasses import replace
from datetime import timedelta

import sqlalchemy as sa

from contactd.channels.memory import MemoryChannel
from contactd.domain.account import Channel
from contactd.domain.campaign import Select
from contactd.engine.ladder.explanation import Told, explain
from contactd.store import pauses, schema, suppressions
from contactd.store.suppressions import REPRESENTED, NewSuppression
from tests.engine.world import LADDER, OPEN_POLICY, World

STALE = replace(OPEN_POLICY, payments_max_age=timedelta(days=1))


def stop(world: World, *reasons: str) -> None:
    """Let the customer stop all contact, or somebody else."""
    now = world.clock.now()
    with world.database.transaction() as connection:
        new = [NewSuppression("account", "1", None, reason, "kim", now) for reason in reasons]
        suppressions.add(connection, new)


def why(world: World) -> tuple[str, str]:
    """Answer the decision and its reason."""
    with world.database.snapshot() as connection:
        told: Told = explain(connection, world.book, 1, {"standard": world.clock.now()})
    return told["decision"], told["why"]


async def test_a_lawyer_is_named_before_stale_payments_a_pause_and_a_stop(world: World) -> None:
    world.book.replace((LADDER,), {"standard": STALE})
    world.debtor(1)
    with world.database.transaction() as connection:
        pauses.pause(connection, "all", reason="lunch", by="kim", now=world.clock.now())
    assert why(world) == ("held", "payments_stale")
    stop(world, "stop")
    assert why(world) == ("held", "stopped")
    stop(world, REPRESENTED)
    assert why(world) == ("held", "represented")


async def test_a_lawyer_is_named_before_what_the_ladder_says(world: World) -> None:
    ladder = replace(LADDER, steps=(replace(LADDER.steps[0], otherwise=""),))
    world.book.replace((ladder,), {"standard": OPEN_POLICY})
    world.debtor(1)
    world.planner.plan("standard", world.clock.now())
    await world.send(MemoryChannel(Channel.EMAIL))
    assert why(world) == ("rest", "ladder_ended")
    stop(world, REPRESENTED)
    assert why(world) == ("held", "represented")


async def test_a_lawyer_is_named_before_the_filters_of_the_campaigns(world: World) -> None:
    world.book.replace((replace(LADDER, select=Select(languages=frozenset({"fr"}))),), {"standard": OPEN_POLICY})
    world.debtor(1)
    assert why(world) == ("rest", "no campaign selects this account")
    stop(world, REPRESENTED)
    assert why(world) == ("held", "represented")


async def test_a_lawyer_is_named_where_all_is_disputed_and_not_where_nothing_is_owed(world: World) -> None:
    world.debtor(1)
    stop(world, REPRESENTED)
    with world.database.transaction() as connection:
        connection.execute(sa.update(schema.invoice).values(disputed=True))
        connection.execute(sa.update(schema.account).values(open=0, disputed=True))
    assert why(world) == ("held", "represented")
    with world.database.transaction() as connection:
        connection.execute(sa.update(schema.account).values(disputed=False))
    assert why(world) == ("rest", "nothing_open")
