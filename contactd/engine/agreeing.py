"""Makes agreements and carries out what people say of them: one model for the command line, the API and the desk.

What cannot be agreed on is refused with an InputError that says what could be. All of it is one transaction: the
agreement, its line in the contact log, and the hold of the ladder.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from contactd.config.base_rates import load_base_rates
from contactd.config.holidays import every_region
from contactd.config.settings import Settings
from contactd.domain import agreement as rules
from contactd.domain.agreement import ALIVE, Agreement, Event, Kind, Part, State, last_day
from contactd.domain.errors import IllegalTransition, InputError
from contactd.domain.instalments import MOST, due_dates, equal_amounts, fixed_amounts, plan
from contactd.domain.money import Money
from contactd.domain.notice import CONFIRMED
from contactd.engine.claims import Terms, owed_by
from contactd.engine.judgement import judge, today_of
from contactd.engine.notifying import Notifying
from contactd.store import accounts, agreements, notices, waivers
from contactd.store.agreements import Change, Stored
from contactd.store.schema import invoice

_YEARS = range(2000, 2061)
_MOST_MONTHS = 12
_FIRM = frozenset({State.CONFIRMED, State.ACTIVE})
_EVENTS = {  # what people say, and the kinds it is said of
    "withdraw": (Event.WITHDRAWN, frozenset(Kind)),
    "sent": (Event.SENT, frozenset({Kind.PLAN})),
    "confirm": (Event.CONFIRMED, CONFIRMED),
    "uphold": (Event.UPHELD, frozenset({Kind.DISPUTE})),
    "reject": (Event.REJECTED, frozenset({Kind.DISPUTE})),
}
_FIRST = {State.SENT: Event.SENT, State.CONFIRMED: Event.CONFIRMED}  # what a plan begins with; others are just there
SAID = tuple(_EVENTS)

Told = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Debtor:
    """An account row as far as agreements go by it; `open` in minor units, without what is disputed."""

    id: int
    creditor: str
    number: str
    currency: str
    kind: str
    open: int
    disputed: bool


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be agreed on; None and empty: as usual.

    `on` is the day of a promise, of the first instalment, the last day of a deferral and hardship, the deadline of a
    dispute. A plan has `count` instalments or some of `instalment` each; `state` is where it begins. Amounts are
    written like "120.00", with their currency or without. `tell`: the customer gets it in writing.
    """

    kind: Kind
    amount: str = ""
    on: date | None = None
    count: int | None = None
    instalment: str = ""
    every_months: int = 1
    invoice_no: str = ""
    reason: str = ""
    owner: str = ""
    cost_notice_on: date | None = None
    state: State = State.DRAFT
    tell: bool = True


