"""Fixtures of the channels' tests."""

from collections.abc import AsyncIterator

import pytest

from contactd.channels.sms_twilio import TwilioSms
from tests.channels.sms_on_the_wire import backend, opened, quiet_twilio
from tests.fakes.twilio_server import TwilioServer


@pytest.fixture
async def twilio() -> AsyncIterator[TwilioServer]:
    """Run the provider."""
    async with quiet_twilio() as server:
        yield server


@pytest.fixture
async def sms(twilio: TwilioServer) -> AsyncIterator[TwilioSms]:
    """Open the channel that reaches it."""
    async with opened(backend(twilio.url)) as channel:
        yield channel
