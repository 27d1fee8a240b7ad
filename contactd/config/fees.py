"""Reads the tables of fees (RVG, GKG) from their CSV file; for whoever works out costs.

Columns `law,valid_from,up_to,step,fee`, euros with a point; empty lines and those that begin with "#" are for the
reader. All mistakes are told at once, each with its line.
"""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from contactd.config.read import read_text
from contactd.domain.errors import ConfigError, Problem
from contactd.domain.fees import Fees, FeeTable, Step, table_of

HEADER = "law,valid_from,up_to,step,fee"
_LEAST = "kv1100"
_LAWS = ("rvg", "gkg", _LEAST)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_EUROS = re.compile(r"\d{1,9}(?:\.\d{1,2})?")


class _Row(NamedTuple):
    law: str
    since: date
    step: Step
    line: int


def load_fees(path: Path) -> Fees:
    """Load the tables or raise ConfigError with every problem in them."""
    return parse_fees(read_text(path), str(path))


def parse_fees(text: str, name: str) -> Fees:
    """Read the tables; `name` is what messages call the file. Raises ConfigError with every problem in it."""
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
    if not lines or lines[0][1].replace(" ", "") != HEADER:
        raise ConfigError([Problem(name, lines[0][0] if lines else 1, "", f"must begin with the line {HEADER}")])
    problems: list[Problem] = []
    rows: list[_Row] = []
    for number, line in lines[1:]:
        found = _row(line, number)
        if isinstance(found, _Row):
            rows.append(found)
        else:
            problems.append(Problem(name, number, *found))
    least = [row for row in rows if row.law == _LEAST]
    if not problems and len(least) != 1:
        problems.append(Problem(name, lines[0][0], "law", f"needs one row {_LEAST}, and has {len(least)}"))
    if problems:
        raise ConfigError(problems)
    return Fees(_table(rows, "rvg", name), _table(rows, "gkg", name), least[0].step.fee)


def _table(rows: list[_Row], law: str, name: str) -> FeeTable:
    mine = [row for row in rows if row.law == law]
    line = mine[0].line if mine else 1
    days = {row.since for row in mine}
    if len(days) > 1:
        known = ", ".join(sorted(day.isoformat() for day in days))
        raise ConfigError([Problem(name, line, "valid_from", f"{law} is of one day, not of {known}; keep the newest")])
    try:
        return table_of(law, min(days, default=date.min), [row.step for row in mine])
    except ValueError as error:
        raise ConfigError([Problem(name, line, "", str(error))]) from error


def _row(line: str, number: int) -> _Row | tuple[str, str]:
    """Read a row, or say which column is wrong and how to mend it."""
    cells = [cell.strip() for cell in line.split(",")]
    if len(cells) != HEADER.count(",") + 1:
        return "", f"{line!r} is no row; write one like rvg,2025-06-01,2000,500,41.50"
    law, day, *amounts = cells
    if law not in _LAWS:
        return "law", f"{law!r} is none of {', '.join(_LAWS)}"
    try:
        since = date.fromisoformat(day) if _DAY.fullmatch(day) else None
    except ValueError:
        since = None
    if since is None:
        return "valid_from", f"{day!r} is no day; write it like 2025-06-01"
    for column, amount in zip(("up_to", "step", "fee"), amounts, strict=True):
        if not _EUROS.fullmatch(amount):
            return column, f"{amount!r} is no amount in euros; write it like 41.50"
    return _Row(law, since, Step(*(int(Decimal(amount) * 100) for amount in amounts)), number)
