"""A simulated year: every check holds, the same seed gives the same year, and what is wrong is seen."""

import json
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from contactd.cli.simulate import simulate as verb
from contactd.config.load import load
from contactd.config.settings import Settings
from contactd.domain.account import Channel
from contactd.domain.agreement import Agreement, Kind, Part, State
from contactd.domain.base_rates import BaseRates
from contactd.engine.ladder.explanation import TO_DO
from contactd.rehearsal import audit as auditing
from contactd.rehearsal import year as living
from contactd.rehearsal.audit import UNEXPLAINED, Audit, state_of
from contactd.rehearsal.bank import Bank, Bill, Creditor, Entry
from contactd.rehearsal.conditions import only
from contactd.rehearsal.umpire import Contact, Umpire
from contactd.rehearsal.year import Options, simulate
from contactd.store.schema import account, allocation, attempt, invoice, payment

MONDAY = datetime(2025, 3, 3, 9, 0, tzinfo=UTC)  # ten o'clock in Berlin
OWNER = "100001"
ROW = {
    "timezone": "Europe/Berlin", "country": "DE", "region": "DE-BE", "kind": "consumer", "language": "de",
    "creditor": "musterwerke", "segment": "private",
}  # fmt: skip


_RARE = (
    "letters that came back", "addresses marked", "new addresses found", "new addresses not found", "numbers marked",
    "represented by a lawyer", "insolvent", "deceased", "paid twice", "direct debits that came back",
    "payments assigned by hand", "letters set as a sample",
)  # fmt: skip


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load(Path(__file__).parents[2] / "config" / "contactd.toml")


@pytest.mark.parametrize(("seed", "days"), [(3, 90), (2, 48)])
def test_every_check_holds_at_the_end(settings: Settings, tmp_path: Path, seed: int, days: int) -> None:
    shares: list[float] = []
    found = simulate(settings, tmp_path, Options(days, 100, seed), shares.append)
    assert [check.wrong for check in found.checks if check.wrong] == []
    assert found.good
    assert all(check.count for check in found.checks)
    assert UNEXPLAINED not in found.states
    explained = next(check for check in found.checks if "`why` explains" in check.name)
    assert sum(found.states.values()) == explained.count > 60
    assert {"bookings", "statements", "lists", "contacts by email", "contacts by call"} <= set(found.figures)
    if days > 60:
        assert [rare for rare in _RARE if not found.kinds[rare]] == []
    assert shares[-1] == 1.0


def test_credit_that_pays_an_invoice_of_the_last_list_is_told_of_before_the_audit(
    settings: Settings, tmp_path: Path
) -> None:
    found = simulate(settings, tmp_path, Options(90, 130, 1))
    assert [check.wrong for check in found.checks if check.wrong] == []


def test_a_ladder_that_begins_with_a_meeting_goes_on_once_somebody_has_been_there(
    settings: Settings, tmp_path: Path
) -> None:
    found = simulate(only(settings, ["behoerden-grosskunden"]), tmp_path, Options(45, 30, 1))
    assert found.good, found.checks
    assert found.figures["contacts by task"] >= found.figures["contacts by email"] > 0


def test_who_is_insolvent_before_any_list_tells_of_them_is_never_contacted(settings: Settings, tmp_path: Path) -> None:
    found = simulate(only(settings, ["mahnung-standard"]), tmp_path, Options(75, 80, 3))
    assert [check.wrong for check in found.checks if check.wrong] == []
    assert found.kinds["insolvent"] == found.figures["insolvency"] == 2


def test_the_same_seed_gives_the_same_year_and_another_seed_another(settings: Settings, tmp_path: Path) -> None:
    def of(seed: int, name: str) -> str:
        (tmp_path / name).mkdir()
        chosen = only(settings, ["mahnung-standard"])
        return repr(asdict(simulate(chosen, tmp_path / name, Options(40, 20, seed))))

    assert of(3, "one") == of(3, "again")
    assert of(3, "once more") != of(4, "other")


# ---- what is wrong is seen -------------------------------------------------------------------------------------------


def tamper(monkeypatch: pytest.MonkeyPatch, *statements: sa.Update | sa.Delete | sa.Insert) -> None:
    """Change the database behind everybody's back before it is audited."""
    audit = auditing.audit

    def tampered(year: living.Year) -> Audit:
        with year.database.transaction() as connection:
            for statement in statements:
                connection.execute(statement)
        return audit(year)

    monkeypatch.setattr(living, "audit", tampered)


