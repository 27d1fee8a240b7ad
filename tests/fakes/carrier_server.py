"""The simulated carrier as a process of its own, with a ledger that survives: the other end of simulated_remote.py.

In a test: `async with carrier_server(SimulatedCarrier(...)) as server`. As a process:
`python -m tests.fakes.carrier_server --port 0 --ledger FILE --speed 10` prints `{"port": …}` and serves until it is
ended. Its calls go on while nobody is connected; events go to whoever is. With `--stay 3` the first three customers who
speak to an agent go on until SIGUSR1.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from contactd.clock import FastClock
from contactd.domain.errors import ChannelRejected, ChannelUnavailable
from contactd.telephony.base import OF_AGENTS, Announcement, CallRequest, CarrierEvent, Kind
from contactd.telephony.simulated import Options, SimulatedCarrier
from contactd.telephony.simulated_remote import encode, report

_ENDS = frozenset(Kind) - {
    Kind.RINGING, Kind.ANSWERED, Kind.MACHINE, Kind.BRIDGED, Kind.HELD, Kind.RETRIEVED, Kind.PRESSED, Kind.PLAYED,
    Kind.THIRD_JOINED, Kind.THIRD_GONE, Kind.RECORDED, Kind.INCOMING,
}  # fmt: skip


@dataclass(frozen=True)
class Noted:
    """A row of the ledger: an order the carrier took or refused, who "stays", or how a call "ended"."""

    order: str
    reference: str
    at: str
    attempt_id: int = 0
    detail: str = ""
    refused: str = ""
    caller: str = ""  # the number shown by whoever gave the order, once they have placed a call


def read_ledger(path: Path) -> list[Noted]:
    """Read a ledger file."""
    lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else []
    return [Noted(**json.loads(line)) for line in lines[:-1]]


class CarrierServer:
    """Serves one carrier to everybody who connects; `silent` orders are carried out and not answered."""

    def __init__(self, carrier: SimulatedCarrier, *, ledger: Path | None = None, stay: int = 0) -> None:
        """Let so many customers `stay`."""
        self._carrier, self._stay = carrier, stay
        self._staying: list[str] = []
        self._file = os.open(ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if ledger else None
        self._clients: set[asyncio.StreamWriter] = set()
        self._callers: dict[asyncio.StreamWriter, str] = {}
        self._asking: asyncio.StreamWriter | None = None
        self._told: dict[str, list[CarrierEvent]] = defaultdict(list)
        self._server: asyncio.Server | None = None
        self.ledger: list[Noted] = []
        self.silent: set[str] = set()
        self.unavailable: set[str] = set()

    async def start(self, port: int = 0) -> int:
        """Listen on loopback; answers the port."""
        await self._carrier.start(self._tell)
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        listening: int = self._server.sockets[0].getsockname()[1]
        return listening

    def cut(self) -> None:
        """Cut every connection."""
        for client in list(self._clients):
            client.transport.abort()

    def let_go(self) -> None:
        """Let those who stayed hang up."""
        for reference in [*self._staying]:
            self._carrier.ring_off(reference)

    async def close(self) -> None:
        """End the calls, then the connections."""
        await self._carrier.close()
        if self._server is not None:
            self._server.close()
            self.cut()
            await self._server.wait_closed()
        if self._file is not None:
            os.close(self._file)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        try:
            with contextlib.suppress(ConnectionError):
                while line := await reader.readline():
                    await self._answer(json.loads(line), writer)
        finally:
            self._clients.discard(writer)
            self._callers.pop(writer, None)
            writer.close()

    async def _answer(self, message: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        order, reference, details = message["order"], message["reference"], message["details"]
        answer: dict[str, Any] = {"number": message["number"]}
        self._asking = writer
        try:
            answer["answer"] = await self._carry_out(order, reference, details)
        except (ChannelRejected, ChannelUnavailable) as error:
            answer |= {"refused": str(error), "why": "rejected" if isinstance(error, ChannelRejected) else "away"}
        finally:
            self._asking = None
        if order != "live":
            caller = self._callers[writer] = details.get("caller_id") or self._callers.get(writer, "")
            detail = str(details.get("number") or details.get("agent_id") or details.get("text") or "")
            attempt_id, refused = details.get("attempt_id", 0), answer.get("refused", "")
            self._note(Noted(order, reference, _now(), attempt_id, detail, refused, caller))
        if order not in self.silent:
            writer.write(encode(answer))

    async def _carry_out(self, order: str, reference: str, details: dict[str, Any]) -> list[str] | None:
        carrier = self._carrier
        if order in self.unavailable:
            raise ChannelUnavailable("no trunk is free")
        if order == "live":
            up = await carrier.live()
            for event in [event for name in up for event in self._told[name]]:
                self._send(event, self._asking)
            return up
        if order == "place":
            await carrier.place(CallRequest(reference, **details))
        elif order == "play":
            await carrier.play(reference, Announcement(details["text"], details["language"]), ask=details["ask"])
        elif order == "record":
            text = details.pop("announcement")
            await carrier.record(reference, announcement=Announcement(**text) if text else None, **details)
        else:  # named and worded as in the protocol
            answer: list[str] | None = await getattr(carrier, order)(*([reference] if reference else []), **details)
            return answer
        return None

    def _tell(self, event: CarrierEvent) -> None:
        """Tell everybody of a call, and of an agent whoever asked; remember what is told of calls that are up."""
        if event.kind in OF_AGENTS:
            self._send(event, self._asking)
            return
        if event.kind in _ENDS:
            self._told.pop(event.reference, None)
            self._note(Noted("ended", event.reference, _now(), detail=event.kind.value))
            if event.reference in self._staying:
                self._staying.remove(event.reference)
        else:
            self._told[event.reference].append(event)
            if event.kind is Kind.BRIDGED and self._stay:
                self._stay -= 1
                self._staying.append(event.reference)
                self._carrier.stay(event.reference)
                self._note(Noted("stays", event.reference, _now()))
        for client in list(self._clients):
            self._send(event, client)

    @staticmethod
    def _send(event: CarrierEvent, client: asyncio.StreamWriter | None) -> None:
        if client is not None and not client.is_closing():
            client.write(encode(report(event)))

    def _note(self, row: Noted) -> None:
        self.ledger.append(row)
        if self._file is not None:
            os.write(self._file, json.dumps(asdict(row)).encode() + b"\n")


def _now() -> str:
    return datetime.now(UTC).isoformat()


@asynccontextmanager
async def carrier_server(carrier: SimulatedCarrier) -> AsyncIterator[tuple[CarrierServer, str]]:
    """Serve a carrier for the length of the block; hands out its address, too."""
    server = CarrierServer(carrier)
    port = await server.start()
    try:
        yield server, f"127.0.0.1:{port}"
    finally:
        await server.close()


async def _run(options: argparse.Namespace) -> None:
    shares = Options(
        seed=options.seed, answer=options.answer, busy=options.busy, machine=options.machine, ring=options.ring,
        talk=options.talk,
    )  # fmt: skip
    clock = FastClock(datetime.now(UTC), options.speed)
    server = CarrierServer(SimulatedCarrier(shares, clock), ledger=options.ledger, stay=options.stay)
    ended = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, ended.set)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, server.let_go)
    sys.stdout.write(json.dumps({"port": await server.start(options.port)}) + "\n")
    sys.stdout.flush()
    await ended.wait()
    await server.close()


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(description="The simulated carrier on loopback.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ledger", type=Path)
    parser.add_argument("--speed", type=float, default=1.0, help="how many times faster than life its customers live")
    parser.add_argument("--stay", type=int, default=0, help="how many go on talking until SIGUSR1")
    for name, value in (("seed", 1), ("answer", 0.6), ("busy", 0.1), ("machine", 0.1), ("ring", 3.0), ("talk", 10.0)):
        parser.add_argument(f"--{name}", type=type(value), default=value)
    asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
