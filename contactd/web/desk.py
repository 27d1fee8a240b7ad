"""The agent's desk: one page, rebuilt from the daemon's state whenever it is loaded, and told of every change.

Three topics: `desk` is the state bar and says which case is on the desk, `desk-work` is the case itself or, without
one, what waits, `desk-typed` is what another tab of the same agent has saved. The page never decides anything: every
button is an order, and the answer is how things stand then.
"""

from functools import partial

import structlog
from aiohttp import web

from contactd.domain.agent import Agent
from contactd.domain.errors import ChannelError, IllegalTransition, InputError
from contactd.domain.happened import CallbackSoon, CallMoved, PreviewOffered, Supervised
from contactd.domain.phrase import Phrase
from contactd.domain.role import Role
from contactd.engine.desk.conversing import Conversing
from contactd.store import audit, call_queue, calls
from contactd.store.audit import Deed
from contactd.web import captions
from contactd.web.desk_case import Cases
from contactd.web.desk_state import ORDERS, PAUSES, Bar, bar_of
from contactd.web.hub import Hub, Topic
from contactd.web.pages import Pages
from contactd.web.refusals import refusal
from contactd.web.signing_in import form_of, text_of
from contactd.web.visitors import Viewer, viewer_of
from contactd.web.window import Window

log = structlog.get_logger()

_BAR, _WORK, _TYPED = "desk", "desk-work", "desk-typed"


def routes(window: Window, pages: Pages, hub: Hub) -> list[web.RouteDef]:
    """List the addresses, and tell the hub what the desk shows."""
    conversing = Conversing(window.deskwork, window.commit, window.clock, window.settings, window.wake)
    cases = Cases(
        pages,
        conversing,
        changed=lambda name: hub.touch(_WORK, name),
        typed=lambda name: hub.touch(_TYPED, name),
        dialled=partial(_note_dialled, window),
    )
    desk = _Desk(window, pages, hub, cases)
    hub.add(Topic(_BAR, Role.AGENT, desk.tell_bar, alive=desk.alive))
    hub.add(Topic(_WORK, Role.AGENT, desk.tell_work))
    hub.add(Topic(_TYPED, Role.AGENT, cases.tell_typed))
    window.bus.listen(desk.hear)
    window.deskwork.listen(desk.agent_moved)
    return [
        web.get("/desk", desk.show),
        web.post("/desk/do", desk.carry_out),
        web.post("/desk/painted", desk.painted),
        *cases.routes(),
        *captions.routes(window, pages, hub),
    ]


