"""How long a message that is refused for the moment is tried again, and how often."""

from datetime import datetime, timedelta

# RFC 5321, section 4.5.4.1: the give-up time "generally needs to be at least 4-5 days". The ladder waits meanwhile, so
# it is the shortest of these.
GIVE_UP = timedelta(days=4)
# The same section favours two tries in the first hour and then one every two or three hours; a full mailbox is given a
# little longer.
LONGEST_PAUSE = timedelta(hours=4)
# When the provider itself is away nobody is to blame, and everybody is to be served soon after it is back.
LONGEST_OUTAGE_PAUSE = timedelta(minutes=15)
_MOST_DOUBLED = 16  # beyond every longest pause


def pause(first: timedelta, refusals: int, *, of_recipient: bool) -> timedelta:
    """Answer how long to wait after so many earlier refusals: `first`, doubled each time; never less than `first`."""
    longest = LONGEST_PAUSE if of_recipient else LONGEST_OUTAGE_PAUSE
    return max(first, min(first * (1 << min(refusals, _MOST_DOUBLED)), longest))


def is_over(since: datetime | None, now: datetime) -> bool:
    """Say whether a recipient who was first refused at that time has been tried for long enough."""
    return since is not None and now - since >= GIVE_UP
