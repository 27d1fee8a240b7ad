"""What only a list of open items took off counts for what was agreed: nobody is asked for it, nobody fails by it."""

from datetime import timedelta

import sqlalchemy as sa

from contactd.domain.agreement import Kind, State
from contactd.store import accounts
from contactd.store.database import Database
from contactd.store.schema import invoice
from tests.engine.notified import Office, open_office


def listed(office: Office, taken_off: int) -> None:
    """Let a list of today say that less is open, with the new invoices it brings."""
    with office.world.database.transaction() as connection:
        less = {"open": invoice.c.open - taken_off, "taken_off": taken_off, "taken_off_on": office.today}
        connection.execute(sa.update(invoice).where(invoice.c.invoice_no == "R-1").values(less))
        accounts.refresh(connection, [1], office.world.clock.now())
    office.judge()


async def test_the_reminder_asks_for_what_is_left_of_the_instalment(database: Database) -> None:
    async with open_office(database, confirm=False) as office:
        office.world.debtor(1, owed=9_000, language="de")
        made = office.agree(Kind.PLAN, on=office.today + timedelta(days=10), count=3, state=State.CONFIRMED)
        office.sleep(2)
        listed(office, 2_000)
        assert office.state(made.id) is State.ACTIVE
        office.sleep(5)
        [message] = (await office.send()).ledger
        assert "Bitte zahlen Sie dafür 10,00\N{NO-BREAK SPACE}€" in message.text
        office.pay(1_000)
        with office.world.database.transaction() as connection:
            office.world.owe(connection, 1, "R-2", office.today + timedelta(days=1), 50_000)
            day = {"invoice_date": office.today}
            connection.execute(sa.update(invoice).where(invoice.c.invoice_no == "R-2").values(day))
            accounts.refresh(connection, [1], office.world.clock.now())
        office.sleep(20)
        assert office.state(made.id) is State.ACTIVE


async def test_an_instalment_that_the_list_took_off_is_not_reminded_of(database: Database) -> None:
    async with open_office(database, confirm=False) as office:
        office.world.debtor(1, owed=9_000)
        office.agree(Kind.PLAN, on=office.today + timedelta(days=10), count=3, state=State.CONFIRMED)
        office.sleep(2)
        listed(office, 3_000)
        office.sleep(6)
        assert office.told() == []


async def test_what_a_list_took_off_before_or_of_more_than_was_agreed_on_counts_for_nothing(
    database: Database,
) -> None:
    async with open_office(database, confirm=False) as office:
        office.world.debtor(1, owed=9_000, language="de")
        listed(office, 2_000)
        office.sleep(1)
        office.agree(Kind.PROMISE, amount="30.00", on=office.today + timedelta(days=10))
        office.sleep(2)
        listed(office, 2_000)  # 50.00 are left, 30.00 of them are promised
        office.sleep(5)
        [message] = (await office.send()).ledger
        assert "30,00\N{NO-BREAK SPACE}€" in message.text
