"""What an account owes by law, from the books in the database: default, interest, payments, what only lists know."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from contactd.config.base_rates import load_base_rates
from contactd.config.claims import Claims
from contactd.config.load import load_defaults
from contactd.domain.account import Channel, Kind
from contactd.domain.appropriation import Part
from contactd.domain.default_date import Basis
from contactd.domain.money import Money
from contactd.domain.posting import Kind as Posted
from contactd.domain.posting import Posting
from contactd.engine.debt.claims import Owed, Terms, owed_by
from contactd.store import accounts, attempts, payments, schema
from contactd.store.attempts import NewAttempt
from contactd.store.database import Database
from contactd.store.ledgers import BookedInvoice, BookedPayment, BookedReminder, Books
from contactd.store.payments import NewPayment
from contactd.store.schema import account, invoice

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
RATES = load_base_rates(load_defaults().base_rates_path)
AGREED = Claims(due_date_agreed=True)
SUNDAY = date(2024, 3, 31)  # Easter
YEAR_END = date(2024, 12, 31)


def day_of(offset: int) -> date:
    return NOW.date() + timedelta(offset)


def owing(
    connection: Connection, rests: Sequence[int], *, due: date = SUNDAY, kind: str = "consumer", region: str = "DE-BE"
) -> int:
    """Write an account with an invoice for each amount, R-1 first, each due a day later; answers its id."""
    values: dict[str, object] = {"creditor": "acme", "account_no": "K-1", "currency": "EUR", "kind": kind}
    values |= {"region": region, "created_at": NOW, "updated_at": NOW}
    account_id = int(connection.execute(sa.insert(account).values(values).returning(account.c.id)).scalar_one())
    for place, rest in enumerate(rests):
        day = due + timedelta(days=place)
        row = {"account_id": account_id, "invoice_no": f"R-{place + 1}", "due_date": day, "amount": rest}
        row |= {"invoice_date": day - timedelta(days=30), "open": rest, "imported_open": rest}
        connection.execute(sa.insert(invoice).values(row))
    accounts.refresh(connection, [account_id], NOW)
    return account_id


def say(connection: Connection, number: str, **columns: object) -> None:
    """Have a list say something about an invoice."""
    connection.execute(sa.update(invoice).where(invoice.c.invoice_no == number).values(columns))


def pay(connection: Connection, amount: int, on: date, number: str = "", mark: str = "") -> None:
    """Record a payment of the account."""
    line = NewPayment(f"{amount} {on} {number} {mark}", "acme", "K-1", number, amount, "EUR", on, "danke")
    payments.record(connection, [line], lambda: NOW)


def owed(connection: Connection, account_id: int, as_of: date = YEAR_END, agreed: Claims = AGREED) -> Owed:
    """Derive what the account owes."""
    [found] = owed_by(connection, [account_id], Terms(agreed, RATES), as_of)
    return found


def remind(
    connection: Connection,
    account_id: int,
    channel: Channel,
    at: datetime,
    *,
    state: str = "delivered",
    step: str = "a",
) -> None:
    """Enter a reminder that reached them."""
    new = NewAttempt(account_id, account_id, None, "standard", step, channel, 1, 1, at, at)
    attempts.plan(connection, [new])
    changed = sa.update(schema.attempt).where(schema.attempt.c.step == step)
    connection.execute(changed.values(state=state, sending_at=at, ended_at=at))


def test_each_claim_bears_the_rate_agreed_for_it_or_the_laws(database: Database) -> None:
    with database.transaction() as connection:
        number = owing(connection, [10_000] * 4, kind="business")
        say(connection, "R-2", contract_rate="11 %")
        say(connection, "R-3", claim_kind="other")
        found = owed(connection, number)
        general = owed(connection, number, agreed=Claims(due_date_agreed=True, contract_rate="base + 12 %"))
    percents = {one.claim: one.segments[-1].percent for one in found.statement.balances if one.segments}
    assert percents == {
        "R-1": Decimal("12.37"), "R-2": Decimal(11), "R-3": Decimal("8.37"), "R-4": Decimal("12.37"),
    }  # fmt: skip
    assert [one.basis for one in found.bearings.values()] == ["business", "contract", "no_service", "business"]
    assert {cost.claim for cost in found.ledger.costs} == {"R-1", "R-2", "R-4"}  # no lump sum without goods or services
    percents = {one.claim: one.segments[-1].percent for one in general.statement.balances if one.segments}
    assert (percents["R-1"], percents["R-2"]) == (Decimal("15.37"), Decimal(11))


def test_v5_of_a_consumers_loan_a_payment_goes_to_principal_before_interest(database: Database) -> None:
    with database.transaction() as connection:
        number = owing(connection, [120_000, 120_000], due=date(2025, 1, 14))
        say(connection, "R-1", claim_kind="consumer_loan")
        say(connection, "R-2", claim_kind="property_loan")
        pay(connection, 30_000, date(2025, 4, 10), "R-1")
        found = owed(connection, number, date(2025, 9, 30), Claims(due_date_agreed=True, contract_rate="20 %"))
    loan, secured = found.statement.balances[1:]
    # As vector V5 of the reference without its reminder costs, by hand: 85 days of 1,200.00, then 900.00.
    assert (loan.principal, loan.interest) == (90_000, 2032 + 1470 + 1422)
    assert [(one.days, one.principal, one.amount) for one in loan.segments] == [
        (85, 120_000, 2032), (82, 90_000, 1470), (92, 90_000, 1422),
    ]  # fmt: skip
    assert secured.segments[0].percent == Decimal("4.77")  # 2.27 + 2.5, § 497(4) BGB
    assert [one.basis for one in found.bearings.values()] == ["consumer_loan", "property_loan"]


def test_interest_begins_after_the_working_day_that_ends_the_time_for_paying(database: Database) -> None:
    with database.transaction() as connection:
        found = owed(connection, owing(connection, [100_000]))
    default = found.defaults["R-1"]
    assert default is not None
    assert (default.on, default.basis) == (date(2024, 4, 3), Basis.CALENDAR)
    assert (found.statement.interest, found.statement.open) == (6304, 106_304)


def test_the_holidays_are_those_where_the_customer_lives(database: Database) -> None:
    corpus_christi = date(2026, 6, 4)
    with database.transaction() as connection:
        at_home = owed(connection, owing(connection, [100], due=corpus_christi, region="DE-NW")).defaults["R-1"]
        connection.execute(sa.update(account).values(region="DE-XX"))  # nobody knows it
        elsewhere = owed(connection, 1, agreed=Claims(due_date_agreed=True, holidays="DE-BE")).defaults["R-1"]
    assert at_home is not None
    assert elsewhere is not None
    assert (at_home.on, elsewhere.on) == (date(2026, 6, 6), date(2026, 6, 5))


def test_without_an_agreed_day_a_consumer_is_in_default_once_a_reminder_has_arrived(database: Database) -> None:
    monday = datetime(2024, 5, 6, 8, 0, tzinfo=UTC)
    with database.transaction() as connection:
        debtor = owing(connection, [100_000])
        assert owed(connection, debtor, agreed=Claims()).statement.interest == 0
        remind(connection, debtor, Channel.LETTER, monday)
        default = owed(connection, debtor, agreed=Claims()).defaults["R-1"]
        assert default is not None
        assert (default.basis, default.on, default.interest_from) == (
            Basis.REMINDER, date(2024, 5, 9), date(2024, 5, 10),
        )  # fmt: skip


def test_a_reminder_that_never_arrived_puts_nobody_in_default(database: Database) -> None:
    with database.transaction() as connection:
        debtor = owing(connection, [100_000])
        remind(connection, debtor, Channel.EMAIL, datetime(2024, 5, 6, 8, 0, tzinfo=UTC), state="failed")
        assert owed(connection, debtor, agreed=Claims()).defaults["R-1"] is None


def test_a_business_owes_nine_points_thirty_days_after_the_invoice(database: Database) -> None:
    with database.transaction() as connection:
        found = owed(connection, owing(connection, [100_000], kind="business"), agreed=Claims())
    [(_, balance)] = found.claims()
    assert [str(line.percent) for line in balance.segments] == ["12.62", "12.37"]
    default = found.defaults["R-1"]
    assert default is not None
    assert default.basis is Basis.THIRTY_DAYS


def test_what_was_agreed_is_charged_instead_of_the_laws_rate(database: Database) -> None:
    with database.transaction() as connection:
        agreed = Claims(due_date_agreed=True, contract_rate="11.5 %", day_count="act/365")
        found = owed(connection, owing(connection, [100_000]), agreed=agreed)
    [(_, balance)] = found.claims()
    assert {str(line.percent) for line in balance.segments} == {"11.5"}
    assert {line.denominator for line in balance.segments} == {365}


def test_a_payment_pays_interest_first_and_a_returned_one_counts_as_never_made(database: Database) -> None:
    with database.transaction() as connection:
        debtor = owing(connection, [100_000])
        pay(connection, 30_000, date(2024, 7, 1), "R-1")
        once = owed(connection, debtor)
        assert [(one.part, one.amount) for one in once.statement.allocations] == [
            ("interest", 2096), ("principal", 27_904),
        ]  # fmt: skip
        pay(connection, -30_000, date(2024, 8, 1), "R-1")
        assert owed(connection, debtor).statement.open == 106_304
        assert owed(connection, debtor, date(2024, 7, 31)).statement.principal == 100_000 - 27_904


def test_a_return_in_part_takes_back_a_part(database: Database) -> None:
    with database.transaction() as connection:
        debtor = owing(connection, [100_000])
        pay(connection, 30_000, date(2024, 3, 1))
        pay(connection, 20_000, date(2024, 3, 2))
        pay(connection, -25_000, date(2024, 3, 3))
        found = owed(connection, debtor, date(2024, 3, 31))
    assert found.statement.principal == 75_000
    assert [(one.payment, one.on) for one in found.ledger.reversals] == [
        ("2", date(2024, 3, 3)), ("1/1", date(2024, 3, 3)),
    ]  # fmt: skip


def test_money_only_a_list_knows_lowers_the_principal_on_its_day(database: Database) -> None:
    with database.transaction() as connection:
        debtor = owing(connection, [100_000])
        taken = {"open": 60_000, "taken_off": 40_000, "taken_off_on": date(2024, 7, 1)}
        connection.execute(sa.update(invoice).values(taken))
        found = owed(connection, debtor)
    [(_, balance)] = found.claims()
    assert [(line.principal, line.first) for line in balance.segments] == [
        (100_000, date(2024, 4, 3)), (60_000, date(2024, 7, 1)),
    ]  # fmt: skip


def test_what_was_paid_before_we_heard_of_the_invoice_is_not_claimed(database: Database) -> None:
    with database.transaction() as connection:
        debtor = owing(connection, [100_000])
        connection.execute(sa.update(invoice).values(open=25_000, imported_open=25_000))
        assert owed(connection, debtor, SUNDAY).statement.principal == 25_000


def test_a_credit_note_counts_as_money(database: Database) -> None:
    with database.transaction() as connection:
        debtor = owing(connection, [100_000, -30_000])
        assert owed(connection, debtor, SUNDAY).statement.principal == 70_000


def test_a_business_owes_forty_euros_for_each_invoice_that_was_late_and_for_no_other(database: Database) -> None:
    with database.transaction() as connection:
        debtor = owing(connection, [100_000, 50_000, 20_000], kind="business")
        pay(connection, 50_000, date(2024, 4, 1), "R-2")  # in time
        pay(connection, 20_000, date(2024, 6, 1), "R-3")
        found = owed(connection, debtor)
        assert [(cost.claim, cost.amount, cost.reason) for cost in found.ledger.costs] == [
            ("R-1", 4000, "lump_sum"), ("R-3", 4000, "lump_sum"),
        ]  # fmt: skip
        assert owed(connection, debtor, date(2024, 4, 2)).ledger.costs == ()
        assert owed(connection, debtor, agreed=Claims(due_date_agreed=True, lump_sum=False)).ledger.costs == ()
        connection.execute(sa.update(account).values(kind="consumer"))
        assert owed(connection, debtor).ledger.costs == ()


def test_a_payment_in_time_that_names_no_invoice_saves_the_lump_sum(database: Database) -> None:
    with database.transaction() as connection:
        debtor = owing(connection, [100_000], kind="business")
        pay(connection, 100_000, date(2024, 4, 2))
        assert owed(connection, debtor).ledger.costs == ()


def test_letters_cost_what_was_set_once_the_debtor_is_in_default(database: Database) -> None:
    agreed = Claims.model_validate({"letter_fees": ["0.00 EUR", "1.20 EUR"]})
    first = datetime(2024, 5, 6, 8, 0, tzinfo=UTC)
    with database.transaction() as connection:
        debtor = owing(connection, [100_000])
        for days in (0, 14, 28):
            remind(connection, debtor, Channel.LETTER, first + timedelta(days=days), step=f"letter-{days}")
        found = owed(connection, debtor, agreed=agreed)
        assert [(cost.on, cost.amount) for cost in found.ledger.costs] == [
            (date(2024, 5, 20), 120), (date(2024, 6, 3), 120),
        ]  # fmt: skip
        connection.execute(sa.update(account).values(currency="CHF"))
        assert owed(connection, debtor, agreed=agreed).ledger.costs == ()


@given(
    rests=st.lists(st.integers(1, 50_000), min_size=1, max_size=4),
    off=st.lists(st.sampled_from([0, 0, 1_000, 7_000]), min_size=4, max_size=4),
    moves=st.lists(
        st.tuples(st.integers(-30_000, 60_000).filter(bool), st.integers(0, 4), st.integers(-3, 3)), max_size=6
    ),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_before_anybody_is_in_default_statement_and_books_agree_to_the_cent(
    database: Database, rests: list[int], off: list[int], moves: list[tuple[int, int, int]]
) -> None:
    connection = database.engine.connect()
    with connection, connection.begin() as transaction:
        debtor = owing(connection, rests, due=date(2030, 1, 1))
        for place, (rest, taken) in enumerate(zip(rests, off, strict=False), 1):
            told = {"open": max(rest - taken, 0), "imported_open": max(rest - taken, 0)}
            listed = {"taken_off": min(rest, taken), "taken_off_on": date(2029, 11, 2)} if taken else {}
            say(connection, f"R-{place}", **told, **listed)
        accounts.refresh(connection, [debtor], NOW)
        for place, (amount, number, late) in enumerate(moves):
            pay(connection, amount, date(2029, 11, 1) + timedelta(days=place + late), f"R-{number}", str(place))
        found = owed(connection, debtor, date(2029, 12, 31))
        kept = connection.execute(sa.select(account.c.open, account.c.credit).where(account.c.id == debtor)).one()
        transaction.rollback()
    assert found.statement.principal - found.statement.credit == kept.open - kept.credit
    unknown = -sum(one.credited for one in found.uncovered())
    if not any(off):
        assert kept.open - kept.credit == sum(rests) - sum(amount for amount, *_ in moves) - unknown


_offset = st.integers(-80, 40)
_books = st.builds(
    Books,
    *map(st.just, (1, "acme", "K-1", "Erika Muster", "EUR")),
    kind=st.sampled_from(Kind),
    timezone=st.just("Europe/Berlin"),
    region=st.just("DE-BE"),
    invoices=st.lists(
        st.builds(
            lambda number, due, amount: BookedInvoice(
                f"R-{number}", day_of(due - 20), day_of(due), amount, amount, 0, 0, None
            ),
            st.integers(1, 3), _offset, st.integers(1, 9_000),
        ),
        max_size=3, unique_by=lambda one: one.number,
    ),
    payments=st.lists(
        st.builds(
            lambda number, on, amount, named: BookedPayment(number, day_of(on), amount, named),
            st.integers(1, 3), _offset, st.integers(1, 9_000), st.sampled_from(["", "R-1", "R-2"]),
        ),
        max_size=3, unique_by=lambda one: one.id,
    ),
    reminders=st.lists(
        st.builds(
            lambda on, channel, fee: BookedReminder(NOW + timedelta(on), channel, 1, NOW + timedelta(on), fee),
            _offset, st.sampled_from([Channel.EMAIL, Channel.LETTER]), st.sampled_from([None, 0, 250]),
        ),
        max_size=2,
    ),
    postings=st.lists(
        st.builds(
            lambda kind, on: Posting(1, kind, day_of(on), 500, "R-1", Part.PRINCIPAL), st.sampled_from(Posted), _offset
        ),
        max_size=1,
    ),
)  # fmt: skip


@given(
    _books,
    st.builds(
        Claims,
        due_date_agreed=st.booleans(),
        thirty_days_notice=st.booleans(),
        letter_fees=st.sampled_from([(), (Money(120, "EUR"),)]),
    ),
)
@settings(max_examples=300)
def test_who_cannot_bear_interest_or_costs_has_none(books: Books, agreed: Claims) -> None:
    terms = Terms(agreed, RATES)
    stated = terms.owed(books, NOW.date()).statement
    has = stated.costs + stated.interest + sum(one.amount for one in stated.allocations if one.part != Part.PRINCIPAL)
    assert not has or terms.may_bear(books, NOW.date())
    event(f"may bear: {terms.may_bear(books, NOW.date())}, has: {has > 0}")
