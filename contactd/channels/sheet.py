"""What a letter's template is told: the notice in words and figures of its language, as plain data; for letterpress.py.

Everything is text: a template puts it in and computes nothing with it.
"""

import unicodedata
from datetime import date
from itertools import accumulate

from contactd.channels import wording
from contactd.channels.base import Agreed, Demand, Notice, NoticeInvoice
from contactd.channels.girocode import girocode, transfer_text
from contactd.channels.mime import one_line
from contactd.domain.claim_terms import Bearing
from contactd.domain.interest import Segment, total
from contactd.domain.ledger import Cost
from contactd.domain.money import Money

# Where the post wants the code on a line of its own, or behind the town (Universal Postal Union, addressing systems).
_CODE_BELOW = frozenset({"GB", "IE", "GG", "JE", "IM"})
_CODE_BEHIND = frozenset({"US", "CA", "AU", "NZ"})

_HELD = "\N{NO-BREAK SPACE}"  # between what belongs into one line

Sheet = dict[str, object]


def sheet(notice: Notice, language: str, *, form: str, return_address: str, home: str) -> Sheet:
    """Write a notice down for a template; `home` is the country whose name an address does not need."""
    texts = {name: plain(value) for name in _COPIED if isinstance(value := getattr(notice, name), str)}
    town = _town(notice.operator_postcode, notice.operator_city, home)
    payee = notice.creditor_name
    reference = notice.reference or notice.number
    transfer = transfer_text(name=payee, iban=notice.iban, bic=notice.bic, amount=notice.total, reference=reference)
    return (
        texts
        | {
            "form": form,
            "language": language,
            "title": f"{texts['creditor_name']} · {texts['number']} · {wording.day(notice.today, language)}",
            "address": address_lines(notice, language, home),
            "return_line": plain(return_address or _joined(notice.operator, notice.operator_street, *town)),
            "operator_town": ", ".join(town),
            "today": wording.day(notice.today, language),
            "deadline": wording.day(notice.deadline, language),
            "deadline_long": wording.day(notice.deadline, language, "long").replace(" ", _HELD),
            "contact_phone": texts["contact_phone"].replace(" ", _HELD),
            "invoices": _invoices(notice, language),
            "total": wording.money(notice.total, language),
            "payee": plain(payee),
            "iban": _HELD.join(notice.iban[start : start + 4] for start in range(0, len(notice.iban), 4)),
            "reference": plain(reference),
            "girocode": girocode(transfer),
            **_agency(notice, language, home),
        }
        | ({"agreement": _agreed(notice.agreement, language)} if notice.agreement else {})
        | ({"demand": _demanded(notice.demand, notice.total.currency, language)} if notice.demand else {})
    )


def _demanded(one: Demand, currency: str, language: str) -> Sheet:
    """Write down the lines of interest and the costs, and what of both was paid already; empty: nothing."""

    def money(minor: int) -> str:
        return wording.money(Money(minor, currency), language)

    paid = {
        "interest": total([line for _, line in one.lines]) - one.interest,
        "costs": sum(cost.amount for cost in one.costs) - one.open_costs,
    }
    return {
        "principal": money(one.principal),
        "interest": money(one.interest),
        "charged": money(one.open_costs),
        "lines": [[plain(number), *interest_line(line, currency, language)] for number, line in one.lines],
        "carried": [money(sofar) for sofar in accumulate(line.amount for _, line in one.lines)],
        "rates": [[plain(number), bearing_told(bears, language)] for number, bears in one.rates],
        "costs": [cost_line(cost, currency, language) for cost in one.costs],
        "paid": {key: money(-minor) if minor else "" for key, minor in paid.items()},
        "provisional": wording.day(one.known_until, language) if one.known_until else "",
    }


def interest_line(line: Segment, currency: str, language: str) -> list[str]:
    """Write a line of interest: first and last day, days, principal, rate and interest; * marks a provisional one."""
    return [
        wording.day(line.first, language),
        wording.day(line.last, language),
        str(line.days),
        wording.money(Money(line.principal, currency), language),
        f"{wording.number(line.percent, language)}{'*' if line.provisional else ''}",
        wording.money(Money(line.amount, currency), language),
    ]


