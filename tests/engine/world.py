"""A small world for the engine's tests: a real database, a campaign, channels with ledgers, a clock moved by hand."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from contactd.channels.base import Message, MessageChannel
from contactd.domain.account import Channel
from contactd.domain.campaign import Campaign, Step
from contactd.domain.happened import AttemptMoved
from contactd.domain.policy import Policy
from contactd.engine.bus import Bus
from contactd.engine.gate import Begun, Gate
from contactd.engine.ladder.book import Book
from contactd.engine.ladder.planner import Planner
from contactd.engine.sending.sender import Sender
from contactd.store import accounts, schema
from contactd.store.attempts import Claimed
from contactd.store.database import Database
from contactd.store.group_commit import GroupCommit
from tests.clock import MONDAY_TEN, HandClock

LADDER = Campaign(
    id="standard",
    timezone="Europe/Berlin",
    steps=(
        Step("reminder", Channel.EMAIL, day=3, otherwise="reminder-sms", template="erinnerung"),
        Step("reminder-sms", Channel.SMS, template="erinnerung", implied=True),
        Step("notice", Channel.EMAIL, day=14, template="mahnung"),
    ),
)
OPEN_POLICY = Policy("open", default_timezone="Europe/Berlin")
LEASE = timedelta(minutes=2)


def compose(begun: Begun, still_ours: Callable[[], bool]) -> Message:
    """Say as little as a message can."""
    return Message(
        reference=begun.claimed.reference,
        attempt_id=begun.claimed.id,
        to=begun.address,
        language="de",
        subject="Rechnung",
        text=f"{begun.facts.open}",
        created_at=begun.at,
        still_ours=still_ours,
    )


@dataclass
class World:
    """The engine's parts around one database."""

    database: Database
    commit: GroupCommit
    clock: HandClock
    book: Book
    gate: Gate
    planner: Planner
    bus: Bus = field(default_factory=Bus)
    moved: list[AttemptMoved] = field(default_factory=list)

    def debtor(self, number: int, *, days_due: int = 5, owed: int = 10_000, **columns: Any) -> int:  # noqa: ANN401 - any column
        """Make account K-<number> with one invoice that fell due so many days ago."""
        now = self.clock.now()
        due = now.date() - timedelta(days=days_due)
        row = {
            "id": number, "customer_id": number, "creditor": "acme", "account_no": f"K-{number}", "currency": "EUR",
            "name": f"Debtor {number}", "country": "DE", "email": f"debtor{number}@example.com",
            "created_at": now, "updated_at": now,
        } | columns  # fmt: skip
        with self.database.transaction() as connection:
            connection.execute(sa.insert(schema.account).values(row))
            self.owe(connection, number, f"R-{number}", due, owed)
            accounts.refresh(connection, [number], now)
        return number

    @staticmethod
    def owe(connection: sa.Connection, account_id: int, invoice_no: str, due: date, owed: int) -> None:
        """Add an invoice; `accounts.refresh` takes it into account."""
        connection.execute(
            sa.insert(schema.invoice).values(
                account_id=account_id, invoice_no=invoice_no, invoice_date=due - timedelta(days=14), due_date=due,
                amount=owed, open=owed, imported_open=owed,
            )
        )  # fmt: skip

    def rows(self) -> list[Any]:
        """Read every attempt."""
        with self.database.snapshot() as connection:
            return list(connection.execute(sa.select(schema.attempt).order_by(schema.attempt.c.id)))

    def log(self) -> list[tuple[str, str, str]]:
        """Read the contact log: event, outcome, reason."""
        columns = schema.contact_log.c
        with self.database.snapshot() as connection:
            chosen = sa.select(columns.event, columns.outcome, columns.reason).order_by(columns.id)
            return [(row[0], row[1], row[2]) for row in connection.execute(chosen)]

    def claim(self, channel: Channel = Channel.EMAIL) -> list[Claimed]:
        """Claim what is due."""
        from contactd.store import attempts  # noqa: PLC0415 - only here

        with self.database.transaction() as connection:
            return attempts.claim(connection, channel, owner="one", now=self.clock.now(), lease=LEASE, limit=100)

    def sender(self, channel: MessageChannel, **options: Any) -> Sender:  # noqa: ANN401 - any option
        """Make a sender of that channel."""
        options = {"compose": compose} | options
        return Sender(
            channel, commit=self.commit, gate=self.gate, clock=self.clock, bus=self.bus,
            owner="one", lease=LEASE, **options,
        )  # fmt: skip

    async def send(self, channel: MessageChannel, **options: Any) -> None:  # noqa: ANN401 - any option
        """Let a sender work until nothing moves any more, then drain it."""
        sender = self.sender(channel, **options)
        running = asyncio.create_task(sender.run())
        await self.quiet()
        sender.drain()
        await running

    async def quiet(self) -> None:
        """Wait until no attempt of ours is claimed or being sent, and nothing due is left."""
        for _ in range(2_000):
            now = self.clock.now()
            rows = self.rows()
            busy = [row for row in rows if row.state in {"claimed", "sending"}]
            due = [row for row in rows if row.state == "planned" and row.not_before <= now]
            if not busy and not due:
                await asyncio.sleep(0)
                return
            await asyncio.sleep(0.005)
        raise AssertionError(f"still busy: {self.rows()}")


@asynccontextmanager
async def open_world(
    database: Database,
    *,
    campaigns: tuple[Campaign, ...] = (LADDER,),
    policy: Policy = OPEN_POLICY,
    start: datetime = MONDAY_TEN,
) -> AsyncIterator[World]:
    """Build the parts; every campaign gets the policy."""
    clock = HandClock(start)
    commit = GroupCommit(database)
    book = Book(campaigns, {campaign.id: policy for campaign in campaigns})
    world = World(
        database,
        commit,
        clock,
        book,
        Gate(book, clock, lease=LEASE),
        Planner(database, book, horizon=timedelta(hours=24)),
    )
    world.bus.listen(lambda event: world.moved.append(event) if isinstance(event, AttemptMoved) else None)
    try:
        yield world
    finally:
        await commit.close()
