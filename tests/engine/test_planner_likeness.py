"""Asking once for all accounts that are alike answers the same as asking for each of them."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from contactd.domain.account import Channel, Facts, Hold, Kind, Phone, StepTry
from contactd.domain.campaign import NEXT_NUMBER, Campaign, Select, Step
from contactd.domain.ladder import local_date, selects
from contactd.domain.money import Money
from contactd.domain.policy import Policy
from contactd.domain.rules import least_contacts
from contactd.engine.ladder import planner
from contactd.engine.ladder.book import Book
from contactd.engine.ladder.planner import Decided, Rest, Take, decide
from contactd.store import candidates, facts, schema
from contactd.store import suppressions as suppressions_of_all
from contactd.store.candidates import Candidate
from contactd.store.database import Database
from contactd.store.suppressions import NewSuppression
from tests.domain.histories import (
    CHANNELS,
    DAYS,
    NOW,
    NUMBERS,
    WINDOWS,
    ZONES,
    contacts,
    histories,
    instants,
    phones,
    policies,
    suppressions,
)
from tests.domain.people import FACTS, MONDAY, PLAIN
from tests.store.seed import NOW as NOW_OF_ROWS
from tests.store.seed import add_account

HORIZON = timedelta(hours=24)
AMOUNTS = st.sampled_from([1, 4_999, 5_000, 5_001, 8_000, 9_999, 10_000, 10_001, 50_000])
Run = tuple[Campaign, Policy, list[Campaign], datetime, list[Facts]]
MAIL = Campaign("c", (Step("mail", Channel.EMAIL, day=3),), timezone="Europe/Berlin")


@st.composite
def filters(draw: st.DrawFn) -> Select:
    """Draw filters, of amounts most of all."""
    bounds = st.none() | st.builds(Money, AMOUNTS, st.sampled_from(["EUR", "EUR", "USD"]))
    return Select(
        min_open=draw(bounds),
        max_open=draw(bounds),
        min_days_due=draw(st.sampled_from([0, 0, 5])),
        kinds=draw(st.sampled_from([frozenset[Kind](), frozenset({Kind.CONSUMER})])),
        segments=draw(st.sampled_from([frozenset[str](), frozenset({"gold"})])),
        languages=draw(st.sampled_from([frozenset[str](), frozenset({"de"})])),
    )


@st.composite
def campaigns(draw: st.DrawFn) -> Campaign:
    """Draw a ladder with filters, windows, limits of time, other ways and tries again."""
    steps = [
        Step(
            f"s{number}",
            draw(CHANNELS),
            day=number * draw(st.integers(0, 4)),
            until=draw(st.sampled_from([None, None, None, 10])),
            otherwise=draw(st.sampled_from(["", f"s{number + 1}"])),
            attempts=draw(st.integers(1, 3)),
            pause=timedelta(hours=draw(st.sampled_from([1, 20, 48]))),
            retry=draw(st.sampled_from([{}, {"busy": timedelta(hours=2), "invalid": NEXT_NUMBER}])),
            select=draw(st.just(Select()) | filters()),
            windows=draw(st.none() | WINDOWS),
            numbers=draw(st.sampled_from([("mobile", "phone"), ("phone",)])),
        )
        for number in range(draw(st.integers(1, 3)))
    ]
    return Campaign(
        "c", tuple(steps), timezone="Europe/Berlin", holidays=("DE",), select=draw(st.just(Select()) | filters())
    )


@st.composite
def tries(draw: st.DrawFn, now: datetime) -> StepTry:
    """Draw a try."""
    state = draw(st.sampled_from(["accepted", "failed", "failed", "cancelled", "planned"]))
    outcome = draw(st.sampled_from(["busy", "invalid", "accepted", "undeliverable"]))
    return StepTry(draw(st.sampled_from(["s0", "s1"])), 1, state, outcome, draw(instants(now, after=0)))


def named(seen: Facts, number: int) -> Facts:
    """Make it somebody else's: whatever tells people apart is different, nothing that matters is."""
    mobile, phone = seen.account.mobile, seen.account.phone
    account = replace(
        seen.account,
        id=number,
        customer_id=number,
        name=f"Debtor {number}",
        email=f"d{number}@example.com",
        mobile=mobile and replace(mobile, number=f"+4915228817{number:03}"),
        phone=phone and replace(phone, number=f"+493023125{number:03}"),
    )
    return replace(seen, account=account, overdue=number)


