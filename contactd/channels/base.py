"""What every way of sending a message has in common: the protocol a backend keeps and the values it is handed.

Engine hands over and takes back these values; a backend is one file beside this one. Nothing here touches the network.
"""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import blake2b
from typing import Any, Protocol

from contactd.domain.account import Channel, Kind
from contactd.domain.claim_terms import Bearing
from contactd.domain.interest import Segment
from contactd.domain.ledger import Cost
from contactd.domain.money import Money

_FINGERPRINT_BYTES = 16


def _always() -> bool:
    return True


def _unheard(content: str) -> None:
    """Keep nothing of what was sent."""


def fingerprint(text: str) -> str:
    """Name a text by its letters and digits alone: providers trim blanks, and put plain marks in place of others."""
    said = "".join(filter(str.isalnum, unicodedata.normalize("NFKD", text).casefold()))
    return blake2b(said.encode(), digest_size=_FINGERPRINT_BYTES).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What goes by post, and by what it is sorted.

    `pdf` makes the document and takes milliseconds: ask in a thread of your own; raises ChannelMisconfigured or
    ChannelRejected.
    """

    pdf: Callable[[], bytes]
    name: str
    postcode: str
    city: str
    country: str = ""
    street: str = ""

    @property
    def place(self) -> dict[str, str]:
        """Tell the contact log where it goes: a letter that comes back is held against that address and no other."""
        return {"street": self.street, "postcode": self.postcode, "city": self.city}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One rendered message to one address; `reference` names the attempt on the wire and is never used twice.

    `still_ours` is asked right before the message leaves: after a pause too long the attempt may be somebody else's.
    `on_wire` is told then what leaves, of an e-mail with its headers: whoever keeps evidence keeps that.
    """

    reference: str
    attempt_id: int
    to: str
    language: str
    subject: str
    text: str
    html: str = ""
    unsubscribe_url: str = ""
    letter: Letter | None = field(default=None, compare=False)
    created_at: datetime
    still_ours: Callable[[], bool] = field(default=_always, compare=False)
    on_wire: Callable[[str], None] = field(default=_unheard, compare=False)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The provider took the message: its own name for it, and word and details for the contact log."""

    provider_ref: str = ""
    outcome: str = "accepted"
    details: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUp:
    """Has the provider taken this message? Asked for attempts that are `unclear`.

    `fingerprint` is that of its text; empty: nobody knows what it said, so no message may be taken for it. `others`:
    provider references that belong to other attempts.
    """

    reference: str
    to: str
    since: datetime
    fingerprint: str = ""
    others: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Found:
    """The provider has it; `outcome` is the provider's word for where it stands."""

    provider_ref: str
    outcome: str = "accepted"
    details: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Absent:
    """The provider answered, and has it not (yet)."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The provider cannot be asked, or gave no answer that settles it."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a template made of a notice; an SMS has neither subject nor html."""

    subject: str
    text: str
    html: str = ""


class MessageChannel(Protocol):
    """A backend: one provider of one channel. Many `send` run at once, each for another message.

    `finds_by_text`: `look_up` recognises a message by its text, so its fingerprint is to be kept before it is sent.
    """

    name: Channel
    finds_by_text: bool

    async def start(self) -> None:
        """Make ready to send; a provider that is down at that moment is no error."""
        ...

    async def close(self) -> None:
        """Say goodbye to the provider and drop what is open; nothing is sent afterwards."""
        ...

    async def send(self, message: Message) -> Receipt:
        """Hand one message to the provider.

        Raises ChannelUnavailable (also when it is not `still_ours`), ChannelUnclear, ChannelRejected,
        RecipientOptedOut or ChannelMisconfigured and nothing else. A cancelled send may have been taken: the caller
        counts it as unclear.
        """
        ...

    async def look_up(self, question: LookUp) -> Found | Absent | Unknown:
        """Ask the provider about a message that may or may not have been taken; raises ChannelUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class NoticeInvoice:
    """An overdue invoice as a template sees it."""

    number: str
    invoiced_on: date
    due_on: date
    amount: Money
    open: Money
    days_overdue: int
    goods: str = ""
    contracted_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a notice asks for beside its invoices, in minor units of the total's currency.

    `lines` are the lines of interest, each with its invoice, `interest` is what is open of them; `open_costs` what is
    open of `costs`. `rates`: the invoices whose rate or order of payment is not the one of the law for all, which a
    letter has to say (§13a(1) Nr. 4 RDG). `known_until`: the base rates end there, and lines past it are provisional;
    None: none is.
    """

    principal: int
    lines: Sequence[tuple[str, Segment]]
    interest: int
    costs: Sequence[Cost]
    open_costs: int
    known_until: date | None = None
    rates: Sequence[tuple[str, Bearing]] = ()

    @property
    def total(self) -> int:
        """Add it all up."""
        return self.principal + self.interest + self.open_costs


@dataclass(frozen=True, slots=True)
class AgreedPart:
    """A sum and its day, as a template sees it; `number` counts from 1."""

    number: int
    due_on: date
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """What a notice about an agreement tells; `notice.total` is what is to be paid next, `notice.deadline` by when.

    `kind` is promise, plan, settlement or deferral, empty where none is made yet. `until` is the last day of a
    deferral, `reply_by` the day by which an answer is asked for, `confirmed` whether it was given already. `waived` is
    what need not be paid once a settlement is kept, `missed` how many instalments in arrears make the whole rest due:
    at once, or when the `notice_days` of a notice about the arrears are over; `number` is the instalment a reminder is
    of, `costs` what making the agreement costs. `interest` is what becomes of interest and costs once a plan or
    settlement was kept, waive or keep; empty of what leaves them as they are.
    """

    kind: str
    made_on: date
    amount: Money
    open: Money
    parts: Sequence[AgreedPart] = ()
    until: date | None = None
    reply_by: date | None = None
    confirmed: bool = False
    waived: Money
    missed: int = 1
    notice_days: int = 0
    number: int = 0
    costs: Money
    interest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Everything a template may say to a customer; a field that may be empty says so by its default.

    `number` is the account number, `reference` what the customer writes on the transfer; `creditor` is the creditor's
    id, `creditor_name` what the customer knows; street to country (ISO 3166-1) are the customer's. `next_step` and
    `opt_out` are whole sentences in the customer's language (see `Renderer.phrase`). `agreement` is there in
    the templates whose names begin with `agreement-`, `demand` when interest and costs are asked for as well: then
    `open` of the invoices is what is left of them by law, and `total` is that of everything. `fee` is what an e-mail
    charges itself, if it does; it is in the total.
    """

    name: str
    number: str
    creditor: str
    language: str
    kind: Kind = Kind.CONSUMER
    invoices: Sequence[NoticeInvoice]
    total: Money
    deadline: date
    today: date
    operator: str
    creditor_name: str
    contact_person: str
    contact_phone: str
    contact_hours: str = ""
    contact_email: str = ""
    iban: str = ""
    bic: str = ""
    reference: str = ""
    next_step: str
    opt_out: str = ""
    unsubscribe_url: str = ""
    street: str = ""
    postcode: str = ""
    city: str = ""
    country: str = ""
    operator_kind: str = "creditor"
    operator_street: str = ""
    operator_postcode: str = ""
    operator_city: str = ""
    authority: str = ""
    imprint: str = ""
    creditor_street: str = ""
    creditor_postcode: str = ""
    creditor_city: str = ""
    agreement: Agreed | None = None
    demand: Demand | None = None
    fee: Money | None = None
