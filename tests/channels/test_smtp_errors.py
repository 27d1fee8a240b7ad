"""What a mail server's refusal means: the table, row by row."""

import pytest

from contactd.channels.smtp_errors import Stage, is_dead, refusal
from contactd.domain.errors import (
    ChannelError,
    ChannelMisconfigured,
    ChannelRejected,
    ChannelUnavailable,
    ChannelUnclear,
)

DEAD = [
    (550, "5.1.1 <erika@example.org>: user unknown"),
    (550, "5.1.10 null MX"),
    (550, "5.2.1 mailbox disabled"),
    (553, "5.1.3 bad address syntax"),
    (550, "No such user here"),
    (551, "User not local"),
    (501, "Bad address"),
]
ALIVE = [
    (552, "5.2.2 mailbox full"),
    (550, "5.7.1 message refused by our policy"),
    (550, "Your IP is on a blacklist"),
    (554, "Something else"),
    (550, "5.4.4 no route"),
]
OURS = [
    (Stage.GREETING, 554, "no service"),
    (Stage.TLS, 501, "syntax"),
    (Stage.AUTH, 535, "5.7.8 wrong"),
    (Stage.MAIL, 530, "5.7.0 authentication required"),
    (Stage.MAIL, 553, "5.7.1 sender address not owned by user"),
    (Stage.MAIL, 550, "5.1.8 sender domain not found"),
    (Stage.RCPT, 503, "5.5.1 send AUTH first"),
    (Stage.RCPT, 554, "5.7.1 <erika@example.org>: Relay access denied"),
    (Stage.RCPT, 550, "relaying prohibited, authenticate first"),
    (Stage.CONTENT, 530, "5.7.0 authentication required"),
]
LATER = [
    (421, "4.3.2 shutting down", 60),
    (450, "4.2.0 greylisted", 300),
    (450, "4.2.2 mailbox full", 14400),
    (451, "4.7.0 rate limited", 600),
    (452, "no space", 600),
    (455, "not now", 3600),
    (471, "a code nobody knows", 300),
]


@pytest.mark.parametrize(("code", "text"), DEAD)
def test_a_dead_address_is_told_by_code(code: int, text: str) -> None:
    error = refusal(Stage.RCPT, code, text)
    assert isinstance(error, ChannelRejected)
    assert error.dead


@pytest.mark.parametrize(("code", "text"), ALIVE)
def test_a_refused_message_leaves_the_address_alive(code: int, text: str) -> None:
    error = refusal(Stage.RCPT, code, text)
    assert isinstance(error, ChannelRejected)
    assert not error.dead


@pytest.mark.parametrize(("stage", "code", "text"), OURS)
def test_what_every_message_would_meet_is_our_own_matter(stage: Stage, code: int, text: str) -> None:
    assert type(refusal(stage, code, text)) is ChannelMisconfigured


@pytest.mark.parametrize(("code", "text", "seconds"), LATER)
@pytest.mark.parametrize("stage", list(Stage))
def test_a_temporary_refusal_says_when_to_come_back(stage: Stage, code: int, text: str, seconds: float) -> None:
    error = refusal(stage, code, text)
    assert isinstance(error, ChannelUnavailable)
    assert error.retry_after == seconds


@pytest.mark.parametrize("text", ["5.7.1 spam", "blocked", "5.6.0 bad MIME"])
def test_refused_content_says_nothing_about_the_address(text: str) -> None:
    error = refusal(Stage.CONTENT, 554, text)
    assert isinstance(error, ChannelRejected)
    assert not error.dead


def test_a_dead_address_may_be_noticed_as_late_as_after_the_content() -> None:
    error = refusal(Stage.CONTENT, 550, "5.1.1 no such user")
    assert isinstance(error, ChannelRejected)
    assert error.dead


def test_a_message_too_large_is_not_our_settings() -> None:
    assert type(refusal(Stage.MAIL, 552, "5.3.4 too large")) is ChannelRejected


@pytest.mark.parametrize(
    ("stage", "error"),
    [(Stage.CONTENT, ChannelUnclear), (Stage.RCPT, ChannelUnavailable), (Stage.AUTH, ChannelUnavailable)],
)
def test_an_answer_out_of_place_is_unclear_only_after_the_content(stage: Stage, error: type[ChannelError]) -> None:
    assert type(refusal(stage, 354, "go on")) is error


def test_the_error_names_stage_code_and_words_but_not_at_length() -> None:
    error = refusal(Stage.RCPT, 550, "5.1.1 no\r\n such " + "user " * 200)
    assert error.code == "5.1.1"
    assert str(error).startswith("rcpt: 550 5.1.1 no such user")
    assert len(str(error)) < 250
    assert refusal(Stage.RCPT, 550, "no such user").code == "550"


def test_an_ip_address_is_no_enhanced_code() -> None:
    assert refusal(Stage.RCPT, 550, "host 5.1.1.77 is blocked").code == "550"


def test_only_some_codes_mean_a_dead_address() -> None:
    assert is_dead("5.1.1")
    assert not is_dead("5.7.1")


@pytest.mark.parametrize(
    ("stage", "code", "text", "of_recipient"),
    [
        (Stage.RCPT, 450, "4.7.1 greylisted", True),
        (Stage.RCPT, 450, "greylisted, come back", True),
        (Stage.RCPT, 452, "4.2.2 mailbox full", True),
        (Stage.RCPT, 450, "4.1.2 domain not found", True),
        (Stage.CONTENT, 451, "4.6.0 cannot be read now", True),
        (Stage.RCPT, 421, "4.7.1 too many connections", False),
        (Stage.RCPT, 451, "4.3.0 temporary lookup failure", False),
        (Stage.RCPT, 452, "4.5.3 too many recipients", False),
        (Stage.RCPT, 450, "4.7.28 too much of you", False),
        (Stage.CONTENT, 452, "no space", False),
        (Stage.MAIL, 450, "not now", False),
        (Stage.GREETING, 450, "not now", False),
    ],
)
def test_a_temporary_refusal_says_whether_it_is_this_message_or_everybodys(
    stage: Stage,
    code: int,
    text: str,
    of_recipient: bool,  # noqa: FBT001 - a column
) -> None:
    error = refusal(stage, code, text)
    assert isinstance(error, ChannelUnavailable)
    assert error.of_recipient is of_recipient
