from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from hubbub import live as live_module
from hubbub.live import GAP, Live, LiveEvent
from hubbub.redis_client import make_redis

NEWS = LiveEvent("message", "channel", "conversation", "message")


@pytest.fixture(autouse=True)
def _stopping_is_quick(monkeypatch):
    monkeypatch.setattr(live_module, "_LOOK_UP", 0.02)


@pytest.fixture
def live(valkey):
    live = Live(valkey)
    yield live
    live.close()


@pytest.fixture
def other(valkey):
    """The same of another process."""
    return Live(valkey)


def test_every_subscription_hears_what_any_process_tells(live, other):
    with live.subscribe() as first, live.subscribe() as second:
        other.publish([NEWS, LiveEvent("channel")])
        for page in (first, second):
            assert [page.get(5), page.get(5)] == [NEWS, LiveEvent("channel")]


def test_a_closed_subscription_hears_nothing_more(live, other):
    closed, page = live.subscribe(), live.subscribe()
    closed.close()
    other.publish([NEWS])
    assert page.get(5) == NEWS
    assert list(closed) == []


def test_closing_wakes_whoever_iterates(live):
    page = live.subscribe(heartbeat=timedelta(minutes=1))
    news = iter(page)
    page.put(NEWS)
    assert next(news) == NEWS
    page.close()
    assert list(news) == []


def test_silence_yields_heartbeats(live):
    with live.subscribe(heartbeat=timedelta(milliseconds=1)) as page:
        assert next(iter(page)) is None


def test_a_slow_page_loses_its_queue_and_is_told_to_load_anew(live):
    with live.subscribe(size=2) as page:
        for _ in range(3):
            page.put(NEWS)
        assert page.get(0) == GAP
        assert page.get(0) is None


def test_a_lost_connection_is_mended_and_the_gap_is_told(live, other, valkey):
    with live.subscribe() as page:
        assert live.listen(wait=5)
        assert valkey.client_kill_filter(_type="pubsub") == 1
        assert page.get(5) == GAP
        other.publish([NEWS])
        assert page.get(5) == NEWS


@pytest.mark.parametrize("data", [b"not JSON", b"[[1]]", b'[["a", "b", "c", "d", "e"]]', b"7"])
def test_news_of_another_version_is_a_gap(live, valkey, data):
    with live.subscribe() as page:
        valkey.publish("live", data)
        assert page.get(5) == GAP


def test_while_redis_is_away_nothing_is_raised_and_each_side_says_so_once(tmp_path, eventually):
    with make_redis(f"unix://{tmp_path}/nobody.sock") as away, capture_logs() as logs:
        live = Live(away)
        for _ in range(3):
            live.publish([NEWS])
        live.listen()
        eventually(lambda: len(logs) == 2)
        with live.subscribe(heartbeat=timedelta(milliseconds=1)) as page:
            assert next(iter(page)) is None
        live.close()
    assert [entry["event"] for entry in logs] == ["redis does not answer"] * 2


def test_closing_ends_every_subscription(valkey):
    live = Live(valkey)
    page = live.subscribe(heartbeat=timedelta(minutes=1))
    live.close()
    assert list(page) == []
