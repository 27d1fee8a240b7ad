"""The carriers there are: a plain table, read by daemon.py only; a new one is a file beside this and a row here."""

from collections.abc import Callable, Mapping

from contactd.config.providers import Telephony
from contactd.domain.clock import Clock
from contactd.telephony.base import Carrier
from contactd.telephony.simulated import Options, SimulatedCarrier
from contactd.telephony.simulated_remote import RemoteCarrier


def _simulated(settings: Telephony, clock: Clock) -> Carrier:
    customers = settings.simulated
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


CARRIERS: Mapping[str, Callable[[Telephony, Clock], Carrier]] = {
    "simulated": _simulated,
    "simulated-remote": lambda settings, _: RemoteCarrier(settings.simulated.address),
}


def open_carrier(settings: Telephony, clock: Clock) -> Carrier | None:
    """Build the carrier the settings name; None when there are no calls."""
    build = CARRIERS.get(settings.backend)
    return build(settings, clock) if build else None
