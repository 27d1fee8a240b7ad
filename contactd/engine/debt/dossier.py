"""The dossier of an account for a lawyer or a court: everything that proves the claim, in one ZIP.

The same books and the same day give the same bytes. Letters and messages are what was kept when they were sent; what
is missing or does not match the contact log's hash is left out, and said.
"""

import csv
import json
import tomllib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from contactd.channels import wording
from contactd.config.settings import Settings
from contactd.domain.account import Channel
from contactd.domain.errors import ConfigError, Problem
from contactd.domain.money import Money
from contactd.domain.spreadsheet import harmless
from contactd.engine.agreements.agreement_told import told as agreements_told
from contactd.engine.debt.application import Application, table
from contactd.engine.debt.claims import Owed, owed_by, terms_of
from contactd.engine.debt.statement_sheet import StatementPress
from contactd.engine.debt.statement_told import statement_told
from contactd.engine.sending.compose import contact_of
from contactd.store import agreements, contact_log, facts, sent_messages
from contactd.store.schema import invoice

_ARRIVED = frozenset({"accepted", "delivered"})
_SUFFIXES = {Channel.EMAIL.value: "eml", Channel.SMS.value: "txt"}
_LOG = (
    "at", "channel", "campaign", "step", "event", "outcome", "reason", "address", "provider_ref", "agent",
    "disposition", "attempt_id", "details",
)  # fmt: skip
_INVOICES = (
    "invoice_no", "invoice_date", "due_date", "amount", "open_principal", "currency", "disputed", "goods", "terms",
    "claim_kind", "contract_rate", "contract_date",
)  # fmt: skip


@dataclass
class Dossier:
    """Files by their names in the ZIP, and what is missing or does not match."""

    files: dict[str, bytes] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def zipped(self, as_of: date) -> bytes:
        """Pack the files, in the order of their names and dated alike."""
        held = BytesIO()
        with ZipFile(held, "w", ZIP_DEFLATED) as packed:
            for name, content in sorted(self.files.items()):
                entry = ZipInfo(name, (as_of.year, as_of.month, as_of.day, 0, 0, 0))
                entry.compress_type, entry.external_attr = ZIP_DEFLATED, 0o640 << 16
                packed.writestr(entry, content)
        return held.getvalue()


def dossier(connection: sa.Connection, account_id: int, settings: Settings, as_of: date, language: str) -> Dossier:
    """Gather the dossier of one account row at the end of a day; raises what setting the statement raises."""
    return _Gathering(connection, account_id, settings, as_of, language).gather()


