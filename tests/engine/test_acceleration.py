"""The rest of a plan falls due after a notice that went out, and not before its two weeks are over (§ 498 BGB)."""

from datetime import timedelta

from contactd.channels import wording
from contactd.domain.account import Channel
from contactd.domain.agreement import Kind, State
from contactd.domain.deadlines import working_day
from contactd.domain.errors import ChannelRejected
from contactd.store.database import Database
from tests.channels.letters_in_hand import text
from tests.engine.notified import open_office


async def test_the_rest_of_a_plan_falls_due_only_after_a_notice_that_gave_two_weeks(database: Database) -> None:
    async with open_office(database, confirm=False, remind="0 days", needs_notice="consumers") as office:
        office.world.debtor(1, owed=40_000, language="de", kind="consumer")
        made = office.agree(Kind.PLAN, on=office.today, count=4, state=State.CONFIRMED)
        office.sleep(31 + 6)
        assert office.told() == [("acceleration", "email", "planned", "")]
        assert office.state(made.id) is State.CONFIRMED  # it is not told yet
        office.sleep(3)
        assert office.state(made.id) is State.CONFIRMED
        sent_on = office.today
        [message] = (await office.send()).ledger
        assert "200,00\N{NO-BREAK SPACE}€ im Rückstand" in message.text
        assert "400,00\N{NO-BREAK SPACE}€ sind dann sofort fällig" in message.text
        until = working_day(sent_on + timedelta(days=14), frozenset())  # § 193 BGB
        assert wording.day(until, "de", "long") in message.text
        office.sleep(14)
        assert office.state(made.id) is State.CONFIRMED
        office.sleep(6)
        assert office.state(made.id) is State.DEFAULTED
        assert len(office.told()) == 1


async def test_a_notice_sent_after_the_plans_last_day_gives_its_two_weeks_all_the_same(database: Database) -> None:
    async with open_office(database, confirm=False, remind="0 days", needs_notice="consumers") as office:
        office.world.debtor(1, owed=40_000, language="en", kind="consumer")
        made = office.agree(Kind.PLAN, on=office.today, count=3, state=State.CONFIRMED)
        office.sleep(62 + 20)  # the sender was away for weeks
        assert office.state(made.id) is State.CONFIRMED
        sent_on = office.today
        [message] = (await office.send()).ledger
        until = working_day(sent_on + timedelta(days=14), frozenset())  # § 193 BGB
        assert wording.day(until, "en", "long") in message.text
        office.sleep(14)
        assert office.state(made.id) is State.CONFIRMED
        office.sleep(6)
        assert office.state(made.id) is State.DEFAULTED


async def test_the_day_a_notice_names_is_reckoned_where_agreements_are_kept(database: Database) -> None:
    async with open_office(database, confirm=False, remind="0 days", needs_notice="consumers") as office:
        office.world.debtor(1, owed=40_000, language="en", kind="consumer", timezone="Pacific/Auckland")
        made = office.agree(Kind.PLAN, on=office.today, count=4, state=State.CONFIRMED)
        office.sleep(31 + 6)
        office.world.clock.advance(11 * 3_600)  # in the evening here, in the morning of the next day there
        sent_on = office.today
        [message] = (await office.send()).ledger
        assert wording.day(sent_on + timedelta(days=14), "en", "long") in message.text
        office.sleep(14)
        assert office.state(made.id) is State.CONFIRMED


async def test_a_notice_that_bounces_is_none_and_goes_by_letter(database: Database) -> None:
    async with open_office(database, confirm=False, remind="0 days", needs_notice="always") as office:
        office.world.debtor(1, owed=40_000, kind="business", street="Weg 1", city="Musterstadt")
        made = office.agree(Kind.PLAN, on=office.today, count=4, state=State.CONFIRMED)
        office.sleep(31 + 6)
        await office.send(Channel.EMAIL, ChannelRejected("no such box", dead=True))
        office.sleep(16)
        assert office.state(made.id) is State.CONFIRMED
        [message] = (await office.send(Channel.LETTER)).ledger
        assert message.letter is not None
        by = wording.day(office.today + timedelta(days=17), "de", "long")
        letter = text(message.letter.pdf())
        assert by in letter
        assert "Antwort bis" not in letter
        assert [row[1:3] for row in office.told()] == [("email", "failed"), ("letter", "accepted")]


async def test_arrears_that_come_in_keep_the_plan_and_cancel_a_notice_that_waits(database: Database) -> None:
    async with open_office(database, confirm=False, remind="0 days", needs_notice="consumers") as office:
        office.world.debtor(1, owed=40_000, kind="consumer")
        made = office.agree(Kind.PLAN, on=office.today, count=4, state=State.CONFIRMED)
        office.sleep(31 + 6)
        office.pay(20_000)
        assert office.told() == [("acceleration", "email", "cancelled", "paid")]
        assert office.state(made.id) is State.ACTIVE


async def test_businesses_and_plans_without_the_setting_are_given_no_notice(database: Database) -> None:
    async with open_office(database, confirm=False, remind="0 days", needs_notice="consumers") as office:
        office.world.debtor(1, owed=40_000, kind="business")
        made = office.agree(Kind.PLAN, on=office.today, count=4, state=State.CONFIRMED)
        office.sleep(31 + 6)
        assert office.told() == []
        assert office.state(made.id) is State.DEFAULTED


async def test_a_confirmed_plan_tells_what_becomes_of_arrears_with_a_notice_and_without(database: Database) -> None:
    told = {}
    for needs_notice in ("consumers", "never"):
        async with open_office(database, needs_notice=needs_notice) as office:
            number = {"consumers": 1, "never": 2}[needs_notice]
            office.world.debtor(number, owed=40_000, language="de", kind="consumer")
            office.agree(Kind.PLAN, on=office.today, count=4, state=State.CONFIRMED, number=number)
            [message] = (await office.send()).ledger
            told[needs_notice] = " ".join(message.text.split())
    assert "Rest fällig, wenn die Rückstände auch 14 Tage nach einer Mahnung noch offen sind." in told["consumers"]
    assert "Rest sofort fällig." in told["never"]
