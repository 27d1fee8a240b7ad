"""What customers pay of interest and costs pays no invoice as well: books and statement tell of each cent once."""

from collections.abc import Collection
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st
from structlog.testing import capture_logs

from contactd.config.claims import Claims
from contactd.domain.agreement import Kind
from contactd.domain.appropriation import Part
from contactd.domain.statement import Statement
from contactd.engine.debt.charging import Unmoved, charge_everyone
from contactd.engine.debt.claims import Owed, Terms
from contactd.store import charges
from contactd.store.allocations import Ledger, ledger
from contactd.store.database import Database
from contactd.store.ledgers import Books
from contactd.store.schema import allocation, invoice, payment
from tests.engine.books import Bookkeeper, day, settings_of

SETTINGS = settings_of(claims=Claims(due_date_agreed=True))


@pytest.fixture
def books(database: Database) -> Bookkeeper:
    made = Bookkeeper(database, SETTINGS)
    made.owing(100_000)
    return made


def charged(books: Bookkeeper) -> int:
    """Sum up what payments were charged with."""
    with books.database.snapshot() as connection:
        return int(connection.scalar(sa.select(sa.func.coalesce(sa.func.sum(payment.c.charged), 0))) or 0)


def went(stated: Statement, *parts: Part) -> int:
    """Sum up what by law went to such parts."""
    return sum(one.amount for one in stated.allocations if one.part in parts)


def look_again(books: Bookkeeper) -> None:
    """Charge as a daemon does after midnight."""
    after: int | None = 0
    while after is not None:
        with books.database.transaction() as connection:
            after = charge_everyone(connection, after, books.settings, books.now)


def payoff(books: Bookkeeper) -> int:
    """Say what settles everything by law, paid today."""
    return books.statement().payoff


def test_interest_that_was_paid_is_no_credit_for_the_next_invoice(books: Bookkeeper) -> None:
    whole = payoff(books)
    books.pay(whole, invoice_no="R-1")
    assert books.stands() == (0, 0, {"R-1": 0})
    assert charged(books) == whole - 100_000 > 0
    books.invoice("R-2", 10_000, due=20)
    assert books.stands() == (10_000, 0, {"R-1": 0, "R-2": 10_000})
    assert books.statement().principal == 10_000


def test_of_what_was_paid_too_much_the_rest_is_credit(books: Bookkeeper) -> None:
    books.pay(payoff(books) + 1_234)
    assert books.stands() == (0, 1_234, {"R-1": 0})
    assert books.statement().credit == 1_234
    books.invoice("R-2", 10_000, due=20)
    books.wake(1)
    assert books.stands()[0] == books.statement().principal == 10_000 - 1_234


@pytest.mark.parametrize("due", [-5, 20])
def test_an_invoice_that_was_open_already_is_not_paid_with_the_interest_of_another(books: Bookkeeper, due: int) -> None:
    whole = payoff(books)
    books.invoice("R-2", 10_000, due=due)
    books.pay(whole, invoice_no="R-1")
    assert books.stands() == (10_000, 0, {"R-1": 0, "R-2": 10_000})
    assert books.statement().principal == 10_000


def test_a_payoff_that_names_no_invoice_pays_none_that_is_not_due(books: Bookkeeper) -> None:
    whole = payoff(books)
    books.invoice("R-2", 10_000, due=20)
    books.pay(whole)
    assert books.stands() == (10_000, 0, {"R-1": 0, "R-2": 10_000})
    assert books.statement().principal == 10_000


def test_who_pays_exactly_the_overdue_invoices_has_them_paid(books: Bookkeeper) -> None:
    books.invoice("R-2", 10_000, due=-5)
    books.pay(110_000)
    assert (books.stands()[0], charged(books)) == (0, 0)
    assert books.statement().principal == went(books.statement(), Part.INTEREST) > 0  # interest comes first by law


