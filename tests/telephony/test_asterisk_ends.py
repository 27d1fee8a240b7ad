"""What the end of a channel means: every row of what was measured on Asterisk 22."""

import pytest

from contactd.telephony.asterisk_ends import End, Heard, end_of
from contactd.telephony.base import Kind

RANG, SILENT = Heard(rang=True, asked=True), Heard(asked=True)
OURS = {"asked": True, "soft": True}


@pytest.mark.parametrize(
    ("heard", "cause", "sip", "kind"),
    [
        (RANG, 17, 486, Kind.BUSY),
        (RANG, 21, 403, Kind.REJECTED),
        (SILENT, 1, 404, Kind.INVALID),
        (SILENT, 3, 404, Kind.INVALID),
        (SILENT, 28, 484, Kind.INVALID),
        (SILENT, 34, 503, Kind.CONGESTION),
        (SILENT, 38, 500, Kind.CONGESTION),
        (RANG, 19, 480, Kind.NO_ANSWER),
        (RANG, 18, 408, Kind.NO_ANSWER),
        (SILENT, 20, 480, Kind.NO_ANSWER),
        (SILENT, 127, 500, Kind.FAILED),
        (Heard(rang=True), 19, 480, Kind.NO_ANSWER),  # the ring time of an originated channel
        (Heard(rang=True, **OURS), 19, 480, Kind.NO_ANSWER),  # of a dialled one
        (Heard(rang=True, deleted=True, **OURS), 16, 0, Kind.HUNG_UP),
        (Heard(rang=True, deleted=True, **OURS), 17, 486, Kind.HUNG_UP),  # a cause of our own comes back
        (Heard(rang=True, answered=True, asked=True), 16, 0, Kind.HUNG_UP),
        (Heard(rang=True, answered=True, asked=True), 0, 0, Kind.HUNG_UP),
        (Heard(rang=True, answered=True), 17, 486, Kind.HUNG_UP),
    ],
)
def test_an_end_is_named_by_who_hung_up_and_then_by_the_cause(heard: Heard, cause: int, sip: int, kind: Kind) -> None:
    assert end_of(heard, cause, sip) == End(kind)


@pytest.mark.parametrize(
    ("heard", "cause", "sip"),
    [
        (Heard(), 19, 480),  # 100 Trying only, or nobody there at all, until the ring time was over
        (Heard(**OURS), 19, 480),
        (SILENT, 18, 408),  # nobody there, and a ring time of more than 32 seconds
    ],
)
def test_what_never_rang_is_the_trunks_fault_and_not_the_customers(heard: Heard, cause: int, sip: int) -> None:
    assert end_of(heard, cause, sip) == End(Kind.CONGESTION, trunk_answers=False)
