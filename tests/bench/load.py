"""Posts signed status callbacks as fast as they are answered, over many connections; a process of its own.

Called as `python -m tests.bench.load PORT REQUESTS CONNECTIONS`; everything is written out before the first is sent.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from functools import partial
from typing import cast
from urllib.parse import urlencode

from contactd.cli.running import fast_loop
from tests.fakes.twilio_api import sign

PUBLIC_URL = "https://contactd.example"
TOKEN = "a-token-of-no-account"
_ACCOUNT = "AC00000000000000000000000000000000"
_END = b"\r\n\r\n"


def requests(count: int) -> list[bytes]:
    """Write the callbacks: each tells that another message was delivered."""
    return [_request(number) for number in range(1, count + 1)]


def _request(number: int) -> bytes:
    path = f"/hooks/twilio/status?ref={number}-1"
    pairs = [
        ("ApiVersion", "2010-04-01"), ("MessageSid", f"SM{number}"), ("SmsSid", f"SM{number}"),
        ("AccountSid", _ACCOUNT), ("From", "+4917604069000"), ("To", f"+49176040690{number % 100:02}"),
        ("SmsStatus", "delivered"), ("MessageStatus", "delivered"),
    ]  # fmt: skip
    body = urlencode(pairs)
    return (
        f"POST {path} HTTP/1.1\r\nHost: contactd.example\r\nUser-Agent: TwilioProxy/1.1\r\nAccept: */*\r\n"
        "Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n"
        f"I-Twilio-Idempotency-Token: {number:032x}\r\n"
        f"X-Twilio-Signature: {sign(TOKEN, PUBLIC_URL + path, pairs)}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


class _Caller(asyncio.Protocol):
    """One connection: sends the next request when the last was answered."""

    def __init__(self, waiting: Iterator[bytes], done: asyncio.Future[None]) -> None:
        self._waiting = waiting
        self.done = done
        self._heard = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance

    def next(self) -> None:
        """Send the next request; hang up after the last."""
        request = next(self._waiting, None)
        if request is None:
            self._transport.close()
            if not self.done.done():
                self.done.set_result(None)
            return
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Check the answer; it has no body."""
        self._heard += data
        if _END in self._heard:
            if b" 204 " not in self._heard[:20]:
                self.done.set_exception(RuntimeError(self._heard.decode(errors="replace")))
                return
            self._heard = b""
            self.next()

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail when the server hung up before the last answer."""
        if not self.done.done():
            self.done.set_exception(exc or RuntimeError("the server hung up"))


async def call(port: int, count: int, connections: int) -> float:
    """Send everything; answers the seconds it took."""
    loop = asyncio.get_running_loop()
    waiting = iter(requests(count))
    callers = [_Caller(waiting, loop.create_future()) for _ in range(connections)]
    for caller in callers:
        await loop.create_connection(partial(_itself, caller), "127.0.0.1", port)
    began = time.perf_counter()
    for caller in callers:
        caller.next()
    await asyncio.gather(*(caller.done for caller in callers))
    return time.perf_counter() - began


def _itself(caller: _Caller) -> _Caller:
    return caller


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=fast_loop()) as runner:
        seconds = runner.run(call(*map(int, sys.argv[1:])))
    print(json.dumps({"seconds": seconds}))
