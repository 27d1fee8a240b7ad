"""What is refused over HTTP (no token, wrong scope, malformed and oversized lists): nothing of it is taken."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest
from aiohttp import web

from contactd.store import program_tokens
from contactd.store.schema import account
from contactd.web.api import operations
from contactd.web.body import Limits
from contactd.web.operation import route
from tests.web.frame import BOTH, ONLY_PAYMENTS, Frame, Visitor, visiting
from tests.web.lists import ACCOUNTS, NDJSON, PAYMENTS, count, lines, nothing, paid, row, send, told

# Whatever is refused here never comes near the database.
pytestmark = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)


async def test_what_is_not_there_is_said_in_json(visitor: Visitor) -> None:
    answer = await visitor.get("/api/v1/owls")
    assert (answer.status, told(answer)) == (404, {"error": "there is nothing at this address"})
    answer = await visitor.get("/api/v1/statements")
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert told(answer) == {"error": "GET is not for this address; use POST"}


@pytest.mark.parametrize("query", ["full=maybe", "force=2"])
async def test_a_flag_that_is_neither_true_nor_false_is_refused(frame: Frame, visitor: Visitor, query: str) -> None:
    answer = await send(visitor, f"{ACCOUNTS}?{query}", [row(1)])
    assert (answer.status, "is true or false, not" in told(answer)["error"]) == (422, True)
    assert await nothing(frame)


async def test_payments_are_no_snapshot(frame: Frame, visitor: Visitor) -> None:
    answer = await send(visitor, f"{PAYMENTS}?full=true", [paid(1)])
    assert (answer.status, "for accounts" in told(answer)["error"]) == (422, True)
    assert await nothing(frame)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Bearer {BOTH}x",
        f"Bearer {BOTH[:-1]}",
        f"Bearer {BOTH} {BOTH}",
        f"Basic {BOTH}",
        BOTH,
        "Bearer \xff\xfe",
        "Bearer ********",
    ],
)
async def test_nobody_without_a_known_token_gets_in(frame: Frame, visitor: Visitor, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = await visitor.post(ACCOUNTS, json.dumps([row(1)]), Content_Type="application/json", **headers)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="contactd"'
    assert await nothing(frame)


async def test_a_token_opens_only_its_scopes(frame: Frame, visitor: Visitor) -> None:
    answer = await send(visitor, ACCOUNTS, [row(1)], token=ONLY_PAYMENTS)
    assert answer.status == 403
    says = "token bank has no scope accounts:write; contactd tokens add --scope accounts:write makes one"
    assert told(answer)["error"] == says
    assert await nothing(frame)


async def test_a_token_that_was_taken_away_is_no_longer_known(frame: Frame, visitor: Visitor) -> None:
    with frame.database.transaction() as connection:
        program_tokens.revoke(connection, "bookkeeping", frame.clock.now())
    answer = await send(visitor, ACCOUNTS, [row(1)])
    assert (answer.status, "bookkeeping is revoked" in answer.text) == (401, True)
    assert await nothing(frame)


@pytest.mark.parametrize("kind", ["text/csv", "application/x-www-form-urlencoded", "application/octet-stream"])
async def test_another_kind_of_body_is_refused_with_the_right_one(frame: Frame, visitor: Visitor, kind: str) -> None:
    answer = await send(visitor, ACCOUNTS, [row(1)], kind=kind)
    assert answer.status == 415
    assert told(answer)["error"] == f"send application/json or application/x-ndjson, not {kind}"
    assert await nothing(frame)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'[{"account_no": "K-1",\n  "name": }]', "line 2, column 11: is no JSON: Expecting value"),
        (b"", "line 1, column 1: is no JSON: Expecting value"),
        (b"17", "the body is neither a list nor an object"),
        (b'[{"amount": NaN}]', "is no JSON contactd reads: NaN is no JSON number"),
        (b'[{"amount": ' + b"9" * 5_000 + b"}]", "is no JSON contactd reads: Exceeds the limit"),
        (b"[" * 100_000, "is no JSON contactd reads: nested too deeply"),
        (b'[\n{"name": "M\xfcller"}]', "line 2: is not UTF-8"),
        (b'[{"name": "\\ud83d"}]', "has half of a character in it"),
    ],
)
async def test_a_malformed_body_is_refused_with_place_and_cure(
    frame: Frame, visitor: Visitor, body: bytes, error: str
) -> None:
    answer = await send(visitor, ACCOUNTS, body)
    assert answer.status == 400
    assert told(answer)["error"].startswith(error)
    assert told(answer)["cure"] == "send a JSON list of objects, or one object, UTF-8"
    assert await nothing(frame)


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (b'{"account_no": K}\n', "line 3, column 16: is no JSON: Expecting value"),
        (b"\n", "line 3: is empty"),
        (b'{"name": "M\xfcller"}\n', "line 3: is not UTF-8"),
        (b'{"name": "' + b"x" * 70_000 + b'"}\n', "line 3: is longer than 65536 bytes"),
        (b'{"account_no": "K-3"', "line 3, column 21: is no JSON: Expecting ',' delimiter"),
        (b'{"name": "\\uDC00"}\n', "line 3: has half of a character in it"),
    ],
)
async def test_a_malformed_line_is_named_and_nothing_of_the_list_taken(
    frame: Frame, visitor: Visitor, bad: bytes, error: str
) -> None:
    after = lines(row(4)) if bad.endswith(b"\n") else b""
    answer = await send(visitor, ACCOUNTS, lines(row(1), row(2)) + bad + after, kind=NDJSON)
    assert answer.status == 400
    assert told(answer)["error"].startswith(error)
    assert told(answer)["line"] == 3
    assert told(answer)["cure"] == "send one JSON object a line (application/x-ndjson), UTF-8"
    assert await nothing(frame)


async def test_an_empty_list_of_accounts_is_a_mistake(frame: Frame, visitor: Visitor) -> None:
    answer = await send(visitor, ACCOUNTS, [])
    assert (answer.status, told(answer)["error"]) == (422, "api:bookkeeping: holds no row")
    assert await nothing(frame)


@pytest.fixture
async def narrow(frame: Frame) -> AsyncIterator[Visitor]:
    """Serve the addresses with small limits."""
    app = web.Application()
    small = operations(Limits(json=2_000, ndjson=4_000, pause=0.2))
    app.add_routes([route(frame.window, operation) for operation in small])
    async with visiting(app) as visitor:
        yield visitor


def in_pieces(body: bytes) -> AsyncIterator[bytes]:
    """Send without saying beforehand how much it is."""

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 500):
            yield body[start : start + 500]

    return pieces()


@pytest.mark.parametrize("wrap", [bytes, in_pieces])
@pytest.mark.parametrize(
    ("kind", "limit", "cure"),
    [
        ("application/json", 2_000, "send it in parts, or as application/x-ndjson"),
        (NDJSON, 4_000, "send it in parts"),
    ],
)
async def test_a_body_that_is_too_large_is_refused(
    frame: Frame, narrow: Visitor, kind: str, limit: int, cure: str, wrap: Callable[[bytes], object]
) -> None:
    answer = await send(narrow, ACCOUNTS, wrap(b" " * 5_000), kind=kind)
    assert (answer.status, told(answer)["error"]) == (413, f"the body is larger than {limit} bytes; {cure}")
    assert await nothing(frame)


async def test_a_body_counts_as_large_as_it_unpacks(frame: Frame, narrow: Visitor) -> None:
    headers = {"Content_Type": NDJSON, "Content_Encoding": "gzip", "Authorization": f"Bearer {BOTH}"}
    bomb = await narrow.post(ACCOUNTS, gzip.compress(b" " * 10_000_000), **headers)
    assert bomb.status == 413
    broken = await narrow.post(ACCOUNTS, b"no gzip at all", **headers)
    assert (broken.status, told(broken)["error"]) == (400, "the body broke off")
    assert await nothing(frame)
    assert (await narrow.post(ACCOUNTS, gzip.compress(lines(row(1))), **headers)).status == 200


def head(length: int) -> bytes:
    """Write the head of a request with a body of that length."""
    return (
        f"POST {ACCOUNTS} HTTP/1.1\r\nHost: contactd\r\nAuthorization: Bearer {BOTH}\r\n"
        f"Content-Type: {NDJSON}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


async def test_a_sender_who_falls_asleep_is_not_waited_for(frame: Frame, narrow: Visitor) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", narrow.port)
    writer.write(head(2_000) + lines(row(1)))
    answer = await reader.readuntil(b"body again, whole")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert await nothing(frame)
    writer.close()
    await writer.wait_closed()


async def test_an_upload_that_breaks_off_changes_nothing(frame: Frame, visitor: Visitor) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", visitor.port)
    body = lines(row(1), row(2))
    writer.write(head(len(body) + 1) + body)
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await send(visitor, ACCOUNTS, [row(3)])).status == 200
    assert await count(frame, account) == 1


async def test_lists_are_only_posted(visitor: Visitor) -> None:
    async with aiohttp.ClientSession() as session:
        for method in ("PUT", "PATCH", "DELETE"):
            async with session.request(method, f"http://127.0.0.1:{visitor.port}{ACCOUNTS}") as answer:
                assert answer.status == 405
