"""The tables of reports as JSON and CSV, the same for the command line and for downloads."""

import csv
import io
import json
from collections.abc import Iterable
from datetime import date

from contactd.domain.money import Money
from contactd.domain.report_table import Table
from contactd.domain.spreadsheet import harmless


def as_csv(table: Table) -> str:
    """Write a table with a header, by commas; shares from 0 to 1, amounts in the currency of their row."""
    held = io.StringIO()
    csv.writer(held, lineterminator="\n").writerows([harmless(text) for text in line] for line in table.lines())
    return held.getvalue()


def as_json(tables: Iterable[Table]) -> str:
    """Write tables as one document: the name of each with its rows."""
    return json.dumps({one.name: one.records() for one in tables}, ensure_ascii=False, indent=2, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, Money):
        return value.as_json()
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"no JSON for {type(value).__name__}")
