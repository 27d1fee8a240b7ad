"""Which backends there are, as a plain table; daemon.py builds what the configuration names and nothing else.

A new provider is one file beside this one and one row here.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from contactd.channels.base import MessageChannel
from contactd.channels.email_smtp import SmtpChannel, SmtpOptions
from contactd.channels.letter_command import letter_command
from contactd.channels.letter_http import Service, letter_http
from contactd.channels.letter_spool import letter_spool
from contactd.channels.memory import MemoryChannel
from contactd.channels.sms_twilio import TwilioSms
from contactd.config.settings import Settings
from contactd.domain.account import Channel
from contactd.domain.clock import Clock


def _smtp(settings: Settings, clock: Clock) -> MessageChannel:
    smtp = settings.smtp
    options = SmtpOptions(
        host=smtp.host,
        port=smtp.port,
        security=smtp.security,
        username=smtp.username,
        password=smtp.password.reveal(),
        sender=smtp.sender or settings.operator.email,
        sender_name=settings.operator.name,
        reply_to=smtp.reply_to,
        bounce_address=smtp.bounces.address,
        connections=smtp.connections,
        timeout=smtp.timeout.total_seconds(),
    )
    return SmtpChannel(options, clock=clock)


def _twilio(settings: Settings, clock: Clock) -> MessageChannel:
    del clock
    twilio = settings.twilio
    return TwilioSms(
        account_sid=twilio.account_sid,
        auth_token=twilio.auth_token.reveal(),
        sender=twilio.sender,
        messaging_service=twilio.messaging_service,
        public_url=settings.web.public_url,
        base_url=twilio.base_url,
        timeout=twilio.timeout.total_seconds(),
    )


def _simulated_sms(settings: Settings, clock: Clock) -> MessageChannel:
    del settings, clock
    return MemoryChannel(Channel.SMS)


def _spool(settings: Settings, clock: Clock) -> MessageChannel:
    del clock
    return letter_spool(settings.letters_directory)


def _command(settings: Settings, clock: Clock) -> MessageChannel:
    del clock
    letters = settings.letters
    return letter_command(settings.letters_directory, letters.command, timeout=letters.timeout.total_seconds())


def _upload(settings: Settings, clock: Clock) -> MessageChannel:
    del clock
    letters = settings.letters
    service = Service(letters.url, letters.token.reveal(), letters.look_up, letters.timeout.total_seconds())
    return letter_http(settings.letters_directory, service)


Build = Callable[[Settings, Clock], MessageChannel]
BACKENDS: Mapping[tuple[Channel, str], Build] = MappingProxyType(
    {
        (Channel.EMAIL, "smtp"): _smtp,
        (Channel.SMS, "twilio"): _twilio,
        (Channel.SMS, "simulated"): _simulated_sms,
        (Channel.LETTER, "spool"): _spool,
        (Channel.LETTER, "command"): _command,
        (Channel.LETTER, "http"): _upload,
    }
)


def configured(settings: Settings) -> dict[Channel, str]:
    """Answer which backend the configuration names for each channel; a channel that is not set up is not there."""
    named = {}
    if settings.smtp.host:
        named[Channel.EMAIL] = "smtp"
    if settings.sms.backend == "simulated" or (settings.sms.backend == "twilio" and settings.twilio.account_sid):
        named[Channel.SMS] = settings.sms.backend
    if settings.letters.backend != "none":
        named[Channel.LETTER] = settings.letters.backend
    return named


def build(settings: Settings, clock: Clock) -> dict[Channel, MessageChannel]:
    """Build the configured backends; raises ConfigError when a secret cannot be read."""
    return {channel: BACKENDS[channel, name](settings, clock) for channel, name in configured(settings).items()}
