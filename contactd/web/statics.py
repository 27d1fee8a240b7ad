"""The files browsers keep for ever: each stands under an address that changes with its content; for app.py.

Whatever is asked for is looked up in a table: no path of the disk is ever made of an address.
"""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from contactd.web.boundary import Handler

_FOLDER = Path(__file__).parent / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_KEPT = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class _File:
    content_type: str
    plain: bytes
    packed: bytes


def sheet(name: str) -> str:
    """Read a style sheet, for what is saved with one."""
    return (_FOLDER / name).read_text(encoding="utf-8")


class Statics:
    """All files of the folder that a browser is given."""

    def __init__(self, folder: Path = _FOLDER) -> None:
        """Read and pack them."""
        self._files: dict[str, _File] = {}
        self._addresses: dict[str, str] = {}
        for path in sorted(folder.iterdir()):
            if path.suffix not in _TYPES:
                continue  # a licence
            content = path.read_bytes()
            name = f"{path.stem}.{hashlib.sha256(content).hexdigest()[:_DIGITS]}{path.suffix}"
            self._files[name] = _File(_TYPES[path.suffix], content, gzip.compress(content, mtime=0))
            self._addresses[path.name] = f"/static/{name}"

    def address(self, name: str) -> str:
        """Answer the address of a file, for a template."""
        return self._addresses[name]

    def routes(self) -> list[web.RouteDef]:
        """List the address for app.py to mount."""
        return [web.get("/static/{name}", self._give())]

    def _give(self) -> Handler:
        async def give(request: web.Request) -> web.StreamResponse:
            found = self._files.get(request.match_info["name"])
            if found is None:
                raise web.HTTPNotFound(text="there is no such file")
            packed = "gzip" in request.headers.get("Accept-Encoding", "")
            more = {"Content-Encoding": "gzip"} if packed else {}
            return web.Response(
                body=found.packed if packed else found.plain, headers=_KEPT | more, content_type=found.content_type,
                charset="utf-8",
            )  # fmt: skip

        return give
