"""What is checked at the end of a simulated year, each check with its count and everything that contradicts it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.config.holidays import every_region
from contactd.domain.account import Channel
from contactd.domain.control_report import WINDOW
from contactd.domain.money import Money
from contactd.domain.policy import Reason
from contactd.engine.debt.claims import owed_by, terms_of
from contactd.engine.ladder.explanation import TO_DO, explain
from contactd.engine.reports.effectiveness import control
from contactd.rehearsal.kinds import kinds
from contactd.rehearsal.reckoner import Reckoner, Result, Rows
from contactd.rehearsal.umpire import Contact
from contactd.store.schema import account, allocation, attempt, payment

if TYPE_CHECKING:
    from contactd.rehearsal.year import Year

FIRST = date(2025, 1, 6)  # a Monday; the base rates of the year after it are known
Told = Mapping[str, Any]
UNEXPLAINED = "unexplained"
_YEARS = range(2015, 2041)
_HELD = {
    Reason.ON_HOLD: "in an agreement",
    Reason.STOPPED: "stopped",
    Reason.REPRESENTED: "represented by a lawyer",
    Reason.INSOLVENCY: "insolvent",
    Reason.DECEASED: "deceased",
    Reason.OPTED_OUT: "stopped",
    Reason.DISPUTED: "disputed",
    Reason.NOTHING_OPEN: "paid",
    Reason.PAID_SINCE_PLANNING: "to be planned again after a payment",
    Reason.NO_ADDRESS: "no way to reach them",
    Reason.UNDELIVERABLE: "no way to reach them",
}
_RESTS = {
    "nothing_open": "paid",
    "disputed": "disputed",
    "ladder_ended": "ladder at its end: hand over",
    "a notice about an agreement goes first": "waiting for a notice",
    "min_days_due": "for no campaign: min_days_due",  # that day has not begun where they live
}


@dataclass(frozen=True, slots=True)
class Check:
    """One question, how often it was asked, and the answers that are wrong, each with its account."""

    name: str
    count: int
    wrong: tuple[str, ...] = ()


@dataclass(slots=True)
class Audit:
    """The result of a year; `figures` and `kinds` tell what happened, `states` where the accounts stand."""

    figures: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, int] = field(default_factory=dict)
    states: dict[str, int] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Tell whether every check holds."""
        return not any(check.wrong for check in self.checks)


def audit(year: "Year") -> Audit:
    """Check everything; the year's clock stands at its end."""
    found = Audit()
    with year.database.snapshot() as connection:
        contacts = list(contacts_of(connection))
        _explained(year, connection, found)
        _bank(year, connection, found)
        _owed(year, connection, found)
        _laid(year, connection, found)
        _statements(year, connection, found)
        _control(year, connection, found)
        found.kinds = kinds(year, connection)
    _judged(year, contacts, found)
    found.figures = _figures(year, contacts)
    return found


def contacts_of(connection: Connection) -> Iterator[Contact]:
    """Read every contact that was begun."""
    chosen = (
        sa.select(attempt, account.c.account_no)
        .join(account, account.c.id == attempt.c.account_id)
        .where(attempt.c.sending_at.is_not(None))
        .order_by(attempt.c.sending_at, attempt.c.id)
    )
    for row in connection.execute(chosen):
        yield Contact(
            row.id, row.account_no, row.campaign, row.step, Channel(row.channel), row.sending_at, row.case_no,
            row.try_no, row.state, row.address, row.conversation_at,
        )  # fmt: skip


