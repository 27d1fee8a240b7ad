"""What became of contacts: abandoned calls, the hours in which people are reached, conversations by team."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from contactd.domain.call import CONVERSATIONS, Disposition

RIGHT_PARTY = CONVERSATIONS
PROMISED = frozenset({Disposition.PROMISE, Disposition.PLAN})
# Of fewer, a figure says something about a person (§ 87(1) no. 6 BetrVG).
LEAST_GROUP = 6


@dataclass(frozen=True, slots=True)
class Calls:
    """So many calls: placed, answered by a person, spoken with the right one."""

    placed: int = 0
    answered: int = 0
    right_party: int = 0

    def __add__(self, other: "Calls") -> "Calls":
        """Put two counts together."""
        return Calls(self.placed + other.placed, self.answered + other.answered, self.right_party + other.right_party)


@dataclass(frozen=True, slots=True)
class Slot:
    """Calls of a quarter of an hour that begins at `at`, with customers of one zone."""

    at: datetime
    zone: tzinfo
    calls: Calls


@dataclass(frozen=True, slots=True)
class Answered:
    """A day's calls that a person answered, and those of them that met nobody."""

    day: date
    answered: int
    abandoned: int


@dataclass(frozen=True, slots=True)
class Talks:
    """What conversations with the right party came to."""

    right_party: int = 0
    promises: int = 0

    def __add__(self, other: "Talks") -> "Talks":
        """Put two counts together."""
        return Talks(self.right_party + other.right_party, self.promises + other.promises)


@dataclass(frozen=True, slots=True)
class Group:
    """Some teams whose agents are counted together, or one agent."""

    names: tuple[str, ...]
    agents: int
    talks: Talks


def by_hour(slots: Iterable[Slot]) -> dict[tuple[int, int], Calls]:
    """Add calls up by weekday (Monday is 1) and hour of the customers' local time."""
    found: dict[tuple[int, int], Calls] = defaultdict(Calls)
    for slot in slots:
        local = slot.at.astimezone(slot.zone)
        found[local.isoweekday(), local.hour] += slot.calls
    return dict(sorted(found.items()))


def rolling(days: Iterable[Answered], span: timedelta, first: date) -> Iterator[tuple[Answered, Answered]]:
    """Give each day from `first` on with the sums of the span that ends with it."""
    known = sorted(days, key=lambda one: one.day)
    for one in known:
        if one.day >= first:
            within = [other for other in known if one.day - span < other.day <= one.day]
            answered, abandoned = (sum(other.answered for other in within), sum(other.abandoned for other in within))
            yield one, Answered(one.day, answered, abandoned)


def groups(talks: Mapping[str, Talks], teams: Mapping[str, str], least: int = LEAST_GROUP) -> list[Group]:
    """Put agents together by team; whose team is smaller than `least` stands with the next smallest.

    What all agents together cannot fill is not told at all: then there is no group.
    """
    members: dict[str, list[str]] = defaultdict(list)
    for agent in sorted(talks):
        members[teams.get(agent, "")].append(agent)
    together: list[list[str]] = [[]]
    for team in sorted(members, key=lambda one: (len(members[one]), one)):
        if sum(len(members[one]) for one in together[-1]) >= least:
            together.append([])
        together[-1].append(team)
    if len(together) > 1 and sum(len(members[one]) for one in together[-1]) < least:
        last = together.pop()
        together[-1] += last
    found = [_group(teams_of, [agent for one in teams_of for agent in members[one]], talks) for teams_of in together]
    return sorted((one for one in found if one.agents >= least), key=lambda group: group.names)


def _group(teams: list[str], agents: list[str], talks: Mapping[str, Talks]) -> Group:
    return Group(tuple(sorted(teams)), len(agents), sum((talks[agent] for agent in agents), Talks()))
