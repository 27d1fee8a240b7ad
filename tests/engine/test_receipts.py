"""Money that was there before something was agreed on, and became known to be the account's only afterwards."""

from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contactd.config.agreements import Agreements
from contactd.domain.agreement import Kind, State
from contactd.store.columns import metadata
from contactd.store.database import Database
from contactd.store.schema import invoice
from tests.engine.books import Bookkeeper, day, settings_of


@pytest.fixture
def books(database: Database) -> Bookkeeper:
    return Bookkeeper(database, settings_of(agreements=Agreements(missed_instalments=1)))


def sums(books: Bookkeeper) -> tuple[str, str]:
    """Read what came in for the newest agreement and what is missing of it."""
    told = books.told()[-1]
    return told["received"]["amount"], told["missing"]["amount"]


@pytest.mark.parametrize("waits", [True, False])
def test_who_paid_a_part_yesterday_and_promises_the_rest_owes_the_rest(books: Bookkeeper, *, waits: bool) -> None:
    owner = books.owing(10_000)
    number = books.wait(4_000, on=-1) if waits else 0
    books.agree(Kind.PROMISE, amount="60.00", on=day(4))
    books.assign(number, owner) if waits else books.pay(4_000, on=-1)  # the statement of yesterday comes today
    assert (books.states(), sums(books), books.stands()[0]) == (["open"], ("0.00", "60.00"), 6_000)
    books.wake(10)
    assert books.logged()[-1] == ("broken", "promise 1: 60.00 EUR of 60.00 EUR missing")
    books.pay(6_000, on=9)
    assert (books.states(), sums(books)) == (["kept"], ("60.00", "0.00"))


def test_who_promised_all_is_asked_for_no_more_than_is_left(books: Bookkeeper) -> None:
    owner = books.owing(10_000)
    number = books.wait(4_000, on=-1)
    books.agree(Kind.PROMISE, on=day(4))
    books.assign(number, owner)
    assert (books.states(), sums(books)) == (["open"], ("40.00", "60.00"))
    books.wake(10)
    assert books.logged()[-1] == ("broken", "promise 1: 60.00 EUR of 100.00 EUR missing")  # nothing of it was kept
    books.pay(6_000, on=9)
    assert books.states() == ["kept"]


def test_a_promise_of_what_had_been_paid_ends_without_being_kept_or_broken(books: Bookkeeper) -> None:
    owner = books.owing(10_000)
    number = books.wait(10_000, on=-1)
    books.agree(Kind.PROMISE, amount="60.00", on=day(4))
    books.assign(number, owner)
    assert (books.states(), books.hold(owner)) == (["paid_before"], ("", None))
    assert books.logged()[-1] == ("paid_before", "promise 1: paid before it was made")
    books.wake(11)
    assert books.states() == ["paid_before"]


def test_what_waited_since_before_is_not_new_whatever_its_value_date(books: Bookkeeper) -> None:
    owner = books.owing(10_000)
    number = books.wait(6_000, on=0)
    books.agree(Kind.PROMISE, amount="40.00", on=day(4))
    books.assign(number, owner)
    assert (books.states(), sums(books)) == (["open"], ("0.00", "40.00"))
    books.pay(4_000)  # of the same day, and heard of after it
    assert books.states() == ["kept"]


def test_money_that_waited_and_came_after_the_promise_keeps_it(books: Bookkeeper) -> None:
    owner = books.owing(10_000)
    books.agree(Kind.PROMISE, amount="60.00", on=day(4))
    books.at = 2
    number = books.wait(6_000, on=1)
    books.at = 3
    books.assign(number, owner)
    assert books.states() == ["kept"]


def test_what_was_assigned_before_was_off_the_sum_already(books: Bookkeeper) -> None:
    owner = books.owing(10_000)
    books.assign(books.wait(4_000, on=-1), owner)
    books.agree(Kind.PROMISE, on=day(4))
    assert sums(books) == ("0.00", "60.00")


def test_who_says_paid_means_the_very_money_that_waits(books: Bookkeeper) -> None:
    owner = books.owing(10_000)
    number = books.wait(4_000, on=-1)
    books.agree(Kind.SAYS_PAID, amount="40.00")
    books.assign(number, owner)
    assert (books.states(), books.stands()[0]) == (["kept"], 6_000)


