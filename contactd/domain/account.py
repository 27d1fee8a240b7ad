"""Who owes, what, and how to reach them: the facts the rules and the ladder decide on."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum


class Channel(StrEnum):
    """A way of reaching a person, or of giving the case away."""

    EMAIL = "email"
    SMS = "sms"
    LETTER = "letter"
    CALL = "call"
    HANDOVER = "handover"
    TASK = "task"  # a person is to do something: visit, call, look


# What is under way by these is not over when it was accepted: somebody speaks, or has it to do.
LASTING = frozenset({Channel.CALL, Channel.TASK})


class Kind(StrEnum):
    """What the debtor is to the law."""

    CONSUMER = "consumer"
    BUSINESS = "business"


@dataclass(frozen=True, slots=True)
class Invoice:
    """An open item; amounts in minor units of the account's currency."""

    number: str
    invoiced_on: date
    due_on: date
    amount: int
    open: int
    goods: str = ""
    terms: str = ""
    contracted_on: date | None = None
    disputed: bool = False


@dataclass(frozen=True, slots=True)
class Phone:
    """A telephone number: E.164, its type (`mobile`, `fixed`, `unknown`) and the IANA zones it may be in."""

    number: str
    type: str = "unknown"
    zones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """Where a letter goes; `country` is ISO 3166-1 alpha-2 and may be empty: then it is our own."""

    street: str
    postcode: str
    city: str
    country: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """One debtor of one creditor in one currency; `customer_id` is the same for all currencies of a debtor.

    `timezone`, `country` (ISO 3166-1 alpha-2), `region` (ISO 3166-2, like `DE-BY`) may be empty: then the rules
    fall back to the number's zones and the campaign's own, and refuse when nothing is known.
    """

    id: int
    customer_id: int
    creditor: str
    number: str
    currency: str
    name: str
    kind: Kind = Kind.CONSUMER
    language: str = ""
    timezone: str = ""
    country: str = ""
    region: str = ""
    segment: str = ""
    email: str = ""
    phone: Phone | None = None
    mobile: Phone | None = None
    postal: bool = False
    case_no: int = 1


@dataclass(frozen=True, slots=True)
class PastContact:
    """A contact that was begun (its `sending` was committed), or a conversation, whoever began it.

    A call that became a conversation is both, so it stands here twice: caps count the one, the cool-down the other.
    """

    channel: Channel
    at: datetime
    address: str = ""
    account_id: int = 0
    conversation: bool = False
    abandoned: bool = False  # somebody answered a call, and nobody was free


@dataclass(frozen=True, slots=True)
class Suppression:
    """Do not contact: `channel` None means every channel; `until` None means for good.

    `kind` is `email`, `number` or `account`; `reason` is a word like `opted_out`, `undeliverable`, `stop`.
    """

    kind: str
    value: str
    channel: Channel | None
    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """The ladder rests: an open promise, a plan, a deferral; `until` is the last day it rests, None without end."""

    reason: str
    until: date | None = None


@dataclass(frozen=True, slots=True)
class StepTry:
    """One attempt of the account's current case as the ladder sees it; `at` is when it began or ended last.

    `address` is the one that was used, empty when it is not known; `channel` None means that of the step.
    """

    step: str
    try_no: int
    state: str
    outcome: str
    at: datetime
    address: str = ""
    channel: Channel | None = None


@dataclass(frozen=True, slots=True)
class Drawn:
    """The arm of a campaign's comparison that fell to the customer, and when; it is never drawn again."""

    arm: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the rules and the ladder may look at for one account, read in one transaction.

    `open` and `overdue` are minor units, net of credit and without disputed invoices; `oldest_due` is the due date of
    the oldest open, undisputed invoice. `contacts` reach back as far as the longest cap. `tries` are those of the
    current case in the campaign asked about, and so is `drawn`. `customers` is how many the creditor has, None where
    nobody asked: then no filter asks either.
    """

    account: Account
    open: int
    overdue: int
    oldest_due: date | None
    disputed: bool = False
    last_payment_at: datetime | None = None
    payments_as_of: datetime | None = None
    hold: Hold | None = None
    suppressions: tuple[Suppression, ...] = ()
    contacts: tuple[PastContact, ...] = ()
    tries: tuple[StepTry, ...] = field(default=())
    customers: int | None = None
    drawn: Drawn | None = None
