"""Agreements on both databases: what is made, what is refused and how to mend it, what rests and what goes on."""

from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from contactd.config.agreements import Agreements
from contactd.domain.agreement import Kind, State
from contactd.domain.errors import InputError
from contactd.domain.money import Money
from contactd.engine.agreements.arranging import Arranging
from contactd.engine.agreements.judgement import judge_of, today_of
from contactd.engine.tasks.tasking import Saying, Tasking
from contactd.store import payments
from contactd.store.database import Database
from contactd.store.payments import NewPayment
from contactd.store.schema import account, invoice
from tests.clock import HandClock
from tests.engine.books import AGENCY, Bookkeeper, day, settings_of

OPEN, KEPT, BROKEN = "open", "kept", "broken"


@pytest.fixture
def books(database: Database) -> Bookkeeper:
    return Bookkeeper(database, settings_of(agreements=Agreements(missed_instalments=1)))


def test_a_promise_rests_the_ladder_until_it_is_kept(books: Bookkeeper) -> None:
    owner = books.owing(10_000)
    made = books.agree(Kind.PROMISE, amount="60.00", on=day(4), reason="wages come on the 25th")
    assert (made.agreed.state, made.amount, made.rests_until) == (State.OPEN, 6_000, day(9))
    assert books.hold(owner) == ("promise", day(9))  # a Friday and three banking days
    books.at = 2
    books.pay(2_500)
    assert (books.states(), books.hold(owner)) == ([OPEN], ("promise", day(9)))
    books.pay(3_500)
    assert (books.states(), books.hold(owner)) == ([KEPT], ("", None))
    assert books.logged() == [("open", "promise 1: wages come on the 25th"), ("kept", "promise 1")]


def test_a_promise_of_which_nothing_came_is_broken_once_the_grace_is_over(books: Bookkeeper) -> None:
    owner = books.owing(10_000)
    books.agree(Kind.PROMISE, on=day(4))
    books.wake(9)
    assert (books.states(), books.hold(owner)) == ([OPEN], ("promise", day(9)))
    books.wake(10)
    assert (books.states(), books.hold(owner)) == ([BROKEN], ("", None))
    assert books.logged()[-1] == ("broken", "promise 1: 100.00 EUR of 100.00 EUR missing")
    assert books.told()[0]["went_back"] is None
    books.wake(11)
    assert len(books.logged()) == 2


def test_a_part_is_told_from_nothing_and_a_late_list_mends_it(books: Bookkeeper) -> None:
    owner = books.owing(10_000)
    books.agree(Kind.PROMISE, on=day(4))
    books.pay(4_000)
    books.wake(10)
    assert (books.states(), books.hold(owner)) == (["partially_kept"], ("", None))
    books.pay(6_000, on=9)  # the list came late, the money did not
    assert books.states() == [KEPT]


def test_a_return_opens_a_promise_again_and_breaks_it_when_time_is_up(books: Bookkeeper) -> None:
    owner = books.owing(10_000)
    books.agree(Kind.PROMISE, amount="60.00", on=day(4))
    books.pay(6_000)
    assert books.states() == [KEPT]
    books.at = 3
    books.pay(-6_000)
    assert (books.states(), books.hold(owner)) == ([OPEN], ("promise", day(9)))
    back = "60.00 EUR went back on 2026-11-26; 60.00 EUR of 60.00 EUR missing"
    assert books.logged()[-1] == ("open", f"promise 1: {back}")
    assert books.told()[0]["went_back"] == {"on": "2026-11-26", "amount": {"amount": "60.00", "currency": "EUR"}}
    books.pay(6_000)
    assert books.states() == [KEPT]
    books.at = 30
    books.pay(-6_000)
    assert (books.states(), books.hold(owner)) == ([BROKEN], ("", None))
    assert "60.00 EUR went back on 2026-12-23; 60.00 EUR of" in books.told()[0]["history"][-1]["reason"]


