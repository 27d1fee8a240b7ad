"""Whose payment an entry is: decided by what is certain, in one order, and never guessed."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactd.domain.bank import Entry, Statement
from contactd.domain.books import Books, Debtor, Item, Paid, name_key, open_books
from contactd.domain.matching import By, Match, Suggestion, Unclear, match, note
from contactd.domain.reference import rf_reference

DAY = date(2026, 3, 2)
IBAN, OTHER, SHARED = "DE02120300000000202051", "DE02500105170137075030", "DE02100500000054540402"
ACCOUNTS = [
    Debtor(1, "K-0001", "EUR", "ACME", "Erika Beispiel", (IBAN, SHARED), ("M-1",)),
    Debtor(2, "K-0002", "EUR", "ACME", "Max Muster", (SHARED,)),
    Debtor(3, "4711", "EUR", "ACME", "Max Muster", (OTHER,)),
    Debtor(4, "K-0004", "USD", "ACME", "Dollar Beispiel"),
    Debtor(5, "K-0005", "EUR", "OTHER", "Erika Beispiel"),
    Debtor(6, "150326", "EUR", "ACME"),
]
INVOICES = [
    Item(11, 1, "RE-2026-001", 10_000),
    Item(12, 1, "RE-2026-002", 5_000),
    Item(21, 2, "RE-2026-0015", 7_700),
    Item(22, 2, "4711", 300),
    Item(31, 3, "A-31", 2_500),
    Item(32, 3, "A-32", 2_500),
    Item(41, 4, "RE-2026-041", 9_900),
    Item(51, 5, "RE-2026-051", 4_400),
    Item(99, 77, "RE-2026-077", 1),
]


@pytest.fixture
def books() -> Books:
    """Lay out a few accounts; 77 is nobody's."""
    return open_books(ACCOUNTS, INVOICES)


def entry(amount: int, *lines: str, key: str = "k", currency: str = "EUR", references: tuple[str, ...] = (),
          end: str = "", mandate: str = "", iban: str = "", name: str = "", back: bool = False, instructed: int = 0,
          undivided: int = 0) -> Entry:  # fmt: skip
    """Make an entry of a statement."""
    return Entry(
        key, 0, 1, amount, currency, DAY, DAY, lines, references, end, mandate, "", name, iban, back, "", "",
        instructed, undivided,
    )  # fmt: skip


def answer(books: Books, one: Entry, creditor: str = "") -> tuple[int, By, tuple[int, ...]] | None:
    """Say account, ground and invoices of a match; None when it is unclear."""
    found = match(books, one, creditor)
    return (found.account_id, found.by, found.invoice_ids) if isinstance(found, Match) else None


