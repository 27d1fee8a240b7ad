"""Telephones that only talk, by SIPp: a fraction of what a second Asterisk takes, so hundreds fit beside a PBX.

Each rings for a fifth of a second, answers, and sends a tone until it is hung up on. SIPp writes down who was called.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.calling_lab import PORTS, SPARE, phones
from tests.bench.figures import folder
from tests.calls.asterisk import HOST, Asterisk, AsteriskFailedError, AsteriskMissingError, Ports, find_asterisk
from tests.calls.pbx import make_pbx
from tests.calls.sounds import tone

_TONE = 900.0
_SECONDS = 2.0
_PATIENCE = 5.0
_SAME = "[last_Via:]\n[last_From:]\n[last_To:]@TAG@\n[last_Call-ID:]\n[last_CSeq:]"
_ANSWER = "<send @HOW@><![CDATA[\nSIP/2.0 @STATUS@\n" + _SAME + "\n@MORE@\n]]></send>"
_CONTACT = "Contact: <sip:[local_ip]:[local_port];transport=[transport]>\n"
_EMPTY = "Content-Length: 0\n"
_SPEECH = """Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [rtpstream_audio_port] RTP/AVP 8
a=rtpmap:8 PCMA/8000
a=ptime:20
"""


@dataclass(frozen=True, slots=True)
class Called:
    """One call as SIPp saw it; `answer` is None unless it was picked up."""

    number: str
    answer: str | None


@dataclass
class Crowd:
    """The running SIPp."""

    process: "subprocess.Popen[bytes]"
    book: Path

    @property
    def pid(self) -> int:
        """Return its process id."""
        return self.process.pid

    def calls(self) -> list[Called]:
        """List the calls it got, each by its number."""
        lines = [line.split() for line in self.book.read_text(encoding="utf-8").splitlines() if line]
        answered = {call: number for what, number, call in lines if what == "answered"}
        return [
            Called(number, answered.get(call))  # an answer is one to this very invitation
            for what, number, call in lines
            if what == "invited"
        ]


@contextmanager
def crowd(agents: int, calls: int) -> Iterator[tuple[Asterisk, Crowd]]:
    """Run a PBX and its telephones for the length of the block, for so many agents and calls at a time."""
    if not shutil.which("sipp"):
        raise AsteriskMissingError("no SIPp: `.ci/prepare peers` installs it")
    programs, ports, town_ports = find_asterisk(), Ports(), Ports()
    sip, town_sip = ports.one(), town_ports.one()
    speech = PORTS * max(agents, calls) + SPARE
    pbx = make_pbx(programs, ports, sip, town_sip, speech_ports=speech, agents=phones(agents))
    with folder() as place:
        process = _start(place, town_sip, town_ports.speech(speech)[0])
        try:
            pbx.start()
            yield pbx, Crowd(process, place / "calls.log")
        finally:
            pbx.close()
            process.kill()
            process.wait()
            town_ports.release()


def _start(place: Path, sip: int, speech: int) -> "subprocess.Popen[bytes]":
    """Start SIPp and wait until its port is taken."""
    sound, scenario = place / "tone.al", place / "telephones.xml"
    subprocess.run(
        ["sox", "-t", "raw", "-r", "8000", "-e", "signed", "-b", "16", "-c", "1", "-", "-t", "al", str(sound)],
        input=tone(_TONE, _SECONDS), check=True, capture_output=True,
    )  # fmt: skip
    scenario.write_text(_scenario(sound), encoding="utf-8")
    where = ["-i", HOST, "-p", str(sip), "-mi", HOST, "-mp", str(speech)]
    told = ["-trace_logs", "-log_file", "calls.log", "-aa", "-nostdin", "-l", "10000"]
    with (place / "screen").open("wb") as screen:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "sipp", "-sf", str(scenario), *where, *told],
            cwd=place, stdin=subprocess.DEVNULL, stdout=screen, stderr=screen, env=os.environ | {"TERM": "dumb"},
        )  # fmt: skip
    deadline = time.monotonic() + _PATIENCE
    while f":{sip:04X} " not in Path("/proc/net/udp").read_text(encoding="ascii"):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise AsteriskFailedError((place / "screen").read_text(encoding="utf-8", errors="replace")[-2000:])
        time.sleep(0.02)
    return process


def _scenario(sound: Path) -> str:
    """Write what every telephone does."""
    tag = ";tag=[pid]-[call_number]"
    number = '<ereg regexp="sip:([^@]+)@" search_in="hdr" header="To:" assign_to="whole,number"/>'
    said = [
        f'<recv request="INVITE"><action>{number}<log message="invited [$number] [call_number]"/></action></recv>',
        _answer("180 Ringing", tag, _CONTACT + _EMPTY),
        '<pause milliseconds="200"/>',
        _answer("200 OK", tag, _CONTACT + _SPEECH, how='retrans="500"'),
        '<recv request="ACK"><action><log message="answered [$number] [call_number]"/></action></recv>',
        f'<nop><action><exec rtp_stream="{sound},-1,8,PCMA/8000"/></action></nop>',
        '<recv request="BYE"/>',
        _answer("200 OK", "", _EMPTY),
    ]
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="telephones">\n'
    return head + "\n".join(said) + '\n<Reference variables="whole"/>\n</scenario>\n'


def _answer(status: str, tag: str, more: str, *, how: str = "") -> str:
    text = _ANSWER.replace("@HOW@", how).replace("@STATUS@", status).replace("@TAG@", tag)
    return text.replace("@MORE@", more)
