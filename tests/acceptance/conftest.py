"""What holds for every verb: it finds the day the test has written down."""

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

_ZONES = (UTC, ZoneInfo("Europe/Berlin"))  # of the program's logs, and of its configurations here
_ENOUGH = timedelta(minutes=2)


@pytest.fixture(autouse=True)
def a_day_that_lasts() -> None:
    """Wait for the next day, where only moments are left of this one."""
    for zone in _ZONES:
        now = datetime.now(zone)
        left = datetime(now.year, now.month, now.day, tzinfo=zone) + timedelta(days=1) - now
        if left < _ENOUGH:
            time.sleep(left.total_seconds() + 1)
