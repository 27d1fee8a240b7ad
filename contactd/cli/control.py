"""Asks the running daemon over its control socket; for the verbs that steer it."""

import http.client
import json
import socket
from pathlib import Path
from typing import Any
from urllib.parse import quote

from contactd.domain.errors import ConfigError, ContactdError, InputError, Problem, StoreError, Unreachable

# A planning run over a million accounts, or a reload with templates, takes its time.
_PATIENCE = 600.0


def ask(path: Path, method: str, url: str, *, patience: float = _PATIENCE) -> dict[str, Any]:
    """Send a request without a body to the socket at `path` and return the answer.

    Raises Unreachable when nobody answers, ConfigError with the daemon's problems when it refused a reload, and
    StoreError or InputError with its words otherwise.
    """
    connection = _OverFile(path, patience)
    try:
        connection.request(method, quote(url))
        response = connection.getresponse()
        status, body = response.status, response.read()
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(_why_not(path, error)) from error
    finally:
        connection.close()
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise Unreachable(f"{path}: what answers there ({status}) is no contactd of this version; restart the daemon")
    if status == http.client.OK:
        return answer
    raise _refusal(status, answer)


class _OverFile(http.client.HTTPConnection):
    """HTTP over a socket file."""

    def __init__(self, path: Path, patience: float) -> None:
        super().__init__("contactd", timeout=patience)
        self._path = path

    def connect(self) -> None:
        """Open the socket file."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _why_not(path: Path, error: Exception) -> str:
    if isinstance(error, FileNotFoundError | ConnectionRefusedError):
        return (
            f"no contactd answers on {path}: it is not running, or it runs with another configuration; "
            "start it (contactd run), or name its configuration with --config"
        )
    if isinstance(error, PermissionError):
        return f"{path} may only be opened by the user contactd runs as; try again as that user (sudo -u)"
    if isinstance(error, TimeoutError):
        return f"the contactd on {path} does not answer in time; look at its log"
    return f"the contactd on {path} went away while answering ({error}); look at its log and try again"


def _refusal(status: int, answer: dict[str, Any]) -> ContactdError:
    if "problems" in answer:
        return ConfigError([Problem(**problem) for problem in answer["problems"]])
    text = str(answer.get("error", f"refused ({status})"))
    return StoreError(text) if status == http.client.SERVICE_UNAVAILABLE else InputError(text)
