"""A desk at work on either database: a dialer that calls, its customers, and the agent's requests in short words."""

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from contactd.config.providers import Smtp
from contactd.config.settings import Operator, Sections, Settings
from contactd.domain.campaign import Campaign
from contactd.domain.policy import Policy
from contactd.engine.desk.conversing import Conversing
from contactd.engine.desk.deskwork import Deskwork
from contactd.store.database import Database
from contactd.store.schema import account, agreement, attempt, contact_log
from contactd.store.schema_desk import draft
from contactd.store.schema_tasks import task
from contactd.telephony.base import Kind
from contactd.telephony.simulated import Customer
from tests.engine.dialing import CALL, CAMPAIGN, Scene, StoredScene, number

ANSWERS = Customer(Kind.ANSWERED, setup=1, ring=5, patience=6, talk=600)
SMTP = Smtp(host="mail.example", sender="desk@example.com")


def settings_of(campaign: Campaign, policy: Policy, **sections: Any) -> Settings:  # noqa: ANN401 - sections by name
    given = {"smtp": SMTP} | sections
    return Settings.of(Sections(**given), Path("contactd.toml"), (campaign,), {campaign.id: policy})


AGENCY: Mapping[str, Any] = {"operator": Operator(name="Example", kind="collection-agency")}


class DeskRoom:
    """One call after the other to agent anna; `begin` first."""

    def __init__(self, database: Database, **sections: Any) -> None:  # noqa: ANN401 - sections by name
        self.stored = StoredScene(database)
        self.database = database
        self.settings = settings_of(
            Campaign(CAMPAIGN, (CALL,)), Policy("free", default_timezone="Europe/Berlin"), **sections
        )
        self.woken = 0
        self.scene: Scene
        self.desk: Conversing

    async def begin(self, *, planned: int = 1, agents: tuple[str, ...] = ("anna",)) -> Scene:
        """Plan calls and put a dialer to work; the customers were born on 1 February 1980 and live in 10115."""
        self.stored.plan(planned)
        with self.database.transaction() as connection:
            known = {"birth_date": date(1980, 2, 1), "postcode": "10115", "email": "customer@example.com"}
            connection.execute(sa.update(account).values(known))
        self.scene = await self.stored.scene(agents=agents)
        self.scene.usual = ANSWERS
        self.desk = self.a_desk()
        return self.scene

    def a_desk(self) -> Conversing:
        """Make what serves the desks, as a daemon does at its start."""
        deskwork = Deskwork(self.scene.dialer, self.scene.roster, self.stored.commit)
        return Conversing(deskwork, self.stored.commit, self.stored.clock, lambda: self.settings, self._wake)

    def _wake(self) -> None:
        self.woken += 1

    def promise_an_agent(self) -> None:
        """Let a call have been abandoned, so that an agent is kept for the next one from its beginning."""
        at = self.stored.clock.now() - timedelta(hours=3)
        lost = {"account_id": 1, "customer_id": 1, "campaign": "other", "step": "anruf", "channel": "call"}
        lost |= {"case_no": 1, "try_no": 9, "state": "failed", "outcome": "abandoned", "address": number(1)}
        with self.database.transaction() as connection:
            connection.execute(sa.insert(attempt).values(lost | {"not_before": at, "planned_at": at, "sending_at": at}))

    async def identify(self, attempt_id: int = 1) -> None:
        """Let the customer prove who they are."""
        await self.desk.meet("anna", attempt_id, "customer")
        await self.desk.identify("anna", attempt_id, "postcode", "10115")
        await self.desk.identify("anna", attempt_id, "customer_number", f"K-{attempt_id}")

    async def finish(self, outcome: str, note: str = "", **fields: str) -> dict[str, Any]:
        """Hand in an outcome."""
        return await self.desk.finish("anna", 1, outcome, fields, note)

    async def foresee(self, outcome: str, **fields: str) -> dict[str, Any]:
        """Look at what an outcome would bring."""
        return await self.desk.foresee("anna", 1, outcome, fields)

    def rows(self, table: sa.Table, *where: sa.ColumnElement[bool]) -> list[dict[str, Any]]:
        """Read rows, oldest first."""
        with self.database.snapshot() as connection:
            chosen = sa.select(table).where(*where).order_by(*table.primary_key)
            return [dict(row) for row in connection.execute(chosen).mappings()]

    def everything(self) -> dict[str, list[dict[str, Any]]]:
        """Read all that an outcome may change."""
        return {table.name: self.rows(table) for table in (account, agreement, attempt, contact_log, draft, task)}

    def said(self) -> dict[str, Any]:
        """Read the one line of the log that holds an outcome."""
        [row] = self.rows(contact_log, contact_log.c.event == "disposition")
        return row
