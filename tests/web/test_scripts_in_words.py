"""Words of configuration files and imported lists that are meant as markup are shown as words on every page."""

import json
import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
import sqlalchemy as sa

from contactd.config.personas import load_personas
from contactd.config.privacy import Privacy
from contactd.config.scripts import load_scripts
from contactd.config.settings import Agent as AgentTable
from contactd.config.settings import Operator, Sections, Settings
from contactd.config.shipped import defaults_directory
from contactd.domain.account import Channel
from contactd.domain.campaign import Campaign, Step
from contactd.domain.policy import Policy
from contactd.domain.role import Role
from contactd.domain.scope import SCOPES
from contactd.domain.task import Kind
from contactd.engine.tasks.tasking import Order, Tasking
from contactd.store.schema import account, invoice
from contactd.store.schema_tasks import task
from contactd.web.app import public_app
from contactd.web.interface import operations
from contactd.web.live_deeds import DEEDS
from tests.engine.deskroom import DeskRoom
from tests.engine.dialing import CALL, CAMPAIGN
from tests.web.frame import Answer, Frame, visiting
from tests.web.people import entrance
from tests.web.test_hub import opened, state

# Breaks out of an attribute, of a text, of a template of htmx and of every element words are shown in.
EVIL = (
    "\"><script>alert(1)</script>' onfocus=alert(1) autofocus=' --></q></blockquote></option></template></textarea>"
    "<img src=x onerror=alert(1)><a href=javascript:alert(1)>x</a>javascript:alert(1)"
)
ADDRESSES = {"href", "src", "action", "formaction", "srcdoc", "hx-get", "hx-post"}


class Reader(HTMLParser):
    """Reads a page as a browser does, and keeps what in it would run or lead away."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at an element."""
        given = {name: value or "" for name, value in attrs}
        self.words += given.values()
        own = given.get("src", "").startswith("/static/")
        if (tag in {"script", "img"} and not own) or tag in {"iframe", "object", "embed", "base"}:
            self.found.append(f"<{tag}>")
        self.found += [name for name in given if name.startswith(("on", "hx-on")) or name in {"srcdoc", "autofocus="}]
        self.found += [
            f"{name}={given[name][:40]}"
            for name in ADDRESSES & set(given)
            if not given[name].startswith(("/", "#", "?")) or given[name].startswith("//")
        ]

    def handle_data(self, data: str) -> None:
        """Keep the words that are seen."""
        self.words.append(data)


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    return reader


def evil_files(folder: Path) -> None:
    """Write scripts and characters as somebody does who may edit the files and means ill."""
    for name in ("scripts.d", "personas.d"):
        (folder / name).mkdir()
        shipped = (defaults_directory() / "config" / name / "de.toml").read_text(encoding="utf-8")
        lines = [_evil_line(line) for line in shipped.splitlines()]
        (folder / name / "de.toml").write_text("\n".join(lines), encoding="utf-8")


def _evil_line(line: str) -> str:
    key, equals, _ = line.partition(" = ")
    return f"{key} = '''{EVIL}'''" if equals and key.isidentifier() and key != "language" else line


def settings_of(folder: Path) -> Settings:
    """Read the evil files as a daemon does; everything else that is written by hand is evil, too."""
    evil_files(folder)
    (scripts, wrong_scripts), (personas, wrong_personas) = load_scripts(folder), load_personas(folder)
    assert (wrong_scripts.errors, wrong_personas.errors) == ([], [])
    sections = Sections(
        agents={"anna": AgentTable(name=EVIL, team=EVIL)}, operator=Operator(name=EVIL, phone=EVIL),
        privacy=Privacy(agent_metrics="agent"),
    )  # fmt: skip
    campaign = Campaign(CAMPAIGN, (CALL, Step("besuch", Channel.TASK, owner=EVIL, text=EVIL)), team=EVIL)
    policies = {CAMPAIGN: Policy("open", default_timezone="Europe/Berlin")}
    return Settings.of(sections, folder / "contactd.toml", (campaign,), policies, scripts=scripts, personas=personas)


