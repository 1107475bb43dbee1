"""Take the screenshots of what visitors of a website see."""

from datetime import UTC, datetime, timedelta

from camera import WIDE, log_in, shot
from playwright.sync_api import Browser, Page, Route

LAUNCHER = "button[aria-haspopup=dialog]"
PHONE = {"width": 390, "height": 740}
#: Let a page say that it is in Arabic.
IN_ARABIC = """new MutationObserver(() => {
  Object.assign(document.documentElement, { lang: 'ar', dir: 'rtl' });
}).observe(document, { childList: true });"""
#: Milliseconds until nothing moves any more.
SETTLED = 600


def webchat(browser: Browser, console: str, sandbox: str) -> None:
    """Be a visitor of the website: at a desk, on a phone at night, in Arabic, and after hours."""
    shop = f"{sandbox}/shop"
    page = browser.new_page(viewport=WIDE)
    page.goto(shop)
    page.locator(LAUNCHER).wait_for()
    shot(page, "webchat-closed")
    page.locator(LAUNCHER).click()
    ask(page, "Hi! Can you true a wheel by Saturday?")
    answer(browser, console, "Yes, with pleasure. It takes **an hour** and costs 15.")
    page.frame_locator("iframe").locator(".theirs").wait_for()
    ask(page, "Great, I will bring it tomorrow.")
    shot(page, "webchat")

    page = browser.new_page(viewport=PHONE, color_scheme="dark")
    page.goto(shop)
    page.locator(LAUNCHER).click()
    ask(page, "Are you open on Sunday?")
    shot(page, "webchat-phone")

    page = browser.new_page(viewport=PHONE)
    page.add_init_script(IN_ARABIC)
    page.goto(shop)
    page.locator(LAUNCHER).click()
    ask(page, "هل يمكنكم إصلاح عجلة؟")
    shot(page, "webchat-rtl")

    page = browser.new_page(viewport=WIDE)
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
    page.locator("#send").click()
    page.locator(".bubble.out.is-sent, .bubble.out.is-delivered").wait_for()
    page.close()


def after_hours(route: Route) -> None:
    """Let the window believe that it is closed until Monday morning."""
    given = route.fetch()
    today = datetime.now(UTC)
    monday = (today + timedelta(days=7 - today.weekday())).replace(hour=9, minute=0)
    closed = {"open": False, "changes_at": monday.isoformat()}
    route.fulfill(response=given, json={**given.json(), "availability": closed})
