"""Accounts and payments over HTTP, on both databases: what is taken, and what is told about it."""

import asyncio
from collections.abc import Collection
from datetime import datetime

import pytest
import sqlalchemy as sa
from prometheus_client.parser import text_string_to_metric_families

from contactd.domain.agreement import Kind
from contactd.engine.agreements.agreeing import Agreeing, Order
from contactd.engine.debt.charging import Charging
from contactd.engine.debt.debtors import choose
from contactd.store import agreements, facts
from contactd.store.schema import account, import_run, invoice, payment
from tests.web.frame import ONLY_PAYMENTS, Frame, Visitor, take_store_away
from tests.web.lists import ACCOUNTS, NDJSON, PAYMENTS, count, lines, paid, row, send, told


async def test_a_list_of_accounts_is_committed_before_it_is_answered(frame: Frame, visitor: Visitor) -> None:
    answer = await send(visitor, ACCOUNTS, [row(1), row(2), row(2, invoice_no="R-3")])
    assert answer.status == 200
    said = told(answer)
    assert (said["accepted"], said["new"], said["accounts"], said["rejected_rows"]) == (3, 3, 2, [])
    assert (await count(frame, account), await count(frame, invoice)) == (2, 3)
    owed = await frame.commit.read(
        lambda one: one.scalar(sa.select(account.c.open).where(account.c.account_no == "K-1"))
    )
    assert owed == 41_280
    assert frame.woken == 1


async def test_a_single_object_is_a_list_of_one(frame: Frame, visitor: Visitor) -> None:
    assert told(await send(visitor, ACCOUNTS, row(1)))["accepted"] == 1
    assert await count(frame, account) == 1


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n\n\n"])
async def test_lines_of_json_are_taken_as_well(frame: Frame, visitor: Visitor, end: bytes) -> None:
    answer = await send(visitor, ACCOUNTS, lines(row(1), row(2)).rstrip() + end, kind=NDJSON)
    assert (answer.status, told(answer)["accepted"]) == (200, 2)
    assert await count(frame, account) == 2


async def test_the_same_list_again_changes_nothing(frame: Frame, visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(1)])
    again = told(await send(visitor, ACCOUNTS, lines(row(1)), kind=NDJSON))
    assert (again["new"], again["changed"], again["unchanged"]) == (0, 0, 1)


async def test_a_list_has_only_those_accounts_charged_of_whom_it_told_something_new(
    frame: Frame, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send(visitor, ACCOUNTS, [row(number) for number in range(1, 5)])
    await send(visitor, PAYMENTS, [paid(number) for number in range(1, 5)])
    charged: list[list[int]] = []
    right = Charging.charge

    def charge(self: Charging, connection: sa.Connection, ids: Collection[int], *, returned: bool = False) -> None:
        charged.append(sorted(ids))
        right(self, connection, ids, returned=returned)

    monkeypatch.setattr(Charging, "charge", charge)
    await send(visitor, ACCOUNTS, [row(1), row(2, open=500, amount=500), row(3, invoice_no="R-9"), row(4)])
    numbered = sa.select(account.c.account_no, account.c.id)
    ids = await frame.commit.read(lambda one: {number: name for name, number in one.execute(numbered)})
    assert [[ids[number] for number in one] for one in charged] == [["K-2", "K-3"]]
    told_of = [row(1), row(2, open=500, amount=500), row(3, invoice_no="R-9")]
    await send(visitor, f"{ACCOUNTS}?full=true&force=true", told_of)
    assert [[ids[number] for number in one] for one in charged[1:]] == [["K-3", "K-4"]]  # are gone
    await send(visitor, ACCOUNTS, told_of)
    assert len(charged) == 2


async def test_a_rejected_row_is_named_and_the_others_are_taken(frame: Frame, visitor: Visitor) -> None:
    body = lines(row(1), row(2, due_date="soon"), [1], row(3, emial="x@example.com"))
    said = told(await send(visitor, ACCOUNTS, body, kind=NDJSON))
    assert (said["accepted"], said["rejected"]) == (1, 3)
    assert [(one["row"], one["column"]) for one in said["rejected_rows"]] == [(2, "due_date"), (3, ""), (4, "emial")]
    rows = {
        (sample.labels["kind"], sample.labels["result"]): sample.value
        for family in text_string_to_metric_families(frame.metrics.render().decode())
        for sample in family.samples
        if sample.name == "contactd_intake_rows_total"
    }
    assert rows == {("accounts", "accepted"): 1, ("accounts", "rejected"): 3}


async def test_a_list_of_rejected_rows_is_answered_with_422(frame: Frame, visitor: Visitor) -> None:
    for path in (ACCOUNTS, PAYMENTS):
        answer = await send(visitor, path, [{"account_no": "K-1"}])
        assert (answer.status, told(answer)["rejected"]) == (422, 1)
    assert await count(frame, import_run) == 0


async def test_a_rejected_payment_holds_its_account_and_is_told(frame: Frame, visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(1), row(2)])
    answer = await send(visitor, PAYMENTS, [paid(1, "viel"), paid(2)])
    assert (answer.status, told(answer)["held"], told(answer)["rejected"]) == (200, 1, 1)
    on_hold = sa.select(account.c.account_no).where(account.c.hold_reason == "payment_rejected")
    assert await frame.commit.read(lambda one: one.scalar(on_hold)) == "K-1"


