"""After a list only those are looked at of whom it told something new: the outcome is that of looking at everybody."""

from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st

from contactd.config.claims import Claims
from contactd.domain.agreement import ALIVE, Kind
from contactd.domain.errors import InputError
from contactd.engine.agreements.judgement import judge_some
from contactd.intake.accept import Report, accept_accounts
from contactd.store import agreements, payments
from contactd.store.columns import metadata
from contactd.store.database import Database
from contactd.store.guesses import to_reconcile
from contactd.store.schema import account, invoice
from tests.clock import HandClock
from tests.engine.books import Bookkeeper, day, judge_all, settings_of

SETTINGS = settings_of(claims=Claims(due_date_agreed=True))
NUMBERS = ("K-1", "K-2", "K-3")
WHAT_CHANGES = (
    "account", "invoice", "payment", "allocation", "agreement", "agreement_event", "notice", "attempt", "contact_log",
)  # fmt: skip
AS_BEFORE: list[int | None] = [-1] * 6

who = st.sampled_from(NUMBERS)
rests = st.sampled_from([0, 2_000, 5_000, 8_000, None, -1])
happened = st.lists(
    st.one_of(
        st.tuples(st.just("pay"), who, st.integers(1, 12_000), st.sampled_from(["", "R-1", "R-2"]), st.integers(-4, 0)),
        st.tuples(st.just("back"), who, st.integers(0, 3)),
        st.tuples(st.just("agree"), who, st.sampled_from([Kind.PROMISE, Kind.PLAN, Kind.DEFERRAL]), st.integers(1, 20)),
        st.tuples(st.just("dispute"), who, st.sampled_from(["R-1", "R-2"]), st.sampled_from(["", "20.00"])),
        st.tuples(st.just("decide"), st.integers(0, 5), st.sampled_from(["uphold", "reject", "withdraw"])),
        st.tuples(st.just("wait"), st.integers(1, 12)),
        st.tuples(st.just("list"), st.lists(rests, min_size=6, max_size=6)),
    ),
    min_size=3,
    max_size=12,
)  # fmt: skip


def told(books: Bookkeeper, clock: HandClock, shown: list[int | None]) -> Report:
    """Import a full list: of each invoice what is open, -1: as much as before; None leaves it out."""
    with books.database.snapshot() as connection:
        chosen = sa.select(account.c.account_no, invoice).join_from(account, invoice)
        known = connection.execute(chosen.order_by(account.c.id, invoice.c.id)).all()
    rows = [
        {
            "creditor": "acme", "account_no": row.account_no, "name": "Erika Muster", "invoice_no": row.invoice_no,
            "amount": "80.00", "invoice_date": row.invoice_date.isoformat(), "due_date": row.due_date.isoformat(),
            "open": f"{(row.imported_open if rest == -1 else rest) / 100:.2f}", "currency": "EUR",
        }
        for row, rest in zip(known, shown, strict=True)
        if rest is not None
    ]  # fmt: skip
    return accept_accounts(books.database, rows, now=clock.now, full=bool(rows), force=True)


def everything(database: Database) -> dict[str, list[Any]]:
    """Read all that judging may change."""
    with database.snapshot() as connection:
        tables = {name: metadata.tables[name] for name in WHAT_CHANGES}
        return {name: sorted(map(tuple, connection.execute(sa.select(one)))) for name, one in tables.items()}


def happen(books: Bookkeeper, paid: dict[str, list[tuple[int, str]]], what: str, *more: Any) -> None:  # noqa: ANN401 -- an event
    if what == "pay":
        number, amount, name, on = more
        paid[number].append((amount, name))
        books.pay(amount, on=books.at + on, number=number, invoice_no=name)
    elif what == "back":
        number, place = more
        if paid[number]:
            amount, name = paid[number].pop(place % len(paid[number]))
            books.pay(-amount, number=number, invoice_no=name)
    elif what == "agree":
        number, kind, days = more
        books.agree(kind, number, on=day(books.at + days), count=2 if kind is Kind.PLAN else None)
    elif what == "dispute":
        number, name, amount = more
        books.agree(Kind.DISPUTE, number, invoice_no=name, amount=amount, reason="defect")
    elif what == "decide":
        place, word = more
        with books.database.snapshot() as connection:
            every = agreements.everyone(connection, alive=False)
        alive = [one.id for one in every if one.agreed.state in ALIVE and (one.invoice_id or word == "withdraw")]
        if alive:
            books.say(alive[place % len(alive)], word)
    elif what == "wait":
        books.at += more[0]
        judge_all(books.database, SETTINGS, HandClock(books.now))


@given(happened)
@trying(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_to_judge_everybody_changes_nothing_more(database: Database, events: list[tuple[Any, ...]]) -> None:
    with database.transaction() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(sa.delete(table))
    books = Bookkeeper(database, SETTINGS)
    for number in NUMBERS:
        books.owing(8_000, 8_000, number=number)
    paid: dict[str, list[tuple[int, str]]] = {number: [] for number in NUMBERS}
    for what, *more in [("list", AS_BEFORE), *events, ("list", AS_BEFORE)]:
        if what != "list":
            try:
                happen(books, paid, what, *more)
            except InputError:
                continue  # nothing to agree on
            continue
        clock = HandClock(books.now)
        judge_all(database, SETTINGS, clock)  # as the night has
        judge_some(database, told(books, clock, *more).touched, SETTINGS, clock)
        after = everything(database)
        with database.transaction() as connection:
            ids = set(connection.scalars(sa.select(account.c.id))) - set(to_reconcile(connection))
            payments.reconcile(connection, ids, clock.now())
        judge_all(database, SETTINGS, clock)
        assert everything(database) == after


@pytest.mark.parametrize("touched", [True, False])
def test_a_list_tells_of_the_accounts_whose_guess_gave_way(database: Database, *, touched: bool) -> None:
    books = Bookkeeper(database, SETTINGS)
    ids = [books.owing(8_000, 8_000, number=number) for number in NUMBERS]
    told(books, HandClock(books.now), AS_BEFORE)
    books.pay(8_000, number="K-2")  # a guess: it pays R-1
    books.at += 1
    told_paid: list[int | None] = [-1, -1, -1, 0, -1, -1]  # the creditor laid it against R-2
    report = told(books, HandClock(books.now), told_paid if touched else AS_BEFORE)
    assert report.touched == ({ids[1]} if touched else set())
    assert books.stands("K-2")[2] == ({"R-1": 8_000, "R-2": 0} if touched else {"R-1": 0, "R-2": 8_000})
