"""Tells other software what happened: of each entry of the contact log it asked for, at least once; a daemon's part.

Of one account in order, of several at once; what is not taken is tried again in growing pauses, for a day. Who asks for
a rest (429 or 503 with Retry-After) is given it, who wants to be told nothing more (410) is told nothing more. Of
several daemons one tells a webhook, by a lease; should two ever do, they tell the same events under the same ids.
"""

import asyncio
import itertools
import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
import structlog

from contactd.channels.hook_http import HookClient, NotTaken
from contactd.config.settings import Settings
from contactd.config.webhooks import Webhook
from contactd.domain.clock import Clock
from contactd.domain.errors import ConfigError, StoreConflict, StoreError
from contactd.domain.hook import GONE, next_try, rest_asked, sign
from contactd.metrics import Metrics
from contactd.store import hooks, leases, seals
from contactd.store.group_commit import GroupCommit
from contactd.store.hooks import Standing
from contactd.store.seals import Horizon

log = structlog.get_logger()

_EVERY = 1.0  # seconds
_COUNTED_EVERY = 15  # turns
_AT_ONCE = 8
_LEASE = timedelta(minutes=1)
_ASK_FOR_REST = frozenset({429, 503})  # whose Retry-After is about everything, not this one event

Told = dict[str, Any]


class Hooks:
    """`settings` answers those in force, `holder` names the daemon."""

    def __init__(
        self,
        commit: GroupCommit,
        clock: Clock,
        settings: Callable[[], Settings],
        holder: str,
        metrics: Metrics,
        client: HookClient | None = None,
    ) -> None:
        self._commit, self._clock, self._settings, self._holder = commit, clock, settings, holder
        self._metrics = metrics
        self._client = client or HookClient()
        self._seen: dict[str, Horizon] = {}
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._failing: set[str] = set()  # of these one event at a time is tried

    async def run(self) -> None:
        """Tell, for ever; who is slow keeps nobody else waiting."""
        try:
            for turn in itertools.count():
                for one in self._settings().webhooks:
                    if one.name not in self._busy or self._busy[one.name].done():
                        self._busy[one.name] = asyncio.create_task(self.attend(one))
                if turn % _COUNTED_EVERY == 0:
                    await self._count()
                await self._clock.sleep(_EVERY)
        finally:
            for task in self._busy.values():
                task.cancel()
            await asyncio.gather(*self._busy.values(), return_exceptions=True)
            await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _count(self) -> None:
        try:
            standings = await self._commit.read(hooks.listed)
        except StoreError:  # whoever tells says so
            return
        except Exception:  # what the driver raises must not end the daemon; it is counted again
            log.exception("webhooks_not_counted")
            return
        self._metrics.hooked(
            {one.name: {"waiting": one.waiting, "failing": one.failing, "given_up": one.given_up} for one in standings}
        )

    async def attend(self, one: Webhook) -> None:
        """Serve a webhook as well as it goes; what went wrong is in the log, and what was not told waits."""
        try:
            await self.serve(one)
        except (StoreError, StoreConflict) as error:
            log.warning("store_unavailable", while_doing="webhooks", webhook=one.name, error=str(error))
        except ConfigError as error:
            log.error("webhook_without_secret", webhook=one.name, error=str(error))
        except Exception:  # a fault of ours must not end the daemon; what was not told waits and is tried again
            log.exception("webhook_broke", webhook=one.name)

    async def serve(self, one: Webhook) -> None:
        """Take in what has happened, and tell what is due; raises StoreError."""
        take = partial(leases.acquire, name=f"webhook:{one.name}", holder=self._holder, lasting=_LEASE)
        if await self._commit.run(take) is None:
            return
        if not await self._commit.read(partial(hooks.may_tell, name=one.name, now=self._clock.now())):
            return
        await self._collect(one)
        while True:
            limit = 1 if one.name in self._failing else _AT_ONCE
            rows = await self._commit.read(partial(hooks.due, name=one.name, now=self._clock.now(), limit=limit))
            taken = await asyncio.gather(*(self._tell(one, row) for row in rows))
            if all(taken):
                self._failing.discard(one.name)
            else:
                self._failing.add(one.name)
            if not rows or not all(taken) or await self._commit.run(take) is None:
                return

    async def _collect(self, one: Webhook) -> None:
        """Take in what was in the log the last time, unless somebody of then is still writing (store/seals.py)."""
        seen = self._seen.get(one.name)
        if seen is not None and await self._commit.read(partial(seals.still_writing, seen=seen)):
            return
        while seen is not None and await self._commit.run(
            partial(hooks.collect, name=one.name, kinds=one.events, up_to=seen.last_id, now=self._clock.now())
        ):
            pass
        fresh = await self._commit.read(seals.horizon)
        if not await self._commit.read(partial(hooks.known, name=one.name)):  # new, or forgotten meanwhile
            await self._commit.run(partial(hooks.begin, name=one.name, last_id=fresh.last_id))
        self._seen[one.name] = fresh

    async def _tell(self, one: Webhook, row: sa.Row[Any]) -> bool:
        body = json.dumps(event_of(row, personal=one.personal), ensure_ascii=False).encode()
        headers = sign(one.secret.reveal(), f"evt_{row.entry_id}", self._clock.now(), body)
        answer = await self._client.post(one.url, {**headers, "Content-Type": "application/json"}, body)
        if answer is None:
            await self._commit.run(partial(hooks.told, name=one.name, entry_id=row.entry_id))
            return True
        await self._not_taken(one, row, answer)
        return False

    async def _not_taken(self, one: Webhook, row: sa.Row[Any], answer: NotTaken) -> None:
        """Note when it is tried again, and what the other side has asked for."""
        now, is_gone = self._clock.now(), answer.status == GONE
        rest = rest_asked(answer.retry_after, now)
        first = row.first_at if row.tries else now  # what waited behind another has a day of its own
        again = now if is_gone else next_try(first, row.tries + 1, now, rest)

        def note(connection: sa.Connection) -> None:
            hooks.failed(connection, one.name, row.entry_id, error=answer.error, first=first, now=now, again=again)
            if is_gone:
                hooks.disable(connection, one.name, now)
            elif rest is not None and answer.status in _ASK_FOR_REST:
                hooks.rest(connection, one.name, now + rest)

        await self._commit.run(note)
        level = log.warning if again is not None else log.error
        level("webhook_not_taken", webhook=one.name, event_id=row.entry_id, error=answer.error, given_up=again is None)
        if is_gone:
            log.error("webhook_disabled", webhook=one.name, cure=f"contactd webhooks retry {one.name}")


