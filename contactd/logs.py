"""The log: structlog set up once, personal data taken out at the encoder, the libraries' logging led the same way.

Only daemon.py and the command line call `set_up`; every other module says `structlog.get_logger()` and writes
snake_case events with fields. Nothing that passes here can leave with a name under a known key, an address, a telephone
number, a bank account or a token in it, whoever wrote it.
"""

import json
import logging
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from pathlib import PurePath
from typing import Any, Literal, TextIO
from uuid import UUID

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN = "[hidden]"
# Loud about every request they make or answer, with its parameters.
_HUSHED = ("aiohttp.access", "aiosmtplib", "apscheduler", "mail.log", "twilio", "urllib3")
_DEEPEST = 6
_SHORT_NUMBER = 10**6  # counts and ids that are no telephone number
_LONGEST = 20_000
_ENCODER = json.JSONEncoder(ensure_ascii=False, default=str)
# Written out as they are; of every other object only the type is named.
_PLAIN = (BaseException, date, timedelta, Decimal, Enum, PurePath, UUID)

# A key with one of these words in it holds personal data or a secret …
_WORDS = frozenset({
    "authorization", "birth", "birthdate", "birthday", "bic", "body", "city", "cookie", "customer", "debtor", "email",
    "firstname", "html", "iban", "lastname", "mail", "mobile", "name", "names", "number", "numbers", "password",
    "phone", "postcode", "recipient", "secret", "street", "subject", "surname", "telephone", "token", "zip",
})  # fmt: skip
# … these only when they are the whole key: they are parts of harmless ones (back_to_planned, smtp_text …).
_WHOLE = frozenset({
    "address", "addresses", "content", "dob", "email_address", "from", "from_address", "message", "payload", "params",
    "parameters", "text", "to", "to_address",
})  # fmt: skip
# Names of things, not of people.
_THINGS = frozenset({"channel_name", "daemon_name", "file_name", "host_name", "logger_name", "thread_name"})

_EMAIL = re.compile(r"""(?:"[^"\n]{1,64}"|[^\s@<>()\[\],;:"]{1,64})(?:@|%40)[\w.-]{1,253}""")
# At least eleven places after the check digits, as the shortest (Norway's) has: invoice numbers are shorter.
_IBAN = re.compile(
    r"(?<![^\W_])(?:[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{4}){2}[ ]?[A-Z0-9]{3,4}(?:[ ]?[A-Z0-9]{1,4}){0,5}"
    r"|[A-Za-z]{2}\d{2}(?:[ ]?\d{4}){2}[ ]?\d{3,4}(?:[ ]?\d{1,4}){0,5})(?![^\W_])"
)
_PHONE = re.compile(
    # E.164 with whatever marks, also as it stands in an encoded form or address
    r"(?:(?<!\w)\+|%2B|\b00(?=[1-9]))[ ]?\(?[1-9](?:[ ()/.-]{0,3}\d){6,16}"
    # national: 030/23125042, (0)30-…, 07700 900123
    r"|(?<![\w.:+%-])\(?0(?:[ ()/-]{0,3}\d){6,14}(?!\w)"
    # bare digits as long as a number with its country; 212-555-0123
    r"|(?<![\w.:+%-])[1-9]\d{10,14}(?![\w.])"
    r"|(?<![\w.:+%-])\(?[2-9]\d\d\)?[ .-]\d{3}[ .-]\d{4}(?![\w-])"
)
_DIGITS = re.compile(r"\d\D{0,3}\d\D{0,3}\d")
_CREDENTIALS = re.compile(r"(?i)\b(bearer|basic)(?:\s+|%20)[\w.~+/=-]+")
_LINK = re.compile(r"/u/[^\s/?\"']+")
# What drivers and validators put into their messages: the values themselves, names among them.
_VALUES = re.compile(
    r"(?s)(\[parameters: ).*?\](?=\n|$)|(input_value=).*?(?=, input_type=)|(Failing row contains ).*?\)\.?(?=\n|$)"
    r"|(DETAIL:\s+Key \().*?\)(?= already| is | conflicts)"
)


def set_up(
    level: Literal["debug", "info", "warning", "error"] = "info",
    format: Literal["json", "console"] = "json",  # noqa: A002 - the key of the configuration
    stream: TextIO | None = None,
) -> None:
    """Write events of at least this level to the stream (standard error), one JSON object a line or for people."""
    least = logging.getLevelNamesMapping()[level.upper()]
    out = _Lines(stream or sys.stderr)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,  # plain: a traceback without local variables
    ]
    encode: Processor = _as_json if format == "json" else _for_people(colours=out.on_terminal)
    structlog.configure(
        processors=[*shared, redact, encode],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=lambda *_: out,
        cache_logger_on_first_use=False,  # set up again by a rehearsal or a test, loggers made before follow
    )
    foreign: list[Processor] = [structlog.stdlib.add_logger_name, *shared]
    _lead_libraries(least, foreign, encode, out)


