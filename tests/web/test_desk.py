"""The agent's desk without a telephone: whose it is, what it refuses and with which word, and how its bar reads."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from contactd.config.settings import Agent as AgentTable
from contactd.config.settings import Sections
from contactd.domain.agent import WRAP_TOO_LONG, Agent, Event, State
from contactd.domain.conversation import Reason
from contactd.domain.errors import Contradiction, InputError, NotThere, StoreError
from contactd.domain.role import Role
from contactd.engine.desk.concluding import Mistyped
from contactd.engine.desk.deskwork import Standing
from contactd.web.desk_case import refused
from contactd.web.desk_state import bar_of, clock_of
from contactd.web.desk_words import happened, says_channel
from contactd.web.pages import Pages
from contactd.web.statics import Statics
from contactd.web.visitors import Viewer
from contactd.web.written import number
from tests.web.catalogue import WEB
from tests.web.frame import Frame, settings
from tests.web.people import OWN, Entrance

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
dialect = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)


def with_anna(frame: Frame) -> None:
    """Let anna be an agent of the configuration."""
    before = settings()
    sections = Sections(agents={"anna": AgentTable(name="Anna")}, web=before.web)
    frame.settings = type(before).of(sections, before.path, before.campaigns)


@dialect
async def test_an_agent_without_a_telephone_is_told_why_work_cannot_begin(frame: Frame, door: Entrance) -> None:
    with_anna(frame)
    anna = await door.person("anna")
    page = await anna.get("/desk")
    assert (page.status, "Start work" in page.text) == (200, True)
    answer = await anna.post("/desk/do", order="sign-in")
    assert (answer.status, "Nobody is called here" in answer.text) == (422, True)
    assert (await anna.post("/desk/do", order="transfer")).status == 404
    assert (await anna.post("/desk/painted", call="1-1")).status == 204


@dialect
async def test_a_pause_has_one_of_our_reasons_and_whatever_else_is_written_is_shown_as_it_is(
    frame: Frame, door: Entrance
) -> None:
    with_anna(frame)
    anna, sven = await door.person("anna"), await door.person("sven", Role.SUPERVISOR)
    answer = await anna.post("/desk/do", order="pause", words="<form hx-post=/live/do/pause>")
    assert (answer.status, "The reason of a pause is one of Break, Meeting" in answer.text) == (422, True)
    german = await anna.ask("POST", "/desk/do", {"order": "pause", "words": "Kaffee"}, OWN | {"Accept-Language": "de"})
    told = "Der Grund einer Pause ist einer von: Pause, Besprechung, Schulung, Sachbearbeitung, Technische Störung"
    assert json.loads(german.text)["error"] == told
    frame.roster.sign_in("anna")
    frame.roster.apply("anna", Event.LEG_UP)
    frame.roster.pause("anna", "100 % <b>lunch</b>")  # as a terminal may
    for person, path in ((anna, "/desk"), (sven, "/live")):
        page = await person.get(path)
        assert (page.status, "100 % &lt;b&gt;lunch&lt;/b&gt;" in page.text) == (200, True), page.text


@dialect
@pytest.mark.parametrize("path", ["save", "meet", "identify", "foresee", "finish", "dial"])
async def test_a_call_that_is_not_there_is_told_as_such(frame: Frame, door: Entrance, path: str) -> None:
    with_anna(frame)
    anna = await door.person("anna")
    words = {"step": "identify", "person": "customer", "item": "postcode", "outcome": "dropped", "said": "1"}
    answer = await anna.post(f"/desk/{path}", attempt="7", number="+493023125001", **words)
    assert answer.status in {404, 409}, answer.text
    assert (await anna.post(f"/desk/{path}", attempt="seven", **words)).status == 422
    assert (await anna.get("/desk/case?attempt=7")).status == 404
    assert (await anna.get("/desk/case?attempt=x")).status == 404


def test_whatever_is_sent_from_a_page_is_as_long_as_its_field_allows() -> None:
    tag = re.compile(r"<(?:input|textarea)\b(?:\{\{.*?\}\}|\{%.*?%\}|[^>])*>")
    found = [
        f"{path.name}: {one}"
        for path in (WEB / "pages").glob("*.html")
        for one in tag.findall(path.read_text(encoding="utf-8"))
        if " name=" in one and not re.search(r'type="(hidden|radio|checkbox)"', one)
    ]
    assert found
    assert [one for one in found if "maxlength=" not in one] == []


@dialect
async def test_more_than_can_be_kept_is_refused_with_its_cure_in_the_words_of_the_page(
    frame: Frame, door: Entrance
) -> None:
    with_anna(frame)
    anna = await door.person("anna")
    assert (await anna.post("/preferences", language="de")).status == 303
    fits = {"note": "😀" * 5_000, "understood": "ß" * 2_000}
    assert (await anna.post("/desk/save", attempt="7", step="solution", **fits)).status == 404, "it is only not there"
    answer = await anna.post("/desk/save", attempt="7", step="solution", note="x" * 300_000)
    assert answer.status == 413
    assert "Kürzen Sie die Notiz" in json.loads(answer.body)["error"]


@dialect
async def test_whoever_is_no_agent_has_no_case(door: Entrance) -> None:
    sven = await door.person("sven", Role.SUPERVISOR)
    assert "No desk of yours" in (await sven.get("/desk")).text
    assert (await sven.post("/desk/save", attempt="1")).status == 403
    assert (await sven.post("/desk/do", order="sign-in")).status == 404
    assert (await sven.post("/desk/painted", call="1-1")).status == 204


@pytest.mark.parametrize(
    ("problem", "status", "words"),
    [
        (
            Mistyped("why", "%(why)r is no reason; there is: %(known)s", why="x", known=(Reason.MOVED,)),
            422,
            "„x“ ist kein Grund; es gibt: Umgezogen",
        ),
        (Mistyped("unheard_of", "x is wrong"), 422, "X is wrong"),
        (Contradiction("nobody is called here"), 409, "Hier wird niemand angerufen"),
        (NotThere("there is no such call"), 404, "Diesen Anruf gibt es nicht"),
        (InputError("not so"), 422, "Not so"),
    ],
)
def test_each_refusal_has_its_status_and_the_viewers_words(problem: InputError, status: int, words: str) -> None:
    answer = refused(Viewer("anna", language="de"), problem)
    assert answer.status == status
    assert words in (answer.text or "").encode().decode("unicode_escape")


def test_what_is_none_of_an_agents_business_is_passed_on() -> None:
    with pytest.raises(StoreError):
        refused(Viewer("anna"), StoreError("the disk is full"))


@dialect
@pytest.mark.parametrize(
    ("when", "told"),
    [
        ("2026-11-27T08:30+09:00", "Rückruf Fr. 27.11. 08:30 (hier Fr. 27.11. 00:30) ·"),
        ("2026-11-27T08:30+01:00", "Rückruf Fr. 27.11. 08:30 ·"),
    ],
)
async def test_a_callback_is_told_by_the_customers_clock_and_by_ours_where_it_differs(
    frame: Frame, when: str, told: str
) -> None:
    it: dict[str, object] = {"hold": None, "agreements": [], "sends": [], "stops": [], "tasks": [], "next": None}
    it |= {"callback": {"when": when, "number": "", "own": True}, "refused": None}
    pages = Pages(frame.window, Statics())
    viewer, words = Viewer("anna", language="de"), {"happened": happened, "says_channel": says_channel}
    assert told in pages.text(viewer, "desk_foreseen.html", it=it, **words)


@dialect
@pytest.mark.parametrize(
    ("language", "told"), [("de", "60,00\xa0€ zurückgebucht am 26.11.26"), ("en", "went back on 26 Nov 26")]
)
async def test_what_was_agreed_says_that_a_payment_went_back(frame: Frame, language: str, told: str) -> None:
    back = {"on": "2026-11-26", "amount": {"amount": "60.00", "currency": "EUR"}}
    one = {"id": 1, "kind": "promise", "state": "open", "invoice": "", "amount": back["amount"], "went_back": back}
    one |= {"credited": [], "made_at": "2026-11-23T10:00:00+01:00"}
    assert told in Pages(frame.window, Statics()).text(
        Viewer("anna", language=language), "desk_agreed.html", every=[one], happened=happened
    )


@dialect
@pytest.mark.parametrize(
    ("on", "told"), [("2026-12-01", "60,00\xa0€ gutgeschrieben am 01.12.26"), (None, "gutgeschrieben<")]
)
async def test_a_dispute_says_what_was_credited_of_its_invoice(frame: Frame, on: str | None, told: str) -> None:
    amount = {"amount": "60.00", "currency": "EUR"}
    one = {"id": 1, "kind": "dispute", "state": "upheld", "invoice": "R-1", "amount": amount, "went_back": None}
    one |= {"credited": [{"on": on, "amount": amount}], "made_at": "2026-11-23T10:00:00+01:00"}
    assert told in Pages(frame.window, Statics()).text(
        Viewer("anna", language="de"), "desk_agreed.html", every=[one], happened=happened
    )


@pytest.mark.parametrize(("seconds", "text"), [(-3, "00:00"), (161.9, "02:41"), (3_725, "1:02:05")])
def test_a_clock_is_written_in_minutes_and_with_hours_only_when_there_are_some(seconds: float, text: str) -> None:
    assert clock_of(seconds) == text


def test_the_bar_says_how_an_agent_stands_and_what_is_left_of_the_time_to_write() -> None:
    anna = Agent("anna", state=State.WRAP, since=NOW - timedelta(seconds=50))
    bar = bar_of(Standing(anna, wrap_until=NOW + timedelta(seconds=10)), NOW)
    assert (bar.clock, bar.is_warning, bar.may_extend, bar.may_wish, bar.may_pause) == (
        "00:10",
        True,
        True,
        True,
        False,
    )
    ready = bar_of(Standing(replace(anna, state=State.READY)), NOW)
    assert (ready.clock, ready.is_warning, ready.may_pause, ready.key, ready.phase) == (
        "00:50",
        False,
        True,
        "",
        "idle",
    )
    assert bar_of(Standing(Agent("anna")), NOW).may_sign_in


@pytest.mark.parametrize(
    ("reason", "told"),
    [("meeting", "Meeting"), (WRAP_TOO_LONG, "Wrap-up took too long"), ("100 % lunch", "100 % lunch"), ("", "")],
)
def test_a_pause_has_its_reason_in_words_or_as_it_was_written(reason: str, told: str) -> None:
    assert bar_of(Standing(Agent("anna", state=State.PAUSE, reason=reason)), NOW).reason == told


def foreseen(frame: Frame, template: str = "desk_foreseen.html", language: str = "de", **told: object) -> str:
    """Write what an outcome brings about that does this and no more."""
    it: dict[str, object] = {"hold": None, "agreements": [], "sends": [], "stops": [], "tasks": [], "next": None}
    it |= {"callback": None, "refused": None, "plan_interest": None} | told
    write = Pages(frame.window, Statics()).text
    text = write(Viewer("anna", language=language), template, it=it, happened=happened, says_channel=says_channel)
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", "", text)).strip()


@dialect
async def test_what_follows_is_told_once_and_in_words_an_agent_uses(frame: Frame) -> None:
    stops = [{"what": "customer", "reason": "represented"}, {"what": "customer", "reason": "suppressed"}]
    assert foreseen(frame, stops=stops) == "Der Kunde wird nicht mehr direkt angesprochen"
    call = {"step": "anruf", "channel": "call", "on": "2026-12-06"}
    assert foreseen(frame, next=call) == "Danach: anruf, 06.12.2026"
    for step, channel in (("anruf", "call"), ("Call", "call"), ("anruf-2", "call"), ("email_1", "email")):
        told = foreseen(frame, language="en", next=call | {"step": step, "channel": channel})
        assert (told.startswith(f"Then: {step}, "), " by " in told) == (True, False)
    assert foreseen(frame, next=call | {"step": "mahnung", "channel": "letter"}) == (
        "Danach: mahnung per Brief, 06.12.2026"
    )
    for what, told in (
        ("confirmation", "Schriftliche Bestätigung per Brief"),
        ("advice", "Wo es Beratung gibt, per Brief"),
        ("costs", "Zuerst geht der Kostenhinweis per Brief hinaus"),
    ):
        assert foreseen(frame, sends=[{"channel": "letter", "what": what, "reply_by": None}]) == told
    disputed: dict[str, object] = {"kind": "dispute", "state": "open", "amount": {"amount": "69.40", "currency": "EUR"}}
    disputed |= {"invoice": "RE-1", "instalments": [], "until": None}
    assert "RE-1 · wird nicht angemahnt, solange wir prüfen" in foreseen(frame, agreements=[disputed])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("+493023125000", "+49 30 23125000"),
        ("+12015550100", "+1 201-555-0100"),
        ("Musterweg 7, 00101 Musterstadt", "Musterweg 7, 00101 Musterstadt"),
        ("karin@example.org", "karin@example.org"),
        ("+", "+"),
        ("", ""),
    ],
)
def test_a_number_is_written_in_the_groups_in_which_it_is_read_out(text: str, told: str) -> None:
    assert number(text) == told


@dialect
async def test_a_plan_is_shown_with_its_sum_and_what_it_costs(frame: Frame) -> None:
    euros = {"amount": "50.00", "currency": "EUR"}
    part = {"number": 1, "due_on": "2026-12-06", "amount": euros}
    plan = {"kind": "plan", "amount": euros, "instalments": [part]}
    told = foreseen(frame, "desk_plan.html", agreements=[plan], plan_interest=euros | {"amount": "1.23"})
    assert "Zusammen 50,00 €" in told
    assert "Was der Plan kostet: etwa 1,23 € Zinsen bis zur letzten Rate." in told
