"""`contactd doctor` before a real Asterisk: what it says of one in order, of each fault, and of a test call."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from contactd.config.load import load
from contactd.store.database import open_database
from tests.acceptance.program import Ended, contactd
from tests.calls import town as people
from tests.calls.ari import Ari
from tests.calls.asterisk import HOST, Asterisk
from tests.calls.network import Network
from tests.calls.office import CALLER, at_work, owe, write
from tests.calls.pbx import AGENTS, BUSY_AGENT, DEAD_TRUNK

DETECTS = 'mode = "progressive"\ndetect = "first"'
# Nobody listens on port 9, and Asterisk asks each second; nobody has registered the telephone.
GONE = f"""
[gone]
type = endpoint
transport = transport-udp
context = from-trunk
disallow = all
allow = alaw
aors = gone
[gone]
type = aor
contact = sip:{HOST}:9
qualify_frequency = 1
[homeless](agent-phone)
aors = homeless
[homeless](agent-address)
"""


def qualified(pbx: Asterisk, names: Sequence[str]) -> None:
    """Have Asterisk ask these telephones and trunks now, not within half a minute."""
    for name in names:
        pbx.cli(f"pjsip qualify {name}")
    deadline = time.monotonic() + 60
    while any("Avail" not in pbx.cli(f"pjsip show aor {name}") for name in names):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(autouse=True, scope="module")
def _nobody_was_here(servers: tuple[Asterisk, Network]) -> None:
    """Begin without the bridges that a daemon of an earlier test has left: they keep its application alive."""
    servers[0].stop()
    servers[0].start()


@pytest.fixture
def config(pbx: Asterisk, network: Network, tmp_path: Path) -> Path:
    """Write a configuration with its database; its trunk and telephones are known to be there."""
    qualified(pbx, ("trunk", *AGENTS[:4]))
    path = write(tmp_path, pbx, step=DETECTS)
    assert contactd("migrate", "--config", path).code == 0
    return path


@contextmanager
def module_missing(pbx: Asterisk, name: str) -> Iterator[None]:
    """Run without a module."""
    assert "Unloaded" in pbx.cli(f"module unload {name}.so")
    try:
        yield
    finally:
        assert "Loaded" in pbx.cli(f"module load {name}.so")


def examine(config: Path, *options: str) -> dict[str, tuple[str, str, str]]:
    """Run the doctor; by check, the state, what was found and the cure."""
    ended = contactd("doctor", "--json", *options, "--config", config)
    checks = ended.json()["checks"]
    assert ended.code == any(one["state"] == "failed" for one in checks), ended
    assert [one for one in checks if bool(one["cure"]) == (one["state"] == "ok")] == []
    found: dict[str, tuple[str, str, str]] = {}
    for one in checks:
        if found.get(one["check"], ("ok",))[0] != "failed":
            found[one["check"]] = (one["state"], one["found"], one["cure"])
    return found


def not_ok(found: dict[str, tuple[str, str, str]]) -> dict[str, str]:
    """Keep what is not in order: its state by its check."""
    return {check: state for check, (state, _, _) in found.items() if state != "ok"}


def test_an_exchange_as_the_sample_describes_it_is_in_order(pbx: Asterisk, config: Path) -> None:
    ended = contactd("doctor", "--config", config)
    assert (ended.code, ended.err) == (0, ""), ended
    assert ended.out.splitlines()[-1].endswith(" ok, 0 warning, 0 failed")
    for line in (
        f"asterisk: answers at {pbx.ari} and takes user contactd",
        "modules: all ",
        'application: "contactd" is free',
        "dialplan: [contactd-amd] is there",
        'trunk:trunk: endpoint "trunk" is online',
        "phones: 4 of 4 agents' telephones are online",
        f"sounds: contactd writes to {config.parent / 'sounds'}, Asterisk plays from it",
    ):
        assert f"ok       {line}" in ended.out
    assert not (config.parent / "sounds").exists(), "the doctor leaves nothing behind"


def test_a_wrong_pass_word_is_told_from_a_wrong_address_and_from_nobody(pbx: Asterisk, config: Path) -> None:
    (config.parent / "ari-password").write_text("wrong")
    state, found, cure = examine(config)["asterisk"]
    assert (state, found) == ("failed", "refuses user contactd (401)")
    assert "username and password in [telephony.asterisk]" in cure
    for url, words, mend in (
        (f"{pbx.ari}x", "knows no", "res_websocket_client.so"),
        (f"http://{HOST}:9/ari", "nobody listens at", "bindport of http.conf"),
    ):
        state, found, cure = examine(write(config.parent, pbx, url=url))["asterisk"]
        assert (state, words in found, mend in cure) == ("failed", True, True), found


def test_a_user_who_may_only_read_is_told(pbx: Asterisk, config: Path) -> None:
    file = pbx.folder / "etc" / "ari.conf"
    text = file.read_text()
    try:
        file.write_text(text.replace("read_only = no", "read_only = yes"))
        pbx.cli("module reload res_ari.so")
        found = examine(config)
    finally:
        file.write_text(text)
        pbx.cli("module reload res_ari.so")
    assert not_ok(found) == {"dialplan": "failed", "sounds": "failed"}
    assert found["sounds"][2] == "read_only = no in [contactd] of ari.conf"


def test_modules_that_are_missing_are_named_with_what_they_are_for(pbx: Asterisk, config: Path) -> None:
    with module_missing(pbx, "bridge_holding"), module_missing(pbx, "app_amd"):
        state, found, cure = examine(config)["modules"]
    assert (state, found) == (
        "failed",
        "not loaded: bridge_holding (agents and customers who wait), app_amd (detect)",
    )
    assert "load = bridge_holding.so, load = app_amd.so" in cure
    with module_missing(pbx, "func_dialplan"), module_missing(pbx, "chan_bridge_media"):
        assert not_ok(examine(config)) == {"modules": "warning", "dialplan": "warning", "sounds": "warning"}
    with module_missing(pbx, "res_ari_asterisk"):
        state, _, cure = examine(config)["asterisk"]
    assert (state, cure) == ("failed", "load = res_ari_asterisk.so in modules.conf")


def test_sounds_that_cannot_be_played_and_a_deafening_module_are_told(pbx: Asterisk, config: Path) -> None:
    pbx.cli("module load bridge_native_rtp.so")
    try:
        state, found, cure = examine(config)["modules"]
    finally:
        pbx.cli("module unload bridge_native_rtp.so")
    assert (state, "may stay silent" in found, "noload = bridge_native_rtp.so" in cure) == ("warning", True, True)
    with module_missing(pbx, "format_wav"):
        state, found, _ = examine(config)["sounds"]
    assert (state, found) == ("failed", f"Asterisk cannot play files in {config.parent / 'sounds'}")
    state, found, cure = examine(write(config.parent, pbx, asterisk='sounds = "contactd.toml/sounds"'))["sounds"]
    assert (state, "Not a directory" in found, "sounds in [telephony.asterisk]" in cure) == ("failed", True, True)


def test_a_missing_context_is_told_where_a_campaign_detects_machines(pbx: Asterisk, config: Path) -> None:
    pbx.cli("dialplan remove context contactd-amd")
    try:
        state, found, cure = examine(config)["dialplan"]
        assert examine(write(config.parent, pbx))["dialplan"][0] == "ok"
    finally:
        pbx.cli("dialplan reload")
    assert (state, found) == ("failed", 'extensions.conf has no [contactd-amd] with run, which detect = "first" needs')
    assert "deploy/asterisk/extensions.conf" in cure


def test_calls_that_come_in_for_another_application_are_told(pbx: Asterisk, config: Path) -> None:
    found = examine(write(config.parent, pbx, asterisk='app = "second"'))
    state, told, cure = found["dialplan"]
    assert (state, told) == ("warning", 'calls that come in go to "contactd", and app is "second"')
    assert "CONTACTD_APP = second" in cure


async def test_an_application_in_use_is_another_daemons_unless_ours_runs(
    pbx: Asterisk, network: Network, config: Path
) -> None:
    async with Ari(pbx.ari, pbx.password, "contactd"):
        state, found, cure = (await asyncio.to_thread(examine, config))["application"]
        assert (state, '"contactd" is in use' in found, "an app of its own" in cure) == ("failed", True, True)
    async with at_work(config) as office:
        told = await asyncio.to_thread(examine, config)
        assert told["application"][:2] == ("ok", '"contactd" is the daemon\'s')
        assert told["daemon"][1].startswith("runs ")
        assert office.daemon.carrier is not None
        assert not office.daemon.carrier.trouble(), "the doctor does not take the daemon's events away"
    assert (await asyncio.to_thread(examine, config))["application"][:2] == ("ok", '"contactd" is free')


def test_trunks_and_telephones_that_are_unknown_or_away_are_told(pbx: Asterisk, config: Path) -> None:
    names = {"main": "trunk", "typo": "trnk", "dead": DEAD_TRUNK, "gone": "gone"}
    trunks = "".join(
        f'[telephony.asterisk.trunks.{name}]\ndial = "PJSIP/{{digits}}@{endpoint}"\n'
        for name, endpoint in names.items()
    )
    phones = (AGENTS[0], "agent99", "homeless")
    path = write(config.parent, pbx, agents=3, asterisk=trunks, phones=phones)
    file = pbx.folder / "etc" / "pjsip.conf"
    text = file.read_text()
    try:
        file.write_text(text + GONE)
        pbx.cli("module reload res_pjsip.so")
        found = examine(path)
        deadline = time.monotonic() + 60
        while found["trunk:gone"][0] == "warning" and time.monotonic() < deadline:  # Asterisk has only just started
            assert "try again" in found["trunk:gone"][2]
            found = examine(path)
    finally:
        file.write_text(text)
        pbx.cli("module reload res_pjsip.so")
    assert not_ok(found) == {
        "trunk:typo": "failed",
        "trunk:dead": "warning",
        "trunk:gone": "failed",
        "phone:bernd": "failed",
        "phone:carla": "warning",
    }
    assert found["trunk:typo"][1] == 'Asterisk knows no endpoint "trnk"; did you mean "trunk"?'
    assert "dial in [telephony.asterisk.trunks.typo]" in found["trunk:typo"][2]
    assert "qualify_frequency = 30 in [deadtrunk]" in found["trunk:dead"][2]
    assert 'endpoint "gone" is offline' in found["trunk:gone"][1]
    assert "phone in [agents.bernd]" in found["phone:bernd"][2]
    assert 'endpoint "homeless" is offline' in found["phone:carla"][1]


@pytest.fixture
def brief(config: Path) -> Path:
    """Let the test call say little."""
    (config.parent / "texts" / "voice").mkdir(parents=True)
    (config.parent / "texts" / "voice" / "test-call.de.txt").write_text("Hallo.")
    return shortened(config)


def shortened(config: Path) -> Path:
    """Have the operator's texts go before the shipped ones."""
    config.write_text(config.read_text() + '[templates]\ndirectories = ["texts"]\n')
    return config


