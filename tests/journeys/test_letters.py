"""A letter is read as text, shown as written without harm, and its pictures are asked for."""

import base64
import json
import struct
import threading
import zlib
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import expect

from hubbub.media import MediaStore
from hubbub.store.types import new_id
from tests.journeys.conftest import enter, reply, stumbles

PNG = "image/png"
HOSTILE = """
<html><head><base href="{away}/base/"><meta http-equiv="refresh" content="0; url={away}/refresh">
<link rel="stylesheet" href="{away}/link.css"><link rel="preconnect" href="{away}">
<style>@import "{away}/import.css"; body {{ background: url({away}/style.png) }}</style></head>
<body onload="top.document.title = 'Owned'" background="{away}/background.png">
<h2>Your order</h2>
<script>top.document.title = 'Owned'</script>
<svg onload="top.document.title = 'Owned'"><image href="{away}/svg.png"/></svg>
<img src="{away}/broken" onerror="top.document.title = 'Owned'" alt="A shop">
<div style="position: fixed; inset: 0; background-image: url({away}/css.png)">Over all</div>
<form action="{away}/form"><input name="password"><button>Go on</button></form>
<iframe src="{away}/frame"></iframe><object data="{away}/object"></object>
<video src="{away}/video" poster="{away}/poster.png" autoplay></video>
<a href="javascript:top.document.title = 'Owned'">Script</a>
<a href="data:text/html,&lt;script&gt;1&lt;/script&gt;">Data</a>
<p><a href="{away}/seen" target="_top" ping="{away}/ping">www.bank.example</a></p>
<p>Ours: <img src="cid:logo" alt="Logo"></p>
<p>Away: <img src="{away}/picture.png" alt="Parcel"></p>
</body></html>
"""


def picture(width=40, height=30):
    """Return a PNG of one colour."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = zlib.compress((b"\0" + b"\x2f\x6f\x5e" * width) * height)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


class Away(ThreadingHTTPServer):
    """Somebody else's server, which notes who asks for what."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.asked: list[tuple[str, dict[str, str]]] = []


class Handler(BaseHTTPRequestHandler):
    """Answers with a picture, or a page."""

    server: Away

    def do_GET(self):
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.asked.append((self.path, headers))
        kind = PNG if "png" in self.path else "text/html"
        body = picture() if "png" in self.path else b"<title>Elsewhere</title>"
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def away():
    """Somebody else's server."""
    with Away() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def letter(demo, customer, away):
    """Make a letter of what somebody wrote, and return who."""

    def make(**content):
        ada = customer()
        ada.write(f"Hello from {ada.name}")
        ada.page.wait_for_timeout(0)
        where = "WHERE sender_name = ?"
        while not demo.sql(f"SELECT id FROM messages {where}", ada.name):
            ada.page.wait_for_timeout(50)
        written = {"type": "email", "subject": "Re: order 12", "text": "", **content}
        demo.sql(
            f"UPDATE messages SET kind = 'email', content = ? {where}",
            json.dumps(written),
            ada.name,
        )
        return ada

    return make


@pytest.fixture
def reader(demo, chromium, login):
    """Return pages of somebody who reads letters, and what their browser asked for and said.

    Not of the fixture ``browser``: Playwright's own scripts are refused in the frame of a letter,
    which Chromium says.
    """
    with chromium.new_context(base_url=demo.url, storage_state=login) as context:
        asked, said = [], []
        context.on("request", lambda request: asked.append(request.url))
        context.on("console", lambda message: said.append(message.text))
        page = context.new_page()
        page.goto("/inbox")
        yield page, asked, said


