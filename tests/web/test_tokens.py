"""Every operation of the HTTP interface and every token: the table is obeyed, and nothing else opens anything."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
import structlog

from contactd.config.settings import Sections, Settings
from contactd.domain.policy import Policy
from contactd.domain.scope import SCOPES
from contactd.store import program_tokens
from contactd.web.interface import operations
from contactd.web.operation import Operation
from tests.web.frame import BOTH, CAMPAIGN, Answer, Frame, Visitor
from tests.web.lists import ACCOUNTS, row, send, told

# Who may is asked before anything else: one database is enough.
pytestmark = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)

MADE_UP = {"id": "7", "word": "done", "campaign": "standard"}


def address_of(operation: Operation) -> str:
    """Write an address of which the parts are made up."""
    written = "/api/v1" + operation.path
    for name, kind in operation.places.items():
        fits = kind.place.partition("|")[0] if "|" in kind.place else MADE_UP[name]
        written = written.replace(f"{{{name}}}", fits)
    return written


async def ask(visitor: Visitor, operation: Operation, secret: str) -> Answer:
    """Ask for an operation, with an empty body where there is one."""
    address, headers = address_of(operation), {"Authorization": f"Bearer {secret}"}
    if operation.method == "GET":
        return await visitor.get(address, **headers)
    return await visitor.post(address, b"{}", Content_Type="application/json", **headers)


async def test_each_operation_opens_to_its_own_scope_and_to_no_other(frame: Frame, visitor: Visitor) -> None:
    frame.settings = Settings.of(Sections(), Path("contactd.toml"), (CAMPAIGN,), {CAMPAIGN.id: Policy("open")})
    for scope in SCOPES:
        frame.admit(scope.replace(":", "-"), f"only-{scope}", [scope])
    wrong = []
    for operation in operations():
        for scope in SCOPES:
            answer = await ask(visitor, operation, f"only-{scope}")
            refused = answer.status == 403 and f"has no scope {operation.scope}" in told(answer)["error"]
            if answer.status in {401, 500, 503} or refused is (scope == operation.scope):
                wrong.append((operation.name, scope, answer.status, answer.text))
    assert wrong == []


async def test_without_a_token_nothing_is_told_but_the_description(visitor: Visitor) -> None:
    for operation in operations():
        answer = await ask(visitor, operation, "nobody's")
        assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="contactd"'), operation.name
    assert (await visitor.get("/api/v1/openapi.json")).status == 200


@pytest.mark.usefixtures("dialect")
async def test_every_scope_is_needed_somewhere_and_every_name_is_given_once() -> None:
    assert {operation.scope for operation in operations()} == set(SCOPES)
    names = [operation.name for operation in operations()]
    assert len(names) == len(set(names))


async def test_a_token_that_has_expired_is_told_so(frame: Frame, visitor: Visitor) -> None:
    frame.admit("guest", "for-a-day", ["accounts:read"], frame.clock.now() + timedelta(days=1))
    assert (await visitor.get(ACCOUNTS, Authorization="Bearer for-a-day")).status == 200
    frame.clock.advance(86_400)
    answer = await visitor.get(ACCOUNTS, Authorization="Bearer for-a-day")
    assert (answer.status, "token guest is expired" in told(answer)["error"]) == (401, True)


async def test_when_a_token_was_used_last_is_kept_without_a_write_for_each_request(
    frame: Frame, visitor: Visitor
) -> None:
    def used() -> object:
        with frame.database.snapshot() as connection:
            return next(one.used_at for one in program_tokens.listed(connection) if one.name == "bookkeeping")

    first = frame.clock.now()
    for seconds, noted in ((0, 0), (60, 0), (240, 300), (10, 300)):
        frame.clock.advance(seconds)
        await visitor.get(ACCOUNTS, Authorization=f"Bearer {BOTH}")
        assert used() == first + timedelta(seconds=noted)


async def test_neither_a_token_nor_a_customer_stands_in_the_log(visitor: Visitor) -> None:
    with structlog.testing.capture_logs() as lines:
        await send(visitor, ACCOUNTS, [row(1)])
        await send(visitor, ACCOUNTS, [row(1)], token="wrong-but-secret")
        await visitor.get(f"{ACCOUNTS}?account=K-1&cursor=xyz", Authorization=f"Bearer {BOTH}")
        await send(visitor, "/api/v1/tasks", {"account": "K-1"})
    written = json.dumps(lines, default=str)
    assert len(lines) > 2
    assert not any(word in written for word in ("wrong-but-secret", BOTH, "Erika", "erika@", "K-1"))


@pytest.mark.parametrize(
    "path",
    [
        "accounts/../../etc/passwd",
        "accounts/%2e%2e%2f%2e%2e%2fme",
        "campaigns/..%2f..%2fme",
        "campaigns/.../pause",
        "log/",
    ],
)
async def test_an_address_leads_nowhere_but_where_it_says(visitor: Visitor, path: str) -> None:
    answer = await visitor.get(f"/api/v1/{path}", Authorization=f"Bearer {BOTH}")
    assert answer.status == 404


async def test_a_body_of_keys_that_is_too_large_is_refused(visitor: Visitor) -> None:
    frame_sized = b'{"reason": "' + b"x" * 70_000 + b'"}'
    answer = await send(visitor, "/api/v1/tasks", frame_sized, token="token-for-tasks")
    assert (answer.status, "error" in told(answer)) == (413, True)
