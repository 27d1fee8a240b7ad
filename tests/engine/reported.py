"""Contacts as they stand in the books, entered by hand, and the five customers of the reference's example."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from contactd.config.claims import Claims
from contactd.config.settings import Agent, Sections, Settings
from contactd.domain.account import Channel
from contactd.domain.agreement import Kind
from contactd.domain.campaign import Campaign, Step
from contactd.domain.report_table import Table
from contactd.engine.agreements.agreeing import Agreeing, Order
from contactd.engine.agreements.judgement import judge_everyone, judge_of
from contactd.engine.debt.debtors import choose
from contactd.store import payments
from contactd.store.database import Database
from contactd.store.payments import NewPayment
from contactd.store.schema import account, attempt, call, invoice
from tests.clock import HandClock
from tests.engine.books import settings_of

OCTOBER = date(2026, 10, 1)
LATER = date(2026, 12, 1)
# Letters count from the day they leave, as in the example.
SETTINGS = settings_of(claims=Claims.model_validate({"letters_arrive": "0 days"}))
CALLING = Campaign(id="standard", steps=(Step("call", Channel.CALL, day=3, max_abandon=0.03),))


def october(day: int, hour: int = 10) -> datetime:
    """Name an instant of October 2026, in UTC."""
    return datetime(2026, 10, 1, hour, tzinfo=UTC) + timedelta(days=day - 1)


def staffed(**teams: int) -> Settings:
    """Give settings with so many agents in each team, named like mahnung-1."""
    agents = {f"{team}-{number}": Agent(team=team) for team, count in teams.items() for number in range(1, count + 1)}
    return Settings.of(Sections(agents=agents), SETTINGS.path, (CALLING,))


def rows_of(table: Table) -> list[dict[str, Any]]:
    """Give the rows of a table by the names of their columns."""
    return [dict(row) for row in table.records()]


@dataclass
class Ledger:
    """Enters customers, contacts and payments into either database."""

    database: Database
    settings: Settings = SETTINGS
    _steps: int = 0

    def customer(self, number: int, amount: int = 10_000, due: date = OCTOBER - timedelta(days=1), **more: Any) -> None:  # noqa: ANN401 -- any column
        """Make K-<number> who owes so much since that day."""
        key = {"id": number, "customer_id": number, "creditor": "acme", "account_no": f"K-{number}", "currency": "EUR"}
        times = {"created_at": october(1), "updated_at": october(1)}
        owed = {"account_id": number, "invoice_no": f"R-{number}", "invoice_date": due, "due_date": due}
        with self.database.transaction() as connection:
            connection.execute(sa.insert(account).values(key | times | {"open": amount} | more))
            values = owed | {"amount": amount, "open": amount, "imported_open": amount}
            connection.execute(sa.insert(invoice).values(values))

    def contact(
        self, customer: int, channel: str, at: datetime, state: str = "delivered", *, answered: bool = False,
        how_ended: str = "", **more: Any,  # noqa: ANN401 -- any column
    ) -> None:  # fmt: skip
        """Enter a contact planned and begun then; of a call with the times of the call."""
        self._steps += 1
        begun = None if state in {"planned", "claimed", "cancelled"} else at
        row = {
            "account_id": customer, "customer_id": customer, "campaign": "standard", "step": f"s{self._steps}",
            "channel": channel, "case_no": 1, "try_no": 1, "state": state, "not_before": at, "planned_at": at,
            "sending_at": begun,
        } | more  # fmt: skip
        with self.database.transaction() as connection:
            made = connection.execute(sa.insert(attempt).values(row).returning(attempt.c.id)).scalar_one()
            if channel == "call" and begun is not None:
                talked = at if answered and how_ended != "abandoned" else None
                times = {"placed_at": at, "answered_at": at if answered else None, "connected_at": talked}
                values = {"attempt_id": made, "number": "+493023125000", "how_ended": how_ended, **times}
                connection.execute(sa.insert(call).values(values))

    def talk(self, customer: int, at: datetime, disposition: str, agent: str = "anna", **more: Any) -> None:  # noqa: ANN401 -- any column
        """Enter a call in which an agent spoke to somebody."""
        said: dict[str, Any] = {"disposition": disposition, "agent": agent, "conversation_at": at}
        self.contact(customer, "call", at, answered=True, how_ended="answered", **said, **more)

    def promise(self, customer: int, at: datetime, amount: str, on: date) -> None:
        """Agree on a promise."""
        with self.database.transaction() as connection:
            agreeing = Agreeing(self.settings, connection, by="anna", now=at)
            agreeing.make(choose(connection, f"K-{customer}"), Order(Kind.PROMISE, amount, on, tell=False))

    def pay(self, customer: int, on: datetime, amount: int) -> None:
        """Let a payment come in, and judge what was promised."""
        line = NewPayment(f"{customer} {on}", "acme", f"K-{customer}", "", amount, "EUR", on.date(), "")
        judge = judge_of(self.settings, HandClock(on))
        with self.database.transaction() as connection:
            judge(connection, payments.record(connection, [line], lambda: on).accounts)

    def wake(self, at: datetime) -> None:
        """Judge everybody as a daemon does after midnight."""
        with self.database.transaction() as connection:
            judge_everyone(connection, 0, self.settings, at)


def five_customers(database: Database) -> Ledger:
    """Enter the example: five customers who owe 100 to 500 since October."""
    ledger = Ledger(database)
    for number in range(1, 6):
        ledger.customer(number, number * 10_000)
    ledger.pay(4, october(4), 40_000)
    ledger.contact(1, "sms", october(5))
    ledger.contact(2, "email", october(5), "failed", outcome="bounced")
    ledger.contact(3, "sms", october(5))
    ledger.contact(4, "email", october(5))
    ledger.contact(2, "letter", october(6))
    ledger.pay(1, october(7), 10_000)
    ledger.talk(3, october(12), "promise")
    ledger.promise(3, october(12, 11), "150.00", date(2026, 10, 19))
    ledger.contact(5, "call", october(12), "failed", how_ended="no_answer")
    ledger.contact(5, "sms", october(13), "failed", outcome="undelivered")
    ledger.pay(3, october(19), 15_000)
    ledger.pay(2, october(20), 20_000)
    ledger.wake(datetime(2026, 11, 2, 1, tzinfo=UTC))
    return ledger
