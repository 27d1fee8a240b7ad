"""What contacts cost, for reports; a part of contactd.toml."""

from contactd.config.section import Section
from contactd.config.values import Amount
from contactd.domain.money import Money

_NOTHING = Money(0, "EUR")


class Reports(Section):
    """What a contact costs, for the control report; while all of it is nothing, no cost is told."""

    cost_email: Amount = _NOTHING
    """What an e-mail that arrives costs."""
    cost_sms: Amount = _NOTHING
    """What a text message that arrives costs."""
    cost_letter: Amount = _NOTHING
    """What a letter costs: paper, print, postage."""
    cost_call: Amount = _NOTHING
    """What a conversation costs with all the calls it takes: agents' time, lines, telephone."""