def suggested(books: Books, one: Entry, creditor: str = "") -> list[tuple[int, int | None, str]]:
    """Say what an unclear entry may be."""
    found = match(books, one, creditor)
    assert isinstance(found, Unclear)
    return [(guess.account_id, guess.invoice_id, guess.reason) for guess in found.suggestions]


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (entry(1, references=(rf_reference("RE2026001"),)), (1, By.RF_REFERENCE, (11,))),
        (entry(1, "Danke", rf_reference("K0002")), (2, By.RF_REFERENCE, ())),
        (entry(1, "RF", rf_reference("RE20260015")[2:]), (2, By.RF_REFERENCE, (21,))),
        (entry(1, end=rf_reference("RE2026002")), (1, By.RF_REFERENCE, (12,))),
        (entry(1, references=(rf_reference("000K0001"),)), (1, By.RF_REFERENCE, ())),
        (entry(1, "Rechnung RE-2026-001 vom 01.03.2026"), (1, By.NUMBER, (11,))),
        (entry(1, "RE-2026-001, RE-2026-002"), (1, By.NUMBER, (11, 12))),
        (entry(1, "RE-2026-00", "2 Danke"), (1, By.NUMBER, (12,))),
        (entry(1, "Kunde K-0001 RE-2026-002"), (1, By.NUMBER, (12,))),
        (entry(1, references=("RE-2026-002",)), (1, By.NUMBER, (12,))),
        (entry(1, references=("4711",), currency="EUR", iban=IBAN), None),
        (entry(1, references=("Rechnung RE-2026-002/1x, RE-2026-001",)), (1, By.NUMBER, (11,))),
        (entry(1, references=("150326",)), None),
        (entry(1, references=("A-31",)), (3, By.NUMBER, (31,))),
        (entry(1, "K-0001"), (1, By.NUMBER, ())),
        (entry(1, "Kunde 4711"), (3, By.NUMBER, ())),
        (entry(1, "Rechnung 4711"), (2, By.NUMBER, (22,))),
        (entry(300, "fuer 4711"), (2, By.NUMBER, (22,))),
        (entry(5_000, "fuer 4711"), (3, By.NUMBER, ())),
        (entry(2_500, "A-31 danke"), (3, By.NUMBER, (31,))),
        (entry(1, end="RE-2026-001"), (1, By.END_TO_END_ID, (11,))),
        (entry(2_500, end="A-32"), (3, By.END_TO_END_ID, (32,))),
        (entry(1, end="A-32"), None),
        (entry(1, mandate="m1"), (1, By.MANDATE, ())),
        (entry(5_000, "Danke", iban=IBAN), (1, By.IBAN_AND_AMOUNT, (12,))),
        (entry(15_000, iban=IBAN), (1, By.IBAN_AND_AMOUNT, ())),
        (entry(2_500, iban=OTHER), (3, By.IBAN_AND_AMOUNT, ())),
        (entry(5_001, iban=IBAN), None),
        (entry(5_000, iban=SHARED), None),
        (entry(5_000, iban="DE"), None),
        (entry(1, "Danke"), None),
    ],
)
def test_the_first_certain_way_decides(books: Books, one: Entry, expected: object) -> None:
    assert answer(books, one) == expected


