"""Give the journeys a whole demo of the hub, and browsers to use it with.

Everything is real but the provider: `hubbub up --demo` with its own Valkey, SQLite and sandbox, and
Chromium. Both are made once for all journeys that one process runs; each journey has a browser
without memory and customers of its own.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from itertools import count
from pathlib import Path
from sqlite3 import connect
from urllib.parse import urlencode
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    BrowserContext,
    Error as PlaywrightError,
    Page,
    expect,
    sync_playwright,
)
from redis import Redis

from hubbub.demo import EMAIL, PASSWORD
from hubbub.system import free_port
from tests.services.processes import kill
from tests.services.shared import missing

ROOT = Path(__file__).parents[2]
BOT = "telegram:700000001"
SMS = f"twilio:AC{'1':0>32}:+15550100"
#: Seconds until the demo is given up: it may start beside many other tests.
START_LIMIT = 400
#: Seconds until an answer, a lock or an end is given up.
LIMIT = 120
#: Beside what axe looks at anyway.
_STRICT = {"rules": {"target-size": {"enabled": True}}, "iframes": False}
#: Milliseconds until what a person waits for must be there; far above what it takes.
PATIENCE = 30_000
#: The first is Chromium without its own user interface, which takes a third of the time.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
expect.set_options(timeout=PATIENCE)


@pytest.fixture(autouse=True)
def _marked(request):
    """Say of every test here that it needs a browser."""
    request.node.add_marker("browser")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Say of a journey that failed what its pages showed and were refused, and what the hub said."""
    report = yield
    seen = item.stash.get(_SEEN, None)
    if report.failed and seen is not None:
        report.sections += [
            *((frame.url, shown(frame)) for page in seen.pages() for frame in page.frames),
            ("What pages asked in vain", "\n".join(seen.refused)),
            ("The hub's log", item.funcargs["demo"].said()),
        ]
    return report


def shown(frame):
    """The text of a page, as far as it can still be read."""
    try:
        return frame.locator("body").inner_text(timeout=1000)
    except PlaywrightError as error:
        return str(error)


@dataclass
class Seen:
    """The browsers of one journey, and what went wrong in them."""

    contexts: list[BrowserContext] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def pages(self):
        """All pages that are open."""
        return [page for context in self.contexts for page in context.pages]

    def watch(self, context):
        """Take a browser, and note what it complains about."""
        self.contexts.append(context)
        # Violations of the Content-Security-Policy are errors in the console, too.
        context.on("console", self._note)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("requestfailed", lambda asked: self._refuse(asked, asked.failure))
        context.on(
            "response",
            lambda answer: answer.status < 400 or self._refuse(answer.request, answer.status),
        )

    def _note(self, message):
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def _refuse(self, asked, why):
        self.refused.append(f"{datetime.now(UTC):%T} {asked.method} {asked.url}: {why}")


_SEEN: pytest.StashKey[Seen] = pytest.StashKey()


@dataclass
class Demo:
    """The hub that runs, and the sandbox beside it."""

    process: subprocess.Popen[str]
    folder: Path
    url: str
    sandbox: str
    environment: Mapping[str, str]

    def ask(self, method, path, body=None):
        """Steer the sandbox, or ask it."""
        request = Request(
            f"{self.sandbox}/_sandbox{path}",
            None if body is None else json.dumps(body).encode(),
            {"content-type": "application/json"},
            method=method,
        )
        with urlopen(request, timeout=LIMIT) as answer:
            return json.loads(answer.read() or b"null")

    def fault(self, **fault):
        """Let something go wrong once, for messages that contain a text."""
        self.ask("POST", "/faults", {"times": 1, **fault})

    def answer(self, question, content):
        """Answer, as a team does, in the conversation in which ``question`` was asked."""
        content = {"type": "text", "text": content} if isinstance(content, str) else content
        body = {"conversation_id": self.find(question)[0], "content": content}
        self.call("POST", "messages", body)

    def resolve(self, text):
        """Resolve the conversation in which ``text`` was said."""
        self.call("PATCH", f"conversations/{self.find(text)[0]}", {"status": "resolved"})

    def erase(self, text):
        """Erase who said ``text``."""
        self.call("DELETE", f"contacts/{self.find(text)[1]}")

    def find(self, text):
        """The conversation in which ``text`` was said, and its contact."""
        (found,) = self.sql(
            "SELECT conversation_id, contact_id FROM messages WHERE content LIKE ?", f"%{text}%"
        )
        return found

    def call(self, method, path, body=None):
        """Ask the hub's API for something."""
        request = Request(
            f"{self.url}/api/v1/{path}",
            None if body is None else json.dumps(body).encode(),
            {
                "authorization": f"Bearer {self.token}",
                "content-type": "application/json",
                "idempotency-key": uuid4().hex,
            },
            method=method,
        )
        urlopen(request, timeout=LIMIT).close()

    @cached_property
    def token(self):
        """A token for the API."""
        command = [sys.executable, "-m", "hubbub", "token", "create", "--name", "journeys"]
        made = subprocess.run(command, env=self.environment, capture_output=True, check=True)
        return made.stdout.decode().strip()

    def sql(self, statement, *values):
        """Look into the database, or change it behind the hub's back."""
        with closing(connect(self.folder / "var/hubbub.db", timeout=LIMIT)) as db, db:
            return db.execute(statement, values).fetchall()

    def relieve(self):
        """Forget how often the chat window was used: all visitors of journeys share one address."""
        with Redis(unix_socket_path=str(self.folder / "var/valkey.sock")) as valkey:
            for key in valkey.scan_iter("limit:widget:*"):
                valkey.delete(key)

    def said(self):
        """The last of what the hub logged."""
        return "\n".join((self.folder / "log").read_text().splitlines()[-60:])

    def kill(self, name):
        """End a process of the hub, and those that it started, as a power failure would."""
        kill(self.process.pid, f"hubbub {name}")


