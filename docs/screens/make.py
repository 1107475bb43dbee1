"""Take the screenshots of a running demo: ``python docs/screens/make.py CONSOLE SANDBOX``."""

import json
import sys
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, Page, Route, sync_playwright

from hubbub.demo import EMAIL, PASSWORD

HERE = Path(__file__).parent
CHROMIUM = "/usr/bin/chromium"
BOT = "700000001"
LAUNCHER = "button[aria-haspopup=dialog]"
#: Let a page say that it is in Arabic.
IN_ARABIC = """new MutationObserver(() => {
  Object.assign(document.documentElement, { lang: 'ar', dir: 'rtl' });
}).observe(document, { childList: true });"""
#: Milliseconds until nothing moves any more.
SETTLED = 600


def write(sandbox: str, person: int, name: str, text: str) -> None:
    """Let a customer write to the demo's bot."""
    body = {"from": {"id": person, "first_name": name}, "text": text}
    request = urllib.request.Request(
        f"{sandbox}/_sandbox/telegram/{BOT}/messages",
        json.dumps(body).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request):
        pass


def log_in(page: Page, console: str) -> None:
    """Log in as the demo's admin."""
    page.goto(f"{console}/login")
    page.locator("#email").fill(EMAIL)
    page.locator("#password").fill(PASSWORD)
    page.locator("button.main").click()
    page.wait_for_url("**/inbox**")


def shot(page: Page, name: str) -> None:
    """Keep what the page looks like now."""
    page.screenshot(path=HERE / f"{name}.png")


