"""Loading: where files are looked for, what settings offer, and that a valid whole comes out or nothing."""

import contextlib
from datetime import date, timedelta
from pathlib import Path

import pytest

from contactd.config import load as loading
from contactd.config.load import find, inspect, load, load_defaults, unavailable_steps
from contactd.config.read import parse_toml
from contactd.config.settings import Sections, Settings
from contactd.domain.account import Channel
from contactd.domain.errors import ConfigError
from contactd.domain.money import Money

CAMPAIGN = """\
id = "{id}"
[[step]]
id = "erinnerung"
day = 3
channel = "email"
template = "erinnerung"
"""


def configuration(folder: Path, main: str = "", **campaigns: str) -> Path:
    """Write a contactd.toml and files of campaigns.d."""
    (folder / "campaigns.d").mkdir(exist_ok=True)
    for name, text in campaigns.items():
        (folder / "campaigns.d" / f"{name}.toml").write_text(text, encoding="utf-8")
    path = folder / "contactd.toml"
    path.write_text(main, encoding="utf-8")
    return path


def test_the_named_file_is_used_then_the_one_here_then_the_systems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    system = tmp_path / "etc" / "contactd.toml"
    monkeypatch.setattr(loading, "SYSTEM_WIDE", system)
    with pytest.raises(ConfigError) as caught:
        find(None)
    said = f"contactd.toml: not found; looked for contactd.toml and {system}, name another with --config FILE"
    assert str(caught.value) == said
    system.parent.mkdir()
    configuration(system.parent)
    assert find(None) == system
    configuration(tmp_path)
    assert find(None) == Path("contactd.toml")
    assert find(Path("other.toml")) == Path("other.toml")


def test_a_file_that_is_missing_or_no_text_is_refused_in_plain_words(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.toml: cannot be read: no such file or directory"):
        load(tmp_path / "gone.toml")
    path = configuration(tmp_path)
    path.write_bytes(b'[operator]\nname = "M\xfcller"\n')
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value) == f"{path}:2: is not UTF-8; save the file in that encoding"


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = configuration(tmp_path)
    path.write_bytes('﻿[operator]\nname = "Müller"\n'.encode())
    assert load(path).operator.name == "Müller"


def test_no_campaign_is_fine_and_broken_ones_can_be_left_out(tmp_path: Path) -> None:
    path = configuration(tmp_path)
    assert load(path).campaigns == ()
    configuration(tmp_path, broken="id = ")
    assert load(path, campaigns=False).campaigns == ()
    with pytest.raises(ConfigError):
        load(path)


def test_errors_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    path = configuration(tmp_path, "[web]\nprot = 1\n", a="id = ", b='id = "b"\n', c=CAMPAIGN.format(id="c"))
    found = inspect(path)
    assert [(Path(problem.file).name, problem.line) for problem in found.findings.errors] == [
        ("contactd.toml", 2),
        ("a.toml", 1),
        ("b.toml", 1),
    ]
    assert [loaded.campaign.id for loaded in found.campaigns] == ["c"]


def test_two_campaigns_of_one_id_are_refused(tmp_path: Path) -> None:
    path = configuration(tmp_path, a=CAMPAIGN.format(id="mahnung"), b="\n" + CAMPAIGN.format(id="mahnung"))
    with pytest.raises(ConfigError) as caught:
        load(path)
    folder = tmp_path / "campaigns.d"
    said = f'{folder}/b.toml:2: id: "mahnung" is already the id in {folder}/a.toml:1; every campaign needs its own'
    assert str(caught.value) == said


def test_overrides_win_over_the_file_and_are_checked_like_it(tmp_path: Path) -> None:
    path = configuration(tmp_path, '[smtp]\nhost = "mail.example.com"\nport = 25\nsender = "a@example.com"\n')
    settings = load(path, overrides={"smtp": {"port": 2525}, "telephony": {"backend": "simulated"}})
    assert (settings.smtp.host, settings.smtp.port, settings.telephony.backend) == (
        "mail.example.com",
        2525,
        "simulated",
    )
    with pytest.raises(ConfigError, match=r"smtp\.port: must be at most 65535, not 70000"):
        load(path, overrides={"smtp": {"port": 70000}})


def test_files_lie_in_the_state_folder(tmp_path: Path) -> None:
    settings = load(configuration(tmp_path))
    assert settings.path == tmp_path / "contactd.toml"
    assert settings.state_directory == tmp_path
    assert settings.control_path == tmp_path / "contactd.sock"
    assert settings.database_url == f"sqlite:///{tmp_path}/contactd.db"
    settings = load(configuration(tmp_path, '[daemon]\nstate = "var"\ncontrol = "/run/c.sock"\n'))
    assert settings.control_path == Path("/run/c.sock")
    assert settings.database_url == f"sqlite:///{tmp_path}/var/contactd.db"
    system_wide = Settings.of(Sections(), Path("/etc/contactd/contactd.toml"))
    assert system_wide.state_directory == Path("/var/lib/contactd")


