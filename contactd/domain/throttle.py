"""How long whoever has typed wrong passwords waits until the next one is looked at; for whoever lets people in."""

from datetime import datetime, timedelta

FREE_BY_NAME = 5  # tries without a wait
FREE_BY_ADDRESS = 30  # a whole office may stand behind one address
FORGOTTEN_AFTER = timedelta(hours=12)
_FIRST = timedelta(seconds=5)
_LONGEST = timedelta(minutes=15)


def wait_after(tries: int, free: int) -> timedelta:
    """Answer how long nobody is let in after so many tries that did not succeed: doubled with each, up to a limit."""
    over = tries - free
    return timedelta(0) if over < 0 else min(_FIRST * 2 ** min(over, 20), _LONGEST)


def left(tries: int, free: int, last: datetime, now: datetime) -> timedelta:
    """Answer how much of the wait is left."""
    return max(wait_after(tries, free) - (now - last), timedelta(0))
