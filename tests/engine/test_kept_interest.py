"""What becomes of interest once a plan or settlement was kept: as it was agreed; who was thanked owes no rest of it."""

from contactd.config.agreements import Agreements
from contactd.config.claims import Claims
from contactd.domain.agreement import Kind, State
from contactd.store.database import Database
from tests.engine.books import Bookkeeper, day, settings_of

CLAIMS = Claims(due_date_agreed=True)
WAIVES = settings_of(claims=CLAIMS)
KEEPS = settings_of(claims=CLAIMS, agreements=Agreements(interest="keep"))


def keeper(database: Database, *, keep: bool = False) -> Bookkeeper:
    made = Bookkeeper(database, KEEPS if keep else WAIVES)
    made.owing(100_000)
    return made


def pay_plan(books: Bookkeeper) -> None:
    """Agree on two instalments over the invoice and pay them in time."""
    books.agree(Kind.PLAN, on=day(1), count=2, state=State.CONFIRMED)
    for number in (1, 31):
        books.wake(number)
        books.pay(50_000)
    assert books.states() == ["fulfilled"]


def test_a_plan_that_was_kept_leaves_nothing_to_ask_for(database: Database) -> None:
    books = keeper(database)
    pay_plan(books)
    books.invoice("R-2", 10_000, due=40)
    books.at = 60
    assert books.statement().principal == 10_000
    assert {one.claim for one in books.statement().balances if one.open} == {"R-2"}
    assert books.told()[0]["interest"] == "waive"


def test_it_keeps_the_interest_where_that_was_agreed(database: Database) -> None:
    books = keeper(database, keep=True)
    pay_plan(books)
    assert books.statement().open > 0
    assert books.told()[0]["interest"] == "keep"
    books.settings = WAIVES  # what is agreed from now on
    books.wake(40)
    assert books.statement().open > 0


def test_a_plan_over_a_part_gives_up_nothing_of_the_rest(database: Database) -> None:
    books = keeper(database)
    books.agree(Kind.PLAN, amount="400.00", on=day(1), count=2, state=State.CONFIRMED)
    books.pay(40_000)
    assert books.states() == ["fulfilled"]
    assert books.stands() == (60_000, 0, {"R-1": 60_000})
    assert books.statement().payoff > 60_000  # it is not the end: what is left bears its interest


def test_interest_is_owed_again_when_a_payment_of_the_plan_goes_back(database: Database) -> None:
    books = keeper(database)
    books.agree(Kind.PLAN, on=day(1), count=2, state=State.CONFIRMED)
    books.pay(50_000)
    before = books.statement().open
    books.pay(50_001)
    assert books.statement().open == 0
    books.pay(-50_001)
    assert (books.states(), books.stands()[0], books.statement().open) == (["active"], 50_000, before)


def test_a_settlement_that_was_kept_leaves_nothing(database: Database) -> None:
    books = keeper(database)
    books.agree(Kind.SETTLEMENT, amount="600.00", on=day(5))
    books.wake(2)
    books.pay(60_000)
    books.at = 60
    assert (books.states(), books.statement().open, books.stands()[0]) == (["fulfilled"], 0, 0)


def test_a_settlement_may_be_over_the_invoices_only(database: Database) -> None:
    books = keeper(database, keep=True)
    books.agree(Kind.SETTLEMENT, amount="600.00", on=day(5))
    books.wake(2)
    interest = books.statement().accrued
    books.pay(60_000)
    assert (books.states(), books.stands()[0]) == (["fulfilled"], 0)
    assert 0 < books.statement().open <= interest + 30  # of the day itself