def test_what_was_known_before_was_off_the_sum_already(books: Bookkeeper) -> None:
    books.owing(10_000)
    books.pay(5_000)
    books.agree(Kind.PROMISE, on=day(4))
    assert books.told()[0]["missing"] == {"amount": "50.00", "currency": "EUR"}
    books.pay(5_000, on=-3)  # sent before, heard of after: there was nothing left to promise
    assert books.states() == ["paid_before"]
    assert books.logged()[-1] == ("paid_before", "promise 1: paid before it was made")


def test_the_newer_promise_supersedes_the_older(books: Bookkeeper) -> None:
    owner = books.owing(10_000)
    books.agree(Kind.PROMISE, on=day(1), amount="30.00")
    books.agree(Kind.PROMISE, on=day(8), amount="50.00")
    assert (books.states(), books.hold(owner)) == (["superseded", OPEN], ("promise", day(11)))
    books.at = 1
    books.pay(5_000)
    assert books.states() == ["superseded", KEPT]


def test_a_return_revives_no_promise_beside_a_newer_one(books: Bookkeeper) -> None:
    books.owing(10_000)
    books.agree(Kind.PROMISE, on=day(4), amount="30.00")
    books.pay(3_000)
    books.agree(Kind.PROMISE, on=day(8), amount="50.00")
    books.pay(-3_000)
    assert books.states() == ["superseded", OPEN]


def test_whoever_owes_nothing_any_more_kept_it_however_that_came(books: Bookkeeper) -> None:
    owner = books.owing(10_000)
    books.agree(Kind.PROMISE, on=day(4))
    with books.database.transaction() as connection:
        connection.execute(sa.update(invoice).values(open=0))
        connection.execute(sa.update(account).values(open=0, oldest_due=None))
    books.wake(1)
    assert (books.states(), books.hold(owner)) == ([KEPT], ("", None))
    books.pay(1, on=30)
    assert books.states() == [KEPT]


def test_a_plan_goes_from_draft_to_fulfilled(books: Bookkeeper) -> None:
    owner = books.owing(10_000)
    made = books.agree(Kind.PLAN, on=day(7), count=3)
    assert [part.amount for part in made.agreed.parts] == [3_334, 3_333, 3_333]
    assert [part.due_on for part in made.agreed.parts] == [date(2026, 11, 30), date(2026, 12, 30), date(2027, 1, 30)]
    assert books.hold(owner) == ("", None)
    assert books.say(made.id, "sent").agreed.state is State.SENT
    assert books.hold(owner) == ("plan", day(10))  # the first instalment's last day comes before the answer's
    assert books.say(made.id, "confirm").agreed.state is State.CONFIRMED
    for at, amount, state in ((5, 3_334, "active"), (40, 3_333, "active"), (60, 3_333, "fulfilled")):
        books.at = at
        books.pay(amount)
        assert books.states() == [state]
    assert books.hold(owner) == ("", None)


def test_one_missed_instalment_ends_a_plan(books: Bookkeeper) -> None:
    owner = books.owing(10_000)
    books.agree(Kind.PLAN, on=day(7), instalment="40.00", state=State.CONFIRMED)
    books.pay(4_000)
    assert books.hold(owner)[0] == "plan"
    books.wake(42)
    assert books.states() == ["active"]
    books.wake(44)
    assert (books.states(), books.hold(owner)) == (["defaulted"], ("", None))
    assert books.logged()[-1] == ("defaulted", "plan 1: 60.00 EUR of 100.00 EUR missing")


def test_two_are_missed_where_the_settings_say_two(database: Database) -> None:
    books = Bookkeeper(database, settings_of(agreements=Agreements(missed_instalments=2, tolerance=Money(1, "EUR"))))
    books.owing(9_000)
    books.agree(Kind.PLAN, on=day(7), count=3, state=State.CONFIRMED)
    books.wake(15)
    assert books.states() == ["confirmed"]
    books.wake(45)
    assert books.states() == ["defaulted"]


