"""A carrier that calls nobody: seeded customers who answer, are busy or away; for the demo, rehearsals and tests.

It keeps the contract of the real ones and a ledger of everything it was asked to do.
"""

import asyncio
import math
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from random import Random

from contactd.domain.clock import Clock
from contactd.domain.errors import ChannelRejected
from contactd.domain.phrase import Phrase
from contactd.telephony.base import Announcement, CallRequest, CarrierEvent, Kind, OnEvent, Supervision, reference_of

_BRIDGE_SECONDS = 0.1
_HANG_UP_SECONDS = 0.05
_VOICE_BOX_SECONDS = 30.0
_BETWEEN_KEYS = 0.5
# Reported without a ring first.
_AT_ONCE = frozenset({Kind.BUSY, Kind.INVALID, Kind.REJECTED, Kind.CONGESTION, Kind.FAILED})


@dataclass(frozen=True, slots=True)
class Options:
    """The shares of calls by how they go (the rest rings out), and mean times in seconds; a seed gives one town.

    `presses`: the share of those who hear a text and press 1.
    """

    seed: int = 1
    answer: float = 0.35
    busy: float = 0.1
    machine: float = 0.15
    invalid: float = 0.0
    rejected: float = 0.0
    congestion: float = 0.0
    failed: float = 0.0
    presses: float = 0.2
    ring: float = 12.0
    talk: float = 180.0


@dataclass(frozen=True, slots=True)
class Customer:
    """How one call will go: its `fate` (`answered`, `machine`, `busy`, `no_answer` …) and its times in seconds.

    `presses`: the keys they press one after the other when a text asks for keys, `listens` seconds after it began; what
    another text interrupts they press when they have listened to that.

    Of one who calls us, `ring` is how long they let it ring, and `patience` how long they stay with music.
    """

    fate: Kind
    setup: float = 1.0
    ring: float = 10.0
    patience: float = 6.0
    talk: float = 120.0
    listens: float = 8.0
    presses: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """One line of the ledger: what the carrier was asked, about which call, when; `detail`: number, agent or text."""

    order: str
    reference: str
    at: datetime
    detail: str = ""


def skewed(random: Random, mean: float, spread: float) -> float:
    """Draw from a log-normal distribution of that mean; `spread` is its coefficient of variation."""
    variance = math.log(1 + spread * spread)
    return random.lognormvariate(math.log(mean) - variance / 2, math.sqrt(variance))


def draw(options: Options, reference: str) -> Customer:
    """Make up the customer behind a call; the same seed and reference give the same one in any order of calls."""
    random = Random(f"{options.seed}/{reference}")  # noqa: S311 -- a rehearsal, no secret
    shares = {
        Kind.ANSWERED: options.answer,
        Kind.BUSY: options.busy,
        Kind.MACHINE: options.machine,
        Kind.INVALID: options.invalid,
        Kind.REJECTED: options.rejected,
        Kind.CONGESTION: options.congestion,
        Kind.FAILED: options.failed,
    }
    left, fate = random.random(), Kind.NO_ANSWER
    for kind, share in shares.items():
        if left < share:
            fate = kind
            break
        left -= share
    return Customer(
        fate,
        setup=random.uniform(0.5, 1.5),
        ring=random.uniform(0.5, 1.5) * options.ring,
        patience=random.uniform(4, 10),
        talk=skewed(random, options.talk, 1.0),
        listens=random.uniform(2, 12),
        presses="1" if random.random() < options.presses else "",
    )


@dataclass(slots=True)
class _Line:
    """A call that is up, and the task that plays what happens next."""

    request: CallRequest
    customer: Customer
    answered: bool = False
    inbound: bool = False
    third: bool = False
    pressed: int = 0  # of the customer's keys
    playing: "asyncio.Task[None] | None" = None


