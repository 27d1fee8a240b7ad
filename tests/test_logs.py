"""The log: one JSON object a line, and no personal data in it, whoever wrote it and wherever it stood."""

import io
import json
import logging
import subprocess
import sys
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pytest
import sqlalchemy as sa
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from contactd import logs
from contactd.domain.attempt import State

# Made up, in the ranges kept for fiction; every form must be recognised.
NUMBERS = [
    "+4917604069001",
    "+49 176 04069001",
    "+49 (0)30 23125 042",
    "+49-30-23125-042",
    "004917604069001",
    "00 49 176 04069001",
    "030 23125042",
    "030/23125-042",
    "(030) 23125042",
    "07700 900123",
    "020 7946 0123",
    "+44 20 7946 0123",
    "+1 212 555 0123",
    "212-555-0123",
    "(212) 555-0123",
    "4917604069001",
    "%2B4917604069001",
]
MAILS = [
    "erika@example.com",
    "Erika.Musterfrau+post@sub.example.org",
    "o'brien@example.net",
    "erika%40example.com",
    '"erika musterfrau"@example.com',
    "bounce+erika=example.org@example.com",
    "müller@example.com",
]
IBANS = ["DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "GB29 NWBK 6016 1331 9268 19", "NO9386011117947"]
SECRETS = ["Bearer abc.DEF-123_456", "bearer%20abcdef", "Authorization: Basic dXNlcjpwdw=="]
HARMLESS = [
    "2026-11-23T09:00:00.123456+00:00",
    "2026-11-23 09:00:00+00:00",
    "127.0.0.1:8080",
    "attempt 1234567-12 in 0.123456789 s",
    "550e8400-e29b-41d4-a716-446655440000",
    "SM0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "RE-2026-000123 and RE2026000123",
    "back to 12345678 rows, 99.5 %",
    "contactd/engine/sending/sender.py:149",
    "550 5.1.1 no such user",
    "version 3.11.4, sha256:0011aabbccdd",
]


@dataclass
class Log:
    """What was written."""

    stream: io.StringIO

    @property
    def text(self) -> str:
        """Give everything."""
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Read every line as JSON."""
        return [json.loads(line) for line in self.text.splitlines()]


def begin(level: Literal["debug", "info", "warning"] = "info", form: Literal["json", "console"] = "json") -> Log:
    """Set the log up on a stream."""
    stream = io.StringIO()
    logs.set_up(level, form, stream)
    root = logging.getLogger()
    root.handlers[:] = root.handlers[-1:]  # without pytest's own, which also formats the records
    return Log(stream)


def test_an_event_is_one_line_of_json_with_its_time_first() -> None:
    log = begin()
    structlog.get_logger().info("attempt_ended", attempt=12, outcome="delivered", took=1.5, ok=True, none=None)
    [line] = log.lines
    assert list(line)[:3] == ["time", "level", "event"]
    assert datetime.fromisoformat(line.pop("time")).tzinfo is not None
    assert line == {
        "level": "info", "event": "attempt_ended", "attempt": 12, "outcome": "delivered", "took": 1.5, "ok": True,
        "none": None,
    }  # fmt: skip


def test_what_is_less_important_than_asked_for_is_not_written() -> None:
    log = begin("warning")
    structlog.get_logger().info("quiet")
    logging.getLogger("some.library").info("quiet as well")
    structlog.get_logger().warning("loud")
    assert [line["event"] for line in log.lines] == ["loud"]


def test_a_logger_made_before_the_set_up_follows_it() -> None:
    logger = structlog.get_logger()
    first, second = begin(), begin()
    logger.info("late")
    logging.getLogger("some.library").warning("late too")
    assert (first.text, len(second.lines)) == ("", 2)


@pytest.mark.parametrize("told", [*NUMBERS, *MAILS, *IBANS, *SECRETS])
@pytest.mark.parametrize("form", ["json", "console"])
def test_personal_data_is_recognised_wherever_it_stands(told: str, form: Literal["json", "console"]) -> None:
    log = begin(form=form)
    logger = structlog.get_logger()
    event = f"sent to {told}"
    logger.info(event, reason=f"no route to <{told}>, sorry", nested={"a": [{"b": (told,)}], told: 1})
    logging.getLogger("some.library").warning("cannot reach %s: %r", told, {"x": told})
    try:
        int(f"odd: {told}")
    except ValueError:
        logger.exception("attempt_broke", error=ValueError(told))
        logging.getLogger("some.library").exception("broke")
    assert log.text.count("\n") >= 4
    kernel = told.rsplit(maxsplit=1)[-1] if told in SECRETS else told
    assert kernel not in log.text
    assert "ValueError" in log.text
    assert "sorry" in log.text


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_personal_data_stays_readable(text: str) -> None:
    assert logs.clean(text) == text


@pytest.mark.parametrize(
    "key",
    [
        "name", "customer_name", "debtor", "email", "Email", "email-address", "phone", "mobile", "number", "to",
        "from", "address", "iban", "street", "postcode", "city", "birth_date", "text", "subject", "html", "body",
        "password", "auth_token", "token", "authorization", "payload",
    ],
)  # fmt: skip
def test_a_field_of_that_name_is_never_shown(key: str) -> None:
    log = begin()
    structlog.get_logger().info("noted", **{key: "Erika", "inner": {key: ["Erika"]}, "deeper": [{key: {"a": "Erika"}}]})
    assert "Erika" not in log.text
    assert log.text.count(logs.HIDDEN) == 3


def test_counts_and_ids_of_that_name_are_shown() -> None:
    log = begin()
    structlog.get_logger().info(
        "noted", customer=4711, back_to_planned=3, number=2, name="", email=True, mobile=None, phone=4917604069001
    )
    [line] = log.lines
    assert {key: line[key] for key in ("customer", "back_to_planned", "number", "name", "email", "mobile")} == {
        "customer": 4711, "back_to_planned": 3, "number": 2, "name": "", "email": True, "mobile": None,
    }  # fmt: skip
    assert line["phone"] == logs.HIDDEN


def test_names_of_things_are_shown() -> None:
    log = begin()
    structlog.get_logger().info("noted", campaign="standard", channel_name="email", logger_name="web", agent="a1")
    assert logs.HIDDEN not in log.text


class Person(BaseModel):
    """A model whose text shows every value."""

    first: str
    amount: int = 0


@dataclass
class Row:
    """A value whose text shows every field."""

    first: str


def test_of_values_that_would_show_everything_only_the_kind_is_named() -> None:
    log = begin()
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        found = connection.execute(sa.text("SELECT 'Erika' AS first")).one()
    engine.dispose()
    structlog.get_logger().info("noted", model=Person(first="Erika"), row=Row("Erika"), found=found)
    assert "Erika" not in log.text
    assert (log.lines[0]["model"], log.lines[0]["row"]) == ("<Person>", "<Row>")


def test_plain_values_are_written_out() -> None:
    log = begin()
    structlog.get_logger().info(
        "noted", at=datetime(2026, 11, 23, 9, tzinfo=UTC), path=Path("/etc/contactd"), amount=Decimal("412.80"),
        state=State.PLANNED, span=timedelta(seconds=90), several={"b"},
    )  # fmt: skip
    [line] = log.lines
    assert (line["at"], line["path"], line["amount"]) == ("2026-11-23 09:00:00+00:00", "/etc/contactd", "412.80")
    assert (line["state"], line["span"], line["several"]) == ("planned", "0:01:30", ["b"])


def test_nothing_nests_without_end() -> None:
    log = begin()
    deep: dict[str, Any] = {}
    deep["again"] = deep
    structlog.get_logger().info("noted", deep=deep)
    assert "… dict" in log.text


def test_a_drivers_and_a_validators_message_lose_the_values() -> None:
    log = begin()
    logger = structlog.get_logger()
    engine = sa.create_engine("sqlite://")
    values, wrong = {"a": "Erika", "b": "Musterfrau [x]"}, {"first": 1, "amount": "Erika"}
    try:
        with engine.connect() as connection:
            connection.execute(sa.text("INSERT INTO nowhere VALUES (:a, :b)"), values)
    except sa.exc.OperationalError:
        logger.exception("store_broke")
    engine.dispose()
    try:
        Person.model_validate(wrong)
    except ValidationError:
        logger.exception("row_broke")
    logger.error("refused", reason="DETAIL:  Key (creditor, name)=(acme, Erika) already exists.")
    logger.error("refused", reason="DETAIL:  Failing row contains (1, Erika, Musterfrau).")
    assert "Erika" not in log.text
    assert "Musterfrau" not in log.text
    assert "no such table: nowhere" in log.text


def test_a_traceback_shows_no_variables() -> None:
    log = begin(form="console")

    def fail(first: str) -> None:
        raise RuntimeError("broke")

    try:
        fail("Erika")
    except RuntimeError:
        structlog.get_logger().exception("attempt_broke")
    assert "RuntimeError: broke" in log.text
    assert "first = " not in log.text
    assert "'Erika'" not in log.text


def test_an_unsubscribe_link_loses_its_signature() -> None:
    link = "https://dunning.example.com/u/4711.AbCdEfGhIjKlMnOp?x=1"
    assert logs.clean(f"GET {link} 404") == "GET https://dunning.example.com/u/[hidden]?x=1 404"


def test_a_very_long_text_is_cut() -> None:
    cut = logs.clean("ä" * 30_000)
    assert len(cut) < 20_100
    assert cut.endswith(" … (30000 characters)")


def test_libraries_and_warnings_come_the_same_way() -> None:
    log = begin()
    logging.getLogger("apscheduler.scheduler").info("too talkative")
    logging.getLogger("twilio.http_client").info("POST Body=Erika")
    logging.getLogger("aiohttp.server").error("Error handling request from %s", "erika@example.com")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("call +4917604069001", UserWarning, stacklevel=1)
    assert [(line["logger"], line["level"]) for line in log.lines] == [
        ("aiohttp.server", "error"),
        ("py.warnings", "warning"),
    ]
    assert "+4917604069001" not in log.text
    assert "Error handling request from [hidden]" in log.text


def test_a_librarys_wrong_arguments_are_named_and_not_shown() -> None:
    log = begin()
    logging.getLogger("some.library").warning("%d rows", "Erika")
    [line] = log.lines
    assert (line["event"], line["logger"]) == ("log_record_unreadable", "some.library")
    assert "Erika" not in log.text


def test_a_full_disk_or_a_closed_stream_ends_no_work() -> None:
    full = Path("/dev/full").open("w", encoding="utf-8")  # noqa: SIM115 - cannot be closed without an error
    logs.set_up("info", "json", full)
    structlog.get_logger().info("noted")
    logging.getLogger("some.library").warning("noted")
    with pytest.raises(OSError, match="No space left"):
        full.close()
    stream = io.StringIO()
    logs.set_up("info", "json", stream)
    stream.close()
    structlog.get_logger().info("noted")


def test_half_a_character_is_written_all_the_same() -> None:
    log = begin()
    structlog.get_logger().info("noted", what="\ud83d")
    assert log.lines[0]["what"] == "\ud83d"


def test_standard_error_is_where_it_goes_by_default() -> None:
    program = "import structlog; from contactd import logs; logs.set_up(); structlog.get_logger().info('noted')"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert (ended.stdout, json.loads(ended.stderr)["event"]) == ("", "noted")


@given(st.text(max_size=300))
def test_no_text_is_too_odd_to_be_cleaned(text: str) -> None:
    assert logs.clean(logs.clean(text)) == logs.clean(text)


@given(st.text(alphabet="+0123456789 ()-/.@%40aBDE:=", max_size=60), st.sampled_from([*NUMBERS, *MAILS, *IBANS]))
def test_nothing_around_it_hides_it_once_it_stands_alone(noise: str, told: str) -> None:
    assert told not in logs.clean(f"{noise} > {told} < {noise}")
