"""A server that stands in for Twilio's Messages: it keeps a ledger of what it took and calls back, faults on demand.

In a test: `async with TwilioServer() as twilio`. As a process of its own, with a ledger that survives:
`python -m tests.fakes.twilio_server --port 0 --ledger FILE` prints `{"port": …}` and serves until it is ended.
"""

import argparse
import asyncio
import base64
import json
import os
import random
import re
import signal
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Self, TypeVar
from urllib.parse import parse_qsl, urldefrag, urlencode, urlsplit

import aiohttp
from aiohttp import web
from yarl import URL

from tests.fakes.twilio_api import CREATE_PARAMETERS, ERRORS, LIST_PARAMETERS, VERSION, sign
from tests.fakes.twilio_ledger import ANSWERS, FATES, GOOD, Answer, Callbacks, Called, Taken, open_ledger

ACCOUNT = "AC" + "0" * 31 + "1"
TOKEN = "not-a-real-token"
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_OK = range(200, 300)
T = TypeVar("T")


class TwilioServer:
    """Serves on loopback; `answers` are used up one POST each, `callbacks` decides for each message."""

    def __init__(
        self,
        *,
        account: str = ACCOUNT,
        token: str = TOKEN,
        ledger: Path | None = None,
        callback_base: str = "",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Take the credentials it expects; `callback_base` replaces scheme and host of callback addresses."""
        self.account, self.token = account, token
        self.ledger: list[Taken] = []
        self.requests: Counter[str] = Counter()
        self.called: list[Called] = []
        self.answers: deque[Answer] = deque()
        self.answer: Callable[[Mapping[str, str]], Answer] = lambda _: GOOD
        self.callbacks: Callable[[Taken], Callbacks] = lambda _: Callbacks()
        self.opted_out: set[str] = set()
        self.unlisted: set[str] = set()  # numbers whose messages the list does not show
        self.listing_lag = timedelta(0)  # the list shows a message only when it is that old
        self.largest_page = 1000
        self.url = ""
        self.callback_base = callback_base
        self._now = now
        self._tasks: set[asyncio.Task[None]] = set()
        self._released = asyncio.Event()
        self._silence = asyncio.Event()
        self._file = open_ledger(ledger, self.ledger) if ledger else None
        self._client: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None

    async def start(self, port: int = 0) -> int:
        """Listen on loopback and answer the port."""
        app = web.Application()
        place = f"/{VERSION}/Accounts/{{account}}"
        app.router.add_post(f"{place}/Messages.json", self._create)
        app.router.add_get(f"{place}/Messages.json", self._list)
        app.router.add_get(f"{place}/Messages/{{sid}}.json", self._fetch)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        port = int(self._runner.addresses[0][1])
        self.url = f"http://127.0.0.1:{port}"
        self._client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15))
        return port

    async def close(self) -> None:
        """Stop; callbacks still waiting are never made."""
        self._silence.set()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client:
            await self._client.close()
        if self._runner:
            await self._runner.cleanup()
        if self._file is not None:
            os.close(self._file)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def release(self) -> None:
        """Let the held callbacks go."""
        self._released.set()

    async def idle(self) -> None:
        """Wait until every callback has been made."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def receive(self, url: str, *, sender: str, to: str, body: str, opt_out: str = "") -> int:
        """Hand an inbound message to a webhook and answer the status it gave; STOP is remembered as Twilio does."""
        if opt_out == "STOP":
            self.opted_out.add(sender)
        sid = f"SM{random.Random(f'{sender}{body}{len(self.called)}').getrandbits(128):032x}"
        fields = {
            "MessageSid": sid, "SmsSid": sid, "SmsMessageSid": sid, "AccountSid": self.account, "From": sender,
            "To": to, "Body": body, "NumMedia": "0", "NumSegments": "1", "SmsStatus": "received",
            "ApiVersion": VERSION,
        }  # fmt: skip
        if opt_out:
            fields["OptOutType"] = opt_out
        called = await self._call(url, fields)
        return called.answered[-1]

    # ---- the interface -------------------------------------------------------------------------------------------

    async def _create(self, request: web.Request) -> web.StreamResponse:
        self.requests["POST"] += 1
        form = dict(parse_qsl(await request.text(), keep_blank_values=True))
        refused = self._refuse(request, form, CREATE_PARAMETERS) or self._object(form)
        if refused:
            return refused
        answer = self.answers.popleft() if self.answers else self.answer(form)
        taken = self._take(form) if answer.taken else None
        plan = self.callbacks(taken) if taken and taken.callback else Callbacks(lost=True)
        if taken and plan.early:
            await self._tell(taken, plan)
        elif taken and not plan.lost:
            self._later(taken, plan)
        await asyncio.sleep(answer.delay)
        if answer.silent:
            await self._silence.wait()
        if answer.silent or answer.dropped:
            if request.transport:
                request.transport.abort()
            return web.Response(status=500)
        if answer.garbled:
            return web.Response(status=201, text="<html>a proxy's answer</html>", content_type="text/html")
        if answer.status in _OK and taken:
            return web.json_response(self._shape(taken, first=True), status=201)
        headers = {"Retry-After": answer.retry_after} if answer.retry_after else {}
        return _error(answer.status, answer.code, headers)

    async def _list(self, request: web.Request) -> web.Response:
        self.requests["GET"] += 1
        refused = self._refuse(request, request.query, LIST_PARAMETERS)
        if refused:
            return refused
        to, size = request.query.get("To", ""), min(int(request.query.get("PageSize", "50")), self.largest_page)
        page = int(request.query.get("Page", "0"))
        found = [row for row in reversed(self.ledger) if row.to == to or not to]
        newest = self._now() - self.listing_lag
        found = [row for row in found if row.to not in self.unlisted and datetime.fromisoformat(row.at) <= newest]
        shown = found[page * size : (page + 1) * size]
        place = f"/{VERSION}/Accounts/{self.account}/Messages.json"

        def uri(number: int) -> str:
            return f"{place}?{urlencode({'To': to, 'PageSize': size, 'Page': number, 'PageToken': f'PA{number}'})}"

        return web.json_response({
            "messages": [self._shape(row) for row in shown],
            "page": page, "page_size": size, "start": page * size, "end": page * size + len(shown) - 1,
            "uri": uri(page), "first_page_uri": uri(0),
            "next_page_uri": uri(page + 1) if len(found) > (page + 1) * size else None,
            "previous_page_uri": uri(page - 1) if page else None,
        })  # fmt: skip

    async def _fetch(self, request: web.Request) -> web.Response:
        self.requests["GET"] += 1
        refused = self._refuse(request, request.query, frozenset())
        found = next((row for row in self.ledger if row.sid == request.match_info["sid"]), None)
        return refused or (web.json_response(self._shape(found)) if found else _error(404, 20404))

    def _refuse(self, request: web.Request, given: Iterable[str], known: frozenset[str]) -> web.Response | None:
        expected = base64.b64encode(f"{self.account}:{self.token}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {expected}" or request.match_info["account"] != self.account:
            return _error(401, 20003)
        unknown = sorted(set(given) - known)
        return _error(400, 20001, text=f"unknown parameters: {unknown}") if unknown else None

    def _object(self, form: Mapping[str, str]) -> web.Response | None:
        code = 0
        if not _E164.fullmatch(form.get("To", "")):
            code = 21211
        elif not form.get("From") and not form.get("MessagingServiceSid"):
            code = 21603
        elif not form.get("Body"):
            code = 21602
        elif form["To"] in self.opted_out:
            code = 21610
        return _error(400, code) if code else None

    def _take(self, form: Mapping[str, str]) -> Taken:
        row = Taken(
            sid=f"SM{random.Random(f'{len(self.ledger)}{form}').getrandbits(128):032x}",
            to=form["To"],
            sender=form.get("From", ""),
            service=form.get("MessagingServiceSid", ""),
            body=form["Body"],
            callback=form.get("StatusCallback", ""),
            at=self._now().isoformat(),
        )
        self.ledger.append(row)
        if self._file is not None:
            os.write(self._file, json.dumps(asdict(row)).encode() + b"\n")
            os.fsync(self._file)
        return row

    def _shape(self, row: Taken, *, first: bool = False) -> dict[str, object]:
        at = format_datetime(datetime.fromisoformat(row.at))
        uri = f"/{VERSION}/Accounts/{self.account}/Messages/{row.sid}"
        return {
            "sid": row.sid, "account_sid": self.account, "to": row.to, "from": row.sender or None,
            "messaging_service_sid": row.service or None, "body": row.body, "direction": "outbound-api",
            "status": "queued" if first else row.status, "error_code": row.code or None, "error_message": None,
            "num_segments": str(len(row.body) // 153 + 1), "num_media": "0", "price": None, "price_unit": "USD",
            "date_created": at, "date_updated": at, "date_sent": None, "api_version": VERSION,
            "uri": f"{uri}.json", "subresource_uris": {"media": f"{uri}/Media.json"},
        }  # fmt: skip

    # ---- callbacks -----------------------------------------------------------------------------------------------

    def _later(self, row: Taken, plan: Callbacks) -> None:
        task = asyncio.get_running_loop().create_task(self._tell(row, plan))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self, row: Taken, plan: Callbacks) -> None:
        if plan.held:
            await self._released.wait()
        await asyncio.sleep(plan.delay)
        if plan.forged:
            await self._call(row.callback, self._status(row, "failed", 30006), token="forged")
        told = [(status, plan.code if status in {"failed", "undelivered"} else 0) for status in plan.statuses]
        if told:
            row.status, row.code = told[-1]
        for status, code in reversed(told) if plan.reordered else told:
            for _ in range(plan.copies):
                await self._call(row.callback, self._status(row, status, code))

    def _status(self, row: Taken, status: str, code: int) -> dict[str, str]:
        fields = {
            "MessageSid": row.sid, "SmsSid": row.sid, "MessageStatus": status, "SmsStatus": status, "To": row.to,
            "From": row.sender, "AccountSid": self.account, "ApiVersion": VERSION,
        }  # fmt: skip
        return fields | ({"ErrorCode": str(code)} if code else {})

    async def _call(self, url: str, fields: dict[str, str], token: str = "") -> Called:
        """Call as Twilio does: again after a failed connect, and as the fragment of the address asks."""
        bare, fragment = urldefrag(url)
        wishes = dict(parse_qsl(fragment))
        again = 1 + min(int(wishes.get("rc", "1")), 5)
        split = urlsplit(bare)
        target = f"{self.callback_base}{split.path}?{split.query}" if self.callback_base else bare
        named = f"{fields['MessageSid']}{fields.get('MessageStatus', '')}"
        headers = {
            "X-Twilio-Signature": sign(token or self.token, bare, fields.items()),
            "I-Twilio-Idempotency-Token": str(random.Random(named).getrandbits(64)),
        }
        called = Called(url, fields)
        self.called.append(called)
        for _ in range(again):
            called.answered.append(await self._post(target, fields, headers))
            done = called.answered[-1] in _OK or (called.answered[-1] and wishes.get("rp") != "all")
            if done or token:
                break
        return called

    async def _post(self, target: str, fields: dict[str, str], headers: dict[str, str]) -> int:
        if self._client is None:
            return 0
        try:
            async with self._client.post(URL(target, encoded=True), data=fields, headers=headers) as answer:
                await answer.read()
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return 0


def _error(status: int, code: int, headers: Mapping[str, str] | None = None, text: str = "") -> web.Response:
    words = {
        "code": code, "message": text or ERRORS.get(code, "An error"), "status": status,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
    }  # fmt: skip
    return web.json_response(words, status=status, headers=headers)


# ---- as a process of its own -------------------------------------------------------------------------------------


def _shares(text: str, known: Iterable[str]) -> list[tuple[str, float]]:
    """Read `name=share,name=share`."""
    pairs = [part.partition("=") for part in text.split(",") if part]
    for name, _, _ in pairs:
        if name not in known:
            raise SystemExit(f"{name!r} is none of {', '.join(known)}")
    return [(name, float(share)) for name, _, share in pairs]


def _draw(dice: random.Random, shares: list[tuple[str, float]], table: Mapping[str, T], good: T) -> T:
    at = dice.random()
    for name, share in shares:
        if at < share:
            return table[name]
        at -= share
    return good


async def _serve(options: argparse.Namespace) -> None:
    server = TwilioServer(
        account=options.account, token=options.token, ledger=options.ledger, callback_base=options.callback_base
    )
    dice = random.Random(options.seed)
    answers, fates = _shares(options.answers, ANSWERS), _shares(options.callbacks, FATES)
    delay = Callbacks(delay=options.delay)
    server.answer = lambda _: replace(_draw(dice, answers, ANSWERS, GOOD), delay=options.answer_delay)
    server.callbacks = lambda _: replace(plan := _draw(dice, fates, FATES, delay), delay=plan.delay or options.delay)
    ended = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, ended.set)
    port = await server.start(options.port)
    sys.stdout.write(json.dumps({"port": port, "account": server.account, "token": server.token}) + "\n")
    sys.stdout.flush()
    await ended.wait()
    await server.close()


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(description="Stands in for Twilio's Messages on loopback.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ledger", type=Path)
    parser.add_argument("--callback-base", default="", help="where callbacks go instead of the address they name")
    parser.add_argument("--account", default=ACCOUNT)
    parser.add_argument("--token", default=TOKEN)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each message's callbacks")
    parser.add_argument("--answer-delay", type=float, default=0.0, help="seconds between taking and answering")
    parser.add_argument("--answers", default="", help=f"shares of faults, like drop=0.01; of {', '.join(ANSWERS)}")
    parser.add_argument("--callbacks", default="", help=f"shares of faults, like lost=0.1; of {', '.join(FATES)}")
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
