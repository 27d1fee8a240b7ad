"""Two who propose, approve or drop in the same moment: one of them wins, the other is told."""

import threading
from collections.abc import Callable
from functools import partial

import sqlalchemy as sa

from contactd.domain.errors import AwaitsApproval, InputError, StoreConflict
from contactd.engine.ladder.proposing import Proposing
from contactd.store import proposals, schema
from tests.engine.proposed import ON_APPROVAL, approve, propose
from tests.engine.world import World

CAMPAIGNS = (ON_APPROVAL,)


def at_once(*work: Callable[[], object]) -> list[object]:
    """Do it all in threads that begin together; answers what each answered or raised."""
    barrier, answers = threading.Barrier(len(work)), list[object]([None] * len(work))

    def do(place: int) -> None:
        barrier.wait()
        try:
            answers[place] = work[place]()
        except (InputError, StoreConflict) as error:
            answers[place] = error

    threads = [threading.Thread(target=do, args=(place,)) for place in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


async def test_of_two_who_approve_at_once_one_is_told_that_it_is_done(world: World, proposing: Proposing) -> None:
    for number in range(1, 21):
        world.debtor(number)
    for _ in range(5):
        run = propose(world, proposing)
        answers = at_once(*[partial(approve, world, proposing, run)] * 3)
        assert sorted(isinstance(answer, InputError) for answer in answers) == [False, True, True]
        assert len(world.rows()) == 20
        with world.database.transaction() as connection:
            connection.execute(sa.delete(schema.attempt))


async def test_whoever_drops_while_another_approves_is_in_time_or_told(world: World, proposing: Proposing) -> None:
    for number in range(1, 6):
        world.debtor(number)
    now = world.clock.now()
    for _ in range(10):
        run = propose(world, proposing)
        dropped, approved = at_once(
            partial(proposing.drop, run, [3], reason="visit", by="anna", now=now),
            partial(approve, world, proposing, run),
        )
        assert isinstance(approved, tuple)
        left = {row.account_id for row in world.rows()}
        if isinstance(dropped, InputError):
            assert (left, approved[0]) == ({1, 2, 3, 4, 5}, 5)
        else:
            assert (dropped, left, approved[0]) == (1, {1, 2, 4, 5}, 4)
        with world.database.transaction() as connection:
            connection.execute(sa.delete(schema.attempt))


async def test_of_two_who_propose_at_once_one_is_told_which_waits(world: World, proposing: Proposing) -> None:
    for number in range(1, 6):
        world.debtor(number)
    answers = at_once(*[lambda: propose(world, proposing)] * 2)
    assert [isinstance(answer, AwaitsApproval) for answer in answers].count(True) == 1
    with world.database.snapshot() as connection:
        [row] = proposals.waiting(connection, world.clock.now()).values()
    assert row.id in answers
    assert approve(world, proposing, row.id) == (5, {})
