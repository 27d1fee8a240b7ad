"""The server that stands in for Twilio: published shapes, a ledger that survives, and faults when asked for."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from twilio.request_validator import RequestValidator

from tests.channels.sms_on_the_wire import NUMBER, OTHER, OURS, backend, message, opened
from tests.fakes.twilio_api import LIST_PROPERTIES, MESSAGE_PROPERTIES, STATUSES
from tests.fakes.twilio_ledger import Callbacks, read_ledger
from tests.fakes.twilio_server import ACCOUNT, TOKEN, TwilioServer

ROOT = Path(__file__).resolve().parents[2]
CREDENTIALS = aiohttp.encode_basic_auth(ACCOUNT, TOKEN)
FORM = {"To": NUMBER, "From": OURS, "Body": "Hallo"}


@pytest.fixture
async def twilio() -> AsyncIterator[TwilioServer]:
    async with TwilioServer() as server:
        yield server


async def ask(
    twilio: TwilioServer, method: str, path: str, form: dict[str, str] | None = None, credentials: str = CREDENTIALS
) -> tuple[int, dict[str, object]]:
    url = f"{twilio.url}/2010-04-01/Accounts/{ACCOUNT}/{path}"
    headers = {"Authorization": credentials}
    async with aiohttp.ClientSession() as session, session.request(method, url, data=form, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_its_answers_have_the_published_properties(twilio: TwilioServer) -> None:
    status, created = await ask(twilio, "POST", "Messages.json", FORM)
    assert status == 201
    assert created.keys() == MESSAGE_PROPERTIES
    assert created["status"] in STATUSES
    status, listed = await ask(twilio, "GET", "Messages.json")
    assert status == 200
    assert listed.keys() == LIST_PROPERTIES
    status, fetched = await ask(twilio, "GET", f"Messages/{created['sid']}.json")
    assert (status, fetched) == (200, created)
    assert listed["messages"] == [created]


async def test_it_refuses_what_twilio_refuses(twilio: TwilioServer) -> None:
    assert (await ask(twilio, "POST", "Messages.json", FORM, "Basic eDp5"))[0] == 401
    assert (await ask(twilio, "GET", "Messages.json", credentials=""))[0] == 401
    for wrong, code in (
        ({"To": "030"}, 21211),
        ({"From": ""}, 21603),
        ({"Body": ""}, 21602),
        ({"StatusCallbackEvent": "sent"}, 20001),
    ):
        status, body = await ask(twilio, "POST", "Messages.json", FORM | wrong)
        assert (status, body["code"]) == (400, code), wrong
    assert (await ask(twilio, "GET", "Messages.json?Since=1"))[0] == 400
    assert (await ask(twilio, "GET", "Messages/SM0.json"))[0] == 404
    assert twilio.ledger == []


class Listener:
    """Somebody who is called back, and remembers it."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, bool]] = []
        self.answers: list[int] = []
        self.url = ""

    async def hear(self, request: web.Request) -> web.Response:
        """Check the signature with the library and remember the status."""
        form = dict((await request.post()).items())
        valid = RequestValidator(TOKEN).validate(
            self.url + request.raw_path, form, request.headers["X-Twilio-Signature"]
        )
        self.calls.append((str(form.get("MessageStatus", form.get("Body"))), valid))
        return web.Response(status=self.answers.pop(0) if self.answers else 204)


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    listener = Listener()
    app = web.Application()
    app.router.add_post("/{tail:.*}", listener.hear)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    listener.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield listener
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("plan", "heard"),
    [
        (Callbacks(), [("sent", True), ("delivered", True)]),
        (Callbacks(copies=2), [("sent", True), ("sent", True), ("delivered", True), ("delivered", True)]),
        (Callbacks(reordered=True), [("delivered", True), ("sent", True)]),
        (Callbacks(lost=True), []),
        (Callbacks(forged=True), [("failed", False), ("sent", True), ("delivered", True)]),
        (Callbacks(early=True), [("sent", True), ("delivered", True)]),
        (Callbacks(("undelivered",), 30008), [("undelivered", True)]),
    ],
)
async def test_it_calls_back_signed_and_with_the_fault_asked_for(
    twilio: TwilioServer, plan: Callbacks, heard: list[tuple[str, bool]]
) -> None:
    twilio.callbacks = lambda _: plan
    async with listening() as listener, opened(backend(twilio.url, public_url=listener.url)) as sms:
        await sms.send(message())
        if plan.early:
            assert listener.calls == heard
        await twilio.idle()
        assert listener.calls == heard


async def test_held_callbacks_wait_for_their_release(twilio: TwilioServer) -> None:
    twilio.callbacks = lambda _: Callbacks(held=True)
    async with listening() as listener, opened(backend(twilio.url, public_url=listener.url)) as sms:
        await sms.send(message())
        await asyncio.sleep(0)
        assert listener.calls == []
        twilio.release()
        await twilio.idle()
        assert len(listener.calls) == 2


async def test_it_calls_again_after_an_error_as_our_address_asks(twilio: TwilioServer) -> None:
    twilio.callbacks = lambda _: Callbacks(("delivered",))
    async with listening() as listener, opened(backend(twilio.url, public_url=listener.url)) as sms:
        listener.answers = [503, 500]
        await sms.send(message())
        await twilio.idle()
    assert [called.answered for called in twilio.called] == [[503, 500, 204]]


async def test_inbound_messages_are_signed_and_a_stop_is_remembered(twilio: TwilioServer) -> None:
    async with listening() as listener, opened(backend(twilio.url)) as sms:
        url = f"{listener.url}/hooks/twilio/message"
        assert await twilio.receive(url, sender=NUMBER, to=OURS, body="Stop", opt_out="STOP") == 204
        assert await twilio.receive(url, sender=OTHER, to=OURS, body="Hallo") == 204
        assert listener.calls == [("Stop", True), ("Hallo", True)]
        await sms.send(message(to=OTHER))
    status, body = await ask(twilio, "POST", "Messages.json", FORM)
    assert (status, body["code"]) == (400, 21610)


async def test_as_a_process_its_ledger_outlives_a_kill(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    for number in (1, 2):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.fakes.twilio_server", "--ledger", str(ledger), "--answers", "429=0.0",
            "--callbacks", "lost=1.0", "--callback-base", "http://127.0.0.1:9",
            stdout=asyncio.subprocess.PIPE, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert process.stdout is not None
        said = json.loads(await process.stdout.readline())
        async with opened(backend(f"http://127.0.0.1:{said['port']}")) as sms:
            await sms.send(message(number))
        process.send_signal(signal.SIGKILL if number == 1 else signal.SIGTERM)
        assert await process.wait() == (-signal.SIGKILL if number == 1 else 0)
        # SIGKILL leaves the pipe to the loop; read it out so that nothing stays open.
        await process.stdout.read()
    assert [row.reference for row in read_ledger(ledger)] == ["1-2", "2-2"]
    with ledger.open("a", encoding="utf-8") as file:
        file.write('{"sid": "SM')
    assert len(read_ledger(ledger)) == 2
    assert read_ledger(tmp_path / "none") == []
