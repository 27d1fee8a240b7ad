"""What other software reads over HTTP, on both databases: lists page by page, and one thing at a time."""

import asyncio
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from contactd.config.privacy import Privacy
from contactd.domain.account import Channel
from contactd.domain.attempt import Event
from contactd.domain.scope import SCOPES
from contactd.store import attempts, audit
from contactd.store.attempts import NewAttempt, Transition
from contactd.store.schema import account
from tests.web.frame import Answer, Frame, Visitor, take_store_away
from tests.web.lists import ACCOUNTS, PAYMENTS, paid, row, send, told

ALL = "token-for-all"


@pytest.fixture(autouse=True)
def reader(frame: Frame) -> None:
    frame.admit("reader", ALL, SCOPES)


async def ask(visitor: Visitor, path: str) -> Answer:
    return await visitor.get(f"/api/v1/{path}", Authorization=f"Bearer {ALL}")


async def look(visitor: Visitor, path: str) -> Any:  # noqa: ANN401 - JSON
    answer = await ask(visitor, path)
    assert answer.status == 200, answer.text
    return told(answer)


async def do(visitor: Visitor, path: str, body: object) -> Answer:
    return await send(visitor, f"/api/v1/{path}", body, token=ALL)


def contact(frame: Frame, number: int, campaign: str = "standard") -> int:
    """Plan and begin an e-mail to an account."""
    now = frame.clock.now()
    with frame.database.transaction() as connection:
        found = connection.execute(sa.select(account).where(account.c.account_no == f"K-{number}")).one()
        new = NewAttempt(found.id, found.customer_id, None, campaign, "reminder", Channel.EMAIL, 1, 1, now, now)
        attempts.plan(connection, [new])
        [claimed] = attempts.claim(
            connection, Channel.EMAIL, owner="tests", now=now, lease=timedelta(minutes=1), limit=1
        )
        begun = Transition(claimed.id, claimed.claim_no, Event.BEGUN, now, address="erika@example.com")
        attempts.apply(connection, [begun])
    return claimed.id


async def test_accounts_are_listed_and_told_in_full(frame: Frame, visitor: Visitor) -> None:
    await send(
        visitor, ACCOUNTS, [row(1), row(2, creditor="other"), row(1, invoice_no="R-9", amount=10, contract_rate="11 %")]
    )
    listed = await look(visitor, "accounts")
    assert [one["account"] for one in listed["accounts"]] == ["K-1", "K-2"]
    first = listed["accounts"][0]
    assert (first["open"], first["oldest_due"]) == ({"amount": "422.80", "currency": "EUR"}, "2026-10-15")
    assert "email" not in first
    full = await look(visitor, f"accounts/{first['id']}")
    assert full.items() >= first.items()
    assert (full["email"], [one["invoice"] for one in full["invoices"]]) == ("erika@example.com", ["R-1", "R-9"])
    assert [(one["claim_kind"], one["contract_rate"]) for one in full["invoices"]] == [("", ""), ("", "11 %")]
    assert [one["creditor"] for one in (await look(visitor, "accounts?account=K-2&creditor=other"))["accounts"]] == [
        "other"
    ]
    assert await look(visitor, "accounts?account=K-2&creditor=acme") == {"accounts": [], "next": None}
    missing = await ask(visitor, "accounts/99")
    assert (missing.status, told(missing)["error"]) == (404, "there is no account with the id 99")


async def test_a_list_is_read_to_its_end_page_by_page_while_it_grows(frame: Frame, visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(number) for number in range(5)])
    cursor: str | None = ""
    seen, pages = [], 0
    while cursor is not None:
        page = await look(visitor, f"accounts?limit=2&cursor={cursor}")
        seen += [one["account"] for one in page["accounts"]]
        cursor, pages = page["next"], pages + 1
        if pages == 1:
            await send(visitor, ACCOUNTS, [row(5)])
    assert (seen, pages) == ([f"K-{number}" for number in range(6)], 3)


