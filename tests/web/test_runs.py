"""Runs on approval over HTTP, on both databases: the model and the JSON of the command line."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from contactd.config.settings import Planning, Sections, Settings
from contactd.domain.policy import Policy
from contactd.store import audit
from contactd.store.schema import attempt
from tests.web.frame import BOTH, CAMPAIGN, Answer, Frame, Visitor, everything_of, take_store_away
from tests.web.lists import ACCOUNTS, PAYMENTS, paid, row, send, told

RUNS = "/api/v1/runs"
CLERK, CHIEF, BOOKS = "token-of-the-clerk", "token-of-the-chief", BOTH
PROPOSAL = {"campaign": "standard"}


@pytest.fixture
def desks(frame: Frame) -> None:
    for name, secret in (("clerk", CLERK), ("second", CHIEF)):
        frame.admit(name, secret, everything_of("runs"))
    sections = Sections(planning=Planning(four_eyes=True))
    policies = {CAMPAIGN.id: Policy("open", default_timezone="Europe/Berlin")}
    frame.settings = Settings.of(sections, Path("contactd.toml"), (CAMPAIGN,), policies)


pytestmark = pytest.mark.usefixtures("desks")


async def ask(visitor: Visitor, path: str = "", body: object = None, token: str = CLERK) -> Answer:
    return await send(visitor, RUNS + path, {} if body is None else body, token=token)


async def look(visitor: Visitor, path: str = "") -> Any:  # noqa: ANN401 - JSON
    answer = await visitor.get(RUNS + path, Authorization=f"Bearer {CLERK}")
    assert answer.status == 200
    return told(answer)


async def queued(frame: Frame) -> int:
    return await frame.commit.read(lambda one: one.scalar(sa.select(sa.func.count()).select_from(attempt))) or 0


async def test_a_run_is_proposed_by_one_and_approved_by_another(frame: Frame, visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(1), row(2), row(3)])
    proposed = told(await ask(visitor, "", PROPOSAL))
    run = f"/{proposed['run']}"
    assert (proposed["state"], proposed["planned_by"], proposed["accounts"]) == ("proposed", "api:clerk", 3)
    every = {"runs": [proposed], "next": None}
    assert await look(visitor) == every == await look(visitor, "?campaign=standard&limit=1")
    assert (await look(visitor, "?campaign=other"))["runs"] == []
    page = await look(visitor, run + "/accounts?limit=2")
    assert [line["account"] for line in page["accounts"]] == ["K-1", "K-2"]
    last = await look(visitor, f"{run}/accounts?limit=2&cursor={page['next']}")
    assert ([line["account"] for line in last["accounts"]], last["next"]) == (["K-3"], None)
    out = told(await ask(visitor, run + "/drop", {"accounts": ["K-2"], "reason": "visit"}))
    assert (out["dropped"], await queued(frame)) == ({"visit": 1}, 0)
    frame.clock.advance(60)
    assert (await look(visitor, run))["falls_out"] == []
    await send(visitor, PAYMENTS, [paid(3)])
    assert await look(visitor, run) == {
        **out,
        "falls_out": [{"account": "K-3", "creditor": "acme", "reason": "paid_since_planning"}],
    }
    own = await ask(visitor, run + "/approve")
    assert (own.status, "somebody else has to approve" in told(own)["error"]) == (409, True)
    woken = frame.woken
    done = told(await ask(visitor, run + "/approve", token=CHIEF))
    assert (done["state"], done["decided_by"], done["released"]) == ("executed", "api:second", 1)
    assert done["dropped"] == {"paid_since_planning": 1, "visit": 1}
    decided = {**done, "falls_out": []}
    assert (await look(visitor, run), await queued(frame), frame.woken) == (decided, 1, woken + 1)
    for verb, body in (("approve", {}), ("reject", {"reason": "no"}), ("drop", {"accounts": ["K-1"], "reason": "no"})):
        late = await ask(visitor, f"{run}/{verb}", body, token=CHIEF)
        assert (late.status, "executed already" in told(late)["error"]) == (409, True)
    assert await look(visitor, run) == decided


async def test_a_rejected_run_is_told_with_its_reason(frame: Frame, visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(1)])
    await ask(visitor, "", PROPOSAL)
    done = told(await ask(visitor, "/1/reject", {"reason": "the letter is not ready"}))
    assert (done["state"], done["reason"], await queued(frame)) == ("rejected", "the letter is not ready", 0)


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("", {"campaign": "other"}, 404, "there is no campaign 'other'; there is standard"),
        ("", {"campaign": 7}, 422, "campaign is a text, not 7"),
        ("", {"name": "standard"}, 422, "'name' is no key here; known: campaign"),
        ("", PROPOSAL, 409, "run 1 of standard waits for approval"),
        ("/9/approve", {}, 404, "run 9 is not known"),
        ("/1/approve", {"by": "me"}, 422, "'by' is no key here; known: none"),
        ("/1/reject", {}, 422, "say the reason to reject a run"),
        ("/1/drop", {"accounts": ["K-1"]}, 422, "say the reason to drop accounts"),
        ("/1/drop", {"accounts": ["K-9"], "reason": "no"}, 404, "account 'K-9' is not in run 1"),
        ("/1/drop", {"accounts": ["K-1"], "creditor": "other", "reason": "no"}, 404, "account 'K-1' is not in run 1"),
        ("/1/drop", {"accounts": "K-1", "reason": "no"}, 422, "accounts is a list of account numbers"),
        ("", b"no JSON", 400, "is no JSON: Expecting value"),
    ],
)
@pytest.mark.usefixtures("frame")
async def test_what_cannot_be_done_is_told(visitor: Visitor, path: str, body: object, status: int, says: str) -> None:
    await send(visitor, ACCOUNTS, [row(1)])
    assert (await ask(visitor, "", PROPOSAL)).status == 200
    answer = await ask(visitor, path, body, token=CHIEF)
    assert (answer.status, says in told(answer)["error"]) == (status, True)


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [("/9", 404, "run 9 is not known"), ("/9/accounts", 404, "not known"), ("?limit=all", 422, "limit is a whole")],
)
async def test_what_cannot_be_shown_is_told(visitor: Visitor, path: str, status: int, says: str) -> None:
    answer = await visitor.get(RUNS + path, Authorization=f"Bearer {CLERK}")
    assert (answer.status, says in told(answer)["error"]) == (status, True)


async def test_who_has_no_such_token_sees_and_changes_nothing(visitor: Visitor) -> None:
    assert (await ask(visitor, "", PROPOSAL, token=BOOKS)).status == 403
    assert (await ask(visitor, "/1/approve", {}, token="nobody's")).status == 401
    assert (await visitor.get(RUNS, Authorization=f"Bearer {BOOKS}")).status == 403


async def test_a_store_that_is_away_is_told_as_such(frame: Frame, visitor: Visitor) -> None:
    take_store_away(frame.database)
    assert (await ask(visitor, "", PROPOSAL)).status == 503
    assert (await visitor.get(RUNS, Authorization=f"Bearer {CLERK}")).status == 503


async def test_what_is_done_with_a_run_and_its_line_in_the_audit_log_are_there_together_or_not_at_all(
    frame: Frame, visitor: Visitor
) -> None:
    def rename(before: str, after: str) -> None:
        with frame.database.transaction() as connection:
            connection.execute(sa.text(f"ALTER TABLE {before} RENAME TO {after}"))

    await send(visitor, ACCOUNTS, [row(1), row(2)])
    assert (await ask(visitor, "", PROPOSAL)).status == 200
    before = await look(visitor, "/1")
    rename("audit", "away")
    for path, body in (("/1/drop", {"accounts": ["K-1"], "reason": "visit"}), ("/1/approve", {})):
        assert (await ask(visitor, path, body, token=CHIEF)).status >= 500
    assert (await look(visitor, "/1"), await queued(frame)) == (before, 0)
    rename("away", "audit")
    assert (await ask(visitor, "/1/drop", {"accounts": ["K-1"], "reason": "visit"}, token=CHIEF)).status == 200
    assert (await ask(visitor, "/1/approve", {}, token=CHIEF)).status == 200
    deeds = [deed for deed in await frame.commit.read(audit.read) if deed.what.startswith("runs")]
    assert [(deed.who, deed.what, deed.about) for deed in deeds] == [
        ("api:clerk", "runs", "campaign:standard"),
        ("api:second", "runs drop", "run:1"),
        ("api:second", "runs approve", "run:1"),
    ]
