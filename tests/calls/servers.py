"""A PBX as deploy/asterisk describes it and a telephone network around it, for every test that wants real calls."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.calls.ari import Ari
from tests.calls.asterisk import Asterisk, AsteriskMissingError, Ports, Programs, find_asterisk
from tests.calls.lines import Line
from tests.calls.network import Network, make_network, running
from tests.calls.pbx import carrier_of, make_pbx
from tests.calls.scenes import keep_lines_open


@pytest.fixture(scope="session")
def programs() -> Programs:
    """Find the unpacked Asterisk, or skip."""
    try:
        return find_asterisk()
    except AsteriskMissingError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def servers(programs: Programs) -> Iterator[tuple[Asterisk, Network]]:
    """Start the pair, once a process; both take calls."""
    ports, network_ports = Ports(), Ports()
    sip, network_sip = ports.one(), network_ports.one()
    pbx = make_pbx(programs, ports, sip, network_sip)
    network = make_network(programs, network_ports, network_sip, sip)
    with running(pbx, network):
        yield pbx, network


@pytest.fixture
def pbx(servers: tuple[Asterisk, Network]) -> Iterator[Asterisk]:
    """Hand out the PBX under test, running and without calls of an earlier test."""
    server = servers[0]
    if not server.runs:  # killed by a test, or ended by itself: then it has written why
        sys.stderr.write(server.log()[-2000:])
        server.start()
    yield server
    if server.runs:
        server.hang_up_all()


@pytest.fixture
def network(servers: tuple[Asterisk, Network]) -> Iterator[Network]:
    """Hand out the network, running; what a killed PBX left of its calls is ended afterwards."""
    server = servers[1]
    yield server
    server.hang_up_all()


@pytest.fixture
async def ari(pbx: Asterisk) -> AsyncIterator[Ari]:
    """Drive the PBX by hand, as application `contactd`; not beside a real backend, which it would replace."""
    async with Ari(pbx.ari, pbx.password, "contactd") as client:
        yield client
        if pbx.runs:
            for bridge in await client.ids("bridges"):
                await client.ask("DELETE", f"bridges/{bridge}")


@pytest.fixture
async def town(network: Network) -> AsyncIterator[Ari]:
    """Move puppets and desks, as application `network`; until they speak they send silence, as telephones do."""
    async with Ari(network.ari, network.password, "network") as client:
        keeper = asyncio.create_task(keep_lines_open(client))
        yield client
        keeper.cancel()


@pytest.fixture
async def line(pbx: Asterisk, network: Network, town: Ari) -> AsyncIterator[Line]:
    """Build the carrier, and hang everything up afterwards."""
    built = Line(carrier_of(pbx), town, network, pbx)
    await built.carrier.start(built.events.append)
    yield built
    await built.carrier.close()


@pytest.fixture
async def witness(pbx: Asterisk) -> AsyncIterator[Ari]:
    """Look at the PBX beside the carrier, as an application of its own."""
    async with Ari(pbx.ari, pbx.password, "witness") as client:
        yield client
