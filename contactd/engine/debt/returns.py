"""What of the money that came in went back: for claims.py, and for whoever judges by payments.

A return takes back a payment of its amount, else what it names and the newest there are; of what only lists told of as
much as the books have opened again for it. Nobody saw the rest come in: it is no claim, waits for a payment of its day
or an older one to be heard of, and a person is to clarify it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import NamedTuple

from contactd.store.ledgers import BookedPayment, Books


class Unlisted(NamedTuple):
    """Money that went back and only a list had told of, by the invoice it took it off."""

    of: BookedPayment
    invoice: str
    amount: int


class _Gap(NamedTuple):
    """So much of a return nobody saw come in."""

    of: BookedPayment
    amount: int


@dataclass(slots=True)
class Sorted:
    """What came in, by value date, in parts where parts of it went back; `gone`: the day of that, by `name_of`."""

    received: list[BookedPayment] = field(default_factory=list)
    gone: dict[str, date] = field(default_factory=dict)
    unlisted: list[Unlisted] = field(default_factory=list)


def sort_out(books: Books) -> Sorted:
    """Sort what came in and what went back, in the order in which it was heard of."""
    sorting = _Sorting(_opened_again(books))
    for one in sorted(books.payments, key=_heard):
        if one.amount < 0:
            sorting.take_back(one, -one.amount)
        else:
            sorting.add(one)
    sorting.explain({booked.number: booked.taken_off for booked in books.invoices})
    found = sorting.found
    found.received += [known for known in sorting.standing if known.id > 0]
    found.received.sort(key=lambda known: (known.value_on, known.id, known.part))
    return found


def name_of(one: BookedPayment) -> str:
    """Name a payment, or a part of it."""
    return f"{one.id}/{one.part}" if one.part else str(one.id)


def _opened_again(books: Books) -> list[BookedPayment]:
    """Give as payments, numbered below zero, what lists told of and returns took back by the books."""
    return [
        BookedPayment(-place, booked.taken_off_on or booked.invoiced_on, booked.opened, booked.number)
        for place, booked in enumerate(books.invoices, 1)
        if booked.opened
    ]


def _heard(one: BookedPayment) -> tuple[datetime, int]:
    """Order by when money was known to be the account's."""
    return one.assigned_at or one.received_at or datetime.min.replace(tzinfo=UTC), one.id


@dataclass(slots=True)
class _Sorting:
    """Goes through what was heard of; `standing` did not go back so far."""

    standing: list[BookedPayment]
    gaps: list[_Gap] = field(default_factory=list)
    found: Sorted = field(default_factory=Sorted)

    def add(self, came: BookedPayment) -> None:
        """Take up money; if it was there by then, it is what returns took back that were heard of first."""
        self.standing.append(came)
        gaps, self.gaps = sorted(self.gaps, key=lambda gap: gap.of.value_on), []
        for gap in gaps:
            there = [known for known in self.standing if known.id == came.id and came.value_on <= gap.of.value_on]
            self.take_back(gap.of, gap.amount, there)

    def explain(self, only_listed: dict[str, int]) -> None:
        """Have payments be what went back of lists' money, where they explain by now what lists took off."""
        known, self.found.unlisted = self.found.unlisted, []
        for gone in known:
            part = min(gone.amount, only_listed[gone.invoice])
            only_listed[gone.invoice] -= part
            if part:
                self.found.unlisted.append(gone._replace(amount=part))
            self.take_back(gone.of, gone.amount - part, [one for one in self.standing if one.id > 0])

    def take_back(self, one: BookedPayment, wanted: int, there: Sequence[BookedPayment] | None = None) -> None:
        """Have so much of a return take back what stands, or what of that may be `there`."""
        taken_back = _taken_back(one, wanted, self.standing if there is None else there)
        self.standing = [rest for known in self.standing if (rest := _rest(known, taken_back)) is not None]
        for known in taken_back:
            if known.id > 0:
                self.found.received.append(known)
                self.found.gone[name_of(known)] = max(one.value_on, known.value_on)
            else:
                self.found.unlisted.append(Unlisted(one, known.invoice, known.amount))
        if short := wanted - sum(known.amount for known in taken_back):
            self.gaps.append(_Gap(one, short))


def _taken_back(one: BookedPayment, wanted: int, there: Iterable[BookedPayment]) -> list[BookedPayment]:
    """Choose the payment that went back, or as many as make up the amount, the last of them in part.

    What it names goes before the newest, and what was valued by then before what was only heard of.
    """

    def nearness(known: BookedPayment) -> tuple[bool, bool]:
        return known.value_on > one.value_on, one.invoice not in {"", known.invoice}

    newest = sorted(there, key=lambda known: (known.value_on, known.id), reverse=True)
    nearest = sorted(newest, key=nearness)
    alike = [known for known in nearest if known.amount == wanted]
    named = [known for known in alike if known.invoice == one.invoice] or alike
    if named:
        return named[:1]
    chosen: list[BookedPayment] = []
    for known in nearest:
        part = min(known.amount, wanted)
        wanted -= part
        if part:
            chosen.append(known if part == known.amount else replace(known, amount=part, part=known.part + 1))
    return chosen


def _rest(known: BookedPayment, taken_back: Sequence[BookedPayment]) -> BookedPayment | None:
    """Answer what is left of a payment; None: nothing."""
    for one in taken_back:
        if one.id == known.id and one.part == known.part:
            return None
        if one.id == known.id and one.part == known.part + 1:
            return replace(known, amount=known.amount - one.amount, part=known.part + 2)
    return known
