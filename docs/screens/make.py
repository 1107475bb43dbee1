"""Take the screenshots of a running demo: ``python docs/screens/make.py CONSOLE SANDBOX``.

The demo is a fresh one, at which nobody has written yet. docs/screens/index.md shows them all.
"""

import json
import re
import sys
import urllib.request

from camera import WIDE, log_in, shot, whole, write
from playwright.sync_api import Browser, Page, sync_playwright
from visitors import webchat

CHROMIUM = "/usr/bin/chromium"


def main(console: str, sandbox: str) -> None:
    """Walk through the console, and be a visitor of a website."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        page = browser.new_page(viewport=WIDE, base_url=console)
        page.goto("/login")
        shot(page, "login")
        log_in(page, console)
        shot(page, "inbox-empty")
        customers(browser, sandbox)
        inbox(page, sandbox)
        conversation(page)
        first_words(page)
        channels(page)
        set_up(page)
        routing(page)
        people(page)
        operate(page)
        errors(page)
        narrow(browser, console)
        webchat(browser, console, sandbox)
        browser.close()


def customers(browser: Browser, sandbox: str) -> None:
    """Let people write."""
    page = browser.new_page(viewport=WIDE)
    write(page, sandbox, "Telegram", "Grace", "menu")
    write(page, sandbox, "WhatsApp Demo shop", "Linus", "Do you ship to Finland?")
    write(page, sandbox, "Email", "Edsger", "Could you send me an offer for a dozen wheels?")
    write(page, sandbox, "Telegram", "Ada", "Hello, is my order ready?")
    shot(page, "sandbox")
    page.close()


def inbox(page: Page, sandbox: str) -> None:
    """Answer, and see an answer that could not be sent."""
    page.goto("/inbox")
    page.get_by_text("Linus").first.click()
    fail_once(sandbox, "It costs")
    page.locator("#text").fill("Yes. It costs 12 and takes a week.")
    page.locator("#send").click()
    page.locator(".bubble.out.is-failed").wait_for()
    shot(page, "conversation-failed")
    page.get_by_text("Edsger").first.click()
    page.locator("#thread").get_by_text("a dozen wheels").first.wait_for()
    shot(page, "conversation-email")
    page.get_by_text("Ada").first.click()
    page.locator("#text").fill("Yes, it left this morning.")
    page.locator("#send").click()
    page.locator(".bubble.out.is-sent").wait_for()
    shot(page, "inbox")
    page.goto("/inbox?q=order")
    shot(page, "search")
    page.goto("/inbox?view=mentions")
    shot(page, "view-empty")


def fail_once(sandbox: str, text: str) -> None:
    """Let WhatsApp say of the next message with ``text`` that nobody has this number."""
    fault = {
        "provider": "whatsapp",
        "kind": "status",
        "status": 400,
        "code": 131026,
        "times": 1,
        "match": {"text_contains": text},
    }
    request = urllib.request.Request(
        f"{sandbox}/_sandbox/faults",
        json.dumps(fault).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request):
        pass


def conversation(page: Page) -> None:
    """Look at what can be done in a conversation."""
    page.goto("/inbox")
    page.get_by_text("Ada").first.click()
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
    page.locator("#log").focus()
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys").wait_for()
    shot(page, "keys")
    page.keyboard.press("Escape")
    page.locator(".bubble.in").get_by_role("link", name="Why here?").click()
    page.get_by_role("heading", name="Why here?").wait_for()
    whole(page, "trace")


def first_words(page: Page) -> None:
    """Begin a conversation by a template, and look at what is written beforehand."""
    page.goto("/inbox/new")
    shot(page, "new-conversation")
    page.get_by_role("link", name="WhatsApp demo", exact=True).click()
    page.get_by_role("link", name="order_ok").click()
    page.locator("#blank-1").fill("Ann")
    shot(page, "template")
    page.goto("/canned/new")
    shot(page, "canned-reply")


def channels(page: Page) -> None:
    """Look at the channels, and at all that there is of one."""
    page.goto("/channels")
    whole(page, "channels")
    forge(page)
    for name, channel, tab in (
        ("channel", "Telegram demo", "Overview"),
        ("channel-webhook", "Telegram demo", "Webhook"),
        ("channel-logs", "Telegram demo", "Logs"),
        ("channel-quarantine", "Telegram demo", "Quarantine"),
        ("channel-settings", "Telegram demo", "Settings"),
        ("channel-audit", "Telegram demo", "Audit"),
        ("channel-templates", "WhatsApp demo", "Templates"),
        ("channel-webchat", "Webchat demo", "Settings"),
    ):
        page.goto("/channels")
        page.get_by_role("link", name=channel, exact=True).click()
        # How many there are may stand behind what it is called.
        page.get_by_role("link", name=re.compile(f"^{tab}")).click()
        page.locator("nav a[aria-current]").filter(has_text=tab).wait_for()
        whole(page, name)
    page.goto("/channels")
    page.get_by_role("link", name="Telegram demo", exact=True).click()
    page.get_by_role("link", name="Logs", exact=True).click()
    page.locator("main table a").first.click()
    page.locator("h1").wait_for()
    whole(page, "call")
    page.get_by_role("link", name="See first what it would do").click()
    page.wait_for_url("**/rehearsal")
    whole(page, "call-rehearsal")


def forge(page: Page) -> None:
    """Call the hub as somebody who is not Telegram."""
    page.get_by_role("link", name="Telegram demo", exact=True).click()
    page.get_by_role("link", name="Webhook", exact=True).click()
    webhook = page.get_by_role("textbox", name="Webhook URL").input_value()
    page.request.post(webhook, data={"update_id": 1, "message": {"text": "Who am I?"}})


def set_up(page: Page) -> None:
    """Go through the steps by which a channel is added, with an account at the simulator."""
    page.goto("/channels/add")
    whole(page, "add-channel")
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
    page.get_by_role("link", name="Next: routing").click()
    page.wait_for_url("**/setup/routing")
    shot(page, "set-up-routing")


def routing(page: Page) -> None:
    """Try rules, write one, and ask what it would have changed."""
    page.goto("/channels")
    page.get_by_role("link", name="Telegram demo", exact=True).click()
    page.get_by_role("link", name="Routing", exact=True).click()
    page.locator("#try-text").fill("Have you got a menu?")
    page.get_by_role("button", name="Show the path").click()
    page.locator("#path").wait_for()
    shot(page, "routing")
    page.get_by_role("link", name="All versions").click()
    page.locator("h1").wait_for()
    shot(page, "routing-versions")
    page.go_back()
    page.get_by_role("link", name="Edit “Menu”").click()
    page.wait_for_url("**/rules/**")
    whole(page, "rule")
    page.go_back()
    page.get_by_role("link", name="Dry run").click()
    page.locator("h1").wait_for()
    shot(page, "routing-dry-run")


def people(page: Page) -> None:
    """Look at contacts, and at what merging two of them would do."""
    page.goto("/contacts")
    shot(page, "contacts")
    page.get_by_role("link", name="Ada", exact=True).click()
    page.get_by_role("heading", name="Addresses").wait_for()
    whole(page, "contact")
    page.get_by_label("Name or address of the other contact").fill("Grace")
    page.get_by_role("button", name="Look for them").click()
    page.locator("a.card").click()
    page.get_by_role("button", name="Merge the two").wait_for()
    shot(page, "contact-merge")


def operate(page: Page) -> None:
    """Look at what an operator looks after."""
    for path, name in (
        ("", "health"),
        ("/failed", "failed"),
        ("/plugins", "plugins"),
        ("/people", "people"),
        ("/teams/new", "team"),
        ("/tokens", "tokens"),
        ("/audit", "audit"),
    ):
        page.goto(f"/operate{path}")
        whole(page, name)
    page.goto("/operate/failed")
    page.locator("main a.strong").first.click()
    whole(page, "failed-for")
    page.goto("/account")
    shot(page, "account")


def errors(page: Page) -> None:
    """Look at what is said where nothing is."""
    page.goto("/contacts/nobody")
    shot(page, "not-found")


def narrow(browser: Browser, console: str) -> None:
    """Look at the console on a phone, in the dark."""
    page = browser.new_page(
        viewport={"width": 360, "height": 740}, color_scheme="dark", base_url=console
    )
    log_in(page, console)
    shot(page, "inbox-phone")
    page.get_by_text("Ada").first.click()
    page.locator("#log").wait_for()
    shot(page, "conversation-phone")
    page.goto("/channels")
    shot(page, "channels-phone")
    page.get_by_role("link", name="Telegram demo", exact=True).click()
    page.get_by_role("link", name="Routing", exact=True).click()
    shot(page, "routing-phone")
    page.goto("/operate")
    shot(page, "health-phone")


if __name__ == "__main__":
    main(*sys.argv[1:3])
