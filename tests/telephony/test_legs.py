"""Agents' telephones on Asterisk: what is up after the connection was lost is what its agent is joined by."""

from contactd.telephony.ari import Ari
from contactd.telephony.asterisk_legs import Legs
from contactd.telephony.base import Kind
from contactd.telephony.trunks import TrunkGroup
from tests.clock import HandClock


class Silent(Ari):
    """Takes every order and tells nothing of what came of it: a telephone that is called rings on."""

    async def post(self, where: str, variables: dict[str, str] | None = None, /, **params: str) -> object:
        """Take an order."""

    async def delete(self, where: str, **params: str) -> None:
        """Take an order to end something."""


async def test_a_telephone_found_up_while_it_is_called_again_is_the_one_that_counts() -> None:
    clock, told = HandClock(), list[tuple[Kind, str]]()
    ari = Silent("http://localhost:1/ari", username="", password="", app="contactd")
    legs = Legs(
        ari, clock, TrunkGroup({}, clock.monotonic), {"anna": "PJSIP/anna"}, nailed_up=True,
        tell=lambda kind, agent: told.append((kind, agent)),
    )  # fmt: skip
    await legs.seat("anna")
    await clock.settle()
    leg = legs.leg("anna")
    rung, before = leg.channel, "contactd-agent-anna-1.1"
    await legs.met({before: {"state": "Up", "name": "PJSIP/anna-00000001"}})  # and what was rung got lost with the line
    await clock.settle()
    assert rung not in {"", before}
    assert (leg.up, leg.channel, await legs.ready(leg), legs.of(before)) == (True, before, before, leg)
    assert told == [(Kind.AGENT_UP, "anna")]
    await legs.close()
