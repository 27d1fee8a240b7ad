"""Costs and write-offs by hand: they are in the statement, close what is open, and are only ever taken back."""

from collections.abc import Sequence
from datetime import date

import pytest
import sqlalchemy as sa

from contactd.config.base_rates import load_base_rates
from contactd.config.claims import Claims
from contactd.domain.appropriation import Part
from contactd.domain.errors import InputError
from contactd.domain.money import Money
from contactd.domain.posting import Kind, Purpose
from contactd.engine.debt.bookings import Bookings, Entry
from contactd.engine.debt.claims import Owed, Terms, owed_by
from contactd.engine.debt.debtors import choose
from contactd.engine.debt.statement_sheet import statement_sheet
from contactd.engine.debt.statement_told import statement_told
from contactd.store import accounts, contact_log
from contactd.store.allocations import note_taken_off
from contactd.store.database import Database
from contactd.store.postings import Booked
from contactd.store.schema import account, invoice
from tests.engine.books import Bookkeeper, day, settings_of

SETTINGS = settings_of(claims=Claims(due_date_agreed=True))


@pytest.fixture
def keeper(database: Database) -> Bookkeeper:
    made = Bookkeeper(database, SETTINGS)
    made.owing(100_000, 20_000)
    return made


def post(keeper: Bookkeeper, entry: Entry) -> list[Booked]:
    with keeper.database.transaction() as connection:
        bookings = Bookings(keeper.settings, connection, by="anna", now=keeper.now)
        return bookings.post(choose(connection, "K-1"), entry)


def reverse(keeper: Bookkeeper, number: int, reason: str = "typed twice") -> Booked:
    with keeper.database.transaction() as connection:
        return Bookings(keeper.settings, connection, by="ben", now=keeper.now).reverse(number, reason)


def owed(keeper: Bookkeeper, as_of: date) -> Owed:
    rates = load_base_rates(SETTINGS.base_rates_path)
    with keeper.database.snapshot() as connection:
        [found] = owed_by(connection, [1], Terms(SETTINGS.claims, rates), as_of)
    return found


def books(keeper: Bookkeeper) -> tuple[int, list[int]]:
    """Give what is open for dunning, of the account and of each invoice."""
    with keeper.database.snapshot() as connection:
        whole = connection.execute(sa.select(account.c.open)).scalar_one()
        return whole, list(connection.scalars(sa.select(invoice.c.open).order_by(invoice.c.id)))


def logged(keeper: Bookkeeper) -> Sequence[tuple[str, str]]:
    with keeper.database.snapshot() as connection:
        rows = contact_log.read(connection, account_no="K-1")
    return [(row.outcome, row.reason) for row in rows if row.event == "posting"]


def test_a_cost_is_in_the_statement_from_its_day_and_leaves_dunning_as_it_is(keeper: Bookkeeper) -> None:
    [made] = post(keeper, Entry(Kind.COST, "25.00", "bank's fee", day(-3), "R-1", Purpose.INQUIRY))
    assert owed(keeper, day(-4)).statement.costs == 0
    assert owed(keeper, day(0)).statement.costs == 2500
    [cost] = owed(keeper, day(0)).ledger.costs
    assert (cost.claim, cost.reason, cost.note, cost.on) == ("R-1", "inquiry", "bank's fee", day(-3))
    assert books(keeper) == (120_000, [100_000, 20_000])
    assert logged(keeper) == [("cost", f"cost {made.posted.id}: 25.00 EUR, bank's fee")]


def test_an_agencys_fee_is_worked_out_by_its_rate_on_the_open_principal(keeper: Bookkeeper) -> None:
    [made] = post(keeper, Entry(Kind.COST, rate="0.9", reason="agency took over"))
    assert (made.posted.amount, made.posted.purpose) == (12_105 + 2000, "agency")  # 0.9 of 134.50, and at most 20


def test_the_lump_sum_is_set_off_against_what_an_agency_costs_and_not_claimed_beside_it(keeper: Bookkeeper) -> None:
    with keeper.database.transaction() as connection:
        connection.execute(sa.update(account).values(kind="business"))
    made = post(keeper, Entry(Kind.COST, "100.44", "agency ordered", day(0), "R-1", Purpose.AGENCY))
    found = owed(keeper, day(0))
    assert [(cost.reason, cost.claim, cost.amount, cost.set_off) for cost in found.ledger.costs] == [
        ("lump_sum", "R-1", 4_000, 0), ("lump_sum", "R-2", 4_000, 0), ("agency", "R-1", 6_044, 4_000),
    ]  # fmt: skip
    assert found.statement.costs == 4_000 + 10_044
    charged = statement_told(found)["charged"][-1]
    assert (charged["amount"], charged["set_off"]) == (Money(6_044, "EUR"), Money(4_000, "EUR"))
    reverse(keeper, made[0].posted.id)
    assert owed(keeper, day(0)).statement.costs == 8_000


def test_an_agency_that_cost_no_more_than_the_lump_sum_is_in_the_statement_with_nothing(keeper: Bookkeeper) -> None:
    with keeper.database.transaction() as connection:
        connection.execute(sa.update(account).values(kind="business"))
    post(keeper, Entry(Kind.COST, "38.00", "agency ordered", day(0), "R-1", Purpose.AGENCY))
    found = owed(keeper, day(0))
    assert [(cost.amount, cost.set_off) for cost in found.ledger.costs if cost.reason == "agency"] == [(0, 3_800)]
    assert found.statement.costs == 8_000
    charged = statement_sheet(found, [], keeper.settings, day(0), "de")["charged"]
    assert isinstance(charged, list)
    assert [row["set_off"] for row in charged] == ["", "", "38,00\N{NO-BREAK SPACE}€"]


