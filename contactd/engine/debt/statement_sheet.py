"""What the statement of claim on paper is told: what an account owes, written in words and figures of a language.

For `contactd statement --pdf` and the dossier; letterpress.py sets it with the template `statement`. Words are the
template's: this only names them.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, Literal

import sqlalchemy as sa

from contactd.channels import wording
from contactd.channels.letterpress import LetterPress, paper_of
from contactd.channels.sheet import Sheet, bearing_told, cost_line, interest_line, plain
from contactd.config.settings import Settings
from contactd.domain.base_rates import BaseRates
from contactd.domain.errors import InputError
from contactd.domain.ledger import Claim, Payment
from contactd.domain.money import Money
from contactd.domain.statement import Balance
from contactd.engine.debt.claims import Owed
from contactd.engine.debt.limits import limit_of
from contactd.engine.sending.compose import contact_of
from contactd.store import facts

TEMPLATE = "statement"
_HOW = {"act/act": "act_act", "act/365": "act_365", "30/360": "thirty_360"}


class StatementPress:
    """Sets statements as letters are set: the operator's head and fonts, and his template where he has one."""

    def __init__(self, settings: Settings, rates: BaseRates, language: str) -> None:
        """Take the language to write in; raises InputError when there is no template `statement` of it."""
        self._settings, self._rates, self._language = settings, rates, language
        self._press = LetterPress(settings.template_directories, paper_of(settings))
        known = self._press.languages(TEMPLATE)
        if not known & {language, language.partition("-")[0]}:
            there = ", ".join(sorted(known))
            raise InputError(f"there is no {TEMPLATE} in the language {language!r}; there are: {there}")

    def press(self, connection: sa.Connection, owed: Owed, *, kind: Literal["pdf", "png"] = "pdf") -> list[bytes]:
        """Answer the PDF, or a PNG of each page; raises ChannelMisconfigured or ChannelRejected."""
        to = debtor_lines(connection, owed, self._settings, self._language)
        told = statement_sheet(owed, to, self._settings, self._rates.covered_until, self._language)
        return self._press.document(TEMPLATE, self._language, told, owed.statement.as_of, kind=kind)


def debtor_lines(connection: sa.Connection, owed: Owed, settings: Settings, language: str) -> list[str]:
    """Write name and address of whoever owes."""
    books = owed.books
    home = facts.postal_addresses(connection, [books.account_id])[books.account_id]
    abroad = home.country if home.country != settings.intake.country else ""
    country = wording.locale_of(language).territories.get(abroad, abroad).upper()
    return [line for line in (books.name, home.street, f"{home.postcode} {home.city}".strip(), country) if line]


def statement_sheet(owed: Owed, debtor: Iterable[str], settings: Settings, known_until: date, language: str) -> Sheet:
    """Write a statement down; `debtor` are the lines of name and address, `known_until` ends the base-rate table."""
    return _Writer(owed, settings, language).sheet(debtor, known_until)


