"""Which trunk a call goes out by, and what becomes of one that lets nothing ring."""

import pytest

from contactd.config.providers import Trunk as Settings
from contactd.domain.errors import ChannelMisconfigured, ChannelUnavailable
from contactd.telephony.trunks import Trunk, TrunkGroup, dialled, endpoint_of

BERLIN, VIENNA = "+493023125001", "+4319091001"


class Seconds:
    """A clock moved by hand."""

    now = 100.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


def taken(group: TrunkGroup, number: str = BERLIN) -> Trunk:
    """Take a line at once."""
    trunk, wait = group.take(number)
    assert wait == 0
    return trunk


def test_the_number_is_dialled_as_the_trunk_wants_it() -> None:
    group = TrunkGroup(
        {"one": Settings(dial="PJSIP/{digits}@one"), "two": Settings(dial="PJSIP/{number}@two")}, Seconds()
    )
    one = taken(group)
    assert one.dial(BERLIN) == "PJSIP/493023125001@one"
    group.rest(one)
    assert taken(group).dial(BERLIN) == "PJSIP/+493023125001@two"


def test_a_number_goes_out_by_the_first_trunk_that_serves_it() -> None:
    group = TrunkGroup({"austria": Settings(prefixes=("+43",)), "rest": Settings(prefixes=("+49",))}, Seconds())
    assert taken(group, VIENNA).name == "austria"
    assert taken(group, BERLIN).name == "rest"
    with pytest.raises(ChannelMisconfigured, match="serves this number"):
        group.take("+15555550100")


def test_a_full_trunk_gives_way_to_the_next_and_all_full_take_nothing_until_a_call_ends() -> None:
    group = TrunkGroup({"one": Settings(channels=1), "two": Settings(channels=1)}, Seconds())
    first, second = taken(group), taken(group)
    assert (first.name, second.name) == ("one", "two")
    with pytest.raises(ChannelUnavailable, match="full"):
        group.take(BERLIN)
    group.give_back(first)
    assert taken(group).name == "one"


def test_more_calls_a_second_than_agreed_wait_for_their_turn_and_not_for_long() -> None:
    clock = Seconds()
    group = TrunkGroup({"one": Settings(per_second=2)}, clock)
    waits = [group.take(BERLIN)[1] for _ in range(4)]
    assert waits == [0, 0, 1, 1]
    with pytest.raises(ChannelUnavailable):
        group.take(BERLIN)
    clock.now += 2.5
    assert group.take(BERLIN)[1] == 0


def test_a_trunk_that_lets_nothing_ring_rests_and_is_then_tried_by_single_calls() -> None:
    clock = Seconds()
    group = TrunkGroup({"one": Settings()}, clock)
    for _ in range(5):
        assert not group.trouble()
        trunk = taken(group)
        group.silent(trunk)
        group.give_back(trunk)
    assert str(group.trouble()) == "no call rings by trunk one"
    with pytest.raises(ChannelUnavailable, match="no call rings") as refused:
        group.take(BERLIN)
    assert refused.value.retry_after == 60
    clock.now += 61
    probe = taken(group)
    with pytest.raises(ChannelUnavailable):
        group.take(BERLIN)  # one at a time
    group.silent(probe)
    group.give_back(probe)
    with pytest.raises(ChannelUnavailable):
        group.take(BERLIN)
    clock.now += 61
    group.alive(taken(group))
    assert not group.trouble()
    assert {taken(group).name for _ in range(5)} == {"one"}


def test_a_sign_of_life_between_silent_calls_counts() -> None:
    group = TrunkGroup({"one": Settings()}, Seconds())
    for _ in range(3):
        for _ in range(4):
            group.silent(taken(group))
        group.alive(taken(group))
    assert not group.trouble()


def two(clock: Seconds, *, channels: int = 0, per_second: int = 0) -> TrunkGroup:
    """Build a group of two trunks that serve different numbers; the first has these limits."""
    austria = Settings(prefixes=("+43",), channels=channels, per_second=per_second)
    return TrunkGroup({"austria": austria, "rest": Settings(prefixes=("+49",))}, clock)


