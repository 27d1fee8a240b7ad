"""What a kept settlement waives and what was written off stays given up, whatever lists and payments say later."""

from datetime import date

import pytest
import sqlalchemy as sa

from contactd.config.agreements import Agreements
from contactd.config.base_rates import load_base_rates
from contactd.config.claims import Claims
from contactd.domain.agreement import Kind as Agreed
from contactd.domain.errors import InputError
from contactd.domain.posting import Kind
from contactd.domain.statement import Statement
from contactd.engine.debt.bookings import Bookings, Entry
from contactd.engine.debt.claims import Terms, owed_by
from contactd.engine.debt.debtors import choose
from contactd.store import accounts, imports, postings
from contactd.store.database import Database
from contactd.store.imports import Claim
from contactd.store.postings import Booked
from contactd.store.schema import invoice
from tests.engine.books import Bookkeeper, day, settings_of

SETTINGS = settings_of(claims=Claims(due_date_agreed=True), agreements=Agreements(confirm=False))


@pytest.fixture
def keeper(database: Database) -> Bookkeeper:
    made = Bookkeeper(database, SETTINGS)
    made.owing(10_000)
    return made


def open_of(keeper: Bookkeeper) -> dict[str, int]:
    """Read what is open of each invoice."""
    with keeper.database.snapshot() as connection:
        rows = connection.execute(sa.select(invoice.c.invoice_no, invoice.c.open).order_by(invoice.c.id))
        return {row.invoice_no: row.open for row in rows}


def bill(keeper: Bookkeeper, number: str, amount: int) -> None:
    """Write another invoice of the account."""
    row = {"account_id": 1, "invoice_no": number, "invoice_date": day(-20), "due_date": day(-10)}
    with keeper.database.transaction() as connection:
        connection.execute(sa.insert(invoice).values(row | dict.fromkeys(("amount", "open", "imported_open"), amount)))
        accounts.refresh(connection, [1], keeper.now)


def listed(keeper: Bookkeeper, amount: int) -> None:
    """Let a list show R-1 with so much open."""
    now = keeper.now
    with keeper.database.transaction() as connection:
        run = imports.begin(connection, "accounts", "list", now)
        key = ("acme", "K-1", "EUR")
        claim = Claim(key, None, "R-1", day(-60), day(-30), None, amount, None, None, f"{amount} {now}")
        imports.take(connection, run, [claim], now)
        imports.finish(connection, run, {}, now)


def missed(keeper: Bookkeeper) -> None:
    """Let a full list show R-1 no more."""
    now = keeper.now
    with keeper.database.transaction() as connection:
        run = imports.begin(connection, "accounts", "list", now)
        imports.clear(connection, run, {1: 1}, now)
        imports.finish(connection, run, {}, now)


def write_off(keeper: Bookkeeper, amount: str = "", on: date | None = None, number: str = "") -> list[Booked]:
    with keeper.database.transaction() as connection:
        bookings = Bookings(SETTINGS, connection, by="anna", now=keeper.now)
        return bookings.post(choose(connection, "K-1"), Entry(Kind.WRITE_OFF, amount, "hopeless", on, number))


def statement(keeper: Bookkeeper, number: int = 0) -> Statement:
    """Derive what is owed by law on a day."""
    with keeper.database.snapshot() as connection:
        terms = Terms(SETTINGS.claims, load_base_rates(SETTINGS.base_rates_path))
        return owed_by(connection, [1], terms, day(number))[0].statement


def reasons(keeper: Bookkeeper) -> list[tuple[str, str]]:
    """List the kind and reason of the postings."""
    with keeper.database.snapshot() as connection:
        booked = postings.of_accounts(connection, [1]).get(1, [])
        return [(one.posted.kind.value, one.posted.reason) for one in booked]


def test_money_that_names_another_invoice_does_not_keep_a_settlement(keeper: Bookkeeper) -> None:
    keeper.agree(Agreed.SETTLEMENT, amount="60.00", on=day(5))
    bill(keeper, "R-2", 8000)
    keeper.pay(8000, invoice_no="R-2")
    assert (keeper.states(), open_of(keeper)) == (["open"], {"R-1": 10_000, "R-2": 0})
    assert reasons(keeper) == []
    keeper.pay(6000, invoice_no="R-1")
    assert (keeper.states(), open_of(keeper)) == (["fulfilled"], {"R-1": 0, "R-2": 0})


