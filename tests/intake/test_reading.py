"""Lists come in many hands: encodings, marks, dates, totals and profiles."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from contactd.config.shipped import defaults_directory
from contactd.domain.errors import ConfigError
from contactd.intake.profile import Profile, load_profile, own
from contactd.intake.reader import Table
from contactd.intake.records import Record, Rejected
from contactd.intake.rows import account_rows, payment_rows
from contactd.intake.values import MACHINE, Notation
from contactd.store.imports import Claim
from contactd.store.payments import NewPayment

HEADER = "account_no;name;invoice_no;invoice_date;due_date;open"
ROW = "4711;Jörg Müller;RE-1;05.10.2026;19.10.2026;1.412,80"


def read(path: Path, data: bytes, profile: Profile | None = None) -> tuple[list[Claim], Table]:
    """Read a list in which every row is good."""
    path.write_bytes(data)
    profile = profile or own("accounts")
    rows = account_rows(profile.expects, profile.notation(), "DE", "EUR")
    with Table(path, profile) as table:
        found = [rows.read(item) for item in table.records() if isinstance(item, Record)]
    assert [item for item in found if isinstance(item, Rejected)] == []
    return [item for item in found if isinstance(item, Claim)], table


def told(claim: Claim) -> dict[str, object]:
    """Answer what an account's first row says about it."""
    assert claim.account is not None
    _, columns, values = claim.account
    return dict(zip(columns, values, strict=True))


