"""The live view: what is done there asks first, is done once, is refused in words, and stands in the audit log."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
import sqlalchemy as sa

from contactd.config.settings import Agent as AgentTable
from contactd.config.settings import Sections
from contactd.domain.account import Channel
from contactd.domain.attempt import Event
from contactd.domain.queueing import Priority
from contactd.domain.role import Role
from contactd.store import attempts, audit, pauses
from contactd.store.attempts import Transition
from contactd.store.schema import attempt
from contactd.web.live_deeds import DEEDS
from tests.store.seed import add_account, new_attempt
from tests.web.frame import Frame
from tests.web.people import Entrance, Person


@pytest.fixture
async def sven(door: Entrance) -> Person:
    """Sign a supervisor in."""
    return await door.person("sven", Role.SUPERVISOR, full_name="Sven Beispiel")


async def do(person: Person, deed: str, **form: str) -> tuple[int, str]:
    """Do something; answers the status, and where one is sent or what is told."""
    answer = await person.post(f"/live/do/{deed}", **form)
    return answer.status, answer.headers.get("Location", answer.text)


async def told(frame: Frame) -> list[Mapping[str, object]]:
    """Read what the audit log says of what was done once somebody was in."""
    names = ("who", "what", "about", "old", "new", "reason", "account_id")
    rows = [row for row in await frame.commit.read(audit.read) if row.what != "sign in"]
    return [{name: getattr(row, name) for name in names} for row in rows]


def waiting(frame: Frame, *, callback: bool = False, unclear: bool = False) -> int:
    """Let one attempt wait: a callback, or a message of which nobody knows whether it was sent."""
    with frame.database.transaction() as connection:
        add_account(connection, 1)
        channel = Channel.CALL if callback else Channel.EMAIL
        attempts.plan(connection, [new_attempt(1, channel=channel)])
        number = int(connection.execute(sa.select(attempt.c.id)).scalar_one())
        if callback:
            connection.execute(sa.update(attempt).values(priority=int(Priority.CALLBACK), kept_for="bernd"))
        if unclear:
            now = frame.clock.now()
            attempts.claim(connection, channel, owner="one", now=now, lease=timedelta(minutes=1), limit=1)
            for event in (Event.BEGUN, Event.LOST_SIGHT):
                attempts.apply(connection, [Transition(number, None, event, now)])
    return number


async def test_a_campaign_pauses_and_goes_on_by_page(frame: Frame, sven: Person) -> None:
    assert await do(sven, "pause", on="campaign:standard", reason="holiday") == (303, "/live?done=pause")
    assert "Paused." in (await sven.get("/live?done=pause")).text
    assert await frame.commit.read(pauses.paused) == {"campaign:standard"}
    assert frame.woken == 1
    shown = (await sven.get("/live")).text
    assert "Sven Beispiel: holiday" in shown
    assert "/live/ask/resume?on=campaign%3Astandard" in shown
    assert await do(sven, "resume", on="campaign:standard") == (303, "/live?done=resume")
    assert [(row["who"], row["what"], row["about"], row["reason"]) for row in await told(frame)] == [
        ("sven", "pause", "campaign:standard", "holiday"), ("sven", "resume", "campaign:standard", ""),
    ]  # fmt: skip


@pytest.mark.parametrize("days", [0, 1])
async def test_a_callback_is_taken_over_for_as_long_as_is_chosen_once_it_is_due(
    frame: Frame, sven: Person, days: int
) -> None:
    number, due = waiting(frame, callback=True), frame.clock.now() + timedelta(days=days)
    with frame.database.transaction() as connection:
        connection.execute(sa.update(attempt).values(not_before=due))
    assert f"/live/ask/take?on={number}" in (await sven.get("/live")).text
    asked = (await sven.get(f"/live/ask/take?on={number}")).text
    assert all(words in asked for words in ("Whoever of the team is free", "Four hours", "<strong>K-1</strong>"))
    assert (await do(sven, "take", on=str(number), choice="anna", term="3"))[0] == 409
    assert (await do(sven, "take", on=str(number), choice="anna", term="4", reason="bernd is ill"))[0] == 303
    with frame.database.snapshot() as connection:
        row = connection.execute(sa.select(attempt.c.kept_for, attempt.c.kept_until)).one()
    assert (row.kept_for, row.kept_until) == ("anna", due + timedelta(hours=4))
    assert (await do(sven, "take", on=str(number), choice="", term="1"))[0] == 303
    [first, second] = await told(frame)
    assert (first["old"], first["new"], first["account_id"]) == ("bernd", "anna", 1)
    assert (second["old"], second["new"]) == ("anna", "team")


async def test_an_attempt_is_closed_with_a_reason_by_whoever_knows(frame: Frame, sven: Person) -> None:
    number = waiting(frame, unclear=True)
    assert f"/live/ask/close?on={number}" in (await sven.get("/live")).text
    status, text = await do(sven, "close", on=str(number), choice="sent")
    assert (status, "Say the reason: how you know" in text) == (409, True)
    assert await do(sven, "close", on=str(number), choice="sent", reason="she answered") == (303, "/live?done=close")
    status, text = await do(sven, "close", on=str(number), choice="sent", reason="she answered")
    assert (status, "only an unclear one can be settled" in text) == (409, True)
    [row] = await told(frame)
    assert (row["what"], row["old"], row["new"], row["reason"]) == ("settle", "unclear", "accepted", "she answered")


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("deed", "form", "says"),
    [
        ("pause", {"on": "campaign:nowhere"}, "There is no &#39;campaign:nowhere&#39; to be paused"),
        ("level", {"on": "standard", "choice": "0.5"}, "has no level"),
        ("hear", {"on": "anna", "choice": "record"}, "is no way to hear somebody"),
        ("hear", {"on": "anna", "choice": "listen"}, "Only who has a telephone here can hear others"),
        ("take", {"on": "1", "choice": "nobody", "term": "1"}, "There is no agent &#39;nobody&#39;"),
        ("take", {"on": "99", "choice": "anna", "term": "1"}, "Callback 99 does not wait any more"),
        ("take", {"on": "<b>", "choice": "anna", "term": "1"}, "&#39;&lt;b&gt;&#39; is no number"),
        ("close", {"on": "99", "choice": "sent", "reason": "r"}, "There is no attempt 99"),
    ],
)
async def test_what_cannot_be_is_told_where_it_was_asked(
    frame: Frame, sven: Person, deed: str, form: Mapping[str, str], says: str
) -> None:
    status, text = await do(sven, deed, **form)
    assert status == 409
    assert says in text
    assert DEEDS[deed].button in text
    assert await told(frame) == []


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_a_deed_nobody_knows_is_not_there_and_nobody_hears_no_more(frame: Frame, sven: Person) -> None:
    assert (await sven.get("/live/ask/dance")).status == 404
    assert (await do(sven, "dance"))[0] == 404
    assert "<html" not in (await sven.get("/live/ask/pause?on=all", X_Part="1")).text
    assert await do(sven, "hear-no-more") == (303, "/live?done=hear-no-more")
    assert await told(frame) == [], "there was nobody to be left"


async def test_it_is_written_down_who_hears_whom_before_anybody_is_heard(frame: Frame, door: Entrance) -> None:
    before = frame.settings
    agents = {name: AgentTable(name=name.capitalize()) for name in ("anna", "sven")}
    frame.settings = type(before).of(Sections(agents=agents, web=before.web), before.path, before.campaigns)
    sven = await door.person("sven", Role.SUPERVISOR)
    assert (await do(sven, "hear", on="anna", choice="listen"))[0] == 409, "no telephony here"
    [row] = await told(frame)
    assert (row["who"], row["what"], row["about"], row["new"]) == ("sven", "hear", "agent:anna", "listen")


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_only_supervisors_and_above_steer(frame: Frame, door: Entrance) -> None:
    agent = await door.person("paul")
    assert (await do(agent, "pause", on="all"))[0] == 403
    assert await frame.commit.read(pauses.paused) == set()