def test_a_kept_settlement_leaves_nothing_open_by_law_and_the_days_before_as_they_were(keeper: Bookkeeper) -> None:
    before = statement(keeper, -1)
    assert before.interest > 0
    keeper.agree(Agreed.SETTLEMENT, amount="60.00", on=day(5))
    keeper.pay(6000)
    assert (keeper.states(), statement(keeper).open, statement(keeper, 300).open) == (["fulfilled"], 0, 0)
    assert statement(keeper, -1) == before
    assert set(reasons(keeper)) == {("write_off", "settlement 1 kept")}


def test_a_settlement_leaves_the_claims_that_came_after_it_alone(keeper: Bookkeeper) -> None:
    keeper.agree(Agreed.SETTLEMENT, amount="60.00", on=day(5))
    bill(keeper, "R-2", 4000)
    keeper.pay(6000, invoice_no="R-1")
    assert (keeper.states(), open_of(keeper)) == (["fulfilled"], {"R-1": 0, "R-2": 4000})
    assert statement(keeper).principal == 4000


def test_a_settlement_whose_money_goes_back_is_owed_again_once_and_can_be_kept_again(keeper: Bookkeeper) -> None:
    keeper.agree(Agreed.SETTLEMENT, amount="60.00", on=day(5))
    keeper.pay(6000)
    keeper.pay(-6000)
    assert (keeper.states(), open_of(keeper)) == (["open"], {"R-1": 10_000})
    assert statement(keeper).principal == 10_000
    keeper.pay(6000, on=0)
    assert (keeper.states(), open_of(keeper), statement(keeper).open) == (["fulfilled"], {"R-1": 0}, 0)
    keeper.pay(-6000)
    assert (open_of(keeper), statement(keeper).principal) == ({"R-1": 10_000}, 10_000)
    assert [kind for kind, _ in reasons(keeper)].count("reversal") == len(reasons(keeper)) / 2


def test_a_list_that_learns_of_a_kept_settlement_swallows_no_later_payment(keeper: Bookkeeper) -> None:
    keeper.agree(Agreed.SETTLEMENT, amount="60.00", on=day(5))
    keeper.pay(6000)
    missed(keeper)
    keeper.at = 1
    bill(keeper, "R-2", 4000)
    keeper.pay(4000)
    assert open_of(keeper) == {"R-1": 0, "R-2": 0}
    assert statement(keeper, 1).open < 10  # interest on R-2


def test_a_settlement_that_is_kept_while_its_invoice_is_disputed_waives_the_rest(keeper: Bookkeeper) -> None:
    keeper.agree(Agreed.SETTLEMENT, amount="60.00", on=day(5))
    made = keeper.agree(Agreed.DISPUTE, invoice_no="R-1", reason="defect")
    keeper.pay(6000)
    assert (keeper.states(), open_of(keeper)) == (["fulfilled", "open"], {"R-1": 6000})  # and 60.00 wait as credit
    keeper.say(made.id, "reject")
    assert (keeper.states(), open_of(keeper)) == (["fulfilled", "rejected"], {"R-1": 0})
    assert statement(keeper).open == 0


def test_what_was_written_off_stays_so_when_a_list_left_the_invoice_out_once(keeper: Bookkeeper) -> None:
    write_off(keeper)
    missed(keeper)
    listed(keeper, 10_000)
    assert open_of(keeper) == {"R-1": 0}


def test_what_was_waived_stays_so_when_a_list_left_the_invoice_out_once(keeper: Bookkeeper) -> None:
    keeper.agree(Agreed.SETTLEMENT, amount="60.00", on=day(5))
    keeper.pay(6000)
    listed(keeper, 4000)
    missed(keeper)
    listed(keeper, 4000)
    assert (keeper.states(), open_of(keeper)) == (["fulfilled"], {"R-1": 0})


def test_a_return_that_a_list_told_of_first_does_not_bring_back_what_was_written_off(keeper: Bookkeeper) -> None:
    keeper.pay(6000)
    write_off(keeper, "40.00")
    listed(keeper, 4000)
    listed(keeper, 10_000)
    assert open_of(keeper) == {"R-1": 6000}
    keeper.pay(-6000)
    assert open_of(keeper) == {"R-1": 6000}


def test_a_list_that_rises_after_a_write_off_asks_for_what_came_on_top(keeper: Bookkeeper) -> None:
    write_off(keeper, "40.00")
    listed(keeper, 12_000)
    assert open_of(keeper) == {"R-1": 8000}


def test_a_write_off_of_an_earlier_day_gives_up_no_more_than_is_left(keeper: Bookkeeper) -> None:
    keeper.pay(6000, on=-1)
    made = write_off(keeper, on=day(-10))
    assert sum(one.laid for one in made) == 4000
    assert open_of(keeper) == {"R-1": 0}
    with pytest.raises(InputError, match="was open on 2026-11-13 and still is"):
        write_off(keeper, on=day(-10))
