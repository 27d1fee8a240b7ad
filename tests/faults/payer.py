"""Pays and stops accounts at random moments, as a process of its own beside the daemon.

`python -m tests.faults.payer` says that it is ready, reads what to do as a JSON line, and writes a JSON line with
account and instant after each commit.
"""

import json
import random
import sys
import time
from pathlib import Path
from typing import TypedDict

from contactd.cli.stopping import stop_account
from contactd.intake.accept import accept_payments
from contactd.store.database import open_database
from tests.faults.stage import now


class Task(TypedDict):
    """What to do: these accounts, spread over so many seconds at random."""

    url: str
    config: str
    pay: list[str]
    stop: list[str]
    seconds: float
    seed: int


def payment(account_no: str, luck: random.Random) -> dict[str, str]:
    """Make up a payment: of a part, or of everything."""
    return {
        "account_no": account_no,
        "creditor": "acme",
        "amount": luck.choice(["10.00", "100.00"]),
        "currency": "EUR",
        "value_date": str(now().date()),
        "reference": f"transfer for {account_no}",
    }


def main() -> None:
    """Do what the line says."""
    say({"ready": True})
    task: Task = json.loads(sys.stdin.readline())
    luck = random.Random(task["seed"])
    todo = [("pay", account_no) for account_no in task["pay"]] + [("stop", account_no) for account_no in task["stop"]]
    luck.shuffle(todo)
    database = open_database(task["url"])
    begin = time.monotonic()
    moments = sorted(luck.uniform(0, task["seconds"]) for _ in todo)
    for moment, (what, account_no) in zip(moments, todo, strict=True):
        time.sleep(max(0.0, begin + moment - time.monotonic()))
        if what == "pay":
            accept_payments(database, [payment(account_no, luck)], now=now)
        else:
            stop_account(
                account=account_no, creditor="acme", channel=None, until=None, reason="asked us to", lift=False,
                config=Path(task["config"]),
            )  # fmt: skip
        say({"what": what, "account_no": account_no, "committed": now().isoformat()})
    database.close()


def say(words: dict[str, object]) -> None:
    """Write a line that is read at once."""
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
