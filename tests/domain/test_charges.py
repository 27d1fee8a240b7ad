"""What may be asked for besides interest, and that nothing is guessed where a table ends."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactd.domain.account import Channel, Kind
from contactd.domain.charges import (
    HIGHEST,
    LUMP_SUM,
    NORMAL,
    SIMPLE,
    CollectionCosts,
    beyond_lump_sum,
    collection_costs,
    dunning_fee,
    lump_sum,
    set_off,
)
from contactd.domain.default_date import Basis, Default
from contactd.domain.ledger import Cost
from tests.domain.receivables import FEES, day

BY_CALENDAR = Default(day("2026-06-05"), Basis.CALENDAR, day("2026-06-05"))
BY_REMINDER = Default(day("2026-06-12"), Basis.REMINDER, day("2026-06-13"))
SINCE = day("2026-01-01")
RVG = FEES.rvg


def test_the_lump_sum_is_forty_euros_for_a_late_business() -> None:
    assert lump_sum(BY_CALENDAR, Kind.BUSINESS, payment_for_service=True, arose_on=SINCE) == LUMP_SUM == 4000


def test_the_lump_sum_is_nothing_for_consumers_damages_old_contracts_and_who_is_in_time() -> None:
    assert lump_sum(BY_CALENDAR, Kind.CONSUMER, payment_for_service=True, arose_on=SINCE) == 0
    assert lump_sum(BY_CALENDAR, Kind.BUSINESS, payment_for_service=False, arose_on=SINCE) == 0
    assert lump_sum(None, Kind.BUSINESS, payment_for_service=True, arose_on=SINCE) == 0
    old = day("2014-07-28")
    assert lump_sum(BY_CALENDAR, Kind.BUSINESS, payment_for_service=True, arose_on=old) == 0
    service = day("2016-07-01")
    assert lump_sum(BY_CALENDAR, Kind.BUSINESS, payment_for_service=True, arose_on=old, performed_on=service) == 4000


def test_the_lump_sum_is_set_off_against_the_costs_of_a_lawyer() -> None:
    assert [beyond_lump_sum(costs, LUMP_SUM) for costs in (0, 3999, 4000, 5562)] == [0, 0, 0, 1562]
    assert beyond_lump_sum(5562, 0) == 5562


def after_set_off(lumps: list[Cost], *costs: Cost) -> list[tuple[str, int, int]]:
    """Answer the reason of each cost, what is left of it, and what was set off."""
    return [(one.reason, one.amount, one.set_off) for one in set_off(costs, lumps)]


def test_a_lump_sum_is_set_off_once_against_agency_and_lawyer_of_the_same_default() -> None:
    june, july = day("2026-06-05"), day("2026-07-01")
    lump = Cost(june, LUMP_SUM, "R-1", "lump_sum")
    agency, lawyer = Cost(july, 3_000, "R-1", "agency"), Cost(july, 5_562, "R-1", "lawyer")
    assert after_set_off([lump], agency, lawyer) == [("agency", 0, 3_000), ("lawyer", 4_562, 1_000)]
    assert after_set_off([], agency) == [("agency", 3_000, 0)]


def test_no_lump_sum_is_set_off_against_another_default_one_to_come_or_what_is_no_pursuit() -> None:
    june, july = day("2026-06-05"), day("2026-07-01")
    first, later = Cost(june, LUMP_SUM, "R-1", "lump_sum"), Cost(day("2026-07-02"), LUMP_SUM, "R-2", "lump_sum")
    assert after_set_off([first], Cost(july, 9_000, "R-2", "lawyer")) == [("lawyer", 9_000, 0)]
    assert after_set_off([later], Cost(july, 9_000, "R-2", "lawyer")) == [("lawyer", 9_000, 0)]
    others = ("court", "inquiry", "reminder", "other")
    assert after_set_off([first], *(Cost(july, 500, "R-1", why) for why in others)) == [(why, 500, 0) for why in others]


def test_costs_of_no_one_invoice_take_the_lump_sums_of_all_that_was_late_by_then() -> None:
    june, july = day("2026-06-05"), day("2026-07-01")
    lumps = [Cost(june, LUMP_SUM, "R-1", "lump_sum"), Cost(july, LUMP_SUM, "R-2", "lump_sum")]
    lumps.append(Cost(day("2026-08-01"), LUMP_SUM, "R-3", "lump_sum"))
    both = Cost(july, 15_562, reason="agency")
    assert after_set_off(lumps, both) == [("agency", 7_562, 8_000)]
    own = Cost(july, 2_500, "R-1", "lawyer")
    assert after_set_off(lumps, both, own) == [("lawyer", 0, 2_500), ("agency", 10_062, 5_500)]


def test_only_letters_after_the_first_one_cost_something() -> None:
    sent = day("2026-07-01")
    assert [dunning_fee(level, Channel.LETTER, sent, BY_CALENDAR) for level in (1, 2, 3, 9)] == [0, 120, 120, 120]
    assert dunning_fee(3, Channel.EMAIL, sent, BY_CALENDAR) == 0
    own = {Channel.LETTER: (95, 120, 250), Channel.SMS: (9,)}
    assert [dunning_fee(level, Channel.LETTER, sent, BY_CALENDAR, own) for level in (1, 2, 3, 4)] == [95, 120, 250, 250]
    assert dunning_fee(2, Channel.SMS, sent, BY_CALENDAR, own) == 9


def test_the_reminder_that_brings_default_about_is_free_and_so_is_one_before() -> None:
    fees = {Channel.LETTER: (120,)}
    assert dunning_fee(1, Channel.LETTER, day("2026-06-12"), BY_REMINDER, fees) == 0
    assert dunning_fee(1, Channel.LETTER, day("2026-06-13"), BY_REMINDER, fees) == 120
    assert dunning_fee(1, Channel.LETTER, day("2026-06-04"), BY_CALENDAR, fees) == 0
    assert dunning_fee(1, Channel.LETTER, day("2026-06-05"), BY_CALENDAR, fees) == 120
    assert dunning_fee(1, Channel.LETTER, day("2026-07-01"), None, fees) == 0


def test_a_fee_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no dunning level 0; the first one is 1"):
        dunning_fee(0, Channel.LETTER, SINCE, BY_CALENDAR)
    with pytest.raises(ValueError, match="a dunning fee is below zero: -1; write 0 for none"):
        dunning_fee(1, Channel.LETTER, SINCE, None, {Channel.LETTER: (0, -1)})


@pytest.mark.parametrize(
    ("value", "rate", "expected"),
    [
        (5000, NORMAL, (2835, 567)),
        (5000, SIMPLE, (1575, 315)),
        (5001, NORMAL, (4635, 927)),
        (50000, NORMAL, (4635, 927)),
        (50000, SIMPLE, (2575, 515)),
        (50000, HIGHEST, (6695, 1339)),
        (50001, NORMAL, (8370, 1674)),
        (100001, NORMAL, (12105, 2000)),
        (150000, SIMPLE, (6725, 1345)),
        (200000, HIGHEST, (22880, 2000)),
        (200001, NORMAL, (21195, 2000)),
        (1000000, NORMAL, (58680, 2000)),
        (1300001, HIGHEST, (99060, 2000)),
        (200000, Decimal("0.55"), (9680, 1936)),
    ],
)
def test_an_agency_costs_by_value_and_rate_with_a_fifth_for_outlay(
    value: int, rate: Decimal, expected: tuple[int, int]
) -> None:
    assert collection_costs(value, SINCE, RVG, rate) == CollectionCosts(*expected)


def test_a_tiny_claim_that_is_disputed_costs_as_much_as_the_lowest_band() -> None:
    assert collection_costs(5000, SINCE, RVG, disputed=True) == collection_costs(50000, SINCE, RVG)


def test_no_fee_is_below_the_least_of_the_law() -> None:
    assert collection_costs(100, SINCE, RVG, SIMPLE).fee >= 1500


def test_vat_is_added_where_the_creditor_cannot_deduct_it() -> None:
    costs = collection_costs(50000, SINCE, RVG, vat_percent=Decimal(19))
    assert (costs.vat, costs.total) == (1057, 6619)


@pytest.mark.parametrize(
    ("value", "ordered_on", "rate", "message"),
    [
        (50_000_001, "2026-01-01", NORMAL, "the table of rvg ends at 500000 EUR; add a row to the table of fees"),
        (5000, "2025-05-31", NORMAL, "the table of rvg is that of 2025-06-01; 2025-05-31 needs the one before"),
        (0, "2026-01-01", NORMAL, "a claim of 0 cents has no fee"),
        (5000, "2026-01-01", Decimal("0.49"), "0.49 is no rate of the business fee; it lies between 0.5 and 1.3"),
        (5000, "2026-01-01", Decimal("1.31"), "1.31 is no rate of the business fee; it lies between 0.5 and 1.3"),
    ],
)
def test_beyond_the_table_nothing_is_guessed(value: int, ordered_on: str, rate: Decimal, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        collection_costs(value, day(ordered_on), RVG, rate)


@given(value=st.integers(1, 50_000_000), more=st.integers(0, 600_000))
def test_a_higher_claim_never_costs_less(value: int, more: int) -> None:
    costs = collection_costs(value, SINCE, RVG)
    assert costs.total <= collection_costs(min(value + more, 50_000_000), SINCE, RVG).total
    assert costs.fee >= 1500
    assert costs.outlay <= 2000
