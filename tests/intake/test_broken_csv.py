"""Broken lists of accounts and payments, each with the exact words that name row, column and cure."""

from datetime import date
from pathlib import Path

import pytest

from contactd.domain.errors import InputError
from contactd.intake.columns import ACCOUNTS, PAYMENTS
from contactd.intake.profile import own
from contactd.intake.reader import Table
from contactd.intake.records import Record, Rejected
from contactd.intake.rows import account_rows, payment_rows

GOOD = {
    "account_no": "4711",
    "name": "Anna Moosbach",
    "country": "DE",
    "region": "BY",
    "language": "de",
    "kind": "consumer",
    "timezone": "Europe/Berlin",
    "email": "anna@example.org",
    "phone": "030 23125001",
    "mobile": "0172 9925904",
    "birth_date": "24.12.1980",
    "invoice_no": "RE-1",
    "invoice_date": "05.10.2026",
    "due_date": "19.10.2026",
    "amount": "412,80",
    "open": "412,80",
    "currency": "EUR",
}
HEADER = ";".join(GOOD)
WITHOUT_DUE_DATE = HEADER.replace("due_date", "remark")
PROFILE = "name the columns of a foreign list in a profile (--profile)"


def row(**changes: str) -> str:
    """Write a good row with some cells changed."""
    return ";".join({**GOOD, **changes}.values())


def refuse(folder: Path, text: str | bytes, kind: str = "accounts") -> list[str]:
    """Read a list; answers `row: column: reason` of every rejected row, or what is wrong with the file."""
    path = folder / "list.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    profile = own("accounts" if kind == "accounts" else "payments")
    if kind == "accounts":
        rows = account_rows(ACCOUNTS, profile.notation(), "DE", "EUR", today=date(2026, 11, 23)).read
    else:
        rows = payment_rows(PAYMENTS, profile.notation(), "EUR").read  # type: ignore[assignment] # either kind of rows
    found = []
    try:
        with Table(path, profile) as table:
            for item in table.records():
                read = rows(item) if isinstance(item, Record) else item[1]
                if isinstance(read, Rejected):
                    found.append(f"{read.row}: {read.column}: {read.reason}")
    except InputError as error:
        return [str(error).removeprefix(f"{path}: ")]
    return found


BROKEN_FILES = {
    "empty": (b"", "is empty"),
    "blank lines only": (b"\n\n", "has no header"),
    "workbook": (b"PK\x03\x04rest", "is a workbook or a ZIP file; save the sheet as CSV"),
    "old workbook": (b"\xd0\xcf\x11\xe0rest", "is an old Excel workbook; save the sheet as CSV"),
    "compressed": (b"\x1f\x8brest", "is compressed; unpack it first"),
    "pdf": (b"%PDF-1.7", "is a PDF; export the list as CSV"),
    "binary": (
        b"account_no;name\n4711;\x00\n",
        "line 2: has a NUL character in it (UTF-16 without its mark, or no text); save the file as UTF-8",
    ),
    "binary and no encoding": (
        b"account_no;name\n4711;M\xfcller\n\x00\n",
        "line 3: has a NUL character in it (UTF-16 without its mark, or no text); save the file as UTF-8",
    ),
    "no encoding at all": (
        b"account_no;name\n4711;M\xfcller\n4712;\x81\n",
        "line 3: is neither UTF-8 nor Windows-1252; save the file as UTF-8",
    ),
    "misspelt header": (
        f"{HEADER.replace('due_date', 'due_dat')}\n".encode(),
        'line 1: unknown column "due_dat"; did you mean "due_date"?',
    ),
    "column twice": (f"{HEADER};Open\n".encode(), 'line 1: the column "open" stands twice'),
    "no header": (
        b"4711;Anna Moosbach;RE-1;05.10.2026\n",
        (
            "line 1: no column account_no, name, invoice_no, invoice_date, due_date, open or amount; found: "
            f"4711, Anna Moosbach, RE-1, 05.10.2026; {PROFILE}"
        ),
    ),
    "no due date": (
        f"{WITHOUT_DUE_DATE}\n".encode(),
        f"line 1: no column due_date; found: {WITHOUT_DUE_DATE.replace(';', ', ')}; {PROFILE}",
    ),
}

