"""The end of a conversation: what follows from its outcome, carried out in the transaction that writes the outcome.

foreseeing.py carries it out too, looks at what came of it, and takes it back: what the desk shows before saving is what
will happen. All that is agreed on goes through engine/agreements/agreeing.py and engine/agreements/arranging.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import TypeVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from contactd.config.settings import Settings
from contactd.domain import typed
from contactd.domain.account import Account, Channel
from contactd.domain.account import Kind as DebtorKind
from contactd.domain.agreement import Kind, State
from contactd.domain.call import Disposition
from contactd.domain.campaign import INBOUND
from contactd.domain.circumstance import Kind as Said
from contactd.domain.conversation import Identification, Reason, refuse_disclosure
from contactd.domain.errors import Contradiction, InputError
from contactd.domain.ladder import zone_of
from contactd.domain.money import Money
from contactd.domain.notice import CONFIRMED
from contactd.domain.phrase import NONE, Phrase
from contactd.domain.policy import Never, NotBefore, Verdict
from contactd.domain.rules import may_contact
from contactd.domain.task import Kind as TaskKind
from contactd.engine.agreements.agreeing import Agreeing, Order
from contactd.engine.agreements.arranging import Arranging
from contactd.engine.agreements.judgement import today_of
from contactd.engine.debt.circumstances import Circumstances, Note
from contactd.engine.debt.debtors import Debtor, choose, minor_of
from contactd.engine.ladder.book import Book
from contactd.engine.tasks.tasking import Order as Task
from contactd.engine.tasks.tasking import Tasking
from contactd.store import accounts, call_queue, drafts, facts, notices, suppressions
from contactd.store.call_queue import CallBack
from contactd.store.conversations import known_of

T = TypeVar("T")
SOLUTIONS = (Kind.PROMISE, Kind.SETTLEMENT, Kind.DEFERRAL)  # what may be agreed on by a promise
_KEPT = timedelta(hours=2)  # so long a callback waits for its agent, then it is the team's
# What the desk's form may hold, all of it as typed; what an outcome does not ask for is kept in the draft and ignored.
FIELDS = frozenset({
    "amount",  # promise, plan, paid: the sum; empty: all that is due, or all that is open where nothing is
    "on",  # promise: pays by; paid: has paid, must be in by; hardship: look again on; dispute: answer by
    "first", "count", "instalment", "every_months",  # plan: first day, how many or how much each, 1 month apart
    "costs",  # plan, where an agency must tell its costs first: what it costs
    "invoices",  # dispute: their numbers, apart by commas or line ends
    "why",  # one of domain/conversation.py's Reason
    "final",  # refuses: "yes" when they refused seriously and for good, as "understood" says
    "understood",  # what the person said, in the agent's words; a dispute needs it, and a final refusal
    "callback_at", "callback_number", "callback_own",  # callback_own: "no" leaves it to the team
    "represented_by",  # name with address or telephone number
    "next_contact",  # a day on which somebody looks at the account again
    "improve",  # what the creditor should mend, so that it does not happen again: a task for them
    "kind",  # promise: "settlement" takes the amount for the whole, "deferral" lets the ladder rest until `on`
    "confirm",  # by which channel what was agreed is confirmed; "no": not at all
    "reply_by",  # until when the confirmation asks for an answer
    "confirmed",  # which ways to reach them they have confirmed, apart by commas
    "outcome",  # the one that is chosen by now; what is handed in is said beside the form
})  # fmt: skip


class Mistyped(InputError):
    """A field of the form cannot be used as it is: `field` names it."""

    def __init__(self, field: str, text: str | Phrase, /, **values: object) -> None:
        """Keep the field beside what is wrong with it."""
        super().__init__(text if isinstance(text, Phrase) else Phrase(text, values))
        self.field = field


@dataclass(frozen=True, slots=True)
class Case:
    """The call an agent is at, or has been at; `account_id` 0: of a caller nobody knows.

    `key` is the campaign and step for which the customer is called back.
    """

    attempt_id: int
    account_id: int
    customer_id: int
    campaign: str
    step: str
    number: str
    key: tuple[str, str] | None = None


class Concluding:
    """One set of settings; `agent` is at work, `now` the instant of the transaction."""

    def __init__(self, settings: Settings, connection: sa.Connection, *, agent: str, now: datetime) -> None:
        self._settings, self._connection, self._agent, self._now = settings, connection, agent, now
        self._today = today_of(settings, now)
        self._fields: Mapping[str, str] = {}

    def carry_out(
        self, case: Case, disposition: Disposition, fields: Mapping[str, str], enter: Callable[[], None]
    ) -> None:
        """Let the outcome be written, do what follows from it, and drop the draft.

        Raises NotIdentified for what may not be disclosed to whom the draft says is on the line, Mistyped for a field,
        InputError for what cannot be; then nothing of it may be committed.
        """
        self._fields = {name: fields.get(name, "").strip() for name in FIELDS}
        self._refuse_unknown_reason()
        accounts.lock(self._connection, self._concerned(case, disposition))
        enter()
        draft = drafts.read(self._connection, case.attempt_id, self._agent)
        found = draft.identification if draft is not None else Identification()
        refuse_disclosure(disposition, found, known_of(self._connection, case.account_id))
        drafts.forget(self._connection, case.attempt_id, self._agent)
        if not case.account_id:
            if disposition not in {Disposition.DROPPED, Disposition.WRONG_PERSON}:
                raise Contradiction("nobody knows who called, so nothing can be agreed on; end it as dropped")
            return
        creditor, number, currency = accounts.named(self._connection, [case.account_id])[case.account_id]
        debtor = choose(self._connection, number, creditor, currency)
        follow = _FOLLOWS.get(disposition)
        if follow is not None:
            follow(self, case, debtor)
        if self._fields["next_contact"]:
            day = self._day("next_contact")
            self._open_task(case, day, "next contact, as said on the telephone")
        if self._fields["improve"]:
            self._tasking().open(case.account_id, Task(TaskKind.CREDITOR, note=self._fields["improve"]))

    # ---- one a disposition ------------------------------------------------------------------------------------------

    def _promise(self, case: Case, debtor: Debtor) -> None:
        kind = self._kind()
        typed_in = self._fields["amount"] or kind is Kind.PROMISE  # nobody waives all but what is due by saying nothing
        amount = self._amount(debtor) if typed_in and kind is not Kind.DEFERRAL else ""
        order = Order(kind, amount=amount, on=self._day("on"))
        if kind is Kind.SETTLEMENT:
            self._refuse_below(debtor, order.amount)
        if kind is Kind.DEFERRAL and costs_first(self._connection, self._settings, debtor.kind, debtor.id):
            self._tell_costs(case, debtor, order)
        else:
            self._agree(debtor, order)

    def _kind(self) -> Kind:
        word = self._fields["kind"] or Kind.PROMISE.value
        if word not in SOLUTIONS:
            raise Mistyped("kind", "%(text)r is no solution; there is: %(known)s", text=word[:40], known=SOLUTIONS)
        return Kind(word)

    def _refuse_below(self, debtor: Debtor, amount: str) -> None:
        """Refuse to waive more than the configuration lets an agent waive."""
        share = self._settings.agreements.least_settlement
        least = Money(ceil(debtor.open * Decimal(str(share))), debtor.currency)
        if share >= 1:
            raise Mistyped("kind", "nothing may be waived at the desk")
        if amount and minor_of(amount, debtor.currency) < least.minor:
            raise Mistyped("amount", "a settlement takes at least %(least)s", least=least)

    def _plan(self, case: Case, debtor: Debtor) -> None:
        order = Order(
            Kind.PLAN,
            amount=self._amount(debtor),
            on=self._day("first"),
            count=self._count("count"),
            instalment=self._amount(debtor, "instalment"),
            every_months=self._count("every_months") or 1,
            state=State.SENT,
        )
        if costs_first(self._connection, self._settings, debtor.kind, debtor.id):
            self._tell_costs(case, debtor, order)
        else:
            self._agree(debtor, order)

    def _paid(self, _: Case, debtor: Debtor) -> None:
        on = self._day("on") if self._fields["on"] else None
        self._agree(debtor, Order(Kind.SAYS_PAID, amount=self._amount(debtor), on=on))

    def _dispute(self, _: Case, debtor: Debtor) -> None:
        numbers = [word.strip() for word in self._fields["invoices"].replace("\n", ",").split(",") if word.strip()]
        if not numbers:
            raise Mistyped("invoices", "say which invoices are disputed")
        if not self._fields["understood"]:
            raise Mistyped("understood", "say what is wrong with them, in the person's own words if possible")
        on = self._day("on") if self._fields["on"] else None
        for number in dict.fromkeys(numbers):
            self._agree(debtor, Order(Kind.DISPUTE, invoice_no=number, on=on))

    def _hardship(self, _: Case, debtor: Debtor) -> None:
        self._agree(debtor, Order(Kind.HARDSHIP, on=self._day("on") if self._fields["on"] else None))

    def _refuses(self, _: Case, debtor: Debtor) -> None:
        """Note a refusal that is serious and final (§286(2) Nr. 3 BGB); any other says nothing by itself."""
        if self._fields["final"] != "yes":
            return
        if not self._fields["understood"]:
            raise Mistyped("understood", "say in which words they refused, in the step before: what we understood")
        noting = Circumstances(self._settings, self._connection, by=self._agent, now=self._now)
        noting.note(debtor, Note(Said.REFUSAL, self._fields["understood"]))

    def _callback(self, case: Case, debtor: Debtor) -> None:
        zone = zone_of_customer(self._connection, self._settings, case, self._now)
        if case.step == INBOUND and case.key is None:
            case = replace(case, key=self._arranging().called_for(debtor)[:2])
        at = self._read("callback_at", lambda text: typed.moment(text, self._now, zone))
        if at <= self._now:
            raise Mistyped("callback_at", "that time is past; say when to call")
        number = self._number(debtor)
        self._refuse_forbidden(case, number, at)
        own = self._fields["callback_own"] != "no"
        kept_for, kept_until = (self._agent, at + _KEPT) if own else ("", None)
        item = CallBack(case.attempt_id, at, number or case.number, kept_for, kept_until, case.key)
        call_queue.agree(self._connection, [item], self._now)

    def _represented(self, _: Case, debtor: Debtor) -> None:
        if self._fields["represented_by"]:
            self._arranging().represented(debtor, self._fields["represented_by"], lift=False)

    # ---- what they share --------------------------------------------------------------------------------------------

    def _concerned(self, case: Case, disposition: Disposition) -> set[int]:
        """List the accounts that have to be locked, at once and so in one order: with some it is not only this one."""
        mine = {case.account_id, *accounts.of_customer(self._connection, case.customer_id)}
        if disposition is Disposition.WRONG_PERSON:
            owners = suppressions.owners(self._connection, {("number", case.number)})
            mine |= {account_id for ids in owners.values() for account_id in ids}
        return mine - {0}

    def _refuse_unknown_reason(self) -> None:
        why = self._fields["why"]
        if why and why not in set(Reason):
            raise Mistyped("why", "%(why)r is no reason; there is: %(known)s", why=why[:40], known=tuple(Reason))

    def _agree(self, debtor: Debtor, order: Order) -> None:
        order = replace(order, reason=self._reason(), owner=self._agent, tell=self._fields["confirm"] != "no")
        if order.kind in CONFIRMED and order.tell:
            order = replace(
                order, channel=self._channel(), reply_by=self._day("reply_by") if self._fields["reply_by"] else None
            )
        Agreeing(self._settings, self._connection, by=self._agent, now=self._now).make(debtor, order)

    def _channel(self) -> Channel | None:
        word = self._fields["confirm"]
        if word and word not in set(Channel):
            raise Mistyped("confirm", "%(text)r is no way to write to them", text=word[:40])
        return Channel(word) if word else None

    def _reason(self) -> str:
        return self._fields["understood"] or self._fields["why"]

    def _arranging(self) -> Arranging:
        return Arranging(self._settings, self._connection, by=self._agent, now=self._now)

    def _tell_costs(self, case: Case, debtor: Debtor, order: Order) -> None:
        """Send the notice of costs and have the agent agree on the plan once it went out: that is the law's order."""
        if not self._fields["costs"]:
            raise Mistyped(
                "costs", "say what the plan costs, 0 for nothing: the customer is told so before it is agreed on"
            )
        costs = "0.00" if not self._fields["costs"].strip("0,.- ") else self._amount(debtor, "costs")
        self._arranging().costs(debtor, costs)
        times = f"{order.count} times" if order.count else f"{order.instalment} each"
        what = f"{times}, first on {order.on}" if order.kind is Kind.PLAN else f"until {order.on}"
        note = f"agree on the {order.kind} once the notice of costs went out: {what}"
        self._open_task(case, self._today, note)

    def _open_task(self, case: Case, day: date, note: str) -> None:
        try:
            self._tasking().open(case.account_id, Task(TaskKind.REVIEW, self._agent, day, note))
        except InputError as error:
            raise Mistyped("next_contact", error.phrase) from error

    def _tasking(self) -> Tasking:
        return Tasking(self._settings, self._connection, by=self._agent, now=self._now)

    def _number(self, debtor: Debtor) -> str:
        wanted = self._fields["callback_number"]
        if not wanted:
            return ""
        known = accounts.telephones(self._connection, debtor.id)
        found = [one for one in known if _digits(one).endswith(_digits(wanted).lstrip("0")) and _digits(wanted)]
        if len(found) != 1:
            raise Mistyped(
                "callback_number", "it is no number of the account; known: %(known)s", known=tuple(known) or NONE
            )
        return found[0]

    def _refuse_forbidden(self, case: Case, number: str, at: datetime) -> None:
        """Refuse a time at which the rules would not let us call; it is asked again when it has come."""
        when = permitted(self._connection, self._settings, case, number, at)
        if isinstance(when, NotBefore):
            local = when.when.astimezone(zone_of_customer(self._connection, self._settings, case, self._now))
            raise Mistyped(
                "callback_at",
                "we may not call then (%(reason)s); the next time is %(when)s",
                reason=Phrase(when.reason),
                when=f"{local:%d.%m.%Y %H:%M}",
            )
        if isinstance(when, Never):
            raise Contradiction("no callback can be agreed on: %(reason)s", reason=Phrase(when.reason))

    def _amount(self, debtor: Debtor, name: str = "amount") -> str:
        if self._fields[name]:
            return str(self._read(name, lambda text: typed.amount(text, debtor.currency)))
        return self._due(debtor) if name == "amount" else ""

    def _due(self, debtor: Debtor) -> str:
        """Answer what may be asked for today, without what falls due later; empty where that is nothing, or all."""
        seen = facts.load(self._connection, [debtor.id], campaign=None, since=self._now, today=self._today)
        due = seen[debtor.id].overdue
        return str(Money(due, debtor.currency)) if 0 < due < debtor.open else ""

    def _day(self, name: str) -> date:
        return self._read(name, lambda text: typed.day(text, self._today))

    def _count(self, name: str) -> int | None:
        text = self._fields[name]
        if not text:
            return None
        if not (text.isascii() and text.isdecimal() and len(text) <= len("360") and int(text)):
            raise Mistyped(name, "%(text)r is no number of that; write it like 6", text=text[:20])
        return int(text)

    def _read(self, name: str, read: Callable[[str], T]) -> T:
        try:
            return read(self._fields[name])
        except InputError as error:
            raise Mistyped(name, error.phrase) from error


