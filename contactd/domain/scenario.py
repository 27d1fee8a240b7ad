"""What would happen to an invented account: the answer to a campaign's `[[test]]` and to "what if" questions.

For `contactd check`. An account without history went up the ladder on schedule: every rung was done on its day.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from contactd.domain.account import LASTING, Account, Drawn, Facts, Kind, PastContact, Phone, StepTry
from contactd.domain.calendar import local_day, start_of_day
from contactd.domain.campaign import Campaign, Step
from contactd.domain.ladder import Due, NotSelected, Position, Waiting, next_step, zone_of
from contactd.domain.money import Money
from contactd.domain.policy import Allowed, Never, NotBefore, Policy, Proposal
from contactd.domain.rules import may_contact

# Addresses nobody has: a domain for examples, numbers the Bundesnetzagentur set aside for films.
_EMAIL = "kunde@example.com"
_PHONE = Phone("+493023125000", "fixed")
_MOBILE = Phone("+4915228817386", "mobile")


@dataclass(frozen=True, slots=True)
class Given:
    """An invented account, by what a test says of it; without a postal address only when the test says so."""

    open: Money
    days_due: int
    email: bool = False
    phone: bool = False
    mobile: bool = False
    postal: bool = True
    disputed: bool = False
    kind: Kind = Kind.CONSUMER
    language: str = ""
    country: str = ""
    region: str = ""
    segment: str = ""
    creditor: str = ""
    timezone: str = ""
    customers: int | None = None
    arm: str = ""


class Found(NamedTuple):
    """The id of the step that happens then, or an empty one and the word that says why none does."""

    step: str
    why: str = ""


def expected_step(campaign: Campaign, given: Given, policy: Policy, on: datetime) -> Found:
    """Answer what happens to the account at that time; a time without zone is the campaign's local time."""
    at = on.replace(tzinfo=ZoneInfo(campaign.timezone)) if on.tzinfo is None else on
    match position(campaign, imagine(campaign, given, at), policy, at):
        case Due(step):
            return Found(step.id)
        case NotBefore(reason=reason) | Never(reason):
            return Found("", reason.value)
        case other:
            return Found("", other.why)


def imagine(campaign: Campaign, given: Given, at: datetime) -> Facts:
    """Make the facts of an invented account at that time, without history."""
    account = Account(
        id=1,
        customer_id=1,
        creditor=given.creditor,
        number="1",
        currency=given.open.currency,
        name="",
        kind=given.kind,
        language=given.language or campaign.language,
        timezone=given.timezone,
        country=given.country,
        region=given.region,
        segment=given.segment,
        email=_EMAIL if given.email else "",
        phone=_PHONE if given.phone else None,
        mobile=_MOBILE if given.mobile else None,
        postal=given.postal,
    )
    today = local_day(zone_of(account, campaign), at)
    owed = 0 if given.disputed else given.open.minor
    fell_due = today - timedelta(days=given.days_due)
    return Facts(
        account=account,
        open=owed,
        overdue=owed,
        oldest_due=fell_due,
        disputed=given.disputed,
        payments_as_of=at,
        customers=given.customers,
        drawn=Drawn(given.arm, _first_day(campaign, account, fell_due)) if given.arm else None,
    )


def _first_day(campaign: Campaign, account: Account, fell_due: date) -> datetime:
    """Answer when an account is first taken up that goes up the ladder on schedule."""
    days = max(min(campaign.nominal.values()), campaign.select.min_days_due)
    return start_of_day(zone_of(account, campaign), fell_due + timedelta(days=days))


def position(campaign: Campaign, facts: Facts, policy: Policy, at: datetime) -> Position | NotBefore | Never:
    """Answer where an account stands that went up the ladder on schedule, and what the rules say to its next step."""
    facts = on_schedule(campaign, facts, at)
    found = next_step(campaign, facts, at)
    if not isinstance(found, Due):
        return found
    proposal = Proposal(found.step.channel, found.step.windows, campaign.holidays, address=found.address)
    verdict = may_contact(facts, proposal, policy, at)
    return found if isinstance(verdict, Allowed) else verdict


def on_schedule(campaign: Campaign, facts: Facts, at: datetime) -> Facts:
    """Add the history of an account whose rungs were all done on their days, up to the day before `at`."""
    if facts.oldest_due is None:
        return facts
    zone = zone_of(facts.account, campaign)
    today = start_of_day(zone, local_day(zone, at))
    moment = start_of_day(zone, facts.oldest_due)
    while moment < today:
        match next_step(campaign, facts, moment, zone):
            case Due(step, try_no):
                facts = _with_done(facts, step, try_no, moment)
            case Waiting(when=datetime() as when):
                moment = when
            case NotSelected():  # perhaps only not yet
                moment = start_of_day(zone, local_day(zone, moment) + timedelta(days=1))
            case _:
                break
    return facts


def _with_done(facts: Facts, step: Step, try_no: int, at: datetime) -> Facts:
    state, outcome = ("delivered", "answered") if step.channel in LASTING else ("accepted", "accepted")
    return replace(
        facts,
        tries=(*facts.tries, StepTry(step.id, try_no, state, outcome, at)),
        contacts=(*facts.contacts, PastContact(step.channel, at, account_id=facts.account.id)),
    )
