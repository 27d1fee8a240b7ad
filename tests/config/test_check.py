"""The verbs check, schema and config show, called as a user calls them."""

import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from contactd.cli.main import cli
from contactd.config.shipped import defaults_directory

DESK = Path(__file__).with_name("desk")


def call(*arguments: str | Path) -> Result:
    """Call the command line."""
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copy the agreed sample campaign to a folder of its own."""
    shutil.copytree(DESK, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "campaigns.d" / "mahnung-standard.toml"


def change(path: Path, old: str, new: str) -> None:
    """Replace a piece of a file that is certainly there."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_the_agreed_sample_campaign_is_accepted_as_it_stands(desk: Path) -> None:
    assert desk.is_file()
    result = call("check", "--json")
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert (answer["ok"], answer["errors"], answer["warnings"], answer["tests"]) == (True, [], [], 1)
    assert answer["campaigns"] == ["mahnung-standard"]
    later = "is not available in this version; run refuses it"
    assert {
        (
            21,
            "step[2].channel",
            'nobody carries out channel "letter": set backend in [letters]; run refuses it until then',
        ),
        (40, "step[4].channel", f'channel "handover" {later}'),
    } <= {(note["line"], note["key"], note["message"]) for note in answer["notes"]}


def test_the_shipped_configuration_passes_its_own_check() -> None:
    result = call("check", "--config", defaults_directory() / "config" / "contactd.toml")
    assert result.exit_code == 0
    assert ": ok (0 errors, 0 warnings, " in result.stdout.splitlines()[-1]


def test_a_test_that_fails_is_told_with_its_line_and_refuses_the_configuration(desk: Path) -> None:
    change(desk, 'expect = "mahnung-brief"', 'expect = "anruf"')
    result = call("check")
    assert result.exit_code == 3
    line = len(desk.read_text(encoding="utf-8").splitlines())
    said = 'the test fails: expected "anruf", but then comes step "mahnung-brief"'
    assert f"campaigns.d/mahnung-standard.toml:{line}: test[1].expect: {said}" in result.stdout.splitlines()
    assert "contactd.toml: refused (1 error, 0 warnings, 1 campaign, 1 test)" in result.stdout


def test_a_test_that_expects_a_step_nobody_wrote_is_told_once(desk: Path) -> None:
    change(desk, 'expect = "mahnung-brief"', 'expect = "s2"')
    result = call("check")
    assert result.exit_code == 3
    assert result.stdout.count("test[1].expect") == 1
    assert "contactd.toml: refused (1 error, " in result.stdout


def test_a_test_may_expect_nothing_and_is_told_why_nothing_comes(desk: Path) -> None:
    change(desk, "days_due = 14", "days_due = 1")
    result = call("check")
    assert 'expected "mahnung-brief", but then comes nothing (min_days_due)' in result.stdout
    change(desk, 'expect = "mahnung-brief"', 'expect = "nothing"')
    assert call("check").exit_code == 0


def test_all_errors_come_out_of_check_in_one_go(desk: Path) -> None:
    change(desk, "attempts = 6", "attemps = 6")
    Path("contactd.toml").write_text("[web]\nport = 99999\n", encoding="utf-8")
    result = call("check")
    assert result.exit_code == 3
    assert result.stdout.splitlines()[:2] == [
        "contactd.toml:2: web.port: must be at most 65535, not 99999",
        'campaigns.d/mahnung-standard.toml:30: step[3].attemps: unknown key; did you mean "attempts"?',
    ]


def test_a_text_that_does_not_exist_is_an_error_with_the_nearest_name(desk: Path) -> None:
    change(desk, 'template = "erinnerung"', 'template = "erinerung"')
    result = call("check")
    assert result.exit_code == 3
    said = (
        'there is no text email/erinerung.de.txt, and "de" is the language of the campaign; did you mean "erinnerung"?'
    )
    assert f"campaigns.d/mahnung-standard.toml:16: step[1].template: {said}" in result.stdout.splitlines()


def test_a_text_missing_in_another_language_is_a_warning(desk: Path) -> None:
    change(desk, "[select]", '[select]\nlanguages = ["de", "en", "fr", ""]')
    result = call("check")
    assert result.exit_code == 0
    said = 'there is no text email/erinnerung.fr.txt; customers with this language get it in "de"'
    assert f"warning: campaigns.d/mahnung-standard.toml:17: step[1].template: {said}" in result.stdout.splitlines()
    assert "erinnerung.en" not in result.stdout


