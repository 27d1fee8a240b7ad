"""Signing in as people do it: by keyboard, with the second factor; and what becomes of pages that are open."""

import os
import re
import time

from playwright.sync_api import expect

from contactd.domain import totp
from tests.browser.looks import look_at
from tests.browser.site import NAMES, PASSWORD, Site, Tabs, choose_password, sign_in


def test_somebody_new_signs_in_by_keyboard_alone_and_chooses_a_password(tabs: Tabs, site: Site) -> None:
    once = site.new_login("nora", "manager")
    page = tabs.open(language="de")
    page.goto("/me")
    expect(page).to_have_url(re.compile(r"/sign-in\?next=/me$"))
    expect(page.locator("#name")).to_be_focused()
    page.keyboard.type("nora")
    page.keyboard.press("Tab")
    page.keyboard.type(once)
    page.keyboard.press("Enter")
    page.wait_for_url("**/first-password")
    expect(page.locator("h1")).to_have_text("Ihr eigenes Passwort")
    look_at(page, "first-password")
    page.keyboard.press("Tab")
    for _ in range(10):
        if page.evaluate("document.activeElement.id") == "new":
            break
        page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".who .name")).to_have_text("nora")


def test_a_wrong_password_is_told_and_the_name_stays(tabs: Tabs, site: Site) -> None:
    page = tabs.open(language="de")
    sign_in(page, "nobody", "wrong")
    expect(page.get_by_role("alert")).to_have_text("Name und Passwort passen nicht zusammen.")
    expect(page.locator("#name")).to_have_value("nobody")
    expect(page.locator("#password")).to_be_focused()
    look_at(page, "sign-in-wrong")


def test_the_second_factor_is_scanned_turned_on_and_asked_for(tabs: Tabs, site: Site) -> None:
    once = site.new_login("tom", "manager")
    page = tabs.open()
    sign_in(page, "tom", once)
    choose_password(page)
    page.goto("/me")
    secret = (page.locator("code").text_content() or "").replace(" ", "")
    page.locator("#proof").fill(PASSWORD)
    page.locator("#code").fill(totp.code(secret, int(time.time()) // 30))
    page.get_by_role("button", name="Turn it on").click()
    expect(page.locator(".tag.good")).to_have_text("On")
    look_at(page, "me-with-second-factor")
    other = tabs.open()
    sign_in(other, "tom", PASSWORD)
    other.wait_for_url("**/sign-in/code")
    expect(other.locator("#code")).to_be_focused()
    look_at(other, "code")
    other.locator("#code").focus()
    other.keyboard.type(totp.code(secret, int(time.time()) // 30 + 1))
    other.keyboard.press("Enter")
    expect(other.locator(".who .name")).to_have_text("tom")


def test_language_and_colours_change_at_once_and_stay(tabs: Tabs) -> None:
    page = tabs.open(role="supervisor")
    page.goto("/me")
    page.locator(".who").click()
    look_at(page, "menu")
    page.get_by_role("button", name="DE", exact=True).click()
    expect(page.get_by_role("heading", name="Zweiter Faktor")).to_be_visible()
    page.locator(".who").click()
    page.get_by_role("button", name="Dunkel").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.locator(".who").click()
    page.get_by_role("button", name="Auto", exact=True).click()
    expect(page.locator("html")).not_to_have_attribute("data-theme", "dark")
    page.locator(".who").click()
    page.get_by_role("button", name="EN", exact=True).click()
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_signing_out_in_one_tab_takes_the_others_to_the_sign_in(tabs: Tabs, site: Site) -> None:
    once = site.new_login("olga", "manager")
    page = tabs.open()
    sign_in(page, "olga", once)
    choose_password(page)
    other = page.context.new_page()
    other.goto("/me")
    expect(other.locator("html")).to_have_attribute("data-line", "up")
    page.locator(".who").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    other.wait_for_url("**/sign-in")


def test_whoever_is_disabled_at_the_terminal_is_out_within_seconds(tabs: Tabs, site: Site) -> None:
    once = site.new_login("otto", "manager")
    page = tabs.open()
    sign_in(page, "otto", once)
    choose_password(page)
    expect(page.locator("html")).to_have_attribute("data-line", "up")
    site.verb("agents", "disable", "otto")
    page.wait_for_url("**/sign-in")
    sign_in(page, "otto", PASSWORD)
    expect(page.get_by_role("alert")).to_be_visible()


def test_a_page_behind_another_finds_the_daemon_again_by_itself(tabs: Tabs, site: Site) -> None:
    page = tabs.open(role="manager")
    page.goto("/me")
    expect(page.locator("html")).to_have_attribute("data-line", "up")
    page.context.new_page().bring_to_front()
    page.locator("#new").fill("half a passw")
    page.context.set_offline(True)
    site.life.freeze()
    try:
        expect(page.locator("html")).to_have_attribute("data-line", "down")
        expect(page.locator("#lost")).to_be_visible()
        look_at(page, "lost")
    finally:
        site.life.thaw()
    page.context.set_offline(False)
    expect(page.locator("html")).to_have_attribute("data-line", "up")
    expect(page.locator("#lost")).to_be_hidden()
    expect(page.locator("#new")).to_have_value("half a passw")


def test_a_restarted_daemon_knows_its_sessions(tabs: Tabs, site: Site) -> None:
    page = tabs.open(role="manager")
    page.goto("/me")
    expect(page.locator("html")).to_have_attribute("data-line", "up")
    assert site.life.stop() == os.EX_OK
    expect(page.locator("html")).to_have_attribute("data-line", "down")
    site.life.start()
    site.life.wait_ready()
    expect(page.locator("html")).to_have_attribute("data-line", "up")
    page.reload()
    expect(page.locator("h1")).to_have_text(NAMES["manager"])


def test_the_log_names_nobody_and_holds_no_password(tabs: Tabs, site: Site) -> None:
    tabs.open(role="manager")
    log = site.life.log_text()
    assert '"signed_in"' in log
    for secret in (PASSWORD, "Anna Beispiel", *NAMES.values()):
        assert secret not in log
