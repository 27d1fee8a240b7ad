"""Campaigns over HTTP: how they stand, pause and go on; and the teams that call for them; for interface.py."""

from collections import Counter
from collections.abc import Mapping

import sqlalchemy as sa

from contactd.domain.campaign import Campaign
from contactd.domain.errors import NotThere
from contactd.engine.desk.steering import Steering
from contactd.store import pauses, proposals
from contactd.web.accounts import Told, written
from contactd.web.answers import many, ref, thing
from contactd.web.deeds import changing, telling
from contactd.web.kinds import Name, Shape, Text
from contactd.web.operation import Call, Operation

_FAMILY = "campaigns"
_ID = {"id": Name()}


def _listed(connection: sa.Connection, call: Call) -> Told:
    return {"campaigns": _shown(connection, call, call.window.settings().campaigns)}


def _one(connection: sa.Connection, call: Call) -> Told:
    [shown] = _shown(connection, call, [_known(call)])
    return shown


def _pause(connection: sa.Connection, call: Call) -> Told:
    _steering(connection, call).pause(f"campaign:{_known(call).id}", call.body["reason"])
    return _one(connection, call)


def _resume(connection: sa.Connection, call: Call) -> Told:
    _steering(connection, call).resume(f"campaign:{_known(call).id}", call.body["reason"])
    return _one(connection, call)


def _steering(connection: sa.Connection, call: Call) -> Steering:
    return Steering(connection, who=call.by, by=call.by, now=call.window.clock.now())


def _known(call: Call) -> Campaign:
    campaigns = {one.id: one for one in call.window.settings().campaigns}
    if call.path["id"] not in campaigns:
        raise NotThere(f"there is no campaign {call.path['id']!r}; there is {', '.join(campaigns) or 'none at all'}")
    return campaigns[call.path["id"]]


def _shown(connection: sa.Connection, call: Call, campaigns: tuple[Campaign, ...] | list[Campaign]) -> list[Told]:
    resting = {row.name: row for row in pauses.listed(connection)}
    waiting = proposals.waiting(connection, call.window.clock.now())
    return [_campaign(one, resting.get(f"campaign:{one.id}") or resting.get("all"), waiting) for one in campaigns]


def _campaign(
    one: Campaign, rests: sa.Row[tuple[object, ...]] | None, waiting: dict[str, sa.Row[tuple[object, ...]]]
) -> Told:
    return {
        "id": one.id, "state": "running" if rests is None else "paused",
        "paused_since": None if rests is None else written(rests.since),
        "paused_by": "" if rests is None else rests.by, "pause_reason": "" if rests is None else rests.reason,
        "language": one.language, "timezone": one.timezone, "team": one.team,
        "steps": [{"id": step.id, "channel": step.channel.value} for step in one.steps],
        "awaits_approval": waiting[one.id].id if one.id in waiting else None,
    }  # fmt: skip


async def _agents(call: Call) -> object:
    """Tell of teams, and of people only where [privacy] lets it (§ 87(1) no. 6 BetrVG)."""
    agents = await call.window.deskwork.agents()
    counted: dict[str, Counter[str]] = {}
    for agent in agents:
        counted.setdefault(str(agent["team"]), Counter())[str(agent["state"])] += 1
    teams = [
        {"team": team, "agents": states.total(), "states": dict(sorted(states.items()))}
        for team, states in sorted(counted.items())
    ]
    named = call.window.settings().privacy.agent_metrics == "agent"
    return {"teams": teams, "agents": [_agent(agent) for agent in agents] if named else []}


def _agent(told: Mapping[str, object]) -> Told:
    return {
        **{name: str(told[name]) for name in ("agent", "name", "team", "state", "reason")},
        "since": written(told["since"]),
    }


OPERATIONS = (
    Operation(
        method="GET", path="/campaigns", name="list_campaigns", family=_FAMILY, finds=False,
        what="List campaigns and how they stand", answer=thing(campaigns=many(ref("Campaign"))), work=telling(_listed),
    ),
    Operation(
        method="GET", path="/campaigns/{id}", name="get_campaign", family=_FAMILY, places=_ID,
        what="Tell how a campaign stands", answer=ref("Campaign"), work=telling(_one),
    ),
    Operation(
        method="POST", path="/campaigns/{id}/pause", name="pause_campaign", family=_FAMILY, places=_ID,
        what="Begin no more contacts of a campaign; those under way finish", body=Shape({"reason": Text()}),
        answer=ref("Campaign"), work=changing(_pause, audited=False),
    ),
    Operation(
        method="POST", path="/campaigns/{id}/resume", name="resume_campaign", family=_FAMILY, places=_ID,
        what="Go on where it stood", body=Shape({"reason": Text()}), answer=ref("Campaign"),
        work=changing(_resume, audited=False),
    ),
    Operation(
        method="GET", path="/agents", name="list_agents", family="agents", finds=False,
        what="Count the agents of each team by what they are doing; each agent where [privacy] lets it", work=_agents,
        answer=thing(teams=many(ref("Team")), agents=many(ref("Agent"))),
    ),
)  # fmt: skip
