"""`contactd simulate dialer` as it is typed: figures for people and for programs, and what it says to wrong words."""

from pathlib import Path

from tests.acceptance.program import contactd

SHARES = {"utilisation", "abandonment", "worst_hour_abandonment"}
SHORT = ("--agents", "4", "--hours", "0.2")


def test_a_day_is_told_in_fractions_to_programs_and_is_the_same_again() -> None:
    first = contactd("simulate", "dialer", *SHORT, "--seed", "7", "--json")
    again = contactd("simulate", "dialer", *SHORT, "--seed", "7", "--json")
    assert (first.code, first.err) == (0, "")
    told, repeated = first.json(), again.json()
    assert all(0 <= told[name] <= 1 for name in SHARES)
    assert (told["agents"], told["hours"], told["seed"]) == (4, 0.2, 7)
    assert told.pop("speedup") > 0
    assert repeated.pop("speedup") > 0
    assert told == repeated


def test_people_are_shown_a_table() -> None:
    shown = contactd("simulate", "dialer", "progressive", *SHORT)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith("4 agents, 0.2 hours, seed 1\nThe reference, one call for each free agent")
    assert "abandoned of answered" in shown.out
    assert "times as fast as the clock on the wall" in shown.out


def test_the_scenarios_that_come_along_are_listed() -> None:
    listed = contactd("simulate", "dialer", "--list")
    assert "drifting " in listed.out
    assert contactd("simulate", "dialer", "--list", "--json").json()["cold-start"].startswith("The first hour")


def test_a_broken_scenario_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('agents = 4\n[talk]\nmaen = "3 minutes"\n')
    refused = contactd("simulate", "dialer", path)
    assert (refused.code, refused.out) == (3, "")
    assert refused.err == f'contactd: {path}:3: talk.maen: unknown key; did you mean "mean"?\n'


def test_a_scenario_that_is_not_there_is_refused() -> None:
    refused = contactd("simulate", "dialer", "driftin")
    assert refused.code == 3
    assert 'did you mean "drifting"?' in refused.err


def test_a_year_is_lived_through_and_every_check_is_printed(tmp_path: Path) -> None:
    config = Path(__file__).parents[2] / "config" / "contactd.toml"
    few = ("--days", "20", "--accounts", "8", "--config", config)
    lived = contactd("simulate", "mahnung-standard", *few, cwd=tmp_path)
    assert (lived.code, lived.err) == (0, "")
    assert lived.out.startswith("20 days, 8 accounts, seed 1: mahnung-standard\n")
    assert "accounts whose state `why` explains: ok" in lived.out
    told = contactd("simulate", "year", "mahnung-standard", *few, "--json", cwd=tmp_path).json()
    assert told["good"] is True
    assert all(not check["wrong"] for check in told["checks"])
    assert list(tmp_path.iterdir()) == []  # nothing of the operator's is touched


def test_a_campaign_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    config = Path(__file__).parents[2] / "config" / "contactd.toml"
    wrong = contactd("simulate", "mahnung", "--config", config, cwd=tmp_path)
    assert wrong.code == 2
    there = "behoerden-grosskunden, geschaeftskunden, mahnung-standard"
    assert f"there is no campaign 'mahnung'; there is {there}" in wrong.err
