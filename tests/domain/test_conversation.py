"""Nothing is disclosed before the right person is known; how that is found out, and what ends need it."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactd.domain.call import Disposition
from contactd.domain.conversation import (
    NEEDED,
    OUTCOMES,
    TRIES,
    Identification,
    Item,
    Known,
    NotIdentified,
    Person,
    Step,
    outcome_of,
    preset,
    refuse_disclosure,
    shows_debt,
    speaks,
)
from contactd.domain.errors import Contradiction, InputError

ALL = Known(date(1980, 2, 1), "10115", "K-4711")
CUSTOMER = Identification(Person.CUSTOMER)


@pytest.mark.parametrize(
    ("item", "said", "right"),
    [
        (Item.BIRTH_DATE, "1.2.1980", True), (Item.BIRTH_DATE, "2.1.1980", False), (Item.POSTCODE, " 10 115 ", True),
        (Item.POSTCODE, "10116", False), (Item.CUSTOMER_NUMBER, "k 4711", True), (Item.CUSTOMER_NUMBER, "4711", False),
    ],
)  # fmt: skip
def test_what_the_person_says_is_right_or_wrong(item: Item, said: str, right: bool) -> None:  # noqa: FBT001 - a case
    assert ALL.agrees(item, said) is right


def test_nothing_said_is_no_answer_and_nothing_known_agrees_with_nothing() -> None:
    for item in Item:
        with pytest.raises(InputError, match="write"):
            ALL.agrees(item, " - ")
    assert not Known().agrees(Item.POSTCODE, "10115")
    assert not Known().agrees(Item.BIRTH_DATE, "1.1.1980")
    with pytest.raises(InputError, match="whole year"):
        ALL.agrees(Item.BIRTH_DATE, "in spring")


def test_two_of_three_are_needed_and_all_there_are_where_fewer_are_known() -> None:
    one = CUSTOMER.tells(Item.POSTCODE, right=True)
    assert not one.is_sure(ALL)
    assert one.tells(Item.CUSTOMER_NUMBER, right=True).is_sure(ALL)
    assert one.is_sure(Known(postcode="10115"))
    assert not CUSTOMER.tells(Item.BIRTH_DATE, right=True).is_sure(Known(postcode="10115"))
    assert not one.is_sure(Known())


def test_whoever_cannot_be_the_one_is_not_identified() -> None:
    for person in (Person.UNKNOWN, Person.SOMEONE_ELSE, Person.NOBODY):
        with pytest.raises(Contradiction, match="say first"):
            Identification(person).tells(Item.POSTCODE, right=True)
    sure = CUSTOMER.tells(Item.POSTCODE, right=True).tells(Item.BIRTH_DATE, right=True)
    assert sure.meets(Person.CUSTOMER) is sure
    assert sure.meets(Person.AUTHORISED) == Identification(Person.AUTHORISED)
    assert not sure.meets(Person.SOMEONE_ELSE).is_sure(ALL)


def test_tries_are_counted_and_come_to_an_end_whoever_is_on_the_line() -> None:
    found = CUSTOMER
    for _ in range(TRIES):
        found = found.tells(Item.POSTCODE, right=False)
    assert found.why_not_sure(ALL) == "too_many_wrong"
    for person in (Person.CUSTOMER, Person.AUTHORISED):
        with pytest.raises(Contradiction, match="5 answers were wrong"):
            found.meets(person).tells(Item.POSTCODE, right=True)


def test_a_wrong_answer_takes_back_a_right_one() -> None:
    assert CUSTOMER.tells(Item.POSTCODE, right=True).tells(Item.POSTCODE, right=False).right == frozenset()


def test_it_is_told_why_nothing_may_be_disclosed() -> None:
    assert Identification().why_not_sure(ALL) == "nobody_asked"
    assert Identification(Person.NOBODY).why_not_sure(ALL) == "not_the_person"
    assert CUSTOMER.why_not_sure(Known()) == "nothing_known"
    assert CUSTOMER.why_not_sure(ALL) == "not_enough"
    sure = CUSTOMER.tells(Item.POSTCODE, right=True).tells(Item.BIRTH_DATE, right=True)
    assert sure.why_not_sure(ALL) == ""


@given(st.lists(st.tuples(st.sampled_from(Item), st.booleans()), max_size=12), st.sampled_from(Person))
def test_nobody_is_sure_without_enough_right_answers(answers: list[tuple[Item, bool]], person: Person) -> None:
    found = Identification(person)
    for item, right in answers:
        try:
            found = found.tells(item, right=right)
        except Contradiction:
            assert person not in {Person.CUSTOMER, Person.AUTHORISED} or found.wrong == TRIES
    assert found.is_sure(ALL) == (len(found.right) >= NEEDED)
    assert found.wrong <= TRIES
    for outcome in OUTCOMES:
        if outcome.discloses and not found.is_sure(ALL):
            with pytest.raises(NotIdentified, match=outcome.disposition):
                refuse_disclosure(outcome.disposition, found, ALL)
        else:
            refuse_disclosure(outcome.disposition, found, ALL)


def test_every_outcome_has_a_key_of_its_own() -> None:
    assert [one.key for one in OUTCOMES] == list("1234567890")
    assert {one.disposition for one in OUTCOMES} == set(Disposition)
    assert outcome_of(Disposition.PROMISE).discloses
    assert not outcome_of(Disposition.CALLBACK).discloses


def test_who_is_on_the_line_chooses_an_outcome_beforehand() -> None:
    assert preset(Person.SOMEONE_ELSE) is Disposition.WRONG_PERSON
    assert preset(Person.NOBODY) is Disposition.DROPPED
    assert preset(Person.CUSTOMER) is None


def test_figures_are_for_preparing_and_for_whoever_is_known() -> None:
    assert [shows_debt(step, sure=False) for step in Step] == [True, False, False, False, False]
    assert [speaks(step, sure=False) for step in Step] == [True, True, False, False, False]
    assert all(shows_debt(step, sure=True) and speaks(step, sure=True) for step in Step)