@pytest.fixture(scope="package")
def demo(tmp_path_factory):
    """The demo, as `make demo` runs it."""
    folder = tmp_path_factory.mktemp("demo")
    port = free_port("127.0.0.1", wanted=0)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HUBBUB_")},
        "PYTHONPATH": ":".join(sys.path),
        "HUBBUB_DATA_DIR": str(folder / "var"),
        "HUBBUB_PLUGINS_FILE": str(ROOT / "plugins.toml"),
    }
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "hubbub", "up", "--demo", "--port", str(port)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    guard = threading.Timer(START_LIMIT, process.kill)
    guard.start()
    try:
        said = "".join(
            iter(process.stdout.readline, "  Ctrl-C ends it.\n") if process.stdout else ()
        )
        found = re.search(r"Sandbox +(\S+)", said)
        assert found, f"The demo did not start: {(folder / 'log').read_text()[-2000:]}"
        guard.cancel()
        yield Demo(process, folder, f"http://127.0.0.1:{port}", found[1], environment)
    finally:
        guard.cancel()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=LIMIT)


@pytest.fixture(scope="package")
def chromium():
    """Chromium, with an empty profile. Playwright's loop must not outlive these tests."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        missing("There is no Chromium here.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def login(demo, chromium):
    """The cookies of somebody who logged in as the demo's admin."""
    # Replies go at once: what is sent is waited for in every journey.
    demo.sql("UPDATE users SET preferences = '{\"undo\": false}'")
    with chromium.new_context(base_url=demo.url) as context:
        page = context.new_page()
        log_in(page)
        return context.storage_state()


@pytest.fixture
def browser(request, demo, chromium, login):
    """Return fresh browsers, logged in unless told otherwise; none may have complained."""
    seen = request.node.stash[_SEEN] = Seen()

    def make(*, logged_in=True, **options):
        context = chromium.new_context(
            base_url=demo.url, storage_state=login if logged_in else None, **options
        )
        context.set_default_timeout(PATIENCE)
        seen.watch(context)
        return context

    yield make
    for context in seen.contexts:
        context.close()
    assert seen.complaints == []


@pytest.fixture
def widget(demo, settings):
    """The loader of the demo's chat window, which has no settings of its own."""
    demo.relieve()
    settings()
    ((key,),) = demo.sql("SELECT webhook_key FROM channels WHERE name = 'Webchat demo'")
    return f"{demo.url}/widget/{key}.js"


@pytest.fixture
def settings(demo):
    """Change the settings of the demo's chat window, for one test."""

    def change(**settings):
        demo.sql(
            "UPDATE channels SET settings = ?, version = version + 1 WHERE name = 'Webchat demo'",
            json.dumps(settings),
        )

    yield change
    change()


@pytest.fixture
def agent(browser):
    """The inbox, open in front of somebody who is logged in."""
    page = browser().new_page()
    page.goto("/inbox")
    return page


_numbers = count(1)


@dataclass
class Customer:
    """Somebody at the other end, with the sandbox's page in a tab."""

    name: str
    page: Page

    def write(self, text):
        self.page.locator("#text").fill(text)
        self.page.get_by_role("button", name="Send").click()

    def sees(self, text):
        expect(self.page.locator(".line:not(.mine)").filter(has_text=text)).to_be_visible()


@pytest.fixture
def customer(demo, browser, request):
    """Return new customers of a channel."""

    def make(channel=BOT, name=None):
        name = name or f"Ada {os.getpid()}-{next(_numbers)}"
        page = browser(logged_in=False).new_page()
        page.goto(f"{demo.sandbox}/?{urlencode({'channel': channel, 'persona': name})}")
        return Customer(name, page)

    return make


def log_in(page, email=EMAIL, password=PASSWORD):
    """Log in through the form."""
    page.goto("/login")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/inbox**")


def entry(page, text):
    """Return the conversation in the list that shows ``text``."""
    return page.locator(".entry").filter(has_text=text)


def enter(page, text):
    """Open the conversation that shows ``text`` and wait until its page is ready."""
    entry(page, text).first.click()
    page.wait_for_url("**/inbox/*")


def reply(page, text):
    """Answer in the open conversation, and return the bubble."""
    page.get_by_label("Reply to").fill(text)
    page.get_by_role("button", name="Send", exact=True).click()
    return page.locator(".bubble.out").filter(has_text=text)


def second_click(page, there):
    """Click for the second time where by now stands ``there``, which undoes the first click."""
    expect(there).to_be_visible()
    box = there.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down(click_count=2)
    page.mouse.up(click_count=2)


def stumbles(page, *, but=()):
    """Return what somebody would stumble over in a page: what axe finds, and what is too wide.

    ``page`` may be a frame in one, and ``but`` names rules that are no concern of a test.
    """
    violations = Axe().run(page, options=_STRICT).response["violations"]
    found = [one for one in violations if one["id"] not in but]
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [
        *((one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found),
        *([f"{wide} pixels wider than the screen"] if wide > 0 else []),
    ]
