"""What a team calls: one list for each calling step of its campaigns, and whose turn it is among them."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from contactd.domain.account import Channel
from contactd.domain.campaign import AGENTLESS, Campaign, Step
from contactd.store.attempts import Claimed

Key = tuple[str, str]
_FORGET = 0.5  # of what was served, whenever it has grown large: a list that was empty does not catch up for ever
_LARGE = 200


@dataclass(frozen=True, slots=True)
class CallList:
    """One calling step of one campaign."""

    campaign: Campaign
    step: Step

    @property
    def key(self) -> Key:
        """Name it as attempts do."""
        return self.campaign.id, self.step.id

    @property
    def is_agentless(self) -> bool:
        """Tell whether its calls begin without an agent."""
        return self.step.mode in AGENTLESS


def key_of(claimed: Claimed) -> Key:
    """Name the list an attempt is of."""
    return claimed.campaign, claimed.step


def lists_of(campaigns: Iterable[Campaign]) -> dict[str, tuple[CallList, ...]]:
    """Sort the calling steps of campaigns by team, those of the highest priority first."""
    found: dict[str, list[CallList]] = {}
    for campaign in campaigns:
        mine = [CallList(campaign, step) for step in campaign.steps if step.channel is Channel.CALL]
        if mine:
            found.setdefault(campaign.team, []).extend(mine)
    return {team: tuple(sorted(lists, key=lambda one: -one.campaign.priority)) for team, lists in found.items()}


class Turns:
    """Shares calls among the lists of a team: the highest priority first, equals by the weights of their campaigns."""

    def __init__(self) -> None:
        self._served: Counter[Key] = Counter()

    def share(self, lists: Sequence[CallList], room: Callable[[CallList, Counter[Key]], int]) -> Counter[Key]:
        """Answer how many calls each list may place now; `room` is asked how many more there are, given the others."""
        given: Counter[Key] = Counter()
        left = list(lists)
        while left:
            first = max(one.campaign.priority for one in left)
            mine = min(
                (one for one in left if one.campaign.priority == first),
                key=lambda one: ((self._served[one.key] + given[one.key]) / one.campaign.weight, lists.index(one)),
            )
            if room(mine, given) > 0:
                given[mine.key] += 1
            else:
                left.remove(mine)
        return given

    def served(self, key: Key, count: int) -> None:
        """Remember how many calls a list has placed."""
        self._served[key] += count
        if self._served.total() > _LARGE:
            for known in list(self._served):
                self._served[known] = int(self._served[known] * _FORGET)
