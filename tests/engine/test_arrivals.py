"""What people wish is in force with the commit that keeps it, whatever else waits in the inbox."""

import pytest
import sqlalchemy as sa

from contactd.domain.account import Channel
from contactd.engine.gate import Refused
from contactd.engine.sending import arrivals
from contactd.engine.sending.reconciler import Reconciler
from contactd.store import schema
from contactd.store.inbox import Event
from tests.engine.world import World

NUMBER = "+4915228817386"


def said(world: World, token: str, body: str) -> Event:
    payload = {"sid": token, "from": NUMBER, "to": "+491729925904", "body": body, "opt_out": ""}
    return Event("twilio_message", token, payload, world.clock.now())


def unsubscribed(world: World, address: str) -> Event:
    return Event("unsubscribe", "1", {"channel": "email", "address": address, "customer": 1}, world.clock.now())


def suppressed(world: World) -> list[tuple[str, str, str]]:
    columns = schema.suppression.c
    with world.database.snapshot() as connection:
        rows = connection.execute(sa.select(columns.kind, columns.value, columns.reason).order_by(columns.id))
        return [(row[0], row[1], row[2]) for row in rows]


async def test_no_contact_begins_after_an_unsubscribe_is_kept_although_nobody_looked_into_the_inbox(
    world: World,
) -> None:
    world.debtor(1, email="erika@example.com", mobile="")
    world.planner.plan("standard", world.clock.now())
    [claim] = world.claim(Channel.EMAIL)
    assert await world.commit.submit(arrivals.receive, unsubscribed(world, "Erika@example.com"))
    answer = await world.commit.submit(world.gate.begin, claim)
    assert isinstance(answer, Refused)
    assert answer.reason == "opted_out"


async def test_a_wish_that_is_delivered_again_is_not_obeyed_again(world: World) -> None:
    assert await world.commit.submit(arrivals.receive, said(world, "SM1", "Stop"))
    await world.commit.run(lambda connection: connection.execute(sa.delete(schema.suppression)))
    assert not await world.commit.submit(arrivals.receive, said(world, "SM1", "Stop"))
    assert suppressed(world) == []


@pytest.mark.parametrize(("words", "stopped"), [(("Start", "Stop"), True), (("Stop", "Start"), False)])
async def test_the_last_word_holds_in_whatever_batch_it_came(
    world: World,
    words: tuple[str, ...],
    stopped: bool,  # noqa: FBT001 - a column
) -> None:
    events = [said(world, f"SM{number}", word) for number, word in enumerate(words)]
    assert await world.commit.run(lambda connection: arrivals.receive(connection, events)) == [True, True]
    assert bool(suppressed(world)) is stopped
    assert await Reconciler(world.commit, {}, world.clock).apply_inbox() == 0
    assert bool(suppressed(world)) is stopped


async def test_a_wish_nobody_can_read_keeps_no_other_from_being_obeyed(world: World) -> None:
    odd = Event("unsubscribe", "odd", {"channel": "pigeon"}, world.clock.now())
    events = [odd, unsubscribed(world, "erika@example.com")]
    assert await world.commit.run(lambda connection: arrivals.receive(connection, events)) == [True, True]
    assert suppressed(world) == [("email", "erika@example.com", "opted_out")]


async def test_what_a_provider_says_waits_for_the_reconciler(world: World) -> None:
    status = {"reference": "1-1", "sid": "SM1", "status": "delivered", "code": "", "to": NUMBER}
    assert await world.commit.submit(arrivals.receive, Event("twilio_status", "t", status, world.clock.now()))
    assert await Reconciler(world.commit, {}, world.clock).apply_inbox() == 1
