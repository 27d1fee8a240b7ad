"""CAMT comes in many shapes: versions, batches, banks that tell little, returns, pages, and files that are broken."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from contactd.domain.bank import Entry, Statement
from contactd.domain.errors import InputError
from contactd.domain.reference import rf_reference
from contactd.intake.bank_statements import read_statements
from tests.fakes.bank import DAY, OWN, Account, Booking, Payment, camt, iban, write

VERSIONS = ["02", "04", "08", "13"]
PAYER = iban(7)
_SIDE = "</Amt><CdtDbtInd>CRDT</CdtDbtInd>"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Answer where the bank's file goes."""
    return tmp_path / "statement.xml"


def read(file: Path, text: str) -> tuple[list[Statement], list[Entry]]:
    """Read a document."""
    with read_statements(write(file, text)) as found:
        return found.statements, list(found.entries())


def entries(file: Path, *bookings: Booking, version: str = "08", kind: str = "053", charges: int = 0) -> list[Entry]:
    """Read the entries of one good statement."""
    [statement], found = read(file, camt([Account(list(bookings))], kind, version))
    assert statement.refused == ""
    return found


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", ["053", "054"])
def test_every_version_says_the_same(file: Path, version: str, kind: str) -> None:
    payment = Payment(
        12_345, ("Rechnung RE-2026-08", "15 vom 1.3."), rf_reference("K0001"), "RE-2026-0815", "E2E-1", "M-1",
        name="Erika & Söhne", iban=PAYER,
    )  # fmt: skip
    [one] = entries(file, Booking((payment,), bank_ref="B1", booked=date(2026, 3, 1)), version=version, kind=kind)
    assert one._replace(key="", line=0) == Entry(
        "", 0, 0, 12_345, "EUR", date(2026, 3, 1), DAY, ("Rechnung RE-2026-08", "15 vom 1.3."),
        ("RE-2026-0815", rf_reference("K0001")), "E2E-1", "M-1", "B1", "Erika & Söhne", PAYER,
    )  # fmt: skip
    assert one.purpose == "Rechnung RE-2026-08 15 vom 1.3."


@pytest.mark.parametrize("version", VERSIONS)
def test_a_batch_is_taken_apart_with_the_amounts_of_its_payments(file: Path, version: str) -> None:
    batch = Booking((Payment(1_000, ("a",)), Payment(2_500, ("b",)), Payment(1, ("c",))), bank_ref="B", count=3)
    found = entries(file, batch, version=version)
    assert [(one.amount, one.purpose, one.bank_ref) for one in found] == [
        (1_000, "a", "B"),
        (2_500, "b", "B"),
        (1, "c", "B"),
    ]
    assert len({one.key for one in found}) == 3


def test_a_very_long_batch_is_taken_apart_too(file: Path) -> None:
    batch = Booking(tuple(Payment(number, (f"n{number}",)) for number in range(1, 5_001)), count=5_000)
    found = entries(file, batch)
    assert [(one.amount, one.purpose) for one in found] == [(number, f"n{number}") for number in range(1, 5_001)]


@pytest.mark.parametrize(
    "batch",
    [
        Booking(amount=5_000, count=2, info="SAMMLER"),
        Booking((Payment(5_000),), count=2, silent=True),
        Booking((Payment(1_000), Payment(2_000)), amount=5_000),
        Booking((Payment(2_000), Payment(3_000)), count=3),
        Booking((Payment(5_000, currency="USD"), Payment(1)), amount=5_000),
        Booking((Payment(5_000),), count=2),
    ],
)
def test_a_batch_that_is_not_told_whole_stays_one_sum(file: Path, batch: Booking) -> None:
    [one] = entries(file, batch)
    assert (one.amount, one.undivided) == (5_000, max(batch.count, 2))


def test_a_batch_may_miss_the_banks_charges(file: Path) -> None:
    parts = (Payment(1_000, charges=10), Payment(2_000, charges=20))
    for version in VERSIONS:
        assert [one.amount for one in entries(file, Booking(parts, amount=2_970), version=version)] == [1_000, 2_000]


def test_a_bank_that_tells_no_details_still_tells_a_payment(file: Path) -> None:
    [one] = entries(file, Booking((Payment(700),), silent=True, info="GUTSCHRIFT RE-2026-0815", bank_ref="B"))
    assert (one.amount, one.lines, one.undivided) == (700, ("GUTSCHRIFT RE-2026-0815",), 0)


def test_a_single_payment_has_the_amount_that_was_booked(file: Path) -> None:
    [one] = entries(file, Booking((Payment(9_999, currency="USD"),), amount=8_800, count=1))
    assert one.amount == 8_800


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("status", ["PDNG", "INFO", "FUTR"])
def test_only_what_is_booked_counts(file: Path, version: str, status: str) -> None:
    account = Account([Booking((Payment(1),), status=status), Booking((Payment(2),))])
    [statement], found = read(file, camt([account], version=version))
    assert ([one.amount for one in found], statement.pending, statement.refused) == ([2], 1, "")


