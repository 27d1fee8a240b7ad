"""The customers of a simulated year: who they are, and what each does when reminded. Nobody of them exists.

The same seed makes the same people. What they decide is carried out by the `Village` they live in (rehearsal/year.py).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from random import Random
from typing import Protocol

from contactd.domain.agreement import Kind as Agreed
from contactd.domain.call import Disposition
from contactd.domain.campaign import Campaign
from contactd.intake import sample

Row = dict[str, str]
_STRANGER = 20  # one in so many is selected by no campaign
_ABROAD = 12  # one in so many who read English lives in New York
_ABROAD_NUMBER = "+1202555{:04}"  # 555-0100 to 0199 are for fiction
_MOST_ABROAD = 100
_MOBILE = {"DE": "+49176040690{:02}", "GB": "+447700900{:03}"}  # for fiction, too


class Habit(StrEnum):
    """What a customer does who has not paid in time."""

    FORGETS = "forgets"
    PAYS_PART = "pays_part"
    PROMISES = "promises"
    BREAKS = "breaks_promises"
    PLANS = "plans"
    BREAKS_PLANS = "breaks_plans"
    DISPUTES = "disputes"
    SAYS_PAID = "says_paid"
    HARDSHIP = "hardship"
    DEBIT = "direct_debit"
    PAYS_TWICE = "pays_twice"
    NEVER = "never_pays"
    STOPS = "stops"


class Fate(StrEnum):
    """What befalls a customer some day, whatever their habit."""

    NONE = ""
    MOVES = "moves"  # has no e-mail, and letters come back from then on, until the new address is known
    NEW_NUMBER = "new_number"  # calls lead nowhere, or to somebody else
    LAWYER = "lawyer"  # who speaks for them once they were reminded
    INSOLVENT = "insolvency"
    DIES = "deceased"


_OFTEN = 40  # one in so many has each of the fates, so that none is missing among some hundred customers
_FATES = {5: Fate.MOVES, 22: Fate.MOVES, 12: Fate.NEW_NUMBER, 19: Fate.LAWYER, 26: Fate.INSOLVENT, 33: Fate.DIES}
_FATE_BEGINS, _FATE_ENDS = 0.1, 0.6  # of the time that is simulated
_WEIGHTS = {
    Habit.FORGETS: 40, Habit.PAYS_PART: 8, Habit.PROMISES: 8, Habit.BREAKS: 6, Habit.PLANS: 5, Habit.BREAKS_PLANS: 4,
    Habit.DISPUTES: 6, Habit.SAYS_PAID: 5, Habit.HARDSHIP: 3, Habit.DEBIT: 8, Habit.PAYS_TWICE: 2, Habit.NEVER: 3,
    Habit.STOPS: 2,
}  # fmt: skip
# What an agent notes after a conversation with them; of others a promise.
SAID = {
    Habit.PLANS: Disposition.PLAN,
    Habit.BREAKS_PLANS: Disposition.PLAN,
    Habit.DISPUTES: Disposition.DISPUTE,
    Habit.SAYS_PAID: Disposition.PAID,
    Habit.HARDSHIP: Disposition.HARDSHIP,
    Habit.NEVER: Disposition.REFUSES,
    Habit.STOPS: Disposition.REFUSES,
}
_IN_TIME = {Habit.FORGETS: 0.75, Habit.NEVER: 0.0, Habit.DEBIT: 1.0}
_MOSTLY_IN_TIME = 0.6
_DEAD_MAIL = 0.05


@dataclass(slots=True)
class Villager:
    """One customer; `row` is what the creditor's list says of them, `contacts` counts those since the debt began."""

    row: Row
    habit: Habit
    luck: Random
    iban: str
    bill_day: int
    amount: int
    contacts: int = 0
    sent: int = 0  # paid and not booked yet
    dead_mail: bool = False
    fate: Fate = Fate.NONE
    when: float = 1.0  # at which part of the time that befalls them
    befallen: bool = False
    paid_twice: int = 0
    is_sought: bool = False
    is_known: bool = False  # the new address or number
    bills: list[str] = field(default_factory=list)

    @property
    def number(self) -> str:
        """Give the account number."""
        return self.row["account_no"]

    @property
    def is_lost(self) -> bool:
        """Tell whether what the list says of them is not true any more."""
        return self.befallen and not self.is_known

    @property
    def gone(self) -> bool:
        """Tell whether nothing comes from them any more."""
        return self.befallen and self.fate in {Fate.INSOLVENT, Fate.DIES}

    def pays_in_time(self) -> bool:
        """Decide of an invoice."""
        return self.luck.random() < _IN_TIME.get(self.habit, _MOSTLY_IN_TIME)


