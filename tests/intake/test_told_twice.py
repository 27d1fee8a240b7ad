"""Lists and payments tell of the same money: it counts once, whichever comes first."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contactd.intake.accept import accept_accounts, accept_payments
from contactd.store.database import Database
from contactd.store.schema import account, allocation, import_run, invoice, payment

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
AMOUNTS = {"RE-1": 10_000, "RE-2": 8_000, "RE-3": 5_000}

Step = Callable[[Database], object]


def listed(rests: Mapping[str, int], day: int = 0) -> Step:
    """Describe a full list that shows these invoices as open, read `day` days after the first."""
    rows = []
    for place, (name, rest) in enumerate(rests.items()):
        rows.append(
            {
                "creditor": "werke", "account_no": "4711", "name": "Anna Moosbach", "invoice_no": name,
                "invoice_date": "2026-10-05", "due_date": f"2026-10-{19 + place}",
                "amount": f"{AMOUNTS[name] / 100:.2f}", "open": f"{rest / 100:.2f}",
            },
        )  # fmt: skip
    at = NOW + timedelta(days=day)
    return lambda database: accept_accounts(database, rows, now=lambda: at, full=True, force=True)


def paid(amount: int, document: str = "", value_date: str = "2026-11-20", number: str = "4711") -> Step:
    """Describe a payment for an invoice or, when none is named, for the account."""
    row = {
        "account_no": number, "invoice_no": document, "amount": f"{amount / 100:.2f}", "value_date": value_date,
    }  # fmt: skip
    return lambda database: accept_payments(database, [row], now=lambda: NOW)


@pytest.fixture
def end(database: Database) -> Callable[[Iterable[Step]], tuple[dict[str, int], int]]:
    """Give what takes the steps one after the other, on an empty database, and answers what is open, and the credit."""

    def take(steps: Iterable[Step]) -> tuple[dict[str, int], int]:
        with database.transaction() as connection:
            for table in (allocation, payment, invoice, account, import_run):
                connection.execute(sa.delete(table))
        for step in steps:
            step(database)
        with database.snapshot() as connection:
            rests = {row.invoice_no: row.open for row in connection.execute(sa.select(invoice))}
            money = sa.select(sa.func.coalesce(sa.func.sum(payment.c.credited), 0))
            credit = connection.scalar(money.where(payment.c.account_id.is_not(None)))
        return rests, int(credit or 0)

    return take


End = Callable[[Iterable[Step]], tuple[dict[str, int], int]]
BOTH = listed({"RE-1": 10_000, "RE-2": 8_000})
# What a list knows and a payment says, and what is open in the end.
TOLD = {
    "cleared": ((listed({"RE-2": 8_000}, day=1), paid(10_000, "RE-1")), {"RE-1": 0, "RE-2": 8_000}),
    "in part": ((listed({"RE-1": 5_000, "RE-2": 8_000}, day=1), paid(5_000, "RE-1")), {"RE-1": 5_000, "RE-2": 8_000}),
    "more than the list knows": (
        (listed({"RE-1": 3_000, "RE-2": 8_000}, day=1), paid(10_000, "RE-1")),
        {"RE-1": 0, "RE-2": 8_000},
    ),
    "less than the list knows": ((listed({"RE-2": 8_000}, day=1), paid(4_000, "RE-1")), {"RE-1": 0, "RE-2": 8_000}),
    "twice": (
        (listed({"RE-1": 5_000, "RE-2": 8_000}, day=1), paid(5_000, "RE-1"), paid(5_000, "RE-1", "2026-11-21")),
        {"RE-1": 0, "RE-2": 8_000},
    ),
    "too much": ((listed({"RE-2": 8_000}, day=1), paid(12_000, "RE-1")), {"RE-1": 0, "RE-2": 6_000}),
    "for the account": ((listed({"RE-2": 8_000}, day=1), paid(10_000)), {"RE-1": 0, "RE-2": 8_000}),
    "for the account, laid against the younger": (
        (listed({"RE-1": 10_000}, day=1), paid(10_000)),
        {"RE-1": 8_000, "RE-2": 0},
    ),
}


@pytest.mark.parametrize(("steps", "rests"), TOLD.values(), ids=TOLD)
def test_money_of_a_list_and_of_payments_counts_once_in_any_order(
    end: End, steps: tuple[Step, ...], rests: dict[str, int]
) -> None:
    for order in permutations(steps):
        assert end((BOTH, *order)) == (rests, 0)
        # The newest list again: nothing moves.
        assert end((BOTH, *order, steps[0])) == (rests, 0)


def test_a_first_list_that_shows_a_part_explains_the_payment_of_the_rest(end: End) -> None:
    part = listed({"RE-1": 5_000, "RE-2": 8_000})
    for steps in ((part, paid(5_000, "RE-1")), (paid(5_000, "RE-1"), part), (part, paid(5_000))):
        assert end(steps) == ({"RE-1": 5_000, "RE-2": 8_000}, 0)


def test_over_payment_beyond_what_a_list_took_off_is_credit(end: End) -> None:
    gone = listed({"RE-1": 0, "RE-2": 0})
    assert end((BOTH, gone, paid(20_000, "RE-1"))) == ({"RE-1": 0, "RE-2": 0}, 2_000)
    assert end((BOTH, paid(20_000, "RE-1"), gone)) == ({"RE-1": 0, "RE-2": 0}, 2_000)


def test_a_payment_after_the_day_of_the_list_is_none_the_list_knew(end: End) -> None:
    note = listed({"RE-1": 8_000, "RE-2": 8_000}, day=1)
    assert end((BOTH, note, paid(8_000, "RE-1", "2026-11-25"))) == ({"RE-1": 0, "RE-2": 8_000}, 0)
    assert end((BOTH, note, paid(8_000, "", "2026-11-25"))) == ({"RE-1": 0, "RE-2": 8_000}, 0)
    # What is left of it is still taken for what the list knew of the invoice it names, before it pays another.
    assert end((BOTH, note, paid(10_000, "RE-1", "2026-11-25"))) == ({"RE-1": 0, "RE-2": 8_000}, 0)


def test_a_lagging_list_does_not_ask_again_for_what_was_paid(end: End) -> None:
    steps = (
        BOTH,
        paid(5_000, "RE-1"),
        paid(5_000, "RE-1", "2026-11-21"),
        listed({"RE-1": 5_000, "RE-2": 8_000}, day=1),
    )
    assert end(steps) == ({"RE-1": 0, "RE-2": 8_000}, 0)


def test_a_list_that_shows_more_again_tells_of_a_payment_that_went_back(end: End) -> None:
    gone = listed({"RE-2": 8_000}, day=1)
    back = listed({"RE-1": 10_000, "RE-2": 8_000}, day=2)
    assert end((BOTH, paid(10_000, "RE-1"), gone, back)) == ({"RE-1": 10_000, "RE-2": 8_000}, 0)
    assert end((BOTH, gone, paid(-10_000, "RE-1"), paid(10_000, "RE-1"))) == ({"RE-1": 10_000, "RE-2": 8_000}, 0)
    assert end((BOTH, gone, paid(10_000, "RE-1"), paid(-10_000, "RE-1"))) == ({"RE-1": 10_000, "RE-2": 8_000}, 0)


@pytest.mark.parametrize("named", ["RE-1", ""])
def test_a_return_that_a_list_told_of_first_opens_nothing_else(end: End, named: str) -> None:
    gone, back = listed({"RE-2": 0}, day=1), listed({"RE-1": 10_000}, day=2)
    before = (BOTH, paid(10_000, "RE-1"), paid(8_000, "RE-2"), gone, back)
    assert end((*before, paid(-10_000, named))) == ({"RE-1": 10_000, "RE-2": 0}, 0)
    assert end((*before, paid(-10_000, named), back)) == ({"RE-1": 10_000, "RE-2": 0}, 0)
    assert end((*before, paid(-12_000, named))) == ({"RE-1": 10_000, "RE-2": 2_000}, 0)  # of the rest no list told


def test_a_corrected_bill_adds_what_it_grew_by_to_what_was_left(end: End, database: Database) -> None:
    assert end((BOTH, paid(6_000, "RE-1"))) == ({"RE-1": 4_000, "RE-2": 8_000}, 0)
    row = {
        "creditor": "werke", "account_no": "4711", "name": "Anna Moosbach", "invoice_no": "RE-1",
        "invoice_date": "2026-10-05", "due_date": "2026-10-19", "amount": "120.00", "open": "120.00",
    }  # fmt: skip
    accept_accounts(database, [row], now=lambda: NOW)
    with database.snapshot() as connection:
        assert connection.scalar(sa.select(invoice.c.open).where(invoice.c.invoice_no == "RE-1")) == 6_000


def test_a_credit_note_is_what_the_newest_list_says(end: End, database: Database) -> None:
    end((BOTH,))
    for rest in ("-100.00", "-40.00"):
        row = {
            "creditor": "werke", "account_no": "4711", "name": "Anna Moosbach", "invoice_no": "GS-1",
            "invoice_date": "2026-10-05", "due_date": "2026-10-19", "amount": "-100.00", "open": rest,
        }  # fmt: skip
        accept_accounts(database, [row], now=lambda: NOW)
    with database.snapshot() as connection:
        row_of = connection.execute(sa.select(invoice).where(invoice.c.invoice_no == "GS-1")).one()
    assert (row_of.open, row_of.taken_off) == (-4_000, 0)


PAID = st.lists(
    st.tuples(st.sampled_from(sorted(AMOUNTS)), st.integers(min_value=1, max_value=12_000)), max_size=4, unique=True
)
FALLING = st.fixed_dictionaries({name: st.integers(min_value=0, max_value=most) for name, most in AMOUNTS.items()})


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(payments=PAID, rests=FALLING, place=st.integers(min_value=0, max_value=4))
def test_the_order_of_a_list_and_of_payments_that_name_invoices_does_not_matter(
    end: End, payments: list[tuple[str, int]], rests: dict[str, int], place: int
) -> None:
    first = listed({"RE-1": 10_000, "RE-2": 8_000, "RE-3": 5_000})
    newest = listed(rests, day=1)
    money = [paid(amount, name) for name, amount in payments]
    known = end((first, *money, newest))
    other = end((first, *money[:place], newest, *money[place:]))
    total = sum(known[0].values()) - known[1]
    assert sum(other[0].values()) - other[1] == total
    fits = all(sum(a for n, a in payments if n == name) <= most for name, most in AMOUNTS.items())
    if fits:  # nothing left over that could go elsewhere
        assert known == other
        assert known[0] == {
            name: min(rests[name], most - sum(a for n, a in payments if n == name)) for name, most in AMOUNTS.items()
        }
