"""For random accounts, histories and policies: the rules let nothing through that one of them forbids."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from contactd.domain.account import Channel, Facts
from contactd.domain.policy import Allowed, Never, NotBefore, Policy, Proposal
from contactd.domain.rules import answers, least_contacts, may_contact
from tests.domain import naive
from tests.domain.histories import questions

Question = tuple[Facts, Proposal, Policy, datetime]
HOURS = (0, 5, 9, 31, 80)  # into the drawn history, to ask more than once about what took long to draw


def each_channel(question: Question) -> Iterator[Question]:
    """Ask the same about every channel, some hours apart."""
    facts, proposal, policy, at = question
    for channel in Channel:
        for hours in HOURS:
            yield facts, replace(proposal, channel=channel), policy, at + timedelta(hours=hours)


@settings(max_examples=100, deadline=None)
@given(drawn=questions())
def test_a_contact_is_allowed_exactly_when_nothing_stands_against_it(drawn: Question) -> None:
    for question in each_channel(drawn):
        verdict = may_contact(*question)
        if isinstance(verdict, Allowed):
            assert verdict.address in naive.permitted(*question)
        else:
            assert naive.permitted(*question) == set()


@settings(max_examples=100, deadline=None)
@given(drawn=questions(), portions=st.lists(st.integers(0, 999), max_size=8))
def test_not_before_is_the_first_time_it_is_allowed(drawn: Question, portions: list[int]) -> None:
    for facts, proposal, policy, at in each_channel(drawn):
        verdict = may_contact(facts, proposal, policy, at)
        if isinstance(verdict, NotBefore):
            assert verdict.when > at
            for moment in moments(at, verdict.when, portions):
                assert naive.permitted(facts, proposal, policy, moment) == set(), moment
                assert not isinstance(may_contact(facts, proposal, policy, moment), Allowed), moment
            fresh = replace(facts, payments_as_of=verdict.when)
            assert isinstance(may_contact(fresh, proposal, policy, verdict.when), Allowed)


def moments(at: datetime, when: datetime, portions: list[int]) -> Iterator[datetime]:
    """Pick instants between: some anywhere, the last one before the end, and the full hours of the first days."""
    yield from (at + (when - at) * portion / 1000 for portion in portions)
    yield when - timedelta.resolution
    hour = at
    while hour < min(when, at + timedelta(days=2)):
        yield hour
        hour += timedelta(hours=1)


@settings(max_examples=50, deadline=None)
@given(drawn=questions())
def test_the_verdict_follows_from_the_answers_of_the_rules(drawn: Question) -> None:
    for question in each_channel(drawn):
        verdict, told = may_contact(*question), [answer.verdict for answer in answers(*question)]
        never = [answer for answer in told if isinstance(answer, Never)]
        later = [answer for answer in told if isinstance(answer, NotBefore)]
        if isinstance(verdict, Allowed):
            assert not never
            assert not later
        elif isinstance(verdict, NotBefore):
            assert not never
            assert max(answer.when for answer in later) <= verdict.when
            assert verdict.reason in {answer.reason for answer in later}
        else:
            assert verdict in never[:1] or (not never and later)


@settings(max_examples=30, deadline=None)
@given(drawn=questions())
def test_what_the_policy_remembers_changes_no_answer(drawn: Question) -> None:
    first = [may_contact(*question) for question in each_channel(drawn)]
    again = [may_contact(*question) for question in reversed(list(each_channel(drawn)))]
    facts, proposal, policy, at = drawn
    elsewhere = [may_contact(*question) for question in each_channel((facts, proposal, replace(policy), at))]
    assert first == again[::-1] == elsewhere


@settings(max_examples=200, deadline=None)
@given(question=questions())
def test_fewer_contacts_than_the_least_cap_are_as_good_as_none(question: Question) -> None:
    seen, proposal, policy, now = question
    least = least_contacts(policy)
    plain = [past for past in seen.contacts if not (past.conversation or past.abandoned)]
    few = replace(seen, contacts=tuple(plain if least is None else plain[: least - 1]))
    none = replace(seen, contacts=())
    assert may_contact(few, proposal, policy, now) == may_contact(none, proposal, policy, now)
