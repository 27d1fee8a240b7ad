"""Every kind of customer on the real telephone network: what stands in the contact log afterwards."""

from pathlib import Path

from contactd.config.load import load
from contactd.store.database import open_database
from tests.calls import town as people
from tests.calls.asterisk import Asterisk
from tests.calls.network import Network
from tests.calls.office import CALLER, at_work, owe, write

_EACH = {
    people.HUMAN.number(2): "answered",
    people.PROMPT.number(): "answered",
    people.HANGS_UP.number(2): "answered",
    people.SILENT.number(1): "answered",
    people.EARLY_MEDIA.number(1): "answered",
    people.BUSY.number(1): "busy",
    people.RINGS.number(): "no_answer",
    people.REJECTS.number(1): "rejected",
    people.INVALID.number(): "invalid",
    people.CONGESTED.number(): "congestion",
    people.MUTE_TRUNK.number(): "congestion",
    people.SWITCHED_OFF.number(1): "no_answer",
}


async def test_each_customers_behaviour_ends_in_the_log_as_what_it_is(
    pbx: Asterisk, network: Network, tmp_path: Path
) -> None:
    config = write(tmp_path, pbx, agents=6, ring=10)
    database = open_database(load(config).database_url)
    owe(database, _EACH)
    before = len(network.calls())
    async with at_work(config) as office:
        await office.finish()
        assert office.outcomes() == _EACH
        placed = {f"+{call.number}": call for call in network.calls()[before:]}
        assert set(placed) == set(_EACH)
        assert {call.caller for call in placed.values()} == {CALLER}
        assert {int(call.attempt) for call in placed.values()} == {row.attempt_id for row in office.calls()}
    database.close()
