"""The chat window of a page, as journeys use it."""

import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime, timedelta
from itertools import count

from playwright.sync_api import expect

_numbers = count(1)
#: What the launcher is called where the page is in one of these languages.
LAUNCHER = {"en": "Chat", "ar": "محادثة"}
FIELD = "#composer"
#: Milliseconds for what has to wait until the hub is asked again.
LONG = 60_000
#: Seconds that pass by a clock of ours until what has to happen is given up.
STEPS = 900


def some(text):
    """A text that nobody else wrote."""
    return f"{text} ({next(_numbers)})"


def launcher(page, language="en"):
    return page.locator("button[aria-haspopup=dialog]").and_(
        page.get_by_role("button", name=LAUNCHER[language])
    )


def window(page, language="en"):
    """The window, opened and told by the hub who is in front of it."""
    launcher(page, language).click()
    frame = page.frame_locator("iframe")
    expect(frame.locator(".log")).to_have_attribute("aria-busy", "false")
    return frame


def document_of(page):
    """The document of the window, to ask it something."""
    return next(frame for frame in page.frames if "/widget/" in frame.url)


def type_in(frame, text):
    field = frame.locator(FIELD)
    field.fill(text)
    field.press("Enter")


def write(frame, text):
    """Write, and wait until the hub has it."""
    type_in(frame, text)
    expect(frame.locator(".own[data-seq] .bubble").last).to_have_text(text)


def stop_time(page):
    """Let time stand still in a page that is not there yet: however slow the machine is, it passes
    by `pass_time` and `pass_until` alone, or after ``page.clock.resume()``.
    """
    now = datetime.now(UTC)
    page.clock.install(time=now)
    # Far enough that the clock, which goes until then, cannot be there already.
    page.clock.pause_at(now + timedelta(hours=1))


def pass_time(page, seconds):
    """Let time pass by a clock of ours, and what happens in it be answered."""
    for _ in range(seconds):
        page.clock.run_for(1000)
        page.wait_for_timeout(20)


def pass_until(page, done):
    """Let time pass by a clock of ours until something is ``done``."""
    for _ in range(STEPS):
        if done():
            return
        pass_time(page, 1)
    raise AssertionError(f"Not done in {STEPS} seconds.")


def said(frame):
    """All that stands in the window, as it is now."""
    return frame.locator(".bubble")


def jwt(key, user, secret):
    """A site's proof of who its visitor is."""
    now = int(time.time())
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "HS256"}, {"sub": user, "aud": key, "iat": now, "exp": now + 600})
    ]
    mac = hmac.new(secret.encode(), ".".join(parts).encode(), hashlib.sha256).digest()
    signature = base64.urlsafe_b64encode(mac).decode().rstrip("=")
    return {"jwt": ".".join([*parts, signature])}
