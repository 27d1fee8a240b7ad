"""The telephone network of the call tests: a second Asterisk that plays customers and agents' telephones.

It writes down every call it was asked for, so that a test can compare the town's books with contactd's.
"""

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.calls.asterisk import HOST, USER, Asterisk, Ports, Programs, new_folder
from tests.calls.conf import Conf
from tests.calls.pbx import SAMPLE
from tests.calls.sounds import write_sounds
from tests.calls.town import BEHAVIOURS

# Beyond the sample's modules: what people do.
_MODULES = ("app_senddtmf", "app_playback", "app_verbose", "func_cdr", "func_logic", "res_cdrel_custom", "cdr_custom")
_CALLS = "calls.json"
_FIELDS = (
    "number(uservar), src, start(double), answer(double), end(double), disposition, channel, attempt(uservar),"
    "cause(uservar)"
)

TRANSPORT = """
[global]
type = global
user_agent = Network
[system]
type = system
threadpool_initial_size = 5
threadpool_auto_increment = 5
threadpool_max_size = 50
[udp]
type = transport
protocol = udp
bind = @HOST@:@SIP@
"""
_PJSIP = f"""{TRANSPORT}[pbx]
type = endpoint
transport = udp
context = network
disallow = all
allow = alaw,ulaw
aors = pbx
direct_media = no
rtp_symmetric = yes
trust_id_inbound = yes
[pbx]
type = aor
contact = sip:@HOST@:@PBX@
[pbx]
type = identify
endpoint = pbx
match = @HOST@
"""

# Whoever is called, the books come first, and the cause of the hang-up last. Brackets: a bare n is a wild card.
_FIRST = ("Set(CDR(number)=${EXTEN})", "Set(CDR(attempt)=${PJSIP_HEADER(read,X-Contactd-Attempt)})")
_LAST = "exten => h,1,Set(CDR(cause)=${HANGUPCAUSE})"
# Without a test that moves them, desks just stay on the line.
_DESK = ("Ringing()", "Answer(,i)", "Stasis(network,desk,${EXTEN})", "Wait(36000)", "Hangup()")
_DESKS = {
    **dict.fromkeys(("_age[n]tX", "_age[n]tXX", "_age[n]tXXX"), _DESK),
    "_busyage[n]tX": ("Hangup(17)",),
    "_deafage[n]tX": ("Ringing()", "Wait(3600)"),
}
_NOBODY = {"_X.": ("Hangup(1)",)}
TOWN: Mapping[str, Sequence[str]] = {behaviour.pattern: behaviour.steps for behaviour in BEHAVIOURS}

# A real telephone sends speech all the time; without this line a waiting one sends nothing, and AMD never decides.
_OPTIONS = {"transmit_silence": "yes"}


@dataclass(frozen=True, slots=True)
class NetworkCall:
    """One call as the network saw it; `answer` is None for one nobody answered, `attempt` is contactd's header."""

    number: str
    caller: str
    start: datetime
    answer: datetime | None
    end: datetime
    disposition: str
    cause: int
    attempt: str
    channel: str


class Network(Asterisk):
    """The server of the town."""

    def calls(self) -> list[NetworkCall]:
        """Return the calls from the PBX that are over, in the order of their ends."""
        book = self.folder / "log" / "cdr-custom" / _CALLS
        if not book.exists():
            return []
        lines = [json.loads(line) for line in book.read_text(encoding="utf-8").splitlines()]
        # A line without a number is a listening device of a test, or a call to the PBX.
        return [_read_call(line) for line in lines if line["number"]]


def make_network(
    programs: Programs,
    ports: Ports,
    sip: int,
    pbx_sip: int,
    *,
    speech_ports: int = 1000,
    pjsip: str = _PJSIP,
    people: Mapping[str, Sequence[str]] = TOWN,
    modules: Sequence[str] = (),
) -> Network:
    """Write the town's configuration; the server is not started yet.

    `people` are what patterns of the dialplan do, `modules` those it needs for that beyond the town's.
    """
    http, password, folder = ports.one(), secrets.token_hex(12), new_folder()
    write_sounds(folder / "sounds")
    low, high = ports.speech(speech_ports)
    sample = (SAMPLE / "modules.conf").read_text(encoding="utf-8").replace("load = res_musiconhold.so\n", "")
    files = {
        "modules.conf": sample + "".join(f"load = {name}.so\n" for name in (*_MODULES, *modules)),
        "http.conf": _changed("http.conf", "general", bindport=http),
        "ari.conf": _changed("ari.conf", USER, password=password),
        "rtp.conf": _changed("rtp.conf", "general", rtpstart=low, rtpend=high),
        "logger.conf": (SAMPLE / "logger.conf").read_text(encoding="utf-8"),
        "pjsip.conf": pjsip.replace("@HOST@", HOST).replace("@SIP@", str(sip)).replace("@PBX@", str(pbx_sip)),
        "cdr.conf": "[general]\nenable = yes\nunanswered = yes\ncongestion = yes\nendbeforehexten = no\n",
        "cdr_custom.conf": f"[{_CALLS}]\nformat = json\nfields = {_FIELDS}\n",
        "amd.conf": "[general]\n",
        "extensions.conf": _dialplan(folder / "sounds", people),
    }
    return Network(programs, ports, http, password, folder, files, _OPTIONS)


@contextmanager
def running(pbx: Asterisk, network: Network) -> Iterator[None]:
    """Run both for the length of the block; the network first, or the PBX finds its trunk dead."""
    try:
        network.start()
        pbx.start()
        yield
    finally:
        pbx.close()
        network.close()


def _changed(name: str, section: str, **values: object) -> str:
    conf = Conf((SAMPLE / name).read_text(encoding="utf-8"))
    for key, value in values.items():
        conf.section(section).set(key, value)
    return str(conf)


def _dialplan(sounds: Path, people: Mapping[str, Sequence[str]]) -> str:
    lines = ["[general]", "static = yes", "writeprotect = yes", "[network]"]
    for pattern, steps in {**_DESKS, **_NOBODY, **people}.items():
        lines.append(f"exten => {pattern},1,{_FIRST[0]}")
        lines += [f" same => n,{step}" for step in (*_FIRST[1:], *steps)]
    return "\n".join([*lines, _LAST, ""]).replace("@SOUNDS@", str(sounds))


def _read_call(line: dict[str, str]) -> NetworkCall:
    return NetworkCall(
        number=line["number"],
        caller=line["src"],
        start=datetime.fromtimestamp(float(line["start"]), UTC),
        answer=datetime.fromtimestamp(float(line["answer"]), UTC) if float(line["answer"]) else None,
        end=datetime.fromtimestamp(float(line["end"]), UTC),
        disposition=line["disposition"],
        cause=int(line["cause"] or 0),
        attempt=line["attempt"],
        channel=line["channel"],
    )
