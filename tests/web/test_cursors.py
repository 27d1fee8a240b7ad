"""Cursors of long lists that somebody wrote or changed: refused in words, and nothing else is read."""

import json
from base64 import urlsafe_b64encode
from pathlib import Path
from urllib.parse import quote

import pytest

from contactd.config.settings import Sections, Settings
from contactd.domain.policy import Policy
from contactd.domain.scope import SCOPES
from contactd.web.interface import operations
from contactd.web.paging import paged
from tests.web.frame import CAMPAIGN, Answer, Frame, Visitor
from tests.web.lists import ACCOUNTS, PAYMENTS, paid, row, send, told

ALL = "token-for-all"
LISTS = {one.path.replace("{id}", "1").lstrip("/"): one for one in operations() if "cursor" in one.query.kinds}
LASTS = (
    -1, 10**15, 2**63, 2**64, 10**400, -(10**18), 1.5, 1e400, True, None, "1", "1 OR 1=1", "'; DROP TABLE account; --",
    [1], {"id": 1},
)  # fmt: skip
ODD = ("' OR 1=1 --", "0", "-1", "null", "%", "\u00e4", "\u0661", "=" * 9, "A" * 4_000, "../../log", '"><script>')
ODD_JSON = (
    "", "\0", "null", "{}", "7", "[" * 3_000, '["accounts"]', '["accounts",1]', '{"accounts":1,"b":2,"c":3}', "[,,]",
)  # fmt: skip


def encoded(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def cursor_of(address: str, last: object = 1) -> str:
    """Write a cursor as the list at an address does, of which `last` was shown last."""
    key = next(name for name in LISTS[address].answer["properties"] if name != "next")
    asked = {**LISTS[address].query.read({"limit": 1}), **({"run": 1} if address.startswith("runs/") else {})}
    return str(paged(key, asked, [last], [{}, {}])["next"])  # type: ignore[list-item] # what nobody but a forger would do


async def look(visitor: Visitor, path: str) -> Answer:
    return await visitor.get(f"/api/v1/{path}", Authorization=f"Bearer {ALL}")


async def refused(visitor: Visitor, path: str) -> bool:
    """Tell whether a cursor is refused with what to do."""
    answer = await look(visitor, path)
    return answer.status == 422 and "cursor is none of this list; send what its last page" in told(answer)["error"]


@pytest.fixture(autouse=True)
async def filled(frame: Frame, visitor: Visitor) -> None:
    """Let there be accounts, payments, entries and a run."""
    frame.admit("all", ALL, SCOPES)
    policies = {CAMPAIGN.id: Policy("open", default_timezone="Europe/Berlin")}
    frame.settings = Settings.of(Sections(), Path("contactd.toml"), (CAMPAIGN,), policies)
    await send(visitor, ACCOUNTS, [row(number) for number in range(1, 6)])
    await send(visitor, PAYMENTS, [paid(number, "1.00") for number in range(1, 6)])
    ran = await send(visitor, "/api/v1/runs", {"campaign": "standard"}, token=ALL)
    assert ran.status == 200, ran.text


async def test_every_list_takes_its_own_cursor_and_refuses_all_that_was_changed(visitor: Visitor) -> None:
    taken = []
    for address in LISTS:
        whole = cursor_of(address)
        assert (await look(visitor, f"{address}?cursor={whole}")).status == 200, address
        forged = [cursor_of(address, last) for last in LASTS]
        changed = [whole[:length] for length in range(1, len(whole))] + [whole[::-1], whole[1:], whole.lower()]
        taken += [
            (address, cursor)
            for cursor in (*forged, *changed, *ODD, *map(encoded, ODD_JSON))
            if not await refused(visitor, f"{address}?cursor={quote(cursor, safe='')}")
        ]
    assert taken == [(address, encoded("")) for address in LISTS], "an empty one is the first page"


async def test_a_cursor_of_another_list_is_none_of_this_one(visitor: Visitor) -> None:
    cursors = {address: cursor_of(address) for address in LISTS}
    taken = [
        (own, other)
        for own in LISTS
        for other, cursor in cursors.items()
        if own != other and not await refused(visitor, f"{own}?cursor={cursor}")
    ]
    assert taken == []


async def test_a_cursor_holds_only_with_what_narrowed_its_list(visitor: Visitor) -> None:
    page = told(await look(visitor, "payments?limit=2"))
    assert await refused(visitor, f"payments?limit=2&account=K-1&cursor={page['next']}")
    entire = told(await look(visitor, f"payments?limit=9&cursor={page['next']}"))
    assert [one["account"] for one in entire["payments"]] == ["K-3", "K-4", "K-5"], "pages may have another length"
    lines = told(await look(visitor, "runs/1/accounts?limit=2"))
    assert await refused(visitor, f"runs/2/accounts?cursor={lines['next']}") is False, "there is no such run"
    assert (await look(visitor, f"runs/2/accounts?cursor={lines['next']}")).status == 404


async def test_a_list_that_was_looked_through_by_somebody_else_is_not_opened_by_their_cursor(
    frame: Frame, visitor: Visitor
) -> None:
    frame.admit("little", "token-of-little", ["tasks:read"])
    cursor = told(await look(visitor, "accounts?limit=2"))["next"]
    answer = await visitor.get(f"/api/v1/accounts?cursor={cursor}", Authorization="Bearer token-of-little")
    assert (answer.status, json.loads(answer.body).keys()) == (403, {"error"})