def test_debits_and_credits_have_their_signs_and_their_other_party(file: Path) -> None:
    both = (Booking((Payment(5, iban=PAYER),)), Booking((Payment(-3, name="Lieferant", iban=iban(8)),)))
    found = entries(file, *both)
    assert [(one.amount, one.name, one.iban, one.takes_back) for one in found] == [
        (5, "Erika Beispiel", PAYER, False),
        (-3, "Lieferant", iban(8), False),
    ]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_returned_debit_tells_why_and_whose_it_was(file: Path, version: str) -> None:
    back = Payment(
        -10_350, ("Retoure",), end_to_end="E1", mandate="M1", iban=PAYER, reason="AC04", why="Konto aufgelöst",
        instructed=10_000,
    )  # fmt: skip
    [one] = entries(file, Booking((back,)), version=version)
    assert (one.amount, one.takes_back, one.code, one.why) == (-10_350, True, "AC04", "Konto aufgelöst")
    assert (one.end_to_end_id, one.mandate_id, one.instructed) == ("E1", "M1", 10_000)
    assert (one.name, one.iban) == ("Erika Beispiel", PAYER)


def test_a_reversal_keeps_the_sign_of_its_side(file: Path) -> None:
    [out, back] = entries(file, Booking((Payment(-500),), reversal=True), Booking((Payment(500),), reversal=True))
    assert [(one.amount, one.takes_back) for one in (out, back)] == [(-500, True), (500, True)]


def test_a_bank_code_alone_tells_a_return(file: Path) -> None:
    text = camt([Account([Booking((Payment(-500),))])]).replace(
        "<Prtry><Cd>NTRF</Cd></Prtry>",
        "<Domn><Cd>PMNT</Cd><Fmly><Cd>IDDT</Cd><SubFmlyCd>UPDD</SubFmlyCd></Fmly></Domn>",
    )
    assert [one.takes_back for one in read(file, text)[1]] == [True]


def test_a_document_needs_no_namespace(file: Path) -> None:
    account = Account([Booking((Payment(5),)), Booking((Payment(6), Payment(7)))])
    assert [one.amount for one in read(file, camt([account], bare=True))[1]] == [5, 6, 7]


def test_dates_stand_for_each_other_and_may_have_a_time(file: Path) -> None:
    assert [one.value_on for one in entries(file, Booking((Payment(5),), valued=None))] == [DAY]
    text = camt([Account([Booking((Payment(5),))])])
    text = text.replace(
        "<BookgDt><Dt>2026-03-02</Dt></BookgDt>", "<BookgDt><DtTm>2026-03-05T23:59:00Z</DtTm></BookgDt>"
    )
    assert [one.booked_on for one in read(file, text)[1]] == [date(2026, 3, 5)]


def test_an_account_may_have_no_iban_and_no_currency(file: Path) -> None:
    text = camt([Account([Booking((Payment(5),))], iban="", currency="", opening=None)])
    text = text.replace("<Acct><Id></Id>", "<Acct><Id><Othr><Id>12345</Id></Othr></Id>")
    [statement], [one] = read(file, text)
    assert (statement.account, statement.currency, one.amount) == ("12345", "EUR", 5)


def test_pages_are_one_statement_and_proved_as_a_whole(file: Path) -> None:
    equal = Booking((Payment(5, ("gleich",)),))
    first = Account([equal], page=1, last=False, opening=100, codes=("PRCD", ""))
    last = Account([equal], page=2, opening=105, closing=110, codes=("", "CLBD"))
    [statement], found = read(file, camt([first, last]))
    assert (statement.opening, statement.closing, statement.total, statement.refused) == (100, 110, 10, "")
    assert len({one.key for one in found}) == 2


def test_pages_may_have_balances_between_them(file: Path) -> None:
    first = Account([Booking((Payment(5),))], page=1, last=False, opening=100, codes=("OPBD", "ITBD"))
    last = Account([Booking((Payment(6),))], page=2, opening=105, codes=("ITBD", "CLBD"))
    [statement], _ = read(file, camt([first, last]))
    assert (statement.opening, statement.closing, statement.refused) == (100, 111, "")
    [alone], _ = read(file, camt([first]))
    assert (alone.opening, alone.closing, alone.refused) == (100, 105, "")
    middle = Account([Booking((Payment(6),))], page=2, last=False, opening=105, codes=("ITBD", "ITBD"))
    [alone], _ = read(file, camt([middle]))
    assert (alone.opening, alone.closing, alone.refused) == (105, 111, "")


def test_a_missing_page_is_told(file: Path) -> None:
    [statement], found = read(file, camt([Account(page=1, last=False, codes=("OPBD", ""))]))
    assert found == []
    assert "has no closing balance: a page is missing; export the whole statement as one file" in statement.refused
    [statement], _ = read(file, camt([Account(page=2, opening=1, closing=2, codes=("", "CLBD"))]))
    assert "has no opening balance" in statement.refused


def test_a_page_with_an_absurd_number_is_read_all_the_same(file: Path) -> None:
    text = camt([Account([Booking((Payment(5),))], page=1)]).replace("<PgNb>1<", f"<PgNb>{'9' * 5_000}<")
    assert [one.amount for one in read(file, text)[1]] == [5]


