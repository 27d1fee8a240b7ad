"""Money as integer minor units and a currency (ISO 4217); never a float."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import floor

# ISO 4217, column "minor unit": only what differs from 2.
_EXPONENTS = {
    **dict.fromkeys(["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"], 0),
    **dict.fromkeys(["RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"], 0),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
}
_TEXT = re.compile(r"(?P<amount>-?\d+(?:\.\d+)?) ?(?P<currency>[A-Z]{3})")


def exponent(currency: str) -> int:
    """Answer how many decimal places the currency has."""
    return _EXPONENTS.get(currency, 2)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units (cents) of one currency."""

    minor: int
    currency: str

    @classmethod
    def parse(cls, text: str) -> "Money":
        """Read `"412.80 EUR"`; raises ValueError when it is no amount or has too many decimal places.

        `1.000 EUR` is refused, though only noughts are too many: to half of its readers it is a thousand.
        """
        match = _TEXT.fullmatch(text.strip())
        if match is None:
            message = f"{text!r} is no amount; write it like '10.00 EUR'"
            raise ValueError(message)
        if len(match["amount"].partition(".")[2]) > exponent(match["currency"]):
            message = f"{match['amount']} {match['currency']} is finer than the smallest unit of the currency"
            raise ValueError(message)
        return cls.of(Decimal(match["amount"]), match["currency"])

    @classmethod
    def of(cls, amount: Decimal, currency: str) -> "Money":
        """Take a decimal amount in major units; raises ValueError when it is finer than the minor unit."""
        scaled = amount.scaleb(exponent(currency))
        if scaled != scaled.to_integral_value():
            message = f"{amount} {currency} is finer than the smallest unit of the currency"
            raise ValueError(message)
        return cls(int(scaled), currency)

    @property
    def amount(self) -> Decimal:
        """Give the amount in major units, exactly."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            message = f"cannot mix {self.currency} and {other.currency}"
            raise ValueError(message)

    def __add__(self, other: "Money") -> "Money":
        """Add; both must be of one currency."""
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        """Subtract; both must be of one currency."""
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        """Compare; both must be of one currency."""
        self._same(other)
        return self.minor < other.minor

    def __str__(self) -> str:
        """Write `412.80 EUR`."""
        return f"{self.amount:.{exponent(self.currency)}f} {self.currency}"

    def as_json(self) -> dict[str, str]:
        """Write as the command line and the API do: `{"amount": "412.80", "currency": "EUR"}`."""
        return {"amount": f"{self.amount:.{exponent(self.currency)}f}", "currency": self.currency}


def half_up(amount: Fraction) -> int:
    """Round an amount of minor units, none below zero, to whole ones; half a unit is rounded up (ROUND_HALF_UP)."""
    return floor(amount + Fraction(1, 2))


def pro_rata(amount: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Share an amount out by weights, none below zero, so that it sums exactly; odd units go to the largest rests.

    An amount up to the sum of the weights gives none more than its weight. Raises ValueError when no weight is above
    zero and there is something to share out.
    """
    total = sum(weights)
    if not total:
        if amount:
            raise ValueError(f"{amount} cannot be shared out among nobody")
        return (0,) * len(weights)
    parts = [divmod(amount * weight, total) for weight in weights]
    left = amount - sum(whole for whole, _ in parts)
    favoured = set(sorted(range(len(parts)), key=lambda place: (-parts[place][1], place))[:left])
    return tuple(whole + (place in favoured) for place, (whole, _) in enumerate(parts))
