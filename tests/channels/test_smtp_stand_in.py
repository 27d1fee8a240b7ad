"""The mail server that stands in for a real one, as a process of its own: its ledger outlives it."""

import signal
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fakes.smtp_ledger import read_ledger

ROOT = Path(__file__).parents[2]


@contextmanager
def running(ledger: Path, *options: str) -> Iterator[tuple[int, "subprocess.Popen[str]"]]:
    """Start it and give its port."""
    command = [sys.executable, "-m", "tests.fakes.smtp_server", "--port", "0", "--ledger", str(ledger), *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline()), process
        finally:
            process.kill()


def post(port: int, reference: str) -> None:
    """Send one message."""
    content = f"Message-ID: <{reference}@example.com>\r\n\r\nGuten Tag\r\n"
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.sendmail("a@example.com", ["b@example.org"], content)


def test_what_was_answered_with_yes_is_in_the_file_after_a_kill(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    with running(ledger) as (port, process):
        post(port, "1-1")
        post(port, "2-1")
        process.kill()
    with running(ledger) as (port, process):
        post(port, "2-1")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert read_ledger(ledger) == {"1-1": 1, "2-1": 2}
    assert read_ledger(tmp_path / "none") == {}


def test_it_can_take_everything_and_answer_nothing(tmp_path: Path) -> None:
    with running(tmp_path / "ledger", "--drop", "1") as (port, _), pytest.raises(smtplib.SMTPServerDisconnected):
        post(port, "1-1")
    assert read_ledger(tmp_path / "ledger") == {"1-1": 1}


def test_it_can_refuse_every_recipient_for_now(tmp_path: Path) -> None:
    with running(tmp_path / "ledger", "--refuse", "1") as (port, _), pytest.raises(smtplib.SMTPRecipientsRefused):
        post(port, "1-1")
    assert read_ledger(tmp_path / "ledger") == {}
