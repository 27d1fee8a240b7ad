"""The SMS backend's tests: a channel that talks to the stand-in, messages, and a server with one fixed answer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from aiohttp import web

from contactd.channels.base import LookUp, Message, fingerprint
from contactd.channels.sms_twilio import TwilioSms
from tests.fakes.twilio_ledger import Callbacks
from tests.fakes.twilio_server import ACCOUNT, TOKEN, TwilioServer

NUMBER = "+4915228817386"
OTHER = "+4915228895456"
OURS = "+491729925904"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PUBLIC = "https://dunning.example.com"


@asynccontextmanager
async def quiet_twilio() -> AsyncIterator[TwilioServer]:
    """Serve a stand-in that calls nobody back."""
    async with TwilioServer(now=lambda: NOW) as server:
        server.callbacks = lambda _: Callbacks(lost=True)
        yield server


@asynccontextmanager
async def opened(channel: TwilioSms) -> AsyncIterator[TwilioSms]:
    """Open a channel for a while."""
    await channel.start()
    try:
        yield channel
    finally:
        await channel.close()


def backend(
    base_url: str,
    *,
    token: str = TOKEN,
    service: str = "",
    public_url: str = PUBLIC,
    timeout: float = 5.0,
    connections: int = 64,
) -> TwilioSms:
    """Build a channel with the stand-in's credentials."""
    return TwilioSms(
        account_sid=ACCOUNT,
        auth_token=token,
        sender=OURS,
        messaging_service=service,
        public_url=public_url,
        base_url=base_url,
        timeout=timeout,
        connections=connections,
    )


def message(number: int = 1, to: str = NUMBER, text: str = "") -> Message:
    """Write a message in its own words."""
    return Message(
        reference=f"{number}-2",
        attempt_id=number,
        to=to,
        language="de",
        subject="",
        text=text or f"Müller & Söhne: Rechnung {number} über 10,00 € ist offen. 😀",
        created_at=NOW,
    )


def question(about: Message, since: datetime = NOW, **more: frozenset[str]) -> LookUp:
    """Ask about a message."""
    return LookUp(reference=about.reference, to=about.to, since=since, fingerprint=fingerprint(about.text), **more)


@asynccontextmanager
async def answered(status: int, body: object) -> AsyncIterator[TwilioSms]:
    """Serve one fixed answer and yield a channel that talks to it."""

    async def answer(_: web.Request) -> web.Response:
        return web.json_response(body, status=status)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sms = backend(f"http://127.0.0.1:{runner.addresses[0][1]}")
    await sms.start()
    try:
        yield sms
    finally:
        await sms.close()
        await runner.cleanup()
