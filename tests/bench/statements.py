"""Reading 200,000 entries of a CAMT.053 and matching them in memory against 100,000 accounts with 150,000 invoices.

The reference goes through the same file with a bare lxml.iterparse that looks at nothing.
"""

import gc
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from contactd.domain.books import Books, Debtor, Item, open_books
from contactd.domain.matching import Match, Unclear, match, note
from contactd.domain.reference import normal, rf_reference
from contactd.intake.bank_statements import Statements, read_statements
from tests.bench.figures import Figure, Watch, folder, main, peak_mb
from tests.fakes.bank import Payment, iban, write_camt

ACCOUNTS, INVOICES, ENTRIES = 100_000, 150_000, 200_000
_SEED = 11


def run(scale: float) -> list[Figure]:
    """Read and match a statement as long as a large creditor's month."""
    accounts, invoices, entries = (int(size * scale) for size in (ACCOUNTS, INVOICES, ENTRIES))
    with folder() as directory:
        path = directory / "statement.xml"
        total = sum(one.amount for one in payments(accounts, invoices, entries))
        with path.open("w", encoding="utf-8") as file:
            write_camt(file, payments(accounts, invoices, entries), 0, total)
        bare = Watch(lambda: _bare(path))
        before = peak_mb()
        gc.freeze()  # as the command does
        books = Watch(lambda: open_books(_debtors(accounts), _items(accounts, invoices)))
        read = Watch(lambda: read_statements(path))
        with read.answer as statements:
            if statements.refused or statements.statements[0].entries != entries:
                raise AssertionError(f"not everything was read: {statements.refused}")
            matched = Watch(lambda: _match(books.answer, statements))
        found, wrong = matched.answer
        if wrong:
            raise AssertionError(f"{wrong} payments were given to somebody else")
        seconds = books.seconds + read.seconds + matched.seconds
        cpu = books.cpu + read.cpu + matched.cpu
        times = (
            f"{cpu:.1f} s of processor time: index {books.cpu:.1f}, reading {read.cpu:.1f}, matching {matched.cpu:.1f};"
            f" {entries / seconds:,.0f} entries/s; {path.stat().st_size >> 20} MB of XML;"
            f" iterparse {bare.cpu:.1f}; {before:.0f} MB before"
        )
        answers = ", ".join(f"{name}: {count:,}" for name, count in found.most_common())
        size = f"{entries:,} entries, {accounts:,} accounts/{invoices:,} invoices"
        return [
            Figure(f"statement: {size}", seconds, "s", "lxml.iterparse, looking at nothing", bare.seconds,
                   "<= 60 s, <= 300 MB", peak_mb(), [times, answers])
        ]  # fmt: skip


def _debtors(accounts: int) -> Iterator[Debtor]:
    for one in range(accounts):
        yield Debtor(one + 1, f"K{one:07}", "EUR", "ACME", f"Kunde {one} Beispiel", (iban(one),))


def _items(accounts: int, invoices: int) -> Iterator[Item]:
    for one in range(invoices):
        yield Item(one + 1, one % accounts + 1, f"RE-2026-{one:06}", open_of(one))


def open_of(invoice: int) -> int:
    return 1_000 + invoice * 7_919 % 90_000


def payments(accounts: int, invoices: int, entries: int) -> Iterator[Payment]:
    """Give the same payments each time; the end-to-end id says whose each is, in a way nothing looks for."""
    draw = random.Random(_SEED)
    for number in range(entries):
        invoice = draw.randrange(invoices)
        owner = invoice % accounts
        amount, name, token = open_of(invoice), f"Kunde {owner} Beispiel", f"RE-2026-{invoice:06}"
        lines: tuple[str, ...] = (f"Rechnung {token} vom 01.03.2026 danke", "Beispielstrasse 12")
        reference = payer = ""
        kind = draw.random()
        if kind < 0.15:
            lines, reference = ("",), rf_reference(normal(token))
        elif kind < 0.30:
            cut = draw.randrange(1, len(token))
            lines = (f"Zahlung fuer {token[:cut]}", f"{token[cut:]} vom 01.03.2026")
        elif kind < 0.40:
            lines = (f"Kundennummer K{owner:07}", "Rate 3 von 12")
        elif kind < 0.60:
            lines, payer = ("Vielen Dank fuer die Lieferung",), iban(owner)
        elif kind < 0.70:
            lines = (f"Auftrag {draw.randrange(10**6)} vom 02.02.2026, Tel. 01234 567890",)
            amount += 1
        yield Payment(amount, lines, reference, end_to_end=f"#{number}:{owner + 1}", name=name, iban=payer)


def _match(books: Books, statements: Statements) -> tuple[Counter[str], int]:
    found: Counter[str] = Counter()
    wrong = 0
    for entry in statements.entries():
        answer: Match | Unclear = match(books, entry)
        if isinstance(answer, Match):
            note(books, entry, answer)
            found[answer.by] += 1
            wrong += answer.account_id != int(entry.end_to_end_id.rpartition(":")[2])
        else:
            found["suggested" if answer.suggestions else "nobody's"] += 1
    return found, wrong


def _bare(path: Path) -> int:
    count = 0
    for _, element in etree.iterparse(str(path), tag="{*}Ntry", resolve_entities=False, no_network=True):
        count += 1
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]
    return count


if __name__ == "__main__":
    main(run)
