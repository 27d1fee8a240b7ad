"""SMS by Twilio, or by a provider with Twilio's surface (`base_url`); engine uses it through `MessageChannel`.

Twilio has no key against doubles, so a POST is made once, by twilio_http.py; what became of an uncertain one is asked
by `look_up`. Status callbacks carry the attempt's reference and come in through web/webhooks.py.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.rest import Client

from contactd.channels.base import Absent, Found, LookUp, Message, Receipt, Unknown, fingerprint
from contactd.channels.twilio_codes import ARRIVED, FAILED, outcome, refusal
from contactd.channels.twilio_http import TwilioHttp
from contactd.domain.account import Channel
from contactd.domain.errors import ChannelError, ChannelMisconfigured, ChannelUnavailable, ChannelUnclear

STATUS_PATH = "/hooks/twilio/status"
# Three more tries on any failure, a 5xx of ours included; without it Twilio repeats only a failed connect. A fragment
# is neither sent nor signed (https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides).
_OVERRIDES = "#rc=3&rp=all"
# Clocks differ, and Twilio dates a message to the second.
_SLACK = timedelta(minutes=2)
_MOST_LISTED = 1000


class TwilioSms:
    """One Twilio account; `sender` is a number or name of ours, `messaging_service` a pool of them (either will do)."""

    name = Channel.SMS
    finds_by_text = True

    def __init__(
        self,
        *,
        account_sid: str,
        auth_token: str,
        sender: str = "",
        messaging_service: str = "",
        public_url: str = "",
        base_url: str = "https://api.twilio.com",
        timeout: float = 15.0,
        connections: int = 64,
    ) -> None:
        """Take the account's data; `public_url` empty: no callbacks."""
        self._http = TwilioHttp(timeout=timeout, connections=connections)
        self._free = asyncio.Semaphore(connections)
        self._patience = timeout
        # A non-empty environment of our own, or the library would read TWILIO_REGION and TWILIO_EDGE from ours.
        client = Client(account_sid, auth_token, http_client=self._http, environment={"contactd": "1"})
        client.api.base_url = base_url.rstrip("/")
        self._messages = client.messages
        self._from = {"messaging_service_sid": messaging_service} if messaging_service else {"from_": sender}
        self._callback = public_url.rstrip("/") + STATUS_PATH if public_url else ""

    async def start(self) -> None:
        """Open the session; Twilio itself is asked with the first message."""
        await self._http.start()

    async def close(self) -> None:
        """Close the session."""
        await self._http.close()

    async def send(self, message: Message) -> Receipt:
        """Post the message once."""
        details: dict[str, str] = dict(self._from)
        if self._callback:
            details["status_callback"] = f"{self._callback}?ref={quote(message.reference, safe='')}{_OVERRIDES}"
        try:
            async with self._line():
                if not message.still_ours():
                    raise ChannelUnavailable("its lease ended before it was sent", code="lease", retry_after=0)
                message.on_wire(message.text)
                taken = await self._messages.create_async(to=message.to, body=message.text, **details)
        except ChannelError:
            raise
        except TwilioRestException as error:
            raise refusal(error.status, _number(error.code), error.msg) from error
        except TwilioServiceException as error:
            raise refusal(error.status, _number(error.code), error.title) from error
        except (TwilioException, ValueError, TypeError, KeyError, AttributeError) as error:
            # An answer nobody can read, perhaps a proxy's: the request went out.
            raise ChannelUnclear(f"Twilio's answer cannot be read: {error!r}", code="unreadable") from error
        if not taken.sid:
            raise ChannelUnclear("Twilio's answer names no message", code="unreadable")
        if taken.status in FAILED:
            # Taken and refused at once: the POST itself says why, as a callback would.
            raise refusal(400, _number(taken.error_code), taken.error_message or taken.status)
        return Receipt(taken.sid)

    @asynccontextmanager
    async def _line(self) -> AsyncIterator[None]:
        """Wait for a connection: here and not in the HTTP client, where nobody could ask `still_ours` afterwards."""
        try:
            async with asyncio.timeout(self._patience):
                await self._free.acquire()
        except TimeoutError as error:
            raise ChannelUnavailable("every connection to Twilio is busy", code="connect") from error
        try:
            yield
        finally:
            self._free.release()

    async def look_up(self, question: LookUp) -> Found | Absent | Unknown:
        """List what went to the number, without a date filter (Twilio's goes by the day sent, not taken)."""
        try:
            async with self._line():
                listed = await self._messages.list_async(to=question.to, limit=_MOST_LISTED, page_size=_MOST_LISTED)
        except ChannelUnavailable:
            raise
        except (ChannelUnclear, ChannelMisconfigured, TwilioException, ValueError, TypeError, KeyError, AttributeError):
            return Unknown()
        return _pick(listed, question)


def _pick(listed: Iterable[Any], question: LookUp) -> Found | Absent | Unknown:
    """Find the message among those listed; two that fit, or one whose text nobody knows, settle nothing."""
    earliest = question.since - _SLACK
    fitting = [
        message
        for message in listed
        if str(message.direction or "outbound").startswith("outbound")
        and _created(message) >= earliest
        and message.sid not in question.others
    ]
    if fitting and (not question.fingerprint or any(not message.body for message in fitting)):
        # Others of the operator's programs may write to this number as well.
        return Unknown()
    fitting = [message for message in fitting if fingerprint(message.body) == question.fingerprint]
    if not fitting:
        return Absent()
    if len(fitting) > 1:
        return Unknown()
    found = fitting[0]
    return Found(str(found.sid), _standing(found.status, found.error_code))


def _standing(status: str | None, code: object) -> str:
    """Say where a message stands in the words of the contact log."""
    if status in ARRIVED:
        return "delivered"
    return outcome(_number(code)) if status in FAILED else "accepted"


def _created(message: Any) -> datetime:  # noqa: ANN401 # the library carries no types
    """Answer when Twilio took the message; one without a date counts as new."""
    created = message.date_created
    return created if isinstance(created, datetime) else datetime.max.replace(tzinfo=UTC)


def _number(code: object) -> int:
    """Read a code that may be missing or no number."""
    try:
        return int(str(code))
    except ValueError:
        return 0
