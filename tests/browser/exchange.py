"""A telephone exchange of a test's own: the simulated carrier in a thread, whose customers do what the test says."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from contactd.clock import SystemClock
from contactd.telephony.base import Kind
from contactd.telephony.simulated import Customer, Options, SimulatedCarrier
from tests.fakes.carrier_server import CarrierServer

HOURS = 8 * 3600.0
AT_ONCE = Customer(Kind.ANSWERED, setup=0.2, ring=0.5, talk=HOURS)
SLOWLY = Customer(Kind.ANSWERED, setup=0.2, ring=600.0, talk=HOURS)  # until they are told to pick up


@dataclass
class Exchange:
    """`address` is where the daemon finds it."""

    address: str
    _loop: asyncio.AbstractEventLoop
    _carrier: SimulatedCarrier
    _clock: "_RingingClock"

    def pick_up(self) -> None:
        """Let those pick up whose telephone rings until they are told."""
        self._loop.call_soon_threadsafe(self._clock.picked_up.set)

    def call_in(self, number: str, called: str) -> None:
        """Let somebody call the daemon, who talks until we hang up."""
        caller = Customer(Kind.ANSWERED, ring=60.0, patience=60.0, talk=HOURS)
        self._loop.call_soon_threadsafe(self._carrier.call_in, number, called, caller)


class _RingingClock(SystemClock):
    """Real time, but for telephones that ring slowly: how long that is, the test says."""

    def __init__(self) -> None:
        self.picked_up = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        """Wait so long, or until they pick up."""
        await (self.picked_up.wait() if seconds == SLOWLY.ring else super().sleep(seconds))


@contextmanager
def open_exchange(customer: Customer = AT_ONCE) -> Iterator[Exchange]:
    """Run it; everybody who is called is like this customer."""
    loop = asyncio.new_event_loop()
    running = threading.Thread(target=loop.run_forever)
    running.start()
    clock = _RingingClock()
    carrier = SimulatedCarrier(Options(), clock, customers=lambda _: customer)
    server = CarrierServer(carrier)
    try:
        port = asyncio.run_coroutine_threadsafe(server.start(), loop).result(60)
        yield Exchange(f"127.0.0.1:{port}", loop, carrier, clock)
    finally:
        asyncio.run_coroutine_threadsafe(server.close(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        running.join(60)
        loop.close()