def test_a_trunk_out_of_order_is_told_of_its_numbers_only_while_another_is_well() -> None:
    group = two(Seconds())
    group.rest(taken(group, VIENNA))
    with pytest.raises(ChannelUnavailable, match="no call rings by trunk austria") as refused:
        group.take(VIENNA)
    assert (refused.value.of_recipient, refused.value.retry_after) == (True, 60)
    assert not group.trouble()
    group.rest(taken(group))
    with pytest.raises(ChannelUnavailable) as refused:
        group.take(VIENNA)
    assert refused.value.of_recipient is False
    assert str(group.trouble()) == "no call rings by trunk austria, rest"


def test_a_full_trunk_is_told_of_its_numbers_only_and_one_that_is_asked_too_fast_for_a_second() -> None:
    group = two(Seconds(), channels=1)
    taken(group, VIENNA)
    with pytest.raises(ChannelUnavailable, match="trunk austria is full") as refused:
        group.take(VIENNA)
    assert (refused.value.of_recipient, refused.value.retry_after) == (True, 15)
    group = two(Seconds(), per_second=1)
    for _ in range(2):
        group.take(VIENNA)
    with pytest.raises(ChannelUnavailable) as refused:
        group.take(VIENNA)
    assert (refused.value.of_recipient, refused.value.retry_after) == (True, 2)


def test_calls_that_nobody_asked_to_place_count_as_long_as_they_last() -> None:
    settings = Settings(dial="PJSIP/{digits}@sip", channels=2)
    group = TrunkGroup({"one": settings, "two": Settings(dial="PJSIP/out/sip:{digits}@b", channels=1)}, Seconds())
    adopted = group.hold(endpoint_of("PJSIP/sip-00000a1b"))
    assert adopted is not None
    assert adopted.name == "one"
    assert group.take_for_guest(BERLIN).name == "one"
    assert group.take_for_guest(BERLIN).name == "two"  # the first is full
    assert group.take_for_guest(BERLIN).name == "one"  # both are
    with pytest.raises(ChannelUnavailable, match="full"):
        group.take(BERLIN)
    for _ in range(2):
        group.give_back(adopted)
    assert taken(group) is adopted


def test_a_trunk_is_known_by_what_it_dials_and_by_the_name_of_its_channels() -> None:
    assert dialled("PJSIP/{digits}@trunk") == dialled("PJSIP/trunk/sip:{number}@192.0.2.1") == "PJSIP/trunk"
    assert dialled("PJSIP/trunk") == endpoint_of("PJSIP/trunk-0000000f") == "PJSIP/trunk"
    group = two(Seconds())
    assert group.hold(endpoint_of("Local/4930@town-00000001;1")) is None
    assert group.hold(dialled("PJSIP/anna")) is None
    group.give_back(None)


def test_a_trunk_is_tried_again_though_calls_of_before_are_up() -> None:
    clock = Seconds()
    group = TrunkGroup({"one": Settings()}, clock)
    taken(group)  # somebody talks
    group.rest(taken(group))
    clock.now += 61
    taken(group)
    with pytest.raises(ChannelUnavailable):
        group.take(BERLIN)  # one at a time
    clock.now += 61
    taken(group)  # nobody heard what became of the other


def test_a_dead_trunk_makes_nobody_rest_for_longer_than_another_is_full() -> None:
    group = TrunkGroup(
        {"austria": Settings(prefixes=("+43",)), "rest": Settings(prefixes=("+49",), channels=1)}, Seconds()
    )
    group.rest(taken(group, VIENNA))
    german = taken(group)
    with pytest.raises(ChannelUnavailable) as refused:
        group.take(VIENNA)
    assert (refused.value.of_recipient, refused.value.retry_after) == (False, 2)
    group.give_back(german)
    with pytest.raises(ChannelUnavailable) as refused:
        group.take(VIENNA)
    assert (refused.value.of_recipient, refused.value.retry_after) == (True, 60)


def test_a_trunk_that_is_tried_again_gets_no_more_calls_than_it_may_have() -> None:
    clock = Seconds()
    group = TrunkGroup({"one": Settings(channels=1)}, clock)
    talking = taken(group)
    group.rest(talking)
    clock.now += 61
    with pytest.raises(ChannelUnavailable) as refused:
        group.take(BERLIN)
    assert refused.value.retry_after == 2
    group.give_back(talking)
    assert taken(group) is talking