class _Desk:
    def __init__(self, window: Window, pages: Pages, hub: Hub, cases: Cases) -> None:
        self._window, self._pages, self._hub, self._cases = window, pages, hub, cases
        # By agent: the case that was pushed last, or the state without one, and whether it was offered only.
        self._on_desk: dict[str, tuple[str, bool]] = {}
        self._popped: dict[str, str] = {}  # by agent: the call whose card was last seen to be painted

    # -- shown -----------------------------------------------------------------------------------------------------

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Show the desk as it stands."""
        viewer = viewer_of(request)
        if not viewer.is_agent:
            return self._pages.show(request, "desk_none.html")
        bar = self._bar(viewer)
        work = await self._work(viewer, bar)
        return self._pages.show(request, "desk.html", bar=bar, pauses=PAUSES, work=work)

    async def tell_bar(self, viewer: Viewer) -> object:
        """Push the state bar, with what the page counts and obeys."""
        if not viewer.is_agent:
            return None
        bar = self._bar(viewer)
        on_desk = bar.key or bar.state, bar.phase == "offer"
        if self._on_desk.get(viewer.name) != on_desk:
            self._on_desk[viewer.name] = on_desk
            self._hub.touch(_WORK, viewer.name)
        html = self._pages.text(viewer, "desk_bar.html", bar=bar, pauses=PAUSES)
        told = {name: getattr(bar, name) for name in ("state", "seconds", "left", "key", "phase", "call", "wish")}
        return told | {"bar": html}

    async def tell_work(self, viewer: Viewer) -> object:
        """Push what is on the desk."""
        if not viewer.is_agent:
            return None
        bar = self._bar(viewer)
        return {"key": bar.key, "html": await self._work(viewer, bar)}

    def _bar(self, viewer: Viewer) -> Bar:
        return bar_of(self._window.deskwork.standing(viewer.name), self._window.clock.now())

    async def _work(self, viewer: Viewer, bar: Bar) -> str:
        html = await self._cases.html(viewer, int(bar.key), apologise=bar.apologise) if bar.key else ""
        if html:
            return html
        now = self._window.clock.now()
        callbacks, owed = await self._window.commit.read(
            lambda connection: (
                call_queue.agreed(connection, kept_for=viewer.name),
                calls.owed(connection, viewer.name),
            )
        )
        return self._pages.text(viewer, "desk_idle.html", bar=bar, callbacks=callbacks, owed=owed, now=now)

    # -- done ------------------------------------------------------------------------------------------------------

    async def carry_out(self, request: web.Request) -> web.StreamResponse:
        """Do what an agent orders; the page is told by its socket how they stand then."""
        viewer, form = viewer_of(request), await form_of(request)
        order = text_of(form, "order")
        if order not in ORDERS or not viewer.is_agent:
            raise web.HTTPNotFound
        try:
            await self._window.deskwork.carry_out(viewer.name, order, _words(order, text_of(form, "words")))
        except (IllegalTransition, InputError, ChannelError) as problem:
            status = 409 if isinstance(problem, IllegalTransition) else 422 if isinstance(problem, InputError) else 502
            if isinstance(problem, ChannelError):
                log.warning("desk_order_failed", order=order, error=str(problem))
            return web.json_response({"error": refusal(problem, viewer.language)}, status=status)
        return web.Response(status=204)

    async def painted(self, request: web.Request) -> web.StreamResponse:
        """Take note that the card of a call is before the agent's eyes: once a call, from the bridge to now."""
        viewer, reference = viewer_of(request), text_of(await form_of(request), "call")
        live = self._window.deskwork.standing(viewer.name).live if viewer.is_agent else None
        since = live.call.connected_at if live is not None and live.reference == reference else None
        if since is not None and self._popped.get(viewer.name) != reference:
            self._popped[viewer.name] = reference
            self._window.metrics.popped((self._window.clock.now() - since).total_seconds())
        return web.Response(status=204)

    # -- what happens ----------------------------------------------------------------------------------------------

    def alive(self, viewer: Viewer) -> None:
        """Take a sign of life of an agent's desk."""
        if viewer.is_agent:
            self._window.deskwork.heard(viewer.name)

    def agent_moved(self, agent: Agent) -> None:
        """Tell an agent's tabs that they stand otherwise."""
        self._hub.touch(_BAR, agent.id)

    def hear(self, event: object) -> None:
        """Tell whom it concerns of a call that moved, an offer, a supervisor's ear and a callback."""
        match event:
            case CallMoved() | PreviewOffered() | Supervised():
                self._hub.touch(_BAR, event.agent)
            case CallbackSoon():
                self._hub.touch(_WORK, event.agent)
            case _:
                pass


async def _note_dialled(window: Window, who: str, attempt: int, outcome: str) -> None:
    """Write down that an agent had another number of an account called, and what the call before it came to."""
    about, now = f"attempt:{attempt}", window.clock.now()
    await window.commit.run(
        lambda one: audit.add(one, Deed(now, who, "agent dial", about, audit.account_of(one, about), new=outcome))
    )


def _words(order: str, said: str) -> list[str]:
    """Give what stands behind an order; raises InputError for a pause that has a reason of its own."""
    if order == "pause" and said and said not in PAUSES:
        raise InputError("the reason of a pause is one of %(known)s", known=tuple(map(Phrase, PAUSES.values())))
    return [said] if said else []
