"""Half a year of a desk as rows: made-up customers, contacts, calls, promises and payments, in bulk."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from contactd.store.columns import metadata
from contactd.store.database import Database
from contactd.store.schema import account, agreement, allocation, attempt, batch, call, instalment, invoice, payment

_STEPS = ((3, "email", "erinnerung-email", 0.25), (7, "sms", "erinnerung-sms", 0.12),
          (14, "letter", "mahnung-brief", 0.2), (28, "call", "anruf", 0.05), (31, "call", "anruf", 0.05),
          (35, "call", "anruf", 0.05))  # fmt: skip
_SPEAK_UP = {8: 0.12, 9: 0.16, 10: 0.2, 11: 0.22, 12: 0.15, 13: 0.14, 14: 0.16, 15: 0.19, 16: 0.24, 17: 0.33, 18: 0.38}
_HELD = {"disputed": 31, "cool_down": 58, "on_hold": 44, "no_address": 12, "holiday": 3, "week_cap": 17}
_AT_A_TIME = 5_000
AGENTS = tuple(f"agent-{number}" for number in range(1, 9))


@dataclass
class _Year:
    """The rows so far, by table; `now` is where the half year ends."""

    now: datetime
    dice: random.Random
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, table: sa.Table, **values: Any) -> int:  # noqa: ANN401 -- any column
        """Note a row; answers its number."""
        rows = self.rows.setdefault(table.name, [])
        number = len(rows) + 1
        rows.append({"id": number} | values if "id" in table.c else values)
        return number

    def customer(self, number: int) -> None:
        """Let somebody owe, be contacted step by step, and pay or not."""
        due = self.now.date() - timedelta(days=self.dice.randrange(1, 180))
        amount = int(min(self.dice.lognormvariate(9.6, 0.8), 400_000))
        paid_on = due + timedelta(days=self.dice.randrange(2, 40)) if self.dice.random() < 0.12 else None
        for try_no, (day, channel, step, persuades) in enumerate(_STEPS, 1):
            at = datetime.combine(due + timedelta(days=day), datetime.min.time(), self.now.tzinfo)
            if at > self.now or (paid_on is not None and paid_on <= at.date()):
                break
            paid_on = self._contact(number, channel, step, persuades, at, try_no, amount) or paid_on
        self._owe(number, due, amount, paid_on)

    def _contact(
        self, number: int, channel: str, step: str, persuades: float, at: datetime, try_no: int, amount: int
    ) -> date | None:
        """Contact somebody; answers when they pay for it."""
        if channel == "call":
            return self._call(number, step, at, try_no, amount)
        state = self.dice.choices(("delivered", "failed", "cancelled"), (0.92, 0.05, 0.03))[0]
        reason = self.dice.choice(("disputed", "paid_since_planning")) if state == "cancelled" else ""
        self._attempt(number, channel, step, at + timedelta(hours=9), try_no, state, reason=reason)
        persuaded = state == "delivered" and self.dice.random() < persuades
        return at.date() + timedelta(days=self.dice.randrange(1, 10)) if persuaded else None

    def _attempt(self, number: int, channel: str, step: str, at: datetime, try_no: int, state: str, **more: Any) -> int:  # noqa: ANN401 -- any column
        begun = at if state != "cancelled" else None
        usual = {"disposition": "", "agent": "", "conversation_at": None, "reason": ""}
        return self.add(attempt, account_id=number, customer_id=number, campaign="mahnung-standard", step=step,
                        channel=channel, case_no=1, try_no=try_no, state=state, not_before=at, planned_at=at,
                        sending_at=begun, **(usual | more))  # fmt: skip

    def _call(self, number: int, step: str, at: datetime, try_no: int, amount: int) -> date | None:
        day = at - timedelta(days=max(at.weekday() - 5, 0))
        hour = self.dice.choice(tuple(_SPEAK_UP))
        placed = day.replace(hour=hour - 1, minute=self.dice.randrange(60))
        said, answered = "", self.dice.random() < _SPEAK_UP[hour] + 0.18
        how = "answered" if answered else "no_answer"
        if answered and self.dice.random() < 0.016:
            how = "abandoned"
        elif answered and self.dice.random() < _SPEAK_UP[hour] / (_SPEAK_UP[hour] + 0.18):
            said = self.dice.choices(("promise", "refuses", "callback", "paid", "plan"), (5, 2, 2, 1, 1))[0]
        elif answered:
            said = "wrong_person"
        talked = placed if answered and how != "abandoned" else None
        made = self._attempt(number, "call", step, placed, try_no, "delivered" if answered else "failed",
                             disposition=said, agent=self.dice.choice(AGENTS) if said else "",
                             conversation_at=talked if said not in {"", "wrong_person"} else None)  # fmt: skip
        self.rows.setdefault("call", []).append(
            {"attempt_id": made, "number": "+493023125000", "placed_at": placed, "how_ended": how,
             "answered_at": placed if answered else None, "connected_at": talked}
        )  # fmt: skip
        return self._promise(number, placed, amount) if said == "promise" else None

    def _promise(self, number: int, at: datetime, amount: int) -> date | None:
        due = at.date() + timedelta(days=self.dice.randrange(3, 22))
        keeps = self.dice.choices(("kept", "partially_kept", "broken"), (0.66, 0.1, 0.24))[0]
        over = due + timedelta(days=3) < self.now.date()
        received = {"kept": amount, "partially_kept": amount // 2, "broken": 0}[keeps] if over else 0
        made = self.add(agreement, account_id=number, kind="promise", state=keeps if over else "open", amount=amount,
                        received=received, made_at=at, made_by="anna")  # fmt: skip
        self.rows.setdefault("instalment", []).append(
            {"agreement_id": made, "number": 1, "due_on": due, "last_day": due + timedelta(days=3), "amount": amount}
        )
        return due if keeps == "kept" else None

    def _owe(self, number: int, due: date, amount: int, paid_on: date | None) -> None:
        paid = paid_on is not None and paid_on <= self.now.date()
        times = {"created_at": self.now, "updated_at": self.now}
        rest = 0 if paid else amount
        self.add(account, customer_id=number, creditor="acme", account_no=f"K-{number}", currency="EUR", open=rest,
                 timezone="Europe/Berlin", **times)  # fmt: skip
        owed = self.add(invoice, account_id=number, invoice_no=f"R-{number}", invoice_date=due, due_date=due,
                        amount=amount, open=rest, imported_open=amount)  # fmt: skip
        if paid:
            came = self.add(payment, account_id=number, amount=amount, currency="EUR", value_date=paid_on,
                            fingerprint=f"paid-{number}", received_at=self.now)  # fmt: skip
            self.add(allocation, payment_id=came, invoice_id=owed, amount=amount)


def fill(database: Database, accounts: int, now: datetime, seed: int = 7) -> None:
    """Write half a year that ends now, in the same way for the same seed."""
    year = _Year(now, random.Random(seed))
    for number in range(1, accounts + 1):
        year.customer(number)
    held = {"anruf": {reason: {"count": count, "amounts": {}} for reason, count in _HELD.items()}}
    year.add(batch, campaign="mahnung-standard", planned_at=now, finished_at=now, held=held, steps={}, taken=accounts)
    with database.transaction() as connection:
        for table in (account, invoice, payment, allocation, attempt, call, agreement, instalment, batch):
            _insert(connection, metadata.tables[table.name], year.rows.get(table.name, []))


def _insert(connection: sa.Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    for start in range(0, len(rows), _AT_A_TIME):
        connection.execute(sa.insert(table), list(rows[start : start + _AT_A_TIME]))
