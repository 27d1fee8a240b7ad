"""Runs that wait for approval and the list of tasks, worked through by page, on both databases."""

import html
import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from contactd.config.settings import Planning, Sections, Settings
from contactd.domain.policy import Policy
from contactd.domain.role import Role
from contactd.domain.task import Kind
from contactd.engine.ladder.proposing import proposing_of
from contactd.engine.tasks.tasking import Order, Tasking
from contactd.store import audit
from contactd.store.schema import attempt
from contactd.store.schema_tasks import task
from tests.store.seed import add_account
from tests.web.frame import CAMPAIGN, Frame, Visitor
from tests.web.lists import ACCOUNTS, row, send
from tests.web.people import Entrance, Person


@pytest.fixture
async def sven(frame: Frame, door: Entrance) -> Person:
    """Sign a supervisor in, where two have to agree on a run."""
    policies = {CAMPAIGN.id: Policy("open", default_timezone="Europe/Berlin")}
    sections = Sections(planning=Planning(four_eyes=True))
    frame.settings = Settings.of(sections, Path("contactd.toml"), (CAMPAIGN,), policies)
    return await door.person("sven", Role.SUPERVISOR, full_name="Sven Beispiel")


async def proposed(frame: Frame, visitor: Visitor, by: str = "kim") -> int:
    """Let a run over three accounts wait for approval."""
    answer = await send(visitor, ACCOUNTS, [row(1), row(2), row(3)])
    assert answer.status == 200, answer.text
    return proposing_of(frame.database, frame.settings).propose("standard", frame.clock.now(), by).batch_id or 0


async def deeds(frame: Frame) -> list[tuple[str, str, str]]:
    """Read what the audit log says of Sven once he was in."""
    rows = await frame.commit.read(lambda connection: audit.read(connection, who="sven"))
    return [(one.what, one.about, one.reason) for one in rows[1:]]


async def test_a_run_is_looked_at_edited_and_approved_by_page(frame: Frame, visitor: Visitor, sven: Person) -> None:
    run = await proposed(frame, visitor)
    assert f"/live/runs/{run}" in (await sven.get("/live")).text
    shown = (await sven.get(f"/live/runs/{run}")).text
    assert shown.count('data-ask href="/live/ask/drop') == 3
    out = await sven.post("/live/do/drop", on=f"{run}:2", reason="visit")
    assert (out.status, out.headers["Location"]) == (303, f"/live/runs/{run}?done=drop")
    assert (await sven.post("/live/do/drop", on=f"{run}:2", reason="visit")).status == 409
    assert "visit" in (await sven.get(f"/live/runs/{run}?done=drop")).text
    done = await sven.post("/live/do/approve", on=str(run))
    assert (done.status, done.headers["Location"]) == (303, f"/live/runs/{run}?done=approve")
    queued = await frame.commit.read(lambda one: one.scalar(sa.select(sa.func.count()).select_from(attempt)))
    assert queued == 2
    assert "Sven Beispiel" in (await sven.get(f"/live/runs/{run}")).text
    assert await deeds(frame) == [("drop account", f"run:{run}", "visit"), ("approve run", f"run:{run}", "")]
    told = await frame.commit.read(lambda connection: audit.read(connection, who="sven"))
    assert [one.account_id for one in told[1:]] == [2, None]


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_every_account_of_a_long_run_is_found_by_paging_and_by_its_number(
    frame: Frame, visitor: Visitor, sven: Person
) -> None:
    assert (await send(visitor, ACCOUNTS, [row(number) for number in range(1, 251)])).status == 200
    run = proposing_of(frame.database, frame.settings).propose("standard", frame.clock.now(), "kim").batch_id
    address, seen = f"/live/runs/{run}", list[str]()
    for pages_left in (2, 1, 0):
        shown = (await sven.get(address)).text
        seen += re.findall(r'<th scope="row">(K-\d+)</th>', shown)
        more = re.search(r'href="([^"]+)">More accounts<', shown)
        assert bool(more) == bool(pages_left)
        address = html.unescape(more[1]) if more else ""
    assert (len(seen), set(seen)) == (250, {f"K-{number}" for number in range(1, 251)})
    shown = (await sven.get(f"/live/runs/{run}?account=k-25")).text
    assert re.findall(r'<th scope="row">(K-\d+)</th>', shown) == ["K-25", "K-250"]
    assert "No account of this run begins like that." in (await sven.get(f"/live/runs/{run}?account=25%25")).text
    assert (await sven.get(f"/live/runs/{run}?after=x")).status == 404


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_whoever_takes_an_account_out_stays_on_the_page_and_with_what_was_looked_for(
    frame: Frame, visitor: Visitor, sven: Person
) -> None:
    run = await proposed(frame, visitor)
    for seen in (f"/live/runs/{run}?account=k-", f"/live/runs/{run}?after=1", f"/live/runs/{run}?account=k%3A%26x"):
        shown = (await sven.get(seen)).text
        links = re.findall(r'data-ask href="([^"]+drop[^"]+)"', shown)
        assert bool(links) == ("%3A" not in seen)
        for link in links[-1:]:
            asked = (await sven.get(html.unescape(link))).text
            assert f'href="{seen}"' in asked
            on = html.unescape(re.findall(r'name="on" value="([^"]+)"', asked)[0])
            out = await sven.post("/live/do/drop", on=on, reason="visit")
            assert (out.status, out.headers["Location"]) == (303, f"{seen}&done=drop")
    odd = await sven.get(f"/live/ask/drop?on={run}:1:0:k%3A%26done=x")
    assert f'href="/live/runs/{run}?account=k%3A%26done%3Dx"' in odd.text