def name_of(claim: Claim) -> object:
    """Answer the name in an account's first row."""
    return told(claim)["name"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encoding_and_delimiter_are_told_from_the_file(tmp_path: Path, encoding: str, delimiter: str, end: str) -> None:
    text = f"{HEADER}{end}{ROW}{end}".replace("1.412,80", '"1.412,80"').replace(";", delimiter)
    [claim], table = read(tmp_path / "list.csv", text.encode(encoding))
    assert (name_of(claim), claim.open, claim.due_date.isoformat()) == ("Jörg Müller", 141_280, "2026-10-19")
    assert table.delimiter == delimiter


def test_a_line_that_names_the_delimiter_is_no_header(tmp_path: Path) -> None:
    assert len(read(tmp_path / "list.csv", f"sep=;\n{HEADER}\n{ROW}\n".encode())[0]) == 1


def test_headers_may_be_written_otherwise(tmp_path: Path) -> None:
    header = "Account No;NAME;Invoice-No;invoice date; Due_Date ;Open"
    assert len(read(tmp_path / "list.csv", f"{header}\n{ROW}\n".encode())[0]) == 1


def test_foreign_columns_are_left_out_and_named(tmp_path: Path) -> None:
    claims, table = read(tmp_path / "list.csv", f"{HEADER};Sachbearbeiter;row\n{ROW};Kranich;7\n".encode())
    assert len(claims) == 1
    assert table.ignored_columns == ["Sachbearbeiter"]


def test_a_column_that_resembles_one_is_left_out_with_a_hint(tmp_path: Path) -> None:
    claims, table = read(tmp_path / "list.csv", f"{HEADER};phone2;emial\n{ROW};1;2\n".encode())
    assert len(claims) == 1
    assert table.ignored_columns == ['phone2 (did you mean "phone"?)', 'emial (did you mean "email"?)']


def test_blank_and_total_lines_are_no_rows(tmp_path: Path) -> None:
    extra = "\n;;;;;\nSumme;;;;;1.412,80\n;;Gesamtsumme:;;;1.412,80\n;Total EUR;;;;1\n"
    claims, table = read(tmp_path / "list.csv", f"{HEADER}\n{ROW}{extra}".encode())
    assert (len(claims), table.ignored) == (1, 3)


def test_somebody_called_like_a_total_is_a_row(tmp_path: Path) -> None:
    rows = f"{ROW}\n{ROW.replace('4711', 'Summer 1').replace('RE-1', 'RE-2')}\n{ROW.replace('4711', 'Total')}"
    claims, table = read(tmp_path / "list.csv", f"{HEADER}\n{rows}".encode())
    assert (len(claims), table.ignored) == (3, 0)


@pytest.mark.parametrize(
    "row",
    [
        "Total Energies;4711;;50,00;EUR;;x",
        "Saldo AG;;RE-1;50,00;EUR;;x",
        "Summe;;;50,00;EUR;01.02.2026;x",
        ";Gesamtwerk;RE-1;50,00;EUR;01.02.2026;x",
    ],
)
def test_a_row_that_tells_whose_or_when_is_no_total_line(tmp_path: Path, row: str) -> None:
    path = tmp_path / "paid.csv"
    header = "creditor;account_no;invoice_no;amount;currency;value_date;reference"
    path.write_text(f"{header}\n{row}\nSumme;;;50,00;EUR;;\n")
    for profile in (own("payments"), Profile(kind="payments", total_lines="Summe|Gesamt")):
        with Table(path, profile) as table:
            found = [item.row for item in table.records() if isinstance(item, Record)]
        assert (found, table.ignored) == ([2], 1)


def test_a_profile_may_call_a_line_with_an_account_number_a_total(tmp_path: Path) -> None:
    text = f"name;{HEADER.replace(';name', '')}\nSumme Müller;4711;;;;5,00\nJörg;{ROW.replace(';Jörg Müller', '')}\n"
    claims, table = read(tmp_path / "list.csv", text.encode(), Profile(total_lines="Summe"))
    assert (len(claims), table.ignored) == (1, 1)


def test_a_row_may_span_lines_and_keeps_its_number(tmp_path: Path) -> None:
    rows = f"{ROW.replace('Jörg Müller', chr(34) + 'Jörg' + chr(10) + 'Müller' + chr(34))}\n{ROW}\n"
    path = tmp_path / "list.csv"
    path.write_text(f"{HEADER}\n{rows}")
    with Table(path, own("accounts")) as table:
        found = [item for item in table.records() if isinstance(item, Record)]
    assert [item.row for item in found] == [2, 4]
    claim = account_rows(own("accounts").expects, Notation(), "DE", "EUR").read(found[0])
    assert isinstance(claim, Claim)
    assert name_of(claim) == "Jörg Müller"


def test_cells_missing_at_the_end_are_empty(tmp_path: Path) -> None:
    header = f"{HEADER};goods;terms"
    [claim], _ = read(tmp_path / "list.csv", f"{header}\n{ROW}\n".encode())
    assert (claim.goods, claim.terms) == ("", "")


def test_a_profile_says_what_all_claims_of_a_list_are_and_at_which_rate(tmp_path: Path) -> None:
    profile = Profile(
        columns={"contract_rate": "Zins"}, fixed={"claim_kind": "other"}, values={"contract_rate": {"V": "12,5 %"}}
    )
    [claim], _ = read(tmp_path / "list.csv", f"{HEADER};Zins\n{ROW};V\n".encode(), profile)
    assert (claim.claim_kind, claim.contract_rate) == ("other", "12.5 %")


@pytest.mark.parametrize(
    ("side", "amount", "rest"),
    [("S", "5,00", 500), ("H", "5,00", -500), ("Soll", "5,00", 500), ("haben", "5,00", -500), ("H", "5,00-", 500)],
)
def test_soll_and_haben_give_the_sign(tmp_path: Path, side: str, amount: str, rest: int) -> None:
    row = ROW.replace("1.412,80", amount)
    [claim], _ = read(tmp_path / "list.csv", f"{HEADER};S/H\n{row};{side}\n".encode())
    assert claim.open == rest


def test_a_side_that_is_neither_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"{HEADER};S/H\n{ROW};X\n")
    with Table(path, own("accounts")) as table:
        [(_, rejected)] = list(table.records())  # type: ignore[misc] # exactly one record
    assert rejected == Rejected(2, "S/H", '"X" is neither c nor d nor h nor haben nor s nor soll')


def test_haben_is_money_that_came_in(tmp_path: Path) -> None:
    path = tmp_path / "paid.csv"
    path.write_text("invoice_no;amount;value_date;S/H\nRE-1;5,00;20.11.2026;H\nRE-1;5,00;21.11.2026;S\n")
    profile = own("payments")
    rows = payment_rows(profile.expects, profile.notation(), "EUR")
    with Table(path, profile) as table:
        found = [rows.read(item) for item in table.records() if isinstance(item, Record)]
    assert [item.amount for item in found if isinstance(item, NewPayment)] == [500, -500]


