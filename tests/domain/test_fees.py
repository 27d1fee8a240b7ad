"""Fees by value are those of the published tables, and beyond them nothing is guessed."""

from decimal import Decimal

import pytest

from contactd.domain.fees import FeeTable, Step
from contactd.domain.next_stage import NextStage, next_stage
from tests.domain.receivables import FEES, day

ON = day("2026-11-28")

# RVG, Anlage 2, as in force since 1 June 2025 (BGBl. 2025 I Nr. 109), in euros.
RVG = {
    500: 51.5, 1000: 93, 1500: 134.5, 2000: 176, 3000: 235.5, 4000: 295, 5000: 354.5, 6000: 414, 7000: 473.5,
    8000: 533, 9000: 592.5, 10000: 652, 13000: 707, 16000: 762, 19000: 817, 22000: 872, 25000: 927, 30000: 1013,
    50000: 1357, 65000: 1456.5, 80000: 1556, 95000: 1655.5, 110000: 1755, 125000: 1854.5, 140000: 1954,
    155000: 2053.5, 170000: 2153, 185000: 2252.5, 200000: 2352, 230000: 2492, 260000: 2632, 290000: 2772,
    320000: 2912, 350000: 3052, 380000: 3192,
}  # fmt: skip
# The fee of the court payment order (KV 1100), as published for the same day.
ORDER = {
    500: 38, 1000: 38, 1500: 41, 2000: 51.5, 3000: 62.75, 4000: 74, 5000: 85.25, 6000: 96.5, 7000: 107.75, 8000: 119,
    9000: 130.25, 10000: 141.5, 13000: 156.75, 16000: 172, 19000: 187.25, 22000: 202.5, 25000: 217.75, 30000: 238,
    35000: 258.25, 40000: 278.5, 45000: 298.75, 50000: 319, 65000: 389, 80000: 459, 95000: 529,
}  # fmt: skip


@pytest.mark.parametrize(("value", "fee"), RVG.items())
def test_a_lawyers_full_fee_is_that_of_the_table_up_to_and_with_its_value(value: int, fee: float) -> None:
    assert FEES.rvg.full(value * 100, ON) == fee * 100
    assert FEES.rvg.full(value * 100 + 1, ON) > fee * 100


@pytest.mark.parametrize(("value", "fee"), ORDER.items())
def test_a_court_payment_order_costs_half_a_fee_and_no_less_than_the_least(value: int, fee: float) -> None:
    assert next_stage(value * 100, ON, FEES).court == fee * 100


def test_the_next_stage_with_a_lawyer_adds_his_fee_his_outlay_and_vat_on_both() -> None:
    assert next_stage(92_272, ON, FEES) == NextStage(3800, 9300, 1860, 0)
    assert next_stage(92_272, ON, FEES, Decimal(19)) == NextStage(3800, 9300, 1860, 2120)
    assert next_stage(500_000, ON, FEES).with_lawyer == 8525 + 35_450 + 2000


def test_beyond_a_table_nothing_is_guessed() -> None:
    with pytest.raises(ValueError, match="the table of gkg ends at 200000 EUR; add a row"):
        next_stage(20_000_001, ON, FEES)
    with pytest.raises(ValueError, match="that of 2025-06-01; 2025-05-31 needs the one before"):
        next_stage(100, day("2025-05-31"), FEES)
    with pytest.raises(ValueError, match="a claim of 0 cents has no fee"):
        next_stage(0, ON, FEES)


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(ValueError, match="rvg has no row"):
        FeeTable("rvg", ON, ())
    for row in (Step(50_000, 0, 1), Step(50_000, 1, 0), Step(40_000, 100, 100)):
        with pytest.raises(ValueError, match="must reach further than"):
            FeeTable("rvg", ON, (Step(40_000, 100, 100), row))
