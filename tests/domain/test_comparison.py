"""Two shares compared, against values worked out by hand or printed in the literature, and what always holds."""

import math
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactd.domain.comparison import Share, compare, detectable, fisher, holm, newcombe, pooled_z, wilson


@st.composite
def shares(draw: st.DrawFn) -> Share:
    of = draw(st.integers(1, 60) | st.sampled_from([1, 2, 1_000]))
    return Share(draw(st.integers(0, of) | st.sampled_from([0, of])), of)


@pytest.mark.parametrize(
    ("share", "low", "high"),
    [
        (Share(81, 263), 0.2553, 0.3662),  # Newcombe, Statistics in Medicine 17 (1998) 857, table I
        (Share(15, 148), 0.0624, 0.1605),
        (Share(0, 20), 0.0, 0.1611),
        (Share(1, 29), 0.0061, 0.1718),
    ],
)
def test_the_interval_of_a_share_is_that_of_the_literature(share: Share, low: float, high: float) -> None:
    assert wilson(share) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("share", "control", "low", "high"),
    [
        (Share(56, 70), Share(48, 80), 0.0524, 0.3339),  # Newcombe, Statistics in Medicine 17 (1998) 873, table II
        (Share(9, 10), Share(3, 10), 0.1705, 0.8090),
        (Share(5, 56), Share(0, 29), -0.0381, 0.1926),
        (Share(10, 10), Share(0, 20), 0.6791, 1.0),
        (Share(10, 10), Share(0, 10), 0.6075, 1.0),
    ],
)
def test_the_interval_of_a_difference_is_that_of_the_literature(
    share: Share, control: Share, low: float, high: float
) -> None:
    assert newcombe(share, control) == pytest.approx((low, high), abs=5e-5)


def test_the_normal_curve_is_asked_with_the_shares_pooled() -> None:
    # 60 of 100 and 45 of 100: pooled 0.525, z = 0.15 / sqrt(0.525 x 0.475 x 0.02) = 0.15 / 0.0706222...
    z = 0.15 / math.sqrt(Fraction(525 * 475 * 2, 10**8))
    assert pooled_z(Share(60, 100), Share(45, 100)) == pytest.approx(math.erfc(z / math.sqrt(2)), abs=1e-12)
    # Where z is a number of the tables: 1.96 of a share of 1/2 with n = 2 x 19 208 is a difference of 1/100.
    assert pooled_z(Share(9_700, 19_208), Share(9_508, 19_208)) == pytest.approx(0.05, abs=2e-4)
    assert pooled_z(Share(0, 5), Share(0, 7)) == pooled_z(Share(5, 5), Share(7, 7)) == 1


@pytest.mark.parametrize(
    ("share", "control", "chance"),
    [
        (Share(3, 4), Share(1, 4), Fraction(34, 70)),  # the lady tasting tea, both sides
        (Share(4, 4), Share(0, 4), Fraction(2, 70)),
        (Share(1, 10), Share(11, 14), Fraction(7_462, 2_704_156)),
        (Share(0, 3), Share(0, 9), Fraction(1)),
        (Share(3, 3), Share(9, 9), Fraction(1)),
    ],
)
def test_few_are_counted_out_exactly(share: Share, control: Share, chance: Fraction) -> None:
    assert fisher(share, control) == pytest.approx(float(chance), abs=1e-12)


def test_the_test_is_the_exact_one_where_a_cell_would_hold_fewer_than_five() -> None:
    assert compare(Share(10, 50), Share(5, 25)).test == "z"  # 15 of 75: five expected of 25
    small = compare(Share(10, 50), Share(4, 25))
    assert (small.test, small.p) == ("fisher", fisher(Share(10, 50), Share(4, 25)))
    assert small.difference == pytest.approx(0.04)


def test_several_comparisons_are_raised_one_after_the_other() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


def test_the_least_difference_that_would_show_follows_from_how_many_there_are() -> None:
    # 2.801585 x sqrt(0.25 x 2 / 1000) with a control of one half.
    assert detectable(1_000, Share(500, 1_000)) == pytest.approx(0.0626453, abs=1e-6)
    assert 0 < detectable(10, Share(0, 10)) < 1


@pytest.mark.parametrize(("hits", "of"), [(0, 0), (-1, 3), (4, 3)])
def test_what_is_no_share_is_refused(hits: int, of: int) -> None:
    with pytest.raises(ValueError, match="is no share"):
        Share(hits, of)


@given(one=shares(), other=shares())
def test_every_answer_is_a_number_and_turns_round_with_the_sides(one: Share, other: Share) -> None:
    there, back = compare(one, other), compare(other, one)
    assert -1 - 1e-12 <= there.low <= there.difference + 1e-12
    assert there.difference - 1e-12 <= there.high <= 1 + 1e-12
    assert 0 <= there.p <= 1
    assert back.p == pytest.approx(there.p)
    assert back.test == there.test
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low))
    mirrored = compare(Share(one.of - one.hits, one.of), Share(other.of - other.hits, other.of))
    assert mirrored.p == pytest.approx(there.p)
    assert mirrored.difference == pytest.approx(-there.difference)
    assert detectable(one.of, other) > 0


@given(one=shares())
def test_the_ends_of_an_interval_are_the_shares_that_just_allow_what_was_seen(one: Share) -> None:
    square = 1.959963984540054**2  # the score of 95 %
    for end in wilson(one):
        if 0 < end < 1:
            assert (one.rate - end) ** 2 == pytest.approx(square * end * (1 - end) / one.of, abs=1e-12)


def test_where_nothing_differs_chance_is_blamed_about_as_often_as_it_should() -> None:
    random = Random(20261128)

    def share(of: int) -> Share:
        return Share(sum(random.random() < 0.3 for _ in range(of)), of)

    chances = [compare(share(120), share(80)).p for _ in range(2_000)]
    for level in (0.05, 0.2, 0.5, 0.8):
        assert abs(sum(p < level for p in chances) / len(chances) - level) < 0.05
