"""Statements on both databases: whose account the money came to, what a day's list is, what is not told apart."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from contactd.domain.errors import InputError
from contactd.intake import banking
from contactd.intake.accept import Options, accept_accounts
from contactd.intake.banking import Told, import_bank_statements
from contactd.store.database import Database
from contactd.store.schema import account, import_run, payment
from tests.fakes.bank import OWN, Account, Booking, Payment, camt, iban

NOW = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
OTHER = iban(99)
IBANS = {OWN: "acme", OTHER: "other"}
OPTIONS = Options(lambda: NOW, "bank")


def owing(database: Database, *rows: tuple[str, str, str, str]) -> None:
    """Write accounts that owe 100 each: creditor, number, invoice, currency."""
    given = [
        {"creditor": creditor, "account_no": number, "name": "Erika Beispiel", "invoice_no": invoice,
         "invoice_date": "2026-01-01", "due_date": "2026-02-01", "amount": "100.00", "open": "100.00",
         "currency": currency}
        for creditor, number, invoice, currency in rows
    ]  # fmt: skip
    accept_accounts(database, given, now=lambda: NOW)


def take(database: Database, folder: Path, *accounts: Account, kind: str = "053") -> Told:
    """Import a document of these statements."""
    path = folder / "bank.xml"
    path.write_text(camt(accounts, kind))
    return import_bank_statements(database, path, OPTIONS, ibans=IBANS, currencies=frozenset())


def opens(database: Database) -> dict[str, int]:
    """Read what is open of each account."""
    with database.snapshot() as connection:
        return {row[0]: row[1] for row in connection.execute(sa.select(account.c.account_no, account.c.open))}


def test_money_that_came_to_one_creditors_account_pays_nothing_of_another(database: Database, tmp_path: Path) -> None:
    owing(database, ("acme", "KD-10001", "RE-2026-0001", "EUR"), ("other", "KD-20001", "RE-2026-0001", "EUR"))
    paid = Payment(10_000, ("RE-2026-0001",), bank_ref="A1")
    told = take(database, tmp_path, Account([Booking((paid,), bank_ref="A1")], iban=OTHER))
    assert (told.counts["new"], told.counts["unmatched"]) == (1, 0)
    assert opens(database) == {"KD-10001": 10_000, "KD-20001": 0}


def test_a_notification_before_the_statement_counts_once_and_is_no_list_of_the_day(
    database: Database, tmp_path: Path
) -> None:
    owing(database, ("acme", "KD-10001", "RE-2026-0001", "EUR"))
    booked = Booking((Payment(4_000, ("RE-2026-0001",), bank_ref="A1"),), bank_ref="A1")
    assert take(database, tmp_path, Account([booked], opening=None), kind="054").counts["new"] == 1
    again = take(database, tmp_path, Account([booked]))
    assert (again.counts["new"], again.counts["unchanged"]) == (0, 1)
    assert opens(database) == {"KD-10001": 6_000}
    with database.snapshot() as connection:
        kinds = list(connection.scalars(sa.select(import_run.c.kind).order_by(import_run.c.id)))
    assert kinds[-2:] == ["some_payments", "payments"]


def test_a_statement_that_came_before_makes_the_payments_no_fresher(database: Database, tmp_path: Path) -> None:
    owing(database, ("acme", "KD-10001", "RE-2026-0001", "EUR"))
    first, second, third = (
        Account([Booking((Payment(100, ("RE-2026-0001",), bank_ref=ref),), bank_ref=ref)]) for ref in ("A1", "A2", "A3")
    )
    fee = Account([Booking((Payment(-300, ("Gebuehr",), bank_ref="B2"),), bank_ref="B2")])
    days = [(first,), (first,), (second,), (first,), (first, second), (second, third), (fee,), (Account([]),)]
    for day in days:
        take(database, tmp_path, *day)
    with database.snapshot() as connection:
        kinds = list(connection.scalars(sa.select(import_run.c.kind).order_by(import_run.c.id)))
    some, full = "some_payments", "payments"
    assert kinds[-len(days) :] == [full, some, full, some, some, full, full, full]


def test_a_sum_the_bank_does_not_tell_apart_is_told_and_money_that_went_out_is_nobodys(
    database: Database, tmp_path: Path
) -> None:
    owing(database, ("acme", "KD-10001", "RE-2026-0001", "EUR"))
    batch = Booking((), amount=9_000, bank_ref="B1", count=3, silent=True)
    fee = Booking((Payment(-300, ("Gebuehr",), bank_ref="B2"),), bank_ref="B2")
    told = take(database, tmp_path, Account([batch, fee]))
    assert (told.counts["undivided"], told.counts["outgoing"], told.counts["new"]) == (1, 1, 0)
    assert "only the sum of 3 payments" in told.undivided[0]


def test_a_good_statement_beside_a_bad_one_is_taken_and_the_day_is_not_called_complete(
    database: Database, tmp_path: Path
) -> None:
    owing(database, ("acme", "KD-10001", "RE-2026-0001", "EUR"))
    good = Booking((Payment(4_000, ("RE-2026-0001",), bank_ref="A1"),), bank_ref="A1")
    bad = Booking((Payment(1_000, ("x",), bank_ref="A2"),), bank_ref="A2")
    told = take(database, tmp_path, Account([good]), Account([bad], iban=OTHER, closing=1))
    assert (told.counts["statements"], told.counts["new"], len(told.refused)) == (1, 1, 1)
    with database.snapshot() as connection:
        assert connection.scalar(sa.select(import_run.c.kind).order_by(import_run.c.id.desc())) == "some_payments"


def test_a_payment_is_given_to_no_account_in_another_currency(database: Database, tmp_path: Path) -> None:
    owing(database, ("acme", "KD-10001", "RE-2026-0001", "CHF"))
    take(database, tmp_path, Account([Booking((Payment(4_000, ("danke",), bank_ref="A1"),), bank_ref="A1")]))
    with database.snapshot() as connection:
        [row] = list(connection.execute(sa.select(payment.c.id, payment.c.value_date, payment.c.payer)))
        owner = connection.scalar(sa.select(account.c.id))
        [(number, entry, _)] = banking.unmatched(connection)
    assert (row.value_date, row.payer, number) == (date(2026, 3, 2), "Erika Beispiel", row.id)
    assert entry.amount == 4_000
    assert owner is not None
    with pytest.raises(InputError, match="is in EUR, KD-10001 in CHF"):
        banking.assign(database, row.id, owner, "", OPTIONS)


def test_the_next_payment_from_a_known_iban_with_exactly_what_is_open_is_certain(
    database: Database, tmp_path: Path
) -> None:
    owing(database, ("acme", "KD-10001", "RE-2026-0001", "EUR"))
    first = Payment(4_000, ("RE-2026-0001",), bank_ref="A1", iban=iban(7))
    take(database, tmp_path, Account([Booking((first,), bank_ref="A1")]))
    second = Payment(6_000, ("danke",), bank_ref="A2", iban=iban(7))
    told = take(database, tmp_path, Account([Booking((second,), bank_ref="A2")]))
    assert (told.counts["new"], told.counts["unmatched"]) == (1, 0)
    assert opens(database) == {"KD-10001": 0}


def test_earlier_payments_are_looked_through_only_when_a_statement_takes_one_back(
    database: Database, tmp_path: Path
) -> None:
    owing(database, ("acme", "KD-10001", "RE-2026-0001", "EUR"))
    read: list[str] = []

    def listen(connection: sa.Connection, cursor: object, statement: str, *more: object) -> None:
        if statement.startswith("SELECT payment.fingerprint, payment.account_id"):
            read.append(statement)

    def came(payment: Payment) -> tuple[int, int]:
        """Take it; answers how often all payments were read, and what is open then."""
        take(database, tmp_path, Account([Booking((payment,), bank_ref=payment.bank_ref)]))
        return len(read), opens(database)["KD-10001"]

    sa.event.listen(database.engine, "before_cursor_execute", listen)
    paid = Payment(4_000, ("RE-2026-0001",), end_to_end="E1", bank_ref="A1")
    assert came(paid) == (0, 6_000)
    assert came(Payment(-300, ("Gebuehr",), bank_ref="A2")) == (0, 6_000)
    assert came(Payment(-4_000, ("Retoure",), end_to_end="E1", bank_ref="A3", reason="AC04")) == (1, 10_000)
