"""Wallboard and live view with a team at work: they look as they should, move by themselves, and are obeyed."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.floor import PROPOSED, open_floor, status
from tests.browser.looks import look_at
from tests.browser.site import Site, Tabs
from tests.faults.life import until
from tests.faults.stage import now


@pytest.fixture(scope="module")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run a daemon with calls."""
    del browser
    with open_floor(tmp_path_factory.mktemp("floor")) as site:
        site.verb("agree", "promise", "call-3", "--amount", "80.00", "--on", "2050-12-01")
        site.verb("task", "open", "call-5", "meeting", "--note", "Termin vereinbaren", "--owner", "anna")
        site.verb("plan", PROPOSED, "--propose")
        yield site


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_wallboard_is_accessible_in_every_look(tabs: Tabs, language: str) -> None:
    page = tabs.open(language=language, role="supervisor")
    page.goto("/wall")
    expect(page.locator(".tile")).to_have_count(6)
    expect(page.locator("#tile-talking strong")).not_to_have_text("0")
    look_at(page, "wall")


def test_the_wallboard_moves_by_itself(tabs: Tabs) -> None:
    page = tabs.open(role="supervisor")
    page.goto("/wall")
    expect(page.locator("html")).to_have_attribute("data-line", "up")
    before = page.locator("#tile-abandoned .notes").inner_text()
    expect(page.locator("#tile-abandoned .notes")).not_to_have_text(before)


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_live_view_is_accessible_in_every_look(tabs: Tabs, language: str) -> None:
    page = tabs.open(language=language, role="supervisor")
    page.goto("/live")
    expect(page.locator(".doing.talk").first).to_be_visible(timeout=30_000)
    look_at(page, "live")
    page.locator(".dialler .act", has_text={"de": "Stufe", "en": "Level"}[language]).first.click()
    expect(page.locator("dialog#ask")).to_be_visible()
    look_at(page, "live-ask")
    page.goto("/live/ask/close?on=1")
    look_at(page, "live-ask-page")
    page.goto("/live/tasks")
    look_at(page, "live-tasks")
    page.goto("/live")
    page.get_by_role("link", name={"de": "wartet auf Freigabe", "en": "waits for approval"}[language]).click()
    expect(page.locator("#run-lines")).to_be_visible()
    expect(page.get_by_role("row")).to_have_count(1 + 1 + 100)  # the head, the step, a page
    look_at(page, "live-run")


def test_a_campaign_paused_by_page_rests_in_the_dialler_and_stands_in_the_audit_log(tabs: Tabs, site: Site) -> None:
    page = tabs.open(role="supervisor")
    page.goto("/live")
    row = page.locator(".dialler tr", has=page.get_by_role("rowheader", name="geschaeftskunden"))
    expect(row.locator(".tag.good")).to_have_text("runs")
    row.get_by_role("link", name="Pause").click()
    page.locator("#ask-reason").fill("fair in town")
    page.get_by_role("button", name="Pause").click()
    page.wait_for_url("**/live?done=pause")
    expect(page.get_by_role("status").filter(has_text="Paused.")).to_be_visible()
    expect(row.locator(".tag.warn")).to_have_text("paused")
    assert "campaign:geschaeftskunden" in status(site)["paused"]
    why = {"reason": "paused", "campaign": "geschaeftskunden", "step": "anruf"}
    until(
        lambda: why in status(site)["dialling"]["mahnung"], 60, site.life.log_tail
    )  # with the next look of the dialler
    row.get_by_role("link", name="Go on").click()
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url("**/live?done=resume")
    expect(row.locator(".tag.good")).to_have_text("runs")
    told = json.loads(site.verb("audit", "--who", "sven", "--json"))
    done = [one for one in told if one["what"] != "sign in"]
    assert [(one["what"], one["about"], one["old"], one["new"], one["reason"]) for one in done] == [
        ("pause", "campaign:geschaeftskunden", "running", "paused", "fair in town"),
        ("resume", "campaign:geschaeftskunden", "paused", "running", ""),
    ]


def test_a_conversation_is_heard_and_left_and_a_level_changed_by_page(tabs: Tabs, site: Site) -> None:
    page = tabs.open(role="supervisor")
    page.goto("/live")
    hear = page.get_by_role("link", name="Hear …")
    expect(hear.first).to_be_visible(timeout=30_000)
    hear.first.click()
    page.locator("#ask-choice").select_option("whisper")
    page.get_by_role("button", name="Hear").click()
    page.wait_for_url("**/live?done=hear")
    expect(page.get_by_text("sven listens")).to_be_visible()
    page.get_by_role("link", name="Leave").click()
    page.get_by_role("button", name="Leave").click()
    page.wait_for_url("**/live?done=hear-no-more")
    page.get_by_role("link", name="Level …").click()
    page.locator("#ask-choice").select_option("0.5")
    page.get_by_role("button", name="Change").click()
    page.wait_for_url("**/live?done=level")
    expect(page.locator(".dialler td.number", has_text="50%")).to_be_visible()
    told = [(one["what"], one["new"]) for one in json.loads(site.verb("audit", "--who", "sven", "--json"))]
    assert told[-3:] == [("hear", "whisper"), ("hear no more", ""), ("level", "50%")]


def test_an_account_of_a_long_run_is_found_by_its_number_and_taken_out(tabs: Tabs, site: Site) -> None:
    page = tabs.open(role="supervisor")
    page.goto("/live")
    page.get_by_role("link", name="waits for approval").click()
    expect(page.locator("#run-lines")).to_be_visible()
    last = ""
    for _ in range(3):
        if last:
            page.get_by_role("link", name="More accounts").click()
        expect(page.get_by_role("rowheader").last).not_to_have_text(last)  # the next page is there
        last = page.get_by_role("rowheader").last.inner_text()
    expect(page.get_by_role("link", name="More accounts")).to_have_count(0)
    page.get_by_role("link", name="From the beginning").click()
    expect(page.get_by_role("rowheader", name=last, exact=True)).to_have_count(0)
    page.get_by_label("Account number begins with").fill(last)
    page.keyboard.press("Enter")
    page.get_by_role("link", name=f"Take out … {last}").click()
    expect(page.locator("dialog#ask")).to_contain_text(last)
    page.locator("#ask-reason").fill("the creditor calls them")
    page.get_by_role("button", name="Take out").click()
    page.wait_for_url("**account=*&done=drop")  # where it was looked for
    told = json.loads(site.verb("audit", "--who", "sven", "--json"))[-1]
    assert (told["what"], told["reason"]) == ("drop account", "the creditor calls them")
    page.get_by_label("Account number begins with").fill(last)
    page.keyboard.press("Enter")
    expect(page.get_by_role("row", name=last)).to_contain_text("taken out")


def test_a_callback_is_given_to_a_colleague_for_as_long_as_the_supervisor_says(tabs: Tabs, site: Site) -> None:
    site.verb("agree", "callback", "call-7", "--at", f"{now().date() + timedelta(days=1)}T12:00")
    page = tabs.open(role="supervisor")
    page.goto("/live")
    page.get_by_role("link", name="Take over …: call-7").click()
    page.locator("#ask-choice").select_option(label="Sven Beispiel")
    page.locator("#ask-term").select_option("4")
    page.get_by_role("button", name="Take over").click()
    page.wait_for_url("**/live?done=take")
    row = page.locator(".back tr", has=page.get_by_role("rowheader", name="call-7"))
    expect(row).to_contain_text("sven")
