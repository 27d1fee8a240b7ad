"""Fees of reminders that the law would not let stand, or that the customer would not see; crosschecks.py asks.

Only what a reminder costs in paper, print and postage is a damage of default (§§ 280(2), 286 BGB).
"""

from collections.abc import Iterator

from contactd.config.campaigns import CHARGING, CampaignFile, StepTable
from contactd.config.claims import Claims
from contactd.config.locate import Place
from contactd.domain.money import Money

_REMINDERS = CHARGING | {"sms"}
# BGH, 26 June 2019, VIII ZR 95/18: a flat 2.50 euros is too high towards consumers, 0.76 euros were let stand.
_TOO_HIGH = Money(250, "EUR")


def doubtful_fees(claims: Claims, file: CampaignFile) -> Iterator[tuple[Place, str]]:
    """Find the fees of a campaign that somebody should look at."""
    first = next((step for step in file.step if step.channel in _REMINDERS), None)
    for index, step in enumerate(file.step):
        if step.fee is None or not step.fee.minor or step.channel not in CHARGING:
            continue
        place: Place = ("step", index, "fee")
        if step is first and not claims.due_date_agreed:
            text = "is that of the first reminder, which brings default about"
            yield place, f"{text}: nobody owes it who was not in default before; remove it"
        if step.channel == "letter" and step.claim == "invoices":
            yield place, 'is charged, but the letter does not ask for it; write claim = "all"'
        if step.channel == "email" and _for_consumers(file, step):
            yield place, "is for an e-mail, which costs neither paper nor postage: consumers owe none; drop it"
        elif (
            _for_consumers(file, step) and step.fee.currency == _TOO_HIGH.currency and step.fee.minor >= _TOO_HIGH.minor
        ):
            text = f"is {step.fee}; of consumers courts let stand what paper, print and postage cost"
            yield place, f"{text} (BGH VIII ZR 95/18: a flat {_TOO_HIGH} is too high); write about 1.20 EUR"
        for currencies in (step.select.currencies, file.select.currencies):
            if currencies and step.fee.currency not in currencies:
                yield place, f"is in {step.fee.currency}, which currencies leaves out: never charged"
                break


def _for_consumers(file: CampaignFile, step: StepTable) -> bool:
    kinds = set(step.select.kinds or ("consumer", "business")) & set(file.select.kinds or ("consumer", "business"))
    return "consumer" in kinds
