"""The console works for everybody: by keyboard, without script, on a narrow screen, in the dark."""

from uuid import uuid4

import pytest
from playwright.sync_api import expect

from hubbub.demo import EMAIL, PASSWORD
from tests.journeys.conftest import enter, entry, log_in, reply, stumbles

PAGES = [
    "/inbox",
    "/contacts",
    "/channels",
    "/channels/add",
    "/channels/add/telegram",
    "/operate",
    "/operate/failed",
    "/operate/plugins",
    "/operate/people",
    "/operate/tokens",
    "/operate/audit",
]


@pytest.fixture(params=[{"color_scheme": "light"}, {"color_scheme": "dark", "width": 320}])
def screen(request, browser):
    """A wide page by day, a very narrow one by night."""
    width = request.param.get("width", 1280)
    return browser(
        viewport={"width": width, "height": 640}, color_scheme=request.param["color_scheme"]
    ).new_page()


def test_nobody_stumbles_over_a_page(screen, customer):
    ada = customer(name="Donaudampfschifffahrtselektrizitätenhauptbetriebswerk")
    ada.write("Unbroken" * 40)
    screen.goto("/inbox")
    enter(screen, "Donau")
    trace = screen.locator(".meta a").first.get_attribute("href")
    channel = screen.locator(".who a[href^='/channels/']").get_attribute("href")
    contact = screen.locator(".who a[href^='/contacts/']").get_attribute("href")
    for path in [screen.url, trace, channel, f"{channel}/routing", contact, *PAGES]:
        screen.goto(path)
        assert stumbles(screen) == [], path


def test_nobody_stumbles_over_the_page_of_a_person(screen):
    screen.goto("/operate/people")
    screen.get_by_label("Email").fill(f"{uuid4().hex}@hubbub.test")
    screen.get_by_role("button", name="Add").click()
    expect(screen.get_by_label("The link for")).to_be_visible()
    assert stumbles(screen) == []


def test_messages_have_most_of_a_phone_and_all_else_is_behind_buttons(browser, customer):
    ada = customer()
    ada.write("Hello")
    options = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}
    page = browser(**options).new_page()
    page.goto("/inbox")
    enter(page, ada.name)
    height = page.locator("#log").bounding_box()["height"]
    assert height > 0.6 * 740
    expect(page.get_by_text("Ctrl+Enter sends")).to_be_hidden()
    for button, inside in (
        ("About", page.get_by_label("Add a tag")),
        ("More for this conversation", page.get_by_role("button", name="Resolve")),
        ("More for this message", page.get_by_label("Note for colleagues", exact=False).first),
    ):
        expect(inside).to_be_hidden()
        page.get_by_role("button", name=button).click()
        expect(inside).to_be_visible()
        assert stumbles(page) == [], button
        # News comes in, and what is open stays open.
        ada.write(f"And {button}")
        expect(page.locator("#log")).to_contain_text(f"And {button}")
        expect(inside).to_be_visible()
        page.keyboard.press("Escape")
        expect(inside).to_be_hidden()
    page.get_by_label("Reply to").fill("From a phone.\n" * 4)
    assert page.locator("#log").bounding_box()["height"] > height / 2
    page.get_by_role("button", name="Send", exact=True).click()
    ada.sees("From a phone.")
    page.get_by_role("button", name="More for this conversation").click()
    page.get_by_role("button", name="Resolve").click()
    expect(page.get_by_role("button", name="Reopen")).to_be_hidden()
    expect(page.locator(".who")).to_contain_text("Resolved")


def test_a_customer_is_answered_by_keyboard_alone(demo, browser, customer):
    ada = customer()
    ada.write("Hello")
    page = browser(logged_in=False).new_page()
    page.goto("/login")
    page.keyboard.type(EMAIL)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(entry(page, ada.name)).to_be_visible()
    press_until(page, entry(page, ada.name))
    page.keyboard.press("Enter")
    page.wait_for_url("**/inbox/*")
    press_until(page, page.get_by_label("Reply to"))
    expect(page.get_by_text("Ctrl+Enter sends")).to_be_visible()
    page.keyboard.type("By keyboard.")
    page.keyboard.press("Control+Enter")
    ada.sees("By keyboard.")
    expect(page.get_by_label("Reply to")).to_be_focused()


def press_until(page, wanted):
    """Go on with the tabulator, as a person would, until ``wanted`` has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if wanted.evaluate("(one) => one === document.activeElement"):
            return
    raise AssertionError("The tabulator does not lead there.")


def test_the_focus_stays_where_it_is_while_news_comes_in(agent, customer):
    ada, grace = customer(), customer()
    ada.write("Hello")
    entry(agent, ada.name).focus()
    grace.write("Good morning")
    expect(entry(agent, grace.name)).to_be_visible()
    expect(entry(agent, ada.name)).to_be_focused()


def test_everything_that_matters_works_without_script(browser, customer):
    ada = customer()
    ada.write("Hello")
    page = browser(logged_in=False, java_script_enabled=False).new_page()
    log_in(page)
    entry(page, ada.name).click()
    expect(page.locator(".bubble.in")).to_contain_text("Hello")
    reply(page, "Without script.")
    ada.sees("Without script.")
    page.reload()
    expect(page.locator(".bubble.out")).to_contain_text("sent")
    page.get_by_role("button", name="Resolve").click()
    expect(page.get_by_role("button", name="Reopen")).to_be_visible()
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text("Write something first.")


def test_times_are_those_of_the_reader(browser, customer, demo):
    ada = customer()
    ada.write("Hello")
    page = browser(timezone_id="Pacific/Kiritimati", locale="en-GB").new_page()
    page.goto("/inbox")
    enter(page, ada.name)
    shown = page.locator(".bubble.in time")
    local = page.evaluate(
        "(at) => new Date(at).toLocaleTimeString('en-GB', {hour: '2-digit', minute: '2-digit'})",
        shown.get_attribute("datetime"),
    )
    expect(shown).to_have_text(local)
    # Fourteen hours ahead of UTC the day may be another one; it is today there all the same.
    expect(page.locator(".day time")).to_have_text("Today")


def test_what_is_put_into_a_page_neither_runs_nor_loads(demo, chromium, login):
    with chromium.new_context(base_url=demo.url, storage_state=login) as context:
        page = context.new_page()
        policy = page.goto("/inbox").headers["content-security-policy"]
        page.evaluate("""() => {
          window.violated = new Promise((done) => {
            document.addEventListener('securitypolicyviolation', (event) => done(event.effectiveDirective));
          });
          const part = document.createElement('p');
          part.innerHTML = '<img src="https://elsewhere.example/x.png">';
          document.body.append(part);
        }""")
        assert page.evaluate("window.violated") == "img-src"
    assert "unsafe" not in policy
