"""Where real calls are measured: a PBX and a network of their own, who lives there, and what is read off meanwhile."""

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any, Protocol

from pytest import MonkeyPatch  # noqa: PT013 - the class, no test here

from contactd.telephony.ari import Ari, Event, moment
from contactd.telephony.asterisk import AsteriskCarrier
from contactd.telephony.asterisk_legs import mix_of
from contactd.telephony.asterisk_lines import PREFIX
from tests.calls.asterisk import Asterisk, Ports, find_asterisk
from tests.calls.network import Network, make_network, running
from tests.calls.pbx import make_pbx
from tests.calls.town import BERLIN, COLOGNE, FRANKFURT, HAMBURG, MUNICH

TONE = 900
MIX = mix_of("")
_NAP = 0.005
PORTS = 4  # a conversation has two channels on each side, and each of them two ports
SPARE = 200
_MODULES = ("func_talkdetect", "app_playtones")

# A thousand numbers each, all kept free for fiction like the town's.
ANSWERS, INVALID, BUSY, HANGS_UP, LISTENS = BERLIN, FRANKFURT, COLOGNE, HAMBURG, MUNICH
_RING = ("Ringing()", "Wait(0.2)")
# Talk detection set so short that the first packet of sound tells; silence of one packet ends it.
_PEOPLE: Mapping[str, Sequence[str]] = {
    f"_{ANSWERS}XXX": (*_RING, "Answer(,i)", "Wait(3600)"),
    f"_{INVALID}XXX": ("Hangup(1)",),
    f"_{BUSY}XXX": ("Ringing()", "Wait(0.5)", "Hangup(17)"),
    f"_{HANGS_UP}XXX": (*_RING, "Answer(,i)", "Wait(1)", "Hangup(16)"),
    f"_{LISTENS}XXX": (
        *_RING, "Set(TALK_DETECT(set)=10,256)", "Answer(,i)", "Stasis(network,listener,${EXTEN})", "Wait(3600)",
    ),
    **dict.fromkeys(
        (f"_age[n]t{digits}" for digits in ("X", "XX", "XXX")),
        ("Ringing()", "Answer(,i)", f"PlayTones({TONE})", "Wait(36000)"),
    ),
}  # fmt: skip


class Town(Protocol):
    """Whoever plays the telephones, and keeps books of its own."""

    @property
    def pid(self) -> int:
        """Its process id."""

    def calls(self) -> list[Any]:
        """List the calls it got; each has its `number`, and its `answer`, which is None for one nobody answered."""


def numbers(city: str, count: int) -> list[str]:
    """List so many numbers of those who behave alike."""
    assert count <= 1000, "a behaviour has a thousand numbers"
    return [f"+{city}{serial:03}" for serial in range(count)]


def phones(agents: int) -> list[str]:
    """List the telephones of so many agents; each sounds a tone for ever."""
    return [f"agent{number}" for number in range(1, agents + 1)]


@contextmanager
def servers(agents: int, calls: int) -> Iterator[tuple[Asterisk, Network]]:
    """Start both for the length of the block, for so many agents and calls at a time."""
    programs, ports, network_ports = find_asterisk(), Ports(), Ports()
    sip, network_sip = ports.one(), network_ports.one()
    speech = PORTS * max(agents, calls) + SPARE
    pbx = make_pbx(programs, ports, sip, network_sip, speech_ports=speech, agents=phones(agents))
    network = make_network(
        programs, network_ports, network_sip, sip, speech_ports=speech, people=_PEOPLE, modules=_MODULES
    )
    with running(pbx, network):
        yield pbx, network


