"""The campaign of desk.md and small ladders for the tests of this folder."""

from datetime import UTC, date, datetime, timedelta

from contactd.domain.account import Channel, Kind
from contactd.domain.calendar import parse_windows
from contactd.domain.campaign import NEXT_NUMBER, Campaign, Select, Step
from contactd.domain.money import Money

DUE = date(2026, 11, 2)  # when the oldest open invoice of people.FACTS-like accounts fell due
MAIL = Step("mail", Channel.EMAIL, day=3)
BRIEF = Step("brief", Channel.LETTER, day=14)
ANRUF = Step("anruf", Channel.CALL, after="brief", after_days=14)
ANWALT = Step("anwalt", Channel.HANDOVER, day=60)

STANDARD = Campaign(
    "mahnung-standard",
    (
        Step("erinnerung-email", Channel.EMAIL, day=3, template="erinnerung", otherwise="erinnerung-sms"),
        Step("erinnerung-sms", Channel.SMS, day=3, template="erinnerung", implied=True),
        Step("mahnung-brief", Channel.LETTER, day=14, template="mahnung", deadline_days=10, postage_days=3),
        Step(
            "anruf",
            Channel.CALL,
            after="mahnung-brief",
            after_days=14,
            windows=parse_windows(["Mo-Fr 09:00-18:00"]),
            attempts=6,
            mode="predictive",
            retry={"busy": timedelta(minutes=30), "no_answer": timedelta(hours=4), "invalid": NEXT_NUMBER},
        ),
        Step("anwalt", Channel.HANDOVER, day=60, approve="manager"),
    ),
    holidays=("DE", "DE-BY"),
    select=Select(min_open=Money(1000, "EUR"), min_days_due=3, kinds=frozenset({Kind.CONSUMER})),
)


def ladder(*steps: Step, select: Select | None = None) -> Campaign:
    """Make a campaign of these steps."""
    return Campaign("c", steps, select=select or Select())


def noon(day: int) -> datetime:
    """Name noon in Berlin, that many days after DUE; in winter time."""
    return datetime(2026, 11, 2, 11, tzinfo=UTC) + timedelta(days=day)


def morning(day: int) -> datetime:
    """Name the first instant of that day after DUE in Berlin."""
    return noon(day) - timedelta(hours=12)
