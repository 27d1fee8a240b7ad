"""The report on a comparison at the command line: figures, test, plain words in two languages, what cannot be told."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contactd.config.load import load
from contactd.domain.comparison import Share, compare
from contactd.engine.ladder.book import Book
from contactd.engine.ladder.planner import Planner
from contactd.store import arms
from contactd.store.database import open_database
from tests.acceptance.program import contactd

CAMPAIGN = """\
id = "standard"
[[arm]]
id = "mail"
share = "50 %"
[[arm]]
id = "out"
share = "50 %"
hold_out = true
[[step]]
id = "reminder"
day = 3
channel = "email"
template = "erinnerung"
"""
HEAD = "account_no,creditor,name,language,country,email,invoice_no,invoice_date,due_date,amount,open,currency\n"
DRAWN = datetime(2026, 3, 2, 9, tzinfo=UTC)
PEOPLE = 120


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Draw lots on 2 March; half of those who were written to pay, and one in five of the others."""
    folder = tmp_path_factory.mktemp("arms")
    (folder / "campaigns.d").mkdir()
    (folder / "campaigns.d" / "standard.toml").write_text(CAMPAIGN)
    path = folder / "contactd.toml"
    path.write_text('[operator]\nname = "Musterstadtwerke GmbH"\n[intake]\npayments_max_age = "3650 days"\n')
    people = range(1, PEOPLE + 1)
    rows = [
        f"K-{one},acme,Kunde {one},de,DE,k{one}@example.com,R-{one},2026-01-01,2026-02-01,100.00,100.00,EUR\n"
        for one in people
    ]
    (folder / "accounts.csv").write_text(HEAD + "".join(rows))
    (folder / "payments.csv").write_text("creditor,account_no,invoice_no,amount,currency,value_date,reference\n")
    assert contactd("migrate", "--config", path).code == 0
    for kind in ("accounts", "payments"):
        assert contactd("import", kind, folder / f"{kind}.csv", "--config", path).code == 0
    settings = load(path)
    database = open_database(settings.database_url)
    planner = Planner(database, Book(settings.campaigns, settings.policies), horizon=timedelta(hours=24))
    planner.plan("standard", DRAWN)
    with database.snapshot() as connection:
        lots = {one.account_id: one.arm for one in arms.everyone(connection, "standard", "")}
    database.close()
    paid = [one for arm, every in (("mail", 2), ("out", 5)) for one in [k for k in lots if lots[k] == arm][::every]]
    with (folder / "payments.csv").open("a") as file:
        file.writelines(f"acme,K-{one},R-{one},100.00,EUR,2026-03-09,p{one}\n" for one in paid)
    assert contactd("import", "payments", folder / "payments.csv", "--config", path).code == 0
    return path


def test_the_report_says_who_paid_and_whether_that_is_more_than_chance(config: Path) -> None:
    told = contactd("report", "arms", "standard", "--as-of", "2026-04-02", "--json", "--config", config).json()
    out, mail = told["arms"]
    assert (told["control"], told["window_days"], out["hold_out"]) == ("out", 30, True)
    assert out["customers"] + mail["customers"] == PEOPLE
    for arm, every in ((out, 5), (mail, 2)):
        assert arm["paid_fully"] == -(-arm["customers"] // every)
        assert arm["amounts"][0]["recovered"] == {"amount": f"{arm['paid_fully']}00.00", "currency": "EUR"}
    compared, shares = mail["comparison"], (mail["rate"], out["rate"])
    exact = compare(Share(mail["paid_fully"], mail["customers"]), Share(out["paid_fully"], out["customers"]))
    assert (compared["p"], compared["low"], compared["high"]) == (exact.p, exact.low, exact.high)
    assert compared["difference"] == pytest.approx(shares[0] - shares[1])
    assert (compared["test"], compared["p"] < 0.01, compared["too_few"]) == ("z", True, True)
    words = contactd("report", "arms", "standard", "--as-of", "2026-04-02", "--config", config).out
    assert "mail: more customers paid than with out" in words
    assert "mail: mehr Kunden haben gezahlt als bei out" in words
    assert "Too few customers for a difference of 5.0 points" in words


def test_who_has_days_left_is_provisional(config: Path) -> None:
    told = contactd("report", "arms", "standard", "--as-of", "2026-04-01", "--json", "--config", config).json()
    assert [arm["customers"] for arm in told["arms"]] == [0, 0]
    assert sum(arm["provisional"] for arm in told["arms"]) == PEOPLE
    words = contactd("report", "arms", "standard", "--as-of", "2026-04-01", "--config", config).out
    assert "nothing can be said yet" in words
    short = ("--window", "5", "--as-of", "2026-04-01", "--config", config)  # nobody has paid by then
    assert "Unterschied zu out nachgewiesen (0,0 % gegen 0,0 %" in contactd("report", "arms", "standard", *short).out


def test_a_campaign_without_arms_has_nothing_to_compare(config: Path) -> None:
    ended = contactd("report", "arms", "other", "--config", config)
    assert (ended.code, "campaigns with arms: standard" in ended.err) == (2, True)


def test_why_and_the_log_name_the_arm(config: Path) -> None:
    logged = contactd("log", "K-1", "--config", config).out
    assert "arm_drawn" in logged
    told = contactd("why", "K-1", "--json", "--config", config).json()[0]
    assert told["arm"]["id"] in logged


def test_plan_tells_who_is_taken_up_by_no_campaign(config: Path) -> None:
    file = config.parent / "campaigns.d" / "standard.toml"
    whole = file.read_text()
    file.write_text(whole + '[select]\nsegments = ["small"]\n')
    try:
        told = contactd("plan", "--json", "--config", config).json()[-1]
        words = contactd("plan", "--config", config).out
        why = contactd("why", "K-2", "--config", config).out
    finally:
        file.write_text(whole)
    (row,) = told["left_out"]
    assert (row["kind"], row["segment"], row["count"] > 0) == ("consumer", "", True)
    assert f"no campaign takes up {row['count']} consumer accounts of no segment: {row['open']['amount']} EUR" in words
    assert "not standard: segments (none)" in why
