"""MT940 as German banks write it: signs, fields behind question marks, tags cut in two, and files that are broken."""

from datetime import date
from pathlib import Path

import pytest

from contactd.domain.bank import Entry, Statement
from contactd.domain.errors import InputError
from contactd.intake.bank_statements import read_statements
from contactd.intake.mt940_details import read_details
from tests.fakes.bank import OWN, iban, mt940, write

PAYER = iban(7)


def read(path: Path, data: str | bytes) -> tuple[list[Statement], list[Entry]]:
    """Read a file."""
    file = path / "statement.sta"
    if isinstance(data, bytes):
        file.write_bytes(data)
    else:
        write(file, data)
    with read_statements(file) as found:
        return found.statements, list(found.entries())


def test_a_payment_is_read_with_everything_a_bank_says(tmp_path: Path) -> None:
    details = (
        f":86:166?00GUTSCHRIFT?10931?20EREF+E2E-4711?21KREF+NONREF?22MREF+M-1\r\n?23SVWZ+Rechnung RE-2026-08?2415 danke"
        f"?30SOLADES1XXX?31{PAYER}?32Erika Beispiel und So?33hn"
    )
    text = mt940([":61:2603020303CR123,45N166NONREF//B-1", details], closing="C260302EUR1123,45")
    [statement], [one] = read(tmp_path, text)
    assert one._replace(key="", line=0) == Entry(
        "", 0, 0, 12_345, "EUR", date(2026, 3, 3), date(2026, 3, 2), ("Rechnung RE-2026-08", "15 danke"), (),
        "E2E-4711", "M-1", "B-1", "Erika Beispiel und So hn", PAYER,
    )  # fmt: skip
    assert (statement.number, statement.account, statement.currency, statement.format) == ("5", OWN, "EUR", "mt940")
    assert (statement.opening, statement.closing, statement.refused) == (100_000, 112_345, "")


@pytest.mark.parametrize(
    ("mark", "amount", "back"), [("C", 5_000, False), ("D", -5_000, False), ("RC", -5_000, True), ("RD", 5_000, True)]
)
def test_a_reversal_has_the_sign_of_what_it_does(tmp_path: Path, mark: str, amount: int, back: bool) -> None:  # noqa: FBT001 - a row
    closing = f"C260302EUR{1000 + amount // 100},"
    [statement], [one] = read(tmp_path, mt940([f":61:260302{mark}R50,N166NONREF"], closing=closing))
    assert (one.amount, one.takes_back, statement.refused) == (amount, back, "")


def test_a_returned_debit_tells_its_amount_before_charges(tmp_path: Path) -> None:
    line = ":61:2603020302DR53,50N109NONREF//B\r\n/OCMT/EUR50,00//CHGS/EUR3,50/"
    details = ":86:109?00RUECKLASTSCHRIFT?20EREF+E1?21MREF+M1?22SVWZ+RETURN?34914"
    [_], [one] = read(tmp_path, mt940([line, details], closing="C260302EUR946,50"))
    assert (one.amount, one.instructed, one.takes_back, one.code) == (-5_350, 5_000, True, "914")
    details = ":86:109?20EREF+E1?21OAMT+50,00?22SVWZ+RETURN"
    [_], [one] = read(tmp_path, mt940([":61:260302DR53,50N109NONREF", details], closing="C260302EUR946,50"))
    assert one.instructed == 5_000
    line = ":61:260302DR53,50N109NONREF\r\n/OCMT/USD50,00/"
    [_], [one] = read(tmp_path, mt940([line, ":86:109?20OAMT+USD 50"], closing="C260302EUR946,50"))
    assert one.instructed == 0


def test_an_entry_needs_no_details_and_a_payment_may_have_old_ones(tmp_path: Path) -> None:
    lines = [":61:260302C1,N051NONREF", ":61:260302C2,N051KREF", ":86:RECHNUNG RE-2026-0815", ":61:260302C3,N051NONREF"]
    [_], found = read(tmp_path, mt940([*lines, ":NS:free", ":86:late"], closing="C260302EUR1006,"))
    assert [(one.amount, one.lines, one.end_to_end_id) for one in found] == [
        (100, (), ""),
        (200, ("RECHNUNG RE-2026-0815",), "KREF"),
        (300, ("late",), ""),
    ]


