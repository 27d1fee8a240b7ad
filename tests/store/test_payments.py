"""A payment is recorded once, pays the right invoice, and what is left over is neither lost nor asked for again."""

from datetime import UTC, date, datetime, timedelta
from random import Random

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from contactd.store import accounts, payments
from contactd.store.database import Database
from contactd.store.payments import NewPayment
from contactd.store.schema import account, allocation, invoice, payment

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def owing(connection: Connection, rests: dict[str, int], *, creditor: str = "werke", number: str = "4711") -> int:
    """Write an account with one invoice a name, the first the oldest; answers its id."""
    values = {"creditor": creditor, "account_no": number, "currency": "EUR", "created_at": NOW, "updated_at": NOW}
    account_id = int(connection.execute(sa.insert(account).values(values).returning(account.c.id)).scalar_one())
    for place, (name, rest) in enumerate(rests.items()):
        due = date(2026, 9, 1) + timedelta(days=place)
        row = {"account_id": account_id, "invoice_no": name, "invoice_date": due, "due_date": due, "amount": rest}
        connection.execute(sa.insert(invoice).values({**row, "open": rest, "imported_open": rest}))
    accounts.refresh(connection, [account_id], NOW)
    return account_id


def paid(amount: int, name: str = "", *, account_no: str = "4711", mark: str = "") -> NewPayment:
    """Write a payment of the account, for an invoice when one is named."""
    words = f"{amount} {name} {account_no} {mark}"
    return NewPayment(words, "", account_no, name, amount, "EUR", date(2026, 11, 20), "danke")


def record(connection: Connection, *lines: NewPayment, at: datetime = NOW) -> payments.Recorded:
    """Record at an instant."""
    return payments.record(connection, list(lines), lambda: at)


def rests(connection: Connection) -> dict[str, int]:
    """Read what is open of each invoice."""
    return {row.invoice_no: row.open for row in connection.execute(sa.select(invoice.c.invoice_no, invoice.c.open))}


def balance(connection: Connection, account_id: int) -> tuple[int, int]:
    """Read what the account owes and has to its credit."""
    row = connection.execute(sa.select(account.c.open, account.c.credit).where(account.c.id == account_id)).one()
    return row.open, row.credit


def test_a_payment_pays_the_invoice_it_names(database: Database) -> None:
    with database.transaction() as connection:
        owner = owing(connection, {"A": 10_000, "B": 5_000})
        assert record(connection, paid(5_000, "B")) == payments.Recorded([0], [], [])
        assert rests(connection) == {"A": 10_000, "B": 0}
        assert balance(connection, owner) == (10_000, 0)


def test_a_payment_without_an_invoice_pays_the_oldest(database: Database) -> None:
    with database.transaction() as connection:
        owner = owing(connection, {"A": 10_000, "B": 5_000})
        record(connection, paid(12_000))
        assert rests(connection) == {"A": 0, "B": 3_000}
        assert balance(connection, owner) == (3_000, 0)


def test_the_same_payment_counts_once(database: Database) -> None:
    with database.transaction() as connection:
        owner = owing(connection, {"A": 10_000})
        assert record(connection, paid(4_000), paid(4_000)) == payments.Recorded([0], [1], [])
        assert record(connection, paid(4_000)) == payments.Recorded([], [0], [])
        assert balance(connection, owner) == (6_000, 0)


def test_over_payment_is_kept_and_pays_the_next_invoice(database: Database) -> None:
    with database.transaction() as connection:
        owner = owing(connection, {"A": 10_000})
        record(connection, paid(12_000, "A"))
        assert balance(connection, owner) == (0, 2_000)
        due = date(2026, 11, 1)
        row = {"account_id": owner, "invoice_no": "B", "invoice_date": due, "due_date": due, "amount": 5_000}
        connection.execute(sa.insert(invoice).values({**row, "open": 5_000, "imported_open": 5_000}))
        accounts.refresh(connection, [owner], NOW)
        assert balance(connection, owner) == (3_000, 0)
        assert rests(connection) == {"A": 0, "B": 3_000}


