"""An attempt nobody knows the end of is asked about, sent again only after two empty answers, and never twice."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from contactd.channels.base import Absent, Found, LookUp, Message, Unknown, fingerprint
from contactd.channels.memory import MemoryChannel
from contactd.domain.account import Channel
from contactd.domain.attempt import Event
from contactd.domain.errors import ChannelUnclear, StoreConflict
from contactd.engine.sending.reconciler import Reconciler
from contactd.store import fingerprints
from contactd.store.attempts import Claimed
from contactd.store.database import Database
from contactd.store.fingerprints import Saying
from tests.engine.reconciling import NUMBER, OTHER, Bench, bench_on
from tests.fakes.twilio_ledger import Answer, Callbacks

GRACE = 120.0


@pytest.fixture
async def bench(database: Database) -> AsyncIterator[Bench]:
    async with bench_on(database) as made:
        yield made


def message(bench: Bench, claim: Claimed, number: str = NUMBER, text: str = "") -> Message:
    return Message(
        reference=claim.reference,
        attempt_id=claim.id,
        to=number,
        language="de",
        subject="",
        text=text or f"Rechnung {claim.id} ist offen.",
        created_at=bench.clock.now(),
    )


def keep_fingerprint(bench: Bench, claim: Claimed, said: Message | None = None) -> None:
    """Do what the sender does before it asks the provider."""
    with bench.database.transaction() as connection:
        text = (said or message(bench, claim)).text
        fingerprints.keep(connection, [Saying(claim.id, claim.claim_no, fingerprint(text))])


async def lose_sight(
    bench: Bench, *, taken: bool, number: str = NUMBER, account_id: int = 1, text: str = ""
) -> Claimed:
    """Send with an answer that never comes."""
    claim = bench.sending(number, account_id=account_id)
    said = message(bench, claim, number, text)
    keep_fingerprint(bench, claim, said)
    bench.twilio.answers.append(Answer(dropped=True, taken=taken))
    with pytest.raises(ChannelUnclear):
        await bench.sms.send(said)
    bench.happen(claim, Event.LOST_SIGHT, outcome="unclear")
    return claim


async def test_what_the_provider_has_is_accepted_and_not_sent_again(bench: Bench) -> None:
    claim = await lose_sight(bench, taken=True)
    assert await bench.reconciler.settle_unclear() == 1
    assert bench.stands(claim) == ("accepted", "accepted")
    assert bench.row(claim).provider_ref == bench.twilio.ledger[0].sid
    assert len(bench.twilio.ledger) == 1
    assert bench.logged(claim) == ["sending", "unclear", "accepted"]


async def test_what_the_provider_delivered_is_delivered(bench: Bench) -> None:
    claim = await lose_sight(bench, taken=True)
    bench.twilio.ledger[0].status = "delivered"
    assert await bench.reconciler.settle_unclear() == 1
    assert bench.stands(claim) == ("delivered", "delivered")


async def test_what_the_provider_gave_up_is_failed_and_a_dead_number_closed(bench: Bench) -> None:
    claim = await lose_sight(bench, taken=True)
    bench.twilio.ledger[0].status, bench.twilio.ledger[0].code = "undelivered", 30005
    assert await bench.reconciler.settle_unclear() == 1
    assert bench.stands(claim) == ("failed", "undeliverable")
    assert bench.suppressed() == [("number", NUMBER, "sms", "undeliverable")]


async def test_two_empty_answers_apart_by_the_grace_send_it_again(bench: Bench) -> None:
    claim = await lose_sight(bench, taken=False)
    assert await bench.reconciler.settle_unclear() == 0
    assert bench.row(claim).looked_up == 1
    bench.clock.advance(GRACE - 1)
    assert await bench.reconciler.settle_unclear() == 0
    assert bench.stands(claim)[0] == "unclear"
    assert bench.twilio.requests["GET"] == 1
    bench.clock.advance(1)
    assert await bench.reconciler.settle_unclear() == 1
    assert bench.stands(claim)[0] == "planned"
    assert bench.logged(claim) == ["sending", "unclear", "not_taken"]
    assert bench.claim().claim_no == claim.claim_no + 1


async def test_a_message_that_is_listed_late_is_not_sent_again(bench: Bench) -> None:
    claim = await lose_sight(bench, taken=True)
    bench.twilio.unlisted.add(NUMBER)
    assert await bench.reconciler.settle_unclear() == 0
    bench.clock.advance(GRACE)
    bench.twilio.unlisted.clear()
    assert await bench.reconciler.settle_unclear() == 1
    assert bench.stands(claim) == ("accepted", "accepted")


async def test_a_callback_in_the_inbox_goes_before_an_empty_answer(bench: Bench) -> None:
    claim = await lose_sight(bench, taken=True)
    bench.twilio.unlisted.add(NUMBER)
    await bench.reconciler.settle_unclear()
    bench.clock.advance(GRACE)
    bench.status(claim, "delivered")
    await bench.reconciler.settle_unclear()
    assert bench.stands(claim) == ("delivered", "delivered")


async def test_no_answer_settles_nothing_and_is_asked_ever_less_often(bench: Bench) -> None:
    claim = await lose_sight(bench, taken=True)
    await bench.twilio.close()
    for _ in range(240):
        assert await bench.reconciler.settle_unclear() == 0
        bench.clock.advance(30)
    assert bench.stands(claim)[0] == "unclear"


async def test_an_empty_answer_before_an_outage_does_not_count(bench: Bench) -> None:
    claim = await lose_sight(bench, taken=False)
    await bench.reconciler.settle_unclear()
    url, bench.twilio.token = bench.twilio.url, "changed"  # nobody is let in any more
    bench.clock.advance(GRACE)
    await bench.reconciler.settle_unclear()
    assert bench.twilio.url == url
    bench.twilio.token = "not-a-real-token"
    bench.clock.advance(GRACE)
    assert await bench.reconciler.settle_unclear() == 0
    assert bench.stands(claim)[0] == "unclear"
    bench.clock.advance(GRACE)
    assert await bench.reconciler.settle_unclear() == 1
    assert bench.stands(claim)[0] == "planned"


async def test_the_message_of_another_attempt_is_not_taken_for_ours(bench: Bench) -> None:
    other = bench.sending(account_id=2)
    receipt = await bench.sms.send(message(bench, other))
    bench.happen(other, Event.TAKEN, outcome="accepted", provider_ref=receipt.provider_ref)
    claim = await lose_sight(bench, taken=False)
    assert await bench.reconciler.settle_unclear() == 0
    bench.clock.advance(GRACE)
    assert await bench.reconciler.settle_unclear() == 1
    assert bench.stands(claim)[0] == "planned"


async def test_what_somebody_else_wrote_to_the_number_is_not_taken_for_ours(bench: Bench) -> None:
    claim = await lose_sight(bench, taken=False)
    stranger = replace(message(bench, claim), reference="", text="Ihr Paket ist da.")
    await bench.sms.send(stranger)
    assert await bench.reconciler.settle_unclear() == 0
    bench.clock.advance(GRACE)
    assert await bench.reconciler.settle_unclear() == 1
    assert bench.stands(claim)[0] == "planned"


async def test_a_claim_that_died_before_its_text_was_known_takes_no_message_for_its_own(bench: Bench) -> None:
    claim = bench.sending()
    await bench.sms.send(message(bench, claim))
    bench.happen(claim, Event.LOST_SIGHT, outcome="unclear")
    for _ in range(5):
        assert await bench.reconciler.settle_unclear() == 0
        bench.clock.advance(3600)
    assert bench.stands(claim)[0] == "unclear"
    bench.status(claim, "delivered")
    await bench.reconciler.apply_inbox()
    assert bench.stands(claim) == ("delivered", "delivered")


async def test_a_claim_that_died_before_its_text_was_known_is_sent_when_the_number_got_nothing(bench: Bench) -> None:
    claim = bench.sending()
    bench.happen(claim, Event.LOST_SIGHT, outcome="unclear")
    await bench.reconciler.settle_unclear()
    bench.clock.advance(GRACE)
    assert await bench.reconciler.settle_unclear() == 1
    assert bench.stands(claim)[0] == "planned"


async def test_a_new_claim_begins_without_the_fingerprint_of_the_one_before(bench: Bench) -> None:
    claim = bench.sending()
    keep_fingerprint(bench, claim)
    assert bench.row(claim).fingerprint
    bench.happen(claim, Event.NOT_TAKEN)
    assert bench.row(claim).fingerprint == ""
    with pytest.raises(StoreConflict, match="taken over before it was sent"):
        keep_fingerprint(bench, claim)


async def test_an_older_message_to_the_number_is_not_taken_for_ours(bench: Bench) -> None:
    await bench.sms.send(message(bench, bench.sending(account_id=2)))
    bench.clock.advance(3600)
    claim = await lose_sight(bench, taken=False)
    await bench.reconciler.settle_unclear()
    bench.clock.advance(GRACE)
    await bench.reconciler.settle_unclear()
    assert bench.stands(claim)[0] == "planned"


async def test_two_unclear_attempts_to_one_number_with_one_text_stay_for_a_person_when_one_message_is_there(
    bench: Bench,
) -> None:
    claims = [
        await lose_sight(bench, taken=taken, account_id=number, text="Bitte zahlen Sie.")
        for number, taken in ((1, True), (2, False))
    ]
    for _ in range(5):
        assert await bench.reconciler.settle_unclear() == 0
        bench.clock.advance(GRACE)
    assert {bench.stands(claim)[0] for claim in claims} == {"unclear"}


async def test_two_unclear_attempts_to_one_number_are_told_apart_by_what_they_say(bench: Bench) -> None:
    there, lost = [await lose_sight(bench, taken=taken, account_id=number) for number, taken in ((1, True), (2, False))]
    assert await bench.reconciler.settle_unclear() == 1
    bench.clock.advance(GRACE)
    assert await bench.reconciler.settle_unclear() == 1
    assert (bench.stands(there)[0], bench.stands(lost)[0]) == ("accepted", "planned")


async def test_two_unclear_attempts_to_one_number_are_sent_again_when_none_is_there(bench: Bench) -> None:
    claims = [await lose_sight(bench, taken=False, account_id=number) for number in (1, 2)]
    await bench.reconciler.settle_unclear()
    bench.clock.advance(GRACE)
    assert await bench.reconciler.settle_unclear() == 2
    assert {bench.stands(claim)[0] for claim in claims} == {"planned"}


async def test_attempts_to_different_numbers_are_settled_each_for_itself(bench: Bench) -> None:
    here = await lose_sight(bench, taken=True)
    there = await lose_sight(bench, taken=False, number=OTHER, account_id=2)
    assert await bench.reconciler.settle_unclear() == 1
    assert (bench.stands(here)[0], bench.stands(there)[0]) == ("accepted", "unclear")


class Puzzled(MemoryChannel):
    """A backend with a fault nobody foresaw."""

    async def look_up(self, question: LookUp) -> Found | Absent | Unknown:
        """Break."""
        raise RuntimeError(question.reference)


async def test_a_backend_with_a_fault_of_its_own_settles_nothing(bench: Bench) -> None:
    claim = await lose_sight(bench, taken=False)
    reconciler = Reconciler(bench.commit, {Channel.SMS: Puzzled(Channel.SMS)}, bench.clock)
    with capture_logs() as logged:
        assert await reconciler.settle_unclear() == 0
    assert [entry["event"] for entry in logged] == ["look_up_broke"]
    assert bench.stands(claim)[0] == "unclear"


async def test_a_channel_that_is_closed_leaves_the_attempt_unclear(bench: Bench) -> None:
    claim = await lose_sight(bench, taken=True)
    await bench.sms.close()
    assert await bench.reconciler.settle_unclear() == 0
    assert bench.stands(claim)[0] == "unclear"


async def test_an_expired_lease_makes_what_was_begun_unclear(bench: Bench) -> None:
    claim = bench.sending()
    assert await bench.reconciler.expire() == 0
    bench.clock.advance(121)
    assert await bench.reconciler.expire() == 1
    assert bench.stands(claim)[0] == "unclear"


async def test_a_memory_channel_is_settled_by_its_ledger(bench: Bench) -> None:
    memory = MemoryChannel(Channel.SMS)
    reconciler = Reconciler(bench.commit, {Channel.SMS: memory}, bench.clock, grace=timedelta(seconds=10))
    claim = bench.sending()
    memory.faults.append(ChannelUnclear("no answer"))
    with pytest.raises(ChannelUnclear):
        await memory.send(message(bench, claim))
    bench.happen(claim, Event.LOST_SIGHT, outcome="unclear")
    assert await reconciler.settle_unclear() == 1
    assert bench.stands(claim) == ("accepted", "accepted")


async def test_callbacks_of_a_message_taken_in_the_dark_carry_the_attempts_reference(bench: Bench) -> None:
    bench.twilio.callbacks = lambda _: Callbacks(lost=True)
    claim = await lose_sight(bench, taken=True)
    assert bench.twilio.ledger[0].reference in {"", claim.reference}