def test_a_text_that_cannot_be_rendered_is_an_error_and_one_that_lacks_something_a_warning(desk: Path) -> None:
    change(Path("contactd.toml"), "[operator]", '[templates]\ndirectories = ["texte"]\n[operator]')
    own = Path("texte/email/erinnerung.de.txt")
    own.parent.mkdir(parents=True)
    own.write_text("Subject: Hallo\nBitte zahlen Sie bis {{ deadline | day }}.\n", encoding="utf-8")
    result = call("check")
    assert result.exit_code == 0
    assert "step[1].template: email/erinnerung.de: the text names no contact person" in result.stdout
    assert "does not tell what it charges" not in result.stdout
    change(desk, 'otherwise = "erinnerung-sms"', 'fee = "1.20 EUR"\notherwise = "erinnerung-sms"')
    assert "step[1].template: email/erinnerung.de: the text does not tell what it charges" in call("check").stdout
    own.write_text("Subject: Hallo\n{{ frist }}\n", encoding="utf-8")
    result = call("check")
    assert result.exit_code == 3
    assert "'frist' is undefined" in result.stdout


def test_a_text_in_any_language_an_account_may_have_is_checked(desk: Path) -> None:
    assert desk.is_file()
    change(Path("contactd.toml"), "[operator]", '[templates]\ndirectories = ["texte"]\n[operator]')
    own = Path("texte/sms/erinnerung.fr.txt")
    own.parent.mkdir(parents=True)
    own.write_text("{{ nom }}", encoding="utf-8")
    result = call("check")
    assert result.exit_code == 3
    assert "step[1].otherwise: sms/erinnerung.fr.txt:1: 'nom' is undefined (fr, " in result.stdout
    own.write_text("{{ 'x' * 2000000000 }}", encoding="utf-8")
    result = call("check")
    assert result.exit_code == 3
    assert "sms/erinnerung.fr.txt:1: * makes more than fits into a message" in result.stdout


def test_a_file_of_phrases_that_cannot_be_used_is_an_error(desk: Path) -> None:
    assert desk.is_file()
    change(Path("contactd.toml"), "[operator]", '[templates]\ndirectories = ["texte"]\n[operator]')
    path = Path("texte/phrases.de.toml")
    path.parent.mkdir()
    path.write_text("[next_step\n", encoding="utf-8")
    result = call("check")
    assert result.exit_code == 3
    assert f"{path.resolve()}:1: is no TOML: " in result.stdout
    path.write_text("[next_step]\nsms = 1\n", encoding="utf-8")
    assert f"{path.resolve()}:2: next_step.sms: must be text in quotes" in call("check").stdout


def test_phrases_that_are_missing_in_the_language_of_the_campaign_are_errors(desk: Path) -> None:
    change(desk, 'language = "de"', 'language = "fr"')
    result = call("check")
    assert result.exit_code == 3
    said = "no phrase next_step.email in fr nor in fr; add it to phrases.fr.toml"
    assert f"campaigns.d/mahnung-standard.toml:2: language: {said}" in result.stdout.splitlines()


def test_a_campaign_without_messages_needs_no_phrases(desk: Path) -> None:
    desk.write_text('id = "a"\nlanguage = "fr"\n[[step]]\nid = "s"\nday = 3\nchannel = "call"\n', encoding="utf-8")
    assert "no phrase" not in call("check").stdout


def test_an_announcement_that_cannot_be_made_is_an_error_where_there_are_calls(desk: Path) -> None:
    assert desk.is_file()
    change(Path("contactd.toml"), "[operator]", '[templates]\ndirectories = ["texte"]\n[operator]')
    own = Path("texte/voice/apology.fr.txt")
    own.parent.mkdir(parents=True)
    own.write_text("{{ nom }}", encoding="utf-8")
    main = Path("contactd.toml").read_text(encoding="utf-8")
    for backend, refused in (("none", False), ("simulated", True)):
        Path("contactd.toml").write_text(f'[telephony]\nbackend = "{backend}"\n{main}', encoding="utf-8")
        result = call("check")
        assert (
            "contactd.toml:2: telephony.backend: template voice/apology.fr.txt: 'nom' is" in result.stdout
        ) == refused


