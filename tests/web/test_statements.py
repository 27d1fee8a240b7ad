"""Bank statements over HTTP, on both databases."""

from contactd.store.schema import payment
from contactd.web.app import public_app
from contactd.web.body import Limits
from contactd.web.operation import route
from contactd.web.statements import operations
from tests.fakes.bank import Account, Booking, Payment, camt, mt940
from tests.web.frame import AGREEING, ONLY_PAYMENTS, Frame, Visitor, take_store_away, visiting
from tests.web.lists import ACCOUNTS, count, row, send, told

STATEMENTS = "/api/v1/statements"
PAID = Account([Booking((Payment(41_280, ("R-2026-4711",), bank_ref="A1"),), bank_ref="A1")])
TORN = Account([Booking((Payment(500, ("x",), bank_ref="B1"),), bank_ref="B1")], number="torn", closing=1)


async def post(visitor: Visitor, text: str, *, token: str = ONLY_PAYMENTS) -> tuple[int, dict[str, object]]:
    answer = await send(visitor, STATEMENTS, text.encode(), token=token, kind="application/xml")
    return answer.status, told(answer)


async def test_a_statement_is_matched_and_counted(frame: Frame, visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(1, invoice_no="R-2026-4711")])
    status, said = await post(visitor, camt([PAID]))
    assert (status, said["entries"], said["new"], said["unmatched"], said["refused"]) == (200, 1, 1, 0, [])
    assert await count(frame, payment) == 1
    assert (await post(visitor, camt([PAID])))[1]["unchanged"] == 1
    assert await count(frame, payment) == 1
    assert frame.woken == 3


async def test_mt940_is_taken_as_well(visitor: Visitor) -> None:
    status, said = await post(visitor, mt940([]))
    assert (status, said["entries"], said["statements"]) == (200, 0, 1)


async def test_a_statement_that_does_not_add_up_is_told_with_its_line(visitor: Visitor) -> None:
    status, said = await post(visitor, camt([PAID, TORN]))
    refused = said["refused"]
    assert isinstance(refused, list)
    assert (status, said["new"], len(refused)) == (200, 1, 1)
    assert str(refused[0]).startswith('line 11: statement "torn"')


async def test_what_is_no_statement_is_refused_without_our_paths(frame: Frame, visitor: Visitor) -> None:
    status, said = await post(visitor, "hello")
    assert (status, said["error"]) == (422, "is neither CAMT (XML) nor MT940; export camt.053 from the bank")
    assert await count(frame, payment) == 0


async def test_only_the_scope_payments_may_send_them(frame: Frame, visitor: Visitor) -> None:
    assert (await post(visitor, camt([PAID]), token=AGREEING))[0] == 403
    assert (await post(visitor, camt([PAID]), token="nobody"))[0] == 401
    assert await count(frame, payment) == 0


async def test_a_body_that_is_too_large_is_refused(frame: Frame) -> None:
    app = public_app(frame.window)
    [narrow] = operations(Limits(file=100))
    app.router.add_post("/api/v1/narrow", route(frame.window, narrow).handler)
    async with visiting(app) as visitor:
        answer = await send(visitor, "/api/v1/narrow", camt([PAID]).encode(), token=ONLY_PAYMENTS, kind="text/plain")
    assert answer.status == 413
    assert told(answer)["error"] == "the body is larger than 100 bytes; send it in parts"


async def test_while_the_store_is_away_the_sender_is_told_to_come_again(frame: Frame, visitor: Visitor) -> None:
    take_store_away(frame.database)
    assert (await post(visitor, camt([PAID])))[0] == 503
