"""The meeting in the shipped campaign: commented out, and right once the marks are taken away."""

import re
from datetime import datetime
from pathlib import Path

from contactd.config.load import inspect
from contactd.domain.account import Kind
from contactd.domain.money import Money
from contactd.domain.scenario import Found, Given, expected_step

CAMPAIGN = Path(__file__).parents[2] / "config" / "campaigns.d" / "geschaeftskunden.toml"


def test_the_meeting_of_the_sample_campaign_comes_first_for_those_it_is_for(tmp_path: Path) -> None:
    (tmp_path / "campaigns.d").mkdir()
    shown = re.sub("^#(?! )", "", CAMPAIGN.read_text(encoding="utf-8"), flags=re.MULTILINE)
    (tmp_path / "campaigns.d" / "a.toml").write_text(shown, encoding="utf-8")
    (tmp_path / "contactd.toml").write_text('[operator]\nname = "Werke"\n[agents.anna]\n', encoding="utf-8")
    found = inspect(tmp_path / "contactd.toml")
    assert (found.findings.errors, found.findings.warnings) == ([], [])
    [one] = found.campaigns
    at = datetime.fromisoformat("2026-12-01T10:00")
    for segment, step in {"government": "termin", "": "anruf"}.items():
        given = Given(Money.parse("900.00 EUR"), 5, phone=True, kind=Kind.BUSINESS, segment=segment)
        assert expected_step(one.campaign, given, one.policy, at) == Found(step)