def test_the_texts_of_calls_that_ask_for_the_postcode_are_checked_too(desk: Path) -> None:
    assert desk.is_file()
    change(Path("contactd.toml"), "[operator]", '[templates]\ndirectories = ["texte"]\n[operator]')
    main = Path("contactd.toml").read_text(encoding="utf-8")
    Path("contactd.toml").write_text(f'[telephony]\nbackend = "simulated"\n{main}', encoding="utf-8")
    own = Path("texte/voice")
    own.mkdir(parents=True)
    texts = {"ivr-goodbye.fr": "{{ reference }}", "frage.de": "{{ open }}", "konto.de": "{{ postcode }}"}
    for name, text in texts.items():
        (own / f"{name}.txt").write_text(text, encoding="utf-8")
    step = 'id = "s"\nday = 3\nchannel = "call"\nmode = "ivr"\ntemplate = "frage"\nidentify = true\n'
    desk.write_text(f'id = "a"\n[[step]]\n{step}personal = "konto"\n', encoding="utf-8")
    said = call("check").stdout
    assert "telephony.backend: template voice/ivr-goodbye.fr.txt: 'reference' is undefined" in said
    assert "step[1].template: template voice/frage.de.txt: 'open' is undefined" in said
    assert "step[1].personal: template voice/konto.de.txt: 'postcode' is undefined" in said


def test_an_implied_step_has_its_text_checked_too(desk: Path) -> None:
    change(desk, 'otherwise = "erinnerung-sms"', 'otherwise = "letzte-sms"')
    result = call("check")
    assert result.exit_code == 3
    assert 'step[1].otherwise: there is no text sms/letzte.de.txt, and "de" is' in result.stdout


def test_a_broken_main_file_leaves_the_texts_unchecked_and_the_rest_checked(desk: Path) -> None:
    change(desk, 'template = "erinnerung"', 'template = "nowhere"')
    Path("contactd.toml").write_text("[web]\nport = true\n", encoding="utf-8")
    result = call("check")
    assert "web.port" in result.stdout
    assert "nowhere" not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "title"),
    [((), "Sections"), (("contactd",), "Sections"), (("campaign",), "CampaignFile"), (("script",), "ScriptFile")],
)
def test_the_schema_is_printed_as_json(arguments: tuple[str, ...], title: str) -> None:
    result = call("schema", *arguments)
    assert result.exit_code == 0
    assert json.loads(result.stdout)["title"] == title


def test_config_show_reads_back_as_the_same_settings(desk: Path) -> None:
    change(
        Path("contactd.toml"), 'name = "Anna"', 'name = "Anna \\"A\\"\\u007f"\n[creditors."Stadt Werke"]\nname = "x"'
    )
    hook = 'name = "crm"\nurl = "https://crm.example.org/hook"\nsecret = { env = "TOKEN" }'
    change(Path("contactd.toml"), "[agents", f"[[webhooks]]\n{hook}\n[agents")
    whole = tomllib.loads(call("config", "show").stdout)
    assert whole["webhooks"] == [
        {"name": "crm", "url": "https://crm.example.org/hook", "secret": {"env": "TOKEN"},
         "events": ["outcome", "agreement"], "personal": False},
    ]  # fmt: skip
    assert whole["agents"]["anna"] == {"name": 'Anna "A"\x7f', "team": "", "languages": ["de"], "phone": ""}
    assert whole["smtp"]["bounces"]["port"] == 2525
    Path("again.toml").write_text(call("config", "show").stdout, encoding="utf-8")
    assert tomllib.loads(call("config", "show", "--config", "again.toml").stdout) == whole


def test_config_show_changed_shows_only_what_differs(desk: Path) -> None:
    assert desk.is_file()
    result = call("config", "show", "--changed")
    written = tomllib.loads(Path("contactd.toml").read_text(encoding="utf-8"))
    assert tomllib.loads(result.stdout) == written
    assert '# campaign "mahnung-standard" in campaigns.d/mahnung-standard.toml: erinnerung-email, ' in result.stdout


def test_config_show_as_json_lists_settings_and_campaigns(desk: Path) -> None:
    assert desk.is_file()
    answer: dict[str, Any] = json.loads(call("config", "show", "--json").stdout)
    assert answer["config"] == "contactd.toml"
    assert answer["settings"]["intake"]["payments_max_age"] == "26 hours"
    assert answer["campaigns"][0]["steps"][:2] == ["erinnerung-email", "erinnerung-sms"]
