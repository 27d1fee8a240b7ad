"""Personas: the shipped ones answer everything in both languages, mistakes are told, and nobody real is beside them."""

from pathlib import Path

import pytest

from contactd.config.load import load, load_defaults
from contactd.config.personas import FOLDER, KNOWN, Question, persona_for
from contactd.config.shipped import defaults_directory
from contactd.domain.errors import ConfigError

GERMAN = (defaults_directory() / "config" / FOLDER / "de.toml").read_text(encoding="utf-8")
PLAYED = '[telephony]\nbackend = "simulated"\n[telephony.simulated]\npersonas = true\n'
TEXT = "reaches beyond this machine, but personas play the customers: take out personas in [telephony.simulated]"


def written(folder: Path, text: str) -> Path:
    """Write a configuration, and answer where it stands."""
    path = folder / "contactd.toml"
    path.write_text(text, encoding="utf-8")
    (folder / "campaigns.d").mkdir(exist_ok=True)
    return path


def refused(folder: Path, text: str) -> list[str]:
    """Answer what is said about a configuration that is refused, without the folder."""
    path = written(folder, text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    return str(caught.value).replace(f"{folder}/", "").splitlines()


def test_the_shipped_personas_answer_every_question_and_prove_who_they_are(tmp_path: Path) -> None:
    personas = load(written(tmp_path, PLAYED)).personas
    assert sorted(personas) == ["de", "en"]
    for cast in personas.values():
        for persona in cast:
            assert all(persona.answer(question) for question in Question)
            for item in KNOWN - {"name"}:
                assert f"{{{item}}}" in persona.answer(Question(item))


def test_customers_are_dealt_out_among_those_of_their_language(tmp_path: Path) -> None:
    personas = load(written(tmp_path, PLAYED)).personas
    german = personas["de"]
    assert [persona_for(personas, "de", number) for number in range(len(german) + 1)] == [*german, german[0]]
    assert persona_for(personas, "fr", 0) is personas["en"][0]


def test_nobody_is_played_unless_it_is_asked_for() -> None:
    assert load_defaults().personas == {}


def test_a_file_of_ones_own_takes_the_place_of_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    own = GERMAN.replace("Kurzarbeit", "Elternzeit")
    (tmp_path / FOLDER / "de.toml").write_text(own, encoding="utf-8")
    personas = load(written(tmp_path, PLAYED)).personas
    assert "Elternzeit" in personas["de"][0].why
    assert "short time" in personas["en"][0].why


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{birth_date}", "{birthdate}", '{birthdate} is not filled in; did you mean "birth_date"?'),
        ("{birth_date}", "{iban}",
         '{iban} is not filled in; there is: "birth_date", "customer_number", "name", "postcode"'),
        ("{birth_date}", "{birth_date", "has a single { or }; write {{ or }} for the sign itself"),
    ],
)  # fmt: skip
def test_a_wrong_word_is_told_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    (tmp_path / FOLDER).mkdir()
    text = GERMAN[: GERMAN.index("{birth_date} geboren")] + GERMAN[GERMAN.index("{birth_date} geboren") :].replace(
        old, new, 1
    )
    (tmp_path / FOLDER / "de.toml").write_text(text, encoding="utf-8")
    line = GERMAN[: GERMAN.index("{birth_date} geboren")].count("\n") + 1
    assert refused(tmp_path, PLAYED) == [f"{FOLDER}/de.toml:{line}: persona[1].birth_date: {said}"]


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("telephony.backend", PLAYED.replace('"simulated"', '"simulated-remote"')),
        ("smtp.host", PLAYED + '[smtp]\nhost = "mail.example"\nsender = "a@mail.example"\n'),
        ("letters.backend", PLAYED + '[letters]\nbackend = "command"\ncommand = ["lp", "{file}"]\n'),
        ("web.bind", PLAYED + '[web]\nbind = "0.0.0.0"\n'),
    ],
)
def test_nobody_is_played_beside_what_reaches_real_people(tmp_path: Path, key: str, text: str) -> None:
    [said] = refused(tmp_path, text)
    assert said.endswith(f"{key}: {TEXT}")


def test_sms_of_a_real_account_are_refused_beside_personas(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a-token-of-no-account", encoding="utf-8")
    sid, sender = "AC" + "0" * 32, "+493023125100"
    text = f'[twilio]\naccount_sid = "{sid}"\nauth_token = {{ file = "token" }}\nfrom = "{sender}"\n'
    assert any(said.endswith(f"sms.backend: {TEXT}") for said in refused(tmp_path, PLAYED + text))


def test_a_mail_catcher_of_this_machine_and_simulated_messages_are_allowed(tmp_path: Path) -> None:
    text = '[smtp]\nhost = "127.0.0.1"\nsender = "a@mail.example"\n[sms]\nbackend = "simulated"\n'
    assert load(written(tmp_path, PLAYED + text)).personas