def test_a_plan_nobody_answers_is_cancelled(books: Bookkeeper) -> None:
    owner = books.owing(10_000)
    books.agree(Kind.PLAN, on=day(30), count=2, state=State.SENT)
    assert books.hold(owner) == ("plan", day(14))
    books.wake(15)
    assert (books.states(), books.hold(owner)) == (["cancelled"], ("", None))


def test_a_plan_supersedes_promises_once_it_is_sent_and_bars_others_in_force(books: Bookkeeper) -> None:
    books.owing(10_000)
    books.agree(Kind.PROMISE, on=day(4))
    drafted = books.agree(Kind.PLAN, on=day(7), count=2)
    assert books.states() == [OPEN, "draft"]
    books.say(drafted.id, "confirm")
    assert books.states() == ["superseded", "confirmed"]
    with pytest.raises(InputError, match="plan 2 is in force; end it first: contactd agree withdraw 2"):
        books.agree(Kind.PROMISE, on=day(4))
    books.say(2, "withdraw")
    books.agree(Kind.PROMISE, on=day(4))
    assert books.states() == ["superseded", "cancelled", OPEN]


@pytest.mark.parametrize(
    ("kind", "order", "until", "ends"),
    [
        (Kind.DEFERRAL, {"on": day(5)}, day(5), "expired"),
        (Kind.HARDSHIP, {}, day(30), "expired"),
        (Kind.SAYS_PAID, {}, day(7), "expired"),
        (Kind.SAYS_PAID, {"on": day(2)}, day(2), "expired"),
    ],
)
def test_a_pause_ends_by_itself_or_when_nothing_is_owed(
    books: Bookkeeper, kind: Kind, order: dict[str, Any], until: date, ends: str
) -> None:
    owner, other = books.owing(10_000), books.owing(10_000, number="K-2")
    books.agree(kind, **order)
    books.agree(kind, number="K-2", **order)
    assert books.hold(owner) == (kind.value, until)
    books.pay(10_000, number="K-2")
    assert books.states() == [OPEN, KEPT]
    books.wake((until - day(0)).days + 1)
    assert (books.states(), books.hold(owner), books.hold(other)) == ([ends, KEPT], ("", None), ("", None))


def test_a_dispute_takes_its_invoice_out_until_somebody_decides(books: Bookkeeper) -> None:
    owner = books.owing(10_000, 5_000)
    made = books.agree(Kind.DISPUTE, invoice_no="R-1", reason="never delivered", owner="anna", on=day(3))
    assert made.amount == 10_000
    assert (_open(books, owner), books.hold(owner)) == ((5_000, True), ("", None))
    with pytest.raises(InputError, match="invoice R-1 is disputed already, by agreement 1"):
        books.agree(Kind.DISPUTE, invoice_no="R-1", reason="again")
    books.wake(4)
    assert books.states() == ["overdue"]
    books.say(made.id, "reject")
    assert (books.states(), _open(books, owner)) == (["rejected"], (15_000, False))
    upheld = books.agree(Kind.DISPUTE, invoice_no="R-2", reason="twice", amount="20.00")
    assert upheld.amount == 2_000
    books.say(upheld.id, "uphold")
    assert (books.states(), _open(books, owner)) == (["rejected", "upheld"], (10_000, True))


def _open(books: Bookkeeper, owner: int) -> tuple[int, bool]:
    with books.database.snapshot() as connection:
        row = connection.execute(sa.select(account.c.open, account.c.disputed).where(account.c.id == owner)).one()
    return row.open, row.disputed


