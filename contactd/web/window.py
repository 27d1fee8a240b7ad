"""What the web floor may look at and ask for; daemon.py makes one and hands it to the applications."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from contactd.config.settings import Settings
from contactd.domain.clock import Clock
from contactd.engine.bus import Bus
from contactd.engine.desk.deskwork import Deskwork
from contactd.engine.desk.oversight import Oversight
from contactd.metrics import Metrics
from contactd.store.database import Database
from contactd.store.group_commit import GroupCommit


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The daemon as seen from outside; `settings` is called anew each time, for a reload changes the answer."""

    settings: Callable[[], Settings]
    database: Database
    commit: GroupCommit
    clock: Clock
    bus: Bus
    metrics: Metrics
    signing_key: bytes  # of the unsubscribe links: domain/links.py
    wake: Callable[[], None]  # accounts, payments or pauses changed: everybody looks now
    arrived: Callable[[], None]  # something came into the inbox
    status: Callable[[], Awaitable[dict[str, object]]]
    reload: Callable[[], Awaitable[list[str]]]  # answers notes; raises ConfigError
    plan: Callable[[str], Awaitable[dict[str, object]]]
    deskwork: Deskwork
    oversight: Oversight
    ready: Callable[[], dict[str, bool]]  # part -> up
