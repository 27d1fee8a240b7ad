"""Provider events are applied once each, in whatever order they came, and settle attempts nobody heard of since."""

import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from contactd.domain.account import Channel
from contactd.domain.attempt import Event
from contactd.store import attempts
from contactd.store.attempts import NewAttempt
from contactd.store.database import Database
from contactd.store.schema import attempt
from tests.engine.reconciling import NUMBER, OTHER, Bench, bench_on

SMS = ("number", NUMBER, "sms")


@pytest.fixture
async def bench(database: Database) -> AsyncIterator[Bench]:
    async with bench_on(database) as made:
        yield made


async def test_a_delivery_is_written_down_with_the_providers_reference(bench: Bench) -> None:
    claim = bench.sending()
    bench.happen(claim, Event.TAKEN, outcome="accepted", provider_ref=f"SM{claim.id}")
    bench.status(claim, "sent", "delivered")
    assert await bench.reconciler.apply_inbox() == 2
    assert bench.stands(claim) == ("delivered", "delivered")
    assert bench.row(claim).provider_ref == f"SM{claim.id}"
    assert bench.logged(claim) == ["sending", "accepted", "delivered"]
    assert bench.waiting() == []
    assert [(event.state, event.outcome) for event in bench.moved] == [("delivered", "delivered")]


async def test_the_inbox_is_applied_once(bench: Bench) -> None:
    claim = bench.sending()
    bench.status(claim, "sent", "delivered")
    assert [await bench.reconciler.apply_inbox() for _ in range(3)] == [2, 0, 0]
    assert bench.logged(claim) == ["sending", "accepted", "delivered"]


@pytest.mark.parametrize("event", [None, Event.LOST_SIGHT])
async def test_a_callback_before_the_answer_settles_the_attempt(bench: Bench, event: Event | None) -> None:
    claim = bench.sending()
    if event:
        bench.happen(claim, event, outcome="unclear")
    bench.status(claim, "sent")
    await bench.reconciler.apply_inbox()
    assert bench.stands(claim) == ("accepted", "accepted")
    assert bench.row(claim).provider_ref == f"SM{claim.id}"


@pytest.mark.parametrize("order", list(itertools.permutations(["queued", "sent", "delivered"])))
async def test_the_order_of_callbacks_makes_no_difference(bench: Bench, order: tuple[str, ...]) -> None:
    claim = bench.sending()
    bench.happen(claim, Event.TAKEN, outcome="accepted")
    bench.status(claim, *order, *order)
    await bench.reconciler.apply_inbox()
    assert bench.stands(claim) == ("delivered", "delivered")
    assert bench.logged(claim) == ["sending", "accepted", "delivered"]


async def test_a_receipt_after_a_failure_changes_nothing(bench: Bench) -> None:
    claim = bench.sending()
    bench.status(claim, "undelivered", "delivered", code="30005")
    await bench.reconciler.apply_inbox()
    assert bench.stands(claim) == ("failed", "undeliverable")


@pytest.mark.parametrize(
    ("code", "outcome", "suppressed"),
    [
        ("30005", "undeliverable", [(*SMS, "undeliverable")]),
        ("30006", "undeliverable", [(*SMS, "undeliverable")]),
        ("21610", "opted_out", [(*SMS, "opted_out")]),
        ("30004", "rejected", []),
        ("30007", "rejected", []),
        ("30003", "unreachable", []),
        ("99999", "rejected", []),
        ("", "rejected", []),
    ],
)
async def test_a_failure_ends_the_attempt_and_closes_a_dead_number(
    bench: Bench, code: str, outcome: str, suppressed: list[tuple[str, ...]]
) -> None:
    claim = bench.sending()
    bench.happen(claim, Event.TAKEN, outcome="accepted")
    bench.status(claim, "undelivered", code=code)
    await bench.reconciler.apply_inbox()
    assert bench.stands(claim) == ("failed", outcome)
    assert str(bench.row(claim).reason).startswith(code or "undelivered")
    assert bench.suppressed() == suppressed


async def test_an_unknown_fault_is_tried_once_more_and_only_once(bench: Bench) -> None:
    first = bench.sending()
    bench.status(first, "undelivered", code="30008")
    await bench.reconciler.apply_inbox()
    with bench.database.snapshot() as connection:
        tries = connection.execute(sa.select(attempt.c.try_no, attempt.c.state).order_by(attempt.c.try_no)).all()
    assert [tuple(row) for row in tries] == [(1, "failed"), (2, "planned")]
    bench.clock.advance(3600)
    second = bench.claim()
    assert second.try_no == 2
    bench.status(second, "undelivered", code="30008")
    await bench.reconciler.apply_inbox()
    with bench.database.snapshot() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(attempt)) == 2


