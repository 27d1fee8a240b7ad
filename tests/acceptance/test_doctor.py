"""`contactd doctor` without an Asterisk: configuration, folder, database, providers, speech, and no real Asterisk."""

import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from contactd.cli import checkup_modules
from contactd.cli.checkup_lines import endpoint_of
from tests.acceptance.program import contactd
from tests.fakes.smtp_ledger import read_ledger

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1"
OPERATOR = '[operator]\nname = "Musterstadtwerke GmbH"\nemail = "kontakt@example.com"\n'
CAMPAIGN = 'id = "one"\nlanguage = "de"\ntimezone = "Europe/Berlin"\n[[step]]\nid = "a"\nday = 3\n'
Found = dict[str, tuple[str, str, str]]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "contactd.toml"
    path.write_text(OPERATOR)
    assert contactd("migrate", "--config", path).code == 0
    return path


def examine(config: Path, more: str = "", *, code: int = 0) -> Found:
    """Run the doctor on a configuration; by check, the state, what was found and the cure."""
    config.write_text(OPERATOR + more)
    ended = contactd("doctor", "--json", "--config", config)
    assert ended.code == code, ended
    told = ended.json()
    assert told["ok"] == (code == 0)
    return {one["check"]: (one["state"], one["found"], one["cure"]) for one in told["checks"]}


def exchange(url: str, more: str = "") -> str:
    """Write the tables of a daemon that calls by an Asterisk at this address."""
    table = f'backend = "asterisk"\n[telephony.asterisk]\nurl = "{url}"\npassword = {{ env = "HOME" }}\n'
    return f"[telephony]\n{table}{more}"


def own_rates(config: Path, years: range) -> str:
    """Write a table of base rates for these years, and the table of the configuration that names it."""
    rows = [f"{year}-{month:02}-01,1.52" for year in years for month in (1, 7)]
    (config.parent / "rates.csv").write_text("\n".join(["valid_from,percent", *rows, ""]))
    return '[claims]\nbase_rates = "rates.csv"\n'


def test_what_is_in_order_is_told_in_a_line_each(config: Path) -> None:
    config.write_text(OPERATOR + own_rates(config, range(2002, 2100)))
    ended = contactd("doctor", "--config", config)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[-1] == "9 ok, 0 warning, 0 failed"
    assert f"ok       configuration: {config} with 0 campaigns\n" in ended.out
    assert f"ok       state: {config.parent} can be written to\n" in ended.out
    assert "contactd.db of version " in ended.out
    assert "ok       daemon: does not run" in ended.out
    assert "ok       email: not set up: no host in [smtp]\n" in ended.out
    assert 'ok       calls: backend "none" in [telephony]\n' in ended.out


def test_a_configuration_that_is_missing_or_wrong_ends_it(tmp_path: Path) -> None:
    path = tmp_path / "contactd.toml"
    missing = contactd("doctor", "--config", path)
    assert (missing.code, missing.out.startswith(f"failed   configuration: {path}: ")) == (1, True), missing
    path.write_text('[daemon]\nnme = "a"\n[smtp]\nprt = 1\n')
    ended = contactd("doctor", "--config", path)
    assert ended.code == 1
    assert f'failed   configuration: {path}:2: daemon.nme: unknown key; did you mean "name"?' in ended.out
    assert "(and 1 more)" in ended.out
    assert "-> mend it; contactd check tells every mistake" in ended.out


def test_a_secret_that_cannot_be_read_is_told_and_the_rest_is_looked_at(config: Path) -> None:
    smtp = f'[smtp]\nhost = "{HOST}"\nusername = "a"\npassword = {{ credential = "smtp" }}\n'
    found = examine(config, smtp, code=1)
    assert "a secret cannot be read" in found["configuration"][1]
    assert found["configuration"][0] == found["email"][0] == "failed"
    assert "pass word cannot be read" in found["email"][1]
    assert found["database"][0] == "ok"
    found = examine(config, exchange(f"http://{HOST}:9/ari").replace("HOME", "NO_SUCH_NAME"), code=1)
    assert "pass word cannot be read" in found["asterisk"][1]


def test_steps_that_run_refuses_and_warnings_are_told(config: Path) -> None:
    (config.parent / "campaigns.d").mkdir()
    campaign = config.parent / "campaigns.d" / "one.toml"
    campaign.write_text(f'{CAMPAIGN}channel = "email"\ntemplate = "erinnerung"\n')
    assert "run refuses it" in examine(config, code=1)["configuration"][1]
    campaign.unlink()
    config.write_text("")
    ended = contactd("doctor", "--config", config)
    assert (ended.code, "warning  configuration: " in ended.out) == (0, True)


def test_a_database_that_is_not_there_or_not_ours_is_told_and_not_made(config: Path) -> None:
    database = config.parent / "contactd.db"
    for file in config.parent.glob("contactd.db*"):
        file.unlink()
    assert examine(config, code=1)["database"] == ("failed", f"there is no {database} yet", "run: contactd migrate")
    assert not database.exists()
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE other (a)")
    connection.close()
    state, found, cure = examine(config, code=1)["database"]
    assert (state, "belongs to something else" in found, bool(cure)) == ("failed", True, True)


def test_a_state_folder_that_is_missing_or_anothers_is_told(config: Path) -> None:
    state, found, cure = examine(config, '[daemon]\nstate = "nowhere"\n', code=1)["state"]
    assert (state, "nowhere cannot be written to" in found, "state in [daemon]" in cure) == ("failed", True, True)
    anothers = config.parent / "anothers"
    anothers.mkdir()
    try:
        os.chown(anothers, 12345, -1)
    except PermissionError:
        anothers = Path(tempfile.gettempdir())
    database = f'[database]\nurl = "sqlite:///{config.parent}/contactd.db"\n'
    state, found, cure = examine(config, f'[daemon]\nstate = "{anothers}"\n{database}')["state"]
    assert (state, "belongs to user" in found, "sudo -u" in cure) == ("warning", True, True)


