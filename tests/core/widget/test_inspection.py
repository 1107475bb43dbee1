"""A channel is looked at through the public URL: what a proxy spoils there is found."""

import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from hubbub.sdk.widget import WidgetSettings
from hubbub.widget import inspection

SETTINGS = WidgetSettings(allowed_origins=("https://shop.example",))
POLICY = "default-src 'none'; frame-ancestors 'self' https://shop.example; trusted-types 'none'"


@contextmanager
def public(line, *, status=200, policy=POLICY, headers=(), pause=inspection.PAUSE):
    """Something that stands for a hub and its proxy; gives its address."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self):
            _, _, name = self.path.partition(f"/hub/widget/{line.webhook_key}")
            self.send_response(status)
            self.send_header("content-security-policy", policy)
            for one in headers:
                self.send_header(*one)
            self.end_headers()
            if name == "/probe":
                self.wfile.write(b": one")
                time.sleep(pause)
            self.wfile.write({".js": b"HubChat()", "/frame": b"<!doctype html>"}.get(name, b"."))

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hub"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def line(shop, monkeypatch):
    monkeypatch.setattr(inspection, "PAUSE", 0.2)
    return shop.world.line(shop.channel_id)


def found(line, **spoilt):
    with public(line, **{"pause": 0.2, **spoilt}) as url:
        return {
            one.code: (one.ok, bool(one.fix)) for one in inspection.inspect(url, line, SETTINGS)
        }


FINE, WARNED, BAD = (True, False), (True, True), (False, True)


@pytest.mark.parametrize(
    ("spoilt", "what"),
    [
        ({}, {}),
        ({"policy": "frame-ancestors 'none';"}, {"frame": BAD}),
        ({"headers": [("X-Frame-Options", "DENY")]}, {"frame": BAD}),
        ({"pause": 0}, {"stream": WARNED}),
        ({"status": 502}, {"loader": BAD, "stream": WARNED}),
        ({"status": 503}, {"loader": BAD, "stream": WARNED}),
    ],
)
def test_what_is_spoilt_on_the_way_is_found(line, spoilt, what):
    assert found(line, **spoilt) == {"loader": FINE, "frame": FINE, "stream": FINE, **what}


def test_where_nobody_answers_it_is_said(line):
    with public(line) as url:
        pass
    (only,) = inspection.inspect(url, line, SETTINGS)
    assert (only.code, only.ok) == ("reached", False)


def test_the_probe_comes_in_two_pieces_and_gives_its_place_back(shop, line):
    web = shop.app.test_client()
    for _ in range(4):
        answer = web.get(f"/widget/{shop.key}/probe", buffered=True)
        assert answer.headers["X-Accel-Buffering"] == "no"
        assert answer.get_data() == b": one\n\n: two\n\n"