@dataclass
class Joins:
    """How long it took from an answer to both in the bridge, in seconds: by our clock, and by Asterisk's timestamps.

    `orders` are those from the request to both in the bridge, `waits` those from the answer to the request.
    """

    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)
    orders: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)  # when, by our clock
    types: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # how many events of which type
    _answered: dict[str, tuple[float, datetime | None]] = field(default_factory=dict)
    _ordered: dict[str, float] = field(default_factory=dict)
    _inside: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def order(self, customer: str) -> None:
        """Note that the request to join a customer goes out."""
        self._ordered[customer] = time.perf_counter()

    def hear(self, event: Event) -> None:
        """Note what an event tells, which has just come in."""
        kind, channel = event["type"], event.get("channel", {})
        self.types[kind] += 1
        name = channel.get("id", "")
        if kind == "ChannelStateChange" and channel["state"] == "Up" and name.startswith(PREFIX):
            self._answered[name] = time.perf_counter(), moment(event)
            self.answers.append(self._answered[name][0])
        elif kind == "ChannelEnteredBridge" and event["bridge"]["id"].startswith(MIX):
            self._enter(event, self._inside[event["bridge"]["id"]], name)
        elif kind == "ChannelLeftBridge" and event["bridge"]["id"].startswith(MIX):
            self._inside[event["bridge"]["id"]].discard(name)

    def _enter(self, event: Event, inside: set[str], name: str) -> None:
        inside.add(name)
        customer = next((one for one in inside if one in self._answered), "")
        if len(inside) < 2 or not customer:
            return
        now, stamp = time.perf_counter(), moment(event)
        heard, answered = self._answered.pop(customer)
        ordered = self._ordered.pop(customer, heard)
        self.ours.append(now - heard)
        self.orders.append(now - ordered)
        self.waits.append(ordered - heard)
        if stamp is not None and answered is not None:
            self.theirs.append((stamp - answered).total_seconds())

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Stand between Asterisk and contactd while the block runs."""
        hear, post = AsteriskCarrier.hear, Ari.post

        @wraps(hear)
        def heard(carrier: AsteriskCarrier, event: Event) -> None:
            self.hear(event)
            hear(carrier, event)

        @wraps(post)
        async def posted(ari: Ari, where: str, *args: Any, **params: str) -> Any:  # noqa: ANN401 - as the client has it
            if where.startswith(f"bridges/{MIX}") and "," in params.get("channel", ""):
                self.order(params["channel"].partition(",")[0])
            return await post(ari, where, *args, **params)

        with MonkeyPatch.context() as patch:
            patch.setattr(AsteriskCarrier, "hear", heard)
            patch.setattr(Ari, "post", posted)
            yield


def quantile(times: Sequence[float], share: float) -> float:
    """Answer what that share stays below, in milliseconds; 0 without any."""
    return 1e3 * sorted(times)[min(int(share * len(times)), len(times) - 1)] if times else 0.0


def spread(times: Sequence[float]) -> str:
    """Write median, 99th percentile and worst."""
    median, late, worst = (quantile(times, share) for share in (0.5, 0.99, 1.0))
    return f"p50 {median:.1f}, p99 {late:.1f}, max {worst:.1f} ms of {len(times):,}"


@dataclass
class Busy:
    """How much of a processor each process took, and how late the loop of this one was."""

    pids: Mapping[str, int]
    shares: dict[str, float] = field(default_factory=dict)
    lags: list[float] = field(default_factory=list)
    seconds: float = 0.0

    async def during(self, work: Coroutine[Any, Any, None]) -> None:
        """Measure while this is done."""
        before, began = {name: cpu(pid) for name, pid in self.pids.items()}, time.monotonic()
        lagging = asyncio.create_task(self._lag())
        try:
            await work
        finally:
            lagging.cancel()
        self.seconds = time.monotonic() - began
        self.shares = {name: (cpu(pid) - before[name]) / self.seconds for name, pid in self.pids.items()}

    def __str__(self) -> str:
        return ", ".join(f"{name} {100 * share:.0f} %" for name, share in self.shares.items()) + " of a processor"

    async def _lag(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(_NAP)
            self.lags.append(time.perf_counter() - before - _NAP)


def cpu(pid: int) -> float:
    """Answer the processor seconds a process has taken, those of its threads among them."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
