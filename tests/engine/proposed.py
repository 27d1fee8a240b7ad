"""What the tests of proposed runs do again and again: propose, approve, read."""

from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from contactd.engine.ladder.proposing import Person, Proposing, told_line, told_run
from contactd.store import proposals, schema
from contactd.store.schema_proposals import proposal, proposal_line
from tests.engine.world import LADDER, World

ON_APPROVAL = replace(LADDER, approval=True)
ANNA = Person("anna", "anna")


def propose(world: World, proposing: Proposing, by: str = "ben") -> int:
    """Propose a run and answer its number."""
    number = proposing.propose("standard", world.clock.now(), by).batch_id
    assert number is not None
    return number


def approve(world: World, proposing: Proposing, number: int) -> tuple[int, dict[str, int]]:
    """Approve it as somebody else."""
    return proposing.approve(number, ANNA, world.clock.now(), four_eyes=True)


def read(world: World, number: int) -> Any:  # noqa: ANN401 - a row
    """Read its row."""
    with world.database.snapshot() as connection:
        return proposals.read(connection, number)


def told(world: World, number: int) -> dict[str, Any]:
    """Tell of it."""
    with world.database.snapshot() as connection:
        row, out = proposals.read(connection, number), proposals.dropped(connection, [number])
        assert row is not None
        return told_run(row, out.get(number, {}), world.clock.now())


def lines(world: World, number: int) -> dict[str, dict[str, Any]]:
    """Tell of its lines, by account."""
    ladder = read(world, number).ladder
    with world.database.snapshot() as connection:
        shown = [told_line(line, ladder) for line in proposals.lines(connection, number)]
    return {line["account"]: line for line in shown}


def everything(world: World) -> list[Any]:
    """Read all that a run consists of."""
    with world.database.snapshot() as connection:
        tables = (proposal, proposal_line, schema.batch, schema.attempt, schema.contact_log)
        return [connection.execute(sa.select(table)).all() for table in tables]
