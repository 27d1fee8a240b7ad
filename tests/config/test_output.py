"""How verbs answer scripts: one JSON document with stable forms, and exit codes."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import rich.table

from contactd.cli.output import NOT_ALLOWED, console, emit_json, fail, say, show_csv, show_document
from contactd.domain.account import Channel
from contactd.domain.money import Money


def test_every_kind_of_value_has_one_written_form(capsys: pytest.CaptureFixture[str]) -> None:
    emit_json(
        {
            "at": datetime(2026, 12, 1, 9, tzinfo=UTC),
            "on": date(2026, 12, 1),
            "amount": Money(41280, "EUR"),
            "span": timedelta(minutes=2),
            "channel": Channel.SMS,
            "path": Path("a/b"),
            "words": {"b", "a"},
            "name": "Müller",
        }
    )
    out = capsys.readouterr().out
    assert json.loads(out) == {
        "at": "2026-12-01T09:00:00+00:00",
        "on": "2026-12-01",
        "amount": {"amount": "412.80", "currency": "EUR"},
        "span": 120.0,
        "channel": "sms",
        "path": "a/b",
        "words": ["a", "b"],
        "name": "Müller",
    }
    assert "Müller" in out
    with pytest.raises(TypeError, match="no JSON for object"):
        emit_json(object())


def test_a_failure_is_told_on_stderr_and_by_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        fail("you may not", NOT_ALLOWED)
    assert left.value.code == 4
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "contactd: you may not\n")


EVIL = "Kim\x1b[31m\nOBEYED\x9b2J\u202e[b]:smile:"
HARMLESS = "Kim [31m OBEYED 2J [b]:smile:"


def test_words_of_others_command_no_terminal_however_they_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    say(EVIL, EVIL)
    assert capsys.readouterr().out == f"{HARMLESS}\n{HARMLESS}\n"
    table = rich.table.Table(EVIL, title=EVIL, box=None, pad_edge=False)
    table.add_row(EVIL)
    console(soft_wrap=True).print(table)
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [HARMLESS.split()] * 3
    emit_json({"name": EVIL})
    out = capsys.readouterr().out
    assert json.loads(out) == {"name": EVIL}
    assert [letter for letter in out if not letter.isprintable()] == ["\n"] * 3
    show_csv(["name"], [{"name": EVIL}])
    assert capsys.readouterr().out == 'name\n"Kim [31m\nOBEYED 2J [b]:smile:"\n'
    show_document("one\ntwo\x1b\n")
    assert capsys.readouterr().out == "one\ntwo \n"
    with pytest.raises(SystemExit):
        fail(f"no {EVIL}")
    assert capsys.readouterr().err == f"contactd: no {HARMLESS}\n"