class _Writer:
    """One statement in one language."""

    def __init__(self, owed: Owed, settings: Settings, language: str) -> None:
        self._owed, self._settings, self._language = owed, settings, language
        self._currency = owed.books.currency

    def sheet(self, debtor: Iterable[str], known_until: date) -> Sheet:
        books, derived, operator = self._owed.books, self._owed.statement, self._settings.operator
        contact = contact_of(self._settings, books.creditor)
        town = " ".join(filter(None, (contact.postcode, contact.city)))
        home = (operator.street, " ".join(filter(None, (operator.postcode, operator.city))))
        name = operator.name or contact.name
        return {
            "title": f"{name} · {books.number} · {self._day(derived.as_of)}",
            "language": self._language.partition("-")[0],
            "operator": plain(name),
            "address": plain(" · ".join(filter(None, (name, *home)))),
            "number": plain(books.number),
            "day": self._day(derived.as_of),
            "provisional": self._day(known_until) if derived.provisional else "",
            "creditor": [plain(line) for line in (contact.name, contact.street, town) if line],
            "debtor": [plain(line) for line in debtor if line],
            "sums": [{"key": key, "amount": self._money(getattr(derived, key))} for key in _PARTS],
            "open": self._money(derived.open),
            "credit": self._money(derived.credit) if derived.credit else "",
            "payoff": self._money(derived.payoff),
            "claims": [self._claim(claim, balance) for claim, balance in self._owed.claims()],
            "charged": list(self._charged()),
            "payments": list(self._payments()),
            "given_up": [
                {"on": self._day(one.on), "part": one.part.value, "claim": one.claim, "amount": self._money(one.amount)}
                for one in derived.write_offs
            ],
            "noted": [
                {
                    "on": self._day(one.on),
                    "until": self._maybe(one.until),
                    "kind": one.kind.value,
                    "claim": plain(one.claim),
                }
                for one in sorted(self._owed.circumstances(), key=lambda one: one.on)
            ],
            "method": [_HOW[self._settings.claims.day_count], "rounding", self._settings.claims.appropriation],
        }

    def _claim(self, claim: Claim, balance: Balance) -> dict[str, Any]:
        default = self._owed.defaults.get(claim.id)
        return {
            "number": plain(claim.id),
            "invoiced_on": self._day(claim.arose_on),
            "due_on": self._day(claim.due_on),
            "amount": self._money(claim.principal),
            "default": default.basis.value if default else "none",
            "default_on": self._day(default.on) if default else "",
            "bears": bearing_told(self._owed.bearings[claim.id], self._language),
            "rest": self._money(balance.open),
            "limit": self._limit(claim) if balance.open else None,
            "lines": [
                [*told[:-1], str(line.denominator), told[-1]]
                for line in balance.segments
                for told in [interest_line(line, self._currency, self._language)]
            ],
        }

    def _limit(self, claim: Claim) -> Sheet:
        """Write after which day it is statute-barred, and from what that is counted; an empty day: it goes on."""
        limit = limit_of(self._owed, claim)
        return {
            "last_day": self._maybe(limit.last_day),
            "began": self._day(limit.began),
            "because": limit.because,
            "years": str(limit.years),
            "suspended": [
                {"ground": one.ground.value, "from": self._day(one.first), "to": self._maybe(one.until)}
                for one in limit.suspensions
            ],
            "interest": self._maybe(limit.interest_last_day),
        }

    def _charged(self) -> Iterator[dict[str, str]]:
        for cost in sorted(self._owed.ledger.costs_until(self._owed.statement.as_of), key=lambda one: one.on):
            yield cost_line(cost, self._currency, self._language)

    def _payments(self) -> Iterator[dict[str, Any]]:
        as_of = self._owed.statement.as_of
        back = {one.payment: one.on for one in self._owed.reversals()}
        for payment in sorted(self._owed.ledger.payments, key=lambda one: one.on):
            if payment.on <= as_of:
                yield {
                    "on": self._day(payment.on),
                    "amount": self._money(payment.amount),
                    "back": self._day(back[payment.id]) if payment.id in back else "",
                    "went": list(self._went(payment)),
                }

    def _went(self, payment: Payment) -> Iterator[dict[str, str]]:
        parts = [one for one in self._owed.statement.allocations if one.payment == payment.id]
        for one in parts:
            yield {"amount": self._money(one.amount), "part": one.part.value, "claim": plain(one.claim)}
        left = payment.amount - sum(one.amount for one in parts)
        if left:
            yield {"amount": self._money(left), "part": "left", "claim": ""}

    def _money(self, minor: int) -> str:
        return wording.money(Money(minor, self._currency), self._language)

    def _maybe(self, day: date | None) -> str:
        return self._day(day) if day else ""

    def _day(self, day: date) -> str:
        return wording.day(day, self._language)


_PARTS = ("principal", "costs", "interest")
