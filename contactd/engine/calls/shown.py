"""Which number the person called sees: the step's own, else that for their country, else the general one.

The dialer builds one; the team asks it when it places a call, and what it answers is what the call's row says.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import phonenumbers

from contactd.domain.campaign import Step


@dataclass(frozen=True, slots=True)
class Shown:
    """`general`, and the numbers `by_country` (ISO 3166) of the number that is called."""

    general: str = ""
    by_country: Mapping[str, str] = field(default_factory=dict)

    def to(self, number: str, step: Step) -> str:
        """Answer what a number sees when it is called for a step."""
        if step.caller_id or not self.by_country:
            return step.caller_id or self.general
        return next(
            (self.by_country[country] for country in _countries(number) if country in self.by_country), self.general
        )


def _countries(number: str) -> tuple[str, ...]:
    """List the country of a number, then the main one of its dial code: some countries share one."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return ()
    exact = phonenumbers.region_code_for_number(parsed)
    main = phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    return tuple(dict.fromkeys(code for code in (exact, main) if code))