@pytest.mark.parametrize(
    "line",
    [
        "Auftrag 4711", "Vertrag Nr. 4711", "4711 2026", "14711", "2026-4711", "Tel. 0123 4711 99", "15.03.26",
        "150326", "A-31", "Miete 03/2026", "RE-2026-0011", "RE-2026-001-7", "RF00 4711", "RF18 RE-2026-001",
        "Kunde 150326 7",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_number_of_ours_decides_nothing(books: Books, line: str) -> None:
    assert answer(books, entry(1, line)) is None


def test_a_short_number_is_certain_when_it_is_all_there_is(books: Books) -> None:
    assert answer(books, entry(1, "A-31")) is None
    assert answer(open_books([Debtor(1, "98765", "EUR")], []), entry(1, "98765")) == (1, By.NUMBER, ())
    assert answer(open_books([Debtor(1, "98765", "EUR")], []), entry(1, "98765", "98765")) is None


def test_numbers_of_two_accounts_are_no_answer(books: Books) -> None:
    found = match(books, entry(1, "RE-2026-001 und RE-2026-0015"))
    assert isinstance(found, Unclear)
    assert found.why == "leads to 2 accounts"
    assert [guess.account_id for guess in found.suggestions] == [1, 2]


def test_an_rf_reference_and_a_number_that_contradict_each_other_are_no_answer(books: Books) -> None:
    assert answer(books, entry(1, "RE-2026-0015", references=(rf_reference("RE2026001"),))) is None


def test_a_number_that_a_blank_makes_one_of_two_accounts_is_no_answer(books: Books) -> None:
    assert answer(books, entry(1, "RE-2026-001 5 Danke")) is None
    assert answer(books, entry(1, "RE-2026-001", "5 Danke")) is None
    assert answer(books, entry(7_700, "RE-2026-001 5 Danke")) == (2, By.NUMBER, (21,))
    assert answer(books, entry(1, "RE-2026-00-15")) == (2, By.NUMBER, (21,))


def test_the_longer_of_two_numbers_of_an_account_is_meant() -> None:
    books = open_books([Debtor(1, "K-100", "EUR")], [Item(2, 1, "K-1002", 5)])
    assert answer(books, entry(1, "K-100 2")) == (1, By.NUMBER, (2,))


def test_one_number_of_two_creditors_is_told_apart_by_whose_bank_account_it_is() -> None:
    books = open_books([Debtor(1, "K-4711", "EUR", "ACME"), Debtor(2, "K-4711", "EUR", "OTHER")], [])
    assert answer(books, entry(1, "Kunde K-4711")) is None
    assert answer(books, entry(1, "Kunde K-4711"), "OTHER") == (2, By.NUMBER, ())


def test_other_currencies_and_creditors_are_only_suggested(books: Books) -> None:
    assert suggested(books, entry(1, "RE-2026-041")) == [(4, 41, "names invoice RE-2026-041, which is in USD")]
    dollars = entry(9_900, "RE-2026-041", currency="USD")
    assert answer(books, dollars) == (4, By.NUMBER, (41,))
    assert suggested(books, entry(1, "RE-2026-051", end="RE2026051"), "ACME") == [
        (5, 51, "names invoice RE-2026-051, which is of OTHER")
    ]
    reference = rf_reference("RE2026051")
    assert suggested(books, entry(1, references=(reference,)), "ACME") == [
        (5, 51, "names invoice RE-2026-051, which is of OTHER")
    ]
    assert suggested(books, entry(1, mandate="M-1"), "OTHER") == []
    assert suggested(books, entry(5_000, iban=IBAN), "OTHER") == []


@pytest.mark.parametrize(
    ("one", "creditor", "likely"),
    [
        (entry(1, "RE-2026-051"), "ACME", (5,)),
        (entry(1, references=(rf_reference("RE2026051"),)), "ACME", (5,)),
        (entry(1, "RE-2026-001, RE-2026-0015"), "", (1, 2)),
        (entry(5_000, iban=IBAN), "OTHER", (1,)),
        (entry(7_700, iban=SHARED), "", (2,)),
        (entry(5_001, iban=IBAN), "OTHER", ()),
        (entry(1, "RE-2026-041"), "", ()),  # in dollars
        (entry(1, "150326"), "", ()),  # may be a day, and nothing is open
        (entry(1, "A-31"), "OTHER", ()),  # too short to say it by itself
        (entry(4_400, "Danke", name="Erika Beispiel"), "", ()),
        (entry(-1, "RE-2026-051"), "ACME", ()),
    ],
)
def test_what_names_an_account_for_certain_is_likely_its_though_it_cannot_be(
    books: Books, one: Entry, creditor: str, likely: tuple[int, ...]
) -> None:
    found = match(books, one, creditor)
    assert isinstance(found, Unclear)
    assert found.likely == likely


def test_suggestions_come_with_reasons_the_likeliest_first(books: Books) -> None:
    one = entry(10_000, "Danke fuer 4711 x 12", iban=SHARED, name="MUSTER, MAX")
    assert suggested(books, one) == [
        (2, 22, "names invoice 4711; has paid from this IBAN before; has the payer's name"),
        (3, None, "names account 4711; has the payer's name"),
        (1, 11, "has paid from this IBAN before; of invoice RE-2026-001 exactly 100.00 EUR is open"),
    ]


def test_an_amount_that_many_owe_suggests_nobody() -> None:
    few, many = ([Item(one, 1, f"RE-{one}", 500) for one in range(count)] for count in (5, 60))
    account = [Debtor(1, "K-1", "EUR")]
    assert suggested(open_books(account, few), entry(500, "Danke")) == [
        (1, None, "; ".join(f"of invoice RE-{one} exactly 5.00 EUR is open" for one in range(5)))
    ]
    assert suggested(open_books(account, many), entry(500, "Danke")) == []


def test_no_more_than_five_are_suggested() -> None:
    books = open_books([Debtor(one, f"K-{one}", "EUR", name="Max Muster") for one in range(1, 9)], [])
    assert [one for one, _, _ in suggested(books, entry(1, "Danke", name="Max Muster"))] == [1, 2, 3, 4, 5]


def test_an_rf_reference_with_wrong_check_digits_is_only_suggested(books: Books) -> None:
    good = rf_reference("RE2026001")
    bad = f"RF{(int(good[2:4]) + 1) % 100:02}{good[4:]}"
    assert suggested(books, entry(1, references=(bad,))) == [(1, 11, f"the check digits of {bad} are wrong")]


def test_money_that_went_out_and_sums_of_a_batch_are_nobodys_payment(books: Books) -> None:
    assert suggested(books, entry(-100, "Gutschrift RE-2026-001")) == [(1, 11, "names invoice RE-2026-001")]
    batch = match(books, entry(100, "RE-2026-001", undivided=12))
    assert batch == Unclear("the bank tells only the sum of 12 payments; the camt.054 of that day lists them")
    assert isinstance(match(books, entry(100, "RE-2026-001", back=True)), Unclear)


def test_what_a_statement_pays_twice_is_seen(books: Books) -> None:
    first = entry(5_000, "Danke", key="a", iban=IBAN)
    found = match(books, first)
    assert isinstance(found, Match)
    note(books, first, found)
    assert answer(books, first._replace(key="b")) is None
    assert answer(books, first._replace(key="c", amount=10_000)) == (1, By.IBAN_AND_AMOUNT, (11,))
    whole = entry(1, "Kunde K-0001", key="d")
    found = match(books, whole)
    assert isinstance(found, Match)
    note(books, whole, found)
    assert answer(books, first._replace(key="e", amount=10_000)) is None


def paid(books: Books, key: str, amount: int, *lines: str, end: str = "", iban: str = "") -> None:
    """Take a payment in."""
    one = entry(amount, *lines, key=key, end=end, iban=iban)
    found = match(books, one)
    assert isinstance(found, Match)
    note(books, one, found)


def test_a_return_goes_to_the_payment_with_its_end_to_end_id(books: Books) -> None:
    paid(books, "a", 10_000, "RE-2026-001", end="E1", iban=IBAN)
    paid(books, "b", 5_000, "RE-2026-002", end="E2", iban=IBAN)
    back = entry(-10_350, "RETURN", end="E1", back=True, instructed=10_000)
    found = match(books, back)
    assert found == Match(1, By.TAKEN_BACK, "takes back 100.00 EUR", takes_back="a")
    note(books, back, found)
    again = match(books, back._replace(key="r2"))
    assert isinstance(again, Unclear)
    assert again.why == "takes back 100.00 EUR: no such payment is known"


def test_a_return_without_an_id_goes_to_the_only_payment_of_that_amount(books: Books) -> None:
    paid(books, "a", 10_000, "RE-2026-001")
    assert match(books, entry(-10_000, "Rueckgabe RE-2026-001", back=True)) == Match(
        1, By.TAKEN_BACK, "takes back 100.00 EUR", takes_back="a"
    )
    assert match(books, entry(-10_000, mandate="M-1", back=True)).__class__ is Match
    paid(books, "b", 10_000, "RE-2026-001")
    found = match(books, entry(-10_000, "Rueckgabe RE-2026-001", back=True))
    assert found == Unclear(
        "takes back 100.00 EUR: 2 payments may be meant",
        tuple(Suggestion(1, None, "a payment of that amount", 40, key) for key in "ba"),
    )


def test_an_id_that_others_use_too_takes_nothing_back_from_another_iban() -> None:
    books = open_books(ACCOUNTS, INVOICES, [Paid("old", 1, 500, "E", IBAN), Paid("lost", 77, 500, "E")])
    assert isinstance(match(books, entry(-500, end="E", iban=OTHER, back=True)), Unclear)
    assert isinstance(match(books, entry(-400, end="E", iban=IBAN, back=True)), Unclear)
    assert match(books, entry(-500, end="E", iban=IBAN, back=True)).__class__ is Match
    assert match(books, entry(-500, end="E", back=True)).__class__ is Match


def test_a_key_of_very_many_accounts_tells_nothing() -> None:
    books = open_books([Debtor(one, "SAMMEL-100", "EUR") for one in range(60)], [])
    assert suggested(books, entry(1, "SAMMEL-100")) == []


def test_what_is_told_twice_of_an_account_counts_once() -> None:
    books = open_books(
        [Debtor(1, "A", "EUR", ibans=(IBAN, IBAN)), Debtor(2, "B", "EUR", ibans=(OTHER,))], [Item(7, 1, "x", 5)]
    )
    assert answer(books, entry(5, iban=IBAN)) == (1, By.IBAN_AND_AMOUNT, (7,))
    shared = open_books([Debtor(one, "A", "EUR", ibans=(IBAN, IBAN)) for one in (1, 2)], [Item(7, 1, "x", 5)])
    assert answer(shared, entry(5, iban=IBAN)) is None


def test_an_account_without_numbers_is_never_found() -> None:
    books = open_books([Debtor(1, "-", "EUR")], [Item(1, 1, "", 5)])
    assert answer(books, entry(7, "- / .", references=("",), end="-")) is None


def test_names_are_compared_whatever_the_order_of_their_words() -> None:
    assert name_key("Anna Müller") == name_key("MUELLER, ANNA")


def test_a_reason_names_what_was_found(books: Books) -> None:
    found = match(books, entry(1, "RE-2026-001 RE-2026-002"))
    assert isinstance(found, Match)
    assert found.reason == "number: RE2026001, RE2026002"


@given(
    st.lists(
        st.sampled_from(["RE-2026-001", "RE-2026-0015", "A-31", "A-32", "K-1", "4711", "Danke", "RF18"]), max_size=3
    ),
    st.sampled_from([1, 2_500, 5_000, 15_000, -5_000]),
    st.sampled_from(["", IBAN, OTHER, SHARED]),
    st.sampled_from(["", "Max Muster", "Anna Müller"]),
    st.sampled_from(["", "A-32", "E-1"]),
)
def test_books_without_guesses_answer_the_same_and_suggest_nothing(
    lines: list[str], amount: int, iban: str, name: str, end: str
) -> None:
    one = entry(amount, *lines, iban=iban, name=name, end=end)
    found, bare = match(open_books(ACCOUNTS, INVOICES), one), match(open_books(ACCOUNTS, INVOICES, guessing=False), one)
    assert bare == (found if isinstance(found, Match) else found._replace(suggestions=()))


def test_a_purpose_is_its_lines_on_one() -> None:
    assert entry(1, "a", "b").purpose == "a b"


def test_a_statement_without_balances_cannot_be_checked() -> None:
    one = Statement("1", IBAN, "EUR", "camt.054", 1, total=5)
    assert (one.checked, one.difference) == (False, 0)
    one.opening, one.closing = 10, 20
    assert (one.checked, one.difference) == (True, 5)


@given(
    st.lists(st.text("0123456789", min_size=1, max_size=9), min_size=1, max_size=6),
    st.sampled_from(" -/.,\n"),
    st.integers(1, 99),
)
def test_random_numbers_never_make_a_match(numbers: list[str], mark: str, amount: int) -> None:
    accounts = [Debtor(one, f"{one:06}", "EUR") for one in range(100_000, 100_100)]
    books = open_books(accounts, [Item(one, 100_000 + one % 100, f"RE{one:05}", 100 + one) for one in range(100)])
    noise = mark.join(numbers)
    if noise not in {account.number for account in accounts}:
        assert answer(books, entry(amount, *noise.split("\n"), name="Max Muster")) is None


@given(st.text(max_size=80), st.text("ABCDEFGHIJ 0123456789-/.", max_size=80))
def test_any_noise_makes_no_match(strange: str, likely: str) -> None:
    books = open_books([Debtor(1, "KD-77-1234", "EUR")], [Item(1, 1, "RE-2026-123456", 100)])
    assert answer(books, entry(1, strange, likely)) is None


@given(st.integers(1, 11), st.sampled_from(["", "Fuer "]), st.sampled_from(["", " vom 12.03.2026", " Kunde"]))
def test_a_number_cut_anywhere_is_matched(cut: int, before: str, after: str) -> None:
    number = "RE-2026-0007"
    books = open_books(
        [Debtor(1, "K-1", "EUR"), Debtor(2, "K-2", "EUR")], [Item(1, 1, number, 5), Item(2, 2, "RE-1", 5)]
    )
    assert answer(books, entry(1, f"{before}{number[:cut]}", f"{number[cut:]}{after}")) == (1, By.NUMBER, (1,))
