"""Agreements over HTTP, on both databases: the model and the JSON of the command line."""

import json
from typing import Any

import pytest
import sqlalchemy as sa

from contactd.store.schema import account
from tests.web.frame import AGREEING, BOTH, Answer, Frame, Visitor, take_store_away
from tests.web.lists import ACCOUNTS, PAYMENTS, paid, row, send, told

AGREEMENTS = "/api/v1/agreements"
PROMISE = {"kind": "promise", "account": "K-1", "amount": "400.00", "on": "2026-11-27", "reason": "wages"}


async def agree(visitor: Visitor, body: object, path: str = AGREEMENTS, token: str = AGREEING) -> Answer:
    return await send(visitor, path, body, token=token)


async def listed(visitor: Visitor, query: str = "") -> Any:  # noqa: ANN401 - JSON
    answer = await visitor.get(AGREEMENTS + query, Authorization=f"Bearer {AGREEING}")
    assert answer.status == 200
    return json.loads(answer.body)


async def alive(visitor: Visitor) -> Any:  # noqa: ANN401 - JSON
    return (await listed(visitor, "?state=alive"))["agreements"]


async def hold(frame: Frame) -> str:
    reason = await frame.commit.read(lambda one: one.scalar(sa.select(account.c.hold_reason)))
    return str(reason)


async def test_a_promise_is_made_and_kept_by_the_payments_that_come_in(frame: Frame, visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(1)])
    answer = await agree(visitor, PROMISE)
    said = told(answer)
    assert (answer.status, said["id"], said["state"], said["made_by"]) == (200, 1, "open", "api:crm")
    assert said["amount"] == {"amount": "400.00", "currency": "EUR"}
    assert (await hold(frame), await alive(visitor), frame.woken) == ("promise", [said], 2)
    frame.clock.advance(60)
    await send(visitor, PAYMENTS, [paid(1, "400.00") | {"value_date": str(frame.clock.now().date())}])
    assert (await hold(frame), await alive(visitor)) == ("", [])
    [kept] = (await listed(visitor, "?account=K-1&creditor=acme&state=kept"))["agreements"]
    assert (kept["state"], kept["missing"]["amount"]) == ("kept", "0.00")
    assert await listed(visitor, "?account=K-9") == {"agreements": [], "next": None}


async def test_a_list_of_accounts_shows_what_is_settled(frame: Frame, visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(1)])
    await agree(visitor, PROMISE)
    await send(visitor, ACCOUNTS, [row(1, open=0)])
    told_of = await listed(visitor, "?account=K-1")
    assert (await hold(frame), [one["state"] for one in told_of["agreements"]]) == ("", ["kept"])


async def test_a_plan_is_confirmed_and_withdrawn(frame: Frame, visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(1)])
    plan = {"kind": "plan", "account": "K-1", "on": "2026-12-01", "instalments": 4, "every_months": 1}
    made = told(await agree(visitor, plan | {"amount": {"amount": "412.80", "currency": "EUR"}}))
    assert (made["state"], [part["amount"]["amount"] for part in made["instalments"]]) == ("draft", ["103.20"] * 4)
    assert told(await agree(visitor, {}, f"{AGREEMENTS}/1/confirm"))["state"] == "confirmed"
    assert await hold(frame) == "plan"
    assert told(await agree(visitor, {"reason": "insolvent"}, f"{AGREEMENTS}/1/withdraw"))["state"] == "cancelled"
    assert await hold(frame) == ""


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (PROMISE | {"amount": "900"}, "900.00 EUR is more than the 412.80 EUR that are open"),
        (PROMISE | {"amount": 400}, "amount is a text, not 400"),
        (PROMISE | {"on": "soon"}, "on is a day like 2026-12-31, not 'soon'"),
        (
            PROMISE | {"kind": "gift"},
            "kind is one of promise, plan, settlement, deferral, hardship, says_paid, dispute, not 'gift'",
        ),
        (PROMISE | {"state": "kept"}, "state is one of draft, sent, confirmed"),
        (PROMISE | {"instalments": "4"}, "instalments is a whole number"),
        (PROMISE | {"account": "K-9"}, "there is no account 'K-9'"),
        (PROMISE | {"til": 1}, "'til' is no key here; known: account, amount"),
        ([PROMISE], "the body is no JSON object"),
        (b"{", "is no JSON: Expecting"),
    ],
)
async def test_what_cannot_be_agreed_on_is_told(frame: Frame, visitor: Visitor, body: object, says: str) -> None:
    await send(visitor, ACCOUNTS, [row(1)])
    answer = await agree(visitor, body)
    assert answer.status == (400 if "no JSON" in says else 404 if "there is no" in says else 422)
    assert says in told(answer)["error"]
    assert (await listed(visitor))["agreements"] == []


async def test_only_who_may_agree_does(frame: Frame, visitor: Visitor) -> None:
    for token, status in ((BOTH, 403), ("nobody's", 401)):
        assert (await agree(visitor, PROMISE, token=token)).status == status
        assert (await visitor.get(AGREEMENTS, Authorization=f"Bearer {token}")).status == status
    assert (await agree(visitor, {}, f"{AGREEMENTS}/1/forget")).status == 404
    assert (await agree(visitor, {}, f"{AGREEMENTS}/1/withdraw")).status == 404


async def test_a_store_that_is_away_is_asked_again_later(frame: Frame, visitor: Visitor) -> None:
    take_store_away(frame.database)
    assert (await agree(visitor, PROMISE)).status == 503
    assert (await visitor.get(AGREEMENTS, Authorization=f"Bearer {AGREEING}")).status == 503
