"""The fields of the dunning courts' application (Mahnantrag), worked out from what an account owes.

For the dossier. All adds up: principal, sums of interest, clauses on the day of the statement and costs are what is
open. What contactd does not know, like a debtor's legal representative, is an empty text.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from contactd.channels import wording
from contactd.config.settings import Settings
from contactd.domain.account import PostalAddress
from contactd.domain.base_rates import BaseRates
from contactd.domain.interest_clause import Clause, interest_demand
from contactd.domain.ledger import Claim, Cost
from contactd.domain.money import Money
from contactd.domain.statement import Balance
from contactd.engine.debt.claims import Owed
from contactd.engine.sending.compose import contact_of

Told = dict[str, Any]


class Application:
    """One account's application, in the words of a language."""

    def __init__(
        self, owed: Owed, settings: Settings, rates: BaseRates, language: str, words: Mapping[str, str]
    ) -> None:
        """Take what is owed; `words` are those of templates/dossier."""
        self._owed, self._settings, self._rates = owed, settings, rates
        self._language, self._words = language, words

    def told(self, home: PostalAddress) -> Told:
        """Write it as plain data; `home` is where the debtor lives."""
        owed = self._owed
        claims = [
            self._claim(claim, balance) for claim, balance in owed.claims() if balance.principal or balance.interest
        ]
        costs = list(self._costs())
        return {
            "as_of": owed.statement.as_of.isoformat(),
            "provisional": owed.statement.provisional,
            "applicant": self._applicant(),
            "representative": self._representative(),
            "respondent": {
                "name": owed.books.name,
                "kind": owed.books.kind.value,
                "legal_form": "",
                "represented_by": "",
                **_place(home.street, home.postcode, home.city, home.country),
            },
            "claims": claims,
            "costs": costs,
            "totals": {
                **{
                    key: self._money(getattr(owed.statement, key)) for key in ("principal", "interest", "costs", "open")
                },
                "credit": self._money(owed.statement.credit),
            },
        }

    def _applicant(self) -> Told:
        creditor = contact_of(self._settings, self._owed.books.creditor)
        own = self._settings.operator
        mine = creditor if creditor.street or own.kind != "creditor" else own
        return {
            "name": creditor.name,
            "legal_form": creditor.legal_form,
            "represented_by": creditor.represented_by,
            **_place(mine.street, mine.postcode, mine.city, ""),
            "iban": creditor.iban,
            "reference": self._owed.books.number,
        }

    def _representative(self) -> Told | None:
        own = self._settings.operator
        if own.kind == "creditor":
            return None
        return {"name": own.name, "kind": own.kind, **_place(own.street, own.postcode, own.city, "")}

    def _claim(self, claim: Claim, balance: Balance) -> Told:
        demand = interest_demand(claim, balance, self._owed.statement, self._rates)
        default = self._owed.defaults.get(claim.id)
        computed = self._words["computed"].format(until=self._day(demand.until)) if demand.until else ""
        return {
            "catalogue": self._settings.claims.catalogue or None,
            "invoice": claim.id,
            "invoiced_on": claim.arose_on.isoformat(),
            "due_on": claim.due_on.isoformat(),
            "in_default_since": default.on.isoformat() if default else None,
            "amount": self._money(balance.principal),
            "interest_computed": self._money(demand.fixed),
            "interest_computed_words": computed,
            "interest_until_as_of": self._money(demand.clauses_amount),
            "interest_basis": self._owed.bearings[claim.id].basis.value,
            "interest_clauses": [self._clause(claim, one) for one in demand.clauses],
        }

    def _clause(self, claim: Claim, one: Clause) -> Told:
        points = f"{claim.rate.points:f}"
        template = self._words["over_base" if claim.rate.over_base else "fixed_rate"]
        text = template.format(
            points=self._decimal(claim.rate.points),
            principal=wording.money(Money(one.principal, self._owed.books.currency), self._language),
            first=self._day(one.first),
        )
        if one.last:
            text += self._words["until"].format(last=self._day(one.last))
        return {
            "points": points,
            "over_base_rate": claim.rate.over_base,
            "principal": self._money(one.principal),
            "from": one.first.isoformat(),
            "to": one.last.isoformat() if one.last else None,
            "words": text,
        }

    def _costs(self) -> Iterator[Told]:
        """List the costs with what is open of each: the oldest of a claim were paid first."""
        left = {balance.claim: balance.costs for balance in self._owed.statement.balances}
        charged = defaultdict[str, list[Cost]](list)
        for cost in self._owed.ledger.costs_until(self._owed.statement.as_of):
            charged[cost.claim].append(cost)
        told = []
        for claim, costs in charged.items():
            for cost in sorted(costs, key=lambda one: one.on, reverse=True):
                rest = min(left[claim], cost.amount)
                left[claim] -= rest
                if rest:
                    told.append((cost.on, cost, rest))
        for day, cost, rest in sorted(told, key=lambda one: (one[0], one[1].claim, one[1].reason)):
            yield {
                "on": day.isoformat(), "kind": cost.reason, "note": cost.note, "invoice": cost.claim,
                "charged": self._money(cost.amount), "amount": self._money(rest),
            }  # fmt: skip

    def _money(self, minor: int) -> dict[str, str]:
        return Money(minor, self._owed.books.currency).as_json()

    def _day(self, day: Any) -> str:  # noqa: ANN401 - a date
        return wording.day(day, self._language)

    def _decimal(self, number: Decimal) -> str:
        return wording.number(number, self._language)


def table(application: Told) -> list[list[str]]:
    """Write an application as rows of section, number, field, value, the way one types it into a form."""
    rows = [["section", "number", "field", "value"]]
    for section, value in application.items():
        entries = value if isinstance(value, list) else [value]
        for number, entry in enumerate(entries, 1):
            place = str(number) if isinstance(value, list) else ""
            rows += [[section, place, field, text] for field, text in _fields(entry)]
    return rows


def _fields(entry: Any, name: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401 - plain data
    if isinstance(entry, dict) and set(entry) == {"amount", "currency"}:
        yield name, f"{entry['amount']} {entry['currency']}"
    elif isinstance(entry, dict):
        for key, value in entry.items():
            yield from _fields(value, f"{name}.{key}" if name else key)
    elif isinstance(entry, list):
        for number, value in enumerate(entry, 1):
            yield from _fields(value, f"{name}.{number}")
    else:
        text = str(entry).lower() if isinstance(entry, bool) else str(entry)
        yield name, "" if entry is None else text


def _place(street: str, postcode: str, city: str, country: str) -> dict[str, str]:
    return {"street": street, "postcode": postcode, "city": city, "country": country}
