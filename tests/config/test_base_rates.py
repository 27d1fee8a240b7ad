"""The table of base rates as a file: the shipped one is whole, and what is wrong with another is told with its line."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from contactd.config.base_rates import load_base_rates, parse_base_rates
from contactd.config.load import inspect, load, load_defaults
from contactd.domain.errors import ConfigError

HEAD = "valid_from,percent\n"


def refused(text: str) -> str:
    """Read a text that is no table and answer what is said about it."""
    with pytest.raises(ConfigError) as caught:
        parse_base_rates(text, "b.csv")
    return str(caught.value)


def test_the_shipped_table_knows_every_half_year_from_2002_to_the_end_of_2026() -> None:
    rates = load_base_rates(load_defaults().base_rates_path)
    assert len(rates.rows) == 50
    assert (rates.covered_from, rates.covered_until) == (date(2002, 1, 1), date(2026, 12, 31))


# Announced by the Bundesbank; the half-years in which something changed its direction, and those others got wrong.
@pytest.mark.parametrize(
    ("day", "percent"),
    [
        ("2002-01-01", "2.57"),
        ("2003-12-31", "1.22"),
        ("2008-06-30", "3.32"),
        ("2009-07-01", "0.12"),
        ("2011-07-01", "0.37"),
        ("2011-12-31", "0.37"),
        ("2012-01-01", "0.12"),
        ("2013-01-01", "-0.13"),
        ("2016-07-01", "-0.88"),
        ("2018-07-01", "-0.88"),
        ("2022-12-31", "-0.88"),
        ("2023-01-01", "1.62"),
        ("2024-06-30", "3.62"),
        ("2024-07-01", "3.37"),
        ("2026-06-30", "1.27"),
        ("2026-12-31", "1.52"),
    ],
)
def test_the_shipped_table_gives_the_rate_of_the_day(day: str, percent: str) -> None:
    assert load_base_rates(load_defaults().base_rates_path).percent_on(date.fromisoformat(day)) == Decimal(percent)


def test_since_2009_the_base_rate_is_what_the_central_bank_asks_for_less_a_fixed_distance() -> None:
    # Main refinancing rate of the ECB at each change since; the base rate moves by as many points (§247(1) BGB).
    refinancing = {
        "2009-07-01": "1.00", "2011-07-01": "1.25", "2012-01-01": "1.00", "2013-01-01": "0.75", "2013-07-01": "0.50",
        "2014-01-01": "0.25", "2014-07-01": "0.15", "2015-01-01": "0.05", "2016-07-01": "0.00", "2023-01-01": "2.50",
        "2023-07-01": "4.00", "2024-01-01": "4.50", "2024-07-01": "4.25", "2025-01-01": "3.15", "2025-07-01": "2.15",
    }  # fmt: skip
    rates = load_base_rates(load_defaults().base_rates_path)
    for day, percent in refinancing.items():
        assert rates.percent_on(date.fromisoformat(day)) == Decimal(percent) - Decimal("0.88"), day


def test_remarks_blank_lines_and_blanks_are_for_the_reader(tmp_path: Path) -> None:
    path = tmp_path / "rates.csv"
    path.write_bytes("﻿# ours\r\n\r\n valid_from, percent\r\n2026-01-01, 1.27\r\n# new\r\n2026-07-01,+1.52\r\n".encode())
    assert [row.percent for row in load_base_rates(path).rows] == [Decimal("1.27"), Decimal("1.52")]


def test_every_row_that_cannot_be_read_is_told_with_its_line_and_cure() -> None:
    rows = "2026-01-01;1.27\n2026-07-01,1,52\n01.01.2027,1.5\n2027-13-01,1.5\n2027-07-01,1.5 %\n"
    assert refused(f"# ours\n{HEAD}{rows}").splitlines() == [
        "b.csv:3: '2026-01-01;1.27' is no row; write a day and a rate with a point, like 2026-07-01,1.52",
        "b.csv:4: '2026-07-01,1,52' is no row; write a day and a rate with a point, like 2026-07-01,1.52",
        "b.csv:5: valid_from: '01.01.2027' is no day; write it like 2026-07-01",
        "b.csv:6: valid_from: '2027-13-01' is no day; write it like 2026-07-01",
        "b.csv:7: percent: '1.5 %' is no rate in percent; write it like 1.52 or -0.88",
    ]


def test_a_gap_and_a_row_out_of_place_are_told_with_the_line_of_the_file() -> None:
    text = f"{HEAD}2017-07-01,-0.88\n2018-01-01,-0.88\n# 2018-07-01 was forgotten here\n2019-01-01,-0.88\n"
    cure = "every half-year needs its row, even when the rate did not change"
    assert refused(text) == f"b.csv:5: 2018-07-01 is missing before 2019-01-01; {cure}"
    assert refused(f"{HEAD}2026-07-02,1.52\n").startswith("b.csv:2: 2026-07-02 begins no half-year; ")


@pytest.mark.parametrize("text", ["", "# nothing\n", "2026-07-01,1.52\n"])
def test_a_file_without_the_names_of_its_columns_is_refused(text: str) -> None:
    assert refused(text) == "b.csv:1: must begin with the line valid_from,percent"


def test_a_table_without_a_row_is_refused() -> None:
    assert refused(f"# ours\n{HEAD}").startswith("b.csv:2: the table is empty; ")


def test_a_file_that_is_missing_is_refused_in_plain_words(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.csv: cannot be read: no such file or directory"):
        load_base_rates(tmp_path / "gone.csv")


def test_a_table_of_ones_own_is_read_instead_of_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "rates.csv").write_text("valid_from,percent\n2026-07-01,1.52\n2027-01-01,1.27\n")
    (tmp_path / "contactd.toml").write_text('[claims]\nbase_rates = "rates.csv"\n')
    settings = load(tmp_path / "contactd.toml")
    assert load_base_rates(settings.base_rates_path).covered_until == date(2027, 6, 30)


def test_a_bad_table_of_ones_own_refuses_the_configuration_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "rates.csv").write_text("valid_from,percent\n2026-07-01,1.52\n2027-07-01,1.27\n")
    (tmp_path / "contactd.toml").write_text('[claims]\nbase_rates = "rates.csv"\n')
    [problem] = inspect(tmp_path / "contactd.toml").findings.errors
    assert (problem.file, problem.line) == (str(tmp_path / "rates.csv"), 3)


def test_a_changed_table_comes_into_force_with_the_configuration_that_is_loaded_next(tmp_path: Path) -> None:
    table, path = tmp_path / "rates.csv", tmp_path / "contactd.toml"
    table.write_text("valid_from,percent\n2026-07-01,1.52\n")
    path.write_text('[claims]\nbase_rates = "rates.csv"\n')
    settings = load(path)
    assert settings.base_rates.percent_on(date(2026, 12, 1)) == Decimal("1.52")
    table.write_text("valid_from,percent\n2026-07-01,1.27\n")
    assert settings.base_rates.percent_on(date(2026, 12, 1)) == Decimal("1.52")
    assert load(path).base_rates.percent_on(date(2026, 12, 1)) == Decimal("1.27")
