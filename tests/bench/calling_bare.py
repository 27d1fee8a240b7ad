"""A client that only joins whoever answers with the next agent: what contactd's calls are held against.

No database, no rules, no pacing: bare requests, the same as contactd's, and each as soon as its event is there.
"""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Coroutine, Sequence
from types import TracebackType
from typing import Any, Self

import aiohttp

from contactd.telephony.ari import Event
from contactd.telephony.asterisk_legs import HOLDING, mix_of
from contactd.telephony.asterisk_legs import PREFIX as AGENT
from contactd.telephony.asterisk_lines import PREFIX as CUSTOMER
from tests.bench.calling_lab import Joins
from tests.calls.asterisk import USER, Asterisk

_PATIENCE = 30.0


class Bare:
    """One application of the PBX; use it with `async with`."""

    def __init__(self, pbx: Asterisk, joins: Joins, talk: float) -> None:
        self._url, self._password = pbx.ari, pbx.password
        self._joins, self._talk = joins, talk
        self._free: deque[str] = deque()
        self._agents: dict[str, str] = {}  # by customer
        self._came: dict[str, asyncio.Event] = {}
        self._over: dict[str, asyncio.Event] = {}
        self._deeds: set[asyncio.Task[None]] = set()
        self.lost = 0

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=6, keepalive_timeout=10)
        headers = {"Authorization": aiohttp.encode_basic_auth(USER, self._password)}
        self._session = aiohttp.ClientSession(headers=headers, connector=connector)
        self._socket = await self._session.ws_connect(f"{self._url}/events", params={"app": "contactd"})
        self._reader = asyncio.create_task(self._read())
        await self._post("bridges", type="holding", bridgeId=HOLDING)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._socket.close()
        await self._reader
        deeds = list(self._deeds)
        for deed in deeds:
            deed.cancel()
        await asyncio.gather(*deeds, return_exceptions=True)
        await self._session.close()

    async def seat(self, phones: Sequence[str]) -> None:
        """Call the agents' telephones and keep them up."""
        for phone in phones:
            channel = AGENT + phone
            await self._post("bridges", type="mixing", bridgeId=mix_of(phone))
            self._came[channel] = asyncio.Event()
            await self._post(
                "channels", endpoint=f"PJSIP/{phone}", app="contactd", appArgs="agent", channelId=channel, timeout="30"
            )
            await self._came[channel].wait()
            await self._post(f"bridges/{HOLDING}/addChannel", channel=channel)
            self._free.append(phone)

    async def call(self, numbers: Sequence[str], rate: float) -> None:
        """Call them all, so many a second, and wait until all calls are over; what is never heard of counts as lost."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        for place, number in enumerate(numbers):
            channel = f"{CUSTOMER}{place}-1"
            self._came[channel], self._over[channel] = asyncio.Event(), asyncio.Event()
            await asyncio.sleep(began + place / rate - loop.time())
            self._soon(self._place(channel, number))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._talk + _PATIENCE):
                for over in self._over.values():
                    await over.wait()
        self.lost = sum(not over.is_set() for over in self._over.values())

    async def _place(self, channel: str, number: str) -> None:
        endpoint = f"PJSIP/{number.removeprefix('+')}@trunk"
        await self._post("channels/create", endpoint=endpoint, app="contactd", appArgs="out", channelId=channel)
        await self._came[channel].wait()
        await self._post(f"channels/{channel}/dial", timeout="30")

    async def _join(self, channel: str) -> None:
        if not self._free:
            await self._delete(channel)
            return
        agent = self._agents[channel] = self._free.popleft()
        self._joins.order(channel)
        await self._post(f"bridges/{mix_of(agent)}/addChannel", channel=f"{channel},{AGENT}{agent}")
        await asyncio.sleep(self._talk)
        await self._delete(channel)

    async def _part(self, agent: str) -> None:
        await self._post(f"bridges/{HOLDING}/addChannel", channel=AGENT + agent)
        self._free.append(agent)

    def _hear(self, event: Event) -> None:
        self._joins.hear(event)
        kind, channel = event["type"], event.get("channel", {}).get("id", "")
        if kind == "StasisStart" and channel in self._came:
            self._came[channel].set()
        elif channel not in self._over:
            return
        elif kind == "ChannelStateChange" and event["channel"]["state"] == "Up":
            self._soon(self._join(channel))
        elif kind == "ChannelDestroyed":
            self._over[channel].set()
            if agent := self._agents.pop(channel, ""):
                self._soon(self._part(agent))

    async def _read(self) -> None:
        async for message in self._socket:
            self._hear(json.loads(message.data))

    def _soon(self, deed: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(deed)
        self._deeds.add(task)
        task.add_done_callback(self._deeds.discard)

    async def _post(self, where: str, **params: str) -> None:
        async with self._session.post(f"{self._url}/{where}", params=params) as answer:
            await answer.read()

    async def _delete(self, channel: str) -> None:
        async with self._session.delete(f"{self._url}/channels/{channel}") as answer:
            await answer.read()
