"""What follows at once in a campaign on approval: what belongs to the approved contact, and nothing else."""

from dataclasses import replace
from datetime import timedelta

import pytest

from contactd.channels.memory import MemoryChannel
from contactd.domain.attempt import Event
from contactd.domain.campaign import Step
from contactd.domain.errors import InputError
from contactd.domain.happened import AttemptMoved
from contactd.engine.ladder.proposing import Proposing
from contactd.engine.sending.followup import FollowUp
from contactd.store import attempts
from contactd.store.attempts import Transition
from tests.engine.proposed import ON_APPROVAL, approve, lines, propose
from tests.engine.world import LADDER, OPEN_POLICY, World

SECOND_TRY = replace(LADDER.steps[0], otherwise="", attempts=2, retry={"rejected": timedelta(hours=2)})
CAMPAIGNS = (ON_APPROVAL,)


async def fail(world: World, outcome: str, reason: str = "") -> None:
    """Tell late that the first message did not arrive, and let what follows follow."""
    with world.database.transaction() as connection:
        told = Transition(1, None, Event.REJECTED, world.clock.now(), outcome=outcome, reason=reason)
        attempts.apply(connection, [told])
    follow = FollowUp(world.planner, world.clock, lambda: None)
    follow.hear(AttemptMoved(1, 1, "standard", "reminder", "email", "failed", outcome, reason))
    await follow.plan_waiting()


@pytest.mark.parametrize("approval", [True, False])
async def test_the_next_step_never_follows_at_once_where_somebody_has_to_approve(
    world: World, proposing: Proposing, *, approval: bool
) -> None:
    steps = replace(LADDER.steps[0], otherwise=""), replace(LADDER.steps[2], day=3)
    world.book.replace((replace(ON_APPROVAL, steps=steps),), {"standard": OPEN_POLICY})
    world.debtor(1)
    approve(world, proposing, propose(world, proposing))
    await world.send(MemoryChannel())
    world.book.replace((replace(ON_APPROVAL, steps=steps, approval=approval),), {"standard": OPEN_POLICY})
    await fail(world, "rejected", "mailbox full")
    assert [row.step for row in world.rows()] == (["reminder"] if approval else ["reminder", "notice"])


async def test_while_a_run_waits_no_next_step_follows_either(world: World, proposing: Proposing) -> None:
    steps = replace(LADDER.steps[0], otherwise=""), replace(LADDER.steps[2], day=3)
    world.book.replace((replace(LADDER, steps=steps),), {"standard": OPEN_POLICY})
    world.debtor(1)
    approve(world, proposing, propose(world, proposing))
    await world.send(MemoryChannel())
    world.debtor(2)
    propose(world, proposing)
    await fail(world, "rejected", "mailbox full")
    assert [row.step for row in world.rows()] == ["reminder"]


async def test_the_next_step_does_not_follow_one_whose_time_was_over(world: World, proposing: Proposing) -> None:
    steps = replace(LADDER.steps[0], otherwise="", until=10), LADDER.steps[2]
    world.book.replace((replace(ON_APPROVAL, steps=steps),), {"standard": OPEN_POLICY})
    world.debtor(1)
    approve(world, proposing, propose(world, proposing))
    world.clock.advance(12 * 86_400)
    follow = FollowUp(world.planner, world.clock, lambda: None)
    world.bus.listen(follow.hear)
    channel = MemoryChannel()
    await world.send(channel)
    assert follow.waiting
    await follow.plan_waiting()
    assert [(row.step, row.state, row.reason) for row in world.rows()] == [("reminder", "cancelled", "too_late")]
    assert channel.ledger == []
    assert lines(world, propose(world, proposing))["K-1"]["step"] == "notice"


@pytest.mark.parametrize(
    ("steps", "outcome", "follows"),
    [
        (LADDER.steps, "undeliverable", ("reminder-sms", 1)),
        ((SECOND_TRY, LADDER.steps[2]), "rejected", ("reminder", 2)),
    ],
)
async def test_what_belongs_to_the_approved_contact_follows_at_once(
    world: World, proposing: Proposing, steps: tuple[Step, ...], outcome: str, follows: tuple[str, int]
) -> None:
    world.book.replace((replace(ON_APPROVAL, steps=steps),), {"standard": OPEN_POLICY})
    world.debtor(1, mobile="+4915228817386", mobile_type="mobile", mobile_zones="Europe/Berlin")
    world.debtor(2)
    approve(world, proposing, propose(world, proposing))
    await world.send(MemoryChannel())
    await fail(world, outcome)
    assert [(row.step, row.try_no) for row in world.rows() if row.account_id == 1][1:] == [follows]


async def test_nothing_follows_for_an_account_of_a_run_that_waits(world: World, proposing: Proposing) -> None:
    world.debtor(1, mobile="+4915228817386", mobile_type="mobile", mobile_zones="Europe/Berlin")
    approve(world, proposing, propose(world, proposing))
    await world.send(MemoryChannel())
    world.clock.advance(12 * 86_400)
    run = propose(world, proposing)
    await fail(world, "undeliverable")
    assert len(world.rows()) == 1
    with pytest.raises(InputError, match="1 passed_over; reject it"):
        approve(world, proposing, run)
    proposing.reject(run, reason="passed over", by="anna", now=world.clock.now())
    assert lines(world, propose(world, proposing))["K-1"]["step"] == "reminder-sms"