_FOLLOWS: Mapping[Disposition, Callable[[Concluding, Case, Debtor], None]] = {
    Disposition.PROMISE: Concluding._promise,  # noqa: SLF001 # its own
    Disposition.PLAN: Concluding._plan,  # noqa: SLF001 # its own
    Disposition.PAID: Concluding._paid,  # noqa: SLF001 # its own
    Disposition.DISPUTE: Concluding._dispute,  # noqa: SLF001 # its own
    Disposition.HARDSHIP: Concluding._hardship,  # noqa: SLF001 # its own
    Disposition.REFUSES: Concluding._refuses,  # noqa: SLF001 # its own
    Disposition.CALLBACK: Concluding._callback,  # noqa: SLF001 # its own
    Disposition.REPRESENTED: Concluding._represented,  # noqa: SLF001 # its own
}


def zone_of_customer(connection: sa.Connection, settings: Settings, case: Case, now: datetime) -> ZoneInfo:
    """Choose the zone in which days and hours are agreed on with the customer of a call; there must be an account."""
    seen = facts.load(connection, [case.account_id], campaign=case.campaign, since=now)
    return local_zone(settings, case, seen[case.account_id].account)


def local_zone(settings: Settings, case: Case, of: Account) -> ZoneInfo:
    """Choose a customer's zone: the account's, its first number's, the campaign's, the house's."""
    campaign = next((one for one in settings.campaigns if one.id == case.campaign), None)
    found = zone_of(of, campaign) if campaign is not None else None
    return found if isinstance(found, ZoneInfo) else ZoneInfo(settings.claims.timezone)


