"""What an account owes follows from its invoices and payments, whoever changed them."""

from datetime import UTC, date, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from contactd.store import accounts
from contactd.store.database import Database
from contactd.store.schema import account, allocation, invoice, payment

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def add_account(connection: Connection, number: str = "4711") -> int:
    """Write an account that owes nothing yet."""
    values = {"creditor": "werke", "account_no": number, "currency": "EUR", "created_at": NOW, "updated_at": NOW}
    return int(connection.execute(sa.insert(account).values(values).returning(account.c.id)).scalar_one())


def add_invoice(
    connection: Connection, account_id: int, number: str, rest: int, due: date, *, disputed: bool = False,
) -> int:  # fmt: skip
    """Write an invoice of which `rest` is open."""
    values = {
        "account_id": account_id, "invoice_no": number, "invoice_date": due, "due_date": due, "amount": rest,
        "open": rest, "imported_open": rest, "disputed": disputed,
    }  # fmt: skip
    return int(connection.execute(sa.insert(invoice).values(values).returning(invoice.c.id)).scalar_one())


def add_credit(connection: Connection, account_id: int, credited: int) -> int:
    """Write a payment of which all is left over."""
    values = {
        "account_id": account_id, "amount": credited, "currency": "EUR", "value_date": date(2026, 11, 1),
        "fingerprint": f"{account_id} {credited}", "credited": credited, "received_at": NOW,
    }  # fmt: skip
    return int(connection.execute(sa.insert(payment).values(values).returning(payment.c.id)).scalar_one())


def owes(connection: Connection, account_id: int) -> Row[int, int, date | None, bool, int]:
    """Refresh, then read what was derived."""
    accounts.lock(connection, [account_id])
    accounts.refresh(connection, [account_id], NOW)
    columns = (account.c.open, account.c.credit, account.c.oldest_due, account.c.disputed, account.c.case_no)
    return connection.execute(sa.select(*columns).where(account.c.id == account_id)).one()


def test_an_account_owes_the_sum_of_its_undisputed_invoices(database: Database) -> None:
    with database.transaction() as connection:
        number = add_account(connection)
        other = add_account(connection, "4712")
        add_invoice(connection, number, "A", 10_000, date(2026, 10, 5))
        add_invoice(connection, number, "B", 5_000, date(2026, 9, 5), disputed=True)
        add_invoice(connection, other, "C", 700, date(2026, 9, 1))
        assert tuple(owes(connection, number)) == (10_000, 0, date(2026, 10, 5), True, 1)
        assert connection.scalar(sa.select(account.c.open).where(account.c.id == other)) == 0


def test_an_account_without_invoices_owes_nothing(database: Database) -> None:
    with database.transaction() as connection:
        number = add_account(connection)
        accounts.refresh(connection, [], NOW)
        assert tuple(owes(connection, number)) == (0, 0, None, False, 1)


def test_credit_pays_the_oldest_invoice_first(database: Database) -> None:
    with database.transaction() as connection:
        number = add_account(connection)
        add_credit(connection, number, 12_000)
        younger = add_invoice(connection, number, "A", 10_000, date(2026, 10, 5))
        older = add_invoice(connection, number, "B", 5_000, date(2026, 9, 5))
        assert tuple(owes(connection, number)) == (3_000, 0, date(2026, 10, 5), False, 1)
        rests = {row.id: row.open for row in connection.execute(sa.select(invoice.c.id, invoice.c.open))}
        assert rests == {older: 0, younger: 3_000}
        moved = connection.execute(sa.select(allocation.c.invoice_id, allocation.c.amount)).all()
        assert sorted(tuple(row) for row in moved) == sorted([(older, 5_000), (younger, 7_000)])


def test_credit_leaves_a_disputed_invoice_alone(database: Database) -> None:
    with database.transaction() as connection:
        number = add_account(connection)
        add_credit(connection, number, 12_000)
        add_invoice(connection, number, "A", 10_000, date(2026, 10, 5), disputed=True)
        assert tuple(owes(connection, number)) == (0, 12_000, None, True, 1)


def test_a_credit_note_is_set_off_against_the_oldest_invoices(database: Database) -> None:
    with database.transaction() as connection:
        number = add_account(connection)
        add_invoice(connection, number, "A", 10_000, date(2026, 9, 5))
        add_invoice(connection, number, "B", 5_000, date(2026, 10, 5))
        add_invoice(connection, number, "G", -10_000, date(2026, 11, 5))
        assert tuple(owes(connection, number)) == (5_000, 10_000, date(2026, 10, 5), False, 1)


def test_money_owed_to_the_bank_raises_no_claim(database: Database) -> None:
    with database.transaction() as connection:
        number = add_account(connection)
        add_credit(connection, number, -3_000)
        add_invoice(connection, number, "A", 10_000, date(2026, 9, 5))
        assert tuple(owes(connection, number)) == (10_000, 0, date(2026, 9, 5), False, 1)
        connection.execute(sa.update(payment).values(value_date=date(2026, 10, 1)))
        add_credit(connection, number, 12_000)  # of a later day: it is no less for that
        assert tuple(owes(connection, number)) == (0, 2_000, None, False, 2)


def test_the_ladder_begins_anew_when_everything_was_paid(database: Database) -> None:
    with database.transaction() as connection:
        number = add_account(connection)
        add_invoice(connection, number, "A", 10_000, date(2026, 9, 5))
        assert owes(connection, number).case_no == 1
        connection.execute(sa.update(invoice).values(open=4_000))
        assert owes(connection, number).case_no == 1
        connection.execute(sa.update(invoice).values(open=0))
        assert tuple(owes(connection, number)) == (0, 0, None, False, 2)
        assert owes(connection, number).case_no == 2


def test_a_dispute_does_not_begin_the_ladder_anew(database: Database) -> None:
    with database.transaction() as connection:
        number = add_account(connection)
        add_invoice(connection, number, "A", 10_000, date(2026, 9, 5))
        owes(connection, number)
        connection.execute(sa.update(invoice).values(disputed=True))
        assert tuple(owes(connection, number)) == (0, 0, None, True, 1)
        connection.execute(sa.update(invoice).values(open=0))
        assert tuple(owes(connection, number)) == (0, 0, None, False, 2)


def test_an_account_is_found_by_its_number(database: Database) -> None:
    with database.transaction() as connection:
        number = add_account(connection)
        assert [row.id for row in accounts.find(connection, "4711")] == [number]
        assert [row.id for row in accounts.find(connection, "4711", "werke")] == [number]
        assert accounts.find(connection, "4711", "netze") == []


def test_a_hold_lasts_until_it_is_released(database: Database) -> None:
    with database.transaction() as connection:
        number = add_account(connection)
        accounts.hold(connection, number, "promise", date(2026, 12, 3), NOW)
        row = accounts.find(connection, "4711")[0]
        assert (row.hold_reason, row.hold_until) == ("promise", date(2026, 12, 3))
        accounts.release(connection, number, NOW)
        row = accounts.find(connection, "4711")[0]
        assert (row.hold_reason, row.hold_until) == ("", None)


def test_an_invoice_that_is_not_there_cannot_be_disputed(database: Database) -> None:
    with database.transaction() as connection:
        assert accounts.set_disputed(connection, 99, NOW, disputed=True) is None
