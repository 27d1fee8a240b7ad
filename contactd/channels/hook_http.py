"""Tells other software of an event: one POST, with nobody's help and no detours.

Only addresses of the configuration are asked, a redirect is not followed, no proxy of the environment is used, and
what is answered beside the status and Retry-After is not read.
"""

from dataclasses import dataclass

import aiohttp

_SECONDS = 15.0  # Standard Webhooks, "Request timeouts": 15 to 30
_TAKEN, _BEYOND = 200, 300
_ELSEWHERE = ": it wants us elsewhere, and no redirect is followed"
_MEANINGS = dict.fromkeys((301, 302, 303, 307, 308), _ELSEWHERE) | {410: ": it wants to be told nothing more"}


@dataclass(frozen=True, slots=True)
class NotTaken:
    """Why an event was not taken; `status` 0: there was no answer."""

    error: str
    status: int = 0
    retry_after: str = ""


class HookClient:
    """Keeps connections open between events; use it from one event loop."""

    def __init__(self, *, seconds: float = _SECONDS) -> None:
        self._seconds = seconds
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> NotTaken | None:
        """Send it; answers why it was not taken, None where it was."""
        if self._session is None:
            patience = aiohttp.ClientTimeout(total=self._seconds)
            self._session = aiohttp.ClientSession(
                timeout=patience, trust_env=False, cookie_jar=aiohttp.DummyCookieJar()
            )
        try:
            async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                if _TAKEN <= answer.status < _BEYOND:
                    return None
                meaning = _MEANINGS.get(answer.status, "")
                return NotTaken(
                    f"answered {answer.status}{meaning}", answer.status, answer.headers.get("Retry-After", "")
                )
        except TimeoutError:
            return NotTaken(f"did not answer within {self._seconds:g} seconds")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return NotTaken(f"cannot be reached: {type(error).__name__}")

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None