@pytest.mark.parametrize(
    ("kind", "order"), [(Kind.PLAN, {"count": 3, "state": State.SENT}), (Kind.SETTLEMENT, {"amount": "90.00"})]
)
def test_no_plan_or_settlement_is_begun_or_kept_by_it(books: Bookkeeper, kind: Kind, order: dict[str, Any]) -> None:
    owner = books.owing(12_000)
    number = books.wait(9_000, on=-1)
    books.agree(kind, on=day(7), **order)
    before = books.states()
    books.assign(number, owner)
    assert (books.states(), books.stands()[0]) == (before, 3_000)
    books.pay(3_000)
    assert books.states() == ["fulfilled"]


def test_a_return_of_two_payments_is_told_whole(books: Bookkeeper) -> None:
    books.owing(10_000)
    books.agree(Kind.PROMISE, amount="60.00", on=day(4))
    books.pay(2_500)
    books.pay(3_500)
    books.at = 1
    books.pay(-6_000)
    assert books.logged()[-1][1] == "promise 1: 60.00 EUR went back on 2026-11-24; 60.00 EUR of 60.00 EUR missing"


def test_it_takes_nothing_more_off_once_it_went_back(books: Bookkeeper) -> None:
    owner = books.owing(10_000)
    number = books.wait(4_000, on=-1)
    books.agree(Kind.PROMISE, on=day(4))
    books.assign(number, owner)
    books.at = 1
    books.pay(-4_000)
    assert (books.states(), sums(books)) == (["open"], ("0.00", "100.00"))


@pytest.mark.parametrize(
    ("kind", "order", "again"),
    [
        (Kind.PROMISE, {"amount": "60.00"}, "open"),
        (Kind.SETTLEMENT, {"amount": "60.00"}, "open"),
        (Kind.PLAN, {"count": 3, "state": State.CONFIRMED}, "confirmed"),
    ],
)
def test_what_had_been_paid_before_is_agreed_on_again_when_that_money_goes_back(
    books: Bookkeeper, kind: Kind, order: dict[str, Any], again: str
) -> None:
    owner = books.owing(10_000)
    number = books.wait(10_000, on=-1)
    books.agree(kind, on=day(4), **order)
    books.assign(number, owner)
    assert books.states() == ["paid_before"]
    books.at = 1
    books.pay(-10_000)
    assert (books.states(), books.stands()[0]) == ([again], 10_000)
    assert "100.00 EUR went back on 2026-11-24" in books.logged()[-1][1]
    assert books.hold(owner)[0] == kind


def test_what_a_newer_agreement_has_superseded_stays_so_whatever_goes_back(books: Bookkeeper) -> None:
    owner = books.owing(10_000)
    number = books.wait(10_000, on=-1)
    books.agree(Kind.PROMISE, amount="60.00", on=day(4))
    books.agree(Kind.PROMISE, amount="50.00", on=day(6))
    books.assign(number, owner)
    assert books.states() == ["superseded", "paid_before"]
    books.at = 1
    books.pay(-10_000)
    assert books.states() == ["superseded", "open"]


def test_money_that_goes_back_as_of_its_own_day_keeps_nothing(books: Bookkeeper) -> None:
    """Banks book a return with the value date of what it takes back."""
    owner = books.owing(10_000)
    number = books.wait(10_000, on=-1)
    books.agree(Kind.PROMISE, amount="60.00", on=day(4))
    books.assign(number, owner)
    books.at = 1
    books.pay(-10_000, on=-1)
    assert (books.states(), books.hold(owner)[0]) == (["open"], Kind.PROMISE)
    books.wake(10)
    assert books.states() == ["broken"]


def test_a_plan_nobody_agreed_to_is_only_offered_again_when_the_money_goes_back(books: Bookkeeper) -> None:
    owner = books.owing(10_000)
    number = books.wait(10_000, on=-1)
    books.agree(Kind.PLAN, on=day(4), count=3, state=State.SENT)
    books.assign(number, owner)
    assert books.states() == ["paid_before"]
    books.at = 1
    books.pay(-10_000)
    assert books.states() == ["sent"]
    books.say(1, "confirm")
    assert books.states() == ["confirmed"]


