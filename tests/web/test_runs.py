"""Runs on approval over HTTP, on both databases: the model and the JSON of the command line."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from contactd.config.secret import Secret
from contactd.config.settings import Planning, Sections, Settings, Token, Web
from contactd.domain.policy import Policy
from contactd.store.schema import attempt
from tests.web.frame import BOTH, CAMPAIGN, Answer, Frame, Visitor, take_store_away
from tests.web.lists import ACCOUNTS, PAYMENTS, paid, row, send, told

RUNS = "/api/v1/runs"
CLERK, CHIEF, BOOKS = "token-of-the-clerk", "token-of-the-chief", BOTH
PROPOSAL = {"campaign": "standard"}


@pytest.fixture
def desks(frame: Frame) -> None:
    tokens = (
        Token(name="clerk", token=Secret(CLERK), scopes=("runs",)),
        Token(name="chief", token=Secret(CHIEF), scopes=("runs",)),
        Token(name="books", token=Secret(BOOKS)),
    )
    sections = Sections(web=Web(tokens=tokens), planning=Planning(four_eyes=True))
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
    assert await look(visitor) == [proposed] == await look(visitor, "?campaign=standard&limit=1")
    assert await look(visitor, "?campaign=other") == []
    page = await look(visitor, run + "/accounts?limit=2")
    assert [line["account"] for line in page["accounts"]] == ["K-1", "K-2"]
    last = await look(visitor, f"{run}/accounts?limit=2&after={page['next']}")
    assert ([line["account"] for line in last["accounts"]], last["next"]) == (["K-3"], None)
    out = told(await ask(visitor, run + "/drop", {"accounts": ["K-2"], "reason": "visit"}))
    assert (out["dropped"], await queued(frame)) == ({"visit": 1}, 0)
    frame.clock.advance(60)
    await send(visitor, PAYMENTS, [paid(3)])
    own = await ask(visitor, run + "/approve")
    assert (own.status, "somebody else has to approve" in told(own)["error"]) == (400, True)
    woken = frame.woken
    done = told(await ask(visitor, run + "/approve", token=CHIEF))
    assert (done["state"], done["decided_by"], done["released"]) == ("executed", "api:chief", 1)
    assert done["dropped"] == {"paid_since_planning": 1, "visit": 1}
    assert (await look(visitor, run), await queued(frame), frame.woken) == (done, 1, woken + 1)
    for verb, body in (("approve", {}), ("reject", {"reason": "no"}), ("drop", {"accounts": ["K-1"], "reason": "no"})):
        late = await ask(visitor, f"{run}/{verb}", body, token=CHIEF)
        assert (late.status, "executed already" in told(late)["error"]) == (400, True)
    assert await look(visitor, run) == done


async def test_a_rejected_run_is_told_with_its_reason(frame: Frame, visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(1)])
    await ask(visitor, "", PROPOSAL)
    done = told(await ask(visitor, "/1/reject", {"reason": "the letter is not ready"}))
    assert (done["state"], done["reason"], await queued(frame)) == ("rejected", "the letter is not ready", 0)


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("", {"campaign": "other"}, "there is no campaign 'other'; there is standard"),
        ("", {"campaign": 7}, "campaign is a text, not 7"),
        ("", {"name": "standard"}, "'name' is no key here; known: campaign"),
        ("", PROPOSAL, "run 1 of standard waits for approval"),
        ("/9/approve", {}, "run 9 is not known"),
        ("/1/approve", {"by": "me"}, "'by' is no key here; known: none"),
        ("/1/reject", {}, "say the reason to reject a run"),
        ("/1/drop", {"accounts": ["K-1"]}, "say the reason to drop accounts"),
        ("/1/drop", {"accounts": ["K-9"], "reason": "no"}, "account 'K-9' is not in run 1"),
        ("/1/drop", {"accounts": ["K-1"], "creditor": "other", "reason": "no"}, "account 'K-1' is not in run 1"),
        ("/1/drop", {"accounts": "K-1", "reason": "no"}, "accounts is a list of account numbers"),
        ("", b"no JSON", "send one JSON object"),
    ],
)
@pytest.mark.usefixtures("frame")
async def test_what_cannot_be_done_is_told(visitor: Visitor, path: str, body: object, says: str) -> None:
    await send(visitor, ACCOUNTS, [row(1)])
    assert (await ask(visitor, "", PROPOSAL)).status == 200
    answer = await ask(visitor, path, body, token=CHIEF)
    assert (answer.status, says in told(answer)["error"]) == (400, True)


@pytest.mark.parametrize(
    ("path", "says"), [("/9", "run 9 is not known"), ("/9/accounts", "not known"), ("?limit=all", "limit is a whole")]
)
async def test_what_cannot_be_shown_is_told(visitor: Visitor, path: str, says: str) -> None:
    answer = await visitor.get(RUNS + path, Authorization=f"Bearer {CLERK}")
    assert (answer.status, says in told(answer)["error"]) == (400, True)


async def test_who_has_no_such_token_sees_and_changes_nothing(visitor: Visitor) -> None:
    assert (await ask(visitor, "", PROPOSAL, token=BOOKS)).status == 403
    assert (await ask(visitor, "/1/approve", {}, token="nobody's")).status == 401
    assert (await visitor.get(RUNS, Authorization=f"Bearer {BOOKS}")).status == 403


async def test_a_store_that_is_away_is_told_as_such(frame: Frame, visitor: Visitor) -> None:
    take_store_away(frame.database)
    assert (await ask(visitor, "", PROPOSAL)).status == 503
    assert (await visitor.get(RUNS, Authorization=f"Bearer {CLERK}")).status == 503