class SimulatedCarrier:
    """Plays each customer on the given clock; `customers` may say how a call goes instead of the draw."""

    name = "simulated"

    def __init__(
        self,
        options: Options,
        clock: Clock,
        *,
        customers: Callable[[CallRequest], Customer] | None = None,
    ) -> None:
        self._clock = clock
        self._customers = customers or (lambda request: draw(options, request.reference))
        self._lines: dict[str, _Line] = {}
        self._on_event: OnEvent | None = None
        self._hearing: dict[str, str] = {}  # by supervisor: the agent
        self._kept: set[str] = set()
        self._came_in = 0
        self.ledger: list[Asked] = []

    async def start(self, on_event: OnEvent) -> None:
        """Report to `on_event` from now on."""
        self._on_event = on_event

    async def close(self) -> None:
        """Drop every call without a report, as a process that ends does."""
        self._on_event = None
        playing = [line.playing for line in self._lines.values() if line.playing]
        self._lines.clear()
        for task in playing:
            task.cancel()
        await asyncio.gather(*playing, return_exceptions=True)

    async def place(self, request: CallRequest) -> None:
        """Begin a call; a reference that is up already is rejected."""
        if request.reference in self._lines:
            raise ChannelRejected("call %(call)s is already up", call=request.reference)
        self._note("place", request.reference, request.number)
        line = _Line(request, self._customers(request))
        self._lines[request.reference] = line
        self._play(line, self._ring(line))

    def call_in(self, number: str, called: str, customer: Customer) -> str:
        """Let somebody call us; answers the reference of their call."""
        self._came_in += 1
        reference = reference_of(str(self._came_in))
        line = _Line(CallRequest(reference, 0, number, called, customer.ring), customer, inbound=True)
        self._lines[reference] = line
        self._tell(line, Kind.INCOMING, number=number, called=called)
        self._play(line, self._hang_up_after(line, customer.ring))
        return reference

    def ring_off(self, reference: str) -> None:
        """Let a customer hang up."""
        line = self._lines[reference]
        self._play(line, self._hang_up_after(line, 0.0))

    def stay(self, reference: str) -> None:
        """Let a customer go on until `ring_off`, or until we hang up."""
        line = self._lines[reference]
        self._play(line, self._hang_up_after(line, math.inf))

    async def answer(self, reference: str) -> None:
        """Pick up; whoever calls us waits a while for somebody to speak."""
        line = self._lines.get(reference)
        if line is None or not line.inbound:
            raise ChannelRejected("no call %(call)s is coming in", call=reference)
        self._note("answer", reference)
        if not line.answered:
            line.answered = True
            self._tell(line, Kind.ANSWERED)
            self._play(line, self._hang_up_after(line, line.customer.patience))

    async def bridge(self, reference: str, agent_id: str) -> None:
        """Join the customer and the agent, who talk until the customer hangs up."""
        line = self._answered(reference)
        self._note("bridge", reference, agent_id)
        self._play(line, self._talk(line, agent_id))

    async def play(self, reference: str, announcement: Announcement, *, ask: bool = False) -> None:
        """Speak to the customer, who listens for a while and may press keys."""
        line = self._answered(reference)
        self._note("play", reference, announcement.text)
        self._play(line, self._listen(line, ask=ask))

    async def hold(self, reference: str) -> None:
        """Put the customer on hold; they are patient."""
        line = self._answered(reference)
        self._note("hold", reference)
        self._tell(line, Kind.HELD)

    async def retrieve(self, reference: str) -> None:
        """Take the customer back."""
        line = self._answered(reference)
        self._note("retrieve", reference)
        self._tell(line, Kind.RETRIEVED)

    async def mute(self, agent_id: str, *, muted: bool) -> None:
        """Take note: nobody hears anybody here."""
        self._note("mute" if muted else "unmute", "", agent_id)

    async def invite(self, reference: str, number: str, caller_id: str) -> None:
        """Bring a third person in, who answers at once."""
        line = self._answered(reference)
        self._note("invite", reference, f"{number} {caller_id}")
        line.third = True
        self._tell(line, Kind.THIRD_JOINED, number=number)

    async def dismiss(self, reference: str) -> None:
        """Let them go."""
        self._note("dismiss", reference)
        line = self._lines.get(reference)
        if line is not None and line.third:
            line.third = False
            self._tell(line, Kind.THIRD_GONE)

    async def leave(self, reference: str) -> None:
        """Let the two go on, as long as the customer likes to talk."""
        line = self._answered(reference)
        if not line.third:
            raise ChannelRejected("nobody else is in call %(call)s", call=reference)
        self._note("leave", reference)

    async def supervise(self, agent_id: str, supervisor: str, how: Supervision) -> None:
        """Take note."""
        self._note(how, "", f"{supervisor} {agent_id}")
        self._hearing[supervisor] = agent_id

    async def unsupervise(self, supervisor: str) -> None:
        """Take note."""
        self._note("unsupervise", "", supervisor)
        self._hearing.pop(supervisor, None)

    async def record(self, reference: str, name: str, announcement: Announcement | None, *, ask: bool = False) -> None:
        """Keep the name; whoever is asked agrees if they press 1 at all."""
        line = self._answered(reference)
        self._note("record", reference, name)
        if not ask or announcement is None or "1" in line.customer.presses:
            self._kept.add(name)
            self._tell(line, Kind.RECORDED, name=name)

    async def recordings(self) -> list[str]:
        """Name what is kept."""
        return sorted(self._kept)

    async def forget(self, name: str) -> None:
        """Keep it no more."""
        self._kept.discard(name)

    async def seat(self, agent_id: str) -> None:
        """Say that the agent's telephone is up: nobody's telephone always is."""
        self._note("seat", "", agent_id)
        self._report(Kind.AGENT_UP, agent=agent_id)

    async def unseat(self, agent_id: str) -> None:
        """Let it go."""
        self._note("unseat", "", agent_id)
        self._report(Kind.AGENT_DOWN, agent=agent_id)
        for supervisor in [name for name, heard in self._hearing.items() if agent_id in (name, heard)]:
            del self._hearing[supervisor]
            self._report(Kind.EAR_GONE, agent=supervisor)

    async def hang_up(self, reference: str) -> None:
        """End the call; nothing happens when there is none."""
        self._note("hang_up", reference)
        line = self._lines.get(reference)
        if line is not None:
            self._play(line, self._hang_up_after(line, _HANG_UP_SECONDS))

    async def live(self) -> list[str]:
        """List the calls that are up."""
        return list(self._lines)

    async def own(self) -> list[str]:
        """List the calls that were placed and are up: there is only one daemon."""
        return [reference for reference, line in self._lines.items() if not line.inbound]

    def trouble(self) -> Phrase:
        """Say nothing: there is no network that could fail."""
        return Phrase()

    def _note(self, order: str, reference: str, detail: str = "") -> None:
        self.ledger.append(Asked(order, reference, self._clock.now(), detail))

    def _answered(self, reference: str) -> _Line:
        line = self._lines.get(reference)
        if line is None or not line.answered:
            raise ChannelRejected("call %(call)s is not answered", call=reference)
        return line

    def _play(self, line: _Line, scene: Coroutine[None, None, None]) -> None:
        """Let something else happen on the line from now on."""
        if line.playing is not None:
            line.playing.cancel()
        line.playing = asyncio.get_running_loop().create_task(scene)

    async def _ring(self, line: _Line) -> None:
        customer = line.customer
        await self._clock.sleep(customer.setup)
        if customer.fate in _AT_ONCE:
            self._end(line, customer.fate)
            return
        self._tell(line, Kind.RINGING)
        heard = customer.fate in (Kind.ANSWERED, Kind.MACHINE) and customer.ring <= line.request.ring_seconds
        if not heard:
            await self._clock.sleep(line.request.ring_seconds)
            self._end(line, Kind.NO_ANSWER)
            return
        await self._clock.sleep(customer.ring)
        line.answered = True
        self._tell(line, customer.fate)
        await self._clock.sleep(customer.patience if customer.fate is Kind.ANSWERED else _VOICE_BOX_SECONDS)
        self._end(line, Kind.HUNG_UP)

    async def _talk(self, line: _Line, agent_id: str) -> None:
        await self._clock.sleep(_BRIDGE_SECONDS)
        self._tell(line, Kind.BRIDGED, agent=agent_id)
        await self._hang_up_after(line, line.customer.talk)

    async def _listen(self, line: _Line, *, ask: bool) -> None:
        customer = line.customer
        await self._clock.sleep(customer.listens)
        if line.inbound:
            self._tell(line, Kind.PLAYED)
            await self._hang_up_after(line, customer.patience)
        elif customer.fate is not Kind.ANSWERED:
            self._tell(line, Kind.PLAYED)
        elif not ask:
            self._end(line, Kind.HUNG_UP)
        else:
            await self._press(line)
            await self._hang_up_after(line, customer.patience)

    async def _press(self, line: _Line) -> None:
        """Press the keys that are left; whoever has none to press hears the text to its end."""
        keys = line.customer.presses
        if line.pressed == len(keys):
            self._tell(line, Kind.PLAYED)
        while line.pressed < len(keys):
            line.pressed += 1
            self._tell(line, Kind.PRESSED, digit=keys[line.pressed - 1])
            if line.pressed < len(keys):
                await self._clock.sleep(_BETWEEN_KEYS)

    async def _hang_up_after(self, line: _Line, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._end(line, Kind.HUNG_UP)

    def _end(self, line: _Line, kind: Kind) -> None:
        self._lines.pop(line.request.reference, None)
        self._tell(line, kind)

    def _tell(self, line: _Line, kind: Kind, **details: str) -> None:
        self._report(kind, line.request.reference, **details)

    def _report(self, kind: Kind, reference: str = "", **details: str) -> None:
        if self._on_event is not None:
            self._on_event(CarrierEvent(reference, kind, self._clock.now(), details))
