"""A real Asterisk in a temporary folder, run from the unpacked packages of `.ci/prepare asterisk`; for the call tests.

The programs are newer than the machine's libc, so they run through their own loader. Nothing is installed, and every
port is a free one on 127.0.0.1.
"""

import base64
import os
import platform
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

HOST = "127.0.0.1"
USER = "contactd"
# A port below belongs to SIP or HTTP, one above to speech, all below the kernel's own (from 32768).
_PORTS = range(10000, 20000)
_SPEECH = range(20000, 32500, 500)
_LONGEST_SOCKET = 107
_LOADERS = {"x86_64": "ld-linux-x86-64.so.2", "aarch64": "ld-linux-aarch64.so.1"}
# Files that every Asterisk looks for: without them false errors fill its log.
_SILENT = {
    "cdr.conf": "[general]\nenable = no\n",
    "cel.conf": "[general]\nenable = no\n",
    "manager.conf": "[general]\nenabled = no\n",
    "indications.conf": "[general]\ncountry = de\n[de]\ndescription = Germany\nringcadence = 1000,4000\ndial = 425\n",
    **dict.fromkeys(
        (
            "features.conf", "acl.conf", "udptl.conf", "pjproject.conf", "websocket_client.conf", "ccss.conf",
            "stasis.conf",
        ),
        "",
    ),
}  # fmt: skip


class AsteriskMissingError(Exception):
    """The unpacked Asterisk is not there; the text names the cure."""


class AsteriskFailedError(Exception):
    """Asterisk ended or did not get ready; the text holds the end of its log."""


@dataclass(frozen=True, slots=True)
class Programs:
    """The unpacked packages."""

    root: Path
    version: str

    @property
    def command(self) -> list[str]:
        """Return how to call asterisk: its own loader, where its libraries are, and the program."""
        library = self.root / "usr/lib" / self.triplet
        folders = [library, *sorted({path.parent for path in library.glob("*/*.so.*")})]
        loader = self.root / ("usr/lib64" if platform.machine() == "x86_64" else "usr/lib") / _loader()
        path = ":".join(str(folder) for folder in folders)
        return [str(loader), "--library-path", path, str(self.root / "usr/sbin/asterisk")]

    @property
    def triplet(self) -> str:
        """Name the machine as Debian's library folders do."""
        return f"{platform.machine()}-linux-gnu"


def _loader() -> str:
    """Name the dynamic loader of this machine."""
    if platform.machine() not in _LOADERS:
        raise AsteriskMissingError(f"no Asterisk for {platform.machine()}: only for {', '.join(_LOADERS)}")
    return _LOADERS[platform.machine()]


def find_asterisk() -> Programs:
    """Find the unpacked Asterisk; AsteriskMissingError says how to come by it."""
    _loader()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "contactd" / "asterisk"
    if not (cache / "ready").exists():
        raise AsteriskMissingError(f"no Asterisk in {cache}: `.ci/prepare asterisk` fetches it")
    return Programs(cache / "root", (cache / "ready").read_text(encoding="utf-8").strip())