def test_a_hostile_letter_does_nothing_and_its_pictures_are_shown_when_asked_for(
    demo, reader, letter, away
):
    ada = letter(
        text="It is broken.\n\n> Is it?\n> We think not.",
        visible="It is broken.",
        html=HOSTILE.format(away=away.url),
        attachments=[{"id": keep_picture(demo), "cid": "logo", "mime_type": PNG, "state": "ready"}],
    )
    page, asked, said = reader
    enter(page, ada.name)
    bubble = page.locator(".bubble.letter")
    expect(bubble.get_by_role("heading", name="Re: order 12")).to_be_visible()
    bubble.get_by_text("Show quoted text").click()
    expect(bubble.get_by_text("We think not.")).to_be_visible()
    with page.expect_response("**/api/v1/media/**"):
        bubble.get_by_text("Show as written").click()
    # Nothing was even tried that the policy of the page would forbid.
    assert said == []

    frame = bubble.frame_locator("iframe")
    expect(frame.get_by_role("heading", name="Your order")).to_be_visible()
    expect(frame.get_by_text("(leads to 127.0.0.1)")).to_be_visible()
    expect(frame.get_by_alt_text("Logo")).to_have_js_property("naturalWidth", 40)
    page.route("**/pictures?*", lambda route: route.fulfill(body=picture(), content_type=PNG))
    bubble.get_by_text("Show pictures from elsewhere").click()
    expect(frame.get_by_alt_text("Parcel")).to_have_js_property("naturalWidth", 40)
    assert sum("/pictures?" in url for url in asked) == 2
    page.unroute("**/pictures?*")
    # The demo may call what runs beside it, and strangers may not have it do so.
    refused = next(url for url in asked if "/pictures?" in url)
    assert page.request.get(refused).status == 404
    assert away.asked == []
    assert all(url.startswith(f"{demo.url}/") for url in asked)

    with page.context.expect_page() as opened:
        frame.get_by_role("link", name="www.bank.example").click()
    expect(opened.value).to_have_title("Elsewhere")
    assert opened.value.evaluate("[window.opener, document.referrer]") == [None, ""]
    with page.context.expect_page() as opened:
        bubble.get_by_text("Open in a tab").click()
    expect(opened.value.get_by_role("heading", name="Your order")).to_be_visible()
    assert page.title() != "Owned"


def test_letters_are_read_on_a_narrow_screen_in_the_dark_and_without_script(browser, letter):
    ada = letter(subject="Unbroken" * 40, html="<p>Only this.</p><a href='https://a.example'>a</a>")
    page = browser(
        viewport={"width": 320, "height": 640}, color_scheme="dark", java_script_enabled=False
    ).new_page()
    page.goto("/inbox")
    enter(page, ada.name)
    expect(page.frame_locator(".letter iframe").get_by_text("Only this.")).to_be_visible()
    scripted = browser(viewport={"width": 320, "height": 640}).new_page()
    scripted.goto(page.url)
    assert stumbles(scripted) == []


def test_a_letter_with_a_picture_is_read_and_answered_with_files(demo, browser):
    demo.ask("POST", "/email/support@example.com/letters", {"raw": raw_letter()})
    page = browser().new_page()
    page.goto("/inbox")
    enter(page, "Re: order 4711 · It is broken.")
    expect(page.locator(".files")).to_contain_text("invoice.pdf")
    with page.expect_response("**/api/v1/media/**"):
        page.get_by_text("Show as written").click()
    page.get_by_text("Subject: Re: order 4711").click()
    page.get_by_label("Subject", exact=True).fill("Re: order 4711, a new one")
    files = [("new.png", PNG, picture()), ("note.txt", "text/plain", b"Hello")]
    page.locator("#file").set_input_files(
        [{"name": name, "mimeType": kind, "buffer": body} for name, kind, body in files]
    )
    bubble = reply(page, "We send you a new one.")
    expect(bubble.locator(".tick")).to_contain_text("sent")
    expect(bubble.get_by_role("heading")).to_have_text("Re: order 4711, a new one")
    expect(bubble.locator(".files")).to_contain_text("note.txt")
    assert stumbles(page) == []


def raw_letter():
    """Return a letter as the sandbox takes it."""
    letter = EmailMessage()
    letter["From"], letter["To"] = "Ada <ada@personas.example>", "support@example.com"
    letter["Subject"], letter["Message-ID"] = "Re: order 4711", "<4711@personas.example>"
    letter.set_content("It is broken.\n\n> Is it?\n")
    letter.add_alternative('<p>It is broken: <img src="cid:one" alt="See">', subtype="html")
    letter.get_payload()[1].add_related(picture(400, 300), "image", "png", cid="<one>")  # type: ignore[index,union-attr]  # a part with parts
    letter.add_attachment(
        b"%PDF-1.4 x", maintype="application", subtype="pdf", filename="invoice.pdf"
    )
    return base64.b64encode(letter.as_bytes()).decode()


def keep_picture(demo):
    """Keep a picture as if it had come with a letter, and return its id."""
    media_id, body = new_id(), picture()
    MediaStore(f"file://{demo.folder}/var/media").put(media_id, body)
    demo.sql(
        "INSERT INTO media (id, state, reason, mime_type, size, width, height, attempts, created_at)"
        " VALUES (?, 'ready', '', 'image/png', ?, 40, 30, 0, '2026-01-01 00:00:00')",
        media_id,
        len(body),
    )
    return media_id
