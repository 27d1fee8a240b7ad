"""What the tests of receivables have in common: the shipped base rates, holidays, random ledgers, naive counting."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import strategies as st

from contactd.config.base_rates import load_base_rates
from contactd.config.fees import load_fees
from contactd.config.holidays import regions
from contactd.config.load import load_defaults
from contactd.domain.appropriation import COMMON, UNDESIGNATED, Designation, Part
from contactd.domain.interest import BUSINESS, CONSUMER, DayCount, Rate
from contactd.domain.ledger import Claim, Cost, Ledger, Payment, Reversal, WriteOff

RATES = load_base_rates(load_defaults().base_rates_path)
FEES = load_fees(load_defaults().fees_path)
BERLIN = regions(["DE-BE"], range(2020, 2032))["DE-BE"]
NRW = regions(["DE-NW"], range(2020, 2032))["DE-NW"]
ONE_DAY = timedelta(days=1)
START, END = date(2023, 6, 1), date(2025, 9, 30)  # random facts lie between; two years with a leap year
DAYS = st.dates(START, END)
AMOUNTS = st.integers(1, 200_000)
NAMES = ("a", "b", "c")


def day(text: str) -> date:
    """Read an ISO date."""
    return date.fromisoformat(text)


def exact_interest(principals: dict[date, int], first: date, last: date, points: Decimal) -> Fraction:
    """Add interest over the base rate day by day, act/act; `principals` are by the first day of each."""
    whole, at = Fraction(0), first
    while at <= last:
        principal = principals[max(since for since in principals if since <= at)]
        base = next(row.percent for row in reversed(RATES.rows) if row.valid_from <= at)
        leap = at.year % 4 == 0  # from 2002 to 2099
        whole += principal * Fraction(max(base + points, Decimal(0))) / (100 * (366 if leap else 365))
        at += ONE_DAY
    return whole


@st.composite
def claims(draw: st.DrawFn, name: str) -> Claim:
    """Draw a claim of any kind; some of equal age, so that they share."""
    arose = draw(st.sampled_from([START, START + 40 * ONE_DAY]) | DAYS)
    due = arose + draw(st.sampled_from([0, 14, 200])) * ONE_DAY
    return Claim(
        name,
        draw(AMOUNTS),
        arose,
        due,
        draw(st.sampled_from([CONSUMER, BUSINESS, Rate(Decimal("11.5"), over_base=False)])),
        draw(st.sampled_from([None, due + ONE_DAY, due + 30 * ONE_DAY])),
        draw(st.sampled_from(DayCount)),
        draw(st.booleans()),
        draw(st.booleans()),
    )


@st.composite
def ledgers(draw: st.DrawFn) -> Ledger:
    """Draw an account with up to three claims and all that may happen to it; many things happen on few days."""
    names = NAMES[: draw(st.integers(1, 3))]
    on = st.sampled_from([START + 60 * ONE_DAY, START + 61 * ONE_DAY]) | DAYS
    which = st.sampled_from((*names, COMMON))
    wish = st.builds(
        Designation,
        st.lists(which, max_size=2).map(tuple),
        st.none() | st.sampled_from(Part),
        st.lists(which, max_size=1).map(tuple),
    )
    payments = tuple(
        Payment(f"p{number}", draw(on), draw(AMOUNTS), draw(st.just(UNDESIGNATED) | wish))
        for number in range(draw(st.integers(0, 5)))
    )
    back = [payment for payment in payments if draw(st.sampled_from([False, False, False, True]))]
    return Ledger(
        tuple(draw(claims(name)) for name in names),
        tuple(draw(st.lists(st.builds(Cost, on, st.integers(1, 5_000), which), max_size=3))),
        payments,
        tuple(
            Reversal(payment.id, payment.on + draw(st.integers(0, 9)) * ONE_DAY, draw(st.sampled_from([0, 350])))
            for payment in back
        ),
        tuple(draw(st.lists(st.builds(WriteOff, on, which, st.sampled_from(Part), AMOUNTS), max_size=2))),
    )
