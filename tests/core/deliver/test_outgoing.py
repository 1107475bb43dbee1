"""Many attempts at once over real connections: each ends once, and none holds up another."""

import errno
import queue
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from hubbub.deliver import outgoing
from hubbub.deliver.attempt import Result
from hubbub.deliver.outgoing import Outgoing
from hubbub.guard import Guard
from hubbub.sdk.errors import OutcomeUnknown, SendError
from hubbub.sdk.values import HttpRequest
from hubbub.transport import HttpTransport
from tests.services.peers import LOOPBACK

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def request(url, *, timeout=5.0, **more):
    return HttpRequest(method="POST", url=url, timeout=timedelta(seconds=timeout), **more)


#: Of a type whose parts need nothing that has to be looked up.
PLAIN = SimpleNamespace(capabilities=SimpleNamespace(threads=False))


def parcel(*requests, content=None):
    """A parcel whose attempt makes ``requests`` one after the other."""
    row = SimpleNamespace(content=None, message_content=content or {"type": "text", "text": "x"})
    return SimpleNamespace(
        id="p",
        row=row,
        to_contact=True,
        line=SimpleNamespace(id="c", hooks=PLAIN),
        requests=requests,
    )


def attempting(hub, given):
    """Stand in for a channel type: what it was answered is its result's ``exchanges``."""
    heard = []
    try:
        for one in given.requests:
            if isinstance(one, BaseException):
                raise one
            if isinstance(one, float):
                time.sleep(one)
                continue
            heard.append((yield one).status)
    except SendError as error:
        return Result(parcel=given, started_at=NOW, error=error, exchanges=heard)
    return Result(parcel=given, started_at=NOW, exchanges=heard)


class Sender:
    """An `Outgoing` and the results that came out of it."""

    def __init__(self, transport, size=8):
        self.results: queue.Queue[Result] = queue.Queue()
        hub: Any = SimpleNamespace(http=transport, now=lambda: NOW, media=None)
        self.outgoing = Outgoing(hub, self._take, size=size)

    def _take(self, results):
        for result in results:
            self.results.put(result)

    def send(self, *parcels):
        self.outgoing.make(parcels)

    def ended(self, count=1, within=30.0):
        until = time.monotonic() + within
        return [self.results.get(timeout=until - time.monotonic()) for _ in range(count)]


@pytest.fixture
def sender(monkeypatch, certificate):
    monkeypatch.setattr(outgoing, "attempting", attempting)

    def lookup(host, port, **_):
        return [(socket.AF_INET, 1, 6, "", ("127.0.0.1", port))]

    transport = HttpTransport(Guard(LOOPBACK, lookup=lookup), tls=certificate[1])
    made = Sender(transport)
    yield made
    made.outgoing.close()
    transport.close()


@pytest.fixture
def hub_thread(monkeypatch):
    """Return the names of the threads in which requests were made."""
    seen = []
    resumed, perform = HttpTransport._resumed, HttpTransport.perform

    def note(how):
        def noted(*given, **named):
            seen.append(threading.current_thread().name.partition("_")[0])
            return how(*given, **named)

        return noted

    monkeypatch.setattr(HttpTransport, "perform", note(perform))
    monkeypatch.setattr(HttpTransport, "_resumed", note(resumed))
    return seen


def polite(peer):
    while True:
        peer.request()
        peer.answer(b'{"ok":true}')


def drop(peer):
    """Answer once, then break off half-way."""
    peer.request()
    peer.answer()
    peer.request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab")


def silent(peer):
    peer.request()
    peer.answer()
    peer.request()
    peer.stopped.wait(60)


def test_every_parcel_ends_once_over_connections_that_stay_open(sender, serve):
    server = serve(polite)
    parcels = [parcel(request(server.url(), body=b"%d" % number)) for number in range(200)]

    for start in range(0, 200, 8):
        sender.send(*parcels[start : start + 8])
        ended = sender.ended(8)
        assert {id(one.parcel) for one in ended} == {id(one) for one in parcels[start : start + 8]}
        assert all(one.exchanges == [200] for one in ended)

    assert sorted(int(body) for _, body in server.requests) == list(range(200))
    assert server.connections <= 8


