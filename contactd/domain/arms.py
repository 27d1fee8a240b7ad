"""The arms of a campaign's comparison: which falls to whom, which steps are for it, how long it is held out.

Which arm falls to a customer follows from the campaign, its seed and the customer, so that it can be worked out again;
what was drawn is stored, and holds when the shares change.
"""

from datetime import datetime, timedelta
from hashlib import sha256

from contactd.domain.account import Drawn
from contactd.domain.campaign import Arm, Campaign, Step

_ALL = 1 << 64


def draw(campaign: Campaign, customer: int) -> Arm:
    """Answer the arm that falls to a customer; the campaign must have some."""
    words = f"{campaign.id}\0{campaign.arm_seed}\0{customer}".encode()
    lot = int.from_bytes(sha256(words).digest()[:8]) / _ALL
    for arm in campaign.arms[:-1]:
        lot -= arm.share
        if lot < 0:
            return arm
    return campaign.arms[-1]


def is_for(step: Step, drawn: Drawn | None) -> bool:
    """Say whether the step is for the customer's arm; before one is drawn all are."""
    return not step.arms or drawn is None or drawn.arm in step.arms


def held_until(campaign: Campaign, drawn: Drawn | None) -> datetime | None:
    """Answer until when the campaign lets the customer alone for the comparison's sake; None: it does not."""
    arm = campaign.arm(drawn.arm) if drawn is not None else None
    if drawn is None or arm is None or not arm.hold_out:
        return None
    return drawn.at + timedelta(days=campaign.hold_out_for)


def control(campaign: Campaign) -> Arm:
    """Answer the arm that the others are compared with: the first held out, else the first."""
    return next((arm for arm in campaign.arms if arm.hold_out), campaign.arms[0])