def test_a_hold_for_another_reason_stays_and_gives_the_agreement_its_own_back(books: Bookkeeper) -> None:
    owner = books.owing(10_000)
    books.agree(Kind.PROMISE, on=day(4))
    with books.database.transaction() as connection:
        payments.hold_rejected(connection, {"K-1"}, books.now, release=False)
    assert books.hold(owner) == ("payment_rejected", None)  # who may have paid rests longer
    books.wake(1)
    assert books.hold(owner) == ("payment_rejected", None)
    with books.database.transaction() as connection:
        payments.hold_rejected(connection, set(), books.now, release=True)
    assert books.hold(owner) == ("promise", day(9))
    books.say(1, "withdraw", "wrong account")
    assert (books.states(), books.hold(owner)) == (["withdrawn"], ("", None))
    assert books.told()[0]["history"][-1]["reason"] == "wrong account"


def test_a_payment_to_be_assigned_rests_the_ladder_beside_an_agreement_and_the_longer_counts(books: Bookkeeper) -> None:
    owner = books.owing(10_000)
    with books.database.transaction() as connection:
        waits = NewPayment("mark", "", "", "", 4_000, "EUR", day(-3), "danke")
        payments.record(connection, [waits], lambda: books.now)
        judge_of(books.settings, HandClock(books.now)).rest(connection, {1: [owner]})
    rests = ("payment_to_assign", day(7))  # five banking days
    assert books.hold(owner) == rests
    made = books.agree(Kind.PROMISE, on=day(4))
    assert books.hold(owner) == ("promise", day(9))
    books.say(made.id, "withdraw", "no promise")
    assert books.hold(owner) == rests
    with books.database.transaction() as connection:
        Tasking(books.settings, connection, by="anna", now=books.now).say(1, Saying("postpone", due_on=day(8)))
    assert books.hold(owner) == ("payment_to_assign", day(8))
    with books.database.transaction() as connection:
        payments.hold_rejected(connection, {"K-1"}, books.now, release=False)
    assert books.hold(owner) == ("payment_rejected", None)
    with books.database.transaction() as connection:
        payments.hold_rejected(connection, set(), books.now, release=True)
        Tasking(books.settings, connection, by="anna", now=books.now).say(1, Saying("drop", "not theirs"))
    assert books.hold(owner) == ("", None)


@pytest.mark.parametrize(
    ("kind", "order", "says"),
    [
        (Kind.PROMISE, {}, "the day of the promise is missing: --on 2026-11-23"),
        (Kind.PROMISE, {"on": day(-1)}, "is past: 2026-11-22; it may be 2026-11-23 or later"),
        (Kind.PROMISE, {"on": date(2061, 1, 1)}, "too far away"),
        (Kind.PROMISE, {"on": day(1), "amount": "100.01"}, "100.01 EUR is more than the 100.00 EUR that are open"),
        (Kind.PROMISE, {"on": day(1), "amount": "0"}, "nothing to agree on; open: 100.00 EUR"),
        (Kind.PROMISE, {"on": day(1), "amount": "5 USD"}, "the account is in EUR, not USD"),
        (Kind.PROMISE, {"on": day(1), "amount": "12,50"}, "no amount; write it like 120.00"),
        (Kind.PLAN, {"on": day(1), "count": 11}, "below the minimum of 10.00 EUR; at most 10 are possible"),
        (Kind.PLAN, {"on": day(1), "count": 2, "amount": "15"}, "it must be paid at once"),
        (Kind.PLAN, {"on": day(1), "count": 0}, "0 instalments"),
        (Kind.PLAN, {"on": day(1)}, "say how many instalments"),
        (Kind.PLAN, {"on": day(1), "instalment": "9.99"}, "9.99 EUR are below the minimum of 10.00 EUR"),
        (Kind.PLAN, {"on": day(1), "count": 2, "every_months": 0}, "every 1 to 12 months, not 0"),
        (Kind.DEFERRAL, {}, "the last day of the deferral is missing"),
        (Kind.HARDSHIP, {"on": day(-1)}, "the day to look again is past"),
        (Kind.DISPUTE, {"invoice_no": "R-9", "reason": "no"}, "no open invoice 'R-9'; open: R-1"),
        (Kind.DISPUTE, {"invoice_no": "R-1"}, "say what is wrong"),
        (Kind.DISPUTE, {"invoice_no": "R-1", "reason": "no", "amount": "101"}, "100.00 EUR is open, not more"),
    ],
)  # fmt: skip
def test_what_cannot_be_agreed_on_is_refused_with_what_could(
    books: Bookkeeper, kind: Kind, order: dict[str, Any], says: str
) -> None:
    owner = books.owing(10_000)
    with pytest.raises(InputError) as refused:
        books.agree(kind, **order)
    assert says in str(refused.value)
    assert (books.states(), books.hold(owner)) == ([], ("", None))


