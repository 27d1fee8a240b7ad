"""The PBX under test: deploy/asterisk as it is shipped, with this machine's ports and the test network as its trunk."""

import secrets
from collections.abc import Iterable
from pathlib import Path

from contactd.clock import SystemClock
from contactd.config.providers import Asterisk as AsteriskSettings
from contactd.config.providers import Telephony
from contactd.config.secret import Secret
from contactd.config.settings import Agent, Daemon, Settings
from contactd.telephony.base import Carrier
from contactd.telephony.registry import open_carrier
from tests.calls.asterisk import HOST, USER, Asterisk, Ports, Programs, new_folder
from tests.calls.conf import Conf
from tests.calls.sounds import write_sounds

SAMPLE = Path(__file__).resolve().parents[2] / "deploy" / "asterisk"
AGENTS = tuple(f"agent{number}" for number in range(1, 13))
NAMES = ("anna", "bernd", "carla", "dogan", "elif", "frank", "greta", "hassan", "ida", "jan", "kaya", "lena")
BUSY_AGENT = "busyagent1"
DEAF_AGENT = "deafagent1"
DEAD_TRUNK = "deadtrunk"

# Nobody listens on port 9, and nobody asks whether somebody does.
_DEAD_TRUNK = f"""
[{DEAD_TRUNK}]
type = endpoint
transport = transport-udp
context = from-trunk
disallow = all
allow = alaw,ulaw
aors = {DEAD_TRUNK}
[{DEAD_TRUNK}]
type = aor
contact = sip:{HOST}:9
qualify_frequency = 0
"""


def make_pbx(
    programs: Programs,
    ports: Ports,
    sip: int,
    network_sip: int,
    *,
    speech_ports: int = 1000,
    agents: Iterable[str] = AGENTS,
) -> Asterisk:
    """Lay the overlays over the shipped files; the server is not started yet.

    Every overlay stands in one of the functions below: addresses and ports, fixed contacts instead of registrations,
    a pass word, and what loopback cannot do.
    """
    pjsip = _read("pjsip.conf")
    _overlay_sip(pjsip, sip, network_sip)
    desks = _agents(network_sip, [*agents, BUSY_AGENT, DEAF_AGENT])
    return lay_out(programs, ports, f"{pjsip}{desks}{_DEAD_TRUNK}", speech_ports=speech_ports)


def lay_out(programs: Programs, ports: Ports, pjsip: str, *, speech_ports: int = 1000) -> Asterisk:
    """Write the shipped files with free ports, a pass word, a folder of music and the given pjsip.conf."""
    password, http, folder = secrets.token_hex(12), ports.one(), new_folder()
    write_sounds(folder / "sounds")
    files = {path.name: _read(path.name) for path in sorted(SAMPLE.glob("*.conf"))}
    files["http.conf"].section("general").set("bindport", http)
    files["ari.conf"].section(USER).set("password", password)
    files["musiconhold.conf"].section("default").set("directory", folder / "sounds" / "music")
    _overlay_speech(files["rtp.conf"], ports.speech(speech_ports))
    texts = {name: str(conf) for name, conf in files.items()}
    return Asterisk(programs, ports, http, password, folder, {**texts, "pjsip.conf": pjsip})


def _read(name: str) -> Conf:
    return Conf((SAMPLE / name).read_text(encoding="utf-8"))


def _overlay_speech(rtp: Conf, ends: tuple[int, int]) -> None:
    general = rtp.section("general")
    general.set("rtpstart", ends[0])
    general.set("rtpend", ends[1])


def _overlay_sip(pjsip: Conf, sip: int, network_sip: int) -> None:
    """Bind to loopback; the trunk and the desks stand at a fixed place and have no pass words."""
    pjsip.section("transport-udp").set("bind", f"{HOST}:{sip}")
    for name in ("trunk-registration", "trunk-auth", "agent1", "agent2"):
        pjsip.drop(name)
    trunk = pjsip.section("trunk", "endpoint")
    trunk.drop("outbound_auth")
    trunk.set("from_user", "contactd")
    trunk.set("from_domain", HOST)
    pjsip.section("trunk", "aor").set("contact", f"sip:{HOST}:{network_sip}")
    pjsip.section("trunk", "identify").set("match", HOST)


def _agents(network_sip: int, names: Iterable[str]) -> str:
    """Write desks of the shipped kind whose telephones stand in the network."""
    return "\n".join(
        f"[{name}](agent-phone)\naors = {name}\n[{name}](agent-address)\ncontact = sip:{name}@{HOST}:{network_sip}\n"
        for name in names
    )


def settings_of(pbx: Asterisk, folder: Path, *, agents: int = len(AGENTS), **asterisk: object) -> Settings:
    """Write the settings of a daemon that calls by this PBX; its state stands in `folder`."""
    told = {"url": pbx.ari, "password": Secret(pbx.password), "sounds": "spoken", **asterisk}
    return Settings(
        daemon=Daemon(state=str(folder)),
        telephony=Telephony(backend="asterisk", asterisk=AsteriskSettings.model_validate(told)),
        agents={name: Agent(phone=f"PJSIP/{phone}") for name, phone in zip(NAMES, AGENTS[:agents], strict=False)},
    )


def carrier_of(pbx: Asterisk) -> Carrier:
    """Build the carrier of a daemon that calls by this PBX."""
    carrier = open_carrier(settings_of(pbx, pbx.folder), SystemClock())
    assert carrier is not None
    return carrier