def call(config: Path, phone: str) -> tuple[Ended, list[str], dict[str, str]]:
    """Place a test call; answers what happened to it, and the finding."""
    ended = contactd("doctor", "--echo", phone, "--yes", "--json", "--config", config)
    told = ended.json()
    return ended, [stage["what"] for stage in told["stages"]], told["checks"][-1]


def test_a_test_call_rings_speaks_listens_and_plays_back(network: Network, config: Path) -> None:
    number = people.MACHINE.number(0)  # speaks for twelve seconds
    ended, stages, finding = call(config, number)
    assert (ended.code, finding["check"], finding["state"]) == (0, "test-call", "ok"), ended.out
    assert stages[:4] == [
        f"calling PJSIP/{number[1:]}@trunk",
        "ringing",
        "answered",
        "spoken to; listening for 5 s",
    ]
    assert stages[4].endswith(" s of sound heard")
    assert stages[5:] == ["played back", "hung up"]
    [placed] = [one for one in network.calls() if f"+{one.number}" == number]
    assert (placed.caller, (placed.end - placed.start).total_seconds() > 10) == (CALLER, True)


def test_who_answers_and_says_nothing_is_a_warning(pbx: Asterisk, brief: Path) -> None:
    ended, stages, finding = call(brief, people.PROMPT.number(5))
    assert (ended.code, finding["found"]) == (0, "answered, but nothing was heard from there"), ended.out
    assert (stages[4].endswith(" s of sound heard"), stages[5:]) == (True, ["played back", "hung up"])
    assert "rtp.conf" in finding["cure"]
    assert list((pbx.folder / "spool" / "recording").iterdir()) == [], "nothing is kept"


