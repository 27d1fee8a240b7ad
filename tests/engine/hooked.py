"""A daemon's part that tells other software, the software, and a log to tell of."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from contactd.channels.hook_http import HookClient
from contactd.config.secret import Secret
from contactd.config.settings import Sections, Settings
from contactd.config.webhooks import Webhook
from contactd.engine.hooks import Hooks
from contactd.metrics import Metrics
from contactd.store import contact_log, hooks
from contactd.store.database import Database
from contactd.store.group_commit import GroupCommit
from contactd.store.hooks import Standing
from tests.clock import HandClock
from tests.fakes.hook_server import SECRET, Listener, hook_server
from tests.store.seed import add_account, add_invoice

DAY = timedelta(days=1).total_seconds()


@dataclass
class Office:
    """A daemon's part that tells, the software it tells, and a log to tell of."""

    database: Database
    commit: GroupCommit
    listener: Listener
    clock: HandClock = field(default_factory=HandClock)
    metrics: Metrics = field(default_factory=Metrics)
    personal: bool = False
    events: tuple[str, ...] = ("outcome", "agreement")

    def __post_init__(self) -> None:
        """Open it with three accounts."""
        with self.database.transaction() as connection:
            for number in (1, 2, 3):
                add_account(connection, number)
                add_invoice(connection, number, f"R-{number}")
        self.hooks = self.another()

    @property
    def hook(self) -> Webhook:
        """Say where the software listens, and to what."""
        asked = {"name": "crm", "url": self.listener.url, "events": self.events, "personal": self.personal}
        return Webhook.model_validate({**asked, "secret": Secret(SECRET)})

    def another(self, holder: str = "one", *, patience: float = 60) -> Hooks:
        """Start the part anew, as a daemon does after a crash."""
        sections = Settings.of(Sections(webhooks=(self.hook,)), Path("contactd.toml"))
        return Hooks(self.commit, self.clock, lambda: sections, holder, self.metrics, HookClient(seconds=patience))

    async def tell(self, part: Hooks | None = None) -> None:
        """See how far the log goes, then tell: two turns of the daemon."""
        for _ in range(2):
            await (part or self.hooks).serve(self.hook)

    def happen(self, account: int, outcome: str = "delivered", event: str = "") -> None:
        """Write an outcome into the log."""
        row = {"account_id": account, "at": self.clock.now(), "event": event or outcome, "outcome": outcome}
        words = {"reason": "said by Erika", "address": "erika@example.com", "channel": "email"}
        with self.database.transaction() as connection:
            contact_log.add(connection, [{**row, **words}])

    def standing(self) -> Standing:
        """Say how it stands with the webhook."""
        with self.database.snapshot() as connection:
            [found] = hooks.listed(connection)
        return found

    @property
    def accounts(self) -> list[str]:
        """List whose events were taken, in order."""
        return [one.body["account"]["account"] for one in self.listener.ledger if one.taken]


@asynccontextmanager
async def open_office(database: Database) -> AsyncIterator[Office]:
    """Open it, and end it with all its connections."""
    commit = GroupCommit(database)
    async with hook_server() as listener:
        office = Office(database, commit, listener)
        await office.tell()  # what was in the log before is nobody's news
        yield office
        await office.hooks.close()
    await commit.close()
