"""How long whoever has typed wrong passwords waits until the next one is looked at; for whoever lets people in.

Tries are counted by name and address together, so that an outsider delays nobody elsewhere, and by address, so that
nobody goes through many names. By the name alone they are counted for each day and only where its owner did not sign
in from lately: who guesses from many addresses is slowed, and the owner gets in where they mostly do.
"""

from datetime import datetime, timedelta

FREE_BY_BOTH = 5  # tries without a wait: one name from one address
FREE_BY_CODE = 5  # of a second factor, from wherever: who tries codes knows the password
FREE_BY_ADDRESS = 30  # a whole office may stand behind one address
FREE_BY_NAME = 200  # a day, from addresses that are not known; more than one address alone has tries
FORGOTTEN_AFTER = timedelta(hours=12)
KNOWN_FOR = timedelta(days=30)  # an address, after its owner signed in from there
_FIRST = timedelta(seconds=5)
_LONGEST = timedelta(minutes=15)


def wait_after(tries: int, free: int) -> timedelta:
    """Answer how long nobody is let in after so many tries that did not succeed: doubled with each, up to a limit."""
    over = tries - free
    return timedelta(0) if over < 0 else min(_FIRST * 2 ** min(over, 20), _LONGEST)


def left(tries: int, free: int, last: datetime, now: datetime) -> timedelta:
    """Answer how much of the wait is left."""
    return max(wait_after(tries, free) - (now - last), timedelta(0))


def is_told(count: int) -> bool:
    """Tell whether so many tries of an hour with names nobody has are worth a line: 1, 10, 100 and so on."""
    return str(count).rstrip("0") == "1"
