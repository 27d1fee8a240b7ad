"""The arms of a comparison on a real database: drawn once, kept, obeyed and counted."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from threading import Barrier
from typing import Any

import sqlalchemy as sa

from contactd.domain.account import Channel
from contactd.domain.arms import draw
from contactd.domain.campaign import Arm, Campaign, Select, Step
from contactd.engine.ladder.book import Book
from contactd.engine.ladder.explanation import explain
from contactd.engine.ladder.planner import Planner
from contactd.engine.reports.comparing import Result, report
from contactd.store import arms, schema
from contactd.store.arms import NewDraw
from contactd.store.database import Database
from contactd.store.schema_arms import arm_draw
from tests.clock import MONDAY_TEN
from tests.engine.world import OPEN_POLICY, World, open_world

MAIL = Step("mail", Channel.EMAIL, day=3, template="erinnerung", arms=("mail", "out"))
SMS = Step("sms", Channel.SMS, day=3, template="erinnerung", arms=("sms",))
ARMS = (Arm("mail", 0.4), Arm("sms", 0.4), Arm("out", 0.2, hold_out=True))
CAMPAIGN = Campaign("standard", (MAIL, SMS), timezone="Europe/Berlin", arms=ARMS)
DAY = 86_400
MOBILE: dict[str, Any] = {"mobile": "+4915228817386", "mobile_type": "mobile"}


def planner_of(database: Database, campaign: Campaign) -> Planner:
    return Planner(database, Book([campaign], {campaign.id: OPEN_POLICY}), horizon=timedelta(hours=24))


def drawn(database: Database) -> dict[int, str]:
    with database.snapshot() as connection:
        return {row.customer_id: row.arm for row in connection.execute(sa.select(arm_draw))}


def steps(world: World) -> dict[int, str]:
    return {row.account_id: row.step for row in world.rows()}


async def test_the_lot_falls_when_one_is_taken_up_and_never_again(database: Database) -> None:
    async with open_world(database, campaigns=(CAMPAIGN,)) as world:
        for number in range(1, 31):
            world.debtor(number, days_due=1 if number == 30 else 5, **MOBILE)
        preview = world.planner.preview("standard", world.clock.now())
        assert drawn(database) == {}
        summary = world.planner.plan("standard", world.clock.now())
        lots = {number: draw(CAMPAIGN, number).id for number in range(1, 30)}
        assert drawn(database) == lots
        assert sum(tally.count for tally in summary.drawn.values()) == 29
        assert preview.drawn.keys() == summary.drawn.keys()
        assert steps(world) == {number: arm for number, arm in lots.items() if arm != "out"}
        logged = [(event, outcome, reason) for event, outcome, reason in world.log() if event == "arm_drawn"]
        until = f"held out until {world.clock.now() + timedelta(days=30):%Y-%m-%d}"
        assert logged == [("arm_drawn", arm, until if arm == "out" else "") for arm in lots.values()]
        # Other shares, another daemon: what was drawn holds, the next customer gets the new lot.
        other = replace(CAMPAIGN, arms=(Arm("mail", 0.0), Arm("sms", 1.0), Arm("out", 0.0, hold_out=True)))
        world.clock.advance(2 * DAY)
        planner_of(database, other).plan("standard", world.clock.now())
        assert drawn(database) == lots | {30: "sms"}
        assert len([one for one in world.log() if one[0] == "arm_drawn"]) == 30


async def test_who_is_held_out_is_let_alone_and_then_climbs(database: Database) -> None:
    out = next(number for number in range(1, 100) if draw(CAMPAIGN, number).id == "out")
    async with open_world(database, campaigns=(CAMPAIGN,)) as world:
        world.debtor(out, **MOBILE)
        started = world.clock.now()
        told = why(world, out)
        assert (told["decision"], told["arm"]["id"], told["arm"]["drawn"]) == ("wait", "out", None)
        world.planner.plan("standard", started)
        world.clock.advance(29 * DAY)
        assert world.planner.plan("standard", world.clock.now()).count == 0
        until = (started + timedelta(days=30)).isoformat(timespec="seconds")
        told = why(world, out)
        assert (told["decision"], told["why"], told["when"]) == ("wait", "held_out", until)
        assert told["arm"] == {"id": "out", "drawn": started.isoformat(timespec="seconds"), "held_out_until": until}
        world.clock.advance(1 * DAY)
        assert world.planner.plan_accounts("standard", [out], world.clock.now()) == 1
        assert steps(world) == {out: "mail"}
        assert why(world, out)["arm"]["id"] == "out"


def why(world: World, account_id: int) -> dict[str, Any]:
    at = dict.fromkeys(world.book.campaigns, world.clock.now())
    with world.database.snapshot() as connection:
        return explain(connection, world.book, account_id, at)


async def test_daemons_with_other_shares_draw_each_customer_once(database: Database) -> None:
    async with open_world(database, campaigns=(CAMPAIGN,)) as world:
        for number in range(1, 41):
            world.debtor(number, **MOBILE)
        other = replace(CAMPAIGN, arms=(Arm("mail", 0.1), Arm("sms", 0.1), Arm("out", 0.8, hold_out=True)))
        together = Barrier(2)

        def run(campaign: Campaign) -> None:
            planner = planner_of(database, campaign)
            together.wait()
            planner.plan("standard", MONDAY_TEN)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(run, (CAMPAIGN, other)))
        for campaign in (CAMPAIGN, other):
            planner_of(database, campaign).plan("standard", MONDAY_TEN)
        kept = drawn(database)
        assert len(kept) == len([one for one in world.log() if one[0] == "arm_drawn"]) == 40
        assert steps(world) == {number: arm for number, arm in kept.items() if arm != "out"}


async def test_the_lot_of_whoever_was_quicker_holds_and_nothing_is_planned_by_ours(database: Database) -> None:
    async with open_world(database, campaigns=(CAMPAIGN,)) as world:
        number = next(number for number in range(1, 100) if draw(CAMPAIGN, number).id == "mail")
        world.debtor(number, **MOBILE)
        planner = world.planner
        quicker = NewDraw("standard", "", number, number, "sms", MONDAY_TEN, 10_000, "EUR")
        preview = planner.preview("standard", MONDAY_TEN)
        assert preview.taken.keys() == {"mail"}
        with database.transaction() as connection:
            assert arms.add(connection, [quicker]) == {number: "sms"}
            assert arms.add(connection, [quicker._replace(arm="mail")]) == {number: "sms"}
        planner.plan("standard", MONDAY_TEN)
        assert steps(world) == {number: "sms"}


async def test_few_customers_of_a_creditor_are_another_policy(database: Database) -> None:
    few = Campaign("few", (Step("call", Channel.CALL, day=3),), select=Select(max_customers=2))
    many = Campaign("many", (Step("mail", Channel.EMAIL, day=3, template="erinnerung"),))
    async with open_world(database, campaigns=(few, many)) as world:
        for number in range(1, 6):
            world.debtor(number, creditor="few" if number < 3 else "acme", **MOBILE)
        for campaign in ("few", "many"):
            world.planner.plan(campaign, world.clock.now())
        assert steps(world) == {1: "call", 2: "call", 3: "mail", 4: "mail", 5: "mail"}
        world.debtor(6, **MOBILE)
        assert why(world, 6)["campaigns"] == [
            {"campaign": "few", "takes": False, "why": "max_customers", "has": "4"},
            {"campaign": "many", "takes": True},
        ]


async def test_what_came_in_is_counted_by_arm_once_the_days_are_over(database: Database) -> None:
    async with open_world(database) as world:
        lots = {1: "out", 2: "out", 3: "mail", 4: "mail", 5: "mail", 6: "mail", 7: "mail", 8: "gone"}
        with database.transaction() as connection:
            arms.add(connection, [
                NewDraw("standard", "", number, number, arm, MONDAY_TEN if number != 7 else later(1), 10_000, "EUR")
                for number, arm in lots.items()
            ])  # fmt: skip
        for number in lots:
            world.debtor(number)
        pay(database, 1, 4_000, 30)
        pay(database, 2, 9_000, 31)  # a day too late
        pay(database, 3, 12_000, 0)  # that day, and more than was owed
        pay(database, 4, 10_000, 5)
        pay(database, 4, -10_000, 9)  # went back
        pay(database, 5, 3_000, 0, known=-1)  # was off the debt already
        pay(database, 5, 2_500, 4)
        with database.transaction() as connection:  # only a list told it
            mine = schema.invoice.c.account_id == 6
            on = MONDAY_TEN.date() + timedelta(days=8)
            connection.execute(sa.update(schema.invoice).where(mine).values(taken_off=10_000, taken_off_on=on))
        with database.snapshot() as connection:
            found = report(connection, CAMPAIGN, 30, MONDAY_TEN.date() + timedelta(days=31))
        assert figures(found.control) == ("out", 0, 2, 0, 1, 20_000, 4_000)
        by_arm = {one.result.arm: one for one in found.others}
        assert figures(by_arm["mail"].result) == ("mail", 1, 4, 2, 1, 40_000, 22_500)
        assert figures(by_arm["sms"].result) == ("sms", 0, 0, 0, 0, 0, 0)
        assert figures(by_arm["gone"].result) == ("gone", 0, 1, 0, 0, 10_000, 0)
        mail = by_arm["mail"].comparison
        assert mail is not None
        assert (mail.difference, mail.test) == (0.25, "fisher")
        assert by_arm["sms"].comparison is None


def later(days: int) -> datetime:
    return MONDAY_TEN + timedelta(days=days)


def pay(database: Database, account_id: int, amount: int, on: int, known: int | None = None) -> None:
    day: date = MONDAY_TEN.date() + timedelta(days=on)
    heard = later(on if known is None else known) + timedelta(hours=1)
    row = {"account_id": account_id, "amount": amount, "currency": "EUR", "value_date": day, "received_at": heard}
    mark = f"{account_id} {amount} {on}"
    with database.transaction() as connection:
        connection.execute(sa.insert(schema.payment).values(**row, fingerprint=mark))


def figures(one: Result) -> tuple[str, int, int, int, int, int, int]:
    return one.arm, one.provisional, one.customers, one.fully, one.partly, one.owed["EUR"], one.recovered["EUR"]
