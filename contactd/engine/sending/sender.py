"""Sends the messages of one channel: claim, ask the gate, render, send, write down how it went."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

import structlog

from contactd.channels.base import Message, MessageChannel, Receipt, fingerprint
from contactd.domain import patience
from contactd.domain.account import Channel
from contactd.domain.attempt import Event
from contactd.domain.clock import Clock
from contactd.domain.errors import (
    ChannelError,
    ChannelMisconfigured,
    ChannelRejected,
    ChannelUnavailable,
    ChannelUnclear,
    IllegalTransition,
    RecipientOptedOut,
    StoreConflict,
    StoreError,
)
from contactd.domain.happened import AttemptMoved
from contactd.engine.bus import Bus
from contactd.engine.gate import OVERTAKEN, Begun, Gate, Refused, Settled, release, settle
from contactd.store import attempts, contact_log, fingerprints, pauses
from contactd.store.attempts import Claimed, Transition
from contactd.store.fingerprints import Saying
from contactd.store.group_commit import GroupCommit
from contactd.store.sent_messages import sent
from contactd.store.suppressions import NewSuppression

log = structlog.get_logger()

_IDLE = 2.0  # seconds between looks for work that nobody announced
_STORE_DOWN = 1.0
_MISCONFIGURED = timedelta(minutes=10)
# What the provider has taken, or may have.
_PERHAPS_SENT = frozenset({Event.TAKEN, Event.LOST_SIGHT})
_ADDRESS_KINDS = {Channel.EMAIL: "email", Channel.SMS: "number"}


class Compose(Protocol):
    """Makes the message of a begun attempt; raises ChannelMisconfigured when its template cannot be rendered."""

    def __call__(self, begun: Begun, still_ours: Callable[[], bool]) -> Message:
        """Render in the customer's language."""
        ...


