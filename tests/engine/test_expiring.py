"""Tasks that warn before claims are statute-barred: once for each claim, in time, and not for what others watch."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from contactd.config.claims import Claims
from contactd.config.tasks import Tasks
from contactd.domain.circumstance import Kind as Noted
from contactd.domain.task import Event, Kind, State
from contactd.engine.agreements.judgement import Judgement
from contactd.engine.debt.circumstances import Note
from contactd.engine.debt.expiring import open_warnings, warn_everyone
from contactd.store import accounts, handovers, tasks
from contactd.store.database import Database
from contactd.store.group_commit import GroupCommit
from contactd.store.handovers import Handover
from contactd.store.schema import invoice
from contactd.store.schema_tasks import task
from contactd.store.tasks import Change, Stored, Which
from tests.clock import HandClock
from tests.engine.books import Bookkeeper, day, settings_of
from tests.engine.test_circumstances import note

SETTINGS = settings_of(claims=Claims(due_date_agreed=True), tasks=Tasks(owner="anna"))
LAST = date(2027, 12, 31)  # three years from the end of 2024
FIRST = (LAST - day(0)).days - 90  # from here on it is said


@pytest.fixture
def keeper(database: Database) -> Bookkeeper:
    made = Bookkeeper(database, SETTINGS)
    made.owing(100_000, 20_000)
    with database.transaction() as connection:
        connection.execute(sa.update(invoice).values(invoice_date=date(2024, 5, 1), due_date=date(2024, 5, 15)))
        accounts.refresh(connection, [1], made.now)
    return made


def warn(keeper: Bookkeeper, at: int) -> list[Stored]:
    """Look on a day, and answer all that was ever told."""
    keeper.at = at
    with keeper.database.transaction() as connection:
        after: int | None = 0
        while after is not None:
            after = warn_everyone(connection, after, keeper.settings, keeper.now)
        return tasks.listed(connection, Which(state=None))


def said(found: list[Stored]) -> list[str]:
    return [one.note for one in found]


def test_each_claim_is_told_once_ninety_days_before(keeper: Bookkeeper) -> None:
    assert warn(keeper, FIRST - 1) == []
    first, second = warn(keeper, FIRST)
    assert (first.kind, first.owner, first.due_on) == (Kind.LIMITATION, "anna", day(FIRST) + timedelta(days=14))
    assert first.note == "R-1 will be statute-barred after 2027-12-31"
    assert second.note.startswith("R-2 ")
    with keeper.database.transaction() as connection:
        ended = {"state": State.DONE.value, "ended_at": keeper.now}
        tasks.change(connection, first, Change(keeper.now, Event.DONE, "anna", "sued", ended))
        assert open_warnings(connection) == {"open_tasks": 1}
    assert len(warn(keeper, FIRST + 89)) == 2


def test_who_looks_late_has_until_the_last_day_and_afterwards_nobody_is_told(keeper: Bookkeeper) -> None:
    assert {one.due_on for one in warn(keeper, FIRST + 85)} == {LAST}
    with keeper.database.transaction() as connection:
        connection.execute(sa.delete(task))
    assert warn(keeper, FIRST + 91) == []


def test_a_claim_older_than_the_base_rates_keeps_no_other_from_being_told(keeper: Bookkeeper) -> None:
    old = (sa.update(invoice).where(invoice.c.invoice_no == "R-1")).values(due_date=date(1999, 2, 1))
    with keeper.database.transaction() as connection:
        connection.execute(old.values(invoice_date=date(1999, 1, 1)))
        accounts.refresh(connection, [1], keeper.now)
    assert said(warn(keeper, FIRST)) == ["R-2 will be statute-barred after 2027-12-31"]


def test_what_is_paid_or_titled_is_not_told(keeper: Bookkeeper) -> None:
    keeper.pay(100_000, on=0, invoice_no="R-1")
    note(keeper, Note(Noted.TITLE, "enforcement order", day(0), "R-2"))
    assert warn(keeper, FIRST) == []


@pytest.mark.parametrize(("state", "told"), [("proposed", 2), ("approved", 0), ("withdrawn", 2)])
def test_what_was_handed_over_is_watched_there(keeper: Bookkeeper, state: str, told: int) -> None:
    with keeper.database.transaction() as connection:
        handovers.add(connection, Handover(0, 1, "court", state, "nothing helped", "", keeper.now, "anna"))
    assert len(warn(keeper, FIRST)) == told


def test_a_time_that_began_anew_is_told_again_when_it_ends(keeper: Bookkeeper) -> None:
    assert len(warn(keeper, FIRST)) == 2
    keeper.pay(1_000, invoice_no="R-1")
    began = day(FIRST)
    again = (date(began.year + 3, began.month, began.day) - day(0)).days - 80  # behind a holiday it is a day later
    assert len(warn(keeper, FIRST + 200)) == 2
    assert said(warn(keeper, again))[2:] == [f"R-1 will be statute-barred after {date(2030, 10, 2)}"]


async def test_a_daemon_tells_it_with_its_daily_look(keeper: Bookkeeper, commit: GroupCommit) -> None:
    clock = HandClock()
    clock.advance(FIRST * 86_400)
    await Judgement(commit, clock, lambda: SETTINGS).look()
    with keeper.database.snapshot() as connection:
        assert len(tasks.listed(connection, Which())) == 2
