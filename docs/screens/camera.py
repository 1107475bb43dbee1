"""Be logged in, write as a customer, and keep what a page looks like."""

from pathlib import Path
from typing import Final

from playwright.sync_api import Page, ViewportSize

from hubbub.demo import EMAIL, PASSWORD

HERE: Final = Path(__file__).parent
WIDE: Final = ViewportSize(width=1280, height=800)


def log_in(page: Page, console: str) -> None:
    """Log in as the demo's admin."""
    page.goto(f"{console}/login")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/inbox**")


def write(page: Page, sandbox: str, channel: str, name: str, text: str) -> None:
    """Write as a customer, on the page of the sandbox."""
    page.goto(sandbox)
    page.get_by_label("Your name in this play").fill(name)
    page.get_by_role("radio", name=channel).check()
    page.get_by_role("button", name="Start writing").click()
    page.locator("#text").fill(text)
    page.get_by_role("button", name="Send").click()
    page.locator(".line.mine").filter(has_text=text).first.wait_for()


def shot(page: Page, name: str) -> None:
    """Keep what the page looks like now."""
    page.screenshot(path=HERE / f"{name}.png")


def whole(page: Page, name: str) -> None:
    """Keep what all of the page looks like, to its end."""
    size = page.viewport_size or WIDE
    height = page.evaluate("document.documentElement.scrollHeight")
    # As a screen of that height shows it: what stays at the edge of the screen stays below all.
    page.set_viewport_size({"width": size["width"], "height": max(height, size["height"])})
    page.screenshot(path=HERE / f"{name}.png")
    page.set_viewport_size(size)
