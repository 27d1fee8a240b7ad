"""A step by letter through the whole engine: the address and the invoices on paper, the document named in the log."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from contactd.channels.letter_post import LetterChannel
from contactd.channels.letter_spool import letter_spool
from contactd.channels.memory import MemoryChannel
from contactd.channels.render import Renderer
from contactd.config.settings import Sections, Settings
from contactd.domain.account import Channel
from contactd.domain.attempt import Event
from contactd.domain.campaign import Campaign, Step
from contactd.domain.errors import ChannelRejected
from contactd.engine.gate import Begun
from contactd.engine.sending.compose import Composer
from contactd.engine.sending.reconciler import Reconciler
from contactd.store import attempts, schema
from contactd.store.attempts import Transition
from contactd.store.database import Database
from tests.channels.letters_in_hand import text
from tests.engine.world import World, open_world

LETTERS = Campaign(
    id="standard",
    timezone="Europe/Berlin",
    language="de",
    steps=(
        Step("notice", Channel.LETTER, day=3, template="mahnung", deadline_days=10, postage_days=3),
        Step("call", Channel.CALL, day=20),
    ),
)
TABLES = {
    "operator": {"name": "Musterwerke GmbH", "contact_person": "Frau Beispiel", "phone": "030 23125 100",
                 "street": "Werksweg 3", "postcode": "00002", "city": "Musterstadt"},
    "creditors": {"acme": {"name": "Musterwerke GmbH", "iban": "DE02120300000000202051"}},
    "letters": {"backend": "spool"},
}  # fmt: skip
HOME: dict[str, Any] = {
    "street": "Beispielweg 12",
    "postcode": "00001",
    "city": "Musterstadt",
    "email": "",
    "phone": "+493023125042",
}


@dataclass
class Office:
    """A world with letters and the folder they go into."""

    world: World
    folder: Path
    channel: LetterChannel
    composer: Composer

    async def send(self) -> None:
        """Let a sender work until nothing moves any more."""
        await self.world.send(self.channel, compose=self.composer)

    def printed(self) -> list[bytes]:
        """Read what lies in the outbox."""
        return [path.read_bytes() for path in sorted(self.folder.glob("outbox/*/[!.]*.pdf"))]

    def logged(self) -> list[Any]:
        """Read the contact log."""
        with self.world.database.snapshot() as connection:
            return list(connection.execute(sa.select(schema.contact_log).order_by(schema.contact_log.c.id)))


@asynccontextmanager
async def office_on(database: Database, folder: Path, **letters: Any) -> AsyncIterator[Office]:  # noqa: ANN401 - any key
    """Build it."""
    sections = Sections.model_validate(TABLES | {"letters": {"backend": "spool"} | letters})
    settings = Settings.of(sections, folder / "contactd.toml", (LETTERS,))
    async with open_world(database, campaigns=(LETTERS,)) as world:
        channel = letter_spool(settings.letters_directory)
        await channel.start()
        composer = Composer(settings, Renderer(settings.template_directories), b"key")
        yield Office(world, settings.letters_directory, channel, composer)
        await channel.close()


@pytest.fixture
async def office(database: Database, tmp_path: Path) -> AsyncIterator[Office]:
    async with office_on(database, tmp_path) as made:
        yield made


async def test_a_step_by_letter_is_printed_accepted_and_logged_with_its_document(office: Office) -> None:
    world = office.world
    world.debtor(1, **HOME)
    world.planner.plan("standard", world.clock.now())
    await office.send()
    [row] = world.rows()
    [pdf] = office.printed()
    assert (row.state, row.outcome, row.provider_ref) == ("accepted", "accepted", f"{row.id}-1")
    assert [(one.event, one.channel) for one in office.logged()] == [("sending", "letter"), ("accepted", "letter")]
    details = office.logged()[-1].details
    assert (details["sha256"], details["bytes"]) == (sha256(pdf).hexdigest(), len(pdf))
    assert (office.folder / "archive" / details["file"]).read_bytes() == pdf
    said = text(pdf)
    for part in ("Debtor 1 Beispielweg 12 00001 Musterstadt", "R-1", "100,00 €", "rufen wir Sie an", "Werksweg 3"):
        assert part in said
    ends = world.clock.now().date() + timedelta(days=13)  # ten days, and three for the post
    assert f"{ends:%A %d.%m.%Y}" == "Sunday 06.12.2026"
    assert ("06.12.2026" in said, "07.12.2026" in said) == (False, True)  # § 193 BGB


async def test_whoever_has_no_postal_address_gets_no_letter(office: Office) -> None:
    office.world.debtor(1, **HOME | {"street": ""})
    office.world.planner.plan("standard", office.world.clock.now())
    await office.send()
    assert office.printed() == []


async def test_the_address_is_that_of_the_moment_it_is_sent(office: Office) -> None:
    world = office.world
    world.debtor(1, **HOME)
    world.planner.plan("standard", world.clock.now())
    with world.database.transaction() as connection:
        connection.execute(sa.update(schema.account).values(street="Neuer Weg 7"))
    await office.send()
    [pdf] = office.printed()
    assert "Neuer Weg 7" in text(pdf)


async def test_letters_a_crash_left_behind_settle_themselves_each_by_its_own_file(office: Office) -> None:
    world = office.world
    for number in (1, 2, 3):
        world.debtor(number, **HOME)
    world.planner.plan("standard", world.clock.now())
    claims = world.claim(Channel.LETTER)
    with world.database.transaction() as connection:
        begun = world.gate.begin(connection, claims)
    first, second, third = (one for one in begun if isinstance(one, Begun))
    for one in (first, second):
        await office.channel.send(office.composer(one, lambda: True))
    (office.folder / "outbox" / office.logged()[0].at.astimezone().date().isoformat()).rename(office.folder / "gone")
    lost = [Transition(one.claimed.id, one.claimed.claim_no, Event.LOST_SIGHT, world.clock.now()) for one in begun]
    with world.database.transaction() as connection:
        attempts.apply(connection, lost)
    reconciler = Reconciler(world.commit, {Channel.LETTER: office.channel}, world.clock, grace=timedelta(minutes=2))
    assert await reconciler.settle_unclear() == 2
    world.clock.advance(121)
    assert await reconciler.settle_unclear() == 1
    assert [(row.id, row.state) for row in world.rows()] == [
        (first.claimed.id, "accepted"), (second.claimed.id, "accepted"), (third.claimed.id, "planned"),
    ]  # fmt: skip
    accepted = [row for row in office.logged() if row.event == "accepted"]
    assert [row.reason for row in accepted] == ["looked_up"] * 2
    assert all(len(row.details["sha256"]) == 64 for row in accepted)


async def test_an_address_the_printer_refuses_ends_the_attempt_and_blocks_nobody(office: Office) -> None:
    world = office.world
    world.debtor(1, **HOME)
    world.planner.plan("standard", world.clock.now())
    await world.send(MemoryChannel(Channel.LETTER, faults=[ChannelRejected("no such street", dead=True)]))
    assert [(row.state, row.outcome) for row in world.rows()] == [("failed", "undeliverable")]
    with world.database.snapshot() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(schema.suppression)) == 0


async def test_a_letter_that_is_too_long_fails_and_the_next_goes_out(database: Database, tmp_path: Path) -> None:
    async with office_on(database, tmp_path, pages=1) as office:
        world = office.world
        world.debtor(1, **HOME)
        world.debtor(2, **HOME)
        with world.database.transaction() as connection:
            for number in range(90):
                world.owe(connection, 1, f"M-{number}", world.clock.now().date() - timedelta(days=30), 100)
        world.planner.plan("standard", world.clock.now())
        await office.send()
        states = {row.account_id: (row.state, row.outcome) for row in world.rows()}
        assert states == {1: ("failed", "rejected"), 2: ("accepted", "accepted")}
