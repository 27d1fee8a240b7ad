"""What customers write by SMS: a short STOP is obeyed, everything else is left for a person to read."""

from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from contactd.store.database import Database
from contactd.store.schema import contact_log, suppression
from tests.engine.reconciling import NUMBER, OTHER, Bench, bench_on

SMS = ("number", NUMBER, "sms")


@pytest.fixture
async def bench(database: Database) -> AsyncIterator[Bench]:
    async with bench_on(database) as made:
        yield made


def inbound(body: str, opt_out: str = "", number: str = NUMBER) -> dict[str, object]:
    return {"sid": f"SM{body}{opt_out}", "from": number, "to": OTHER, "body": body, "opt_out": opt_out}


@pytest.mark.parametrize(
    "body",
    [
        "STOP",
        "stopp",
        " Stop. ",
        "ABMELDEN!",
        "Keine  SMS",
        "unsubscribe",
        "Bitte STOP!",
        "Stop, bitte. Danke!",
        "„Stop“ 🛑",
        "please, opt-out - thank you",
        "STÖP".replace("Ö", "O\u0308"),
        "ＳＴＯＰ",
    ],
)
async def test_a_customer_who_writes_stop_gets_no_more_messages(bench: Bench, body: str) -> None:
    bench.arrive("twilio_message", inbound(body))
    await bench.reconciler.apply_inbox()
    assert bench.suppressed() == [(*SMS, "opted_out")]


@pytest.mark.parametrize(
    ("body", "opt_out"),
    [
        ("Bitte nicht STOP sagen", ""),
        ("Ja", ""),
        ("", ""),
        ("STOP", "HELP"),
        ("START", ""),
        ("Ich zahle morgen", ""),
        ("Bitte stop die Mahnungen", ""),
        ("Non stop", ""),
        ("Stoppuhr", ""),
        ("Bitte danke", ""),
        ("end of month", ""),
        ("stop bitte bitte bitte bitte bitte bitte", ""),
    ],
)
async def test_other_messages_close_nothing(bench: Bench, body: str, opt_out: str) -> None:
    bench.arrive("twilio_message", inbound(body, opt_out))
    assert await bench.reconciler.apply_inbox() == 1
    assert bench.suppressed() == []


async def test_what_nobody_understood_is_logged_for_the_account_it_came_from(bench: Bench) -> None:
    bench.sending()
    bench.arrive("twilio_message", inbound("Ich zahle morgen"), inbound("Wer ist da?", number=OTHER), inbound("Stop"))
    await bench.reconciler.apply_inbox()
    columns = contact_log.c.account_id, contact_log.c.address, contact_log.c.channel, contact_log.c.details
    chosen = sa.select(*columns).where(contact_log.c.event == "received").order_by(contact_log.c.id)
    with bench.database.snapshot() as connection:
        rows = [tuple(row) for row in connection.execute(chosen)]
    assert rows == [
        (1, NUMBER, "sms", {"source": "sms SMIch zahle morgen", "text": "Ich zahle morgen"}),
        (None, OTHER, "sms", {"source": "sms SMWer ist da?", "text": "Wer ist da?"}),
    ]


async def test_twilios_own_reading_of_a_message_counts(bench: Bench) -> None:
    bench.arrive("twilio_message", inbound("arret", "STOP"))
    await bench.reconciler.apply_inbox()
    assert bench.suppressed() == [(*SMS, "opted_out")]


async def test_start_lifts_a_stop_and_nothing_else(bench: Bench) -> None:
    with bench.database.transaction() as connection:
        for reason, channel in (("undeliverable", "sms"), ("opted_out", "call"), ("stop", "")):
            connection.execute(
                sa.insert(suppression).values(
                    kind="number", value=NUMBER, channel=channel, reason=reason, created_at=bench.clock.now()
                )
            )
    before = bench.suppressed()
    bench.arrive("twilio_message", inbound("STOP"), inbound("STOP", number=OTHER))
    await bench.reconciler.apply_inbox()
    assert len(bench.suppressed()) == 5
    bench.arrive("twilio_message", inbound("Start"))
    await bench.reconciler.apply_inbox()
    assert bench.suppressed() == [*before, ("number", OTHER, "sms", "opted_out")]
