"""The tables of fees: sound, or refused with the line and the cure."""

from pathlib import Path

import pytest

from contactd.config.fees import HEADER, load_fees, parse_fees
from contactd.config.load import inspect, load_defaults
from contactd.domain.errors import ConfigError

GOOD = f"""{HEADER}
# courts
gkg,2025-06-01,500,500,40.00
rvg,2025-06-01,2000,500,41.50
rvg,2025-06-01,500,500,51.50
kv1100,2025-06-01,0,0,38.00
"""


def test_rows_may_come_in_any_order() -> None:
    fees = parse_fees(GOOD, "fees.csv")
    assert [row.up_to for row in fees.rvg.steps] == [50_000, 200_000]
    assert (fees.gkg.steps[0].fee, fees.least_order) == (4000, 3800)


def test_the_shipped_tables_are_sound() -> None:
    assert load_fees(load_defaults().fees_path).least_order == 3800


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, f"must begin with the line {HEADER}"),
        (GOOD + "rvg,2025-06-01,1\n", 7, "is no row; write one like"),
        (GOOD + "bgb,2025-06-01,1,1,1\n", 7, "'bgb' is none of rvg, gkg, kv1100"),
        (GOOD + "rvg,2025-13-01,1,1,1\n", 7, "'2025-13-01' is no day"),
        (GOOD + "rvg,1.6.2025,1,1,1\n", 7, "'1.6.2025' is no day"),
        (GOOD + "rvg,2025-06-01,3000,1000,59.5O\n", 7, "'59.5O' is no amount in euros; write it like 41.50"),
        (GOOD + "rvg,2026-06-01,3000,1000,60\n", 4, "rvg is of one day, not of 2025-06-01, 2026-06-01"),
        (GOOD + "rvg,2025-06-01,2000,1000,60\n", 4, "must reach further than 2000"),
        (GOOD.replace("gkg,2025-06-01,500,500,40.00\n", ""), 1, "gkg has no row"),
        (GOOD.replace("kv1100,2025-06-01,0,0,38.00\n", ""), 1, "needs one row kv1100, and has 0"),
    ],
)
def test_what_is_no_table_is_told_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_fees(text, "fees.csv")
    [problem] = caught.value.problems
    assert problem.line == line
    assert words in problem.message


def test_a_table_of_the_operators_own_is_checked_with_the_configuration(tmp_path: Path) -> None:
    path = tmp_path / "contactd.toml"
    path.write_text('[claims]\nfees = "fees.csv"\n')
    (tmp_path / "fees.csv").write_text(GOOD + "rvg,2025-06-01,1\n")
    assert any("is no row" in problem.message for problem in inspect(path).findings.errors)