@pytest.mark.parametrize(
    ("written", "booked", "valued"),
    [
        ("2601020102", date(2026, 1, 2), date(2026, 1, 2)),
        ("2512311231", date(2025, 12, 31), date(2025, 12, 31)),
        ("2512310102", date(2026, 1, 2), date(2025, 12, 31)),
        ("2601021231", date(2025, 12, 31), date(2026, 1, 2)),
        ("260230", date(2026, 2, 28), date(2026, 2, 28)),
        ("240302    ", date(2024, 3, 2), date(2024, 3, 2)),
        ("2402290229", date(2024, 2, 29), date(2024, 2, 29)),
    ],
)
def test_a_day_of_booking_is_in_the_year_nearest_to_the_value_date(
    tmp_path: Path, written: str, booked: date, valued: date
) -> None:
    [_], [one] = read(tmp_path, mt940([f":61:{written}C1,N051NONREF"], closing="C260302EUR1001,"))
    assert (one.booked_on, one.value_on) == (booked, valued)


def test_pages_are_one_statement(tmp_path: Path) -> None:
    first = mt940([":61:260302C1,N051NONREF"], closing="C260302EUR1001,", number="5/1").replace(":62F:", ":62M:")
    for number in ("5/2", "5"):
        last = mt940([":61:260302C1,N051NONREF"], opening="C260302EUR1001,", closing="C260302EUR1002,", number=number)
        [statement], found = read(tmp_path, first + last.replace(":60F:", ":60M:"))
        assert (statement.opening, statement.closing, statement.refused) == (100_000, 100_200, "")
        assert len({one.key for one in found}) == 2


def test_each_day_is_a_statement_of_its_own(tmp_path: Path) -> None:
    days = mt940([":61:260302C1,N051NONREF"], closing="C260302EUR1001,") + mt940([], number="6")
    statements, found = read(tmp_path, days)
    assert [(one.number, one.refused, one.entries) for one in statements] == [("5", "", 1), ("6", "", 0)]
    assert len(found) == 1


@pytest.mark.parametrize("account", [f"{OWN}EUR", OWN, f"{OWN[:4]} {OWN[4:]}"])
def test_an_account_is_an_iban_where_it_can_be(tmp_path: Path, account: str) -> None:
    assert read(tmp_path, mt940([], account=account))[0][0].account == OWN
    assert read(tmp_path, mt940([], account="12030000/202051"))[0][0].account == "12030000/202051"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_the_encoding_is_told_from_the_bytes(tmp_path: Path, encoding: str) -> None:
    text = mt940([":61:260302C1,N051NONREF", ":86:166?20SVWZ+Gebühr?32Jörg Müller"], closing="C260302EUR1001,")
    [_], [one] = read(tmp_path, text.encode(encoding))
    assert (one.purpose, one.name) == ("Gebühr", "Jörg Müller")


def test_what_stands_around_a_message_is_left_out(tmp_path: Path) -> None:
    wrapped = "{1:F01BANKDEFF}{2:I940}{4:\r\n" + mt940([":61:260302C1,N051NONREF", ":86:x"], closing="C260302EUR1001,")
    [_], [one] = read(tmp_path, wrapped.replace("\r\n-\r\n", "\r\n-}{5:}\r\n"))
    assert one.lines == ("x",)


def test_a_file_may_end_without_a_mark(tmp_path: Path) -> None:
    assert read(tmp_path, mt940([]).removesuffix("-\r\n"))[0][0].refused == ""


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([":61:nonsense"], 'line 5: :61: "nonsense" is no booking; get the file from the bank again'),
        ([":61:261302C1,N051NONREF"], "line 5: :61: month must be in 1..12"),
        ([":62F:C260302USD1,"], "line 5: :62F: is in USD, the statement in EUR; ask the bank"),
        ([":62M:x"], 'line 5: :62M: "x" is no balance'),
        ([":61:260302C1,234N051NONREF"], "finer than the smallest unit"),
    ],
)
def test_a_fault_is_told_with_its_line(tmp_path: Path, lines: list[str], reason: str) -> None:
    [statement], found = read(tmp_path, mt940(lines))
    assert reason in statement.refused
    assert found == []


def test_an_entry_before_the_opening_balance_is_a_fault(tmp_path: Path) -> None:
    text = mt940([]).replace(":60F:", ":61:260302C1,N051NONREF\r\n:60F:")
    assert "stands before the opening balance" in read(tmp_path, text)[0][0].refused


