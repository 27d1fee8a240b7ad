"""The Twilio backend against a server on the wire: one POST a message, and the truth about what became of it."""

import asyncio
import socket

import aiohttp
import pytest

from contactd.channels.base import Receipt, Unknown
from contactd.channels.sms_twilio import TwilioSms
from contactd.domain.account import Channel
from contactd.domain.errors import (
    ChannelMisconfigured,
    ChannelRejected,
    ChannelUnavailable,
    ChannelUnclear,
    RecipientOptedOut,
)
from tests.channels.sms_on_the_wire import (
    NUMBER,
    OURS,
    PUBLIC,
    answered,
    backend,
    message,
    question,
)
from tests.fakes.twilio_ledger import Answer
from tests.fakes.twilio_server import TwilioServer


async def test_a_message_is_posted_once_with_sender_text_and_callback(sms: TwilioSms, twilio: TwilioServer) -> None:
    assert sms.name is Channel.SMS
    receipt = await sms.send(message())
    (row,) = twilio.ledger
    assert receipt == Receipt(row.sid)
    assert (row.to, row.sender, row.service, row.body) == (NUMBER, OURS, "", message().text)
    assert row.callback == f"{PUBLIC}/hooks/twilio/status?ref=1-2#rc=3&rp=all"
    assert row.reference == "1-2"
    assert twilio.requests == {"POST": 1}


async def test_a_messaging_service_goes_before_a_sender(twilio: TwilioServer) -> None:
    sms = backend(twilio.url, service="MG1")
    await sms.start()
    await sms.send(message())
    await sms.close()
    assert (twilio.ledger[0].sender, twilio.ledger[0].service) == ("", "MG1")


async def test_without_a_public_address_no_callback_is_asked_for(twilio: TwilioServer) -> None:
    sms = backend(twilio.url + "/", public_url="")
    await sms.start()
    await sms.send(message())
    await sms.close()
    assert twilio.ledger[0].callback == ""


async def test_many_sends_at_once_are_one_post_each(sms: TwilioSms, twilio: TwilioServer) -> None:
    receipts = await asyncio.gather(*(sms.send(message(number)) for number in range(1, 101)))
    assert len({receipt.provider_ref for receipt in receipts}) == 100
    assert sorted(row.reference for row in twilio.ledger) == sorted(f"{number}-2" for number in range(1, 101))
    assert twilio.requests == {"POST": 100}


UNCERTAIN = [
    Answer(500, taken=True),
    Answer(502, taken=False),
    Answer(503, taken=True),
    Answer(408, taken=False),
    Answer(dropped=True),
    Answer(dropped=True, taken=False),
    Answer(garbled=True),
]


@pytest.mark.parametrize("answer", UNCERTAIN)
async def test_an_uncertain_answer_is_unclear_and_the_post_is_not_repeated(
    sms: TwilioSms, twilio: TwilioServer, answer: Answer
) -> None:
    twilio.answers.append(answer)
    with pytest.raises(ChannelUnclear) as raised:
        await sms.send(message())
    assert raised.value.code
    assert twilio.requests == {"POST": 1}
    assert len(twilio.ledger) == answer.taken


async def test_a_server_that_says_nothing_is_unclear(twilio: TwilioServer) -> None:
    sms = backend(twilio.url, timeout=2)
    await sms.start()
    twilio.answers.append(Answer(silent=True))
    with pytest.raises(ChannelUnclear) as raised:
        await sms.send(message())
    assert raised.value.code == "timeout"
    assert len(twilio.ledger) == 1
    await sms.close()


async def test_a_drop_on_a_connection_used_before_is_unclear_and_not_repeated(
    sms: TwilioSms, twilio: TwilioServer
) -> None:
    await sms.send(message(1))
    twilio.answers.append(Answer(dropped=True))
    with pytest.raises(ChannelUnclear):
        await sms.send(message(2))
    await sms.send(message(3))
    assert [row.reference for row in twilio.ledger] == ["1-2", "2-2", "3-2"]


async def test_nobody_listening_is_certainly_not_taken() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        sms = backend(f"http://127.0.0.1:{free.getsockname()[1]}")
        await sms.start()
        with pytest.raises(ChannelUnavailable):
            await sms.send(message())
        with pytest.raises(ChannelUnavailable):
            await sms.look_up(question(message()))
        await sms.close()


async def test_a_connection_that_never_stands_is_certainly_not_taken(twilio: TwilioServer) -> None:
    # The only connection is busy for longer than the time-out: the second message never gets on the wire.
    sms = backend(twilio.url, timeout=0.3, connections=1)
    await sms.start()
    twilio.answers.append(Answer(silent=True))
    results = await asyncio.gather(sms.send(message(1)), sms.send(message(2)), return_exceptions=True)
    assert {type(result) for result in results} == {ChannelUnclear, ChannelUnavailable}
    assert len(twilio.ledger) == 1
    await sms.close()


