"""Accounts, contacts and policies for the tests of this folder; every number and domain is reserved for fiction."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from contactd.domain.account import Account, Channel, Facts, PastContact, Phone, StepTry
from contactd.domain.policy import Policy, Proposal

BERLIN = ("Europe/Berlin",)
MOBILE = Phone("+4915228817386", "mobile", BERLIN)
FIXED = Phone("+493023125000", "fixed", BERLIN)
EMAIL = "kunde@example.com"
MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)  # 10:00 in Berlin, nowhere a holiday
DAY = timedelta(days=1)
PLAIN = Policy("plain", default_timezone="Europe/Berlin")  # permits everything a rule does not forbid by itself
CALL = Proposal(Channel.CALL)
SMS = Proposal(Channel.SMS)
MAIL = Proposal(Channel.EMAIL)
LETTER = Proposal(Channel.LETTER)
HANDOVER = Proposal(Channel.HANDOVER)
ALL = (CALL, SMS, MAIL, LETTER, HANDOVER)
ACCOUNT = Account(
    id=7,
    customer_id=5,
    creditor="acme",
    number="4711",
    currency="EUR",
    name="Kim Muster",
    timezone="Europe/Berlin",
    country="DE",
    region="DE-BY",
    email=EMAIL,
    phone=FIXED,
    mobile=MOBILE,
    postal=True,
)
FACTS = Facts(ACCOUNT, open=8000, overdue=8000, oldest_due=date(2026, 11, 9))


def berlin(day: int, hour: int, minute: int = 0) -> datetime:
    """Name a time of November 2026 as the clocks of Berlin show it."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC) - timedelta(hours=1)


def called(at: datetime, *, account: int = 7, address: str = MOBILE.number) -> PastContact:
    """Make a call that was begun."""
    return PastContact(Channel.CALL, at, address, account)


def mailed(at: datetime, *, account: int = 7) -> PastContact:
    """Make an e-mail that was begun."""
    return PastContact(Channel.EMAIL, at, EMAIL, account)


def spoke(at: datetime, *, account: int = 7) -> PastContact:
    """Make a conversation by telephone."""
    return PastContact(Channel.CALL, at, MOBILE.number, account, conversation=True)


def tried(
    step: str, at: datetime, outcome: str = "accepted", *, state: str = "", try_no: int = 1, address: str = ""
) -> StepTry:
    """Make an attempt that ended; its state follows from the outcome unless it is given."""
    ends = {"accepted": "accepted", "answered": "delivered", "delivered": "delivered", "cancelled": "cancelled"}
    return StepTry(step, try_no, state or ends.get(outcome, "failed"), outcome, at, address)


def facts(**changes: object) -> Facts:
    """Change the facts everybody starts from."""
    return replace(FACTS, **changes)  # type: ignore[arg-type] # any field, checked by the class itself


def moved(**changes: object) -> Facts:
    """Change the account everybody starts from."""
    return replace(FACTS, account=replace(ACCOUNT, **changes))  # type: ignore[arg-type] # any field of the account
