"""Money as integer minor units and a currency (ISO 4217); never a float."""

import re
from dataclasses import dataclass
from decimal import Decimal

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
        """Read `"412.80 EUR"`; raises ValueError when it is no amount or has too many decimal places."""
        match = _TEXT.fullmatch(text.strip())
        if match is None:
            message = f"{text!r} is no amount; write it like '10.00 EUR'"
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
