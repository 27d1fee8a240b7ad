"""Tables of reports: the same values as records and as plain lines."""

from datetime import date

from contactd.domain.money import Money
from contactd.domain.report_table import share, table

MADE = table(
    "made", "month:month kind:word amount:money rate:share day:day late:flag",
    iter([(date(2026, 10, 1), "plan", Money(1_050, "EUR"), 0.5, date(2026, 10, 2), True),
          ("all", "promise", Money(5, "JPY"), None, None, False)]),
)  # fmt: skip


def test_records_go_by_the_names_of_the_columns() -> None:
    assert MADE.records()[0] == {
        "month": "2026-10", "kind": "plan", "amount": Money(1_050, "EUR"), "rate": 0.5, "day": date(2026, 10, 2),
        "late": True,
    }  # fmt: skip


def test_lines_are_exact_and_the_same_in_every_language() -> None:
    assert list(MADE.lines()) == [
        ["month", "kind", "amount", "rate", "day", "late"],
        ["2026-10", "plan", "10.50", "0.5", "2026-10-02", "true"],
        ["all", "promise", "5", "", "", "false"],
    ]


def test_of_nothing_there_is_no_share() -> None:
    assert (share(1, 3), share(0, 3), share(0, 0)) == (0.333333, 0.0, None)


def test_columns_and_rows_can_be_chosen() -> None:
    assert list(MADE.cut("rate month gone").lines()) == [["rate", "month"], ["0.5", "2026-10"], ["", "all"]]
    assert [row[1] for row in MADE.where(month="2026-10", kind="plan").rows] == ["plan"]
    assert MADE.where(month="2026-11").rows == ()
