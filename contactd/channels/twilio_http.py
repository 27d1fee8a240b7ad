"""The HTTP client below Twilio's library: bounded in time, repeats nothing, says whether a request may have been taken.

Only sms_twilio.py uses it. The library's own asynchronous client has no time-outs and repeats a POST after a 5xx.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import aiohttp
from twilio.http import AsyncHttpClient
from twilio.http.response import Response

from contactd.domain.errors import ChannelMisconfigured, ChannelUnavailable, ChannelUnclear

_TOO_MANY = 429
_REQUEST_TIMEOUT = 408
_SERVER_ERROR = 500
_RETRY_AFTER = 60.0
_LONGEST_RETRY_AFTER = 3600.0

# Raised by aiohttp before a connection stood: nothing of the request went out.
_NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


class TwilioHttp(AsyncHttpClient):  # type: ignore[misc] # the library carries no types
    """One session for all requests; `timeout` in seconds bounds connecting and each wait for the server."""

    def __init__(self, *, timeout: float = 15.0, connections: int = 64) -> None:
        """Say how long to wait and how many connections to keep; nothing is opened yet."""
        super().__init__(logging.getLogger(__name__), is_async=True, timeout=timeout)
        self._seconds = timeout
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open the session; connections come with the first requests."""
        bound = aiohttp.ClientTimeout(
            total=None, connect=self._seconds, sock_connect=self._seconds, sock_read=self._seconds
        )
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections), timeout=bound, cookie_jar=aiohttp.DummyCookieJar()
        )

    async def close(self) -> None:
        """Close the session."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def request(  # the library's signature
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 # the session's own holds
        allow_redirects: bool = False,  # noqa: FBT001, FBT002 # the library's signature
    ) -> Response:
        """Ask once; raises ChannelUnavailable (not taken) or ChannelUnclear (perhaps taken) for what is no answer."""
        del timeout, allow_redirects
        if self._session is None:
            raise ChannelUnavailable("the SMS channel is not open")
        sent = dict(headers or {})
        if auth is not None:
            sent["Authorization"] = aiohttp.encode_basic_auth(*auth)
        try:
            # A server that sends a byte now and then must not hold us for ever.
            async with asyncio.timeout(3 * self._seconds):
                return await self._ask(self._session, method, uri, params=params, data=data, headers=sent)
        except _NOT_SENT as error:
            raise ChannelUnavailable(f"Twilio cannot be reached: {error}", code="connect") from error
        except aiohttp.InvalidURL as error:
            raise ChannelMisconfigured(f"{uri!r} is no address Twilio can have", code="base_url") from error
        except TimeoutError as error:
            raise ChannelUnclear(f"Twilio did not answer {method} in time", code="timeout") from error
        except (aiohttp.ClientError, OSError) as error:
            raise ChannelUnclear(f"the connection to Twilio broke: {error!r}", code="dropped") from error

    @staticmethod
    async def _ask(session: aiohttp.ClientSession, method: str, uri: str, **parts: Any) -> Response:  # noqa: ANN401 # aiohttp's
        async with session.request(method, uri, allow_redirects=False, **parts) as answer:
            if answer.status == _TOO_MANY:
                raise ChannelUnavailable(
                    "Twilio takes no more requests just now", code="20429", retry_after=_retry_after(answer.headers)
                )
            if answer.status >= _SERVER_ERROR or answer.status == _REQUEST_TIMEOUT:
                raise ChannelUnclear(f"Twilio answered {answer.status} to {method}", code=str(answer.status))
            body = await answer.read()
            return Response(answer.status, body.decode("utf-8", "replace"), answer.headers)


def _retry_after(headers: Mapping[str, str]) -> float:
    """Read how many seconds to wait; a date or nonsense counts as a minute."""
    try:
        seconds = float(headers.get("Retry-After", ""))
    except ValueError:
        return _RETRY_AFTER
    return min(max(seconds, 0.0), _LONGEST_RETRY_AFTER)