def wrong_at_the_end(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, folder: Path, *statements: sa.Update | sa.Delete | sa.Insert
) -> dict[str, tuple[str, ...]]:
    """Live a short year, change its database and answer what the audit finds."""
    tamper(monkeypatch, *statements)
    found = simulate(settings, folder, Options(50, 30, 1))
    wrong = {check.name: check.wrong for check in found.checks if check.wrong}
    assert found.good is not bool(wrong)
    return wrong


def test_who_simulates_gets_exit_code_1_and_json_when_something_is_wrong(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    tamper(monkeypatch, sa.update(account).values(open=account.c.open + 1))
    few = ("mahnung-standard", "--days", "20", "--accounts", "8", "--config", str(settings.path), "--json")
    ended = CliRunner().invoke(verb, few)
    assert ended.exit_code == 1
    told = json.loads(ended.stdout)
    assert told["good"] is False
    assert told["kinds"]["letters that came back"] == 0
    [wrong] = [one for one in told["checks"] if one["check"] == "accounts that owe what the creditor's books say"]
    assert wrong["wrong"]


def test_a_cent_too_much_on_an_account_is_seen(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = sa.select(sa.func.min(payment.c.id)).scalar_subquery()
    more = sa.update(payment).where(payment.c.id == first).values(amount=payment.c.amount + 1)
    wrong = wrong_at_the_end(monkeypatch, settings, tmp_path, more)
    assert wrong["accounts whose payments are the bank's"][0].startswith("account 1000")
    assert "cents booked, as the bank has them" in wrong
    assert "statements that add up with the bank's and the creditor's books" in wrong


def test_an_account_that_is_asked_for_too_much_is_seen(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = sa.select(sa.func.min(account.c.id)).scalar_subquery()
    more = sa.update(account).where(account.c.id == first).values(open=99_999)
    wrong = wrong_at_the_end(monkeypatch, settings, tmp_path, more)
    assert wrong["accounts that owe what the creditor's books say"][0].startswith("account 1000")


def test_a_payment_that_is_missing_is_seen(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = sa.select(sa.func.min(allocation.c.payment_id)).scalar_subquery()
    gone = [
        sa.delete(allocation).where(allocation.c.payment_id == first),
        sa.delete(payment).where(payment.c.id.not_in(sa.select(allocation.c.payment_id)), payment.c.credited == 0),
    ]
    wrong = wrong_at_the_end(monkeypatch, settings, tmp_path, *gone)
    assert "cents booked, as the bank has them" in wrong
    assert "cents laid against invoices, charged, left over or unmatched" in wrong
    assert "accounts whose payments are the bank's" in wrong


def test_interest_by_another_table_of_base_rates_is_seen(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = BaseRates.percent_on

    def dearer(table: BaseRates, day: date) -> Decimal:
        return other(table, day) + (day.year == 2025) * Decimal("0.45")

    monkeypatch.setattr(BaseRates, "percent_on", dearer)
    wrong = wrong_at_the_end(monkeypatch, settings, tmp_path)
    assert list(wrong) == ["statements that are right when reckoned day by day"]


def test_a_reminder_sent_twice_and_a_call_at_night_are_seen(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mails = sa.select(sa.func.min(attempt.c.id)).where(attempt.c.channel == "email", attempt.c.state == "accepted")
    calls = sa.select(sa.func.max(attempt.c.id)).where(attempt.c.channel == "call", attempt.c.sending_at.is_not(None))
    copied = [column for column in attempt.c if column.name not in {"id", "try_no"}]
    again = sa.select(*copied, attempt.c.try_no + 1).where(attempt.c.id == mails.scalar_subquery())
    twice = sa.insert(attempt).from_select([*(column.name for column in copied), "try_no"], again)
    night = sa.update(attempt).where(attempt.c.id == calls.scalar_subquery())
    late = night.values(sending_at=datetime(2025, 2, 10, 22, 30, tzinfo=UTC))
    wrong = wrong_at_the_end(monkeypatch, settings, tmp_path, twice, late)
    assert "had reached them" in wrong["contacts: no step twice"][0]
    assert "it is " in wrong["contacts: within the hours of call and step"][0]


def test_a_debt_that_no_report_by_contact_method_knows_is_seen(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = sa.select(sa.func.min(invoice.c.id)).where(invoice.c.open > 0, invoice.c.due_date < date(2025, 2, 1))
    lost = sa.update(invoice).where(invoice.c.id == first.scalar_subquery()).values(due_date=date(2024, 6, 3))
    wrong = wrong_at_the_end(monkeypatch, settings, tmp_path, lost)
    assert "cents overdue in the control reports, as in the creditor's books" in wrong


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
        ({"decision": "rest", "why": TO_DO, "step": {"id": "termin"}}, "waiting for termin"),
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
    assert max(counts.values()) == len(contacts)
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
