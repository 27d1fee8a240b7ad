"""What may be agreed with customers, and when a promise is broken; a part of contactd.toml."""

from typing import Annotated, Literal

from pydantic import Field

from contactd.config.section import LOOSE, Section
from contactd.config.values import Amount, Days, Ratio
from contactd.domain.account import Kind
from contactd.domain.money import Money


class Agreements(Section):
    """Promises, instalment plans, deferrals and the like; `contactd agree` makes them."""

    grace: int = Field(default=3, ge=0, le=30)
    """Banking days after the agreed day within which money still counts as in time."""
    tolerance: Amount = Money(0, "EUR")
    """What may be missing of an agreed sum, in accounts of this currency."""
    missed_instalments: int = Field(default=2, ge=1, le=12)
    """So many instalments in arrears make the whole rest due at once."""
    needs_notice: Literal["never", "consumers", "always"] = "never"
    """Whose rest falls due only after a notice that gives time to make up for the arrears (§ 498 BGB)."""
    notice_deadline: Days = 14
    """How long that notice gives; § 498 BGB wants two weeks."""
    min_instalment: Amount = Money(1_000, "EUR")
    """The least an instalment may be, in accounts of this currency; the last one may be less."""
    least_settlement: Ratio = 1.0
    """The least an agent may take for the whole, as a share of what is open; 100 %: none is waived at the desk."""
    answer_within: Days = 14
    """How long the ladder rests for an answer to a plan that was sent."""
    says_paid: Days = 7
    """How long it rests for money that is said to be on its way."""
    hardship: Days = 30
    """How long it rests when somebody cannot pay, before a person looks again."""
    channels: Annotated[tuple[Literal["email", "letter", "sms"], ...], LOOSE] = ("email", "letter", "sms")
    """How customers are written to about agreements: the first of these that reaches them; empty: not at all."""
    confirm: bool = True
    """Promises, plans, settlements and deferrals are confirmed in writing, and the customer is asked to answer."""
    advise: bool = True
    """Who cannot pay is told in writing that debt advice is free."""
    remind: Days = 3
    """So long before a sum or an instalment falls due, or a deferral ends, customers are reminded; 0 days: never."""
    interest: Literal["waive", "keep"] = "waive"
    """What becomes of interest and costs once a plan or settlement was kept: given up with it, or still owed."""
    thank: Literal["never", "agreements", "always"] = "agreements"
    """Thanks once all is paid: after a kept agreement, or `always` when there had been a reminder."""

    def notice_for(self, kind: Kind) -> bool:
        """Answer whether the rest of a plan of such a debtor falls due only after a notice."""
        return self.needs_notice == "always" or (self.needs_notice == "consumers" and kind is Kind.CONSUMER)
