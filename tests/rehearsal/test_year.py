"""A simulated year: every check holds, the same seed gives the same year, and what is wrong is seen."""

from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from contactd.config.load import load
from contactd.config.settings import Settings
from contactd.domain.account import Channel
from contactd.domain.agreement import Agreement, Kind, Part, State
from contactd.rehearsal import audit as auditing
from contactd.rehearsal import year as living
from contactd.rehearsal.audit import UNEXPLAINED, Audit, state_of
from contactd.rehearsal.bank import Bank, Bill, Creditor, Entry
from contactd.rehearsal.umpire import Contact, Umpire
from contactd.rehearsal.year import Options, only, simulate
from contactd.store.schema import account, payment

MONDAY = datetime(2025, 3, 3, 9, 0, tzinfo=UTC)  # ten o'clock in Berlin
OWNER = "100001"
ROW = {
    "timezone": "Europe/Berlin", "country": "DE", "region": "DE-BE", "kind": "consumer", "language": "de",
    "creditor": "musterwerke", "segment": "private",
}  # fmt: skip


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load(Path(__file__).parents[2] / "config" / "contactd.toml")


@pytest.mark.parametrize(("seed", "days"), [(1, 90), (2, 48)])
def test_every_check_holds_at_the_end(settings: Settings, tmp_path: Path, seed: int, days: int) -> None:
    shares: list[float] = []
    found = simulate(settings, tmp_path, Options(days, 40, seed), shares.append)
    assert [check.wrong for check in found.checks if check.wrong] == []
    assert found.good
    assert all(check.count for check in found.checks)
    assert UNEXPLAINED not in found.states
    assert sum(found.states.values()) == 40
    assert {"bookings", "statements", "lists", "contacts by email", "contacts by call"} <= set(found.figures)
    assert shares[-1] == 1.0


def test_the_same_seed_gives_the_same_year_and_another_seed_another(settings: Settings, tmp_path: Path) -> None:
    def of(seed: int, name: str) -> str:
        (tmp_path / name).mkdir()
        chosen = only(settings, ["mahnung-standard"])
        return repr(asdict(simulate(chosen, tmp_path / name, Options(40, 20, seed))))

    assert of(3, "one") == of(3, "again")
    assert of(3, "once more") != of(4, "other")


# ---- what is wrong is seen -------------------------------------------------------------------------------------------


def end_with(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, folder: Path, statement: sa.Update | sa.Delete
) -> Audit:
    """Live a short year and change the database behind everybody's back before it is audited."""
    audit = auditing.audit

    def tampered(year: living.Year) -> Audit:
        with year.database.transaction() as connection:
            connection.execute(statement)
        return audit(year)

    monkeypatch.setattr(living, "audit", tampered)
    return simulate(settings, folder, Options(40, 20, 1))


def test_a_cent_too_much_on_an_account_is_seen(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = sa.select(sa.func.min(payment.c.id)).scalar_subquery()
    more = sa.update(payment).where(payment.c.id == first).values(amount=payment.c.amount + 1)
    found = end_with(monkeypatch, settings, tmp_path, more)
    wrong = {check.name: check.wrong for check in found.checks if check.wrong}
    assert not found.good
    assert wrong["accounts whose payments are the bank's"][0].startswith("account 1000")
    assert "cents booked, as the bank has them" in wrong
    assert "statements that add up with the bank's and the creditor's books" in wrong


def test_an_account_that_is_asked_for_too_much_is_seen(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = sa.select(sa.func.min(account.c.id)).scalar_subquery()
    found = end_with(
        monkeypatch, settings, tmp_path, sa.update(account).where(account.c.id == first).values(open=99_999)
    )
    wrong = {check.name: check.wrong for check in found.checks if check.wrong}
    assert wrong["accounts that owe what the creditor's books say"][0].startswith("account 1000")


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ({"decision": "rest", "why": "nothing_open"}, "paid"),
        ({"decision": "rest", "why": "ladder_ended"}, "ladder at its end: hand over"),
        ({"decision": "rest", "why": "no campaign selects this account", "campaigns": [{"why": "kinds"}]},
         "for no campaign: kinds"),
        ({"decision": "held", "why": "stopped"}, "stopped"),
        ({"decision": "wait", "why": "on_hold", "when": "2025-03-03", "step": {"id": "a"}, "hold": {}}, UNEXPLAINED),
        ({"decision": "wait", "why": "on_hold", "hold": {"reason": "promise"}}, "in an agreement"),
        ({"decision": "planned", "when": "2025-03-03", "step": {"id": "anruf"}}, "waiting for anruf"),
        ({"decision": "held", "why": "payments_stale"}, UNEXPLAINED),
        ({"decision": "unclear"}, UNEXPLAINED),
    ],
)  # fmt: skip
def test_what_why_says_is_put_into_words(told: dict[str, object], state: str) -> None:
    assert state_of(told) == state


# ---- the umpire ------------------------------------------------------------------------------------------------------


@pytest.fixture
def umpire(settings: Settings) -> Umpire:
    found = Umpire(settings, {OWNER: ROW}, frozenset())
    found.owes(OWNER, MONDAY - timedelta(days=60), 10_000)
    for hours in range(-40 * 24, 40 * 24, 24):
        found.payments_known(MONDAY + timedelta(hours=hours - 4))
    return found


def contact(number: int = 1, **changes: object) -> Contact:
    one = Contact(
        number, OWNER, "mahnung-standard", "mahnung-email", Channel.EMAIL, MONDAY, 1, 1, "accepted", "a@b.example"
    )
    return replace(one, **changes)  # type: ignore[arg-type]  # fields by name


def a_call(number: int = 1, **changes: object) -> Contact:
    one = contact(number, step="anruf", channel=Channel.CALL, state="failed", address="+493023125000")
    return replace(one, **changes)  # type: ignore[arg-type]  # fields by name