def test_whoever_dies_keeps_nothing_also_where_the_end_of_one_agreement_has_ended_the_next(books: Bookkeeper) -> None:
    books.owing(10_000)
    books.agree(Kind.PLAN, on=day(30), count=2)
    books.agree(Kind.PROMISE, on=day(4))
    books.agree(Kind.DISPUTE, invoice_no="R-1", reason="never delivered")
    with books.database.transaction() as connection:
        connection.execute(sa.update(account).values(customer_id=account.c.id))
    books.at = 20  # no daemon has run since, so that the promise is broken once its account is judged
    with books.database.transaction() as connection:
        Arranging(books.settings, connection, by="anna", now=books.now).end_agreements(1, "deceased")
    assert books.states() == ["cancelled", BROKEN, OPEN]


def test_what_is_said_must_fit(books: Bookkeeper) -> None:
    books.owing(10_000)
    books.agree(Kind.PROMISE, on=day(4))
    with pytest.raises(InputError, match="agreement 1 is a promise; sent is said of a plan"):
        books.say(1, "sent")
    with pytest.raises(InputError, match="there is no agreement 9"):
        books.say(9, "withdraw")
    books.pay(10_000)
    with pytest.raises(InputError, match="a promise that is kept cannot be withdrawn"):
        books.say(1, "withdraw")
    with pytest.raises(InputError, match="nothing is open, so there is nothing to agree on"):
        books.agree(Kind.PROMISE, on=day(4))


def test_an_account_is_named_exactly(books: Bookkeeper) -> None:
    books.owing(10_000)
    books.owing(10_000, currency="USD")
    with pytest.raises(InputError, match="exists for acme in EUR, acme in USD: name creditor and currency"):
        books.agree(Kind.HARDSHIP)
    with pytest.raises(InputError, match="there is no account 'K-9'"):
        books.agree(Kind.HARDSHIP, number="K-9")


@pytest.mark.parametrize(("kind", "order"), [(Kind.PLAN, {"count": 2}), (Kind.DEFERRAL, {})])
def test_an_agency_tells_the_costs_first(database: Database, kind: Kind, order: dict[str, Any]) -> None:
    books = Bookkeeper(database, AGENCY)
    books.owing(10_000)
    with pytest.raises(InputError, match=r"§ 13a\(3\) RDG.*--cost-notice-sent 2026-11-23"):
        books.agree(kind, on=day(7), **order)
    with pytest.raises(InputError, match="2026-11-24, which is to come"):
        books.agree(kind, on=day(7), cost_notice_on=day(1), **order)
    books.agree(kind, on=day(7), cost_notice_on=day(0), **order)
    assert books.told()[0]["cost_notice_sent"] == "2026-11-23"
    books.owing(10_000, number="K-2", kind="business")
    books.agree(kind, number="K-2", on=day(7), **order)  # the law speaks of private persons


def test_a_day_is_one_of_the_creditor_not_of_the_server(books: Bookkeeper) -> None:
    books.at = 0
    late = books.now.replace(hour=23, minute=30)
    assert today_of(books.settings, late) == day(1)
