"""A hub of real processes loses and doubles nothing of what is said while parts of it die."""

import json
import random
import sys
import threading
import time
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from itertools import groupby
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from hubbub.connect.routes import WantedRoutes, save_routes
from hubbub.connect.work import create_channel
from hubbub.store.session import reading
from hubbub.track.ledger import ledger
from hubbub.widget.inspection import inspect
from tests.services.whole import STREAMS, whole_hub
from tests.services.window import Window

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="It looks into /proc.")
VISITORS, EACH = 40, 10
SAYINGS = [f"say w{number:02}" for number in range(EACH)]
STORED = "select conversation_id, direction, content from messages order by conversation_id, seq"
ANSWERS = [f"answer {number:02}" for number in range(EACH)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A whole hub with a chat window, behind which a bot answers."""
    made = []

    def prepare(hub):
        made.append(
            create_channel(
                hub, type="webchat", name="Shop", credentials={}, settings={}, actor="cli"
            )
        )
        answers = [
            {"match": saying.removeprefix("say "), "reply": answer}
            for saying, answer in zip(SAYINGS, ANSWERS, strict=True)
        ]
        bot = {"type": "keyword", "answers": answers}
        save_routes(hub, made[0], WantedRoutes(routes=[], fallback=bot), actor="cli")

    with whole_hub(tmp_path_factory.mktemp("whole"), prepare) as hub:
        (hub.channel_id,) = made
        hub.key = hub.line(hub.channel_id).webhook_key
        yield hub


def window(whole, number):
    address = f"198.51.{100 + number // 250}.{number % 250 + 1}"
    return Window([whole.url], whole.key, random.Random(number), address=address).begin()


def live(window, dice):
    for saying in SAYINGS:
        window.write(saying)
        time.sleep(dice.random() * 0.1)


def until(true, seconds=300.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "It did not come about."
        time.sleep(0.05)


def torment(whole, windows):
    """Kill one part after the other, each when so much more was said."""
    parts = ["hubbub web", "valkey-server", "hubbub web", "hubbub courier"]
    for number, part in enumerate(parts, 1):
        share = VISITORS * EACH * number / (len(parts) + 1)
        until(lambda share=share: sum(len(one.said) for one in windows) >= share)
        whole.kill(part)


def test_case_05_under_cuts_and_deaths_each_message_is_there_once_and_in_order(whole):
    windows = [window(whole, number).watch() for number in range(VISITORS)]
    writers = [
        threading.Thread(target=live, args=(one, random.Random(number)))
        for number, one in enumerate(windows)
    ]
    for one in writers:
        one.start()
    torment(whole, windows)
    for one in writers:
        one.join()
    until(lambda: all(len(one.shown) >= 2 * EACH for one in windows))
    for one in windows:
        one.close()
    for one in windows:
        one.ended()
        assert one.said == SAYINGS
        assert [message["seq"] for message in one.shown] == list(range(1, 2 * EACH + 1))
        assert [texts(one.shown, own) for own in (True, False)] == [SAYINGS, ANSWERS]
    with reading(whole.hub.engine) as db:
        rows = db.execute(text(STORED)).all()
        assert ledger(db).balanced
    talks = [list(talk) for _, talk in groupby(rows, key=lambda row: row.conversation_id)]
    stored = [[texts_of(talk, way) for way in ("inbound", "outbound")] for talk in talks]
    assert stored == [[SAYINGS, ANSWERS]] * VISITORS


def texts(shown, own):
    return [message["content"]["text"] for message in shown if message["own"] is own]


def texts_of(rows, direction):
    return [json.loads(row.content)["text"] for row in rows if row.direction == direction]


@contextmanager
def streams(whole, windows):
    """Open streams until there is no more room; give the last answer."""
    links = []
    try:
        for one in windows:
            for _ in range(3):
                links.append(HTTPConnection(urlsplit(whole.url).netloc, timeout=20))
                links[-1].request("GET", one.path("stream"), headers=one.headers)
                answer = links[-1].getresponse()
                if answer.status != 200:
                    break
        yield answer
    finally:
        for link in links:
            link.close()


def test_the_doctor_finds_nothing_wrong_with_a_window_that_is_reached(whole):
    line = whole.line(whole.channel_id)
    found = list(inspect(whole.url, line, line.settings))
    assert [(one.code, one.ok, one.fix) for one in found] == [
        ("loader", True, ""),
        ("frame", True, ""),
        ("stream", True, ""),
    ]


def test_case_07_streams_that_fill_the_room_keep_nobody_from_being_answered(whole):
    # Some of the room may still be taken by those who were cut off in the test before.
    windows = [window(whole, 1000 + one) for one in range(STREAMS // 3 + 1)]
    for one in windows:
        # Many conversations begin at once here, so that a form comes first.
        one.say({"type": "form", "fields": {"email": "ada@example.com"}})
    with streams(whole, windows) as refused:
        assert refused.status == 503
        assert 5 <= int(refused.headers["retry-after"]) <= 15
        polled = windows[-1].until("GET", "events?after=0&wait=0")
        assert polled["messages"][0]["content"]["type"] == "form"
        for method, path, status in (
            ("POST", f"/webhooks/{whole.key}", 404),
            ("GET", "/login", 200),
            ("GET", "/readyz", 200),
        ):
            # Who waited for room would wait until a stream ends, and none does.
            with closing(HTTPConnection(urlsplit(whole.url).netloc, timeout=60)) as link:
                link.request(method, path)
                assert link.getresponse().status == status
