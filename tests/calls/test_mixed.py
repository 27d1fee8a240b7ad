"""Two hundred calls of every kind for ten agents, held against the books of the telephone network one by one."""

from collections import Counter
from pathlib import Path

from contactd.config.load import load
from contactd.store.database import open_database
from tests.calls import town as people
from tests.calls.asterisk import Asterisk
from tests.calls.network import Network
from tests.calls.office import at_work, owe, write

# How many of each, what the log says of them, and what the network does: answered, and its cause.
_MIX = {
    people.HUMAN: (50, {"answered", "abandoned"}, True),
    people.HANGS_UP: (20, {"answered", "abandoned"}, True),
    people.PROMPT: (20, {"answered", "abandoned"}, True),
    people.SILENT: (10, {"answered", "abandoned"}, True),
    people.EARLY_MEDIA: (10, {"answered", "abandoned"}, True),
    people.BUSY: (20, {"busy"}, False),
    people.RINGS: (20, {"no_answer"}, False),
    people.REJECTS: (10, {"rejected"}, False),
    people.INVALID: (20, {"invalid"}, False),
    people.CONGESTED: (10, {"congestion"}, False),
    people.SWITCHED_OFF: (10, {"no_answer"}, False),
}


async def test_two_hundred_calls_agree_with_the_networks_books(pbx: Asterisk, network: Network, tmp_path: Path) -> None:
    expected = {
        behaviour.number(serial): (outcomes, answered)
        for behaviour, (count, outcomes, answered) in _MIX.items()
        for serial in range(count)
    }
    assert len(expected) == 200
    config = write(tmp_path, pbx, agents=10, ring=6, step='mode = "power"\nratio = 2.0')
    database = open_database(load(config).database_url)
    owe(database, expected)
    before = len(network.calls())
    async with at_work(config, talk=0.5) as office:
        await office.finish(240)
        outcomes, rows = office.outcomes(), office.log()
        calls = {f"+{call.number}": call for call in network.calls()[before:]}
    database.close()
    assert set(outcomes) == set(expected) == set(calls)
    assert len(network.calls()) - before == len(expected)  # nobody was called twice
    wrong = {number: outcome for number, outcome in outcomes.items() if outcome not in expected[number][0]}
    assert wrong == {}
    assert {number for number, call in calls.items() if (call.answer is not None) != expected[number][1]} == set()
    ends = Counter(number for number, events in rows.items() for event, _ in events if event in _ENDS)
    assert set(ends.values()) == {1}
    counts = Counter(outcomes.values())
    assert counts["answered"] > counts["abandoned"]


_ENDS = {"delivered", "failed", "not_taken"}
