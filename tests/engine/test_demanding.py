"""Letters that ask for interest and costs as well: what they ask for is what the statement says, line by line."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pytest
import sqlalchemy as sa
import zxingcpp
from PIL import Image

from contactd.channels.base import Message
from contactd.channels.letterpress import LetterPress, Paper, paper_of
from contactd.channels.proof import samples, with_interest
from contactd.channels.render import Renderer
from contactd.config.base_rates import load_base_rates
from contactd.config.claims import Claims
from contactd.config.load import load_defaults
from contactd.config.settings import Sections, Settings
from contactd.domain.account import Channel
from contactd.domain.base_rates import BaseRates
from contactd.domain.campaign import Campaign
from contactd.domain.interest import total
from contactd.domain.ledger import Cost
from contactd.domain.posting import Kind, Posting
from contactd.engine.debt.claims import Owed, Terms
from contactd.engine.debt.demanding import Reminding, demanded, owed_on
from contactd.engine.gate import Begun
from contactd.engine.sending.compose import Composer, overdue
from contactd.store import payments, postings, schema
from contactd.store.database import Database
from contactd.store.payments import NewPayment
from contactd.store.postings import Booked
from tests.channels.letters_in_hand import text
from tests.engine.test_letters import HOME, LETTERS, TABLES
from tests.engine.world import OPEN_POLICY, World, open_world

SHIPPED = Path(__file__).parents[2] / "templates"
RATES = load_base_rates(load_defaults().base_rates_path)
AGREED = Claims(due_date_agreed=True)
ALL = Campaign(
    id="standard",
    timezone="Europe/Berlin",
    language="de",
    steps=(replace(LETTERS.steps[0], claim="all"), LETTERS.steps[1]),
)


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with open_world(database, campaigns=(ALL,)) as made:
        demand_by(made)
        yield made


def demand_by(world: World, agreed: Claims = AGREED, rates: BaseRates = RATES) -> None:
    """Put terms in force."""
    world.book.replace((ALL,), {"standard": OPEN_POLICY}, Terms(agreed, rates))


def begin(world: World) -> Begun:
    """Let the letter of the one account begin."""
    world.planner.plan("standard", world.clock.now())
    claims = world.claim(Channel.LETTER)
    with world.database.transaction() as connection:
        [begun] = world.gate.begin(connection, claims)
    assert isinstance(begun, Begun)
    return begun


def written(begun: Begun) -> Message:
    """Write it."""
    sections = Sections.model_validate(TABLES)
    settings = Settings.of(sections, Path("contactd.toml"), (ALL,))
    return Composer(settings, Renderer([SHIPPED]), b"key")(begun, lambda: True)


def said(begun: Begun) -> str:
    """Read the letter."""
    message = written(begun)
    assert message.letter is not None
    return text(message.letter.pdf())


def statement(begun: Begun) -> Owed:
    assert begun.owed is not None
    return begun.owed


def pay(world: World, amount: int, days_ago: int) -> None:
    now = world.clock.now()
    on = now.date() - timedelta(days=days_ago)
    line = NewPayment(f"{amount} {on}", "acme", "K-1", "", amount, "EUR", on, "")
    with world.database.transaction() as connection:
        payments.record(connection, [line], lambda: now)
    world.clock.advance(60)


async def test_a_letter_lists_interest_and_costs_and_asks_for_what_the_statement_says(world: World) -> None:
    world.debtor(1, days_due=400, owed=100_000, kind="business", **HOME)
    with world.database.transaction() as connection:
        world.owe(connection, 1, "R-2", world.clock.now().date() - timedelta(days=40), 7_000)
    pay(world, 9_000, days_ago=100)
    begun = begin(world)
    derived = statement(begun).statement
    today = world.clock.now().date()
    invoices, demand = demanded(begun.owed, overdue(begun, today), begun.invoices, today)
    assert demand is not None
    lines = total([line for _, line in demand.lines])
    assert sum(one.open.minor for one in invoices) == demand.principal == derived.principal
    assert (demand.interest, demand.open_costs) == (derived.interest, derived.costs)
    assert demand.interest < lines  # some of it is paid, and the letter says so
    assert demand.total == derived.open == demand.principal + demand.interest + demand.open_costs
    letter = said(begun)
    assert "Verzugszinsen bis zum" in letter
    assert "darauf bereits gezahlt \N{MINUS SIGN}" in " ".join(letter.split())
    assert letter.count("Pauschale (§ 288 Abs. 5 BGB)") == 2
    euros = f"{derived.open // 100:,}".replace(",", ".") + f",{derived.open % 100:02}"
    assert letter.count(euros) == 3  # below the tables, in the sentence, beside the code
    assert "Vorläufig" not in letter


async def test_a_letter_says_which_rate_was_agreed_and_that_a_loan_is_paid_in_another_order(world: World) -> None:
    world.debtor(1, days_due=400, owed=100_000, kind="consumer", **HOME)
    with world.database.transaction() as connection:
        due = world.clock.now().date() - timedelta(days=40)
        for name, columns in (("R-2", {"contract_rate": "11 %"}), ("R-3", {"claim_kind": "consumer_loan"})):
            world.owe(connection, 1, name, due, 7_000)
            connection.execute(sa.update(schema.invoice).where(schema.invoice.c.invoice_no == name).values(columns))
    letter = " ".join(said(begin(world)).split())
    assert "Rechnung R-2: Zinssatz: 11 % jährlich, vertraglich vereinbart." in letter
    assert "Rechnung R-3: Zinssatz: 5 Prozentpunkte über dem jeweiligen Basiszinssatz (§ 497 Abs. 1 BGB" in letter
    assert "tilgen hier Kosten, dann die Hauptforderung, dann Zinsen (§ 497 Abs. 3 BGB)" in letter
    assert "Rechnung R-1: Zinssatz" not in letter  # the law's for all needs no word


async def test_a_letter_says_of_an_agencys_cost_what_the_lump_sum_took_off(world: World) -> None:
    world.debtor(1, days_due=400, owed=100_000, kind="business", **HOME)
    now = world.clock.now()
    with world.database.transaction() as connection:
        ordered = Posting(0, Kind.COST, now.date() - timedelta(days=9), 10_044, purpose="agency", reason="ordered")
        postings.add(connection, Booked(1, ordered, now, "anna"))
    letter = " ".join(said(begin(world)).split())
    assert "Inkassokosten: ordered, abzüglich 40,00 € Pauschale (§ 288 Abs. 5 Satz 3 BGB) 60,44 €" in letter


async def test_who_is_not_in_default_is_asked_for_the_invoices_only(world: World) -> None:
    demand_by(world, Claims())
    world.debtor(1, days_due=40, **HOME)
    letter = said(begin(world))
    assert "Verzugszinsen" not in letter
    assert "Kosten" not in letter
    assert "Offen insgesamt 100,00 €" in letter


async def test_a_step_that_asks_for_the_invoices_shows_no_interest(world: World) -> None:
    world.book.replace((LETTERS,), {"standard": OPEN_POLICY}, Terms(AGREED, RATES))
    world.debtor(1, days_due=40, **HOME)
    begun = begin(world)
    assert begun.owed is None
    assert "Verzugszinsen" not in said(begun)


async def test_lines_past_the_end_of_the_base_rates_are_marked_provisional(world: World) -> None:
    demand_by(world, rates=BaseRates(RATES.rows[:-1]))
    end = BaseRates(RATES.rows[:-1]).covered_until
    assert end < world.clock.now().date()
    world.debtor(1, days_due=400, owed=100_000, **HOME)
    letter = said(begin(world))
    assert f"Der Basiszinssatz ist erst bis {end:%d.%m.%Y} bekannt" in letter
    assert "6,27*" in letter


async def test_what_is_disputed_or_not_due_is_not_asked_for_with_its_interest(world: World) -> None:
    world.debtor(1, days_due=100, owed=100_000, **HOME)
    today = world.clock.now().date()
    with world.database.transaction() as connection:
        world.owe(connection, 1, "R-DISPUTED", today - timedelta(days=90), 50_000)
        world.owe(connection, 1, "R-LATER", today + timedelta(days=9), 30_000)
        chosen = schema.invoice.c.invoice_no == "R-DISPUTED"
        connection.execute(sa.update(schema.invoice).where(chosen).values(disputed=True))
    begun = begin(world)
    _, demand = demanded(begun.owed, overdue(begun, today), begun.invoices, today)
    assert demand is not None
    assert {number for number, _ in demand.lines} == {"R-1"}
    assert demand.principal == 100_000


async def test_an_invoice_paid_by_the_list_may_still_owe_what_went_to_interest(world: World) -> None:
    world.debtor(1, days_due=400, owed=100_000, **HOME)
    today = world.clock.now().date()
    with world.database.transaction() as connection:
        world.owe(connection, 1, "R-2", today - timedelta(days=40), 7_000)
    pay(world, 100_000, days_ago=10)
    begun = begin(world)
    invoices, demand = demanded(begun.owed, overdue(begun, today), begun.invoices, today)
    assert demand is not None
    assert [one.number for one in invoices] == ["R-1", "R-2"]
    assert [one.days_overdue for one in invoices] == [400, 40]
    assert demand.total == statement(begun).statement.open


async def test_interest_from_before_the_table_is_not_asked_for(world: World) -> None:
    world.debtor(1, days_due=400, **HOME)
    begun, today = begin(world), world.clock.now().date()
    for rates, asked in ((RATES, True), (BaseRates(RATES.rows[-1:]), False)):
        with world.database.snapshot() as connection:
            owed = owed_on(connection, {1: Reminding(today, 0, ())}, Terms(AGREED, rates))[1]
        _, demand = demanded(owed, [], begun.invoices, today)
        assert (demand is not None, owed.unrated()) == (asked, [] if asked else ["R-1"])


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_code_asks_for_the_total_of_sixty_invoices_with_their_interest(language: str) -> None:
    [_, (_, many), _] = samples(language)
    notice = with_interest(replace(many, next_step="…"))
    assert notice.demand is not None
    pages = LetterPress([SHIPPED], Paper()).pictures("mahnung", language, notice)
    found = [one.text for page in pages for one in zxingcpp.read_barcodes(Image.open(BytesIO(page)).convert("L"))]
    asked = sum(one.open.minor for one in notice.invoices) + notice.demand.interest + notice.demand.open_costs
    assert [code.splitlines()[7] for code in found] == [f"EUR{Decimal(asked) / 100}"]


def test_a_cost_is_told_with_its_note_and_the_invoice_it_is_for() -> None:
    [(_, sample), *_] = samples("de")
    notice = with_interest(sample)
    assert notice.demand is not None
    cost = Cost(notice.today, 999, "RE-2026/20931", "court", "Gebühr <1>")
    told = replace(notice, demand=replace(notice.demand, costs=[cost], lines=[], interest=0, open_costs=999))
    letter = text(LetterPress([SHIPPED], paper_of(load_defaults())).press("mahnung", "de", told))
    assert "Gerichtskosten: Gebühr <1>, Rechnung RE-2026/20931 9,99 €" in letter
    assert "Verzugszinsen" not in letter
