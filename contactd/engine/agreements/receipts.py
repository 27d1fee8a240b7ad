"""What an agreement is judged by: the money that came in for it, and what lists took off for money nobody told of.

What was known to be the account's when the agreement was made was off the sum already. Money that was there by then and
became known to be the account's only afterwards (valued before that day, or waiting to be assigned) keeps nothing: it
pays what is owed beside the sum, and shortens the sum only as far as less than that is left. Who says "I paid 40
yesterday, the rest comes on Friday" owes the rest on Friday. Of "I have paid" it is the very money that is meant.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import date

from contactd.domain.agreement import Kind, Receipt, State
from contactd.engine.debt.claims import money_of, payment_id
from contactd.store.agreements import Stored
from contactd.store.ledgers import Books

_PAID = frozenset({State.KEPT, State.FULFILLED, State.SUPERSEDED})


def stays_paid(one: Stored, books: Books, others: Collection[str], made_on: date) -> bool:
    """Tell whether payments have ended an agreement and none of them went back.

    What is asked for since then undoes nothing: an invoice that lists tell of late, or that is disputed no more.
    """
    since = list(_since(one, books, others, made_on))
    there = sum(receipt.amount for receipt in since) + one.agreed.tolerance >= one.agreed.amount
    return one.agreed.state in _PAID and there and all(receipt.gone_on is None for receipt in since)


def receipts_of(one: Stored, books: Books, others: Collection[str], made_on: date) -> list[Receipt]:
    """List what came in for an agreement made on a day; money that names one of the `others` is for that invoice."""
    since = list(_since(one, books, others, made_on))
    earlier = [receipt for receipt in since if receipt.earlier]
    receipts = [receipt for receipt in since if not receipt.earlier or receipt.gone_on is not None]
    before = [booked for booked in books.invoices if booked.invoiced_on <= made_on and booked.number not in others]
    new = sum(receipt.amount for receipt in receipts if receipt.gone_on is None)
    disputes = [known for known in books.agreed if known.kind is Kind.DISPUTE and known.ended_at is None]
    disputed = {number for known in disputes for number in known.invoices}  # nobody asks for that meanwhile
    beyond = one.agreed.amount - new - sum(booked.open for booked in before if booked.number not in disputed)
    told = [(booked.taken_off_on, booked.taken_off) for booked in before if booked.taken_off_on]
    listed = [(day, taken) for day, taken in told if day > made_on and taken > 0]
    there = [(receipt.on, receipt.amount) for receipt in earlier if receipt.gone_on is None]
    for found, was_there in ((listed, False), (there, True)):
        amount = min(sum(part for _, part in found), beyond)
        if amount > 0:
            receipts.append(Receipt(max(day for day, _ in found), amount, earlier=was_there))
            beyond -= amount
    return receipts


def went_back(receipts: Iterable[Receipt], today: date) -> Receipt:
    """Answer what went back last by a day, of however many payments; nothing did: an empty one."""
    gone = [(one.gone_on, one.amount) for one in receipts if one.gone_on is not None and one.gone_on <= today]
    last = max((day for day, _ in gone), default=None)
    return Receipt(today, sum(amount for day, amount in gone if day == last), last)


def _since(one: Stored, books: Books, others: Collection[str], made_on: date) -> Iterator[Receipt]:
    """List the money nobody knew to be the account's when it was agreed."""
    booked = {known.id: known for known in books.payments if known.invoice not in others}
    payments, reversals = money_of(books)
    gone = {reversal.payment: reversal.on for reversal in reversals}
    for payment in payments:
        known = booked.get(payment_id(payment))
        if known is None or known.received_at is None or (known.assigned_at or known.received_at) <= one.made_at:
            continue
        was_there = payment.on < made_on or known.received_at <= one.made_at
        earlier = was_there and one.agreed.kind is not Kind.SAYS_PAID
        yield Receipt(payment.on, payment.amount, gone.get(payment.id), earlier)