def state_of(told: Told) -> str:
    """Say in a word or two where an account stands, by what `contactd why` says."""
    decision, why = told["decision"], str(told.get("why", ""))
    if decision == "rest" and why == "no campaign selects this account" and told["campaigns"]:
        return f"for no campaign: {', '.join(sorted({one['why'] for one in told['campaigns']}))}"
    if decision == "rest" and why != TO_DO:
        return _RESTS.get(why, UNEXPLAINED)
    if decision == "held":
        return next((word for reason, word in _HELD.items() if reason == why), UNEXPLAINED)
    hold = told.get("hold")
    if decision == "wait" and why == Reason.ON_HOLD:
        return "in an agreement" if hold else UNEXPLAINED
    if why == TO_DO or (decision in {"wait", "planned", "due"} and "step" in told and told.get("when")):
        return f"waiting for {told['step']['id']}"
    return UNEXPLAINED


def _explained(year: "Year", connection: Connection, found: Audit) -> None:
    """Ask `contactd why` about every account."""
    now = year.clock.now()
    instants = {campaign.id: now for campaign in year.settings.campaigns}
    states: Counter[str] = Counter()
    wrong = []
    for row in connection.execute(sa.select(account.c.id, account.c.account_no).order_by(account.c.id)):
        told = explain(connection, year.office.book, row.id, instants)
        state = state_of(told)
        states[state] += 1
        if state == UNEXPLAINED:
            wrong.append(f"account {row.account_no}: {told['decision']} {told.get('why', '')} {told.get('step', '')}")
    found.states = dict(sorted(states.items()))
    found.checks.append(Check("accounts whose state `why` explains", states.total(), tuple(wrong)))


def _bank(year: "Year", connection: Connection, found: Audit) -> None:
    """Hold the payments on each account against what the bank booked of its owner, up to the last statement."""
    chosen = sa.select(account.c.account_no, sa.func.sum(payment.c.amount)).outerjoin_from(payment, account)
    booked = {row[0]: int(row[1]) for row in connection.execute(chosen.group_by(account.c.account_no))}
    truth = year.bank.totals(until=year.told_until)
    wrong = _differences(booked, truth, "contactd booked", "the bank")
    found.checks.append(Check("accounts whose payments are the bank's", len(truth), wrong))
    total, banks = sum(booked.values()), sum(truth.values())
    off = () if total == banks else (f"all accounts: contactd booked {_euro(total)}, the bank {_euro(banks)}",)
    found.checks.append(Check("cents booked, as the bank has them", banks, off))


def _laid(year: "Year", connection: Connection, found: Audit) -> None:
    """See where every cent of the bank's went: to an invoice, interest and costs, credit, or it waits for its owner."""
    laid = connection.scalar(sa.select(sa.func.sum(allocation.c.amount))) or 0
    mine = sa.select(sa.func.sum(payment.c.credited + payment.c.charged)).where(payment.c.account_id.is_not(None))
    waiting = sa.select(sa.func.sum(payment.c.amount)).where(payment.c.account_id.is_(None))
    parts = int(laid) + int(connection.scalar(mine) or 0) + int(connection.scalar(waiting) or 0)
    banks = sum(year.bank.totals(until=year.told_until).values())
    made = f"laid, charged, left over and unmatched make {_euro(parts)}, the bank has {_euro(banks)}"
    off = () if parts == banks else (made,)
    found.checks.append(Check("cents laid against invoices, charged, left over or unmatched", banks, off))


def _owed(year: "Year", connection: Connection, found: Audit) -> None:
    """Hold what is asked for against the creditor's own books."""
    asked = {row[0]: row[1] for row in connection.execute(sa.select(account.c.account_no, account.c.open))}
    truth = {one: year.asked(one) for one in asked}
    wrong = _differences(asked, truth, "contactd asks for", "the creditor's books")
    found.checks.append(Check("accounts that owe what the creditor's books say", len(asked), wrong))