def test_an_agents_telephone_is_called_by_the_agents_name(pbx: Asterisk, config: Path) -> None:
    qualified(pbx, [BUSY_AGENT])
    words = contactd("doctor", "--echo", "anna", "--yes", "--config", write(config.parent, pbx, phones=[BUSY_AGENT]))
    assert words.code == 1
    assert f" s  calling PJSIP/{BUSY_AGENT}\n" in words.out
    assert "failed   test-call: it is busy" in words.out


def test_a_test_call_that_comes_to_nothing_tells_why(pbx: Asterisk, brief: Path) -> None:
    config = brief
    ended, stages, finding = call(config, people.BUSY.number(0))
    assert (ended.code, finding["found"]) == (1, "it is busy (Q.850 cause 17, SIP 486)")
    assert stages[-2:] == ["ringing", "over: it is busy"]
    assert call(config, people.RINGS.number(5))[2]["found"].startswith("nobody answered")
    assert call(config, people.INVALID.number(0))[2]["found"].startswith("there is no such number")
    left = call(config, people.HANGS_UP.number(1))
    assert (left[1][-1], left[2]["state"]) == ("hung up there", "warning")
    assert list((pbx.folder / "spool" / "recording").iterdir()) == [], "nothing is kept"
    (pbx.folder / "spool" / "recording").rmdir()
    try:
        finding = call(config, people.PROMPT.number(9))[2]
    finally:
        (pbx.folder / "spool" / "recording").mkdir()
    assert (finding["state"], "astspooldir" in finding["cure"]) == ("failed", True), finding