def _lead_libraries(least: int, foreign: list[Processor], encode: Processor, out: "_Lines") -> None:
    """Send what libraries log by the standard library through the same redaction."""
    handler = _Libraries(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=foreign,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact, encode],
            keep_exc_info=False,
        )
    )
    root = logging.getLogger()
    for former in root.handlers[:]:
        if isinstance(former, _Libraries):
            root.removeHandler(former)
    root.addHandler(handler)
    root.setLevel(least)
    logging.captureWarnings(capture=True)
    for name in _HUSHED:
        logging.getLogger(name).setLevel(max(least, logging.WARNING))


def redact(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Take personal data and secrets out of an event, by key and by pattern; a structlog processor."""
    del logger, method
    return {key: _clean_field(key, value, 0) for key, value in event.items()}


def clean(text: str) -> str:
    """Take addresses, numbers, bank accounts and tokens out of a text."""
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]} … ({len(text)} characters)"
    if text.replace("_", "").isalpha():
        return text  # a single word: most of what is logged
    text = _VALUES.sub(lambda found: f"{next(filter(None, found.groups()))}{HIDDEN}", text)
    text = _CREDENTIALS.sub(rf"\1 {HIDDEN}", text)
    text = _LINK.sub(f"/u/{HIDDEN}", text)
    if "@" in text or "%40" in text:
        text = _EMAIL.sub(HIDDEN, text)
    if _DIGITS.search(text):
        text = _PHONE.sub(HIDDEN, _IBAN.sub(HIDDEN, text))
    return text


def _clean_field(key: str, value: object, depth: int) -> object:
    if value is None or isinstance(value, bool):
        return value
    if key == "time" and depth == 0:
        return value  # the stamp we made
    if _is_personal(key):
        small = isinstance(value, int | float) and abs(value) < _SHORT_NUMBER
        return value if small or value == "" else HIDDEN
    return _clean_value(value, depth)


def _clean_value(value: object, depth: int) -> object:
    """Bring a value to what JSON knows, cleaned; what is nested too deep is only named."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return clean(str(value))
    if depth >= _DEEPEST:
        return f"… {type(value).__name__}"
    if isinstance(value, Mapping):
        return {clean(str(key)): _clean_field(str(key), item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean_value(item, depth + 1) for item in value]
    # Anything else (a row, a record, a model) would show every value it has, names among them.
    return clean(str(value)) if isinstance(value, _PLAIN) else f"<{type(value).__name__}>"


@lru_cache(maxsize=1_024)
def _is_personal(key: str) -> bool:
    word = key.lower().replace("-", "_")
    return word in _WHOLE or (word not in _THINGS and not _WORDS.isdisjoint(word.split("_")))


def _as_json(logger: WrappedLogger, method: str, event: EventDict) -> str:
    """Write the event as one line; what happened and when come first."""
    del logger, method
    first = {key: event.pop(key) for key in ("time", "level", "event") if key in event}
    return _ENCODER.encode({**first, **event})


def _for_people(*, colours: bool) -> Processor:
    return structlog.dev.ConsoleRenderer(
        colors=colours,
        timestamp_key="time",
        exception_formatter=structlog.dev.plain_traceback,  # the others show local variables
    )


class _Lines:
    """Writes lines; a full disk or a reader gone must not end the work that is told of."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.on_terminal = stream.isatty()

    def msg(self, line: str) -> None:
        """Write a line at once."""
        with suppress(OSError, ValueError):  # ValueError: the stream is closed
            self._stream.write(line.encode("utf-8", "backslashreplace").decode() + "\n")
            self._stream.flush()

    debug = info = warning = error = critical = exception = fatal = failure = log = err = msg


class _Libraries(logging.Handler):
    """Writes the records of the standard library's logging."""

    def __init__(self, out: _Lines) -> None:
        super().__init__()
        self._out = out

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; a record that cannot be formatted is named, never shown."""
        try:
            line = self.format(record)
        except Exception as error:  # noqa: BLE001 - a library's wrong arguments must not end our work
            where: dict[str, Any] = {"level": "error", "event": "log_record_unreadable", "logger": record.name}
            line = json.dumps(where | {"error": type(error).__name__})
        self._out.msg(line)
