"""How a promise is confirmed, and what else it may be: a settlement, a deferral; on both databases."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date

import pytest
import sqlalchemy as sa

from contactd.config.agreements import Agreements
from contactd.config.claims import Claims
from contactd.config.providers import Letters
from contactd.domain.account import Channel
from contactd.domain.campaign import Campaign, Step
from contactd.domain.circumstance import Kind
from contactd.domain.conversation import NotIdentified
from contactd.domain.errors import Contradiction, InputError
from contactd.domain.policy import Policy
from contactd.engine.debt.circumstances import Circumstances, Note
from contactd.engine.debt.debtors import choose
from contactd.engine.desk.concluding import Mistyped
from contactd.store import accounts
from contactd.store.database import Database
from contactd.store.schema import account, agreement, contact_log, invoice
from contactd.store.schema_escalation import circumstance
from contactd.store.schema_notices import notice
from tests.engine.deskroom import DeskRoom, settings_of
from tests.engine.dialing import CALL, CAMPAIGN


@pytest.fixture
async def room(database: Database) -> AsyncIterator[DeskRoom]:
    made = DeskRoom(database)
    yield made
    await made.stored.commit.close()


async def test_a_confirmation_goes_the_way_and_by_the_day_that_were_chosen(room: DeskRoom) -> None:
    scene = await room.begin()
    room.settings = settings_of(
        Campaign(CAMPAIGN, (CALL,)), Policy("free", default_timezone="Europe/Berlin"), letters=Letters(backend="spool")
    )
    with room.database.transaction() as connection:
        connection.execute(sa.update(account).values(street="Musterweg 1", city="Musterstadt", country="DE"))
    async with scene.at_work():
        await room.stored.clock.run(10)
        told = (await room.desk.card("anna", 1))["confirmation"]
        assert (told["ways"], told["reply_by"]) == (["email", "letter"], "2026-12-07")
        await room.identify()
        usual = await room.foresee("promise", on="30.11.")
        assert [(one["channel"], one["reply_by"]) for one in usual["sends"]] == [("email", "2026-11-30")]
        chosen = await room.foresee("promise", on="30.11.", confirm="letter", reply_by="27.11.")
        assert [(one["channel"], one["reply_by"]) for one in chosen["sends"]] == [("letter", "2026-11-27")]
        assert "27. November 2026" in chosen["summary"]["text"]
        for field, wrong in (("confirm", {"confirm": "pigeon"}), ("reply_by", {"reply_by": "gestern"})):
            with pytest.raises(Mistyped) as caught:
                await room.foresee("promise", on="30.11.", **wrong)
            assert caught.value.field == field
        for wrong, told in (
            ({"confirm": "sms"}, "no confirmation can go by sms; it can by: email, letter"),
            ({"reply_by": "1.12."}, "the answer is due by 2026-11-30, not later"),
        ):
            with pytest.raises(InputError, match=told):
                await room.foresee("promise", on="30.11.", **wrong)
        await room.finish("promise", on="30.11.", confirm="letter", reply_by="27.11.")
        assert [str(one["reply_by"]) for one in room.rows(notice)] == ["2026-11-27"]


async def test_only_what_is_due_is_asked_for_and_promised_unless_a_sum_is_said(room: DeskRoom) -> None:
    scene = await room.begin()
    now = room.stored.clock.now()
    later = {"account_id": 1, "invoice_no": "R-2", "invoice_date": date(2026, 11, 1), "due_date": now.date()}
    with room.database.transaction() as connection:
        connection.execute(sa.insert(invoice).values(later | dict.fromkeys(("amount", "open", "imported_open"), 2000)))
        accounts.refresh(connection, [1], now)
    async with scene.at_work():
        await room.stored.clock.run(10)
        await room.identify()
        await room.desk.save("anna", 1, "solution", "", {})
        card = await room.desk.card("anna", 1)
        told = card["confidential"]
        assert (told["open"]["amount"], told["due"]["amount"]) == ("70.00", "50.00")
        assert "Können Sie die 50,00\xa0€ heute" in card["script"]["text"]
        for outcome, fields in (("promise", {"on": "+7"}), ("plan", {"first": "1.12.", "count": "2"}), ("paid", {})):
            [made] = (await room.foresee(outcome, **fields))["agreements"]
            assert made["amount"]["amount"] == "50.00", outcome
        [made] = (await room.foresee("promise", on="+7", amount="70"))["agreements"]
        assert made["amount"]["amount"] == "70.00"
        assert "Fällig sind 50,00\xa0€" in (await room.foresee("refuses"))["summary"]["text"]


async def test_what_follows_tells_nothing_confidential_before_it_is_known_who_is_there(room: DeskRoom) -> None:
    scene = await room.begin()
    written = Step("mahnung", Channel.LETTER, day=0)
    policy = Policy("free", default_timezone="Europe/Berlin")
    room.settings = settings_of(
        Campaign(CAMPAIGN, (replace(CALL, attempts=1), written)), policy, letters=Letters(backend="spool")
    )
    async with scene.at_work():
        await room.stored.clock.run(10)
        with room.database.transaction() as connection:
            at = {"street": "Musterweg 1", "postcode": "10115", "city": "Musterstadt", "country": "DE"}
            connection.execute(sa.update(account).values(**at, hold_reason="promise", hold_until=date(2026, 12, 1)))
        callback = {"callback_at": "fr 10:30"}
        early = [
            await room.foresee("dropped"),
            await room.foresee("wrong_person"),
            await room.foresee("callback", **callback),
        ]
        assert [one["hold"] for one in early] == [None] * 3
        assert [one["next"] and one["next"]["step"] for one in early] == [None, None, CALL.id]
        await room.identify()
        told = await room.foresee("dropped")
        assert (told["hold"], told["next"]["step"]) == ({"reason": "promise", "until": "2026-12-01"}, "mahnung")


async def test_a_call_that_came_to_no_talk_is_tried_again_and_the_agent_is_told_when(room: DeskRoom) -> None:
    scene = await room.begin()
    room.settings = settings_of(
        Campaign(CAMPAIGN, (replace(CALL, attempts=3),)), Policy("free", default_timezone="Europe/Berlin")
    )
    async with scene.at_work():
        await room.stored.clock.run(10)
        told = (await room.foresee("dropped"))["next"]
        assert (told["step"], told["decision"], told["on"]) == (CALL.id, "wait", "2026-11-24")
        await room.identify()
        assert (await room.foresee("refuses"))["next"]["step"] is None


async def test_what_is_read_aloud_of_a_plan_asks_for_the_answer_by_the_day_its_letter_does(room: DeskRoom) -> None:
    scene = await room.begin()
    async with scene.at_work():
        await room.stored.clock.run(10)
        await room.identify()
        foreseen = await room.foresee("plan", first="26.11.", count="2")
        assert [one["reply_by"] for one in foreseen["sends"]] == ["2026-11-26"]
        assert "bis zum 26. November 2026 bestätigt" in foreseen["summary"]["text"]
        silent = await room.foresee("plan", first="26.11.", count="2", confirm="no")
        assert "bis zum 7. Dezember 2026 bestätigt" in silent["summary"]["text"]


async def test_a_settlement_waives_no_more_than_the_configuration_lets_an_agent(room: DeskRoom) -> None:
    scene = await room.begin()
    async with scene.at_work():
        await room.stored.clock.run(10)
        with pytest.raises(NotIdentified):
            await room.foresee("promise", on="30.11.", amount="90,00", kind="settlement")
        await room.identify()
        assert (await room.desk.card("anna", 1))["confirmation"]["solutions"] == ["promise", "deferral"]
        with pytest.raises(Mistyped, match="nothing may be waived") as caught:
            await room.foresee("promise", on="30.11.", amount="90,00", kind="settlement")
        assert caught.value.field == "kind"
        room.settings = settings_of(
            Campaign(CAMPAIGN, (CALL,)), Policy("free", default_timezone="Europe/Berlin"),
            agreements=Agreements(least_settlement=0.8),
        )  # fmt: skip
        assert (await room.desk.card("anna", 1))["confirmation"]["solutions"] == ["promise", "settlement", "deferral"]
        whole = room.rows(account)[0]["open"]
        least, less = (f"{part // 100},{part % 100:02}" for part in (-(-whole * 4 // 5), -(-whole * 4 // 5) - 1))
        with pytest.raises(Mistyped, match="a settlement takes at least") as caught:
            await room.foresee("promise", on="30.11.", amount=less, kind="settlement")
        assert caught.value.field == "amount"
        foreseen = await room.foresee("promise", on="30.11.", amount=least, kind="settlement")
        assert [one["kind"] for one in foreseen["agreements"]] == ["settlement"]
        assert "verzichten wir auf den Rest" in foreseen["summary"]["text"]
        await room.finish("promise", on="30.11.", amount=least, kind="settlement")
        assert [one["kind"] for one in room.rows(agreement)] == ["settlement"]


async def test_a_deferral_lets_the_ladder_rest_until_its_day(room: DeskRoom) -> None:
    scene = await room.begin()
    async with scene.at_work():
        await room.stored.clock.run(10)
        await room.identify()
        with pytest.raises(Mistyped, match="is no solution"):
            await room.foresee("promise", on="30.11.", kind="plan")
        foreseen = await room.foresee("promise", on="18.12.", kind="deferral")
        assert foreseen["hold"] == {"reason": "deferral", "until": "2026-12-18"}
        assert "18. Dezember 2026" in foreseen["summary"]["text"]
        done = await room.finish("promise", on="18.12.", kind="deferral")
        assert done["hold"] == foreseen["hold"]
        assert [(one["kind"], str(one["until"])) for one in room.rows(agreement)] == [("deferral", "2026-12-18")]


FOR_GOOD = {"final": "yes", "understood": "said: I shall never pay that, sue me"}


async def test_a_final_refusal_is_shown_with_its_default_and_noted_as_a_fact(room: DeskRoom) -> None:
    scene = await room.begin()
    async with scene.at_work():
        await room.stored.clock.run(10)
        with pytest.raises(NotIdentified):
            await room.foresee("refuses", **FOR_GOOD)
        with pytest.raises(NotIdentified):
            await room.finish("refuses", **FOR_GOOD)
        await room.identify()
        with pytest.raises(Mistyped, match="in which words they refused") as caught:
            await room.finish("refuses", final="yes", why="refuses")
        assert caught.value.field == "understood"
        shown = await room.foresee("refuses", **FOR_GOOD)
        assert shown["refused"] == {
            "on": "2026-11-23", "defaults": [{"interest_from": "2026-11-24", "invoices": ["R-1"]}]
        }  # fmt: skip
        assert room.rows(circumstance) == []
        assert (await room.finish("refuses", **FOR_GOOD))["refused"] == shown["refused"]
        [noted] = room.rows(circumstance)
        assert (noted["kind"], str(noted["on_day"]), noted["reason"], noted["by"]) == (
            "refusal", "2026-11-23", FOR_GOOD["understood"], "anna",
        )  # fmt: skip
        [line] = room.rows(contact_log, contact_log.c.event == "circumstance")
        assert line["details"]["by"] == "anna"


async def test_who_refuses_for_now_has_not_refused_for_good(room: DeskRoom) -> None:
    scene = await room.begin()
    async with scene.at_work():
        await room.stored.clock.run(10)
        await room.identify()
        assert (await room.foresee("hardship", **FOR_GOOD))["refused"] is None  # of another outcome
        assert (await room.foresee("refuses", understood="no money before Friday"))["refused"] is None
        await room.finish("refuses", understood="no money before Friday")
        assert room.rows(circumstance) == []


async def test_a_final_refusal_is_noted_once_a_day_and_of_nothing_that_is_in_default_already(room: DeskRoom) -> None:
    room.settings = settings_of(
        Campaign(CAMPAIGN, (CALL,)), Policy("free", default_timezone="Europe/Berlin"),
        claims=Claims(due_date_agreed=True),
    )  # fmt: skip
    scene = await room.begin()
    async with scene.at_work():
        await room.stored.clock.run(10)
        await room.identify()
        assert (await room.foresee("refuses", **FOR_GOOD))["refused"] == {"on": "2026-11-23", "defaults": []}
        with room.database.transaction() as connection:
            noting = Circumstances(room.settings, connection, by="ben", now=room.stored.clock.now())
            noting.note(choose(connection, "K-1"), Note(Kind.REFUSAL, "letter"))
        with pytest.raises(Contradiction, match=r"noted already: refusal \d+ of 2026-11-23"):
            await room.foresee("refuses", **FOR_GOOD)
