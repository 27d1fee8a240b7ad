"""Made-up accounts and what every notice owes its reader: render.py proves templates with it.

A notice lists every invoice and names deadline, contact person and next step (dunning practice, § 286 BGB); what can be
read over a shoulder – subject and SMS – tells nothing about the debt (Art. 32 GDPR).
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from html import unescape

from contactd.channels import wording
from contactd.channels.base import Agreed, AgreedPart, Demand, Notice, NoticeInvoice, Rendered
from contactd.channels.segments import foreign_letters, segments
from contactd.domain.account import Channel
from contactd.domain.interest import Segment, total
from contactd.domain.ledger import Cost
from contactd.domain.money import Money

_TODAY = date(2026, 11, 23)
_WIDTHS = ("short", "medium", "long", "full")
_MOST_SEGMENTS = 2
_BLANKS = re.compile(r"\s+")
_LONG_LIST = 60
_MANY_PARTS = 24
_DAY, _YEAR, _RATE = timedelta(days=1), 365, Decimal("6.27")
AGREEMENT = "agreement-"  # how the names of templates begin that are about agreements
_LONG_NAME = "Prof. Dr. Änne-Sophie Freifrau von und zu Größenwörth-Łukasiewicz <geb. O'Brien> & Kinder"


def samples(language: str) -> Iterator[tuple[str, Notice]]:
    """Give an ordinary account, one with long names and many invoices, and one of which little is known."""
    yield "three invoices", _notice(language, 3)
    long_creditor = "Öffentliche Wärme- & Gaswerke <Süd> GmbH & Co. KG"
    yield (
        "long names, 60 invoices",
        replace(_notice(language, _LONG_LIST), name=_LONG_NAME, creditor_name=long_creditor, operator=long_creditor),
    )
    yield (
        "one invoice, no bank account",
        replace(
            _notice(language, 1), iban="", bic="", contact_hours="", contact_email="", unsubscribe_url="", opt_out=""
        ),
    )


def charging(language: str) -> Notice:
    """Give an account whose reminder charges a fee."""
    notice, fee = _notice(language, 1), Money(120, "EUR")
    return replace(notice, total=Money(notice.total.minor + fee.minor, "EUR"), fee=fee)


def samples_of(template: str, language: str) -> Iterator[tuple[str, Notice]]:
    """Give the samples a template is for: accounts, or agreements if its name begins with `agreement-`."""
    before, dash, kind = template.partition("-")
    for (case, notice), count in zip(samples(language), (3, _MANY_PARTS, 2), strict=True):
        yield case, _agreed(notice, kind, count) if dash and f"{before}-" == AGREEMENT else notice


def with_interest(notice: Notice) -> Notice:
    """Have a sample ask for interest and costs as well; its rates are made up, the last ones provisional."""
    known_until = date(_TODAY.year, 9, 30)
    lines = []
    for one in notice.invoices:
        for first, last in ((one.due_on + _DAY, known_until), (max(one.due_on, known_until) + _DAY, _TODAY)):
            if first <= last:
                days = (last - first).days + 1
                line = Segment(first, last, days, one.open.minor, _RATE, _YEAR, provisional=last > known_until)
                lines.append((one.number, line))
    agency = Cost(_TODAY - 5 * _DAY, 6_044, reason="agency", set_off=4_000)
    costs = [Cost(_TODAY - 10 * _DAY, 120, reason="letter"), agency]
    demand = Demand(
        principal=sum(one.open.minor for one in notice.invoices),
        lines=lines,
        interest=total([line for _, line in lines]) - 100,
        costs=costs,
        open_costs=sum(cost.amount for cost in costs),
        known_until=known_until,
    )
    return replace(notice, demand=demand, total=Money(demand.total, notice.total.currency))


def _agreed(notice: Notice, kind: str, count: int) -> Notice:
    """Make an agreement up: a plan or settlement of so many instalments, a reminder of the second, the costs."""
    many = count if kind in {"plan", "settlement", "reminder", "acceleration"} else 1
    parts = [
        AgreedPart(number, _TODAY + timedelta(days=31 * number), Money(12_345 + (number == 1), "EUR"))
        for number in range(1, many + 1)
    ]
    next_part = parts[1] if kind == "reminder" else parts[0]
    whole, nothing = Money(sum(part.amount.minor for part in parts), "EUR"), Money(0, "EUR")
    agreed = Agreed(
        kind={"reminder": "plan", "acceleration": "plan", "thanks": "", "costs": "", "advice": ""}.get(kind, kind),
        made_on=_TODAY,
        amount=whole,
        open=nothing if kind == "thanks" else Money(whole.minor + 45_678, "EUR"),
        parts=[] if kind == "deferral" else parts,
        until=_TODAY + timedelta(days=45) if kind in {"deferral", "advice"} else None,
        reply_by=None if kind in {"advice", "acceleration", "costs", "thanks"} else _TODAY + timedelta(days=14),
        confirmed=count == _MANY_PARTS,
        waived=Money(45_678, "EUR"),
        missed=2 if count == _MANY_PARTS else 1,
        notice_days=14 if count == _MANY_PARTS else 0,
        number=next_part.number if kind in {"reminder", "acceleration"} else 0,
        costs=Money(3_150, "EUR") if kind == "costs" else nothing,
        interest=("keep" if count == _MANY_PARTS else "waive") if kind in {"plan", "settlement"} else "",
    )
    total = agreed.open if kind in {"deferral", "thanks", "costs", "advice"} else next_part.amount
    return replace(notice, total=total, deadline=agreed.until or next_part.due_on, agreement=agreed)


def _notice(language: str, count: int) -> Notice:
    invoices = [_invoice(number) for number in range(count)]
    return Notice(
        name="Erika Beispiel",
        number="4711-0815",
        creditor="stadtwerke",
        language=language,
        invoices=invoices,
        total=Money(sum(invoice.open.minor for invoice in invoices), "EUR"),
        deadline=_TODAY + timedelta(days=10),
        today=_TODAY,
        operator="Musterstadt Service GmbH",
        creditor_name="Stadtwerke Musterstadt",
        contact_person="Karin Müller",
        contact_phone="+49 30 23125 042",
        contact_hours="Mo-Fr 08:00-17:00",
        contact_email="konto@example.com",
        iban="DE02120300000000202051",
        bic="BYLADEM1001",
        reference="4711-0815/7",
        street="Beispielweg 12",
        postcode="00001",
        city="Musterstadt",
        operator_street="Musterallee 1",
        operator_postcode="00001",
        operator_city="Musterstadt",
        next_step="Then we shall call you.",
        opt_out="STOP ?",
        unsubscribe_url="https://contact.example.com/u/815.c2FtcGxl",
    )


def _invoice(number: int) -> NoticeInvoice:
    due = _TODAY - timedelta(days=14 + number)
    return NoticeInvoice(
        number=f"RE-2026/{20931 + number}",
        invoiced_on=due - timedelta(days=14),
        due_on=due,
        amount=Money(123456 + 731 * number, "EUR"),
        open=Money(98765 + 613 * number, "EUR"),
        days_overdue=14 + number,
        goods="Wärme & Strom",
    )


def faults_of_letter(html: str, notice: Notice) -> list[str]:
    """List what a letter lacks, read as HTML."""
    return [f"the letter {fault}" for fault in _faults_of_body(_flat(_readable(html)), notice)]


def faults(rendered: Rendered, notice: Notice, channel: Channel) -> list[str]:
    """List what a rendered sample lacks or says too much."""
    if channel is Channel.SMS:
        return _faults_of_sms(rendered.text, notice)
    found = _faults_of_subject(rendered.subject, notice)
    found += [f"the text {fault}" for fault in _faults_of_body(_flat(rendered.text), notice)]
    if rendered.html:
        plain = _flat(_readable(rendered.html))
        found += [f"the HTML {fault}" for fault in _faults_of_body(plain, notice)]
        if any(value in rendered.html for value in (notice.name, notice.creditor_name) if "<" in value):
            found.append("the HTML does not escape names (no `|safe` on what a customer wrote)")
    return found


def _faults_of_body(body: str, notice: Notice) -> Iterator[str]:
    if notice.agreement is None:
        yield from _faults_of_demand(body, notice)
    else:
        yield from _faults_of_agreement(body, notice, notice.agreement)
    if not (notice.contact_person in body and notice.contact_phone in body):
        yield "names no contact person with telephone number"
    if notice.unsubscribe_url and notice.unsubscribe_url not in body:
        yield "has no link to unsubscribe"


def _faults_of_agreement(body: str, notice: Notice, agreed: Agreed) -> Iterator[str]:
    """Find what a notice about an agreement lacks: sums, days, by when to answer (what each is about asks for)."""
    language = notice.language
    if not agreed.kind:
        if agreed.costs.minor and not _has_money(body, agreed.costs, language):
            yield "does not tell the costs"
        return
    if not _has_money(body, notice.total, language):
        yield "does not tell what is to be paid next"
    if not _has_day(body, notice.deadline, language):
        yield "does not tell by when to pay"
    if agreed.number:
        return
    if not all(
        _has_money(body, part.amount, language) and _has_day(body, part.due_on, language) for part in agreed.parts
    ):
        yield "does not list every instalment with its day and amount"
    if agreed.reply_by and not _has_day(body, agreed.reply_by, language):
        yield "does not tell by when to answer"
    if agreed.kind == "settlement" and not _has_money(body, agreed.waived, language):
        yield "does not tell what is waived"


def _faults_of_demand(body: str, notice: Notice) -> Iterator[str]:
    if not all(_has_invoice(body, invoice, notice.language) for invoice in notice.invoices):
        yield "does not list every invoice with number, date, amount and open amount"
    if not _has_money(body, notice.total, notice.language):
        yield "does not tell the total"
    if not _has_day(body, notice.deadline, notice.language):
        yield "names no deadline"
    if _flat(notice.next_step) not in body:
        yield "does not announce the next step"
    if notice.fee is not None and not _has_money(body, notice.fee, notice.language):
        yield "does not tell what it charges itself (fee)"


def _faults_of_subject(subject: str, notice: Notice) -> list[str]:
    if not subject:
        return ["the subject is empty"]
    return [f"the subject {fault}" for fault in _tells_too_much(subject, notice)]


def _faults_of_sms(text: str, notice: Notice) -> list[str]:
    found = [f"the SMS {fault}" for fault in _tells_too_much(text, notice)]
    if notice.contact_phone not in text:
        found.append("the SMS names no telephone number to call")
    if notice.opt_out and notice.opt_out not in text:
        found.append("the SMS does not tell how to stop further messages (opt_out)")
    length = segments(text)
    if length.count > _MOST_SEGMENTS:
        found.append(f"the SMS takes {length.count} segments, more than {_MOST_SEGMENTS}{_because(text)}")
    return found


def _because(text: str) -> str:
    letters = foreign_letters(text)
    return f"; these letters make it long: {letters}" if letters else ""


def _tells_too_much(text: str, notice: Notice) -> Iterator[str]:
    flat = _flat(text)
    amounts = {money for invoice in notice.invoices for money in (invoice.amount, invoice.open)} | {notice.total}
    if notice.agreement is not None:
        amounts |= {part.amount for part in notice.agreement.parts} | {notice.agreement.amount, notice.agreement.open}
    amounts -= {Money(0, notice.total.currency)}
    if any(_has_money(flat, amount, notice.language) for amount in amounts):
        yield "tells an amount: anybody who sees it learns of the debt"
    if any(invoice.number in flat for invoice in notice.invoices):
        yield "tells an invoice number: anybody who sees it learns of the debt"


def _has_invoice(body: str, invoice: NoticeInvoice, language: str) -> bool:
    return (
        invoice.number in body
        and (_has_day(body, invoice.invoiced_on, language) or _has_day(body, invoice.due_on, language))
        and _has_money(body, invoice.amount, language)
        and _has_money(body, invoice.open, language)
    )


def _has_money(body: str, amount: Money, language: str) -> bool:
    return _flat(wording.money(amount, language)) in body or str(amount) in body


def _has_day(body: str, value: date, language: str) -> bool:
    return value.isoformat() in body or any(_flat(wording.day(value, language, width)) in body for width in _WIDTHS)


def _flat(text: str) -> str:
    """Make every kind and run of blanks one blank, so that line breaks hide nothing."""
    return _BLANKS.sub(" ", text)


def _readable(html: str) -> str:
    """Take the text out of HTML, links included; good enough to look for something in it."""
    links = " ".join(re.findall(r'href="([^"]*)"', html))
    return unescape(f"{re.sub(r'<[^>]*>', ' ', html)} {links}")