class Village(Protocol):
    """What customers can do."""

    def pay(self, who: Villager, amount: int, days: int, bills: Sequence[str] = (), *, clear: bool = True) -> None:
        """Transfer money in so many days; not `clear`: by a stranger's account, without a number."""
        ...

    def agree(self, who: Villager, kind: Agreed, days: int = 0, count: int | None = None) -> None:
        """Have something agreed at once, for so many days from now; a plan has `count` instalments."""
        ...

    def dispute(self, who: Villager, *, right: bool, days: int) -> None:
        """Dispute the oldest invoice; after so many days it is decided."""
        ...

    def represent(self, who: Villager) -> None:
        """Have a lawyer write."""
        ...

    def stop(self, who: Villager) -> None:
        """Ask not to be contacted any more."""
        ...

    def owes(self, who: Villager) -> int:
        """Answer what is open by the creditor's books, in minor units."""
        ...

    def oldest(self, who: Villager) -> tuple[str, int]:
        """Answer the oldest open invoice and what is open of it."""
        ...


def iban_of(number: int) -> str:
    """Compute an IBAN of the bank code 00000000, which no bank has."""
    bban = f"00000000{number:010}"
    return f"DE{98 - int(f'{bban}131400') % 97:02}{bban}"


def villagers(seed: int, count: int, campaigns: Sequence[Campaign], today: date) -> Iterator[Villager]:
    """Make up customers, most of them such as the campaigns select."""
    luck = Random(f"{seed}/people")  # noqa: S311 -- a rehearsal, no secret
    seen: dict[str, Row] = {}
    for row in sample.sample_rows(seed, count, today, creditor="musterwerke"):
        seen.setdefault(row["account_no"], row)
    for place, row in enumerate(seen.values()):
        if place % _STRANGER:
            _fit(row, campaigns[place % len(campaigns)], place)
        [habit] = luck.choices(list(_WEIGHTS), weights=list(_WEIGHTS.values()))
        business = row["kind"] == "business"
        amount = luck.randint(20_000, 400_000) if business else luck.randint(2_500, 30_000)
        own = Random(f"{seed}/{row['account_no']}")  # noqa: S311 -- a rehearsal, no secret
        dead, when = luck.random() < _DEAD_MAIL, luck.uniform(_FATE_BEGINS, _FATE_ENDS)
        fate = _FATES.get(place % _OFTEN, Fate.NONE)
        if fate is Fate.MOVES:  # they are reminded by SMS, and agree on something that is confirmed by letter
            row |= {"email": "", "mobile": _MOBILE.get(row["country"], "").format(place % _MOST_ABROAD)}
            habit = (Habit.PROMISES, Habit.BREAKS, Habit.PLANS, Habit.HARDSHIP)[place // _OFTEN % 4]
        bill_day = luck.randint(1, 28)
        yield Villager(row, habit, own, iban_of(place + 1), bill_day, amount, dead_mail=dead, fate=fate, when=when)


def _fit(row: Row, campaign: Campaign, place: int) -> None:
    """Make a customer one whom the campaign selects, as far as it asks for something."""
    select = campaign.select
    for name, wanted in (
        ("kind", [str(kind) for kind in select.kinds]),
        ("language", [one for one in select.languages if one] or [campaign.language]),
        ("creditor", list(select.creditors)),
        ("segment", list(select.segments)),
        ("country", list(select.countries)),
        ("currency", list(select.currencies)),
    ):
        if wanted and row[name] not in wanted:
            row[name] = min(wanted)
    if row["language"] == "en" and row["country"] != "DE" and place % _ABROAD == 0 and not select.countries:
        row |= {"country": "US", "region": "US-NY", "timezone": "America/New_York", "mobile": ""}
        row["phone"] = _ABROAD_NUMBER.format(100 + place % _MOST_ABROAD)


# ---- what each habit does about a reminder; `times` is how many there were -------------------------------------------


def react(village: Village, who: Villager) -> None:
    """Let a customer who owes something answer a message or a call."""
    who.contacts += 1
    if who.gone:
        return
    if who.fate is Fate.LAWYER and not who.befallen and who.contacts > 1:
        village.represent(who)
    elif village.owes(who) > 0:
        _HABITS[who.habit](village, who, who.contacts)


def _pay_all(village: Village, who: Villager, least: int = 1, most: int = 6) -> None:
    village.pay(who, village.owes(who), who.luck.randint(least, most), tuple(who.bills), clear=who.luck.random() < 0.93)  # noqa: PLR2004 - few are unreadable


def _forgets(village: Village, who: Villager, times: int) -> None:
    if times >= who.luck.choice((1, 1, 1, 2, 3)):
        _pay_all(village, who)


def _pays_part(village: Village, who: Villager, times: int) -> None:
    if times in {1, 2}:
        village.pay(who, max(village.owes(who) // 2, 1), who.luck.randint(1, 5))
    elif times > who.luck.choice((2, 3)):
        _pay_all(village, who)


def _promises(village: Village, who: Villager, times: int) -> None:
    if times == 2:  # noqa: PLR2004 - the second reminder
        days = who.luck.randint(4, 12)
        village.agree(who, Agreed.PROMISE, days)
        _pay_all(village, who, max(days - 3, 1), days)
    elif times > 3:  # noqa: PLR2004 - it did not come
        _pay_all(village, who)


def _breaks(village: Village, who: Villager, times: int) -> None:
    if times in {1, 3}:
        village.agree(who, Agreed.PROMISE, who.luck.randint(3, 9))
        if times == 1 and who.luck.random() < 0.4:  # noqa: PLR2004 - some pay a little
            village.pay(who, max(village.owes(who) // 3, 1), 4)
    elif times > 4:  # noqa: PLR2004 - two were broken
        _pay_all(village, who)


def _plans(village: Village, who: Villager, times: int) -> None:
    _instalments(village, who, times, kept=3)


def _breaks_plans(village: Village, who: Villager, times: int) -> None:
    _instalments(village, who, times, kept=1)


def _instalments(village: Village, who: Villager, times: int, kept: int) -> None:
    if times == 2:  # noqa: PLR2004 - the second reminder
        owed = village.owes(who)
        village.agree(who, Agreed.PLAN, 5, count=3)
        each = -(-owed // 3)
        for place in range(kept):
            village.pay(who, min(each, owed - place * each), 4 + 30 * place)
    elif times > 5:  # noqa: PLR2004 - after the plan was broken
        _pay_all(village, who)


def _disputes(village: Village, who: Villager, times: int) -> None:
    if times == 1:
        village.dispute(who, right=who.luck.random() < 0.5, days=who.luck.randint(8, 25))  # noqa: PLR2004 - half are right
    elif times > 1:
        _pay_all(village, who)


def _says_paid(village: Village, who: Villager, times: int) -> None:
    if times == 1:
        village.agree(who, Agreed.SAYS_PAID)
        if who.luck.random() < 0.6:  # noqa: PLR2004 - most speak the truth
            _pay_all(village, who, 1, 3)
    elif times > 2:  # noqa: PLR2004 - and was reminded again
        _pay_all(village, who)


def _hardship(village: Village, who: Villager, times: int) -> None:
    if times == 2:  # noqa: PLR2004 - the second reminder
        village.agree(who, who.luck.choice((Agreed.HARDSHIP, Agreed.DEFERRAL)), 30)
    elif times > 3:  # noqa: PLR2004 - afterwards
        _pays_part(village, who, 1)


def _pays_twice(village: Village, who: Villager, times: int) -> None:
    if times == 1:
        number, rest = village.oldest(who)
        village.pay(who, rest, 2, (number,))
        village.pay(who, rest, 3, (number,))
        who.paid_twice += 1


def _never(village: Village, who: Villager, times: int) -> None:
    del village, who, times


def _stops(village: Village, who: Villager, times: int) -> None:
    if times == 2:  # noqa: PLR2004 - the second reminder
        village.stop(who)
    elif times == 1 and who.luck.random() < 0.5:  # noqa: PLR2004 - some pay
        _pay_all(village, who)


_HABITS: dict[Habit, Callable[[Village, Villager, int], None]] = {
    Habit.FORGETS: _forgets,
    Habit.PAYS_PART: _pays_part,
    Habit.PROMISES: _promises,
    Habit.BREAKS: _breaks,
    Habit.PLANS: _plans,
    Habit.BREAKS_PLANS: _breaks_plans,
    Habit.DISPUTES: _disputes,
    Habit.SAYS_PAID: _says_paid,
    Habit.HARDSHIP: _hardship,
    Habit.DEBIT: _forgets,
    Habit.PAYS_TWICE: _pays_twice,
    Habit.NEVER: _never,
    Habit.STOPS: _stops,
}
