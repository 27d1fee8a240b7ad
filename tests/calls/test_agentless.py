"""Calls that speak for themselves, by real sounds and real keys, and who tells people from machines."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from contactd.config.load import load
from contactd.store import schema
from contactd.store.database import open_database
from tests.calls import town as people
from tests.calls.asterisk import Asterisk
from tests.calls.network import Network
from tests.calls.office import at_work, owe, write

IVR = 'mode = "ivr"\ntemplate = "ivr"'


@dataclass
class Left:
    """What a daemon has left behind: how calls ended, their rows, the last words of the log, whom nobody may call."""

    folder: Path
    ended: dict[str, str]
    rows: list[Any]
    details: dict[str, Mapping[str, Any]]
    suppressed: list[tuple[str, str, str]]


async def called(tmp_path: Path, pbx: Asterisk, step: str, *numbers: str) -> Left:
    """Let a daemon call these numbers by such a step, to the end."""
    config = write(tmp_path, pbx, agents=3, ring=6, step=step)
    database = open_database(load(config).database_url)
    owe(database, numbers)
    async with at_work(config) as office:
        await office.finish()
        left = Left(tmp_path, office.outcomes(), office.calls(), {}, [])
    with database.snapshot() as connection:
        for row in connection.execute(schema.contact_log.select().order_by(schema.contact_log.c.id)):
            if row.event in ("delivered", "failed"):
                left.details[row.address] = row.details or {}
        left.suppressed = [
            (row.value, row.channel, row.reason) for row in connection.execute(schema.suppression.select())
        ]
    database.close()
    return left


async def test_whoever_presses_1_talks_to_an_agent_and_who_presses_nothing_hears_the_text_to_its_end(
    pbx: Asterisk, network: Network, tmp_path: Path
) -> None:
    presses, listens = people.PRESSES_ONE.number(2), people.PROMPT.number(76)
    left = await called(tmp_path, pbx, IVR, presses, listens)
    assert left.ended == {presses: "answered", listens: "answered"}
    assert {row.number: row.agent != "" for row in left.rows} == {presses: True, listens: False}
    assert len([call for call in network.calls() if f"+{call.number}" in (presses, listens)]) == 2


async def test_whoever_presses_9_is_called_no_more(pbx: Asterisk, network: Network, tmp_path: Path) -> None:
    number = people.PRESSES_NINE.number(1)
    left = await called(tmp_path, pbx, IVR, number)
    assert left.ended == {number: "answered"}
    assert left.suppressed == [(number, "call", "opted_out")]
    del network


async def test_only_who_types_the_postcode_hears_what_is_open(pbx: Asterisk, network: Network, tmp_path: Path) -> None:
    number = people.TYPES_POSTCODE.number(2)
    step = 'mode = "ivr"\ntemplate = "ivr-identify"\nidentify = true\npersonal = "ivr-personal"'
    left = await called(tmp_path, pbx, step, number)
    assert left.ended == {number: "answered"}
    assert left.details[number]["identified"] in (True, "yes", "true")
    assert not list((left.folder / "sounds").glob("private-*"))  # what told of the account is gone
    assert len(list((left.folder / "sounds").glob("*.wav"))) >= 1
    del network


@pytest.mark.parametrize("detect", ["first", "beside"])
async def test_a_machine_is_told_from_a_person_in_time(
    pbx: Asterisk, network: Network, tmp_path: Path, detect: str
) -> None:
    machine, human = people.MACHINE.number(20), people.HUMAN.number(70)
    step = f'mode = "progressive"\ndetect = "{detect}"'
    left = await called(tmp_path, pbx, step, machine, human)
    expected = {"first": "machine", "beside": "answered"}[detect]  # an agent who talks already judges it themselves
    assert left.ended == {machine: expected, human: "answered"}
    del network


async def test_a_machine_gets_the_neutral_text_or_nothing(pbx: Asterisk, network: Network, tmp_path: Path) -> None:
    machine = people.MACHINE.number(21)
    left = await called(tmp_path, pbx, 'mode = "ivr"\ntemplate = "ivr"\ndetect = "first"\nmachine = "machine"', machine)
    assert left.ended == {machine: "machine"}
    (call,) = [call for call in network.calls() if f"+{call.number}" == machine]
    assert call.answer is not None
    assert (call.end - call.answer).total_seconds() > 8  # the text was left there
