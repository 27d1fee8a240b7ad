"""The other ways of a call at the desk: a preview, instalments, an objection, a callback, another number."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.calling import CAMPAIGN, call, identify, open_calling, rows, soon, start_work, stop_the_clock
from tests.browser.looks import look_in_both
from tests.browser.site import Site, Tabs

LETTERS = """\
[letters]
backend = "spool"
"""  # by which what was agreed on is confirmed
SAID = "SELECT disposition FROM attempt WHERE disposition <> ''"


@pytest.fixture
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Site]:
    """Run a daemon that calls one customer, for each test anew, in the mode the test asks for."""
    del browser
    folder = tmp_path_factory.mktemp("desk")
    with open_calling(folder, mode=getattr(request, "param", "progressive"), more=LETTERS) as site:
        yield site


def in_a_call(tabs: Tabs, site: Site) -> Page:
    """Talk to the customer, of whom it is known who they are."""
    page = tabs.open(role="agent", language="de")
    start_work(page)
    call(site, page)
    identify(page)
    return page


def choose(page: Page, digit: str) -> None:
    """Choose an outcome by its digit."""
    page.keyboard.press("F2")
    page.keyboard.press(digit)


def test_a_plan_is_shown_instalment_by_instalment_before_it_is_saved(tabs: Tabs, site: Site) -> None:
    page = in_a_call(tabs, site)
    choose(page, "2")
    for name, value in (("first", "+7"), ("count", "4")):
        page.locator(f"#f-{name}").fill(value)
    expect(page.locator("#plan li")).to_have_count(4)
    expect(page.locator("#plan li").last).to_be_in_viewport(ratio=1)
    expect(page.locator("#plan")).to_contain_text("103,20")
    expect(page.locator("#plan")).to_contain_text("Zusammen 412,80")
    expect(page.locator("#plan")).to_contain_text("Was der Plan kostet: etwa ")
    expect(page.locator("#foreseen")).to_contain_text("gilt erst nach Bestätigung in Textform")
    look_in_both(page, "desk-call-plan")
    page.keyboard.press("Control+Enter")
    soon(site, SAID, [{"disposition": "plan"}])
    assert rows(site, "SELECT kind, amount, state FROM agreement") == [
        {"kind": "plan", "amount": 41280, "state": "sent"}
    ]


def test_a_final_refusal_is_told_with_what_follows_and_noted_by_keyboard(tabs: Tabs, site: Site) -> None:
    page = tabs.open(role="agent", language="de")
    start_work(page)
    call(site, page)
    keys = page.keyboard
    choose(page, "6")
    expect(page.locator("#f-final")).to_be_focused()
    keys.type("ernsthaft")
    expect(page.locator("#foreseen")).to_contain_text("geht erst, wenn die Person identifiziert ist")
    for _ in range(2):
        keys.press("PageUp")
    expect(page.locator("#case")).to_have_attribute("data-step", "identify")
    identify(page)
    expect(page.locator("#foreseen")).to_contain_text("mit welchen Worten verweigert wurde")
    keys.press("PageDown")
    expect(page.locator("#why")).to_be_focused()
    keys.press("Tab")
    keys.type("Sagt, dass er das nie zahlen wird")
    expect(page.locator("#foreseen")).to_contain_text("Endgültig verweigert: steht in der Forderungsaufstellung")
    expect(page.locator("#foreseen")).to_contain_text("RE-20705, RE-20817, RE-20931")
    choose(page, "6")
    expect(page.locator("#f-final")).to_be_focused()
    expect(page.locator("#f-final")).to_have_value("yes")
    look_in_both(page, "desk-call-refuses")
    keys.press("Control+Enter")
    soon(site, SAID, [{"disposition": "refuses"}])
    assert rows(site, "SELECT kind, reason, by FROM circumstance") == [
        {"kind": "refusal", "reason": "Sagt, dass er das nie zahlen wird", "by": "anna"}
    ]


def test_a_deferral_is_agreed_on_and_confirmed_by_a_day_of_ones_own_by_keyboard(tabs: Tabs, site: Site) -> None:
    page = in_a_call(tabs, site)
    choose(page, "1")
    keys = page.keyboard
    keys.press("Tab")
    keys.type("+21")
    keys.press("Tab")
    expect(page.locator("#f-kind")).to_be_focused()
    keys.press("ArrowDown")
    expect(page.locator("#foreseen")).to_contain_text("Stundung")
    keys.press("PageDown")
    for _ in range(3):
        keys.press("Tab")
    expect(page.locator("#f-reply_by")).to_be_focused()
    keys.type("+5")
    expect(page.locator("#foreseen")).to_contain_text("Antwort bis")
    keys.press("Control+Enter")
    soon(site, SAID, [{"disposition": "promise"}])
    assert rows(site, "SELECT kind, state FROM agreement") == [{"kind": "deferral", "state": "open"}]
    assert rows(site, "SELECT julianday(reply_by) - julianday('now') > 2 AS chosen FROM notice") == [{"chosen": 1}]


def test_what_is_missing_is_asked_for_by_name_and_what_is_wrong_is_said_below_its_field(tabs: Tabs, site: Site) -> None:
    page = in_a_call(tabs, site)
    foreseen, summary = page.locator("#foreseen"), page.locator("#summary")
    choose(page, "1")
    expect(foreseen).to_contain_text("Bis zum: Hier steht nichts")
    expect(foreseen).not_to_have_class(re.compile("refused"))
    expect(page.locator("#f-on")).not_to_have_attribute("aria-invalid", "true")
    expect(summary).to_have_text("Noch nichts: wählen Sie ein Ergebnis und füllen Sie aus, wonach es fragt.")
    page.keyboard.press("PageDown")
    expect(page.locator("#case")).to_have_attribute("data-step", "close")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#f-on")).to_be_focused()  # in the step before
    expect(page.locator("#f-on")).to_have_attribute("aria-invalid", "true")
    page.keyboard.type("gestern")
    expect(foreseen).to_have_class(re.compile("refused"))
    expect(page.locator("#e-on")).to_be_visible()
    measure = "all => all.map(one => one.getBoundingClientRect().toJSON())"
    label, field, error = page.locator("[for=f-on], #f-on, #e-on").evaluate_all(measure)
    assert label["bottom"] <= field["top"] < field["bottom"] <= error["top"]
    assert label["left"] == field["left"] == error["left"]
    look_in_both(page, "desk-call-wrong-field")


def test_what_follows_is_never_told_of_another_outcome_than_the_chosen(tabs: Tabs, site: Site) -> None:
    page = in_a_call(tabs, site)
    foreseen, held = page.locator("#foreseen"), list[Route]()
    choose(page, "5")
    expect(foreseen).to_contain_text("Härtefall")
    page.route("**/desk/foresee", lambda route: held.append(route))  # noqa: PLW0108 - Playwright wants a function of its own
    for digit in "30":
        with page.expect_request("**/desk/foresee"):
            choose(page, digit)
        expect(foreseen).to_have_text("")
    with page.expect_response("**/desk/foresee"):
        held[0].continue_()
    page.evaluate("() => new Promise(requestAnimationFrame)")
    expect(foreseen).to_have_text("")  # it came too late
    held[1].continue_()
    expect(foreseen.locator("li")).not_to_have_count(0)
    expect(foreseen).not_to_contain_text("Hat bezahlt")


def test_an_outcome_that_was_chosen_for_somebody_else_goes_with_them(tabs: Tabs, site: Site) -> None:
    page = tabs.open(role="agent", language="de")
    start_work(page)
    call(site, page)
    wrong, promised = (page.locator(f"[name=outcome][value={one}]") for one in ("wrong_person", "promise"))
    expect(promised).to_have_attribute("aria-disabled", "true")
    page.get_by_label("Jemand anderes").check()
    expect(wrong).to_be_checked()
    expect(page.locator("#foreseen")).to_contain_text("wird nicht mehr angerufen")
    expect(page.locator("[data-item]").first).to_be_hidden()
    page.get_by_label("Der Kunde selbst").check()
    expect(wrong).not_to_be_checked()
    expect(page.locator("#foreseen")).to_contain_text("Wählen Sie ein Ergebnis")
    identify(page)
    expect(promised).to_have_attribute("aria-disabled", "false")
    choose(page, "7")
    page.locator(".steps [data-step=identify]").click()
    page.get_by_label("Jemand anderes").check()
    expect(page.locator("[name=outcome][value=callback]")).to_be_checked()  # the agent's own choice stays
    choose(page, "0")
    expect(page.locator("[name=outcome][value=dropped]")).to_be_focused()


def test_commands_are_found_by_their_words_reasons_of_a_pause_too(tabs: Tabs, site: Site) -> None:
    page = in_a_call(tabs, site)
    keys, listed = page.keyboard, page.locator("#command-list li")
    keys.press("Control+k")
    keys.type("lös")
    expect(listed).to_have_text(["Lösung"])
    keys.press("Enter")
    expect(page.locator("#case")).to_have_attribute("data-step", "solution")
    keys.press("Control+k")
    keys.type("besprech")
    expect(listed).to_have_text(["Pause nach Gespräch: Besprechung"])
    keys.press("Enter")
    expect(page.get_by_role("button", name="Pause nach Gespräch")).to_have_attribute("aria-pressed", "true")
    stop_the_clock(page)
    keys.press("F8")
    expect(page.locator(".acts .danger")).to_contain_text("Nochmals")
    expect(page.locator("#again")).to_have_text("Nochmals")
    page.clock.run_for(1_900)
    expect(page.locator(".acts .danger")).to_contain_text("Nochmals")
    page.clock.run_for(200)
    expect(page.locator(".acts .danger")).to_contain_text("Auflegen")
    keys.press("Control+k")
    keys.type("auflegen")
    expect(listed).to_have_count(1)
    keys.press("Enter")  # whoever has typed it need not do it twice
    expect(page.locator(".standing")).to_have_class(re.compile("wrap"))


def test_a_button_that_is_drawn_anew_between_two_presses_has_been_pressed_once(tabs: Tabs, site: Site) -> None:
    page = in_a_call(tabs, site)
    stop_the_clock(page)
    page.keyboard.press("F8")
    expect(page.locator(".acts .danger")).to_contain_text("Nochmals")
    page.keyboard.press("F9")
    expect(page.get_by_role("button", name="Pause nach Gespräch")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".acts .danger.sure")).to_contain_text("Nochmals")
    page.keyboard.press("F8")
    expect(page.locator(".standing")).to_have_class(re.compile("wrap"))


def test_a_command_that_is_gone_when_it_is_chosen_does_nothing_in_place_of_another(tabs: Tabs, site: Site) -> None:
    page = in_a_call(tabs, site)
    ordered = list[str]()
    page.on("request", lambda asked: ordered.append(asked.post_data or "") if asked.url.endswith("/desk/do") else None)
    page.keyboard.press("Control+k")
    page.keyboard.type("halten")
    expect(page.locator("#command-list li")).to_have_text(["Halten"])
    site.verb("agent", "anna", "hold")
    expect(page.locator(".standing strong")).to_have_text("Gehalten")
    page.keyboard.press("Enter")
    expect(page.locator("#commands")).to_be_hidden()
    page.keyboard.press("F9")
    expect(page.get_by_role("button", name="Pause nach Gespräch")).to_have_attribute("aria-pressed", "true")
    assert [order.split("&")[0] for order in ordered] == ["order=pause"]
    expect(page.locator(".standing strong")).to_have_text("Gehalten")


def test_what_is_typed_while_an_answer_is_compared_stays_where_it_was_typed(tabs: Tabs, site: Site) -> None:
    page = tabs.open(role="agent", language="de")
    start_work(page)
    call(site, page)
    keys, held = page.keyboard, list[Route]()
    page.locator("[name=person][value=customer]").check()
    expect(page.locator("#case")).to_have_attribute("data-person", "customer")

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/desk/identify", hold)
    for item, said, verdict in (("birth_date", "1.2.1980", "✓ stimmt"), ("postcode", "00102", "✗ stimmt nicht")):
        page.locator(f"[data-item={item}]").focus()
        keys.type(said)
        with page.expect_request("**/desk/identify"):
            keys.press("Enter")
        keys.type("7")
        keys.press("F4")
        keys.type("Hat ")
        held.pop().continue_()
        expect(page.locator(f".check:has([data-item={item}]) .verdict")).to_have_text(verdict)
        keys.type("Zeit. ")
        expect(page.locator(f"[data-item={item}]")).to_have_value(f"{said}7")
    expect(page.locator("#note")).to_have_value("Hat Zeit. Hat Zeit. ")


def test_which_contacts_are_shown_stays_chosen_when_the_case_changes(tabs: Tabs, site: Site) -> None:
    page = in_a_call(tabs, site)
    page.locator("[name=only][value=call]").check(force=True)
    page.locator(".history h2").evaluate("(head) => { head.dataset.drawn = 'before'; }")
    page.locator(".steps [data-step=identify]").click()
    page.locator("[data-item=postcode]").fill("00101")
    page.keyboard.press("Enter")
    expect(page.locator("[data-drawn]")).to_have_count(0)
    expect(page.locator("[name=only][value=call]")).to_be_checked()


def test_an_objection_names_its_invoices_and_asks_for_what_is_missing(tabs: Tabs, site: Site) -> None:
    page = in_a_call(tabs, site)
    choose(page, "4")
    expect(page.locator("#foreseen")).to_contain_text("Haken Sie die bestrittenen Rechnungen an.")
    page.get_by_label("Rechnung RE-20817 ist bestritten").check()
    expect(page.locator("#foreseen")).to_contain_text("Schreiben Sie unter „Verstehen“ auf, was nicht stimmt.")
    page.locator("#understood").fill("Der Zähler war schon ausgebaut")
    expect(page.locator("#foreseen")).to_contain_text("RE-20817")
    page.keyboard.press("Control+Enter")
    soon(site, SAID, [{"disposition": "dispute"}])
    assert rows(site, "SELECT invoice_no FROM invoice WHERE disputed") == [{"invoice_no": "RE-20817"}]


def test_a_callback_is_on_the_list_of_whoever_promised_it(tabs: Tabs, site: Site) -> None:
    page = in_a_call(tabs, site)
    choose(page, "7")
    page.locator("#f-callback_at").fill("+2h")
    expect(page.locator("#foreseen")).to_contain_text("Rückruf")
    page.keyboard.press("Control+Enter")
    soon(site, SAID, [{"disposition": "callback"}])
    expect(page.get_by_role("region", name="Ihre Rückrufe").first).to_contain_text("Karin Kranichfeld")
    look_in_both(page, "desk-callbacks")


def test_another_number_of_the_account_is_dialled_and_the_call_before_is_handed_in(tabs: Tabs, site: Site) -> None:
    page = tabs.open(role="agent", language="de")
    start_work(page)
    call(site, page)
    before = page.locator("#case").get_attribute("data-attempt")
    stop_the_clock(page)
    for word in ("Wählen", "Nochmals"):
        page.get_by_role("button", name=word).click()
    page.clock.resume()
    soon(site, SAID, [{"disposition": "dropped"}])
    expect(page.locator("#told")).to_be_hidden()
    expect(page.locator(f"#case:not([data-attempt='{before}'])")).to_have_count(1)
    expect(page.locator(".points li", has_text="+49 30 23125000")).to_contain_text("gewählt")


@pytest.mark.parametrize("site", ["preview"], indirect=True)
def test_a_preview_is_put_off_with_its_reason_or_called(tabs: Tabs, site: Site) -> None:
    page = tabs.open(role="agent", language="de")
    start_work(page)
    assert site.life.plan(CAMPAIGN)
    expect(page.locator("#work")).to_have_attribute("data-phase", "offer")
    expect(page.locator(".standing strong")).to_have_text("Ansehen und entscheiden")
    expect(page.locator(".figures")).to_contain_text("RE-20931")
    look_in_both(page, "desk-preview")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#work")).to_have_attribute("data-phase", "talk")
    expect(page.locator("#case")).to_have_attribute("data-step", "identify")
    expect(page.locator(".figures")).to_contain_text("Vertraulich")
    choose(page, "0")
    expect(page.locator("#foreseen li").first).to_be_visible()
    page.keyboard.press("Control+Enter")
    soon(site, SAID, [{"disposition": "dropped"}])


@pytest.mark.parametrize("site", ["preview"], indirect=True)
def test_a_preview_that_is_put_off_stands_in_the_log_with_who_and_why(tabs: Tabs, site: Site) -> None:
    page = tabs.open(role="agent", language="en")
    start_work(page)
    assert site.life.plan(CAMPAIGN)
    expect(page.locator("#work")).to_have_attribute("data-phase", "offer")
    page.get_by_label("Why it is put off").select_option("in_process")
    page.keyboard.press("F4")
    page.keyboard.type("The creditor is asked")
    page.get_by_role("button", name=re.compile("^Put off")).click()
    soon(site, "SELECT outcome, reason, agent FROM contact_log WHERE event = 'skipped' OR outcome = 'skipped'",
         [{"outcome": "skipped", "reason": "in_process", "agent": "anna"}])  # fmt: skip
    expect(page.locator("#case")).to_have_count(0)
    assert rows(site, "SELECT count(*) AS n FROM call") == [{"n": 0}]
    assert rows(site, "SELECT agent, note FROM draft") == [{"agent": "anna", "note": "The creditor is asked"}]


def test_an_address_that_is_too_long_for_its_line_goes_on_behind_the_at_sign(tabs: Tabs, site: Site) -> None:
    page = in_a_call(tabs, site)
    value = page.locator(".points .value", has_text="@")
    expect(value).to_contain_text("karin0@example.org")
    lines = """(it) => {
      Object.assign(it.style, { flex: "none", width: "13ch" });
      const one = document.createRange(), found = {}, all = document.createTreeWalker(it, NodeFilter.SHOW_TEXT);
      while (all.nextNode()) for (let at = 0; at < all.currentNode.length; at++) {
        one.setStart(all.currentNode, at);
        one.setEnd(all.currentNode, at + 1);
        const line = Math.round(one.getBoundingClientRect().bottom);
        found[line] = (found[line] || "") + one.toString();
      }
      return Object.values(found).map((one) => one.trim()).filter(Boolean);
    }"""  # at once: what is told in between draws the line anew
    assert [one.split()[0] for one in value.evaluate(lines)][:2] == ["karin0@", "example.org"]