async def test_a_channel_that_is_not_open_sends_nothing(twilio: TwilioServer) -> None:
    sms = backend(twilio.url)
    with pytest.raises(ChannelUnavailable):
        await sms.send(message())
    await sms.close()
    assert twilio.requests == {}


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("", 60.0), ("soon", 60.0), ("-1", 0.0), ("1e9", 3600.0)])
async def test_too_many_requests_are_not_taken_and_say_when_to_come_back(
    sms: TwilioSms, twilio: TwilioServer, header: str, seconds: float
) -> None:
    twilio.answers.append(Answer(429, 20429, taken=False, retry_after=header))
    with pytest.raises(ChannelUnavailable) as raised:
        await sms.send(message())
    assert raised.value.retry_after == seconds
    assert twilio.ledger == []


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (21211, ChannelRejected),
        (21614, ChannelRejected),
        (21610, RecipientOptedOut),
        (21611, ChannelUnavailable),
        (21408, ChannelMisconfigured),
        (21606, ChannelMisconfigured),
        (21617, ChannelRejected),
    ],
)
async def test_a_refusal_is_told_by_its_code(
    sms: TwilioSms, twilio: TwilioServer, code: int, error: type[Exception]
) -> None:
    twilio.answers.append(Answer(400, code, taken=False))
    with pytest.raises(error) as raised:
        await sms.send(message())
    assert type(raised.value) is error
    assert getattr(raised.value, "code", "") == str(code)


async def test_what_the_server_itself_refuses_is_refused(sms: TwilioSms, twilio: TwilioServer) -> None:
    with pytest.raises(ChannelRejected) as raised:
        await sms.send(message(to="030 23125"))
    assert raised.value.dead
    twilio.opted_out.add(NUMBER)
    with pytest.raises(RecipientOptedOut):
        await sms.send(message())
    assert twilio.ledger == []


async def test_wrong_credentials_are_the_operators_to_mend(twilio: TwilioServer) -> None:
    sms = backend(twilio.url, token="wrong")
    await sms.start()
    with pytest.raises(ChannelMisconfigured):
        await sms.send(message())
    assert await sms.look_up(question(message())) == Unknown()
    await sms.close()


@pytest.mark.parametrize("base_url", ["http://", "nonsense"])
async def test_an_address_that_is_none_is_the_operators_to_mend(base_url: str) -> None:
    sms = backend(base_url)
    await sms.start()
    with pytest.raises(ChannelMisconfigured):
        await sms.send(message())
    await sms.close()


async def test_the_environment_does_not_move_the_server(twilio: TwilioServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_REGION", "ie1")
    monkeypatch.setenv("TWILIO_EDGE", "dublin")
    sms = backend(twilio.url)
    await sms.start()
    await sms.send(message())
    await sms.close()
    assert len(twilio.ledger) == 1


async def sent_to(status: int, body: object) -> Receipt | Exception:
    async with answered(status, body) as sms:
        try:
            return await sms.send(message())
        except (ChannelRejected, ChannelUnclear, ChannelMisconfigured, ChannelUnavailable) as error:
            return error


async def test_a_message_refused_in_the_answer_is_told_by_its_code() -> None:
    body = {"sid": "SM1", "status": "failed", "error_code": 30005, "error_message": None}
    error = await sent_to(201, body)
    assert isinstance(error, ChannelRejected)
    assert error.dead


async def test_an_answer_without_a_name_is_unclear() -> None:
    assert isinstance(await sent_to(201, {"status": "queued"}), ChannelUnclear)
    assert isinstance(await sent_to(201, ["queued"]), ChannelUnclear)


async def test_a_redirect_is_not_followed() -> None:
    assert isinstance(await sent_to(307, {}), ChannelMisconfigured)


async def test_an_error_in_the_newer_form_is_read_as_well() -> None:
    body = {"type": "https://example.com/21610", "title": "Unsubscribed", "status": 400, "code": 21610}
    async with answered(400, body) as sms:
        with pytest.raises(RecipientOptedOut):
            await sms.send(message())


async def test_other_providers_may_name_messages_their_own_way() -> None:
    assert await sent_to(201, {"sid": "6f1c2f9e-0000", "status": "queued"}) == Receipt("6f1c2f9e-0000")


async def test_closing_ends_the_connections(twilio: TwilioServer) -> None:
    sms = backend(twilio.url)
    await sms.start()
    await sms.send(message())
    await sms.close()
    async with aiohttp.ClientSession() as session, session.get(twilio.url) as answer:
        assert answer.status == 404
    with pytest.raises(ChannelUnavailable):
        await sms.send(message())
