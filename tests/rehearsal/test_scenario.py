"""Scenarios: what is shipped can be used, and what is wrong is told with its line and its cure."""

from pathlib import Path

import pytest

from contactd.domain.errors import ConfigError
from contactd.rehearsal.scenario import Scenario, find, load, shipped

WANTED = {
    "reference", "drifting", "few-answers", "many-answers", "long-talks", "coming-and-going", "two-campaigns",
    "wrong-detection", "carrier-trouble", "cold-start",
}  # fmt: skip


def test_every_condition_that_is_compared_is_shipped() -> None:
    assert set(shipped()) >= WANTED


@pytest.mark.parametrize("name", sorted(shipped()))
def test_a_shipped_scenario_says_what_it_is_about(name: str) -> None:
    path = find(name)
    assert load(path).text
    assert path.read_text("utf-8").startswith("# ")


def test_the_reference_writes_the_defaults_out() -> None:
    reference = load(find("reference"))
    assert reference.model_copy(update={"text": ""}) == Scenario()


def test_a_file_of_ones_own_goes_before_a_shipped_scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "drifting").write_text("agents = 3\n")
    monkeypatch.chdir(tmp_path)
    assert load(find("drifting")).agents == 3


def test_a_misspelt_scenario_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match='did you mean "drifting"'):
        find("driftin")
    with pytest.raises(ConfigError, match="shipped are carrier-trouble, "):
        find("zzz")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("agents = 5\nhuors = 3\n", '2: huors: unknown key; did you mean "hours"?'),
        ('[[campaign]]\nmode = "predictiv"\n', '2: campaign[1].mode: "predictiv" is not known here; did you mean'),
        ('[talk]\nmean = "3 min"\n', '2: talk.mean: "3 min" is no duration'),
        ('[ring]\nleast = "30 seconds"\n', "1: ring: must have least <= most <= gives_up"),
        ("[[campaign]]\n[[campaign]]\n", "1: campaign: every campaign needs an id of its own"),
        ("campaign = []\n", "1: campaign: is missing; add at least one [[campaign]]"),
        ("agents = \n", "1: is no TOML"),
    ],
)
def test_a_broken_file_is_refused_with_line_and_cure(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        load(path)
    assert f"{path}:{complaint}" in str(refused.value)
