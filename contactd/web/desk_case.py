"""The case on the desk: who is called, what may be seen of them, what is agreed, and its end; desk.py mounts it.

Nothing is decided here: what must not be disclosed is not in what the engine answers, and it refuses what may not be
done yet with 409.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web

from contactd.domain.call import Disposition
from contactd.domain.conversation import OUTCOMES as RANKED
from contactd.domain.errors import ContactdError, Contradiction, InputError, NotThere
from contactd.engine.desk.concluding import FIELDS as NAMES
from contactd.engine.desk.concluding import Mistyped
from contactd.engine.desk.conversing import Conversing
from contactd.web.desk_fields import FIELDS, Field
from contactd.web.desk_history import line
from contactd.web.desk_words import ITEMS, OUTCOMES, PERSONS, REASONS, REFUSED, SKIPS, STEPS, happened, says_channel
from contactd.web.pages import Pages
from contactd.web.refusals import refusal
from contactd.web.signing_in import form_of, text_of
from contactd.web.visitors import Viewer, viewer_of
from contactd.web.words import _, catalogue
from contactd.web.written import time_of_day

# What the fields of a case hold at most comes to less, with each letter as nine bytes of a form.
_LARGEST = 256 * 1024
_TOO_MUCH = _("That is more than can be kept at once. It still stands here: shorten the note, then it is kept.")
_DISCLOSING = {one.disposition.value for one in RANKED if one.discloses}
_FILTERS = {"": _("all"), "call": _("Calls"), "written": _("Letters")}

Told = dict[str, Any]
Form = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Typed:
    """What one tab of an agent saved last, for their other tabs."""

    tab: str
    attempt: int
    step: str
    note: str
    fields: Mapping[str, str]
    saved_at: str


class Cases:
    """`changed` is told whose case has to be shown anew, `typed` whose other tabs have to hear what was written.

    `dialled` notes in the audit log who has another number called, after which attempt with which outcome.
    """

    def __init__(
        self,
        pages: Pages,
        conversing: Conversing,
        *,
        changed: Callable[[str], None],
        typed: Callable[[str], None],
        dialled: Callable[[str, int, str], Awaitable[None]],
    ) -> None:
        self._pages, self._conversing, self._note_dialled = pages, conversing, dialled
        self._changed, self._said = changed, typed
        self._typed: dict[str, Typed] = {}

    def routes(self) -> list[web.RouteDef]:
        """List the addresses."""
        posts = {
            "save": self.save, "meet": self.meet, "identify": self.identify, "foresee": self.foresee,
            "finish": self.finish, "dial": self.dial,
        }  # fmt: skip
        return [
            web.get("/desk/case", self.show),
            *(web.post(f"/desk/{name}", _told(handler)) for name, handler in posts.items()),
        ]

    # -- shown -----------------------------------------------------------------------------------------------------

    async def html(self, viewer: Viewer, attempt: int, *, apologise: bool = False) -> str:
        """Write the case; empty when it is no longer this agent's."""
        try:
            card = await self._conversing.card(viewer.name, attempt)
        except NotThere:
            return ""
        typed = card["draft"]["fields"]
        return self._pages.text(
            viewer, "desk_case.html", apologise=apologise, card=card, steps=STEPS, items=ITEMS,
            persons=PERSONS, outcomes=OUTCOMES, reasons=REASONS, refused=REFUSED, skips=SKIPS, fields=self._fields(),
            filters=_FILTERS, happened=happened, history_line=line,
            disclosing=_DISCLOSING,
            chosen=typed.get("outcome") or card["identification"]["preset"] or "",
            disputed=_listed(typed.get("invoices", "")), confirmed=_listed(typed.get("confirmed", "")),
        )  # fmt: skip

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Show a conversation that is over and has yet to be handed in."""
        viewer = viewer_of(request)
        try:
            html = await self.html(viewer, _number(request.query.get("attempt", "")))
        except InputError:
            html = ""
        if not html:
            raise web.HTTPNotFound
        return web.Response(text=html, content_type="text/html")

    async def tell_typed(self, viewer: Viewer) -> object:
        """Push what another tab of the same agent has saved."""
        last = self._typed.get(viewer.name)
        if last is None:
            return None
        return {
            "tab": last.tab, "attempt": last.attempt, "step": last.step, "note": last.note, "fields": dict(last.fields),
            "saved": self._clock(last.saved_at),
        }  # fmt: skip

    def _fields(self) -> list[Field]:
        """List the rows of the form; costs are asked for only where the law wants them told first."""
        costs = self._pages.settings().operator.kind != "creditor"
        return [field for field in FIELDS if costs or field.name != "costs"]

    def _clock(self, at: str) -> str:
        return time_of_day(datetime.fromisoformat(at), self._pages.settings().claims.timezone)

    # -- done ------------------------------------------------------------------------------------------------------

    async def save(self, viewer: Viewer, form: Form) -> Told:
        """Keep what is typed."""
        attempt, step, note, fields = _number(text_of(form, "attempt")), text_of(form, "step"), _note(form), _of(form)
        at = await self._conversing.save(viewer.name, attempt, step, note, fields, text_of(form, "phase"))
        before = self._typed.get(viewer.name)
        self._typed[viewer.name] = Typed(text_of(form, "tab"), attempt, step, note, fields, at)
        self._said(viewer.name)
        if before is None or (before.attempt, before.step) != (attempt, step):
            self._changed(viewer.name)  # what may be seen depends on the step
        return {"saved": self._clock(at)}

    async def meet(self, viewer: Viewer, form: Form) -> Told:
        """Note who is on the line."""
        found = await self._conversing.meet(viewer.name, _number(text_of(form, "attempt")), text_of(form, "person"))
        self._changed(viewer.name)
        return {"preset": found["preset"], "sure": found["sure"]}

    async def identify(self, viewer: Viewer, form: Form) -> Told:
        """Tell whether what the person says agrees with what we know, and no more."""
        attempt, item = _number(text_of(form, "attempt")), text_of(form, "item")
        found = await self._conversing.identify(viewer.name, attempt, item, text_of(form, "said"))
        self._changed(viewer.name)
        return {"right": found["right"], "sure": found["sure"]}

    async def foresee(self, viewer: Viewer, form: Form) -> Told:
        """Show what an outcome would bring about: its consequences, the exact plan, the words to read aloud."""
        attempt, outcome = _number(text_of(form, "attempt")), text_of(form, "outcome")
        told = await self._conversing.foresee(viewer.name, attempt, outcome, _of(form))
        write = self._pages.text
        return {
            "foreseen": write(viewer, "desk_foreseen.html", it=told, happened=happened, says_channel=says_channel),
            "plan": write(viewer, "desk_plan.html", it=told),
            "summary": told["summary"],
        }

    async def finish(self, viewer: Viewer, form: Form) -> Told:
        """Hand the outcome in."""
        attempt, outcome = _number(text_of(form, "attempt")), text_of(form, "outcome")
        told = await self._conversing.finish(viewer.name, attempt, outcome, _of(form), _note(form))
        self._typed.pop(viewer.name, None)
        self._changed(viewer.name)
        return {"again": told["again"]}

    async def dial(self, viewer: Viewer, form: Form) -> Told:
        """Hand in that nobody was there, and call another number of the account."""
        attempt, number = _number(text_of(form, "attempt")), text_of(form, "number")
        outcome = text_of(form, "outcome") or Disposition.DROPPED.value
        await self._conversing.dial(viewer.name, attempt, outcome, number, _of(form), _note(form))
        await self._note_dialled(viewer.name, attempt, outcome)
        return {}


def _told(handler: Callable[[Viewer, Form], Awaitable[Told]]) -> Callable[..., Awaitable[web.Response]]:
    """Answer what was done as JSON, or why not, in the viewer's words where there are some."""

    async def answer(request: web.Request) -> web.Response:
        viewer = viewer_of(request)
        if not viewer.is_agent:
            return web.json_response(
                {"error": catalogue(viewer.language).gettext(_("Only agents have cases."))}, status=403
            )
        try:
            form = await form_of(request.clone(client_max_size=_LARGEST))
            return web.json_response(await handler(viewer, form))
        except web.HTTPRequestEntityTooLarge:
            return web.json_response({"error": catalogue(viewer.language).gettext(_TOO_MUCH)}, status=413)
        except ContactdError as problem:
            return refused(viewer, problem)

    return answer


def refused(viewer: Viewer, problem: ContactdError) -> web.Response:
    """Say why something was not done; `field` names what was written wrongly. Raises what is none of an agent's."""
    for kind, status in ((NotThere, 404), (Contradiction, 409), (InputError, 422)):
        if isinstance(problem, kind):
            field = {"field": problem.field} if isinstance(problem, Mistyped) else {}
            return web.json_response({"error": refusal(problem, viewer.language), **field}, status=status)
    raise problem


def _listed(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):  # noqa: PLR2004 - digits of a key
        raise InputError("there is no such call")
    return int(text)


def _note(form: Form) -> str:
    return text_of(form, "note")


def _of(form: Form) -> dict[str, str]:
    """Take the fields of the form; others are no business of the engine's."""
    return {name: text_of(form, name) for name in form if name in NAMES}