def test_the_case_does_not_end_by_what_was_paid_of_interest(books: Bookkeeper) -> None:
    whole = payoff(books)
    books.invoice("R-2", whole - 100_000, due=-5)
    books.pay(whole, invoice_no="R-1")
    assert books.stands()[0] == whole - 100_000
    with books.database.snapshot() as connection:
        assert connection.scalar(sa.text("SELECT case_no FROM account")) == 1


def test_the_last_part_pays_the_interest_that_earlier_parts_left(books: Bookkeeper) -> None:
    books.pay(50_000)
    whole = payoff(books)
    books.pay(whole)
    assert whole > 50_000
    assert (charged(books), books.stands()[:2]) == (whole - 50_000, (0, 0))


def test_what_goes_back_takes_its_interest_with_it(books: Bookkeeper) -> None:
    whole = payoff(books)
    books.invoice("R-2", 10_000, due=-5)
    books.pay(10_000, invoice_no="R-2")
    books.pay(whole, invoice_no="R-1")
    books.pay(-whole, invoice_no="R-1")
    assert charged(books) == 0
    assert books.stands() == (100_000, 0, {"R-1": 100_000, "R-2": 0})


def test_what_else_goes_back_leaves_the_interest_paid(books: Bookkeeper) -> None:
    whole = payoff(books)
    books.pay(whole, invoice_no="R-1")
    books.invoice("R-2", 10_000, due=20)
    books.pay(10_000, invoice_no="R-2")
    books.pay(-10_000, invoice_no="R-2")
    assert charged(books) == whole - 100_000
    assert books.stands() == (10_000, 0, {"R-1": 0, "R-2": 10_000})


def test_a_credit_note_does_not_make_up_for_interest(books: Bookkeeper) -> None:
    books.invoice("G-1", -5_000, due=0)
    whole = payoff(books)
    books.pay(whole, invoice_no="R-1")
    assert charged(books) == whole - 95_000
    assert books.stands() == (0, 5_000, {"R-1": 5_000, "G-1": -5_000})  # the one covers the other
    books.invoice("R-2", 10_000, due=20)
    books.wake(1)
    assert books.stands()[0] == books.statement().principal == 10_000


def test_what_a_list_laid_against_an_invoice_is_not_told_of_twice(books: Bookkeeper) -> None:
    """The creditor's books set the interest against the next invoice: it is his to say, and the money came in once."""
    whole = payoff(books)
    books.pay(whole, invoice_no="R-1")
    books.invoice("R-2", 10_000, due=20)
    interest = whole - 100_000
    with books.database.transaction() as connection:  # as a list does
        mine = sa.update(invoice).where(invoice.c.invoice_no == "R-2")
        left = 10_000 - interest
        listed = {"open": left, "imported_open": left, "taken_off": interest, "taken_off_on": books.now.date()}
        connection.execute(mine.values(listed))
    for _ in range(2):
        look_again(books)
        assert charged(books) == 0
        assert books.stands()[2] == {"R-1": 0, "R-2": left}
    assert books.statement().principal == 10_000


events = st.lists(
    st.one_of(
        st.tuples(st.just("invoice"), st.integers(500, 60_000), st.integers(-20, 30)),
        st.tuples(st.just("pay"), st.integers(1, 130_000), st.integers(0, 4)),
        st.tuples(st.just("back"), st.integers(0, 5), st.just(0)),
        st.tuples(st.just("wait"), st.integers(1, 60), st.just(0)),
        st.tuples(st.just("payoff"), st.just(0), st.integers(0, 4)),
    ),
    min_size=1,
    max_size=9,
)