def test_statements_of_several_accounts_are_kept_apart(file: Path) -> None:
    accounts = [
        Account([Booking((Payment(5),))]),
        Account([Booking((Payment(5),))], iban=iban(9)),
        Account(iban=iban(8)),
    ]
    statements, found = read(file, camt(accounts))
    assert [one.account for one in statements] == [OWN, iban(9), iban(8)]
    assert [one.statement for one in found] == [0, 1]
    assert len({one.key for one in found}) == 2


def test_a_notification_may_tell_nothing(file: Path) -> None:
    write(file, camt([Account(currency="")], "054"))
    with read_statements(file, ["EUR"]) as found:
        assert (found.refused, list(found.entries())) == ([], [])


def test_a_negative_balance_is_read_with_its_side(file: Path) -> None:
    [statement], _ = read(file, camt([Account([Booking((Payment(5),))], opening=-100)]))
    assert (statement.opening, statement.closing, statement.refused) == (-100, -95, "")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('<Ntry><Amt Ccy="EUR">', '<Ntry><Amt Ccy="USD">', "line 7: an entry is in USD, its account in EUR; ask"),
        ('<Ntry><Amt Ccy="EUR">', "<Ntry><Amt>", "an entry is in no currency, its account in EUR"),
        ("<Sts><Cd>BOOK</Cd></Sts>", "", "does not say whether it is booked"),
        ("<CdtDbtInd>CRDT</CdtDbtInd><Sts>", "<CdtDbtInd>X</CdtDbtInd><Sts>", '"X" is neither CRDT nor DBIT'),
        (f"5.00{_SIDE}<Sts>", f"5.001{_SIDE}<Sts>", "finer than the smallest unit"),
        (f"5.00{_SIDE}<Sts>", f"-5.00{_SIDE}<Sts>", '"-5.00" has a sign'),
        (f"5.00{_SIDE}<RltdPties>", f"x{_SIDE}<RltdPties>", '"x" is no amount'),
        ("<Dt>2026-03-02</Dt></BookgDt>", "<Dt>2026-02-30</Dt></BookgDt>", '"2026-02-30" is no day'),
        ("<Dt>2026-03-02</Dt>", "", "an entry has no date"),
        ("1000.00</Amt>", "x</Amt>", 'a balance: "x" is no amount'),
        (f"<Acct><Id><IBAN>{OWN}</IBAN></Id>", "<Acct><Id></Id>", "does not say of which account it is"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_line_and_nothing_of_the_statement_taken(
    file: Path, old: str, new: str, reason: str
) -> None:
    text = camt([Account([Booking((Payment(500),))]), Account([Booking((Payment(7),))], iban=iban(3))])
    before, separator, after = text.partition("</Stmt>")
    assert old in before
    statements, found = read(file, before.replace(old, new) + separator + after)
    assert reason in statements[0].refused
    assert statements[0].refused.startswith(f"{file}: line ")
    assert [one.amount for one in found] == [7]


def test_only_the_first_faults_are_told(file: Path) -> None:
    text = camt([Account([Booking((Payment(500),))] * 5)]).replace("<Sts><Cd>BOOK</Cd></Sts>", "")
    [statement], _ = read(file, text)
    assert statement.refused.count("does not say whether it is booked") == 3
    assert statement.refused.endswith("… and 2 more")


GOOD = camt([Account([Booking((Payment(500),))])])


def broken() -> Iterator[tuple[str, str]]:
    """Give files that are of no use, with what is said of them."""
    yield GOOD[:900], "is no whole XML: "
    yield GOOD.replace("</Stmt>", "</Stnt>"), "line 10: is no whole XML: "
    yield GOOD + GOOD, "get the file from the bank again"
    yield GOOD.replace("<Document", '<!DOCTYPE Document [<!ENTITY a "b">]><Document'), "line 1: has a DOCTYPE"
    yield GOOD.replace("Stmt>", "Rpt>"), "is a camt.052, which may still change; export camt.053 or camt.054"
    yield GOOD.replace("Stmt>", "Xyz>"), "line 8: TxDtls stands in no Stmt or Ntfctn"
    yield "<a><b/></a>", "line 1: is no bank statement but a/b; export camt.053 or camt.054"
    yield "<a/>", "is no bank statement but a;"
    yield "<a><Rpt/></a>", "is a camt.052"


@pytest.mark.parametrize(("text", "reason"), list(broken()))
def test_a_file_that_is_no_whole_statement_is_refused_as_a_whole(file: Path, text: str, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        read(file, text)
    assert reason in str(caught.value)
    assert str(caught.value).startswith(f"{file}: ")


def test_an_entity_brings_in_no_file(file: Path, tmp_path: Path) -> None:
    write(tmp_path / "secret", "secret")
    entity = f'<!DOCTYPE Document [<!ENTITY a SYSTEM "{(tmp_path / "secret").as_uri()}">]><Document'
    text = GOOD.replace("<Document", entity).replace("<Ustrd></Ustrd>", "<Ustrd>&a;</Ustrd>")
    with pytest.raises(InputError, match="DOCTYPE"):
        read(file, text)
