"""What people note about claims: what follows from it, who said so, and that it can be taken back."""

from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from contactd.domain.circumstance import Kind
from contactd.domain.default_date import Basis
from contactd.domain.errors import Contradiction, InputError, NotThere
from contactd.engine.debt.circumstances import Circumstances, Note, told
from contactd.engine.debt.claims import Owed, owed_by, terms_of
from contactd.engine.debt.debtors import choose
from contactd.engine.debt.statement_told import statement_told
from contactd.store import circumstances, contact_log
from contactd.store.circumstances import Noted
from contactd.store.database import Database
from contactd.store.schema import payment
from tests.engine.books import Bookkeeper, day, settings_of

SETTINGS = settings_of()


@pytest.fixture
def keeper(database: Database) -> Bookkeeper:
    made = Bookkeeper(database, SETTINGS)
    made.owing(100_000, 20_000)  # of day -60, due on day -30, a Saturday
    return made


def note(keeper: Bookkeeper, one: Note) -> Noted:
    with keeper.database.transaction() as connection:
        noting = Circumstances(keeper.settings, connection, by="anna", now=keeper.now)
        return noting.note(choose(connection, "K-1"), one)


def withdraw(keeper: Bookkeeper, number: int, reason: str = "was another debtor") -> Noted:
    with keeper.database.transaction() as connection:
        return Circumstances(keeper.settings, connection, by="ben", now=keeper.now).withdraw(number, reason)


def owed(keeper: Bookkeeper) -> Owed:
    with keeper.database.snapshot() as connection:
        [found] = owed_by(connection, [1], terms_of(keeper.settings), day(keeper.at))
    return found


def logged(keeper: Bookkeeper) -> Sequence[tuple[str, str]]:
    with keeper.database.snapshot() as connection:
        rows = contact_log.read(connection, account_no="K-1")
    return [(row.outcome, row.reason) for row in rows if row.event == "circumstance"]


def test_a_refusal_is_default_from_its_day_with_interest_from_the_next(keeper: Bookkeeper) -> None:
    assert owed(keeper).defaults == {"R-1": None, "R-2": None}  # a consumer nobody reminded
    made = note(keeper, Note(Kind.REFUSAL, "letter: will never pay", day(-10), "R-1"))
    found = owed(keeper)
    default = found.defaults["R-1"]
    assert default is not None
    assert (default.on, default.basis, default.interest_from) == (day(-10), Basis.REFUSAL, day(-9))
    assert found.defaults["R-2"] is None
    # By hand: day -9 to today are 10 days, 1,000.00 at 1.52 + 5 percent: 1000 · 0.0652 · 10 / 365 = 1.786.
    assert (found.statement.interest, sum(line.days for line in found.statement.balances[1].segments)) == (179, 10)
    assert logged(keeper) == [("refusal", f"refusal 1 of {day(-10)}: letter: will never pay")]
    assert (made.by, made.said.id, made.said.claim) == ("anna", 1, "R-1")
    assert statement_told(found)["circumstances"] == [
        {"id": 1, "kind": "refusal", "on": day(-10), "until": None, "claim": "R-1", "reason": "letter: will never pay"}
    ]


def test_who_refuses_before_the_time_for_paying_is_over_is_in_default_when_it_is(keeper: Bookkeeper) -> None:
    keeper.invoice("R-3", 5_000, due=-3)  # a Friday; of day -33
    note(keeper, Note(Kind.REFUSAL, "said so to anna", day(-20)))
    found = owed(keeper)
    days = {number: one.interest_from for number, one in found.defaults.items() if one}
    assert days == {"R-1": day(-19), "R-2": day(-19), "R-3": day(-2)}


def test_a_refusal_of_all_is_about_no_invoice_that_came_later(keeper: Bookkeeper) -> None:
    keeper.invoice("R-3", 5_000, due=20)  # of day -10
    note(keeper, Note(Kind.REFUSAL, "said so to anna", day(-11)))
    assert owed(keeper).defaults["R-3"] is None


def test_what_was_withdrawn_counts_as_if_it_had_never_been(keeper: Bookkeeper) -> None:
    note(keeper, Note(Kind.REFUSAL, "letter", day(-10)))
    gone = withdraw(keeper, 1)
    assert (gone.withdrawn_by, gone.withdrawal) == ("ben", "was another debtor")
    assert owed(keeper).defaults == {"R-1": None, "R-2": None}
    assert logged(keeper)[-1] == ("refusal", f"refusal 1 of {day(-10)} withdrawn: was another debtor")
    with pytest.raises(Contradiction, match="refusal 1 is withdrawn already"):
        withdraw(keeper, 1)
    note(keeper, Note(Kind.REFUSAL, "letter", day(-10)))  # may come again
    with keeper.database.snapshot() as connection:
        shown = list(told(connection, circumstances.paged(connection, [1], limit=10)))
    assert [(one["id"], one["withdrawn_at"] is None) for one in shown] == [(1, False), (2, True)]


def test_money_that_went_to_interest_is_charged_anew(keeper: Bookkeeper) -> None:
    keeper.pay(120_100, on=0)
    note(keeper, Note(Kind.REFUSAL, "letter", day(-10)))
    with keeper.database.snapshot() as connection:
        row = connection.execute(sa.select(payment.c.charged, payment.c.credited)).one()
    assert (row.charged, row.credited) == (100, 0)  # what was paid too much is interest now
    withdraw(keeper, 1)
    with keeper.database.snapshot() as connection:
        row = connection.execute(sa.select(payment.c.charged, payment.c.credited)).one()
    assert (row.charged, row.credited) == (0, 100)


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        (Note(Kind.REFUSAL, " "), InputError, "say in which words"),
        (Note(Kind.REFUSAL, "said", day(1)), InputError, "is to come; it may be"),
        (Note(Kind.REFUSAL, "said", day(-61)), InputError, "there was no invoice yet it could be about; the first is"),
        (Note(Kind.REFUSAL, "said", day(-1), "R-9"), NotThere, "has no invoice 'R-9'; it has: R-1, R-2"),
        (Note(Kind.REFUSAL, "again", day(-5)), Contradiction, "noted already: refusal 1 of"),
    ],
)
def test_what_cannot_be_is_refused(keeper: Bookkeeper, wrong: Note, error: type[Exception], words: str) -> None:
    note(keeper, Note(Kind.REFUSAL, "said", day(-5)))
    with pytest.raises(error, match=words):
        note(keeper, wrong)
    with pytest.raises(NotThere, match="nothing is noted under 7"):
        withdraw(keeper, 7)
    with pytest.raises(InputError, match="say why"):
        withdraw(keeper, 1, " ")
