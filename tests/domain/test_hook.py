"""Webhooks are signed as Standard Webhooks says, and tried for a day."""

import base64
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from contactd.domain.hook import LONGEST_REST, PATIENCE, next_try, rest_asked, sign

NAME = "msg_p5jXN8AQM9LWM0D4loKWxJek"
NOW = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)


def test_the_signature_is_that_of_the_specification() -> None:
    # https://github.com/standard-webhooks/standard-webhooks, spec, "Signature scheme": secret, id, timestamp, body.
    at = datetime.fromtimestamp(1_614_265_330, UTC)
    headers = sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", NAME, at, b'{"test": 2432232314}')
    assert headers == {
        "webhook-id": NAME,
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@pytest.mark.parametrize("secret", ["a secret of one's own", "whsec_this is no base64"])
def test_any_text_may_be_the_secret(secret: str) -> None:
    headers = sign(secret, "evt_1", NOW, b"{}")
    signed = hmac.digest(secret.encode(), f"evt_1.{headers['webhook-timestamp']}.{{}}".encode(), "sha256")
    assert headers["webhook-signature"] == "v1," + base64.b64encode(signed).decode()


def test_the_pauses_grow_and_after_a_day_it_is_given_up() -> None:
    now, tries, pauses = NOW, 0, []
    while (following := next_try(NOW, tries := tries + 1, now)) is not None:
        pauses.append(following - now)
        now = following
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (timedelta(seconds=5), timedelta(hours=4))
    assert PATIENCE - timedelta(hours=4) < now - NOW <= PATIENCE


@pytest.mark.parametrize(
    ("said", "rest"),
    [
        ("120", timedelta(minutes=2)),
        (" 0 ", timedelta(0)),
        ("86400", LONGEST_REST),
        ("9" * 400, LONGEST_REST),
        ("Sat, 28 Nov 2026 09:10:00 GMT", timedelta(minutes=10)),
        ("Sat, 28 Nov 2026 09:10:00 -0000", timedelta(minutes=10)),
        ("Sun, 28 Nov 2027 09:10:00 GMT", LONGEST_REST),
        ("Sat, 28 Nov 2026 08:10:00 GMT", None),
        ("Sat, 28 Nov 99999 08:10:00 GMT", None),
        ("soon", None),
        ("-5", None),
        ("\u0661\u0662", None),  # digits, and none of HTTP's
        ("", None),
    ],
)
def test_a_rest_is_asked_for_in_seconds_or_until_a_time_and_has_an_end(said: str, rest: timedelta | None) -> None:
    assert rest_asked(said, NOW) == rest


def test_a_rest_lengthens_the_pause_and_does_not_shorten_it() -> None:
    assert next_try(NOW, 1, NOW, timedelta(minutes=5)) == NOW + timedelta(minutes=5)
    assert next_try(NOW, 1, NOW, timedelta(0)) == NOW + timedelta(seconds=5)
