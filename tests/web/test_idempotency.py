"""The header Idempotency-Key, on both databases: the same request again creates nothing and is answered alike."""

import asyncio
import json
from datetime import timedelta

import pytest
import sqlalchemy as sa

from contactd.engine.records import retention
from contactd.store.schema import agreement
from contactd.store.schema_escalation import circumstance, handover, posting
from contactd.store.schema_requests import answered_request
from contactd.store.schema_tasks import task
from tests.web.frame import AGREEING, TASKS, Answer, Frame, Visitor
from tests.web.lists import ACCOUNTS, count, row, send, told

COST = {"kind": "cost", "account": "K-1", "amount": "12.50", "reason": "inquiry"}
REFUSED = {"kind": "refusal", "account": "K-1", "reason": "will never pay"}
PROMISE = {"kind": "promise", "account": "K-1", "on": "2026-12-01"}
COURT = {"account": "K-1", "to": "court", "reason": "nothing helped", "anyway": "limitation"}


async def ask(visitor: Visitor, path: str, body: object, key: str = "5f1c", token: str = AGREEING) -> Answer:
    return await visitor.post(
        f"/api/v1/{path}",
        json.dumps(body).encode(),
        Authorization=f"Bearer {token}",
        Content_Type="application/json",
        Idempotency_Key=key,
    )


@pytest.mark.parametrize(
    ("path", "body", "token", "table"),
    [
        ("postings", COST, AGREEING, posting),
        ("circumstances", REFUSED, AGREEING, circumstance),
        ("agreements", PROMISE, AGREEING, agreement),
        ("tasks", {"account": "K-1", "kind": "meeting"}, TASKS, task),
        ("hand-overs", COURT, AGREEING, handover),
    ],
)
async def test_the_same_key_and_body_again_answer_alike_and_create_nothing(
    frame: Frame, visitor: Visitor, path: str, body: dict[str, str], token: str, table: sa.Table
) -> None:
    await send(visitor, ACCOUNTS, [row(1)])
    first = await ask(visitor, path, body, token=token)
    again = await ask(visitor, path, dict(reversed(body.items())), token=token)
    assert (first.status, first.body) == (again.status, again.body) == (200, first.body)
    assert await count(frame, table) == 1


async def test_without_a_key_or_with_another_it_is_another_request(frame: Frame, visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(1)])
    for key in ("", "", "a", "b"):
        assert (await ask(visitor, "postings", COST, key)).status == 200
    assert await count(frame, posting) == 4
    assert await count(frame, answered_request) == 2


async def test_a_key_is_its_callers_own(frame: Frame, visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(1)])
    answers = {(await ask(visitor, "hand-overs", COURT | {"account": "K-1"})).status}
    answers.add((await ask(visitor, "hand-overs/approve", {"account": "K-1"}, token="token-for-hand-overs")).status)
    assert answers == {200}
    assert await count(frame, answered_request) == 2


@pytest.mark.parametrize(
    ("path", "body"),
    [("postings", COST | {"amount": "13.50"}), ("agreements", PROMISE), ("postings/1/reverse", {"reason": "twice"})],
)
async def test_the_same_key_with_another_request_is_refused(
    frame: Frame, visitor: Visitor, path: str, body: dict[str, str]
) -> None:
    await send(visitor, ACCOUNTS, [row(1)])
    await ask(visitor, "postings", COST)
    other = await ask(visitor, path, body)
    assert (other.status, "was another request's" in told(other)["error"]) == (422, True)
    assert await count(frame, posting) == 1


async def test_what_was_refused_may_come_again_under_its_key(frame: Frame, visitor: Visitor) -> None:
    refused = await ask(visitor, "postings", COST)
    assert (refused.status, await count(frame, answered_request)) == (404, 0)
    await send(visitor, ACCOUNTS, [row(1)])
    assert (await ask(visitor, "postings", COST)).status == 200


async def test_two_at_once_are_one(frame: Frame, visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(1)])
    answers = await asyncio.gather(*(ask(visitor, "postings", COST) for _ in range(6)))
    assert {(one.status, one.body) for one in answers} == {(200, answers[0].body)}
    assert await count(frame, posting) == 1


async def test_a_key_nobody_could_read_is_refused(visitor: Visitor) -> None:
    answer = await ask(visitor, "postings", COST, "x" * 201)
    assert (answer.status, "at most 200 characters" in told(answer)["error"]) == (422, True)


async def test_after_a_week_the_answer_is_forgotten(frame: Frame, visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(1)])
    await ask(visitor, "postings", COST)
    [step] = [one for one in retention.STEPS if one.due is retention.due_requests]
    for days, left in ((6, 1), (8, 0)):
        now = frame.clock.now() + timedelta(days=days)
        with frame.database.transaction() as connection:
            ids = step.due(connection, 0, frame.settings, now)
            step.erase(connection, ids, frame.settings, now)
        assert await count(frame, answered_request) == left
