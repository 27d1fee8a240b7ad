"""What holds for every test: fixtures more than one folder uses, and the rule about missing parts."""

import logging
from collections.abc import Iterator

import pytest
import structlog

pytest_plugins = [
    "tests.missing_parts",
    "tests.order",
    "tests.calls.servers",  # `pbx`, `network`, `ari`, `town`, `line`
    "tests.databases",  # `database` and `database_url`
    "tests.telephony.carriers",  # `bench`
]


@pytest.fixture(autouse=True)
def logging_put_back() -> Iterator[None]:
    """Leave logging to the next test as it was: a verb run in this process sets it up for itself."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    root.handlers[:], root.level = handlers, level