BROKEN_ROWS = {
    "no account": (row(account_no=""), "2: account_no: is empty"),
    "no name": (row(name="  "), "2: name: is empty"),
    "long name": (row(name="A" * 201), "2: name: is longer than 200 characters"),
    "control character": (row(name="An\x07na"), "2: name: has a control character in it"),
    "no invoice": (row(invoice_no=""), "2: invoice_no: is empty"),
    "no such day": (row(due_date="31.02.2026"), '2: due_date: "31.02.2026" is no day of the calendar'),
    "no date": (row(due_date="bald"), '2: due_date: "bald" is no date like yyyy-mm-dd or dd.mm.yyyy'),
    "day or month": (
        row(invoice_date="10/05/2026"),
        '2: invoice_date: "10/05/2026": day or month first? say it in a profile: dates = ["dd/mm/yyyy"]',
    ),
    "far year": (row(due_date="19.10.2206"), '2: due_date: "19.10.2206": the year is not between 1900 and 2099'),
    "birthday": (row(birth_date="24.12."), '2: birth_date: "24.12." is no date like yyyy-mm-dd or dd.mm.yyyy'),
    "no amount": (row(open="offen"), '2: open: "offen" is no amount'),
    "nothing open": (row(open=""), "2: open: is empty"),
    "thousandths": (row(open="0,125"), '2: open: "0,125" is finer than the smallest unit of EUR'),
    "half a cent": (row(open="12,3456"), '2: open: "12,3456" is finer than the smallest unit of EUR'),
    "two signs": (row(open="-5,00-"), '2: open: "-5,00-" has two signs'),
    "foreign amount": (row(open="5,00 USD"), '2: open: "5,00 USD" is in USD, the row in EUR'),
    "thousands astray": (row(open="1.00.000,00"), '2: open: "1.00.000,00" is no amount'),
    "huge": (row(open="99999999999999,00"), '2: open: "99999999999999,00" is too large'),
    "endless": (row(open="9" * 60), f'2: open: "{"9" * 40}…" is too large'),
    "junk after a date": (
        row(due_date="2026-10-19T25:99junk"),
        '2: due_date: "2026-10-19T25:99junk" is no date like yyyy-mm-dd or dd.mm.yyyy',
    ),
    "due before it was billed": (
        row(due_date="04.10.2026"),
        "2: due_date: is before the date of the invoice (2026-10-05)",
    ),
    "not yet born": (row(birth_date="24.12.2080"), '2: birth_date: "24.12.2080" is in the future'),
    "more open than credited": (
        row(amount="-100,00", open="-150,00"),
        "2: open: is more than the amount of the credit note",
    ),
    "an open credit note": (row(amount="-100,00", open="50,00"), "2: open: has another sign than the amount"),
    "nothing billed": (row(amount="0,00", open="-5,00"), "2: open: is more than the amount of the invoice"),
    "more open than billed": (row(open="500,00"), "2: open: is more than the amount of the invoice"),
    "no currency": (
        row(currency="EURO"),
        '2: currency: "EURO" is no currency; write its three-letter code like "EUR" (ISO 4217)',
    ),
    "no kind": (row(kind="private"), '2: kind: "private" is neither consumer nor business'),
    "no country": (
        row(country="Deutschland"),
        '2: country: "DEUTSCHLAND" is no country; write its code like "DE" (ISO 3166-1)',
    ),
    "no region": (row(region="Bayern"), '2: region: "Bayern" is no region; write it like "DE-BY" (ISO 3166-2)'),
    "region elsewhere": (row(region="AT-9"), '2: region: "AT-9" is no region of DE'),
    "no language": (
        row(language="deutsch"),
        '2: language: "deutsch" is no language; write a code like "de", "en" or "de-AT"',
    ),
    "no time zone": (
        row(timezone="Europe/Berlyn"),
        '2: timezone: "Europe/Berlyn" is no time zone; did you mean "Europe/Berlin"?',
    ),
    "no e-mail": (
        row(email="anna@"),
        '2: email: "anna@" is no e-mail address: There must be something after the @-sign.',
    ),
    "two e-mails": (
        row(email="a@example.org, b@example.org"),
        (
            '2: email: "a@example.org, b@example.org" is no e-mail address: '
            "The part after the @-sign contains invalid characters: ',', '@', SPACE."
        ),
    ),
    "long e-mail": (
        row(email="a" * 65 + "@example.org"),
        f'2: email: "{"a" * 65}@example.org" is no e-mail address: more than 64 characters before the @-sign',
    ),
    "no number": (row(phone="auf Anfrage"), '2: phone: "auf Anfrage" is no telephone number'),
    "short number": (row(phone="12345"), '2: phone: "12345" is no possible telephone number: too short'),
    "long number": (
        row(phone="+49 30 231250011234567890"),
        '2: phone: "+49 30 231250011234567890" is no telephone number',
    ),
    "extension": (
        row(phone="+44 20 7946 0001 x 5"),
        '2: phone: "+44 20 7946 0001 x 5" has an extension nobody can dial; write the direct number',
    ),
    "no such country code": (
        row(mobile="+999 12345678"),
        '2: mobile: "+999 12345678" has no country code that is known; write it like +493023125000',
    ),
    "premium number": (row(phone="0900 1234567"), '2: phone: "0900 1234567" is a premium-rate number'),
    "too many cells": (row() + ";1;2", "2: : has 19 cells, the header has 17"),
    "quote inside": (row(name='"Anna" M'), "2: : a quotation mark stands inside a cell; write it twice"),
    "endless cell": (row(name="A" * 140_000), "2: : a cell is longer than 131,072 characters"),
    "number of nowhere": (
        row(mobile="+4930"),
        '2: mobile: "+4930" is no possible telephone number: without its area code',
    ),
    "control in the number": (
        row(account_no="47\x0711"),
        "2: account_no: has a control character in it",
    ),
    "quote open": (row(name='"Anna'), "2: : a quotation mark is never closed"),
    "torn": ("4711;Anna Moosbach;DE;BY", "2: : the file ends in the middle of this row"),
    "invoice twice": (
        f"{row()}\n{row(open='1,00')}",
        '3: invoice_no: "RE-1" of this account stands in row 2 already',
    ),
}