def bearing_told(one: Bearing, language: str) -> dict[str, object]:
    """Tell the rate of a claim, why it bears it, and whether payments settle it as a consumer's loan."""
    return {
        "rate": "over_base" if one.rate.over_base else "fixed",
        "points": wording.number(one.rate.points, language),
        "basis": one.basis.value,
        "loan": one.loan,
    }


def cost_line(cost: Cost, currency: str, language: str) -> dict[str, str]:
    """Write a cost: when, why, of which invoice, how much, and what a lump sum took off before."""
    return {
        "on": wording.day(cost.on, language),
        "reason": cost.reason,
        "note": plain(cost.note),
        "claim": plain(cost.claim),
        "amount": wording.money(Money(cost.amount, currency), language),
        "set_off": wording.money(Money(cost.set_off, currency), language) if cost.set_off else "",
    }


def _agreed(one: Agreed, language: str) -> Sheet:
    def long(day: date | None) -> str:
        return wording.day(day, language, "long").replace(" ", _HELD) if day else ""

    sums = ("amount", "open", "waived", "costs")
    return {name: wording.money(getattr(one, name), language) for name in sums} | {
        "kind": one.kind,
        "made_on": long(one.made_on),
        "until": long(one.until),
        "reply_by": long(one.reply_by),
        "reply_short": wording.day(one.reply_by, language) if one.reply_by else "",
        "confirmed": one.confirmed,
        "interest": one.interest,
        "free": not one.costs.minor,
        "missed": one.missed,
        "notice_days": one.notice_days,
        "more": one.open.minor > one.amount.minor,
        "parts": [
            {
                "number": str(part.number),
                "due_on": wording.day(part.due_on, language),
                "amount": wording.money(part.amount, language),
            }
            for part in one.parts
        ],
    }


_COPIED = (
    "name", "number", "operator", "operator_street", "creditor_name", "contact_person", "contact_phone",
    "contact_hours", "contact_email", "bic", "next_step", "imprint",
)  # fmt: skip


def address_lines(notice: Notice, language: str, home: str) -> list[str]:
    """Write the address as the post reads it, the country in capitals and only abroad."""
    country = ""
    if notice.country and notice.country != home:
        country = wording.locale_of(language).territories.get(notice.country, notice.country).upper()
    lines = [notice.name, notice.street, *_town(notice.postcode, notice.city, notice.country or home), country]
    return [line for line in map(plain, lines) if line]


def _town(postcode: str, city: str, country: str) -> list[str]:
    if country in _CODE_BELOW:
        return [part for part in (city, postcode) if part]
    return [" ".join(part for part in ((city, postcode) if country in _CODE_BEHIND else (postcode, city)) if part)]


def _invoices(notice: Notice, language: str) -> list[dict[str, str]]:
    """Write the invoices down, each with the sum of those up to it: it is carried forward to the next page."""
    sums = accumulate(one.open.minor for one in notice.invoices)
    return [
        _invoice(one, language) | {"carried": wording.money(Money(sofar, one.open.currency), language)}
        for one, sofar in zip(notice.invoices, sums, strict=True)
    ]


def _invoice(one: NoticeInvoice, language: str) -> dict[str, str]:
    return {
        "number": plain(one.number),
        "invoiced_on": wording.day(one.invoiced_on, language),
        "due_on": wording.day(one.due_on, language),
        "days": str(one.days_overdue),
        "amount": wording.money(one.amount, language),
        "open": wording.money(one.open, language),
        "goods": plain(one.goods),
    }


def _agency(notice: Notice, language: str, home: str) -> Sheet:
    """Tell what § 13a (1) RDG asks of a collection agency that writes to a private person; nothing for others."""
    if notice.operator_kind == "creditor":
        return {"client": [], "grounds": [], "authority": ""}
    town = _town(notice.creditor_postcode, notice.creditor_city, home)
    grounds = dict.fromkeys((one.goods, one.contracted_on) for one in notice.invoices)
    return {
        "client": [line for line in map(plain, (notice.creditor_name, notice.creditor_street, *town)) if line],
        "grounds": [
            {"goods": plain(goods), "day": wording.day(day, language) if day else ""}
            for goods, day in grounds
            if goods or day
        ],
        "authority": plain(notice.authority),
    }


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def plain(text: str) -> str:
    """Keep a text to one line, with nothing that steers a terminal or turns the direction of writing."""
    if text.isprintable():
        return text.strip()
    return "".join(letter for letter in one_line(text) if not unicodedata.category(letter).startswith("C")).strip()
