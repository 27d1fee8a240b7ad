"""A ledger that contradicts itself is refused, with everything that is wrong at once."""

from collections.abc import Callable

import pytest

from contactd.domain.appropriation import Designation, Part
from contactd.domain.interest import CONSUMER
from contactd.domain.ledger import Claim, Cost, Ledger, Payment, Reversal, WriteOff
from tests.domain.receivables import day

AT = day("2025-01-15")
CLAIM = Claim("r1", 120_000, AT, AT, CONSUMER)
PAID = Payment("p1", AT, 100)


@pytest.mark.parametrize(
    ("ledger", "message"),
    [
        (lambda: Ledger((CLAIM, CLAIM)), "claim 'r1' is there twice"),
        (lambda: Ledger(payments=(PAID, PAID)), "payment 'p1' is there twice"),
        (
            lambda: Ledger(payments=(PAID,), reversals=(Reversal("p1", AT), Reversal("p1", AT))),
            "reversal of payment 'p1' is there twice",
        ),
        (
            lambda: Ledger((Claim("", 1, AT, AT, CONSUMER),)),
            "a claim has no name; an empty one stands for costs that belong to no one claim",
        ),
        (lambda: Ledger(costs=(Cost(AT, 1, "r9"),)), "a cost names claim 'r9', which is not there"),
        (
            lambda: Ledger(payments=(PAID,), reversals=(Reversal("p1", AT, 1, "r9"),)),
            "a reversal names claim 'r9', which is not there",
        ),
        (
            lambda: Ledger(write_offs=(WriteOff(AT, "r9", Part.COSTS, 1),)),
            "a write-off names claim 'r9', which is not there",
        ),
        (
            lambda: Ledger(payments=(Payment("p1", AT, 1, Designation(("r9",))),)),
            "payment 'p1' names claim 'r9', which is not there",
        ),
        (lambda: Ledger(reversals=(Reversal("p1", AT),)), "payment 'p1' was reversed but is not there"),
        (
            lambda: Ledger(payments=(PAID,), reversals=(Reversal("p1", day("2025-01-14")),)),
            "payment 'p1' was reversed on 2025-01-14, before it came in on 2025-01-15",
        ),
        (lambda: Ledger((Claim("r1", 0, AT, AT, CONSUMER),)), "claim 'r1' must be above zero, not 0"),
        (lambda: Ledger(costs=(Cost(AT, -5),)), "a cost of 2025-01-15 must be above zero, not -5"),
        (lambda: Ledger(payments=(Payment("p1", AT, 0),)), "payment 'p1' must be above zero, not 0"),
        (
            lambda: Ledger((CLAIM,), write_offs=(WriteOff(AT, "r1", Part.COSTS, 0),)),
            "a write-off of 2025-01-15 must be above zero, not 0",
        ),
        (
            lambda: Ledger(payments=(PAID,), reversals=(Reversal("p1", AT, -1),)),
            "the reversal of payment 'p1' cannot cost -1",
        ),
        (
            lambda: Ledger((CLAIM, CLAIM), payments=(Payment("p1", AT, 0),)),
            "claim 'r1' is there twice; payment 'p1' must be above zero, not 0",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(ledger: Callable[[], Ledger], message: str) -> None:
    with pytest.raises(ValueError) as refused:
        ledger()
    assert str(refused.value) == message


def test_what_is_dated_later_has_not_happened_yet() -> None:
    later = day("2025-02-01")
    ledger = Ledger(
        (CLAIM,),
        (Cost(AT, 120), Cost(later, 240)),
        (PAID, Payment("p2", later, 5)),
        (Reversal("p1", later, 350, "r1"),),
    )
    assert ledger.payments_until(AT) == (PAID,)
    assert ledger.costs_until(AT) == (Cost(AT, 120),)
    assert [payment.id for payment in ledger.payments_until(later)] == ["p2"]
    assert ledger.costs_until(later)[2] == Cost(later, 350, "r1", "reversal")
