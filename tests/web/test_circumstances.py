"""What people note about claims, over HTTP: the model and the JSON of the command line."""

import json

from tests.web.frame import AGREEING, Frame, Visitor
from tests.web.lists import ACCOUNTS, row, send, told

CIRCUMSTANCES = "/api/v1/circumstances"
REFUSAL = {"kind": "refusal", "account": "K-1", "on": "2026-11-20", "reason": "letter: will never pay"}


async def test_a_refusal_is_noted_listed_and_withdrawn(frame: Frame, visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(1)])
    made = told(await send(visitor, CIRCUMSTANCES, REFUSAL, token=AGREEING))
    assert (made["kind"], made["on"], made["invoice"], made["by"]) == ("refusal", "2026-11-20", "", "api:crm")
    gone = await send(visitor, f"{CIRCUMSTANCES}/{made['id']}/withdraw", {"reason": "another debtor"}, token=AGREEING)
    assert (told(gone)["withdrawn_by"], told(gone)["withdrawal"]) == ("api:crm", "another debtor")
    answer = await visitor.get(f"{CIRCUMSTANCES}?account=K-1", Authorization=f"Bearer {AGREEING}")
    assert [one["id"] for one in json.loads(answer.body)["circumstances"]] == [made["id"]]
    assert frame.woken


async def test_what_is_asked_wrongly_is_told(frame: Frame, visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(1)])
    for changed, status, words in (
        ({"kind": "refuse"}, 422, "kind is one of refusal, acknowledgement, negotiations, court_order, title"),
        ({"reason": ""}, 422, "say in which words"),
        ({"on": "2030-01-01"}, 422, "is to come"),
        ({"on": "2026-09-30"}, 422, "there was no invoice yet"),
        ({"invoice": "R-9"}, 404, "has no invoice 'R-9'"),
    ):
        answer = await send(visitor, CIRCUMSTANCES, REFUSAL | changed, token=AGREEING)
        assert answer.status == status, words
        assert words in told(answer)["error"]
    assert (await visitor.get(CIRCUMSTANCES)).status == 401
    assert frame.woken
