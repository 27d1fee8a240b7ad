"""The sender: every answer of a provider in the attempt's own words, and nothing sent twice or lost."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256

import pytest
import sqlalchemy as sa

from contactd.channels.base import Message, Receipt, fingerprint
from contactd.channels.memory import MemoryChannel
from contactd.domain.account import Channel
from contactd.domain.errors import (
    ChannelError,
    ChannelMisconfigured,
    ChannelRejected,
    ChannelUnavailable,
    ChannelUnclear,
    RecipientOptedOut,
    StoreError,
)
from contactd.engine.sending.sender import Sender
from contactd.store import schema, sent_messages
from contactd.store.database import Database
from contactd.store.group_commit import GroupCommit
from tests.engine.world import World, open_world


class Full(GroupCommit):
    """Refuses what is written by one function, so many times."""

    def __init__(self, database: Database, name: str, times: int = 1) -> None:
        super().__init__(database)
        self.name, self.times, self.refused = name, times, 0

    async def submit(self, function, item):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201 - as its base
        if function.__name__ == self.name and self.refused < self.times:
            self.refused += 1
            raise StoreError("the disk is full")
        return await super().submit(function, item)


async def run_until_accepted(world: World, sender: Sender) -> None:
    """Run it until the first message was taken, then let it end."""
    running = asyncio.create_task(sender.run())
    for _ in range(8_000):
        await world.clock.run(0.5)
        if world.rows()[0].state == "accepted":
            break
    sender.drain()
    await running


async def send_one(database: Database, fault: ChannelError | None) -> tuple[World, MemoryChannel]:
    async with open_world(database) as world:
        world.debtor(1)
        world.planner.plan("standard", world.clock.now())
        channel = MemoryChannel(faults=[fault] if fault else [])
        await world.send(channel)
        return world, channel


async def test_what_the_provider_took_is_accepted_with_its_reference(database: Database) -> None:
    world, channel = await send_one(database, None)
    [row] = world.rows()
    assert (row.state, row.outcome, row.provider_ref) == ("accepted", "accepted", f"memory-{row.id}-1")
    assert [message.to for message in channel.ledger] == ["debtor1@example.com"]
    assert world.log() == [("sending", "", ""), ("accepted", "accepted", "")]
    assert [(moved.state, moved.outcome) for moved in world.moved] == [("accepted", "accepted")]


async def test_what_was_certainly_not_taken_is_tried_again_later(database: Database) -> None:
    async with open_world(database) as world:
        world.debtor(1)
        world.planner.plan("standard", world.clock.now())
        channel = MemoryChannel(faults=[ChannelUnavailable("come back", code="451", retry_after=600)])
        await world.send(channel)
        [row] = world.rows()
        assert (row.state, row.sending_at, row.ended_at) == ("planned", None, None)
        assert (row.not_before - world.clock.now()).total_seconds() == 600
        world.clock.advance(601)
        await world.send(channel)
        [row] = world.rows()
        assert (row.state, row.claim_no) == ("accepted", 2)
        assert [message.reference for message in channel.ledger] == [f"{row.id}-2"]


async def test_what_may_have_been_taken_is_unclear_and_never_sent_again(database: Database) -> None:
    async with open_world(database) as world:
        world.debtor(1)
        world.planner.plan("standard", world.clock.now())
        channel = MemoryChannel(faults=[ChannelUnclear("no answer after the dot")])
        await world.send(channel)
        world.clock.advance(100_000)
        await world.send(channel)
        assert [row.state for row in world.rows()] == ["unclear"]
        assert len(channel.ledger) == 1


async def test_an_error_nobody_foresaw_counts_as_unclear(database: Database) -> None:
    class Broken(MemoryChannel):
        async def send(self, message: Message) -> Receipt:
            raise ZeroDivisionError(message.reference)

    async with open_world(database) as world:
        world.debtor(1)
        world.planner.plan("standard", world.clock.now())
        await world.send(Broken())
        [row] = world.rows()
        assert (row.state, row.reason) == ("unclear", "ZeroDivisionError")


@pytest.mark.parametrize(
    ("fault", "outcome", "suppressed"),
    [
        (ChannelRejected("no such user", code="5.1.1", dead=True), "undeliverable", ["undeliverable"]),
        (ChannelRejected("content refused", code="5.7.1"), "rejected", []),
        (RecipientOptedOut("stop", code="21610"), "opted_out", ["opted_out"]),
    ],
)
async def test_a_refusal_fails_and_closes_the_address_if_it_is_to_blame(
    database: Database, fault: ChannelError, outcome: str, suppressed: Sequence[str]
) -> None:
    world, _ = await send_one(database, fault)
    [row] = world.rows()
    assert (row.state, row.outcome, row.reason) == ("failed", outcome, f"{fault.code} {fault}")
    with database.snapshot() as connection:
        assert connection.scalars(sa.select(schema.suppression.c.reason)).all() == suppressed


async def test_wrong_credentials_pause_the_channel_and_lose_nothing(database: Database) -> None:
    async with open_world(database) as world:
        for number in (1, 2, 3):
            world.debtor(number)
        world.planner.plan("standard", world.clock.now())
        channel = MemoryChannel(faults=[ChannelMisconfigured("login refused", code="535")] * 3)
        sender = world.sender(channel, in_flight=1)
        running = asyncio.create_task(sender.run())
        paused: list[tuple[str, str]] = []
        for _ in range(8_000):
            with database.snapshot() as connection:
                chosen = sa.select(schema.pause.c.name, schema.pause.c.reason)
                paused = [(row[0], row[1]) for row in connection.execute(chosen)]
            if paused and all(row.state == "planned" for row in world.rows()):
                break
            await asyncio.sleep(0.005)
        sender.drain()
        await running
        assert paused == [("channel:email", "535 login refused")]
        assert [row.state for row in world.rows()] == ["planned"] * 3
        assert channel.ledger == []


async def test_draining_gives_back_what_was_claimed_and_not_begun(database: Database) -> None:
    begun = asyncio.Event()

    class Slow(MemoryChannel):
        async def send(self, message: Message) -> Receipt:
            begun.set()
            await asyncio.sleep(0.05)
            return await super().send(message)

    async with open_world(database) as world:
        for number in range(1, 21):
            world.debtor(number)
        world.planner.plan("standard", world.clock.now())
        channel = Slow()
        sender = world.sender(channel, in_flight=2)
        running = asyncio.create_task(sender.run())
        await begun.wait()
        sender.drain()
        await running
        states = [row.state for row in world.rows()]
        assert states.count("accepted") == len(channel.ledger)
        assert states.count("planned") == 20 - len(channel.ledger) > 0


async def test_a_store_that_is_away_for_the_answer_is_asked_until_it_is_back(database: Database) -> None:
    async with open_world(database) as world:
        world.debtor(1)
        world.planner.plan("standard", world.clock.now())

        flaky = world.commit = Full(database, "settle", times=2)
        channel = MemoryChannel()
        sender = world.sender(channel)
        await run_until_accepted(world, sender)
        await flaky.close()
        assert flaky.refused == 2
        assert len(channel.ledger) == 1
        assert world.rows()[0].state == "accepted"


async def test_without_a_committed_intent_nothing_is_sent(database: Database) -> None:
    async with open_world(database) as world:
        world.debtor(1)
        world.planner.plan("standard", world.clock.now())

        full = world.commit = Full(database, "begin")
        channel = MemoryChannel()
        sender = world.sender(channel)
        await run_until_accepted(world, sender)
        await full.close()
        assert full.refused == 1
        assert [row.state for row in world.rows()] == ["accepted"]
        assert len(channel.ledger) == 1
        assert [event for event, _, _ in world.log()] == ["sending", "accepted"]


async def test_a_rate_is_kept_before_the_rules_are_asked(database: Database) -> None:
    async with open_world(database) as world:
        for number in range(1, 6):
            world.debtor(number)
        world.planner.plan("standard", world.clock.now())
        channel = MemoryChannel()
        sender = world.sender(channel, rate=1.0)
        running = asyncio.create_task(sender.run())
        async with asyncio.timeout(60):
            while not channel.ledger:  # noqa: ASYNC110 -- it tells nobody
                await asyncio.sleep(0.005)
        for _ in range(20):
            await asyncio.sleep(0.005)
        assert len(channel.ledger) == 1
        assert not [row for row in world.rows() if row.state == "sending"]
        async with asyncio.timeout(60):
            while len(channel.ledger) < 5:
                await world.clock.run(0.5)
                await asyncio.sleep(0.02)
        sender.drain()
        await running
        assert len(channel.ledger) == 5
        assert world.rows()[0].channel == Channel.EMAIL


class ByText(MemoryChannel):
    """A provider that can only be asked for a message by what it says."""

    finds_by_text = True


async def test_what_is_to_be_found_by_its_text_is_known_by_it_before_it_leaves(database: Database) -> None:
    kept: list[str] = []

    class Watched(ByText):
        async def send(self, message: Message) -> Receipt:
            kept.extend(row.fingerprint for row in world.rows())
            return await super().send(message)

    async with open_world(database) as world:
        world.debtor(1)
        world.planner.plan("standard", world.clock.now())
        channel = Watched()
        await world.send(channel)
        assert kept == [fingerprint(channel.ledger[0].text)]
        assert [row.state for row in world.rows()] == ["accepted"]


async def test_what_would_not_be_found_again_is_not_sent(database: Database) -> None:
    async with open_world(database) as world:
        world.debtor(1)
        world.planner.plan("standard", world.clock.now())

        world.commit = Full(database, "keep")
        channel = ByText()
        await world.send(channel)
        assert channel.ledger == []
        assert world.log() == [
            ("sending", "", ""),
            ("not_taken", "unavailable", "store not sent: its fingerprint was not kept"),
        ]
        world.clock.advance(61)
        await world.send(channel)
        await world.commit.close()
        assert [message.reference for message in channel.ledger] == [f"{world.rows()[0].id}-2"]


def put_off(*, of_recipient: bool) -> ChannelUnavailable:
    return ChannelUnavailable("not now", code="450", retry_after=300, of_recipient=of_recipient)


async def refuse(world: World, times: int, *, of_recipient: bool) -> list[float]:
    """Refuse an attempt so many times, each time by another sender; answers the minutes that were waited in between."""
    waits = []
    for _ in range(times):
        await world.send(MemoryChannel(faults=[put_off(of_recipient=of_recipient)]))
        [row] = world.rows()
        if row.state != "planned":
            break
        waits.append((row.not_before - world.clock.now()).total_seconds())
        world.clock.advance(waits[-1])
    return [wait / 60 for wait in waits]


async def test_a_recipient_who_is_refused_for_days_is_given_up_so_that_the_ladder_goes_on(database: Database) -> None:
    async with open_world(database) as world:
        world.debtor(1)
        world.planner.plan("standard", world.clock.now())
        waits = await refuse(world, 100, of_recipient=True)
        assert waits[:7] == [5, 10, 20, 40, 80, 160, 240]
        assert set(waits[6:]) == {240}
        assert timedelta(days=4) <= timedelta(minutes=sum(waits)) < timedelta(days=4, hours=4)
        [row] = world.rows()
        assert (row.state, row.outcome) == ("failed", "unreachable")
        assert row.reason == f"450 not now (refused {len(waits) + 1} times since 2026-11-23)"
        assert {outcome for event, outcome, _ in world.log() if event == "not_taken"} == {"deferred"}


async def test_a_provider_that_is_away_for_a_week_burns_no_attempt(database: Database) -> None:
    async with open_world(database) as world:
        world.debtor(1)
        world.planner.plan("standard", world.clock.now())
        assert await refuse(world, 4, of_recipient=False) == [5, 10, 15, 15]
        world.clock.advance(7 * 86_400)
        assert await refuse(world, 1, of_recipient=False) == [15]
        assert await refuse(world, 1, of_recipient=True) == [5]
        channel = MemoryChannel()
        await world.send(channel)
        assert [row.state for row in world.rows()] == ["accepted"]


async def test_a_store_that_cannot_be_read_meanwhile_shortens_the_pause_and_loses_nothing(database: Database) -> None:
    async with open_world(database) as world:
        world.debtor(1)
        world.planner.plan("standard", world.clock.now())
        await refuse(world, 3, of_recipient=True)

        class Unreadable(GroupCommit):
            async def read(self, function):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202 - as its base
                raise StoreError(f"every connection is busy: {function}")

        world.commit = Unreadable(database)
        assert await refuse(world, 1, of_recipient=True) == [5]
        await world.commit.close()


async def test_a_claim_somebody_else_has_taken_over_is_told_to_nobody_as_cancelled(database: Database) -> None:
    async with open_world(database) as world:
        world.debtor(1)
        world.planner.plan("standard", world.clock.now())

        class Slow(GroupCommit):
            async def submit(self, function, item):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202 - as its base
                with database.transaction() as connection:
                    connection.execute(sa.update(schema.attempt).values(claim_no=9, claimed_by="another"))
                return await super().submit(function, item)

        world.commit = Slow(database)
        channel = MemoryChannel()
        sender = world.sender(channel)
        running = asyncio.create_task(sender.run())
        for _ in range(8_000):
            await asyncio.sleep(0.005)
            if world.rows()[0].claim_no == 9:
                break
        sender.drain()
        await running
        await world.commit.close()
        assert [(row.state, row.claim_no) for row in world.rows()] == [("claimed", 9)]
        assert (channel.ledger, world.moved) == ([], [])


async def test_what_was_put_on_the_wire_is_kept_and_the_log_names_its_hash(database: Database) -> None:
    world, channel = await send_one(database, None)
    await assert_kept(world, channel)


async def test_what_may_have_been_taken_is_kept_as_well(database: Database) -> None:
    world, channel = await send_one(database, ChannelUnclear("no answer after the dot"))
    await assert_kept(world, channel)


async def test_of_what_was_certainly_not_taken_nothing_is_kept(database: Database) -> None:
    world, _ = await send_one(database, ChannelUnavailable("come back", code="451", retry_after=600))
    with world.database.snapshot() as connection:
        assert sent_messages.of_attempts(connection, [row.id for row in world.rows()]) == []


async def assert_kept(world: World, channel: MemoryChannel) -> None:
    [row] = world.rows()
    with world.database.snapshot() as connection:
        [kept] = sent_messages.of_attempts(connection, [row.id])
        details = connection.execute(sa.select(schema.contact_log.c.details).order_by(schema.contact_log.c.id)).all()
    assert (kept.content, kept.claim_no) == (channel.ledger[0].text, 1)
    digest = sha256(kept.content.encode()).hexdigest()
    assert kept.digest == digest
    assert details[-1].details == {"sha256": digest, "bytes": len(kept.content.encode())}
