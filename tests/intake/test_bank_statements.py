"""A statement is proved by its balances and has the same keys whenever and however it comes again."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contactd.domain.books import Debtor, Item, open_books
from contactd.domain.errors import InputError
from contactd.domain.matching import Match, match, note
from contactd.intake.bank_statements import read_statements
from tests.fakes.bank import DAY, Account, Booking, Payment, camt, iban, mt940, write


def keys(path: Path, text: str) -> list[str]:
    """Read the keys of a file."""
    with read_statements(write(path / "statement", text)) as found:
        assert found.refused == []
        return [one.key for one in found.entries()]


def test_a_statement_that_does_not_add_up_is_refused_and_the_others_are_taken(tmp_path: Path) -> None:
    wrong = Account([Booking((Payment(5_000),))], number="77", opening=100_000, closing=110_000)
    right = Account([Booking((Payment(1),))], iban=iban(5))
    with read_statements(write(tmp_path / "a.xml", camt([wrong, right]))) as found:
        assert found.refused[0] == (
            f'{tmp_path / "a.xml"}: line 4: statement "77" of DE02120300000000202051: 1000.00 EUR and bookings of 50.00'
            " EUR do not make 1100.00 EUR: 50.00 EUR is not told; nothing of it was taken; export it from the bank"
            " again, once the day is over"
        )
        assert [one.amount for one in found.entries()] == [1]
        assert [one.checked for one in found.statements] == [True, True]


def test_a_statement_in_another_currency_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.sta", mt940([":61:260302C1,N051NONREF"], opening="C260301USD1,", closing="C260302USD2,"))
    with read_statements(path, ["EUR", "CHF"]) as found:
        assert found.refused[0].endswith("is in USD, not in CHF, EUR; leave this account out")
    with read_statements(path, ["USD"]) as found:
        assert found.refused == []


def test_a_file_is_known_by_its_digest(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xml", camt([Account()]))
    with read_statements(path) as found:
        assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b" \n ", "is empty"),
        (b"PK\x03\x04...", "is a ZIP file; unpack it"),
        (b"\x1f\x8b...", "is compressed"),
        (b"%PDF-1.7", "is a PDF; export the statement as camt.053"),
        (b"a;b\n1;2\n", "is neither CAMT (XML) nor MT940; export camt.053 from the bank"),
    ],
)
def test_what_is_no_statement_is_told_with_the_cure(tmp_path: Path, data: bytes, reason: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        read_statements(path)
    assert str(caught.value).startswith(f"{path}: {reason}")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_statements(tmp_path / "none")


def test_xml_may_be_in_any_encoding(tmp_path: Path) -> None:
    text = camt([Account([Booking((Payment(5, ("Gebühr",)),))])])
    for encoding in ("utf-8-sig", "utf-16", "cp1252"):
        path = tmp_path / "a.xml"
        path.write_bytes(
            text.replace("UTF-8", "windows-1252" if encoding == "cp1252" else encoding[:6]).encode(encoding)
        )
        with read_statements(path) as found:
            assert [one.purpose for one in found.entries()] == ["Gebühr"]


PAYMENTS = st.builds(
    Payment,
    st.integers(1, 3),
    st.tuples(st.sampled_from(["a", "b"])),
    end_to_end=st.sampled_from(["", "E1"]),
    iban=st.sampled_from(["", iban(1)]),
)
BOOKINGS = st.builds(
    Booking, st.lists(PAYMENTS, min_size=1, max_size=3).map(tuple), bank_ref=st.sampled_from(["", "B1", "B2", "B3"])
)


@given(st.lists(BOOKINGS, max_size=8))
@settings(deadline=None)
def test_reading_twice_is_reading_once(tmp_path_factory: pytest.TempPathFactory, bookings: list[Booking]) -> None:
    path = tmp_path_factory.mktemp("bank")
    once = keys(path, camt([Account(bookings)]))
    assert len(set(once)) == len(once) == sum(len(one.payments) for one in bookings)
    assert keys(path, camt([Account(bookings)])) == once
    assert keys(path, camt([Account(bookings)], version="02")) == once
    assert keys(path, camt([Account(bookings)], kind="054")) == once
    twice = keys(path, camt([Account(bookings), Account(bookings, number="again")]))
    assert twice == once * 2


def test_statements_that_overlap_tell_what_both_have_by_the_same_keys(tmp_path: Path) -> None:
    days = [Booking((Payment(day, ("gleich",)),), booked=DAY.replace(day=day)) for day in range(1, 6)]
    equal = [Booking((Payment(3, ("gleich",)),), booked=DAY.replace(day=3))]
    first, second = (keys(tmp_path, camt([Account(part)])) for part in (days[:3] + equal, days[2:3] + equal + days[3:]))
    assert len({*first, *second}) == 6


def test_two_equal_payments_of_one_day_are_two(tmp_path: Path) -> None:
    equal = Booking((Payment(5, ("Miete",), iban=iban(1)),))
    found = keys(tmp_path, camt([Account([equal, equal])]))
    assert [key.rpartition("-")[2] for key in found] == ["1", "2"]


def test_payments_without_a_reference_of_the_bank_are_told_apart_by_what_was_written(tmp_path: Path) -> None:
    pair = [Booking((Payment(5, ("RE-1",)),)), Booking((Payment(5, ("RE-2",)),))]
    assert all(key.endswith("-1") for key in keys(tmp_path, camt([Account(pair)])))
    assert keys(tmp_path, camt([Account(pair[:1])])) != keys(tmp_path, camt([Account(pair[1:])]))


def test_mt940_has_the_same_keys_again(tmp_path: Path) -> None:
    lines = [":61:260302C1,N051NONREF", ":61:260302C1,N051NONREF", ":61:260302C1,N051NONREF//B"]
    text = mt940(lines, closing="C260302EUR1003,")
    assert keys(tmp_path, text) == keys(tmp_path, text)
    assert len(set(keys(tmp_path, text))) == 3


def test_a_statement_and_the_return_that_follows_it_find_each_other(tmp_path: Path) -> None:
    paid = Payment(10_000, ("RE-2026-08", "15"), end_to_end="E1", iban=iban(1))
    back = Payment(-10_300, ("RETURN",), end_to_end="E1", iban=iban(1), reason="MD06", instructed=10_000)
    text = camt([Account([Booking((paid,), bank_ref="1"), Booking((back,), bank_ref="2")])])
    books = open_books([Debtor(1, "K-1", "EUR")], [Item(11, 1, "RE-2026-0815", 10_000)])
    answers = []
    with read_statements(write(tmp_path / "a.xml", text)) as found:
        for entry in found.entries():
            answer = match(books, entry)
            assert isinstance(answer, Match)
            note(books, entry, answer)
            answers.append((entry.key, answer))
    [(key, first), (_, second)] = answers
    assert (first.invoice_ids, second.takes_back, second.account_id) == ((11,), key, 1)
