"""What falls out of a proposed run on approval though only a rule that passes is named, and what a daemon leaves."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from contactd.channels.memory import MemoryChannel
from contactd.domain.account import Channel
from contactd.domain.errors import InputError
from contactd.domain.policy import Cap, Policy
from contactd.engine.ladder.proposing import Proposing
from contactd.store import attempts, proposals, schema, suppressions
from contactd.store.suppressions import NewSuppression
from tests.engine.proposed import ON_APPROVAL, approve, lines, propose
from tests.engine.test_planning import DAILY, a_life
from tests.engine.world import LADDER, OPEN_POLICY, World

ONCE_A_WEEK = Policy("capped", default_timezone="Europe/Berlin", caps=(Cap(1, timedelta(days=7), per="customer"),))
CAMPAIGNS = (ON_APPROVAL,)


def hold(world: World, number: int, days: int) -> None:
    """Let an account rest for a promise."""
    until = world.clock.now().date() + timedelta(days=days)
    held = sa.update(schema.account).where(schema.account.c.id == number)
    with world.database.transaction() as connection:
        connection.execute(held.values(hold_reason="promise", hold_until=until))


def contact(world: World, number: int) -> None:
    """Let another campaign have written to it just now."""
    now = world.clock.now()
    with world.database.transaction() as connection:
        other = attempts.NewAttempt(number, number, None, "other", "mail", Channel.EMAIL, 1, 1, now, now)
        attempts.plan(connection, [other])
        mine = sa.update(schema.attempt).where(schema.attempt.c.account_id == number)
        connection.execute(mine.values(state="accepted", sending_at=now))


async def test_a_rule_that_stands_longer_hides_no_hold_and_no_stop(world: World, proposing: Proposing) -> None:
    for number in range(1, 5):
        world.debtor(number)
    run = propose(world, proposing)
    world.book.replace((ON_APPROVAL,), {"standard": ONCE_A_WEEK})
    for number in range(1, 5):
        contact(world, number)
    hold(world, 1, 3)
    now = world.clock.now()
    with world.database.transaction() as connection:
        for kind, value, until in [("account", "2", now + timedelta(days=3)), ("account", "3", None)]:
            stop = NewSuppression(kind, value, None, "stop", "test", now, until)
            suppressions.add(connection, [stop])
    assert approve(world, proposing, run) == (1, {"on_hold": 1, "stopped": 2})
    assert [row.account_id for row in world.rows() if row.campaign == "standard"] == [4]


async def test_a_hold_that_is_over_soon_is_one_all_the_same(world: World, proposing: Proposing) -> None:
    world.debtor(1)
    world.debtor(2)
    run = propose(world, proposing)
    hold(world, 1, 0)  # till tonight, which is within the horizon
    assert approve(world, proposing, run) == (1, {"on_hold": 1})
    assert [row.account_id for row in world.rows()] == [2]


async def test_a_step_that_goes_another_way_by_now_was_not_approved(world: World, proposing: Proposing) -> None:
    world.debtor(1, mobile="+4915228817386", mobile_type="mobile", mobile_zones="Europe/Berlin")
    run = propose(world, proposing)
    changed = replace(LADDER.steps[0], channel=Channel.SMS, otherwise=""), LADDER.steps[2]
    world.book.replace((replace(ON_APPROVAL, steps=changed),), {"standard": OPEN_POLICY})
    with pytest.raises(InputError, match="1 campaign_changed; reject it"):
        approve(world, proposing, run)
    assert world.rows() == []


@pytest.mark.parametrize("killed_in", ["draft", "proposal"])
async def test_a_proposal_that_was_killed_while_written_is_not_planned_by_a_daemon(
    world: World, proposing: Proposing, monkeypatch: pytest.MonkeyPatch, killed_in: str
) -> None:
    world.book.replace((LADDER,), {"standard": OPEN_POLICY})  # its runs need no approval, this one was to have it
    world.debtor(1)

    def die(*_: Any) -> None:  # noqa: ANN401 - whatever it is given
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(proposals, "add_lines" if killed_in == "draft" else "propose", die)
        with pytest.raises(KeyboardInterrupt):
            propose(world, proposing)
    planning = a_life(world)
    await planning.make_up(DAILY)
    assert planning.timetable.upcoming()["standard"] > world.clock.now()
    channel = MemoryChannel()
    await world.send(channel)
    assert (world.rows(), channel.ledger) == ([], [])
    assert list(lines(world, propose(world, proposing))) == ["K-1"]
