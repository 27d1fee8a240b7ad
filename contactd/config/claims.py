"""How what is owed is worked out: default, interest and what payments are set against; a part of contactd.toml."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from contactd.config.section import LOOSE, Section
from contactd.config.values import Amount, Days
from contactd.config.words import Holidays, TimeZone
from contactd.domain.claim_terms import read_rate


def _check(text: str) -> str:
    read_rate(text)
    return text


class Claims(Section):
    """What is owed beside the invoices themselves; `contactd statement` works it out."""

    due_date_agreed: bool = False
    """The day for paying was agreed, not only written on the invoice: default begins after it without a reminder."""
    thirty_days_notice: bool = False
    """Invoices tell consumers that they are in default thirty days after it (§ 286(3) BGB)."""
    for_services: bool = True
    """Invoices are for goods or services (Entgeltforderungen): businesses owe base + 9 % instead of + 5 %.

    For those whose list says nothing in its column `claim_kind`.
    """
    contract_rate: Annotated[str, AfterValidator(_check), Field(examples=["11 %", "base + 7 %"])] = ""
    """A rate of interest that was agreed and is higher than the law's; empty: the law's.

    For claims whose list says nothing in its column `contract_rate`, and never for consumers' loans.
    """
    day_count: Literal["act/act", "act/365", "30/360"] = "act/act"
    """Days of a year; 30/360 only where it was agreed."""
    appropriation: Literal["statutory", "pooled"] = "statutory"
    """`statutory`: payments settle claim by claim (§ 366(2) BGB); `pooled`: all costs, all interest, then principal."""
    base_rates: str = ""
    """A table of base rates of your own, relative to this file; empty: the shipped one, as long as it reaches."""
    fees: str = ""
    """Tables of the fees of courts and lawyers of your own, relative to this file; empty: the shipped ones."""
    lump_sum: bool = True
    """Businesses in default owe 40 euros for each invoice (§ 288(5) BGB)."""
    letter_fees: Annotated[tuple[Amount, ...], LOOSE] = ()
    """What the first letter of a case costs the debtor, the second and so on; only paper, print and postage count."""
    catalogue: Annotated[int, Field(ge=0, le=999)] = 0
    """What the invoices are in the catalogue of the dunning courts, like 11 for sales; 0: to be filled in by hand."""
    letters_arrive: Days = 3
    """Time after which a letter counts as received."""
    limitation_warning: Days = 90
    """So long before a claim is statute-barred somebody gets a task about it, once."""
    holidays: Holidays = "DE"
    """Where accounts without a region live: its public holidays move the last day for paying (§ 193 BGB)."""
    timezone: TimeZone = "Europe/Berlin"
    """Whose midnight ends a day, for accounts without a time zone of their own."""
