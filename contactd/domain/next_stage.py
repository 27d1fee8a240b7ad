"""What the next stage would cost the debtor: a court payment order (Mahnbescheid), with a lawyer or without.

An argument for the call and a figure for whoever decides; amounts are euro cents. Costs of the stages after it are not
foreseen here.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from contactd.domain.charges import outlay_of
from contactd.domain.fees import Fees
from contactd.domain.money import half_up

_HALF = Fraction(1, 2)  # GKG, KV 1100
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class NextStage:
    """The court's fee (KV 1100 GKG), the lawyer's (VV 3305 RVG, rate 1.0), his outlay (VV 7002) and VAT on both."""

    court: int
    lawyer: int
    outlay: int
    vat: int

    @property
    def with_lawyer(self) -> int:
        """Add all of it."""
        return self.court + self.lawyer + self.outlay + self.vat


def next_stage(value: int, on: date, fees: Fees, vat_percent: Decimal = _ZERO) -> NextStage:
    """Answer what a court payment order for a principal of that value would cost; raises what `FeeTable.full` does.

    `vat_percent`: only where the creditor cannot deduct it.
    """
    court = max(half_up(_HALF * fees.gkg.full(value, on)), fees.least_order)
    lawyer = fees.rvg.full(value, on)
    outlay = outlay_of(lawyer)
    return NextStage(court, lawyer, outlay, half_up(Fraction(vat_percent) * (lawyer + outlay) / 100))
