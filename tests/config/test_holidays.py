"""Public holidays by the names people write, and a suggestion for those that are none."""

from datetime import date

import pytest

from contactd.config.holidays import every_region, names, regions


def test_a_region_has_the_holidays_of_its_country_and_its_own() -> None:
    found = regions(["DE", "DE-BY", "US", "GB-ENG"], [2026])
    assert date(2026, 10, 3) in found["DE"]
    assert date(2026, 1, 6) not in found["DE"]
    assert found["DE"] < found["DE-BY"]
    assert date(2026, 1, 6) in found["DE-BY"]
    assert date(2026, 7, 4) in found["US"]
    assert date(2026, 8, 31) in found["GB-ENG"]


def test_only_the_years_asked_for_are_known() -> None:
    assert {day.year for day in regions(["DE"], [2026, 2027])["DE"]} == {2026, 2027}
    assert {day.year for day in regions(["DE"], iter([2026]))["DE"]} == {2026}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("UK", "; did you mean 'GB'?"),
        ("de", "; did you mean 'DE'?"),
        ("de_by", "; did you mean 'DE-BY'?"),
        ("Bayern", "; did you mean 'DE-BY'?"),
        ("GB-EN", "; did you mean 'GB-ENG'?"),
        ("DE-BYY", "; did you mean 'DE-BY'?"),
        ("XX", "; write it like 'DE', 'DE-BY' or 'US'"),
    ],
)
def test_an_unknown_region_is_refused_with_a_suggestion(name: str, hint: str) -> None:
    with pytest.raises(ValueError) as refused:
        regions(["DE", name], [2026])
    assert str(refused.value) == f"{name!r} is no country or region with known holidays{hint}"


def test_every_region_is_worked_out_when_it_is_asked_for() -> None:
    everything = every_region(range(2025, 2028))
    assert everything["DE-BY"] == regions(["DE-BY"], [2025, 2026, 2027])["DE-BY"]
    assert everything.get("ZZ") is None
    assert set(everything) == names()
    assert len(everything) == len(names()) > 200
