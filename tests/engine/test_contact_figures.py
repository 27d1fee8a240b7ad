"""Contacts, promises and hours reported out of both databases: by hand, and against a plain recount of anything."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contactd.config.privacy import Privacy
from contactd.config.settings import Settings
from contactd.domain.money import Money
from contactd.domain.report_table import Table
from contactd.engine.reports.contact_figures import contacts, days_of, hours
from contactd.engine.reports.promise_figures import promises
from contactd.store.database import Database
from contactd.store.schema import account, agreement, attempt, batch, call, instalment, invoice
from tests.engine.reported import OCTOBER, SETTINGS, Ledger, five_customers, october, rows_of, staffed

LAST = date(2026, 10, 31)
BERLIN = ZoneInfo("Europe/Berlin")


def contacted(database: Database, settings: Settings = SETTINGS, last: date = LAST) -> dict[str, Table]:
    with database.snapshot() as connection:
        found = contacts(connection, settings, days_of(settings, OCTOBER, last))
    return {one.name: one for one in found}


def promised(database: Database, last: date = LAST) -> dict[str, Table]:
    with database.snapshot() as connection:
        return {one.name: one for one in promises(connection, days_of(SETTINGS, OCTOBER, last))}


def called(database: Database) -> list[dict[str, Any]]:
    with database.snapshot() as connection:
        [table] = hours(connection, days_of(SETTINGS, OCTOBER, LAST))
    return rows_of(table)


def by(table: Table, name: str) -> dict[Any, dict[str, Any]]:
    return {row[name]: row for row in rows_of(table)}


def test_the_five_customers_of_the_reference_come_out(database: Database) -> None:
    five_customers(database)
    found = contacted(database)
    channels = by(found["channels"], "channel")
    one = channels["call"]
    assert (one["sent"], one["reached"], one["right_party"], one["right_party_rate"]) == (2, 1, 1, 0.5)
    assert (one["promises"], one["promise_rate"]) == (1, 1.0)
    assert {name: (row["sent"], row["reached"]) for name, row in channels.items()} == {
        "call": (2, 1), "email": (2, 1), "letter": (1, 1), "sms": (3, 2), "all": (8, 5),
    }  # fmt: skip
    assert (channels["all"]["customers"], channels["all"]["customers_right_party"]) == (5, 1)
    stages = [(row["stage"], row["customers"]) for row in rows_of(found["funnel"])]
    assert stages == [("planned", 5), ("sent", 5), ("reached", 4), ("right_party", 1), ("promise", 1), ("paid", 1)]
    [row] = rows_of(promised(database)["made"])
    assert (row["month"], row["promises"], row["amount"]) == ("2026-10", 1, Money(15_000, "EUR"))
    assert (row["kept"], row["kept_rate"], row["kept_amount_rate"]) == (1, 1.0, 1.0)


def test_a_funnel_counts_those_who_paid_after_they_had_promised_and_not_before(database: Database) -> None:
    ledger = Ledger(database)
    for number in (1, 2, 3):
        ledger.customer(number)
        ledger.talk(number, october(12), "promise")
    ledger.pay(1, october(11), 1_000)
    ledger.pay(2, october(12), 1_000)
    ledger.pay(2, october(20), -1_000)  # went back
    ledger.pay(3, october(30), 1_000)
    assert contacted(database)["funnel"].rows[-1][:2] == ("paid", 1)
    assert contacted(database, last=date(2026, 10, 29))["funnel"].rows[-1][:2] == ("paid", 0)


def test_what_was_held_back_is_that_of_the_newest_run_of_each_campaign(database: Database) -> None:
    def run(campaign: str, day: int, held: dict[str, Any], *, ended: bool = True) -> dict[str, Any]:
        finished = october(day) if ended else None
        return {"campaign": campaign, "planned_at": october(day), "finished_at": finished, "held": held, "steps": {}}

    def count(number: int) -> dict[str, Any]:
        return {"count": number, "amounts": {"EUR": number}}

    rows = [
        run("a", 2, {"letter": {"disputed": count(9)}}),
        run("a", 3, {"letter": {"disputed": count(1)}, "call": {"disputed": count(2), "cool_down": count(3)}}),
        run("a", 4, {}, ended=False),
        run("b", 2, {"call": {"holiday": count(4)}}),
    ]
    with database.transaction() as connection:
        connection.execute(sa.insert(batch), rows)
    held = [tuple(row.values()) for row in rows_of(contacted(database)["held_back"])]
    assert held == [
        ("a", date(2026, 10, 3), "cool_down", 3),
        ("a", date(2026, 10, 3), "disputed", 3),
        ("b", date(2026, 10, 2), "holiday", 4),
    ]


def test_abandoned_calls_stand_against_the_limit_of_their_campaign_over_the_window(database: Database) -> None:
    ledger = Ledger(database)
    ledger.customer(1)
    ledger.contact(1, "call", datetime(2026, 9, 15, 10, tzinfo=UTC), answered=True, how_ended="abandoned")
    ledger.talk(1, october(1), "refuses")
    ledger.contact(1, "call", october(1), answered=True, how_ended="abandoned")
    ledger.talk(1, datetime(2026, 10, 20, 22, 30, tzinfo=UTC), "refuses")  # the 21st in Berlin
    ledger.talk(1, october(20), "refuses", campaign="other")
    table = contacted(database, staffed(mahnung=1))["abandoned"]
    rows = [tuple(row.values()) for row in rows_of(table)]
    assert rows == [
        ("other", date(2026, 10, 20), 1, 0, 0.0, 30, 0.0, None),
        ("standard", date(2026, 10, 1), 2, 1, 0.5, 30, 0.666667, 0.03),
        ("standard", date(2026, 10, 21), 1, 0, 0.0, 30, 0.333333, 0.03),
    ]


def test_conversations_are_told_of_teams_that_hide_everybody_and_of_agents_only_where_that_is_set(
    database: Database,
) -> None:
    ledger = Ledger(database)
    ledger.customer(1)
    team = staffed(mahnung=6, vip=2)
    for name in sorted(team.agents):
        ledger.talk(1, october(2), "promise" if name == "vip-1" else "refuses", agent=name)
    ledger.talk(1, october(2), "wrong_person", agent="vip-2")
    rows = [tuple(row.values()) for row in rows_of(contacted(database, team)["teams"])]
    assert rows == [("mahnung, vip", 8, 8, 1, 0.125)]
    openly = Settings.of(team.model_copy(update={"privacy": Privacy(agent_metrics="agent")}), team.path)
    agents = contacted(database, openly)
    assert ("vip-1", 1, 1, 1.0) in [tuple(row.values()) for row in rows_of(agents["agents"])]
    assert "teams" not in agents


def test_hours_are_those_of_whoever_is_called(database: Database) -> None:
    ledger = Ledger(database)
    ledger.customer(1, timezone="America/New_York")
    ledger.customer(2, phone="+493023125000", phone_zones="Europe/Berlin Europe/Vienna")
    ledger.customer(3, mobile="+493023125000", mobile_zones="Asia/Kolkata", phone_zones="Europe/Berlin")
    for number in (1, 2, 3):
        ledger.talk(number, october(5, 22), "refuses")  # a Monday
    ledger.customer(4)
    ledger.contact(4, "call", october(5, 22), "failed", how_ended="no_answer")
    assert [tuple(row.values()) for row in called(database)] == [
        (1, 18, 1, 1, 1, 1.0), (2, 0, 2, 1, 1, 0.5), (2, 3, 1, 1, 1, 1.0),
    ]  # fmt: skip


def test_parts_of_plans_and_promises_stand_on_the_days_on_which_they_fall_due(database: Database) -> None:
    ledger = Ledger(database)
    for number in (1, 2, 3):
        ledger.customer(number)
    with database.transaction() as connection:
        for number, kind, state, received in ((1, "plan", "active", 4_000), (2, "promise", "broken", 0),
                                              (3, "promise", "withdrawn", 0)):  # fmt: skip
            row = {"id": number, "account_id": number, "kind": kind, "state": state, "amount": 10_000,
                   "received": received, "made_at": october(2), "made_by": "anna"}  # fmt: skip
            connection.execute(sa.insert(agreement).values(row))
            days = (20, 40) if kind == "plan" else (20,)
            for place, day in enumerate(days, 1):
                due = october(day).date()
                part = {"number": place, "due_on": due, "last_day": due + timedelta(days=3), "amount": 4_000 * place}
                connection.execute(sa.insert(instalment).values(part | {"agreement_id": number}))
    found = promised(database)
    calendar = [(row["day"].day, row["due"], row["paid"], row["missed"], row["open"], row["open_amount"].minor)
                for row in rows_of(found["calendar"])]  # fmt: skip
    assert calendar == [(20, 2, 1, 1, 0, 0), (9, 1, 0, 0, 1, 8_000)]
    made = {row["kind"]: row for row in rows_of(found["made"])}
    assert (made["plan"]["open"], made["promise"]["broken"], made["promise"]["ended_otherwise"]) == (1, 1, 1)
    assert (made["promise"]["kept_rate"], made["plan"]["kept_rate"]) == (0.0, None)
    months = [(row["month"], row["kind"]) for row in rows_of(found["due"])]
    assert months == [("2026-10", "promise"), ("2026-11", "plan")]


def test_nothing_at_all_is_a_report_too(database: Database) -> None:
    found = contacted(database)
    assert found["channels"].rows == (("all", *(0,) * 5, None, 0, None, 0, None, 0, 0),)
    assert [row[1:] for row in found["funnel"].rows] == [(0, None, None)] * 6
    assert all(not promised(database)[name].rows for name in ("made", "due", "calendar"))
    assert called(database) == []


class Tried(NamedTuple):
    """An attempt as hypothesis makes it up."""

    customer: int
    channel: str
    state: str
    day: int
    hour: int
    answered: bool
    disposition: str


ATTEMPTS = st.builds(
    Tried, st.integers(1, 4), st.sampled_from(["email", "sms", "letter", "call"]),
    st.sampled_from(["planned", "claimed", "sending", "unclear", "accepted", "delivered", "failed", "cancelled"]),
    st.integers(-3, 35), st.integers(0, 23), st.booleans(), st.sampled_from(["", "promise", "refuses", "wrong_person"]),
)  # fmt: skip
_SPOKEN = {"promise", "refuses"}


def enter(database: Database, tried: Sequence[Tried]) -> None:
    """Write nothing but these."""
    with database.transaction() as connection:
        for table in (call, attempt, invoice, account):
            connection.execute(sa.delete(table))
    ledger = Ledger(database)
    for number in range(1, 5):
        ledger.customer(number)
    for one in tried:
        said = one.disposition if one.channel == "call" and one.answered and one.state == "delivered" else ""
        ledger.contact(one.customer, one.channel, october(one.day, one.hour), one.state, answered=one.answered,
                       disposition=said)  # fmt: skip


def reached(one: Tried) -> bool:
    if one.channel == "call":
        return one.answered and one.state not in {"planned", "claimed", "cancelled"}
    return one.state in {"accepted", "delivered"}


def spoke(one: Tried) -> bool:
    return one.channel == "call" and one.answered and one.state == "delivered" and one.disposition in _SPOKEN


@pytest.mark.timeout(300)
def test_whatever_was_tried_the_rows_are_disjoint_and_a_plain_recount_says_the_same(database: Database) -> None:
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(ATTEMPTS, max_size=12))
    def whatever(tried: list[Tried]) -> None:
        enter(database, tried)
        recount([one for one in tried if OCTOBER <= october(one.day, one.hour).astimezone(BERLIN).date() <= LAST])

    def recount(mine: list[Tried]) -> None:
        found = contacted(database)
        rows = by(found["channels"], "channel")
        columns = ("planned", "sent", "reached", "right_party", "promises")
        for row in rows.values():
            assert row["planned"] == row["waiting"] + row["withdrawn"] + row["sent"]
            assert row["sent"] >= row["reached"] >= row["right_party"] >= row["promises"]
        total = rows.pop("all")
        assert {name: sum(row[name] for row in rows.values()) for name in columns} == {n: total[n] for n in columns}
        assert total["planned"] == len(mine)
        assert total["reached"] == sum(reached(one) for one in mine)
        assert total["right_party"] == sum(spoke(one) for one in mine)
        assert total["customers"] == len({one.customer for one in mine})
        stages = [row["customers"] for row in rows_of(found["funnel"])]
        assert stages == sorted(stages, reverse=True)
        assert stages[3] == len({one.customer for one in mine if spoke(one)})
        calls = [one for one in mine if one.channel == "call" and one.state not in {"planned", "claimed", "cancelled"}]
        assert sum(row["calls"] for row in called(database)) == len(calls)
        assert sum(row["right_party"] for row in called(database)) == sum(spoke(one) for one in mine)

    whatever()