def test_a_plan_with_a_notice_is_not_due_at_once_when_the_money_goes_back(books: Bookkeeper) -> None:
    agreed = Agreements(missed_instalments=1, needs_notice="always")
    books.settings = settings_of(agreements=agreed)
    owner = books.owing(10_000)
    number = books.wait(10_000, on=-1)
    books.agree(Kind.PLAN, on=day(4), count=3, state=State.CONFIRMED)
    books.assign(number, owner)
    books.at = 20  # the first instalment was due meanwhile
    books.pay(-10_000)
    assert books.states() == ["confirmed"]


def test_an_invoice_that_lists_tell_of_late_undoes_no_promise_that_was_kept(books: Bookkeeper) -> None:
    """Creditors who list what is overdue tell of an invoice weeks after its date."""
    owner = books.owing(10_000)
    number = books.wait(4_000, on=-1)
    books.agree(Kind.PROMISE, on=day(4))
    books.assign(number, owner)
    books.at = 1
    books.pay(6_000)
    assert books.states() == ["kept"]
    books.at = 2
    books.invoice("R-2", 5_000, due=1)
    books.at = 10
    books.pay(1_000)
    assert books.states() == ["kept"]


def test_what_is_disputed_is_not_left_to_pay_beside_the_promise(books: Bookkeeper) -> None:
    owner = books.owing(10_000, 5_000)
    books.agree(Kind.DISPUTE, invoice_no="R-2", reason="never delivered")
    number = books.wait(4_000, on=-1)
    books.agree(Kind.PROMISE, on=day(4))
    books.assign(number, owner)
    assert (books.stands()[0], sums(books)) == (6_000, ("40.00", "60.00"))
    books.at = 1
    books.pay(6_000)
    assert books.states() == ["open", "kept"]
    books.say(1, "reject")
    books.wake(10)
    books.pay(1_000)
    assert books.states() == ["rejected", "kept"]


def test_an_invoice_that_lists_tell_of_late_asks_for_nothing_again_that_was_paid_before(books: Bookkeeper) -> None:
    owner = books.owing(10_000)
    number = books.wait(10_000, on=-1)
    books.agree(Kind.PROMISE, on=day(4))
    books.assign(number, owner)
    books.at = 2
    books.invoice("R-2", 5_000, due=1)
    books.at = 10
    books.pay(1_000)
    assert books.states() == ["paid_before"]
    books.pay(-10_000)
    assert books.states() == ["broken"]


@pytest.mark.parametrize("told_first", [True, False])
@pytest.mark.parametrize(
    ("kind", "order", "kept"),
    [
        (Kind.PROMISE, {}, "kept"),
        (Kind.PLAN, {"count": 1, "state": State.SENT}, "fulfilled"),
        (Kind.PLAN, {"count": 1, "state": State.CONFIRMED}, "fulfilled"),
    ],
)
def test_an_older_invoice_that_lists_tell_of_later_was_not_promised(
    books: Bookkeeper, kind: Kind, order: dict[str, Any], kept: str, *, told_first: bool
) -> None:
    owner = books.owing(10_000)
    number = books.wait(4_000, on=-1)
    books.agree(kind, on=day(4), **order)
    if not told_first:
        books.assign(number, owner)
    books.at = 2
    books.invoice("R-2", 5_000, due=-40)
    if told_first:
        books.assign(number, owner)
    books.wake(3)
    assert sums(books) == ("40.00", "60.00")
    books.pay(6_000)
    assert books.states() == [kept]
    books.wake(20)
    books.pay(1_000)
    assert books.states() == [kept]


money = st.lists(
    st.tuples(st.sampled_from(["assign", "pay", "back", "wake"]), st.sampled_from([2_000, 4_000, 6_000, 10_000])),
    min_size=1,
    max_size=6,
)


