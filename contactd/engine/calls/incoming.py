"""Customers who call us: who it is, which team is theirs, and whether somebody is free, busy or gone home.

The dialer hands it what carriers report of calls that come in; once it is known whose one is, it is the switchboard's
like any other. Until then, what is heard of it is kept.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from functools import partial

import structlog

from contactd.config.settings import Settings
from contactd.domain import call as calls
from contactd.domain.account import Channel
from contactd.domain.calendar import Windows, allowed_at, find_zone, parse_windows
from contactd.domain.call import Call, State, came_in
from contactd.domain.campaign import INBOUND, Step
from contactd.domain.clock import Clock
from contactd.domain.errors import StoreConflict, StoreError
from contactd.engine.calls import live_call
from contactd.engine.calls.callbook import CallBook, Dial
from contactd.engine.calls.lists import CallList, Key
from contactd.engine.calls.live_call import Live
from contactd.engine.calls.roster import Roster
from contactd.engine.calls.switchboard import Switchboard
from contactd.intake.contacts import read_caller
from contactd.store.attempts import Claimed
from contactd.store.calls import Unfinished
from contactd.store.incoming import Arrival, Caller
from contactd.telephony.base import CarrierEvent, Kind

log = structlog.get_logger()

_STORE_DOWN = 1.0
_STEP = Step(INBOUND, Channel.CALL)
_RUNG = frozenset({State.PLACED, State.RINGING})


@dataclass(frozen=True, slots=True)
class Reception:
    """How customers who call us are received: when (None: whenever somebody works), how long they wait, from where.

    `country` is that of numbers without one.
    """

    hours: Windows | None = None
    wait: timedelta = timedelta(seconds=60)
    country: str = "DE"


def reception_of(settings: Settings) -> Reception:
    """Read it from the configuration."""
    telephony = settings.telephony
    hours = parse_windows(list(telephony.hours)) if telephony.hours else None
    return Reception(hours, telephony.inbound_wait, settings.intake.country)


class Incoming:
    """`teams` is what each team calls."""

    def __init__(
        self,
        roster: Roster,
        book: CallBook,
        desk: Switchboard,
        clock: Clock,
        *,
        teams: Callable[[], Mapping[str, Sequence[CallList]]],
        reception: Reception,
    ) -> None:
        self._roster, self._book, self._desk, self._clock = roster, book, desk, clock
        self._teams = teams
        self._reception = reception
        self._pending: dict[str, list[CarrierEvent]] = {}
        self._waiting: list[CarrierEvent] | None = []  # until it is known what an earlier life left
        self.draining = False

    def hears(self, event: CarrierEvent) -> bool:
        """Take a call that comes in, or what is heard of one nobody knows yet; answers whether it did."""
        kept = self._pending.get(event.reference)
        if event.kind is Kind.INCOMING and kept is None and not self._desk.knows(event.reference):
            self._pending[event.reference] = []
            if self._waiting is None:
                self._desk.errands.run(partial(self._take_in, event))
            else:
                self._waiting.append(event)
        elif event.kind is not Kind.INCOMING:
            if kept is None:
                return False
            kept.append(event)
        return True

    def open(self) -> None:
        """Take in who has called meanwhile: what an earlier life left is known by now."""
        waiting, self._waiting = self._waiting or [], None
        for event in waiting:
            if self._desk.knows(event.reference):
                self._replay(event.reference)
            else:
                self._desk.errands.run(partial(self._take_in, event))

    def adopt(self, item: Unfinished) -> Live:
        """Go on with a call of an earlier life; its agents come back in a moment, so nobody is sent away."""
        live = self._admit(item.claimed, item.row.number, live_call.adopted(item, _STEP.mode), item.row.caller_id)
        live.agent = item.row.agent
        if live.call.state is State.INCOMING:
            self._desk.feed(live, calls.Event.NOBODY_FREE)
        elif live.call.state is State.WAITING:
            self._desk.play_music(live)
        return live

    async def _take_in(self, event: CarrierEvent) -> None:
        """Find out who it is, then who is there for them, unless they have rung off meanwhile."""
        try:
            caller = await self._find_out(event)
            call = came_in(event.reference, event.at)
            live = self._admit(caller.claimed, caller.number, call, self._called(event), caller.language)
        finally:
            self._replay(event.reference)
        self._hang_up_on(caller.claimed.customer_id)
        if live.call.state is State.INCOMING:
            self._put_through(live, caller.agent)

    async def _find_out(self, event: CarrierEvent) -> Caller:
        """Enter the call, however long the store is away: it rings at their end, and is not forgotten if it stops."""
        numbers = read_caller(event.details.get("number", ""), self._reception.country)
        arrival = Arrival(event.reference, numbers, self._called(event), event.at)
        while True:
            try:
                return await self._book.arrived(arrival)
            except (StoreError, StoreConflict) as error:
                log.warning("store_unavailable", while_doing="take_in_call", error=str(error))
                await self._clock.sleep(_STORE_DOWN)

    def _called(self, event: CarrierEvent) -> str:
        """Name our number; one that is none, like an extension, as it is."""
        called = event.details.get("called", "")
        return next(iter(read_caller(called, self._reception.country)), called)

    def _replay(self, reference: str) -> None:
        for event in self._pending.pop(reference, []):
            self._desk.on_event(event)

    def _admit(self, claimed: Claimed, number: str, call: Call, called: str, language: str = "") -> Live:
        team, lists = self._team_of(claimed.campaign)
        dial = Dial(claimed, number, language, _STEP, again=_again(claimed, lists))
        live = self._desk.take_up(dial, team, call, called, "")
        live.carrier_ref = call.reference
        log.info(
            "call_came_in", reference=call.reference, attempt=claimed.id, team=team, known=bool(claimed.account_id)
        )
        return live

    def _team_of(self, campaign: str) -> tuple[str, Sequence[CallList]]:
        """Choose the team of a campaign; where there is none, one that has somebody free, or somebody at all."""
        for team, lists in self._teams().items():
            if any(one.campaign.id == campaign for one in lists):
                return team, lists
        names = sorted({agent.team for agent in self._roster.agents()})  # the one without a name goes first
        free = [name for name in names if self._roster.free(name)]
        staffed = [name for name in names if self._roster.anybody(name)]
        team = next(iter((*free, *staffed, *names)), "")
        return team, self._teams().get(team, ())

    def _put_through(self, live: Live, agent: str) -> None:
        """Give them the agent who knows them, or whoever has waited longest; or say why not."""
        if self.draining or not self._roster.anybody(live.team) or not self._is_open(live.team):
            self._desk.feed(live, calls.Event.NOBODY_THERE)
            return
        found = self._roster.reserve(live.team, live.dial.language, first=agent)
        live.agent = found.id if found else ""
        self._desk.feed(live, calls.Event.AGENT_FOUND if found else calls.Event.NOBODY_FREE)

    def _is_open(self, team: str) -> bool:
        if self._reception.hours is None:
            return True
        lists = self._teams().get(team) or next(iter(self._teams().values()), ())
        zone = next((find_zone(one.campaign.timezone) for one in lists), None) or UTC
        return allowed_at(self._reception.hours, self._clock.now().astimezone(zone))

    def _hang_up_on(self, customer: int) -> None:
        """Ring nobody who calls us at this moment."""
        for live in self._desk.live():
            if customer and live.dial.claimed.customer_id == customer and live.call.state in _RUNG:
                self._desk.feed(live, calls.Event.CANCELLED)


def _again(claimed: Claimed, lists: Sequence[CallList]) -> Key | None:
    """Say for what they would be called back: their campaign's first calling step, else the team's."""
    if not claimed.account_id:
        return None
    mine = [one for one in lists if one.campaign.id == claimed.campaign]
    return next((one.key for one in (*mine, *lists)), None)
