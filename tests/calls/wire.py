"""The wire between contactd and the PBX's interface, which a test can cut, keep cut and make slow."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.calls.asterisk import HOST


class Wire:
    """Passes bytes on; `cut` ends every connection, `broken` takes no new ones, `delay` holds each piece up.

    `swallows`: what is sent is lost though the connections stand; `late`: requests that begin so wait meanwhile.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: set[asyncio.StreamWriter] = set()
        self.broken = False
        self.delay = 0.0
        self.swallows = False
        self.late = b""
        self.address = ""

    async def start(self) -> asyncio.Server:
        """Listen on loopback."""
        server = await asyncio.start_server(self._serve, HOST, 0)
        self.address = f"http://{HOST}:{server.sockets[0].getsockname()[1]}/ari"
        return server

    def cut(self, *, broken: bool = False) -> None:
        """End every connection as a dying switch would; `broken`: until it is mended."""
        self.broken = broken
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.broken:
            writer.transport.abort()
            return
        try:
            there, away = await asyncio.open_connection(HOST, self._port)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, away}
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pass_on(reader, away))
                both.create_task(self._pass_on(there, writer))
        except* OSError:
            pass
        finally:
            self._open -= {writer, away}
            for end in (writer, away):
                end.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if self.delay:
                await asyncio.sleep(self.delay)
            while self.late and data.startswith(self.late):  # noqa: ASYNC110 -- the test says for how long
                await asyncio.sleep(0.01)
            if self.swallows:
                continue
            writer.write(data)
            await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()


@asynccontextmanager
async def wire(port: int) -> AsyncIterator[Wire]:
    """Lay a wire to a port for the length of the block."""
    laid = Wire(port)
    server = await laid.start()
    try:
        yield laid
    finally:
        server.close()
        laid.cut(broken=True)
        await server.wait_closed()