BROKEN_PAYMENTS = {
    "whose": (";;5,00;05.10.2026", "2: invoice_no: is empty, and account_no too: whose payment is it?"),
    "nothing paid": ("RE-1;;;05.10.2026", "2: amount: is empty"),
    "zero paid": ("RE-1;;0,00;05.10.2026", "2: amount: is zero"),
    "no value date": ("RE-1;;5,00;", "2: value_date: is empty"),
}


@pytest.mark.parametrize(("text", "message"), BROKEN_FILES.values(), ids=BROKEN_FILES)
def test_a_file_of_no_use_is_refused_whole(tmp_path: Path, text: bytes, message: str) -> None:
    assert refuse(tmp_path, text) == [message]


@pytest.mark.parametrize(("text", "message"), BROKEN_ROWS.values(), ids=BROKEN_ROWS)
def test_a_broken_row_is_rejected_with_its_column(tmp_path: Path, text: str, message: str) -> None:
    assert refuse(tmp_path, f"{HEADER}\n{text}") == [message]


@pytest.mark.parametrize(("text", "message"), BROKEN_PAYMENTS.values(), ids=BROKEN_PAYMENTS)
def test_a_broken_payment_is_rejected_with_its_column(tmp_path: Path, text: str, message: str) -> None:
    assert refuse(tmp_path, f"invoice_no;account_no;amount;value_date\n{text}\n", "payments") == [message]


def test_a_good_row_is_taken(tmp_path: Path) -> None:
    assert refuse(tmp_path, f"{HEADER}\n{row()}\n") == []


def test_rows_after_a_broken_one_are_read(tmp_path: Path) -> None:
    rows = [row(invoice_no=f"RE-{number}") for number in range(200)]
    rows[3] = row(name='"Anna')
    rows[7] = row(name='"Anna" M')
    assert refuse(tmp_path, "\n".join([HEADER, *rows, ""])) == [
        "5: : a quotation mark is never closed",
        "9: : a quotation mark stands inside a cell; write it twice",
    ]


def test_rows_between_two_stray_quotation_marks_are_not_swallowed(tmp_path: Path) -> None:
    rows = [f"{row(invoice_no=f'RE-{number}')};x" for number in range(6)]
    rows[2] = rows[2][:-1] + '"Kabel 5'
    rows[4] = rows[4] + '3"'
    path = tmp_path / "list.csv"
    path.write_text("\n".join([f"{HEADER};goods", *rows, ""]))
    with Table(path, own("accounts")) as table:
        found = list(table.records())
    assert [one.row if isinstance(one, Record) else one[1] for one in found] == [
        2, 3, Rejected(4, "", "a quotation mark swallows the next row; write it twice"), 5, 6, 7,
    ]  # fmt: skip


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv: cannot be read: No such file or directory"):
        Table(tmp_path / "none.csv", own("accounts"))
