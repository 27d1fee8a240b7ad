"""Payments and stops come in while a batch is on its way: no contact begins after their commit.

Once with the daemon and other processes, once with nothing but the two transactions that meet, in threads.
"""

import json
import os
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa

from contactd.clock import SystemClock
from contactd.domain.account import Channel
from contactd.domain.attempt import Event
from contactd.domain.campaign import Campaign, Step
from contactd.domain.errors import StoreConflict
from contactd.domain.policy import Policy
from contactd.engine.gate import Begun, Gate, Settled, settle
from contactd.engine.ladder.book import Book
from contactd.engine.ladder.planner import Planner
from contactd.intake.accept import accept_accounts, accept_payments
from contactd.store import attempts, payments, schema
from contactd.store.attempts import Claimed, Transition
from contactd.store.database import Database
from contactd.store.payments import NewPayment
from tests.faults.life import contactd
from tests.faults.payer import payment
from tests.faults.stage import TREE, Stage, debtors, now, open_stage, twice

T = TypeVar("T")
FULL = os.environ.get("FAULTS") == "full"
EACH, PAID, STOPPED, SECONDS = (3_000, 1_500, 500, 60.0) if FULL else (400, 200, 60, 15.0)
LISTED = 40
RATE = f"{round(EACH / SECONDS)} per second"


def send_somebody(stage: Stage) -> "subprocess.Popen[str]":
    """Start the process that pays and stops; it waits until it is told what."""
    peer = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.payer"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=TREE, text=True
    )
    assert peer.stdout is not None
    assert json.loads(peer.stdout.readline()) == {"ready": True}
    return peer


def results(peer: "subprocess.Popen[str]") -> dict[str, tuple[str, datetime]]:
    """Answer what was done by account: what, and an instant after its commit."""
    said, _ = peer.communicate(timeout=300)
    assert peer.returncode == 0
    rows = [json.loads(line) for line in said.splitlines()]
    return {row["account_no"]: (row["what"], datetime.fromisoformat(row["committed"])) for row in rows}


def contacts(database: Database) -> list[sa.Row[Any]]:
    """Read every attempt with the account's number and the instant its payment was recorded."""
    chosen = sa.select(
        schema.attempt.c.id, schema.attempt.c.state, schema.attempt.c.reason, schema.attempt.c.sending_at,
        schema.account.c.account_no, schema.account.c.last_payment_at,
    ).join_from(schema.attempt, schema.account, schema.attempt.c.account_id == schema.account.c.id)  # fmt: skip
    with database.snapshot() as connection:
        return list(connection.execute(chosen))


