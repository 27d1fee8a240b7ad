"""The daemon is killed again and again while messages go out; the providers' own ledgers are the judges.

`make test` kills twenty times, `make faults` two hundred times during 5,000 e-mails and 5,000 SMS, on both databases.
The peers take their time, fail and forget, so that a kill meets attempts in every state.
"""

import os
import random
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.life import Life, until
from tests.faults.stage import QUEUED, Stage, open_stage, twice

FULL = os.environ.get("FAULTS") == "full"
KILLS, EACH, RATE = (200, 5_000, "60 per second") if FULL else (20, 500, "60 per second")
# A mail server that takes its time before and after it takes a message; a provider with every fault it is known for.
MAIL = ("--think", "0.05", "--delay", "0.1", "--drop", "0.01")
SMS = (
    "--answer-delay", "0.15", "--delay", "0.5",
    "--answers", "taken500=0.02,500=0.02,drop=0.01,lostdrop=0.01,429=0.01",
    "--callbacks", "lost=0.1,late=0.1,doubled=0.05,reordered=0.05,early=0.05",
)  # fmt: skip


def plan(stage: Stage, life: Life) -> None:
    """Have planned what is not planned yet; a kill may come in the middle of that, too."""
    for channel in ("email", "sms"):
        if stage.count(channel) < EACH:
            threading.Thread(target=life.plan, args=[channel], daemon=True).start()


def live_and_die(stage: Stage, life: Life, luck: random.Random) -> None:
    """Run the daemon for a random while, from its first moments on, and kill it."""
    life.start()
    works = luck.random() < 0.9  # one in ten dies while it is still starting
    if works:
        life.wait_ready()
        plan(stage, life)
    if works and luck.random() < 0.5:  # however slow the machine is, messages are on their way when these die
        until(lambda: on_the_way_or_through(stage.states()), 60, life.log_tail)
    else:
        time.sleep(luck.uniform(0.0, 0.8))
    life.kill()


def on_the_way_or_through(states: Counter[tuple[str, str]]) -> bool:
    """Tell whether e-mails are on their way, or none is left to send."""
    emails = sum(number for (channel, _), number in states.items() if channel == "email")
    return states["email", "sending"] > 0 or (emails == EACH and not any(states["email", one] for one in QUEUED))


def finish(stage: Stage, life: Life) -> Counter[tuple[str, str]]:
    """Let the daemon live until nothing is open any more that it can settle."""
    life.start()
    life.wait_ready()
    for channel in ("email", "sms"):
        assert life.plan(channel)
    states = stage.finish(600 if FULL else 200, settled=[("sms", "unclear")])
    assert life.stop() == 0
    return states


@pytest.mark.timeout(3_600)
def test_a_daemon_killed_again_and_again_sends_nothing_twice_and_loses_nothing(
    tmp_path: Path, database_url: str
) -> None:
    luck = random.Random(20_261_122)
    with open_stage(tmp_path, database_url, emails=EACH, texts=EACH, mail=MAIL, sms=SMS) as stage:
        life = stage.life("faulty", rate=RATE)
        for _ in range(KILLS):
            live_and_die(stage, life, luck)
        struck = stage.states()
        states = finish(stage, life)
        mails, messages = stage.mails(), stage.messages()
        emails, texts = stage.attempts("email"), stage.attempts("sms")
        lines = life.log_text().count('"recovered"'), life.log_text().count('"started"')
    unclear = {attempt for attempt, state in emails.items() if state == "unclear"}
    print(  # noqa: T201 - the figures of the closing note
        f"\n{KILLS} kills, {lines[1]} lives that worked, {lines[0]} that began with another's remains"
        f"\nafter the last kill: {dict(struck)}\nat the end: {dict(states)}"
        f"\nledgers: {sum(mails.values())} e-mails, {sum(messages.values())} SMS; "
        f"twice: {len(twice(mails)) + len(twice(messages))}"
        f"\ne-mails that stay visible as unclear: {len(unclear)}, {len(unclear & set(mails))} of them taken"
    )
    assert (len(emails), len(texts)) == (EACH, EACH)
    assert twice(mails) == []
    assert twice(messages) == []
    assert set(emails.values()) <= {"accepted", "delivered", "unclear"}
    assert set(texts.values()) <= {"accepted", "delivered"}
    # Nobody is lost: what counts as sent was taken, and what was not taken stands there as unclear.
    assert set(emails) - unclear <= set(mails)
    assert set(texts) == set(messages)
    # The kills met messages on their way, and no more than could be on their way at once.
    assert KILLS / 4 <= len(unclear) <= KILLS * 16
