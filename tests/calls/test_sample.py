"""The shipped configuration with its registrations and pass words: a trunk, a desk that logs in, one that may not."""

import time
from collections.abc import AsyncIterator, Iterator, Mapping

import pytest

from tests.calls.ari import Ari
from tests.calls.asterisk import HOST, Asterisk, Ports, Programs
from tests.calls.conf import Conf
from tests.calls.network import TRANSPORT, Network, make_network
from tests.calls.pbx import SAMPLE, lay_out
from tests.calls.scenes import Line, codes, hear
from tests.calls.sounds import AGENT

# A provider's account; it and the desks answer whoever asks whether they are there.
_PROVIDER = f"""{TRANSPORT.replace("user_agent = Network", "endpoint_identifier_order = username,ip")}
[asked]
type = endpoint
transport = udp
context = network
disallow = all
allow = alaw
[asked]
type = identify
endpoint = asked
match = @HOST@
[REPLACE-USER]
type = endpoint
transport = udp
context = network
disallow = all
allow = alaw
aors = REPLACE-USER
auth = REPLACE-USER
[REPLACE-USER]
type = aor
max_contacts = 1
[REPLACE-USER]
type = auth
auth_type = digest
username = REPLACE-USER
password = REPLACE-PASSWORD
"""
_DESK = """
[@NAME@]
type = registration
transport = udp
outbound_auth = @NAME@
server_uri = sip:@HOST@:@PBX@
client_uri = sip:@USER@@@HOST@:@PBX@
contact_user = @USER@
max_retries = 0
max_random_initial_delay = 0
[@NAME@]
type = auth
auth_type = digest
username = @USER@
password = @PASSWORD@
[@NAME@]
type = endpoint
transport = udp
context = network
disallow = all
allow = alaw
aors = @NAME@
outbound_auth = @NAME@
from_user = @USER@
[@NAME@]
type = aor
contact = sip:@HOST@:@PBX@
"""


def write_desk(name: str, user: str, password: str) -> str:
    """Write a telephone's account."""
    return _DESK.replace("@NAME@", name).replace("@PASSWORD@", password).replace("@USER@@@", f"{user}@@").replace(
        "@USER@", user
    )  # fmt: skip


@pytest.fixture(scope="module")
def shipped(programs: Programs) -> Iterator[tuple[Asterisk, Network]]:
    """Start the sample as it is, with the provider's name replaced by this machine's, and a provider with two desks."""
    ports, network_ports = Ports(), Ports()
    sip, network_sip = ports.one(), network_ports.one()
    text = (SAMPLE / "pjsip.conf").read_text(encoding="utf-8").replace("sip.provider.example", f"{HOST}:{network_sip}")
    pjsip = Conf(text)
    pjsip.section("transport-udp").set("bind", f"{HOST}:{sip}")
    # Desks and provider share one address here: only their names tell them apart.
    pjsip.section("trunk", "identify").set("match", "192.0.2.1")
    pbx = lay_out(programs, ports, str(pjsip))
    network = make_network(programs, network_ports, network_sip, sip, pjsip=_PROVIDER)
    try:
        network.start()
        pbx.start()
        desks = write_desk("desk", "agent1", "REPLACE-PASSWORD-1") + write_desk("guess", "agent2", "1234")
        with (network.folder / "etc" / "pjsip.conf").open("a", encoding="utf-8") as file:
            file.write(desks.replace("@HOST@", HOST).replace("@PBX@", str(sip)))
        network.cli("module reload res_pjsip.so")
        log_in(network, {"desk": "Registered", "guess": "Rejected"})
        yield pbx, network
    finally:
        pbx.close()
        network.close()


@pytest.fixture
async def phones(shipped: tuple[Asterisk, Network]) -> AsyncIterator[Ari]:
    """Move the desks' telephones."""
    _, network = shipped
    async with Ari(network.ari, network.password, "network") as phones:
        yield phones


def log_in(network: Network, expected: Mapping[str, str]) -> None:
    """Wait until the telephones' registrations have been answered so."""
    deadline = time.monotonic() + 60
    while True:
        words = [line.split() for line in network.cli("pjsip show registrations").splitlines()]
        told = {line[0].split("/")[0]: line[2] for line in words if len(line) > 2}
        if {desk: told.get(desk) for desk in expected} == expected:
            return
        assert time.monotonic() < deadline, told
        time.sleep(0.02)


async def test_the_shipped_trunk_registers_with_the_provider(shipped: tuple[Asterisk, Network], phones: Ari) -> None:
    pbx, _ = shipped

    async def registered() -> bool:
        return "Registered" in pbx.cli("pjsip show registrations")

    await phones.eventually(registered)


async def test_a_desk_with_the_right_pass_word_logs_in_and_a_wrong_one_is_written_down(
    shipped: tuple[Asterisk, Network], phones: Ari
) -> None:
    pbx, _ = shipped
    contacts = pbx.cli("pjsip show contacts")
    assert ("agent1/sip:agent1@" in contacts, "agent2/" in contacts) == (True, False)
    security = (pbx.folder / "log" / "security.log").read_text(encoding="utf-8")
    assert 'SecurityEvent="ChallengeResponseFailed"' in security
    assert 'AccountID="agent2"' in security


async def test_a_desk_hears_its_own_echo_and_reaches_nothing_else(
    shipped: tuple[Asterisk, Network], phones: Ari
) -> None:
    _, network = shipped
    await phones.ask("POST", "channels", endpoint="PJSIP/*43@desk", app="network", channelId="echo")
    await phones.wait("StasisStart", "echo")
    line = Line(phones, network, "echo", "")
    (heard,) = await hear([line], line.say("agent"))
    assert heard.seconds_of(AGENT) > 0.8
    await line.hang_up()
    for number in ("+4989999980099", "100", "run", "agent2"):
        await phones.ask("POST", "channels", endpoint=f"PJSIP/{number}@desk", app="network", channelId=f"to-{number}")
        assert codes(await phones.wait("ChannelDestroyed", f"to-{number}")) == (1, 404)


async def test_a_stranger_is_not_let_in(shipped: tuple[Asterisk, Network], phones: Ari) -> None:
    await phones.ask("POST", "channels", endpoint="PJSIP/*43@guess", app="network", channelId="stranger")
    end = await phones.wait("ChannelDestroyed", "stranger")
    assert end["tech_cause"] == 401


def test_the_shipped_files_start_without_a_warning(shipped: tuple[Asterisk, Network]) -> None:
    pbx, _ = shipped
    log = (pbx.folder / "log" / "messages.log").read_text(encoding="utf-8")
    assert [line for line in log.splitlines() if "WARNING" in line or "ERROR" in line] == []
