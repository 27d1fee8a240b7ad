"""An office that writes about agreements, with channels that keep what they were given; for test_notices.py."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from contactd.channels.memory import MemoryChannel
from contactd.channels.render import Renderer
from contactd.config.agreements import Agreements
from contactd.config.policies import policy_of_notices
from contactd.config.providers import Letters, Sms, Smtp
from contactd.config.settings import Operator, Sections, Settings
from contactd.domain.account import Channel
from contactd.domain.agreement import Kind, State
from contactd.domain.campaign import Campaign
from contactd.domain.notice import CAMPAIGN
from contactd.domain.posting import Kind as Posted
from contactd.engine.agreements.agreeing import Agreeing, Order
from contactd.engine.agreements.arranging import Arranging
from contactd.engine.agreements.judgement import judge_everyone, judge_of
from contactd.engine.debt.bookings import Bookings, Entry
from contactd.engine.debt.debtors import choose
from contactd.engine.sending.compose import Composer
from contactd.store import agreements, payments
from contactd.store.agreements import Stored
from contactd.store.database import Database
from contactd.store.payments import NewPayment
from contactd.store.schema import account
from tests.engine.world import LADDER, OPEN_POLICY, World, open_world

KEY = b"0" * 32


def settings_of(campaigns: tuple[Campaign, ...], operator: Operator | None = None, **agreed: Any) -> Settings:  # noqa: ANN401 - keys of [agreements]
    sections = Sections(
        operator=operator or Operator(name="Acme", contact_person="Karin Muster", phone="+49 30 23125 042"),
        smtp=Smtp(host="localhost"),
        sms=Sms(backend="simulated"),
        letters=Letters(backend="spool"),
        agreements=Agreements(**agreed),
    )
    return Settings.of(sections, Path("contactd.toml"), campaigns)


@dataclass
class Office:
    """A world in which people agree on things and notices leave."""

    world: World
    settings: Settings

    def agree(self, kind: Kind, number: int = 1, **order: Any) -> Stored:  # noqa: ANN401 - an order's fields
        with self.world.database.transaction() as connection:
            agreeing = Agreeing(self.settings, connection, by="anna", now=self.world.clock.now())
            return agreeing.make(choose(connection, f"K-{number}"), Order(kind, **order))

    def say(self, number: int, word: str) -> Stored:
        with self.world.database.transaction() as connection:
            agreeing = Agreeing(self.settings, connection, by="anna", now=self.world.clock.now())
            return agreeing.say(number, word, "said so")

    def arrange(self, act: str, **told: str) -> str:
        with self.world.database.transaction() as connection:
            arranging = Arranging(self.settings, connection, by="anna", now=self.world.clock.now())
            return arranging.carry_out(act, choose(connection, "K-1"), told)

    def open(self, account_id: int) -> int:
        with self.world.database.snapshot() as connection:
            return int(connection.scalar(sa.select(account.c.open).where(account.c.id == account_id)) or 0)

    def pay(self, amount: int, number: int = 1) -> None:
        self.world.clock.advance(60)
        now = self.world.clock.now()
        line = NewPayment(f"{amount} {now}", "acme", f"K-{number}", "", amount, "EUR", now.date(), "")
        judge = judge_of(self.settings, self.world.clock)
        with self.world.database.transaction() as connection:
            judge(connection, payments.record(connection, [line], lambda: now).accounts)

    def write_off(self, amount: str = "") -> None:
        with self.world.database.transaction() as connection:
            bookings = Bookings(self.settings, connection, by="anna", now=self.world.clock.now())
            bookings.post(choose(connection, "K-1"), Entry(Posted.WRITE_OFF, amount, "hopeless"))

    def state(self, number: int) -> State:
        """Read where an agreement stands."""
        with self.world.database.snapshot() as connection:
            found = agreements.read(connection, number)
        assert found is not None
        return found.agreed.state

    def judge(self) -> None:
        """Judge the first account as an import does that has touched it."""
        with self.world.database.transaction() as connection:
            judge_of(self.settings, self.world.clock)(connection, [1])

    def sleep(self, days: int) -> None:
        """Let days pass one by one, each judged as a daemon does."""
        for _ in range(days):
            self.world.clock.advance(86_400)
            after: int | None = 0
            while after is not None:
                with self.world.database.transaction() as connection:
                    after = judge_everyone(connection, after, self.settings, self.world.clock.now())

    async def send(self, name: Channel = Channel.EMAIL, *faults: Any) -> MemoryChannel:  # noqa: ANN401 - errors
        channel = MemoryChannel(name, faults)
        composer = Composer(self.settings, Renderer(self.settings.template_directories), KEY)
        await self.world.send(channel, compose=composer)
        return channel

    def told(self) -> list[tuple[str, str, str, str]]:
        """List the attempts of notices: what for, how, how it went, why."""
        return [(row.step, row.channel, row.state, row.reason) for row in self.world.rows() if row.campaign == CAMPAIGN]

    @property
    def today(self) -> date:
        return self.world.clock.now().date()


@asynccontextmanager
async def open_office(
    database: Database,
    campaigns: tuple[Campaign, ...] = (LADDER,),
    **agreed: Any,  # noqa: ANN401 - keys of [agreements]
) -> AsyncIterator[Office]:
    settings = settings_of(campaigns, **agreed)
    async with open_world(database) as world:
        policies = dict.fromkeys((one.id for one in campaigns), OPEN_POLICY)
        world.book.replace(campaigns, {**policies, CAMPAIGN: policy_of_notices(settings)})
        yield Office(world, settings)
