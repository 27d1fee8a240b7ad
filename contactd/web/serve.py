"""Listens for an application: on an address and port, or on a socket file only our user may open; for daemon.py."""

import asyncio
import errno
import os
import socket
import stat
from pathlib import Path
from typing import Self

from aiohttp import web

from contactd.config.listening import why_not
from contactd.domain.errors import AddressTaken

_SHUTDOWN_SECONDS = 5.0
_BACKLOG = 1024
_KNOCK_SECONDS = 1.0


class Site:
    """An application while it is served: `async with Site(app, host=…, port=…)` or `Site(app, path=…)`."""

    def __init__(self, app: web.Application, *, host: str = "", port: int = 0, path: Path | None = None) -> None:
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=_SHUTDOWN_SECONDS)
        self._host = host
        self._path = path
        self._inode = 0
        self._listening: asyncio.AbstractServer | None = None
        self.port = port

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        try:
            if self._path is None:
                await self._listen_on_port()
            else:
                await self._listen_on_file(self._path)
        except BaseException:
            await self._runner.cleanup()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._listening is not None:
            self._listening.close()
        await self._runner.cleanup()
        if self._path is not None and _inode(self._path) == self._inode:
            self._path.unlink(missing_ok=True)

    async def _listen_on_port(self) -> None:
        site = web.TCPSite(self._runner, self._host, self.port, backlog=_BACKLOG)
        try:
            await site.start()
        except (OSError, UnicodeError) as error:
            raise AddressTaken(why_not(error, "web", self._host, self.port)) from error
        self.port = site.port

    async def _listen_on_file(self, path: Path) -> None:
        await asyncio.to_thread(_clear_away, path)
        server = self._runner.server
        if server is None:  # only before `setup`
            raise RuntimeError("the application was not set up")
        listener = _bind(path)
        self._inode = _inode(path)
        self._listening = await asyncio.get_running_loop().create_unix_server(server, sock=listener, backlog=_BACKLOG)


def _bind(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # On Linux bind() takes the mode over: there is no instant in which others may open it.
        os.fchmod(listener.fileno(), 0o600)
        listener.bind(str(path))
    except OSError as error:
        listener.close()
        reason = error.strerror or str(error)
        if "too long" in str(error):
            reason = "the path is longer than 107 bytes; name a shorter one"
        elif error.errno == errno.ENOENT:
            reason = f"there is no folder {path.parent}; make it, or mend [daemon] state"
        elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            reason = f"this user may not write in {path.parent}; mend its permissions"
        raise AddressTaken(f"[daemon] control: {path}: {reason}") from error
    listener.setblocking(False)
    return listener


def _clear_away(path: Path) -> None:
    """Remove the socket of a daemon that is gone; raises AddressTaken when somebody answers, or it is no socket."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return  # nothing there; what else is wrong, bind() says
    if not stat.S_ISSOCK(mode):
        raise AddressTaken(f"[daemon] control: {path} exists and is no socket; remove it, or name another file")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knocking:
        knocking.settimeout(_KNOCK_SECONDS)
        try:
            knocking.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except OSError:
            pass  # busy or not ours: somebody is there
    raise AddressTaken(
        f"[daemon] control: another contactd answers on {path}; stop it, or give this one another [daemon] state"
    )


def _inode(path: Path) -> int:
    try:
        return path.lstat().st_ino
    except OSError:
        return 0