def broken(umpire: Umpire, *contacts: Contact) -> list[str]:
    counts, found = umpire.judge(contacts)
    assert set(counts.values()) == {len(contacts)}
    return [f"{one.rule} {one.contact.attempt}" for one in found]


def test_a_contact_by_the_rules_is_left_in_peace(umpire: Umpire) -> None:
    assert broken(umpire, contact(), a_call(2, at=MONDAY + timedelta(days=1))) == []


@pytest.mark.parametrize(
    ("rule", "contacts"),
    [
        ("within the hours of call and step", [a_call(at=MONDAY.replace(hour=18))]),
        ("within the hours of call and step", [a_call(at=MONDAY + timedelta(days=6))]),
        ("not on a holiday", [a_call(at=datetime(2025, 4, 21, 9, 0, tzinfo=UTC))]),  # Easter Monday
        ("not on a holiday", [a_call(at=datetime(2025, 3, 8, 9, 0, tzinfo=UTC))]),  # Berlin alone
        ("no step of another campaign", [contact(campaign="reminder-english", step="reminder-email")]),
        ("payments were known", [contact(at=MONDAY + timedelta(days=200))]),
        ("no step twice", [contact(), contact(2, at=MONDAY + timedelta(days=2), try_no=2)]),
        ("no step twice", [contact(state="failed"), contact(2, at=MONDAY + timedelta(days=2))]),
        ("no more than a day or week allows", [contact(), contact(2, at=MONDAY + timedelta(hours=1), step="anruf")]),
    ],
)
def test_a_planted_breach_is_seen(umpire: Umpire, rule: str, contacts: list[Contact]) -> None:
    assert f"{rule} {contacts[-1].attempt}" in broken(umpire, *contacts)


def test_four_calls_in_a_week_are_one_too_many(umpire: Umpire) -> None:
    calls = [a_call(number, at=MONDAY + timedelta(days=number - 1), try_no=number) for number in range(1, 5)]
    assert broken(umpire, *calls[:3]) == []
    assert broken(umpire, *calls) == ["no more than a day or week allows 4"]


def test_whoever_has_paid_disputes_or_stopped_is_left_alone(umpire: Umpire) -> None:
    umpire.owes(OWNER, MONDAY - timedelta(hours=3), 0)
    assert broken(umpire, contact()) == ["only while something is open 1"]
    assert broken(umpire, contact(at=MONDAY - timedelta(hours=3, minutes=1))) == []
    umpire.owes(OWNER, MONDAY - timedelta(hours=2), 500)
    umpire.stopped(OWNER, MONDAY - timedelta(hours=1))
    assert broken(umpire, contact()) == ["not after a stop 1"]


def promise(*dues: date) -> Agreement:
    return Agreement(Kind.PROMISE, State.OPEN, tuple(Part(due, due, 5_000) for due in dues))


def test_an_agreement_is_waited_for_until_its_grace_is_over_or_it_is_kept(umpire: Umpire) -> None:
    made = MONDAY - timedelta(days=10)
    umpire.agreed(OWNER, made, promise(date(2025, 2, 26)))  # a Wednesday and three banking days: Monday
    assert broken(umpire, contact()) == ["not while an agreement is kept 1"]
    assert broken(umpire, contact(at=MONDAY + timedelta(days=1))) == []
    umpire.money(OWNER, MONDAY - timedelta(days=1), date(2025, 2, 28), 5_000)
    assert broken(umpire, contact()) == []
    umpire.money(OWNER, MONDAY - timedelta(hours=2), date(2025, 3, 1), -5_000)  # went back
    assert broken(umpire, contact()) == ["not while an agreement is kept 1"]


def test_a_deferral_rests_until_its_last_day_and_a_dispute_of_an_invoice_does_not(umpire: Umpire) -> None:
    umpire.agreed(OWNER, MONDAY - timedelta(days=1), Agreement(Kind.DISPUTE, State.OPEN))
    assert broken(umpire, contact()) == []
    umpire.agreed(OWNER, MONDAY - timedelta(hours=1), Agreement(Kind.DEFERRAL, State.OPEN, until=date(2025, 3, 3)))
    assert broken(umpire, contact()) == ["not while an agreement is kept 1"]
    assert broken(umpire, contact(at=MONDAY + timedelta(days=1))) == []


# ---- the books -------------------------------------------------------------------------------------------------------


def entry(amount: int, *bills: str) -> Entry:
    return Entry("B1", OWNER, amount, MONDAY.date(), "", "Anna", "", bills)


def test_the_creditors_books_keep_what_was_paid_too_much_and_take_back_what_was_returned() -> None:
    books = Creditor()
    for number in ("R-1", "R-2"):
        books.issue(Bill(number, OWNER, MONDAY.date(), MONDAY.date(), 1_000))
    books.receive(entry(1_500, "R-2"))
    assert [one.open for one in books.bills[OWNER]] == [500, 0]
    books.receive(entry(700))
    assert (books.open(OWNER), books.credit[OWNER]) == (0, 200)
    books.receive(entry(-1_200, "R-2"))
    assert [one.open for one in books.bills[OWNER]] == [0, 1_000]
    assert books.write_off("R-2") == 1_000
    assert books.open(OWNER) == 0


def test_the_bank_books_on_no_sunday_and_its_statements_add_up() -> None:
    bank = Bank(frozenset({date(2025, 3, 10)}))
    assert bank.banking_day(date(2025, 3, 8)) == date(2025, 3, 11)
    bank.book(entry(1_234))
    assert "12.34" in bank.statement(MONDAY.date(), "EUR")
    assert (bank.balance, bank.totals(MONDAY.date())) == (1_234, {OWNER: 1_234})
