"""Measure how soon after its webhook a message is on the screen of an inbox that is open."""

import contextlib
import json
import shutil
import time
from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

from playwright.sync_api import Page, sync_playwright

from bench.common import LOCAL, request
from bench.hub import Hub
from bench.load import Updates
from bench.report import Figure
from bench.world import World

#: Milliseconds until a message has to be there, if it ever comes.
_PATIENCE: Final = 30_000
#: Seconds between two, so that each comes to a page at rest.
_PAUSE: Final = 0.2
_FLAGS: Final = ("--no-sandbox", "--disable-gpu")


def measure_screen(world: World, hub: Hub, cookie: str) -> Figure:
    """Post messages one by one, and look for each; without Chromium nothing is measured."""
    figure = Figure(what="webhook to screen, p95", unit="ms", must=1000, aim=200, better="less")
    if program := shutil.which("chromium") or shutil.which("chromium-browser"):
        _post(hub, world.updates(1, chats=1))
        world.stub.wait_for(1)
        with _inbox(program, hub, cookie) as page:
            took = sorted(_took(page, world, hub) for _ in range(world.scale.seen))
        figure.hub.append(took[len(took) * 95 // 100])
    return figure


@contextlib.contextmanager
def _inbox(program: str, hub: Hub, cookie: str) -> Iterator[Page]:
    """Open a conversation, and wait until its page hears of what comes."""
    name, _, value = cookie.partition("=")
    address = f"http://{LOCAL}:{hub.port}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_FLAGS)
        context = browser.new_context()
        context.add_cookies([{"name": name, "value": value, "url": address}])
        page = context.new_page()
        # The latest conversation, which is the one that everything here is said in.
        page.goto(f"{address}/inbox?view=all")
        with page.expect_request("**/live*"):
            page.locator("#list a[href^='/inbox/']").get_by_text("Bench").first.click()
        page.locator("#log").wait_for()
        yield page
        browser.close()


def _took(page: Page, world: World, hub: Hub) -> float:
    """Return how many milliseconds one message took."""
    time.sleep(_PAUSE)
    updates = world.updates(1, chats=1)
    began = time.monotonic()
    _post(hub, updates)
    page.wait_for_function(
        "number => document.querySelector('#log').textContent.includes(number + ' xxx')",
        arg=updates.first,
        timeout=_PATIENCE,
    )
    return (time.monotonic() - began) * 1000


def _post(hub: Hub, updates: Updates) -> None:
    (_, body), *_ = updates.bodies()
    status, _ = request(hub.port, hub.path, json.loads(body), headers=hub.headers)
    assert status == HTTPStatus.OK, status
