"""What an agent does with one call, on both databases: nothing is disclosed too early, lost, invented or done twice."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa

from contactd.domain.agent import State
from contactd.domain.conversation import TRIES, NotIdentified
from contactd.domain.errors import Contradiction, InputError, NotThere
from contactd.engine.desk.concluding import Mistyped
from contactd.store import call_queue, calls
from contactd.store.database import Database
from contactd.store.schema import account, agreement, attempt, contact_log, suppression
from contactd.store.schema_desk import draft
from tests.engine.deskroom import DeskRoom
from tests.engine.dialing import number

DISCLOSING: list[tuple[str, dict[str, str]]] = [
    ("promise", {"on": "+7"}),
    ("plan", {"first": "+7", "count": "2"}),
    ("paid", {}),
    ("dispute", {"invoices": "R-1", "understood": "broken"}),
    ("hardship", {}),
    ("refuses", {"final": "yes", "understood": "never"}),
    ("refuses", {}),
]


@pytest.fixture
async def room(database: Database) -> AsyncIterator[DeskRoom]:
    made = DeskRoom(database)
    yield made
    await made.stored.commit.close()


async def test_nothing_is_disclosed_before_the_person_is_known(room: DeskRoom) -> None:
    scene = await room.begin()
    async with scene.at_work():
        await room.stored.clock.run(10)
        assert room.desk.current("anna") == 1
        card = await room.desk.card("anna", 1)
        assert (card["draft"]["step"], card["confidential"]) == ("identify", None)  # somebody is there already
        await room.desk.save("anna", 1, "prepare", "", {})
        assert (await room.desk.card("anna", 1))["confidential"] is not None  # for the agent's own eyes
        await room.desk.save("anna", 1, "identify", "", {})
        card = await room.desk.card("anna", 1)
        assert (card["phase"], card["confidential"], card["account"]["name"]) == ("talk", None, "Customer 1")
        assert "1980" not in repr(card["identification"])
        refused = {one["outcome"] for one in card["outcomes"] if one["refused"]}
        assert refused == {outcome for outcome, _ in DISCLOSING}
        before = room.everything()
        for outcome, fields in DISCLOSING:
            with pytest.raises(NotIdentified, match="nobody_asked"):
                await room.foresee(outcome, **fields)
            with pytest.raises(NotIdentified):
                await room.finish(outcome, **fields)
        assert room.everything() == before
        assert scene.roster.find("anna").state is State.TALK


async def test_two_right_answers_open_the_file_and_only_that_is_kept(room: DeskRoom) -> None:
    scene = await room.begin()
    async with scene.at_work():
        await room.stored.clock.run(10)
        with pytest.raises(Contradiction, match="say first"):
            await room.desk.identify("anna", 1, "postcode", "10115")
        await room.desk.meet("anna", 1, "customer")
        told = await room.desk.identify("anna", 1, "birth_date", "1.2.1981")
        assert (told["right"], told["tries_left"], told["why"]) == (False, TRIES - 1, "not_enough")
        assert (await room.desk.identify("anna", 1, "birth_date", "1.2.1980"))["right"] is True
        told = await room.desk.identify("anna", 1, "postcode", "10 115")
        assert (told["sure"], told["items"]) == (True, ["birth_date", "postcode", "customer_number"])
        await room.desk.save("anna", 1, "solution", "", {})
        card = await room.desk.card("anna", 1)
        assert card["confidential"]["open"] == {"amount": "50.00", "currency": "EUR"}
        assert [one["number"] for one in card["confidential"]["invoices"]] == ["R-1"]
        assert not any(one["refused"] for one in card["outcomes"])
        [kept] = room.rows(draft)
        assert "198" not in repr(kept["right"]) + repr(kept["fields"])
        assert "10115" not in repr(kept)
        await room.finish("refuses")
        assert room.said()["details"] == {
            "person": "customer", "identified_by": ["birth_date", "postcode"], "wrong_answers": 1,
        }  # fmt: skip


async def test_tries_end_whoever_says_they_are_on_the_line_and_a_reload_gives_no_more(room: DeskRoom) -> None:
    scene = await room.begin()
    async with scene.at_work():
        await room.stored.clock.run(10)
        await room.desk.meet("anna", 1, "customer")
        for _ in range(TRIES):
            await room.desk.identify("anna", 1, "postcode", "1")
        room.desk = room.a_desk()
        await room.desk.meet("anna", 1, "authorised")
        with pytest.raises(Contradiction, match="answers were wrong"):
            await room.desk.identify("anna", 1, "postcode", "10115")


async def test_a_draft_survives_a_reload_and_a_restart_and_goes_with_the_outcome(room: DeskRoom) -> None:
    scene = await room.begin()
    async with scene.at_work():
        await room.stored.clock.run(10)
        await room.identify()
        at = await room.desk.save("anna", 1, "solution", "wages come late", {"amount": "20,00"})
        room.desk = room.a_desk()
        card = await room.desk.card("anna", 1)
        assert card["draft"] == {
            "step": "solution", "note": "wages come late", "fields": {"amount": "20,00"}, "saved_at": at,
        }  # fmt: skip
        assert card["identification"]["sure"]
        await room.finish("promise", "wages come late", amount="20,00", on="+7")
        assert room.rows(draft) == []
        with pytest.raises(NotThere, match="not yours, or was handed in already"):
            await room.desk.save("anna", 1, "close", "too late", {})
        assert room.rows(draft) == []


async def test_hundreds_of_disputed_invoices_are_kept_in_the_draft(room: DeskRoom) -> None:
    scene = await room.begin()
    many = ",".join(f"RE-{number:06}" for number in range(500))
    async with scene.at_work():
        await room.stored.clock.run(10)
        await room.desk.save("anna", 1, "understand", "all of them", {"invoices": many})
        assert (await room.desk.card("anna", 1))["draft"]["fields"] == {"invoices": many}


async def test_a_promise_is_written_with_the_outcome_confirmed_and_shown_beforehand(room: DeskRoom) -> None:
    scene = await room.begin()
    async with scene.at_work():
        await room.stored.clock.run(10)
        await room.identify()
        before = room.everything()
        foreseen = await room.foresee("promise", amount="20,00", on="30.11.")
        assert room.everything() == before
        assert foreseen["hold"] == {"reason": "promise", "until": "2026-12-03"}  # three banking days
        assert [(one["kind"], one["amount"]["amount"]) for one in foreseen["agreements"]] == [("promise", "20.00")]
        assert [(one["channel"], one["what"]) for one in foreseen["sends"]] == [("email", "confirmation")]
        done = await room.finish("promise", "will pay", amount="20,00", on="30.11.", why="liquidity")
        assert done["again"] is False
        assert (done["hold"], done["sends"]) == (foreseen["hold"], foreseen["sends"])
        [made] = room.rows(agreement)
        assert (made["amount"], made["made_by"], made["reason"]) == (2000, "anna", "liquidity")
        [kept] = room.rows(account)
        assert (kept["hold_reason"], str(kept["hold_until"])) == ("promise", foreseen["hold"]["until"])
        said = room.said()
        assert (said["disposition"], said["reason"], said["details"]["note"]) == ("promise", "liquidity", "will pay")
        await room.stored.clock.run(1)
        called = room.stored.attempt(1)
        assert (called["outcome"], called["disposition"]) == ("answered", "promise")  # how it ended, what it achieved
        assert scene.roster.find("anna").state is State.READY
        assert room.woken == 1


async def test_an_outcome_that_is_sent_twice_is_written_once(room: DeskRoom) -> None:
    scene = await room.begin()
    async with scene.at_work():
        await room.stored.clock.run(10)
        await room.identify()
        answers = await asyncio.gather(*(room.finish("promise", on="+7") for _ in range(3)))
        assert sorted(one["again"] for one in answers) == [False, True, True]
        assert len(room.rows(agreement)) == 1
        assert room.said()["disposition"] == "promise"
        assert len([row for row in room.rows(attempt) if row["campaign"] == "agreement"]) == 1
        with pytest.raises(Contradiction, match="handed in already, as promise"):
            await room.finish("refuses")


@pytest.mark.parametrize(
    ("outcome", "fields", "field", "told"),
    [
        ("promise", {}, "on", "nothing is written there"),
        ("promise", {"on": "31.2."}, "on", "no such day"),
        ("promise", {"on": "+7", "amount": "lots"}, "amount", "no sum in EUR"),
        ("plan", {"first": "+7", "count": "some"}, "count", "is no number of that"),
        ("dispute", {"understood": "broken"}, "invoices", "which invoices"),
        ("dispute", {"invoices": "R-1"}, "understood", "what is wrong"),
        ("callback", {"callback_at": "soon"}, "callback_at", "no time of day"),
        ("callback", {"callback_at": "1.1.2020 10:00"}, "callback_at", "is past"),
        ("callback", {"callback_at": "fr 10:00", "callback_number": "123"}, "callback_number", "no number of the acc"),
        ("refuses", {"why": "spite"}, "why", "is no reason"),
        ("refuses", {"next_contact": "1.1.2020"}, "next_contact", "is past"),
    ],
)  # fmt: skip
async def test_a_mistyped_field_is_named_and_the_conversation_goes_on(
    room: DeskRoom, outcome: str, fields: dict[str, str], field: str, told: str
) -> None:
    scene = await room.begin()
    async with scene.at_work():
        await room.stored.clock.run(10)
        await room.identify()
        for ask in (room.foresee, room.finish):
            with pytest.raises(Mistyped, match=told) as caught:
                await ask(outcome, **fields)
            assert caught.value.field == field
        assert scene.roster.find("anna").state is State.TALK
        assert room.stored.attempt(1)["disposition"] == ""


async def test_a_plan_is_foreseen_with_the_exact_schedule_that_is_then_made(room: DeskRoom) -> None:
    scene = await room.begin()
    async with scene.at_work():
        await room.stored.clock.run(10)
        await room.identify()
        [plan] = (await room.foresee("plan", first="1.12.", instalment="20"))["agreements"]
        rates = [(one["due_on"], one["amount"]["amount"]) for one in plan["instalments"]]
        assert rates == [("2026-12-01", "20.00"), ("2027-01-01", "20.00"), ("2027-02-01", "10.00")]
        await room.finish("plan", first="1.12.", instalment="20")
        [made] = room.rows(agreement)
        assert (made["kind"], made["state"], made["amount"]) == ("plan", "sent", 5000)


async def test_disputes_are_of_the_invoices_that_were_named(room: DeskRoom) -> None:
    scene = await room.begin()
    async with scene.at_work():
        await room.stored.clock.run(10)
        await room.identify()
        foreseen = await room.foresee("dispute", invoices="R-1", understood="never arrived")
        assert [one["invoice"] for one in foreseen["agreements"]] == ["R-1"]
        with pytest.raises(NotThere, match="has no open invoice 'R-9'"):
            await room.finish("dispute", invoices="R-1, R-9", understood="never arrived")
        assert room.rows(agreement) == []
        await room.finish("dispute", invoices="R-1", understood="never arrived")
        assert room.rows(account)[0]["disputed"]


async def test_a_callback_is_kept_for_its_agent_and_listed(room: DeskRoom) -> None:
    scene = await room.begin()
    async with scene.at_work():
        await room.stored.clock.run(10)
        foreseen = await room.foresee("callback", callback_at="fr 10:30")
        assert foreseen["callback"] == {"when": "2026-11-27T10:30+01:00", "number": number(1), "own": True}
        assert foreseen["next_contact"] == "2026-11-27"
        await room.finish("callback", callback_at="fr 10:30")
        with room.database.snapshot() as connection:
            [waits] = call_queue.agreed(connection, "anna")
            assert call_queue.agreed(connection, "berta") == []
        assert (waits.account_no, waits.not_before.isoformat()) == ("K-1", "2026-11-27T09:30:00+00:00")


async def test_the_wrong_person_is_told_nothing_and_the_number_is_marked(room: DeskRoom) -> None:
    scene = await room.begin()
    async with scene.at_work():
        await room.stored.clock.run(10)
        assert (await room.desk.meet("anna", 1, "someone_else"))["preset"] == "wrong_person"
        assert (await room.foresee("wrong_person"))["stops"] == [{"what": "number", "reason": "wrong_number"}]
        await room.finish("wrong_person")
        assert [(one["value"], one["reason"]) for one in room.rows(suppression)] == [(number(1), "wrong_number")]


async def test_whoever_is_represented_is_not_contacted_any_more(room: DeskRoom) -> None:
    scene = await room.begin()
    async with scene.at_work():
        await room.stored.clock.run(10)
        await room.finish("represented", represented_by="RA Beispiel, Musterstadt")
        [stop] = room.rows(suppression)
        assert (stop["kind"], stop["reason"]) == ("account", "represented")
        [note] = room.rows(contact_log, contact_log.c.event == "represented")
        assert note["reason"] == "RA Beispiel, Musterstadt"


@pytest.mark.parametrize(
    ("outcome", "fields", "hold"),
    [("paid", {}, "says_paid"), ("hardship", {}, "hardship"), ("refuses", {}, None), ("dropped", {}, None)],
)
async def test_every_other_outcome_is_carried_out_too(
    room: DeskRoom, outcome: str, fields: dict[str, str], hold: str | None
) -> None:
    scene = await room.begin()
    async with scene.at_work():
        await room.stored.clock.run(10)
        await room.identify()
        foreseen = await room.foresee(outcome, next_contact="+14", **fields)
        assert (foreseen["hold"] or {"reason": None})["reason"] == hold
        assert foreseen["tasks"] == [{"due_on": "2026-12-07", "note": "next contact, as said on the telephone"}]
        await room.finish(outcome, next_contact="+14", **fields)
        assert (room.rows(account)[0]["hold_reason"] or None) == hold


async def test_what_was_never_handed_in_is_owed_after_a_restart_and_nothing_is_invented(room: DeskRoom) -> None:
    scene = await room.begin()
    async with scene.at_work():
        await room.stored.clock.run(10)
        await room.identify()
        await room.desk.save("anna", 1, "solution", "half a note", {"on": "+3"})
        await room.stored.clock.run(700)  # they hang up, and the time for wrapping up runs out
        anna = scene.roster.find("anna")
        assert (anna.state, anna.reason) == (State.PAUSE, "nachbearbeitung")
        assert (await room.desk.card("anna", 1))["phase"] == "wrap"
        assert room.stored.attempt(1)["disposition"] == ""
    room.scene = await room.stored.scene(agents=("anna", "berta"))
    room.desk = room.a_desk()
    assert room.desk.current("anna") == 0
    with room.database.snapshot() as connection:
        [owed] = calls.owed(connection, "anna")
        assert calls.owed(connection, "berta") == []
    assert (owed.id, owed.account_no) == (1, "K-1")
    with pytest.raises(NotThere):
        await room.desk.card("berta", 1)
    card = await room.desk.card("anna", 1)
    assert (card["phase"], card["draft"]["note"]) == ("owed", "half a note")
    first, second = await room.finish("promise", "half a note", on="+3"), await room.finish("promise", on="+3")
    assert (first["again"], second["again"]) == (False, True)
    with room.database.snapshot() as connection:
        assert calls.owed(connection, "anna") == []
    assert [one["made_by"] for one in room.rows(agreement)] == ["anna"]
    assert room.stored.attempt(1)["conversation_at"] is not None


async def test_another_number_is_called_after_nobody_was_there(room: DeskRoom) -> None:
    scene = await room.begin()
    with room.database.transaction() as connection:
        connection.execute(sa.update(account).values(phone=number(2)))
    async with scene.at_work():
        await room.stored.clock.run(10)
        with pytest.raises(Contradiction, match="after dropped, wrong_person"):
            await room.desk.dial("anna", 1, "promise", number(2), {}, "")
        await room.desk.dial("anna", 1, "dropped", number(2), {}, "an office at night")
        assert room.said()["details"]["note"] == "an office at night"
        await room.stored.clock.run(10)
        assert [detail for _, detail in scene.orders("place")] == [number(1), number(2)]


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda desk: desk.save("anna", 1, "dance", "", {}), "is no step"),
        (lambda desk: desk.save("anna", 1, "close", "x" * 20_001, {}), "at most 20000 letters"),
        (lambda desk: desk.save("anna", 1, "close", "", {"password": "x"}), "is no field of the form"),
        (lambda desk: desk.save("anna", 1, "close", "", {"amount": "1" * 2001}), "too long"),
        (lambda desk: desk.meet("anna", 1, "a ghost"), "is no person"),
        (lambda desk: desk.identify("anna", 1, "shoe_size", "42"), "is no item"),
        (lambda desk: desk.identify("anna", 1, "postcode", "1" * 2001), "too long"),
        (lambda desk: desk.foresee("anna", 1, "success", {}), "is no outcome"),
        (lambda desk: desk.card("anna", 99), "is not yours"),
    ],
)  # fmt: skip
async def test_what_makes_no_sense_is_told_with_what_would(room: DeskRoom, call: Any, told: str) -> None:  # noqa: ANN401 - a request
    scene = await room.begin()
    async with scene.at_work():
        await room.stored.clock.run(10)
        with pytest.raises(InputError, match=told):
            await call(room.desk)


async def test_the_words_of_a_step_tell_nothing_of_the_debt_before_the_person_is_known(room: DeskRoom) -> None:
    scene = await room.begin()
    async with scene.at_work():
        await room.stored.clock.run(10)
        await room.desk.save("anna", 1, "identify", "", {})
        words = (await room.desk.card("anna", 1))["script"]
        assert words["language"] == "de"
        assert "Spreche ich mit Customer 1?" in words["text"]
        await room.desk.meet("anna", 1, "someone_else")
        words = (await room.desk.card("anna", 1))["script"]
        assert "Worum es geht, darf ich nur persönlich sagen" in words["text"]
        await room.desk.save("anna", 1, "solution", "", {})
        words = (await room.desk.card("anna", 1))["script"]
        assert (words["text"], words["why"]) == (None, "not_the_person")
        await room.identify()
        assert "Können Sie die 50,00\xa0€ heute" in (await room.desk.card("anna", 1))["script"]["text"]


@pytest.mark.parametrize(
    ("outcome", "fields", "parts"),
    [
        ("promise", {"on": "30.11."}, ["50,00\xa0€ bis zum 30. November 2026", "per E-Mail", "mahnen wir nicht"]),
        ("promise", {"on": "30.11.", "confirm": "no"}, ["30. November 2026. Bis zum"]),
        ("plan", {"first": "1.12.", "count": "2", "confirm": "no"}, ["(1. Januar 2027). Die Vereinbarung gilt erst"]),
        ("plan", {"first": "1.12.", "count": "2"},
         ["in 2 Raten, 25,00\xa0€ (1. Dezember 2026), 25,00\xa0€ (1. Januar 2027)", "bestätigt"]),
        ("plan", {"first": "1.12.", "instalment": "10"}, ["in 5 Raten, 10,00\xa0€ (1. Dezember 2026)"]),
        ("dispute", {"invoices": "R-1", "understood": "broken"}, ["notiert: R-1."]),
        ("callback", {"callback_at": "fr 10:30"}, ["Ich rufe Sie am 27. November 2026, 10:30 wieder an"]),
        ("represented", {"represented_by": "RA Beispiel"}, ["vertreten werden: RA Beispiel."]),
        ("represented", {}, ["vertreten werden. Wir"]),
        ("refuses", {}, ["weitere 38,00\xa0€ kosten"]),
    ],
)  # fmt: skip
async def test_the_summary_reads_aloud_what_was_foreseen(
    room: DeskRoom, outcome: str, fields: dict[str, str], parts: list[str]
) -> None:
    scene = await room.begin()
    async with scene.at_work():
        await room.stored.clock.run(10)
        await room.identify()
        text = (await room.foresee(outcome, **fields))["summary"]["text"]
        assert [part for part in parts if part not in text] == []
        assert not set("{}[]…") & set(text)