async def test_a_run_is_rejected_with_a_reason_and_not_approved_by_who_proposed_it(
    frame: Frame, visitor: Visitor, sven: Person
) -> None:
    run = await proposed(frame, visitor, by="sven")
    own = await sven.post("/live/do/approve", on=str(run))
    assert (own.status, "somebody else has to approve it" in own.text) == (409, True)
    assert (await sven.post("/live/do/reject", on=str(run))).status == 409
    assert (await sven.post("/live/do/reject", on=str(run), reason="too many")).status == 303
    assert await deeds(frame) == [("reject run", f"run:{run}", "too many")]
    assert [(await sven.get(f"/live/runs/{name}")).status for name in ("999", "last")] == [404, 404]


async def test_tasks_are_given_put_off_done_and_dropped_by_page(frame: Frame, sven: Person) -> None:
    with frame.database.transaction() as connection:
        add_account(connection, 1)
        tasking = Tasking(frame.settings, connection, by="kim", now=frame.clock.now())
        for note in ("visit them", "ask the creditor"):
            tasking.open(1, Order(Kind.MEETING, note=note))
    assert "visit them" in (await sven.get("/live/tasks")).text
    assert "Sven Beispiel" in (await sven.get("/live/ask/task-assign?on=1")).text
    assert "30 Nov 2026" in (await sven.get("/live/ask/task-postpone?on=1")).text
    assert (await sven.post("/live/do/task-assign", on="1", choice="anna")).headers["Location"] == (
        "/live/tasks?done=task-assign"
    )
    assert (await sven.post("/live/do/task-postpone", on="1", choice="7")).status == 303
    assert (await sven.post("/live/do/task-postpone", on="1", choice="8")).status == 409
    with frame.database.snapshot() as connection:
        first = connection.execute(sa.select(task).where(task.c.id == 1)).one()
    assert (first.owner, first.due_on.isoformat()) == ("anna", "2026-11-30")
    assert (await sven.post("/live/do/task-done", on="1")).status == 409, "what came out?"
    assert (await sven.post("/live/do/task-done", on="1", reason="they pay")).status == 303
    assert (await sven.post("/live/do/task-drop", on="2", reason="moot")).status == 303
    assert "Nothing is to be done." in (await sven.get("/live/tasks?done=task-drop")).text
    assert await deeds(frame) == [
        ("task assign", "task:1", ""), ("task postpone", "task:1", ""), ("task done", "task:1", "they pay"),
        ("task drop", "task:2", "moot"),
    ]  # fmt: skip
