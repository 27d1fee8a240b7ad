"""Scripts: the shipped ones are whole, and every mistake of one's own is told with file, line and cure."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from contactd.cli.main import cli
from contactd.config.load import inspect, load, load_defaults
from contactd.config.scripts import AGREED, CONFIDENTIAL, FOLDER, PUBLIC, ScriptFile, filled, script_for
from contactd.config.shipped import defaults_directory
from contactd.domain.call import Disposition
from contactd.domain.conversation import Step
from contactd.domain.errors import ConfigError

GERMAN = (defaults_directory() / "config" / FOLDER / "de.toml").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / FOLDER).mkdir()
    (tmp_path / "campaigns.d").mkdir()
    (tmp_path / "contactd.toml").write_text("", encoding="utf-8")
    return tmp_path


def broken(folder: Path, old: str, new: str) -> list[str]:
    """Change the German script, and answer what is said about it, without the folder."""
    assert old in GERMAN
    (folder / FOLDER / "de.toml").write_text(GERMAN.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(folder / "contactd.toml")
    return str(caught.value).replace(f"{folder}/", "").splitlines()


def line_of(words: str) -> int:
    return GERMAN[: GERMAN.index(words)].count("\n") + 1


def test_the_shipped_scripts_have_words_for_every_step_and_outcome_in_both_languages() -> None:
    scripts = load_defaults().scripts
    assert sorted(scripts) == ["de", "en"]
    for script in scripts.values():
        assert set(type(script.steps).model_fields) == set(Step)
        assert set(type(script.outcomes).model_fields) == set(Disposition) | {"settlement", "deferral"}


def test_a_script_of_ones_own_takes_the_place_of_the_shipped_one(folder: Path) -> None:
    own = GERMAN.replace("Guten Tag, mein Name", "Moin, mein Name")
    (folder / FOLDER / "anything.toml").write_text(own, encoding="utf-8")
    scripts = load(folder / "contactd.toml").scripts
    assert scripts["de"].steps.identify.startswith("Moin")
    assert scripts["en"].steps.identify.startswith("Good morning")


def test_a_language_is_looked_for_with_its_region_then_without_then_english() -> None:
    scripts = load_defaults().scripts
    assert script_for(scripts, "de-AT") is scripts["de"]
    assert script_for(scripts, "fr", "de") is scripts["de"]
    assert script_for(scripts, "fr") is script_for(scripts) is scripts["en"]


@pytest.mark.parametrize(
    ("old", "new", "place", "said"),
    [
        ("{customer}?", "{costumer}?", "steps.identify", '{costumer} is not filled in; did you mean "customer"?'),
        ("Spreche ich mit {customer}", "Es geht um {open}", "steps.identify",
         "{open} tells what is owed to somebody who is not identified; remove it"),
        ("Hallo?", "Hallo? {account}", "people.nobody",
         "{account} tells what is owed to somebody who is not identified; remove it"),
        ("Ich rufe Sie am {callback}", "Sie schulden {open}, {callback}", "outcomes.callback",
         "{open} tells what is owed to somebody who is not identified; remove it"),
        ("Stimmen Ihre", "{reply_by} Stimmen Ihre", "steps.close",
         "{reply_by} is only known when an outcome is; use it in [outcomes]"),
        ("Stimmen Ihre", "{ Stimmen Ihre", "steps.close", "has a single { or }; write {{ or }} for the sign itself"),
        ("Können Sie die {due}", "Können Sie die {due:>20}", "steps.solution",
         "has more than a word in braces; write it like {open}"),
        ('email = "per E-Mail"', 'email = ""', "ways.email", "is empty; write what is said"),
        ('Auf Wiederhören."\n\n[people]', '[ Auf Wiederhören."\n\n[people]', "steps.close",
         "has a [ or ] without the other, or one pair in another; write it like [ until {day}]"),
        ("Stimmen Ihre", "[Stimmen] Ihre", "steps.close",
         "has no word in braces between [ and ], so it is always said; leave the brackets out"),
    ],
)  # fmt: skip
def test_a_wrong_word_is_told_with_its_line(folder: Path, old: str, new: str, place: str, said: str) -> None:
    assert broken(folder, old, new) == [f"{FOLDER}/de.toml:{line_of(old)}: {place}: {said}"]


# What may be missing: no telephone of the operator, nothing sent, nobody named, no court before paid invoices.
MAY_LACK = ("phone", "way", "reply_by", "by", "court_costs", "oldest_due", "hold_until", "amount")
ALWAYS = dict.fromkeys(sorted((PUBLIC | CONFIDENTIAL | AGREED) - set(MAY_LACK)), "there")


def said_by(script: ScriptFile) -> Iterator[tuple[str, str]]:
    for part in (script.steps, script.people, script.outcomes):
        yield from ((name, getattr(part, name)) for name in type(part).model_fields)


@pytest.mark.parametrize("lacking", [*((name,) for name in MAY_LACK), MAY_LACK, ()], ids=",".join)
@pytest.mark.parametrize("language", ["de", "en"])
def test_no_sentence_that_is_shipped_has_a_gap_whatever_is_not_known(language: str, lacking: tuple[str, ...]) -> None:
    known = ALWAYS | {name: "there" for name in MAY_LACK if name not in lacking}
    needed = {"promise": "amount", "settlement": "amount", "plan": "amount reply_by", "deferral": "hold_until"}
    for name, words in said_by(load_defaults().scripts[language]):
        text = filled(words, known | dict.fromkeys(needed.get(name, "").split(), "there"))
        assert not set("{}[]…") & set(text), name
        assert not re.search(r"  | [.,;:?]|[.,;:][.,;:]|\.\w", text), (name, text)


def test_what_stands_in_brackets_is_said_where_every_word_in_it_is_known() -> None:
    words = "Paid[ by {day}][ to {by} {way}]."
    assert filled(words, {"day": "Friday", "by": "us"}) == "Paid by Friday."
    assert filled(words, {"by": "us", "way": "by post"}) == "Paid to us by post."
    assert filled("{day}", {}) == "…"


def test_every_other_name_is_listed_where_none_is_close(folder: Path) -> None:
    [told] = broken(folder, 'email = "per E-Mail"', 'email = "{zzz}"')
    assert told.endswith('{zzz} is not filled in; there is: "agent", "creditor", "customer", "operator", "phone"')


def test_a_missing_step_is_told_with_the_line_of_its_table(folder: Path) -> None:
    close = next(line for line in GERMAN.splitlines() if line.startswith("close = "))
    assert broken(folder, f"{close}\n", "") == [
        f"{FOLDER}/de.toml:{line_of('[steps]')}: steps.close: is missing; it has no default"
    ]


def test_a_language_has_one_file(folder: Path) -> None:
    (folder / FOLDER / "a.toml").write_text(GERMAN, encoding="utf-8")
    [told] = broken(folder, "Guten Tag", "Moin")
    assert f'"de" is already the language of {folder}'.replace(f"{folder}", "") in told


def test_a_campaign_whose_agents_have_no_words_is_warned_of(folder: Path) -> None:
    step = '[[step]]\nid = "appel"\nday = 3\nchannel = "call"\n'
    campaign = f'id = "relance"\nlanguage = "fr"\ntimezone = "Europe/Paris"\n{step}'
    (folder / "campaigns.d" / "relance.toml").write_text(campaign, encoding="utf-8")
    warnings = [str(one) for one in inspect(folder / "contactd.toml").findings.warnings]
    told = 'agents have no words in "fr": write scripts.d/fr.toml; until then English'
    assert f"{folder}/campaigns.d/relance.toml:2: language: {told}" in warnings


def test_the_command_line_says_it_too(folder: Path) -> None:
    (folder / FOLDER / "de.toml").write_text(GERMAN.replace("{agent}", "{agnet}"), encoding="utf-8")
    result = CliRunner().invoke(cli, ["check", "--config", str(folder / "contactd.toml")])
    assert result.exit_code == 3
    assert '{agnet} is not filled in; did you mean "agent"?' in result.output
