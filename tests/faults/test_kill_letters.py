"""The daemon is killed again and again while letters go out; what lies in the outbox, or what the printer took, judges.

`make test` kills five times during 120 letters, `make faults` a hundred times during 2,000, with each way of handing
them over and on both databases. Each letter charges a fee: owed once by whoever it went to, and by nobody else.
"""

import os
import random
import stat
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from contactd.config.load import load
from contactd.engine.debt.claims import owed_by, terms_of
from contactd.store import schema
from tests.faults.life import Life, until
from tests.faults.stage import QUEUED, Stage, by_attempt, now, open_stage, twice, zone_where_it_is_noon

FULL = os.environ.get("FAULTS") == "full"
KILLS, EACH = (100, 2_000) if FULL else (5, 120)
ON_THE_WAY = KILLS * 2  # no more than could be on their way to the folder or at the printer at once, each time
# Takes its time before and after it takes a letter; has no paper for one in ten, and will never have one in twenty.
_PRINTER = """\
#!/bin/sh
sleep 0.01
case "$1" in *7-1) exit 75 ;; *13-*) exit 65 ;; esac
printf '%s\\n' "$1" >> "$2"
sleep 0.03
echo "request id is $1"
"""
_SETTINGS = """\
[claims]
due_date_agreed = true
[letters]
folder = "{folder}"
backend = "{backend}"
timeout = "20 seconds"
"""
_CAMPAIGN = """\
id = "letter"
language = "en"
timezone = "{zone}"
[select]
segments = ["letter"]
[[step]]
id = "notice"
day = 3
channel = "letter"
template = "mahnung"
deadline = "10 days"
claim = "all"
fee = "1.20 EUR"
"""


@dataclass
class Post:
    """A daemon that writes letters, and who takes them."""

    life: Life
    backend: str
    folder: Path

    @classmethod
    def of(cls, stage: Stage, backend: str) -> "Post":
        """Make the folder of the daemon, and the printer."""
        life = stage.life("faulty")
        post = cls(life, backend, stage.directory / "letters")
        settings = life.config.read_text() + _SETTINGS.format(folder=post.folder, backend=backend)
        if backend == "command":
            printer = stage.directory / "printer.sh"
            printer.write_text(_PRINTER)
            printer.chmod(printer.stat().st_mode | stat.S_IXUSR)
            settings += f'command = ["{printer}", "{{reference}}", "{post.ledger}", "{{file}}"]\n'
        life.config.write_text(settings)
        campaign = _CAMPAIGN.format(zone=zone_where_it_is_noon(now()))
        (life.folder / "campaigns.d" / "letter.toml").write_text(campaign)
        return post

    @property
    def ledger(self) -> Path:
        """Name the printer's book."""
        return self.folder.parent / "printer.ledger"

    def taken(self) -> Counter[int]:
        """Count the letters that left the house, by attempt."""
        if self.backend == "spool":
            return by_attempt(path.stem for path in self.folder.glob("outbox/*/[!.]*.pdf"))
        return by_attempt(self.ledger.read_text().split() if self.ledger.exists() else [])

    def written_only(self) -> set[int]:
        """Name the letters in the archive that lie nowhere else: a person has to say whether they were taken away."""
        kept = by_attempt(path.stem.lstrip(".") for path in self.folder.glob("archive/*/.*.pdf"))
        return kept.keys() - self.taken().keys()

    def charged(self, stage: Stage) -> Counter[int]:
        """Count the fees that are owed, by attempt."""
        terms = terms_of(load(self.life.config))
        with stage.database.snapshot() as connection:
            chosen = sa.select(schema.attempt.c.account_id, schema.attempt.c.id)
            attempt_of = {row[0]: row[1] for row in connection.execute(chosen)}
            found = owed_by(connection, list(attempt_of), terms, now().date())
        costs = Counter({attempt_of[one.books.account_id]: len(one.ledger.costs) for one in found})
        assert {cost.amount for one in found for cost in one.ledger.costs} == {120}
        return +costs


def live_and_die(stage: Stage, life: Life, luck: random.Random, most: int) -> None:
    """Run the daemon for a random while, from its first moments on, and kill it before many more letters have gone."""
    life.start()
    if luck.random() < 0.9:
        life.wait_ready()
        if stage.count("letter") < EACH:
            threading.Thread(target=life.plan, args=["letter"], daemon=True).start()
    over = time.monotonic() + luck.uniform(0.0, 2.0)
    while time.monotonic() < over and stage.states()["letter", "accepted"] < most:
        time.sleep(0.01)
    life.kill()


def die_at_work(stage: Stage, life: Life) -> Counter[tuple[str, str]]:
    """Run the daemon until it has letters in hand, and kill it then; answers how everything stands."""
    life.start()
    life.wait_ready()
    stage.catch(life, "letter", lambda: any(stage.states()["letter", one] for one in ("claimed", "sending")))
    life.kill()
    return stage.states()


def waiting(stage: Stage) -> set[int]:
    """List the letters that still have to go, or of which nobody knows whether they went."""
    return {attempt for attempt, state in stage.attempts("letter").items() if state in {*QUEUED, "unclear"}}


@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("backend", ["spool", "command"])
def test_a_daemon_killed_again_and_again_prints_no_letter_twice_loses_none_and_charges_each_once(
    tmp_path: Path, database_url: str, backend: str
) -> None:
    luck = random.Random(20_261_128)
    with open_stage(tmp_path, database_url) as stage:
        stage.owe("letter", EACH)
        post = Post.of(stage, backend)
        for kill in range(1, KILLS):
            live_and_die(stage, post.life, luck, EACH * kill // (KILLS + 1))
        struck = die_at_work(stage, post.life)
        post.life.start()
        post.life.wait_ready()
        assert post.life.plan("letter")
        stage.finish(600 if FULL else 200)
        if backend == "spool":  # what lies in the outbox is found there
            until(lambda: waiting(stage) <= post.written_only(), 60, lambda: f"{stage.states()}")
        else:  # what never came to the printer is found out by asking twice, and goes again
            until(lambda: len(waiting(stage)) <= ON_THE_WAY, 120, lambda: f"{stage.states()}")
        assert post.life.stop() == 0
        letters, taken, charged = stage.attempts("letter"), post.taken(), post.charged(stage)
    ends = Counter(letters.values())
    print(  # noqa: T201 - the figures of the closing note
        f"\n{backend}: {KILLS} kills; after the last: {dict(struck)}; at the end: {dict(ends)}"
        f"\n{sum(taken.values())} letters taken, {len(twice(taken))} twice; {sum(charged.values())} fees"
    )
    sent = {attempt for attempt, state in letters.items() if state == "accepted"}
    unclear = {attempt for attempt, state in letters.items() if state == "unclear"}
    assert len(letters) == stage.owed["letter"]
    assert twice(taken) == []
    assert twice(charged) == []
    # Nobody is lost: what counts as sent was taken and is charged; the rest stands there for a person, or was refused.
    assert set(charged) == sent
    assert sent <= set(taken) <= sent | unclear
    assert struck["letter", "accepted"] < stage.owed["letter"]  # the kills met letters on their way
    assert len(unclear) <= ON_THE_WAY
    if backend == "spool":
        assert ends["accepted"] + len(unclear) == stage.owed["letter"]
    else:
        refused = {attempt for attempt in letters if str(attempt).endswith("13")}
        assert {attempt for attempt, state in letters.items() if state == "failed"} == refused - unclear