def test_the_pass_word_is_put_into_the_database_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB", "p@ss/word")
    url = '[database]\nurl = "postgresql://contactd@db.example.com/contactd"\n'
    assert load(configuration(tmp_path, url)).database_url == "postgresql://contactd@db.example.com/contactd"
    settings = load(configuration(tmp_path, url + 'password = { env = "DB" }\n'))
    assert settings.database_url == "postgresql://contactd:p%40ss%2Fword@db.example.com/contactd"
    url = '[database]\nurl = "{}"\npassword = {{ env = "DB" }}\n'
    for written, completed in (
        ("postgresql://db.example.com/contactd", "postgresql://:p%40ss%2Fword@db.example.com/contactd"),
        ("postgresql://a@/db?application_name=x@y", "postgresql://a:p%40ss%2Fword@/db?application_name=x@y"),
        ("postgresql://a@db.example.com", "postgresql://a:p%40ss%2Fword@db.example.com"),
    ):
        assert load(configuration(tmp_path, url.format(written))).database_url == completed
    with pytest.raises(ConfigError, match="is for PostgreSQL"):
        load(configuration(tmp_path, '[database]\npassword = { env = "DB" }\n'))


def test_own_templates_come_before_the_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "texte").mkdir()
    settings = load(configuration(tmp_path, '[templates]\ndirectories = ["texte"]\n'))
    own, shipped = settings.template_directories
    assert own == tmp_path / "texte"
    assert (shipped / "email").is_dir()


WHOLE = """\
id = "mahnung"
schedule = "0 9 * * mon-fri"
team = "a"
[select]
min_open = "10.00 EUR"
kinds = ["business"]
languages = ["de", ""]
[limits]
calls_per_week = 2
cool_down = "3 days"
quiet = ["20:00-09:00"]
windows = { sms = ["Mo-Fr 10:00-18:00"] }
[[step]]
id = "brief"
day = 3
channel = "email"
template = "erinnerung"
otherwise = "erinnerung-sms"
deadline = "1 week"
[[step]]
id = "anruf"
after = "brief + 14 days"
until = 60
channel = "call"
attempts = 3
pause = "5 hours"
windows = ["Mo-Fr 09:00-12:00"]
otherwise = "schluss"
[step.retry]
busy = "30 minutes"
no-answer = "4 hours"
number-invalid = "next-number"
[[step]]
id = "schluss"
channel = "sms"
template = "mahnung"
"""


def test_a_campaign_file_becomes_a_campaign_of_the_domain(tmp_path: Path) -> None:
    settings = load(configuration(tmp_path, mahnung=WHOLE))
    (campaign,) = settings.campaigns
    assert [(step.id, step.channel, step.stands_in) for step in campaign.steps] == [
        ("brief", Channel.EMAIL, False),
        ("erinnerung-sms", Channel.SMS, True),
        ("anruf", Channel.CALL, False),
        ("schluss", Channel.SMS, True),
    ]
    call = campaign.steps[2]
    assert (call.after, call.after_days, call.until, call.attempts) == ("brief", 14, 60, 3)
    assert call.retry == {
        "busy": timedelta(minutes=30),
        "no_answer": timedelta(hours=4),
        "invalid": "next-number",
    }
    assert call.windows is not None
    assert call.windows.days[0] == ((540, 720),)
    assert (campaign.steps[0].deadline_days, campaign.steps[1].template) == (7, "erinnerung")
    assert campaign.select.min_open == Money(1000, "EUR")
    assert campaign.select.languages == frozenset({"de", ""})
    assert campaign.schedule == "0 9 * * mon-fri"
    assert settings.place("mahnung", "anruf")[1] == 21


def test_the_limits_of_a_campaign_make_its_rules_stricter(tmp_path: Path) -> None:
    settings = load(configuration(tmp_path, mahnung=WHOLE))
    policy = settings.policies["mahnung"]
    assert policy.name == "de"
    assert policy.cool_down == 3
    assert [cap.count for cap in policy.caps if cap.source == "campaign"] == [2]
    assert policy.windows[Channel.SMS].days[0] == ((600, 1080),)
    assert policy.quiet is not None
    assert policy.payments_max_age == timedelta(hours=26)
    assert policy.default_timezone == "Europe/Berlin"
    assert date(2026, 12, 25) in policy.holidays["DE-BY"]
    assert settings.policies["mahnung"] is policy


