"""What simulated customers say at the desk: captions of a persona, and what the agent may ask them; desk.py mounts it.

Only where `personas` in [telephony.simulated] is true. What was said stands in memory, for the conversation alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web
from sqlalchemy.engine import Connection

from contactd.channels.wording import day
from contactd.config.personas import Persona, Question, persona_for
from contactd.domain.agent import Agent, State
from contactd.domain.role import Role
from contactd.engine.calls.live_call import Live
from contactd.store import conversations
from contactd.web.hub import Hub, Topic
from contactd.web.pages import Pages
from contactd.web.signing_in import form_of, text_of
from contactd.web.visitors import Viewer, viewer_of
from contactd.web.window import Window
from contactd.web.words import _

TOPIC = "captions"
QUESTIONS: Mapping[Question, str] = {
    Question.BIRTH_DATE: _("Date of birth?"),
    Question.POSTCODE: _("Postcode?"),
    Question.CUSTOMER_NUMBER: _("Customer number?"),
    Question.WHY: _("Why is it open?"),
    Question.PAYMENT: _("When can you pay?"),
    Question.FAREWELL: _("Goodbye."),
}


def routes(window: Window, pages: Pages, hub: Hub) -> list[web.RouteDef]:
    """List the address, and tell the hub what is said."""
    captions = _Captions(window, pages, hub)
    hub.add(Topic(TOPIC, Role.AGENT, captions.tell))
    window.deskwork.listen(captions.agent_moved)
    return [web.post("/desk/ask", captions.ask)]


@dataclass(slots=True)
class _Talk:
    """One conversation: who plays the customer, whom they play, and what was said, each as question and answer."""

    reference: str
    persona: Persona
    known: Mapping[str, str]
    said: list[tuple[str, str]] = field(default_factory=list)

    def say(self, asked: str, words: str) -> None:
        """Say something in the customer's words."""
        self.said.append((asked, words.format_map(self.known)))


class _Captions:
    def __init__(self, window: Window, pages: Pages, hub: Hub) -> None:
        self._window, self._pages, self._hub = window, pages, hub
        self._talks: dict[str, _Talk] = {}  # by agent

    async def tell(self, viewer: Viewer) -> object:
        """Push what is said to an agent; nothing while nobody is on the line."""
        talk = await self._talk_of(viewer)
        return self._pages.text(viewer, "desk_captions.html", said=talk.said, questions=QUESTIONS) if talk else ""

    async def ask(self, request: web.Request) -> web.StreamResponse:
        """Let the customer answer a question; 404 for one there is not, 409 when nobody is on the line."""
        viewer, asked = viewer_of(request), text_of(await form_of(request), "question")
        if asked not in QUESTIONS or not self._window.settings().personas:
            raise web.HTTPNotFound
        talk = await self._talk_of(viewer)
        if talk is None:
            raise web.HTTPConflict
        question = Question(asked)
        talk.say(QUESTIONS[question], talk.persona.answer(question))
        self._hub.touch(TOPIC, viewer.name)
        return web.Response(status=204)

    def agent_moved(self, agent: Agent) -> None:
        """Look anew at an agent who begins or ends a conversation."""
        self._hub.touch(TOPIC, agent.id)

    async def _talk_of(self, viewer: Viewer) -> _Talk | None:
        """Find the conversation of an agent; a customer who has just been joined says hello."""
        live = self._live_of(viewer)
        if live is None:
            return None
        talk = self._talks.get(viewer.name)
        if talk is None or talk.reference != live.reference:
            account_id = live.dial.claimed.account_id
            language, known = await self._window.commit.read(lambda connection: _played(connection, account_id))
            talk = self._talks.get(viewer.name)  # perhaps somebody else has looked meanwhile
            if talk is None or talk.reference != live.reference:
                persona = persona_for(self._window.settings().personas, language, account_id)
                talk = self._talks[viewer.name] = _Talk(live.reference, persona, known)
                talk.say("", persona.greeting)
        return talk

    def _live_of(self, viewer: Viewer) -> Live | None:
        if not viewer.is_agent or not self._window.settings().personas:
            return None
        standing = self._window.deskwork.standing(viewer.name)
        return standing.live if standing.agent.state is State.TALK else None


def _played(connection: Connection, account_id: int) -> tuple[str, dict[str, str]]:
    """Read the language of a customer, and what whoever plays them has to know."""
    name, language = conversations.addressed(connection, account_id)
    known = conversations.known_of(connection, account_id)
    born = day(known.birth_date, language, "long") if known.birth_date else "–"
    return language, {
        "name": name, "birth_date": born, "postcode": known.postcode, "customer_number": known.customer_number,
    }  # fmt: skip
