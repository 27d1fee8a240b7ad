"""Tasks and returned letters over HTTP, on both databases."""

from typing import Any

import pytest
import sqlalchemy as sa

from contactd.store import audit
from contactd.store.schema import account, attempt
from tests.web.frame import BOTH, TASKS, Answer, Frame, Visitor, take_store_away
from tests.web.lists import ACCOUNTS, row, send, told

PATH, RETURNED = "/api/v1/tasks", "/api/v1/letters/returned"
MEETING = {"account": "K-1", "kind": "meeting", "owner": "anna", "due": "2026-12-01", "note": "Visit them."}


async def post(visitor: Visitor, body: object, path: str = PATH, token: str = TASKS) -> Answer:
    return await send(visitor, path, body, token=token)


async def listed(visitor: Visitor, query: str = "") -> Any:  # noqa: ANN401 - JSON
    answer = await visitor.get(PATH + query, Authorization=f"Bearer {TASKS}")
    assert answer.status == 200, answer.text
    return told(answer)


async def test_a_task_is_opened_assigned_postponed_and_done(frame: Frame, visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(1)])
    made = told(await post(visitor, MEETING))
    assert (made["id"], made["state"], made["opened_by"], made["due_on"]) == (1, "open", "api:desk", "2026-12-01")
    assert await listed(visitor) == {"tasks": [made], "next": None}
    assert told(await post(visitor, {"owner": "bernd"}, f"{PATH}/1/assign"))["owner"] == "bernd"
    assert told(await post(visitor, {"due": "2026-12-09"}, f"{PATH}/1/postpone"))["due_on"] == "2026-12-09"
    done = told(await post(visitor, {"outcome": "They pay."}, f"{PATH}/1/done"))
    assert (done["state"], done["outcome"]) == ("done", "They pay.")
    assert (await listed(visitor, "?state=open"), len((await listed(visitor))["tasks"])) == (
        {"tasks": [], "next": None},
        1,
    )


async def test_what_was_done_over_http_stands_in_the_audit_log_with_its_account(frame: Frame, visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(1)])
    await post(visitor, MEETING)
    await post(visitor, {"outcome": "They pay."}, f"{PATH}/1/done")
    assert (await post(visitor, {"outcome": "Again."}, f"{PATH}/1/done")).status == 409
    rows = await frame.commit.read(audit.read)
    assert [(one.who, one.what, one.about, one.account_no, one.new, one.reason) for one in rows] == [
        ("api:bookkeeping", "accounts", "import:1", None, "", ""),
        ("api:desk", "tasks", "account:K-1", "K-1", "meeting", ""),
        ("api:desk", "tasks done", "task:1", "K-1", "", "They pay."),
    ]


async def test_a_list_is_narrowed_and_read_page_by_page(frame: Frame, visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(1), row(2)])
    for number, owner, due in ((1, "anna", "2026-12-01"), (2, "Anna", "2026-12-05"), (1, "", "2026-12-09")):
        await post(visitor, MEETING | {"account": f"K-{number}", "owner": owner, "due": due})
    for query, ids in {
        "?owner=anna": [1, 2], "?owner=": [3], "?due=2026-12-05": [1, 2], "?account=K-1&creditor=acme": [1, 3],
        "?account=K-9": [], "?limit=2": [1, 2],
    }.items():  # fmt: skip
        assert [one["id"] for one in (await listed(visitor, query))["tasks"]] == ids, query
    following = (await listed(visitor, "?limit=2"))["next"]
    await post(visitor, MEETING)
    last = await listed(visitor, f"?limit=2&cursor={following}")
    assert ([one["id"] for one in last["tasks"]], last["next"]) == ([3, 4], None)


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        (PATH, MEETING | {"kind": "visit"}, "kind is one of meeting, creditor, address, returned_mail, review, other"),
        (PATH, MEETING | {"due": "2026-01-01"}, "2026-01-01 is past; the day may be"),
        (PATH, MEETING | {"til": 1}, "'til' is no key here"),
        (PATH, [MEETING], "the body is no JSON object"),
        (f"{PATH}/7/done", {"outcome": "well"}, "there is no task 7: contactd tasks lists them"),
        (f"{PATH}/1/done", {}, "say what came out"),
        (f"{PATH}/1/drop", {}, "say why nobody is to do it"),
        (f"{PATH}/1/assign", {}, "say who is to do it"),
        (f"{PATH}/1/postpone", {}, "say until when: a day like"),
        (f"{PATH}/1/done", {"outcome": "well", "reaction": True}, "task 1 is no step of a ladder"),
        (f"{PATH}/1/done", {"outcome": "well", "reaction": "yes"}, "reaction is true or false"),
        (RETURNED, {"reference": "5-1"}, "there is no letter and no account '5-1'"),
        (RETURNED, {"reference": "K-1", "reason": "burnt"}, "reason is one of unknown, moved, refused"),
    ],
)
async def test_what_cannot_be_is_told(frame: Frame, visitor: Visitor, path: str, body: object, says: str) -> None:
    await send(visitor, ACCOUNTS, [row(1)])
    await post(visitor, MEETING)
    answer = await post(visitor, body, path)
    assert answer.status == (400 if "no JSON" in says else 404 if "there is no" in says else 422)
    assert says in told(answer)["error"]


async def test_a_query_nobody_understands_is_told(frame: Frame, visitor: Visitor) -> None:
    for query in ("?limit=many", "?state=perhaps", "?due=soon", "?whose=anna"):
        assert (await visitor.get(PATH + query, Authorization=f"Bearer {TASKS}")).status == 422


async def test_a_letter_that_came_back_is_noted(frame: Frame, visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(1, street="Beispielweg 1", postcode="00001", city="Musterstadt")])
    now = frame.clock.now()
    letter = {
        "account_id": 1, "customer_id": 1, "campaign": "standard", "step": "notice", "channel": "letter", "case_no": 1,
        "try_no": 1, "state": "accepted", "claim_no": 1, "not_before": now, "planned_at": now, "sending_at": now,
    }  # fmt: skip
    with frame.database.transaction() as connection:
        connection.execute(
            sa.insert(attempt).values(letter | {"account_id": connection.scalar(sa.select(account.c.id))})
        )
    done = told(await post(visitor, {"reference": "1-1.pdf"}, RETURNED))
    assert (done["noted"], done["address"], done["task"]) == (True, "marked", 1)
    assert (await listed(visitor))["tasks"][0]["kind"] == "address"


async def test_only_who_may_see_to_tasks_does(frame: Frame, visitor: Visitor) -> None:
    for token, status in ((BOTH, 403), ("nobody's", 401)):
        assert (await post(visitor, MEETING, token=token)).status == status
        assert (await visitor.get(PATH, Authorization=f"Bearer {token}")).status == status


async def test_a_store_that_is_away_is_asked_again_later(frame: Frame, visitor: Visitor) -> None:
    take_store_away(frame.database)
    assert (await post(visitor, MEETING)).status == 503
    assert (await visitor.get(PATH, Authorization=f"Bearer {TASKS}")).status == 503
