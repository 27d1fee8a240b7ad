"""Random accounts, histories and policies for the invariants, around the days on which clocks change."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as st

from contactd.domain.account import Account, Channel, Facts, Hold, PastContact, Phone, Suppression
from contactd.domain.calendar import Windows, parse_windows
from contactd.domain.policy import Cap, Policy, Proposal

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo", "America/Havana")
NUMBERS = ("+4915228817386", "+493023125000")
EMAIL = "kunde@example.com"
DAYS = tuple(date(2026, month, day) for month, day in ((3, 7), (3, 28), (4, 4), (10, 3), (10, 24), (10, 31)))
CHANNELS = st.sampled_from([Channel.CALL, Channel.CALL, Channel.SMS, Channel.EMAIL, Channel.LETTER, Channel.HANDOVER])
DAY = timedelta(days=1)


def instants(around: datetime, before: int = 9, after: int = 3) -> st.SearchStrategy[datetime]:
    """Draw instants some days before and after, to the minute."""
    minutes = st.integers(-before * 1440, after * 1440)
    return minutes.map(lambda number: around + timedelta(minutes=number))


NOW = st.builds(
    lambda day, minute: datetime.combine(day, datetime.min.time(), UTC) + timedelta(minutes=minute),
    st.sampled_from(DAYS),
    st.integers(0, 2 * 1440),
)
WINDOWS = st.sampled_from(
    [
        parse_windows(["Mo-Fr 08:00-20:00", "Sa 09:00-18:00"]),
        parse_windows("08:00-21:00"),
        parse_windows("Mo-Do 02:00-03:00, 09:00-12:00"),
        parse_windows("So 01:30-02:30, 22:00-24:00"),
    ]
)
QUIET = st.sampled_from([parse_windows("22:00-08:00", overnight=True), parse_windows("Sa-So 12:00-15:00")])
SOME_CHANNELS = st.sampled_from(
    [frozenset[Channel](), frozenset({Channel.CALL}), frozenset({Channel.SMS, Channel.EMAIL})]
)
CAPS = st.builds(
    Cap,
    count=st.sampled_from([1, 1, 2, 2, 3, 3, 4, 0]),
    period=st.sampled_from([DAY, 3 * DAY, 7 * DAY, timedelta(hours=36)]),
    channels=SOME_CHANNELS,
    per=st.sampled_from(["customer", "account", "address"]),
    rolling=st.booleans(),
)


@st.composite
def phones(draw: st.DrawFn, number: str) -> Phone | None:
    """Draw a number, or none."""
    kind = draw(st.sampled_from(["", "mobile", "mobile", "fixed", "unknown"]))
    return Phone(number, kind, tuple(draw(st.lists(st.sampled_from(ZONES), max_size=2)))) if kind else None


@st.composite
def contacts(draw: st.DrawFn, now: datetime) -> PastContact:
    """Draw a contact of the customer, or a conversation."""
    address = draw(st.sampled_from((*NUMBERS, EMAIL, "")))
    account = draw(st.sampled_from([1, 2]))
    channel, at = draw(CHANNELS), draw(instants(now))
    spoke = draw(st.booleans())
    abandoned = channel is Channel.CALL and not spoke and draw(st.booleans())
    return PastContact(channel, at, address, account, conversation=spoke, abandoned=abandoned)


@st.composite
def suppressions(draw: st.DrawFn, now: datetime) -> Suppression:
    """Draw a stop for the account, one of its addresses or somebody else's."""
    kind, value = draw(
        st.sampled_from([("account", "1"), ("email", EMAIL.upper()), *(("number", one) for one in (*NUMBERS, "+1"))])
    )
    until = draw(st.none() | instants(now, before=2, after=4))
    reason = draw(st.sampled_from(["stop", "opted_out", "undeliverable", "other"]))
    return Suppression(kind, value, draw(st.none() | CHANNELS), reason, until)


@st.composite
def histories(draw: st.DrawFn, now: datetime) -> Facts:
    """Draw what is known of an account."""
    account = Account(
        id=1,
        customer_id=1,
        creditor="acme",
        number="1",
        currency="EUR",
        name="",
        timezone=draw(st.sampled_from(("", *ZONES))),
        country=draw(st.sampled_from(["", "DE"])),
        region=draw(st.sampled_from(["", "DE-BY"])),
        email=EMAIL,
        mobile=draw(phones(NUMBERS[0])),
        phone=draw(phones(NUMBERS[1])),
        postal=True,
    )
    rarely = st.integers(0, 9).map(lambda number: number == 9)
    return Facts(
        account=account,
        open=0 if draw(rarely) else 8000,
        overdue=8000,
        oldest_due=date(2026, 1, 1),
        last_payment_at=draw(instants(now)) if draw(rarely) else None,
        payments_as_of=None if draw(rarely) else draw(instants(now, before=2, after=0)),
        hold=Hold("promise", draw(st.sampled_from([None, *DAYS]))) if draw(rarely) else None,
        suppressions=tuple(draw(st.lists(suppressions(now), max_size=2))) if draw(st.booleans()) else (),
        contacts=tuple(draw(st.lists(contacts(now), max_size=6))),
    )


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Draw what is permitted."""
    windows: dict[Channel, Windows] = draw(st.dictionaries(CHANNELS, WINDOWS, max_size=3))
    return Policy(
        "random",
        windows=windows,
        quiet=draw(st.none() | QUIET),
        closed=draw(SOME_CHANNELS),
        caps=tuple(draw(st.lists(CAPS, max_size=3))),
        cool_down=draw(st.integers(0, 4)),
        cool_down_channels=draw(SOME_CHANNELS),
        cool_down_per=draw(st.sampled_from(["customer", "account"])),
        payments_max_age=draw(st.sampled_from([None, None, None, timedelta(days=1)])),
        lock_out=draw(st.sampled_from([timedelta(), DAY, 3 * DAY])),
        holidays={"DE": frozenset(DAYS[:3]), "DE-BY": frozenset(DAYS[3:])},
        default_timezone=draw(st.sampled_from((*ZONES, ""))),
    )


@st.composite
def proposals(draw: st.DrawFn, now: datetime) -> Proposal:
    """Draw a contact somebody wants to begin."""
    return Proposal(
        draw(CHANNELS),
        windows=draw(st.none() | WINDOWS),
        holiday_regions=draw(st.sampled_from([(), ("DE-BY",)])),
        planned_at=draw(st.none() | instants(now, before=4, after=0)),
        paused=draw(st.integers(0, 19)) == 19,
        address=draw(st.sampled_from(["", "", "", "", "", *NUMBERS])),
        numbers=draw(st.sampled_from([("mobile", "phone"), ("phone", "mobile"), ("phone",)])),
        requested=draw(st.integers(0, 4)) == 4,
    )


@st.composite
def questions(draw: st.DrawFn) -> tuple[Facts, Proposal, Policy, datetime]:
    """Draw a question to the rules."""
    now = draw(NOW)
    return draw(histories(now)), draw(proposals(now)), draw(policies()), now