def test_a_reversed_cost_counts_as_if_it_had_never_been_from_the_day_it_was_reversed(keeper: Bookkeeper) -> None:
    [made] = post(keeper, Entry(Kind.COST, "25.00", "fee", day(-3)))
    back = reverse(keeper, made.posted.id)
    assert (back.posted.kind, back.posted.reverses, back.by) == (Kind.REVERSAL, made.posted.id, "ben")
    assert (owed(keeper, day(-1)).statement.costs, owed(keeper, day(0)).statement.costs) == (2500, 0)
    assert [kind for kind, _ in logged(keeper)] == ["cost", "reversal"]


def test_writing_all_off_closes_the_account_and_ends_its_interest(keeper: Bookkeeper) -> None:
    post(keeper, Entry(Kind.COST, "25.00", "fee", day(-3)))
    made = post(keeper, Entry(Kind.WRITE_OFF, reason="uncollectable"))
    assert {one.posted.part for one in made} == {Part.PRINCIPAL, Part.INTEREST, Part.COSTS}
    assert books(keeper) == (0, [0, 0])
    later = owed(keeper, day(300)).statement
    # The day itself still bore interest: nothing is added after it.
    assert later.open == owed(keeper, day(0)).statement.open == 0
    assert later.principal == later.costs == 0


def test_writing_a_part_off_lowers_what_is_asked_for_and_reversing_raises_it_again(keeper: Bookkeeper) -> None:
    [made] = post(keeper, Entry(Kind.WRITE_OFF, "300.00", "settlement", invoice_no="R-1"))
    assert books(keeper) == (90_000, [70_000, 20_000])
    assert owed(keeper, day(0)).statement.principal == 90_000
    assert owed(keeper, day(-1)).statement.principal == 120_000
    reverse(keeper, made.posted.id)
    assert books(keeper) == (120_000, [100_000, 20_000])
    assert owed(keeper, day(0)).statement.principal == 120_000


def test_a_write_off_of_principal_begins_with_the_oldest_invoice(keeper: Bookkeeper) -> None:
    made = post(keeper, Entry(Kind.WRITE_OFF, "1100.00", "settlement"))
    assert [(one.posted.claim, one.posted.amount) for one in made] == [("R-1", 100_000), ("R-2", 10_000)]
    assert books(keeper) == (10_000, [0, 10_000])


def test_interest_alone_can_be_given_up(keeper: Bookkeeper) -> None:
    before = owed(keeper, day(-1)).statement.interest
    made = post(keeper, Entry(Kind.WRITE_OFF, reason="goodwill", part=Part.INTEREST))
    assert sum(one.posted.amount for one in made) == before
    assert owed(keeper, day(0)).statement.interest == owed(keeper, day(0)).statement.accrued - before
    assert books(keeper) == (120_000, [100_000, 20_000])


def test_a_list_that_learns_of_a_write_off_is_no_payment(keeper: Bookkeeper) -> None:
    post(keeper, Entry(Kind.WRITE_OFF, "1000.00", "uncollectable", invoice_no="R-1"))
    with keeper.database.transaction() as connection:
        connection.execute(sa.update(invoice).where(invoice.c.invoice_no == "R-1").values(imported_open=0))
        note_taken_off(connection, [1], day(1))
        accounts.refresh(connection, [1], keeper.now)
    found = owed(keeper, day(2))
    assert (found.statement.principal, found.statement.credit) == (20_000, 0)
    assert found.ledger.payments == ()


def test_what_cannot_be_posted_is_refused_with_what_could_be(keeper: Bookkeeper) -> None:
    for entry, words in (
        (Entry(Kind.COST, "25.00"), "say why"),
        (Entry(Kind.COST, "-1.00", "no"), "is no cost"),
        (Entry(Kind.COST, "1.00", "no", day(1)), "is to come"),
        (Entry(Kind.COST, "1.00", "no", invoice_no="R-9"), "it has: R-1, R-2"),
        (Entry(Kind.COST, "1.00", "no", rate="0.9"), "not both"),
        (Entry(Kind.COST, rate="2.5", reason="no"), "lies between 0.5 and 1.3"),
        (Entry(Kind.COST, rate="x", reason="no"), "rate x"),
        (Entry(Kind.COST, "1.00", "no", part=Part.COSTS), "a cost has no part"),
        (Entry(Kind.WRITE_OFF, "9999.00", "no"), "of principal 1200.00 EUR was open"),
        (Entry(Kind.WRITE_OFF, reason="no", part=Part.COSTS), "0.00 EUR cannot be written off"),
        (Entry(Kind.WRITE_OFF, reason="no", rate="0.9"), "a write-off has no rate"),
    ):
        with pytest.raises(InputError, match=words):
            post(keeper, entry)
    assert logged(keeper) == []


def test_a_posting_is_reversed_once_and_a_reversal_never(keeper: Bookkeeper) -> None:
    [made] = post(keeper, Entry(Kind.COST, "25.00", "fee"))
    back = reverse(keeper, made.posted.id)
    refused = {made.posted.id: "reversed already, by posting", back.posted.id: "is a reversal", 99: "no posting 99"}
    for number, words in refused.items():
        with pytest.raises(InputError, match=words):
            reverse(keeper, number)
    with pytest.raises(InputError, match="say why"):
        reverse(keeper, made.posted.id, " ")
