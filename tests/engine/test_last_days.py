"""The last days that letters name are working days where the operator says so (§ 193 BGB)."""

from datetime import UTC, date, datetime

import pytest

from contactd.config.agreements import Agreements
from contactd.config.claims import Claims
from contactd.domain.account import Channel
from contactd.domain.agreement import Kind
from contactd.engine.agreements.agreed import reply_by
from contactd.engine.agreements.notifying import make_up_by, workday
from contactd.store.database import Database
from tests.engine.books import Bookkeeper, day, settings_of

BERLIN = settings_of(claims=Claims(holidays="DE-BE"))
BAVARIA = settings_of(claims=Claims(holidays="DE-BY"))


@pytest.mark.parametrize(
    ("ends", "berlin", "bavaria"),
    [
        ("2026-12-04", "2026-12-04", "2026-12-04"),
        ("2026-12-05", "2026-12-07", "2026-12-07"),
        ("2026-12-25", "2026-12-28", "2026-12-28"),
        ("2027-01-06", "2027-01-06", "2027-01-07"),
        ("2027-05-01", "2027-05-03", "2027-05-03"),
    ],
)
def test_a_period_ends_on_a_working_day(ends: str, berlin: str, bavaria: str) -> None:
    last = date.fromisoformat(ends)
    assert (workday(BERLIN, last), workday(BAVARIA, last)) == (date.fromisoformat(berlin), date.fromisoformat(bavaria))


def test_an_answer_is_asked_for_by_a_working_day_and_arrears_too() -> None:
    assert reply_by(BERLIN, date(2026, 11, 21), None) == date(2026, 12, 7)
    assert reply_by(BERLIN, date(2026, 11, 21), date(2026, 12, 2)) == date(2026, 12, 2)
    sent = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
    assert make_up_by(BERLIN, Channel.LETTER, 10, sent) == date(2026, 12, 7)
    assert make_up_by(BERLIN, Channel.EMAIL, 11, sent) == date(2026, 12, 4)


def test_a_plan_that_was_sent_waits_for_its_answer_as_long_as_it_asks_for_one(database: Database) -> None:
    books = Bookkeeper(database, settings_of(agreements=Agreements.model_validate({"answer_within": "12 days"})))
    books.owing(10_000)
    made = books.agree(Kind.PLAN, on=day(30), count=2)
    assert made.agreed.until == day(14)  # not the Saturday before