def _statements(year: "Year", connection: Connection, found: Audit) -> None:
    """Add up the statement of each account: what was owed, less what came in and was waived, is what is open."""
    today = year.today()
    terms = terms_of(year.settings)
    wrong, count, statements = [], 0, dict[int, Result]()
    received = year.bank.totals(until=year.told_until)
    ids = list(connection.scalars(sa.select(account.c.id).order_by(account.c.id)))
    for owed in owed_by(connection, ids, terms, today):
        count += 1
        number, stands = owed.books.number, owed.statement
        issued = sum(bill.amount - bill.credited for bill in year.books.bills[number] if bill.number in year.listed)
        costs = sum(cost.amount for cost in owed.ledger.costs if cost.on <= today)
        statements[owed.books.account_id] = Result(stands.open, stands.credit, stands.accrued, costs)
        waived = sum(one.amount for one in stands.write_offs)
        balance = issued + costs + stands.accrued - received.get(number, 0) - waived
        if balance != stands.open - stands.credit:
            said, truth = _euro(stands.open - stands.credit), _euro(balance)
            wrong.append(f"account {number}: the statement says {said} open, its parts make {truth}")
    _reckoned(year, connection, statements, found)
    found.checks.append(Check("statements that add up with the bank's and the creditor's books", count, tuple(wrong)))


def _reckoned(year: "Year", connection: Connection, statements: Mapping[int, Result], found: Audit) -> None:
    """Reckon every account once more, by another way, and compare."""
    reckoner = Reckoner(year.settings.claims, year.settings.base_rates_path, every_region(_YEARS))
    if not reckoner.knows:
        return
    rows = Rows(connection)
    wrong = []
    for number, said in statements.items():
        reckoned = reckoner.reckon(*rows.of(number), as_of=year.today())
        if reckoned != said:
            wrong.append(f"account {rows.number(number)}: the statement has {said}, day by day it is {reckoned}")
    found.checks.append(Check("statements that are right when reckoned day by day", len(statements), tuple(wrong)))


def _control(year: "Year", connection: Connection, found: Audit) -> None:
    """Add up the report by contact method: every month's rows are its cohort, and what is open is in all of them."""
    today, wrong, months, still_open = year.today(), [], 0, 0
    first = FIRST.replace(day=1)
    while first <= today:
        for month in control(connection, year.settings, first, as_of=today, window=WINDOW):
            months += 1
            report = month.report
            still_open += report.open.amount
            if report.total != report.cohort:
                wrong.append(f"control report of {first:%Y-%m}: its rows make {report.total}, not {report.cohort}")
        first = (first + timedelta(days=31)).replace(day=1)
    found.checks.append(Check("months whose control report adds up", months, tuple(wrong)))
    bills = [bill for every in year.books.bills.values() for bill in every if bill.number in year.listed]
    truth = sum(bill.open for bill in bills if bill.due < today)
    off = () if truth == still_open else (
        f"all accounts: the control reports have {_euro(still_open)} open, the creditor's books {_euro(truth)}",
    )  # fmt: skip
    found.checks.append(Check("cents overdue in the control reports, as in the creditor's books", truth, off))


def _judged(year: "Year", contacts: list[Contact], found: Audit) -> None:
    """Have the umpire judge every contact."""
    counts, broken = year.umpire.judge(contacts)
    for rule, count in counts.items():
        wrong = tuple(str(one) for one in broken if one.rule == rule)
        found.checks.append(Check(f"contacts: {rule}", count, wrong))


def _figures(year: "Year", contacts: list[Contact]) -> dict[str, int]:
    by_channel = Counter(f"contacts by {one.channel}" for one in contacts)
    told = Counter({name.replace("_", " "): count for name, count in year.clerk.counts.items()})
    return dict(sorted((told + by_channel).items()))


def _differences(ours: Mapping[str, int], truth: Mapping[str, int], we: str, they: str) -> tuple[str, ...]:
    return tuple(
        f"account {one}: {we} {_euro(ours.get(one, 0))}, {they} {_euro(truth.get(one, 0))}"
        for one in sorted({*ours, *truth}, key=str)
        if ours.get(one, 0) != truth.get(one, 0)
    )


def _euro(minor: int) -> str:
    return str(Money(minor, "EUR"))