class Agreeing:
    """One set of settings; `by` is who is at work, `now` the instant of the transaction."""

    def __init__(self, settings: Settings, connection: sa.Connection, *, by: str, now: datetime) -> None:
        self._settings, self._agreed = settings, settings.agreements
        self._connection, self._by, self._now = connection, by, now
        self._today = today_of(settings, now)
        known = every_region(_YEARS)
        self._holidays = known[settings.claims.holidays]

    def make(self, debtor: Debtor, order: Order) -> Stored:
        """Agree with an account row; what stood before and is of the same sort is superseded."""
        accounts.lock(self._connection, [debtor.id])
        [debtor] = [one for one in _debtors(self._connection, debtor.number, debtor.creditor) if one.id == debtor.id]
        others = [one for one in agreements.of_accounts(self._connection, [debtor.id]) if one.agreed.state in ALIVE]
        if order.cost_notice_on is None and (told_at := notices.costs_told_at(self._connection, debtor.id)):
            order = replace(order, cost_notice_on=today_of(self._settings, told_at))
        new = _MAKERS[order.kind](self, debtor, order)
        self._refuse_beside(new, others)
        number = agreements.add(self._connection, new, _FIRST.get(new.agreed.state, Event.PENDING))
        if order.kind is Kind.SETTLEMENT:
            waivers.name(self._connection, number, debtor.id)
        return self._settle(replace(new, id=number), tell=order.tell)

    def say(self, number: int, word: str, reason: str, *, tell: bool = True) -> Stored:
        """Carry out what a person says of an agreement: one of SAID; `tell`: the customer is written to, if need be."""
        event, kinds = _EVENTS[word]
        known = agreements.read(self._connection, number)
        if known is None:
            raise InputError(f"there is no agreement {number}; contactd agreements lists them")
        accounts.lock(self._connection, [known.account_id])
        known = agreements.read(self._connection, number) or known
        kind = known.agreed.kind
        if kind not in kinds:
            raise InputError(f"agreement {number} is a {kind}; {word} is said of a {' or '.join(sorted(kinds))}")
        try:
            state = rules.step(kind, known.agreed.state, event)
        except IllegalTransition as error:
            raise InputError(f"agreement {number}: {error}") from None
        fresh = replace(known, agreed=replace(known.agreed, state=state))
        others = [one for one in agreements.of_accounts(self._connection, [known.account_id]) if one.id != number]
        if rules.rests(kind, state):
            self._refuse_beside(fresh, [one for one in others if one.agreed.state in ALIVE])
        agreements.change(self._connection, known, Change(self._now, event, state, self._by, reason))
        return self._settle(fresh, tell=tell)

    def _settle(self, made: Stored, *, tell: bool) -> Stored:
        """Let what follows from it happen: the older gives way, the invoice is disputed or not, the ladder rests."""
        kind, state = made.agreed.kind, made.agreed.state
        if kind is Kind.DISPUTE and made.invoice_id is not None:
            disputed = state not in {State.REJECTED, State.WITHDRAWN}
            accounts.set_disputed(self._connection, made.invoice_id, self._now, disputed=disputed)
        if rules.rests(kind, state):
            for one in agreements.of_accounts(self._connection, [made.account_id]):
                if one.id != made.id and _gives_way(one):
                    change = Change(self._now, Event.SUPERSEDED, State.SUPERSEDED, self._by, f"by {made.id}")
                    agreements.change(self._connection, one, change)
        judge(self._connection, [made.account_id], self._settings, self._now)
        agreements.hold(self._connection, [made.account_id], self._now)
        made = agreements.read(self._connection, made.id) or made
        notifying = Notifying(self._settings, self._connection, self._now)
        notifying.confirm(made, told_by="" if tell else self._by)
        notifying.follow([made.account_id], ())
        return made

    def _refuse_beside(self, new: Stored, others: Iterable[Stored]) -> None:
        """Refuse what contradicts an agreement in force."""
        for one in others:
            if new.agreed.kind is not Kind.DISPUTE and _is_firm(one):
                raise InputError(
                    f"{one.agreed.kind} {one.id} is in force; end it first: contactd agree withdraw {one.id} --reason …"
                )
            if new.agreed.kind is Kind.DISPUTE and one.invoice_id == new.invoice_id and one.id != new.id:
                raise InputError(f"invoice {new.invoice_no} is disputed already, by agreement {one.id}")

    # ---- one maker a kind -------------------------------------------------------------------------------------------

    def _promise(self, debtor: Debtor, order: Order) -> Stored:
        day = self._day(order.on, "the day of the promise", "--on")
        amount = self._amount(debtor, order.amount, day)
        return self._new(debtor, order, State.OPEN, parts=(self._part(day, amount),))

    def _says_paid(self, debtor: Debtor, order: Order) -> Stored:
        day = order.on or self._today + timedelta(days=self._agreed.says_paid)
        self._day(day, "the day by which it must have come in", "--on")
        amount = self._amount(debtor, order.amount, day)
        return self._new(debtor, order, State.OPEN, parts=(Part(day, day, amount),))

    def _plan(self, debtor: Debtor, order: Order) -> Stored:
        first = self._day(order.on, "the day of the first instalment", "--first")
        self._refuse_without_notice(debtor, order)
        parts = self._parts(order, self._amount(debtor, order.amount, first), first, debtor.currency)
        until = self._today + timedelta(days=self._agreed.answer_within)
        return self._new(debtor, order, order.state, parts=parts, until=until)

    def _settlement(self, debtor: Debtor, order: Order) -> Stored:
        """Take a part for the whole, at once or in instalments; the rest is waived when it was paid in time."""
        self._refuse_settled(debtor)
        day = self._day(order.on, "the day of the payment", "--on")
        whole = Money(debtor.open, debtor.currency)
        amount = minor_of(order.amount, debtor.currency) if order.amount else 0
        if not 0 < amount < debtor.open:
            raise InputError(f"a settlement takes less than the {whole} that are open for the whole: --amount …")
        if order.count is None and not order.instalment:
            return self._new(debtor, order, State.OPEN, parts=(self._part(day, amount),))
        self._refuse_without_notice(debtor, order)
        return self._new(debtor, order, State.OPEN, parts=self._parts(order, amount, day, debtor.currency))

    def _deferral(self, debtor: Debtor, order: Order) -> Stored:
        self._refuse_without_notice(debtor, order)
        self._refuse_settled(debtor)
        return self._new(
            debtor, order, State.OPEN, until=self._day(order.on, "the last day of the deferral", "--until")
        )

    def _hardship(self, debtor: Debtor, order: Order) -> Stored:
        self._refuse_settled(debtor)
        day = order.on or self._today + timedelta(days=self._agreed.hardship)
        return self._new(debtor, order, State.OPEN, until=self._day(day, "the day to look again", "--until"))

    def _dispute(self, debtor: Debtor, order: Order) -> Stored:
        if not order.reason:
            raise InputError("say what is wrong with the invoice: --reason …")
        chosen = sa.select(invoice).where(invoice.c.account_id == debtor.id, invoice.c.open > 0)
        listed = {one.invoice_no: one for one in self._connection.execute(chosen.order_by(invoice.c.id))}
        found = listed.get(order.invoice_no)
        if found is None:
            known = ", ".join(listed) or "none"
            raise InputError(f"account {debtor.number} has no open invoice {order.invoice_no!r}; open: {known}")
        amount = minor_of(order.amount, debtor.currency) if order.amount else found.open
        if not 0 < amount <= found.open:
            raise InputError(f"of invoice {order.invoice_no} {Money(found.open, debtor.currency)} is open, not more")
        until = self._day(order.on, "the deadline", "--deadline") if order.on else None
        made = self._new(debtor, order, State.OPEN, until=until)
        return replace(made, amount=amount, invoice_id=found.id, invoice_no=order.invoice_no)

    # ---- what makers share ------------------------------------------------------------------------------------------

    def _new(
        self,
        debtor: Debtor,
        order: Order,
        state: State,
        *,
        parts: tuple[Part, ...] = (),
        until: date | None = None,
    ) -> Stored:
        tolerance = self._of_currency(self._agreed.tolerance, debtor.currency)
        agreed = Agreement(order.kind, state, parts, until, tolerance, self._agreed.missed_instalments)
        return Stored(
            0, debtor.id, agreed, agreed.amount, self._now, self._by, order.reason, order.owner,
            cost_notice_on=order.cost_notice_on,
        )  # fmt: skip

    def _parts(self, order: Order, amount: int, first: date, currency: str) -> tuple[Part, ...]:
        amounts = _amounts(amount, order, self._of_currency(self._agreed.min_instalment, currency), currency)
        if not 1 <= order.every_months <= _MOST_MONTHS:
            raise InputError(f"instalments fall due every 1 to {_MOST_MONTHS} months, not {order.every_months}")
        days = due_dates(first, len(amounts), months=order.every_months)
        self._day(days[-1], "the day of the last instalment", "--first")
        return rules.parts_of(plan(amounts, days), self._agreed.grace, self._holidays)

    def _part(self, day: date, amount: int) -> Part:
        return Part(day, last_day(day, self._agreed.grace, self._holidays), amount)

    def _day(self, day: date | None, what: str, option: str) -> date:
        if day is None:
            raise InputError(f"{what} is missing: {option} {self._today}")
        if day < self._today:
            raise InputError(f"{what} is past: {day}; it may be {self._today} or later")
        if day.year >= _YEARS.stop:
            raise InputError(f"{what} is too far away: {day}; the calendar ends with {_YEARS.stop - 1}")
        return day

    def _amount(self, debtor: Debtor, wanted: str, day: date) -> int:
        """Answer the amount, all that is open by default; with interest until that day as much may be agreed on."""
        self._refuse_settled(debtor)
        if not wanted:
            return int(debtor.open)
        minor = minor_of(wanted, debtor.currency)
        if minor <= 0:
            raise InputError(f"{wanted} is nothing to agree on; open: {Money(debtor.open, debtor.currency)}")
        terms = Terms(self._settings.claims, load_base_rates(self._settings.base_rates_path))
        most = max(debtor.open, *(one.statement.open for one in owed_by(self._connection, [debtor.id], terms, day)))
        if minor > most:
            raise InputError(
                f"{Money(minor, debtor.currency)} is more than the {Money(most, debtor.currency)} that are open"
            )
        return minor

    @staticmethod
    def _refuse_settled(debtor: Debtor) -> None:
        if debtor.open <= 0:
            why = "what is open is disputed" if debtor.disputed else "nothing is open"
            raise InputError(f"account {debtor.number}: {why}, so there is nothing to agree on")

    def _refuse_without_notice(self, debtor: Debtor, order: Order) -> None:
        """Hold agencies to § 13a(3) RDG: private persons are told first what the agreement costs, in text form."""
        if self._settings.operator.kind == "creditor" or debtor.kind != "consumer":
            return
        if order.cost_notice_on is None:
            raise InputError(
                "a collection agency tells the costs of each plan or deferral before it agrees on it (§ 13a(3) RDG): "
                f"contactd agree costs {debtor.number}, or repeat with --cost-notice-sent {self._today}"
            )
        if order.cost_notice_on > self._today:
            raise InputError(f"the notice of costs cannot have been sent on {order.cost_notice_on}, which is to come")

    @staticmethod
    def _of_currency(money: Money, currency: str) -> int:
        return money.minor if money.currency == currency else 0


