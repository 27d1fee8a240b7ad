"""Calls that speak for themselves on a real database: whose postcode, what is told, and who is called no more."""

from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from contactd.domain.account import Channel
from contactd.domain.policy import Policy
from contactd.domain.queueing import Priority
from contactd.engine.calls.callbook import Dial, Wanted
from contactd.engine.gate import Refused
from contactd.store import attempts
from contactd.store.attempts import NewAttempt
from contactd.store.database import Database
from contactd.store.schema import account, contact_log, suppression
from contactd.telephony.base import Kind
from contactd.telephony.simulated import Customer
from tests.engine.dialing import CALL, CAMPAIGN, Scene, StoredScene, a_list, a_scene, number, teams_of
from tests.engine.watched import WatchedBook

IVR = a_list(mode="ivr", template="frage", identify=True, personal="konto")
PLAIN = a_list(mode="ivr", template="frage")


@pytest.fixture
async def stored(database: Database) -> AsyncIterator[StoredScene]:
    """Give a database to work on, each kind in turn."""
    scene = StoredScene(database)
    yield scene
    await scene.commit.close()


async def calling(stored: StoredScene, keys: str, *, identify: bool = True, postcode: str = "10117") -> Scene:
    """Plan a call to somebody who presses these keys."""
    one = IVR if identify else PLAIN
    stored.book.replace([one.campaign], {CAMPAIGN: Policy("free", default_timezone="Europe/Berlin")})
    stored.plan(1)
    with stored.database.transaction() as connection:
        connection.execute(sa.update(account).values(postcode=postcode))
    book = WatchedBook(stored.callbook())
    stored.clock.at_rest = book.at_rest
    scene = await a_scene(book, stored.clock, teams=teams_of(one))
    scene.usual = Customer(Kind.ANSWERED, setup=1, ring=5, patience=20, listens=4, presses=keys)
    return scene


def log_of(stored: StoredScene) -> list[tuple[str, str, str]]:
    """Read the contact log: event, outcome, reason."""
    with stored.database.snapshot() as connection:
        columns = (contact_log.c.event, contact_log.c.outcome, contact_log.c.reason)
        return [(row[0], row[1], row[2]) for row in connection.execute(sa.select(*columns).order_by(contact_log.c.id))]


async def test_who_opts_out_is_in_the_log_and_on_the_list_for_calls_alone(stored: StoredScene) -> None:
    scene = await calling(stored, "9", identify=False)
    async with scene.at_work():
        await stored.clock.run(60)
    with stored.database.snapshot() as connection:
        columns = (suppression.c.value, suppression.c.channel, suppression.c.reason)
        assert [tuple(row) for row in connection.execute(sa.select(*columns))] == [(number(1), "call", "opted_out")]
    assert log_of(stored) == [
        ("sending", "", ""),
        ("accepted", "accepted", ""),
        ("suppressed", "", "opted_out"),
        ("delivered", "answered", "opted_out"),
    ]


async def test_who_has_opted_out_is_not_called_again(stored: StoredScene) -> None:
    scene = await calling(stored, "9", identify=False)
    async with scene.at_work():
        await stored.clock.run(60)
    now = stored.clock.now()
    with stored.database.transaction() as connection:
        again = NewAttempt(1, 1, None, CAMPAIGN, CALL.id, Channel.CALL, 1, 2, now, now, priority=Priority.CALLBACK)
        attempts.plan(connection, [again])
    refused = await begin(stored)
    assert isinstance(refused, Refused)
    assert refused.reason == "opted_out"


async def test_the_accounts_own_postcode_opens_what_is_open_and_the_log_tells_no_digit(stored: StoredScene) -> None:
    scene = await calling(stored, "9876510117")
    async with scene.at_work():
        await stored.clock.run(60)
    assert [text for _, text in scene.orders("play")] == ["frage (de)", "ivr-wrong (de)", "konto 50.00 EUR (de)"]
    with stored.database.snapshot() as connection:
        details = [row[0] for row in connection.execute(sa.select(contact_log.c.details))]
    assert (details[-1]["identified"], details[-1]["tries"]) == (True, 2)
    assert "10117" not in str(details)
    assert "98765" not in str(details)


@pytest.mark.parametrize("identify", [True, False])
async def test_a_call_knows_its_account_only_where_the_postcode_is_asked_for(
    stored: StoredScene, *, identify: bool
) -> None:
    await calling(stored, "", identify=identify)
    dial = await begin(stored)
    assert isinstance(dial, Dial)
    assert (dial.personal is not None) == identify
    if dial.personal is not None:
        assert (dial.personal.postcode, dial.personal.invoices, dial.personal.reference) == ("10117", 1, "K-1")
        assert str(dial.personal.oldest_due) == "2026-10-01"


async def test_an_account_without_postcode_has_nothing_to_tell(stored: StoredScene) -> None:
    await calling(stored, "", postcode="")
    dial = await begin(stored)
    assert isinstance(dial, Dial)
    assert dial.personal is None


async def begin(stored: StoredScene) -> Dial | Refused:
    """Claim and begin the one call there is."""
    book = stored.callbook()
    (claimed,) = await book.claim(Wanted((CAMPAIGN, CALL.id), 1, reach=dict.fromkeys(range(24), 0.3)))
    return await book.begin(claimed)
