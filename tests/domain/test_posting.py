"""Postings by hand stand until they are reversed, and never change."""

from contactd.domain.appropriation import COMMON, Part
from contactd.domain.ledger import Cost, WriteOff
from contactd.domain.posting import Kind, Posting, costs_of, standing, write_offs_of
from tests.domain.receivables import day

MARCH, MAY = day("2026-03-01"), day("2026-05-01")
FEE = Posting(1, Kind.COST, MARCH, 500, "R-1", purpose="court", reason="fee")
GIVEN_UP = Posting(2, Kind.WRITE_OFF, MARCH, 700, "R-1", Part.PRINCIPAL, reason="goodwill")
BACK = Posting(3, Kind.REVERSAL, MAY, 500, "R-1", purpose="court", reason="typed twice", reverses=1)


def test_a_posting_stands_from_its_day_until_it_is_reversed() -> None:
    every = (FEE, GIVEN_UP, BACK)
    assert standing(every, day("2026-02-28")) == []
    assert standing(every, day("2026-04-30")) == [FEE, GIVEN_UP]
    assert standing(every, MAY) == [GIVEN_UP]


def test_costs_and_write_offs_reach_the_ledger_with_what_they_were_for() -> None:
    every = (FEE, GIVEN_UP, BACK)
    assert list(costs_of(every, {"R-1"})) == [Cost(MARCH, 500, "R-1", "court", "fee")]
    assert list(write_offs_of(every, {"R-1"})) == [WriteOff(MARCH, "R-1", Part.PRINCIPAL, 700)]


def test_a_posting_of_an_invoice_that_is_no_claim_any_more_is_of_no_one_claim() -> None:
    assert [one.claim for one in costs_of([FEE], ())] == [COMMON]
    assert [one.claim for one in write_offs_of([GIVEN_UP], ())] == [COMMON]