class _Gathering:
    """One dossier while it is put together."""

    def __init__(
        self, connection: sa.Connection, account_id: int, settings: Settings, as_of: date, language: str
    ) -> None:
        self._connection, self._account_id, self._settings = connection, account_id, settings
        self._as_of, self._language = as_of, language
        self._words = _words(settings, language)
        self._made = Dossier()
        zone = ZoneInfo(settings.claims.timezone)
        self._end = datetime.combine(as_of + timedelta(days=1), time(), zone).astimezone(UTC)

    def gather(self) -> Dossier:
        rates = self._settings.base_rates
        [owed] = owed_by(self._connection, [self._account_id], terms_of(self._settings), self._as_of)
        home = facts.postal_addresses(self._connection, [self._account_id])[self._account_id]
        [pdf] = StatementPress(self._settings, rates, self._language).press(self._connection, owed)
        application = Application(owed, self._settings, rates, self._language, self._words).told(home)
        rows = contact_log.of_account(self._connection, self._account_id, self._end)
        files = self._made.files
        files["statement.pdf"] = pdf
        files["statement.json"] = _json(statement_told(owed))
        files["application.json"] = _json(application)
        files["application.csv"] = _csv(table(application))
        files["invoices.csv"] = _csv(self._invoices(owed))
        files["contact_log.csv"] = _csv([_LOG, *(_cells(row) for row in rows)])
        files["agreements.json"] = _json(self._agreements())
        self._letters(rows)
        self._messages(rows)
        files["README.txt"] = self._readme(owed).encode()
        files["manifest.json"] = _json(
            {
                "account": owed.books.number, "creditor": owed.books.creditor, "as_of": self._as_of.isoformat(),
                "files": {
                    name: {"sha256": sha256(content).hexdigest(), "bytes": len(content)}
                    for name, content in sorted(files.items())
                },
                "problems": self._made.problems,
            }
        )  # fmt: skip
        return self._made

    def _invoices(self, owed: Owed) -> Iterator[Sequence[str]]:
        """List the invoices there are by that day; what is open of each is the statement's principal."""
        yield _INVOICES
        currency = owed.books.currency
        principal = {balance.claim: balance.principal for balance in owed.statement.balances}
        chosen = sa.select(invoice).where(
            invoice.c.account_id == self._account_id, invoice.c.invoice_date <= self._as_of
        )
        for row in self._connection.execute(chosen.order_by(invoice.c.due_date, invoice.c.id)):
            amounts = [f"{Money(minor, currency).amount}" for minor in (row.amount, principal.get(row.invoice_no, 0))]
            days = (row.invoice_date.isoformat(), row.due_date.isoformat())
            words = (row.goods, row.terms, row.claim_kind, row.contract_rate)
            signed = row.contract_date.isoformat() if row.contract_date else ""
            yield (row.invoice_no, *days, *amounts, currency, "yes" if row.disputed else "no", *words, signed)

    def _agreements(self) -> list[dict[str, Any]]:
        made = agreements.of_accounts(self._connection, [self._account_id])
        return list(agreements_told(self._connection, [one for one in made if one.made_at < self._end]))

    def _letters(self, rows: Iterable[Any]) -> None:
        """Put in every letter that left, if the archive has it as the log says it was."""
        archive = self._settings.letters_directory / "archive"
        for row, details in _left(rows, {Channel.LETTER.value}).values():
            path = Path(str(details.get("file", "")))
            if not path.name or path.is_absolute() or ".." in path.parts:
                self._miss(row, "the contact log names no file")
                continue
            try:
                pdf = (archive / path).read_bytes()
            except OSError as error:
                self._miss(row, f"{archive / path}: {error.strerror or error}")
                continue
            if sha256(pdf).hexdigest() != details.get("sha256"):
                self._miss(row, f"{archive / path} is not what was sent: its SHA-256 is not the contact log's")
                continue
            self._made.files[f"letters/{path.name}"] = pdf

    def _messages(self, rows: Iterable[Any]) -> None:
        """Put in every e-mail and SMS that left, if it was kept."""
        left = _left(rows, _SUFFIXES)
        missing = set(left)
        for one in sent_messages.of_attempts(self._connection, sorted(left)):
            content, (row, details) = one.content.encode(), left[one.attempt_id]
            if sha256(content).hexdigest() == details.get("sha256"):
                self._made.files[f"messages/{one.attempt_id}-{one.claim_no}.{_SUFFIXES[row.channel]}"] = content
                missing.discard(one.attempt_id)
        for attempt_id in sorted(missing):
            self._miss(
                left[attempt_id][0], "what was sent was not kept, or is not what the contact log's SHA-256 names"
            )

    def _miss(self, row: Any, what: str) -> None:  # noqa: ANN401 - a row of the contact log
        self._made.problems.append(f"{row.channel} of {row.at:%Y-%m-%d}, attempt {row.attempt_id}: {what}")

    def _readme(self, owed: Owed) -> str:
        text = self._words["readme"].format(
            number=owed.books.number,
            debtor=owed.books.name,
            creditor=contact_of(self._settings, owed.books.creditor).name,
            day=wording.day(self._as_of, self._language),
        )
        if self._made.problems:
            text += self._words["missing"].format(problems="\n".join(f"- {one}" for one in self._made.problems))
        return text.lstrip()


def _left(rows: Iterable[Any], channels: Collection[str]) -> dict[int, tuple[Any, dict[str, Any]]]:
    """Find what left by these channels, by attempt: the entry that says so, and all details the log has of it."""
    entries = defaultdict[int, list[Any]](list)
    for row in rows:
        if row.channel in channels and row.attempt_id:
            entries[row.attempt_id].append(row)
    found = {}
    for attempt_id, mine in entries.items():
        arrived = [row for row in mine if row.event in _ARRIVED]
        if arrived:
            found[attempt_id] = arrived[0], {key: value for row in mine for key, value in (row.details or {}).items()}
    return found


def _words(settings: Settings, language: str) -> dict[str, str]:
    """Read the words of a language, those of the operator's folders first; raises ConfigError."""
    name = f"dossier/words.{language.partition('-')[0]}.toml"
    for directory in settings.template_directories:
        path = directory / name
        if path.is_file():
            return tomllib.loads(path.read_text(encoding="utf-8"))
    raise ConfigError([Problem(name, 0, "", f"there is none for the language {language!r}; there are de and en")])


def _cells(row: Any) -> list[str]:  # noqa: ANN401 - a row of the contact log
    values = row._asdict()
    values["at"] = row.at.isoformat(timespec="seconds")
    values["details"] = json.dumps(row.details, ensure_ascii=False, sort_keys=True) if row.details else ""
    return ["" if values[name] is None else str(values[name]) for name in _LOG]


def _csv(rows: Iterable[Sequence[str]]) -> bytes:
    """Write a table; spreadsheets take UTF-8 for what it is by its mark."""
    held = StringIO()
    csv.writer(held, lineterminator="\r\n").writerows(map(harmless, row) for row in rows)
    return held.getvalue().encode("utf-8-sig")


def _json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2, default=_plain) + "\n").encode()


def _plain(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Money):
        return value.as_json()
    raise TypeError(f"no JSON for {type(value).__name__}")
