"""The table of backends: what the configuration names is built, and nothing else."""

import pytest

from contactd.channels.email_smtp import SmtpChannel
from contactd.channels.registry import BACKENDS, build, configured
from contactd.channels.sms_twilio import TwilioSms
from contactd.config.secret import Secret
from contactd.config.settings import Settings
from contactd.domain.account import Channel
from tests.channels.contract import EMAIL, RIGS
from tests.channels.test_email_smtp import message
from tests.clock import HandClock
from tests.fakes.smtp_server import SmtpServer

TWILIO = {"account_sid": "AC1", "auth_token": Secret("geheim"), "from": "+4915228895456"}


@pytest.mark.parametrize(
    ("tables", "named"),
    [
        ({}, {}),
        ({"smtp": {"host": "mail.example.com", "sender": "a@example.com"}}, {Channel.EMAIL: "smtp"}),
        ({"twilio": TWILIO}, {Channel.SMS: "twilio"}),
        ({"twilio": TWILIO, "sms": {"backend": "none"}}, {}),
        ({"letters": {"backend": "spool"}}, {Channel.LETTER: "spool"}),
        ({"letters": {"backend": "command", "command": ["lp", "{file}"]}}, {Channel.LETTER: "command"}),
        ({"letters": {"backend": "http", "url": "https://letters.example.com"}}, {Channel.LETTER: "http"}),
    ],
)
def test_a_channel_that_is_not_set_up_is_not_there(tables: dict[str, object], named: dict[Channel, str]) -> None:
    settings = Settings.model_validate(tables)
    assert configured(settings) == named
    assert set(build(settings, HandClock())) == set(named)


def test_every_backend_is_built_for_its_channel() -> None:
    settings = Settings.model_validate(
        {"smtp": {"host": "mail.example.com", "sender": "a@example.com"}, "twilio": TWILIO}
    )
    built = build(settings, HandClock())
    assert {channel: type(backend) for channel, backend in built.items()} == {
        Channel.EMAIL: SmtpChannel,
        Channel.SMS: TwilioSms,
    }
    assert all(channel == backend.name for channel, backend in built.items())


def test_every_backend_stands_in_the_contract() -> None:
    rows = {"simulated": "memory"}  # the same class under its working name
    assert {rows.get(name, name) for _, name in BACKENDS} <= set(RIGS)


async def test_the_settings_reach_the_wire() -> None:
    async with SmtpServer() as server:
        smtp = {
            "host": "127.0.0.1", "port": server.port, "security": "none", "sender": "mahnung@example.com",
            "reply_to": "konto@example.com", "bounces": {"address": "bounce+@example.com"},
        }  # fmt: skip
        settings = Settings.model_validate({"smtp": smtp, "operator": {"name": "Stadtwerke"}})
        channel = build(settings, HandClock())[Channel.EMAIL]
        await channel.start()
        await channel.send(message(to=EMAIL))
        await channel.close()
        mail = server.ledger.mails[0]
        assert (mail.sender, mail.recipient) == ("bounce+17-1@example.com", EMAIL)
        assert mail.header("Reply-To") == "konto@example.com"
        assert mail.header("From") == "Stadtwerke"
