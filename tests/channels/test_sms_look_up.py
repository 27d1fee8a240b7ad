"""Asking Twilio what became of a message: found, absent, or not to be told; never a guess."""

from datetime import timedelta

import pytest

from contactd.channels.base import Absent, Found, LookUp, Unknown, fingerprint
from contactd.channels.sms_twilio import TwilioSms
from tests.channels.sms_on_the_wire import (
    NOW,
    NUMBER,
    OTHER,
    answered,
    message,
    question,
)
from tests.fakes.twilio_server import TwilioServer


async def test_a_message_that_was_taken_is_found(sms: TwilioSms, twilio: TwilioServer) -> None:
    receipt = await sms.send(message())
    assert await sms.look_up(question(message())) == Found(receipt.provider_ref, "accepted")
    assert await sms.look_up(question(message(text=f"  {message().text}\n"))) == Found(receipt.provider_ref)
    assert twilio.requests["GET"] == 2


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        ("queued", 0, "accepted"),
        ("sent", 0, "accepted"),
        ("delivered", 0, "delivered"),
        ("read", 0, "delivered"),
        ("undelivered", 30006, "undeliverable"),
        ("failed", 21610, "opted_out"),
        ("failed", 0, "rejected"),
        ("canceled", 0, "rejected"),
    ],
)
async def test_the_look_up_says_where_the_message_stands(
    sms: TwilioSms, twilio: TwilioServer, status: str, code: int, outcome: str
) -> None:
    receipt = await sms.send(message())
    twilio.ledger[0].status, twilio.ledger[0].code = status, code
    assert await sms.look_up(question(message())) == Found(receipt.provider_ref, outcome)


async def test_another_text_another_number_or_an_older_message_is_not_ours(sms: TwilioSms) -> None:
    await sms.send(message())
    assert await sms.look_up(question(message(text="another"))) == Absent()
    assert await sms.look_up(question(message(to=OTHER, text=message().text))) == Absent()
    assert await sms.look_up(question(message(), since=NOW + timedelta(minutes=3))) == Absent()


async def test_clocks_two_minutes_apart_do_not_hide_a_message(sms: TwilioSms) -> None:
    await sms.send(message())
    assert isinstance(await sms.look_up(question(message(), since=NOW + timedelta(minutes=2))), Found)


async def test_two_messages_that_fit_settle_nothing(sms: TwilioSms) -> None:
    await sms.send(message())
    await sms.send(message())
    assert await sms.look_up(question(message())) == Unknown()


async def test_a_message_of_another_attempt_is_not_ours(sms: TwilioSms) -> None:
    first = await sms.send(message())
    about = question(message(), others=frozenset({first.provider_ref}))
    assert await sms.look_up(about) == Absent()
    second = await sms.send(message())
    assert await sms.look_up(about) == Found(second.provider_ref)


async def test_without_a_fingerprint_no_message_is_taken_for_ours(sms: TwilioSms) -> None:
    about = LookUp(reference="9-1", to=NUMBER, since=NOW)
    assert await sms.look_up(about) == Absent()
    await sms.send(message())
    assert await sms.look_up(about) == Unknown()


def test_a_fingerprint_heeds_letters_and_digits_and_nothing_a_provider_may_change() -> None:
    said = fingerprint("Müller – „Rechnung 4711“ …\n")
    assert fingerprint('  müller - "Rechnung  4711" ...') == said
    assert fingerprint("Müller – „Rechnung 4712“ …") != said
    assert fingerprint("Счёт 4711") != fingerprint("Долг 4711")


async def test_a_message_whose_text_was_removed_settles_nothing(sms: TwilioSms, twilio: TwilioServer) -> None:
    await sms.send(message())
    twilio.ledger[0].body = ""
    assert await sms.look_up(question(message())) == Unknown()


async def test_every_page_of_the_list_is_read(sms: TwilioSms, twilio: TwilioServer) -> None:
    first = await sms.send(message(1))
    for number in range(2, 8):
        await sms.send(message(number))
    twilio.largest_page = 3
    assert await sms.look_up(question(message(1))) == Found(first.provider_ref)
    assert twilio.requests["GET"] == 3


async def test_a_list_that_cannot_be_had_settles_nothing() -> None:
    for status, body in ((500, {}), (200, {"messages": "?"}), (200, ["?"]), (403, {})):
        async with answered(status, body) as sms:
            assert await sms.look_up(question(message())) == Unknown(), (status, body)


async def test_a_list_of_what_customers_wrote_is_not_taken_for_ours() -> None:
    row = {"sid": "SM1", "to": NUMBER, "direction": "inbound", "body": message().text, "date_created": None}
    async with answered(200, {"messages": [row]}) as sms:
        assert await sms.look_up(question(message())) == Absent()
    async with answered(200, {"messages": [row | {"direction": "outbound-api"}]}) as sms:
        assert await sms.look_up(question(message())) == Found("SM1")
