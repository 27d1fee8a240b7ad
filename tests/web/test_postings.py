"""Postings over HTTP: the model and the JSON of the command line."""

import json

from tests.web.frame import AGREEING, Frame, Visitor
from tests.web.lists import ACCOUNTS, row, send, told

POSTINGS = "/api/v1/postings"
COST = {"kind": "cost", "account": "K-1", "amount": "12.50", "reason": "inquiry", "purpose": "inquiry"}


async def test_a_cost_is_posted_listed_and_reversed(frame: Frame, visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(1)])
    [made] = told(await send(visitor, POSTINGS, COST, token=AGREEING))
    assert (made["kind"], made["by"], made["amount"]["amount"]) == ("cost", "api:crm", "12.50")
    back = await send(visitor, f"{POSTINGS}/{made['id']}/reverse", {"reason": "typed twice"}, token=AGREEING)
    assert [one["reverses"] for one in told(back)] == [made["id"]]
    answer = await visitor.get(f"{POSTINGS}?account=K-1", Authorization=f"Bearer {AGREEING}")
    assert [(one["kind"], one["reversed_by"]) for one in json.loads(answer.body)["postings"]] == [
        ("cost", 2),
        ("reversal", None),
    ]
    assert frame.woken


async def test_a_write_off_closes_the_account(frame: Frame, visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(1)])
    asked = {"kind": "write_off", "account": "K-1", "reason": "uncollectable", "part": "principal"}
    [made] = told(await send(visitor, POSTINGS, asked, token=AGREEING))
    assert (made["part"], made["invoice"]) == ("principal", "R-1")


async def test_what_is_asked_wrongly_is_told(frame: Frame, visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(1)])
    for changed, words in (
        ({"kind": "gift"}, "kind is one of cost, write_off"),
        ({"colour": "red"}, "is no key here"),
        ({"on": "soon"}, "on is a day like"),
        ({"on": "0001-01-01"}, "the value date 0001-01-01 is long past; it may be 1900-01-01 or later"),
        ({"kind": "write_off", "purpose": "other", "on": "0001-01-01"}, "it may be 1900-01-01 or later"),
        ({"kind": "write_off", "purpose": "other", "on": "1900-01-01"}, "cannot be written off"),
        ({"part": "half"}, "part is one of"),
        ({"reason": ""}, "say why"),
    ):
        answer = await send(visitor, POSTINGS, COST | changed, token=AGREEING)
        assert answer.status == 422
        assert words in told(answer)["error"]
    assert (await visitor.get(f"{POSTINGS}?whose=K-1", Authorization=f"Bearer {AGREEING}")).status == 422
    assert (await visitor.get(f"{POSTINGS}?account=K-1")).status == 401