@pytest.fixture
async def room(frame: Frame, tmp_path: Path) -> AsyncIterator[DeskRoom]:
    """Let anna talk to a customer, whose list was as evil as the files."""
    room = DeskRoom(frame.database)
    scene = await room.begin()
    with frame.database.transaction() as connection:
        connection.execute(sa.update(account).values(name=EVIL, creditor=EVIL, street=EVIL, city=EVIL, segment=EVIL))
        connection.execute(sa.update(invoice).values(invoice_no=EVIL, goods=EVIL))
    frame.settings, frame.dialer, frame.roster = settings_of(tmp_path), scene.dialer, scene.roster
    with frame.database.transaction() as connection:
        tasking = Tasking(frame.settings, connection, by="kim", now=frame.clock.now())
        tasking.open(1, Order(Kind.MEETING, note=EVIL, owner=EVIL))
        connection.execute(sa.update(task).values(due_on=frame.clock.now().date()))
    async with scene.at_work():
        await room.stored.clock.run(10)
        yield room
    await room.stored.commit.close()


def harmless(answer: Answer) -> Reader:
    """Read a page that has to be markup of ours alone, and to let nothing else run."""
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy or policy.startswith("default-src 'none'; frame-ancestors"), policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    page = read(answer.text)
    assert page.found == []
    return page


def speaks(page: Reader) -> bool:
    """Tell whether a page shows the words, whole."""
    return any(EVIL in word for word in page.words)


async def test_no_page_takes_a_word_for_markup(room: DeskRoom, frame: Frame) -> None:
    async with entrance(frame) as door:
        anna, sven = await door.person("anna", full_name="Anna"), await door.person("sven", Role.ADMIN)
        assert (await sven.post("/live/do/pause", on=f"campaign:{CAMPAIGN}", reason=EVIL)).status == 303
        served = {one.resource.canonical for one in door.app.router.routes() if one.resource is not None}
        reports = {f"/reports/{tab}" for tab in re.findall(r'href="/reports/(\w+)"', (await sven.get("/reports")).text)}
        plain = {path for path in served if "{" not in path and not path.startswith("/api/")}
        asked = {f"/live/ask/{deed}?on={on}" for deed in DEEDS for on in ("1", f"campaign:{CAMPAIGN}", "anna")}
        shown: dict[str, set[str]] = {"anna": set(), "sven": set()}  # pages that have the words
        for name, person in (("anna", anna), ("sven", sven)):
            for path in sorted(plain | reports | asked | {"/desk/case?attempt=1"}):
                answer = await person.get(path)
                if answer.headers["Content-Type"].startswith("text/html") and speaks(harmless(answer)):
                    shown[name].add(path)
    assert shown["anna"] >= {"/desk", "/desk/case?attempt=1", "/me"}
    assert shown["sven"] >= {"/live", "/live/tasks"}
    assert shown["sven"].isdisjoint({"/me", "/reports"}), "what is in the frame of every page is nobody's words"


async def test_what_is_pushed_to_a_desk_takes_no_word_for_markup(room: DeskRoom, frame: Frame) -> None:
    async with entrance(frame) as door:
        anna = await door.person("anna", full_name="Anna")
        assert (await anna.post("/desk/ask", question="why")).status == 204
        pushed = {}
        for topic in ("desk", "desk-work", "captions"):
            async with opened(anna, topic) as socket:
                told = (await state(socket))["state"]
            pushed[topic] = read(told if isinstance(told, str) else told.get("html", "") + told.get("bar", ""))
        save = {"attempt": "1", "step": "identify", "person": "someone_else", "note": EVIL}
        assert (await anna.post("/desk/save", **save)).status == 200
        saved = await anna.get("/desk")
        await room.identify()
        told = json.loads((await anna.post("/desk/foresee", attempt="1", outcome="refuses")).text)
        foreseen = read(told["foreseen"])
    assert [one.found for one in (*pushed.values(), foreseen)] == [[], [], [], []]
    assert [topic for topic, one in pushed.items() if EVIL in one.words] == ["desk-work", "captions"]
    assert EVIL in harmless(saved).words


async def test_over_http_words_are_json_that_no_browser_takes_for_a_page(room: DeskRoom, frame: Frame) -> None:
    frame.admit("all", "token-for-all", SCOPES)
    said = set()
    async with visiting(public_app(frame.window)) as visitor:
        for one in operations():
            if one.method != "GET":
                continue
            path = "/api/v1" + one.path.replace("campaigns/{id}", f"campaigns/{CAMPAIGN}").replace("{id}", "1")
            answer = await visitor.get(path, Authorization="Bearer token-for-all", Accept="text/html")
            kind = answer.headers["Content-Type"].partition(";")[0]
            assert (kind, answer.headers["X-Content-Type-Options"]) == ("application/json", "nosniff"), path
            assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
            if json.dumps(EVIL) in answer.text:
                said.add(one.name)
    assert said >= {"list_campaigns", "get_campaign", "list_accounts", "get_account", "list_tasks"}, said