AMOUNTS = {
    "412,80": 41_280, "412.80": 41_280, "1.412,80": 141_280, "1,412.80": 141_280, "1.000": 100_000, "1,000": 100_000,
    "12.5": 1_250, "1.000.000": 100_000_000, "1'234.50": 123_450, "1 234,56": 123_456, "1\u00a0234,56": 123_456,
    "5,00-": -500, "-5,00": -500, "\u22125,00": -500, "+5": 500, "5,00 €": 500, "EUR 5": 500, "€ -5": -500, "0": 0,
}  # fmt: skip


@pytest.mark.parametrize(("text", "minor"), AMOUNTS.items())
def test_an_amount_is_read_however_it_is_written(text: str, minor: int) -> None:
    assert Notation().read_amount(text, "EUR") == minor


@pytest.mark.parametrize(("text", "minor"), [("1.000", 100_000), ("12,5", 1_250), ("1,000", 100)])
def test_a_profile_says_which_mark_is_the_decimal_one(text: str, minor: int) -> None:
    assert Notation(decimal=",").read_amount(text, "EUR") == minor


@pytest.mark.parametrize(("currency", "minor"), [("JPY", 1_500), ("EUR", 150_000), ("KWD", 1_500_000)])
def test_each_currency_has_its_smallest_unit(currency: str, minor: int) -> None:
    assert Notation(decimal=".").read_amount("1500", currency) == minor


@pytest.mark.parametrize("value", [True, None, [], "1,00", "1,000.00", float("nan"), 0.001, "abc"])
def test_a_program_writes_amounts_in_one_way_only(value: object) -> None:
    with pytest.raises(ValueError):
        MACHINE.read_amount(value, "EUR")


def test_a_program_may_write_numbers() -> None:
    assert [MACHINE.read_amount(value, "EUR") for value in (412.8, 5, "1.000", "412.80")] == [41_280, 500, 100, 41_280]


def test_many_different_dates_are_read_without_being_kept() -> None:
    notation = Notation(dates=("yyyy-mm-dd",))
    first = date(1950, 1, 1)
    days = [first + timedelta(days=number) for number in range(50_010)]
    assert [notation.read_date(str(day)) for day in days] == days


@pytest.mark.parametrize("text", ["1.234,5,6", "12,", "1.2.3,4", ",,1"])
def test_marks_in_the_wrong_place_are_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match="is no amount"):
        Notation().read_amount(text, "EUR")


@pytest.mark.parametrize(
    ("text", "day"), [("01.02.65", "1965-02-01"), ("01.02.04", "2004-02-01"), ("23.11.26", "2026-11-23"),
                      ("24.11.26", "1926-11-24"), ("1965-02-01", "1965-02-01")],
)  # fmt: skip
def test_two_digits_of_a_birth_year_mean_one_in_the_past(text: str, day: str) -> None:
    assert Notation().read_birth_date(text, date(2026, 11, 23)).isoformat() == day


@pytest.mark.parametrize("text", ["24.11.2026", "2065-02-01"])
def test_nobody_is_born_in_the_future(text: str) -> None:
    with pytest.raises(ValueError, match="is in the future"):
        Notation().read_birth_date(text, date(2026, 11, 23))


@pytest.mark.parametrize(
    ("formats", "text"),
    [
        (("mm/dd/yyyy",), "10/05/2026"), (("dd/mm/yyyy",), "05/10/2026"), (("ddmmyyyy",), "05102026"),
        (("ddmmyy",), "051026"), (("yyyymmdd",), "20261005"), (("dd.mm.yyyy", "dd.mm.yy"), "5.10.26"),
        (("yyyy-mm-dd",), "2026-10-05T00:00:00Z"), (("yyyy-mm-dd",), "2026-10-05 23:59"),
        (("yyyy-mm-dd",), "2026-10-05T08:15:30.123+02:00"),
    ],
)  # fmt: skip
def test_a_profile_says_how_dates_are_written(formats: tuple[str, ...], text: str) -> None:
    assert Notation(dates=formats).read_date(text).isoformat() == "2026-10-05"


