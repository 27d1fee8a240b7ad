"""A list is taken once, whole or not at all, and never undoes what was recorded here."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contactd.domain.errors import InputError, NeedsForce
from contactd.intake.accept import Report, accept_accounts, accept_payments
from contactd.intake.sample import sample_payments, sample_rows
from contactd.store.database import Database
from contactd.store.schema import account, allocation, import_run, invoice, payment

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TODAY = date(2026, 11, 23)


def now() -> datetime:
    """Tell a time that stands still."""
    return NOW


def claim(number: str = "4711", document: str = "RE-1", rest: str = "100.00", **more: object) -> dict[str, object]:
    """Write a row of an accounts list."""
    return {
        "creditor": "werke", "account_no": number, "name": "Anna Moosbach", "invoice_no": document,
        "invoice_date": "2026-10-05", "due_date": "2026-10-19", "amount": "100.00", "open": rest, **more,
    }  # fmt: skip


def paid(amount: str, document: str = "RE-1", **more: object) -> dict[str, object]:
    """Write a row of a payments list."""
    return {"invoice_no": document, "amount": amount, "value_date": "2026-11-20", **more}


def take(
    database: Database, *rows: Mapping[str, object], full: bool = False, force: bool = False, source: str = "api"
) -> dict[str, int]:
    """Take accounts; answers the counts."""
    return accept_accounts(database, rows, now=now, full=full, force=force, source=source).counts


def pay(database: Database, *rows: dict[str, object]) -> Report:
    """Take payments."""
    return accept_payments(database, rows, now=now)


def one_account(database: Database) -> sa.Row[Any]:
    """Read the only account."""
    with database.snapshot() as connection:
        return connection.execute(sa.select(account)).one()


def rests(database: Database) -> dict[str, int]:
    """Read what is open of each invoice."""
    with database.snapshot() as connection:
        return {row.invoice_no: row.open for row in connection.execute(sa.select(invoice))}


def everything(database: Database) -> list[list[tuple[object, ...]]]:
    """Read all that an import may change, except the record of the runs."""
    with database.snapshot() as connection:
        return [
            [tuple(row) for row in connection.execute(sa.select(table).order_by(table.c.id))]
            for table in (account, invoice, payment, allocation)
        ]


def test_a_row_becomes_an_account_that_owes(database: Database) -> None:
    counts = take(
        database,
        claim(email="Anna@Example.org", phone="030 23125001", mobile="0172 9925904", region="BY", country="DE",
              birth_date="1980-12-24", language="DE", timezone="Europe/Berlin", goods="Strom"),
    )  # fmt: skip
    assert counts == {
        "accepted": 1, "new": 1, "changed": 0, "unchanged": 0, "cleared": 0, "rejected": 0, "accounts": 1,
        "new_accounts": 1,
    }  # fmt: skip
    row = one_account(database)
    assert (row.open, row.oldest_due, row.case_no, row.customer_id) == (10_000, date(2026, 10, 19), 1, row.id)
    assert (row.email, row.phone, row.phone_type, row.phone_zones) == (
        "anna@example.org", "+493023125001", "fixed", "Europe/Berlin",
    )  # fmt: skip
    assert (row.mobile, row.mobile_type, row.region, row.language) == ("+491729925904", "mobile", "DE-BY", "de")
    assert (row.birth_date, row.kind, row.currency) == (date(1980, 12, 24), "consumer", "EUR")


def test_the_same_list_again_changes_nothing(database: Database) -> None:
    rows = list(sample_rows(7, 60, TODAY))
    first = accept_accounts(database, rows, now=now).counts
    assert (first["accepted"], first["new"], first["accounts"]) == (len(rows), len(rows), 60)
    before = everything(database)
    for full in (False, True):
        again = accept_accounts(database, rows, now=lambda: NOW + timedelta(days=1), full=full).counts
        assert (again["new"], again["changed"], again["cleared"], again["unchanged"]) == (0, 0, 0, len(rows))
        assert everything(database) == before


def test_a_list_in_another_order_changes_nothing(database: Database) -> None:
    rows = list(sample_rows(7, 20, TODAY))
    take(database, *rows)
    before = everything(database)
    assert take(database, *reversed(rows))["changed"] == 0
    assert everything(database) == before


def test_what_changed_is_taken_over(database: Database) -> None:
    take(database, claim(email="anna@example.org", goods="Strom"))
    assert take(database, claim(rest="60.00", email="anna@example.org", goods="Strom"))["changed"] == 1
    assert one_account(database).open == 6_000
    assert take(database, claim(rest="60.00", email="karin@example.org", goods="Gas"))["changed"] == 1
    assert take(database, claim(rest="60.00", email="clara@example.org", goods="Gas"))["changed"] == 1
    assert one_account(database).email == "clara@example.org"
    with database.snapshot() as connection:
        assert connection.scalar(sa.select(invoice.c.goods)) == "Gas"


def test_a_column_the_list_does_not_have_stays_as_it_is(database: Database) -> None:
    take(database, claim(email="anna@example.org", phone="+49 30 23125001", goods="Strom"))
    take(database, {**claim(rest="60.00"), "name": "Anna Birkentau"})
    row = one_account(database)
    assert (row.name, row.email, row.phone) == ("Anna Birkentau", "anna@example.org", "+493023125001")
    take(database, claim(rest="60.00", email=""))
    assert one_account(database).email == ""


def test_the_first_row_of_an_account_says_who_it_is(database: Database) -> None:
    rows = (claim(email="anna@example.org"), claim(document="RE-2", email="other@example.org"))
    take(database, *rows)
    assert one_account(database).email == "anna@example.org"
    assert take(database, *rows)["changed"] == 0


def test_without_open_the_amount_is_open_and_without_amount_it_is_kept(database: Database) -> None:
    whole = {**claim()}
    del whole["open"]
    take(database, whole)
    assert rests(database) == {"RE-1": 10_000}
    part = {**claim(rest="40.00")}
    del part["amount"]
    take(database, part)
    with database.snapshot() as connection:
        row = connection.execute(sa.select(invoice)).one()
    assert (row.amount, row.open) == (10_000, 4_000)
    take(database, {**part, "invoice_no": "RE-2"})
    with database.snapshot() as connection:
        assert connection.scalar(sa.select(invoice.c.amount).where(invoice.c.invoice_no == "RE-2")) == 4_000


def test_currencies_of_one_debtor_belong_to_one_customer(database: Database) -> None:
    take(database, claim())
    take(database, claim(document="RE-2", currency="CHF"), claim("4712", "RE-3"))
    with database.snapshot() as connection:
        found = connection.execute(sa.select(account).order_by(account.c.id)).all()
    assert [(row.account_no, row.currency, row.customer_id) for row in found] == [
        ("4711", "EUR", found[0].id),
        ("4711", "CHF", found[0].id),
        ("4712", "EUR", found[2].id),
    ]


def test_a_payment_is_not_undone_by_the_same_list(database: Database) -> None:
    take(database, claim())
    pay(database, paid("100.00"))
    assert take(database, claim())["changed"] == 0
    assert rests(database) == {"RE-1": 0}
    # A list that lags behind tells of the same money.
    assert take(database, claim(rest="30.00"))["changed"] == 1
    assert rests(database) == {"RE-1": 0}
    assert take(database, claim(rest="50.00"))["changed"] == 1
    assert rests(database) == {"RE-1": 2_000}


def test_a_full_list_clears_what_it_does_not_show(database: Database) -> None:
    take(database, *(claim(str(number), f"RE-{number}") for number in range(10)))
    counts = take(database, *(claim(str(number), f"RE-{number}") for number in range(8)), full=True)
    assert (counts["cleared"], counts["unchanged"]) == (2, 8)
    assert [name for name, rest in rests(database).items() if rest == 0] == ["RE-8", "RE-9"]
    with database.snapshot() as connection:
        gone = connection.execute(sa.select(account).where(account.c.open == 0)).all()
        assert [(row.account_no, row.case_no, row.oldest_due) for row in gone] == [("8", 2, None), ("9", 2, None)]
        assert connection.scalar(sa.select(invoice.c.cleared_at).where(invoice.c.invoice_no == "RE-9")) == NOW


def test_a_list_that_is_not_full_clears_nothing(database: Database) -> None:
    take(database, claim(), claim("4712", "RE-2"))
    assert take(database, claim())["cleared"] == 0
    assert rests(database) == {"RE-1": 10_000, "RE-2": 10_000}


def test_a_row_with_nothing_open_clears_its_invoice(database: Database) -> None:
    take(database, claim())
    assert take(database, claim(rest="0.00"))["cleared"] == 1
    assert one_account(database).case_no == 2


def test_a_cleared_invoice_that_comes_back_is_open_again(database: Database) -> None:
    rows = [claim(str(number), f"RE-{number}") for number in range(10)]
    take(database, *rows)
    pay(database, paid("100.00", "RE-9"))
    take(database, *rows[:-1], full=True)
    take(database, *rows, full=True)
    assert rests(database)["RE-9"] == 10_000


def test_a_full_list_that_would_clear_too_much_is_refused_whole(database: Database) -> None:
    take(database, *(claim(str(number), f"RE-{number}") for number in range(10)))
    before = everything(database)
    short = [claim(str(number), f"RE-{number}", "50.00") for number in range(6)]
    with pytest.raises(NeedsForce) as refused:
        take(database, *short, full=True, source="list.csv")
    assert str(refused.value) == (
        "list.csv: 4 of 10 open accounts would vanish (40 %, the limit is 30 %): nothing was changed; "
        "is the file whole? else use --force"
    )
    assert everything(database) == before
    assert take(database, *short, full=True, force=True)["cleared"] == 4


def test_a_full_list_of_one_creditor_leaves_the_others_alone(database: Database) -> None:
    take(database, claim(), claim("4711", "N-1", creditor="netze"))
    assert take(database, claim(), full=True)["cleared"] == 0
    assert rests(database) == {"RE-1": 10_000, "N-1": 10_000}


def test_an_account_with_a_rejected_row_is_not_cleared(database: Database) -> None:
    take(database, *(claim(str(number), f"RE-{number}") for number in range(10)))
    rows = [claim(str(number), f"RE-{number}") for number in range(9)]
    report = accept_accounts(database, [*rows, claim("9", "RE-9", email="nobody")], now=now, full=True)
    assert (report.counts["cleared"], report.counts["rejected"]) == (0, 1)
    assert rests(database)["RE-9"] == 10_000


def test_a_list_without_a_row_is_refused(database: Database) -> None:
    with pytest.raises(InputError, match="api: holds no row"):
        take(database, full=True)


def test_rejected_rows_are_answered_and_the_others_taken(database: Database) -> None:
    bad: Any = "no object"
    rows = [claim(emial="a@example.org"), bad, claim(open=True), claim(document="RE-2", open=12.5, account_no=4711)]
    report = accept_accounts(database, rows, now=now)
    assert report.as_json()["rejected_rows"] == [
        {"row": 1, "column": "emial", "reason": 'unknown column; did you mean "email"?'},
        {"row": 2, "column": "", "reason": "must be an object with the columns as keys"},
        {"row": 3, "column": "open", "reason": "must be an amount"},
    ]
    assert rests(database) == {"RE-2": 1_250}
    assert not report.useless


def test_a_list_of_rejected_rows_is_no_run(database: Database) -> None:
    assert accept_accounts(database, [claim(open="")], now=now).useless
    assert pay(database, paid("0")).useless
    with database.snapshot() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(import_run)) == 0


def test_a_run_is_fresh_only_when_it_is_over(database: Database) -> None:
    take(database, claim(), source="list.csv")
    assert pay(database).counts["accepted"] == 0
    with database.snapshot() as connection:
        runs = connection.execute(sa.select(import_run).order_by(import_run.c.id)).all()
    assert [(run.kind, run.source, run.finished_at) for run in runs] == [
        ("accounts", "list.csv", NOW),
        ("payments", "api", NOW),
    ]
    assert runs[0].counts["new"] == 1


def test_a_crash_in_the_middle_is_mended_by_the_same_list(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contactd.intake.accept._CHUNK", 10)
    rows = list(sample_rows(3, 40, TODAY))
    calls = 0

    def dying() -> datetime:
        nonlocal calls
        calls += 1
        if calls == 6:
            raise KeyboardInterrupt
        return NOW

    with pytest.raises(KeyboardInterrupt):
        accept_accounts(database, rows, now=dying)
    with database.snapshot() as connection:
        assert connection.scalar(sa.select(import_run.c.finished_at)) is None
        assert 0 < (connection.scalar(sa.select(sa.func.count()).select_from(invoice)) or 0) < len(rows)
    counts = take(database, *rows)
    assert counts["new"] + counts["unchanged"] == len(rows)
    assert len(rests(database)) == len(rows)


def test_payments_are_taken_once(database: Database) -> None:
    rows = list(sample_rows(5, 80, TODAY))
    take(database, *rows)
    lines = [{**line} for line in sample_payments(5, rows, TODAY, 0.5)]
    first = accept_payments(database, lines, now=now).counts
    assert (first["new"], first["unmatched"], first["rejected"]) == (len(lines), 0, 0)
    before = everything(database)
    again = accept_payments(database, lines, now=now).counts
    assert (again["new"], again["unchanged"]) == (0, len(lines))
    assert everything(database) == before
    assert take(database, *rows)["changed"] == 0


def test_the_same_line_twice_in_one_list_is_two_payments(database: Database) -> None:
    take(database, claim())
    assert pay(database, paid("20.00"), paid("20.00")).counts["new"] == 2
    assert rests(database) == {"RE-1": 6_000}
    assert pay(database, paid("20.00"), paid("20.00"), paid("20.00")).counts["new"] == 1
    assert rests(database) == {"RE-1": 4_000}


def test_a_payment_that_came_before_its_account_is_used_when_it_comes(database: Database) -> None:
    report = pay(database, paid("30.00", currency="EUR"), paid("1.00", "RE-7"))
    assert (report.counts["unmatched"], report.unmatched) == (2, [1, 2])
    assert report.as_json()["unmatched_rows"] == [1, 2]
    take(database, claim())
    row = one_account(database)
    assert (row.open, row.last_payment_at) == (7_000, NOW)


def test_the_clock_is_read_after_the_accounts_were_found(database: Database) -> None:
    take(database, claim())
    instants = iter([NOW, NOW + timedelta(seconds=1), NOW + timedelta(seconds=2)])
    accept_payments(database, [paid("10.00")], now=lambda: next(instants))
    assert one_account(database).last_payment_at == NOW + timedelta(seconds=1)


ROWS = st.lists(
    st.tuples(st.sampled_from("ABC"), st.sampled_from(["1", "2", "3"]), st.integers(min_value=0, max_value=10_000)),
    min_size=1,
    max_size=8,
    unique_by=lambda row: row[:2],
)


@pytest.fixture
def fresh(database: Database) -> Callable[[], Database]:
    """Empty the database for the next example."""

    def empty() -> Database:
        with database.transaction() as connection:
            for table in (allocation, payment, invoice, account, import_run):
                connection.execute(sa.delete(table))
        return database

    return empty


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, later=ROWS)
def test_two_imports_are_one(
    fresh: Callable[[], Database], rows: list[tuple[str, str, int]], later: list[tuple[str, str, int]]
) -> None:
    database = fresh()
    lists = [
        [claim(number, f"{number}{name}", f"{rest / 100:.2f}") for number, name, rest in one] for one in (rows, later)
    ]
    take(database, *lists[0])
    take(database, *lists[1], full=True, force=True)
    before = everything(database)
    counts = take(database, *lists[1], full=True)
    assert (counts["new"], counts["changed"], counts["cleared"]) == (0, 0, 0)
    assert everything(database) == before
    last = {f"{number}{name}": rest for number, name, rest in later}
    assert {name: rest for name, rest in rests(database).items() if rest} == {
        n: rest for n, rest in last.items() if rest
    }
