"""Take the screenshots of a running demo: ``python docs/screens/make.py CONSOLE SANDBOX``."""

import json
import sys
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from hubbub.demo import EMAIL, PASSWORD

HERE = Path(__file__).parent
CHROMIUM = "/usr/bin/chromium"
BOT = "700000001"


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
        page.locator("button.main").click()
        page.locator(".bubble.out.is-sent").wait_for()
        shot(page, "inbox")
        page.get_by_role("link", name="Trace").last.click()
        shot(page, "trace")
        page.goto(f"{console}/channels")
        shot(page, "channels")
        page.get_by_role("link", name="Telegram").click()
        page.get_by_role("heading", name="Webhook").wait_for()
        shot(page, "channel")
        page.goto(f"{console}/channels/add")
        shot(page, "add-channel")
        page.goto(f"{console}/channels/add/telegram")
        shot(page, "add-telegram")
        page.goto(f"{console}/settings")
        shot(page, "settings")
        narrow(browser, console)
        browser.close()


def narrow(browser: Browser, console: str) -> None:
    """Look at the inbox on a phone, in the dark."""
    page = browser.new_page(viewport={"width": 360, "height": 740}, color_scheme="dark")
    log_in(page, console)
    shot(page, "inbox-phone")
    page.get_by_text("Grace").first.click()
    page.locator("#log").wait_for()
    shot(page, "conversation-phone")


if __name__ == "__main__":
    main(*sys.argv[1:3])