def test_what_goes_over_an_open_connection_needs_no_thread_of_its_own(sender, serve, hub_thread):
    server = serve(polite)
    sender.send(parcel(request(server.url())))
    sender.ended()
    hub_thread.clear()

    for _ in range(5):
        sender.send(parcel(request(server.url())))
        sender.ended()

    assert set(hub_thread) == {"outgoing"}


def test_an_encrypted_connection_is_kept_and_read_to_its_end(sender, serve, certificate):
    server = serve(polite, tls=certificate[0])
    for _ in range(4):
        sender.send(parcel(request(server.url(host="hub.test"), body=bytes(100_000))))
        assert sender.ended()[0].exchanges == [200]
    assert server.connections == 1


def test_an_answer_of_several_records_is_read_whole(sender, serve, certificate):
    def handle(peer):
        while True:
            peer.request()
            peer.answer(b"y" * 200_000)

    server = serve(handle, tls=certificate[0])
    for _ in range(3):
        sender.send(parcel(request(server.url(host="hub.test"))))
        assert sender.ended()[0].exchanges == [200]
    assert server.connections == 1


def test_an_attempt_of_several_requests_goes_on_with_each_answer(sender, serve):
    server = serve(polite)
    sender.send(parcel(request(server.url("/1")), request(server.url("/2"))))
    sender.ended()
    sender.send(parcel(*(request(server.url(f"/{number}")) for number in (3, 4, 5))))

    assert sender.ended()[0].exchanges == [200, 200, 200]
    assert [head.split()[1] for head, _ in server.requests] == [b"/%d" % n for n in range(1, 6)]


def test_a_silent_provider_holds_up_nobody(sender, serve):
    quiet, quick = serve(silent), serve(polite)
    sender.send(parcel(request(quiet.url())), parcel(request(quick.url())))
    sender.ended(2)

    sender.send(parcel(request(quiet.url(), timeout=50)))
    for _ in range(20):
        sender.send(parcel(request(quick.url())))
        assert sender.ended()[0].error is None


def test_a_silent_provider_is_given_up_in_time(sender, serve):
    quiet = serve(silent)
    sender.send(parcel(request(quiet.url())))
    sender.ended()

    sender.send(parcel(request(quiet.url(), timeout=0.6)))
    [late] = sender.ended()

    assert isinstance(late.error, OutcomeUnknown)
    assert "no answer in time" in late.error.detail


def test_an_answer_that_breaks_off_is_an_unknown_outcome(sender, serve):
    server = serve(drop)
    sender.send(parcel(request(server.url())))
    sender.ended()
    sender.send(parcel(request(server.url())))

    assert isinstance(sender.ended()[0].error, OutcomeUnknown)


def test_a_connection_that_closed_meanwhile_is_replaced(sender, serve):
    def once(peer):
        peer.request()
        peer.answer()

    server = serve(once)
    for _ in range(3):
        sender.send(parcel(request(server.url())))
        assert sender.ended()[0].exchanges == [200]
        assert server.left.acquire(timeout=5)
    assert server.connections == 3


def test_a_large_body_goes_out_as_fast_as_it_is_read(sender, serve):
    def slow(peer):
        peer.request()
        peer.answer()
        time.sleep(0.2)  # the buffers of both sides are full by then
        peer.request()
        peer.answer()

    server = serve(slow)
    sender.send(parcel(request(server.url())))
    sender.ended()
    sender.send(parcel(request(server.url(), body=bytes(20_000_000))))

    assert sender.ended()[0].exchanges == [200]
    assert len(server.requests[1][1]) == 20_000_000


