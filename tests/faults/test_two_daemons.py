"""Several daemons on one PostgreSQL share the work; one dies, one sleeps past its lease, nobody is contacted twice."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from contactd.store import schema
from tests.faults.life import Life, until
from tests.faults.stage import Stage, open_stage, twice

MAILS, TEXTS = 1_000, 150
UNREACHABLE = 5
LEASE, TIMEOUT = "12 seconds", "10 seconds"  # one of them sleeps longer
on_postgresql = pytest.mark.parametrize("dialect", ["postgresql"])


def held(stage: Stage, life: Life, *states: str) -> int:
    """Count the attempts that are in these states in a daemon's name."""
    columns = schema.attempt.c
    with stage.database.snapshot() as connection:
        chosen = sa.select(sa.func.count()).where(columns.claimed_by == life.name, columns.state.in_(states))
        return connection.scalar(chosen) or 0


def sending(stage: Stage) -> set[int]:
    """Name the attempts whose intents are on their way."""
    return {attempt for attempt, state in stage.attempts("sms").items() if state == "sending"}


def left_behind(stage: Stage, life: Life) -> int:
    """Count what a daemon holds, but for rows that a transaction of its own keeps locked."""
    columns = schema.attempt.c
    with stage.database.transaction() as connection:
        chosen = sa.select(columns.id).where(columns.claimed_by == life.name, columns.state.in_(["claimed", "sending"]))
        return len(connection.execute(chosen.with_for_update(skip_locked=True)).all())


def both_logs(stage: Stage) -> str:
    """Give the ends of all logs."""
    return "\n".join([str(stage.states()), *(life.log_tail() for life in stage.lives)])


@on_postgresql
def test_two_daemons_share_a_batch_though_one_dies_and_one_sleeps_past_its_lease(
    tmp_path: Path, database_url: str
) -> None:
    with open_stage(tmp_path, database_url, emails=MAILS, mail=("--delay", "0.05")) as stage:
        first, second = (
            stage.life(name, rate="50 per second", lease=LEASE, timeout=TIMEOUT) for name in ("first", "second")
        )
        first.start()
        second.start()
        first.wait_ready()
        second.wait_ready()
        assert first.plan("email")
        until(lambda: len(stage.mails()) > MAILS // 10, 60, lambda: both_logs(stage))
        stage.catch(first, "email", lambda: held(stage, first, "sending") > 0)
        first.kill()
        first.start()
        first.wait_ready()
        stage.catch(second, "email", lambda: held(stage, second, "sending") > 0)
        asleep = held(stage, second, "sending", "claimed")
        until(lambda: not left_behind(stage, second), 60, lambda: both_logs(stage))
        second.thaw()
        states = stage.finish(120)
        worked = {life.name: life.log_text().count('"recovered"') for life in stage.lives}
        assert (first.stop(), second.stop()) == (0, 0)
        states = stage.states()
        mails, emails = stage.mails(), stage.attempts("email")
    unclear = {attempt for attempt, state in emails.items() if state == "unclear"}
    print(f"\n{dict(states)}, ledger {sum(mails.values())}, {asleep} held while asleep, {worked}")  # noqa: T201 - figures
    assert len(emails) == stage.owed["email"]
    assert twice(mails) == []
    assert set(emails.values()) == {"accepted", "unclear"}
    assert set(emails) - unclear <= set(mails)
    # The dead one's messages on their way stay unclear; the sleeper wakes and knows how its own ended.
    assert 1 <= len(unclear) <= 16


@on_postgresql
def test_who_wakes_after_its_lease_does_not_send_what_another_has_sent_for_it(
    tmp_path: Path, database_url: str
) -> None:
    # More intents than connections: when it falls asleep, some requests have not left the house yet.
    slow = ("--answer-delay", "1.5", "--callbacks", "lost=1.0")
    with open_stage(tmp_path, database_url, texts=TEXTS, sms=slow) as stage:
        sleeper = stage.life("sleeper", in_flight=100, lease=LEASE, timeout=TIMEOUT)
        helper = stage.life("helper", in_flight=100, lease=LEASE, timeout=TIMEOUT)
        sleeper.start()
        sleeper.wait_ready()
        assert sleeper.plan("sms")
        until(lambda: len(stage.messages()) >= TEXTS // 10, 60, lambda: both_logs(stage))
        stage.catch(sleeper, "sms", lambda: len(sending(stage) - set(stage.messages())) >= TEXTS // 10, more=TEXTS)
        asleep, kept_back = len(sending(stage)), len(sending(stage) - set(stage.messages()))
        helper.start()
        helper.wait_ready()
        states = stage.finish(120, settled=[("sms", "unclear")])
        sleeper.thaw()
        assert (sleeper.stop(), helper.stop()) == (0, 0)
        messages = stage.messages()
    print(f"\n{dict(states)}, {asleep} intents of which {kept_back} had not left; ledger {sum(messages.values())}")  # noqa: T201 - figures
    assert twice(messages) == []
    assert len(messages) == stage.owed["sms"]
    assert states == {("sms", "accepted"): stage.owed["sms"]}


@on_postgresql
def test_a_second_daemon_of_the_same_name_is_refused_by_name(tmp_path: Path, database_url: str) -> None:
    with open_stage(tmp_path, database_url) as stage:
        first = stage.life("first")
        second = stage.life("second")
        second.config.write_text(second.config.read_text().replace('name = "second"', 'name = "first"'))
        first.start()
        first.wait_ready()
        code, said = second.refused()
        assert code == UNREACHABLE
        assert len(said) == 1
        assert said[0].startswith("contactd: postgresql")
        assert said[0].endswith(
            ": a daemon named 'first' is running on this database; stop it, or give this one another [daemon] name"
        )
        assert first.stop() == 0


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_second_daemon_on_the_same_file_is_refused_with_the_first_one_s_process(
    tmp_path: Path, database_url: str
) -> None:
    with open_stage(tmp_path, database_url) as stage:
        first, second = stage.life("first"), stage.life("second")
        first.start()
        first.wait_ready()
        words = (
            f"contactd: {stage.database.path}: first (process {first.pid}) is running on this database; "
            "SQLite serves one daemon: stop the other or use PostgreSQL"
        )
        assert second.refused() == (UNREACHABLE, [words])
        assert first.stop() == 0