async def test_accounts_are_narrowed_by_how_they_stand_and_when_they_changed(frame: Frame, visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(1), row(2)])
    frame.clock.advance(60)
    since = quote(frame.clock.now().isoformat())
    await send(visitor, PAYMENTS, [paid(2)])
    await do(visitor, "agreements", {"kind": "promise", "account": "K-1", "on": "2026-12-01"})
    for query, numbers in {
        "state=open": ["K-1"], "state=settled": ["K-2"], "state=hold": ["K-1"], "state=disputed": [],
        f"since={since}": ["K-1", "K-2"], "since=2199-01-01T00:00:00Z": [],
        f"since={frame.clock.now():%Y-%m-%dT%H:%M:%S}+00:00": ["K-1", "K-2"],
    }.items():  # fmt: skip
        assert [one["account"] for one in (await look(visitor, f"accounts?{query}"))["accounts"]] == numbers, query


async def test_payments_are_told_with_whose_they_are(visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(1)])
    await send(visitor, PAYMENTS, [paid(1, "12.80"), paid(9)])
    listed = (await look(visitor, "payments"))["payments"]
    assert [(one["account"], one["matched"], one["amount"]["amount"]) for one in listed] == [
        ("K-1", True, "12.80"),
        ("K-9", False, "412.80"),
    ]
    assert (await look(visitor, "payments?matched=no"))["payments"] == listed[1:]
    assert (await look(visitor, "payments?matched=yes"))["payments"] == listed[:1]
    assert (await look(visitor, "payments?account=K-1"))["payments"] == listed[:1]


async def test_attempts_and_the_log_are_told_and_narrowed(frame: Frame, visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(1), row(2)])
    first, second = contact(frame, 1), contact(frame, 2, "other")
    listed = (await look(visitor, "attempts"))["attempts"]
    assert [(one["id"], one["account"], one["state"]) for one in listed] == [
        (first, "K-1", "sending"),
        (second, "K-2", "sending"),
    ]
    for query, ids in {
        "campaign=other": [second], "state=sending": [first, second], "state=failed": [], "account=K-1": [first],
        "since=2199-01-01T00:00:00Z": [],
    }.items():  # fmt: skip
        assert [one["id"] for one in (await look(visitor, f"attempts?{query}"))["attempts"]] == ids, query
    assert await look(visitor, f"attempts/{second}") == listed[1]
    for path in ("attempts/99", "agreements/99"):
        assert (await ask(visitor, path)).status == 404
    entries = (await look(visitor, "log"))["entries"]
    assert [(one["attempt"], one["event"], one["address"]) for one in entries] == [
        (first, "sending", "erika@example.com"),
        (second, "sending", "erika@example.com"),
    ]
    assert (await look(visitor, "log?account=K-2&event=sending&campaign=other"))["entries"] == entries[1:]
    assert (await look(visitor, "log?event=stop"))["entries"] == []


async def test_contact_is_stopped_listed_and_allowed_again(frame: Frame, visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(1), row(2)])
    woken = frame.woken
    stopped = await do(visitor, "stops", {"account": "K-1", "channel": "call", "until": "2199-01-01T00:00:00Z"})
    assert (stopped.status, frame.woken) == (200, woken + 1)
    [stop] = (await look(visitor, "stops?account=K-1"))["stops"]
    assert (stop["kind"], stop["channel"], stop["source"]) == ("account", "call", "api:reader: stop")
    assert stop["until"] == "2199-01-01T00:00:00+00:00"
    assert await look(visitor, "stops") == {"stops": [stop], "next": None}
    assert (
        (await look(visitor, "stops?account=K-2"))["stops"] == (await look(visitor, "stops?account=K-9"))["stops"] == []
    )
    lifted = [told(await do(visitor, "stops/lift", {"account": "K-1"}))["done"] for _ in range(2)]
    assert lifted == ["K-1 may be contacted again", "there was no stop"]
    deeds = await frame.commit.read(audit.read)
    assert [deed.what for deed in deeds if "stops" in deed.what] == ["stops", "stops lift"], "of nothing there is none"
    assert (await look(visitor, "stops"))["stops"] == []