@contextmanager
def mail_server(ledger: Path) -> Iterator[int]:
    """Run a mail server and give its port."""
    command = [sys.executable, "-m", "tests.fakes.smtp_server", "--port", "0", "--ledger", str(ledger)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def test_a_mail_server_is_greeted_and_sent_nothing(config: Path) -> None:
    ledger = config.parent / "ledger"
    with mail_server(ledger) as port:
        smtp = f'[smtp]\nhost = "{HOST}"\nport = {port}\nsecurity = '
        assert examine(config, f'{smtp}"none"')["email"][:2] == ("ok", f"{HOST}:{port} takes us (none)")
        state, found, cure = examine(config, f'{smtp}"starttls"', code=1)["email"]
        assert (state, "does not take us" in found, "security" in cure) == ("failed", True, True)
    assert not read_ledger(ledger)
    state, found, cure = examine(config, f'{smtp}"none"', code=1)["email"]
    assert (state, "host and port in [smtp]" in cure) == ("failed", True), found


def test_twilio_is_not_asked_but_its_settings_are_told(config: Path) -> None:
    twilio = '[twilio]\naccount_sid = "AC0"\nauth_token = { env = "HOME" }\nfrom = "Muster"\n'
    state, found, cure = examine(config, twilio)["sms"]
    assert (state, "cannot tell what became" in found, "public_url in [web]" in cure) == ("warning", True, True)
    web = '[web]\npublic_url = "https://contact.example.org"\n'
    assert examine(config, twilio + web)["sms"][:2] == ("ok", "account AC0 as Muster (not asked)")
    assert examine(config, '[sms]\nbackend = "simulated"\n')["sms"][:2] == ("ok", "backend simulated")


def test_a_program_that_does_not_speak_is_told(config: Path) -> None:
    url = f"http://{HOST}:9/ari"
    found = examine(config, exchange(url, 'speak = ["no-such-program"]\n'), code=1)
    assert found["speech"][0] == "failed"
    assert "no text can be spoken in de: no-such-program cannot be run: No such file" in found["speech"][1]
    assert "nobody listens at" in found["asterisk"][1]
    short = 'speak = ["sox", "-n", "-r", "8000", "{file}", "trim", "0", "0.05"]\n'
    assert examine(config, exchange(url, short), code=1)["speech"][1] == "nothing is said in de"


class Stranger(BaseHTTPRequestHandler):
    """Answers whatever is asked with the same words."""

    words = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.words)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's name
        """Say nothing."""


@contextmanager
def web_server(words: str) -> Iterator[str]:
    """Run a web server that answers so, and give its address."""
    server = HTTPServer((HOST, 0), type("Answering", (Stranger,), {"words": words.encode()}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_address[1]}/ari"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_what_is_no_asterisk_or_too_old_is_told(config: Path) -> None:
    with web_server("<html>") as url:
        assert examine(config, exchange(url), code=1)["asterisk"][1] == f"what answers at {url} is no Asterisk (200)"
    with web_server(json.dumps({"system": {"version": "16.28.0"}})) as url:
        found = examine(config, exchange(url), code=1)
        assert found["version"][:2] == ("failed", "Asterisk 16.28.0 is too old")
        assert found["events"][:2] == ("failed", "Asterisk opens no websocket")
    with mail_server(config.parent / "ledger") as port:
        state, found_there, _ = examine(config, exchange(f"http://{HOST}:{port}/ari"), code=1)["asterisk"]
        assert (state, found_there.startswith(f"http://{HOST}:{port}/ari: ")) == ("failed", True)


def test_a_test_call_needs_an_asterisk_and_a_number(config: Path) -> None:
    refused = contactd("doctor", "--echo", "030 23125 042", "--yes", "--config", config)
    assert (refused.code, "--echo needs backend" in refused.err) == (2, True)


@pytest.mark.parametrize(
    ("version", "state"),
    [
        ("22.10.1+dfsg+~cs6.17.60671434-1", "ok"),
        ("certified/18.9-cert1", "ok"),
        ("18.0.0", "ok"),
        ("16.28.0", "failed"),
        ("GIT-master-1234abc", "warning"),
    ],
)
def test_a_version_is_read_as_asterisk_writes_it(version: str, state: str) -> None:
    assert checkup_modules.check_version(version).state == state


@pytest.mark.parametrize(
    ("dial", "endpoint"),
    [
        ("PJSIP/{digits}@trunk", "trunk"),
        ("PJSIP/1001", "1001"),
        ("PJSIP/trunk/sip:{number}@sip.example.com", "trunk"),
        ("DAHDI/g1/{digits}", ""),
    ],
)
def test_the_endpoint_is_read_out_of_what_is_dialled(dial: str, endpoint: str) -> None:
    assert endpoint_of(dial) == endpoint


def test_the_sample_loads_every_module_that_is_asked_for() -> None:
    loaded = re.findall(r"(?m)^load = (\w+)\.so$", (ROOT / "deploy/asterisk/modules.conf").read_text())
    tables = ("ALWAYS", "PJSIP", "DETECT", "WISHED", "WISHED_OF_PJSIP")
    asked = {name for table in tables for name in getattr(checkup_modules, table)}
    assert asked - set(loaded) == set()


def test_a_table_of_base_rates_that_has_ended_is_told_with_its_last_day(config: Path) -> None:
    state, found, cure = examine(config, own_rates(config, range(2002, 2020)))["base_rates"]
    assert (state, "ends on 2019-12-31" in found, "bundesbank.de" in cure) == ("warning", True, True)