@pytest.mark.parametrize("tries", [("cancelled",), ("cancelled", "cancelled")])
async def test_the_first_that_was_really_sent_is_tried_once_more_whatever_was_cancelled_before(
    bench: Bench, tries: tuple[str, ...]
) -> None:
    sent = bench.sending()
    with bench.database.transaction() as connection:
        number = len(tries) + 1
        connection.execute(sa.update(attempt).where(attempt.c.id == sent.id).values(try_no=number))
        now = bench.clock.now()
        before = [NewAttempt(1, 1, None, "standard", sent.step, Channel.SMS, 1, n, now, now) for n in range(1, number)]
        attempts.plan(connection, before)
        connection.execute(sa.update(attempt).where(attempt.c.id != sent.id).values(state="cancelled", ended_at=now))
    bench.status(sent, "undelivered", code="30003")
    await bench.reconciler.apply_inbox()
    with bench.database.snapshot() as connection:
        rows = connection.execute(sa.select(attempt.c.try_no, attempt.c.state).order_by(attempt.c.try_no)).all()
    assert [tuple(row) for row in rows[-2:]] == [(number, "failed"), (number + 1, "planned")]


async def test_a_callback_of_an_older_claim_does_not_touch_a_newer_one(bench: Bench) -> None:
    first = bench.sending()
    bench.happen(first, Event.NOT_TAKEN, outcome="unavailable")
    second = bench.claim()
    assert second.id == first.id
    bench.status(first, "undelivered", code="30004")
    await bench.reconciler.apply_inbox()
    assert bench.stands(second)[0] == "sending"


async def test_an_attempt_that_waits_again_is_held_back_when_the_provider_had_it_after_all(bench: Bench) -> None:
    claim = bench.sending()
    bench.happen(claim, Event.NOT_TAKEN, outcome="not_taken")
    bench.status(claim, "delivered")
    await bench.reconciler.apply_inbox()
    row = bench.row(claim)
    assert (row.state, row.outcome, row.reason) == ("cancelled", "delivered", "reached_after_all")
    assert row.provider_ref == f"SM{claim.id}"
    assert [event.state for event in bench.moved] == ["cancelled"]


async def test_a_failure_does_not_hold_back_an_attempt_that_waits_again(bench: Bench) -> None:
    claim = bench.sending()
    bench.happen(claim, Event.NOT_TAKEN, outcome="not_taken")
    bench.status(claim, "failed", code="30008")
    await bench.reconciler.apply_inbox()
    assert bench.stands(claim)[0] == "planned"


@pytest.mark.parametrize("hard", [True, False])
async def test_a_bounce_ends_the_attempt_and_a_hard_one_closes_the_address(bench: Bench, hard: bool) -> None:  # noqa: FBT001 - a column
    claim = bench.sending("Debtor@example.com", channel=Channel.EMAIL)
    bench.happen(claim, Event.TAKEN, outcome="accepted")
    bounce = {"reference": claim.reference, "hard": hard, "status": "5.1.1", "diagnostic": "no such user"}
    bench.arrive("smtp_bounce", bounce)
    await bench.reconciler.apply_inbox()
    assert bench.stands(claim) == ("failed", "bounced")
    assert bench.row(claim).reason == "5.1.1 no such user"
    closed = [("email", "debtor@example.com", "email", "undeliverable")]
    assert bench.suppressed() == (closed if hard else [])


async def test_events_of_another_channel_move_nothing(bench: Bench) -> None:
    sms, email = bench.sending(), bench.sending("debtor@example.com", channel=Channel.EMAIL)
    bench.arrive("smtp_bounce", {"reference": sms.reference, "hard": True, "status": "5.1.1", "diagnostic": ""})
    bench.status(email, "undelivered", code="30005")
    assert await bench.reconciler.apply_inbox() == 2
    assert bench.stands(sms)[0] == bench.stands(email)[0] == "sending"
    assert bench.suppressed() == []


async def test_a_callback_for_an_attempt_we_never_made_closes_no_number(bench: Bench) -> None:
    claim = bench.sending()
    failed = {"sid": "SM1", "status": "undelivered", "code": "30005", "to": NUMBER}
    bench.arrive("twilio_status", failed | {"reference": "999999-1"})
    assert await bench.reconciler.apply_inbox() == 1
    assert bench.suppressed() == []
    assert bench.stands(claim)[0] == "sending"


async def test_a_callback_for_another_number_than_the_attempts_moves_and_closes_nothing(bench: Bench) -> None:
    claim = bench.sending()
    failed = {"sid": "SM1", "status": "undelivered", "code": "30005", "to": OTHER}
    bench.arrive("twilio_status", failed | {"reference": claim.reference})
    await bench.reconciler.apply_inbox()
    assert bench.suppressed() == []
    assert bench.stands(claim)[0] == "sending"


async def test_a_callback_for_an_attempt_that_waits_again_closes_no_number(bench: Bench) -> None:
    claim = bench.sending()
    bench.happen(claim, Event.NOT_TAKEN, outcome="not_taken")
    bench.status(claim, "undelivered", code="30005")
    await bench.reconciler.apply_inbox()
    assert bench.suppressed() == []
    assert bench.stands(claim)[0] == "planned"


