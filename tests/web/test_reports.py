"""The reports at their addresses: the same numbers on the page, in files and at the command line; who may see what."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from contactd.cli.report import report as report_verb
from contactd.config.agreements import Agreements
from contactd.config.reports import Reports
from contactd.config.settings import Sections, Settings
from contactd.domain.money import Money
from contactd.domain.role import Role
from contactd.store.database import Database
from contactd.web.report_pages import PAGES
from contactd.web.report_words import COLUMNS, TABLES, WORDS
from tests.clock import MONDAY_TEN
from tests.engine.reported import SETTINGS, five_customers
from tests.engine.reported_year import fill
from tests.web.frame import Frame
from tests.web.people import Entrance, Person

NOW = MONDAY_TEN
PRICES = Reports(cost_letter=Money(120, "EUR"))
# What a page shows of a table is said by the verb with these words.
VERBS = {
    "control": ["control", "--month", "2026-10", "--as-of", "2026-11-23"],
    "contacts": ["contacts", "--from", "2026-10-25", "--to", "2026-11-23"],
    "promises": ["promises", "--from", "2025-11-24", "--to", "2026-11-23"],
    "hours": ["hours", "--from", "2026-08-26", "--to", "2026-11-23"],
}


class Tables(HTMLParser):
    """Reads the tables of a page: of each row the exact values by the names of their columns."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, list[dict[str, str]]] = {}
        self._name = ""
        self._columns: list[str] = []
        self._row: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag says of itself."""
        told = {name: value or "" for name, value in attrs}
        if tag == "table":
            self._name, self._columns = told["data-table"], []
            self.found[self._name] = []
        elif "data-column" in told:
            self._columns.append(told["data-column"])
        elif tag == "tr":
            self._row = []
        elif tag == "data":
            self._row.append(told["value"])

    def handle_endtag(self, tag: str) -> None:
        """Keep a row."""
        if tag == "tr" and self._row:
            self.found[self._name].append(dict(zip(self._columns, self._row, strict=True)))


def tables_of(page: str) -> dict[str, list[dict[str, str]]]:
    reader = Tables()
    reader.feed(page)
    return reader.found


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def plain(value: Any) -> str:  # noqa: ANN401 -- what JSON holds
    """Write a value of JSON as CSV has it."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value["amount"] if isinstance(value, dict) else value)


@pytest.fixture
async def manager(frame: Frame, door: Entrance) -> Person:
    frame.settings = Settings.of(
        Sections(claims=SETTINGS.claims, agreements=Agreements(), reports=PRICES), frame.settings.path
    )
    return await door.person("maria", Role.MANAGER)


