"""What an agreement is judged by: the money that came in for it, and what lists took off for money nobody told of.

What was known to be the account's when the agreement was made was off the sum already. Money that was there by then and
became known to be the account's only afterwards (valued before that day, or waiting to be assigned) keeps nothing: it
pays what was asked for beside the sum, and shortens the sum by what is left then. So does what lists took off since.
Who says "I paid 40 yesterday, the rest comes on Friday" owes the rest on Friday. Of "I have paid" it is the very money
that is meant. What lists tell of afterwards, or what is disputed no more, was not asked for and changes nothing.
"""

from collections.abc import Iterable, Iterator
from datetime import date

from contactd.domain.agreement import Kind, Receipt
from contactd.engine.debt.returns import Sorted, name_of, sort_out
from contactd.store.agreements import Stored
from contactd.store.ledgers import Books


def receipts_of(one: Stored, books: Books, made_on: date) -> list[Receipt]:
    """List what came in for an agreement made on a day."""
    came = sort_out(books)
    since = list(_since(one, books, came, made_on))
    receipts = [receipt for receipt in since if not receipt.earlier or receipt.gone_on is not None]
    there = [(receipt.on, receipt.amount) for receipt in since if receipt.earlier and receipt.gone_on is None]
    listed = list(_listed(one, books, came))
    left = sum(amount for _, amount in (*listed, *there)) - (one.asked - one.agreed.amount)
    for found, was_there in ((listed, False), (there, True)):
        amount = min(sum(part for _, part in found), left)
        if amount > 0:
            receipts.append(Receipt(max(day for day, _ in found), amount, earlier=was_there))
            left -= amount
    return receipts


def went_back(receipts: Iterable[Receipt], today: date) -> Receipt:
    """Answer what went back last by a day, of however many payments; nothing did: an empty one."""
    gone = [(one.gone_on, one.amount) for one in receipts if one.gone_on is not None and one.gone_on <= today]
    last = max((day for day, _ in gone), default=None)
    return Receipt(today, sum(amount for day, amount in gone if day == last), last)


def _listed(one: Stored, books: Books, came: Sorted) -> Iterator[tuple[date, int]]:
    """List what lists took off its invoices since; below zero: money told of later is what they had taken off then."""
    named = dict(books.named.get(one.id, {}))
    for gone in came.unlisted:
        heard_at = gone.of.assigned_at or gone.of.received_at
        if gone.invoice in named and heard_at is not None and heard_at > one.made_at:
            named[gone.invoice] += gone.amount
    for booked in books.invoices:
        if booked.number in named and booked.taken_off_on is not None:
            yield booked.taken_off_on, booked.taken_off - named[booked.number]


def _since(one: Stored, books: Books, came: Sorted, made_on: date) -> Iterator[Receipt]:
    """List the money nobody knew to be the account's when it was agreed, but for what names an invoice beside it.

    New money is for what was promised, whatever it names; only a settlement is for its invoices alone.
    """
    named = books.named.get(one.id)
    beside = {known.number for known in books.invoices} - named.keys() if named else set()
    for known in came.received:
        if known.received_at is None or (known.assigned_at or known.received_at) <= one.made_at:
            continue
        was_there = known.value_on < made_on or known.received_at <= one.made_at
        earlier = was_there and one.agreed.kind is not Kind.SAYS_PAID
        if known.invoice not in beside or not (earlier or one.agreed.kind is Kind.SETTLEMENT):
            yield Receipt(known.value_on, known.amount, came.gone.get(name_of(known)), earlier)
