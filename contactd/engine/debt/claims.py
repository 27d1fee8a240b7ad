"""What an account owes by law: the books as facts, from which domain/statement.py derives the rest.

For `contactd statement` and whoever demands interest. Nothing is stored: the same books and day give the same answer.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import UTC, date, timedelta, tzinfo

import sqlalchemy as sa

from contactd.config.claims import Claims
from contactd.config.holidays import every_region
from contactd.config.settings import Settings
from contactd.domain.account import Channel, Kind
from contactd.domain.agreement import Kind as Agreed
from contactd.domain.agreement import State as AgreedState
from contactd.domain.appropriation import Designation, Part, Scheme
from contactd.domain.base_rates import BaseRates
from contactd.domain.calendar import find_zone, local_day
from contactd.domain.charges import dunning_fee, lump_sum, set_off
from contactd.domain.circumstance import Circumstance, days_of
from contactd.domain.circumstance import Kind as Noted
from contactd.domain.claim_terms import Bearing, ClaimKind, bearing, read_rate
from contactd.domain.deadlines import DAY
from contactd.domain.default_date import Course, Default, default_of
from contactd.domain.interest import DayCount
from contactd.domain.ledger import Claim, Cost, Ledger, Payment, Reversal
from contactd.domain.posting import Kind as Posted
from contactd.domain.posting import Purpose, costs_of, standing, write_offs_of
from contactd.domain.statement import Balance, Statement, principals, statement
from contactd.engine.debt.returns import Unlisted, name_of, sort_out
from contactd.store import ledgers
from contactd.store.ledgers import BookedAgreement, BookedInvoice, BookedPayment, Books

# Dates of limitation and interest reach far back; holidays are worked out when first asked for.
_YEARS = range(1995, 2061)
_EURO = "EUR"
LUMP, LETTER = "lump_sum", "letter"  # why a cost was charged
LISTED = "list:"  # money that only a list of open items told of, by the invoice it took it off


@dataclass(frozen=True, slots=True)
class Owed:
    """One account on a day: its facts, the statement, when each claim came into default and why it bears its rate.

    `known_until` is where the base rates end; `holidays` and `zone` are those of where the debtor lives. `fee` is that
    of a reminder which is being sent, among the costs.
    """

    books: Books
    ledger: Ledger
    statement: Statement
    defaults: Mapping[str, Default | None]
    bearings: Mapping[str, Bearing]
    known_until: date
    holidays: AbstractSet[date]
    zone: tzinfo
    fee: int = 0

    def claims(self) -> list[tuple[Claim, Balance]]:
        """List the claims there are on that day, with what became of each."""
        known = {claim.id: claim for claim in self.ledger.claims if claim.arose_on <= self.statement.as_of}
        return [(known[one.claim], one) for one in self.statement.balances if one.claim in known]

    def unrated(self) -> list[str]:
        """Name the claims in default since before the table of base rates: of their interest nothing is known."""
        late = {claim for claim, default in self.defaults.items() if default is not None}
        return [claim.id for claim, _ in self.claims() if claim.interest_from is None and claim.id in late]

    def circumstances(self) -> list[Circumstance]:
        """List what people had noted about the claims by that day."""
        return [one for one in self.books.circumstances if one.on <= self.statement.as_of]

    def reversals(self) -> list[Reversal]:
        """List what was taken back by that day."""
        return [one for one in self.ledger.reversals if one.on <= self.statement.as_of]

    def uncovered(self) -> list[BookedPayment]:
        """List the returns by that day of which nobody saw all come in: what is missing is no claim."""
        return [one for one in self.books.payments if one.credited < 0 and one.value_on <= self.statement.as_of]


class Terms:
    """The rules in force: what was agreed, and the base rates."""

    def __init__(self, agreed: Claims, rates: BaseRates) -> None:
        self._agreed, self.rates = agreed, rates
        self._contract = read_rate(agreed.contract_rate)
        self._count, self.scheme = DayCount(agreed.day_count), Scheme(agreed.appropriation)
        self._holidays = every_region(_YEARS)

    def owed(self, books: Books, as_of: date, fee: int = 0) -> Owed:
        """Derive what an account owes at the end of a day, on which a reminder charges a fee."""
        defaults = self._defaults(books)
        upheld = {one.number: _upheld(one, books.agreed) for one in books.invoices}
        bearings = {one.number: self._bearing(one, books.kind) for one in books.invoices}
        claims = {
            one.number: self._claim(one, principal, defaults[one.number], bearings[one.number])
            for one in books.invoices
            if (principal := _principal(one) - upheld[one.number]) > 0
        }
        came = sort_out(books)
        payments = [
            Payment(name_of(one), one.value_on, one.amount, _designation(one, claims, books.agreed))
            for one in came.received
        ]
        posted = standing(books.postings, as_of)
        facts = Ledger(
            claims=tuple(claims.values()),
            payments=(*payments, *_credit_notes(books.invoices), *_listed(books, claims, upheld, came.unlisted)),
            reversals=tuple(Reversal(name, on) for name, on in came.gone.items()),
            write_offs=tuple(write_offs_of(posted, claims)),
        )
        lumps = list(self._lump_sums(books, facts, defaults, as_of))
        posted_costs = set_off(costs_of(posted, claims), lumps)
        costs = (*lumps, *self._fees(books, defaults), *posted_costs, *_fee(as_of, fee))
        ledger = replace(facts, costs=costs) if costs else facts
        derived = statement(ledger, as_of, self.rates, self.scheme)
        return Owed(
            books,
            ledger,
            derived,
            defaults,
            bearings,
            self.rates.covered_until,
            self.holidays_of(books),
            self._zone(books),
            fee,
        )

    def may_bear(self, books: Books, until: date) -> bool:
        """Tell whether there may be interest or costs by the end of a day; False is certain, and quick to say."""
        if any(one.fee for one in books.reminders) or any(one.kind is Posted.COST for one in books.postings):
            return True
        return any(one is not None and one.on <= until for one in self._defaults(books).values())

    def _defaults(self, books: Books) -> dict[str, Default | None]:
        """Find out for each invoice when its debtor came into default."""
        zone, on_its_way = self._zone(books), timedelta(days=self._agreed.letters_arrive)
        reminded = tuple(
            local_day(zone, one.at) + (on_its_way if one.channel is Channel.LETTER else timedelta())
            for one in books.reminders
        )
        return {one.number: self._default(one, books, reminded) for one in books.invoices}

    def _default(self, one: BookedInvoice, books: Books, reminded: tuple[date, ...]) -> Default | None:
        agreed = self._agreed
        course = Course(
            one.due_on,
            books.kind,
            fixed=agreed.due_date_agreed,
            reminded_on=reminded,
            invoiced_on=one.invoiced_on,
            noticed=agreed.thirty_days_notice,
            refused_on=min(days_of(Noted.REFUSAL, books.circumstances, one.number, one.invoiced_on), default=None),
        )
        return default_of(course, self.holidays_of(books))

    def holidays_of(self, books: Books) -> AbstractSet[date]:
        """Give the public holidays where an account lives."""
        place = books.region if books.region in self._holidays else self._agreed.holidays
        return self._holidays[place]

    def _zone(self, books: Books) -> tzinfo:
        return find_zone(books.timezone) or find_zone(self._agreed.timezone) or UTC

    def _lump_sums(
        self, books: Books, facts: Ledger, defaults: Mapping[str, Default | None], as_of: date
    ) -> Iterator[Cost]:
        """Charge the lump sum, an amount in euros, for each invoice that was not paid when its default began."""
        if not self._agreed.lump_sum or books.currency != _EURO:
            return
        services = {one.number: self._kind(one) is ClaimKind.SERVICE for one in books.invoices}
        late: dict[str, Cost] = {}
        for claim in facts.claims:
            default = defaults[claim.id]
            amount = lump_sum(default, books.kind, payment_for_service=services[claim.id], arose_on=claim.arose_on)
            if amount and default is not None and default.on <= as_of:
                late[claim.id] = Cost(default.on, amount, claim.id, LUMP)
        before = {number: cost.on - DAY for number, cost in late.items()}
        unpaid = principals(facts, before, self.rates, self.scheme)
        yield from (cost for number, cost in late.items() if unpaid[number])

    def _fees(self, books: Books, defaults: Mapping[str, Default | None]) -> Iterator[Cost]:
        """Charge what reminders charged by their steps, and the other letters of each case that reached a defaulter."""
        fees = [fee.minor for fee in self._agreed.letter_fees if fee.currency == books.currency]
        earliest = min((one for one in defaults.values() if one is not None), key=_interest_from, default=None)
        levels = Counter[int]()
        for one in books.reminders:
            if one.channel is Channel.LETTER:
                levels[one.case_no] += 1
                sent_on = local_day(self._zone(books), one.at)
                fee = dunning_fee(levels[one.case_no], one.channel, sent_on, earliest, {Channel.LETTER: fees})
                if fee and one.fee is None:
                    yield Cost(sent_on, fee, reason=LETTER)
            yield from _fee(local_day(self._zone(books), one.sent_at), one.fee)

    def _claim(self, one: BookedInvoice, principal: int, default: Default | None, bears: Bearing) -> Claim:
        begins = default.interest_from if default else None
        # From before the table of base rates: better no interest than a wrong one, and no claim kept from being told.
        unknown = begins is not None and bears.rate.over_base and begins < self.rates.covered_from
        return Claim(
            one.number,
            principal,
            one.invoiced_on,
            one.due_on,
            bears.rate,
            interest_from=None if unknown else begins,
            day_count=self._count,
            secured=self._kind(one) is ClaimKind.PROPERTY_LOAN,
            consumer_loan=bears.loan,
        )

    def _kind(self, one: BookedInvoice) -> ClaimKind:
        if one.claim_kind:
            return ClaimKind(one.claim_kind)
        return ClaimKind.SERVICE if self._agreed.for_services else ClaimKind.OTHER

    def _bearing(self, one: BookedInvoice, debtor: Kind) -> Bearing:
        kind = self._kind(one)
        agreed = read_rate(one.contract_rate) or (None if kind.of_loan else self._contract)
        return bearing(kind, agreed, consumer_involved=debtor is Kind.CONSUMER, arose_on=one.invoiced_on)


def terms_of(settings: Settings) -> Terms:
    """Read the rules in force; raises ConfigError for a table of base rates that cannot be used."""
    return Terms(settings.claims, settings.base_rates)


def owed_by(connection: sa.Connection, account_ids: Collection[int], terms: Terms, as_of: date) -> list[Owed]:
    """Derive what these accounts owe at the end of a day, in the order of their ids."""
    return [terms.owed(books, as_of) for books in ledgers.read(connection, account_ids)]


def _fee(on: date, fee: int | None) -> Iterator[Cost]:
    if fee:
        yield Cost(on, fee, reason=Purpose.REMINDER.value)


def _interest_from(default: Default) -> date:
    return default.interest_from


def _principal(one: BookedInvoice) -> int:
    """Answer what an invoice was when we first heard of it: what was paid before is no matter of ours."""
    before = one.amount - one.open - one.covered - one.taken_off - one.given_up
    return one.amount - max(before, 0)


def _upheld(one: BookedInvoice, agreed: Iterable[BookedAgreement]) -> int:
    """Answer how much of an invoice was never owed: what the customer was found right about, and did not pay."""
    amount = sum(known.amount for known in agreed if known.state is AgreedState.UPHELD and one.number in known.invoices)
    return max(min(amount, _principal(one) - one.covered - one.given_up), 0)


def _designation(one: BookedPayment, claims: Mapping[str, Claim], agreed: Iterable[BookedAgreement]) -> Designation:
    """Answer what money is for (§ 366(1) BGB): the invoice it names, else those of the plan or settlement in force.

    What is disputed by then comes last.
    """
    in_force = [known for known in agreed if one.received_at is not None and known.was_in_force(one.received_at)]
    disputes = [known for known in in_force if known.kind is Agreed.DISPUTE]
    plans = [known for known in in_force if known.kind is not Agreed.DISPUTE]
    last = tuple(number for known in disputes for number in known.invoices if number in claims)
    planned = [number for known in plans[-1:] for number in known.invoices if number in claims]
    named = [one.invoice] if one.invoice in claims else []
    if not named or named[0] in planned:
        named += [number for number in planned if number not in last]
    return Designation(tuple(dict.fromkeys(named)), last=tuple(dict.fromkeys(last)))


def _credit_notes(invoices: Iterable[BookedInvoice]) -> Iterator[Payment]:
    for one in invoices:
        if one.amount < 0:
            yield Payment(f"credit note:{one.number}", one.invoiced_on, -one.amount)


def _listed(
    books: Books, claims: Mapping[str, Claim], upheld: Mapping[str, int], unlisted: Iterable[Unlisted]
) -> Iterator[Payment]:
    """Give what only lists know to the invoice they took it off: the creditor's books set it against the principal.

    What was credited because the customer was right is no money, and not owed in the first place.
    """
    back = Counter[str]()
    for gone in unlisted:
        back[gone.invoice] += gone.amount
    for one in books.invoices:
        amount = one.taken_off - upheld[one.number] - back[one.number]
        if amount > 0 and one.taken_off_on is not None and one.number in claims:
            wish = Designation((one.number,), Part.PRINCIPAL)
            yield Payment(f"{LISTED}{one.number}", one.taken_off_on, amount, wish)
