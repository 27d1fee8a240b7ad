"""Daemons that dial, on the stage of the fault tests, and what the carrier's ledger and the contact log say of it."""

import signal
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from contactd.cli.control import ask
from contactd.domain.errors import ContactdError
from contactd.store import schema
from tests.fakes.carrier_server import Noted, read_ledger
from tests.faults.life import Life, until
from tests.faults.stage import Stage, now, zone_where_it_is_noon

CALLERS = {"first": "+12015550100", "second": "+12015550101"}
USABLE = frozenset({"ready", "reserved", "talk", "wrap"})
_ENDS = ("delivered", "failed", "cancelled")
_OPEN = frozenset({"planned", "claimed", "sending", "unclear", "accepted"})
_SETTINGS = """\
[telephony]
backend = "simulated-remote"
caller_id = "{caller_id}"
ring = "10 seconds"
[telephony.simulated]
address = "127.0.0.1:{port}"
wrap = "1 second"
"""
_AGENT = """\
[agents.{team}-{number}]
team = "{team}"
languages = ["en"]
"""
_CAMPAIGN = """\
id = "{team}"
language = "en"
timezone = "{zone}"
team = "{team}"
[select]
segments = ["{team}"]
[[step]]
id = "call"
day = 3
channel = "call"
mode = "progressive"
"""


@dataclass
class Calls:
    """A stage with a carrier; customers live four times as fast as people, so that a call takes seconds."""

    stage: Stage
    ledger_file: Path
    port: int
    teams: Sequence[str]
    agents: int
    carrier: "subprocess.Popen[bytes]"

    @classmethod
    def on(
        cls, stage: Stage, *, teams: Sequence[str], each: int, agents: int, talk: int = 12, stay: int = 0
    ) -> "Calls":
        """Start the carrier, and let people owe something to be called for by each team; some `stay` until `let_go`."""
        ledger = stage.directory / "calls.ledger"
        town = ("--speed", "4", "--answer", "0.7", "--ring", "3", "--talk", str(talk), "--stay", str(stay))
        port = stage.start_peer("tests.fakes.carrier_server", "--ledger", ledger, *town)
        carrier = stage.peers[-1]
        for place, team in enumerate(teams):
            stage.owe(team, each, first=place * each)
        return cls(stage, ledger, port, teams, agents, carrier)

    def life(self, name: str) -> Life:
        """Make a daemon with all agents and all campaigns."""
        life = self.stage.life(name)
        agents = "".join(
            _AGENT.format(team=team, number=number) for team in self.teams for number in range(1, self.agents + 1)
        )
        with life.config.open("a") as file:
            file.write(_SETTINGS.format(caller_id=CALLERS[name], port=self.port) + agents)
        zone = zone_where_it_is_noon(now())
        for team in self.teams:
            (life.folder / "campaigns.d" / f"{team}.toml").write_text(_CAMPAIGN.format(team=team, zone=zone))
        return life

    def ledger(self, order: str = "place") -> list[Noted]:
        """Read the orders of a kind that the carrier took."""
        return [row for row in read_ledger(self.ledger_file) if row.order == order and not row.refused]

    def staying(self) -> set[str]:
        """Name the calls that are up until `let_go`."""
        return {row.reference for row in self.ledger("stays")} - {row.reference for row in self.ledger("ended")}

    def let_go(self) -> None:
        """Let those who stayed hang up."""
        self.carrier.send_signal(signal.SIGUSR1)

    def ends(self) -> dict[int, list[str]]:
        """Read how each call ended, by attempt, from the contact log."""
        columns = schema.contact_log.c
        found: dict[int, list[str]] = {attempt: [] for attempt in self.stage.attempts("call")}
        with self.stage.database.snapshot() as connection:
            chosen = sa.select(columns.attempt_id, columns.outcome).where(columns.event.in_(_ENDS))
            for attempt, outcome in connection.execute(chosen):
                found[attempt].append(outcome)
        return found

    def campaign(self, name: str) -> set[int]:
        """Read the attempts of a campaign."""
        columns = schema.attempt.c
        with self.stage.database.snapshot() as connection:
            return set(connection.scalars(sa.select(columns.id).where(columns.campaign == name)))

    def finish(self, seconds: float) -> None:
        """Wait until no call is open any more."""

        def done() -> bool:
            return not any(state in _OPEN for state in self.stage.attempts("call").values())

        until(done, seconds, self.logs)

    def logs(self) -> str:
        """Give the ends of all logs, and how far everything is."""
        return "\n".join([str(self.stage.states()), *(life.log_tail() for life in self.stage.lives)])

    def check(self) -> Counter[str]:
        """Judge by the ledger and the log: nobody called twice for one attempt, each call ended once; answers how."""
        placed = self.ledger()
        assert [name for name, count in Counter(row.reference for row in placed).items() if count > 1] == []
        assert [attempt for attempt, count in Counter(row.attempt_id for row in placed).items() if count > 1] == []
        ends = self.ends()
        assert {attempt: how for attempt, how in ends.items() if len(how) != 1} == {}
        assert {row.attempt_id for row in placed} <= set(ends)
        # Who was never called is nobody who was busy or spoken to.
        never = set(ends) - {row.attempt_id for row in placed}
        assert {how for attempt in never for how in ends[attempt]} <= {"lost"}
        return Counter(how for attempt in ends for how in ends[attempt])


def status(life: Life) -> dict[str, Any]:
    """Ask a daemon how it is; one that does not answer says nothing."""
    try:
        told: dict[str, Any] = ask(life.folder / "contactd.sock", "GET", "/status", patience=2.0)
    except ContactdError:
        return {}
    return told


def owned(life: Life) -> list[str]:
    """Name the teams a daemon dials for."""
    told: list[str] = status(life).get("calls", {}).get("teams", [])
    return told


def seconds_until_usable(life: Life, calls: Calls, since: float) -> float:
    """Wait until every agent is at work and every team is dialled for; answers how long after `since` that was."""

    def usable() -> bool:
        told = status(life)
        agents = told.get("agents", {})
        counts = [state in USABLE for team in calls.teams for state in agents.get(team, {"nobody": 1})]
        return all(counts) and told.get("calls", {}).get("teams") == sorted(calls.teams)

    until(usable, 60, calls.logs)
    return time.monotonic() - since