def main(console: str, sandbox: str) -> None:
    """Walk through the console."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(f"{console}/login")
        shot(page, "login")
        log_in(page, console)
        write(sandbox, 5550001, "Ada", "Hello, is my order ready?")
        write(sandbox, 5550002, "Grace", "menu")
        page.get_by_text("Ada").first.click()
        page.locator("#text").fill("Yes, it left this morning.")
        page.locator("#send").click()
        page.locator(".bubble.out.is-sent").wait_for()
        shot(page, "inbox")
        inbox(page, console)
        page.get_by_role("link", name="Trace").last.click()
        shot(page, "trace")
        page.goto(f"{console}/channels")
        shot(page, "channels")
        page.get_by_role("link", name="Telegram").click()
        page.get_by_role("heading", name="How it is").wait_for()
        shot(page, "channel")
        page.get_by_role("link", name="Edit the routing").click()
        page.locator("#try-text").fill("Have you got a menu?")
        page.get_by_role("button", name="Show the path").click()
        page.locator("#path").wait_for()
        shot(page, "routing")
        page.goto(f"{console}/channels/add")
        shot(page, "add-channel")
        set_up(page)
        people(page, console)
        operate(page, console)
        narrow(browser, console)
        webchat(browser, console, sandbox)
        browser.close()


def set_up(page: Page) -> None:
    """Go through the steps by which a channel is added, with an account at the simulator."""
    page.get_by_role("link", name="Telegram").click()
    shot(page, "add-telegram")
    page.get_by_role("button", name="Try with the simulator").click()
    shot(page, "set-up-credentials")
    page.get_by_role("button", name="Connect", exact=True).click()
    page.wait_for_url("**/setup/webhook")
    shot(page, "set-up-webhook")
    page.get_by_role("link", name="Next: a test message").click()
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Write as a customer").click()
    customer = opened.value
    customer.locator("#text").fill("Is this the shop?")
    customer.get_by_role("button", name="Send").click()
    page.locator("#came").get_by_text("Is this the shop?").wait_for()
    page.get_by_role("button", name="Send the answer").click()
    page.get_by_text("Both ways work").wait_for()
    shot(page, "set-up-test")


def inbox(page: Page, console: str) -> None:
    """Look at what can be done in a conversation, and begin another; end where it began."""
    here = page.url
    page.locator("#tag").fill("order")
    page.keyboard.press("Enter")
    page.locator(".tags .tag").first.wait_for()
    page.locator("#later > summary").click()
    shot(page, "snooze")
    page.keyboard.press("Escape")
    page.locator("#mode-note").check()
    page.locator("#text").fill("@Demo, is this the one from Monday?")
    shot(page, "note")
    page.locator("#save-note").click()
    page.locator(".bubble.note").first.wait_for()
    page.goto(f"{console}/inbox/new")
    shot(page, "new-conversation")
    page.get_by_role("link", name="WhatsApp demo", exact=True).click()
    page.get_by_role("link", name="order_ok").click()
    page.locator("#blank-1").fill("Ann")
    shot(page, "template")
    page.goto(f"{console}/canned/new")
    shot(page, "canned-reply")
    page.goto(f"{console}/operate/teams/new")
    shot(page, "team")
    page.goto(f"{console}/account")
    shot(page, "account")
    page.goto(here)


def people(page: Page, console: str) -> None:
    """Look at contacts, and at what merging two of them would do."""
    page.goto(f"{console}/contacts")
    shot(page, "contacts")
    page.get_by_role("link", name="Ada", exact=True).click()
    page.get_by_role("heading", name="Addresses").wait_for()
    shot(page, "contact")
    page.get_by_label("Name or address of the other contact").fill("Grace")
    page.get_by_role("button", name="Look for them").click()
    page.locator("a.card").click()
    page.get_by_role("button", name="Merge the two").wait_for()
    shot(page, "contact-merge")


def operate(page: Page, console: str) -> None:
    """Look at what an operator looks after."""
    for path, name in (
        ("", "health"),
        ("/failed", "failed"),
        ("/plugins", "plugins"),
        ("/people", "people"),
        ("/tokens", "tokens"),
        ("/audit", "audit"),
    ):
        page.goto(f"{console}/operate{path}")
        shot(page, name)


def narrow(browser: Browser, console: str) -> None:
    """Look at the inbox on a phone, in the dark."""
    page = browser.new_page(viewport={"width": 360, "height": 740}, color_scheme="dark")
    log_in(page, console)
    shot(page, "inbox-phone")
    page.get_by_text("Grace").first.click()
    page.locator("#log").wait_for()
    shot(page, "conversation-phone")


def webchat(browser: Browser, console: str, sandbox: str) -> None:
    """Be a visitor of the website: at a desk, on a phone at night, in Arabic, and after hours."""
    shop = f"{sandbox}/shop"
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(shop)
    page.locator(LAUNCHER).wait_for()
    shot(page, "webchat-closed")
    page.locator(LAUNCHER).click()
    ask(page, "Hi! Can you true a wheel by Saturday?")
    answer(browser, console, "Yes, with pleasure. It takes **an hour** and costs 15.")
    page.frame_locator("iframe").locator(".theirs").wait_for()
    ask(page, "Great, I will bring it tomorrow.")
    shot(page, "webchat")

    phone = {"width": 390, "height": 740}
    page = browser.new_page(viewport=phone, color_scheme="dark")
    page.goto(shop)
    page.locator(LAUNCHER).click()
    ask(page, "Are you open on Sunday?")
    shot(page, "webchat-phone")

    page = browser.new_page(viewport=phone)
    page.add_init_script(IN_ARABIC)
    page.goto(shop)
    page.locator(LAUNCHER).click()
    ask(page, "هل يمكنكم إصلاح عجلة؟")
    shot(page, "webchat-rtl")

    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.route("**/session", after_hours)
    page.goto(shop)
    page.locator(LAUNCHER).click()
    page.frame_locator("iframe").locator(".form").wait_for()
    page.wait_for_timeout(SETTLED)
    shot(page, "webchat-form")


def ask(page: Page, text: str) -> None:
    """Write in the chat window, and wait until the hub has it."""
    frame = page.frame_locator("iframe")
    frame.locator("#composer").fill(text)
    frame.locator("#composer").press("Enter")
    frame.locator(".own[data-seq]").filter(has_text=text).wait_for()
    page.wait_for_timeout(SETTLED)


def answer(browser: Browser, console: str, text: str) -> None:
    """Answer the newest conversation."""
    page = browser.new_page()
    log_in(page, console)
    page.locator(".entry").first.click()
    page.locator("#text").fill(text)
    page.locator("button.main").click()
    page.locator(".bubble.out.is-sent, .bubble.out.is-delivered").wait_for()
    page.close()


def after_hours(route: Route) -> None:
    """Let the window believe that it is closed until Monday morning."""
    given = route.fetch()
    today = datetime.now(UTC)
    monday = (today + timedelta(days=7 - today.weekday())).replace(hour=9, minute=0)
    closed = {"open": False, "changes_at": monday.isoformat()}
    route.fulfill(response=given, json={**given.json(), "availability": closed})


if __name__ == "__main__":
    main(*sys.argv[1:3])