def test_the_shipped_profile_reads_a_list_of_open_items(tmp_path: Path) -> None:
    profile = load_profile(defaults_directory() / "config" / "profiles.d" / "datev-opos.toml", "accounts")
    header = (
        "Konto;Kontobezeichnung;Kundenart;E-Mail;Telefon;Mobil;Straße;PLZ;Ort;Land;Rechnungs-Nr.;Belegdatum;"
        "Fälligkeit;Betrag;Saldo;S/H;WKZ;Buchungstext;Mahnstufe"
    )
    row = "10815;Jörg Quellmeer;P;j@example.org;030 23125001;;Musterweg 1;00101;Musterstadt;D;RE-1;05.10.2026;"
    lines = [header, f"{row}19.10.2026;1.000;1.000;S;EUR;Strom;0", f"{row}19.10.2026;5;5;H;EUR;x;0"]
    lines[2] = lines[2].replace("RE-1", "GS-1")
    totals = ("Summe", "Zwischensumme:", "Gesamtsumme EUR", "Endsumme", "Gesamt", "Saldo", "Summen", "GESAMTSALDO")
    lines += [f"{word};;;;;;;;;;;;;1.005;995;S;EUR;;" for word in totals]
    claims, table = read(tmp_path / "opos.csv", "\r\n".join(lines).encode("cp1252"), profile)
    assert [(claim.key, claim.open) for claim in claims] == [
        (("musterwerke", "10815", "EUR"), 100_000),
        (("musterwerke", "10815", "EUR"), -500),
    ]
    assert told(claims[0])["kind"] == "consumer"
    assert told(claims[0])["country"] == "DE"
    assert (table.ignored, table.ignored_columns) == (8, ["Mahnstufe"])


def test_what_stands_above_the_headers_is_skipped(tmp_path: Path) -> None:
    profile = Profile(header_line=3, total_lines="^Ende")
    claims, table = read(tmp_path / "list.csv", f'"EXTF";"x\n\n{HEADER}\n{ROW}\nEnde der Liste\n'.encode(), profile)
    assert (len(claims), table.ignored) == (1, 1)


def problems(path: Path, text: str, kind: str = "accounts") -> list[str]:
    """Load a profile; answers what is wrong with it."""
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        load_profile(path, "payments" if kind == "payments" else "accounts")
    return [str(problem).removeprefix(f"{path}:") for problem in refused.value.problems]


BROKEN_PROFILES = {
    'encodin = "cp1252"': ['1: encodin: unknown key; did you mean "encoding"?'],
    'decimal = ";"': ['1: decimal: ";" is not known here; write "auto", ",", "."'],
    'header_line = "2"': ["1: header_line: must be a whole number, not text; remove the quotes around 2"],
    "header_line = 0": ["1: header_line: must be at least 1, not 0"],
    'dates = ["dd.mm"]': ['1: dates[1]: "dd.mm" is no date format; did you mean "dd.mm.yy"?'],
    'total_lines = "("': [  # the library's words
'1: total_lines: "(" is no regular expression: missing ), unterminated subpattern at position 0'],
    '[columns]\nacount_no = "Konto"': ['2: columns.acount_no: unknown column; did you mean "account_no"?'],
    '[columns]\nname = "A"\nopen = "A"': ['3: columns.open: "A" is name already'],
    '[columns]\nname = "A"\n[fixed]\nname = "B"': ["4: fixed.name: is in [columns] too; keep one of them"],
    'kind = "payments"': ["1: kind: this profile is for payments, not for accounts"],
    '[side]\ncolum = "S/H"\npositive = ["S"]\nnegative = ["H"]': [
        "1: side.column: is missing; it has no default",
        '2: side.colum: unknown key; did you mean "column"?',
    ],
    '[side]\ncolumn = "S/H"': [
        "1: side.positive: is missing; it has no default",
        "1: side.negative: is missing; it has no default",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), BROKEN_PROFILES.items())
def test_a_broken_profile_is_refused_with_its_line(tmp_path: Path, text: str, said: list[str]) -> None:
    assert problems(tmp_path / "own.toml", text) == said


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        (
            Profile(columns={"account_no": "Konto"}),
            'there is no column "Konto" (account_no); found: ' + HEADER.replace(";", ", "),
        ),
        (
            Profile.model_validate({"side": {"column": "S/H", "positive": ["S"], "negative": ["H"]}}),
            'there is no column "S/H" (side); found: ' + HEADER.replace(";", ", "),
        ),
    ],
)
def test_a_profile_that_does_not_fit_the_file_is_told(tmp_path: Path, profile: Profile, said: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"{HEADER}\n{ROW}\n")
    with pytest.raises(Exception, match="line 1") as refused:
        Table(path, profile)
    assert str(refused.value) == f"{path}: line 1: {said}"