class Ports:
    """Free ports, kept from every other test run on this machine by abstract sockets that end with the process."""

    def __init__(self) -> None:
        self._claims: list[socket.socket] = []
        self._random = random.Random()

    def one(self) -> int:
        """Take one port that is free for TCP and UDP."""
        for _ in range(1000):
            port = self._random.choice(_PORTS)
            if _is_free(port) and self._claim(port):
                return port
        raise AsteriskFailedError("found no free port")

    def speech(self, ports: int) -> tuple[int, int]:
        """Take a range of so many ports for RTP, rounded up to 500s; return its ends."""
        blocks = -(-ports // 500)
        starts = list(_SPEECH[: len(_SPEECH) - blocks + 1])
        self._random.shuffle(starts)
        for start in starts:
            held = len(self._claims)
            if all(self._claim(start + 500 * block) for block in range(blocks)):
                return start, start + 500 * blocks - 1
            while len(self._claims) > held:
                self._claims.pop().close()
        raise AsteriskFailedError("found no free range of ports for speech")

    def release(self) -> None:
        """Give all of them back."""
        while self._claims:
            self._claims.pop().close()

    def _claim(self, port: int) -> bool:
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0contactd-port-{port}")
        except OSError:
            claim.close()
            return False
        self._claims.append(claim)
        return True


def new_folder() -> Path:
    """Make a folder for one server; its path is short, as that of a control socket must be."""
    return Path(tempfile.mkdtemp(prefix="pbx-"))


def _is_free(port: int) -> bool:
    """Tell whether nobody listens on a port."""
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                return False
    return True


@dataclass
class Asterisk:
    """One server; `start`, `stop` and `kill` may follow each other, `close` ends it for good.

    `files` are its configuration by name, written into `folder`, which `close` removes; `options` go to [options] of
    asterisk.conf.
    """

    programs: Programs
    ports: Ports
    http: int
    password: str
    folder: Path
    files: Mapping[str, str]
    options: Mapping[str, str] = field(default_factory=dict)
    _process: "subprocess.Popen[bytes] | None" = None

    def __post_init__(self) -> None:
        control = self.folder / "run" / "asterisk.ctl"
        assert len(str(control)) <= _LONGEST_SOCKET, (
            f"too long for a socket's path, set TMPDIR to a short one: {control}"
        )
        for name in ("etc", "run", "log/cdr-custom", "spool/recording", "db", "cache", "keys", "var"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for name, text in {**_SILENT, **self.files, "asterisk.conf": self._asterisk_conf()}.items():
            (self.folder / "etc" / name).write_text(text, encoding="utf-8")

    @property
    def ari(self) -> str:
        """Return the address of its programming interface."""
        return f"http://{HOST}:{self.http}/ari"

    @property
    def pid(self) -> int:
        """Return its process id; only while it runs."""
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Tell whether it runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it and wait until it takes calls."""
        assert not self.runs, "runs already"
        # setpriv: a test run that is killed leaves no orphan.
        command = ["setpriv", "--pdeathsig", "KILL", *self._command(), "-f", "-n"]
        with (self.folder / "log" / "console").open("ab") as console:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=console, stderr=console, cwd=self.folder
            )
        deadline = time.monotonic() + 60
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise AsteriskFailedError(self.log()[-4000:])
            time.sleep(0.02)
        self.cli("core waitfullybooted")

    def cli(self, command: str) -> str:
        """Carry out a command of Asterisk's console and return what it prints."""
        done = subprocess.run(
            [*self._command(), "-rx", command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip
        return done.stdout

    def hang_up_all(self) -> None:
        """End every call, and wait until they are gone."""
        self.cli("channel request hangup all")
        deadline = time.monotonic() + 60
        while not self.cli("core show channels count").startswith("0 "):
            if time.monotonic() > deadline:
                raise AsteriskFailedError(self.cli("core show channels"))
            time.sleep(0.02)

    def stop(self) -> None:
        """End it in order, and all its calls; by force after five seconds."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self.cli("core stop now")
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def kill(self) -> None:
        """End it as a power failure would: the far ends of its calls are not told."""
        os.kill(self.pid, signal.SIGKILL)
        assert self._process is not None, "not started"
        self._process.wait()
        self._process = None

    def close(self) -> None:
        """Stop it and remove its folder."""
        self.stop()
        self.ports.release()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        """Return what it wrote to its log and its console."""
        files = [path for path in sorted((self.folder / "log").iterdir()) if path.is_file() and path.suffix != ".json"]
        return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in files)

    def _command(self) -> list[str]:
        return [*self.programs.command, "-C", str(self.folder / "etc" / "asterisk.conf")]

    def _answers(self) -> bool:
        token = base64.b64encode(f"{USER}:{self.password}".encode()).decode()
        request = urllib.request.Request(  # noqa: S310 -- our own address
            f"{self.ari}/asterisk/ping", headers={"Authorization": f"Basic {token}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 -- our own address
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _asterisk_conf(self) -> str:
        root, here = self.programs.root, self.folder
        folders = {
            "astetcdir": here / "etc",
            "astmoddir": root / "usr/lib" / self.programs.triplet / "asterisk/modules",
            "astvarlibdir": here / "var",
            "astdbdir": here / "db",
            "astkeydir": here / "keys",
            # Modules check their options against the documentation there.
            "astdatadir": root / "usr/share/asterisk",
            "astagidir": here / "var",
            "astspooldir": here / "spool",
            "astrundir": here / "run",
            "astlogdir": here / "log",
            "astcachedir": here / "cache",
            "astsbindir": root / "usr/sbin",
        }
        options = {"documentation_language": "en_US", "maxfiles": "20000", "nocolor": "yes", **self.options}
        lines = ["[directories]", *(f"{name} => {path}" for name, path in folders.items())]
        return "\n".join([*lines, "[options]", *(f"{name} = {value}" for name, value in options.items()), ""])
