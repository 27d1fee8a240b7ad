"""An account with invoices whose payments and agreements a test writes by hand, day by day, on either database."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from contactd.config.settings import Operator, Sections, Settings
from contactd.domain.agreement import Kind
from contactd.domain.statement import Statement
from contactd.engine.agreements.agreeing import Agreeing, Order
from contactd.engine.agreements.agreement_told import Told, told
from contactd.engine.agreements.judgement import judge_everyone, judge_of, judge_some
from contactd.engine.debt.charging import charge_everyone
from contactd.engine.debt.claims import owed_by, terms_of
from contactd.engine.debt.debtors import choose
from contactd.intake import banking
from contactd.intake.accept import Options, accept_accounts
from contactd.store import accounts, agreements, bank, contact_log, payments
from contactd.store.agreements import Stored
from contactd.store.database import Database
from contactd.store.payments import NewPayment
from contactd.store.schema import account, invoice
from tests.clock import MONDAY_TEN, HandClock

MONDAY = MONDAY_TEN.date()


def day(number: int) -> date:
    return MONDAY + timedelta(days=number)


def settings_of(**sections: Any) -> Settings:  # noqa: ANN401 - sections by name
    return Settings.of(Sections(**sections), Path("contactd.toml"))


AGENCY = settings_of(operator=Operator(kind="collection-agency"))


def judge_all(database: Database, settings: Settings, clock: HandClock) -> None:
    """Charge and judge everybody, as a daemon does after midnight."""
    for every in (charge_everyone, judge_everyone):
        after: int | None = 0
        while after is not None:
            with database.transaction() as connection:
                after = every(connection, after, settings, clock.now())


@dataclass
class Bookkeeper:
    """Writes on day `at`, counted from a Monday; each call is a transaction a minute after the last one."""

    database: Database
    settings: Settings
    at: int = 0
    minutes: int = 0

    @property
    def now(self) -> datetime:
        self.minutes += 1
        return datetime(2026, 11, 23, 9, 0, tzinfo=UTC) + timedelta(days=self.at, minutes=self.minutes)

    def owing(self, *rests: int, number: str = "K-1", currency: str = "EUR", kind: str = "consumer") -> int:
        """Write an account with invoices R-1, R-2, …; answers its id."""
        key = {"creditor": "acme", "account_no": number, "currency": currency, "kind": kind}
        with self.database.transaction() as connection:
            values = key | {"created_at": MONDAY_TEN, "updated_at": MONDAY_TEN}
            made = sa.insert(account).values(values).returning(account.c.id)
            account_id = int(connection.execute(made).scalar_one())
            for place, rest in enumerate(rests, 1):
                row = {
                    "account_id": account_id, "invoice_no": f"R-{place}", "invoice_date": day(-60),
                    "due_date": day(-30), "amount": rest, "open": rest, "imported_open": rest,
                }  # fmt: skip
                connection.execute(sa.insert(invoice).values(row))
            accounts.refresh(connection, [account_id], MONDAY_TEN)
        return account_id

    def invoice(self, name: str, amount: int, *, due: int, number: str = "K-1") -> None:
        """Write another invoice, a month old when it falls due; a credit note is below zero."""
        now = self.now
        with self.database.transaction() as connection:
            [owner] = accounts.find(connection, number)
            row = {
                "account_id": owner.id, "invoice_no": name, "invoice_date": day(due - 30), "due_date": day(due),
                "amount": amount, "open": amount, "imported_open": amount,
            }  # fmt: skip
            connection.execute(sa.insert(invoice).values(row))
            accounts.refresh(connection, [owner.id], now)

    def list_of(self, rests: dict[str, int], *, number: str = "K-1") -> None:
        """Import a full list of the account's invoices, with what is open of each; what is left out is settled."""
        with self.database.snapshot() as connection:
            known = {row.invoice_no: row for row in connection.execute(sa.select(invoice))}
        rows = [
            {
                "creditor": "acme", "account_no": number, "name": "Erika Muster", "invoice_no": name,
                "amount": f"{known[name].amount / 100:.2f}",
                "invoice_date": known[name].invoice_date.isoformat(), "due_date": known[name].due_date.isoformat(),
                "open": f"{rest / 100:.2f}", "currency": "EUR",
            }
            for name, rest in rests.items()
        ]  # fmt: skip
        clock = HandClock(self.now)
        report = accept_accounts(self.database, rows, now=clock.now, full=True, force=True)
        assert not report.rejected, report.rejected
        judge_some(self.database, report.touched, self.settings, clock)

    def stands(self, number: str = "K-1") -> tuple[int, int, dict[str, int]]:
        """Read what an account owes, its credit, and what is open of each invoice."""
        with self.database.snapshot() as connection:
            [owner] = accounts.find(connection, number)
            mine = sa.select(invoice.c.invoice_no, invoice.c.open).where(invoice.c.account_id == owner.id)
            return owner.open, owner.credit, {row.invoice_no: row.open for row in connection.execute(mine)}

    def statement(self, number: str = "K-1") -> Statement:
        """Derive what is owed by law today."""
        with self.database.snapshot() as connection:
            [owner] = accounts.find(connection, number)
            [owed] = owed_by(connection, [owner.id], terms_of(self.settings), day(self.at))
            return owed.statement

    def agree(self, kind: Kind, number: str = "K-1", **order: Any) -> Stored:  # noqa: ANN401 - an order's fields
        with self.database.transaction() as connection:
            agreeing = Agreeing(self.settings, connection, by="anna", now=self.now)
            return agreeing.make(choose(connection, number), Order(kind, **order))

    def say(self, number: int, word: str, reason: str = "said so") -> Stored:
        with self.database.transaction() as connection:
            return Agreeing(self.settings, connection, by="anna", now=self.now).say(number, word, reason)

    def pay(self, amount: int, *, on: int | None = None, number: str = "K-1", invoice_no: str = "") -> None:
        """Record a payment, or one that went back, and judge in its transaction as an import does."""
        now = self.now
        value_on = day(self.at if on is None else on)
        mark = f"{amount} {value_on} {now}"
        line = NewPayment(mark, "acme", number, invoice_no, amount, "EUR", value_on, "")
        judge = judge_of(self.settings, HandClock(now))
        with self.database.transaction() as connection:
            judge(connection, payments.record(connection, [line], lambda: now, judge.charge).accounts)

    def wait(self, amount: int, *, on: int) -> int:
        """Record a payment nobody has been found for; answers its number."""
        now = self.now
        with self.database.transaction() as connection:
            line = NewPayment(f"waits {now}", "", "", "", amount, "EUR", day(on), "danke")
            payments.record(connection, [line], lambda: now)
            return int(bank.waiting(connection)[-1].id)

    def assign(self, payment_id: int, account_id: int, *, invoice_no: str = "") -> None:
        """Give a payment that waits to an account, as `contactd payments assign` does."""
        clock = HandClock(self.now)
        options = Options(clock.now, "anna", judge=judge_of(self.settings, clock))
        banking.assign(self.database, payment_id, account_id, invoice_no, options)

    def wake(self, at: int) -> None:
        """Let it be that day, and judge as a daemon does after midnight."""
        self.at = at
        after: int | None = 0
        while after is not None:
            now = self.now
            with self.database.transaction() as connection:
                after = judge_everyone(connection, after, self.settings, now)

    def states(self) -> list[str]:
        """List the states of all agreements, oldest first."""
        with self.database.snapshot() as connection:
            return [one.agreed.state.value for one in agreements.everyone(connection, alive=False)]

    def hold(self, account_id: int) -> tuple[str, date | None]:
        """Read what the ladder rests for, and until when."""
        with self.database.snapshot() as connection:
            chosen = sa.select(account.c.hold_reason, account.c.hold_until).where(account.c.id == account_id)
            row = connection.execute(chosen).one()
        return row.hold_reason, row.hold_until

    def told(self) -> list[Told]:
        with self.database.snapshot() as connection:
            return list(told(connection, agreements.everyone(connection, alive=False)))

    def logged(self) -> list[tuple[str, str]]:
        """List outcome and reason of the rows in the contact log."""
        with self.database.snapshot() as connection:
            return [(row.outcome, row.reason) for row in contact_log.read(connection) if row.event == "agreement"]