def test_a_trunk_that_is_dead_is_told_by_the_test_call(pbx: Asterisk, config: Path) -> None:
    dead = f'[telephony.asterisk.trunks.dead]\ndial = "PJSIP/{{digits}}@{DEAD_TRUNK}"'
    _, _, finding = call(write(config.parent, pbx, ring=2, asterisk=dead), people.PROMPT.number(6))
    assert finding["found"].startswith("it never rang: the trunk does not let it through")
    typo = '[telephony.asterisk.trunks.typo]\ndial = "PJSIP/{digits}@trnk"'
    ended, stages, finding = call(write(config.parent, pbx, asterisk=typo), people.PROMPT.number(6))
    assert (ended.code, stages[1:]) == (1, [])
    assert "cannot be called" in finding["found"]


def test_a_customer_is_never_called_and_nobody_without_a_yes(pbx: Asterisk, network: Network, config: Path) -> None:
    customer, other = people.PROMPT.number(7), people.PROMPT.number(8)
    database = open_database(load(config).database_url)
    owe(database, [customer])
    database.close()
    before = len(network.calls())
    refused = contactd("doctor", "--echo", customer, "--yes", "--config", config)
    assert (refused.code, "customers are called by the rules only" in refused.err) == (4, True), refused
    unasked = contactd("doctor", "--echo", other, "--config", config)
    assert unasked.code == 1
    assert f"{other} will ring (PJSIP/{other[1:]}@trunk). Call?" in unasked.err
    foreign = '[telephony.asterisk.trunks.abroad]\nprefixes = ["+43"]'
    unserved = contactd("doctor", "--echo", other, "--yes", "--config", write(config.parent, pbx, asterisk=foreign))
    assert (unserved.code, "no trunk of [telephony.asterisk] serves this number" in unserved.err) == (1, True)
    unknown = contactd("doctor", "--echo", "zoe", "--yes", "--config", config)
    assert (unknown.code, "no agent has that name" in unknown.err) == (2, True)
    assert len(network.calls()) == before
