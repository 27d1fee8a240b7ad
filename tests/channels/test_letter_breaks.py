"""Where letters break: sums are carried forward, and nothing that belongs to what is before stands alone on a page."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from contactd.channels import wording
from contactd.channels.base import Notice
from contactd.channels.letterpress import LetterPress, Paper
from contactd.channels.proof import samples, with_interest
from contactd.domain.money import Money
from tests.channels.letters_in_hand import pages

PRESS = LetterPress([Path(__file__).parents[2] / "templates"], Paper(most_pages=9))
LONG = dict(samples("de"))["long names, 60 invoices"]
# From the last that fit on the first page to the first of which the end of the letter does not fit on the second.
COUNTS = (1, 6, 12, 13, 16, 19, 20, 27, 28, 29, 30, 31, 32, 33, 34, 45, 58, 60)


def of(count: int, notice: Notice = LONG) -> Notice:
    """Take the first invoices only."""
    invoices = notice.invoices[:count]
    return replace(notice, invoices=invoices, total=Money(sum(one.open.minor for one in invoices), "EUR"))


def said(notice: Notice, template: str = "mahnung", language: str = "de") -> list[str]:
    """Read each page of a letter."""
    return [" ".join(page) for page in pages(PRESS.press(template, language, notice))]


@pytest.mark.parametrize("template", ["mahnung", "erinnerung"])
def test_sixty_invoices_take_two_pages(template: str) -> None:
    assert len(said(LONG, template)) == 2
    assert len(said(replace(dict(samples("en"))["long names, 60 invoices"], language="en"), template, "en")) == 2


@pytest.mark.parametrize("count", COUNTS)
def test_no_total_no_bank_account_and_no_greeting_stands_alone(count: int) -> None:
    notice = of(count)
    found = said(notice)
    assert found[0].count("RE-2026/") > 0
    [total] = [page for page in found if "Offen insgesamt" in page]
    assert notice.invoices[-1].number in total
    [paying] = [page for page in found if "Verwendungszweck" in page]
    assert "so, dass der Betrag spätestens am 3. Dezember 2026" in paying
    assert "Haben Sie in den letzten Tagen bezahlt?" in found[-1]
    assert "Freundliche Grüße" in found[-1]


@pytest.mark.parametrize("count", [12, 13, 31, 60])
def test_what_is_carried_forward_is_the_sum_of_all_rows_before_it(count: int) -> None:
    notice = of(count)
    *before, _ = said(notice)
    before = [page for page in before if "RE-2026/" in page and notice.invoices[-1].number not in page]
    assert ("Übertrag" in " ".join(said(notice))) == bool(before)
    for page in before:
        last = re.findall(r"RE-2026/\d+", page)[-1]
        rows = [one.number for one in notice.invoices]
        sofar = Money(sum(one.open.minor for one in notice.invoices[: rows.index(last) + 1]), "EUR")
        assert f"Übertrag {wording.money(sofar, 'de')}".replace("\N{NO-BREAK SPACE}", " ") in page


def test_lines_of_interest_are_carried_forward_too() -> None:
    notice = with_interest(LONG)
    assert notice.demand is not None
    lines = [(number, line.amount) for number, line in notice.demand.lines]
    found = [page for page in said(notice) if "aus von bis Tage" in page]
    shown = 0
    for page in found[:-1]:
        shown += len(re.findall(r"RE-2026/\d+ [\d.,]+ €", page.partition("aus von bis Tage")[2]))
        sofar = wording.money(Money(sum(amount for _, amount in lines[:shown]), "EUR"), "de")
        assert f"Übertrag {sofar}".replace("\N{NO-BREAK SPACE}", " ") in page
    assert 0 < shown < len(lines)
    assert "Zinsen 541,79 €" in found[-1]
    assert "darauf bereits gezahlt" in found[-1]
