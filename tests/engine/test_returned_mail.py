"""Letters that came back: the address is written to no more until there is another one, and somebody looks for it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from contactd.channels.base import Message, Receipt
from contactd.channels.memory import MemoryChannel
from contactd.config.settings import Sections, Settings
from contactd.domain.account import Channel
from contactd.domain.attempt import Event
from contactd.domain.campaign import Campaign, Step
from contactd.domain.errors import InputError
from contactd.engine.sending.returned_mail import find, lift, note
from contactd.store import attempts, contact_log, schema, tasks
from contactd.store.attempts import Transition
from contactd.store.database import Database
from contactd.store.tasks import Which
from tests.engine.world import World, open_world

LETTERS = Campaign(
    id="standard",
    timezone="Europe/Berlin",
    steps=(
        Step("notice", Channel.LETTER, day=3, template="mahnung", otherwise="notice-email", attempts=2),
        Step("notice-email", Channel.EMAIL, template="mahnung", implied=True),
        Step("last", Channel.LETTER, day=30, template="mahnung", otherwise="last-email"),
        Step("last-email", Channel.EMAIL, template="mahnung", implied=True),
    ),
)
HOME = {"street": "Beispielweg 12", "postcode": "00001", "city": "Musterstadt"}
SETTINGS = Settings.of(Sections.model_validate({"tasks": {"owner": "anna"}}), Path("contactd.toml"))
DAY = 86_400.0


class Post(MemoryChannel):
    """Tells where a letter went, as the backends of letters do."""

    def __init__(self, place: dict[str, str] = HOME) -> None:
        super().__init__(Channel.LETTER)
        self._place = place

    async def send(self, message: Message) -> Receipt:
        """Take it."""
        receipt = await super().send(replace(message, on_wire=lambda _: None))
        return Receipt(receipt.provider_ref, details=self._place)


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with open_world(database, campaigns=(LETTERS,)) as made:
        made.debtor(1, street=HOME["street"], postcode=HOME["postcode"], city=HOME["city"])
        await write(made)
        yield made


async def write(world: World) -> None:
    world.planner.plan("standard", world.clock.now())
    by_letter = any(row.state == "planned" and row.channel == "letter" for row in world.rows())
    await world.send(Post(place_of(world)) if by_letter else MemoryChannel(Channel.EMAIL))


def place_of(world: World) -> dict[str, str]:
    """Read the address of the account as it stands."""
    with world.database.snapshot() as connection:
        chosen = sa.select(*(schema.account.c[name] for name in HOME)).where(schema.account.c.id == 1)
        return dict(connection.execute(chosen).mappings().one())


def came_back(world: World, reference: str, why: str = "moved", creditor: str = "") -> dict[str, Any]:
    with world.database.transaction() as connection:
        return note(SETTINGS, connection, find(connection, reference, creditor), why, by="post", clock=world.clock)


def steps(world: World) -> list[tuple[str, str]]:
    return [(row.step, row.outcome) for row in world.rows()]


def move(world: World, street: str, postcode: str = HOME["postcode"]) -> None:
    with world.database.transaction() as connection:
        connection.execute(sa.update(schema.account).values(street=street, postcode=postcode))


def open_tasks(world: World) -> list[tuple[str, str, str]]:
    with world.database.snapshot() as connection:
        return [(one.kind.value, one.owner, one.note) for one in tasks.listed(connection, Which())]


async def test_a_letter_that_came_back_goes_on_another_way_and_somebody_looks_for_the_address(world: World) -> None:
    done = came_back(world, "1-1.pdf")
    assert (done["noted"], done["address"], done["task"]) == (True, "marked", 1)
    assert open_tasks(world) == [("address", "anna", "letter 1-1 came back: moved")]
    assert [(event, outcome) for event, outcome, _ in world.log()] == [
        ("sending", ""), ("accepted", "accepted"), ("failed", "returned_mail"), ("suppressed", ""),
        ("task_opened", "address"),
    ]  # fmt: skip
    await write(world)
    assert steps(world) == [("notice", "returned_mail"), ("notice-email", "accepted")]
    world.clock.advance(40 * DAY)
    await write(world)
    assert steps(world)[2:] == [("last-email", "accepted")]


@pytest.mark.parametrize("reference", ["1-1", "K-1"])
async def test_said_twice_it_is_noted_once(world: World, reference: str) -> None:
    assert came_back(world, reference)["noted"]
    logged = world.log()
    assert (came_back(world, reference)["noted"], came_back(world, "1-1.pdf")["noted"]) == (False, False)
    assert (world.log(), len(open_tasks(world))) == (logged, 1)


async def test_another_address_is_written_to_and_the_same_is_not(world: World) -> None:
    came_back(world, "1-1")
    move(world, HOME["street"])
    assert world.planner.preview("standard", world.clock.now()).taken.keys() == {"notice-email"}
    move(world, "Neuer Weg 7")
    world.clock.advance(2 * DAY)
    await write(world)
    assert steps(world) == [("notice", "returned_mail"), ("notice", "accepted")]
    assert came_back(world, "2-1")["task"] == 1  # somebody looks for it already
    move(world, HOME["street"])
    assert came_back(world, "1-1")["noted"] is False


async def test_an_address_that_was_changed_meanwhile_is_not_blamed(world: World) -> None:
    move(world, "Neuer Weg 7", "00002")
    done = came_back(world, "1-1")
    assert (done["address"], done["task"], open_tasks(world)) == ("changed since", None, [])


async def test_a_new_address_in_the_same_town_is_not_blamed(world: World) -> None:
    move(world, "Neuer Weg 7")
    done = came_back(world, "1-1.pdf")
    assert (done["noted"], done["address"], done["task"], open_tasks(world)) == (True, "changed since", None, [])
    world.clock.advance(2 * DAY)
    await write(world)
    assert steps(world) == [("notice", "returned_mail"), ("notice", "accepted")]


@pytest.mark.parametrize("changed", [False, True])
async def test_where_the_log_has_no_street_only_an_account_that_stands_as_it_did_is_blamed(
    database: Database, *, changed: bool
) -> None:
    async with open_world(database, campaigns=(LETTERS,)) as world:
        world.debtor(1, street=HOME["street"], postcode=HOME["postcode"], city=HOME["city"])
        world.planner.plan("standard", world.clock.now())
        await world.send(Post({"postcode": HOME["postcode"], "city": HOME["city"]}))
        world.clock.advance(DAY)
        if changed:
            with world.database.transaction() as connection:
                now = world.clock.now()
                connection.execute(sa.update(schema.account).values(street="Neuer Weg 7", updated_at=now))
        done = came_back(world, "1-1.pdf")
        assert done["address"] == ("changed since" if changed else "marked")
        assert [kind for kind, _, _ in open_tasks(world)] == ["address"]  # nobody knows: somebody looks
        world.clock.advance(2 * DAY)
        taken = world.planner.preview("standard", world.clock.now()).taken
        assert taken.keys() == {"notice" if changed else "notice-email"}


async def test_of_a_letter_sent_again_the_newest_sending_counts(world: World) -> None:
    row = {"attempt_id": 1, "account_id": 1, "at": world.clock.now(), "event": "accepted", "channel": "letter"}
    new = HOME | {"street": "Neuer Weg 7"}
    with world.database.transaction() as connection:
        again = [new | {"file": "2026-03-02/1-1.pdf"}, new | {"street": "Anderer Weg", "file": "2026-03-02/1-2.pdf"}]
        contact_log.add(connection, [row | {"details": details} for details in again])
    move(world, "Neuer Weg 7")
    assert came_back(world, "1-1.pdf")["address"] == "marked"


async def test_who_refuses_a_letter_lives_there(world: World) -> None:
    done = came_back(world, "1-1", "refused")
    assert (done["address"], open_tasks(world)) == (
        "as it was", [("returned_mail", "anna", "letter 1-1 came back: refused")],
    )  # fmt: skip
    world.clock.advance(2 * DAY)
    assert world.planner.preview("standard", world.clock.now()).taken.keys() == {"notice"}


async def test_an_address_that_is_right_after_all_is_written_to_again(world: World) -> None:
    came_back(world, "1-1")
    with world.database.transaction() as connection:
        found = find(connection, "K-1")
        assert lift(connection, found, by="anna", clock=world.clock)["lifted"]
        assert not lift(connection, found, by="anna", clock=world.clock)["lifted"]
    assert world.log()[-1] == ("unsuppressed", "", "returned_mail")
    world.clock.advance(2 * DAY)
    assert world.planner.preview("standard", world.clock.now()).taken.keys() == {"notice"}


async def test_a_planned_letter_to_that_address_is_not_sent(world: World) -> None:
    world.clock.advance(31 * DAY)
    world.planner.plan("standard", world.clock.now())
    assert steps(world)[1:] == [("last", "")]
    came_back(world, "1-1")
    await world.send(Post())
    assert [(row.step, row.state, row.reason) for row in world.rows()][1:] == [("last", "cancelled", "no_address")]


async def test_what_is_no_letter_that_left_is_told(world: World) -> None:
    for reference, says in {
        "1-2": "no letter and no account '1-2'",
        "7-1.pdf": "a letter is called like 123-1.pdf",
        "K-9": "no letter and no account 'K-9'",
    }.items():
        with pytest.raises(InputError, match=says):
            came_back(world, reference)
    world.debtor(2, account_no="1-1", email="")
    with pytest.raises(InputError, match=r"1-1 is a letter and an account: write 1-1\.pdf"):
        came_back(world, "1-1")
    world.debtor(3, account_no="K-1", creditor="other")
    with pytest.raises(InputError, match="exists for acme, other: name the creditor"):
        came_back(world, "K-1")
    with pytest.raises(InputError, match="no letter to account 'K-1' is out"):
        came_back(world, "K-1", creditor="other")
    with world.database.transaction() as connection:
        attempts.apply(connection, [Transition(1, None, Event.REJECTED, world.clock.now(), outcome="rejected")])
    with pytest.raises(InputError, match="letter 1 is failed, so it cannot have come back"):
        came_back(world, "1-1.pdf")
