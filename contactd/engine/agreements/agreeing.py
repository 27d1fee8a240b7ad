"""Makes agreements and carries out what people say of them: one model for the command line, the API and the desk.

What cannot be agreed on is refused with an InputError that says what could be. All of it is one transaction: the
agreement, its line in the contact log, and the hold of the ladder.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from contactd.config.holidays import every_region
from contactd.config.settings import Settings
from contactd.domain import agreement as rules
from contactd.domain.account import Channel
from contactd.domain.agreement import ALIVE, Agreement, Event, Kind, Part, State, last_day
from contactd.domain.deadlines import working_day
from contactd.domain.errors import Contradiction, IllegalTransition, InputError, NotThere
from contactd.domain.instalments import MOST, due_dates, equal_amounts, fixed_amounts, plan
from contactd.domain.money import Money
from contactd.domain.notice import CONFIRMED
from contactd.domain.phrase import NONE, Phrase
from contactd.engine.agreements.judgement import judge, today_of
from contactd.engine.agreements.notifying import Notifying
from contactd.engine.debt.claims import owed_by, terms_of
from contactd.engine.debt.debtors import Debtor, debtors, minor_of
from contactd.store import accounts, agreements, notices, waivers
from contactd.store.agreements import Change, Stored
from contactd.store.schema import invoice

_YEARS = range(2000, 2061)
_MOST_MONTHS = 12
_NAMING = frozenset({Kind.PLAN, Kind.SETTLEMENT})  # the invoices they are for
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


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be agreed on; None and empty: as usual.

    `on` is the day of a promise, of the first instalment, the last day of a deferral and hardship, the deadline of a
    dispute. `channel` and `reply_by` are of the confirmation. A plan has `count` instalments or some of `instalment`
    each; `state` is where it begins. Amounts are written like "120.00", with their currency or without. `tell`: the
    customer gets it in writing.
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
    channel: Channel | None = None
    reply_by: date | None = None


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
        [debtor] = [one for one in debtors(self._connection, debtor.number, debtor.creditor) if one.id == debtor.id]
        others = [one for one in agreements.of_accounts(self._connection, [debtor.id]) if one.agreed.state in ALIVE]
        if order.cost_notice_on is None and (told_at := notices.costs_told_at(self._connection, debtor.id)):
            order = replace(order, cost_notice_on=today_of(self._settings, told_at))
        new = _MAKERS[order.kind](self, debtor, order)
        self._refuse_reply(order, new.agreed)
        self._refuse_beside(new, others)
        number = agreements.add(self._connection, new, _FIRST.get(new.agreed.state, Event.PENDING))
        if order.kind in rules.ABOUT_MONEY:
            waivers.name(self._connection, number, debtor.id)
        return self._settle(replace(new, id=number), tell=order.tell, channel=order.channel, reply_by=order.reply_by)

    def say(self, number: int, word: str, reason: str, *, tell: bool = True) -> Stored:
        """Carry out what a person says of an agreement: one of SAID; `tell`: the customer is written to, if need be."""
        event, kinds = _EVENTS[word]
        known = agreements.read(self._connection, number)
        if known is None:
            raise NotThere("there is no agreement %(number)s", command="contactd agreements lists them", number=number)
        accounts.lock(self._connection, [known.account_id])
        known = agreements.read(self._connection, number) or known
        kind = known.agreed.kind
        if kind not in kinds:
            raise Contradiction(
                "agreement %(number)s is a %(kind)s; %(word)s is said of a %(kinds)s",
                number=number,
                kind=kind,
                word=word,
                kinds=tuple(sorted(kinds)),
            )
        try:
            state = rules.step(kind, known.agreed.state, event)
        except IllegalTransition as error:
            raise Contradiction("agreement %(number)s: %(error)s", number=number, error=error.phrase) from None
        fresh = replace(known, agreed=replace(known.agreed, state=state))
        others = [one for one in agreements.of_accounts(self._connection, [known.account_id]) if one.id != number]
        if rules.rests(kind, state):
            self._refuse_beside(fresh, [one for one in others if one.agreed.state in ALIVE])
        agreements.change(self._connection, known, Change(self._now, event, state, self._by, reason))
        return self._settle(fresh, tell=tell)

    def _settle(
        self, made: Stored, *, tell: bool, channel: Channel | None = None, reply_by: date | None = None
    ) -> Stored:
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
        notifying.confirm(made, told_by="" if tell else self._by, channel=channel, reply_by=reply_by)
        notifying.follow([made.account_id], ())
        return made

    def _refuse_beside(self, new: Stored, others: Iterable[Stored]) -> None:
        """Refuse what contradicts an agreement in force."""
        for one in others:
            if new.agreed.kind is not Kind.DISPUTE and _is_firm(one):
                raise Contradiction(
                    "%(kind)s %(number)s is in force; end it first",
                    command=f"contactd agree withdraw {one.id} --reason …",
                    kind=one.agreed.kind,
                    number=one.id,
                )
            if new.agreed.kind is Kind.DISPUTE and one.invoice_id == new.invoice_id and one.id != new.id:
                raise Contradiction(
                    "invoice %(invoice)s is disputed already, by agreement %(number)s",
                    invoice=new.invoice_no,
                    number=one.id,
                )

    # ---- one maker a kind -------------------------------------------------------------------------------------------

    def _promise(self, debtor: Debtor, order: Order) -> Stored:
        day = self._day(order.on, Phrase("the day of the promise"), "--on")
        amount = self._amount(debtor, order.amount, day)
        return self._new(debtor, order, State.OPEN, parts=(self._part(day, amount),))

    def _says_paid(self, debtor: Debtor, order: Order) -> Stored:
        day = order.on or self._today + timedelta(days=self._agreed.says_paid)
        self._day(day, Phrase("the day by which it must have come in"), "--on")
        amount = self._amount(debtor, order.amount, day)
        return self._new(debtor, order, State.OPEN, parts=(Part(day, day, amount),))

    def _plan(self, debtor: Debtor, order: Order) -> Stored:
        first = self._day(order.on, Phrase("the day of the first instalment"), "--first")
        self._refuse_without_notice(debtor, order)
        parts = self._parts(order, self._amount(debtor, order.amount, first), first, debtor.currency)
        usual = working_day(self._today + timedelta(days=self._agreed.answer_within), self._holidays)
        until = order.reply_by or usual
        return self._new(debtor, order, order.state, parts=parts, until=until)

    def _settlement(self, debtor: Debtor, order: Order) -> Stored:
        """Take a part for the whole, at once or in instalments; the rest is waived when it was paid in time."""
        self._refuse_settled(debtor)
        day = self._day(order.on, Phrase("the day of the payment"), "--on")
        whole = Money(debtor.open, debtor.currency)
        amount = minor_of(order.amount, debtor.currency) if order.amount else 0
        if not 0 < amount < debtor.open:
            raise InputError(
                "a settlement takes less than the %(whole)s that are open for the whole",
                command="--amount …",
                whole=whole,
            )
        if order.count is None and not order.instalment:
            return self._new(debtor, order, State.OPEN, parts=(self._part(day, amount),))
        self._refuse_without_notice(debtor, order)
        return self._new(debtor, order, State.OPEN, parts=self._parts(order, amount, day, debtor.currency))

    def _deferral(self, debtor: Debtor, order: Order) -> Stored:
        self._refuse_without_notice(debtor, order)
        self._refuse_settled(debtor)
        return self._new(
            debtor, order, State.OPEN, until=self._day(order.on, Phrase("the last day of the deferral"), "--until")
        )

    def _hardship(self, debtor: Debtor, order: Order) -> Stored:
        self._refuse_settled(debtor)
        day = order.on or self._today + timedelta(days=self._agreed.hardship)
        return self._new(debtor, order, State.OPEN, until=self._day(day, Phrase("the day to look again"), "--until"))

    def _dispute(self, debtor: Debtor, order: Order) -> Stored:
        if not order.reason:
            raise InputError("say what is wrong with the invoice", command="--reason …")
        chosen = sa.select(invoice).where(invoice.c.account_id == debtor.id, invoice.c.open > 0)
        listed = {one.invoice_no: one for one in self._connection.execute(chosen.order_by(invoice.c.id))}
        found = listed.get(order.invoice_no)
        if found is None:
            raise NotThere(
                "account %(account)s has no open invoice %(invoice)r; open: %(known)s",
                account=debtor.number,
                invoice=order.invoice_no,
                known=tuple(listed) or NONE,
            )
        amount = minor_of(order.amount, debtor.currency) if order.amount else found.open
        if not 0 < amount <= found.open:
            raise InputError(
                "of invoice %(invoice)s %(open)s is open, not more",
                invoice=order.invoice_no,
                open=Money(found.open, debtor.currency),
            )
        until = self._day(order.on, Phrase("the deadline"), "--deadline") if order.on else None
        made = self._new(debtor, order, State.OPEN, until=until)
        billed = found.amount - found.taken_off
        return replace(made, amount=amount, invoice_id=found.id, invoice_no=order.invoice_no, billed=billed)

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
            cost_notice_on=order.cost_notice_on, interest=self._agreed.interest if order.kind in _NAMING else "",
            asked=debtor.open,
        )  # fmt: skip

    def _parts(self, order: Order, amount: int, first: date, currency: str) -> tuple[Part, ...]:
        amounts = _amounts(amount, order, self._of_currency(self._agreed.min_instalment, currency), currency)
        if not 1 <= order.every_months <= _MOST_MONTHS:
            raise InputError(
                "instalments fall due every 1 to %(most_months)s months, not %(every_months)s",
                most_months=_MOST_MONTHS,
                every_months=order.every_months,
            )
        days = due_dates(first, len(amounts), months=order.every_months)
        self._day(days[-1], Phrase("the day of the last instalment"), "--first")
        return rules.parts_of(plan(amounts, days), self._agreed.grace, self._holidays)

    def _part(self, day: date, amount: int) -> Part:
        return Part(day, last_day(day, self._agreed.grace, self._holidays), amount)

    def _day(self, day: date | None, what: Phrase, option: str) -> date:
        if day is None:
            raise InputError("%(what)s is missing", command=f"{option} {self._today}", what=what)
        if day < self._today:
            raise InputError(
                "%(what)s is past: %(day)s; it may be %(today)s or later", what=what, day=day, today=self._today
            )
        if day.year >= _YEARS.stop:
            raise InputError(
                "%(what)s is too far away: %(day)s; the calendar ends with %(year)s",
                what=what,
                day=day,
                year=_YEARS.stop - 1,
            )
        return day

    def _refuse_reply(self, order: Order, agreed: Agreement) -> None:
        if order.reply_by is not None:
            self._day(order.reply_by, Phrase("the day of the answer"), "--reply-by")
            due_on = agreed.parts[0].due_on if agreed.parts else agreed.until
            if due_on is not None and order.reply_by > due_on:
                raise InputError("the answer is due by %(day)s, not later", day=due_on)

    def _amount(self, debtor: Debtor, wanted: str, day: date) -> int:
        """Answer the amount, all that is open by default; with interest until that day as much may be agreed on."""
        self._refuse_settled(debtor)
        if not wanted:
            return int(debtor.open)
        minor = minor_of(wanted, debtor.currency)
        if minor <= 0:
            raise InputError(
                "%(wanted)s is nothing to agree on; open: %(open)s",
                wanted=wanted,
                open=Money(debtor.open, debtor.currency),
            )
        terms = terms_of(self._settings)
        most = max(debtor.open, *(one.statement.open for one in owed_by(self._connection, [debtor.id], terms, day)))
        if minor > most:
            raise InputError(
                "%(amount)s is more than the %(open)s that are open",
                amount=Money(minor, debtor.currency),
                open=Money(most, debtor.currency),
            )
        return minor

    @staticmethod
    def _refuse_settled(debtor: Debtor) -> None:
        if debtor.open <= 0:
            why = Phrase("what is open is disputed") if debtor.disputed else Phrase("nothing is open")
            raise Contradiction(
                "account %(account)s: %(why)s, so there is nothing to agree on", account=debtor.number, why=why
            )

    def _refuse_without_notice(self, debtor: Debtor, order: Order) -> None:
        """Hold agencies to § 13a(3) RDG: private persons are told first what the agreement costs, in text form."""
        if self._settings.operator.kind == "creditor" or debtor.kind != "consumer":
            return
        if order.cost_notice_on is None:
            raise Contradiction(
                "a collection agency tells the costs of each plan or deferral before it agrees on it (§ 13a(3) RDG)",
                command=f"contactd agree costs {debtor.number}, or repeat with --cost-notice-sent {self._today}",
            )
        if order.cost_notice_on > self._today:
            raise InputError(
                "the notice of costs cannot have been sent on %(cost_notice_on)s, which is to come",
                cost_notice_on=order.cost_notice_on,
            )

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
            raise InputError(
                "instalments of %(each)s are below the minimum of %(minimum)s",
                each=Money(each, currency),
                minimum=minimum,
            )
        if -(-total // each) > MOST:
            raise InputError(
                "instalments of %(each)s would be more than %(most)s; offer higher ones",
                each=Money(each, currency),
                most=MOST,
            )
        return fixed_amounts(total, each, least)
    if order.count is None:
        raise InputError("say how many instalments, or how much each", command="--instalments 6, or --instalment 50.00")
    most = min(total // max(least, 1), MOST)
    if not 1 <= order.count <= max(most, 1) or (not most and order.count > 1):
        cure = (
            Phrase("at most %(most)s are possible", {"most": most}) if most > 1 else Phrase("it must be paid at once")
        )
        raise InputError(
            "%(count)s instalments of %(whole)s are below the minimum of %(minimum)s; %(cure)s",
            count=order.count,
            whole=whole,
            minimum=minimum,
            cure=cure,
        )
    return equal_amounts(total, order.count, min(least, total))
