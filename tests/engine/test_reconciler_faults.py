"""Hundreds of messages through faults of every kind: none is sent twice, none is lost, all are settled."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from aiohttp import web

from contactd.channels.base import Message, fingerprint
from contactd.channels.sms_twilio import TwilioSms
from contactd.domain.account import Channel
from contactd.domain.attempt import OPEN, Event, State
from contactd.domain.errors import ChannelUnavailable, ChannelUnclear
from contactd.store import attempts, fingerprints
from contactd.store.attempts import Claimed, NewAttempt, Transition
from contactd.store.database import Database
from contactd.store.fingerprints import Saying
from contactd.store.schema import account, attempt, contact_log
from contactd.web.webhooks import routes
from tests.engine.reconciling import OURS, Bench, bench_on
from tests.fakes.twilio_ledger import ANSWERS, FATES, GOOD, Callbacks, Taken
from tests.fakes.twilio_server import ACCOUNT, TOKEN

COUNT = 120
LEASE = timedelta(minutes=2)
TEXT = "Ihre Rechnung ist offen."
FAULTY = [ANSWERS[name] for name in ("429", "500", "taken500", "drop", "lostdrop")]
# Two seconds late is long for a test: "late" is told by the round in which the callbacks are let go.
ODD = [FATES[name] for name in ("doubled", "reordered", "lost", "lost", "lost", "forged", "early", "failed")] + [
    Callbacks(held=True)
]


@pytest.fixture
async def bench(database: Database) -> AsyncIterator[Bench]:
    async with bench_on(database) as made:
        yield made


def fill(bench: Bench) -> None:
    """Plan one attempt for each of the accounts."""
    now = bench.clock.now()
    rows = [
        {"id": n, "customer_id": n, "creditor": "acme", "account_no": f"K-{n}", "currency": "EUR"}
        | {"mobile": number(n), "created_at": now, "updated_at": now}
        for n in range(1, COUNT + 1)
    ]
    new = [NewAttempt(n, n, None, "standard", "sms", Channel.SMS, 1, 1, now, now) for n in range(1, COUNT + 1)]
    with bench.database.transaction() as connection:
        connection.execute(sa.insert(account), rows)
        attempts.plan(connection, new)


def number(account_id: int) -> str:
    return f"+447700900{account_id:03d}"


async def send(bench: Bench, sms: TwilioSms, claim: Claimed, dice: random.Random) -> None:
    """Do what the sender does with a claim, or die before the answer is written down."""
    now = bench.clock.now()
    begun = Transition(
        claim.id, claim.claim_no, Event.BEGUN, now, address=number(claim.account_id), lease_until=now + LEASE
    )
    assert not isinstance(await bench.commit.submit(attempts.apply, begun), Exception)
    await bench.commit.submit(fingerprints.keep, Saying(claim.id, claim.claim_no, fingerprint(TEXT)))
    event, outcome, reference, not_before = Event.TAKEN, "accepted", "", None
    try:
        receipt = await sms.send(
            Message(
                reference=claim.reference,
                attempt_id=claim.id,
                to=number(claim.account_id),
                language="de",
                subject="",
                text=TEXT,
                created_at=now,
            )
        )
        reference = receipt.provider_ref
    except ChannelUnavailable as error:
        event, outcome = Event.NOT_TAKEN, "unavailable"
        not_before = now + timedelta(seconds=error.retry_after)
    except ChannelUnclear:
        event, outcome = Event.LOST_SIGHT, "unclear"
    if dice.random() < 0.1:
        return  # killed here: the lease will tell
    answer = Transition(
        claim.id, claim.claim_no, event, now, outcome=outcome, provider_ref=reference, not_before=not_before
    )
    await asyncio.gather(bench.commit.submit(attempts.apply, answer), return_exceptions=True)


async def go_round(bench: Bench, sms: TwilioSms, dice: random.Random) -> bool:
    """Claim and send what is due, let time pass, reconcile; answers whether anything is still open."""
    now = bench.clock.now()
    claims = await bench.commit.run(
        lambda connection: attempts.claim(connection, Channel.SMS, owner="one", now=now, lease=LEASE, limit=40)
    )
    await asyncio.gather(*(send(bench, sms, claim, dice) for claim in claims))
    if dice.random() < 0.3:
        bench.twilio.release()
    bench.clock.advance(dice.choice([5, 10, 30, 130]))
    await bench.reconciler.expire()
    await bench.reconciler.settle_unclear()
    chosen = sa.select(sa.func.count()).where(attempt.c.state.in_(sorted(OPEN)))
    return bool(await bench.commit.read(lambda connection: connection.scalar(chosen)))


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_nothing_is_sent_twice_or_lost_whatever_happens(bench: Bench, seed: int) -> None:
    dice = random.Random(seed)
    twilio = bench.twilio
    twilio.listing_lag = timedelta(seconds=100)
    twilio.answer = lambda _: dice.choice(FAULTY) if dice.random() < 0.4 else GOOD
    twilio.callbacks = lambda _: dice.choice(ODD) if dice.random() < 0.8 else Callbacks()
    app = web.Application()
    runner = web.AppRunner(app, access_log=None)
    hooks = routes(auth_token=TOKEN, public_url="http://dunning.example.com", commit=bench.commit, clock=bench.clock)
    app.add_routes(hooks)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    twilio.callback_base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    sms = TwilioSms(
        account_sid=ACCOUNT,
        auth_token=TOKEN,
        sender=OURS,
        base_url=twilio.url,
        public_url="http://dunning.example.com",
    )
    await sms.start()
    fill(bench)
    rounds = 0
    while await go_round(bench, sms, dice):
        rounds += 1
        assert rounds < 500
    twilio.release()
    await twilio.idle()
    await bench.reconciler.apply_inbox()
    await sms.close()
    await runner.cleanup()
    verify(bench)


def verify(bench: Bench) -> None:
    """Compare the provider's ledger with the store, row by row."""
    with bench.database.snapshot() as connection:
        rows = connection.execute(sa.select(attempt)).all()
        delivered = Counter(
            connection.scalars(sa.select(contact_log.c.attempt_id).where(contact_log.c.event == "delivered"))
        )
    taken: dict[int, list[Taken]] = {row.id: [] for row in rows}
    for message in bench.twilio.ledger:
        taken[int(message.reference.partition("-")[0])].append(message)
    assert {attempt_id for attempt_id, messages in taken.items() if len(messages) > 1} == set(), "sent twice"
    assert {attempt_id for attempt_id, messages in taken.items() if not messages} == set(), "lost"
    ends = {State.ACCEPTED, State.DELIVERED, State.FAILED}
    assert {row.state for row in rows} == ends
    for row in rows:
        (message,) = taken[row.id]
        assert row.provider_ref == message.sid
        assert row.address == message.to
        if row.state == State.FAILED:
            assert (message.status, row.outcome) == ("undelivered", "unreachable")
    assert max(delivered.values()) == 1
    # The forged callbacks said "failed"; nobody believed them.
    forged = [called for called in bench.twilio.called if called.fields["MessageStatus"] == "failed"]
    assert forged
    assert {status for called in forged for status in called.answered} == {403}
    second = [row for row in rows if row.try_no == 2]
    assert len(rows) == COUNT + len(second)
    assert len(second) == sum(row.state == State.FAILED and row.try_no == 1 for row in rows)