def verb(database: Database, folder: Path, *words: str) -> str:
    """Run a verb on the same database."""
    config = folder / "contactd.toml"
    claims, prices = '[claims]\nletters_arrive = "0 days"\n', '[reports]\ncost_letter = "1.20 EUR"\n'
    config.write_text(f'[database]\nurl = "{database.url.replace("+psycopg", "")}"\n{claims}{prices}', encoding="utf-8")
    ended = CliRunner().invoke(report_verb, [*words, "--config", str(config)], catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    return ended.output


def furnish(database: Database, books: str) -> None:
    if books == "five":
        five_customers(database)
    else:
        fill(database, 250, NOW)


def faces(page: str, files: str) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Give each table of a page with the rows of the file that holds all of them."""
    told = json.loads(files)
    source = {"touches": "control"}
    for name, rows in tables_of(page).items():
        whole = [{key: plain(value) for key, value in row.items()} for row in told[source.get(name, name)]]
        yield name, [{column: row[column] for column in rows[0]} for row in whole] if rows else []


@pytest.mark.parametrize("books", ["five", "year"])
@pytest.mark.parametrize("report", [page.name for page in PAGES])
async def test_page_command_line_json_and_csv_give_the_same_numbers(
    frame: Frame, manager: Person, tmp_path: Path, report: str, books: str
) -> None:
    furnish(frame.database, books)
    page = await manager.get(f"/reports/{report}?month=2026-10")
    files = await manager.get(f"/reports/{report}/all.json?month=2026-10")
    assert (page.status, files.status) == (200, 200)
    shown = tables_of(page.text)
    assert any(shown.values())
    for name, rows in faces(page.text, files.text):
        left_out = {"touches", "recovery", "steps"}  # methods only, every seventh day, one month
        assert all(row in rows for row in shown[name]) if name in left_out else shown[name] == rows
    told = json.loads(verb(frame.database, tmp_path, *VERBS[report], "--json"))
    for name, rows in json.loads(files.text).items():
        of_month = [row for row in rows if row.get("month") == "2026-10"]
        assert told[name] == (of_month if report == "control" else rows)
        saved = rows_of((await manager.get(f"/reports/{report}/{name}.csv?month=2026-10")).text)
        assert saved == [{key: plain(value) for key, value in row.items()} for row in rows]
        if report == "control" or not rows:
            continue
        choice = [] if report == "hours" else ["--table", name]
        assert rows_of(verb(frame.database, tmp_path, *VERBS[report], "--csv", *choice)) == saved


async def test_a_control_page_adds_up_and_tells_costs_where_they_are_known(frame: Frame, manager: Person) -> None:
    five_customers(frame.database)
    page = tables_of((await manager.get("/reports/control?month=2026-10")).text)
    rows = {row["row"]: row for row in page["control"]}
    cohort = rows.pop("cohort")
    assert (cohort["customers"], cohort["amount"]) == ("5", "1500.00")
    assert sum(int(row["customers"]) for row in rows.values()) == 5
    assert sum(float(row["amount"]) for row in rows.values()) == 1500.0
    assert rows["letter"]["cost_per_100"] == "0.60"
    assert [row["first_touch_customers"] for row in page["touches"]] == ["0", "2", "1", "0"]


@pytest.mark.parametrize("report", [page.name for page in PAGES])
async def test_a_report_on_nothing_says_so(manager: Person, report: str) -> None:
    page = await manager.get(f"/reports/{report}")
    assert page.status == 200
    assert "Nothing in this time." in page.text
    assert (await manager.get(f"/reports/{report}/hours.svg")).status == 404


async def test_files_are_saved_and_not_opened_and_there_are_no_others(frame: Frame, manager: Person) -> None:
    fill(frame.database, 250, NOW)
    drawn = await manager.get("/reports/contacts/funnel.svg")
    assert (drawn.status, drawn.headers["Content-Type"]) == (200, "image/svg+xml; charset=utf-8")
    assert drawn.headers["Content-Disposition"] == 'attachment; filename="contactd-contacts-funnel.svg"'
    assert "var(" not in drawn.text
    for nothing in ("funnel.pdf", "nothing.csv", "channels.svg", "funnel", "..csv"):
        assert (await manager.get(f"/reports/contacts/{nothing}")).status == 404, nothing


async def test_what_is_asked_for_and_is_not_there_shows_the_usual(frame: Frame, manager: Person) -> None:
    fill(frame.database, 250, NOW)
    for query in ("month=1999-01", "month=<b>", "days=-1", "currency=XXX"):
        page = await manager.get(f"/reports/control?{query}")
        assert page.status == 200
        assert 'value="2026-10" selected' in page.text
    assert 'value="7" selected' in (await manager.get("/reports/contacts?days=7")).text


async def test_debts_and_promises_in_two_currencies_stand_apart(frame: Frame, manager: Person) -> None:
    ledger = five_customers(frame.database)
    ledger.customer(9, 5_000, currency="CHF")
    ledger.promise(9, datetime(2026, 10, 20, 9, tzinfo=UTC), "50.00", datetime(2026, 10, 30, tzinfo=UTC).date())
    for report in ("control", "promises"):
        usual = await manager.get(f"/reports/{report}?month=2026-10")
        assert 'value="EUR" selected' in usual.text
        other = await manager.get(f"/reports/{report}?month=2026-10&currency=CHF")
        assert ("CHF\u00a050.00" in other.text or "CHF50.00" in other.text, "€" in other.text) == (True, False)


async def test_a_supervisor_sees_contacts_and_hours_and_an_agent_nothing(door: Entrance, manager: Person) -> None:
    supervisor, agent = await door.person("sven", Role.SUPERVISOR), await door.person("anna", Role.AGENT)
    landed = [(await person.get("/reports")).headers.get("Location") for person in (manager, supervisor)]
    assert landed == ["/reports/control", "/reports/contacts"]
    seen = {page.name: (await supervisor.get(f"/reports/{page.name}")).status for page in PAGES}
    assert seen == {"control": 403, "contacts": 200, "promises": 403, "hours": 200}
    assert (await supervisor.get("/reports/promises/made.csv")).status == 403
    assert (await agent.get("/reports/hours/hours.csv")).status == (await agent.get("/reports")).status == 403


async def test_every_column_and_every_own_word_of_a_report_has_its_name(frame: Frame, manager: Person) -> None:
    five_customers(frame.database)
    for page in PAGES:
        told = json.loads((await manager.get(f"/reports/{page.name}/all.json?month=2026-10")).text)
        assert set(told) <= set(TABLES)
        columns = {column for rows in told.values() for row in rows for column in row}
        assert columns - set(COLUMNS) <= {"provisional", "unconfirmed"}
        for rows in told.values():
            words = {row[name] for row in rows for name in ("row", "method", "channel", "stage", "kind") if name in row}
            assert words <= set(WORDS)
