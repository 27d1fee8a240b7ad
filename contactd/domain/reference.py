"""Finds numbers of our own in what payers write: upper case, without marks, whole, broken over lines, never in parts.

A text is cut into pieces: runs of letters and runs of digits. A number may begin and end only where a piece does, so
4711 is not found in 14711, and it may run over blanks, dashes, slashes, dots and ends of lines. For domain.matching.
"""

import re
import unicodedata
from collections.abc import Container, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from string import ascii_uppercase, digits
from typing import NamedTuple

# ISO 11649: RF, two check digits, up to 21 letters and digits.
_RF_PREFIX, _RF_MOST = "RF", 25
_RF = re.compile(r"RF[0-9]{2}[0-9A-Z]{1,21}")
_PIECE = re.compile(r"([0-9]+|[^\W\d_]+)")
_SPELLED = str.maketrans({"Ä": "AE", "Ö": "OE", "Ü": "UE", "Æ": "AE", "Ø": "OE", "Å": "AA"})
_DAY, _MONTH = r"(?:0[1-9]|[12]\d|3[01])", r"(?:0[1-9]|1[0-2])"
_DATE = re.compile(
    rf"(?:19|20)\d\d(?:{_MONTH}(?:{_DAY})?)?|(?:{_DAY})?{_MONTH}(?:19|20)\d\d|{_DAY}{_MONTH}\d\d|\d\d{_MONTH}{_DAY}"
)
# A number of digits only is also a date, a telephone or somebody else's number: only a long one speaks for itself.
_LONG_ENOUGH = 9
_LEAST_MARKS, _LEAST_DIGITS = 5, 3

_ANY = ascii_uppercase + digits
_VALUES = {ord(mark): str(int(mark, 36)) for mark in ascii_uppercase}
_WORD = 3  # letters: what is shorter may belong to a number
# How two neighbouring pieces stand to each other: without anything between, with dashes, slashes or dots, with a blank,
# at the end of a line, with other marks, and with other marks inside a number (12,50 or 12:30).
GLUED, TIGHT, APART, CUT, SHUT, INSIDE = range(6)
_OPEN = frozenset({APART, CUT, SHUT})

_OF_INVOICE = frozenset(
    ["RE", "RG", "RN", "RNR", "RENR", "RGNR", "RECHNUNG", "RECHNUNGEN", "RECHNUNGSNR", "RECHNUNGSNUMMER", "RECHNUNGS",
     "RECHNR", "BELEG", "BELEGNR", "BELEGNUMMER", "INV", "INVOICE", "INVOICENO"]
)  # fmt: skip
_OF_ACCOUNT = frozenset(
    ["KD", "KDNR", "KDN", "KUNDE", "KUNDEN", "KUNDENNR", "KUNDENNUMMER", "KNR", "KUNDENKONTO", "DEBITOR", "DEBITORENNR",
     "DEBITORNR", "CUSTOMER", "CUSTOMERNO", "ACCOUNT", "ACCOUNTNO"]
)  # fmt: skip
_OF_EITHER = frozenset(["REF", "REFERENZ", "REFERENCE", "AZ", "AKTENZEICHEN", "VERWENDUNGSZWECK", "ZAHLUNGSREFERENZ"])
_NUMBER_WORDS = frozenset(["NR", "NO", "NUM", "NUMMER", "NUMBER"])


class Text(NamedTuple):
    """A text in pieces; `gaps[i]` is what stands before piece i, `gaps[-1]` what follows the last."""

    pieces: Sequence[str]
    gaps: Sequence[int]


class Hit(NamedTuple):
    """A number found: its normal form and the pieces from `first` up to, not including, `end`."""

    token: str
    first: int
    end: int


def upper(text: str) -> str:
    """Write in upper case with plain letters, as banks do: Ü is UE, É is E."""
    if text.isascii():
        return text.upper()
    plain = unicodedata.normalize("NFC", text).upper().translate(_SPELLED)
    return "".join(mark for mark in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(mark))


def normal(number: str) -> str:
    """Write a number for comparison: upper case, letters and digits only; `RE-2026/0815` is RE20260815."""
    return "".join(_PIECE.findall(upper(number)))


def speaks_for_itself(token: str) -> bool:
    """Tell whether a number is too peculiar to stand in a text by chance."""
    if token.isdecimal():
        return len(token) >= _LONG_ENOUGH
    return len(token) >= _LEAST_MARKS and sum(map(str.isdecimal, token)) >= _LEAST_DIGITS


def remainder(text: str) -> int:
    """Divide by 97 what upper letters and digits stand for (ISO 7064): the check of RF references and of IBANs."""
    return int(text.translate(_VALUES)) % 97


def is_rf(reference: str) -> bool:
    """Tell what looks like an RF reference in normal form, right or wrong."""
    return _RF.fullmatch(reference) is not None


def rf_body(reference: str) -> str:
    """Answer what an RF reference in normal form carries; empty when it is none or its check digits are wrong."""
    if not is_rf(reference):
        return ""
    return reference[4:] if remainder(reference[4:] + reference[:4]) == 1 else ""