_MAKERS = {
    Kind.PROMISE: Agreeing._promise,  # noqa: SLF001 # its own
    Kind.SAYS_PAID: Agreeing._says_paid,  # noqa: SLF001 # its own
    Kind.PLAN: Agreeing._plan,  # noqa: SLF001 # its own
    Kind.SETTLEMENT: Agreeing._settlement,  # noqa: SLF001 # its own
    Kind.DEFERRAL: Agreeing._deferral,  # noqa: SLF001 # its own
    Kind.HARDSHIP: Agreeing._hardship,  # noqa: SLF001 # its own
    Kind.DISPUTE: Agreeing._dispute,  # noqa: SLF001 # its own
}


def _gives_way(one: Stored) -> bool:
    """Tell whether a newer agreement takes the place of this one; drafts wait, disputes stand beside."""
    return rules.rests(one.agreed.kind, one.agreed.state) and not _is_firm(one)


def _is_firm(one: Stored) -> bool:
    """Tell whether it binds both sides, so that somebody has to end it first."""
    return one.agreed.kind is Kind.SETTLEMENT or (one.agreed.kind is Kind.PLAN and one.agreed.state in _FIRM)


def _amounts(total: int, order: Order, least: int, currency: str) -> tuple[int, ...]:
    """Split the sum as it was asked for; the domain's refusals speak of minor units, so they are foreseen here."""
    whole, minimum = Money(total, currency), Money(least, currency)
    if order.instalment:
        each = minor_of(order.instalment, currency)
        if each < max(least, 1):
            raise InputError(f"instalments of {Money(each, currency)} are below the minimum of {minimum}")
        if -(-total // each) > MOST:
            raise InputError(f"instalments of {Money(each, currency)} would be more than {MOST}; offer higher ones")
        return fixed_amounts(total, each, least)
    if order.count is None:
        raise InputError("say how many instalments, or how much each: --instalments 6, or --instalment 50.00")
    most = min(total // max(least, 1), MOST)
    if not 1 <= order.count <= max(most, 1) or (not most and order.count > 1):
        cure = f"at most {most} are possible" if most > 1 else "it must be paid at once"
        raise InputError(f"{order.count} instalments of {whole} are below the minimum of {minimum}; {cure}")
    return equal_amounts(total, order.count, min(least, total))


def minor_of(text: str, currency: str) -> int:
    """Read an amount that must be of that currency, as minor units; raises InputError."""
    try:
        money = Money.parse(text if text.strip()[-1:].isalpha() else f"{text} {currency}")
    except ValueError:
        raise InputError(f"{text!r} is no amount; write it like 120.00 or 120.00 {currency}") from None
    if money.currency != currency:
        raise InputError(f"the account is in {currency}, not {money.currency}")
    return money.minor


def choose(connection: sa.Connection, account_no: str, creditor: str = "", currency: str = "") -> Debtor:
    """Find the one account row that is meant; raises InputError that names the choice."""
    found = [one for one in _debtors(connection, account_no, creditor) if currency in {"", one.currency}]
    if not found:
        raise InputError(f"there is no account {account_no!r}" + (f" of {creditor!r}" if creditor else ""))
    if len(found) > 1:
        known = ", ".join(f"{one.creditor} in {one.currency}" for one in found)
        raise InputError(f"account {account_no!r} exists for {known}: name creditor and currency")
    return found[0]


def _debtors(connection: sa.Connection, account_no: str, creditor: str) -> list[Debtor]:
    return [
        Debtor(row.id, row.creditor, row.account_no, row.currency, row.kind, row.open, row.disputed)
        for row in accounts.find(connection, account_no, creditor or None)
    ]


def told(connection: sa.Connection, stored: Iterable[Stored]) -> Iterator[Told]:
    """Write agreements as the command line and the API do."""
    chosen = list(stored)
    rows = accounts.named(connection, {one.account_id for one in chosen})
    history = agreements.history(connection, [one.id for one in chosen])
    for one in chosen:
        creditor, number, currency = rows[one.account_id]
        agreed = one.agreed
        rests_until = one.rests_until if rules.rests(agreed.kind, agreed.state) else None
        yield {
            "id": one.id, "kind": agreed.kind.value, "state": agreed.state.value, "account": number,
            "creditor": creditor,
            "amount": Money(one.amount, currency).as_json() if one.amount else None,
            "received": Money(one.received, currency).as_json() if agreed.parts else None,
            "missing": Money(max(one.amount - one.received, 0), currency).as_json() if agreed.parts else None,
            "instalments": [
                {"number": place, "due_on": part.due_on.isoformat(), "last_day": part.last_day.isoformat(),
                 "amount": Money(part.amount, currency).as_json()}
                for place, part in enumerate(agreed.parts, 1)
            ],
            "until": agreed.until.isoformat() if agreed.until else None,
            "rests_until": rests_until.isoformat() if rests_until else None,
            "invoice": one.invoice_no, "reason": one.reason, "owner": one.owner,
            "cost_notice_sent": one.cost_notice_on.isoformat() if one.cost_notice_on else None,
            "made_at": one.made_at.isoformat(timespec="seconds"), "made_by": one.made_by,
            "history": [
                {"at": change.at.isoformat(timespec="seconds"), "event": change.event.value,
                 "state": change.state.value, "by": change.by, "reason": change.reason}
                for change in history[one.id]
            ],
        }  # fmt: skip