@st.composite
def changes(draw: st.DrawFn, seen: Facts, now: datetime) -> Facts:
    """Change one thing, or nothing."""
    account, what = seen.account, draw(st.sampled_from([*range(14), 1, 1, 1, 8, 8]))
    telling: list[Callable[[], Facts]] = [
        lambda: replace(seen, open=draw(AMOUNTS)),
        lambda: replace(seen, contacts=tuple(draw(st.lists(contacts(now), min_size=1, max_size=4)))),
        lambda: replace(seen, hold=Hold("promise", draw(st.sampled_from([None, *DAYS])))),
        lambda: replace(seen, suppressions=(draw(suppressions(now)),)),
        lambda: replace(seen, tries=(draw(tries(now)),)),
        lambda: replace(seen, oldest_due=draw(st.sampled_from([now.date() - timedelta(days=3), *DAYS, None]))),
        lambda: replace(seen, last_payment_at=draw(instants(now))),
        lambda: replace(seen, payments_as_of=draw(instants(now, before=2, after=0))),
        lambda: replace(seen, account=replace(account, mobile=draw(phones(NUMBERS[0])))),
        lambda: replace(seen, account=replace(account, timezone=draw(st.sampled_from(("", *ZONES))))),
        lambda: replace(seen, account=replace(account, country="DE", region=draw(st.sampled_from(["", "DE-BY"])))),
        lambda: replace(seen, account=replace(account, language="fr", segment="gold")),
        lambda: replace(seen, account=replace(account, currency="USD", kind=Kind.BUSINESS)),
        lambda: replace(seen, account=replace(account, email="", postal=False)),
    ]
    changed: Facts = telling[what]()
    return changed


@st.composite
def crowds(draw: st.DrawFn, now: datetime) -> list[Facts]:
    """Draw some of one kind, each of which may differ from the others in one thing."""
    plain: dict[str, Any] = {"hold": None, "suppressions": (), "contacts": (), "open": draw(AMOUNTS)}
    first = draw(histories(now))
    zone = draw(st.sampled_from(["", ZONES[0]]))
    first = replace(first, **plain, account=replace(first.account, language="de", timezone=zone))
    crowd = [first, *(draw(changes(first, now)) for _ in range(draw(st.integers(1, 12))))]
    return [named(seen, number) for number, seen in enumerate(draw(st.permutations(crowd)), 1)]


@st.composite
def runs(draw: st.DrawFn) -> Run:
    """Draw a planning run."""
    now = draw(NOW)
    before = [replace(MAIL, id="before", select=draw(filters()))] if draw(st.booleans()) else []
    return draw(campaigns()), draw(policies()), before, now, draw(crowds(now))


def write(connection: Connection, number: int, seen: Facts) -> None:
    """Make the rows of an account with all that happened to it."""
    account, mobile, phone = seen.account, seen.account.mobile, seen.account.phone
    address = {"street": "Musterweg 1", "city": "Musterstadt"} if account.postal else {}
    add_account(
        connection, number, creditor=account.creditor, currency=account.currency, kind=account.kind.value,
        language=account.language, timezone=account.timezone, country=account.country, region=account.region,
        segment=account.segment, email=account.email, open=seen.open, oldest_due=seen.oldest_due,
        mobile=mobile.number if mobile else "", mobile_type=mobile.type if mobile else "",
        mobile_zones=" ".join(mobile.zones) if mobile else "", phone=phone.number if phone else "",
        phone_type=phone.type if phone else "", phone_zones=" ".join(phone.zones) if phone else "",
        hold_reason=seen.hold.reason if seen.hold else "", hold_until=seen.hold.until if seen.hold else None,
        last_payment_at=seen.last_payment_at, **address,
    )  # fmt: skip
    for one in seen.suppressions:
        mine = {"account": str(number), "email": account.email.lower() or "nobody@example.com"}
        value = mine.get(one.kind, (mobile or phone or Phone(one.value)).number)
        new = NewSuppression(one.kind, value, one.channel, one.reason, "test", NOW_OF_ROWS, one.until)
        suppressions_of_all.add(connection, [new])
    rows: list[dict[str, Any]] = [
        _row(number, "other", past.channel, place, past.at, past.address)
        | {"account_id": number if past.account_id == 1 else number + 1_000}
        | {"conversation_at": past.at if past.conversation else None}
        | {"outcome": "abandoned" if past.abandoned else "answered"}
        for place, past in enumerate(seen.contacts)
    ]
    rows += [
        _row(number, "c", Channel.EMAIL, place, one.at, "")
        | {"step": one.step, "state": one.state, "outcome": one.outcome}
        for place, one in enumerate(seen.tries)
    ]
    for row in rows:
        connection.execute(sa.insert(schema.attempt).values(row))


