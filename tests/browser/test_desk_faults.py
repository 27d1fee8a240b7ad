"""A call at the desk when the page is loaded anew, the network goes, nobody looks, or two tabs are open."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.calling import (
    CAMPAIGN,
    KEPT,
    call,
    hang_up,
    identify,
    open_calling,
    promise,
    rows,
    soon,
    start_work,
)  # fmt: skip
from tests.browser.looks import look_in_both
from tests.browser.site import Site, Tabs

PROMISED = [{"disposition": "promise"}]
SAID = "SELECT disposition FROM attempt WHERE disposition <> ''"
NOTE = "Ruft zurück, sobald der Lohn da ist. <b>100 % ernst</b>"


@pytest.fixture
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run a daemon that calls one customer, for each test anew."""
    del browser
    with open_calling(tmp_path_factory.mktemp("desk")) as site:
        yield site


def in_a_call(tabs: Tabs, site: Site, language: str = "de") -> Page:
    """Open a desk, and talk to the customer."""
    page = tabs.open(role="agent", language=language)
    start_work(page)
    call(site, page)
    return page


def take_notes(page: Page) -> None:
    """Write something down, and wait until it is kept."""
    page.keyboard.press("F4")
    page.keyboard.type(NOTE)
    expect(page.locator("#saved")).to_have_text(KEPT)


def test_a_page_that_is_loaded_anew_shows_the_call_with_all_that_was_typed(tabs: Tabs, site: Site) -> None:
    page = in_a_call(tabs, site)
    identify(page)
    promise(page, "+7")
    expect(page.locator("#foreseen")).to_contain_text("Mahnlauf ruht")
    take_notes(page)
    page.reload()
    expect(page.locator(".standing strong")).to_have_text("Im Gespräch")
    expect(page.locator("#note")).to_have_value(NOTE)
    expect(page.locator("#f-on")).to_have_value("+7")
    expect(page.locator("#case")).to_have_attribute("data-step", "solution")
    expect(page.locator("[name=outcome][value=promise]")).to_be_checked()
    expect(page.locator("#foreseen")).to_contain_text("Mahnlauf ruht")
    expect(page.locator(".figures")).to_contain_text("RE-20931")
    assert [one["how_ended"] for one in rows(site, "SELECT how_ended FROM call")] == [""]
    page.keyboard.press("Control+Enter")
    soon(site, SAID, PROMISED)


def test_twenty_seconds_without_a_network_cost_neither_state_nor_notes_nor_the_call(tabs: Tabs, site: Site) -> None:
    page = in_a_call(tabs, site)
    identify(page)
    page.context.set_offline(True)
    expect(page.locator("html")).to_have_attribute("data-line", "down")
    expect(page.locator("#lost")).to_be_visible()
    page.keyboard.press("F4")
    page.keyboard.type(NOTE)
    expect(page.locator("#saved")).to_have_text("noch nicht gespeichert")
    page.keyboard.press("Control+Enter")
    page.wait_for_timeout(20_000)  # it is the time without a network that is asked about
    expect(page.locator("#note")).to_have_value(NOTE)
    page.context.set_offline(False)
    expect(page.locator("html")).to_have_attribute("data-line", "up")
    expect(page.locator("#saved")).to_have_text(KEPT)
    expect(page.locator(".standing strong")).to_have_text("Im Gespräch")
    expect(page.locator("#note")).to_have_value(NOTE)
    assert rows(site, "SELECT note FROM draft") == [{"note": NOTE}]
    promise(page, "+7")
    expect(page.locator("#foreseen")).to_contain_text("Mahnlauf ruht")
    page.keyboard.press("Control+Enter")
    soon(site, SAID, PROMISED)
    assert rows(site, "SELECT count(*) AS n FROM call") == [{"n": 1}]


