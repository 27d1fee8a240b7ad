"""`contactd tokens add|list|revoke`: other software's way in, from the terminal."""

import re
from pathlib import Path

import pytest

from tests.acceptance.program import contactd

SECRET = re.compile(r"contactd_[\w-]{43}")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "contactd.toml"
    path.write_text("")
    assert contactd("migrate", "--config", path).code == 0
    return path


def test_a_token_is_printed_once_listed_without_it_and_revoked(config: Path) -> None:
    scopes = ("--scope", "accounts:write", "--scope", "accounts:read")
    added = contactd("tokens", "add", "erp", *scopes, "--expires", "2199-01-01", "--config", config)
    [secret] = SECRET.findall(added.out)
    assert added.code == 0
    assert secret.encode() not in (config.parent / "contactd.db").read_bytes()
    listed = contactd("tokens", "list", "--config", config)
    assert listed.out.split() == ["erp", "until", "2199-01-01", "never", "used", "accounts:read,", "accounts:write"]
    assert contactd("tokens", "revoke", "erp", "--config", config).out == "erp is revoked\n"
    [row] = contactd("tokens", "list", "--json", "--config", config).json()
    assert (row["name"], row["scopes"], bool(row["revoked_at"])) == ("erp", ["accounts:read", "accounts:write"], True)
    assert "revoked" in contactd("tokens", "list", "--config", config).out


def test_nobody_and_a_token_for_good_are_told_as_such(config: Path) -> None:
    assert contactd("tokens", "list", "--config", config).out.startswith("there is none; make one: contactd tokens add")
    made = contactd("tokens", "add", "bi", "--scope", "log:read", "--json", "--config", config).json()
    assert SECRET.fullmatch(made["token"])
    assert "for good" in contactd("tokens", "list", "--config", config).out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("add", "../x", "--scope", "log:read"), "cannot be a name here"),
        (("add", "x", "--scope", "log:raed"), 'did you mean "log:read"?'),
        (("add", "x", "--scope", "owls"), "there is: accounts:read"),
        (("add", "x"), "Missing option '--scope'"),
        (("add", "x", "--scope", "log:read", "--expires", "2001-01-01"), "that day is past"),
        (("revoke", "x"), "there is no token x"),
    ],
)
def test_what_is_asked_amiss_is_told(config: Path, words: tuple[str, ...], told: str) -> None:
    ended = contactd("tokens", *words, "--config", config)
    assert (ended.code in {1, 2}, told in ended.err, ended.out) == (True, True, "")
