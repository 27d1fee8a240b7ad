"""What befalls customers of a simulated year, and what the office makes of it once it hears.

Letters to who has moved come back, and somebody looks for the new address; a number that leads nowhere, or to somebody
else, is marked, and a list brings another one; insolvency and death end everything. Lawyers write when their client
was reminded (`villagers.react`).
"""

from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

from contactd.rehearsal.villagers import Fate, Villager

if TYPE_CHECKING:
    from contactd.rehearsal.year import Year

_DAY = timedelta(days=1)
_ADDRESSES_FOUND, _NUMBERS_FOUND, _DISCONNECTED = 0.7, 0.8, 0.5
_FOR_FICTION = {"DE": "+493023125{:03}", "GB": "+44207946{:04}", "US": "+1202555{:04}"}
_NUMBERS = (100, 199)  # in each of these ranges
_NEW_STREET = {"de": "Neue Beispielallee {}", "en": "New Example Avenue {}"}


class Fates:
    """Lets things happen in a year."""

    def __init__(self, year: "Year") -> None:
        self._year = year
        self._luck = Random(f"{year.options.seed}/fates")  # noqa: S311 -- a rehearsal, no secret
        self._unknown: list[Villager] = []  # who is gone before any list told of them

    def begin(self) -> None:
        """Have everything happen on its day, at noon."""
        for who in self._year.people:
            if who.fate not in {Fate.NONE, Fate.LAWYER}:
                on = self._year.clock.now() + int(who.when * self._year.options.days) * _DAY + timedelta(hours=12)
                self._year.at(on, lambda who=who: self._befall(who))  # type: ignore[misc] # of this turn of the loop

    def _befall(self, who: Villager) -> None:
        who.befallen = True
        if who.gone:
            self._unknown.append(who)
            self.note()

    def note(self) -> None:
        """Have it noted who is gone, as soon as a list has told of them: before, there is no account to note it of."""
        for who in [*self._unknown]:
            if self._year.clerk.stop_for_good(who, who.fate.value):
                self._year.umpire.stopped(who.number, self._year.clock.now())
                self._unknown.remove(who)

    # ---- who has moved -----------------------------------------------------------------------------------------------

    def loses_letter(self, who: Villager, reference: str) -> bool:
        """Tell whether a letter comes back, and have it do so."""
        if who.fate is not Fate.MOVES or not who.is_lost:
            return False
        later = self._year.clock.now() + self._luck.randint(2, 4) * _DAY
        self._year.at(later, lambda: self._came_back(who, reference))
        return True

    def _came_back(self, who: Villager, reference: str) -> None:
        task = self._year.clerk.returned(reference, "moved")
        if task is not None:
            later = self._year.clock.now() + self._luck.randint(3, 10) * _DAY
            self._year.at(later, lambda: self._look_for(who, task))

    def _look_for(self, who: Villager, task: int) -> None:
        found = self._luck.random() < _ADDRESSES_FOUND
        if found:
            street = _NEW_STREET[who.row["language"]].format(self._luck.randint(1, 99))
            who.row["street"], who.is_known = street, True
        self._year.clerk.end_research(task, "told by the registration office" if found else "not known", found=found)

    # ---- whose number is another's now -------------------------------------------------------------------------------

    def is_called_in_vain(self, who: Villager) -> bool:
        """Tell whether the number does not lead to the customer any more; the creditor hears of another one."""
        if who.fate is not Fate.NEW_NUMBER or not who.is_lost:
            return False
        if not who.is_sought:
            who.is_sought = True
            later = self._year.clock.now() + self._luck.randint(3, 9) * _DAY
            self._year.at(later, lambda: self._find_number(who))
        return True

    def is_disconnected(self) -> bool:
        """Tell whether nobody has the number any more."""
        return self._luck.random() < _DISCONNECTED

    def _find_number(self, who: Villager) -> None:
        if self._luck.random() < _NUMBERS_FOUND:
            who.row["phone"] = _FOR_FICTION[who.row["country"]].format(self._luck.randint(*_NUMBERS))
            who.row["mobile"], who.is_known = "", True
            self._year.clerk.counts["numbers_found"] += 1
        else:
            self._year.clerk.counts["numbers_not_found"] += 1
