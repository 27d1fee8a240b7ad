"""Patience grows with every refusal, and has an end where somebody is to blame."""

from datetime import UTC, datetime, timedelta

from contactd.domain.patience import GIVE_UP, is_over, pause

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
FIVE = timedelta(minutes=5)


def test_a_refused_recipient_is_tried_ever_less_often_up_to_four_hours() -> None:
    waits = [pause(FIVE, count, of_recipient=True) for count in (0, 1, 2, 5, 6, 7, 1_000)]
    assert [wait.total_seconds() / 60 for wait in waits] == [5, 10, 20, 160, 240, 240, 240]


def test_a_provider_that_is_away_is_asked_at_least_every_quarter_of_an_hour() -> None:
    waits = [pause(timedelta(minutes=1), count, of_recipient=False) for count in (0, 1, 4, 100)]
    assert [wait.total_seconds() / 60 for wait in waits] == [1, 2, 15, 15]


def test_nobody_is_asked_earlier_than_he_wants() -> None:
    assert pause(timedelta(hours=1), 3, of_recipient=False) == timedelta(hours=1)
    assert pause(timedelta(hours=6), 3, of_recipient=True) == timedelta(hours=6)
    assert pause(timedelta(), 3, of_recipient=False) == timedelta()


def test_patience_is_over_after_four_days_and_not_before_the_first_refusal() -> None:
    assert not is_over(None, NOW)
    assert not is_over(NOW - GIVE_UP + timedelta(seconds=1), NOW)
    assert is_over(NOW - GIVE_UP, NOW)
