"""The composition root: builds every part from the settings, runs them under one TaskGroup, drains on SIGTERM."""

import asyncio
import contextlib
import socket
from collections.abc import Collection
from datetime import datetime
from functools import partial
from pathlib import Path

import structlog

from contactd.channels.bounces import BounceIntake
from contactd.channels.dsn import Bounce
from contactd.channels.registry import build as build_channels
from contactd.channels.render import Renderer
from contactd.config.load import load, unavailable_steps
from contactd.config.settings import Settings, lines_of, needs_restart, rate_of
from contactd.domain.account import Channel
from contactd.domain.clock import Clock
from contactd.domain.errors import ConfigError, NameTaken, StoreError
from contactd.engine.agreements.judgement import Judgement
from contactd.engine.bus import Bus
from contactd.engine.calls.callbook import StoredCallBook
from contactd.engine.calls.dialer import Dialer, Line
from contactd.engine.calls.idleness import callbacks_of
from contactd.engine.calls.incoming import reception_of
from contactd.engine.calls.lists import lists_of
from contactd.engine.calls.live_call import end_left
from contactd.engine.calls.ownership import Leases, served
from contactd.engine.calls.pacer import dialling_of
from contactd.engine.calls.recordings import Recordings
from contactd.engine.calls.reminders import Reminders
from contactd.engine.calls.roster import Roster, agents_of
from contactd.engine.debt.claims import terms_of
from contactd.engine.debt.expiring import open_warnings
from contactd.engine.debt.statements import StatementFolder
from contactd.engine.desk.deskwork import Deskwork
from contactd.engine.desk.oversight import Oversight
from contactd.engine.gate import Gate
from contactd.engine.hooks import Hooks, failing
from contactd.engine.ladder.book import Book
from contactd.engine.ladder.planner import Planner
from contactd.engine.ladder.planning import Planning
from contactd.engine.ladder.timetable import appointments_of
from contactd.engine.records.custody import Custody
from contactd.engine.sending.compose import Composer
from contactd.engine.sending.followup import FollowUp
from contactd.engine.sending.reconciler import Reconciler
from contactd.engine.sending.sender import Sender
from contactd.engine.tasks.task_channel import TaskChannel
from contactd.engine.vitals import Vitals
from contactd.metrics import Metrics
from contactd.store import attempts, hooks, inbox, overview, pauses
from contactd.store import settings as stored
from contactd.store.group_commit import GroupCommit
from contactd.store.reaching import reach
from contactd.systemd import notify, watchdog_seconds
from contactd.telephony.announcements import texts_of
from contactd.telephony.registry import open_carrier
from contactd.telephony.simulated_agents import SimulatedAgents
from contactd.web.app import public_app
from contactd.web.control import control_app
from contactd.web.serve import Site
from contactd.web.window import Window

log = structlog.get_logger()

_NAME_EVERY = 2.0  # seconds
_WORKING = 0.8  # of the time to drain; the rest is for hanging up and closing
_CONNECTING = 60.0  # seconds that one look for a database may take


def refuse_unavailable(settings: Settings) -> None:
    """Raise ConfigError when a campaign has steps that this daemon could not carry out."""
    problems = unavailable_steps(settings)
    if problems:
        raise ConfigError(problems)