class Sender:
    """One channel's queue; at most `lines` intents wait for the provider's answer, `in_flight` are in hand altogether.

    `rate` is per second; like the lines it is waited for before the rules are asked.
    """

    def __init__(
        self,
        channel: MessageChannel,
        *,
        commit: GroupCommit,
        gate: Gate,
        compose: Compose,
        clock: Clock,
        bus: Bus,
        owner: str,
        lease: timedelta,
        in_flight: int = 32,
        lines: int = 32,
        rate: float | None = None,
    ) -> None:
        """Take what it works with; `lease` is how long a claim is ours."""
        self.channel = channel
        self._commit = commit
        self._gate = gate
        self._compose = compose
        self._clock = clock
        self._bus = bus
        self._owner = owner
        self._lease = lease
        self._slots = asyncio.Semaphore(in_flight)
        self._lines = asyncio.Semaphore(lines)
        # Never more than is begun well within the lease.
        self._claim = max(1, min(in_flight * 4, int(rate * lease.total_seconds() / 2))) if rate else in_flight * 4
        self._gap = 1 / rate if rate else 0.0
        self._next_at = 0.0
        self._wake = asyncio.Event()
        self._stopping = False

    def notify(self) -> None:
        """Look for work now: something was planned, resumed or released."""
        self._wake.set()

    def drain(self) -> None:
        """Begin nothing more; `run` returns when the attempts under way have ended."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Work until `drain`; what was claimed and not begun goes back to the queue."""
        async with asyncio.TaskGroup() as group:
            while not self._stopping:
                claims = await self._take()
                while claims and not self._stopping:
                    await self._admit()
                    group.create_task(self._carry_out(claims.pop()))
                if claims:
                    await self._give_back(claims)

    async def _take(self) -> list[Claimed]:
        """Claim what is due; wait when there is nothing."""
        self._wake.clear()
        try:
            claims = await self._commit.run(
                lambda connection: attempts.claim(
                    connection,
                    self.channel.name,
                    owner=self._owner,
                    now=self._clock.now(),
                    lease=self._lease,
                    limit=self._claim,
                )
            )
        except (StoreError, StoreConflict) as error:
            log.error("store_unavailable", while_doing="claim", error=str(error))
            claims = []
        if not claims and not self._stopping:
            waiting = asyncio.ensure_future(self._clock.sleep(_IDLE))
            woken = asyncio.ensure_future(self._wake.wait())
            await asyncio.wait({waiting, woken}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            woken.cancel()
        return claims[::-1]

    async def _admit(self) -> None:
        """Wait for a free slot and for the rate: before the rules are asked, so that nothing waits with an intent."""
        await self._slots.acquire()
        if self._gap:
            now = self._clock.monotonic()
            turn = max(self._next_at, now)
            self._next_at = turn + self._gap
            if turn > now:
                await self._clock.sleep(turn - now)

    async def _carry_out(self, claim: Claimed) -> None:
        try:
            settled = await self._contact(claim)
            if settled is not None:
                await self._write_down(claim, settled)
        except Exception:  # one attempt ends here; its lease makes it `unclear`, visible and never sent again
            log.exception("attempt_broke", attempt=claim.id, channel=claim.channel)
        finally:
            self._slots.release()

    async def _contact(self, claim: Claimed) -> Settled | None:
        """Begin and send on a line of our own; None when nothing was begun."""
        async with self._lines:
            if self._stopping:
                await self._give_back([claim])
                return None
            try:
                answer: Begun | Refused = await self._commit.submit(self._gate.begin, claim)
            except (StoreError, StoreConflict) as error:
                log.error("store_unavailable", while_doing="begin", attempt=claim.id, error=str(error))
                await self._clock.sleep(_STORE_DOWN)
                await self._give_back([claim])
                return None
            if isinstance(answer, Refused):
                if answer.reason != OVERTAKEN:
                    self._tell(claim, "planned" if answer.until else "cancelled", "", answer.reason)
                return None
            return await self._send(answer)

    async def _send(self, begun: Begun) -> Settled:
        """Ask the provider and put the answer in the attempt's words."""
        claim = begun.claimed
        event, outcome, reason, reference = Event.TAKEN, "accepted", "", ""
        not_before = suppress = details = None
        wire: list[str] = []
        try:
            receipt = await self._hand_over(begun, wire.append)
            outcome, reference, details = receipt.outcome, receipt.provider_ref, receipt.details
        except ChannelUnavailable as error:
            event, outcome, reason, not_before = await self._put_off(claim, error)
        except ChannelMisconfigured as error:
            event, outcome, reason = Event.NOT_TAKEN, "misconfigured", _words(error)
            not_before = self._clock.now() + _MISCONFIGURED
            await self._pause(claim, reason)
        except RecipientOptedOut as error:
            event, outcome, reason = Event.REJECTED, "opted_out", _words(error)
            suppress = self._suppression(begun, "opted_out")
        except ChannelRejected as error:
            event, outcome, reason = Event.REJECTED, "undeliverable" if error.dead else "rejected", _words(error)
            suppress = self._suppression(begun, "undeliverable") if error.dead else None
        except ChannelUnclear as error:
            event, outcome, reason = Event.LOST_SIGHT, "unclear", _words(error)
        except Exception as error:  # nobody foresaw it: it may have been sent
            log.exception("channel_broke", attempt=claim.id, channel=claim.channel)
            event, outcome, reason = Event.LOST_SIGHT, "unclear", type(error).__name__
        kept = sent(claim.id, claim.claim_no, begun.at, wire[-1]) if wire and event in _PERHAPS_SENT else None
        transition = Transition(
            claim.id, claim.claim_no, event, self._clock.now(), outcome=outcome, reason=reason, provider_ref=reference,
            not_before=not_before, details=kept.details if kept else details,
        )  # fmt: skip
        return Settled(transition, suppress, kept)

    async def _put_off(self, claim: Claimed, error: ChannelUnavailable) -> tuple[Event, str, str, datetime | None]:
        """Decide when to try again, or that it was tried long enough; the contact log knows since when."""
        outcome = "deferred" if error.of_recipient else "unavailable"
        try:
            count, since = await self._commit.read(partial(contact_log.refusals, attempt_id=claim.id, outcome=outcome))
        except StoreError as trouble:
            log.error("store_unavailable", while_doing="put_off", attempt=claim.id, error=str(trouble))
            count, since = 0, None
        now, words = self._clock.now(), _words(error)
        if error.of_recipient and patience.is_over(since, now):
            return Event.REJECTED, "unreachable", f"{words} (refused {count + 1} times since {since:%Y-%m-%d})", None
        wait = patience.pause(timedelta(seconds=error.retry_after), count, of_recipient=error.of_recipient)
        return Event.NOT_TAKEN, outcome, words, now + wait

    async def _hand_over(self, begun: Begun, on_wire: Callable[[str], None]) -> Receipt:
        """Render and send."""
        message = replace(self._compose(begun, self._until(begun.at + self._lease)), on_wire=on_wire)
        if self.channel.finds_by_text:
            await self._keep_fingerprint(begun.claimed, message)
        return await self.channel.send(message)

    async def _keep_fingerprint(self, claim: Claimed, message: Message) -> None:
        """Make the message recognisable before it leaves; raises ChannelUnavailable when that cannot be kept."""
        try:
            await self._commit.submit(fingerprints.keep, Saying(claim.id, claim.claim_no, fingerprint(message.text)))
        except (StoreError, StoreConflict) as error:
            log.error("store_unavailable", while_doing="keep_fingerprint", attempt=claim.id, error=str(error))
            raise ChannelUnavailable("not sent: its fingerprint was not kept", code="store") from error

    def _until(self, end: datetime) -> Callable[[], bool]:
        """Tell until its lease ends that an attempt is ours; afterwards others may have taken it over."""
        return lambda: self._clock.now() < end

    async def _write_down(self, claim: Claimed, settled: Settled) -> None:
        """Commit the answer; while the store is down it is kept and tried again, for it cannot be asked for twice."""
        while True:
            try:
                state = await self._commit.submit(settle, settled)
            except StoreError as error:
                log.error("store_unavailable", while_doing="settle", attempt=claim.id, error=str(error))
                await self._clock.sleep(_STORE_DOWN)
                continue
            except (StoreConflict, IllegalTransition) as error:
                # A status callback or the reconciler was quicker; what they wrote is at least as good.
                log.info("already_settled", attempt=claim.id, error=str(error))
                return
            self._tell(claim, str(state), settled.transition.outcome, settled.transition.reason)
            return

    async def _give_back(self, claims: list[Claimed]) -> None:
        """Return what was certainly not sent, whether or not its intent was committed; only we know that."""
        while True:
            try:
                await self._commit.run(lambda connection: release(connection, claims, self._clock.now()))
            except (StoreError, StoreConflict) as error:
                log.error("store_unavailable", while_doing="release", claims=len(claims), error=str(error))
                if self._stopping:
                    return
                await self._clock.sleep(_STORE_DOWN)
            else:
                return

    async def _pause(self, claim: Claimed, reason: str) -> None:
        log.error("channel_misconfigured", channel=self.channel.name, campaign=claim.campaign, reason=reason)
        name = f"channel:{self.channel.name}"
        try:
            await self._commit.run(
                lambda connection: pauses.pause(connection, name, reason=reason, by="contactd", now=self._clock.now())
            )
        except (StoreError, StoreConflict) as error:
            log.error("store_unavailable", while_doing="pause", channel=self.channel.name, error=str(error))

    def _suppression(self, begun: Begun, reason: str) -> NewSuppression | None:
        """Keep an address from being used again; a postal one is not known by itself, so its attempt tells all."""
        if self.channel.name not in _ADDRESS_KINDS:
            return None
        return NewSuppression(
            kind=_ADDRESS_KINDS[self.channel.name],
            value=begun.address,
            channel=self.channel.name,
            reason=reason,
            source=f"attempt {begun.claimed.id}",
            at=self._clock.now(),
        )

    def _tell(self, claim: Claimed, state: str, outcome: str, reason: str) -> None:
        self._bus.publish(
            AttemptMoved(claim.id, claim.account_id, claim.campaign, claim.step, claim.channel, state, outcome, reason)
        )


def _words(error: ChannelError) -> str:
    return f"{error.code} {error}".strip()