def test_what_a_list_shows_as_paid_is_not_opened_again_for_interest(books: Bookkeeper) -> None:
    """Who pays all there is at once, due or not, means his invoices: so do the books of whoever lists them."""
    books.invoice("R-2", 10_000, due=20)
    books.pay(110_000)
    interest = charged(books)
    assert books.stands()[2] == {"R-1": 0, "R-2": interest}
    assert interest > 0
    with books.database.transaction() as connection:  # as a list does that shows both as paid
        told = {"open": 0, "imported_open": 0}
        connection.execute(sa.update(invoice).values(told))
        mine = sa.update(invoice).where(invoice.c.invoice_no == "R-2")
        connection.execute(mine.values(taken_off=interest, taken_off_on=books.now.date()))
    for _ in range(2):
        look_again(books)
        assert charged(books) == 0
        assert books.stands() == (0, 0, {"R-1": 0, "R-2": 0})
    books.pay(interest)  # and what is paid beyond them is for it
    assert (charged(books), books.stands()[1], books.statement().open) == (interest, 0, 0)


def test_a_slip_in_the_base_rates_stops_neither_payments_nor_judging(books: Bookkeeper, tmp_path: Path) -> None:
    whole = payoff(books)
    books.agree(Kind.PROMISE, on=day(3))
    table = tmp_path / "base_rates.csv"
    table.write_text("valid_from,percent\n2026-07-01;1.52\n")
    books.settings = settings_of(claims=Claims(due_date_agreed=True, base_rates=str(table)))
    with capture_logs() as logs:
        books.pay(whole, invoice_no="R-1")
    assert [one["event"] for one in logs] == ["base_rates_not_usable"] * len(logs) != []
    assert "write a day and a rate" in str(logs[0]["error"])
    assert books.states() == ["kept"]
    assert books.stands() == (0, whole - 100_000, {"R-1": 0})
    books.settings = SETTINGS
    look_again(books)  # mended: the next night takes it up
    assert books.stands() == (0, 0, {"R-1": 0})
    assert charged(books) == whole - 100_000


