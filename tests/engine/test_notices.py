"""Notices about agreements, from what is agreed to what a provider is handed: once each, and not when not wanted."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from contactd.channels.memory import MemoryChannel
from contactd.channels.render import Renderer
from contactd.config.agreements import Agreements
from contactd.config.policies import policy_of_notices
from contactd.config.providers import Letters, Sms, Smtp
from contactd.config.settings import Operator, Sections, Settings
from contactd.domain.account import Channel
from contactd.domain.agreement import Kind
from contactd.domain.notice import CAMPAIGN
from contactd.engine.agreeing import Agreeing, Order, choose
from contactd.engine.compose import Composer
from contactd.engine.judgement import judge_everyone, judge_of
from contactd.store import payments
from contactd.store.agreements import Stored
from contactd.store.database import Database
from contactd.store.payments import NewPayment
from tests.engine.world import LADDER, OPEN_POLICY, World, open_world

KEY = b"0" * 32


def settings_of(**agreed: Any) -> Settings:  # noqa: ANN401 - keys of [agreements]
    sections = Sections(
        operator=Operator(name="Acme", contact_person="Karin Muster", phone="+49 30 23125 042"),
        smtp=Smtp(host="localhost"),
        sms=Sms(backend="simulated"),
        letters=Letters(backend="spool"),
        agreements=Agreements(**agreed),
    )
    return Settings.of(sections, Path("contactd.toml"))


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

    def pay(self, amount: int, number: int = 1) -> None:
        now = self.world.clock.now()
        line = NewPayment(f"{amount} {now}", "acme", f"K-{number}", "", amount, "EUR", now.date(), "")
        judge = judge_of(self.settings, self.world.clock)
        with self.world.database.transaction() as connection:
            judge(connection, payments.record(connection, [line], lambda: now).accounts)

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
async def open_office(database: Database, **agreed: Any) -> AsyncIterator[Office]:  # noqa: ANN401 - keys of [agreements]
    settings = settings_of(**agreed)
    async with open_world(database) as world:
        world.book.replace((LADDER,), {LADDER.id: OPEN_POLICY, CAMPAIGN: policy_of_notices(settings)})
        yield Office(world, settings)


async def test_a_promise_is_confirmed_by_mail_and_only_once(database: Database) -> None:
    async with open_office(database) as office:
        office.world.debtor(1, language="de")
        office.agree(Kind.PROMISE, amount="60.00", on=office.today + timedelta(days=10))
        [message] = (await office.send()).ledger
        assert message.subject == "Danke für Ihre Zusage – acme"
        assert "60,00\N{NO-BREAK SPACE}€" in message.text
        assert "3. Dezember 2026" in message.text
        assert office.told() == [("confirmation", "email", "accepted", "")]
        assert [event for event, _, _ in office.world.log()] == ["agreement", "sending", "accepted"]
        office.sleep(1)
        assert (await office.send()).ledger == []