def event_of(row: sa.Row[Any], *, personal: bool) -> Told:
    """Write an event: numbers and words of the configuration, the rest only where it is `personal`."""
    agreement = row.event == "agreement"
    details = row.details or {}
    data: Told = {
        "event": details.get("event", "") if agreement else row.event, "attempt": row.attempt_id,
        "campaign": row.campaign, "step": row.step, "channel": row.channel, "outcome": "" if agreement else row.outcome,
        "disposition": row.disposition, "agreement": details.get("agreement") if agreement else None,
        "kind": details.get("kind", "") if agreement else "", "state": row.outcome if agreement else "",
    }  # fmt: skip
    if personal:
        data |= {"reason": row.reason, "address": row.address}
    whose = {"id": row.account_id, "account": row.account_no or "", "creditor": row.creditor or ""}
    return {
        "id": f"evt_{row.entry_id}", "type": "agreement" if agreement else "outcome", "at": row.at.isoformat(),
        "account": whose if row.account_id else None, "data": data,
    }  # fmt: skip


def failing(standings: Sequence[Standing], now: datetime) -> dict[str, Told]:
    """Say for `contactd status` how it stands with each webhook."""
    return {one.name: told_hook(one, now) for one in standings}


def told_hook(one: Standing, now: datetime) -> Told:
    """Write how it stands with a webhook as the command line does."""
    state = "given_up" if one.given_up else "failing" if one.failing else "waiting" if one.waiting else "ok"
    state = "disabled" if one.gone_at else state
    rests = one.rests_until if one.rests_until and one.rests_until > now else None
    return {
        "state": state, "waiting": one.waiting, "given_up": one.given_up, "oldest": _written(one.oldest),
        "rests_until": _written(rests), "error": one.error if state not in {"waiting", "ok"} else "",
    }  # fmt: skip


def _written(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