@pytest.mark.parametrize("error", [ZeroDivisionError(), SystemExit(1), KeyboardInterrupt()])
@pytest.mark.parametrize("before", [0, 1])
def test_a_channel_type_that_fails_ends_its_parcel_and_no_other(sender, serve, before, error):
    server = serve(polite)
    sender.send(parcel(request(server.url())))
    sender.ended()
    failing = parcel(*[request(server.url())] * before, error)

    sender.send(failing, parcel(request(server.url())))

    by_failing = {one.parcel is failing: one for one in sender.ended(2)}
    assert by_failing[True].error.code == "hub_error"
    assert by_failing[False].exchanges == [200]


@pytest.mark.parametrize("error", [ZeroDivisionError(), SystemExit(1)])
def test_a_channel_type_that_fails_in_a_thread_of_its_own_has_a_result(sender, error):
    sender.send(parcel(error, content={"type": "image", "media": {"id": "m"}}))
    assert sender.ended()[0].error.code == "hub_error"


def test_a_channel_type_that_takes_its_time_makes_no_answer_late(sender, serve):
    server = serve(polite)
    sender.send(*[parcel(request(server.url()))] * 2)
    sender.ended(2)

    sender.send(parcel(request(server.url(), timeout=1)), parcel(1.3, request(server.url())))

    assert [one.error for one in sender.ended(2)] == [None, None]


def test_a_request_that_is_refused_is_told_to_who_asked_for_it(sender, serve):
    server = serve(polite)
    sender.send(parcel(request(server.url())))
    sender.ended()
    sender.send(parcel(request(server.url(), headers={"host": "other"})))

    assert sender.ended()[0].error.code == "refused"


def test_what_needs_a_file_waits_in_a_thread(sender, serve, hub_thread):
    server = serve(polite)
    sender.send(parcel(request(server.url())))
    sender.ended()
    hub_thread.clear()
    picture = {"type": "image", "media": {"id": "m"}}

    sender.send(parcel(request(server.url()), content=picture))

    assert sender.ended()[0].exchanges == [200]
    assert set(hub_thread) == {"attempt"}


def test_where_no_thread_can_be_had_the_next_parcel_begins_both(sender, serve, monkeypatch):
    server = serve(polite)
    start = threading.Thread.start

    def full(thread):
        if thread.name == "outgoing":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", full)
    sender.send(parcel(request(server.url())))
    monkeypatch.undo()
    monkeypatch.setattr(outgoing, "attempting", attempting)
    sender.send()

    assert sender.ended()[0].exchanges == [200]


def test_closing_waits_for_what_is_on_its_way(sender, serve):
    def slow(peer):
        while True:
            peer.request()
            time.sleep(0.3)
            peer.answer()

    server = serve(slow)
    sender.send(parcel(request(server.url())))
    sender.ended()
    sender.send(parcel(request(server.url())))
    time.sleep(0.05)

    sender.outgoing.close()

    assert sender.results.get_nowait().exchanges == [200]


def test_a_transport_that_only_knows_how_to_wait_is_waited_for(monkeypatch):
    monkeypatch.setattr(outgoing, "attempting", attempting)

    class Slow:
        def perform(self, asked, *, files):
            time.sleep(0.05)
            return SimpleNamespace(status=299)

    sender = Sender(Slow())
    sender.send(*(parcel(request("x:")) for _ in range(8)))

    assert [one.exchanges for one in sender.ended(8)] == [[299]] * 8
    sender.outgoing.close()


def test_a_connection_that_cannot_be_watched_ends_one_attempt_and_no_thread(sender, serve):
    server = serve(polite)
    sender.send(parcel(request(server.url(), body=b"1")))
    sender.ended()
    selector = sender.outgoing._selector
    register, refusals = selector.register, [OSError(errno.ENOSPC, "too many watches")]

    def refuse_once(*given):
        if refusals:
            raise refusals.pop()
        return register(*given)

    selector.register = refuse_once
    sender.send(parcel(request(server.url(), body=b"2")))
    [unlucky] = sender.ended()
    sender.send(parcel(request(server.url(), body=b"3")))
    [next_one] = sender.ended()

    assert isinstance(unlucky.error, OutcomeUnknown)
    assert next_one.error is None
