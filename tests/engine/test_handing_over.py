"""Accounts handed over: one person proposes, another approves, the ladder rests, and all of it can be taken back."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from contactd.domain.account import Channel
from contactd.domain.agreement import Kind
from contactd.domain.errors import InputError
from contactd.domain.notice import CAMPAIGN
from contactd.engine.debt.debtors import choose
from contactd.engine.debt.handing_over import HandingOver, told
from contactd.store import accounts, attempts, contact_log, handovers, payments, schema
from contactd.store.attempts import NewAttempt
from contactd.store.database import Database
from contactd.store.handovers import Handover
from contactd.store.schema import account
from tests.clock import MONDAY_TEN
from tests.engine.books import Bookkeeper, day, settings_of


@pytest.fixture
def keeper(database: Database) -> Bookkeeper:
    made = Bookkeeper(database, settings_of())
    made.owing(50_000)
    return made


def warn(keeper: Bookkeeper, channel: Channel = Channel.LETTER, case_no: int = 1) -> None:
    """Enter a letter that reached them."""
    at = MONDAY_TEN - timedelta(days=10)
    with keeper.database.transaction() as connection:
        attempts.plan(connection, [NewAttempt(1, 1, None, "standard", "mahnung", channel, case_no, 1, at, at)])
        connection.execute(sa.update(schema.attempt).values(state="accepted", sending_at=at, ended_at=at))


def say(keeper: Bookkeeper, verb: str, *words: str, by: str = "anna") -> Handover:
    with keeper.database.transaction() as connection:
        desk = HandingOver(connection, by=by, now=keeper.now)
        made: Handover = getattr(desk, verb)(choose(connection, "K-1"), *words)
        return made


def hold(keeper: Bookkeeper) -> tuple[str, object]:
    with keeper.database.snapshot() as connection:
        row = connection.execute(sa.select(account.c.hold_reason, account.c.hold_until)).one()
        return row.hold_reason, row.hold_until


def logged(keeper: Bookkeeper) -> list[tuple[str, str]]:
    with keeper.database.snapshot() as connection:
        rows = contact_log.read(connection, account_no="K-1")
        return [(row.outcome, row.reason) for row in rows if row.event == "handover"]


def test_the_ladder_rests_from_the_approval_by_somebody_else_until_it_is_withdrawn(keeper: Bookkeeper) -> None:
    warn(keeper)
    assert say(keeper, "propose", "court", "nothing helped").state == "proposed"
    assert hold(keeper) == ("", None)
    with pytest.raises(InputError, match="anna has proposed it; somebody else has to approve it"):
        say(keeper, "approve")
    assert say(keeper, "approve", "agreed", by="ben").decided_by == "ben"
    assert hold(keeper) == ("handed_over", None)
    with keeper.database.snapshot() as connection:
        [shown] = told(connection, handovers.living(connection))
    assert (shown["account"], shown["to"], shown["state"], shown["proposed_by"]) == ("K-1", "court", "approved", "anna")
    assert say(keeper, "withdraw", "paid after all").state == "withdrawn"
    assert hold(keeper) == ("", None)
    assert logged(keeper) == [
        ("proposed", "to court: nothing helped"),
        ("approved", "to court: agreed"),
        ("withdrawn", "to court: paid after all"),
    ]


def test_an_agreement_made_meanwhile_rests_the_ladder_once_the_hand_over_is_withdrawn(keeper: Bookkeeper) -> None:
    warn(keeper)
    say(keeper, "propose", "lawyer", "nothing helped")
    say(keeper, "approve", by="ben")
    keeper.agree(Kind.PROMISE, on=day(7))
    assert hold(keeper)[0] == "handed_over"
    say(keeper, "withdraw", "promised")
    assert hold(keeper)[0] == "promise"


@pytest.mark.parametrize(
    ("kind", "order", "words"),
    [
        (Kind.PROMISE, {"on": day(7)}, "promise 1 is open"),
        (Kind.DISPUTE, {"invoice_no": "R-1", "reason": "broken"}, "dispute 1 is open"),
    ],
)
def test_what_is_agreed_or_disputed_stands_against_it_unless_a_reason_is_given(
    keeper: Bookkeeper, kind: Kind, order: dict[str, Any], words: str
) -> None:
    warn(keeper)
    keeper.agree(kind, **order)
    with pytest.raises(InputError, match=words):
        say(keeper, "propose", "court", "nothing helped")
    assert say(keeper, "propose", "court", "nothing helped", "limitation at year's end").anyway


def test_without_a_letter_or_mail_of_this_case_nobody_was_warned(keeper: Bookkeeper) -> None:
    with pytest.raises(InputError, match="no letter or e-mail of this case has announced it"):
        say(keeper, "propose", "court", "nothing helped")
    warn(keeper, Channel.SMS)
    with pytest.raises(InputError, match="has announced it"):
        say(keeper, "propose", "court", "nothing helped")


def test_what_came_up_since_the_proposal_is_asked_again_at_the_approval(keeper: Bookkeeper) -> None:
    warn(keeper)
    say(keeper, "propose", "court", "nothing helped")
    keeper.agree(Kind.PROMISE, on=day(7))
    with pytest.raises(InputError, match="promise 1 is open; withdraw it, and propose it again"):
        say(keeper, "approve", by="ben")


def test_a_reason_to_do_it_anyway_covers_what_stood_against_it_then_and_nothing_since(keeper: Bookkeeper) -> None:
    say(keeper, "propose", "court", "nothing helped", "limitation at year's end")
    made = keeper.agree(Kind.DISPUTE, invoice_no="R-1", reason="never ordered")
    with pytest.raises(InputError, match="K-1: dispute 1 is open; withdraw it, and propose it again"):
        say(keeper, "approve", by="ben")
    keeper.say(made.id, "reject")
    assert say(keeper, "approve", by="ben").against == "no letter or e-mail of this case has announced it"


def test_what_was_paid_since_the_proposal_is_not_handed_over(keeper: Bookkeeper) -> None:
    say(keeper, "propose", "court", "nothing helped", "limitation at year's end")
    with keeper.database.snapshot() as connection:
        chosen = choose(connection, "K-1")
    keeper.pay(50_000)
    with keeper.database.transaction() as connection:  # whoever approves has looked before the money came
        desk = HandingOver(connection, by="ben", now=keeper.now)
        with pytest.raises(InputError, match=r"K-1: no invoice is open, so .* contactd statement K-1 tells"):
            desk.approve(chosen)
    assert hold(keeper) == ("", None)


def test_an_invoice_disputed_without_an_agreement_stands_against_it_too(keeper: Bookkeeper) -> None:
    warn(keeper)
    with keeper.database.transaction() as connection:
        accounts.set_disputed(connection, 1, keeper.now, disputed=True)
    with pytest.raises(InputError, match="K-1: an invoice is disputed; settle that first"):
        say(keeper, "propose", "court", "nothing helped")


def test_a_notice_is_no_warning(keeper: Bookkeeper) -> None:
    warn(keeper, Channel.EMAIL)
    with keeper.database.transaction() as connection:
        connection.execute(sa.update(schema.attempt).values(campaign=CAMPAIGN, step="confirmation"))
    with pytest.raises(InputError, match="no letter or e-mail of this case has announced it"):
        say(keeper, "propose", "court", "nothing helped")


def test_an_account_that_rests_because_it_may_have_paid_is_not_handed_over(keeper: Bookkeeper) -> None:
    warn(keeper)
    say(keeper, "propose", "court", "nothing helped")
    with keeper.database.transaction() as connection:
        payments.hold_rejected(connection, ["K-1"], keeper.now, release=False)
    with pytest.raises(InputError, match="K-1 is on hold: payment_rejected; have that settled first"):
        say(keeper, "approve", by="ben")
    assert hold(keeper) == ("payment_rejected", None)
    with keeper.database.transaction() as connection:
        accounts.hold(connection, 1, "payment_rejected", day(-1), keeper.now)
    assert say(keeper, "approve", by="ben").state == "approved"


def test_what_makes_no_sense_is_refused(keeper: Bookkeeper) -> None:
    warn(keeper)
    for verb, words, message in (
        ("propose", ("police", "x"), "one of court, lawyer, agency"),
        ("propose", ("court", " "), "say why"),
        ("approve", (), "no hand-over is proposed"),
        ("withdraw", ("x",), "no hand-over is proposed or approved"),
        ("withdraw", ("",), "say why"),
    ):
        with pytest.raises(InputError, match=message):
            say(keeper, verb, *words)
    say(keeper, "propose", "court", "nothing helped")
    with pytest.raises(InputError, match="a hand-over to court is proposed already"):
        say(keeper, "propose", "lawyer", "nothing helped")
    say(keeper, "withdraw", "no")
    keeper.pay(50_000)
    with pytest.raises(InputError, match="K-1: no invoice is open"):
        say(keeper, "propose", "court", "nothing helped")
