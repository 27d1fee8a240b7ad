"""Why is nothing being dialled? For each team the reasons, in the order in which one would mend them.

For `contactd status`, metrics and the live view; the words are those of the rules and of the pacing, the keys stable.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from contactd.domain.agent import State
from contactd.domain.pacing import Reason
from contactd.domain.phrase import Phrase
from contactd.engine.calls.lists import CallList
from contactd.store import batches, call_queue, pauses

DIALLING = "dialling"
_BUSY = (State.READY, State.RESERVED, State.TALK, State.WRAP)
_HEALTHY = frozenset({Reason.ENOUGH_RINGING, Reason.PROGRESSIVE, Reason.COLD_START, Reason.SMALL_TEAM})

Told = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Waiting:
    """The calls of one list that wait: due now, later, when the next one is due; what the last planning held back."""

    due: int = 0
    later: int = 0
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """A team at this moment, as far as its dialling is concerned."""

    lists: Sequence[CallList]
    staff: Mapping[State, int]
    in_flight: int
    owned: bool
    draining: bool
    carrier_rests: bool
    trouble: Phrase  # what keeps the carrier from calling, in its own words
    refusal: Phrase  # what it says of the numbers that are tried later, while it takes others
    decisions: Mapping[tuple[str, str], tuple[int, str]]  # calls that may be placed now, and why not more


def why(
    look: Look,
    waiting: Mapping[tuple[str, str], Waiting],
    paused: Collection[str],
    held: Mapping[str, Mapping[str, int]],
) -> list[Told]:
    """Answer the reasons, first what keeps everything; a team that dials as it should says `dialling`.

    Last, beside those, comes what keeps some numbers only.
    """
    reasons = [*_whole(look, paused), *_staff(look), *_lists(look, waiting, paused, held)]
    reasons = reasons or [{"reason": DIALLING, "in_flight": look.in_flight}]
    some = look.refusal and not look.trouble and not look.carrier_rests
    return [*reasons, {"reason": "trunk_rests", "why": str(look.refusal)}] if some else reasons


def _whole(look: Look, paused: Collection[str]) -> list[Told]:
    found: list[Told] = []
    if look.draining:
        found.append({"reason": "draining"})
    if not look.owned:
        found.append({"reason": "not_owner"})
    if resting := sorted({"all", "channel:call"} & set(paused)):
        found.append({"reason": "paused", "what": resting})
    if (look.carrier_rests or look.trouble) and not look.draining:
        told = look.trouble or look.refusal
        found.append({"reason": "carrier_rests"} | ({"why": str(told)} if told else {}))
    if not look.lists:
        found.append({"reason": "no_campaign"})
    return found


def _staff(look: Look) -> list[Told]:
    needed = any(one.step.mode != "message" for one in look.lists)
    at_work = sum(look.staff.get(state, 0) for state in _BUSY)
    if not needed or at_work:
        return []
    return [{"reason": "no_agent", "agents": {state.value: count for state, count in look.staff.items() if count}}]


def _lists(
    look: Look,
    waiting: Mapping[tuple[str, str], Waiting],
    paused: Collection[str],
    held: Mapping[str, Mapping[str, int]],
) -> list[Told]:
    found: list[Told] = []
    for one in look.lists:
        named = {"campaign": one.campaign.id, "step": one.step.id}
        queue = waiting.get(one.key, Waiting())
        place, reason = look.decisions.get(one.key, (0, ""))
        if f"campaign:{one.campaign.id}" in paused:
            found.append({"reason": "paused", **named})
        elif not queue.due:
            later = {"later": queue.later, "next": queue.next_at.isoformat() if queue.next_at else None}
            found.append(
                {"reason": "no_callable_account", **named, **later, "held": dict(held.get(one.campaign.id, {}))}
            )
        elif reason and not place and reason not in _HEALTHY:
            found.append({"reason": str(reason), **named, "due": queue.due})
        elif not place and not look.in_flight and look.staff.get(State.READY, 0):
            found.append({"reason": str(reason) or "not_decided", **named, "due": queue.due})
    return found


def why_each(connection: sa.Connection, looks: Mapping[str, Look], now: datetime) -> dict[str, list[Told]]:
    """Answer the reasons of every team, with what the database knows."""
    waiting = {key: Waiting(*counts) for key, counts in call_queue.counts(connection, now).items()}
    paused = pauses.paused(connection)
    held = {campaign: held_by_reason(connection, campaign) for campaign in _campaigns(looks)}
    return {team: why(look, waiting, paused, held) for team, look in looks.items()}


def _campaigns(looks: Mapping[str, Look]) -> set[str]:
    return {one.campaign.id for look in looks.values() for one in look.lists}


def held_by_reason(connection: sa.Connection, campaign: str) -> dict[str, int]:
    """Count by reason what the last planning run of a campaign held back."""
    reasons: Counter[str] = Counter()
    for row in batches.latest(connection, campaign):
        for by_reason in row.held.values():
            for reason, tally in by_reason.items():
                reasons[reason] += tally["count"]
    return dict(reasons)


def callbacks_of(connection: sa.Connection, now: datetime) -> Told:
    """Count the callbacks that wait: in all, overdue, and for each agent they are kept for."""
    rows = call_queue.agreed(connection)
    own = Counter(row.kept_for for row in rows if row.kept_for and (row.kept_until is None or row.kept_until > now))
    return {"waiting": len(rows), "overdue": sum(row.not_before <= now for row in rows), "kept": dict(own)}