async def test_what_is_final_ends_every_channel(frame: Frame, visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(1), row(1, creditor="other"), row(2)])
    for body, status, says in (
        ({"account": "K-9"}, 404, "there is no account 'K-9'"),
        ({"account": "K-1"}, 422, "exists for acme, other"),
        ({"account": "K-2", "reason": "deceased", "channel": "sms"}, 422, "ends every channel"),
        ({"channel": "sms"}, 422, "account is missing"),
        ({"account": "K-2", "until": "tomorrow"}, 422, "until is an instant with its zone"),
        ({"account": "K-2", "until": "2026-01-01T00:00"}, 422, "until is an instant with its zone"),
        ({"account": "K\0"}, 422, "has a character in it that is none"),
        ({"account": "K", "reason": "r" * 4001}, 422, "reason has 4001 characters; it may have 4000"),
        ({"account": "K-2", "reason": "deceased"}, 200, ""),
    ):
        answer = await do(visitor, "stops", body)
        assert (answer.status, says in answer.text) == (status, True), answer.text
    assert [one["reason"] for one in (await look(visitor, "stops"))["stops"]] == ["deceased"]


async def test_a_campaign_is_paused_and_goes_on(frame: Frame, visitor: Visitor) -> None:
    listed = await look(visitor, "campaigns")
    [one] = listed["campaigns"]
    assert (one["id"], one["state"], one["steps"]) == ("standard", "running", [{"id": "reminder", "channel": "email"}])
    paused = told(await do(visitor, "campaigns/standard/pause", {"reason": "trade fair"}))
    assert (paused["state"], paused["paused_by"], paused["pause_reason"]) == ("paused", "api:reader", "trade fair")
    assert await look(visitor, "campaigns/standard") == paused
    assert told(await do(visitor, "campaigns/standard/resume", {})) == one
    assert (await do(visitor, "campaigns/other/pause", {})).status == 404


async def test_agents_are_told_as_teams_and_by_name_only_where_that_is_allowed(frame: Frame, visitor: Visitor) -> None:
    teams = [{"team": "", "agents": 1, "states": {"offline": 1}}]
    assert await look(visitor, "agents") == {"teams": teams, "agents": []}
    frame.settings = frame.settings.model_copy(update={"privacy": Privacy(agent_metrics="agent")})
    told_of = await look(visitor, "agents")
    assert [(one["agent"], one["state"]) for one in told_of["agents"]] == [("anna", "offline")]
    assert told_of["teams"] == teams


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("accounts?limit=0", "limit is a whole number from 1 to 1000"),
        ("accounts?limit=many", "limit is a whole number, not 'many'"),
        ("accounts?cursor=xyz", "cursor is none of this list"),
        ("accounts?cursor=%C3%A4", "cursor is none of this list"),
        ("accounts?cursor=WyJ0YXNrcyIsMl0", "cursor is none of this list"),
        ("accounts?colour=red", "'colour' is no key here; known: account, creditor, cursor, limit, since, state"),
        ("accounts?state=red", "state is one of open, disputed, hold, settled"),
        ("log?since=yesterday", "since is an instant with its zone"),
        ("log?since=0001-01-01T00:00:00%2B14:00", "since is an instant with its zone"),
        ("attempts?account=%00", "account has a character in it that is none"),
    ],
)
async def test_what_is_asked_amiss_is_told(visitor: Visitor, path: str, says: str) -> None:
    answer = await ask(visitor, path)
    assert (answer.status, says in told(answer)["error"]) == (422, True), answer.text


async def test_a_page_holds_no_more_than_was_asked_for_however_long_the_list(visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(number) for number in range(1_001)])
    pages = await asyncio.gather(*(look(visitor, f"accounts?{query}") for query in ("", "limit=1000")))
    assert [(len(page["accounts"]), page["next"] is not None) for page in pages] == [(100, True), (1_000, True)]


async def test_while_the_store_is_away_the_reader_is_told_to_come_again(frame: Frame, visitor: Visitor) -> None:
    take_store_away(frame.database)
    for path in ("accounts", "accounts/1", "log", "stops", "campaigns"):
        assert (await ask(visitor, path)).status == 503