class Daemon:
    """One contactd at work. A rehearsal hands in another clock; everything else comes from the settings."""

    def __init__(self, settings: Settings, *, path: Path | None, clock: Clock) -> None:
        self.settings = settings
        self.path = path
        self.clock = clock
        self.name = settings.daemon.name or socket.gethostname()
        self.bus = Bus()
        self.metrics = Metrics()
        self.book = Book(settings.campaigns, settings.policies, terms_of(settings))
        self.started: datetime | None = None
        self.ready = asyncio.Event()
        self._stopping = asyncio.Event()
        self._outdone: NameTaken | None = None
        self._background: list[asyncio.Task[None]] = []

    def stop(self) -> None:
        """Drain: begin nothing more, let what is under way finish."""
        self._stopping.set()

    def reload_soon(self) -> None:
        """Reload because of a SIGHUP; a refusal is logged, `contactd reload` tells it to the person."""

        async def try_it() -> None:
            await self.ready.wait()
            with contextlib.suppress(ConfigError):
                await self.reload()

        self._reloading = asyncio.ensure_future(try_it())

    async def run(self) -> None:
        """Open the store and work until `stop`."""
        database = await reach(
            self.settings.database_url,
            patience=self.settings.daemon.wait_for_database.total_seconds(),
            stopping=self._stopping,
            tell=_wait_for_database,
        )
        if database is None:
            return
        self.database = database
        try:
            with self.database.hold_name(self.name) as self._keep:
                await self._work()
            if self._outdone is not None:
                raise self._outdone
        finally:
            self.database.close()

    async def _work(self) -> None:
        self.commit = GroupCommit(self.database)
        try:
            await self._take_back()
            await self._build()
            async with contextlib.AsyncExitStack() as stack:
                await self._open(stack)
                await self._run_parts()
        finally:
            await self.commit.close()

    async def _keep_name(self) -> None:
        """See to it that the name stays ours; who lost it to another ends, for that one has taken his attempts."""
        while True:
            await asyncio.sleep(_NAME_EVERY)
            try:
                await asyncio.to_thread(self._keep)
            except NameTaken as error:
                log.error("name_lost", reason=str(error))
                self._outdone = error
                self.stop()
                return
            except StoreError as error:
                log.info("name_not_held", reason=str(error))

    async def _take_back(self) -> None:
        """Put the attempts of our former life in order, before anything new begins."""
        planned, unclear = await self.commit.run(
            lambda connection: attempts.take_back(connection, owner=self.name, now=self.clock.now())
        )
        if planned or unclear:
            log.warning("recovered", back_to_planned=planned, unclear=unclear)
        if self.settings.telephony.backend == "none":  # else the dialer asks the carrier which calls are still up
            await self.commit.run(lambda connection: end_left(connection, owner=self.name, now=self.clock.now()))

    async def _build(self) -> None:
        settings, clock = self.settings, self.clock
        self.signing_key = bytes.fromhex(await self.commit.run(lambda one: stored.get(one, "signing_key")))
        gate = Gate(self.book, clock, lease=settings.sending.lease)
        self.planner = Planner(self.database, self.book, horizon=settings.planning.horizon)
        self.channels = build_channels(settings, clock) | {Channel.TASK: TaskChannel(self.commit, self.book, clock)}
        self.composer = Composer(settings, Renderer(settings.template_directories), self.signing_key)
        self.senders = [
            Sender(
                channel,
                commit=self.commit,
                gate=gate,
                compose=self.composer,
                clock=clock,
                bus=self.bus,
                owner=self.name,
                lease=settings.sending.lease,
                in_flight=settings.sending.in_flight,
                lines=lines_of(settings, name),
                rate=rate_of(settings, name),
            )
            for name, channel in self.channels.items()
        ]
        self.reconciler = Reconciler(self.commit, self.channels, clock, bus=self.bus, grace=settings.sending.grace)
        self.roster = Roster(agents_of(settings), clock)
        self.vitals = Vitals(self.commit, clock, self.metrics, self.roster, self._look_at_dialling)
        self.dialer = self._dialer(gate)
        self.oversight = Oversight(self.dialer, self.roster, self.commit, clock)
        await self.oversight.look_up_levels()
        lines = settings.telephony
        self.staff = SimulatedAgents(clock, seed=lines.simulated.seed, wrap=lines.simulated.wrap.total_seconds())
        self.recordings = Recordings(self.carrier, clock, kept=lines.recordings_kept) if self.carrier else None
        self.followup = FollowUp(self.planner, clock, self._notify)
        self.custody = Custody(self.commit, clock, lambda: self.settings)
        self.reminders = Reminders(self.commit, clock, self.bus, ahead=lines.callback_reminder.total_seconds())
        self.planning = Planning(self.planner, commit=self.commit, clock=clock, bus=self.bus, notify=self._notify)
        self.judgement = Judgement(self.commit, clock, lambda: self.settings)
        await self.planning.make_up(appointments_of(settings))
        for hear in (self.metrics.hear, self.followup.hear, self.judgement.hear):
            self.bus.listen(hear)

    def _dialer(self, gate: Gate) -> Dialer | None:
        settings = self.settings.telephony
        self.carrier = open_carrier(self.settings, self.clock)
        if self.carrier is None:
            return None
        owner = self._ownership()
        say, tell = texts_of(self.settings)
        book = StoredCallBook(
            self.commit, gate, self.clock, self.bus, owner=self.name, lease=self.settings.sending.lease, fences=owner
        )
        return Dialer(
            roster=self.roster,
            carrier=self.carrier,
            book=book,
            clock=self.clock,
            bus=self.bus,
            teams=lambda: lists_of(self.book.campaigns.values()),
            say=say,
            tell=tell,
            line=Line(
                settings.caller_id,
                settings.ring.total_seconds(),
                dialling=dialling_of(settings),
                caller_ids=settings.caller_ids,
                reception=reception_of(self.settings),
            ),
            owner=owner,
        )

    def _ownership(self) -> Leases:
        """Own every team where the process is alone on its database, else those it can serve."""
        alone = self.database.dialect == "sqlite"

        def teams() -> Collection[str]:
            lists = lists_of(self.book.campaigns.values())
            return lists if alone else served(lists, self.roster)

        return Leases(self.commit, self.clock, holder=self.name, teams=teams, by_process=alone)

    async def _open(self, stack: contextlib.AsyncExitStack) -> None:
        """Open what talks to the outside; each is closed again in the reverse order."""
        for channel in self.channels.values():
            stack.push_async_callback(channel.close)
            await channel.start()
        if self.carrier is not None and self.dialer is not None:
            stack.push_async_callback(self.carrier.close)
            await self.carrier.start(self.dialer.on_event)
            await self._seat_simulated_agents(stack)
        if self.settings.smtp.bounces.address:
            bounces = BounceIntake(self.settings.smtp.bounces, self._receive)
            stack.push_async_callback(bounces.close)
            await bounces.start()
        window = self._window()
        self.site = await stack.enter_async_context(
            Site(public_app(window), host=self.settings.web.bind, port=self.settings.web.port)
        )
        await stack.enter_async_context(Site(control_app(window), path=self.settings.control_path))

    async def _seat_simulated_agents(self, stack: contextlib.AsyncExitStack) -> None:
        """Let nobody's agents work where nobody's customers are called; people sign in at the desk."""
        lines = self.settings.telephony
        if not lines.backend.startswith("simulated") or self.dialer is None:
            return
        stack.push_async_callback(self.staff.close)
        self.roster.listen(self.staff.agent_moved)
        self.staff.start(self.dialer.desk, self.settings.agents)

    async def _run_parts(self) -> None:
        async with asyncio.TaskGroup() as group:
            watch = partial(self.vitals.watch, watchdog_seconds(), lambda: notify(WATCHDOG="1"))
            vitals = (self.vitals.measure_lag, self.vitals.look_over, self.vitals.probe, watch)
            work = (self.reconciler.run, self.planning.timetable.run, self.judgement.run, self.followup.run)
            telling = Hooks(self.commit, self.clock, lambda: self.settings, self.name, self.metrics)
            statements = StatementFolder(self.database, self.clock, lambda: self.settings, self._notify)
            parts = (self._keep_name, self.reminders.run, self.custody.run, statements.run, *work, *vitals)
            recordings = (self.recordings.run,) if self.recordings else ()
            self._background = [group.create_task(part()) for part in (*parts, telling.run, *recordings)]
            working = [group.create_task(sender.run()) for sender in self.senders]
            if self.dialer is not None:
                working.append(group.create_task(self.dialer.run()))
            self.started = self.clock.now()
            self.ready.set()
            notify(READY="1", STATUS=f"{len(self.book.campaigns)} campaigns, {len(self.senders)} channels")
            log.info("started", daemon=self.name, campaigns=list(self.book.campaigns), port=self.site.port)
            await self._stopping.wait()
            await self._drain(working)

    async def _drain(self, working: list[asyncio.Task[None]]) -> None:
        notify(STOPPING="1", STATUS="draining")
        log.info("draining", seconds=self.settings.daemon.drain.total_seconds())
        for sender in self.senders:
            sender.drain()
        seconds = self.settings.daemon.drain.total_seconds() * _WORKING
        if self.dialer is not None:
            working.append(asyncio.ensure_future(self.dialer.drain(seconds)))
        if working:
            _, late = await asyncio.wait(working, timeout=seconds)
            for task in late:
                # Its attempts keep their intent and are `unclear` at the next start: visible, never sent again.
                task.cancel()
        for task in self._background:
            task.cancel()
        log.info("stopped")

    async def reload(self) -> list[str]:
        """Put the changed files in force; raises ConfigError and keeps the old ones when anything is wrong."""
        if self.path is None:
            return []
        notify(RELOADING="1")
        try:
            fresh = await asyncio.to_thread(load, self.path)
            refuse_unavailable(fresh)
            renderer = await asyncio.to_thread(Renderer, fresh.template_directories)
            terms = await asyncio.to_thread(terms_of, fresh)
        except ConfigError as error:
            self.metrics.reloaded(successful=False)
            log.error("reload_refused", problems=[str(problem) for problem in error.problems])
            raise
        finally:
            notify(READY="1")
        notes = needs_restart(self.settings, fresh)
        self.planner.horizon = fresh.planning.horizon
        self.settings = fresh
        self.book.replace(fresh.campaigns, fresh.policies, terms)
        self.composer.replace(fresh, renderer)
        self.planning.timetable.replace(appointments_of(fresh))
        self.metrics.reloaded(successful=True)
        log.info("reloaded", campaigns=list(self.book.campaigns), notes=notes)
        self._notify()
        return notes

    async def status(self) -> dict[str, object]:
        """Say what is going on, for `contactd status`."""
        now = self.clock.now()
        queues = await self.commit.read(overview.queues)
        oldest = await self.commit.read(lambda connection: overview.oldest_due(connection, now))
        return {
            "daemon": {"name": self.name, "since": str(self.started), "draining": self._stopping.is_set()},
            "campaigns": await self.planning.campaigns(self.book.campaigns),
            "queues": queues,
            "paused": await self.commit.read(pauses.told),
            "oldest_due": {channel: since.isoformat() for channel, since in oldest.items()},
            "agents": self.roster.counts(),
            "calls": self.dialer.status() if self.dialer else {},
            "dialling": await self.oversight.why(),
            "webhooks": failing(await self.commit.read(hooks.listed), self.clock.now()),
            "limitation": await self.commit.read(open_warnings),
            "callbacks": await self.commit.read(lambda connection: callbacks_of(connection, now)),
        }

    async def _look_at_dialling(self) -> None:
        await self.oversight.look_up_levels()
        reasons = await self.oversight.why()
        waiting = await self.commit.read(lambda connection: callbacks_of(connection, self.clock.now()))
        self.metrics.dialled(reasons, waiting=waiting["waiting"], overdue=waiting["overdue"])

    def _window(self) -> Window:
        return Window(
            settings=lambda: self.settings,
            database=self.database,
            commit=self.commit,
            clock=self.clock,
            bus=self.bus,
            metrics=self.metrics,
            signing_key=self.signing_key,
            wake=self._notify,
            arrived=self.reconciler.notify,
            status=self.status,
            reload=self.reload,
            plan=self.planning.plan,
            deskwork=Deskwork(self.dialer, self.roster, self.commit, seated=self.staff.give_up_seat),
            oversight=self.oversight,
            ready=lambda: {
                "store": self.vitals.store_up,
                "daemon": self.ready.is_set() and not self._stopping.is_set(),
            },
        )

    def _notify(self) -> None:
        for sender in self.senders:
            sender.notify()
        if self.dialer is not None:
            self.dialer.notify()
        self.reconciler.notify()

    async def _receive(self, bounce: Bounce) -> None:
        event = inbox.Event("smtp_bounce", bounce.token, bounce.payload(), self.clock.now())
        await self.commit.submit(inbox.receive, event)
        self.reconciler.notify()


def _wait_for_database(seconds: float) -> None:
    notify(STATUS="waiting for the database", EXTEND_TIMEOUT_USEC=str(int((seconds + _CONNECTING) * 1_000_000)))
