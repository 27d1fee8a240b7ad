"""Secrets come from where they are kept and are shown nowhere."""

import copy
import json
import pickle
from pathlib import Path

import pytest

from contactd.config.load import inspect, load
from contactd.config.secret import MASK, Secret
from contactd.config.show import as_toml, as_values
from contactd.domain.errors import ConfigError

VALUE = "tr0ub4dor"
HOW = 'write { credential = "name" } (systemd), { env = "NAME" } or { file = "/path" }'


def written(folder: Path, place: str) -> Path:
    """Write a configuration with a Twilio token at a place."""
    path = folder / "contactd.toml"
    path.write_text(f"[twilio]\nauth_token = {place}\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "place", ['{ env = "TOKEN" }', '{ file = "token" }', '{ file = "{folder}/token" }', '{ credential = "token" }']
)
def test_a_secret_is_read_from_each_place(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text(f"{VALUE}\n", encoding="utf-8")
    monkeypatch.setenv("TOKEN", VALUE)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    settings = load(written(tmp_path, place.replace("{folder}", str(tmp_path))))
    assert settings.twilio.auth_token.reveal() == VALUE
    assert bool(settings.twilio.auth_token)


def test_a_secret_shows_itself_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", VALUE)
    settings = load(written(tmp_path, '{ env = "TOKEN" }'))
    shown = [
        repr(settings),
        str(settings),
        repr(settings.twilio.auth_token),
        str(settings.twilio.auth_token),
        settings.model_dump_json(),
        json.dumps(as_values(settings)),
        as_toml(as_values(settings)),
        repr(settings.model_dump()),
    ]
    assert [text for text in shown if VALUE in text] == []
    assert 'auth_token = { env = "TOKEN" }' in as_toml(as_values(settings))
    assert repr(settings.twilio.auth_token) == "Secret(env=TOKEN)"
    assert str(settings.twilio.auth_token) == MASK
    with pytest.raises(TypeError, match="not written anywhere"):
        pickle.dumps(settings.twilio.auth_token)


def test_a_refused_configuration_does_not_tell_a_pass_word_written_into_it(tmp_path: Path) -> None:
    path = written(tmp_path, f'"{VALUE}"')
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert VALUE not in str(caught.value)


def test_no_secret_is_empty_and_false() -> None:
    none = Secret()
    assert (bool(none), str(none), repr(none), none.reveal()) == (False, "", "Secret(none)", "")
    assert repr(Secret(VALUE)) == f"Secret({MASK})"


def test_secrets_are_equal_by_what_they_hide() -> None:
    one, same, other = Secret(VALUE, source={"env": "A"}), Secret(VALUE, source={"file": "b"}), Secret("else")
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert one != VALUE
    assert Secret() == Secret()
    assert Secret(problem="gone", source={"env": "A"}) != Secret(problem="gone", source={"env": "B"})
    assert copy.deepcopy(one) is one


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("{ env = 5 }", 'env must be a name in quotes, like { env = "SMTP_PASSWORD" }'),
        ('{ env = "" }', 'env must be a name in quotes, like { env = "SMTP_PASSWORD" }'),
        ('{ file = "empty" }', 'file "empty": it is empty'),
        ('{ file = "." }', 'file ".": is a directory'),
        ('{ credential = "../token" }', 'credential "../token": the name of a credential has no folder in it'),
        ('{ credential = "gone" }', 'credential "gone": no such file or directory'),
        (
            '{ vault = "x" }',
            f"names no place of a secret; {HOW}",
        ),
    ],
)
def test_a_secret_that_cannot_be_read_is_reported_with_its_place(
    place: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "empty").write_text("\n", encoding="utf-8")
    path = written(tmp_path, place)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value) == f"{path}:2: twilio.auth_token: {says}"


def test_who_needs_no_secret_can_load_without_it_and_is_told_when_asking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOKEN", raising=False)
    path = written(tmp_path, '{ env = "TOKEN" }')
    assert inspect(path).settings is None
    settings = load(path, secrets=False)
    assert bool(settings.twilio.auth_token)
    with pytest.raises(ConfigError, match='env "TOKEN": this environment variable is not set'):
        settings.twilio.auth_token.reveal()
