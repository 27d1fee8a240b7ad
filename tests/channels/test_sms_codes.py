"""Each of Twilio's codes says what to do: later, never, call instead, tell the operator."""

import pytest

from contactd.channels.twilio_codes import DEAD, Advice, advice, outcome, refusal
from contactd.domain.errors import (
    ChannelMisconfigured,
    ChannelRejected,
    ChannelUnavailable,
    RecipientOptedOut,
)

TABLE = {
    Advice.LATER: (20429, 21611, 30001, 30003, 30008),
    Advice.BAD_NUMBER: (21211, 21217, 30005),
    Advice.LANDLINE: (21614, 21635, 30006),
    Advice.OPTED_OUT: (21610,),
    Advice.BLOCKED: (21216, 30004),
    Advice.OPERATOR: (30007, 21408, 21215, 20003, 21212, 21606),
    Advice.NONE: (0, 21602, 99999),
}
ROWS = [(code, todo) for todo, codes in TABLE.items() for code in codes]


@pytest.mark.parametrize(("code", "todo"), ROWS)
def test_every_code_of_the_table_says_what_to_do(code: int, todo: Advice) -> None:
    assert advice(code) is todo


@pytest.mark.parametrize(("code", "todo"), ROWS)
def test_every_code_of_the_table_becomes_the_error_that_says_so(code: int, todo: Advice) -> None:
    error = refusal(400, code, "words")
    expected = {
        Advice.LATER: ChannelUnavailable,
        Advice.OPTED_OUT: RecipientOptedOut,
        Advice.OPERATOR: ChannelMisconfigured,
    }
    assert type(error) is expected.get(todo, ChannelRejected)
    assert error.code == str(code)
    assert str(code) in str(error)
    assert "words" in str(error)
    if isinstance(error, ChannelRejected):
        assert error.dead is (todo in DEAD)


@pytest.mark.parametrize(("code", "todo"), ROWS)
def test_every_code_of_the_table_names_an_outcome(code: int, todo: Advice) -> None:
    expected = {
        Advice.LATER: "unreachable",
        Advice.BAD_NUMBER: "undeliverable",
        Advice.LANDLINE: "undeliverable",
        Advice.OPTED_OUT: "opted_out",
    }
    assert outcome(code) == expected.get(todo, "rejected")


@pytest.mark.parametrize("status", [301, 307, 401, 403, 404, 405])
def test_a_status_that_blames_our_settings_tells_the_operator(status: int) -> None:
    assert isinstance(refusal(status, 0, ""), ChannelMisconfigured)


def test_a_known_code_goes_before_the_status() -> None:
    assert isinstance(refusal(403, 21610, ""), RecipientOptedOut)
    assert isinstance(refusal(404, 21211, ""), ChannelRejected)


def test_too_many_requests_come_back_after_the_time_asked_for() -> None:
    error = refusal(429, 0, "", retry_after=7.0)
    assert isinstance(error, ChannelUnavailable)
    assert error.retry_after == 7.0


def test_a_handset_that_is_off_is_the_recipients_and_a_full_queue_is_not() -> None:
    blamed = {}
    for code in TABLE[Advice.LATER]:
        error = refusal(400, code, "words")
        assert isinstance(error, ChannelUnavailable)
        blamed[code] = error.of_recipient
    assert blamed == {20429: False, 21611: False, 30001: False, 30003: True, 30008: True}