def test_an_account_that_cannot_be_worked_out_is_left_and_the_others_are_charged(
    books: Bookkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = books.owing(100_000, number="K-0")
    right = Terms.owed

    def owed(terms: Terms, known: Books, as_of: date, fee: int = 0) -> Owed:
        if known.account_id == broken:
            raise ZeroDivisionError
        return right(terms, known, as_of, fee)

    whole = payoff(books)
    monkeypatch.setattr(Terms, "owed", owed)
    with capture_logs() as logs:
        books.pay(whole, number="K-0")
        books.pay(whole)
        look_again(books)
    assert {(one["event"], one["account_id"]) for one in logs} == {("account_not_charged", broken)}
    assert (books.stands("K-0")[:2], books.stands()[:2]) == ((0, whole - 100_000), (0, 0))


def test_a_payment_is_worked_out_once_and_the_books_are_read_again_only_for_a_change(
    books: Bookkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[date] = []
    read: list[list[int]] = []
    right = Terms.owed

    def owed(terms: Terms, known: Books, as_of: date, fee: int = 0) -> Owed:
        asked.append(as_of)
        return right(terms, known, as_of, fee)

    def reading(connection: sa.Connection, account_ids: Collection[int]) -> Ledger:
        read.append(list(account_ids))
        return ledger(connection, account_ids)

    whole = payoff(books)
    monkeypatch.setattr(Terms, "owed", owed)
    monkeypatch.setattr(charges, "ledger", reading)
    books.pay(whole)
    assert (len(asked), len(read)) == (1, 2)
    books.invoice("R-2", 10_000, due=20)
    look_again(books)
    assert (len(asked), len(read)) == (2, 3)


def test_who_stands_as_before_is_not_worked_out_anew_night_after_night(
    books: Bookkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[date] = []
    right = Terms.owed

    def owed(terms: Terms, known: Books, as_of: date, fee: int = 0) -> Owed:
        asked.append(as_of)
        return right(terms, known, as_of, fee)

    def nights(count: int) -> list[int]:
        """Tell in which of the nights to come the account was worked out."""
        asked.clear()
        begun = books.at
        for _ in range(count):
            books.at += 1
            with books.database.transaction() as connection:
                charge_everyone(connection, 0, books.settings, books.now, unmoved)
        return [(on - day(begun)).days for on in asked]

    unmoved = Unmoved()
    books.pay(payoff(books) + 1_234)
    monkeypatch.setattr(Terms, "owed", owed)
    assert (nights(5), nights(5)) == ([1], [])
    books.invoice("R-2", 10_000, due=books.at + 34)
    assert nights(40) == [1, 4, 35]  # it is there, its day comes, and that on which its default begins
    books.settings = settings_of(claims=Claims(due_date_agreed=True, thirty_days_notice=True))
    assert nights(5) == [1]
    unmoved = Unmoved()  # of a daemon that was started anew
    assert nights(5) == [1]


def pass_over(books: Bookkeeper, unmoved: Unmoved) -> None:
    """See that a pass which leaves out who stands as before ends as one over everybody, and let it stand."""
    money = sa.select(payment.c.id, payment.c.charged, payment.c.credited).order_by(payment.c.id)
    rests = sa.select(invoice.c.id, invoice.c.open, invoice.c.taken_off).order_by(invoice.c.id)
    now, ends = books.now, list[object]()
    with books.database.transaction() as connection:
        for known in (None, unmoved):
            attempt = connection.begin_nested()
            charge_everyone(connection, 0, books.settings, now, known)
            ends.append([connection.execute(chosen).all() for chosen in (money, rests)])
            if known is None:
                attempt.rollback()
    assert ends[0] == ends[1]


@given(events, st.sampled_from(["consumer", "business"]), st.integers(0, 9))
@trying(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_books_and_statement_agree_to_the_cent_whatever_happens(
    database: Database, happened: list[tuple[str, int, int]], kind: str, restart: int
) -> None:
    with database.transaction() as connection:
        for table in ("allocation", "payment", "invoice", "contact_log", "account"):
            connection.execute(sa.text(f"DELETE FROM {table}"))  # noqa: S608 -- names from the line above
    books = Bookkeeper(database, SETTINGS)
    books.owing(100_000, kind=kind)
    numbers, paid, unmoved = ["R-1"], list[tuple[int, str]](), Unmoved()
    for place, (what, amount, which) in enumerate(happened):
        if place == restart:
            unmoved = Unmoved()
        if what == "invoice":
            numbers.append(f"R-{len(numbers) + 1}")
            books.invoice(numbers[-1], amount, due=books.at + which)
        elif what == "wait":
            books.at += amount
        elif what == "back" and paid:
            sum_back, name = paid.pop(amount % len(paid))
            books.pay(-sum_back, invoice_no=name)
        elif what in {"pay", "payoff"}:
            name = numbers[which] if which < len(numbers) else ""
            sum_in = amount if what == "pay" else payoff(books)
            if sum_in:
                paid.append((sum_in, name))
                books.pay(sum_in, invoice_no=name)
        pass_over(books, unmoved)
        agree(books)
        books.at += 1
        pass_over(books, unmoved)


def agree(books: Bookkeeper) -> None:
    """See that all money is somewhere, once, and that the credit is the law's."""
    stated, (owed, credit, rests) = books.statement(), books.stands()
    with books.database.snapshot() as connection:
        sums = connection.execute(
            sa.select(*(sa.func.coalesce(sa.func.sum(payment.c[one]), 0) for one in ("amount", "credited", "charged")))
        ).one()
        laid = connection.scalar(sa.select(sa.func.coalesce(sa.func.sum(allocation.c.amount), 0)))
    assert sums[0] == laid + sums[1] + sums[2]
    assert sum(rests.values()) - sums[1] == owed - credit
    assert credit == stated.credit, stated.allocations
    assert owed <= stated.open
    assert 0 <= sums[2] <= went(stated, Part.COSTS, Part.INTEREST)
