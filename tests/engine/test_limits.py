"""When claims of the books are statute-barred: what money, agreements and people say of it."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from contactd.config.claims import Claims
from contactd.domain.agreement import Kind as Agreed
from contactd.domain.circumstance import Kind
from contactd.domain.errors import Contradiction, InputError
from contactd.domain.limitation import Ground
from contactd.engine.debt.circumstances import Circumstances, Note
from contactd.engine.debt.claims import Owed, owed_by, terms_of
from contactd.engine.debt.expiring import expiring
from contactd.engine.debt.limits import Limit, limit_of, limit_told, limit_words
from contactd.engine.debt.statement_told import statement_told
from contactd.store import accounts
from contactd.store.database import Database
from contactd.store.schema import account, invoice
from tests.engine.books import Bookkeeper, day, settings_of
from tests.engine.test_circumstances import note

SETTINGS = settings_of(claims=Claims(due_date_agreed=True))
DUE = date(2024, 5, 15)
PLAIN = date(2027, 12, 31)  # three years from the end of 2024


@pytest.fixture
def keeper(database: Database) -> Bookkeeper:
    made = Bookkeeper(database, SETTINGS)
    made.owing(100_000, 20_000)
    with database.transaction() as connection:
        connection.execute(sa.update(invoice).values(invoice_date=date(2024, 5, 1), due_date=DUE))
        accounts.refresh(connection, [1], made.now)
    return made


def owed(keeper: Bookkeeper, as_of: date | None = None) -> Owed:
    with keeper.database.snapshot() as connection:
        [found] = owed_by(connection, [1], terms_of(keeper.settings), as_of or day(keeper.at))
    return found


def limits(keeper: Bookkeeper, as_of: date | None = None) -> dict[str, Limit]:
    found = owed(keeper, as_of)
    return {claim.id: limit_of(found, claim) for claim, _ in found.claims()}


def days(keeper: Bookkeeper, as_of: date | None = None) -> list[tuple[date | None, str]]:
    return [(one.last_day, one.because) for one in limits(keeper, as_of).values()]


def test_without_anything_three_years_run_from_the_end_of_the_year(keeper: Bookkeeper) -> None:
    assert days(keeper) == [(PLAIN, "year"), (PLAIN, "year")]
    assert limits(keeper)["R-1"].began == date(2024, 12, 31)


def test_a_part_payment_begins_the_time_of_its_claim_anew_from_its_own_day(keeper: Bookkeeper) -> None:
    keeper.pay(10_000, on=0, invoice_no="R-2")
    assert days(keeper) == [(PLAIN, "year"), (date(2029, 11, 23), "payment")]
    assert days(keeper, day(-1)) == [(PLAIN, "year"), (PLAIN, "year")]
    keeper.pay(-10_000, on=0, invoice_no="R-2")  # it was taken back: nobody acknowledged anything
    assert days(keeper) == [(PLAIN, "year"), (PLAIN, "year")]


def test_what_only_a_list_took_off_is_not_known_to_be_the_debtors_act(keeper: Bookkeeper) -> None:
    keeper.list_of({"R-1": 100_000, "R-2": 10_000})
    assert days(keeper) == [(PLAIN, "year"), (PLAIN, "year")]


def test_a_plan_counts_once_it_is_confirmed_and_a_deferral_at_once(keeper: Bookkeeper) -> None:
    [plan] = [keeper.agree(Agreed.PLAN, on=day(10), count=4)]
    assert days(keeper) == [(PLAIN, "year"), (PLAIN, "year")]
    keeper.say(plan.id, "confirm")
    assert days(keeper) == [(date(2029, 11, 23), "plan"), (date(2029, 11, 23), "plan")]
    keeper.say(plan.id, "withdraw")
    assert days(keeper) == [(PLAIN, "year"), (PLAIN, "year")]
    keeper.agree(Agreed.DEFERRAL, on=day(10))
    assert {because for _, because in days(keeper)} == {"deferral"}


def test_a_deferral_is_not_counted_while_it_runs_and_says_so(keeper: Bookkeeper) -> None:
    keeper.agree(Agreed.DEFERRAL, on=day(10))
    # By hand: three years from Monday, 23 November 2026, without the ten days to 3 December.
    assert days(keeper)[0] == (date(2029, 12, 3), "deferral")
    assert days(keeper, day(-1))[0] == (PLAIN, "year")
    told = limit_told(limits(keeper)["R-1"])
    assert told["suspended"] == [{"ground": "deferral", "from": day(0), "to": day(10)}]
    assert "without 2026-11-23 to 2026-12-03 (a deferral, § 205 BGB)" in limit_words(told)
    keeper.at = 4
    keeper.agree(Agreed.PROMISE, on=day(20))  # which takes its place
    assert days(keeper)[0] == (date(2029, 11, 27), "deferral")
    assert days(keeper, day(2))[0] == (date(2029, 12, 3), "deferral")  # nobody knew of it yet
    with keeper.database.snapshot() as connection:
        found = list(expiring(connection, terms_of(keeper.settings), day(4), 3650))
    assert {one.last_day for one in found} == {date(2029, 11, 27)}


def test_a_deferral_that_is_over_held_the_time_up_to_its_last_day_and_a_withdrawn_one_never(
    keeper: Bookkeeper,
) -> None:
    made = keeper.agree(Agreed.DEFERRAL, on=day(10))
    keeper.wake(30)
    assert keeper.states() == ["expired"]
    assert days(keeper)[0] == (date(2029, 12, 3), "deferral")
    second = keeper.agree(Agreed.DEFERRAL, on=day(60))
    assert second.id != made.id
    # By hand: from 23 December 2026 three years and the thirty days to 22 January 2027; the first was before.
    assert days(keeper)[0] == (date(2030, 1, 22), "deferral")
    keeper.say(second.id, "withdraw")
    assert days(keeper)[0] == (date(2029, 12, 3), "deferral")


def test_a_deferral_until_tonight_holds_up_nothing_where_it_is_tomorrow_already(keeper: Bookkeeper) -> None:
    with keeper.database.transaction() as connection:
        connection.execute(sa.update(account).values(timezone="Asia/Dubai"))
    keeper.minutes = 12 * 60  # 22:00 in Germany, 01:00 of the next day in Dubai
    keeper.agree(Agreed.DEFERRAL, on=day(0))
    keeper.wake(1)
    assert keeper.states() == ["expired"]
    told = limits(keeper)["R-1"]
    assert (told.last_day, told.because, told.suspensions) == (date(2029, 11, 26), "deferral", ())


def test_what_held_up_nothing_of_the_time_that_runs_is_not_told_with_it(keeper: Bookkeeper) -> None:
    """By hand each day of it would be added, and the sum would not be the last day that is told."""
    keeper.agree(Agreed.DEFERRAL, on=day(10))
    keeper.wake(30)
    note(keeper, Note(Kind.ACKNOWLEDGEMENT, "e-mail: I know I owe it", day(20), "R-1"))
    anew = limits(keeper)["R-1"]
    assert (anew.last_day, anew.because, anew.suspensions) == (date(2029, 12, 13), "acknowledgement", ())
    assert [one.ground for one in limits(keeper)["R-2"].suspensions] == ["deferral"]


def test_what_came_after_the_time_had_run_out_is_not_told_with_it(keeper: Bookkeeper) -> None:
    with keeper.database.transaction() as connection:
        connection.execute(sa.update(invoice).values(invoice_date=date(2019, 5, 1), due_date=date(2019, 5, 31)))
    keeper.agree(Agreed.DEFERRAL, on=day(10))
    barred = limits(keeper)["R-1"]
    assert (barred.last_day, barred.because, barred.suspensions) == (date(2023, 1, 2), "year", ())
    assert limit_words(limit_told(barred)).endswith("fell due, §§ 195, 199 BGB)")


def test_an_acknowledgement_that_was_noted_begins_the_time_anew(keeper: Bookkeeper) -> None:
    note(keeper, Note(Kind.ACKNOWLEDGEMENT, "e-mail: I know I owe it", date(2025, 2, 10), "R-1"))
    assert days(keeper) == [(date(2028, 2, 10), "acknowledgement"), (PLAIN, "year")]
    with keeper.database.snapshot() as connection:
        found = list(expiring(connection, terms_of(keeper.settings), day(0), 3650))
    assert [(one.claim, one.last_day) for one in found] == [("R-1", date(2028, 2, 10)), ("R-2", PLAIN)]


def test_negotiations_hold_the_time_up_while_they_go_on_and_do_not_count_after(keeper: Bookkeeper) -> None:
    made = note(keeper, Note(Kind.NEGOTIATIONS, "lawyer wrote", date(2026, 10, 1), "R-1"))
    assert days(keeper)[0] == (None, "year")
    with keeper.database.transaction() as connection:
        Circumstances(SETTINGS, connection, by="ben", now=keeper.now).end(made.said.id, date(2026, 10, 31))
    # By hand: 31 days of October behind 31 December 2027 is 31 January 2028, a Monday.
    assert days(keeper)[0] == (date(2028, 1, 31), "year")
    assert days(keeper, date(2026, 10, 15))[0] == (None, "year")  # on that day they went on
    told = statement_told(owed(keeper))["claims"][0]["limitation"]
    assert told["suspended"] == [{"ground": "negotiations", "from": date(2026, 10, 1), "to": date(2026, 10, 31)}]
    with pytest.raises(Contradiction, match="ended on 2026-10-31 already"), keeper.database.transaction() as connection:
        Circumstances(SETTINGS, connection, by="ben", now=keeper.now).end(made.said.id, None)


def test_a_court_order_holds_it_up_six_months_longer_and_a_title_lives_thirty_years(keeper: Bookkeeper) -> None:
    note(keeper, Note(Kind.COURT_ORDER, "served", date(2026, 3, 2), "R-1", until=date(2026, 4, 30)))
    # By hand: 2 March to 30 October 2026 are 243 days; 31 December 2027 + 243 is 30 August 2028.
    assert days(keeper)[0] == (date(2028, 8, 30), "year")
    note(keeper, Note(Kind.TITLE, "enforcement order", date(2026, 5, 20), "R-1"))
    titled, other = limits(keeper).values()
    assert (titled.last_day, titled.because, titled.began) == (
        date(2056, 5, 23),
        "title",
        date(2026, 5, 20),
    )  # behind Whit Monday
    assert titled.interest_last_day == date(2029, 12, 31)  # of what fell due in 2026, § 197(2) BGB
    assert (other.last_day, other.interest_last_day) == (PLAIN, None)
    note(keeper, Note(Kind.ACKNOWLEDGEMENT, "e-mail", date(2026, 6, 1), "R-1"))
    anew = limit_told(limits(keeper)["R-1"])
    assert (anew["last_day"], anew["because"], anew["years"]) == (date(2056, 6, 1), "acknowledgement", 30)
    assert limit_words(anew).startswith("statute-barred after 2056-06-01: thirty years from 2026-06-01 (an acknowl")


def test_a_consumers_loan_in_default_is_held_up_for_ten_years_at_most(keeper: Bookkeeper) -> None:
    with keeper.database.transaction() as connection:
        loans = sa.update(invoice).where(invoice.c.invoice_no == "R-1").values(claim_kind="consumer_loan")
        connection.execute(loans)
    loan, other = limits(keeper).values()
    [held] = loan.suspensions
    assert (held.ground, held.first, held.last) == (Ground.LOAN, date(2024, 5, 16), date(2034, 5, 15))
    # By hand: of the 1,095 days from the end of 2024 none has run by 15 May 2034; 14 May 2037 is Ascension Day.
    assert date(2034, 5, 15) + timedelta(days=1095) == date(2037, 5, 14)
    assert loan.last_day == date(2037, 5, 15)
    assert (other.last_day, other.suspensions) == (PLAIN, ())


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (Note(Kind.REFUSAL, "said", day(-5), until=day(-1)), "refusal happens on one day; what ends is: court"),
        (Note(Kind.NEGOTIATIONS, "said", day(-5), until=day(-6)), "it cannot have ended on"),
        (Note(Kind.COURT_ORDER, "said", day(-5), until=day(1)), "it cannot have ended on"),
    ],
)
def test_an_end_that_cannot_be_is_refused(keeper: Bookkeeper, wrong: Note, words: str) -> None:
    with pytest.raises(InputError, match=words):
        note(keeper, wrong)
