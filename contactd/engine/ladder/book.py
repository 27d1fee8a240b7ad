"""The campaigns and policies in force; a reload replaces them as a whole, between two questions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from contactd.domain.account import Channel
from contactd.domain.campaign import Campaign, Step
from contactd.domain.notice import CAMPAIGN, Occasion
from contactd.domain.policy import Policy, Proposal
from contactd.engine.debt.claims import Terms

# The caps look back at most this far when no rule says more.
_SHORTEST_MEMORY = timedelta(days=2)
# After a lock-out the next call is made with an agent at hand; that it was abandoned must still be known then.
_AFTER_LOCK_OUT = timedelta(days=5)


@dataclass(frozen=True, slots=True)
class Rung:
    """A step together with what decides about it."""

    campaign: Campaign
    step: Step
    policy: Policy

    def proposal(
        self,
        *,
        planned_at: datetime | None = None,
        address: str = "",
        paused: bool = False,
        requested: bool = False,
        agreed: bool = False,
    ) -> Proposal:
        """Put the step as a question to the rules."""
        return Proposal(
            channel=self.step.channel,
            windows=self.step.windows,
            holiday_regions=self.campaign.holidays,
            planned_at=planned_at,
            paused=paused,
            address=address,
            numbers=self.step.numbers,
            requested=requested,
            agreed=agreed,
        )


class Book:
    """What the configuration says about campaigns, looked up by id."""

    def __init__(
        self, campaigns: Iterable[Campaign], policies: Mapping[str, Policy], terms: Terms | None = None
    ) -> None:
        """Take the campaigns in their order of precedence, a policy for each, and what is owed beside invoices."""
        self.replace(campaigns, policies, terms)

    def replace(
        self, campaigns: Iterable[Campaign], policies: Mapping[str, Policy], terms: Terms | None = None
    ) -> None:
        """Put another configuration in force; without `terms` letters ask for invoices only."""
        self.terms = terms
        self.campaigns = {campaign.id: campaign for campaign in campaigns}
        self.policies = dict(policies)
        self._rungs = {
            (campaign.id, step.id): Rung(campaign, step, self.policies[campaign.id])
            for campaign in self.campaigns.values()
            for step in campaign.steps
        }

    def rung(self, campaign_id: str, step_id: str) -> Rung | None:
        """Find a step; None when the configuration no longer has it."""
        return self._rungs.get((campaign_id, step_id))

    @property
    def counts_customers(self) -> bool:
        """Say whether any filter asks how many customers a creditor has."""
        selects = [one.select for one in self.campaigns.values()]
        selects += [step.select for one in self.campaigns.values() for step in one.steps]
        return any(select.counts_customers for select in selects)

    def notice(self, occasion: Occasion, channel: Channel, template: str) -> Rung | None:
        """Make what stands in the place of a step for a notice; None when there are no rules for notices."""
        policy = self.policies.get(CAMPAIGN)
        if policy is None:
            return None
        first = next(iter(self.campaigns.values()), Campaign(CAMPAIGN, ()))
        campaign = Campaign(CAMPAIGN, (), first.language, policy.default_timezone or first.timezone, first.holidays)
        return Rung(campaign, Step(occasion.value, channel, template=template), policy)

    def memory(self, campaign_id: str) -> timedelta:
        """Answer how far back the contacts of an account matter to the campaign's rules."""
        policy = self.policies[campaign_id]
        spans = [cap.period for cap in policy.caps]
        spans += [timedelta(days=policy.cool_down), policy.lock_out + _AFTER_LOCK_OUT, _SHORTEST_MEMORY]
        return max(spans) + timedelta(days=2)  # local days reach a little further than UTC ones
