"""A call book that says when it has answered all: so a clock moved by hand waits for the database."""

import asyncio
from typing import Any

from contactd.engine.calls.callbook import CallBook


class WatchedBook:
    """Passes everything on to a call book, and says when it has answered all."""

    def __init__(self, book: CallBook) -> None:
        self._book = book
        self._asked = 0
        self._none = asyncio.Event()
        self._none.set()

    async def at_rest(self) -> None:
        """Wait until nothing is asked any more, and nothing new follows from the answers."""
        while self._asked:
            await self._none.wait()
            for _ in range(20):
                await asyncio.sleep(0)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 -- whatever the call book has
        method = getattr(self._book, name)

        async def asked(*arguments: object) -> object:
            self._asked += 1
            self._none.clear()
            try:
                return await method(*arguments)
            finally:
                self._asked -= 1
                if not self._asked:
                    self._none.set()

        return asked
