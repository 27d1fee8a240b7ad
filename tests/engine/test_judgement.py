"""The daily turn of a daemon: what is broken by nothing but time is found at its start and after midnight."""

import asyncio
from collections.abc import Iterable
from datetime import date, datetime

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from contactd.config.settings import Settings
from contactd.domain.agreement import Agreement, Kind, Receipt, Standing, standing
from contactd.domain.errors import StoreAway
from contactd.engine.agreements import judgement
from contactd.engine.agreements.judgement import Judgement, judge_some
from contactd.engine.debt.charging import Unmoved
from contactd.store.database import Database
from contactd.store.group_commit import GroupCommit
from tests.clock import HandClock
from tests.engine.books import Bookkeeper, day, judge_all, settings_of

_DAY = 86_400.0
SETTINGS = settings_of()


@pytest.fixture
def books(database: Database) -> Bookkeeper:
    made = Bookkeeper(database, SETTINGS)
    made.owing(10_000)
    made.agree(Kind.PROMISE, on=day(0))
    return made


async def work_until(clock: HandClock, books: Bookkeeper, states: list[str], turn: Judgement) -> None:
    running = asyncio.create_task(turn.run())
    for _ in range(8_000):
        await clock.settle()
        await asyncio.sleep(0.005)
        if books.states() == states:
            break
    running.cancel()
    assert books.states() == states


async def test_a_start_finds_what_was_broken_meanwhile(books: Bookkeeper, commit: GroupCommit) -> None:
    clock = HandClock()
    clock.advance(4 * _DAY)
    await work_until(clock, books, ["broken"], Judgement(commit, clock, lambda: SETTINGS))


async def test_the_next_turn_is_soon_after_midnight(books: Bookkeeper, commit: GroupCommit) -> None:
    clock = HandClock()
    turn = Judgement(commit, clock, lambda: SETTINGS)
    await work_until(clock, books, ["open"], turn)
    clock.advance(3 * _DAY + 14 * 3600 + 360)  # Friday, 00:06 in Berlin
    await work_until(clock, books, ["broken"], turn)


async def test_many_accounts_are_judged_some_at_a_time(
    books: Bookkeeper, commit: GroupCommit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judgement, "_CHUNK", 2)
    for number in ("K-2", "K-3"):
        books.owing(5_000, number=number)
        books.agree(Kind.PROMISE, number, on=day(0))
    clock = HandClock()
    clock.advance(4 * _DAY)
    judge_all(books.database, SETTINGS, clock)
    assert books.states() == ["broken"] * 3


def test_after_a_list_only_the_accounts_it_told_of_are_judged(books: Bookkeeper) -> None:
    ids = [books.owing(5_000, number=number) for number in ("K-2", "K-3", "K-4")]
    for number in ("K-2", "K-3"):
        books.agree(Kind.PROMISE, number, on=day(0))
    clock = HandClock()
    clock.advance(4 * _DAY)
    judge_some(books.database, [ids[1], ids[2]], SETTINGS, clock)
    assert books.states() == ["open", "open", "broken"]
    judge_some(books.database, [], SETTINGS, clock)
    assert books.states() == ["open", "open", "broken"]


def test_one_account_that_breaks_judging_keeps_none_of_the_others_from_it(
    books: Bookkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, rest in (("K-2", 7_777), ("K-3", 5_000)):
        books.owing(rest, number=number)
        books.agree(Kind.PROMISE, number, on=day(0))

    def stands(agreed: Agreement, receipts: Iterable[Receipt], today: date) -> Standing:
        if agreed.amount == 7_777:
            raise ZeroDivisionError
        return standing(agreed, receipts, today)

    clock = HandClock()
    clock.advance(4 * _DAY)
    monkeypatch.setattr(judgement, "standing", stands)
    with capture_logs() as logs:
        judge_all(books.database, SETTINGS, clock)
    assert books.states() == ["broken", "open", "broken"]
    assert [one["event"] for one in logs] == ["account_not_judged"]


async def test_a_fault_in_charging_does_not_keep_agreements_from_being_judged(
    books: Bookkeeper, commit: GroupCommit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(
        connection: sa.Connection, after: int, settings: Settings, now: datetime, unmoved: Unmoved
    ) -> int | None:
        raise ZeroDivisionError

    monkeypatch.setattr(judgement, "charge_everyone", broken)
    clock = HandClock()
    clock.advance(4 * _DAY)
    with capture_logs() as logs:
        await Judgement(commit, clock, lambda: SETTINGS).look()
    assert books.states() == ["broken"]
    assert [one["event"] for one in logs] == ["judging_broke"]


@pytest.mark.parametrize(
    ("error", "event", "again"),
    [(StoreAway("gone"), "store_unavailable", True), (ZeroDivisionError(), "judging_broke", False)],
)
async def test_a_turn_that_fails_is_told_and_had_again(
    books: Bookkeeper, commit: GroupCommit, error: Exception, event: str, *, again: bool
) -> None:
    del books
    clock = HandClock()

    class Broken(Judgement):
        async def look(self) -> None:
            raise error

    turn = Broken(commit, clock, lambda: SETTINGS)
    with capture_logs() as logs:
        running = asyncio.create_task(turn.run())
        await clock.settle()
        running.cancel()
    assert [one["event"] for one in logs] == [event]
    assert (turn.timetable.upcoming()["agreements"] - clock.now()).total_seconds() < 60 or not again
