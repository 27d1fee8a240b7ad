"""What a refusal over HTTP is called: one table for all addresses, on both databases."""

from pathlib import Path

import pytest

from contactd.config.settings import Sections, Settings
from contactd.domain.policy import Policy
from contactd.domain.scope import SCOPES
from tests.web.frame import CAMPAIGN, Frame, Visitor
from tests.web.lists import ACCOUNTS, row, send, told

ALL = "token-for-all"
PROMISE = {"kind": "promise", "account": "K-1", "on": "2026-12-01"}
COST = {"kind": "cost", "account": "K-1", "amount": "12.50", "reason": "inquiry"}
MEETING = {"account": "K-1", "kind": "meeting"}
COURT = {"account": "K-1", "to": "court", "reason": "nothing helped", "anyway": "limitation"}
RUN = {"campaign": "standard"}
# What was done before, in this order, and worked.
DONE = (
    ("agreements", PROMISE),
    ("agreements/1/withdraw", {"reason": "changed their mind"}),
    ("postings", COST),
    ("postings/1/reverse", {"reason": "entered twice"}),
    ("tasks", MEETING),
    ("tasks/1/done", {"outcome": "met"}),
    ("hand-overs", COURT),
    ("runs", RUN),
    ("runs/1/reject", {"reason": "not today"}),
)

TABLE: list[tuple[int, str, object]] = [
    # the body cannot be read
    *((400, path, b"{") for path in ("accounts", "payments", "agreements", "postings", "tasks", "hand-overs", "runs")),
    # what is named is not there
    (404, "agreements", PROMISE | {"account": "K-9"}),
    (404, "agreements", {"kind": "dispute", "account": "K-2", "invoice": "R-9", "reason": "wrong"}),
    (404, "agreements/9/withdraw", {"reason": "no"}),
    (404, "agreements/wrong-number", {"account": "K-1", "number": "+493023125999"}),
    (404, "postings", COST | {"invoice": "R-9"}),
    (404, "postings/9/reverse", {"reason": "no"}),
    (404, "tasks", MEETING | {"account": "K-9"}),
    (404, "tasks/9/done", {"outcome": "met"}),
    (404, "letters/returned", {"reference": "9-1.pdf"}),
    (404, "hand-overs", COURT | {"account": "K-9"}),
    (404, "runs", {"campaign": "other"}),
    (404, "runs/9/approve", {}),
    (404, "nothing", {}),
    # not as things stand
    (409, "accounts?full=true", [row(9)]),
    (409, "agreements/1/withdraw", {"reason": "again"}),
    (409, "agreements/1/reject", {"reason": "no dispute"}),
    (409, "postings/1/reverse", {"reason": "again"}),
    (409, "tasks/1/done", {"outcome": "again"}),
    (409, "hand-overs", COURT),
    (409, "hand-overs/approve", {"account": "K-1"}),
    (409, "hand-overs/withdraw", {"account": "K-2", "reason": "none"}),
    (409, "runs/1/approve", {}),
    (409, "runs/1/drop", {"accounts": ["K-2"], "reason": "visit"}),
    # read, and something in it is wrong
    (422, "accounts", [{"account_no": "K-1"}]),
    (422, "accounts?complete=true", [row(1)]),
    (422, "payments?full=true", []),
    (422, "agreements", PROMISE | {"amount": "900"}),
    (422, "agreements", PROMISE | {"colour": "red"}),
    (422, "postings", COST | {"reason": ""}),
    (422, "tasks", MEETING | {"due": "2026-01-01"}),
    (422, "hand-overs", COURT | {"account": "K-2", "to": "police"}),
    (422, "runs", {"campaign": 7}),
    (422, "statements", b"hello"),
]


@pytest.fixture
async def past(frame: Frame, visitor: Visitor) -> None:
    frame.admit("all", ALL, SCOPES)
    policies = {CAMPAIGN.id: Policy("open", default_timezone="Europe/Berlin")}
    frame.settings = Settings.of(Sections(), Path("contactd.toml"), (CAMPAIGN,), policies)
    await send(visitor, ACCOUNTS, [row(1), row(2), row(3), row(4)])
    for path, body in DONE:
        answer = await send(visitor, f"/api/v1/{path}", body, token=ALL)
        assert answer.status == 200, (path, answer.text)


@pytest.mark.usefixtures("past")
async def test_a_refusal_is_called_the_same_at_every_address(visitor: Visitor) -> None:
    wrong = []
    for status, path, body in TABLE:
        answer = await send(visitor, f"/api/v1/{path}", body, token=ALL)
        if (answer.status, bool({"error", "rejected_rows"} & set(told(answer)))) != (status, True):
            wrong.append((path, body, status, answer.status, answer.text))
    assert wrong == []


@pytest.mark.parametrize(
    ("status", "path"), [(404, "runs/9"), (404, "runs/9/accounts"), (422, "runs?limit=all"), (422, "tasks?due=soon")]
)
@pytest.mark.usefixtures("past")
async def test_a_look_is_refused_by_the_same_words(visitor: Visitor, status: int, path: str) -> None:
    answer = await visitor.get(f"/api/v1/{path}", Authorization=f"Bearer {ALL}")
    assert (answer.status, "error" in told(answer)) == (status, True)
