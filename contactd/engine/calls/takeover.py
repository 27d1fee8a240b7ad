"""What an earlier owner of a team left: calls that are still up are adopted, the others are entered as lost.

The dialer uses it when a team becomes ours. What the carrier reports meanwhile is kept until the calls are known.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import structlog

from contactd.domain.call import HowEnded, State
from contactd.domain.clock import Clock
from contactd.domain.errors import ChannelError, StoreError
from contactd.domain.happened import CallMoved
from contactd.engine.bus import Bus
from contactd.engine.calls import live_call
from contactd.engine.calls.callbook import CallBook, Dial
from contactd.engine.calls.lists import CallList, key_of
from contactd.engine.calls.live_call import Live
from contactd.engine.calls.switchboard import Switchboard
from contactd.store.attempts import Claimed
from contactd.store.calls import Unfinished
from contactd.telephony.base import Carrier, CarrierEvent, Kind

log = structlog.get_logger()


class TakeOver:
    """`teams` is what each team calls."""

    def __init__(
        self,
        carrier: Carrier,
        book: CallBook,
        desk: Switchboard,
        clock: Clock,
        bus: Bus,
        *,
        teams: Callable[[], Mapping[str, Sequence[CallList]]],
        adopt_caller: Callable[[Unfinished], Live],
    ) -> None:
        self._carrier = carrier
        self._book = book
        self._desk = desk
        self._clock = clock
        self._bus = bus
        self._teams = teams
        self._adopt_caller = adopt_caller
        self._kept: dict[str, list[CarrierEvent]] | None = None

    def keeps(self, event: CarrierEvent) -> bool:
        """Keep the report for a call that is about to be ours; answers whether it did."""
        if self._kept is None or not event.reference or self._desk.knows(event.reference):
            return False
        self._kept[event.reference].append(event)
        return True

    async def team(self, team: str) -> bool:
        """Take over the calls of a team, whoever placed them; False: ask again later."""
        campaigns = {one.campaign.id for one in self._teams().get(team, ())}
        return await self._settle(self._book.unfinished(campaigns))

    async def strays(self) -> bool:
        """Take over our own calls of campaigns no longer configured, and customers' to us; False: ask again later."""
        known = {one.campaign.id for lists in self._teams().values() for one in lists}
        return await self._settle(self._book.strays(known))

    async def end_unknown(self) -> bool:
        """Hang up what we have begun in an earlier life and have entered as ended since; False: ask again later."""
        try:
            up = await self._carrier.own()
            campaigns = {one.campaign.id for lists in self._teams().values() for one in lists}
            left = await self._book.unfinished(campaigns) + await self._book.strays(campaigns) if up else []
            known = {item.reference for item in left}
            for reference in up:
                if reference not in known and not self._desk.knows(reference):
                    log.warning("unknown_call_ended", reference=reference)
                    await self._carrier.hang_up(reference)
        except (StoreError, ChannelError) as error:
            log.warning("calls_not_recovered", error=str(error))
            return False
        return True

    async def _settle(self, asking: Awaitable[list[Unfinished]]) -> bool:
        kept: dict[str, list[CarrierEvent]] = defaultdict(list)
        self._kept = kept
        try:
            left = await asking
            up = set(await self._carrier.live()) if left else set()
        except (StoreError, ChannelError) as error:
            log.warning("calls_not_recovered", error=str(error))
            return False
        finally:
            self._kept = None
        ours = [item for item in left if item.reference in up | set(kept)]
        for item in ours:
            self._adopt(item, outside=any(event.kind is Kind.OUTSIDE for event in kept[item.reference]))
            for event in kept[item.reference]:
                self._desk.on_event(event)
        await asyncio.gather(*(self._lose(item) for item in left if item not in ours))
        return True

    async def _lose(self, item: Unfinished) -> None:
        log.warning("call_lost", reference=item.reference)
        stage = live_call.lost(item, self._clock.now())
        await self._desk.insist(partial(self._book.record, item.claimed, stage))
        self._bus.publish(CallMoved(item.reference, "ended", HowEnded.LOST.value, item.inbound))
        if item.inbound and item.row.connected_at is None:
            await self._desk.note_missed(item.row.number)

    def _adopt(self, item: Unfinished, *, outside: bool) -> None:
        """Take a call up; an agent who has left it to a third person is not put back on it."""
        live = self._adopt_caller(item) if item.inbound else self._adopt_ours(item)
        if outside:
            live.call, live.parted, live.agent = replace(live.call, state=State.OUTSIDE), live.agent, ""
        log.info("call_adopted", reference=live.reference, state=live.call.state)
        if live.call.state is State.CONNECTED:
            self._desk.resume_conversation(live)

    def _adopt_ours(self, item: Unfinished) -> Live:
        claimed, kept = item.claimed, item.row
        team, of = self._list_of(claimed)
        dial = Dial(claimed, kept.number, step=of.step) if of else Dial(claimed, kept.number)
        call = live_call.adopted(item, dial.step.mode)
        live = self._desk.take_up(dial, team, call, kept.caller_id, kept.agent)
        live.carrier_ref = kept.carrier_ref
        return live

    def _list_of(self, claimed: Claimed) -> tuple[str, CallList | None]:
        for team, lists in self._teams().items():
            for one in lists:
                if one.key == key_of(claimed):
                    return team, one
        return "", None