def test_the_time_of_the_payment_is_kept_with_the_account(database: Database) -> None:
    later = NOW + timedelta(hours=1)
    with database.transaction() as connection:
        owner = owing(connection, {"A": 10_000})
        record(connection, paid(-100), at=NOW)
        assert connection.scalar(sa.select(account.c.last_payment_at).where(account.c.id == owner)) is None
        record(connection, paid(4_000), at=later)
        assert connection.scalar(sa.select(account.c.last_payment_at).where(account.c.id == owner)) == later


def test_a_returned_payment_opens_its_invoice_again(database: Database) -> None:
    with database.transaction() as connection:
        owner = owing(connection, {"A": 10_000, "B": 5_000})
        record(connection, paid(10_000, "A"))
        record(connection, paid(5_000, "B"))
        record(connection, paid(-10_000, "A"))
        assert rests(connection) == {"A": 10_000, "B": 0}
        assert balance(connection, owner) == (10_000, 0)
        assert connection.scalar(sa.select(invoice.c.cleared_at).where(invoice.c.invoice_no == "A")) is None


def test_a_returned_payment_takes_credit_first_and_then_the_newest(database: Database) -> None:
    with database.transaction() as connection:
        owner = owing(connection, {"A": 10_000, "B": 5_000})
        record(connection, paid(17_000))
        assert balance(connection, owner) == (0, 2_000)
        record(connection, paid(-8_000))
        assert balance(connection, owner) == (6_000, 0)
        assert rests(connection) == {"A": 1_000, "B": 5_000}


def test_within_one_file_a_return_undoes_what_was_paid_last(database: Database) -> None:
    with database.transaction() as connection:
        owing(connection, {"A": 10_000, "B": 5_000})
        record(connection, paid(5_000, "B"), paid(6_000, "A"), paid(-7_000))
        assert rests(connection) == {"A": 10_000, "B": 1_000}


def test_a_return_of_an_unknown_payment_asks_for_no_more_than_the_invoice(database: Database) -> None:
    with database.transaction() as connection:
        owner = owing(connection, {"A": 10_000})
        connection.execute(sa.update(invoice).values(open=4_000, imported_open=4_000))
        record(connection, paid(-9_000))
        assert balance(connection, owner) == (10_000, 0)
        assert connection.scalar(sa.select(payment.c.credited)) == -3_000  # nobody is asked for that
        record(connection, paid(9_000))
        assert balance(connection, owner) == (4_000, 0)


def test_a_disputed_invoice_is_paid_only_by_its_name(database: Database) -> None:
    with database.transaction() as connection:
        owner = owing(connection, {"A": 10_000, "B": 5_000})
        number = connection.scalar(sa.select(invoice.c.id).where(invoice.c.invoice_no == "A"))
        assert number is not None
        assert accounts.set_disputed(connection, number, NOW, disputed=True) == owner
        record(connection, paid(6_000))
        assert rests(connection) == {"A": 10_000, "B": 0}
        assert balance(connection, owner) == (0, 1_000)
        record(connection, paid(2_000, "A"))
        assert rests(connection) == {"A": 8_000, "B": 0}
        accounts.set_disputed(connection, number, NOW, disputed=False)
        assert balance(connection, owner) == (7_000, 0)


def test_a_payment_nobody_owns_waits_for_its_account(database: Database) -> None:
    with database.transaction() as connection:
        assert record(connection, paid(4_000, "A", account_no="")).unmatched == [0]
        assert connection.scalar(sa.select(payment.c.account_id)) is None
        owner = owing(connection, {"A": 10_000})
        assert payments.settle_waiting(connection, [owner], NOW) == {owner}
        assert balance(connection, owner) == (6_000, 0)
        assert payments.settle_waiting(connection, [owner], NOW) == set()
        assert payments.settle_waiting(connection, [], NOW) == set()