def rf_reference(body: str) -> str:
    """Write the RF reference (ISO 11649) that carries a number of up to 21 letters and digits in normal form."""
    return f"{_RF_PREFIX}{98 - remainder(f'{body}{_RF_PREFIX}00'):02}{body}"


@lru_cache(maxsize=4_096)
def _gap(between: str) -> int:
    if not between:
        return GLUED
    if "\n" in between:
        return SHUT if between.strip("-/. \n") else CUT
    if not between.strip("-/."):
        return TIGHT
    if not between.strip("-/. "):
        return APART
    return SHUT if " " in between else INSIDE


def cut_up(lines: Iterable[str]) -> Text:
    """Cut lines into pieces; where one line ends and the next begins, a number may have been broken."""
    text = upper("\n".join(lines)).replace("\t", " ").replace("\xa0", " ")
    parts = _PIECE.split(text)  # gap, piece, gap, … gap
    pieces = parts[1::2]
    gaps = [SHUT, *map(_gap, parts[2:-1:2]), SHUT] if pieces else [SHUT]
    if INSIDE in gaps:
        for place, (before, after) in enumerate(pairwise(pieces), 1):
            if gaps[place] == INSIDE and not (before.isdecimal() and after.isdecimal()):
                gaps[place] = SHUT
    return Text(pieces, gaps)


def find(text: Text, known: Container[str], longest: int, heads: Container[str] = _ANY) -> list[Hit]:
    """Find the known numbers that stand in the text as a whole, in the order they begin in, longest first.

    `heads`: what the known ones begin with, one mark each.
    """
    pieces, gaps = text
    hits: list[Hit] = []
    for first, piece in enumerate(pieces):
        if piece[0] not in heads or not _may_begin(text, first):
            continue
        found: list[Hit] = []
        token, end = piece, first + 1
        while len(token) <= longest:
            if token in known and _may_end(text, end):
                found.append(Hit(token, first, end))
            if gaps[end] >= SHUT:
                break
            token += pieces[end]
            end += 1
        hits += reversed(found)
    return hits


def _may_begin(text: Text, first: int) -> bool:
    """Tell whether a number may begin here: after a blank or a label, not in the middle of another number."""
    gap = text.gaps[first]
    if gap in _OPEN:
        return True
    before = text.pieces[first - 1]
    if gap == INSIDE or before.isdecimal():
        return False
    # Kd.-Nr.4711, RE4711: only what names the number may stand that close to it; a word before letters is one.
    if _label(before) or before in _NUMBER_WORDS:
        return True
    return len(before) >= _WORD and not text.pieces[first].isdecimal()


def _may_end(text: Text, end: int) -> bool:
    """Tell whether a number may end here; what follows closely belongs to it, unless it is a word."""
    gap = text.gaps[end]
    if gap in _OPEN:
        return True
    after = text.pieces[end] if gap == TIGHT else "0"
    return not after.isdecimal() and (len(after) >= _WORD or bool(_label(after)))


def like_a_date(token: str) -> bool:
    """Tell whether digits may be a year, a month or a day."""
    return _DATE.fullmatch(token) is not None


def after_rf(text: Text, hit: Hit) -> bool:
    """Tell whether a number stands behind `RF18`: only the check digits say whether it is one of ours."""
    first = hit.first
    return first > 1 and text.pieces[first - 2] == _RF_PREFIX and text.pieces[first - 1].isdecimal()


def continues(text: Text, hit: Hit) -> bool:
    """Tell whether the number may be part of a longer one: digits beside its digits, over a blank or an end of line."""
    pieces, gaps = text
    digits_only = hit.token.isdecimal()
    over = {CUT, APART} if digits_only else {CUT}
    before = gaps[hit.first] in over and pieces[hit.first][0].isdecimal() and pieces[hit.first - 1].isdecimal()
    if before:
        return True
    return gaps[hit.end] in over and hit.token[-1].isdecimal() and pieces[hit.end].isdecimal()


def labelled(text: Text, hit: Hit) -> str:
    """Answer what the word before a number calls it: `invoice`, `account`, `either`; empty when nothing names it."""
    at = hit.first - 1
    generic = False
    while at >= 0 and text.pieces[at] in _NUMBER_WORDS:
        generic = True
        at -= 1
    found = _label(text.pieces[at]) if at >= 0 else ""
    if found:
        return found
    return "either" if generic and at < 0 else ""


def _label(word: str) -> str:
    if word in _OF_INVOICE:
        return "invoice"
    if word in _OF_ACCOUNT:
        return "account"
    return "either" if word in _OF_EITHER else ""


def rf_references(text: Text) -> Iterator[str]:
    """Give every stretch of the text that is a right RF reference by its check digits, whatever it carries."""
    pieces, gaps = text
    if _RF_PREFIX not in pieces:
        return
    for first, piece in enumerate(pieces):
        if piece != _RF_PREFIX or gaps[first] not in _OPEN:
            continue
        token = piece
        for end in range(first + 1, len(pieces)):
            if gaps[end] >= SHUT:
                break
            token += pieces[end]
            if len(token) > _RF_MOST:
                break
            if gaps[end + 1] in _OPEN and rf_body(token):
                yield token
