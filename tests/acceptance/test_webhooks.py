"""`contactd webhooks list|retry|forget`: whether other software takes what it is told."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contactd.store import contact_log, hooks
from contactd.store.database import Database, open_database
from tests.acceptance.program import contactd

NOW = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
CONFIG = '[[webhooks]]\nname = "crm"\nurl = "https://crm.example.org/hook"\nsecret = { env = "HOME" }\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "contactd.toml"
    path.write_text(CONFIG)
    assert contactd("migrate", "--config", path).code == 0
    return path


def fail(config: Path, names: tuple[str, ...]) -> None:
    """Let webhooks be told of two outcomes: one is given up, one waits."""
    database: Database = open_database(f"sqlite:///{config.parent / 'contactd.db'}")
    with database.transaction() as connection:
        for name in names:
            hooks.begin(connection, name, 0)
        row = {"at": NOW, "event": "delivered", "outcome": "delivered"}
        contact_log.add(connection, [row, row])
        for name in names:
            hooks.collect(connection, name, ["outcome"], 2, NOW)
            hooks.failed(connection, name, 1, error="answered 500", first=NOW, now=NOW, again=None)
    database.close()


def test_what_was_given_up_is_shown_and_told_again(config: Path) -> None:
    assert contactd("webhooks", "list", "--config", config).out.startswith("no webhook was told anything yet")
    fail(config, ("crm", "old"))
    listed = contactd("webhooks", "list", "--config", config).out.splitlines()
    assert listed[0].split(maxsplit=2)[:2] == ["crm", "given_up"]
    assert listed[0].endswith(
        "1 waiting, 1 given up (kept until 2026-12-28), since 2026-11-28T09:00:00+00:00, answered 500"
    )
    assert "not configured any more" in listed[1]
    assert contactd("webhooks", "retry", "crm", "--config", config).out == "crm: 2 to be told\n"
    rows = contactd("webhooks", "list", "--json", "--config", config).json()
    assert [(row["name"], row["state"], row["waiting"], row["configured"]) for row in rows] == [
        ("crm", "waiting", 2, True),
        ("old", "given_up", 1, False),
    ]
    assert contactd("webhooks", "forget", "old", "--config", config).out == "old is forgotten\n"
    assert len(contactd("webhooks", "list", "--json", "--config", config).json()) == 1


def test_what_other_software_has_asked_for_is_shown_and_holds_until_somebody_says_so(config: Path) -> None:
    fail(config, ("crm", "old"))
    later = datetime.now(UTC) + timedelta(hours=1)
    database = open_database(f"sqlite:///{config.parent / 'contactd.db'}")
    with database.transaction() as connection:
        hooks.failed(connection, "crm", 2, error="answered 410: gone", first=NOW, now=NOW, again=NOW)
        hooks.disable(connection, "crm", NOW)
        hooks.rest(connection, "old", later)
    database.close()
    rows = contactd("webhooks", "list", "--json", "--config", config).json()
    assert [(row["state"], row["rests_until"], row["kept_until"]) for row in rows] == [
        ("disabled", None, "2026-12-28"),
        ("given_up", later.isoformat(timespec="seconds"), "2026-12-28"),
    ]
    listed = contactd("webhooks", "list", "--config", config).out.splitlines()
    assert (listed[0].split()[1], f"rests until {later.isoformat(timespec='seconds')}" in listed[1]) == (
        "disabled",
        True,
    )
    for name in ("crm", "old"):
        assert contactd("webhooks", "retry", name, "--config", config).out == f"{name}: 2 to be told\n"
    rows = contactd("webhooks", "list", "--json", "--config", config).json()
    assert [(row["state"], row["rests_until"], row["kept_until"]) for row in rows] == [("waiting", None, None)] * 2


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("retry", "erp"), 1, "no webhook erp was ever told anything; there is crm"),
        (("forget", "erp"), 1, "no webhook erp was ever told anything; there is crm"),
        (("retry",), 2, "Missing argument 'NAME'"),
        (("drop", "crm"), 2, "No such command 'drop'"),
    ],
)
def test_what_cannot_be_is_refused_with_what_there_is_and_changes_nothing(
    config: Path, words: tuple[str, ...], code: int, says: str
) -> None:
    fail(config, ("crm",))
    before = contactd("webhooks", "list", "--json", "--config", config).out
    refused = contactd("webhooks", *words, "--config", config)
    assert (refused.code, says in refused.err) == (code, True), refused.err
    assert contactd("webhooks", "list", "--json", "--config", config).out == before
    assert contactd("audit", "--config", config).err == "nobody did anything\n"


def test_nothing_to_tell_again_and_an_unknown_name_are_told_as_such(config: Path) -> None:
    unknown = contactd("webhooks", "retry", "crm", "--config", config)
    assert (unknown.code, "there is none" in unknown.err) == (1, True)
    fail(config, ("crm",))
    contactd("webhooks", "forget", "crm", "--config", config)
    database = open_database(f"sqlite:///{config.parent / 'contactd.db'}")
    with database.transaction() as connection:
        hooks.begin(connection, "crm", 2)
    database.close()
    assert contactd("webhooks", "retry", "crm", "--config", config).out == "crm: nothing is left to be told\n"
    assert [one["what"] for one in contactd("audit", "--json", "--config", config).json()] == ["webhooks forget"]
