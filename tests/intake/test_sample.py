"""The made-up accounts are the same for the same seed, and nobody's."""

import re
from datetime import date
from itertools import pairwise
from pathlib import Path

from contactd.intake.columns import ACCOUNTS
from contactd.intake.profile import own
from contactd.intake.reader import Table
from contactd.intake.sample import DEAD_DOMAIN, PAYMENT_COLUMNS, sample_payments, sample_rows, write_csv

TODAY = date(2026, 11, 23)
FICTION = re.compile(
    r"\+49302312500\d|\+493023125\d{3}|\+496990009\d{3}|\+494066969\d{3}|\+492214710\d{3}|\+498999998\d{3}"
    r"|\+4915228817386|\+4915228895456|\+4915254599371|\+491729925904|\+491729968532|\+491729973185|\+491729973186"
    r"|\+491729980752|\+491749091317|\+491749464308|\+49176040690\d\d|\+447700900\d{3}|\+44207946\d{4}"
)
MAIL = re.compile(rf"[^@]+@(example\.(org|com|net)|{re.escape(DEAD_DOMAIN)})")


def test_the_same_seed_gives_the_same_accounts() -> None:
    assert list(sample_rows(1, 50, TODAY)) == list(sample_rows(1, 50, TODAY))
    assert list(sample_rows(1, 50, TODAY)) != list(sample_rows(2, 50, TODAY))


def test_only_numbers_and_addresses_nobody_has_are_used() -> None:
    rows = list(sample_rows(1, 3_000, TODAY))
    numbers = {row[name] for row in rows for name in ("phone", "mobile")} - {""}
    assert [number for number in numbers if not FICTION.fullmatch(number)] == []
    assert [row["email"] for row in rows if row["email"] and not MAIL.fullmatch(row["email"])] == []


def test_the_accounts_are_a_mixture() -> None:
    rows = list(sample_rows(1, 2_000, TODAY))
    people = {row["account_no"]: row for row in rows}
    assert len(people) == 2_000
    assert 2_800 < len(rows) < 3_200
    assert {row["kind"] for row in rows} == {"consumer", "business"}
    assert {row["language"] for row in rows} == {"de", "en"}
    assert {(row["kind"], row["segment"]) for row in rows} == {
        ("consumer", "private"),
        ("business", "commercial"),
        ("business", "strategic"),
        ("business", "government"),
    }
    without = [row for row in people.values() if not row["email"]]
    dead = [row for row in people.values() if row["email"].endswith(DEAD_DOMAIN)]
    assert 200 < len(without) < 400
    assert 20 < len(dead) < 100
    mobiles = [row["mobile"] for row in people.values() if row["mobile"] and row["language"] == "en"]
    assert len(mobiles) == len(set(mobiles))
    assert all(one["account_no"] <= other["account_no"] for one, other in pairwise(rows))


def test_a_written_sample_is_read_without_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "accounts.csv"
    rows = list(sample_rows(1, 40, TODAY))
    assert write_csv(path, rows) == len(rows)
    with Table(path, own("accounts")) as table:
        assert tuple(table.header) == ACCOUNTS.names
        assert len(list(table.records())) == len(rows)
    paid = list(sample_payments(1, rows, TODAY, 0.5))
    assert write_csv(tmp_path / "payments.csv", paid, PAYMENT_COLUMNS) == len(paid)
    with Table(tmp_path / "payments.csv", own("payments")) as table:
        assert len(list(table.records())) == len(paid)