def costs_first(connection: sa.Connection, settings: Settings, kind: str, account_id: int) -> bool:
    """Ask whether the costs of a plan have to be told in text form before it is agreed on.

    Of consumers, by registered collection services (§ 13a(3) RDG) and lawyers (§ 43d(3) BRAO).
    """
    asked = settings.operator.kind != "creditor" and kind == DebtorKind.CONSUMER
    return asked and notices.costs_told_at(connection, account_id) is None


def permitted(connection: sa.Connection, settings: Settings, case: Case, number: str, at: datetime) -> Verdict:
    """Ask the rules whether the person may be called at a time they asked for, at a number or any of theirs.

    What is older by then (payments, a pause) is left to the question that is asked when the time has come.
    """
    book = Book(settings.campaigns, settings.policies)
    rung = book.rung(*(case.key or (case.campaign, case.step)))
    if rung is None:
        raise Contradiction("the campaign of this call is not in force any more, so nobody would call back")
    since = at - book.memory(rung.campaign.id)
    seen = facts.load(connection, [case.account_id], campaign=rung.campaign.id, since=since)[case.account_id]
    asked = rung.proposal(address=number, requested=True, agreed=True)
    return may_contact(seen, asked, replace(rung.policy, payments_max_age=None), at)


def _digits(text: str) -> str:
    return "".join(letter for letter in text if letter.isdecimal())
