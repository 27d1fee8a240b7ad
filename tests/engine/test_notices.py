"""Notices about agreements, from what is agreed to what a provider is handed: once each, and not when not wanted."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from contactd.channels.memory import MemoryChannel
from contactd.config.settings import Operator
from contactd.domain.account import Channel
from contactd.domain.agreement import Kind, State
from contactd.domain.campaign import Step
from contactd.domain.errors import ChannelRejected, InputError
from contactd.engine.agreements.arranging import Arranging
from contactd.engine.debt.debtors import choose
from contactd.store import accounts
from contactd.store.database import Database
from contactd.store.schema import account
from tests.channels.letters_in_hand import text
from tests.engine.notified import open_office
from tests.engine.world import LADDER


async def test_a_promise_is_confirmed_by_mail_and_only_once(database: Database) -> None:
    async with open_office(database) as office:
        office.world.debtor(1, language="de")
        office.agree(Kind.PROMISE, amount="60.00", on=office.today + timedelta(days=10))
        [message] = (await office.send()).ledger
        assert message.subject == "Danke für Ihre Zusage – acme"
        assert "60,00\N{NO-BREAK SPACE}€" in message.text
        assert "3. Dezember 2026" in message.text
        assert "laufen die Verzugszinsen weiter, bis das Geld" in message.text
        assert office.told() == [("confirmation", "email", "accepted", "")]
        assert [event for event, _, _ in office.world.log()] == ["agreement", "sending", "accepted"]
        office.sleep(1)
        assert (await office.send()).ledger == []


async def test_a_plan_is_told_with_every_date_and_the_clause_and_a_draft_is_not(database: Database) -> None:
    async with open_office(database) as office:
        office.world.debtor(1, language="en-GB")
        made = office.agree(Kind.PLAN, on=office.today + timedelta(days=30), count=3)
        assert office.told() == []
        office.say(made.id, "sent")
        [message] = (await office.send()).ledger
        assert message.text.count("* Instalment") == 3
        assert "23 Dec 2026" in message.text
        assert "if 2 instalments are in arrears, the whole rest falls due at once" in message.text
        assert "Please confirm this by 7 December 2026." in message.text
        assert "we claim neither default interest nor the costs so far" in message.text
        office.say(made.id, "confirm")
        assert len(office.told()) == 1


async def test_what_is_told_otherwise_or_switched_off_is_not_told_again(database: Database) -> None:
    async with open_office(database) as office:
        office.world.debtor(1)
        office.agree(Kind.DEFERRAL, on=office.today + timedelta(days=30), tell=False)
        office.sleep(1)
        assert office.told() == []
    async with open_office(database, confirm=False) as office:
        office.world.debtor(2)
        office.agree(Kind.PROMISE, 2, on=office.today + timedelta(days=2))
        assert office.told() == []


async def test_a_notice_that_waits_is_cancelled_with_its_agreement(database: Database) -> None:
    async with open_office(database) as office:
        office.world.debtor(1)
        made = office.agree(Kind.PROMISE, on=office.today + timedelta(days=30))
        office.say(made.id, "withdraw")
        assert office.told() == [("confirmation", "email", "cancelled", "agreement_withdrawn")]
        assert (await office.send()).ledger == []


async def test_what_does_not_arrive_goes_the_next_way_and_ends_where_there_is_none(database: Database) -> None:
    async with open_office(database) as office:
        office.world.debtor(1, street="Weg 1", city="Musterstadt", mobile="+4915228817386", mobile_type="mobile")
        office.agree(Kind.PROMISE, on=office.today + timedelta(days=30))
        for channel in (Channel.EMAIL, Channel.LETTER, Channel.SMS):
            await office.send(channel, ChannelRejected("no such box", dead=channel is Channel.EMAIL))
            office.sleep(1)
        ways = [(channel, state) for _, channel, state, _ in office.told()]
        assert ways == [("email", "failed"), ("letter", "failed"), ("sms", "failed")]
        office.sleep(1)
        assert len(office.told()) == 3


async def test_who_cannot_be_written_to_is_noted_and_told_once_there_is_an_address(database: Database) -> None:
    async with open_office(database) as office:
        owner = office.world.debtor(1, email="")
        office.agree(Kind.PROMISE, on=office.today + timedelta(days=30))
        assert [(event, reason) for event, _, reason in office.world.log()][-1] == ("not_told", "no_address")
        office.sleep(3)
        assert [event for event, _, _ in office.world.log()].count("not_told") == 1
        with office.world.database.transaction() as connection:
            connection.execute(sa.update(account).where(account.c.id == owner).values(email="late@example.com"))
        office.sleep(1)
        assert [row[1:3] for row in office.told()] == [("email", "planned")]


async def test_an_instalment_is_reminded_of_once_and_not_when_it_is_paid(database: Database) -> None:
    async with open_office(database, confirm=False) as office:
        office.world.debtor(1, owed=9_000, language="de")
        office.agree(Kind.PLAN, on=office.today + timedelta(days=10), count=3, state=State.CONFIRMED)
        office.sleep(6)
        assert office.told() == []
        office.sleep(1)
        office.sleep(1)
        [message] = (await office.send()).ledger
        assert "Am 3. Dezember 2026 wird Ihre 1. Rate fällig." in message.text
        assert "30,00\N{NO-BREAK SPACE}€" in message.text
        office.pay(6_000)  # the second one as well
        office.sleep(40)
        assert [row[0] for row in office.told()] == ["reminder"]
        office.sleep(22)
        assert [row[0] for row in office.told()] == ["reminder", "reminder"]
        office.pay(3_000)
        assert [row[2:] for row in office.told() if row[0] == "reminder"][1] == ("cancelled", "agreement_fulfilled")


async def test_nobody_is_reminded_of_what_somebody_else_goes_on_with(database: Database) -> None:
    async with open_office(database, confirm=False) as office:
        office.world.debtor(1)
        office.agree(Kind.PROMISE, on=office.today + timedelta(days=10))
        office.sleep(7)
        assert office.told() == [("reminder", "email", "planned", "")]
        with office.world.database.transaction() as connection:
            accounts.hold(connection, 1, "handed_over", None, office.world.clock.now())
        assert (await office.send()).ledger == []
        assert office.told() == [("reminder", "email", "cancelled", "handed_over")]
        office.sleep(1)
        assert len(office.told()) == 1


async def test_thanks_come_once_when_nothing_at_all_is_open(database: Database) -> None:
    async with open_office(database, confirm=False) as office:
        office.world.debtor(1)
        office.agree(Kind.PROMISE, amount="60.00", on=office.today + timedelta(days=10))
        office.pay(6_000)
        assert office.told() == []  # 40.00 are open
        office.agree(Kind.PROMISE, on=office.today + timedelta(days=10))
        office.pay(4_000)
        [message] = (await office.send()).ledger
        assert message.subject.startswith("Vielen Dank")
        office.sleep(2)
        assert office.told() == [("thanks", "email", "accepted", "")]


async def test_always_means_that_who_was_only_reminded_is_thanked_too(database: Database) -> None:
    async with open_office(database, thank="always") as office:
        office.world.debtor(1)
        office.world.debtor(2)
        office.pay(10_000, 2)
        assert office.told() == []
        office.world.planner.plan("standard", office.world.clock.now())
        await office.world.send(MemoryChannel())
        office.pay(10_000, 1)
        assert [row[0] for row in office.told()] == ["thanks"]


@pytest.mark.parametrize("thank", ["agreements", "always"])
async def test_nobody_is_thanked_for_what_was_written_off_and_the_promise_is_not_kept(
    database: Database, thank: str
) -> None:
    async with open_office(database, confirm=False, thank=thank) as office:
        office.world.debtor(1)
        office.world.planner.plan("standard", office.world.clock.now())
        await office.world.send(MemoryChannel())
        office.agree(Kind.PROMISE, on=office.today + timedelta(days=10))
        office.world.clock.advance(60)
        office.write_off()
        assert office.world.log()[-1] == ("agreement", "superseded", "promise 1: written off")
        office.sleep(2)
        office.judge()
        assert office.told() == []


async def test_a_write_off_that_leaves_less_than_a_promise_asks_for_is_refused(database: Database) -> None:
    async with open_office(database, confirm=False) as office:
        office.world.debtor(1, language="en-GB")
        office.agree(Kind.PROMISE, amount="80.00", on=office.today + timedelta(days=10))
        with pytest.raises(InputError, match=r"promise 1 still asks for 80.00 EUR, .* contactd agree withdraw 1"):
            office.write_off("70.00")
        office.write_off("20.00")
        office.sleep(8)
        [message] = (await office.send()).ledger
        assert "80.00" in message.text
        assert office.open(1) == 8_000


async def test_a_kept_settlement_waives_the_rest_and_a_return_brings_it_back(database: Database) -> None:
    async with open_office(database, thank="never") as office:
        owner = office.world.debtor(1, language="de")
        office.agree(Kind.SETTLEMENT, amount="60.00", on=office.today + timedelta(days=10))
        [message] = (await office.send()).ledger
        assert "erlassen wir Ihnen den Rest von 40,00\N{NO-BREAK SPACE}€" in message.text
        office.pay(6_000)
        assert (office.open(owner), office.world.log()[-1]) == (
            0, ("agreement", "fulfilled", "settlement 1: 40.00 EUR waived")
        )  # fmt: skip
        office.pay(-6_000)
        assert (office.open(owner), office.world.log()[-1]) == (
            10_000, ("agreement", "open", "settlement 1: 60.00 EUR went back on 2026-11-23; 40.00 EUR owed again")
        )  # fmt: skip
        office.sleep(20)
        assert (office.open(owner), office.world.log()[-1][1]) == (10_000, "broken")


async def test_costs_are_told_before_an_agency_agrees_on_a_plan(database: Database) -> None:
    async with open_office(database, operator=Operator(kind="collection-agency")) as office:
        office.world.debtor(1, language="de")
        with pytest.raises(InputError, match="contactd agree costs K-1"):
            office.agree(Kind.DEFERRAL, on=office.today + timedelta(days=30))
        assert "31.50 EUR" in office.arrange("costs", amount="31.50")
        with pytest.raises(InputError, match="tells the costs"):  # not sent yet
            office.agree(Kind.DEFERRAL, on=office.today + timedelta(days=30))
        [message] = (await office.send()).ledger
        assert "zusätzliche Kosten von\n31,50\N{NO-BREAK SPACE}€" in message.text
        made = office.agree(Kind.DEFERRAL, on=office.today + timedelta(days=30))
        assert made.cost_notice_on == office.today


async def test_costs_are_told_anew_before_each_agreement_and_only_the_last_notice_counts(database: Database) -> None:
    async with open_office(database, operator=Operator(kind="collection-agency")) as office:
        office.world.debtor(1, language="de")
        until = office.today + timedelta(days=60)
        office.arrange("costs", amount="31.50")
        await office.send()
        office.world.clock.advance(60)
        made = office.agree(Kind.DEFERRAL, on=until)
        office.world.clock.advance(60)
        office.say(made.id, "withdraw")
        with pytest.raises(InputError, match="tells the costs of each plan"):  # those were of the first one
            office.agree(Kind.DEFERRAL, on=until)
        office.arrange("costs", amount="31.50")
        office.world.clock.advance(60)
        await office.send()
        office.arrange("costs", amount="150.00")
        with pytest.raises(InputError, match="tells the costs of each plan"):  # they have not heard of the 150.00 yet
            office.agree(Kind.PLAN, on=until, count=2)
        office.world.clock.advance(60)
        await office.send()
        assert office.agree(Kind.PLAN, on=until, count=2).cost_notice_on == office.today


async def test_who_is_represented_is_written_to_no_more(database: Database) -> None:
    async with open_office(database) as office:
        office.world.debtor(1)
        office.agree(Kind.PROMISE, on=office.today + timedelta(days=30))
        assert "RA Muster" in office.arrange("represented", by="RA Muster, Musterstadt")
        assert (await office.send()).ledger == []
        assert office.told()[0][2:] == ("cancelled", "represented")
        assert office.arrange("represented", lift="yes") == "K-1: contact is allowed again"
        with pytest.raises(InputError, match="say who represents"):
            office.arrange("represented")


async def test_whatever_else_an_act_locks_it_locks_in_the_order_of_everybody(database: Database) -> None:
    async with open_office(database) as office:
        for number in (1, 2):
            office.world.debtor(number)
        with database.transaction() as connection:
            connection.execute(sa.update(account).values(customer_id=1))
            debtor = choose(connection, "K-2")

        def act() -> str:
            with database.transaction() as connection:
                arranging = Arranging(office.settings, connection, by="anna", now=office.world.clock.now())
                return arranging.carry_out("represented", debtor, {"by": "RA Muster"})

        with database.transaction() as connection:
            accounts.lock(connection, [1])
            waits = asyncio.create_task(asyncio.to_thread(act))
            await asyncio.sleep(0.5)  # until it waits for the first account, and holds no other
            accounts.lock(connection, [2])
        assert "is represented" in await waits


async def test_a_wrong_number_and_a_callback_are_noted(database: Database) -> None:
    calling = replace(LADDER, steps=(*LADDER.steps, Step("call", Channel.CALL, day=30)))
    async with open_office(database, campaigns=(calling,)) as office:
        office.world.debtor(1, mobile="+4915228817386", mobile_type="mobile", phone="+493023125042")
        assert "is not used any more" in office.arrange("wrong-number", number="030 23125 042", reason="a baker's")
        with pytest.raises(InputError, match="is no number of account K-1; known: "):
            office.arrange("wrong-number", number="030 23125 043")
        assert office.arrange("callback", at="2026-11-24T10:00") == "K-1 is called back at 2026-11-24 10:00"
        [row] = office.world.rows()
        assert (row.campaign, row.step, row.channel, row.state) == ("standard", "call", "call", "planned")
        for told, says in (
            ({"at": "2026-11-20T10:00"}, "is past"),
            ({"at": "soon"}, "is no time"),
            ({"at": "2026-11-25T10:00", "agent": "bert"}, "there is no agent 'bert'"),
            ({"at": "2026-11-25T10:00", "number": "12"}, "write it like"),
        ):
            with pytest.raises(InputError, match=says):
                office.arrange("callback", **told)


async def test_who_cannot_pay_is_told_once_where_advice_is_free(database: Database) -> None:
    async with open_office(database) as office:
        office.world.debtor(1, language="de")
        office.agree(Kind.HARDSHIP, on=office.today + timedelta(days=30))
        [message] = (await office.send()).ledger
        assert message.subject == "Kostenlose Beratung für Sie – acme"
        assert "Schuldnerberatung vor Ort" in message.text
        assert "Bis zum 23. Dezember 2026 mahnen wir nicht." in message.text
        office.sleep(2)
        assert (await office.send()).ledger == []
        assert office.told() == [("advice", "email", "accepted", "")]


async def test_advice_goes_by_letter_to_who_has_no_mail_and_never_by_sms(database: Database) -> None:
    async with open_office(database, channels=("sms", "letter")) as office:
        office.world.debtor(
            1, street="Weg 1", postcode="00001", city="Musterstadt", mobile="+4915228817386", mobile_type="mobile"
        )
        office.agree(Kind.HARDSHIP)
        [message] = (await office.send(Channel.LETTER)).ledger
        assert message.letter is not None
        letter = text(message.letter.pdf())
        assert "Schuldnerberatung vor Ort" in letter
        assert "Antwort bis" not in letter
        assert [row[:2] for row in office.told()] == [("advice", "letter")]


async def test_advice_is_given_neither_without_a_message_nor_when_switched_off_nor_after_a_withdrawal(
    database: Database,
) -> None:
    async with open_office(database) as office:
        office.world.debtor(1)
        office.agree(Kind.HARDSHIP, tell=False)
        office.world.debtor(2)
        made = office.agree(Kind.HARDSHIP, 2)
        office.say(made.id, "withdraw")
        assert office.told() == [("advice", "email", "cancelled", "agreement_withdrawn")]
    async with open_office(database, advise=False) as office:
        office.world.debtor(3)
        office.agree(Kind.HARDSHIP, 3)
        assert len(office.told()) == 1


@pytest.mark.parametrize(
    ("language", "says"),
    [
        (
            "de",
            "Am 3. Dezember 2026 endet Ihr Zahlungsaufschub.\nBitte zahlen Sie bis dahin 100,00\N{NO-BREAK SPACE}€.",
        ),
        ("en-GB", "the time we gave you ends on 3 December 2026.\nPlease pay €100.00 by then."),
    ],
)
async def test_the_end_of_a_deferral_is_reminded_of_once(database: Database, language: str, says: str) -> None:
    async with open_office(database, confirm=False) as office:
        office.world.debtor(1, language=language)
        office.agree(Kind.DEFERRAL, on=office.today + timedelta(days=10))
        office.sleep(6)
        assert office.told() == []
        office.sleep(2)
        [message] = (await office.send()).ledger
        assert says in message.text
        office.sleep(5)
        assert [row[0] for row in office.told()] == ["reminder"]