async def test_payments_are_recorded_once(frame: Frame, visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(1)])
    for new, unmatched in ((2, [2]), (0, [])):
        said = told(await send(visitor, PAYMENTS, [paid(1), paid(99)], token=ONLY_PAYMENTS))
        assert (said["accepted"], said["new"], said["unmatched_rows"]) == (2, new, unmatched)
    owed = await frame.commit.read(lambda one: one.scalar(sa.select(account.c.open)))
    assert (owed, await count(frame, payment)) == (0, 2)
    assert frame.woken == 3


@pytest.mark.parametrize(("body", "kind"), [(b"[]", "application/json"), (b"", NDJSON)])
async def test_no_payment_at_all_is_news_too(frame: Frame, visitor: Visitor, body: bytes, kind: str) -> None:
    assert (await send(visitor, PAYMENTS, body, kind=kind)).status == 200
    assert await count(frame, import_run) == 1


async def test_single_payments_do_not_pass_for_the_news_of_all(frame: Frame, visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(1)])
    await send(visitor, PAYMENTS, [paid(1)])

    def known(connection: sa.Connection) -> list[datetime | None]:
        seen = facts.load(connection, [1], campaign=None, since=frame.clock.now())
        return [one.payments_as_of for one in seen.values()]

    assert await frame.commit.read(known) == [None]
    assert (await send(visitor, f"{PAYMENTS}?complete=true", [])).status == 200
    assert await frame.commit.read(known) == [frame.clock.now()]
    refused = await send(visitor, f"{ACCOUNTS}?complete=true", [row(1)])
    assert (refused.status, "complete is for payments" in told(refused)["error"]) == (422, True)


async def test_a_list_of_all_payments_judges_at_once_who_is_not_in_it(frame: Frame, visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(1), row(2)])
    settings, now = frame.window.settings(), frame.clock.now()

    def promise(connection: sa.Connection) -> None:
        order = Order(Kind.PROMISE, on=now.date(), tell=False)
        Agreeing(settings, connection, by="anna", now=now).make(choose(connection, "K-1"), order)

    await frame.commit.run(promise)
    frame.clock.advance(14 * 86_400)
    for flags, state in (("", "open"), ("?complete=true", "broken")):  # some payments say nothing of the others
        await send(visitor, PAYMENTS + flags, [paid(2)])
        [one] = await frame.commit.read(lambda one: agreements.everyone(one, alive=False))
        assert one.agreed.state == state


async def test_a_snapshot_settles_what_it_does_not_show(frame: Frame, visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(number) for number in range(5)])
    said = told(await send(visitor, f"{ACCOUNTS}?full=true", [row(number) for number in range(4)]))
    assert said["cleared"] == 1
    assert await count(frame, invoice) == 5


async def test_a_snapshot_that_lost_too_much_is_refused_unless_forced(frame: Frame, visitor: Visitor) -> None:
    await send(visitor, ACCOUNTS, [row(number) for number in range(5)])
    refused = await send(visitor, f"{ACCOUNTS}?full=true", [row(1)])
    assert refused.status == 409
    assert "4 of 5 open accounts would vanish" in told(refused)["error"]
    assert told(refused)["error"].endswith("(here: ?full=true&force=true)")
    assert frame.woken == 1
    forced = await send(visitor, f"{ACCOUNTS}?full=true&force=1", [row(1)])
    assert (forced.status, told(forced)["cleared"]) == (200, 4)


async def test_a_whole_character_written_in_halves_is_one(frame: Frame, visitor: Visitor) -> None:
    answer = await send(visitor, ACCOUNTS, [row(1, segment="\N{GRINNING FACE}")])
    assert (answer.status, told(answer)["accepted"]) == (200, 1)
    assert await frame.commit.read(lambda one: one.scalar(sa.select(account.c.segment))) == "\N{GRINNING FACE}"


async def test_several_lists_at_once_all_arrive(frame: Frame, visitor: Visitor) -> None:
    answers = await asyncio.gather(*[send(visitor, ACCOUNTS, [row(number)]) for number in range(6)])
    assert [answer.status for answer in answers] == [200] * 6
    assert await count(frame, account) == 6


@pytest.mark.parametrize("path", [ACCOUNTS, PAYMENTS])
async def test_while_the_store_is_away_the_sender_is_told_to_come_again(
    frame: Frame, visitor: Visitor, path: str
) -> None:
    take_store_away(frame.database)
    answer = await send(visitor, path, [row(1) if path == ACCOUNTS else paid(1)])
    assert (answer.status, answer.headers["Retry-After"]) == (503, "30")
    assert told(answer) == {"error": "contactd cannot keep this now; send the same again later, nothing doubles"}
    assert frame.woken == 0
