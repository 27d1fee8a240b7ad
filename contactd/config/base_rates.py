"""Reads the table of base rates (Basiszinssatz, §247 BGB) from its CSV file; for whoever works out interest.

Columns `valid_from,percent`; empty lines and those that begin with "#" are for the reader. All mistakes are told at
once, each with its line.
"""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

from contactd.config.read import read_text
from contactd.domain.base_rates import BaseRate, BaseRates, faults
from contactd.domain.errors import ConfigError, Problem

HEADER = "valid_from,percent"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_PERCENT = re.compile(r"[+-]?\d{1,3}(?:\.\d{1,4})?")


def load_base_rates(path: Path) -> BaseRates:
    """Load a table or raise ConfigError with every problem in it."""
    return parse_base_rates(read_text(path), str(path))


def parse_base_rates(text: str, name: str) -> BaseRates:
    """Read a table; `name` is what messages call the file. Raises ConfigError with every problem in it."""
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
    if not lines or lines[0][1].replace(" ", "") != HEADER:
        raise ConfigError([Problem(name, lines[0][0] if lines else 1, "", f"must begin with the line {HEADER}")])
    problems: list[Problem] = []
    rows: list[BaseRate] = []
    numbers: list[int] = []
    for number, line in lines[1:]:
        found = _row(line)
        if isinstance(found, BaseRate):
            rows.append(found)
            numbers.append(number)
        else:
            problems.append(Problem(name, number, *found))
    if not problems:  # a row that could not be read would seem to be missing
        problems = [
            Problem(name, numbers[fault.row] if numbers else lines[0][0], "", fault.message) for fault in faults(rows)
        ]
    if problems:
        raise ConfigError(problems)
    return BaseRates(tuple(rows))


def _row(line: str) -> BaseRate | tuple[str, str]:
    """Read a row, or say which column is wrong and how to mend it."""
    cells = [cell.strip() for cell in line.split(",")]
    if len(cells) != 2:  # noqa: PLR2004 - a day and a rate
        return "", f"{line!r} is no row; write a day and a rate with a point, like 2026-07-01,1.52"
    day, percent = cells
    try:
        valid_from = date.fromisoformat(day) if _DAY.fullmatch(day) else None
    except ValueError:
        valid_from = None
    if valid_from is None:
        return "valid_from", f"{day!r} is no day; write it like 2026-07-01"
    if not _PERCENT.fullmatch(percent):
        return "percent", f"{percent!r} is no rate in percent; write it like 1.52 or -0.88"
    return BaseRate(valid_from, Decimal(percent))
