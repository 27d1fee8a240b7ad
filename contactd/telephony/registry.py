"""The carriers there are: a plain table, read by daemon.py only; a new one is a file beside this and a row here."""

from collections.abc import Callable, Mapping

from contactd.config.providers import Trunk
from contactd.config.settings import Settings
from contactd.domain.clock import Clock
from contactd.telephony.ari import Ari
from contactd.telephony.asterisk import AsteriskCarrier
from contactd.telephony.base import Carrier
from contactd.telephony.simulated import Options, SimulatedCarrier
from contactd.telephony.simulated_remote import RemoteCarrier
from contactd.telephony.speech import Speech
from contactd.telephony.trunks import TrunkGroup


def _simulated(settings: Settings, clock: Clock) -> Carrier:
    customers = settings.telephony.simulated
    return SimulatedCarrier(
        Options(
            seed=customers.seed,
            answer=customers.answer,
            busy=customers.busy,
            machine=customers.machine,
            ring=customers.ring.total_seconds(),
            talk=customers.talk.total_seconds(),
        ),
        clock,
    )


def _asterisk(settings: Settings, clock: Clock) -> Carrier:
    asterisk = settings.telephony.asterisk
    return AsteriskCarrier(
        Ari(
            asterisk.url,
            username=asterisk.username,
            password=asterisk.password.reveal(),
            app=asterisk.app,
            patience=asterisk.timeout.total_seconds(),
        ),
        clock,
        trunks=TrunkGroup(asterisk.trunks or {"trunk": Trunk()}, clock.monotonic),
        speech=Speech(settings.state_directory / asterisk.sounds, asterisk.speak),
        phones={agent_id: agent.phone for agent_id, agent in settings.agents.items()},
        nailed_up=asterisk.leg == "nailed-up",
        beep=asterisk.beep,
    )


CARRIERS: Mapping[str, Callable[[Settings, Clock], Carrier]] = {
    "asterisk": _asterisk,
    "simulated": _simulated,
    "simulated-remote": lambda settings, _: RemoteCarrier(settings.telephony.simulated.address),
}


def open_carrier(settings: Settings, clock: Clock) -> Carrier | None:
    """Build the carrier the settings name; None when there are no calls."""
    build = CARRIERS.get(settings.telephony.backend)
    return build(settings, clock) if build else None