def test_an_account_number_two_creditors_use_is_nobodys_alone(database: Database) -> None:
    with database.transaction() as connection:
        owing(connection, {"A": 10_000}, creditor="werke")
        other = owing(connection, {"B": 10_000}, creditor="netze")
        assert record(connection, paid(4_000)).unmatched == [0]
        assert payments.settle_waiting(connection, [other], NOW) == set()
        assert record(connection, paid(4_000)._replace(creditor="netze", fingerprint="n")).unmatched == []
        assert record(connection, paid(1_000, "A")).unmatched == []
        assert rests(connection) == {"A": 9_000, "B": 6_000}


def test_a_payment_in_another_currency_is_not_set_off(database: Database) -> None:
    with database.transaction() as connection:
        owing(connection, {"A": 10_000})
        assert record(connection, paid(4_000, "A")._replace(currency="CHF")).unmatched == [0]


def holds(connection: Connection) -> dict[str, str]:
    """Read which account rests for which reason."""
    return {row.account_no: row.hold_reason for row in connection.execute(sa.select(account)) if row.hold_reason}


def test_accounts_that_a_rejected_row_may_be_of_rest_until_the_next_list(database: Database) -> None:
    with database.transaction() as connection:
        owners = [owing(connection, {f"RE-{number}": 10_000}, number=number) for number in "1234"]
        accounts.hold(connection, owners[-1], "promise", date(2026, 11, 22), NOW)
        assert payments.hold_rejected(connection, {"1", "RE-2", "RE-4", "9"}, NOW, release=True) == 3
        assert holds(connection) == {"1": "payment_rejected", "2": "payment_rejected", "4": "payment_rejected"}
        assert payments.hold_rejected(connection, {"3"}, NOW, release=False) == 1
        assert len(holds(connection)) == 4
        assert payments.hold_rejected(connection, {"2"}, NOW, release=True) == 1
        assert holds(connection) == {"2": "payment_rejected"}
        assert payments.hold_rejected(connection, set(), NOW, release=True) == 0
        assert holds(connection) == {}


def test_a_hold_for_another_reason_stays(database: Database) -> None:
    with database.transaction() as connection:
        owner = owing(connection, {"A": 10_000})
        accounts.hold(connection, owner, "promise", date(2026, 11, 30), NOW)
        payments.hold_rejected(connection, {"4711"}, NOW, release=True)
        payments.hold_rejected(connection, set(), NOW, release=True)
        assert holds(connection) == {"4711": "promise"}


AMOUNTS = st.integers(min_value=-20_000, max_value=20_000).filter(bool)
LINES = st.lists(st.tuples(AMOUNTS, st.sampled_from(["", "A", "B", "C"])), min_size=1, max_size=8)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=LINES, luck=st.randoms(use_true_random=False), cut=st.integers(min_value=1, max_value=8))
def test_payments_in_any_order_leave_the_same_total(
    database: Database, lines: list[tuple[int, str]], luck: Random, cut: int
) -> None:
    known = [paid(amount, name, mark=str(place)) for place, (amount, name) in enumerate(lines)]
    other = luck.sample(known, len(known))
    ends = []
    with database.transaction() as connection:
        for order in (known, other):
            trial = connection.begin_nested()
            owner = owing(connection, {"A": 10_000, "B": 5_000, "C": 2_500})
            record(connection, *order[:cut])
            record(connection, *order[cut:])
            ends.append(balance(connection, owner))
            open_now = sum(rests(connection).values())
            moved = connection.scalar(sa.select(sa.func.coalesce(sa.func.sum(allocation.c.amount), 0)))
            credited = connection.scalar(sa.select(sa.func.sum(payment.c.credited)))
            assert moved is not None
            assert credited is not None
            assert open_now == 17_500 - moved
            assert open_now - credited == 17_500 - sum(amount for amount, _ in lines)
            trial.rollback()
    assert ends[0] == ends[1]