def _row(number: int, campaign: str, channel: Channel, place: int, at: datetime, address: str) -> dict[str, Any]:
    return {
        "account_id": number, "customer_id": number, "campaign": campaign, "step": "s0", "channel": channel.value,
        "case_no": 1, "try_no": place + 1, "state": "delivered", "not_before": at, "planned_at": at, "sending_at": at,
        "ended_at": at, "address": address,
    }  # fmt: skip


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(run=runs())
def test_a_crowd_is_decided_like_each_of_its_accounts_alone(
    database: Database, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    campaign, policy, before, now, crowd = run
    together = Decided(campaign, policy, before, now, HORIZON)
    today = local_date(campaign.timezone, now)
    since = now - Book([campaign], {campaign.id: policy}).memory(campaign.id)
    with database.engine.connect() as connection:  # rolled back, so each example finds empty tables
        for number, seen in enumerate(crowd, 1):
            write(connection, number, seen)
        known = crowd[0].payments_as_of
        if known is not None:
            run_of_payments = {"kind": "payments", "as_of": known, "finished_at": known, "counts": {}}
            connection.execute(sa.insert(schema.import_run).values(run_of_payments))
        everybody = range(1, len(crowd) + 1)
        loaded = facts.load(connection, everybody, campaign=campaign.id, since=since, today=today)
        monkeypatch.setattr(candidates, "_CHUNK", 2)  # so that some are read when others are decided
        found = candidates.due(
            connection,
            campaign,
            today=today,
            since=since,
            least=least_contacts(policy),
            bounds=together.bounds,
            decided=together.known,
        )
        with closing(found):
            decided = {one.account_id: together.of(one) for one in found}
    for number, seen in loaded.items():
        taken = any(selects(other.select, seen, today) for other in before)
        alone = Rest("other_campaign") if taken else decide(campaign, policy, seen, now, HORIZON)
        if number in decided:
            assert decided[number] == alone
        else:
            assert isinstance(alone, Rest)


def like(seen: Facts, profile: str = "alike") -> Candidate:
    """Make a candidate of which nothing is to be considered but its profile."""
    return candidates.candidate(seen)._replace(profile=profile)


def counted(decided: Decided, monkeypatch: pytest.MonkeyPatch) -> tuple[Callable[[Candidate], object], list[Facts]]:
    """Note for which accounts ladder and rules are asked."""
    asked: list[Facts] = []

    def noted(campaign: Campaign, policy: Policy, seen: Facts, now: datetime, horizon: timedelta) -> planner.Decision:
        asked.append(seen)
        return decide(campaign, policy, seen, now, horizon)

    monkeypatch.setattr(planner, "decide", noted)
    return decided.of, asked


def test_ladder_and_rules_are_asked_once_for_all_that_are_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    of, asked = counted(Decided(MAIL, PLAIN, (), MONDAY, HORIZON), monkeypatch)
    crowd = [
        replace(FACTS, account=replace(FACTS.account, id=n, email=f"d{n}@example.com"), open=8_000 + n)
        for n in range(1, 30)
    ]
    decisions = [of(like(seen)) for seen in crowd] + [of(like(crowd[0])._replace(facts=None))]
    assert decisions == [Take(MAIL.steps[0], 1, MONDAY)] * 30
    assert asked == crowd[:1]


def test_whoever_is_like_no_other_is_asked_about_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    of, asked = counted(Decided(MAIL, PLAIN, (), MONDAY, HORIZON), monkeypatch)
    for _ in range(2):
        assert isinstance(of(candidates.candidate(FACTS)), Take)
    assert asked == [FACTS, FACTS]


def test_what_is_remembered_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "_REMEMBERED", 2)
    of, asked = counted(Decided(MAIL, PLAIN, (), MONDAY, HORIZON), monkeypatch)
    for day in (1, 2, 1, 3, 2, 3):
        assert isinstance(of(like(replace(FACTS, oldest_due=date(2026, 11, day)), f"due on the {day}.")), Take)
    assert [seen.oldest_due and seen.oldest_due.day for seen in asked] == [1, 2, 3, 3]


def test_the_bounds_of_all_filters_that_are_asked_count() -> None:
    def over(minor: int) -> Select:
        return Select(min_open=Money(minor, "EUR"))

    first, second = Step("reminder", Channel.EMAIL, day=7, select=over(8_001)), Step("letter", Channel.EMAIL, day=9)
    campaign = replace(MAIL, select=Select(max_open=Money(9_000, "EUR")), steps=(first, second))
    decided = Decided(campaign, PLAIN, [replace(MAIL, id="earlier", select=over(100)), MAIL], MONDAY, HORIZON)
    assert decided.bounds == [100, 8_001, 9_000]
