"""Lists and payments tell of the same money: it counts once, whichever comes first."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import permutations, product

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
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
ALL = listed(AMOUNTS)
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


def test_a_guess_makes_room_for_money_that_names_the_invoice_in_any_order(end: End) -> None:
    """What is left of RE-3's payment is what the list took off RE-2: of RE-1 it knows less than was paid for it."""
    newest = listed({"RE-1": 3_536, "RE-2": 645, "RE-3": 3_653}, day=1)
    money = (paid(10_086, "RE-3"), paid(2, "RE-2"), paid(2, "RE-1"), paid(8_131, "RE-1"))
    for payments, place in product((money, money[::-1]), range(5)):
        steps = (ALL, *payments[:place], newest, *payments[place:], newest)
        assert end(steps) == ({"RE-1": 1_867, "RE-2": 645, "RE-3": 0}, 0)


def test_money_no_list_could_know_makes_room_by_changing_places_with_some_it_could(end: End) -> None:
    """What the late payment left of RE-1 is older money by then, which a list may have known."""
    newest = listed({"RE-1": 0, "RE-2": 8_000, "RE-3": 0}, day=1)
    guessed, late = paid(5_086), paid(8_131, "RE-1", "2026-11-26")
    for steps in ((newest, guessed, late), (guessed, newest, late), (guessed, late, newest)):
        assert end((ALL, *steps)) == ({"RE-1": 0, "RE-2": 8_000, "RE-3": 0}, 0)


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


def test_what_an_invoice_was_over_paid_is_credit_once_whichever_comes_first(end: End, database: Database) -> None:
    over = listed({"RE-1": -2_000, "RE-2": 8_000}, day=1)
    for steps in ((over, paid(12_000, "RE-1")), (paid(12_000, "RE-1"), over), (BOTH, paid(12_000, "RE-1"), over, over)):
        assert end(steps) == ({"RE-1": -2_000, "RE-2": 8_000}, 0)
        with database.snapshot() as connection:
            owner = connection.execute(sa.select(account)).one()
        assert (owner.open, owner.credit, owner.oldest_due.isoformat()) == (6_000, 2_000, "2026-10-20")
    assert end((BOTH, over, listed({"RE-1": 10_000, "RE-2": 8_000}, day=2))) == ({"RE-1": 10_000, "RE-2": 8_000}, 0)


# An old statement that is imported after a later list: what was listed and came in, and what is open in the end.
OLD, AFTER = "2026-11-10", "2026-11-24"
LATE = {
    "what the list took off": ((listed({"RE-1": 6_000}), paid(4_000, "RE-1", OLD)), {"RE-1": 6_000}),
    "for the account": ((listed({"RE-1": 6_000}), paid(4_000, "", OLD)), {"RE-1": 6_000}),
    "gone from the list": (
        (BOTH, listed({"RE-2": 8_000}, day=1), paid(10_000, "RE-1", OLD)),
        {"RE-1": 0, "RE-2": 8_000},
    ),
    "after the list": (
        (listed({"RE-1": 6_000}), paid(4_000, "RE-1", OLD), paid(1_000, "RE-1", AFTER)),
        {"RE-1": 5_000},
    ),
    "after the list, before the old one": (
        (listed({"RE-1": 6_000}), paid(1_000, "RE-1", AFTER), paid(4_000, "RE-1", OLD)),
        {"RE-1": 5_000},
    ),
}


@pytest.mark.parametrize(("steps", "rests"), LATE.values(), ids=LATE)
def test_an_old_payment_that_comes_in_late_lessens_no_figure_that_shows_it(
    end: End, database: Database, steps: tuple[Step, ...], rests: dict[str, int]
) -> None:
    assert end(steps) == (rests, 0)
    with database.snapshot() as connection:
        # Kept, and laid against the invoice whose figure has it already.
        laid = sa.select(sa.func.count()).select_from(allocation).where(allocation.c.amount > 0)
        assert connection.scalar(laid) == sum(1 for _ in connection.execute(sa.select(payment.c.id)))


PAID = st.lists(
    st.tuples(st.sampled_from(sorted(AMOUNTS)), st.integers(min_value=1, max_value=12_000)), max_size=4, unique=True
)
FALLING = st.fixed_dictionaries({name: st.integers(min_value=0, max_value=most) for name, most in AMOUNTS.items()})


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(
    payments=[("RE-3", 10_086), ("RE-2", 2), ("RE-1", 2), ("RE-1", 8_131)],
    rests={"RE-3": 3_653, "RE-2": 645, "RE-1": 3_536},  # due in this order by then
    place=0,
)
@given(payments=PAID, rests=FALLING, place=st.integers(min_value=0, max_value=4))
def test_the_order_of_a_list_and_of_payments_that_name_invoices_does_not_matter(
    end: End, payments: list[tuple[str, int]], rests: dict[str, int], place: int
) -> None:
    newest = listed(rests, day=1)
    money = [paid(amount, name) for name, amount in payments]
    known = end((ALL, *money, newest))
    other = end((ALL, *money[:place], newest, *money[place:]))
    named = {name: sum(amount for one, amount in payments if one == name) for name in AMOUNTS}
    left = {name: min(rests[name], max(most - named[name], 0)) for name, most in AMOUNTS.items()}
    # What is left over is first what the list took off and no payment names, then pays what is open.
    over = sum(max(named[name] - most, 0) for name, most in AMOUNTS.items())
    unexplained = sum(max(most - rests[name] - named[name], 0) for name, most in AMOUNTS.items())
    total = sum(left.values()) - max(over - unexplained, 0)
    assert sum(known[0].values()) - known[1] == total
    assert sum(other[0].values()) - other[1] == total
    if over <= unexplained:  # nothing that pays what it does not name
        assert known == other == (left, 0)
