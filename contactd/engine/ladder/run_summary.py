"""What a planning run took up and held back, counted while it decides; for planner.py and whoever tells of runs."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from contactd.store.candidates import Candidate


@dataclass
class Tally:
    """How many accounts, and the amounts by currency in minor units."""

    count: int = 0
    amounts: Counter[str] = field(default_factory=Counter)

    def add(self, one: Candidate) -> None:
        """Count one account."""
        self.count += 1
        self.amounts[one.currency] += one.overdue

    def as_json(self) -> dict[str, object]:
        """Write as the batch row keeps it."""
        return {"count": self.count, "amounts": dict(self.amounts)}


@dataclass
class Summary:
    """What a run took up by step, and held back by step and reason."""

    campaign: str
    at: datetime
    batch_id: int | None = None
    taken: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    drawn: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))  # by arm
    held: dict[str, dict[str, Tally]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Tally)))

    @property
    def count(self) -> int:
        """Count what was taken up."""
        return sum(tally.count for tally in self.taken.values())

    def held_by_reason(self) -> dict[str, int]:
        """Count what was held back, over all steps."""
        reasons: Counter[str] = Counter()
        for by_reason in self.held.values():
            for reason, tally in by_reason.items():
                reasons[reason] += tally.count
        return dict(reasons)

    def steps_as_json(self) -> dict[str, object]:
        """Write the taken by step."""
        return {step: tally.as_json() for step, tally in self.taken.items()}

    def held_as_json(self) -> dict[str, object]:
        """Write the held by step and reason."""
        return {
            step: {reason: tally.as_json() for reason, tally in reasons.items()} for step, reasons in self.held.items()
        }