def test_a_campaign_without_schedule_or_preset_takes_those_of_the_daemon(tmp_path: Path) -> None:
    main = '[planning]\nschedule = "5 6 * * *"\n[rules]\npreset = "uk"\n'
    settings = load(
        configuration(tmp_path, main, a=CAMPAIGN.format(id="a"), b='rules = "us-reg-f"\n' + CAMPAIGN.format(id="b"))
    )
    assert [campaign.schedule for campaign in settings.campaigns] == ["5 6 * * *", "5 6 * * *"]
    assert [settings.policies[name].name for name in ("a", "b")] == ["uk", "us-reg-f"]


def test_steps_nobody_can_carry_out_are_named_with_their_place(tmp_path: Path) -> None:
    text = CAMPAIGN.format(id="a") + 'otherwise = "erinnerung-sms"\n'
    path = configuration(tmp_path, a=text + '[[step]]\nid = "akte"\nday = 60\nchannel = "handover"\n')
    file = tmp_path / "campaigns.d" / "a.toml"
    until = "; run refuses it until then"
    no_sms = f'nobody carries out channel "sms": set backend in [sms] and account_sid in [twilio]{until}'
    assert [str(problem) for problem in unavailable_steps(load(path))] == [
        f'{file}:3: campaign "a", step "erinnerung": nobody carries out channel "email": set host in [smtp]{until}',
        f'{file}:3: campaign "a", step "erinnerung-sms": {no_sms}',
        f'{file}:9: campaign "a", step "akte": channel "handover" is not available in this version; run refuses it',
    ]


def test_a_step_that_needs_approval_is_not_done_without_and_one_an_agent_looks_at_first_is(tmp_path: Path) -> None:
    steps = 'approve = "manager"\n[[step]]\nid = "anruf"\nday = 9\nchannel = "call"\nmode = "preview"\n'
    providers = '[smtp]\nhost = "h"\nsender = "a@example.com"\n[telephony]\nbackend = "simulated"\n'
    path = configuration(tmp_path, providers, a=CAMPAIGN.format(id="a") + steps)
    assert [problem.message for problem in unavailable_steps(load(path))] == [
        "approve is not available in this version; run refuses it",
    ]


def test_with_providers_every_step_of_the_shipped_campaigns_can_be_carried_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "x")
    twilio = {"account_sid": "AC1", "auth_token": {"env": "TOKEN"}, "from": "+493023125100"}
    providers = {"smtp": {"host": "mail.example.com"}, "twilio": twilio, "telephony": {"backend": "simulated"}}
    assert unavailable_steps(load_defaults(providers)) == []
    simulated = {"smtp": {"host": "localhost"}, "sms": {"backend": "simulated"}, "telephony": {"backend": "simulated"}}
    assert unavailable_steps(load_defaults(simulated)) == []
    assert unavailable_steps(load_defaults()) != []


def test_a_text_that_breaks_the_reader_is_refused_in_plain_words() -> None:
    for left, right in (("[", "]"), ("{a=", "}")):
        with pytest.raises(ConfigError) as caught:
            parse_toml(f"[web]\nport = {left * 5_000}1{right * 5_000}\n", "x.toml")
        assert str(caught.value) == "x.toml:2: is no TOML that can be used: brackets are nested too deeply"
        for depth in range(300, 520, 5):  # whichever of the two readers gives up first
            with contextlib.suppress(ConfigError):
                parse_toml(f"port = {left * depth}1{right * depth}\n", "x.toml")
    with pytest.raises(ConfigError) as caught:
        parse_toml(f"[web]\n# 1\nport = {'9' * 5_000}\n", "x.toml")
    assert str(caught.value) == "x.toml:3: is no TOML that can be used: a number is too long"
    with pytest.raises(ConfigError, match=r"x\.toml:1: port: is too large a number"):
        parse_toml(f"port = 0x{'f' * 5_000}\n", "x.toml")


def test_a_folder_of_templates_that_is_missing_is_an_error_where_campaigns_are_read(tmp_path: Path) -> None:
    (tmp_path / "da").mkdir()
    path = configuration(tmp_path, '[templates]\ndirectories = [\n  "da",\n  "weg",\n]\n')
    with pytest.raises(ConfigError) as caught:
        load(path)
    said = f'there is no folder "{tmp_path}/weg"; make it, or remove the line'
    assert str(caught.value) == f"{path}:4: templates.directories[2]: {said}"
    assert load(path, campaigns=False).templates.directories == ("da", "weg")
