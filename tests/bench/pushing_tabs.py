"""The tabs of the benchmark of pushes: agents who work by them as by pages, and note when each desk hears something."""

import asyncio
import json
import random
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.web.people import OWN, PASSWORD

_TOPICS = {"agent": ["desk", "desk-work", "desk-typed"], "chief": ["live", "wall"]}


@dataclass
class Tab:
    """One person's page; `wrap` is the mean time of writing, in seconds."""

    name: str
    address: str
    session: aiohttp.ClientSession
    wrap: float
    heard: list[tuple[float, str, str]] = field(default_factory=list)
    doing: set["asyncio.Task[None]"] = field(default_factory=set)
    _state: str = ""
    _painted: str = ""

    async def open(self) -> aiohttp.ClientWebSocketResponse:
        """Sign in and connect."""
        await self._send("/sign-in", name=self.name, password=PASSWORD)
        socket = await self.session.ws_connect(f"{self.address}/ws", headers={"Origin": self.address})
        await socket.send_json({"see": _TOPICS[self.name.partition("-")[0]]})
        return socket

    async def listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Take note of what comes, and do what a person does then."""
        async for message in socket:
            at, told = time.monotonic(), json.loads(message.data)
            if "beat" in told:
                await socket.send_json({"beat": 1})
            elif told["topic"] == "desk":
                self._stand(at, told["state"])
            elif told["topic"] == "desk-work":
                self.heard.append((at, "card", told["state"]["key"]))

    def _stand(self, at: float, told: dict[str, Any]) -> None:
        self.heard.append((at, told["state"], told["key"]))
        if told["state"] != self._state:
            self._state = told["state"]
            if self._state in {"offline", "unreachable"}:
                self._do(self._send("/desk/do", order="sign-in", words=""))
            elif self._state == "pause":
                self._do(self._send("/desk/do", order="resume", words=""))
            elif self._state == "wrap":
                self._do(self._write(told["key"]))
        if told["phase"] == "talk" and told["call"] != self._painted:
            self._painted = told["call"]
            self._do(self._send("/desk/painted", call=told["call"]))

    async def _write(self, attempt: str) -> None:
        await asyncio.sleep(random.uniform(0.5, 1.5) * self.wrap)
        await self._send("/desk/finish", attempt=attempt, outcome="dropped", note="Nicht durchgekommen.")

    async def _send(self, path: str, **form: str) -> None:
        async with self.session.post(self.address + path, data=form, headers=OWN, allow_redirects=False) as answer:
            if answer.status not in {200, 204, 303}:
                print(self.name, path, answer.status, await answer.text(), file=sys.stderr)

    def _do(self, deed: Any) -> None:  # noqa: ANN401 - a coroutine
        task = asyncio.ensure_future(deed)
        self.doing.add(task)
        task.add_done_callback(self.doing.discard)


async def main() -> None:
    """Connect, say so, and tell what each desk heard once nobody asks any more."""
    port, desks, looking = (int(word) for word in sys.argv[1:4])
    names = [f"agent-{number + 1}" for number in range(desks)] + [f"chief-{number + 1}" for number in range(looking)]
    async with AsyncExitStack() as stack:
        tabs, listening = [], []
        for name in names:
            session = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)))
            tabs.append(Tab(name, f"http://127.0.0.1:{port}", session, float(sys.argv[4])))
            listening.append(asyncio.ensure_future(tabs[-1].listen(await tabs[-1].open())))
        print("connected", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        doing = [one for tab in tabs for one in tab.doing]
        for one in (*listening, *doing):
            one.cancel()
        await asyncio.gather(*listening, *doing, return_exceptions=True)
        print(json.dumps({tab.name: tab.heard for tab in tabs}), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