def test_a_file_that_begins_in_the_middle_is_refused(tmp_path: Path) -> None:
    text = mt940([])
    with pytest.raises(InputError, match="line 1: field :25: stands before :20:; get the file from the bank again"):
        read(tmp_path, f":25:{OWN}\r\n{text}")


@pytest.mark.parametrize(
    ("text", "lines", "end", "mandate"),
    [
        ("166?20EREF+E-1?21SVWZ+a", ("a",), "E-1", ""),
        ("166?20ER?21EF+E-?221 ?23SVW?24Z+RE-20?2526", ("RE-20", "26"), "E-1", ""),
        ("166?20EREF+E-1 SVWZ+a MREF+M", ("a",), "E-1", "M"),
        ("166?20EREF+E-1\n?21SVWZ+two\n lines", ("two lines",), "E-1", ""),
        ("166?20no tags?21at all?60more?63end", ("no tags", "at all", "more", "end"), "", ""),
        ("166?20before?21EREF+NOTPROVIDED", ("before",), "", ""),
        ("166?20XEREF+1", ("XEREF+1",), "", ""),
        ("166?20SVWZ+50?45 Euro?99", ("50?45 Euro?99",), "", ""),
        ("166?20KREF+K-1", (), "K-1", ""),
        ("166?20EREF+?21SVWZ+", (), "", ""),
        ("166@20SVWZ+a@21b", ("a", "b"), "", ""),
        ("166?", ("166?",), "", ""),
        ("plain\ntext", ("plain", "text"), "", ""),
        ("", (), "", ""),
    ],
)
def test_the_fields_behind_question_marks_are_taken_apart(
    text: str, lines: tuple[str, ...], end: str, mandate: str
) -> None:
    found = read_details(text)
    assert (found.lines, found.end_to_end_id, found.mandate_id) == (lines, end, mandate)


def test_a_name_and_an_iban_are_kept_apart() -> None:
    found = read_details(f"166?20SVWZ+x?31{PAYER}?32Mueller, Anna")
    assert (found.iban, found.name) == (PAYER, "Mueller, Anna")
    assert read_details("166?31202051?32Anna").iban == ""
    assert read_details(f"166?20IBAN+{PAYER[:9]}?21{PAYER[9:]}?22SVWZ+x").iban == PAYER


def test_a_name_that_fills_its_field_goes_on_without_a_blank() -> None:
    assert read_details(f"166?32{'A' * 27}?33BC").name == f"{'A' * 27}BC"


@pytest.mark.parametrize(
    ("text", "lines", "end", "mandate"),
    [
        ("/EREF/E-1/SVWZ/Rechnung RE-20", ("Rechnung RE-20",), "E-1", ""),
        ("/EREF/E-\n1/MREF/M-1/SVWZ/RE-20\n26 danke", ("RE-20", "26 danke"), "E-1", "M-1"),
        ("/SVWZ/a/b 50/EREF/NOTPROVIDED", ("a/b 50",), "", ""),
        ("/TRTP/SEPA OVERBOEKING/REMI/USTD//RE-2026/EREF/E-2", ("RE-2026",), "E-2", ""),
        ("/REMI/USTD//\nRE-2026/MARF/M-2", ("RE-2026",), "", "M-2"),
        ("/KREF/K-1/SV\nWZ/a", ("a",), "K-1", ""),
        ("/EREF/E-1", (), "E-1", ""),
        ("/no tag/at all", ("/no tag/at all",), "", ""),
    ],
)
def test_tags_between_slashes_are_read_as_well(text: str, lines: tuple[str, ...], end: str, mandate: str) -> None:
    found = read_details(text)
    assert (found.lines, found.end_to_end_id, found.mandate_id) == (lines, end, mandate)


def test_slashes_tell_who_paid_and_what_came_back() -> None:
    found = read_details(f"/IBAN/{PAYER}/NAME/Mueller, Anna/SVWZ/x")
    assert (found.iban, found.name, found.undone) == (PAYER, "Mueller, Anna", False)
    back = read_details("/RTRN/AC04/SVWZ/x/OAMT/EUR12,30")
    assert (back.undone, back.code, back.original) == (True, "AC04", "EUR12,30")