def import_a_list(stage: Stage, accounts: list[str], luck: random.Random) -> None:
    """Import a file of payments as people do."""
    file = stage.directory / "payments.csv"
    rows = [payment(account_no, luck) for account_no in accounts]
    file.write_text("\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows)]) + "\n")
    command = contactd("import", "payments", file, "--config", stage.lives[0].config)
    assert subprocess.run(command, check=False, stdout=subprocess.DEVNULL, timeout=120).returncode == 0


@pytest.mark.timeout(900)
def test_no_contact_begins_after_the_commit_of_a_payment_or_a_stop(tmp_path: Path, database_url: str) -> None:
    luck = random.Random(4_711)
    numbers = [f"{channel}-{place}" for channel in ("email", "sms") for place in range(EACH)]
    luck.shuffle(numbers)
    paid, stopped = numbers[:PAID], numbers[PAID : PAID + STOPPED]
    listed = numbers[PAID + STOPPED : PAID + STOPPED + LISTED]
    slow = ("--delay", "0.1")
    with open_stage(tmp_path, database_url, emails=EACH, texts=EACH, mail=slow, sms=("--answer-delay", "0.1")) as stage:
        life = stage.life("racing", rate=RATE)
        life.start()
        somebody = send_somebody(stage)
        life.wait_ready()
        assert life.plan("email")
        assert life.plan("sms")
        task = {"url": stage.url, "config": str(life.config), "pay": paid, "stop": stopped, "seconds": SECONDS * 0.6}
        assert somebody.stdin is not None
        somebody.stdin.write(json.dumps(task | {"seed": 5}) + "\n")
        somebody.stdin.flush()
        import_a_list(stage, listed, luck)
        done = results(somebody)
        stage.finish(300)
        assert life.stop() == 0
        taken = stage.mails() + stage.messages()
        rows = contacts(stage.database)
    assert len(rows) == 2 * EACH
    assert twice(taken) == []
    begun = [row for row in rows if row.sending_at]
    assert [row for row in begun if row.account_no in done and row.sending_at > done[row.account_no][1]] == []
    # Sharper: a payment is dated once its account is locked, and whoever had the lock before is done.
    assert [row for row in begun if row.last_payment_at and row.sending_at >= row.last_payment_at] == []
    assert {row.id for row in rows if row.state != "cancelled"} == set(taken)
    assert {row.account_no for row in rows if row.state == "cancelled"} <= {*paid, *stopped, *listed}
    reasons = Counter(row.reason for row in rows if row.state == "cancelled")
    print(f"\n{len(done)} payments and stops, and a list of {len(listed)}: cancelled {dict(reasons)}")  # noqa: T201 - figures
    see_that_they_met(done, last=max(row.sending_at for row in begun), reasons=reasons)


def see_that_they_met(done: dict[str, tuple[str, datetime]], *, last: datetime, reasons: Counter[str]) -> None:
    """Fail unless many came in mid-batch, whatever the machine's speed: a good part before their contact, or after."""
    amid = Counter(what for what, committed in done.values() if committed < last)
    assert amid["pay"] >= PAID / 10
    assert amid["stop"] >= STOPPED / 20
    assert amid["pay"] / 10 <= reasons["paid_since_planning"] + reasons["case_ended"] <= (PAID + LISTED) * 0.95
    assert amid["stop"] / 10 <= reasons["stopped"] <= STOPPED * 0.95
    assert reasons["paid_since_planning"]
    assert reasons["case_ended"]


ROUNDS, MET = 4_000 if FULL else 800, 16
REMINDER = Step("reminder", Channel.EMAIL, day=3, template="erinnerung")
LADDER = Campaign(id="email", timezone="Etc/UTC", steps=(REMINDER,))


@dataclass
class Meeting:
    """Accounts, each with a claimed attempt, that are begun and paid by threads at the same time."""

    database: Database
    gate: Gate
    claims: list[Claimed]
    barrier: threading.Barrier = field(default_factory=lambda: threading.Barrier(3))
    begun: list[Claimed] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    def run(self, *works: Callable[[], None]) -> None:
        """Let everybody work at once, and raise what went wrong."""
        threads = [threading.Thread(target=self._guard, args=[work]) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.failures:
            raise self.failures[0]

    def _guard(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - raised again by `run`
            self.failures.append(error)
            self.barrier.abort()

    def begin(self, rounds: list[list[Claimed]], luck: random.Random) -> None:
        """Begin attempt after attempt and settle those before in the same transaction, as the daemon's writer does."""
        before: list[Claimed] = []
        for met in rounds:
            self.barrier.wait(60)
            for part in parts(met, luck):
                self._insist(partial(self._write, part, before))
                before = part

    def _write(self, part: list[Claimed], before: list[Claimed], connection: sa.Connection) -> None:
        answers = [Settled(Transition(one.id, one.claim_no, Event.TAKEN, now(), outcome="accepted")) for one in before]
        settle(connection, answers)
        for answer in self.gate.begin(connection, part):
            if isinstance(answer, Begun):
                self.begun.append(answer.claimed)

    def pay(self, rounds: list[list[str]], luck: random.Random) -> None:
        """Record payments, a few at a time."""
        for met in rounds:
            self.barrier.wait(60)
            luck.shuffle(met)
            for part in parts(met, luck):
                lines = [NewPayment(f"f-{one}", "acme", one, "", 1_000, "EUR", now().date(), "") for one in part]
                self._insist(partial(payments.record, payments=lines, now=now))

    def _insist(self, write: Callable[[sa.Connection], object]) -> None:
        while True:
            try:
                with self.database.transaction() as connection:
                    write(connection)
            except StoreConflict as error:
                self.conflicts.append(str(error))
            else:
                return


def parts(everything: list[T], luck: random.Random) -> list[list[T]]:
    """Cut a list into pieces of one to eight."""
    cut: list[list[T]] = []
    place = 0
    while place < len(everything):
        cut.append(everything[place : place + luck.randint(1, 8)])
        place += len(cut[-1])
    return cut


def arrange(database: Database) -> Meeting:
    """Import the accounts, plan and claim."""
    accept_accounts(database, debtors("email", ROUNDS, "Etc/UTC", now().date()), now=now)
    accept_payments(database, [], now=now)
    clock = SystemClock()
    book = Book([LADDER], {"email": Policy("open", default_timezone="Etc/UTC")})
    assert Planner(database, book, horizon=timedelta(hours=1)).plan("email", now()).count == ROUNDS
    lease = timedelta(minutes=10)
    with database.transaction() as connection:
        claims = attempts.claim(connection, Channel.EMAIL, owner="one", now=clock.now(), lease=lease, limit=ROUNDS)
    assert len(claims) == ROUNDS
    return Meeting(database, Gate(book, clock, lease=lease), claims)


def test_of_a_payment_and_an_intent_that_meet_the_later_one_sees_the_other(database: Database) -> None:
    luck = random.Random(42)
    meeting = arrange(database)
    number_of = {row.id: row.account_no for row in contacts(database)}
    luck.shuffle(meeting.claims)
    rounds = [meeting.claims[start : start + MET] for start in range(0, ROUNDS, MET)]
    meeting.run(
        lambda: meeting.begin(rounds, random.Random(1)),
        lambda: meeting.pay([[number_of[one.id] for one in met[::2]] for met in rounds], random.Random(2)),
        lambda: meeting.pay([[number_of[one.id] for one in met[1::2]] for met in rounds], random.Random(3)),
    )
    rows = contacts(database)
    assert [row for row in rows if row.sending_at and row.sending_at >= row.last_payment_at] == []
    states = Counter((row.state, row.reason) for row in rows)
    print(f"\n{ROUNDS} meetings: {dict(states)}, {len(meeting.conflicts)} conflicts")  # noqa: T201 - figures
    assert {key for key in states if key[0] == "cancelled"} == {("cancelled", "paid_since_planning")}
    assert min(states["cancelled", "paid_since_planning"], len(meeting.begun)) > ROUNDS / 20
    # Nobody waits for somebody who waits for him: no deadlock is left to the database to dissolve.
    assert meeting.conflicts == []
