"""A stream tells what is new, from where the window left off, and gives up its place."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from itertools import islice

import pytest

from hubbub.api.problems import Refusal
from hubbub.live import AGENT_TYPES, GAP, VISITOR_TYPES, LiveEvent
from hubbub.store.session import DatabaseDown
from hubbub.widget import shown
from hubbub.widget.shown import Place
from hubbub.widget.stream import Room, events, listen


@pytest.fixture
def ada(shop):
    window = shop.visitor()
    window.write("Hello")
    return window


@pytest.fixture
def place(shop, ada):
    found = shop.world.one(
        "select c.id, a.address from conversations c join addresses a on a.id = c.address_id"
    )
    return Place(key=shop.key, conversation_id=found["id"], address=found["address"])


def told(text):
    """Name, number and data of one event."""
    fields = dict(line.split(": ", 1) for line in text.strip().split("\n"))
    return fields.get("event"), fields.get("id"), json.loads(fields.get("data", "null"))


def test_a_stream_begins_with_what_was_missed_and_goes_on_with_what_is_new(shop, ada, place):
    shop.answer("One")
    with listen(shop.hub, place) as news:
        flow = events(shop.hub, place, 1, news, lambda: True)
        assert next(flow) == "retry: 2000\n\n"
        name, number, message = told(next(flow))
        assert (name, number, message["content"]["text"]) == ("message", "2", "One")
        assert told(next(flow))[0] == "state"
        shop.answer("Two")
        news.put(LiveEvent("status", None, place.conversation_id))
        name, number, message = told(next(flow))
        assert (name, number, message["content"]["text"]) == ("message", "3", "Two")


def test_lost_news_costs_nothing_but_the_time_to_the_next_sign_of_life(shop, ada, place):
    with listen(shop.hub, place) as news:
        flow = events(shop.hub, place, 1, news, lambda: True)
        assert [told(one)[0] for one in islice(flow, 1, 2)] == ["state"]
        shop.answer("Nobody told you")
        news.put(None)
        assert told(next(flow))[2]["content"]["text"] == "Nobody told you"


def test_a_stream_ends_where_the_database_is_away_and_goes_on_with_the_next(
    shop, ada, place, monkeypatch
):
    def away(*_):
        raise DatabaseDown("The database (here) did not answer.")

    with listen(shop.hub, place) as news:
        flow = events(shop.hub, place, 0, news, lambda: True)
        assert [told(one)[0] for one in islice(flow, 1, 3)] == ["message", "state"]
        shop.answer("One")
        with monkeypatch.context() as patch:
            patch.setattr(shown, "standing", away)
            news.put(None)
            assert list(flow) == []
        flow = events(shop.hub, place, 1, news, lambda: True)
        assert told(list(islice(flow, 2))[1])[2]["content"]["text"] == "One"


def test_the_news_of_others_wakes_no_stream(shop, ada, place):
    with listen(shop.hub, place) as news:
        shop.hub.live._fan_out(
            [
                LiveEvent("message", None, "another conversation"),
                LiveEvent(VISITOR_TYPES, None, place.conversation_id),
            ]
        )
        assert news.get(0) is None
        own = LiveEvent("message", None, place.conversation_id)
        shop.hub.live._fan_out([own, GAP])
        assert [news.get(0), news.get(0)] == [own, GAP]


def test_that_somebody_is_writing_is_told_without_a_number(shop, ada, place):
    with listen(shop.hub, place) as news:
        flow = events(shop.hub, place, 1, news, lambda: True)
        list(islice(flow, 2))
        news.put(LiveEvent(AGENT_TYPES, None, place.conversation_id))
        assert told(next(flow)) == ("typing", None, {})


def test_a_stream_ends_when_its_conversation_is_erased(shop, ada, place):
    from hubbub.contacts.erase import erase_contact

    with listen(shop.hub, place) as news:
        flow = events(shop.hub, place, 1, news, lambda: True)
        list(islice(flow, 2))
        erase_contact(shop.hub, shop.world.one("select id from contacts")["id"], actor="cli")
        news.put(None)
        assert [told(one)[0] for one in flow] == ["gone"]


def test_who_is_not_welcome_any_more_hears_no_more_after_the_next_heartbeat(shop, ada, place):
    with listen(shop.hub, place) as news:
        flow = events(shop.hub, place, 1, news, lambda: False)
        list(islice(flow, 2))
        news.put(None)
        assert list(flow) == []


def test_over_http_a_stream_resumes_by_the_last_number(shop, ada):
    shop.answer("One")
    headers = {"Authorization": f"Bearer {ada.token}", "Last-Event-ID": "1"}
    answer = ada.web.get(f"/widget/{shop.key}/stream", headers=headers, buffered=False)
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert (answer.headers["Cache-Control"], answer.headers["X-Accel-Buffering"]) == (
        "no-store",
        "no",
    )
    parts = islice(answer.iter_encoded(), 2)
    assert told([one.decode() for one in parts][1])[1] == "2"
    answer.close()


def test_before_the_first_word_there_is_nothing_to_stream(shop):
    eve = shop.visitor()
    assert eve.ask("GET", "stream").status_code == 404
    assert eve.ask("GET", "events").json == {"messages": [], "state": None}


def test_a_window_without_a_stream_asks_and_is_answered_at_once(shop, ada):
    found = ada.ask("GET", "events", query_string={"after": 0, "wait": 20}).json
    assert [one["seq"] for one in found["messages"]] == [1]
    assert found["state"]["status"] == "open"


class Crowd:
    """Streams that stay open in a room until they are ended."""

    def __init__(self, streams):
        self.room = Room(streams)
        self.open: list[ExitStack] = []

    def enter(self, visitor, network, make_room: Callable[[], None] = lambda: None):
        """Take a place; return how to give it back."""
        place = ExitStack()
        place.enter_context(self.room.place(visitor, network, make_room))
        self.open.append(place)
        return place.close

    def status(self, visitor, network):
        """The status with which a stream is refused; None: it found a place."""
        try:
            self.enter(visitor, network)
        except Refusal as refused:
            return refused.problem.status
        return None


def test_case_07_a_full_room_asks_to_come_back():
    crowd = Crowd(streams=2)
    leave = crowd.enter("a", "net 1")
    crowd.enter("b", "net 2")
    with pytest.raises(Refusal) as refused:
        crowd.enter("c", "net 3")
    assert refused.value.problem.status == 503
    assert 5 <= int(refused.value.problem.headers["Retry-After"]) <= 15
    leave()
    assert crowd.status("c", "net 3") is None


def test_case_15_of_200_streams_of_one_visitor_the_three_newest_are_open():
    crowd = Crowd(streams=4)
    leaving: dict[int, Callable[[], None]] = {}

    def make_room(number: int) -> None:
        leaving.pop(number)()

    for number in range(200):
        leaving[number] = crowd.enter("a", "net", partial(make_room, number))
    assert list(leaving) == [197, 198, 199]
    assert crowd.status("b", "net") is None


def test_a_stream_that_was_asked_to_go_takes_up_its_place_until_it_is_gone():
    crowd = Crowd(streams=4)
    asked: list[str] = []
    first = crowd.enter("a", "net", lambda: asked.append("first"))
    for _ in range(3):
        crowd.enter("a", "net")
    assert asked == ["first"]
    assert crowd.status("b", "net") == 503
    first()
    assert crowd.status("b", "net") is None
    assert asked == ["first"]


def test_case_15_of_200_streams_from_one_place_fifty_are_open():
    crowd = Crowd(streams=256)
    statuses = [crowd.status(f"v{number}", "net") for number in range(200)]
    assert statuses == [None] * 50 + [429] * 150
    assert crowd.status("last", "another net") is None


def test_who_turns_pages_quickly_has_a_stream_on_the_last_of_them(shop, ada):
    headers = {"Authorization": f"Bearer {ada.token}"}
    answers = [
        ada.web.get(f"/widget/{shop.key}/stream", headers=headers, buffered=False) for _ in range(5)
    ]
    assert [answer.status_code for answer in answers] == [200] * 5
    # Of pages that were left nobody closes the stream; two of five are told to end.
    ended = [[told(one.decode())[0] for one in answer.iter_encoded()] for answer in answers[:2]]
    assert ended == [[None, "message", "state", "crowded"]] * 2
    for answer in answers:
        answer.close()
    assert not shop.hub.live._subscriptions


def test_a_stream_that_cannot_begin_holds_no_place(shop, ada, monkeypatch):
    def fails(*_):
        raise RuntimeError("It cannot be subscribed to.")

    with monkeypatch.context() as broken:
        broken.setattr("hubbub.widget.calls.listen", fails)
        for _ in range(4):
            assert ada.ask("GET", "stream").status_code == 500
    answer = ada.ask("GET", "stream")
    assert answer.status_code == 200
    answer.close()
