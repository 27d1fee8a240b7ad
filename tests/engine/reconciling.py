"""What the reconciler's tests begin with: an account, SMS attempts on their way, and a provider on the wire."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from contactd.channels.sms_twilio import TwilioSms
from contactd.domain.account import Channel
from contactd.domain.attempt import Event
from contactd.domain.happened import AttemptMoved
from contactd.engine.bus import Bus
from contactd.engine.sending.reconciler import Reconciler
from contactd.store import attempts, inbox
from contactd.store.attempts import Claimed, NewAttempt, Transition
from contactd.store.database import Database
from contactd.store.group_commit import GroupCommit
from contactd.store.schema import account, attempt, contact_log, suppression
from tests.clock import HandClock
from tests.fakes.twilio_server import ACCOUNT, TOKEN, TwilioServer

NUMBER = "+4915228817386"
OTHER = "+4915228895456"
OURS = "+491729925904"
LEASE = timedelta(minutes=2)


@dataclass
class Bench:
    """A reconciler with everything around it, and words to put it through its paces."""

    database: Database
    commit: GroupCommit
    clock: HandClock
    twilio: TwilioServer
    sms: TwilioSms
    reconciler: Reconciler
    moved: list[AttemptMoved]

    def sending(self, number: str = NUMBER, *, channel: Channel = Channel.SMS, account_id: int = 1) -> Claimed:
        """Begin an attempt: its intent is committed and nobody has heard of it since."""
        now = self.clock.now()
        with self.database.transaction() as connection:
            if not connection.scalar(sa.select(account.c.id).where(account.c.id == account_id)):
                row = {"id": account_id, "customer_id": account_id, "creditor": "acme", "account_no": f"K-{account_id}"}
                row |= {"currency": "EUR", "mobile": number, "email": "debtor@example.com"}
                connection.execute(sa.insert(account).values(row | {"created_at": now, "updated_at": now}))
            tries = connection.scalar(sa.select(sa.func.count()).select_from(attempt)) or 0
            new = NewAttempt(account_id, account_id, None, "standard", f"step-{tries}", channel, 1, 1, now, now)
            attempts.plan(connection, [new])
        return self.claim(number, channel=channel)

    def claim(self, address: str = NUMBER, *, channel: Channel = Channel.SMS) -> Claimed:
        """Claim and begin what is due."""
        now = self.clock.now()
        with self.database.transaction() as connection:
            (claim,) = attempts.claim(connection, channel, owner="one", now=now, lease=LEASE, limit=1)
            attempts.apply(
                connection,
                [Transition(claim.id, claim.claim_no, Event.BEGUN, now, address=address, lease_until=now + LEASE)],
            )
        return claim

    def happen(self, claim: Claimed, event: Event, *, outcome: str = "", provider_ref: str = "") -> None:
        """Write an answer down, as the sender does."""
        with self.database.transaction() as connection:
            (answer,) = attempts.apply(
                connection,
                [
                    Transition(
                        claim.id, claim.claim_no, event, self.clock.now(), outcome=outcome, provider_ref=provider_ref
                    )
                ],
            )
        assert not isinstance(answer, Exception)

    def arrive(self, source: str, *payloads: Mapping[str, object]) -> None:
        """Put rows into the inbox, in this order."""
        with self.database.transaction() as connection:
            at = connection.scalar(sa.text("SELECT count(*) FROM inbox")) or 0
            rows = [
                inbox.Event(source, f"{source}-{at + number}", payload, self.clock.now())
                for number, payload in enumerate(payloads)
            ]
            assert all(inbox.receive(connection, rows))

    def status(self, claim: Claimed, *statuses: str, code: str = "") -> None:
        """Put a message's status callbacks into the inbox."""
        failed = {"failed", "undelivered"}
        self.arrive(
            "twilio_status",
            *(
                {
                    "reference": claim.reference,
                    "sid": f"SM{claim.id}",
                    "status": status,
                    "code": code if status in failed else "",
                    "to": NUMBER,
                }
                for status in statuses
            ),
        )

    def row(self, claim: Claimed) -> sa.Row[tuple[object, ...]]:
        """Read an attempt."""
        with self.database.snapshot() as connection:
            found = attempts.get(connection, claim.id)
        assert found is not None
        return found

    def stands(self, claim: Claimed) -> tuple[str, str]:
        """Read an attempt's state and outcome."""
        row = self.row(claim)
        return str(row.state), str(row.outcome)

    def logged(self, claim: Claimed) -> list[str]:
        """Read what the contact log says happened to an attempt."""
        chosen = sa.select(contact_log.c.event).where(contact_log.c.attempt_id == claim.id).order_by(contact_log.c.id)
        with self.database.snapshot() as connection:
            return list(connection.scalars(chosen))

    def suppressed(self) -> list[tuple[str, str, str, str]]:
        """Read the suppression list."""
        columns = suppression.c.kind, suppression.c.value, suppression.c.channel, suppression.c.reason
        with self.database.snapshot() as connection:
            return [tuple(row) for row in connection.execute(sa.select(*columns).order_by(suppression.c.id))]

    def waiting(self) -> Sequence[inbox.Waiting]:
        """Read what is not applied yet."""
        with self.database.snapshot() as connection:
            return inbox.waiting(connection, 1000)


@asynccontextmanager
async def bench_on(database: Database) -> AsyncIterator[Bench]:
    """Set the bench up; its clock comes to rest when the store has."""
    commit = GroupCommit(database)

    async def at_rest() -> None:
        for _ in range(3):
            await commit.run(lambda _: None)
            await asyncio.sleep(0)

    clock = HandClock(at_rest=at_rest)
    moved: list[AttemptMoved] = []
    bus = Bus()
    bus.listen(lambda event: moved.append(event) if isinstance(event, AttemptMoved) else None)
    async with TwilioServer(now=clock.now) as twilio:
        sms = TwilioSms(account_sid=ACCOUNT, auth_token=TOKEN, sender=OURS, base_url=twilio.url, timeout=2)
        await sms.start()
        reconciler = Reconciler(commit, {Channel.SMS: sms}, clock, bus=bus)
        yield Bench(database, commit, clock, twilio, sms, reconciler, moved)
        await sms.close()
        await commit.close()