@given(st.sampled_from([(Kind.PROMISE, None), (Kind.PLAN, 2)]), st.sampled_from(["60.00", "100.00"]), money,
       st.integers(0, 5))  # fmt: skip
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_paid_an_older_invoice_that_is_told_of_late_changes_nothing_that_was_agreed_on(
    database: Database, what: tuple[Kind, int | None], amount: str, happened: list[tuple[str, int]], place: int
) -> None:
    ends = []
    for told in (False, True):
        with database.transaction() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(sa.delete(table))
        books = Bookkeeper(database, settings_of(agreements=Agreements(missed_instalments=1)))
        owner = books.owing(10_000)
        waiting = [books.wait(minor, on=-1) for one, minor in happened if one == "assign"]
        kind, count = what
        books.agree(kind, on=day(4), amount=amount, count=count, state=State.CONFIRMED)
        paid: list[int] = []
        for number, (one, minor) in enumerate(happened):
            books.at += 2
            if told and number == min(place, len(happened) - 1):
                books.invoice("R-2", 5_000, due=-40)
            if one == "assign":
                books.assign(waiting.pop(), owner)
            elif one == "pay":
                paid.append(minor)
                books.pay(minor)
            elif one == "back" and paid:
                books.pay(-paid.pop())
            else:
                books.wake(books.at)
        settled = not told and books.stands()[0] == 0  # who owes nothing any more has kept it, though late
        ends.append((["kept"] if settled else books.states(), books.told()[-1]["missing"]))
    if ends[0][0] != ["kept"]:
        assert ends[0] == ends[1]


def test_an_invoice_in_dispute_was_not_promised_whatever_becomes_of_it(books: Bookkeeper) -> None:
    owner = books.owing(10_000, 5_000)
    books.agree(Kind.DISPUTE, invoice_no="R-2", reason="never delivered")
    number = books.wait(4_000, on=-1)
    books.agree(Kind.PROMISE, on=day(4))
    books.assign(number, owner)
    books.say(1, "reject")
    assert sums(books) == ("40.00", "60.00")
    books.pay(6_000)
    assert books.states() == ["rejected", "kept"]


def test_what_a_list_took_off_stays_off_the_promise_when_it_tells_of_another_invoice(books: Bookkeeper) -> None:
    books.owing(10_000)
    books.agree(Kind.PROMISE, on=day(4))
    books.at = 1
    books.list_of({"R-1": 6_000})
    books.invoice("R-2", 5_000, due=-40)
    with books.database.transaction() as connection:  # it was paid in part when the list first told of it
        mine = sa.update(invoice).where(invoice.c.invoice_no == "R-2")
        connection.execute(mine.values(amount=9_000, taken_off=4_000, taken_off_on=day(1)))
    books.wake(2)
    assert sums(books) == ("40.00", "60.00")
    books.pay(6_000)
    assert books.states() == ["kept"]


def test_what_lists_had_taken_off_by_then_is_off_the_promise_once(books: Bookkeeper) -> None:
    """Its payment is heard of only later, and the list of a later day takes off more."""
    books.owing(10_000)
    books.list_of({"R-1": 7_000})
    books.agree(Kind.PROMISE, on=day(4))
    books.at = 1
    books.pay(3_000, on=-1)
    assert sums(books) == ("0.00", "70.00")
    books.at = 2
    books.list_of({"R-1": 5_000})
    assert sums(books) == ("20.00", "50.00")


def test_money_that_names_what_was_not_promised_shortens_no_promise(books: Bookkeeper) -> None:
    books.owing(10_000)
    books.agree(Kind.PROMISE, on=day(4))
    books.at = 1
    books.invoice("R-2", 5_000, due=-40)
    books.pay(4_000, on=-1, invoice_no="R-2")
    assert sums(books) == ("0.00", "100.00")


def test_a_promise_sends_money_to_no_other_invoice_than_the_law(books: Bookkeeper) -> None:
    books.owing(10_000)
    books.agree(Kind.PROMISE, on=day(4))
    books.invoice("R-2", 5_000, due=-40)
    books.pay(5_000)
    assert books.stands()[2] == {"R-1": 10_000, "R-2": 0}


def test_what_was_kept_by_whatever_way_is_undone_by_a_return_with_an_older_value_date(books: Bookkeeper) -> None:
    books.owing(10_000)
    books.agree(Kind.PROMISE, on=day(4))
    books.pay(4_000)
    books.at = 2
    books.invoice("C-1", -6_000, due=30)
    books.wake(2)
    assert books.states() == ["kept"]
    books.at = 3
    books.pay(-4_000, on=0)
    assert (books.states(), sums(books)) == (["open"], ("0.00", "100.00"))
    books.pay(4_000)
    books.wake(4)
    assert books.states() == ["kept"]
