"""The counter of a simulated year: what the bank, the creditor's list and customers tell is taken in, as by a clerk.

Every way in is contactd's own: the reader of statements, the list of accounts, agreements, stops, bounces.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path

from sqlalchemy.engine import Connection

from contactd.domain.errors import InputError, NeedsForce
from contactd.engine.agreements.agreeing import Agreeing, Order
from contactd.engine.agreements.arranging import Arranging
from contactd.engine.agreements.judgement import judge_of, judge_some
from contactd.engine.debt.debtors import choose
from contactd.engine.sending import returned_mail
from contactd.engine.tasks.tasking import Saying, Tasking
from contactd.intake import banking
from contactd.intake.accept import Options, accept_accounts
from contactd.rehearsal.bank import Bank, Creditor, Entry
from contactd.rehearsal.office import Office
from contactd.rehearsal.villagers import Villager
from contactd.store import accounts, suppressions
from contactd.store.agreements import Stored
from contactd.store.suppressions import NewSuppression

_CLERK = "clerk"


class Clerk:
    """Takes everything in; `counts` tells how often what happened."""

    def __init__(self, office: Office, bank: Bank, books: Creditor, folder: Path, currency: str) -> None:
        self._office, self._bank, self._books = office, bank, books
        self._folder, self._currency = folder, currency
        self.counts: Counter[str] = Counter()

    @property
    def _now(self) -> datetime:
        return self._office.clock.now()

    def statement(self, day: date) -> list[Entry]:
        """Import the bank's statement of a day; answers what it told."""
        entries = list(self._bank.booked.get(day, ()))
        path = self._folder / f"{day}.xml"
        path.write_text(self._bank.statement(day, self._currency), encoding="utf-8")
        told = banking.import_bank_statements(
            self._office.database, path, self._options("bank"), ibans={}, currencies=frozenset()
        )
        path.unlink()
        self.counts["statements"] += 1
        self.counts["bookings"] += told.counts["entries"]
        self.counts["unmatched"] += told.counts["unmatched"]
        if told.refused:
            raise InputError("\n".join(told.refused))
        return entries

    def list_accounts(self, people: Sequence[Villager]) -> None:
        """Import all that is open by the creditor's books, which clears what is not; a person looks at accidents."""
        rows = [row for one in people for row in self._rows(one)]
        self.counts["lists"] += 1
        if not rows:
            return
        for force in (False, True):
            try:
                report = accept_accounts(
                    self._office.database, rows, now=self._office.clock.now, source="list", full=True, force=force
                )
            except NeedsForce:
                self.counts["lists_forced"] += 1
            else:
                if report.rejected:
                    raise InputError("; ".join(f"{one.column}: {one.reason}" for one in report.rejected[:3]))
                office = self._office
                judge_some(office.database, report.touched, office.settings, office.clock)
                return

    def _rows(self, one: Villager) -> list[dict[str, str]]:
        return [
            one.row
            | {
                "invoice_no": bill.number,
                "invoice_date": bill.issued.isoformat(),
                "due_date": bill.due.isoformat(),
                "amount": _plain(bill.amount),
                "open": _plain(bill.open),
            }
            for bill in self._books.open_bills(one.number)
        ]

    def assign(self, known: Callable[[str], tuple[str, str] | None]) -> None:
        """Give payments that wait to whose they are; `known` answers account and creditor for a payer's IBAN."""
        with self._office.database.snapshot() as connection:
            waiting = [(number, entry.iban) for number, entry, _ in banking.unmatched(connection)]
        for number, iban in waiting:
            owner = known(iban)
            if owner is None:
                continue
            with self._office.database.snapshot() as connection:
                [row] = accounts.find(connection, *owner)
            banking.assign(self._office.database, number, row.id, "", self._options(_CLERK))
            self.counts["assigned"] += 1

    def agree(self, who: Villager, order: Order) -> Stored | None:
        """Write an agreement down; None when it is refused, as when nothing is open any more."""
        with self._office.database.transaction() as connection:
            try:
                agreeing = Agreeing(self._office.settings, connection, by=_CLERK, now=self._now)
                made = agreeing.make(choose(connection, who.number, who.row["creditor"]), order)
            except InputError:
                self.counts["agreements_refused"] += 1
                return None
        self.counts[f"agreed_{order.kind}"] += 1
        return made

    def say(self, number: int, word: str) -> None:
        """Carry out what is said of an agreement."""
        with self._office.database.transaction() as connection:
            Agreeing(self._office.settings, connection, by=_CLERK, now=self._now).say(number, word, "decided")
        self.counts[word] += 1

    def stop(self, who: Villager) -> None:
        """Contact somebody no more."""
        with self._office.database.transaction() as connection:
            customers = {row.customer_id for row in accounts.find(connection, who.number, who.row["creditor"])}
            stops = [NewSuppression("account", str(one), None, "stop", _CLERK, self._now) for one in sorted(customers)]
            suppressions.add(connection, stops)
        self.counts["stopped"] += 1

    def represented(self, who: Villager) -> None:
        """Note that a lawyer speaks for somebody."""
        with self._office.database.transaction() as connection:
            debtor = choose(connection, who.number, who.row["creditor"])
            told = {"by": "Rechtsanwältin Erika Beispiel"}
            self._arranging(connection).carry_out("represented", debtor, told)
        self.counts["represented_by_letter"] += 1

    def stop_for_good(self, who: Villager, reason: str) -> bool:
        """Note that somebody is insolvent or dead; answers False of whom no list has told of yet."""
        with self._office.database.transaction() as connection:
            customers = {row.customer_id for row in accounts.find(connection, who.number, None)}
            for customer in sorted(customers):
                self._arranging(connection).stop_for_good(customer, reason)
                self.counts[reason] += 1
        return bool(customers)

    def returned(self, reference: str, reason: str) -> int | None:
        """Note that a letter came back; answers the task of who is to find a better address, if that is a new one."""
        with self._office.database.transaction() as connection:
            found = returned_mail.find(connection, f"{reference}.pdf")
            told = returned_mail.note(
                self._office.settings, connection, found, reason, by=_CLERK, clock=self._office.clock
            )
        self.counts["letters_returned"] += 1
        self.counts["addresses_marked"] += told["address"] == "marked"
        return int(told["task"]) if told["task"] and told["address"] == "marked" else None

    def end_research(self, task: int, outcome: str, *, found: bool) -> None:
        """Say what became of the search for an address."""
        with self._office.database.transaction() as connection:
            tasking = Tasking(self._office.settings, connection, by=_CLERK, now=self._now)
            tasking.say(task, Saying("done", outcome))
        self.counts["addresses_found" if found else "addresses_not_found"] += 1

    def _arranging(self, connection: Connection) -> Arranging:
        return Arranging(self._office.settings, connection, by=_CLERK, now=self._now)

    def _options(self, source: str) -> Options:
        clock = self._office.clock
        return Options(clock.now, source, judge=judge_of(self._office.settings, clock))


def _plain(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02}"