def test_a_tab_nobody_looks_at_gets_the_call_all_the_same(tabs: Tabs, site: Site) -> None:
    page = tabs.open(role="agent", language="de")
    start_work(page)
    page.evaluate(
        "Object.defineProperty(document, 'hidden', {get: () => true});"
        "Object.defineProperty(document, 'visibilityState', {get: () => 'hidden'});"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    call(site, page)
    expect(page.locator(".debtor h1")).to_have_text("Karin Kranichfeld")
    expect(page).to_have_title(re.compile("^Im Gespräch"))
    assert page.evaluate("document.hidden")
    figures = page.request.get("/metrics").text()
    assert [line for line in figures.splitlines() if line.startswith("contactd_desk_pop_seconds_count")] == [
        "contactd_desk_pop_seconds_count 0.0"
    ]


def test_two_tabs_of_one_agent_show_the_same_call_and_what_either_has_written(tabs: Tabs, site: Site) -> None:
    one = in_a_call(tabs, site)
    other = one.context.new_page()
    other.goto("/desk")
    expect(other.locator(".debtor h1")).to_have_text("Karin Kranichfeld")
    identify(one)
    expect(other.locator(".figures")).to_contain_text("RE-20931")
    take_notes(one)
    expect(other.locator("#note")).to_have_value(NOTE)
    promise(other, "+7")
    expect(other.locator("#foreseen")).to_contain_text("Mahnlauf ruht")
    expect(one.locator("#f-on")).to_have_value("+7")
    expect(one.locator("[name=outcome][value=promise]")).to_be_checked()
    other.keyboard.press("Control+Enter")
    soon(site, SAID, PROMISED)
    for page in (one, other):
        expect(page.locator("#case")).to_have_count(0)
        expect(page.locator(".standing strong")).to_have_text("Bereit")


def test_a_note_reaches_a_tab_that_was_left_with_its_own_note_in_focus(tabs: Tabs, site: Site) -> None:
    one = in_a_call(tabs, site)
    other = one.context.new_page()
    other.goto("/desk")
    other.locator("#note").focus()
    take_notes(one)
    expect(other.locator("#note")).to_have_value(NOTE)
    other.keyboard.press("Control+End")
    other.keyboard.type(" Und mehr")
    expect(one.locator("#note")).to_have_value(f"{NOTE} Und mehr")


def test_what_is_typed_while_an_answer_hangs_is_kept_when_the_page_goes(tabs: Tabs, site: Site) -> None:
    page = in_a_call(tabs, site)
    page.evaluate(
        """() => { const real = window.fetch, page = document.documentElement;
        window.fetch = (to, how) => {
            if (to !== "/desk/save" || page.dataset.hung) return real(to, how);
            page.dataset.hung = "yes";
            return new Promise(() => {});
        }; }"""
    )
    page.keyboard.press("F4")
    page.keyboard.type("Zahlt ")
    expect(page.locator("html")).to_have_attribute("data-hung", "yes")
    page.keyboard.type("am Freitag")
    page.reload()
    expect(page.locator("#note")).to_have_value("Zahlt am Freitag")


def test_a_refusal_to_keep_what_is_typed_is_told_and_it_is_tried_again(tabs: Tabs, site: Site) -> None:
    page = in_a_call(tabs, site)
    page.route("**/desk/save", lambda route: route.fulfill(status=422, json={"error": "that is too long"}))
    page.keyboard.press("F4")
    page.keyboard.type(NOTE)
    expect(page.locator("#told")).to_have_text("that is too long")
    expect(page.locator("#saved")).to_have_text("noch nicht gespeichert")
    page.unroute("**/desk/save")
    expect(page.locator("#saved")).to_have_text(KEPT)
    expect(page.locator("#told")).to_be_hidden()
    assert rows(site, "SELECT note FROM draft") == [{"note": NOTE}]


def test_what_was_wrong_with_a_case_that_is_gone_is_told_all_the_same(tabs: Tabs) -> None:
    page = tabs.open(role="agent", language="de")
    start_work(page)
    page.route("**/desk/do", lambda route: route.fulfill(status=422, json={"error": "no such day", "field": "on"}))
    page.keyboard.press("F9")
    expect(page.locator("#told")).to_have_text("no such day")


def test_an_outcome_that_a_restart_left_is_written_down_later(tabs: Tabs, site: Site) -> None:
    page = in_a_call(tabs, site)
    take_notes(page)
    hang_up(page)
    expect(page.locator(".standing strong")).to_have_text("Nachbearbeitung")
    soon(site, "SELECT how_ended FROM call", [{"how_ended": "answered"}])
    site.life.kill()
    expect(page.locator("html")).to_have_attribute("data-line", "down")
    site.life.start()
    site.life.wait_ready()
    expect(page.locator("html")).to_have_attribute("data-line", "up")
    page.get_by_role("button", name="Aufschreiben").click()
    expect(page.locator("#note")).to_have_value(NOTE)
    page.keyboard.press("F2")
    page.keyboard.press("0")
    expect(page.locator("#foreseen")).not_to_be_empty()
    page.keyboard.press("Control+Enter")
    soon(site, SAID, [{"disposition": "dropped"}])
    expect(page.locator("#case")).to_have_count(0)
    expect(page.get_by_role("button", name="Aufschreiben")).to_have_count(0)


def test_a_call_that_died_with_its_daemon_is_written_down_once_though_an_answer_is_lost(tabs: Tabs, site: Site) -> None:
    page = in_a_call(tabs, site)
    identify(page)
    promise(page, "+7")
    take_notes(page)
    site.life.kill()
    expect(page.locator("html")).to_have_attribute("data-line", "down")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#told")).to_be_visible()
    site.life.start()
    site.life.wait_ready()
    expect(page.locator("html")).to_have_attribute("data-line", "up")
    expect(page.locator("#case")).to_have_count(0)
    soon(site, "SELECT how_ended FROM call", [{"how_ended": "lost"}])
    page.get_by_role("button", name="Aufschreiben").click()
    expect(page.locator("#note")).to_have_value(NOTE)
    expect(page.locator("#f-on")).to_have_value("+7")
    expect(page.locator("#foreseen")).to_contain_text("Mahnlauf ruht")

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/desk/finish", lose, times=1)
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/desk/finish")):
        page.keyboard.press("Control+Enter")
    soon(site, SAID, PROMISED)
    expect(page.locator("#told")).to_be_visible()
    expect(page.locator("#case:not([data-ending])")).to_have_count(1)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#case")).to_have_count(0)
    assert rows(site, "SELECT count(*) AS n FROM agreement") == [{"n": 1}]
    [logged] = rows(site, "SELECT details FROM contact_log WHERE event = 'disposition'")
    assert NOTE in json.loads(logged["details"])["note"]


def test_nothing_is_agreed_with_somebody_who_is_not_identified_whatever_a_page_sends(tabs: Tabs, site: Site) -> None:
    page = in_a_call(tabs, site)
    attempt = page.locator("#case").get_attribute("data-attempt")
    ask = """([path, attempt, outcome]) => fetch(path, {method: "POST", body: new URLSearchParams(
        {attempt, outcome, on: "+7", first: "+7", count: "3"})}).then(answer => answer.status)"""
    for path in ("/desk/foresee", "/desk/finish"):
        for outcome in ("promise", "plan", "dispute", "refuses"):
            assert page.evaluate(ask, [path, attempt, outcome]) == 409, (path, outcome)
        assert page.evaluate(ask, [path, "999", "promise"]) == 404
        assert page.evaluate(ask, [path, "x", "promise"]) == 422
    assert rows(site, "SELECT count(*) AS n FROM agreement") == [{"n": 0}]
    assert "RE-20931" not in page.content()
    assert CAMPAIGN in page.content()


def test_somebody_else_hears_nothing_and_the_number_is_marked(tabs: Tabs, site: Site) -> None:
    page = in_a_call(tabs, site, "en")
    page.locator("[name=person][value=someone_else]").check()
    expect(page.locator("[name=outcome][value=wrong_person]")).to_be_checked()
    expect(page.locator(".talk .say").first).to_contain_text("gern Karin Kranichfeld persönlich")
    expect(page.locator("#foreseen")).to_contain_text("Nobody calls this number any more")
    look_in_both(page, "desk-call-someone-else")
    expect(page.locator("[name=outcome][value=wrong_person]")).to_be_checked()
    page.keyboard.press("Control+k")
    page.keyboard.type("save pause")
    expect(page.locator("#command-list li")).to_have_count(1)
    page.keyboard.press("Enter")
    soon(site, SAID, [{"disposition": "wrong_person"}])
    expect(page.locator(".standing strong")).to_have_text("Pause · Break")


def test_an_outcome_nobody_chose_goes_with_whom_it_was_for_in_another_tab_too(tabs: Tabs, site: Site) -> None:
    page = in_a_call(tabs, site)
    other = page.context.new_page()
    other.goto(page.url)
    page.locator("[name=person][value=someone_else]").check()
    expect(other.locator("[name=outcome][value=wrong_person]")).to_be_checked()
    other.locator("[name=person][value=customer]").check()
    expect(other.locator("#case")).to_have_attribute("data-person", "customer")
    expect(other.locator("[name=outcome]:checked")).to_have_count(0)
    expect(page.locator("[name=outcome]:checked")).to_have_count(0)


def test_turning_to_a_step_leads_the_keys_to_its_first_field_that_is_shown(tabs: Tabs, site: Site) -> None:
    page = in_a_call(tabs, site)
    page.keyboard.press("F2")
    page.keyboard.press("7")
    expect(page.locator("#f-callback_at")).to_be_focused()
    page.keyboard.press("PageDown")
    page.keyboard.press("PageUp")
    expect(page.locator("#f-callback_at")).to_be_focused()