async def test_a_bounce_after_a_delivery_still_counts(bench: Bench) -> None:
    claim = bench.sending("debtor@example.com", channel=Channel.EMAIL)
    bench.happen(claim, Event.CONFIRMED, outcome="delivered")
    bench.arrive("smtp_bounce", {"reference": claim.reference, "hard": False, "status": "4.4.7", "diagnostic": ""})
    await bench.reconciler.apply_inbox()
    assert bench.stands(claim) == ("failed", "bounced")


@pytest.mark.parametrize(
    ("payload", "suppressed"),
    [
        (
            {"channel": "email", "address": "Debtor@example.com", "customer": "1"},
            ("email", "debtor@example.com", "email", "opted_out"),
        ),
        ({"channel": "email", "customer": 1}, ("account", "1", "email", "opted_out")),
        ({"channel": "sms", "address": NUMBER}, (*SMS, "opted_out")),
    ],
)
async def test_an_unsubscribe_closes_the_address_or_the_debtor(
    bench: Bench, payload: dict[str, object], suppressed: tuple[str, ...]
) -> None:
    bench.sending()
    bench.arrive("unsubscribe", payload)
    await bench.reconciler.apply_inbox()
    assert bench.suppressed() == [suppressed]


async def test_rows_nobody_can_read_are_put_aside_and_the_others_applied(bench: Bench) -> None:
    claim = bench.sending()
    bench.arrive("carrier_pigeon", {"said": "coo"})
    bench.arrive("twilio_status", {"reference": "x"}, {"reference": claim.reference}, {"reference": "77-1", "sid": "S"})
    bench.arrive("smtp_bounce", {"reference": "4711-1", "hard": True, "status": "5.1.1", "diagnostic": ""})
    bench.status(claim, "receiving", "delivered")
    assert await bench.reconciler.apply_inbox() == 7
    assert bench.waiting() == []
    assert bench.stands(claim) == ("delivered", "delivered")
    assert bench.suppressed() == []


async def test_a_row_that_breaks_its_batch_is_put_aside_alone(bench: Bench) -> None:
    claim = bench.sending()
    # No database of ours holds a number this long: the statement itself fails.
    bench.status(claim, "sent")
    bench.arrive("smtp_bounce", {"reference": f"{10**30}-1", "hard": True, "status": "", "diagnostic": ""})
    bench.status(claim, "delivered")
    with capture_logs() as logged:
        assert await bench.reconciler.apply_inbox() == 3
    assert [entry["event"] for entry in logged] == ["inbox_batch_broke", "inbox_row_broke"]
    assert bench.waiting() == []
    assert bench.stands(claim) == ("delivered", "delivered")


async def test_more_rows_than_a_batch_holds_are_all_applied(bench: Bench) -> None:
    claim = bench.sending()
    bench.status(claim, *["sent"] * 600, "delivered")
    assert await bench.reconciler.apply_inbox() == 601
    assert bench.stands(claim) == ("delivered", "delivered")


@pytest.fixture
async def running(bench: Bench) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(bench.reconciler.run())
    await bench.clock.settle()
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_the_running_reconciler_wakes_when_it_is_told(bench: Bench, running: "asyncio.Task[None]") -> None:
    claim = bench.sending()
    bench.status(claim, "delivered")
    bench.reconciler.notify()
    await bench.clock.settle()
    assert bench.stands(claim) == ("delivered", "delivered")
    assert not running.done()


async def test_the_running_reconciler_sees_what_nobody_told(bench: Bench, running: "asyncio.Task[None]") -> None:
    claim = bench.sending()
    bench.status(claim, "delivered")
    await bench.clock.run(2)
    assert bench.stands(claim) == ("delivered", "delivered")
    assert not running.done()


async def test_the_running_reconciler_outlives_a_table_that_is_away(
    bench: Bench, running: "asyncio.Task[None]"
) -> None:
    claim = bench.sending()
    with bench.database.transaction() as connection:
        connection.execute(sa.text("ALTER TABLE inbox RENAME TO gone"))
    with capture_logs() as logged:
        await bench.clock.run(4)
    assert "reconciler_broke" in {entry["event"] for entry in logged}
    assert not running.done()
    with bench.database.transaction() as connection:
        connection.execute(sa.text("ALTER TABLE gone RENAME TO inbox"))
    bench.status(claim, "delivered")
    await bench.clock.run(4)
    assert bench.stands(claim) == ("delivered", "delivered")


async def test_the_running_reconciler_outlives_a_store_that_is_away(
    bench: Bench, running: "asyncio.Task[None]"
) -> None:
    bench.clock.at_rest = None
    await bench.commit.close()
    with capture_logs() as logged:
        await bench.clock.run(60)
    assert {entry["part"] for entry in logged} == {"inbox", "leases", "unclear"}
    assert {entry["event"] for entry in logged} == {"reconciler_waits"}
    assert not running.done()
