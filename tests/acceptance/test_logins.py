"""`contactd agents add|list|reset|disable`: who may use the pages, from the terminal."""

import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from contactd.store.database import open_database
from contactd.store.schema_logins import failed_try, login, session
from tests.acceptance.program import contactd

PASSWORD = re.compile(r"\b[a-z2-9]{4}(?:-[a-z2-9]{4}){3}\b")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "contactd.toml"
    path.write_text('[operator]\nname = "Musterstadtwerke GmbH"\n[agents.anna]\nname = "Anna"\nteam = "mahnung"\n')
    assert contactd("migrate", "--config", path).code == 0
    return path


def test_a_password_is_printed_once_and_kept_nowhere(config: Path) -> None:
    added = contactd("agents", "add", "anna", "--config", config)
    [password] = PASSWORD.findall(added.out)
    assert (added.code, added.out.startswith("anna may sign in as agent, once")) == (0, True)
    listed = contactd("agents", "list", "--json", "--config", config)
    assert [(row["name"], row["role"], row["team"], row["one_time_password"]) for row in listed.json()] == [
        ("anna", "agent", "mahnung", True)
    ]
    assert password not in listed.out
    assert password.encode() not in (config.parent / "contactd.db").read_bytes()
    assert contactd("agents", "list", "--config", config).out.split() == [
        "anna", "agent", "-", "takes", "calls,", "has", "not", "signed", "in", "yet",
    ]  # fmt: skip


def test_an_agent_is_one_of_the_configuration_and_a_name_is_given_once(config: Path) -> None:
    unknown = contactd("agents", "add", "carla", "--config", config)
    assert (unknown.code, "needs [agents.carla] in contactd.toml; there is: anna" in unknown.err) == (2, True)
    assert contactd("agents", "add", "carla", "--role", "manager", "--config", config).code == 0
    again = contactd("agents", "add", "Carla", "--role", "admin", "--config", config)
    assert (again.code, "has a login already" in again.err) == (1, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("add", "../x", "--role", "admin"), "cannot be a name here"),
        (("add", "x", "--role", "king"), "is not one of"),
        (("add", "x", "--role", "admin", "--full-name", "a\nb"), "one line of at most 80 characters"),
        (("reset", "nobody"), "nobody has no login"),
        (("disable", "nobody"), "nobody has no login"),
        (("--json", "list"), "write the options behind the verb"),
    ],
)
def test_what_is_asked_amiss_is_told(config: Path, words: tuple[str, ...], told: str) -> None:
    ended = contactd("agents", *words, *([] if words[0] == "--json" else ["--config", str(config)]), cwd=config.parent)
    assert (ended.code in {1, 2}, told in ended.err, ended.out) == (True, True, "")


def test_reset_and_disable_end_what_there_was(config: Path) -> None:
    assert contactd("agents", "list", "--config", config).out.startswith("nobody has a login; make one")
    first = contactd("agents", "add", "mia", "--role", "manager", "--json", "--config", config).json()
    database = open_database(f"sqlite:///{config.parent / 'contactd.db'}")
    with database.transaction() as connection:
        connection.execute(sa.update(login).values(totp="JBSWY3DPEHPK3PXP", one_time=False))
        now = connection.scalar(sa.select(login.c.made_at))
        connection.execute(sa.insert(session).values(key="k", name="mia", began_at=now, seen_at=now))
    again = contactd("agents", "reset", "MIA", "--role", "admin", "--json", "--config", config).json()
    assert (again["role"], again["one_time_password"] != first["one_time_password"]) == ("admin", True)
    with database.snapshot() as connection:
        assert connection.execute(sa.select(login.c.totp, login.c.one_time)).all() == [("", True)]
        assert connection.execute(sa.select(session)).all() == []
        assert connection.execute(sa.select(failed_try)).all() == []
    database.close()
    assert "shown again" in contactd("agents", "reset", "mia", "--config", config).err
    assert contactd("agents", "disable", "mia", "--config", config).out == "mia may not sign in any more\n"
    assert contactd("agents", "disable", "mia", "--json", "--config", config).json()["disabled_at"]
    assert "disabled" in contactd("agents", "list", "--config", config).out
    assert contactd("agents", "disable", "mia", "--lift", "--config", config).out == "mia may sign in again\n"
